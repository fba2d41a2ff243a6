"""What filters leave of a report, and the exit code then; the audit is a built report."""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from rds_backup_replication import fleet
from rds_backup_replication.cli._errors import ExitCode
from rds_backup_replication.fleet import (
    AuditRecord,
    AuditReport,
    Finding,
    FleetReason,
    Plan,
    PlannedAction,
)
from rds_backup_replication.fleet._audit import UnknownAccountError
from rds_backup_replication.fleet._records import State

from .cli_fleet_cases import run
from .report_cases import make_backup

pytestmark = pytest.mark.once

ACCOUNT = "123456789012"
NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
POLICY = """
accounts: [{id: "123456789012"}]
rules:
  - name: orders
    source_regions: [us-west-2, eu-west-1]
    destination_region: us-east-1
    select: {identifiers: ["orders*"]}
  - {name: rest, source_regions: [us-west-2], destination_region: us-east-1}
"""
NOT_CHECKED = FleetReason(code="could_not_be_checked", message="No answer.", remedy="Try again.")
LONG = "orders-production-primary-database-of-the-payments-department-1"

Audit = Callable[..., None]


def record(name: str, state: State = "protected", rule: str = "orders", **more: Any) -> AuditRecord:
    return AuditRecord(
        account_id=ACCOUNT,
        source_region="us-west-2",
        destination_region="us-east-1",
        db_instance_arn=f"arn:aws:rds:us-west-2:{ACCOUNT}:db:{name}",
        db_instance_identifier=name,
        rule=rule,
        state=state,
        **more,
    )


def not_listed(region: str) -> AuditRecord:
    return AuditRecord(
        account_id=ACCOUNT, source_region=region, state="unknown", reasons=(NOT_CHECKED,)
    )


def report(*records: AuditRecord, **more: Any) -> AuditReport:
    return AuditReport(audited_at=NOW, accounts=(ACCOUNT,), records=records, **more)


def returning(value: object) -> Callable[..., object]:
    def scan(*_: object, **__: object) -> object:
        return value

    return scan


