"""Audits, plans and applies of a fleet on the sandbox."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rds_backup_replication.fleet import (
    Access,
    ActionResult,
    Plan,
    PlannedAction,
    apply,
    audit,
    iter_audit,
    plan,
)
from rds_backup_replication.testing import instant_waits

from .fleet_cases import add_instances
from .fleets import ACCOUNTS, DESTINATION, ONE, Fleet, policy
from .wire import ScriptedRDS


def test_plan_is_equal_on_any_executor(fleet: Fleet) -> None:
    """A plan does not depend on the executor, and neither do the results of applying the plan."""
    add_instances(fleet)
    progress: list[tuple[int, int]] = []
    with ThreadPoolExecutor(2) as pool:
        plans = [
            plan(policy(), access=fleet.access),
            plan(
                policy(),
                access=fleet.access,
                executor=pool,
                on_progress=lambda done, parts: progress.append((done, parts)),
            ),
        ]
        assert plans[0].actions == plans[1].actions
        assert progress == [(1, 3), (2, 3), (3, 3)]
        results: list[ActionResult] = []
        report = apply(
            plans[0], policy(), access=fleet.access, executor=pool, on_event=results.append
        )
        records = list(iter_audit(policy(), access=fleet.access, executor=pool))
    # The tasks finish in any order.
    assert sorted(results, key=lambda result: result.action.sort_key()) == list(report.results)
    assert [record.state for record in records] == ["protected"] * 18


def test_apply_stops_only_excluded_instances(fleet: Fleet) -> None:
    for account in ACCOUNTS[:2]:
        arn = fleet.add(account, "us-west-2", "db")
        fleet.client(account).ensure_replication(source_db_instance_arn=arn)
    wanted = policy(ACCOUNTS[:2], more=f'    accounts: ["{ACCOUNTS[0]}"]\n    replicate: never\n')
    planned = plan(wanted, access=fleet.access)
    assert planned.counts == {"stop": 1, "unmatched": 1}
    fleet.writes.clear()
    assert apply(planned, wanted, access=fleet.access, max_stops=1).counts == {"done": 1}
    assert list(fleet.writes) == [("stop", f"arn:aws:rds:us-west-2:{ACCOUNTS[0]}:db:db")]
    assert plan(wanted, access=fleet.access).changes == ()
    assert apply(planned, wanted, access=fleet.access, max_stops=1).counts == {"unchanged": 1}


def test_apply_refuses_changed_instances(fleet: Fleet) -> None:
    """An action is refused if its instance or replication has changed since the plan."""
    names = ("gone", "another", "started-otherwise", "started-so", "stays")
    arns = {name: fleet.add(ONE[0], "us-west-2", name) for name in names}
    wanted = policy(ONE)
    planned = plan(wanted, access=fleet.access)
    assert planned.counts == {"start": 5}
    rds: Any = fleet.client(ONE[0], "us-west-2").client
    for name in ("gone", "another"):
        rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    fleet.add(ONE[0], "us-west-2", "another")
    client = fleet.client(ONE[0])
    for name, days in (("started-otherwise", 3), ("started-so", 14)):
        client.ensure_replication(source_db_instance_arn=arns[name], backup_retention_period=days)
    fleet.writes.clear()
    report = apply(planned, wanted, access=fleet.access)
    by_name = {str(r.action.source_db_instance_arn).rpartition(":")[2]: r for r in report.results}
    assert {name: result.outcome for name, result in by_name.items()} == {
        "another": "refused",
        "gone": "refused",
        "started-otherwise": "refused",
        "started-so": "unchanged",
        "stays": "done",
    }
    assert "Another instance" in str(by_name["another"].message)
    assert "Plan again" in str(by_name["gone"].message)
    assert not report.is_complete
    assert fleet.writes == {("start", arns["stays"]): 1}


def test_apply_refuses_replacement_after_change(fleet: Fleet) -> None:
    """A replacement is refused if somebody else has replaced the replication since the plan."""
    arn = fleet.add(ONE[0], "us-west-2", "db")
    client = fleet.client(ONE[0])
    client.ensure_replication(source_db_instance_arn=arn, backup_retention_period=3)
    wanted = policy(ONE)
    planned = plan(wanted, access=fleet.access)
    assert planned.counts == {"replace": 1}
    assert "backup_retention_period is 3" in planned.actions[0].reasons[0].message
    with instant_waits():
        client.replace_replication(source_db_instance_arn=arn, backup_retention_period=5)
        assert apply(planned, wanted, access=fleet.access).counts == {"refused": 1}
        # A replacement that was interrupted after its stop is completed by a start.
        client.ensure_stopped(source_db_instance_arn=arn)
        assert apply(planned, wanted, access=fleet.access).counts == {"done": 1}
    active = client.find_replicated_backup(source_db_instance_arn=arn)
    assert active is not None
    assert active.backup_retention_period == 14


def test_plan_uses_policy_key_if_encrypted(fleet: Fleet) -> None:
    arn = fleet.add(ONE[0], "us-west-2", "vault", storage_encrypted=True)
    plain = fleet.add(ONE[0], "us-west-2", "plain")
    kms = fleet.boto3_client(ONE[0], "kms", DESTINATION)
    keys = [kms.create_key()["KeyMetadata"] for _ in range(2)]
    kms.create_alias(AliasName="alias/dr", TargetKeyId=keys[0]["KeyId"])
    wanted = policy(ONE, more="kms_key_ids: {us-east-1: alias/dr}\n")
    planned = plan(wanted, access=fleet.access)
    assert {a.source_db_instance_arn: a.kms_key_id for a in planned.changes} == {
        arn: "alias/dr",
        plain: None,
    }
    assert apply(planned, wanted, access=fleet.access).counts == {"done": 2}
    assert plan(wanted, access=fleet.access).counts == {"unchanged": 2}
    other = policy(ONE, more=f"kms_key_ids: {{us-east-1: {keys[1]['Arn']}}}\n")
    assert plan(other, access=fleet.access).counts == {"impossible": 1, "unchanged": 1}
    unknown = policy(ONE, more="kms_key_ids: {us-east-1: alias/nobody}\n")
    assert plan(unknown, access=fleet.access).counts == {"unknown": 1, "unchanged": 1}
    fleet.client(ONE[0]).ensure_stopped(source_db_instance_arn=arn)
    states = [record.state for record in audit(wanted, access=fleet.access).records]
    assert sorted(states) == ["protected", "stopped"]
    (impossible,) = [a for a in plan(other, access=fleet.access).actions if a.kind == "impossible"]
    assert [reason.code for reason in impossible.reasons] == ["retained_with_another_key"]


def test_plan_rejects_invalid_data(fleet: Fleet) -> None:
    fleet.add(ONE[0], "us-west-2", "db")
    wanted = policy(ONE)
    planned = plan(wanted, access=fleet.access)
    text = planned.model_dump_json()
    for old, new in [
        ('"us-east-1"', '"evil.example/x?"'),
        (f'"{ONE[0]}"', '"1"'),
        ('"kind":"start"', '"kind":"delete"'),
        ('"rule":', '"ruel":'),
    ]:
        assert old in text
        with pytest.raises(ValueError, match="validation error"):
            Plan.model_validate_json(text.replace(old, new))
    with pytest.raises(ValueError, match="is not in the plan's accounts"):
        apply(planned.model_copy(update={"accounts": ()}), wanted, access=fleet.access)
    with pytest.raises(ValueError, match="max_concurrency"):
        apply(planned, wanted, access=fleet.access, max_concurrency=0)
    (action,) = planned.actions
    elsewhere: PlannedAction = action.model_copy(
        update={"source_db_instance_arn": action.source_db_instance_arn + "x"}  # type: ignore[operator]
    )
    report = apply(
        planned.model_copy(update={"actions": (elsewhere,)}), wanted, access=fleet.access
    )
    assert report.counts == {"refused": 1}
    assert fleet.writes == {}


def test_audit_sorts_across_destinations(fleet: Fleet) -> None:
    unmatched = fleet.add(ONE[0], "us-west-2", "a", tags={})
    other = fleet.add(ONE[0], "ca-central-1", "b")
    more = "  - {name: w, source_regions: [us-west-2], destination_region: eu-central-1}\n"
    report = audit(policy(ONE, more=more), access=fleet.access)
    assert [record.db_instance_arn for record in report.records] == [other, unmatched]


def test_apply_runs_replacements_last_and_once(fleet: Fleet) -> None:
    old = fleet.add(ACCOUNTS[0], "us-west-2", "old")
    new = fleet.add(ACCOUNTS[1], "us-west-2", "new")
    fleet.client(ACCOUNTS[0]).ensure_replication(
        source_db_instance_arn=old, backup_retention_period=3
    )
    wanted = policy(ACCOUNTS[:2])
    planned = plan(wanted, access=fleet.access)
    fleet.writes.clear()
    with instant_waits():
        assert apply(planned, wanted, access=fleet.access).counts == {"done": 2}
    assert list(fleet.writes) == [("start", new), ("stop", old), ("start", old)]
    again = plan(wanted, access=fleet.access)
    assert again.changes == ()
    assert apply(again, wanted, access=fleet.access).results == ()
    assert apply(planned, wanted, access=fleet.access).counts == {"unchanged": 2}
    assert fleet.writes.total() == 3


def test_role_external_id_is_sent(rds: ScriptedRDS, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    rds.answers("<a/>")
    (account,) = policy(ONE).accounts
    account = account.model_copy(update={"external_id": "ours"})
    wanted = policy(ONE).model_copy(update={"accounts": (account,)})
    audit(wanted, access=Access(endpoint_url=rds.endpoint_url))
    assert rds.received[0].parameters["ExternalId"] == "ours"
