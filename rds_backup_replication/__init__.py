"""Typed client for replicating Amazon RDS automated backups to another Region."""

from typing import TYPE_CHECKING

from ._lazy_imports import lazy_names
from ._version import __version__

if TYPE_CHECKING:
    from . import exceptions
    from ._api_call import ApiCall
    from ._client import BackupReplicationClient
    from ._models import (
        AdditionalStorageVolume,
        BackupStatus,
        CheckReason,
        CheckResult,
        DBInstance,
        DBInstanceAutomatedBackup,
        DBInstanceAutomatedBackupsReplication,
        DeleteDBInstanceAutomatedBackupRequest,
        DescribeDBInstanceAutomatedBackupsRequest,
        DescribeSourceRegionsRequest,
        Endpoint,
        EnsureResult,
        Filter,
        ReplacementProgress,
        RestoreWindow,
        SourceRegion,
        StartDBInstanceAutomatedBackupsReplicationRequest,
        StopDBInstanceAutomatedBackupsReplicationRequest,
        Tag,
    )
    from ._models._restore import (
        ProcessorFeature,
        RestoreDBInstanceToPointInTimeRequest,
        RestoreOptions,
        TagSpecification,
    )

__all__ = [
    "AdditionalStorageVolume",
    "ApiCall",
    "BackupReplicationClient",
    "BackupStatus",
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
    "ProcessorFeature",
    "ReplacementProgress",
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

# All other names are in _models.
_HOMES = {
    "ApiCall": "_api_call",
    "BackupReplicationClient": "_client",
    "ProcessorFeature": "_models._restore",
    "RestoreDBInstanceToPointInTimeRequest": "_models._restore",
    "RestoreOptions": "_models._restore",
    "TagSpecification": "_models._restore",
    "exceptions": "exceptions",
}

if not TYPE_CHECKING:  # with it, type checkers would take any name for one of ours
    __getattr__, __dir__ = lazy_names(__name__, __all__, _HOMES, "_models")