@pytest.fixture
def audits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Audit:
    """Return a function that sets the report of the audit."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    Path("policy.yaml").write_text(POLICY, encoding="utf-8")

    def set_report(*records: AuditRecord, **more: Any) -> None:
        monkeypatch.setattr(fleet, "audit", returning(report(*records, **more)))

    return set_report


def shown(*options: str, code: ExitCode) -> Any:
    return json.loads(run("audit", "policy.yaml", "--output", "json", *options, code=code).stdout)


def names(found: Any) -> list[str]:
    return [r.get("db_instance_identifier", r["source_region"]) for r in found["records"]]


@pytest.mark.parametrize(
    ("options", "expected", "code"),
    [
        (("--rule", "orders"), ["orders-1", "eu-west-1"], ExitCode.FINDINGS),
        (("--rule", "rest"), ["ledger"], ExitCode.OK),  # not about the Region
        (("--target", "orders-1"), ["orders-1", "eu-west-1"], ExitCode.FINDINGS),
        (("--target", "orders-2"), ["eu-west-1"], ExitCode.UNREACHABLE),
        (("--target", f"arn:aws:rds:us-*:{ACCOUNT}:db:led*"), ["ledger"], ExitCode.OK),
        (("--target", f"arn:aws:rds:eu-*:{ACCOUNT}:db:x"), ["eu-west-1"], ExitCode.UNREACHABLE),
    ],
)
def test_filter_never_hides_an_outage(
    audits: Audit, options: tuple[str, str], expected: list[str], code: ExitCode
) -> None:
    """A Region that may have instances of the filter is shown if it could not be listed."""
    audits(record("orders-1"), record("ledger", rule="rest"), not_listed("eu-west-1"))
    assert names(shown(*options, code=code)) == expected


def test_target_that_nothing_can_match_is_a_usage_error(audits: Audit) -> None:
    audits(record("orders-1"), not_listed("eu-west-1"))
    target = "arn:aws:rds:eu-west-1:210987654321:db:orders-1"
    ran = run("audit", "policy.yaml", "--target", target, code=ExitCode.USAGE)
    assert ran.stderr == f"Error: No instance matches --target {target}.\n"


def test_filter_of_states_leaves_the_fleet_reachable(audits: Audit) -> None:
    """Exit code 4 says that nothing could be checked, not that nothing else is shown."""
    audits(record("orders-1"), not_listed("eu-west-1"))
    for option in (("--only-problems",), ("--state", "unknown")):
        assert names(shown(*option, code=ExitCode.FINDINGS)) == ["eu-west-1"]
    assert names(shown("--state", "stopped", code=ExitCode.FINDINGS)) == ["eu-west-1"]
    audits(not_listed("eu-west-1"))
    assert names(shown("--state", "protected", code=ExitCode.UNREACHABLE)) == ["eu-west-1"]


def test_findings_of_other_rules_are_left_out(audits: Audit) -> None:
    """A finding about no rule stays, because it may concern each rule."""
    of_rule = Finding(code="rule_matches_nothing", rule="rest", message="None.", remedy="Fix it.")
    of_fleet = Finding(code="could_not_be_checked", message="No answer.", remedy="Try again.")
    counts = {"orders": 1, "rest": 0}
    audits(record("orders-1"), findings=(of_rule,), matches=counts)
    found = shown("--rule", "orders", code=ExitCode.OK)
    assert (found["findings"], found["matches"]) == ([], {"orders": 1})
    shown("--rule", "rest", code=ExitCode.FINDINGS)
    audits(record("orders-1"), findings=(of_rule, of_fleet))
    found = shown("--rule", "orders", code=ExitCode.FINDINGS)
    assert [finding["code"] for finding in found["findings"]] == ["could_not_be_checked"]


def test_target_finds_backups_without_a_rule(audits: Audit) -> None:
    audits(record("orders-1"), unmanaged=(make_backup(1), make_backup(2)))
    found = shown("--target", "gone-1", code=ExitCode.OK)
    assert found["records"] == []
    assert [backup["db_instance_arn"][-6:] for backup in found["unmanaged"]] == ["gone-1"]
    assert shown("--rule", "orders", code=ExitCode.OK)["unmanaged"] == []
    assert shown("--state", "protected", code=ExitCode.OK)["unmanaged"] == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), {"bad": "stopped", "fixed": "protected", "new": "starting", "gone": None}),
        (("--only-problems",), {"bad": "stopped", "fixed": "protected"}),
        (("--state", "starting"), {"new": "starting"}),
        (("--state", "stopped"), {"bad": "stopped", "fixed": "protected"}),
        (("--rule", "rest"), {"gone": None}),
        (("--target", "gone", "--target", "new"), {"new": "starting", "gone": None}),
    ],
)
def test_filtered_comparison_keeps_what_ended(
    audits: Audit, options: tuple[str, ...], expected: dict[str, str | None]
) -> None:
    """A problem that is fixed, or an instance that is gone, has no record that shows it."""
    before = report(
        *(record("bad"), record("fixed", "stopped"), record("same"), record("gone", rule="rest")),
        *(record("other", rule="rest"),),
        matches={"orders": 3, "rest": 2},
    )
    Path("before.json").write_text(before.model_dump_json(), encoding="utf-8")
    audits(
        *(record("bad", "stopped"), record("fixed"), record("same"), record("new", "starting")),
        *(record("other", rule="rest"),),
        matches={"orders": 4, "rest": 1},
    )
    code = ExitCode.OK
    if not {"rest", "starting", "gone"} & set(options):
        code = ExitCode.FINDINGS
    found = shown("--compare", "before.json", *options, code=code)["comparison"]
    changes = {c["db_instance_arn"].rpartition(":")[2]: c.get("after") for c in found["changes"]}
    assert changes == expected
    assert [match["rule"] for match in found["matches"]] == ["rest"]


def test_plan_keeps_regions_that_may_match(audits: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    audits()
    unknown = PlannedAction(
        kind="unknown", account_id=ACCOUNT, source_region="eu-west-1", reasons=(NOT_CHECKED,)
    )
    finding = Finding(code="could_not_be_checked", rule="rest", message="No.", remedy="Retry.")
    planned = Plan(
        planned_at=NOW,
        policy_hash="0" * 64,
        accounts=(ACCOUNT,),
        actions=(unknown,),
        findings=(finding,),
    )
    monkeypatch.setattr(fleet, "plan", returning(planned))
    ran = run(
        *("plan", "policy.yaml", "--rule", "orders", "--output", "json", "--out", "plan.json"),
        code=ExitCode.UNREACHABLE,
    )
    left = Plan.model_validate_json(ran.stdout)
    assert (left.actions, left.findings) == ((unknown,), ())
    assert Plan.model_validate_json(Path("plan.json").read_text(encoding="utf-8")) == left
    assert run("plan", "policy.yaml", "--rule", "rest", code=ExitCode.FINDINGS).stdout


@pytest.mark.parametrize("command", ["audit", "plan"])
def test_account_outside_the_organization_is_a_usage_error(
    command: str, audits: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the scan knows the accounts of an organization."""
    audits()

    def audit(*_: object, **__: object) -> AuditReport:
        raise UnknownAccountError("the fleet has no account 210987654321")

    planned = Plan(planned_at=NOW, policy_hash="0" * 64, accounts=(ACCOUNT,), actions=())
    monkeypatch.setattr(fleet, "audit", audit)
    monkeypatch.setattr(fleet, "plan", returning(planned))
    organization = "organization: {role_name: audit}"
    policy = POLICY.replace('accounts: [{id: "123456789012"}]', organization)
    ran = run(command, "-", "--account", "210987654321", code=ExitCode.USAGE, given=policy)
    assert "--account" in ran.stderr
    assert "210987654321" in ran.stderr


