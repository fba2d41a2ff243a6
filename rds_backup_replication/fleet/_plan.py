"""The plan: the actions that bring a fleet in line with its policy."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial
from uuid import uuid4

from .._models import DBInstanceAutomatedBackup, SourceInstance
from .._models._fields import MAX_TAGS, RESERVED_PREFIXES
from .._workflows.preflight import is_reserved
from .._workflows.reasons import could_not_be_checked
from ..exceptions import Difference
from ._credentials import Access
from ._destination import ACCOUNT_ERRORS
from ._organization import resolve_accounts
from ._parallel import OnProgress, map_in_order
from ._plan_records import CHANGES, Kind, ObservedState, Plan, PlannedAction
from ._policy import Policy, Rule
from ._records import Finding, FleetReason
from ._scan import InstanceView, ShardScan, region_of
from ._scan_guard import ScanGuard
from ._shards import Shard, create_shards
from ._states import drift_reason, quota_reason, replicates_elsewhere, state_of


def plan(
    policy: Policy,
    *,
    access: Access | None = None,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
    deadline: timedelta | None = None,
) -> Plan:
    """Plan the actions that bring a fleet in line with its policy; change nothing.

    The same fleet and policy always result in the same actions. ``model_dump_json`` and
    ``Plan.model_validate_json`` save and load a plan.

    Args:
        policy: The policy to plan for.
        access: The credentials and the endpoint to use.
        executor: The executor that plans, one task for each account and destination
            Region; threads of this process if omitted.
        on_progress: Called with the number of finished tasks and their total.
        deadline: The time after which no more requests are sent: what is then still
            missing becomes ``unknown``. A request in progress may take until the read
            timeout of ``access``.

    Returns:
        One action per instance, ordered by account, source Region and ARN, and a second one for
        each replication that a move leaves behind. An error in one account or Region becomes an
        action of kind ``unknown``.

    Raises:
        ValueError: The deadline is not positive.
    """
    guard = ScanGuard.starting_now(deadline)
    planned_at = datetime.now(timezone.utc)
    access, run_id = access or Access(), uuid4().hex
    policy_hash = policy.content_hash  # names of the organization's accounts are no part of it
    policy, findings = resolve_accounts(policy, access, run_id, guard)
    # While accounts or their names are unknown, another rule may apply to an instance.
    doubt = findings[0] if findings else None
    planned = map_in_order(
        partial(_plan_shard, now=planned_at, doubt=doubt),
        create_shards(policy, access, run_id, guard),
        executor,
        on_progress=on_progress,
        max_pending=None,
    )
    # Several shards may report the same failed Region; this keeps one action for the Region.
    actions: dict[tuple[str, ...], PlannedAction] = {}
    for part in planned:
        actions.update((action.sort_key(), action) for action in part.actions)
        findings += part.findings
    return Plan(
        planned_at=planned_at,
        policy_hash=policy_hash,
        accounts=tuple(sorted(account.id for account in policy.accounts)),
        actions=tuple(actions[key] for key in sorted(actions)),
        findings=tuple(dict.fromkeys(findings)),
    )


@dataclass(frozen=True)
class _ShardPlan:
    actions: list[PlannedAction]
    findings: list[Finding]


def _plan_shard(shard: Shard, now: datetime, doubt: Finding | None) -> _ShardPlan:
    scan = ShardScan(shard)
    views = sorted(filter(_may_need_action, scan.iter_views()), key=InstanceView.sort_key)
    kinds = [_kind_of(scan, view) for view in views]
    # Planned stops free no slots here, because RDS frees a slot minutes after the stop.
    free = max(shard.policy.replication_quota - scan.active_count, 0)
    starts = [index for index, (kind, _) in enumerate(kinds) if kind in ("start", "move")]
    starts.sort(key=lambda index: shard.policy.position_of(views[index].rule))
    for index in starts[free:]:
        kinds[index] = "over_quota", (quota_reason(shard),)
    actions: list[PlannedAction] = []
    for view, (kind, reasons) in zip(views, kinds, strict=True):
        if kind == "stop" and doubt is not None:
            actions.append(_action(scan, view, "unknown", [_of_finding(doubt)]))
            continue
        actions.append(_action(scan, view, kind, reasons))
        if kind == "unchanged" and view.rule and view.rule.replicate == "always":
            actions += _end_moves(scan, view, now)
    return _ShardPlan(actions, scan.findings())


def _of_finding(finding: Finding) -> FleetReason:
    return FleetReason(code="could_not_be_checked", message=finding.message, remedy=finding.remedy)


def _may_need_action(view: InstanceView) -> bool:
    """Return whether the plan has an action for a view.

    A backup alone, whose Region could not be listed, has no rule. An ignored instance is somebody
    else's.
    """
    if view.rule is not None:
        return view.rule.replicate != "ignore"
    return view.instance is not None or view.backup is None


def _action(
    scan: ShardScan, view: InstanceView, kind: Kind, reasons: Sequence[FleetReason]
) -> PlannedAction:
    instance = view.instance or SourceInstance()
    active = view.active_backup or DBInstanceAutomatedBackup()
    rule = view.rule
    starting = rule if kind in ("start", "replace", "move") else None
    # A replacement keeps the active backup's settings where the policy has none.
    return PlannedAction(
        kind=kind,
        account_id=scan.shard.account.id,
        source_region=view.source_region,
        destination_region=view.destination_region,
        source_db_instance_arn=instance.db_instance_arn,
        rule=rule.name if rule else None,
        backup_retention_period=(starting.backup_retention_period or active.backup_retention_period)
        if starting
        else None,
        kms_key_id=(scan.required_key(instance, starting) or active.kms_key_id)
        if starting
        else None,
        tags=(_tags(active, starting) or None) if starting else None,
        observed=_observed(instance, active) if kind in CHANGES else None,
        reasons=tuple(reasons),
    )


def _tags(active: DBInstanceAutomatedBackup, rule: Rule) -> dict[str, str]:
    """Return the rule's tags, and those of the active backup that a start may set."""
    kept = {tag.key: tag.value or "" for tag in active.tag_list or ()}
    return {
        key: value
        for key, value in {**kept, **rule.tags}.items()
        if not key.lower().startswith(RESERVED_PREFIXES)
        and not value.lower().startswith(RESERVED_PREFIXES)
    }


