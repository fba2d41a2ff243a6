"""Typed client for replicating Amazon RDS automated backups to another Region."""

from . import exceptions
from ._client import BackupReplicationClient
from ._models import (
    AdditionalStorageVolume,
    BackupStatus,
    DBInstance,
    DBInstanceAutomatedBackup,
    DBInstanceAutomatedBackupsReplication,
    DeleteDBInstanceAutomatedBackupRequest,
    DescribeDBInstanceAutomatedBackupsRequest,
    DescribeSourceRegionsRequest,
    Endpoint,
    Filter,
    ProcessorFeature,
    RestoreDBInstanceToPointInTimeRequest,
    RestoreOptions,
    RestoreWindow,
    SourceRegion,
    StartDBInstanceAutomatedBackupsReplicationRequest,
    StopDBInstanceAutomatedBackupsReplicationRequest,
    Tag,
    TagSpecification,
)
from ._version import __version__

__all__ = [
    "AdditionalStorageVolume",
    "BackupReplicationClient",
    "BackupStatus",
    "DBInstance",
    "DBInstanceAutomatedBackup",
    "DBInstanceAutomatedBackupsReplication",
    "DeleteDBInstanceAutomatedBackupRequest",
    "DescribeDBInstanceAutomatedBackupsRequest",
    "DescribeSourceRegionsRequest",
    "Endpoint",
    "Filter",
    "ProcessorFeature",
    "RestoreDBInstanceToPointInTimeRequest",
    "RestoreOptions",
    "RestoreWindow",
    "SourceRegion",
    "StartDBInstanceAutomatedBackupsReplicationRequest",
    "StopDBInstanceAutomatedBackupsReplicationRequest",
    "Tag",
    "TagSpecification",
    "__version__",
    "exceptions",
]