@pytest.mark.parametrize("command", ["audit", "plan"])
def test_deadline_of_zero_is_a_usage_error(command: str, audits: Audit) -> None:
    audits()
    ran = run(command, "policy.yaml", "--deadline", "0s", code=ExitCode.USAGE)
    assert "--deadline must be longer than 0s" in ran.stderr


@pytest.mark.parametrize("columns", ["40", "80"])
def test_identifier_that_does_not_fit_has_its_own_line(
    columns: str, audits: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    audits(record(LONG), record("short"))
    lines = run("audit", "policy.yaml").stdout.splitlines()
    assert lines[2:4] == ["protected  -    us-east-1", f"  {LONG}"]
    assert lines[4].split() == ["protected", "-", "us-east-1", "short"]


def test_names_below_a_cause_tell_instances_apart(
    audits: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two accounts may have instances of the same name."""
    monkeypatch.setenv("COLUMNS", "80")
    why = (FleetReason(code="stopped", message="It stopped.", remedy="Start it."),)
    twin = record("orders-1", "stopped", reasons=why)
    other = twin.model_copy(
        update={"account_id": "210987654321", "db_instance_arn": "arn:aws:rds:us-west-2:21:db:o-1"}
    )
    audits(twin, other, record(LONG, "stopped", reasons=why))
    printed = run("audit", "policy.yaml", code=ExitCode.FINDINGS).stdout
    assert printed.partition("  Start it.\n")[2].splitlines() == [
        f"    {twin.db_instance_arn}",
        f"    {other.db_instance_arn}",
        f"    {LONG}, account {ACCOUNT} in us-west-2",
    ]


def test_accepted_problems_are_no_problems(audits: Audit) -> None:
    accepted: dict[str, Any] = {
        "accepted_until": date(2027, 6, 30),
        "accepted_reason": "Global database.",
    }
    audits(*(record(f"a-{n}", "unprotected", **accepted) for n in range(2)), record("b"))
    ran = run("audit", "policy.yaml")
    table, _, listed = ran.stdout.partition("\nAccepted problems:\n")
    assert table.splitlines()[1].startswith("unprotected (accepted)  -")
    assert listed.splitlines() == [
        "  unprotected (accepted until 2027-06-30: Global database.)",
        *(f"    arn:aws:rds:us-west-2:{ACCOUNT}:db:a-{n}" for n in range(2)),
    ]
    assert ran.stderr == "2 unprotected (accepted), 1 protected\n"


def test_comparison_is_grouped_for_people(audits: Audit) -> None:
    before = report(
        *(record("bad"), record("slow", "starting"), record("gone"), not_listed("eu-west-1"))
    ).model_copy(update={"audited_at": NOW - timedelta(days=2)})
    Path("before.json").write_text(before.model_dump_json(), encoding="utf-8")
    audits(record("bad", "stopped"), record("slow", "starting"))
    ran = run("audit", "policy.yaml", "--compare", "before.json", code=ExitCode.FINDINGS)
    arn = f"arn:aws:rds:us-west-2:{ACCOUNT}:db:"
    assert ran.stdout.partition("\nChanges since ")[2].splitlines() == [
        "2025-12-31T00:00:00Z:",
        "  New problems:",
        f"    {arn}bad: was protected, is stopped",
        "  Fixed:",
        f"    all instances of account {ACCOUNT} in eu-west-1: was unknown, is listed",
        "  Gone:",
        f"    {arn}gone: was protected, is gone",
        f"  {arn}slow: starting since 2025-12-31T00:00:00Z",
    ]
