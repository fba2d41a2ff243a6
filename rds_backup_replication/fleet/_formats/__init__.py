"""An audit and a plan in formats for other programs and for pull requests."""
