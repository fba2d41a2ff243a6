"""Pydantic models of what goes to RDS and what comes back; they know no client.

A restore's are imported from ``_restore``, when they are used: they are many.
"""

from ._base import RequestModel, ResponseModel
from ._fields import TagsInput
from ._requests import (
    POLL_INTERVAL,
    WAIT_TIMEOUT,
    DeleteDBInstanceAutomatedBackupRequest,
    DescribeDBInstanceAutomatedBackupsRequest,
    DescribeSourceRegionsRequest,
    Filter,
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
from ._results import CheckCode, CheckReason, EnsureResult

__all__ = [
    "POLL_INTERVAL",
    "WAIT_TIMEOUT",
    "AdditionalStorageVolume",
    "BackupStatus",
    "CheckCode",
    "CheckReason",
    "DBInstance",
    "DBInstanceAutomatedBackup",
    "DBInstanceAutomatedBackupsReplication",
    "DeleteDBInstanceAutomatedBackupRequest",
    "DescribeDBInstanceAutomatedBackupsRequest",
    "DescribeSourceRegionsRequest",
    "Endpoint",
    "EnsureResult",
    "Filter",
    "RequestModel",
    "ResponseModel",
    "RestoreWindow",
    "SourceRegion",
    "StartDBInstanceAutomatedBackupsReplicationRequest",
    "StopDBInstanceAutomatedBackupsReplicationRequest",
    "Tag",
    "TagsInput",
    "WaitRequest",
]
