"""Backups that no record of an audit shows: unmanaged replications, and retained leftovers."""

from collections.abc import Iterable

from .._models import DBInstanceAutomatedBackup, RestoreWindow
from ._policy import Rule
from ._records import OtherBackup
from ._scan import InstanceView, ShardScan, region_of


def find_other_backups(scan: ShardScan, views: Iterable[InstanceView]) -> list[OtherBackup]:
    """Return the backups in the destination that no view shows, and replications elsewhere."""
    shown: set[str | None] = set()
    pending: set[str | None] = set()
    destinations = {rule.destination_region for rule in scan.shard.policy.rules}
    others: list[OtherBackup] = []
    for view in views:
        if view.backup is not None:
            shown.add(view.backup.db_instance_automated_backups_arn)
            if view.backup.is_pending:
                pending.add(view.backup.dbi_resource_id)
        others += [
            _elsewhere(scan, view, arn)
            for arn in view.replications_elsewhere
            if region_of(arn) not in destinations  # another shard lists those
        ]
    others += [
        _other(scan, backup, has_pending=backup.dbi_resource_id in pending)
        for backup in scan.listed
        if backup.db_instance_automated_backups_arn not in shown
    ]
    others.sort(key=lambda other: (other.source_region or "", other.db_instance_arn or ""))
    return others


def _other(scan: ShardScan, backup: DBInstanceAutomatedBackup, *, has_pending: bool) -> OtherBackup:
    window = backup.restore_window or RestoreWindow()
    return OtherBackup(
        kind="unmanaged" if backup.is_active else "retained",
        account_id=scan.shard.account.id,
        source_region=backup.region,
        destination_region=scan.shard.destination_region,
        db_instance_arn=backup.db_instance_arn,
        dbi_resource_id=backup.dbi_resource_id,
        db_instance_automated_backups_arn=backup.db_instance_automated_backups_arn,
        backup_status=backup.status and backup.status.lower(),
        earliest_time=window.earliest_time,
        latest_time=window.latest_time,
        backup_retention_period=backup.backup_retention_period,
        message=_NOTHING_ELSE if has_pending and backup.is_retained else _why(scan, backup),
    )


_NOTHING_ELSE = (
    "The new replication of the instance has copied nothing yet, so this may be the only backup "
    "that can be restored. Keep it."
)


def _why(scan: ShardScan, backup: DBInstanceAutomatedBackup) -> str:
    """Return why no record shows a backup."""
    key = (backup.dbi_resource_id or "").lower()
    if backup.region not in scan.source_regions:
        if scan.problems:
            return "It is not known which Regions the account has enabled."
        return f"No rule of this destination is about instances in {backup.region}."
    if backup.region in scan.failed_regions:
        return f"{backup.region} could not be listed."
    if key not in scan.rules_by_id:
        return "The instance no longer exists."
    rule = scan.rules_by_id[key]
    return _why_not_by_rule(rule, scan.shard.destination_region)


def _why_not_by_rule(rule: Rule | None, destination_region: str) -> str:
    if rule is None:
        return "No rule matches the instance."
    if rule.destination_region != destination_region:
        return f"The rule {rule.name} replicates the instance to {rule.destination_region}."
    return "The instance has a newer backup."


def _elsewhere(scan: ShardScan, view: InstanceView, backup_arn: str) -> OtherBackup:
    instance = view.instance
    return OtherBackup(
        kind="unmanaged",
        account_id=scan.shard.account.id,
        source_region=view.source_region,
        destination_region=region_of(backup_arn),
        db_instance_arn=view.arn,
        dbi_resource_id=instance.dbi_resource_id if instance else None,
        db_instance_automated_backups_arn=backup_arn,
        message=_why_not_by_rule(view.rule, region_of(backup_arn)),
    )
