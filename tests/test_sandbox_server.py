"""Tests of the sandbox's server: start, stop, reset, accounts and its command."""

import os
import signal
import socket
import subprocess
import sys

import pytest
from boto3.session import Session
from botocore.exceptions import EndpointConnectionError

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication.exceptions import DBInstanceNotFoundFault
from rds_backup_replication.sandbox import Sandbox
from rds_backup_replication.sandbox.__main__ import main

from . import sandbox_cases
from .sandbox_cases import start, statuses
from .wire import SOURCE_ARN

pytestmark = pytest.mark.once

# The fixtures of these tests.
run = sandbox_cases.run
sandbox = sandbox_cases.sandbox
client = sandbox_cases.client


def test_second_sandbox_in_process_refused(client: BackupReplicationClient) -> None:
    with pytest.raises(RuntimeError, match="already runs a sandbox"), Sandbox():
        pass
    assert start(client).status == "pending"


def test_assumed_role_uses_its_account(sandbox: Sandbox) -> None:
    """An assumed role sees only the instances and backups of its own account."""
    role: dict[str, str] = sandbox.boto3_client("sts", "us-east-1").assume_role(
        RoleArn="arn:aws:iam::210987654321:role/dr", RoleSessionName="test"
    )["Credentials"]
    other = Session(
        aws_access_key_id=role["AccessKeyId"],
        aws_secret_access_key=role["SecretAccessKey"],
        aws_session_token=role["SessionToken"],
    )
    client = BackupReplicationClient(
        session=other, region_name="us-east-1", endpoint_url=sandbox.endpoint_url
    )
    with pytest.raises(DBInstanceNotFoundFault):
        start(client)
    with pytest.raises(DBInstanceNotFoundFault):
        start(client, source_db_instance_arn=SOURCE_ARN.replace("123456789012", "210987654321"))
    start(sandbox.client("us-east-1"))
    assert statuses(client, 1) == [""]


def test_reset_deletes_everything(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    start(client)
    sandbox.reset()
    assert statuses(client, 1) == [""]
    with pytest.raises(DBInstanceNotFoundFault):
        start(client)


def test_server_runs_only_within_block() -> None:
    sandbox = Sandbox()
    with sandbox:
        assert sandbox.endpoint_url.startswith("http://127.0.0.1:")
        client = sandbox.client("us-east-1")
        assert statuses(client, 1) == [""]
    with pytest.raises(EndpointConnectionError):
        statuses(client, 1)
    sandbox.stop()
    with sandbox:
        assert statuses(sandbox.client("us-east-1"), 1) == [""]


def test_port_in_use() -> None:
    """A port in use is an error, and a later sandbox can still start."""
    with socket.socket() as in_use:
        in_use.bind(("127.0.0.1", 0))
        in_use.listen()
        with pytest.raises(OSError, match="in use"), Sandbox(port=in_use.getsockname()[1]):
            pass
        command = [sys.executable, "-m", "rds_backup_replication.sandbox", "--port"]
        shell = subprocess.run(  # noqa: S603  # our own command
            [*command, str(in_use.getsockname()[1])], capture_output=True, text=True, check=False
        )
        assert (shell.returncode, shell.stderr.count("\n")) == (1, 1)
        assert "Try --port 0" in shell.stderr
    with Sandbox() as sandbox:
        assert sandbox.endpoint_url


@pytest.mark.parametrize(("module", "is_named"), [("moto", True), ("botocore", False)])
def test_missing_extra_named(module: str, *, is_named: bool) -> None:
    code = f"import sys; sys.modules['{module}'] = None; import rds_backup_replication.sandbox"
    run = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ},
    )
    assert run.returncode == 1
    assert ("pip install 'rds-backup-replication[sandbox]'" in run.stderr) == is_named


@pytest.mark.long
@pytest.mark.parametrize("stop_signal", ["INT", "TERM"])
def test_command_stops_despite_ignored_sigint(stop_signal: str) -> None:
    """A shell makes its background jobs ignore SIGINT."""
    options = "--port 0 --db-instance us-west-2:orders --db-instance us-west-2:orders"
    command = f"trap '' INT; exec {sys.executable} -m rds_backup_replication.sandbox {options}"
    with subprocess.Popen(["/bin/sh", "-c", command], stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        try:
            assert "listens on http://127.0.0.1:" in process.stdout.readline()
            assert process.stdout.readline() == (
                "It has arn:aws:rds:us-west-2:123456789012:db:orders\n"
            )
            while "Ctrl-C" not in process.stdout.readline():
                pass
            process.send_signal(getattr(signal, f"SIG{stop_signal}"))
            output, _ = process.communicate(timeout=20)
        finally:
            process.kill()  # a failure must not wait for a process that goes on
    assert output.endswith("Stopped.\n")
    assert process.returncode == 0


@pytest.mark.parametrize("text", ["orders", "us-mars-1:orders", "us-west-2:-", "us-west-2:"])
def test_command_refuses_an_instance_that_cannot_be(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["sandbox", "--port", "0", "--db-instance", text])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert f"argument --db-instance: {text!r} must be a Region and an" in capsys.readouterr().err
