"""Pydantic models of what goes to RDS and what comes back; they know no client."""

from ._base import RequestModel, ResponseModel
from ._requests import (
    DeleteDBInstanceAutomatedBackupRequest,
    DescribeDBInstanceAutomatedBackupsRequest,
    DescribeSourceRegionsRequest,
    Filter,
    StartDBInstanceAutomatedBackupsReplicationRequest,
    StopDBInstanceAutomatedBackupsReplicationRequest,
)
from ._responses import (
    AdditionalStorageVolume,
    BackupStatus,
    DBInstance,
    DBInstanceAutomatedBackup,
    DBInstanceAutomatedBackupsReplication,
    Endpoint,
    RestoreWindow,
    SourceRegion,
    Tag,
)
from ._restore import (
    ProcessorFeature,
    RestoreDBInstanceToPointInTimeRequest,
    RestoreOptions,
    TagsInput,
    TagSpecification,
)

__all__ = [
    "AdditionalStorageVolume",
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
    "RequestModel",
    "ResponseModel",
    "RestoreDBInstanceToPointInTimeRequest",
    "RestoreOptions",
    "RestoreWindow",
    "SourceRegion",
    "StartDBInstanceAutomatedBackupsReplicationRequest",
    "StopDBInstanceAutomatedBackupsReplicationRequest",
    "Tag",
    "TagSpecification",
    "TagsInput",
]
