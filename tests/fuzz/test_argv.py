"""Tests that any command line exits with a documented code, and prints data or an error."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from rds_backup_replication.cli import app

from .argv import command_lines
from .figures import FIGURES, scaled
from .files import PLAN, POLICY
from .service import KINDS, STATUSES, Service

_DOCUMENTED = {
    int(code)
    for code in re.findall(
        r"^\| ([0-9]+) \|",
        (Path(__file__).parents[2] / "docs/cli.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
}
_scripts = st.lists(st.sampled_from([*STATUSES * 4, *KINDS]), min_size=1, max_size=4)


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory of the commands, with their files and made-up credentials."""
    (tmp_path / "policy.yaml").write_text(json.dumps(POLICY), encoding="utf-8")
    (tmp_path / "plan.json").write_text(json.dumps(PLAN), encoding="utf-8")
    (tmp_path / "broken").write_bytes(b"\xff{")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("COLUMNS", raising=False)

    def serve(*_: Any) -> None:
        pass

    monkeypatch.setattr("rds_backup_replication.sandbox.__main__.serve", serve)
    return tmp_path


@pytest.mark.usefixtures("directory", "no_backoff", "clock")
@settings(
    max_examples=scaled(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(command_lines(), _scripts, st.sampled_from(["", json.dumps(PLAN), "{"]))
def test_any_command_line_has_a_documented_code(
    argv: list[str], script: list[str], given_in: str
) -> None:
    FIGURES["command lines run"] += 1
    service = Service(script)

    def send(_: Any, request: Any) -> Any:
        return service.send(request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.httpsession.URLLib3Session.send", send)
        result = CliRunner().invoke(app, argv, input=given_in, prog_name="rds-backup-replication")
    if not isinstance(result.exception, (SystemExit, type(None))):
        FIGURES["exceptions outside the contract"] += 1
        raise result.exception
    details = f"{argv}\n{result.stdout}\n{result.stderr}"
    assert result.exit_code in _DOCUMENTED, details
    assert "error is unexpected" not in result.stderr, details
    assert not re.search("Traceback|Error:", result.stdout), details
    assert "--debug" in argv or "Traceback" not in result.stderr, details
    outputs = [after for word, after in pairwise(argv) if word == "--output"]
    if outputs[-1:] == ["json"] and result.stdout and not {"--help", "-h", "--version"} & set(argv):
        json.loads(result.stdout)
