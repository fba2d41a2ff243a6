"""The audit: how each instance of a fleet is protected."""

from collections.abc import Iterator
from concurrent.futures import Executor
from datetime import datetime, timezone
from functools import partial
from itertools import chain
from uuid import uuid4

from .._models import (
    DBInstanceAutomatedBackup,
    RestoreWindow,
    SourceInstance,
)
from ._credentials import Access
from ._durations import format_duration
from ._parallel import MAX_PENDING, OnProgress, map_in_order
from ._policy import Policy, Rule
from ._records import AuditRecord, AuditReport, FleetReason, State
from ._scan import InstanceView, Shard, ShardScan, create_shards, quota_reason


def iter_audit(
    policy: Policy,
    *,
    access: Access | None = None,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
    now: datetime | None = None,
) -> Iterator[AuditRecord]:
    """Audit a fleet and yield the records as they become available.

    An error in one account or Region becomes a record in state ``unknown``. Memory use does
    not grow with the size of the fleet.

    Args:
        policy: The policy to audit against.
        access: The credentials and the endpoint to use.
        executor: The executor that runs the audit, one task for each account and
            destination Region; threads of this process if omitted.
        on_progress: Called with the number of finished tasks and their total.
        now: The time to measure lags at, with a time zone; the current time if omitted.

    Yields:
        One record per instance, ordered by account and destination Region.

    Raises:
        ValueError: ``now`` has no time zone.
    """
    now = _aware(now)
    return _iter_records(policy, access, executor, on_progress, now, max_pending=MAX_PENDING)


def audit(
    policy: Policy,
    *,
    access: Access | None = None,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
    now: datetime | None = None,
) -> AuditReport:
    """Audit a fleet and return the complete report.

    An error in one account or Region becomes a record in state ``unknown``.

    Args:
        policy: The policy to audit against.
        access: The credentials and the endpoint to use.
        executor: The executor that runs the audit, one task for each account and
            destination Region; threads of this process if omitted.
        on_progress: Called with the number of finished tasks and their total.
        now: The time to measure lags at, with a time zone; the current time if omitted.

    Returns:
        All records, ordered by account, source Region and ARN.

    Raises:
        ValueError: ``now`` has no time zone.
    """
    now = _aware(now)
    records = _iter_records(policy, access, executor, on_progress, now, max_pending=None)
    return AuditReport(
        audited_at=now,
        accounts=tuple(sorted(account.id for account in policy.accounts)),
        rules=policy.rules,
        records=tuple(sorted(records, key=AuditRecord.sort_key)),
    )


def _aware(now: datetime | None) -> datetime:
    """Return ``now``, or the current time if ``None``; raise if the time zone is missing."""
    if now is not None and now.utcoffset() is None:
        raise ValueError("now= must have a time zone")
    return now or datetime.now(timezone.utc)


def _iter_records(
    policy: Policy,
    access: Access | None,
    executor: Executor | None,
    on_progress: OnProgress | None,
    now: datetime,
    *,
    max_pending: int | None,
) -> Iterator[AuditRecord]:
    shards = create_shards(policy, access or Access(), uuid4().hex)
    audited = map_in_order(
        partial(_audit_shard, now=now),
        shards,
        executor,
        on_progress=on_progress,
        max_pending=max_pending,
    )
    not_listed: set[tuple[str, str]] = set()
    for record in chain.from_iterable(audited):
        if record.db_instance_arn is None:
            # The shards of an account are independent, so each reports the failed Region.
            region = record.account_id, record.source_region
            if region in not_listed:
                continue
            not_listed.add(region)
        yield record


