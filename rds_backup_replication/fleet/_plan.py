"""What it takes to make a fleet as its policy wants it."""

from collections.abc import Sequence
from concurrent.futures import Executor
from datetime import datetime, timezone
from itertools import chain
from uuid import uuid4

from .._models import CheckReason, DBInstance, DBInstanceAutomatedBackup
from ..exceptions import Difference
from ._destination import Access
from ._policy import Policy
from ._records import CHANGES, Kind, ObservedState, Plan, PlannedAction
from ._scan import InstanceView, Shard, ShardScan, quota_reason, shards_of
from ._shards import OnProgress, in_order


def plan(
    policy: Policy,
    *,
    access: Access | None = None,
    executor: Executor | None = None,
    on_progress: OnProgress | None = None,
) -> Plan:
    """Finds out what would have to change, and changes nothing.

    Args:
        policy: What the fleet should be like.
        access: Whose credentials to use, and where AWS is.
        executor: Where to do the work, which is cut into one part for each account and
            destination; threads of this process if omitted.
        on_progress: Called with how many parts are done, and how many there are.

    Returns:
        One action per instance, ordered by account, source Region and ARN; of the same
        fleet, always the same. ``model_dump_json`` and ``model_validate_json`` keep it.
    """
    planned_at = datetime.now(timezone.utc)
    shards = shards_of(policy, access or Access(), uuid4().hex)
    planned = in_order(_plan_shard, shards, executor, on_progress=on_progress, ahead=None)
    # Of a Region that could not be listed, the first of several shards says so.
    actions = {action.order(): action for action in chain.from_iterable(planned)}
    return Plan(
        planned_at=planned_at,
        accounts=policy.accounts,
        actions=tuple(actions[order] for order in sorted(actions)),
    )


def _plan_shard(shard: Shard) -> list[PlannedAction]:
    survey = ShardScan(shard)
    sightings = sorted(survey.sightings(), key=InstanceView.order)
    actions = [_action(survey, sighting) for sighting in sightings]
    # A stop frees its slot some minutes later.
    slots = shard.policy.replication_quota - survey.live_count
    limited: list[PlannedAction] = []
    for action in actions:
        if action.kind == "start":
            slots -= 1
        if action.kind == "start" and slots < 0:
            over = {"kind": "over_quota", "reasons": (quota_reason(shard),)}
            limited.append(action.model_copy(update=over))
        else:
            limited.append(action)
    return limited


def _action(survey: ShardScan, sighting: InstanceView) -> PlannedAction:
    kind, reasons = _wanted(survey, sighting)
    instance = sighting.instance or DBInstance()
    live = sighting.live_backup or DBInstanceAutomatedBackup()
    rule = sighting.rule
    starting = rule if kind in ("start", "replace") else None
    # A replacement keeps what the policy leaves open.
    return PlannedAction(
        kind=kind,
        account_id=survey.shard.account.id,
        source_region=sighting.source_region,
        destination_region=sighting.destination_region,
        source_db_instance_arn=instance.db_instance_arn,
        rule=rule.name if rule else None,
        backup_retention_period=(starting.backup_retention_period or live.backup_retention_period)
        if starting
        else None,
        kms_key_id=(survey.wanted_key(instance, starting) or live.kms_key_id) if starting else None,
        tags=(starting.tags or None) if starting else None,
        observed=ObservedState(
            dbi_resource_id=instance.dbi_resource_id,
            db_instance_automated_backups_arn=live.db_instance_automated_backups_arn,
            backup_retention_period=live.backup_retention_period,
            kms_key_id=live.kms_key_id,
        )
        if kind in CHANGES
        else None,
        reasons=tuple(reasons),
    )


def _wanted(survey: ShardScan, sighting: InstanceView) -> tuple[Kind, Sequence[CheckReason]]:
    rule, live = sighting.rule, sighting.live_backup
    if sighting.unknown is not None:
        return "unknown", [sighting.unknown]
    if rule is None:
        return "unmatched", []
    if rule.replicate == "never":
        return ("stop" if live else "unchanged"), []
    if live is not None:
        has_copies = sighting.instance is not None and survey.has_copies(sighting.instance)
        return _wanted_of_live(survey.drift(sighting), has_copies=has_copies)
    obstacles = survey.obstacles(sighting)
    if any(reason.code == "could_not_be_checked" for reason in obstacles):
        return "unknown", obstacles
    return ("impossible" if obstacles else "start"), obstacles


def _wanted_of_live(
    differences: Sequence[Difference], *, has_copies: bool
) -> tuple[Kind, Sequence[CheckReason]]:
    reasons = [_drifted(difference) for difference in differences]
    if not differences:
        return "unchanged", []
    if any(difference.uncertainty for difference in differences):
        return "unknown", reasons
    if has_copies and any(difference.parameter == "kms_key_id" for difference in differences):
        return "impossible", reasons
    return "replace", reasons


def _drifted(difference: Difference) -> CheckReason:
    if difference.uncertainty:
        remedy = "Name the key by its ARN in the policy, or let the caller look aliases up."
    elif difference.parameter == "kms_key_id":
        remedy = (
            "RDS takes no other key while backups under the old one exist: stop it, delete the "
            "retained backups, and plan again."
        )
    else:
        remedy = "RDS cannot modify a replication: it is stopped and started anew."
    return CheckReason(code="drifted", message=f"{difference}.", remedy=remedy)
