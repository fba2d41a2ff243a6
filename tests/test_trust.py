"""Tests that files are never executed, and that the sandbox serves only its own machine."""

import inspect
import json
import os
import pickle
import socket
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from rds_backup_replication.cli import app
from rds_backup_replication.cli._errors import ExitCode
from rds_backup_replication.exceptions import PlanRefusedError, PolicyError, ThrottlingError
from rds_backup_replication.fleet import Account, AuditReport, Plan, Policy, resume
from rds_backup_replication.sandbox import Sandbox
from rds_backup_replication.sandbox.__main__ import main

from .planted import ACCOUNT, POLICY, START_ACTION

pytestmark = pytest.mark.once

PLAN: dict[str, Any] = {
    "planned_at": "2026-11-24T12:00:00Z",
    "policy_hash": POLICY.content_hash,
    "accounts": [ACCOUNT],
    "actions": [START_ACTION.model_dump()],
}


class Canary:
    def __reduce__(self) -> Any:
        return os.mkdir, ("canary",)


# Each text creates a directory if a parser executes it.
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
def in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("text", CODE)
def test_file_content_is_never_executed(text: str) -> None:
    with pytest.raises(PolicyError):
        Policy.from_yaml(text)
    with pytest.raises(ValidationError):
        Plan.model_validate_json(text)
    with pytest.raises(ValidationError):
        AuditReport.model_validate_json(text)
    Path("file").write_text(text, encoding="utf-8")
    Path("valid").write_text(POLICY.model_dump_json(), encoding="utf-8")
    Path("plan").write_text(json.dumps(PLAN), encoding="utf-8")
    with pytest.raises(PlanRefusedError, match="file is not a journal"):
        resume("file", POLICY)
    for command, problem in (
        (("audit", "file"), "file:"),
        (("audit", "valid", "--compare", "file"), "file is not"),
        (("plan", "file"), "file:"),
        (("apply", "file", "--policy", "valid", "--yes"), "file is not a plan"),
        (("apply", "plan", "--policy", "file", "--yes"), "file:"),
        (("apply", "--resume", "file", "--policy", "valid", "--yes"), "file is not a journal"),
    ):
        result = CliRunner().invoke(app, command)
        assert result.exit_code == ExitCode.USAGE
        assert problem in result.stderr
    assert {entry.name for entry in Path.cwd().iterdir()} == {"file", "valid", "plan"}


@pytest.mark.parametrize("text", CODE)
def test_text_in_a_plan_is_never_executed(text: str) -> None:
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
        "arn:aws:iam::222222222222:role/audit",  # in another account
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
def test_invalid_role_arn_is_refused(role_arn: str) -> None:
    policy = json.loads(POLICY.model_dump_json())
    assert Policy.from_yaml(json.dumps(policy)) == POLICY
    with pytest.raises(ValidationError, match="role_arn"):
        Account(id=ACCOUNT, role_arn=role_arn)
    policy["accounts"][0]["role_arn"] = role_arn
    with pytest.raises(PolicyError, match=r"accounts\[0\]\.role_arn"):
        Policy.from_yaml(json.dumps(policy))


@pytest.mark.parametrize(
    "smuggled",
    [
        {"accounts": [{"id": ACCOUNT, "role_arn": f"arn:aws:iam::{ACCOUNT}:role/evil"}]},
        {"role_arn": f"arn:aws:iam::{ACCOUNT}:role/evil"},
        {"actions": [{**PLAN["actions"][0], "role_arn": f"arn:aws:iam::{ACCOUNT}:role/evil"}]},
    ],
)
def test_plan_with_a_role_is_refused(smuggled: dict[str, Any]) -> None:
    """The roles come from the policy, so nobody can change them in a plan."""
    assert Plan.model_validate_json(json.dumps(PLAN)).changes
    with pytest.raises(ValidationError):
        Plan.model_validate_json(json.dumps({**PLAN, **smuggled}))


# The sandbox


def is_reachable(family: socket.AddressFamily, host: str, port: int) -> bool:
    """Return whether a server listens at the address."""
    with socket.socket(family) as probe:
        probe.settimeout(5)
        try:
            probe.connect((host, port))
        except OSError:
            return False
        return True


def test_sandbox_listens_on_loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOST", "FLASK_RUN_HOST", "MOTO_HOST", "SERVER_NAME", "MOTO_SERVER_HOST"):
        monkeypatch.setenv(name, "0.0.0.0")  # noqa: S104  # the sandbox must ignore the variable
    with Sandbox() as sandbox:
        port = int(sandbox.endpoint_url.rpartition(":")[2])
        server = sandbox._server  # pyright: ignore[reportPrivateUsage]
        assert server is not None
        assert server.socket.getsockname() == ("127.0.0.1", port)
        assert is_reachable(socket.AF_INET, "127.0.0.1", port)
        # On Linux, a server that listens on all addresses also listens on 127.0.0.2.
        assert not is_reachable(socket.AF_INET, "127.0.0.2", port)
        if socket.has_ipv6:
            assert not is_reachable(socket.AF_INET6, "::1", port)


