"""The audit: how each instance of a fleet is protected."""

from collections import Counter
from collections.abc import Collection, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial
from uuid import uuid4

from .._models import DBInstanceAutomatedBackup, RestoreWindow, SourceInstance
from ..exceptions import BackupReplicationError
from ._credentials import Access
from ._organization import resolve_accounts
from ._parallel import MAX_PENDING, OnProgress, map_in_order
from ._policy import Acceptance, Policy
from ._records import (
    HEALTHY,
    AuditRecord,
    AuditReport,
    Finding,
    FleetReason,
    Headroom,
    OtherBackup,
)
from ._rule_findings import find_rule_problems
from ._scan import InstanceView, ShardScan
from ._scan_guard import ScanGuard
from ._shards import Shard, create_shards
from ._states import StateAndReasons, quota_reason, state_of
from ._unmanaged import find_other_backups


def iter_audit(
    policy: Policy,
    *,
    access: Access | None = None,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
    now: datetime | None = None,
    accounts: Collection[str] | None = None,
    deadline: timedelta | None = None,
) -> Iterator[AuditRecord]:
    """Audit a fleet and yield the records as they become available.

    An error in one account or Region becomes a record in state ``unknown``. Memory use does
    not grow with the size of the fleet. Only ``audit`` has the findings about rules and about
    backups that no rule asks for, which depend on the whole fleet.

    Args:
        policy: The policy to audit against.
        access: The credentials and the endpoint to use.
        executor: The executor that runs the audit, one task for each account and
            destination Region; threads of this process if omitted.
        on_progress: Called with the number of finished tasks and their total.
        now: The time to measure lags at, with a time zone; the current time if omitted.
        accounts: IDs of the accounts to audit; all accounts of the policy if omitted.
        deadline: The time after which no more requests are sent: what is then still
            missing becomes ``unknown``. A request in progress may take until the read
            timeout of ``access``.

    Yields:
        One record per instance, ordered by account and destination Region.

    Raises:
        BackupReplicationError: The accounts of the organization, or the names of accounts that
            rules use, are not all known.
        ValueError: ``now`` has no time zone, the deadline is not positive, or the policy does
            not have one of ``accounts``.
    """
    guard = ScanGuard.starting_now(deadline)
    now = _aware(now)
    access, run_id = access or Access(), uuid4().hex
    policy, findings = resolve_accounts(policy, access, run_id, guard)
    if findings:  # the records could not tell that accounts are missing
        raise BackupReplicationError(" ".join(finding.message for finding in findings))
    policy = _restrict(policy, accounts)
    shards = create_shards(policy, access, run_id, guard)
    audited = _audit_shards(shards, executor, on_progress, now, max_pending=MAX_PENDING)
    return (record for part in audited for record in part.records)


