"""SIGTERM and SIGHUP in each command, as Ctrl-C, in a process of its own."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rds_backup_replication import fleet
from rds_backup_replication.cli import app

from . import interrupt_cases
from .interrupt_cases import DEFAULTS, POLICY, plan_json, read_lines, run_apply, running
from .process_cases import NAME, run_python
from .wire import BACKUP_ARN, SOURCE_ARN, ScriptedRDS

stalled_rds = interrupt_cases.stalled_rds
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
FINISHING = "Finishing the changes in progress. Send another signal to end at once."
ENDED = "Ended at once. Changes whose outcome is unknown: 1. Run plan to see the rest."
WAIT_ENDED = (
    f"The wait until {SOURCE_ARN} is replicating has ended early. AWS continues; wait again.\n"
)
SHOW = "To find out, run the show command.\n"
CREDENTIALS = "os.environ.update(AWS_ACCESS_KEY_ID='testing', AWS_SECRET_ACCESS_KEY='testing')\n"


def _signals(
    name: str, usual: signal.Signals, others: Iterable[signal.Signals]
) -> pytest.MarkDecorator:
    """Return a parameter for signals: the usual one, and others in the long run of the tests."""
    long = [pytest.param(each, marks=pytest.mark.long) for each in others if each != usual]
    return pytest.mark.parametrize(name, [usual, *long], ids=lambda number: number.name)


each_signal = _signals("number", signal.SIGTERM, CODES)


def run_command(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in us-east-1 after some code."""
    return run_python(
        f"{DEFAULTS}"
        "import os, sys, threading\n"
        "from rds_backup_replication import BackupReplicationClient as Client\n"
        f"{CREDENTIALS}{code}"
        f"sys.argv = {[NAME, *arguments, '--region', 'us-east-1']!r}\n"
        "main()\n"
    )


@each_signal
@pytest.mark.parametrize("module", ["_errors", "_app", "_commands.audit", "_options"])
def test_signal_during_the_start_prints_no_traceback(number: signal.Signals, module: str) -> None:
    ran = run_command(
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == 'rds_backup_replication.cli.{module}':\n"
        f"            signal.raise_signal({number.value})\n"
        "sys.meta_path.insert(0, Finder())\n",
        "regions",
    )
    assert (ran.returncode, ran.stderr) == (CODES[number], "Interrupted.\n")


@each_signal
@pytest.mark.parametrize("command", ["audit", "plan"])
def test_signal_ends_an_audit_or_a_plan_at_once(
    stalled_rds: ScriptedRDS, tmp_path: Path, number: signal.Signals, command: str
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    with running(command, str(policy)) as process:
        assert stalled_rds.asked.wait(20)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == CODES[number]
    assert (stdout, stderr) == ("", "Interrupted.\n")


@pytest.mark.long
@each_signal
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("start", SOURCE_ARN), f"The start may have taken effect. {SHOW}"),
        (("ensure", SOURCE_ARN), f"A start may have taken effect. {SHOW}"),
        (("stop", "--yes", SOURCE_ARN), f"The stop may have taken effect. {SHOW}"),
        (
            ("stop", "--yes", "--missing-ok", SOURCE_ARN),
            f"The stop may have taken effect. {SHOW}",
        ),
        (
            ("delete", "--yes", BACKUP_ARN),
            f"The deletion of {BACKUP_ARN} may have taken effect.\n",
        ),
        (
            *(("restore", BACKUP_ARN, "--target-db-instance-identifier", "a"),),
            "The restore may have taken effect: RDS may be creating the instance a.\n",
        ),
        (("list",), ""),
        (("check", SOURCE_ARN), ""),
        (
            ("wait", SOURCE_ARN),
            WAIT_ENDED,
        ),
    ],
)
def test_signal_ends_a_command_with_a_sentence(
    stalled_rds: ScriptedRDS, arguments: tuple[str, ...], sentence: str, number: signal.Signals
) -> None:
    latest = ["--use-latest-restorable-time"] if "restore" in arguments else []
    with running(*arguments, *latest, "--region", "us-east-1") as process:
        assert process.stderr is not None
        if "wait" in arguments:
            assert read_lines(process.stderr, 1).startswith("Waiting until")
        assert stalled_rds.asked.wait(20)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == CODES[number]
    assert (stdout, stderr) == ("", f"{sentence}Interrupted.\n")


