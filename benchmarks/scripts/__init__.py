"""The processes in which things are measured."""
