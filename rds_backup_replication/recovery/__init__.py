"""Recovery from replicated backups: capture, readiness, recovery and drills."""
