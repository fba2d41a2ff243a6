"""Pydantic models of what goes to RDS and what comes back; they know no client."""

from ._base import RequestModel, ResponseModel
from ._requests import (
    POLL_INTERVAL,
    WAIT_TIMEOUT,
    DeleteDBInstanceAutomatedBackupRequest,
    DescribeDBInstanceAutomatedBackupsRequest,
    DescribeSourceRegionsRequest,
    Filter,
    SourceRequest,
    StartDBInstanceAutomatedBackupsReplicationRequest,
    StopDBInstanceAutomatedBackupsReplicationRequest,
    WaitRequest,
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
    "POLL_INTERVAL",
    "WAIT_TIMEOUT",
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
    "SourceRequest",
    "StartDBInstanceAutomatedBackupsReplicationRequest",
    "StopDBInstanceAutomatedBackupsReplicationRequest",
    "Tag",
    "TagSpecification",
    "TagsInput",
    "WaitRequest",
]
