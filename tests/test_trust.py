"""Files are data and never code, and the sandbox is for its own machine alone."""

import inspect
import json
import os
import pickle
import socket
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from rds_backup_replication.cli import app
from rds_backup_replication.cli._exit import ExitCode
from rds_backup_replication.exceptions import PolicyError
from rds_backup_replication.fleet import Plan, Policy
from rds_backup_replication.sandbox import Sandbox
from rds_backup_replication.sandbox.__main__ import main

from .planted import ACCOUNT, POLICY, START_ACTION

PLAN: dict[str, Any] = {
    "planned_at": "2026-11-24T12:00:00Z",
    "accounts": [{"id": ACCOUNT, "role_arn": f"arn:aws:iam::{ACCOUNT}:role/audit"}],
    "actions": [START_ACTION.model_dump()],
}


class Canary:
    def __reduce__(self) -> Any:
        return os.mkdir, ("canary",)


# Whatever would make a directory if it were more than data.
CODE = (
    "!!python/object/apply:os.mkdir [canary]",
    "accounts: !!python/object/apply:os.mkdir [canary]",
    "!!python/object/new:os.mkdir {args: [canary]}",
    '{"py/reduce": [{"py/function": "os.mkdir"}, {"py/tuple": ["canary"]}]}',
    '{"__reduce__": ["os.mkdir", ["canary"]]}',
    "__import__('os').mkdir('canary')",
    "{{ mkdir('canary') }}",
    "$(mkdir canary)",
    pickle.dumps(Canary(), 0).decode("ascii"),
)


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("text", CODE)
def test_a_file_is_never_code(text: str) -> None:
    with pytest.raises(PolicyError):
        Policy.from_yaml(text)
    with pytest.raises(ValidationError):
        Plan.model_validate_json(text)
    Path("file").write_text(text, encoding="utf-8")
    for command in (("audit", "file"), ("plan", "file"), ("apply", "file", "--yes")):
        assert CliRunner().invoke(app, command).exit_code == ExitCode.USAGE
    assert [entry.name for entry in Path.cwd().iterdir()] == ["file"]


@pytest.mark.parametrize("text", CODE)
def test_a_text_within_a_plan_is_a_text(text: str) -> None:
    action = {**PLAN["actions"][0], "rule": text, "tags": {"key": text}}
    read = Plan.model_validate_json(json.dumps({**PLAN, "actions": [action]}))
    assert read.actions[0].rule == text
    assert read.actions[0].tags == {"key": text}
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize(
    "role_arn",
    [
        "",
        "audit",
        "arn:aws:iam::222222222222:role/audit",  # of another account
        f"arn:aws:sts::{ACCOUNT}:assumed-role/audit/me",
        f"arn:aws:iam::{ACCOUNT}:user/audit",
        f"arn:aws:iam::{ACCOUNT}:role/",
        f"arn:aws:iam::{ACCOUNT}:role/audit\n",
        f"arn:aws:iam::{ACCOUNT}:role/a b",
        f"arn:aws:iam::{ACCOUNT}:role/$(id)",
        f"arn:evil:iam::{ACCOUNT}:role/audit",
        f"arn:aws:iam:us-east-1:{ACCOUNT}:role/audit",
        f"arn:aws:iam::{ACCOUNT}:role/{'x' * 513}",
    ],
)
def test_a_role_arn_is_one_in_policies_and_in_plans(role_arn: str) -> None:
    assert Plan.model_validate_json(json.dumps(PLAN)).accounts[0].role_arn
    accounts = [{"id": ACCOUNT, "role_arn": role_arn}]
    with pytest.raises(ValidationError, match="role_arn"):
        Plan.model_validate_json(json.dumps({**PLAN, "accounts": accounts}))
    policy = json.loads(POLICY.model_dump_json())
    with pytest.raises(PolicyError, match="role_arn"):
        Policy.from_yaml(json.dumps({**policy, "accounts": accounts}))


# The sandbox


def is_reached(family: socket.AddressFamily, host: str, port: int) -> bool:
    with socket.socket(family) as probe:
        probe.settimeout(5)
        try:
            probe.connect((host, port))
        except OSError:
            return False
        return True


def test_the_sandbox_listens_on_loopback_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOST", "FLASK_RUN_HOST", "MOTO_HOST", "SERVER_NAME", "MOTO_SERVER_HOST"):
        monkeypatch.setenv(name, "0.0.0.0")  # noqa: S104  # which it must not heed
    with Sandbox() as sandbox:
        port = int(sandbox.endpoint_url.rpartition(":")[2])
        server = sandbox._server  # pyright: ignore[reportPrivateUsage]
        assert server is not None
        assert server.socket.getsockname() == ("127.0.0.1", port)
        assert is_reached(socket.AF_INET, "127.0.0.1", port)
        # What listens everywhere, listens there too, where loopback is as wide as on Linux.
        assert not is_reached(socket.AF_INET, "127.0.0.2", port)
        if socket.has_ipv6:
            assert not is_reached(socket.AF_INET6, "::1", port)


def test_nothing_can_make_the_sandbox_listen_elsewhere() -> None:
    assert set(inspect.signature(Sandbox).parameters) == {"behaviour", "port"}
    for option in ("--host", "--bind", "--address", "--interface"):
        refused = CliRunner().invoke(app, ["sandbox", option, "0.0.0.0"])  # noqa: S104
        assert refused.exit_code == ExitCode.USAGE
        assert "No such option" in refused.stderr
    for port in ("0.0.0.0:0", "::"):
        assert CliRunner().invoke(app, ["sandbox", "--port", port]).exit_code == ExitCode.USAGE


def test_the_sandboxs_module_takes_no_host(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["sandbox", "--host", "0.0.0.0"])  # noqa: S104
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "unrecognized arguments" in capsys.readouterr().err


def test_the_documentation_says_that_the_sandbox_keeps_nobody_out() -> None:
    page = Path(__file__).parents[1] / "docs" / "sandbox.md"
    text = " ".join(page.read_text(encoding="utf-8").split())
    assert "It listens on 127.0.0.1 alone." in text
    assert "it is no security boundary" in text
