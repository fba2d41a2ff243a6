"""Runs of the command line in this process, for its tests."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from rds_backup_replication.cli import app
from rds_backup_replication.cli._errors import ExitCode
from rds_backup_replication.sandbox import Sandbox

JSON = ("--output", "json")


@pytest.fixture
def sandbox(rds_sandbox: Sandbox) -> Sandbox:
    rds_sandbox.create_db_instance("us-west-2")
    return rds_sandbox


@pytest.fixture(autouse=True)
def no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)  # a worker of pytest-xdist has one


class Ran:
    """Run a command, and keep its output and exit code."""

    def __init__(self, *arguments: str) -> None:
        result = CliRunner().invoke(app, arguments, prog_name="rds-backup-replication")
        self.stdout, self.stderr, self.code = result.stdout, result.stderr, result.exit_code

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


def run(*arguments: str, code: ExitCode = ExitCode.OK) -> Ran:
    ran = Ran(*arguments)
    assert ran.code == code, ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr
    return ran


def ok_lines(*arguments: str) -> list[str]:
    return run(*arguments).stdout.splitlines()
