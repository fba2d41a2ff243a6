"""Models of requests, responses and results; some load when they are used.

Those are the models of a restore, and a DB instance with all its fields.
"""

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
    DBInstanceAutomatedBackup,
    DBInstanceAutomatedBackupsReplication,
    RestoreWindow,
    SourceInstance,
    SourceRegion,
    Tag,
)
from ._results import (
    ApiCall,
    CheckCode,
    CheckReason,
    CheckResult,
    EnsureResult,
    ReplacementPhase,
    ReplacementProgress,
)

__all__ = [
    "AdditionalStorageVolume",
    "ApiCall",
    "BackupStatus",
    "CheckCode",
    "CheckReason",
    "CheckResult",
    "DBInstanceAutomatedBackup",
    "DBInstanceAutomatedBackupsReplication",
    "DeleteDBInstanceAutomatedBackupRequest",
    "DescribeDBInstanceAutomatedBackupsRequest",
    "DescribeSourceRegionsRequest",
    "EnsureResult",
    "Filter",
    "FindRequest",
    "ReplaceRequest",
    "ReplacementPhase",
    "ReplacementProgress",
    "RequestModel",
    "ResponseModel",
    "RestoreWindow",
    "SourceInstance",
    "SourceRegion",
    "StartDBInstanceAutomatedBackupsReplicationRequest",
    "StartRequest",
    "StopDBInstanceAutomatedBackupsReplicationRequest",
    "StopRequest",
    "Tag",
    "TagsInput",
    "WaitRequest",
]