@each_signal
def test_first_signal_finishes_what_has_begun(tmp_path: Path, number: signal.Signals) -> None:
    ran = run_apply(
        tmp_path,
        "def apply(plan, **_):\n"
        f"    try: signal.raise_signal({number.value})\n"
        "    except KeyboardInterrupt: pass\n"
        "    return fleet.ApplyReport(results=[done(plan.changes[0])], interrupted=True)\n",
    )
    finishing = FINISHING
    if number == signal.SIGINT:
        finishing = finishing.replace("Send another signal", "Press Ctrl-C again")
    assert ran.returncode == CODES[number]
    assert SOURCE_ARN in ran.stdout
    assert ran.stderr.splitlines() == ["Applying the plan", finishing, "1 done", "Interrupted."]


@_signals("second", signal.SIGTERM, CODES)
@_signals("first", signal.SIGTERM, [signal.SIGHUP])
def test_second_signal_names_what_was_in_progress(
    tmp_path: Path, first: signal.Signals, second: signal.Signals
) -> None:
    ran = run_apply(
        tmp_path,
        "import itertools, time\n"
        "time.monotonic = itertools.count(step=10).__next__\n"  # two signals in ten seconds
        "def apply(plan, *, on_start, on_event, **_):\n"
        "    for action in plan.changes: on_start(action)\n"
        "    on_event(done(plan.changes[0]))\n"
        f"    for number in ({first.value}, {second.value}):\n"
        "        try: signal.raise_signal(number)\n"
        "        except KeyboardInterrupt: pass\n",
    )
    assert ran.returncode == CODES[second], ran.stderr
    assert ran.stdout == ""
    assert ran.stderr.splitlines()[2:] == [
        FINISHING,
        f"done start {SOURCE_ARN}",
        f"unknown start {SOURCE_ARN}2",
        ENDED,
    ]


@_signals("second", signal.SIGTERM, [signal.SIGHUP])
@_signals("first", signal.SIGTERM, [signal.SIGHUP])
def test_signals_within_a_second_count_once(
    tmp_path: Path, first: signal.Signals, second: signal.Signals
) -> None:
    """Closing terminals send SIGHUP twice, timeout sends SIGTERM twice, and systemd sends both."""
    ran = run_apply(
        tmp_path,
        "import time\n"
        "time.monotonic = lambda: 0.0\n"
        "def apply(plan, **_):\n"
        f"    try: signal.raise_signal({first.value})\n"
        f"    except KeyboardInterrupt: signal.raise_signal({second.value})\n"
        "    return fleet.ApplyReport(results=[done(plan.changes[0])], interrupted=True)\n",
    )
    assert ran.returncode == CODES[first]
    assert ran.stderr.splitlines() == ["Applying the plan", FINISHING, "1 done", "Interrupted."]


@each_signal
def test_second_ctrl_c_counts_at_once(tmp_path: Path, number: signal.Signals) -> None:
    ran = run_apply(
        tmp_path,
        "import time\n"
        "time.monotonic = lambda: 0.0\n"
        "def apply(plan, *, on_start, on_event, **_):\n"
        "    for action in plan.changes: on_start(action)\n"
        "    on_event(done(plan.changes[0]))\n"
        f"    for each in ({number.value}, signal.SIGINT):\n"
        "        try: signal.raise_signal(each)\n"
        "        except KeyboardInterrupt: pass\n",
    )
    assert ran.returncode == 130
    assert ran.stderr.splitlines()[-1] == ENDED


