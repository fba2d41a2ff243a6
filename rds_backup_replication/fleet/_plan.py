"""The plan: the actions that bring a fleet in line with its policy."""

from collections.abc import Sequence
from concurrent.futures import Executor
from datetime import datetime, timezone
from itertools import chain
from uuid import uuid4

from .._models import DBInstanceAutomatedBackup, SourceInstance
from ..exceptions import Difference
from ._credentials import Access
from ._parallel import OnProgress, map_in_order
from ._plan_records import CHANGES, Kind, ObservedState, Plan, PlannedAction
from ._policy import Policy
from ._records import FleetReason
from ._scan import InstanceView, Shard, ShardScan, create_shards, quota_reason


def plan(
    policy: Policy,
    *,
    access: Access | None = None,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
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

    Returns:
        One action per instance, ordered by account, source Region and ARN. An error in
        one account or Region becomes an action of kind ``unknown``.
    """
    planned_at = datetime.now(timezone.utc)
    shards = create_shards(policy, access or Access(), uuid4().hex)
    planned = map_in_order(_plan_shard, shards, executor, on_progress=on_progress, max_pending=None)
    # Several shards may report the same failed Region; this keeps one action for the Region.
    actions = {action.sort_key(): action for action in chain.from_iterable(planned)}
    return Plan(
        planned_at=planned_at,
        policy_hash=policy.content_hash,
        accounts=tuple(sorted(account.id for account in policy.accounts)),
        actions=tuple(actions[key] for key in sorted(actions)),
    )


def _plan_shard(shard: Shard) -> list[PlannedAction]:
    scan = ShardScan(shard)
    views = sorted(scan.iter_views(), key=InstanceView.sort_key)
    actions = [_action(scan, view) for view in views]
    # Planned stops free no slots here, because RDS frees a slot minutes after the stop.
    slots = shard.policy.replication_quota - scan.active_count
    limited: list[PlannedAction] = []
    for action in actions:
        if action.kind == "start":
            slots -= 1
        if action.kind == "start" and slots < 0:
            update = {"kind": "over_quota", "reasons": (quota_reason(shard),)}
            limited.append(action.model_copy(update=update))
        else:
            limited.append(action)
    return limited


def _action(scan: ShardScan, view: InstanceView) -> PlannedAction:
    kind, reasons = _kind_of(scan, view)
    instance = view.instance or SourceInstance()
    active = view.active_backup or DBInstanceAutomatedBackup()
    rule = view.rule
    starting = rule if kind in ("start", "replace") else None
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
        tags=(starting.tags or None) if starting else None,
        observed=ObservedState(
            dbi_resource_id=instance.dbi_resource_id,
            db_instance_automated_backups_arn=active.db_instance_automated_backups_arn,
            backup_retention_period=active.backup_retention_period,
            kms_key_id=active.kms_key_id,
        )
        if kind in CHANGES
        else None,
        reasons=tuple(reasons),
    )


def _kind_of(scan: ShardScan, view: InstanceView) -> tuple[Kind, Sequence[FleetReason]]:
    """Return the action for an instance, and the reasons for the action."""
    rule, active = view.rule, view.active_backup
    if view.unknown is not None:
        return "unknown", [view.unknown]
    if rule is None:
        return "unmatched", []
    if rule.replicate == "never":
        return ("stop" if active else "unchanged"), []
    if active is not None:
        return _kind_for_drift(scan.find_drift(view))
    blockers = scan.find_blockers(view)
    if any(reason.code == "could_not_be_checked" for reason in blockers):
        return "unknown", blockers
    return ("impossible" if blockers else "start"), blockers


def _kind_for_drift(
    differences: Sequence[Difference],
) -> tuple[Kind, Sequence[FleetReason]]:
    """Return the action for an instance with an active backup, and the reasons for the action."""
    reasons = [_drifted(difference) for difference in differences]
    if not differences:
        return "unchanged", []
    if any(difference.uncertainty for difference in differences):
        return "unknown", reasons
    if any(difference.is_permanent for difference in differences):
        return "impossible", reasons
    return "replace", reasons


def _drifted(difference: Difference) -> FleetReason:
    """Return the reason for one drifted setting."""
    if difference.uncertainty:
        remedy = "Name the key by its ARN in the policy, or allow the caller kms:DescribeKey."
    elif difference.is_permanent:
        remedy = (
            "RDS does not accept another key while backups under the old key exist. Stop the "
            "replication, delete the retained backups, and plan again."
        )
    else:
        remedy = "RDS cannot modify a replication, so applying the plan stops and restarts it."
    return FleetReason(code="drifted", message=f"{difference}.", remedy=remedy)