def _observed(instance: SourceInstance, active: DBInstanceAutomatedBackup) -> ObservedState:
    return ObservedState(
        dbi_resource_id=instance.dbi_resource_id,
        db_instance_automated_backups_arn=active.db_instance_automated_backups_arn,
        backup_retention_period=active.backup_retention_period,
        kms_key_id=active.kms_key_id,
    )


KindAndReasons = tuple[Kind, Sequence[FleetReason]]


def _kind_of(scan: ShardScan, view: InstanceView) -> KindAndReasons:
    """Return the action for an instance, and the reasons for the action."""
    rule, active = view.rule, view.active_backup
    if view.unknown is not None:
        return "unknown", [view.unknown]
    if rule is None:
        return "unmatched", []
    if rule.replicate == "never":
        return ("stop" if active else "unchanged"), []
    if active is not None:
        return _kind_for_drift(scan, view, scan.find_drift(view))
    return _kind_for_start(scan, view)


def _kind_for_start(scan: ShardScan, view: InstanceView) -> KindAndReasons:
    """Return the action for an instance without an active backup, and its reasons."""
    blockers = scan.find_blockers(view)
    if any(reason.code == "could_not_be_checked" for reason in blockers):
        return "unknown", blockers
    if blockers:
        return "impossible", blockers
    elsewhere = [replicates_elsewhere(arn) for arn in view.replications_elsewhere]
    return ("move" if elsewhere else "start"), [*scan.former_reasons(view), *elsewhere]


