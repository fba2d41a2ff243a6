"""Attacks on a fleet: edited plans, somebody else's backups, and audits that look away."""

from pathlib import Path
from typing import Any

import pytest
from moto.backends import get_backend

from rds_backup_replication.exceptions import PlanRefusedError
from rds_backup_replication.fleet import Access, Plan, Policy, apply, audit, plan, resume
from rds_backup_replication.fleet._journal import Journal
from rds_backup_replication.sandbox import Behavior
from rds_backup_replication.testing import instant_waits

from .fleets import DESTINATION, ONE, Fleet, policy

pytestmark = pytest.mark.once

(ACCOUNT,) = ONE
SOURCE = "us-west-2"
ELSEWHERE = "eu-central-1"


def replicate(fleet: Fleet, name: str, region: str = DESTINATION, **settings: Any) -> str:
    """Add an instance unless it exists, and replicate it; return its ARN."""
    fleet.sandbox.behavior = Behavior(pending_looks=0, stopping_looks=0)
    arn = f"arn:aws:rds:{SOURCE}:{ACCOUNT}:db:{name}"
    if name not in get_backend("rds")[ACCOUNT][SOURCE].databases:
        fleet.add(ACCOUNT, SOURCE, name)
    client = fleet.client(ACCOUNT, region)
    settings = {"backup_retention_period": 14, **settings}
    client.ensure_replication(source_db_instance_arn=arn, **settings)
    list(client.describe_db_instance_automated_backups())
    return arn


def edited(planned: Plan, **changes: Any) -> Plan:
    """Return the plan with its only change edited, as by an editor."""
    (action,) = planned.changes
    return planned.model_copy(update={"actions": (action.model_copy(update=changes),)})


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "stop"},
        {"kind": "stop", "moved_to": DESTINATION},
        {"kind": "stop", "moved_to": ELSEWHERE},
        {"backup_retention_period": 1},
        {"rule": "another"},
        {"destination_region": ELSEWHERE},
        {"tags": {}, "rule": None},
    ],
)
def test_edited_plan_is_refused(fleet: Fleet, changes: dict[str, Any]) -> None:
    """The policy's rules must ask for each change, so an editor cannot add an uncounted stop."""
    replicate(fleet, "orders", backup_retention_period=7)
    planned = plan(policy(ONE), access=fleet.access)
    assert planned.counts == {"replace": 1}
    fleet.writes.clear()
    with pytest.raises((PlanRefusedError, ValueError)):
        apply(edited(planned, **changes), policy(ONE), access=fleet.access)
    assert not fleet.writes


def test_stop_of_a_move_is_refused_if_something_changes(fleet: Fleet) -> None:
    """Right before a stop, apply looks once more at all that makes the new backup a risk."""
    arn = replicate(fleet, "orders", ELSEWHERE)
    replicate(fleet, "orders")
    planned = plan(policy(ONE), access=fleet.access)
    assert planned.counts == {"unchanged": 1, "stop": 1}
    assert planned.stops == ()
    source = get_backend("rds")[ACCOUNT][SOURCE].databases["orders"]
    source.backup_retention_period = 0
    report = apply(planned, policy(ONE), access=fleet.access)
    assert report.counts == {"refused": 1}
    assert "automated backups of the instance are disabled" in str(report.results[0].message)
    source.backup_retention_period = 7
    assert apply(planned, policy(ONE), access=fleet.access).counts == {"done": 1}
    assert fleet.writes["stop", arn] == 1


@pytest.mark.parametrize(
    "settings", [{"backup_retention_period": 35}, {"tags": {"owner": "compliance"}}]
)
def test_replication_of_somebody_else_is_never_stopped(
    fleet: Fleet, settings: dict[str, Any]
) -> None:
    """A longer retention or tags of its own show that no move left a replication behind."""
    replicate(fleet, "orders", ELSEWHERE, **settings)
    replicate(fleet, "orders")
    assert plan(policy(ONE), access=fleet.access).counts == {"unchanged": 1}
    (other,) = audit(policy(ONE), access=fleet.access).unmanaged
    assert other.destination_region == ELSEWHERE


