"""Tests of the program as a process: its streams, its terminal, Ctrl-C and missing extras."""

import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from rds_backup_replication.cli import app
from rds_backup_replication.fleet import Account, ObservedState, Plan, PlannedAction
from rds_backup_replication.sandbox import Sandbox

from .wire import BACKUP_ARN, SOURCE_ARN, ScriptedRDS

NAME = "rds-backup-replication"
PROGRAM = (sys.executable, "-m", "rds_backup_replication.cli")


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # the tests' own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )


def test_help_and_version_import_no_heavy_modules() -> None:
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
    ran = run_python(code)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Usage: rds-backup-replication" in ran.stdout


@pytest.mark.parametrize("module", ["typer", "rich", "yaml"])
def test_missing_extra_is_named(module: str) -> None:
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
    ran = run_python(code)
    assert ran.returncode == 1, ran.stderr
    assert ran.stderr.startswith("Error: ")
    assert "pip install 'rds-backup-replication[" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion_completes_a_command(shell: str) -> None:
    words = "rds-backup-replication po"
    variables = {
        "_RDS_BACKUP_REPLICATION_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words,
        "COMP_CWORD": "1",
        "_TYPER_COMPLETE_ARGS": words,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    ran = subprocess.run(  # noqa: S603  # this project's program
        PROGRAM, capture_output=True, text=True, check=False, env={**os.environ, **variables}
    )
    assert "policy-schema" in ran.stdout
    assert "start" not in ran.stdout


@contextmanager
def on_a_terminal(
    *arguments: str, **variables: str
) -> Generator[tuple[int, "subprocess.Popen[bytes]"]]:
    """Run the program with a terminal as standard input and error, and a pipe for its data."""
    terminal, program_side = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", **variables}
    try:
        with subprocess.Popen(  # noqa: S603  # this project's program
            [*PROGRAM, *arguments],
            stdin=program_side,
            stderr=program_side,
            stdout=subprocess.PIPE,
            env=environment,
        ) as process:
            os.close(program_side)
            try:
                yield terminal, process
            finally:
                process.kill()
    finally:
        os.close(terminal)


def read_until(terminal: int, text: str) -> str:
    """Return the output on a terminal up to a text."""
    shown = b""
    while text.encode() not in shown:
        shown += os.read(terminal, 1024)
    return shown.decode()


@pytest.mark.parametrize(("reply", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_stop_asks_for_confirmation_on_a_terminal(
    rds_sandbox: Sandbox, reply: str, code: int
) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    client = rds_sandbox.client("us-east-1")
    client.start_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)
    with on_a_terminal("stop", SOURCE_ARN, "--output", "json") as (terminal, process):
        question = read_until(terminal, "[y/N]")
        os.write(terminal, reply.encode())
        assert process.stdout is not None
        data = process.stdout.read()
        if code:
            assert "Nothing was changed" in read_until(terminal, "changed")
    assert process.returncode == code
    assert f"Stop the replication of {SOURCE_ARN} to us-east-1?" in " ".join(question.split())
    if code:
        assert data == b""
    else:
        assert json.loads(data)["db_instance_arn"] == SOURCE_ARN


@pytest.mark.parametrize(("no_color", "colored"), [("", True), ("1", False)])
def test_no_color_turns_colors_off(no_color: str, colored: bool) -> None:  # noqa: FBT001
    with on_a_terminal("start", "nope", "--region", "us-east-1", NO_COLOR=no_color) as (
        terminal,
        process,
    ):
        shown = read_until(terminal, "must be an ARN")
        process.wait()
    assert ("\x1b[31m" in shown or "\x1b[1m" in shown) is colored
    assert process.returncode == 2


def test_hidden_characters_in_progress_are_escaped() -> None:
    hostile = "[red]a\x1b[2K\u202eb\nc"
    shown = r"[red]a\x1b[2K\u202eb\nc"
    with on_a_terminal("wait", hostile, "--region", "us-east-1", COLUMNS="200") as (
        terminal,
        process,
    ):
        assert f"Waiting until {shown} is replicating" in read_until(terminal, "is replicating")
        process.wait()
    assert process.returncode == 2


def run_in_shell(
    redirections: str, *arguments: str, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Run the program in a shell, with redirections such as ``>&-``."""
    return subprocess.run(  # noqa: S603  # this project's program
        ["/bin/sh", "-c", f'exec "$@" {redirections}', "sh", *PROGRAM, *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **variables},
        timeout=60,
    )


def test_closed_standard_output_prevents_a_start(rds_sandbox: Sandbox) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    ran = run_in_shell(">&-", "start", SOURCE_ARN)
    assert ran.returncode == 1
    assert ran.stderr.startswith("Error: Standard output is closed")
    assert "Traceback" not in ran.stderr
    assert not list(rds_sandbox.client("us-east-1").describe_db_instance_automated_backups())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
@pytest.mark.parametrize(
    "arguments", [("--version",), ("--help",), ("list",), ("list", "--output", "json")]
)
def test_full_disk_is_an_error(rds_sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    client = rds_sandbox.client("us-east-1")
    client.start_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)
    ran = run_in_shell(">/dev/full", *arguments)
    assert ran.returncode == 1
    assert ran.stderr == "Error: Standard output cannot be written: No space left on device\n"
    assert run_in_shell("2>/dev/full", *arguments).returncode == 0


@pytest.mark.parametrize(
    "arguments", [("stop", SOURCE_ARN), ("delete", BACKUP_ARN), ("apply",), ("audit", "-")]
)
@pytest.mark.usefixtures("rds_sandbox")
def test_closed_standard_input_is_no_terminal(arguments: tuple[str, ...]) -> None:
    ran = run_in_shell("<&-", *arguments)
    assert ran.returncode == 2, ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stderr.startswith("Error: ")


def test_closed_standard_error_is_no_error(rds_sandbox: Sandbox) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    client = rds_sandbox.client("us-east-1")
    client.start_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)
    ran = run_in_shell("2>&-", "wait", SOURCE_ARN, "--poll-interval", "1s", "--output", "json")
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["status"].lower() == "replicating"
    assert run_in_shell("2>&-", "show", "nope").returncode == 2


def test_broken_pipe_prints_no_traceback(rds_sandbox: Sandbox) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    client = rds_sandbox.client("us-east-1")
    client.start_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)
    ran = run_in_shell("| true", "list")
    assert ran.stderr == ""


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_json_is_complete_without_unicode_support(
    rds_sandbox: Sandbox, tmp_path: Path, variables: dict[str, str]
) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    client = rds_sandbox.client("us-east-1")
    client.ensure_replication(source_db_instance_arn=SOURCE_ARN, tags={"team": "Zürich 𝐀"})
    shown = run_in_shell("", "show", SOURCE_ARN, "--output", "json", **variables)
    assert shown.returncode == 0, shown.stderr
    (tag,) = json.loads(shown.stdout)["tag_list"]
    assert tag == {"key": "team", "value": "Zürich 𝐀"}
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        'accounts: [{id: "123456789012"}]\nrules: [{name: Züge, source_regions: [us-west-2], '
        "destination_region: us-east-1}]\n",
        encoding="utf-8",
    )
    planned = run_in_shell("", "plan", str(policy), **variables)
    assert planned.returncode == 0, planned.stderr
    assert "Z?ge" in planned.stdout


@pytest.mark.parametrize("delay", [0.04, 0.08, 0.12, 0.16, 0.2, 0.3])
def test_ctrl_c_during_the_start_prints_no_traceback(delay: float) -> None:
    code = (
        "import os, signal, threading, time\n"
        "from rds_backup_replication.cli import main\n"
        "os.environ.update(AWS_ACCESS_KEY_ID='testing', AWS_SECRET_ACCESS_KEY='testing')\n"
        f"threading.Timer({delay} - 0.03, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "import sys; sys.argv = ['rds-backup-replication', 'wait', "
        f"{SOURCE_ARN!r}, '--region', 'us-east-1', '--endpoint-url', 'http://127.0.0.1:9']\n"
        "main()\n"
    )
    ran = run_python(code)
    assert ran.returncode == 130, ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stderr.endswith("Interrupted.\n")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [("KeyboardInterrupt", 130, "Interrupted.\n"), ("OSError('odd')", 0, "OSError: odd\n")],
)
def test_ctrl_c_in_a_destructor_is_not_lost(error: str, code: int, message: str) -> None:
    ran = run_python(
        "import os, sys, threading\n"
        "from rds_backup_replication import BackupReplicationClient as Client, cli\n"
        "class Ended:\n"
        f"    def __del__(self): raise {error}\n"
        "def describe(client, **_):\n"
        "    Ended()\n"
        f"    threading.Event().wait({None if code else 0})\n"
        "    return []\n"
        "Client.describe_source_regions = describe\n"
        "os.environ.update(AWS_ACCESS_KEY_ID='testing', AWS_SECRET_ACCESS_KEY='testing')\n"
        f"sys.argv = [{NAME!r}, 'regions', '--region', 'us-east-1', '--output', 'json']\n"
        "cli.main()\n"
    )
    assert ran.returncode == code, ran.stderr
    assert ran.stderr.endswith(message)
    assert ("Traceback" in ran.stderr) == (error != "KeyboardInterrupt")


def test_failed_poll_is_reported_at_once(rds_sandbox: Sandbox) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    ran = run_in_shell(
        "",
        *("wait", SOURCE_ARN, "--timeout", "1s", "--poll-interval", "1s"),
        *("--endpoint-url", "http://127.0.0.1:9"),
        AWS_MAX_ATTEMPTS="1",
    )
    assert ran.returncode == 6
    first, second, *_ = ran.stderr.splitlines()
    assert first.startswith("Waiting until")
    assert second.startswith("A poll failed and will be retried: Could not connect")
    assert "The operation continues at AWS" not in ran.stderr
    assert "Check --region, --endpoint-url and the network." in ran.stderr


@pytest.mark.parametrize(("width", "shown"), [("0", SOURCE_ARN), ("-1", SOURCE_ARN)])
def test_invalid_columns_variable_is_ignored(rds_sandbox: Sandbox, width: str, shown: str) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    client = rds_sandbox.client("us-east-1")
    client.start_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)
    listed = run_in_shell("", "list", COLUMNS=width)
    assert listed.stdout.splitlines()[1].split()[-1] == shown


def test_help_shows_all_names_whole_on_80_columns() -> None:
    commands: dict[str, Any] = vars(get_command(app))["commands"]
    for name, command in {"": get_command(app), **commands}.items():
        arguments = [*filter(None, (name, "--help"))]
        shown = CliRunner().invoke(app, arguments, prog_name=NAME, terminal_width=78).stdout
        if name == "ensure":
            assert shown == on_80_columns(*arguments)
        assert max(map(len, shown.splitlines())) <= 80
        assert "…" not in shown
        for parameter in command.params:
            for word in (*parameter.opts, *parameter.secondary_opts):
                if word.startswith("-"):
                    assert re.search(rf"(?<![\w-]){word}(?![\w-])", shown), (name, word)
            variable = getattr(parameter, "envvar", None)
            assert variable is None or variable in shown, (name, variable)
        if command.help and name:
            assert " ".join(command.help.split()) in " ".join(shown.split()), name
            intro = re.split(r"\n(?=Arguments:|Options:)", shown)[0]
            for paragraph in intro.split("\n\n")[1:]:
                for line, following in pairwise(paragraph.splitlines()):
                    # A line ends only where the next word does not fit.
                    assert len(line) + len(following.split()[0]) >= 78, (name, line)


def test_error_on_a_terminal_is_wrapped_between_words() -> None:
    here = SOURCE_ARN.replace("us-west-2", "us-east-1")
    shown = on_80_columns("start", here, "--region", "us-east-1", code=2)
    assert max(map(len, shown.splitlines())) <= 80
    ran = subprocess.run(  # noqa: S603  # this project's program
        [*PROGRAM, "start", here, "--region", "us-east-1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert len(shown.splitlines()) > len(ran.stderr.splitlines())
    assert shown.split() == ran.stderr.split()


def on_80_columns(*arguments: str, code: int = 0) -> str:
    """Return the output of the program on a terminal with 80 columns."""
    terminal, program_side = pty.openpty()
    fcntl.ioctl(program_side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    environment = {**os.environ, "TERM": "xterm"}
    environment.pop("COLUMNS", None)
    with subprocess.Popen(  # noqa: S603  # this project's program
        [*PROGRAM, *arguments],
        stdin=program_side,
        stdout=program_side,
        stderr=program_side,
        env=environment,
    ) as process:
        os.close(program_side)
        shown = b""
        with contextlib.suppress(OSError):  # raised when the program has closed its side
            while part := os.read(terminal, 65_536):
                shown += part
    os.close(terminal)
    assert process.returncode == code
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown.decode()).replace("\r\n", "\n")


POLICY = (
    'accounts: [{id: "123456789012"}]\n'
    "rules: [{name: all, source_regions: [us-west-2], destination_region: us-east-1}]\n"
)


def plan_json(*arns: str) -> str:
    """Return a plan that starts the replication of each instance."""
    account = Account(id="123456789012")
    actions = [
        PlannedAction(
            kind="start",
            account_id=account.id,
            source_region="us-west-2",
            destination_region="us-east-1",
            source_db_instance_arn=arn,
            observed=ObservedState(),
        )
        for arn in arns
    ]
    plan = Plan(planned_at=datetime.now(timezone.utc), accounts=(account,), actions=tuple(actions))
    return plan.model_dump_json()


@pytest.fixture
def stalled_rds(rds: ScriptedRDS, monkeypatch: pytest.MonkeyPatch) -> ScriptedRDS:
    """Return an RDS that accepts requests but never responds."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", rds.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    rds.stalls()
    return rds


@contextmanager
def running(*arguments: str) -> Generator["subprocess.Popen[str]"]:
    """Run the program during the block."""
    with subprocess.Popen(  # noqa: S603  # this project's program
        [*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()  # so that a failed test does not wait for the program


def read_lines(stream: IO[str], count: int) -> str:
    return "".join(stream.readline() for _ in range(count))


@pytest.mark.parametrize("command", ["audit", "plan"])
def test_ctrl_c_ends_an_audit_or_a_plan_at_once(
    stalled_rds: ScriptedRDS, tmp_path: Path, command: str
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    with running(command, str(policy)) as process:
        assert stalled_rds.asked.wait(20)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=5)
    assert process.returncode == 130
    assert (stdout, stderr) == ("", "Interrupted.\n")


def test_ctrl_c_shows_the_cursor_again(stalled_rds: ScriptedRDS, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    with on_a_terminal("audit", str(policy)) as (terminal, process):
        assert stalled_rds.asked.wait(20)
        read_until(terminal, "\x1b[?25l")  # the cursor is hidden
        process.send_signal(signal.SIGINT)
        shown = read_until(terminal, "Interrupted.")
        assert process.wait(timeout=5) == 130
    assert "\x1b[?25h" in shown


def test_second_ctrl_c_ends_an_apply_at_once(stalled_rds: ScriptedRDS, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(plan_json(SOURCE_ARN), encoding="utf-8")
    with running("apply", "--yes", str(plan)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert read_lines(process.stderr, 1) == "Applying the plan\n"
        assert stalled_rds.asked.wait(20)
        process.send_signal(signal.SIGINT)
        assert read_lines(process.stderr, 1) == (
            "Finishing the changes in progress. Press Ctrl-C again to end at once.\n"
        )
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        # communicate() would omit what readline() has buffered.
        stdout, stderr = process.stdout.read(), process.stderr.read()
    assert stdout == ""
    assert stderr == (
        "Ended at once. Changes whose outcome is unknown: 1. Run plan to see the rest.\n"
    )


def test_second_ctrl_c_prints_the_finished_changes(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(plan_json(SOURCE_ARN, f"{SOURCE_ARN}2"), encoding="utf-8")
    code = (
        "import os, signal, sys, threading\n"
        "from rds_backup_replication import fleet\n"
        "from rds_backup_replication.cli import main\n"
        "def apply(plan, *, on_event, **_):\n"
        "    on_event(fleet.ActionResult(action=plan.changes[0], outcome='done'))\n"
        "    for _ in range(2):\n"
        "        try:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "            threading.Event().wait()\n"
        "        except KeyboardInterrupt:\n"
        "            pass\n"
        "fleet.apply = apply\n"
        f"sys.argv = ['rds-backup-replication', 'apply', {str(plan)!r}, '--yes']\n"
        "main()\n"
    )
    ran = run_python(code)
    assert ran.returncode == 130, ran.stderr
    assert ran.stdout == ""
    assert ran.stderr.splitlines()[2:] == [
        "Finishing the changes in progress. Press Ctrl-C again to end at once.",
        f"done start {SOURCE_ARN}",
        "Ended at once. Changes whose outcome is unknown: 1. Run plan to see the rest.",
    ]


FINISHING = "Finishing the changes in progress. Press Ctrl-C again to end at once."


def run_apply(tmp_path: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run the apply command on a plan of two, with code that replaces ``fleet.apply``."""
    plan = tmp_path / "plan.json"
    plan.write_text(plan_json(SOURCE_ARN, f"{SOURCE_ARN}2"), encoding="utf-8")
    return run_python(
        "import io, os, signal, sys, threading\n"
        "from rds_backup_replication import fleet\n"
        "from rds_backup_replication.cli import main\n"
        "from rds_backup_replication.cli._commands import fleet as commands\n"
        "def done(action): return fleet.ActionResult(action=action, outcome='done')\n"
        "def ctrl_c(*_): signal.raise_signal(signal.SIGINT)\n"
        f"{code}"
        "fleet.apply = apply\n"
        f"sys.argv = ['rds-backup-replication', 'apply', {str(plan)!r}, '--yes']\n"
        "main()\n"
    )


@pytest.mark.parametrize("line", ["1 of 2", "Finishing", "Ended at once"])
def test_ctrl_c_within_a_write_loses_no_message(tmp_path: Path, line: str) -> None:
    """Python runs a signal handler while standard error is still locked by a write."""
    ran = run_apply(
        tmp_path,
        "write = os.write\n"
        "def interrupted(number, data):\n"
        "    count = write(number, data)\n"
        f"    if number == 2 and {line.encode()!r} in bytes(data): ctrl_c()\n"
        "    return count\n"
        "os.write = interrupted\n"
        "class Raw(io.FileIO):\n"
        "    def write(self, data): return os.write(2, data)\n"
        "buffer = io.BufferedWriter(Raw(2, 'w', closefd=False))\n"
        "sys.stderr = io.TextIOWrapper(buffer, line_buffering=True)\n"
        "def apply(plan, *, on_event, **_):\n"
        "    for act in (lambda: on_event(done(plan.changes[0])), ctrl_c, ctrl_c):\n"
        "        try: act()\n"
        "        except KeyboardInterrupt: pass\n",
    )
    assert ran.returncode == 130, ran.stderr
    assert ran.stdout == ""
    assert ran.stderr.splitlines() == [
        "Applying the plan",
        f"1 of 2: done start {SOURCE_ARN}",
        FINISHING,
        f"done start {SOURCE_ARN}",
        "Ended at once. Changes whose outcome is unknown: 1. Run plan to see the rest.",
    ]


def test_ctrl_c_that_python_drops_counts_once(tmp_path: Path) -> None:
    ran = run_apply(
        tmp_path,
        "class Ended:\n"
        "    __del__ = ctrl_c\n"
        "def apply(plan, **_):\n"
        "    Ended()\n"
        "    try: threading.Event().wait(20)\n"
        "    except KeyboardInterrupt: pass\n"
        "    return fleet.ApplyReport(results=[done(plan.changes[0])], interrupted=True)\n",
    )
    assert ran.returncode == 130
    assert SOURCE_ARN in ran.stdout
    assert ran.stderr.splitlines() == [
        "Applying the plan",
        FINISHING,
        "1 done",
        "Interrupted.",
    ]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_ctrl_c_that_ends_apply_reports_what_is_known(tmp_path: Path, count: int) -> None:
    """Send Ctrl-C after ``fleet.apply``, while the command prints the report."""
    ran = run_apply(
        tmp_path,
        "commands._print_results = ctrl_c\n"
        "def apply(plan, *, on_event, **_):\n"
        f"    for action in plan.changes[:{count}]: on_event(done(action))\n"
        "    return fleet.ApplyReport(results=[done(a) for a in plan.changes])\n",
    )
    arns = [SOURCE_ARN, f"{SOURCE_ARN}2"][:count]
    unknown = (
        f"Ended at once. Changes whose outcome is unknown: {2 - count}. Run plan to see the rest."
    )
    assert ran.returncode == 130
    assert ran.stderr.splitlines()[1 + count :] == [
        *([FINISHING] if count < 2 else []),
        *(f"done start {arn}" for arn in arns),
        *([unknown] if count < 2 else []),
        "Interrupted.",
    ]


def test_sandbox_serves_its_instances_until_ctrl_c() -> None:
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
    assert (check.returncode, check.stderr) == (0, "No blockers found.\n")
    assert rest.endswith("Stopped.\n")
    assert process.returncode == 0
