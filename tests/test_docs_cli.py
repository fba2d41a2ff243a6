"""What docs/cli.md shows, run: each command line on a sandbox, and what it prints."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from rds_backup_replication.cli import app
from rds_backup_replication.cli._exit import ExitCode
from rds_backup_replication.sandbox import Sandbox

from .wire import SOURCE_ARN

PAGE = (Path(__file__).parent.parent / "docs/cli.md").read_text(encoding="utf-8")
PROGRAM = "rds-backup-replication"
NOT_RUN = ("export ", "pip ", f"{PROGRAM} sandbox ", f"{PROGRAM} --install-completion")
SETTLED = (
    (r"auto-backup:ab-\w+", "auto-backup:ab-example"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "2026-01-31T12:00:00Z"),
    (r"\b\d+s( |$)", r"0s\1"),
)


def steps() -> Iterator[tuple[str, str]]:
    """Each command line, and what the page shows below it."""
    for block in re.findall(r"^```console\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE):
        for step in re.split(r"^\$ ", block.replace("\\\n", ""), flags=re.MULTILINE)[1:]:
            line, _, shown = step.partition("\n")
            yield line, shown


class Shell:
    """Runs what a page shows, with its pipes and its ``$?``."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.variables = variables
        self.code = 0

    def run(self, line: str) -> str:
        if line == "echo $?":
            return f"{self.code}\n"
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


def settled(text: str) -> str:
    for pattern, replacement in SETTLED:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text


def test_every_command_line_prints_what_is_shown(
    rds_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)  # a worker of pytest-xdist has one
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    (policy,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    (tmp_path / "policy.yaml").write_text(policy, encoding="utf-8")
    rds_sandbox.create_db_instance("us-west-2")
    shell = Shell({"SOURCE": SOURCE_ARN})
    client = rds_sandbox.client("us-east-1")
    for line, shown in steps():
        if line.startswith(NOT_RUN):
            continue
        if "$BACKUP" in line:
            backup = client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN)
            assert backup is not None
            shell.variables["BACKUP"] = str(backup.db_instance_automated_backups_arn)
        assert settled(shell.run(line)) == shown, line


def test_every_command_is_shown() -> None:
    commands: dict[str, object] = vars(get_command(app))["commands"]
    for name in commands:
        assert f"`{name}`" in PAGE, name


def test_the_table_of_exit_codes_is_the_enum() -> None:
    table = PAGE.partition("## Exit codes")[2].partition("\n## ")[0]
    codes = [int(code) for code in re.findall(r"^\| (\d+) \| \S", table, re.MULTILINE)]
    assert codes == list(ExitCode)
