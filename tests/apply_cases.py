"""Instances of a fleet, and plans made by hand, for the tests of apply."""

from datetime import datetime, timezone

from rds_backup_replication.fleet import ObservedState, Plan, PlannedAction, Policy
from rds_backup_replication.fleet._plan_records import Kind

from .fleets import ACCOUNTS, Fleet

ACCOUNT = "123456789012"


def add_instances(fleet: Fleet, count: int, accounts: tuple[str, ...] = ACCOUNTS) -> list[str]:
    """Add instances to one Region of each account; return their ARNs."""
    return [fleet.add(a, "us-west-2", f"db-{n:02}") for a in accounts for n in range(count)]


def action(
    kind: Kind,
    name: str,
    *,
    account_id: str = ACCOUNT,
    days: int = 14,
    kms_key_id: str | None = None,
    moved_to: str | None = None,
) -> PlannedAction:
    """Return an action to us-east-1 for an instance in us-west-2."""
    return PlannedAction(
        kind=kind,
        account_id=account_id,
        source_region="us-west-2",
        destination_region="us-east-1",
        moved_to=moved_to,
        source_db_instance_arn=f"arn:aws:rds:us-west-2:{account_id}:db:{name}",
        rule="production",
        backup_retention_period=days,
        kms_key_id=kms_key_id,
        observed=ObservedState(dbi_resource_id=f"db-{name.upper()}"),
    )


def replacement(name: str, *, days: int = 14, kms_key_id: str | None = None) -> PlannedAction:
    """Return a replacement."""
    return action("replace", name, days=days, kms_key_id=kms_key_id)


def stop(name: str, *, moved_to: str | None = None) -> PlannedAction:
    """Return a stop."""
    return action("stop", name, moved_to=moved_to)


def make_plan(policy: Policy, *actions: PlannedAction, planned_at: datetime | None = None) -> Plan:
    """Return a plan of the policy, from now if no time is given."""
    return Plan(
        planned_at=planned_at or datetime.now(timezone.utc),
        policy_hash=policy.content_hash,
        accounts=tuple(sorted({each.account_id for each in actions})),
        actions=actions,
    )
