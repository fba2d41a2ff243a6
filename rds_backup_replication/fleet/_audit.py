"""Whether a fleet would survive the loss of a Region."""

from collections.abc import Iterator
from concurrent.futures import Executor
from datetime import datetime, timezone
from functools import partial
from itertools import chain
from uuid import uuid4

from .._durations import format_duration
from .._models import (
    BackupStatus,
    CheckReason,
    DBInstance,
    DBInstanceAutomatedBackup,
    RestoreWindow,
)
from ._destination import Access
from ._policy import Policy, Rule
from ._records import AuditRecord, AuditReport, State
from ._scan import InstanceView, Shard, ShardScan, quota_reason, shards_of
from ._shards import AHEAD, OnProgress, in_order


def iter_audit(
    policy: Policy,
    *,
    access: Access | None = None,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
    now: datetime | None = None,
) -> Iterator[AuditRecord]:
    """Looks at every instance of a fleet, and tells of each as soon as it can.

    However large the fleet, no more of it is in memory than what is being looked at.

    Args:
        policy: What the fleet should be like.
        access: Whose credentials to use, and where AWS is.
        executor: Where to do the work, which is cut into one part for each account and
            destination; threads of this process if omitted.
        on_progress: Called with how many parts are done, and how many there are.
        now: What a lag is measured by; the present if omitted.

    Yields:
        A record per instance, ordered by account and destination. What could not be
        found out, as an account denied access, is a record too, and no exception.

    Raises:
        ValueError: ``now`` has no time zone.
    """
    now = _aware(now)
    return _audited(policy, access, executor, on_progress, now, ahead=AHEAD)


def audit(
    policy: Policy,
    *,
    access: Access | None = None,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
    now: datetime | None = None,
) -> AuditReport:
    """Looks at every instance of a fleet, and reports when all are done.

    Args:
        policy: What the fleet should be like.
        access: Whose credentials to use, and where AWS is.
        executor: Where to do the work, as for ``iter_audit``.
        on_progress: Called with how many parts are done, and how many there are.
        now: What a lag is measured by; the present if omitted.

    Returns:
        All records, ordered by account, source Region and ARN.

    Raises:
        ValueError: ``now`` has no time zone.
    """
    now = _aware(now)
    records = _audited(policy, access, executor, on_progress, now, ahead=None)
    return AuditReport(
        audited_at=now,
        accounts=tuple(sorted(account.id for account in policy.accounts)),
        rules=policy.rules,
        records=tuple(sorted(records, key=AuditRecord.order)),
    )


def _aware(now: datetime | None) -> datetime:
    if now is not None and now.utcoffset() is None:
        raise ValueError("now= must have a time zone")
    return now or datetime.now(timezone.utc)


def _audited(
    policy: Policy,
    access: Access | None,
    executor: Executor | None,
    on_progress: OnProgress | None,
    now: datetime,
    *,
    ahead: int | None,
) -> Iterator[AuditRecord]:
    shards = shards_of(policy, access or Access(), uuid4().hex)
    audited = in_order(
        partial(_audit_shard, now=now), shards, executor, on_progress=on_progress, ahead=ahead
    )
    not_listed: set[tuple[str, str]] = set()
    for record in chain.from_iterable(audited):
        if record.db_instance_arn is None:
            # Several destinations are looked after by themselves, and each has tried.
            region = record.account_id, record.source_region
            if region in not_listed:
                continue
            not_listed.add(region)
        yield record


def _audit_shard(shard: Shard, now: datetime) -> list[AuditRecord]:
    survey = ShardScan(shard)
    # In order, so that it is always the same ones that the quota leaves out.
    sightings = sorted(survey.sightings(), key=InstanceView.order)
    slots = shard.policy.replication_quota - survey.live_count
    records: list[AuditRecord] = []
    for sighting in sightings:
        state, reasons = _state_of(survey, sighting, now)
        if state in ("stopped", "unprotected") and not any(r.code in _BLOCKING for r in reasons):
            slots -= 1
            if slots < 0:
                reasons = (*reasons, quota_reason(shard))
        records.append(_record(shard, sighting, state, reasons, now))
    return records


def _state_of(
    survey: ShardScan, sighting: InstanceView, now: datetime
) -> tuple[State, tuple[CheckReason, ...]]:
    rule, backup, live = sighting.rule, sighting.backup, sighting.live_backup
    if rule is not None and rule.replicate == "never":
        return "excluded", ()
    if sighting.unknown is not None:
        return "unknown", (sighting.unknown,)
    if rule is None:
        return "unmatched", ()
    if live is not None:
        return _state_of_live(live, rule, now)
    obstacles = survey.obstacles(sighting)
    if backup is not None and backup.is_retained:
        return "stopped", (_STOPPED, *obstacles)
    return "unprotected", (_NOT_REPLICATING, *obstacles)


def _state_of_live(
    live: DBInstanceAutomatedBackup, rule: Rule, now: datetime
) -> tuple[State, tuple[CheckReason, ...]]:
    if live.status == BackupStatus.PENDING:
        return "starting", ()
    if not live.is_replicating:
        message = f"Its backup is {live.status}, which this version does not know."
        reason = CheckReason(code="could_not_be_checked", message=message, remedy=_NEWER)
        return "unknown", (reason,)
    lag = live.lag(now)
    if lag is not None and lag <= rule.maximum_lag:
        return "protected", ()
    behind = "has nothing to restore" if lag is None else f"is {format_duration(lag)} behind"
    message = f"Its backup {behind}; {format_duration(rule.maximum_lag)} is allowed."
    return "lagging", (CheckReason(code="lagging", message=message, remedy=_LAGGING),)


_STOPPED = CheckReason(
    code="stopped",
    message="Its replication has ended, and only retained backups are left.",
    remedy="Start it again, by a plan that is applied; RDS does not resume it.",
)
_NOT_REPLICATING = CheckReason(
    code="not_replicating",
    message="It does not replicate.",
    remedy="Start it, by a plan that is applied.",
)
_LAGGING = (
    "Look at the KMS keys in both Regions and at the source's own backups; if it stays behind, "
    "stop it and start it anew."
)
_NEWER = "Update this library, or look the status up in RDS's documentation."
# What says why a start would be refused, and so takes up no slot.
_BLOCKING = {
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
    sighting: InstanceView,
    state: State,
    reasons: tuple[CheckReason, ...],
    now: datetime,
) -> AuditRecord:
    instance = sighting.instance or DBInstance()
    backup = sighting.backup or DBInstanceAutomatedBackup()
    window = backup.restore_window or RestoreWindow()
    rule = sighting.rule
    return AuditRecord(
        account_id=shard.account.id,
        source_region=sighting.source_region,
        destination_region=sighting.destination_region,
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
