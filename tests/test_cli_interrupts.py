"""Ctrl-C in each command, in a process of its own."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from . import interrupt_cases
from .interrupt_cases import POLICY, apply_arguments, read_lines, run_apply, running
from .process_cases import NAME, PROGRAM, on_a_terminal, read_until, run_python
from .wire import SOURCE_ARN, ScriptedRDS

stalled_rds = interrupt_cases.stalled_rds
FINISHING = "Finishing the changes in progress. Press Ctrl-C again to end at once."


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


@pytest.mark.long
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
    with running(*apply_arguments(tmp_path, SOURCE_ARN)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert read_lines(process.stderr, 1) == "Applying the plan\n"
        assert stalled_rds.asked.wait(20)
        process.send_signal(signal.SIGINT)
        assert read_lines(process.stderr, 1) == f"{FINISHING}\n"
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
    arguments = apply_arguments(tmp_path, SOURCE_ARN, f"{SOURCE_ARN}2")
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
        f"sys.argv = {['rds-backup-replication', *arguments]!r}\n"
        "main()\n"
    )
    ran = run_python(code)
    assert ran.returncode == 130, ran.stderr
    assert ran.stdout == ""
    assert ran.stderr.splitlines()[2:] == [
        FINISHING,
        f"done start {SOURCE_ARN}",
        "Ended at once. Changes whose outcome is unknown: 1. Run plan to see the rest.",
    ]


def test_second_ctrl_c_names_the_journal(tmp_path: Path) -> None:
    journal = str(tmp_path / "the journal")
    ran = run_apply(
        tmp_path,
        "def apply(plan, *, on_start, **_):\n"
        "    on_start(plan.changes[0])\n"
        "    for _ in range(2):\n"
        "        try: ctrl_c()\n"
        "        except KeyboardInterrupt: pass\n",
        *("--journal", journal),
    )
    assert ran.returncode == 130, ran.stderr
    ended = "Ended at once. Changes whose outcome is unknown: 2."
    command = f"apply --resume '{journal}' --policy {tmp_path / 'policy.yaml'}"
    assert ran.stderr.splitlines()[-2:] == [
        f"unknown start {SOURCE_ARN}",
        f"{ended} To go on, run: {command}",
    ]


@pytest.mark.long
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


@pytest.mark.long
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


@pytest.mark.long
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
