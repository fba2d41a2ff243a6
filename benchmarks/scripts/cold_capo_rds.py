"""A cold start to the first backup's status with capo-rds."""

import sys
from importlib import import_module

rds = import_module("capo_rds").RDSClient(region="us-east-1", endpoint=sys.argv[1])
print(rds.describe_db_instance_automated_backups()["db_instance_automated_backups"][0]["status"])
