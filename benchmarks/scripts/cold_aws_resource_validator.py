"""From nothing to the first backup's status, by aws-resource-validator around boto3."""

import sys
from importlib import import_module
from typing import Any

import boto3

library: Any = boto3
wrap = import_module("aws_resource_validator").wrap_client
rds = wrap(library.client("rds", region_name="us-east-1", endpoint_url=sys.argv[1]))
print(rds.describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"][0]["Status"])
