"""Audits that say no more than is true: outages, unanswered questions, rules and exceptions."""

from datetime import date, timedelta
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from rds_backup_replication.exceptions import AccessDeniedError, InternalFailureError
from rds_backup_replication.fleet import AuditReport, Policy, audit, plan
from rds_backup_replication.fleet._rule_findings import find_rule_problems
from rds_backup_replication.sandbox import Behavior

from .fleets import ACCOUNTS, DESTINATION, ONE, Fleet, policy

pytestmark = pytest.mark.once

(ACCOUNT,) = ONE
SOURCE: Final = "us-west-2"


def replicate(fleet: Fleet, name: str, **settings: Any) -> str:
    """Add an instance and replicate it; return its ARN."""
    fleet.sandbox.behavior = Behavior(pending_looks=0, stopping_looks=0)
    arn = fleet.add(ACCOUNT, SOURCE, name)
    settings = {"backup_retention_period": 14, **settings}
    fleet.client(ACCOUNT).ensure_replication(source_db_instance_arn=arn, **settings)
    return arn


def state_of(report: AuditReport, name: str) -> tuple[str, list[str]]:
    """Return the state of an instance, and the codes of its reasons."""
    (record,) = (r for r in report.records if r.db_instance_identifier == name)
    return record.state, [reason.code for reason in record.reasons]


@pytest.mark.usefixtures("no_backoff")
def test_outage_of_source_region_hides_no_backup(fleet: Fleet) -> None:
    """Each backup of a Region that does not answer is reported, with its restorable times."""
    replicate(fleet, "orders")
    ended = replicate(fleet, "ended")
    client = fleet.client(ACCOUNT)
    client.ensure_stopped(source_db_instance_arn=ended)
    list(client.describe_db_instance_automated_backups())
    fleet.sandbox.add_fault(
        "describe_db_instances", InternalFailureError, times=None, region_name=SOURCE
    )
    report = audit(policy(ONE), access=fleet.access)
    shown = [r for r in report.records if r.source_region == SOURCE]
    assert [(r.db_instance_identifier, r.state, r.backup_status) for r in shown] == [
        (None, "unknown", None),
        ("ended", "unknown", "retained"),
        ("orders", "unknown", "replicating"),
    ]
    assert all(r.latest_time and r.destination_region == DESTINATION for r in shown[1:])
    assert (report.unmanaged, report.retained) == ((), ())
    # Nobody knows whether the rule matches an instance there, so it is not reported.
    assert report.findings == ()
    (action,) = plan(policy(ONE), access=fleet.access).actions
    assert (action.kind, action.source_db_instance_arn) == ("unknown", None)


def test_key_that_will_be_deleted_is_a_risk(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """An audit asks KMS for the state of a key, and says so if it gets no answer."""
    kms = fleet.boto3_client(ACCOUNT, "kms", DESTINATION)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    fleet.sandbox.behavior = Behavior(pending_looks=0)
    arn = fleet.add(ACCOUNT, SOURCE, "vault", storage_encrypted=True)
    fleet.client(ACCOUNT).ensure_replication(
        source_db_instance_arn=arn, kms_key_id=key, backup_retention_period=14
    )
    assert state_of(audit(policy(ONE), access=fleet.access), "vault") == ("protected", [])
    kms.schedule_key_deletion(KeyId=key.rpartition("/")[2], PendingWindowInDays=7)
    doomed = state_of(audit(policy(ONE), access=fleet.access), "vault")
    assert doomed == ("at_risk", ["kms_key_disabled"])

    def deny(*_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeKey")

    monkeypatch.setattr("rds_backup_replication.fleet._scan.describe_key", deny)
    state, codes = state_of(audit(policy(ONE), access=fleet.access), "vault")
    assert (state, set(codes)) == ("unknown", {"could_not_be_checked"})


@pytest.mark.parametrize(
    ("matches", "taken", "minimum", "codes"),
    [
        ({"a": 1, "b": 1}, {}, 1, []),
        ({"a": 1, "b": 0}, {}, 1, ["rule_matches_nothing"]),
        ({"a": 1, "b": 0}, {}, 0, []),
        ({"a": 1, "b": 0}, {("b", "a"): 1}, 1, ["rule_shadowed"]),
        ({"a": 1, "b": 1}, {("b", "a"): 1}, 1, []),
        ({"a": 1, "b": 4}, {}, 5, ["too_few_instances"]),
        ({"a": 1, "b": 5}, {}, 5, []),
    ],
)
def test_rule_with_too_few_instances_is_a_finding(
    matches: dict[str, int], taken: dict[tuple[str, str], int], minimum: int, codes: list[str]
) -> None:
    wanted = Policy.from_yaml(
        f"""
accounts: [{{id: "{ACCOUNT}"}}]
rules:
  - name: a
    source_regions: [us-west-2]
    destination_region: us-east-1
    select: {{tags: {{env: prod}}}}
  - name: b
    source_regions: [us-west-2]
    destination_region: us-east-1
    minimum_instances: {minimum}
"""
    )
    found = list(find_rule_problems(wanted, matches, taken, ()))
    assert [finding.code for finding in found] == codes
    assert all(finding.rule == "b" and "b" in finding.message for finding in found)
    assert list(find_rule_problems(wanted, matches, taken, {"b"})) == []


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        ("{}", "{identifiers: [orders]}", "rule_shadowed"),
        ("{tags: {env: 'prod*'}}", "{tags: {env: prod}, engines: [mysql]}", "rule_shadowed"),
        ("{identifiers: [a]}", "{tags: {env: a}, without_tags: [env]}", "rule_matches_nothing"),
    ],
)
def test_rule_that_can_never_apply_is_a_finding(first: str, second: str, code: str) -> None:
    """Neither an outage nor minimum_instances excuses a rule that can never apply."""
    regions = "source_regions: [us-west-2], destination_region: us-east-1"
    wanted = Policy.from_yaml(
        f"""
accounts: [{{id: "{ACCOUNT}"}}]
rules:
  - {{name: first, {regions}, select: {first}}}
  - {{name: second, {regions}, select: {second}, minimum_instances: 0}}
"""
    )
    (found,) = find_rule_problems(wanted, {"first": 1}, {}, {"second"})
    assert (found.code, found.rule) == (code, "second")
    assert ("first" in found.message) is (code == "rule_shadowed")


