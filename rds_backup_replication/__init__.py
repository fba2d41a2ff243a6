"""Typed client for replicating Amazon RDS automated backups to another Region."""

from importlib import import_module
from typing import TYPE_CHECKING

from ._version import __version__

if TYPE_CHECKING:
    from . import exceptions
    from ._client import BackupReplicationClient
    from ._models import (
        AdditionalStorageVolume,
        BackupStatus,
        CheckReason,
        DBInstance,
        DBInstanceAutomatedBackup,
        DBInstanceAutomatedBackupsReplication,
        DeleteDBInstanceAutomatedBackupRequest,
        DescribeDBInstanceAutomatedBackupsRequest,
        DescribeSourceRegionsRequest,
        Endpoint,
        EnsureResult,
        Filter,
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
    "BackupReplicationClient",
    "BackupStatus",
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

# All other names are in _models.
_HOMES = {
    "BackupReplicationClient": "_client",
    "ProcessorFeature": "_models._restore",
    "RestoreDBInstanceToPointInTimeRequest": "_models._restore",
    "RestoreOptions": "_models._restore",
    "TagSpecification": "_models._restore",
}

if not TYPE_CHECKING:  # with it, type checkers would take any name for one of ours

    def __getattr__(name: str) -> object:
        """Imports a public name's module when the name is first used."""
        if name == "exceptions":
            return import_module(f"{__name__}.exceptions")
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOMES.get(name, '_models')}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return __all__
