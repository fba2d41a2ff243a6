"""A cold start to the first backup's status with this library."""

import sys

from rds_backup_replication import BackupReplicationClient

client = BackupReplicationClient(region_name="us-east-1", endpoint_url=sys.argv[1])
print(next(client.describe_db_instance_automated_backups()).status)
