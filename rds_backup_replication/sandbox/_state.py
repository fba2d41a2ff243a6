"""The sandbox's state beside moto's, and the conditions of a Describe request."""

import hashlib
import threading
from base64 import b32encode
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBInstance
from moto.utilities.utils import get_partition

from ._lifecycle import Behavior, ReplicatedBackup

_IDENTITY_PARAMETERS = ("DBInstanceAutomatedBackupsArn", "DbiResourceId", "DBInstanceIdentifier")
_FILTERS = {
    "db-instance-id": ("DBInstanceIdentifier", "DBInstanceArn"),
    "dbi-resource-id": ("DbiResourceId",),
    "status": ("Status",),
}
RESTORED_SETTINGS = (
    "allocated_storage",
    "backup_retention_period",
    "db_instance_class",
    "db_name",
    "engine",
    "engine_version",
    "iops",
    "license_model",
    "master_username",
    "port",
    "storage_encrypted",
    "storage_type",
)
"""Attributes of moto's DB instance that a restored instance inherits."""


def backup_facts(instance: DBInstance) -> dict[str, Any]:
    """Return the members that an automated backup copies from its DB instance."""
    return {
        "DBInstanceArn": instance.db_instance_arn,
        "DbiResourceId": instance.dbi_resource_id,
        "Region": instance.region,
        "DBInstanceIdentifier": instance.db_instance_identifier,
        "AllocatedStorage": instance.allocated_storage,
        "Port": instance.port,
        "InstanceCreateTime": instance.instance_create_time,
        "MasterUsername": instance.master_username,
        "Engine": instance.engine,
        "EngineVersion": instance.engine_version,
        "LicenseModel": instance.license_model,
        "Iops": instance.iops,
        "OptionGroupName": instance.option_group_name,
        "Encrypted": instance.storage_encrypted,
        "StorageEncryptionType": "sse-kms" if instance.storage_encrypted else "none",
        "StorageType": instance.storage_type,
        "IAMDatabaseAuthenticationEnabled": instance.enable_iam_database_authentication,
        "BackupRetentionPeriod": instance.backup_retention_period,
    }


def make_distinct(instance: DBInstance) -> None:
    """Give the instance a unique resource ID, because moto gives all instances the same one."""
    instance.dbi_resource_id = f"db-{b32encode(uuid4().bytes).decode().rstrip('=')}"


@dataclass(frozen=True)
class BackupQuery:
    """The conditions of a Describe request, all of which a backup must meet.

    Each condition maps names of response members to values. A backup meets the
    condition if one of these members has one of the values.
    """

    conditions: dict[tuple[str, ...], list[str]]

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> "BackupQuery":
        """Return the query for the parameters of a request.

        Raises:
            RDSClientError: A filter has an unknown name.
        """
        conditions: dict[tuple[str, ...], list[str]] = {
            (name,): [parameters[name]] for name in _IDENTITY_PARAMETERS if parameters.get(name)
        }
        filters: list[dict[str, Any]] = parameters.get("Filters") or []
        for condition in filters:
            name = condition["Name"]
            if name not in _FILTERS:
                raise RDSClientError(
                    "InvalidParameterValue", f"Sandbox: the filter {name!r} is not supported."
                )
            conditions[_FILTERS[name]] = condition["Values"]
        return cls(conditions)

    def matches_identity(self, record: dict[str, Any]) -> bool:
        """Return whether the backup meets all conditions except the one on its status."""
        return all(
            _has_any_value(record, members, values)
            for members, values in self.conditions.items()
            if members != _FILTERS["status"]
        )

    def matches_status(self, record: dict[str, Any]) -> bool:
        """Return whether the backup meets the condition on its status, if there is one."""
        values = self.conditions.get(_FILTERS["status"])
        return values is None or _has_any_value(record, _FILTERS["status"], values)


def _has_any_value(record: dict[str, Any], members: tuple[str, ...], values: list[str]) -> bool:
    """Return whether one of the members has one of the values, ignoring case."""
    folded = {value.lower() for value in values}
    return any(str(record[member]).lower() in folded for member in members)


class State:
    """The replicated backups, behavior and clock of one sandbox, and what moto has no place for.

    Request handlers hold ``lock`` while they use the state.
    """

    def __init__(self, behavior: Behavior) -> None:
        self.behavior = behavior
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Delete everything and reset the clock."""
        self.clock_offset = timedelta()
        # The next statuses of the instances restored from a replicated backup, by resource ID.
        # ``None`` is the end of a deletion.
        self.restored: dict[str, deque[str | None]] = {}
        # The automated backups of deleted instances, by account ID and Region.
        self.retained: dict[tuple[str, str], list[dict[str, Any]]] = {}
        # The addresses and ports that a test has set, by Region, instance and account ID.
        self.endpoints: dict[tuple[str, str, str | None], tuple[str, int]] = {}
        # By Region, instance class and zone, where ``None`` means all zones.
        self.unorderable: set[tuple[str, str, str | None]] = set()
        self._started = 0
        # The keys are account IDs and destination Regions.
        self._backups: dict[tuple[str, str], list[ReplicatedBackup]] = {}

    def now(self) -> datetime:
        """Return the sandbox's current time."""
        return datetime.now(timezone.utc) + self.clock_offset

    def kept_in(self, account_id: str, region: str) -> list[ReplicatedBackup]:
        """Return the backups that exist in a destination Region, and remove the deleted ones."""
        now = self.now()
        kept = [b for b in self._backups.get((account_id, region), []) if not b.is_gone(now)]
        self._backups[account_id, region] = kept
        return kept

    def backups_of(self, dbi_resource_id: str) -> list[ReplicatedBackup]:
        """Return the backups of a source instance in all destination Regions."""
        return [b for kept in self._backups.values() for b in kept if b.is_of(dbi_resource_id)]

    @property
    def busy_statuses(self) -> set[str]:
        """Return the statuses that a source leaves by itself."""
        stopping = {b.behavior.stopping_source_status for k in self._backups.values() for b in k}
        return {"modifying", self.behavior.stopping_source_status, *stopping}

    def start(
        self, account_id: str, region: str, facts: dict[str, Any], settings: dict[str, Any]
    ) -> ReplicatedBackup:
        """Start a replication and return its backup."""
        kept = self._backups.setdefault((account_id, region), [])
        if self.behavior.keeps_arn:
            number = 0
            kept[:] = [backup for backup in kept if not backup.is_of(facts["DbiResourceId"])]
        else:
            self._started += 1
            number = self._started
        digest = hashlib.sha256(f"{region} {number}".encode()).hexdigest()[:12]
        backup_id = f"ab-{facts['DbiResourceId'].removeprefix('db-').lower()}{digest}"
        arn = f"arn:{get_partition(region)}:rds:{region}:{account_id}:auto-backup:{backup_id}"
        backup = ReplicatedBackup(
            {**facts, "DBInstanceAutomatedBackupsArn": arn}, settings, self.behavior
        )
        kept.append(backup)
        return backup
