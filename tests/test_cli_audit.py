"""Tests of what the commands audit and plan select and print."""

import json
from pathlib import Path
from typing import Any

import pytest

from rds_backup_replication.cli._errors import ExitCode
from rds_backup_replication.exceptions import AccessDeniedError
from rds_backup_replication.fleet import AuditReport
from rds_backup_replication.sandbox import Behavior, Sandbox

from .cli_fleet_cases import run

pytestmark = pytest.mark.once

POLICY = """
accounts: [{id: "123456789012", name: payments}]
rules:
  - name: orders
    source_regions: [us-west-2, eu-west-1]
    destination_region: us-east-1
    select: {identifiers: ["orders*"]}
  - name: rest
    source_regions: [us-west-2, eu-west-1]
    destination_region: us-east-1
    backup_retention_period: 14
"""


CARDS = "cards-with-a-name-of-forty-characters-12"


@pytest.fixture
def fleet(rds_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Run in a directory with a policy, and three instances of which one replicates."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    Path("policy.yaml").write_text(POLICY, encoding="utf-8")
    rds_sandbox.behavior = Behavior(pending_looks=0, stopping_looks=0)
    source = rds_sandbox.create_db_instance("us-west-2", "orders-eu")
    rds_sandbox.create_db_instance("eu-west-1", "ledger")
    rds_sandbox.create_db_instance("us-west-2", CARDS)
    rds_sandbox.client("us-east-1").ensure_replication(
        source_db_instance_arn=str(source.db_instance_arn), backup_retention_period=7
    )
    return rds_sandbox


def audited(*options: str, code: ExitCode = ExitCode.FINDINGS) -> list[str]:
    """Return the names that an audit with these options reports."""
    printed = run("audit", "policy.yaml", "--output", "json", *options, code=code).stdout
    records = AuditReport.model_validate_json(printed).records
    return [str(record.db_instance_identifier) for record in records]


@pytest.mark.usefixtures("fleet")
def test_filters_select_records_and_decide_the_exit_code() -> None:
    assert audited() == ["ledger", CARDS, "orders-eu"]
    assert audited("--only-problems") == ["ledger", CARDS]
    assert audited("--state", "protected", code=ExitCode.OK) == ["orders-eu"]
    assert audited("--state", "protected", "--state", "unprotected") == audited()
    assert audited("--rule", "orders", code=ExitCode.OK) == ["orders-eu"]
    assert audited("--target", "LED*") == ["ledger"]
    assert audited("--target", "*:eu-west-1:*:ledger") == ["ledger"]
    assert audited("--account", "123456789012") == audited()
    planned = run("plan", "policy.yaml", "--rule", "rest", "--output", "json").stdout
    assert [action["kind"] for action in json.loads(planned)["actions"]] == ["start", "start"]


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--rule", "order"), "did you mean orders?"),
        (("--account", "210987654321"), "choose from 123456789012"),
        (("--target", "nobody"), "No instance matches --target nobody."),
        (("--state", "unprotect"), "did you mean unprotected?"),
        (("--deadline", "soon"), "must be a number and a unit"),
        (("--compare", "policy.yaml"), "policy.yaml is not the report of an audit."),
        (("--compare", "none.json"), "none.json cannot be read"),
    ],
)
def test_unknown_name_in_a_filter_is_a_usage_error(options: tuple[str, str], message: str) -> None:
    ran = run("audit", "policy.yaml", *options, code=ExitCode.USAGE)
    assert message in ran.stderr.replace("\n", " ")
    assert ran.stdout == ""


def test_compare_prints_what_changed(fleet: Sandbox) -> None:
    before = run("audit", "policy.yaml", "--output", "json", code=ExitCode.FINDINGS).stdout
    Path("before.json").write_text(before, encoding="utf-8")
    compare = ("audit", "policy.yaml", "--compare", "before.json")
    assert "Nothing has changed since 20" in run(*compare, code=ExitCode.FINDINGS).stdout
    arn = "arn:aws:rds:us-west-2:123456789012:db:orders-eu"
    client = fleet.client("us-east-1")
    client.ensure_stopped(source_db_instance_arn=arn)
    list(client.describe_db_instance_automated_backups())
    printed = run(*compare, code=ExitCode.FINDINGS).stdout
    changes = printed.partition("\nChanges since ")[2].splitlines()[1:]
    assert changes == ["  New problems:", f"    {arn}: was protected, is stopped"]


