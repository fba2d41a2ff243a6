"""The state of one instance, and the reasons for it."""

from datetime import datetime

from .._models import DBInstanceAutomatedBackup
from ..exceptions import Difference
from ._durations import format_duration
from ._policy import Rule
from ._records import FleetReason, State
from ._scan import InstanceView, ShardScan, region_of
from ._shards import Shard

StateAndReasons = tuple[State, tuple[FleetReason, ...]]


def state_of(scan: ShardScan, view: InstanceView, now: datetime) -> StateAndReasons:
    """Return the instance's state, and the reasons for the state."""
    rule = view.rule
    if rule is not None and rule.replicate == "ignore":
        return "ignored", ()
    if view.unknown is not None:
        return "unknown", (view.unknown,)
    if rule is None:
        return "unmatched", ()
    if rule.replicate == "never":
        return "excluded", (_REPLICATES_ALTHOUGH_EXCLUDED,) * (view.active_backup is not None)
    return _state_of_replicated(scan, view, rule, now)


def _state_of_replicated(
    scan: ShardScan, view: InstanceView, rule: Rule, now: datetime
) -> StateAndReasons:
    """Return the state of an instance that its rule replicates."""
    backup = view.backup
    elsewhere = tuple(map(replicates_elsewhere, view.replications_elsewhere))
    if view.active_backup is not None:
        state, reasons = _state_of_active(scan, view, view.active_backup, rule, now)
        return state, (*reasons, *elsewhere)
    found = (*scan.find_blockers(view), *scan.former_reasons(view), *elsewhere)
    if backup is not None and backup.is_retained:
        return "stopped", (_STOPPED, *found)
    return "unprotected", (_NOT_REPLICATING, *found)


def _state_of_active(
    scan: ShardScan,
    view: InstanceView,
    active: DBInstanceAutomatedBackup,
    rule: Rule,
    now: datetime,
) -> StateAndReasons:
    """Return the state of an instance with an active backup: the most urgent that applies."""
    if not (active.is_pending or active.is_replicating):
        message = f"The backup has status {active.status}, which this version does not recognize."
        reason = FleetReason(code="could_not_be_checked", message=message, remedy=_NEW_STATUS)
        return "unknown", (reason,)
    risks, drift = scan.find_risks(view), scan.find_drift(view)
    lagging = () if active.is_pending else _find_lag(active, rule, now)
    reasons = (*risks, *lagging, *map(drift_reason, drift))
    if any(reason.code != "could_not_be_checked" for reason in risks):
        return "at_risk", reasons
    if lagging:
        return "lagging", reasons
    if any(not difference.uncertainty for difference in drift):
        return "drifted", reasons
    # The policy or a restore may depend on what nobody answered.
    if drift or scan.is_key_unchecked(view):
        return "unknown", reasons
    return "starting" if active.is_pending else "protected", reasons


def _find_lag(
    active: DBInstanceAutomatedBackup, rule: Rule, now: datetime
) -> tuple[FleetReason, ...]:
    """Return the reason for a lag that exceeds the rule's maximum, if it does."""
    lag = active.lag(now)
    if lag is not None and lag <= rule.maximum_lag:
        return ()
    found = "has nothing to restore yet" if lag is None else f"lags by {format_duration(lag)}"
    message = f"The backup {found}; the rule allows a lag of {format_duration(rule.maximum_lag)}."
    return (FleetReason(code="lagging", message=message, remedy=_LAGGING),)


def drift_reason(difference: Difference) -> FleetReason:
    """Return the reason for one setting that is not as the policy says."""
    if difference.uncertainty:
        remedy = "Name the key by its ARN in the policy, or allow the caller kms:DescribeKey."
    elif difference.parameter.startswith("tag "):
        remedy = (
            "Only a start sets tags, and a plan stops no replication for a tag. Add the tag to the "
            "backup with AWS's own tools, or change the policy."
        )
    elif difference.is_permanent:
        remedy = (
            "RDS accepts no other key while backups under the old key exist. Keep the old key in "
            "the policy, or protect the instance in another destination first: stopping this "
            "replication and deleting its backups leaves nothing to restore until the first new "
            "snapshot is copied."
        )
    else:
        remedy = "RDS cannot modify a replication, so applying a plan stops and restarts it."
    requested = f"the policy says {difference.requested!r}"
    message = f"{difference.parameter} is {difference.actual!r}, but {requested}."
    if difference.actual is None and difference.parameter.startswith("tag "):
        message = f"The backup has no {difference.parameter}, but {requested}."
    if difference.uncertainty:
        message = f"{message.removesuffix('.')} (possibly the same: {difference.uncertainty})."
    return FleetReason(code="drifted", message=message, remedy=remedy)


def replicates_elsewhere(backup_arn: str) -> FleetReason:
    """Return the reason for a replication to another Region than the rule's destination."""
    return FleetReason(
        code="replicates_elsewhere",
        message=f"The instance also replicates to {region_of(backup_arn)}, as {backup_arn}.",
        remedy=(
            "If the rule's destination has changed, plans move the replication: they stop this one "
            "when the new one can be restored from."
        ),
    )


def quota_reason(shard: Shard) -> FleetReason:
    """Return the reason for an instance beyond the destination's quota."""
    quota = shard.policy.replication_quota
    return FleetReason(
        code="over_quota",
        message=(
            f"The quota of {quota} replicated backups in {shard.destination_region} has no room "
            "for this instance."
        ),
        remedy=(
            "Have AWS raise the quota and set replication_quota in the policy, choose another "
            "destination, or stop replications that nobody needs and plan again after they end."
        ),
    )


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
_REPLICATES_ALTHOUGH_EXCLUDED = FleetReason(
    code="replicates_although_excluded",
    message="The instance replicates, although its rule says never.",
    remedy="Apply a plan to stop the replication, or change the rule.",
)
_LAGGING = (
    "Check the KMS keys in both Regions and the source's own automated backups. A restart of the "
    "replication begins with a new snapshot, so restart it only if nothing else helps."
)
_NEW_STATUS = "Upgrade this library, or find the status in the RDS documentation."
