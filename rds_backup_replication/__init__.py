"""Typed client for replicating Amazon RDS automated backups to another Region."""

from importlib import import_module
from typing import TYPE_CHECKING

from ._version import __version__

if TYPE_CHECKING:
    from . import exceptions
    from ._check import CheckReason
    from ._client import BackupReplicationClient
    from ._ensure import EnsureResult
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

# All other names are models.
_HOMES = {
    "BackupReplicationClient": "_client",
    "CheckReason": "_check",
    "EnsureResult": "_ensure",
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