def test_sandbox_has_no_option_for_another_address() -> None:
    assert set(inspect.signature(Sandbox).parameters) == {"behavior", "port"}
    for option in ("--host", "--bind", "--address", "--interface"):
        result = CliRunner().invoke(app, ["sandbox", option, "0.0.0.0"])  # noqa: S104
        assert result.exit_code == ExitCode.USAGE
        assert "No such option" in result.stderr
    for port in ("0.0.0.0:0", "::"):
        assert CliRunner().invoke(app, ["sandbox", "--port", port]).exit_code == ExitCode.USAGE


def test_sandbox_module_has_no_option_for_a_host(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["sandbox", "--host", "0.0.0.0"])  # noqa: S104
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "unrecognized arguments" in capsys.readouterr().err


LISTING = "Action=DescribeDBInstances&Version=2014-10-31"
SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=sandbox/20261124/us-west-2/rds/aws4_request",
    "Content-Type": "application/x-www-form-urlencoded",
}


def send_request(
    sandbox: Sandbox, path: str = "/", method: str = "POST", **headers: str | None
) -> tuple[int, str]:
    """Send a signed request, and return the status and the text of the response."""
    address = sandbox.endpoint_url.rpartition("/")[2]
    body = LISTING if method == "POST" else ""
    sent = {**SIGNED, "Host": address, "Content-Length": str(len(body)), **headers}
    connection = HTTPConnection(address, timeout=20)
    try:
        connection.putrequest(method, path, skip_host=True)
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name.replace("_", "-"), value)
        connection.endheaders(body.encode())
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
@pytest.mark.parametrize("port", ["", ":5000"])
def test_sandbox_serves_the_host_names_of_loopback(host: str, port: str) -> None:
    with Sandbox() as sandbox:
        sandbox.create_db_instance("us-west-2")
        status, text = send_request(sandbox, Host=host + port)
    assert status == 200
    assert "<DBInstanceIdentifier>mydatabase<" in text


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:5000",
        "127.0.0.1.evil.example",
        "localhost.evil.example:5000",
        "evil.example:5000@127.0.0.1",
        "rds.us-west-2.amazonaws.com",
        "127.0.0.1, evil.example",
        "127.0.0.1:5000:evil",
        "0.0.0.0:5000",
        "",
        None,
    ],
)
def test_sandbox_refuses_any_other_host_name(host: str | None) -> None:
    with Sandbox() as sandbox:
        status, text = send_request(sandbox, Host=host)
    assert status == 403
    assert "Host" in text


def test_sandbox_checks_the_host_of_the_request_line() -> None:
    with Sandbox() as sandbox:
        assert send_request(sandbox, "http://evil.example/")[0] == 403
        assert send_request(sandbox, "http://localhost/", Host="evil.example")[0] == 200


@pytest.mark.parametrize(
    "marks",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:5000"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},  # browsers send no Origin for an <img>
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_sandbox_refuses_requests_of_web_pages(method: str, marks: dict[str, str]) -> None:
    with Sandbox() as sandbox:
        sandbox.create_db_instance("us-west-2")
        sandbox.add_fault("describe_db_instances", ThrottlingError)
        status, text = send_request(sandbox, method=method, **marks)
        assert status == 403
        assert "web page" in text
        assert send_request(sandbox)[0] == 400  # the refused request did not use up the fault
        assert "mydatabase" in send_request(sandbox)[1]


@pytest.mark.parametrize(
    "path",
    [
        "/moto-api/recorder/start-recording",
        "/moto-api/recorder/download-recording",
        "/moto-api/reset",
        "/moto-api/data.json",
        "/moto-api/",
        "/moto-api",
        "/%6doto-api/reset",
    ],
)
def test_sandbox_refuses_the_paths_of_moto(path: str) -> None:
    with Sandbox() as sandbox:
        sandbox.create_db_instance("us-west-2")
        assert [send_request(sandbox, path, method)[0] for method in ("GET", "POST")] == [403, 403]
        assert "moto" in send_request(sandbox, path)[1]
        assert "mydatabase" in send_request(sandbox)[1]
    assert list(Path.cwd().iterdir()) == []


def test_sandbox_accepts_a_browsers_address_bar() -> None:
    with Sandbox() as sandbox:
        assert send_request(sandbox, method="GET", Sec_Fetch_Site="none")[0] != 403


def test_page_says_the_sandbox_is_no_security_boundary() -> None:
    page = Path(__file__).parents[1] / "docs" / "sandbox.md"
    text = " ".join(page.read_text(encoding="utf-8").split())
    assert "The sandbox listens only on 127.0.0.1." in text
    assert "It is no security boundary" in text
