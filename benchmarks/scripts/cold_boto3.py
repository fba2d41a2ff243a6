"""A cold start to the first backup's status with boto3."""

import sys
from typing import Any

import boto3

library: Any = boto3
rds = library.client("rds", region_name="us-east-1", endpoint_url=sys.argv[1])
print(rds.describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"][0]["Status"])
