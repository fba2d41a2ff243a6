"""Tests of the commands for a fleet, run against the sandbox."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rds_backup_replication.cli._errors import ExitCode
from rds_backup_replication.exceptions import AccessDeniedError
from rds_backup_replication.fleet import ApplyReport, AuditReport, Plan, Policy
from rds_backup_replication.sandbox import Sandbox

from . import cli_fleet_cases
from .cli_cases import JSON
from .cli_fleet_cases import HOSTILE, POLICY, SHOWN, is_visible, run
from .wire import SOURCE_ARN

pytestmark = pytest.mark.once

APPLY = ("apply", "--policy", "policy.yaml", "--yes")
# The fixture of these tests.
sandbox = cli_fleet_cases.sandbox


@pytest.mark.usefixtures("sandbox")
def test_audit_plan_and_apply_protect_a_fleet() -> None:
    audited = AuditReport.model_validate_json(
        run("audit", "policy.yaml", *JSON, code=ExitCode.FINDINGS).stdout
    )
    assert [record.state for record in audited.records] == ["unprotected"]
    printed = run("plan", "policy.yaml", "--out", "plan.json", *JSON).stdout
    planned = Plan.model_validate_json(printed)
    assert [action.kind for action in planned.actions] == ["start"]
    assert Plan.model_validate_json(Path("plan.json").read_text(encoding="utf-8")) == planned
    applied = ApplyReport.model_validate_json(run(*APPLY, "plan.json", *JSON).stdout)
    assert [result.outcome for result in applied.results] == ["done"]
    again = run(*APPLY, "-", *JSON, given=printed)
    assert [result["outcome"] for result in json.loads(again.stdout)["results"]] == ["unchanged"]
    table = run("plan", "policy.yaml").stdout.splitlines()
    assert table[0].split() == ["ACTION", "TO", "RULE", "INSTANCE"]
    assert table[1].split() == ["unchanged", "us-east-1", "production", SOURCE_ARN]
    unchanged = run(*APPLY, given=run("plan", "policy.yaml", *JSON).stdout)
    assert (unchanged.stdout, unchanged.stderr) == ("", "The plan contains no changes.\n")


@pytest.mark.usefixtures("sandbox")
def test_audit_writes_an_html_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def render_html(report: AuditReport) -> str:
        return f"<p>{report.records[0].db_instance_arn}</p>"

    report = SimpleNamespace(render_html=render_html)
    monkeypatch.setitem(sys.modules, "rds_backup_replication.fleet._report.page", report)
    ran = run("audit", "policy.yaml", "--html", "audit.html", code=ExitCode.FINDINGS)
    assert Path("audit.html").read_text(encoding="utf-8") == f"<p>{SOURCE_ARN}</p>"
    assert ran.stdout.splitlines()[1].split() == ["unprotected", "-", "us-east-1", SOURCE_ARN]


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("command", [("audit", "--html"), ("plan", "--out")])
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("no/where", "No such file or directory"),
        ("", "Is a directory"),
        (".", "Is a directory"),
        ("policy.yaml/x", "Not a directory"),
        ("x" * 300, "File name too long"),
        ("-", "standard output is not a file. Name one for the "),
    ],
)
def test_unwritable_file_prevents_any_request(
    monkeypatch: pytest.MonkeyPatch, command: tuple[str, str], target: str, reason: str
) -> None:
    def send(*_: object) -> None:
        pytest.fail("a request was sent")

    monkeypatch.setattr("botocore.httpsession.URLLib3Session.send", send)
    name, option = command
    before = sorted(Path().iterdir())
    ran = run(name, "policy.yaml", option, target, code=ExitCode.USAGE)
    assert ran.stderr.startswith(f"Error: {target or '.'} cannot be written: {reason}")
    assert sorted(Path().iterdir()) == before


@pytest.mark.usefixtures("sandbox")
def test_failed_write_keeps_the_previous_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("page.html").write_text("earlier", encoding="utf-8")
    write_text = Path.write_text

    def fail(path: Path, text: str, **keywords: Any) -> int:
        write_text(path, text[:10], **keywords)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fail)
    ran = run("audit", "policy.yaml", "--html", "page.html", *JSON, code=ExitCode.OTHER)
    assert AuditReport.model_validate_json(ran.stdout).records
    assert "page.html cannot be written: No space left on device" in ran.stderr
    assert Path("page.html").read_text(encoding="utf-8") == "earlier"
    assert sorted(path.name for path in Path().iterdir()) == ["page.html", "policy.yaml"]


@pytest.mark.usefixtures("sandbox")
def test_replaced_file_keeps_its_link_and_mode() -> None:
    Path("real").mkdir()
    real = Path("real/plan.json")
    real.write_text("earlier", encoding="utf-8")
    real.chmod(0o640)
    Path("plan.json").symlink_to(real)
    run("plan", "policy.yaml", "--out", "plan.json")
    assert Path("plan.json").is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert Plan.model_validate_json(real.read_text(encoding="utf-8")).actions
    run("plan", "policy.yaml", "--out", "/dev/null")
    assert not Path("/dev/null").is_file()


@pytest.mark.usefixtures("sandbox")
def test_policy_and_plan_are_read_from_standard_input() -> None:
    mark = "\ufeff"  # the byte order mark that some editors write
    run("audit", "-", code=ExitCode.FINDINGS, given=f"{mark}{POLICY}")
    planned = run("plan", "-", *JSON, given=POLICY).stdout
    Path("plan.json").write_text(f"{mark}{planned}", encoding="utf-8")
    run(*APPLY, "plan.json")
    run(*APPLY, "-", given=f"{mark}{planned}")
    invalid = run("audit", "-", code=ExitCode.USAGE, given="accounts: 1\n").stderr
    assert invalid.startswith("Error: standard input:1: accounts")


@pytest.mark.usefixtures("sandbox", "no_backoff")
@pytest.mark.parametrize("command", ["audit", "plan"])
def test_scan_without_any_response_is_unreachable(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = ("--endpoint-url", "http://127.0.0.1:9")
    ran = run(command, "policy.yaml", *nowhere, code=ExitCode.UNREACHABLE)
    assert "1 unknown" in ran.stderr
    assert "endpoint" in ran.stdout
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    ran = run(command, "policy.yaml", code=ExitCode.UNREACHABLE)
    assert "Unable to locate credentials.\n  Run aws configure or aws sso login" in ran.stdout


def test_scan_with_an_unknown_region_has_findings(sandbox: Sandbox) -> None:
    two = POLICY.replace("[us-west-2]", "[us-west-2, us-west-1]")
    for command in ("audit", "plan"):
        sandbox.add_fault("describe_db_instances", AccessDeniedError, region_name="us-west-1")
        ran = run(command, "-", given=two, code=ExitCode.FINDINGS)
        assert "unknown" in ran.stdout


@pytest.mark.usefixtures("sandbox")
def test_long_rule_name_leaves_room_for_the_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("policy.yaml").write_text(POLICY.replace("production", "p" * 100), encoding="utf-8")
    monkeypatch.setenv("COLUMNS", "80")
    lines = run("plan", "policy.yaml").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[-1] for line in lines if "mydatabase" in line] == ["mydatabase"]


@pytest.mark.usefixtures("sandbox")
def test_hidden_characters_in_a_policy_are_escaped() -> None:
    policy = POLICY.replace("production", json.dumps(HOSTILE))
    Path("policy.yaml").write_text(policy, encoding="utf-8")
    planned = run("plan", "policy.yaml")
    assert is_visible(planned.stdout + planned.stderr)
    assert len(planned.stdout.splitlines()) == 2
    assert SHOWN in planned.stdout
    as_json = run("plan", "policy.yaml", *JSON).stdout
    assert json.loads(as_json)["actions"][0]["rule"] == HOSTILE
    assert is_visible(as_json)
    Path("policy.yaml").write_text(f"{policy}{json.dumps(HOSTILE)}: 1\n", encoding="utf-8")
    error = run("plan", "policy.yaml", code=ExitCode.USAGE).stderr
    assert is_visible(error)
    assert r"x\x1b[1A\x1b[2Khidden\r\u202e" in error


def test_impossible_action_of_a_plan_is_a_finding(sandbox: Sandbox) -> None:
    sandbox.create_db_instance("us-west-2", "secret", StorageEncrypted=True)
    ran = run("plan", "policy.yaml", code=ExitCode.FINDINGS)
    assert "impossible" in ran.stdout
    assert "KMS key" in ran.stdout
    assert "1 start" in ran.stderr


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("command", "not_utf8"),
    [
        ("audit", "bytes:1: is not UTF-8"),
        ("plan", "bytes:1: is not UTF-8"),
        ("apply --policy policy.yaml", "bytes:1: is not UTF-8"),
    ],
)
def test_invalid_file_is_a_usage_error(command: str, not_utf8: str) -> None:
    Path("invalid").write_text('{"accounts": 1}', encoding="utf-8")
    Path("bytes").write_bytes(b"\xff")
    ran = run(*command.split(), "missing", code=ExitCode.USAGE)
    assert ran.stderr == "Error: missing cannot be read: No such file or directory\n"
    assert not_utf8 in run(*command.split(), "bytes", code=ExitCode.USAGE).stderr
    invalid = run(*command.split(), "invalid", code=ExitCode.USAGE)
    assert invalid.stdout == ""
    assert invalid.stderr.startswith("Error: invalid")


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("command", [("audit", "policy.yaml"), ("plan", "policy.yaml"), APPLY])
@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--endpoint-url", "nowhere", "Invalid endpoint: nowhere. The endpoint must be a URL"),
        ("--endpoint-url", "http://[", "The endpoint must be a URL"),
        ("--endpoint-url", "http://x:99999", "The endpoint must be a URL"),
        ("--profile", "nobody", "nobody"),
    ],
)
def test_invalid_endpoint_or_profile_is_a_usage_error(
    command: tuple[str, ...], option: str, value: str, message: str
) -> None:
    plan = run("plan", "policy.yaml", *JSON).stdout
    ran = run(*command, option, value, code=ExitCode.USAGE, given=plan)
    assert message in ran.stderr
    assert ran.stdout == ""


def test_policy_schema_is_printed() -> None:
    assert json.loads(run("policy-schema").stdout) == Policy.model_json_schema()