def test_audit_of_some_accounts_judges_no_rules(fleet: Fleet) -> None:
    """Instances in other accounts may match a rule, so a part of a fleet says nothing of rules."""
    fleet.add(ACCOUNTS[1], SOURCE, "db")
    whole = audit(policy(), access=fleet.access)
    assert [r.account_id for r in whole.records] == [ACCOUNTS[1]]
    part = audit(policy(), access=fleet.access, accounts=[ACCOUNTS[0]])
    assert (part.records, part.findings, part.accounts) == ((), (), (ACCOUNTS[0],))
    with pytest.raises(ValueError, match="999999999999"):
        audit(policy(), access=fleet.access, accounts=["999999999999"])


def test_acceptance_ends_after_its_last_day(fleet: Fleet) -> None:
    fleet.add(ACCOUNT, SOURCE, "db")
    report = audit(policy(ONE), access=fleet.access)
    today = report.audited_at.date()
    for until, is_problem in ((today, False), (today - timedelta(days=1), True)):
        wanted = policy(ONE, more=f'accepted: [{{reason: known, until: "{until}"}}]\n')
        report = audit(wanted, access=fleet.access, now=report.audited_at)
        (record,) = report.records
        assert record.needs_attention is is_problem
        assert record.accepted_until == (None if is_problem else date.fromisoformat(str(until)))
        assert [f.code for f in report.findings] == ["acceptance_expired"] * is_problem
        assert report.is_healthy is not is_problem


def test_denied_destination_does_not_hide_other_facts(fleet: Fleet) -> None:
    """If the destination denies the listing, its instances are unknown, and no quota is shown."""
    replicate(fleet, "orders")
    fleet.sandbox.add_fault("describe_db_instance_automated_backups", AccessDeniedError, times=None)
    report = audit(policy(ONE), access=fleet.access)
    assert state_of(report, "orders") == ("unknown", ["could_not_be_checked"])
    assert (report.headroom, report.unmanaged, report.findings) == ((), (), ())
    assert report.matches == {"production": 1}


def test_enabled_regions_are_those_of_the_account(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``enabled`` stands for the account's own list; without it, an audit is not healthy."""
    fleet.add(ACCOUNT, SOURCE, "db")
    fleet.add(ACCOUNT, DESTINATION, "here")  # in the destination, where it cannot replicate to
    wanted = policy(ONE)
    (rule,) = wanted.rules
    wanted = wanted.model_copy(
        update={"rules": (rule.model_copy(update={"source_regions": "enabled"}),)}
    )
    target = "rds_backup_replication.fleet._scan.list_enabled_regions"

    def both(_: object) -> list[str]:
        return [DESTINATION, SOURCE]

    monkeypatch.setattr(target, both)
    report = audit(wanted, access=fleet.access)
    assert [(r.db_instance_identifier, r.source_region) for r in report.records] == [("db", SOURCE)]
    assert report.findings == ()

    def deny(_: object) -> list[str]:
        raise ClientError({"Error": {"Code": "UnauthorizedOperation"}}, "DescribeRegions")

    monkeypatch.setattr(target, deny)
    report = audit(wanted, access=fleet.access)
    assert [finding.code for finding in report.findings] == ["could_not_be_checked"]
    assert not plan(wanted, access=fleet.access).changes
