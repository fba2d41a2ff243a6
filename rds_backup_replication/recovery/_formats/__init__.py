"""Recoveries, drills and readiness checks in formats for people and other programs."""
