"""Benchmarks of this library against plain boto3; ``make bench`` runs them."""
