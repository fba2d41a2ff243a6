"""The program as a process: how it starts, what a terminal gets, what is missing."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from rds_backup_replication.sandbox import Sandbox

from .wire import SOURCE_ARN

PROGRAM = (sys.executable, "-m", "rds_backup_replication.cli")


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )


def test_help_and_version_import_nothing_heavy() -> None:
    code = (
        "import sys, rds_backup_replication.cli as cli\n"
        "assert 'typer' not in sys.modules\n"
        "for word in ('--version', '--help'):\n"
        "    sys.argv = ['rds-backup-replication', word]\n"
        "    try: cli.main()\n"
        "    except SystemExit as error: assert not error.code\n"
        "    heavy = {'boto3', 'botocore', 'pydantic', 'moto', 'yaml', 'rich'}\n"
        "    assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    ran = python(code)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Usage: rds-backup-replication" in ran.stdout


@pytest.mark.parametrize("module", ["typer", "rich", "yaml"])
def test_a_missing_extra_is_named(module: str) -> None:
    arguments = ["regions"] if module != "yaml" else ["audit", os.devnull]
    code = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from rds_backup_replication.cli import main\n"
        f"sys.argv = ['rds-backup-replication', *{arguments!r}]\n"
        "from rds_backup_replication import BackupReplicationClient as Client, SourceRegion\n"
        "region = SourceRegion(region_name='us-west-2')\n"
        "Client.describe_source_regions = lambda *_, **__: iter([region])\n"
        "import os; os.environ['AWS_REGION'] = 'us-east-1'\n"
        "main()\n"
    )
    ran = python(code)
    assert ran.returncode == 1, ran.stderr
    assert ran.stderr.startswith("Error: ")
    assert "pip install 'rds-backup-replication[" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_completes(shell: str) -> None:
    words = "rds-backup-replication po"
    variables = {
        "_RDS_BACKUP_REPLICATION_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words,
        "COMP_CWORD": "1",
        "_TYPER_COMPLETE_ARGS": words,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    ran = subprocess.run(  # noqa: S603  # our own program
        PROGRAM, capture_output=True, text=True, check=False, env={**os.environ, **variables}
    )
    assert "policy-schema" in ran.stdout
    assert "start" not in ran.stdout


@contextmanager
def on_a_terminal(
    *arguments: str, **variables: str
) -> Generator[tuple[int, "subprocess.Popen[bytes]"]]:
    """The program with a terminal for what it asks, and a pipe for its data."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", **variables}
    try:
        with subprocess.Popen(  # noqa: S603  # our own program
            [*PROGRAM, *arguments],
            stdin=theirs,
            stderr=theirs,
            stdout=subprocess.PIPE,
            env=environment,
        ) as process:
            os.close(theirs)
            yield ours, process
    finally:
        os.close(ours)


def read_until(terminal: int, text: str) -> str:
    shown = b""
    while text.encode() not in shown:
        shown += os.read(terminal, 1024)
    return shown.decode()


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_a_terminal_is_asked(rds_sandbox: Sandbox, answer: str, code: int) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    client = rds_sandbox.client("us-east-1")
    client.start_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)
    with on_a_terminal("stop", SOURCE_ARN, "--output", "json") as (terminal, process):
        asked = read_until(terminal, "[y/N]")
        os.write(terminal, answer.encode())
        assert process.stdout is not None
        data = process.stdout.read()
        if code:
            assert "Nothing was changed" in read_until(terminal, "changed")
    assert process.returncode == code
    assert f"Stop the replication of {SOURCE_ARN} to us-east-1?" in asked
    if code:
        assert data == b""
    else:
        assert json.loads(data)["db_instance_arn"] == SOURCE_ARN


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_colours_are_for_terminals_that_want_them(no_color: str, coloured: bool) -> None:  # noqa: FBT001
    with on_a_terminal("start", "nope", "--region", "us-east-1", NO_COLOR=no_color) as (
        terminal,
        process,
    ):
        shown = read_until(terminal, "must be an ARN")
        process.wait()
    assert ("\x1b[31m" in shown or "\x1b[1m" in shown) is coloured
    assert process.returncode == 2


def test_the_sandbox_is_served_with_its_instances() -> None:
    command = [*PROGRAM, "sandbox", "--port", "0", "--db-instance", "us-west-2:mydatabase"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        first = process.stdout.readline()
        url = first.split()[4].rstrip(",")
        variables = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox"}
        where = ["--endpoint-url", url, "--region", "us-east-1"]
        check = subprocess.run(  # noqa: S603
            [*PROGRAM, "check", SOURCE_ARN, *where],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **variables},
        )
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert (check.returncode, check.stderr) == (0, "Nothing speaks against a start.\n")
    assert rest.endswith("Stopped.\n")
    assert process.returncode == 0
