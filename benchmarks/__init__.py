"""How fast this library is, as ratios to plain boto3: ``make bench``."""