def test_disabled_source_key_prevents_a_replacement(fleet: Fleet) -> None:
    kms = fleet.boto3_client(ACCOUNT, "kms", SOURCE)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    here = fleet.boto3_client(ACCOUNT, "kms", DESTINATION).create_key()["KeyMetadata"]["Arn"]
    fleet.add(ACCOUNT, SOURCE, "vault", storage_encrypted=True, kms_key_id=key)
    arn = replicate(fleet, "vault", backup_retention_period=7, kms_key_id=here)
    planned = plan(policy(ONE), access=fleet.access)
    assert planned.counts == {"replace": 1}
    kms.disable_key(KeyId=key.rpartition("/")[2])
    fleet.writes.clear()
    with instant_waits():
        report = apply(planned, policy(ONE), access=fleet.access)
    assert report.counts == {"refused": 1}
    assert "is disabled" in str(report.results[0].message)
    assert not fleet.writes, arn
    (action,) = plan(policy(ONE), access=fleet.access).actions
    assert (action.kind, action.reasons[-1].code) == ("impossible", "kms_key_disabled")


def test_acceptance_covers_only_its_own_codes(fleet: Fleet) -> None:
    kms = fleet.boto3_client(ACCOUNT, "kms", DESTINATION)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    fleet.add(ACCOUNT, SOURCE, "vault", storage_encrypted=True)
    replicate(fleet, "vault", backup_retention_period=7, kms_key_id=key)
    wanted = policy(ONE, more='accepted: [{reason: soon, until: "2999-12-31", codes: [drifted]}]\n')
    assert audit(wanted, access=fleet.access).is_healthy
    kms.disable_key(KeyId=key.rpartition("/")[2])
    (problem,) = audit(wanted, access=fleet.access).problems
    assert problem.state == "at_risk"


def test_empty_account_must_be_that_of_the_credentials(fleet: Fleet) -> None:
    """Without instances, nothing shows whose account an audit has seen, so STS is asked."""
    text = """
accounts: [{{id: "{}"}}]
rules:
  - name: a
    source_regions: [us-west-2]
    destination_region: us-east-1
    minimum_instances: 0
"""
    own, other = (Policy.from_yaml(text.format(a)) for a in ("123456789012", "999999999999"))
    access = Access(endpoint_url=fleet.sandbox.endpoint_url)
    assert audit(own, access=access).is_healthy
    (record,) = audit(other, access=access).problems
    assert record.state == "unknown"
    assert "belong to account 123456789012" in record.reasons[0].message


def test_hash_of_a_policy_has_the_names_that_rules_use() -> None:
    text = """
accounts:
  - {{id: "111111111111", name: {}, role_arn: "arn:aws:iam::111111111111:role/a"}}
  - {{id: "222222222222", name: {}, role_arn: "arn:aws:iam::222222222222:role/a"}}
rules:
  - name: a
    source_regions: [us-west-2]
    destination_region: us-east-1
    accounts: [prod]
"""
    one, two = (
        Policy.from_yaml(text.format(*names)) for names in (("prod", "dev"), ("dev", "prod"))
    )
    assert one.content_hash != two.content_hash
    unused = Policy.from_yaml(text.format("prod", "test"))
    assert unused.content_hash == one.content_hash


def test_resume_of_an_old_plan_leaves_replications_alone(fleet: Fleet, tmp_path: Path) -> None:
    """What was cut off before its stop still replicates, so an outdated plan must not stop it."""
    replicate(fleet, "orders", backup_retention_period=7)
    planned = plan(policy(ONE), access=fleet.access)
    (action,) = planned.changes
    path = tmp_path / "journal"
    with Journal.create(path, planned, 0, 10) as journal:
        journal.begin(action)
    more = "  - {name: b, source_regions: [us-east-2], destination_region: us-east-1}\n"
    other = policy(ONE, more=more)
    fleet.writes.clear()
    with instant_waits():
        report = resume(path, other, access=fleet.access)
    assert report.counts == {"not_attempted": 1}
    assert not fleet.writes
