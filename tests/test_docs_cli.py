"""Tests that docs/cli.md shows the real commands, outputs, permissions and exit codes."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from typer.main import get_command
from typer.testing import CliRunner

from rds_backup_replication.cli import app
from rds_backup_replication.cli._errors import ExitCode
from rds_backup_replication.recovery._settings import KIND_TAG
from rds_backup_replication.sandbox import Sandbox

from .wire import SOURCE_ARN

pytestmark = pytest.mark.once

PAGE = (Path(__file__).parent.parent / "docs/cli.md").read_text(encoding="utf-8")
PROGRAM = "rds-backup-replication"
SKIPPED_LINES = ("export ", "pip ", f"{PROGRAM} sandbox ", f"{PROGRAM} --install-completion")
VOLATILE = (
    (r"auto-backup:ab-\w+", "auto-backup:ab-example"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "2026-01-31T12:00:00Z"),
    (r"\b\d+s( |$)", r"0s\1"),
)


def steps() -> Iterator[tuple[str, str]]:
    """Yield each command line of the page, and the output below it."""
    for block in re.findall(r"^```console\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE):
        for step in re.split(r"^\$ ", block.replace("\\\n", ""), flags=re.MULTILINE)[1:]:
            line, _, output = step.partition("\n")
            yield line, output


class Shell:
    """A shell for the command lines of a page, with pipes, variables and ``$?``."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.variables = variables
        self.code = 0

    def run(self, line: str) -> str:
        if line == "echo $?":
            return f"{self.code}\n"
        if assignment := re.fullmatch(r"(\w+)=\$\((.*) \| jq -r \.(\w+)\)", line):
            name, command, field = assignment.groups()
            self.variables[name] = json.loads(self.run(command))[field]
            return ""
        printed, piped = "", ""
        for part in line.split(" | "):
            for name, value in self.variables.items():
                part = part.replace(f"${name}", value)  # noqa: PLW2901
            program, *arguments = shlex.split(part)
            assert program == PROGRAM
            result = CliRunner().invoke(app, arguments, input=piped, prog_name=PROGRAM)
            printed += result.stderr if " | " in line else result.output
            self.code, piped = result.exit_code, result.stdout
        return printed + piped if " | " in line else printed


def stabilize(text: str) -> str:
    """Return a text with its volatile parts replaced by those of the page."""
    for pattern, replacement in VOLATILE:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text


