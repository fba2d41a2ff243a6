"""The commands. Each reads its options, calls the public API and prints the result."""