def _kind_for_drift(
    scan: ShardScan, view: InstanceView, differences: Sequence[Difference]
) -> KindAndReasons:
    """Return the action for an instance with an active backup, and the reasons for the action."""
    reasons = [drift_reason(difference) for difference in differences]
    if not differences:
        return "unchanged", []
    if any(difference.uncertainty for difference in differences):
        return "unknown", reasons
    settings = [d for d in differences if not d.parameter.startswith("tag ")]
    if not settings or any(difference.is_permanent for difference in settings):
        return "impossible", reasons
    # RDS would refuse the start after the stop, and the instance would be unprotected.
    obstacles = [*scan.find_blockers(view, for_replacement=True), *_tag_obstacles(view)]
    reasons += obstacles
    if any(reason.code == "could_not_be_checked" for reason in obstacles):
        return "unknown", reasons
    return ("impossible" if obstacles else "replace"), reasons


def _tag_obstacles(view: InstanceView) -> Iterator[FleetReason]:
    """Yield why RDS would refuse the tags of a replacement."""
    if view.rule and view.active_backup:
        count = len(_tags(view.active_backup, view.rule))
        if count > MAX_TAGS:
            yield FleetReason(
                code="too_many_tags",
                message=f"The backup would have {count} tags, but RDS allows {MAX_TAGS}.",
                remedy="Remove tags from the rule or from the backup.",
            )


def _end_moves(scan: ShardScan, view: InstanceView, now: datetime) -> Iterator[PlannedAction]:
    """Yield the stops of replications elsewhere, once the one here can be restored from."""
    if view.instance is None or view.rule is None or not view.replications_elsewhere:
        return
    state, reasons = state_of(scan, view, now)
    unanswered = [reason for reason in reasons if reason.code == "could_not_be_checked"]
    if state != "protected" and not unanswered:
        return
    for backup_arn in view.replications_elsewhere:
        former: DBInstanceAutomatedBackup | None = None
        questions = list(unanswered)
        try:
            former = scan.describe_elsewhere(backup_arn)
        except ACCOUNT_ERRORS as error:
            question = f"whether the replication to {region_of(backup_arn)} is active"
            reason = could_not_be_checked(question, error, region_of(backup_arn))
            questions.append(FleetReason.of(reason))
        else:
            if former is None or not former.is_active:
                continue  # the instance's list is older than the end of the replication
            if not _is_replaced(former, view.active_backup):
                continue  # somebody else's, and so unmanaged
        yield PlannedAction(
            kind="unknown" if questions else "stop",
            account_id=scan.shard.account.id,
            source_region=view.source_region,
            destination_region=region_of(backup_arn),
            moved_to=view.destination_region,
            maximum_lag=view.rule.maximum_lag,
            source_db_instance_arn=view.arn,
            rule=view.rule.name,
            observed=_observed(view.instance, former) if former else None,
            reasons=tuple(questions or [_MOVED]),
        )


def _is_replaced(
    former: DBInstanceAutomatedBackup, active: DBInstanceAutomatedBackup | None
) -> bool:
    """Return whether the active backup offers all that the former one does.

    A former backup with a longer retention or with tags of its own was not left behind by a move,
    but is somebody else's.
    """
    if active is None:
        return False
    days, kept = former.backup_retention_period, active.backup_retention_period
    tags = {(tag.key, tag.value or "") for tag in former.tag_list or () if not is_reserved(tag)}
    return (
        days is not None
        and kept is not None
        and days <= kept
        and tags <= {(tag.key, tag.value or "") for tag in active.tag_list or ()}
    )


_MOVED = FleetReason(
    code="moving",
    message="The rule's destination has a replication of the instance that can be restored from.",
    remedy="Applying the plan stops the replication elsewhere, which the policy does not ask for.",
)