@pytest.mark.long
@each_signal
def test_signal_that_python_drops_is_not_lost(number: signal.Signals) -> None:
    ran = run_command(
        "class Ended:\n"
        f"    def __del__(self): signal.raise_signal({number.value})\n"
        "def describe(client, **_):\n"
        "    Ended()\n"
        "    threading.Event().wait()\n"
        "Client.describe_source_regions = describe\n",
        "regions",
    )
    assert (ran.returncode, ran.stderr) == (CODES[number], "Interrupted.\n")


@pytest.mark.long
def test_signal_just_before_a_wait_ends_the_wait() -> None:
    """Another thread takes the signal, so the wait goes on, as after a signal just before it."""
    ran = run_command(
        "import socket\n"
        "def describe(client, **_):\n"
        "    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n"
        "    ours, other = socket.socketpair()\n"
        "    def send():\n"
        "        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])\n"
        "        other.recv(1)\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "        threading.Event().wait(20)\n"
        "        os._exit(3)\n"
        "    threading.Thread(target=send, daemon=True).start()\n"
        "    ours.sendall(bytes(10**7))  # more than the buffers hold\n"
        "Client.describe_source_regions = describe\n",
        "regions",
    )
    assert (ran.returncode, ran.stderr) == (143, "Interrupted.\n")


WARNS = (
    "import logging\n"
    "def ensure(client, **_):\n"
    "    try: signal.raise_signal(signal.SIGTERM)\n"
    "    except BaseException:\n"
    "        for number in later: signal.raise_signal(number)\n"
    "        logging.getLogger('rds_backup_replication').warning('Was stopped\\x1b[2K')\n"
    "        raise\n"
    "Client.ensure_replication = ensure\n"
)


@pytest.mark.long
def test_second_signal_does_not_cut_a_warning() -> None:
    """The library logs what it stopped, and a second signal may come at that moment."""
    ran = run_command(f"later = [signal.SIGINT]\n{WARNS}", "ensure", SOURCE_ARN)
    assert ran.returncode == 143
    assert ran.stderr.splitlines() == [
        r"Was stopped\x1b[2K",
        f"A start may have taken effect. {SHOW}".rstrip(),
        "Interrupted.",
    ]


def test_third_signal_ends_a_command_at_once() -> None:
    ran = run_command(f"later = [signal.SIGINT, signal.SIGINT]\n{WARNS}", "ensure", SOURCE_ARN)
    assert ran.returncode == 143
    assert ran.stderr.splitlines() == ["Interrupted."]


@each_signal
def test_later_signal_counts_if_the_first_was_swallowed(number: signal.Signals) -> None:
    ran = run_command(
        "def describe(client, **_):\n"
        "    try: signal.raise_signal(signal.SIGINT)\n"
        "    except BaseException: pass\n"
        f"    signal.raise_signal({number.value})\n"
        "Client.describe_source_regions = describe\n",
        "regions",
    )
    assert (ran.returncode, ran.stderr) == (CODES[number], "Interrupted.\n")