def _audit_shard(shard: Shard, now: datetime) -> list[AuditRecord]:
    scan = ShardScan(shard)
    # Sorted, so that the quota always excludes the same instances.
    views = sorted(scan.iter_views(), key=InstanceView.sort_key)
    slots = shard.policy.replication_quota - scan.active_count
    records: list[AuditRecord] = []
    for view in views:
        state, reasons = _state_of(scan, view, now)
        if state in ("stopped", "unprotected") and not any(r.code in _BLOCKERS for r in reasons):
            slots -= 1
            if slots < 0:
                reasons = (*reasons, quota_reason(shard))
        records.append(_record(shard, view, state, reasons, now))
    return records


def _state_of(
    scan: ShardScan, view: InstanceView, now: datetime
) -> tuple[State, tuple[FleetReason, ...]]:
    """Return the instance's state, and the reasons for the state."""
    rule, backup, active = view.rule, view.backup, view.active_backup
    if rule is not None and rule.replicate == "never":
        return "excluded", ()
    if view.unknown is not None:
        return "unknown", (view.unknown,)
    if rule is None:
        return "unmatched", ()
    if active is not None:
        return _state_of_active(active, rule, now)
    blockers = scan.find_blockers(view)
    if backup is not None and backup.is_retained:
        return "stopped", (_STOPPED, *blockers)
    return "unprotected", (_NOT_REPLICATING, *blockers)


def _state_of_active(
    active: DBInstanceAutomatedBackup, rule: Rule, now: datetime
) -> tuple[State, tuple[FleetReason, ...]]:
    """Return the state of an instance with an active backup, and the reasons for the state."""
    if active.is_pending:
        return "starting", ()
    if not active.is_replicating:
        message = f"The backup has status {active.status}, which this version does not recognize."
        reason = FleetReason(code="could_not_be_checked", message=message, remedy=_NEW_STATUS)
        return "unknown", (reason,)
    lag = active.lag(now)
    if lag is not None and lag <= rule.maximum_lag:
        return "protected", ()
    found = "has nothing to restore yet" if lag is None else f"lags by {format_duration(lag)}"
    message = f"The backup {found}; the rule allows a lag of {format_duration(rule.maximum_lag)}."
    return "lagging", (FleetReason(code="lagging", message=message, remedy=_LAGGING),)


_STOPPED = FleetReason(
    code="stopped",
    message="The replication has ended, and only retained backups are left.",
    remedy="Apply a plan to restart the replication. RDS does not resume a replication by itself.",
)
_NOT_REPLICATING = FleetReason(
    code="not_replicating",
    message="The instance does not replicate.",
    remedy="Apply a plan to start the replication.",
)
_LAGGING = (
    "Check the KMS keys in both Regions and the source's own automated backups. If the lag "
    "remains, stop and restart the replication."
)
_NEW_STATUS = "Upgrade this library, or find the status in the RDS documentation."
# RDS would refuse a start for these reasons, so the instance needs no room in the quota.
_BLOCKERS = {
    "backups_off",
    "cluster_not_supported",
    "could_not_be_checked",
    "engine_not_supported",
    "instance_not_available",
    "kms_key_required",
    "region_pair_not_supported",
    "retained_with_another_key",
}


def _record(
    shard: Shard,
    view: InstanceView,
    state: State,
    reasons: tuple[FleetReason, ...],
    now: datetime,
) -> AuditRecord:
    instance = view.instance or SourceInstance()
    backup = view.backup or DBInstanceAutomatedBackup()
    window = backup.restore_window or RestoreWindow()
    rule = view.rule
    return AuditRecord(
        account_id=shard.account.id,
        source_region=view.source_region,
        destination_region=view.destination_region,
        db_instance_arn=instance.db_instance_arn,
        db_instance_identifier=instance.db_instance_identifier,
        engine=instance.engine,
        rule=rule.name if rule else None,
        state=state,
        db_instance_automated_backups_arn=backup.db_instance_automated_backups_arn,
        earliest_time=window.earliest_time,
        latest_time=window.latest_time,
        lag=backup.lag(now),
        maximum_lag=rule.maximum_lag if rule else None,
        reasons=reasons,
    )