@pytest.mark.usefixtures("fleet")
def test_narrow_table_keeps_identifiers_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """At 80 columns, rows have identifiers, and what tells instances apart; else ARNs."""
    wide = run("audit", "policy.yaml", code=ExitCode.FINDINGS).stdout.splitlines()
    assert wide[0].split() == ["STATE", "LAG", "TO", "INSTANCE"]
    assert "arn:aws:rds:eu-west-1:123456789012:db:ledger" in wide[1]
    monkeypatch.setenv("COLUMNS", "80")
    for command in ("audit", "plan"):
        code = ExitCode.FINDINGS if command == "audit" else ExitCode.OK
        tables = run(command, "policy.yaml", code=code).stdout.split("\n\n")
        assert [table.splitlines()[0] for table in tables[:2]] == [
            "Account 123456789012, eu-west-1",
            "Account 123456789012, us-west-2",
        ]
        rows = [line for table in tables[:2] for line in table.splitlines()]
        assert max(map(len, rows)) <= 80
        assert {row.split()[-1] for row in rows} >= {"ledger", "orders-eu", CARDS}


@pytest.mark.usefixtures("fleet")
def test_cause_and_remedy_are_printed_once() -> None:
    printed = run("audit", "policy.yaml", code=ExitCode.FINDINGS).stdout
    assert printed.count("The instance does not replicate.") == 1
    _, _, instances = printed.partition("Apply a plan to start the replication.\n")
    assert [line.rpartition(":")[2] for line in instances.splitlines()[:2]] == [
        *("ledger", CARDS),
    ]


@pytest.mark.usefixtures("fleet")
def test_detailed_exitcode_tells_changes_from_none() -> None:
    run("plan", "policy.yaml")
    run("plan", "policy.yaml", "--detailed-exitcode", code=ExitCode.CHANGES)
    run("plan", "policy.yaml", "--detailed-exitcode", "--target", "orders*")


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("command", "format_", "begins"),
    [
        ("audit", "jsonl", '{"type":"record"'),
        ("audit", "markdown", "# "),
        ("audit", "prometheus", "# HELP "),
        ("audit", "emf", '{"_aws":'),
        ("plan", "jsonl", '{"type":"action"'),
        ("plan", "markdown", "# "),
    ],
)
def test_output_has_the_format_of_another_program(command: str, format_: str, begins: str) -> None:
    code = ExitCode.FINDINGS if command == "audit" else ExitCode.OK
    printed: Any = run(command, "policy.yaml", "--output", format_, code=code).stdout
    assert printed.replace('": "', '":"').startswith(begins)
    assert printed.endswith("\n")
    assert not printed.endswith("\n\n")


def test_filter_hides_no_region_that_could_not_be_listed(fleet: Sandbox) -> None:
    for options in (("--rule", "orders"), ("--target", "orders*"), ("--state", "protected")):
        fleet.add_fault("describe_db_instances", AccessDeniedError, region_name="eu-west-1")
        printed = run("audit", "policy.yaml", *options, code=ExitCode.FINDINGS).stdout
        assert "all instances of account 123456789012 in eu-west-1" in printed


@pytest.mark.usefixtures("fleet")
def test_plan_beyond_a_limit_says_what_apply_needs() -> None:
    """A reviewer of a plan learns what apply will refuse."""
    Path("policy.yaml").write_text(
        POLICY.replace("  - name: orders", "  - name: orders\n    replicate: never"),
        encoding="utf-8",
    )
    printed = run("plan", "policy.yaml").stderr
    assert "Apply would refuse this plan. The plan would stop 1 replication," in printed
    assert "--max-stops 1" in printed