@_signals("ignored", signal.SIGHUP, CODES)
def test_signal_that_was_ignored_stays_ignored(tmp_path: Path, ignored: signal.Signals) -> None:
    """A shell starts background jobs with SIGINT ignored, and nohup commands with SIGHUP."""
    ran = run_apply(
        tmp_path,
        f"signal.signal({ignored.value}, signal.SIG_IGN)\n"
        "def apply(plan, **_):\n"
        f"    signal.raise_signal({ignored.value})\n"
        "    return fleet.ApplyReport(results=[done(plan.changes[0])], interrupted=False)\n",
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.splitlines() == ["Applying the plan", "1 done"]


CLOSES_TERMINAL = (
    "import os, pty\n"
    "terminal, program_side = pty.openpty()\n"
    "for number in (0, 1, 2): os.dup2(program_side, number)\n"
    "os.close(program_side)\n"
    "os.environ['TERM'] = 'xterm'\n"
    "def hang_up():\n"
    "    os.close(terminal)\n"
    "    signal.raise_signal(signal.SIGHUP)\n"
)


@pytest.mark.parametrize("output", ["table", "json"])
def test_apply_finishes_after_its_terminal_has_closed(tmp_path: Path, output: str) -> None:
    finished = tmp_path / "finished"
    ran = run_apply(
        tmp_path,
        f"{CLOSES_TERMINAL}"
        "def apply(plan, *, on_event, **_):\n"
        "    try: hang_up()\n"
        "    except KeyboardInterrupt: pass\n"
        "    for action in plan.changes: on_event(done(action))\n"
        f"    open({str(finished)!r}, 'w').close()\n"
        "    results = [done(action) for action in plan.changes]\n"
        "    return fleet.ApplyReport(results=results, interrupted=True)\n",
        "--output",
        output,
    )
    assert ran.returncode == 129
    assert finished.exists()


def test_wait_ends_after_its_terminal_has_closed() -> None:
    ran = run_command(
        f"{CLOSES_TERMINAL}Client.wait_until_replicating = lambda client, **_: hang_up()\n",
        *("wait", SOURCE_ARN),
    )
    assert ran.returncode == 129


@pytest.mark.long
def test_sandbox_ends_after_its_terminal_has_closed() -> None:
    ran = run_python(
        f"{DEFAULTS}{CLOSES_TERMINAL}"
        "import sys, types\n"
        "import rds_backup_replication.sandbox.__main__ as sandbox\n"
        "event = types.SimpleNamespace(wait=hang_up)\n"
        "sandbox.threading = types.SimpleNamespace(Event=lambda: event)\n"
        f"sys.argv = [{NAME!r}, 'sandbox', '--port', '0']\n"
        "main()\n"
    )
    assert ran.returncode == 0


@_signals("number", signal.SIGTERM, [signal.SIGHUP])
def test_signal_stops_the_sandbox(number: signal.Signals) -> None:
    with running("sandbox", "--port", "0") as process:
        assert process.stdout is not None
        while "Ctrl-C" not in process.stdout.readline():
            pass
        process.send_signal(number)
        rest, stderr = process.communicate(timeout=20)
    assert (process.returncode, stderr) == (0, "")
    assert rest.endswith("Stopped.\n")


def test_interruption_with_nothing_outstanding_is_reported_once(tmp_path: Path) -> None:
    ran = run_apply(
        tmp_path,
        "def apply(plan, *, on_event, **_):\n"
        "    for action in plan.changes: on_event(done(action))\n"
        "    raise KeyboardInterrupt\n",
    )
    assert ran.returncode == 130
    assert ran.stderr.splitlines()[3:] == [
        f"done start {SOURCE_ARN}",
        f"done start {SOURCE_ARN}2",
        "Interrupted.",
    ]


@pytest.mark.parametrize("in_thread", [False, True])
def test_command_in_another_program_handles_no_signals(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    in_thread: bool,  # noqa: FBT001
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    seen: list[object] = []

    def handlers() -> list[object]:
        return [signal.getsignal(number) for number in CODES]

    def apply(*_: object, **__: object) -> fleet.ApplyReport:
        seen.append(handlers())
        return fleet.ApplyReport(results=(), interrupted=False)

    def run() -> None:
        arguments = ["apply", "--yes", "-", "--policy", str(policy)]
        seen.append(CliRunner().invoke(app, arguments, input=plan_json(SOURCE_ARN)).exit_code)

    monkeypatch.setattr(fleet, "apply", apply)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    before = handlers()
    if in_thread:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    else:
        run()
    assert seen == [before, 0]
    assert handlers() == before


def test_main_in_a_thread_handles_no_signals() -> None:
    """Python lets only the main thread set handlers."""
    code = (
        f"{DEFAULTS}import sys, threading\n"
        f"sys.argv = [{NAME!r}, '--version']\n"
        "thread = threading.Thread(target=main)\n"
        "thread.start()\n"
        "thread.join()\n"
        "assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL\n"
    )
    ran = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith(NAME)
