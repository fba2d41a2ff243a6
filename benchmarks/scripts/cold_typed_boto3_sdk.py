"""From nothing to the first backup's status, by typed-boto3-sdk."""

import sys
from importlib import import_module

library = import_module("typed_boto3")
models = import_module("aws_resource_validator.pydantic_models.rds.rds_classes")
config = library.ClientConfig(region=library.Region.US_EAST_1, endpoint_url=sys.argv[1])
rds = library.client(library.ServiceName.RDS, config)
answer = rds.describe_db_instance_automated_backups(
    models.DescribeDBInstanceAutomatedBackupsMessageTypeDef()
)
print(answer.DBInstanceAutomatedBackups[0].Status)
