"""Models of requests, responses and results; those of a restore load when they are used."""

from ._base import RequestModel, ResponseModel
from ._fields import TagsInput
from ._requests import (
    DeleteDBInstanceAutomatedBackupRequest,
    DescribeDBInstanceAutomatedBackupsRequest,
    DescribeSourceRegionsRequest,
    Filter,
    FindRequest,
    ReplaceRequest,
    StartDBInstanceAutomatedBackupsReplicationRequest,
    StartRequest,
    StopDBInstanceAutomatedBackupsReplicationRequest,
    StopRequest,
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
from ._results import (
    CheckCode,
    CheckReason,
    CheckResult,
    EnsureResult,
    ReplacementPhase,
    ReplacementProgress,
)

__all__ = [
    "AdditionalStorageVolume",
    "BackupStatus",
    "CheckCode",
    "CheckReason",
    "CheckResult",
    "DBInstance",
    "DBInstanceAutomatedBackup",
    "DBInstanceAutomatedBackupsReplication",
    "DeleteDBInstanceAutomatedBackupRequest",
    "DescribeDBInstanceAutomatedBackupsRequest",
    "DescribeSourceRegionsRequest",
    "Endpoint",
    "EnsureResult",
    "Filter",
    "FindRequest",
    "ReplaceRequest",
    "ReplacementPhase",
    "ReplacementProgress",
    "RequestModel",
    "ResponseModel",
    "RestoreWindow",
    "SourceRegion",
    "StartDBInstanceAutomatedBackupsReplicationRequest",
    "StartRequest",
    "StopDBInstanceAutomatedBackupsReplicationRequest",
    "StopRequest",
    "Tag",
    "TagsInput",
    "WaitRequest",
]
