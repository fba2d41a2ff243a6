"""What the sandbox remembers: the replicated backups, and how a listing asks for them."""

import hashlib
import threading
from base64 import b32encode
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
"""Attributes of moto's instance that a restored one takes over."""


def facts_of(instance: DBInstance) -> dict[str, Any]:
    """What an automated backup says of its instance, under AWS's names."""
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
    """Gives the instance a resource ID of its own: moto's is the same for all."""
    instance.dbi_resource_id = f"db-{b32encode(uuid4().bytes).decode().rstrip('=')}"


@dataclass(frozen=True)
class Wanted:
    """What a Describe asks for: record members, one of which must have one of the values."""

    conditions: dict[tuple[str, ...], list[str]]

    @classmethod
    def by(cls, parameters: Mapping[str, Any]) -> "Wanted":
        """What a request's parameters ask for."""
        conditions: dict[tuple[str, ...], list[str]] = {
            (name,): [parameters[name]] for name in _IDENTITY_PARAMETERS if parameters.get(name)
        }
        filters: list[dict[str, Any]] = parameters.get("Filters") or []
        for asked in filters:
            if asked["Name"] not in _FILTERS:
                raise RDSClientError(
                    "InvalidParameterValue", f"Sandbox: there is no filter {asked['Name']!r}."
                )
            conditions[_FILTERS[asked["Name"]]] = asked["Values"]
        return cls(conditions)

    def by_identity(self, record: dict[str, Any]) -> bool:
        return all(
            _has_one_of(record, members, values)
            for members, values in self.conditions.items()
            if members != _FILTERS["status"]
        )

    def by_status(self, record: dict[str, Any]) -> bool:
        values = self.conditions.get(_FILTERS["status"])
        return values is None or _has_one_of(record, _FILTERS["status"], values)


def _has_one_of(record: dict[str, Any], members: tuple[str, ...], values: list[str]) -> bool:
    folded = {value.lower() for value in values}
    return any(str(record[member]).lower() in folded for member in members)


class State:
    """All replicated backups of one sandbox, and its clock."""

    def __init__(self, behavior: Behavior) -> None:
        self.behavior = behavior
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        self.clock_offset = timedelta()
        self._started = 0
        # By account and destination Region.
        self._backups: dict[tuple[str, str], list[ReplicatedBackup]] = {}

    def now(self) -> datetime:
        return datetime.now(timezone.utc) + self.clock_offset

    def kept_in(self, account_id: str, region: str) -> list[ReplicatedBackup]:
        """The backups that a Region keeps, those that are gone swept away."""
        now = self.now()
        kept = [b for b in self._backups.get((account_id, region), []) if not b.is_gone(now)]
        self._backups[account_id, region] = kept
        return kept

    def of_source(self, source_arn: str) -> list[ReplicatedBackup]:
        return [b for kept in self._backups.values() for b in kept if b.source_arn == source_arn]

    def start(
        self, account_id: str, region: str, facts: dict[str, Any], settings: dict[str, Any]
    ) -> ReplicatedBackup:
        """Adds a replication; its ARN differs from that of any before it."""
        self._started += 1
        digest = hashlib.sha256(f"{region} {self._started}".encode()).hexdigest()[:12]
        backup_id = f"ab-{facts['DbiResourceId'].removeprefix('db-').lower()}{digest}"
        arn = f"arn:{get_partition(region)}:rds:{region}:{account_id}:auto-backup:{backup_id}"
        backup = ReplicatedBackup(
            {**facts, "DBInstanceAutomatedBackupsArn": arn}, settings, self.behavior
        )
        self._backups.setdefault((account_id, region), []).append(backup)
        return backup