def test_command_lines_print_what_the_page_shows(
    rds_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)  # a worker of pytest-xdist has one
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    (policy,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    (tmp_path / "policy.yaml").write_text(policy, encoding="utf-8")
    rds_sandbox.create_db_instance("us-west-2")
    shell = Shell({"SOURCE": SOURCE_ARN})
    for line, output in steps():
        if line.startswith(SKIPPED_LINES):
            continue
        assert stabilize(shell.run(line)) == output, line


def test_variables_are_set_before_they_are_used() -> None:
    known = {"?"}
    for line, _ in steps():
        assert set(re.findall(r"\$(\w+|\?)", line)) <= known, line
        known |= set(re.findall(r"(?:^|\s)([A-Z_]+)=", line))


# Command lines that make all the calls of each row of the table of permissions.
COMMAND_LINES = {
    "start": ("start", SOURCE_ARN, "--tags", "a=b"),
    "check": ("check", SOURCE_ARN),
    "wait": ("wait", SOURCE_ARN),
    "show": ("show", SOURCE_ARN),
    "list": ("list",),
    "regions": ("regions",),
    "restore": (
        *("restore", SOURCE_ARN, "--use-latest-restorable-time"),
        *("--target-db-instance-identifier", "restored"),
    ),
    "ensure": ("ensure", SOURCE_ARN),
    "replace": ("replace", SOURCE_ARN, "--backup-retention-period", "3", "--yes"),
    "stop": ("stop", SOURCE_ARN, "--yes"),
    "stop --missing-ok": ("stop", SOURCE_ARN, "--missing-ok", "--yes"),
    "wait --until stopped": ("wait", SOURCE_ARN, "--until", "stopped"),
    "audit": ("audit", "policy.yaml"),
    "plan": ("plan", "policy.yaml", "--out", "plan.json"),
    "policy test": ("policy", "test", "policy.yaml"),
    "apply": ("apply", "plan.json", "--policy", "policy.yaml", "--yes"),
    "recovery capture": ("recovery", "capture", "policy.yaml", "--out", "book.json"),
    "recovery check": ("recovery", "check", "book.json"),
    "recovery recover": ("recovery", "recover", "book.json", "--journal", "run.jsonl", "--yes"),
    "recovery drill": (
        *("recovery", "drill", "book.json", "--journal", "drill.jsonl"),
        *("--in-recovery-network", "--yes"),
    ),
    "recovery drill-cleanup": ("recovery", "drill-cleanup", "drill.jsonl", "--yes"),
    "delete": ("delete", "BACKUP", "--yes"),
}
# The page's IAM policies by heading, each with its commands.
POLICIES = {
    "To audit and plan": ("audit", "plan", "check", "show", "list", "regions", "wait"),
    "To apply plans, to ensure and to replace": (
        *("apply", "ensure", "replace", "start", "stop", "stop --missing-ok"),
    ),
    "To delete retained backups, and to restore": ("delete", "restore"),
    "To capture, and to check": ("recovery capture", "recovery check"),
    "To recover": ("recovery recover",),
    "To drill": ("recovery drill", "recovery drill-cleanup"),
}
ACTION = r"(?:ec2|kms|rds):\w+"


def permissions(page: str, name: str) -> set[str]:
    """Return the actions in a row of the page's table, and in the rows that the row refers to."""
    (row,) = (line for line in page.splitlines() if re.match(rf"\|[^|]*`{name}`[^|]*\|", line))
    _, _, needed = row[1:].partition("|")
    others = (permissions(page, other) for other in re.findall(r"as `([\w ]+)`", needed))
    return set(re.findall(ACTION, needed)).union(*others)


def test_permissions_cover_the_calls_of_each_command(
    rds_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = (Path(__file__).parent.parent / "docs/permissions.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    (policy,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    ec2 = rds_sandbox.boto3_client("ec2", "us-east-1")
    group = ec2.create_security_group(GroupName="dr", Description="dr")["GroupId"]
    block = f"    recovery: {{security_group_ids: [{group}]}}\n"
    (tmp_path / "policy.yaml").write_text(policy + block, encoding="utf-8")
    rds_sandbox.create_db_instance("us-west-2")
    called: set[str] = set()
    make_api_call: Any = vars(BaseClient)["_make_api_call"]

    def record(client: Any, operation: str, parameters: Any) -> Any:
        called.add(f"{client.meta.service_model.endpoint_prefix}:{operation}")
        return make_api_call(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", record)
    client = rds_sandbox.client("us-east-1")
    for name, arguments in COMMAND_LINES.items():
        if name == "delete":
            client.ensure_stopped(source_db_instance_arn=SOURCE_ARN)
            client.wait_until_stopped(source_db_instance_arn=SOURCE_ARN)
            backup = client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN)
            assert backup is not None
            arguments = ("delete", str(backup.db_instance_automated_backups_arn), "--yes")  # noqa: PLW2901
        called.clear()
        result = CliRunner().invoke(app, arguments, prog_name=PROGRAM)
        assert result.exit_code in (0, 8), result.output
        called.discard("sts:GetCallerIdentity")  # which takes no permission
        assert called or name == "recovery drill-cleanup"  # the drill has left nothing behind
        assert called <= permissions(page, name), name
    commands: dict[str, object] = vars(get_command(app))["commands"]
    assert {name.partition(" ")[0] for name in COMMAND_LINES} == {*commands} - {
        *("policy-schema", "sandbox")
    }


def test_iam_policies_allow_what_their_commands_need() -> None:
    page = (Path(__file__).parent.parent / "docs/permissions.md").read_text(encoding="utf-8")
    allowed: set[str] = set()
    for heading, names in POLICIES.items():
        section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
        if not re.search(r"policy above|\[policy to check\]", section):
            allowed = {"ec2:DescribeRegions"}  # only for source_regions: enabled
        allowed |= set(re.findall(ACTION, section.partition("```json")[2].partition("```")[0]))
        for name in names:
            assert permissions(page, name) <= allowed, name


def test_iam_policies_delete_only_what_a_drill_made() -> None:
    """A drill's role changes and deletes only what has a drill's name and tag."""
    page = (Path(__file__).parent.parent / "docs/permissions.md").read_text(encoding="utf-8")
    deleting: list[dict[str, Any]] = []
    tagging: list[dict[str, Any]] = []
    for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL):
        for statement in json.loads(block)["Statement"]:
            if '"rds:DeleteDBInstance"' in json.dumps(statement):
                deleting.append(statement)
            if {"rds:AddTagsToResource", "rds:RestoreDBInstanceToPointInTime"} <= {
                *statement["Action"]
            }:
                tagging.append(statement)
    (of_drill,) = deleting
    assert of_drill["Resource"].endswith(":db:drill-*")
    assert of_drill["Condition"] == {"StringEquals": {f"aws:ResourceTag/{KIND_TAG}": "drill"}}
    for statement, kind in zip(tagging, ("recovery", "drill"), strict=True):
        condition = {"StringEquals": {f"aws:RequestTag/{KIND_TAG}": kind}}
        assert statement["Condition"] == condition
    assert [arn for arn in tagging[1]["Resource"] if ":db:" in arn] == [of_drill["Resource"]]


def test_every_command_is_on_the_page() -> None:
    commands: dict[str, object] = vars(get_command(app))["commands"]
    for name in commands:
        assert re.search(rf"`{name}[` ]", PAGE), name


def test_commands_of_recovery_are_on_the_page_with_their_options() -> None:
    group: dict[str, Any] = vars(get_command(app))["commands"]
    section = PAGE.partition("## Recovery")[2].partition("\n## ")[0]
    options: set[str] = set()
    for name, command in group["recovery"].commands.items():
        assert re.search(rf"\brecovery {name}[` ]", section), name
        options |= {option for parameter in command.params for option in parameter.opts}
    assert set(re.findall(r"(?<![\w-])--\w[\w-]+", section)) - {"--quick"} <= options


def test_table_of_exit_codes_is_complete() -> None:
    table = PAGE.partition("## Exit codes")[2].partition("\n## ")[0]
    codes = [int(code) for code in re.findall(r"^\| (\d+) \| \S", table, re.MULTILINE)]
    assert codes == list(ExitCode)
