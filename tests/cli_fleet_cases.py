"""The sandbox, the policy and the hostile text that the tests of a fleet's commands share."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rds_backup_replication.cli import app
from rds_backup_replication.cli._errors import ExitCode
from rds_backup_replication.sandbox import Sandbox

POLICY = """
accounts:
  - id: "123456789012"
rules:
  - name: production
    source_regions: [us-west-2]
    destination_region: us-east-1
    backup_retention_period: 14
  - name: scratch
    source_regions: [us-west-2]
    destination_region: us-east-1
    select: {identifiers: ["tmp-*"]}
    replicate: never
    minimum_instances: 0
"""


@pytest.fixture
def sandbox(rds_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)  # a worker of pytest-xdist has one
    Path("policy.yaml").write_text(POLICY, encoding="utf-8")
    rds_sandbox.create_db_instance("us-west-2")
    return rds_sandbox


def run(*arguments: str, code: ExitCode = ExitCode.OK, given: str = "") -> Any:
    result = CliRunner().invoke(app, arguments, input=given, prog_name="rds-backup-replication")
    assert result.exit_code == code, result.stderr
    assert "Traceback" not in result.output
    return result


# Erases its row on a terminal, and begins another one.
HOSTILE = "x\x1b[1A\x1b[2Khidden\r\u202e\nstart  us-east-1  14"
SHOWN = r"x\x1b[1A\x1b[2Khidden\r\u202e\nstart  us-east-1  14"


def is_visible(text: str) -> bool:
    """Return whether a text has no invisible characters."""
    return all(character.isprintable() or character == "\n" for character in text)
