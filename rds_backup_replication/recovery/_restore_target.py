"""What a restore makes, and the backup that it takes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore import xform_name

from .._context import Context
from .._models import DBInstanceAutomatedBackup
from .._models._restore import RestoreDBInstanceToPointInTimeRequest
from .._restore import RESTORE
from .._workflows.lookup import is_same_id
from ._access import Place, place_of
from ._book import BookEntry
from ._journal import Key
from ._records import Outcome, RestoredInstance
from ._settings import InstanceSettings, restore_keywords


class RestoreError(Exception):
    """The restore of an instance cannot go on; the text says why and what to do."""


@dataclass(frozen=True)
class Target:
    """What a restore makes."""

    entry: BookEntry
    identifier: str
    settings: InstanceSettings
    restore_time: datetime | None
    """The moment to restore; ``None``: the latest one."""

    @property
    def key(self) -> Key:
        """Return the key of the new instance."""
        return self.entry.account_id, self.entry.destination_region, self.identifier.lower()

    @property
    def place(self) -> Place:
        """Return the account and the Region of the new instance."""
        return place_of(self.entry)

    def record(self, outcome: Outcome, **facts: Any) -> RestoredInstance:
        """Return the record of the new instance."""
        entry = self.entry
        return RestoredInstance(
            account_id=entry.account_id,
            source_region=entry.source_region,
            destination_region=entry.destination_region,
            tier=entry.tier,
            db_instance_arn=entry.db_instance_arn,
            db_instance_identifier=entry.db_instance_identifier,
            target_db_instance_identifier=self.identifier,
            old_endpoint=entry.endpoint,
            old_port=entry.source.port,
            not_restored=entry.not_restored,
            outcome=outcome,
            **facts,
        )


def recovery_networks(entries: Iterable[BookEntry]) -> dict[Place, set[str]]:
    """Return the DB subnet groups and security groups of recoveries, in lower case, by place."""
    networks: dict[Place, set[str]] = {}
    for entry in entries:
        target = entry.target
        names = target.db_subnet_group_name, *(target.vpc_security_group_ids or ())
        networks.setdefault(place_of(entry), set()).update(name.lower() for name in names if name)
    return networks


def find_shared_network(entry: BookEntry, networks: Mapping[Place, set[str]]) -> list[str]:
    """Return the groups of a drill that recoveries use, too, each as a noun phrase.

    What one rule of a policy uses for drills, another rule may use for recoveries.

    Args:
        entry: The entry that is drilled.
        networks: The groups of recoveries, from ``recovery_networks``.
    """
    used = networks.get(place_of(entry), set())
    subnet_group = entry.drill.db_subnet_group_name or ""
    shared = sorted(id_ for id_ in entry.drill.vpc_security_group_ids if id_.lower() in used)
    return [f"the DB subnet group {subnet_group}"] * (subnet_group.lower() in used) + shared


def drill_settings(entry: BookEntry) -> InstanceSettings:
    """Return the settings of a drill's instance: those of the recovery in the drill's network."""
    drill, target = entry.drill, entry.target
    has_other_class = drill.db_instance_class not in (None, target.db_instance_class)
    changes = {
        "db_subnet_group_name": drill.db_subnet_group_name or target.db_subnet_group_name,
        "vpc_security_group_ids": drill.vpc_security_group_ids or target.vpc_security_group_ids,
        "db_instance_class": drill.db_instance_class or target.db_instance_class,
        "backup_retention_period": 0,
        "deletion_protection": False,
        # RDS would create a log group for each drill's name, which nothing would delete.
        "enable_cloudwatch_logs_exports": (),
        "manage_master_user_password": None,
        "master_user_secret_kms_key_id": None,
        # Enhanced monitoring would leave a log stream, and needs a role to pass.
        "monitoring_interval": None,
        "monitoring_role_arn": None,
        "multi_az": False,
        "preferred_backup_window": None,
        "processor_features": None if has_other_class else target.processor_features,
        "publicly_accessible": False,
        "tags": None,
    }
    return target.model_copy(update=changes)


def build_restore(
    context: Context,
    target: Target,
    backup: DBInstanceAutomatedBackup,
    run_tags: dict[str, str],
) -> RestoreDBInstanceToPointInTimeRequest:
    """Return the request that restores a backup, with the tags of the run added.

    What an older boto3 cannot send is left out, and set after the restore.
    """
    at, tags = target.restore_time, target.settings.tags or {}
    shape = context.client.meta.service_model.operation_model(RESTORE.name).input_shape
    known: set[str] = {xform_name(member) for member in shape.members} if shape else set()
    settings = restore_keywords(target.settings)
    return RESTORE.build_request(
        context.destination,
        source_db_instance_automated_backups_arn=backup.db_instance_automated_backups_arn,
        target_db_instance_identifier=target.identifier,
        **({"use_latest_restorable_time": True} if at is None else {"restore_time": at}),
        **{name: value for name, value in settings.items() if name in known and name != "tags"},
        tags={**tags, **run_tags},
    )


def find_backup(
    listed: Iterable[DBInstanceAutomatedBackup], target: Target
) -> DBInstanceAutomatedBackup:
    """Return the backup to restore: of this very instance, and with the moment asked for.

    Args:
        listed: The backups in the destination.
        target: What to restore.

    Raises:
        RestoreError: There is none, or the instance would get the default security group of the
            VPC.
    """
    entry, at = target.entry, target.restore_time
    if entry.source.vpc_security_group_ids and not target.settings.vpc_security_group_ids:
        raise RestoreError(
            f"The book has no security group in {entry.destination_region} for this instance, so "
            "it would get the default group of the VPC. Set recovery.security_group_ids in the "
            "policy, and retarget the book."
        )
    own = _backups_of(entry, listed)
    backup = choose_backup(entry, own, at)
    if backup is None:
        raise RestoreError(
            f"{entry.destination_region} has no backup of {entry.db_instance_identifier} "
            f"({entry.dbi_resource_id}). Restore this instance from another copy."
        )
    if not _is_restorable(backup):
        raise RestoreError(
            f"RDS shows no restorable time of the backup in {entry.destination_region}. Wait "
            "until the first snapshot has been copied, and run this again."
        )
    if at is not None and not contains(backup, at):
        windows = ", ".join(window_of(each) for each in own if _is_restorable(each))
        raise RestoreError(
            f"{at.isoformat()} cannot be restored: the backup has {windows}. Choose a time "
            "in between."
        )
    return backup


def choose_backup(
    entry: BookEntry, backups: Iterable[DBInstanceAutomatedBackup], at: datetime | None = None
) -> DBInstanceAutomatedBackup | None:
    """Return the backup from which an entry is restored, by the resource ID alone.

    A backup that has the moment to restore comes before one without, one that has a restorable
    time before one without, an active backup before a retained one, and then the one with the
    latest time.
    """

    def rank(backup: DBInstanceAutomatedBackup) -> tuple[bool, bool, bool, float]:
        is_restorable = _is_restorable(backup)
        return (
            at is not None and contains(backup, at),
            is_restorable,
            backup.is_active,
            latest_time(backup).timestamp() if is_restorable else 0.0,
        )

    return max(_backups_of(entry, backups), key=rank, default=None)


def _backups_of(
    entry: BookEntry, backups: Iterable[DBInstanceAutomatedBackup]
) -> list[DBInstanceAutomatedBackup]:
    """Return the backups of an entry that RDS does not delete."""
    return [
        backup
        for backup in backups
        if is_same_id(backup.dbi_resource_id, entry.dbi_resource_id)
        and (backup.is_active or backup.is_retained)
    ]


def _is_restorable(backup: DBInstanceAutomatedBackup) -> bool:
    return backup.restore_window is not None and backup.restore_window.latest_time is not None


def require_timezone(at: datetime | None) -> None:
    """Raise a ``ValueError`` if the moment to restore has no timezone."""
    if at is not None and at.tzinfo is None:
        raise ValueError("at= must have a timezone, such as timezone.utc")


def latest_time(backup: DBInstanceAutomatedBackup) -> datetime:
    """Return the latest restorable time of a backup that has one."""
    window = backup.restore_window
    assert window is not None and window.latest_time is not None  # noqa: S101, PT018  # filtered
    return window.latest_time


def contains(backup: DBInstanceAutomatedBackup, at: datetime) -> bool:
    """Return whether a backup can be restored to a moment."""
    window = backup.restore_window
    if window is None or window.latest_time is None:
        return False
    return (window.earliest_time is None or window.earliest_time <= at) and at <= window.latest_time


def window_of(backup: DBInstanceAutomatedBackup) -> str:
    """Return the times between which a backup can be restored, in words."""
    latest = latest_time(backup).isoformat()
    earliest = backup.restore_window and backup.restore_window.earliest_time
    return f"{earliest.isoformat()} to {latest}" if earliest else f"all times until {latest}"
