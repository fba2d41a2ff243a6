"""Changes between a plan and its apply, and the identity of accounts and instances."""

from datetime import datetime, timezone
from typing import Any

import pytest
from moto.backends import get_backend

from rds_backup_replication.exceptions import PlanRefusedError
from rds_backup_replication.fleet import (
    Policy,
    apply,
    audit,
    iter_audit,
    plan,
)
from rds_backup_replication.sandbox import Behavior
from rds_backup_replication.testing import instant_waits

from .apply_cases import add_instances
from .fleets import DESTINATION, ONE, Fleet, policy

pytestmark = pytest.mark.once

NEVER = "    replicate: never\n"


def test_apply_refuses_instance_recreated_meanwhile(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start is refused if its instance was re-created while other actions ran."""
    # Every listing is too old.
    monkeypatch.setattr("rds_backup_replication.fleet._actions._MAX_LISTING_AGE", 0)
    add_instances(fleet, 2, ONE)
    wanted = policy(ONE)
    planned = plan(wanted, access=fleet.access)

    def recreate(writes: int) -> None:
        if writes == 0:
            rds: Any = fleet.client(ONE[0], "us-west-2").client
            rds.delete_db_instance(DBInstanceIdentifier="db-01", SkipFinalSnapshot=True)
            fleet.add(ONE[0], "us-west-2", "db-01", tags={"env": "scratch"})

    fleet.before_write = recreate
    report = apply(planned, wanted, access=fleet.access, max_concurrency=1)
    assert [r.outcome for r in report.results] == ["done", "refused"]
    assert "Another instance" in str(report.results[1].message)


def test_apply_refuses_stop_after_change(fleet: Fleet) -> None:
    """A stop is refused if somebody else has replaced the replication since the plan."""
    arns = add_instances(fleet, 3, ONE)
    client = fleet.client(ONE[0])
    for arn in arns:
        client.ensure_replication(source_db_instance_arn=arn, backup_retention_period=3)
    wanted = policy(ONE, more=NEVER)
    planned = plan(wanted, access=fleet.access)
    with instant_waits():
        client.replace_replication(source_db_instance_arn=arns[2], backup_retention_period=35)
        report = apply(planned, wanted, access=fleet.access, max_concurrency=1, max_stops=3)
    assert [r.outcome for r in report.results] == ["done", "done", "refused"]
    active = client.find_replicated_backup(source_db_instance_arn=arns[2])
    assert active is not None
    assert active.backup_retention_period == 35


@pytest.mark.parametrize(
    "field", ["db_instance_automated_backups_arn", "backup_retention_period", "kms_key_id"]
)
def test_apply_compares_each_observed_field(fleet: Fleet, field: str) -> None:
    """A stop and a replacement are refused if any field of the observed state differs."""
    (arn,) = add_instances(fleet, 1, ONE)
    fleet.client(ONE[0]).ensure_replication(source_db_instance_arn=arn, backup_retention_period=3)
    for more in (NEVER, ""):  # a stop, and a replacement
        wanted = policy(ONE, more=more)
        planned = plan(wanted, access=fleet.access)
        (action,) = planned.changes
        assert action.observed is not None
        other: Any = 4 if field == "backup_retention_period" else "other"
        observed = action.observed.model_copy(update={field: other})
        tampered = planned.model_copy(
            update={"actions": (action.model_copy(update={"observed": observed}),)}
        )
        assert apply(tampered, wanted, max_stops=1, access=fleet.access).counts == {"refused": 1}


def test_no_key_replacement_beside_copies(fleet: Fleet) -> None:
    """A key is never replaced: RDS would refuse the start while copies under the old key exist."""
    fleet.sandbox.behavior = Behavior(pending_looks=3, stopping_looks=0, shifting_case=False)
    arn = fleet.add(ONE[0], "us-west-2", "vault", storage_encrypted=True)
    kms = fleet.boto3_client(ONE[0], "kms", DESTINATION)
    keys = [kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2)]
    client = fleet.client(ONE[0])

    def start(days: int = 14) -> None:
        client.ensure_replication(
            source_db_instance_arn=arn, kms_key_id=keys[0], backup_retention_period=days
        )

    start(days=3)
    wanted = policy(ONE, more=f"    kms_key_id: {keys[1]}\n")
    assert plan(wanted, access=fleet.access).counts == {"impossible": 1}  # although it is pending
    keyed = policy(ONE, more=f"    kms_key_id: {keys[0]}\n")
    planned = plan(keyed, access=fleet.access)
    assert planned.counts == {"replace": 1}  # for the retention alone
    (action,) = planned.changes
    edited = planned.model_copy(
        update={
            "actions": (action.model_copy(update={"kms_key_id": keys[1]}),),
            "policy_hash": wanted.content_hash,
        }
    )
    with pytest.raises(PlanRefusedError, match="does not ask to replace"):
        apply(
            edited.model_copy(update={"policy_hash": keyed.content_hash}),
            keyed,
            access=fleet.access,
        )
    fleet.writes.clear()
    for _ in range(5):  # from a pending backup to one with copies under the key
        with instant_waits():
            assert apply(edited, wanted, access=fleet.access).counts == {"refused": 1}
    assert not fleet.writes
    found = client.find_replicated_backup(source_db_instance_arn=arn)
    assert found is not None
    assert found.is_replicating
    client.ensure_stopped(source_db_instance_arn=arn)
    start()  # a pending backup beside retained copies
    assert plan(wanted, access=fleet.access).counts == {"impossible": 1}


def test_started_backup_has_policy_tags(fleet: Fleet) -> None:
    (arn,) = add_instances(fleet, 1, ONE)
    wanted = policy(ONE, more="    tags: {owner: platform}\n")
    assert apply(plan(wanted, access=fleet.access), wanted, access=fleet.access).is_complete
    active = fleet.client(ONE[0]).find_replicated_backup(source_db_instance_arn=arn)
    assert active is not None
    assert [(tag.key, tag.value) for tag in active.tag_list or ()] == [("owner", "platform")]


def test_planned_stop_frees_no_quota(fleet: Fleet) -> None:
    """A planned stop frees quota for the next plan, not for the same plan."""
    fleet.sandbox.behavior = Behavior(pending_looks=0, stopping_looks=0, quota=1)
    fleet.add(ONE[0], "us-west-2", "aaa")
    old = fleet.add(ONE[0], "us-west-2", "tmp-1", tags={"env": "tmp"})
    fleet.client(ONE[0]).ensure_replication(source_db_instance_arn=old)
    never = "  - {name: t, source_regions: [us-west-2], destination_region: us-east-1"
    wanted = policy(ONE, quota=1, more=f"{never}, replicate: never}}\n")
    planned = plan(wanted, access=fleet.access)
    assert planned.counts == {"over_quota": 1, "stop": 1}
    assert "plan again" in planned.actions[0].reasons[0].remedy
    assert apply(planned, wanted, access=fleet.access, max_stops=1).counts == {"done": 1}
    assert plan(wanted, access=fleet.access).counts == {"start": 1, "unchanged": 1}


def test_credentials_of_another_account(fleet: Fleet) -> None:
    fleet.add("123456789012", "us-west-2", "orders")  # in the sandbox's own account
    text = policy(ONE).model_dump_json().replace('"arn:aws:iam::111111111111:role/audit"', "null")
    wanted = Policy.from_yaml(text)
    found = audit(wanted, access=fleet.access)
    assert found.counts == {"unknown": 1}
    reason = found.records[0].reasons[0].message
    assert "the credentials belong to account 123456789012, not 111111111111" in reason
    assert plan(wanted, access=fleet.access).counts == {"unknown": 1}
    fleet.add(ONE[0], "us-west-2", "orders")
    planned = plan(policy(ONE), access=fleet.access)
    report = apply(planned, wanted, access=fleet.access)  # whose credentials are the caller's
    assert report.counts == {"failed": 1}
    assert "not 111111111111" in str(report.results[0].message)
    assert not fleet.writes


def test_backup_of_former_instance_is_ignored(fleet: Fleet) -> None:
    """A backup of a former instance with the same name protects nothing."""
    (arn,) = add_instances(fleet, 1, ONE)
    fleet.client(ONE[0]).ensure_replication(source_db_instance_arn=arn)
    fleet.add(ONE[0], "us-west-2", "green")
    rds: Any = fleet.client(ONE[0], "us-west-2").client
    for old, new in (("db-00", "blue"), ("green", "db-00")):
        rds.modify_db_instance(
            DBInstanceIdentifier=old, NewDBInstanceIdentifier=new, ApplyImmediately=True
        )
    found = {r.db_instance_arn: r.state for r in audit(policy(ONE), access=fleet.access).records}
    assert found[arn] == "unprotected"


def test_refused_start_is_failed_despite_a_former_instance(fleet: Fleet) -> None:
    """The active backup of the deleted instance that had the name excuses no refusal."""
    (arn,) = add_instances(fleet, 1, ONE)
    client = fleet.client(ONE[0])
    client.ensure_replication(source_db_instance_arn=arn, backup_retention_period=14)
    get_backend("rds")[ONE[0]]["us-west-2"].databases["db-00"].dbi_resource_id = "db-NEW"
    planned = plan(policy(ONE), access=fleet.access)
    assert planned.counts == {"start": 1}
    with instant_waits():
        (result,) = apply(planned, policy(ONE), access=fleet.access).results
    assert result.outcome == "failed"
    assert "has not ended yet" in str(result.message)


@pytest.mark.usefixtures("no_backoff")
def test_two_destinations_report_instance_once(fleet: Fleet) -> None:
    add_instances(fleet, 2, ONE)
    fleet.add(ONE[0], "us-west-2", "other", tags={"env": "dev"})
    more = (
        "  - {name: w, source_regions: [us-west-2], destination_region: eu-central-1, "
        "select: {tags: {env: dev}}}\n"
        "  - {name: n, source_regions: [ca-central-1], destination_region: eu-central-1}\n"
    )
    fleet.add(ONE[0], "eu-west-1", "unmatched", tags={"env": "x"})
    wanted = policy(ONE, more=more)
    found = audit(wanted, access=fleet.access)
    assert found.counts == {"unprotected": 3, "unmatched": 1}
    assert apply(plan(wanted, access=fleet.access), wanted, access=fleet.access).counts == {
        "done": 3
    }
    assert plan(wanted, access=fleet.access).counts == {"unchanged": 3, "unmatched": 1}
    assert audit(wanted, access=fleet.access).accounts == ONE
    fleet.sandbox.reset_connection("describe_db_instances", times=None, region_name="us-west-2")
    not_listed = [r for r in iter_audit(wanted, access=fleet.access) if r.db_instance_arn is None]
    assert [(r.source_region, r.destination_region) for r in not_listed] == [("us-west-2", None)]
    kinds = [a.kind for a in plan(wanted, access=fleet.access).actions]
    assert sorted(kinds) == ["unknown", "unmatched"]


def test_audit_rejects_naive_now(fleet: Fleet) -> None:
    naive = datetime.now(timezone.utc).replace(tzinfo=None)
    for call in (audit, iter_audit):
        with pytest.raises(ValueError, match="time zone"):
            call(policy(ONE), access=fleet.access, now=naive)