def audit(
    policy: Policy,
    *,
    access: Access | None = None,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
    now: datetime | None = None,
    accounts: Collection[str] | None = None,
    deadline: timedelta | None = None,
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
        accounts: IDs of the accounts to audit; all accounts of the policy if omitted. A part of
            the accounts has no findings about rules, which may match instances in the others.
        deadline: The time after which no more requests are sent: what is then still
            missing becomes ``unknown``. A request in progress may take until the read
            timeout of ``access``.

    Returns:
        All records, ordered by account, source Region and ARN.

    Raises:
        ValueError: ``now`` has no time zone, the deadline is not positive, or the policy does
            not have one of ``accounts``.
    """
    guard = ScanGuard.starting_now(deadline)
    now = _aware(now)
    access, run_id = access or Access(), uuid4().hex
    policy, findings = resolve_accounts(policy, access, run_id, guard)
    policy = _restrict(policy, accounts)
    shards = create_shards(policy, access, run_id, guard)
    parts = list(_audit_shards(shards, executor, on_progress, now, max_pending=None))
    matches: Counter[str] = Counter({rule.name: 0 for rule in policy.rules})
    taken: Counter[tuple[str, str]] = Counter()
    for part in parts:
        matches.update(part.matches)
        taken.update(part.taken)
        findings += part.findings
    if accounts is None:
        incomplete = frozenset[str]().union(*(part.incomplete for part in parts))
        findings += find_rule_problems(policy, matches, taken, incomplete)
    return AuditReport(
        audited_at=now,
        accounts=tuple(sorted(account.id for account in policy.accounts)),
        rules=policy.rules,
        records=tuple(
            sorted((record for part in parts for record in part.records), key=AuditRecord.sort_key)
        ),
        findings=tuple(dict.fromkeys(findings)),
        unmanaged=tuple(b for part in parts for b in part.others if b.kind == "unmanaged"),
        retained=tuple(b for part in parts for b in part.others if b.kind == "retained"),
        headroom=tuple(part.headroom for part in parts if part.headroom is not None),
        matches=dict(matches),
        is_partial=accounts is not None,
    )


def _aware(now: datetime | None) -> datetime:
    """Return ``now``, or the current time if ``None``; raise if the time zone is missing."""
    if now is not None and now.utcoffset() is None:
        raise ValueError("now= must have a time zone")
    return now or datetime.now(timezone.utc)


class UnknownAccountError(ValueError):
    """An account to audit does not belong to the fleet."""


def _restrict(policy: Policy, accounts: Collection[str] | None) -> Policy:
    """Return the policy with these accounts only; with all of its accounts for ``None``."""
    if accounts is None:
        return policy
    unknown = set(accounts) - {account.id for account in policy.accounts}
    if unknown:
        raise UnknownAccountError(f"the fleet has no account {', '.join(sorted(unknown))}")
    kept = tuple(account for account in policy.accounts if account.id in accounts)
    return policy.model_copy(update={"accounts": kept})


@dataclass(frozen=True)
class _ShardAudit:
    """What the audit of one shard found."""

    records: list[AuditRecord]
    others: list[OtherBackup]
    headroom: Headroom | None
    findings: list[Finding]
    matches: Counter[str]
    taken: Counter[tuple[str, str]]
    incomplete: frozenset[str]
    """Names of the rules whose source Regions were not all listed."""


def _audit_shards(
    shards: list[Shard],
    executor: Executor | None,
    on_progress: OnProgress | None,
    now: datetime,
    *,
    max_pending: int | None,
) -> Iterator[_ShardAudit]:
    audited = map_in_order(
        partial(_audit_shard, now=now),
        shards,
        executor,
        on_progress=on_progress,
        max_pending=max_pending,
    )
    not_listed: set[tuple[str, str]] = set()
    for part in audited:
        for record in tuple(part.records):
            if record.db_instance_arn is None:
                # The shards of an account are independent, so each reports the failed Region.
                region = record.account_id, record.source_region
                if region in not_listed:
                    part.records.remove(record)
                not_listed.add(region)
        yield part


def _audit_shard(shard: Shard, now: datetime) -> _ShardAudit:
    scan = ShardScan(shard)
    views = sorted(scan.iter_views(), key=InstanceView.sort_key)
    states = [state_of(scan, view, now) for view in views]
    over_quota = _find_over_quota(scan, views, states)
    findings = scan.findings()
    records: list[AuditRecord] = []
    for index, (view, (state, found)) in enumerate(zip(views, states, strict=True)):
        reasons = (*found, quota_reason(shard)) if index in over_quota else found
        acceptance = None if state in HEALTHY else _find_acceptance(shard, view, reasons)
        if acceptance is not None and acceptance.until < now.astimezone(timezone.utc).date():
            findings.append(_expired(acceptance))
            acceptance = None
        records.append(_record(shard, view, (state, reasons), acceptance, now))
    return _ShardAudit(
        records=records,
        others=find_other_backups(scan, views) if scan.is_listed else [],
        headroom=_headroom(scan) if scan.is_listed else None,
        findings=findings,
        matches=scan.matches,
        taken=scan.taken,
        incomplete=frozenset(
            rule.name
            for rule in shard.policy.rules
            if any(map(rule.covers_region, scan.failed_regions))
            or (scan.problems and rule.source_regions == "enabled")
        ),
    )


# RDS may refuse a start for other reasons, and then the instance needs no room in the quota.
_NO_BLOCKERS = {
    "backup_of_former_instance",
    "not_replicating",
    "replicates_elsewhere",
    "stopped",
}


def _find_over_quota(
    scan: ShardScan, views: list[InstanceView], states: list[StateAndReasons]
) -> set[int]:
    """Return the indexes of the views for which the quota has no room.

    The rules' order decides which instances get the places, and then the instances' order.
    """
    policy = scan.shard.policy
    startable = [
        index
        for index, (state, reasons) in enumerate(states)
        if state in ("stopped", "unprotected")
        and all(reason.code in _NO_BLOCKERS for reason in reasons)
    ]
    startable.sort(key=lambda index: policy.position_of(views[index].rule))
    free = max(policy.replication_quota - scan.active_count, 0)
    return set(startable[free:])


def _find_acceptance(
    shard: Shard, view: InstanceView, reasons: tuple[FleetReason, ...]
) -> Acceptance | None:
    """Return the acceptance of an instance's problem that lasts longest, if there is one."""
    if view.instance is None:
        return None
    codes = {reason.code for reason in reasons}
    causes = codes - _NO_BLOCKERS or codes
    found = [
        acceptance
        for acceptance in shard.policy.accepted
        if acceptance.select.matches(view.instance)
        and shard.policy.names_account(acceptance.accounts, shard.account.id)
        and (not acceptance.codes or causes <= set(acceptance.codes))
    ]
    return max(found, key=lambda acceptance: acceptance.until, default=None)


def _expired(acceptance: Acceptance) -> Finding:
    return Finding(
        code="acceptance_expired",
        message=(
            f'The acceptance "{acceptance.reason}" ended on {acceptance.until}, and the problem '
            "is still there."
        ),
        remedy="Solve the problem, or set a later end in the policy.",
    )


def _headroom(scan: ShardScan) -> Headroom:
    return Headroom(
        account_id=scan.shard.account.id,
        destination_region=scan.shard.destination_region,
        quota=scan.shard.policy.replication_quota,
        used=scan.active_count,
    )


def _record(
    shard: Shard,
    view: InstanceView,
    state_and_reasons: StateAndReasons,
    acceptance: Acceptance | None,
    now: datetime,
) -> AuditRecord:
    state, reasons = state_and_reasons
    backup = view.backup or DBInstanceAutomatedBackup()
    instance = view.instance or SourceInstance()
    described = view.instance or backup  # a Region that does not answer has only backups
    window = backup.restore_window or RestoreWindow()
    rule = view.rule
    tags = None if view.backup is None else backup.tag_list or ()
    return AuditRecord(
        account_id=shard.account.id,
        source_region=view.source_region,
        destination_region=view.destination_region,
        db_instance_arn=described.db_instance_arn,
        db_instance_identifier=described.db_instance_identifier,
        engine=described.engine,
        rule=rule.name if rule else None,
        state=state,
        accepted_until=acceptance.until if acceptance else None,
        accepted_reason=acceptance.reason if acceptance else None,
        dbi_resource_id=described.dbi_resource_id,
        db_instance_status=instance.db_instance_status,
        db_instance_automated_backups_arn=backup.db_instance_automated_backups_arn,
        backup_status=backup.status and backup.status.lower(),
        backup_retention_period=backup.backup_retention_period,
        kms_key_id=backup.kms_key_id,
        tags=None if tags is None else {tag.key: tag.value or "" for tag in tags},
        earliest_time=window.earliest_time,
        latest_time=window.latest_time,
        lag=backup.lag(now),
        maximum_lag=rule.maximum_lag if rule else None,
        reasons=reasons,
    )
