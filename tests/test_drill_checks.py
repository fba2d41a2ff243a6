"""The user's check of a drilled instance: commands, callables, time limits and secrets."""

import os
import select
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rds_backup_replication._credentials import Credentials
from rds_backup_replication.recovery import RestoredInstance
from rds_backup_replication.recovery._drill_checks import (
    Check,
    CheckResult,
    describe_check,
    run_check,
)

from .recovery_examples import make_entry

pytestmark = pytest.mark.once

INSTANCE = RestoredInstance(
    account_id="111111111111",
    source_region="us-west-2",
    destination_region="us-east-1",
    tier=1,
    db_instance_arn="arn:aws:rds:us-west-2:111111111111:db:orders",
    db_instance_identifier="orders",
    target_db_instance_identifier="drill-01234567-orders",
    outcome="done",
    restore_time=datetime(2026, 11, 29, 12, tzinfo=timezone.utc),
    new_endpoint="drill.example",
    new_port=5433,
)
# Both are made up.
SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYzzzzzzzzzzzz"
ROLE_SECRET = "aaaabbbbccccddddeeeeffffgggghhhhiiiijjjj"


def run(
    check: Check | None,
    seconds: float = 60,
    stopped: threading.Event | None = None,
    **entry: Any,
) -> CheckResult:
    """Run a check of the instance."""
    return run_check(
        *(check, INSTANCE, make_entry(**entry), timedelta(seconds=seconds)),
        stopped=stopped or threading.Event(),
        used=[Credentials("ASIAEXAMPLE", ROLE_SECRET, None, "assume-role")],
    )


def python(code: str, *arguments: str) -> list[str]:
    """Return the command that runs some code."""
    return [sys.executable, "-S", "-c", code, *arguments]


def test_no_check() -> None:
    outcome, output = run(None)
    assert outcome == "passed"
    assert "No check was given" in str(output)


def test_command_gets_the_endpoint() -> None:
    code = (
        "import os\n"
        "for name in sorted(n for n in os.environ if n.startswith('DB_')):\n"
        "    print(name, os.environ[name])\n"
    )
    outcome, output = run(python(code))
    assert outcome == "passed"
    assert str(output).splitlines() == [
        "DB_ENGINE postgres",
        "DB_HOST drill.example",
        "DB_INSTANCE_IDENTIFIER orders",
        "DB_NAME orders",
        "DB_PORT 5433",
        "DB_RESTORED_IDENTIFIER drill-01234567-orders",
        "DB_RESTORE_TIME 2026-11-29T12:00:00+00:00",
        "DB_USER postgres",
    ]


def test_unknown_variables_are_omitted() -> None:
    code = "import os, sys; sys.exit('DB_NAME' in os.environ or 'PATH' not in os.environ)"
    assert run(python(code), db_name=None)[0] == "passed"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("", ("passed", None)),
        ("print('2 rows')", ("passed", "2 rows")),
        ("raise SystemExit(3)", ("failed", "exit status 3")),
        ("raise SystemExit('no such table')", ("failed", "no such table")),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", ("failed", "exit status -9")),
    ],
    ids=["silent", "output", "status", "error", "killed"],
)
def test_command_result(code: str, expected: CheckResult) -> None:
    assert run(python(code)) == expected


def test_command_reads_no_input() -> None:
    assert run(python("input()"))[0] == "failed"


def test_command_output_is_cut() -> None:
    """The end of the output counts, however long it is."""
    outcome, output = run(python("import sys; sys.stdout.write('x' * 5_000_000 + 'é end')"))
    assert outcome == "passed"
    assert output is not None
    assert len(output) == 4000
    assert output.endswith("xé end")


@pytest.mark.parametrize(
    "command",
    [["/no/such/program"], ["nul\0byte"], [str(Path(__file__).parent)], [""]],
    ids=["missing", "nul", "directory", "blank"],
)
def test_command_cannot_be_run(command: list[str]) -> None:
    """Whatever is wrong with a command, only its check fails."""
    outcome, output = run(command)
    assert outcome == "failed"
    assert output


def test_command_without_disk_space(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rds_backup_replication.recovery._drill_checks.TemporaryFile", fail)
    assert run(python(""))[0] == "failed"


# The command and its child keep the pipe open; the reader sees its end when both have ended.
FAMILY = """
import os, subprocess, sys
pipe = os.open(sys.argv[1], os.O_WRONLY)
child = subprocess.Popen(["sleep", "1000"], pass_fds=[pipe])
print("begun", flush=True)
os.write(pipe, b"x")
if sys.argv[2] == "wait":
    child.wait()
"""


class Pipe:
    """A named pipe that shows whether processes still have it open."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "pipe"
        os.mkfifo(self.path)
        self._reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)

    def read(self) -> bytes:
        """Return a byte, or nothing once no process has the pipe open."""
        assert select.select([self._reader], [], [], 30)[0]
        return os.read(self._reader, 1)

    def close(self) -> None:
        os.close(self._reader)


@pytest.mark.long
@pytest.mark.parametrize("end", ["timeout", "stop", "exit"])
def test_command_leaves_no_processes(tmp_path: Path, end: str) -> None:
    """A command ends with all that it has started, however it ends."""
    pipe = Pipe(tmp_path)
    stopped = threading.Event()
    command = python(FAMILY, str(pipe.path), "exit" if end == "exit" else "wait")
    results: list[CheckResult] = []
    seconds = 2 if end == "timeout" else 60
    thread = threading.Thread(target=lambda: results.append(run(command, seconds, stopped)))
    thread.start()
    assert pipe.read() == b"x"
    if end == "stop":
        stopped.set()
    thread.join(30)
    assert pipe.read() == b""
    pipe.close()
    ((outcome, output),) = results
    assert outcome == {"timeout": "timed_out", "stop": "not_run", "exit": "passed"}[end]
    if end == "timeout":
        assert output == "begun\nThe check did not end within 0:00:02."


def _raise(error: BaseException) -> Callable[[RestoredInstance], object]:
    def check(_: RestoredInstance) -> None:
        raise error

    return check


class _UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "output"),
    [
        (ValueError("no rows"), "ValueError: no rows"),
        (AssertionError(), "AssertionError: "),
        (SystemExit(0), "SystemExit: 0"),
        (KeyboardInterrupt(), "KeyboardInterrupt: "),
        (_UnprintableError(), "_UnprintableError"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_callable_raises(error: BaseException, output: str) -> None:
    assert run(_raise(error)) == ("failed", output)


@pytest.mark.parametrize("value", [None, True, 0, "", [], object()])
def test_callable_returns(value: object) -> None:
    assert run(lambda _: value) == ("passed", None)


def test_callable_returns_false() -> None:
    """A check that answers no has not passed."""
    assert run(lambda _: False) == ("failed", "The check returned False.")


def test_callable_returns_an_awaitable() -> None:
    """A check that nothing runs has not passed."""

    async def check() -> None:
        pass

    coroutine = check()
    outcome, output = run(lambda _: coroutine)
    coroutine.close()
    assert outcome == "failed"
    assert "awaitable" in str(output)


def test_callable_gets_the_instance() -> None:
    received: list[RestoredInstance] = []
    assert run(received.append)[0] == "passed"
    assert received == [INSTANCE]


def test_callable_hangs() -> None:
    end = threading.Event()
    assert run(lambda _: end.wait(30), 0.2) == (
        *("timed_out", "The check did not end within 0:00:00.200000."),
    )
    end.set()


def test_callable_is_interrupted() -> None:
    """An interruption does not wait for a callable, which nobody can end from outside."""
    end, stopped = threading.Event(), threading.Event()

    def check(_: RestoredInstance) -> None:
        stopped.set()
        end.wait(30)

    outcome, output = run(check, stopped=stopped)
    end.set()
    assert outcome == "not_run"
    assert "interrupted" in str(output)


@pytest.mark.parametrize("secret", [SECRET, ROLE_SECRET])
@pytest.mark.parametrize("kind", ["command", "command_fails", "callable"])
def test_output_has_no_secrets(monkeypatch: pytest.MonkeyPatch, kind: str, secret: str) -> None:
    """Evidence is passed on, so the credentials of the drill must not be in it."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    code = "import os, sys\nprint('env', os.environ['AWS_SECRET_ACCESS_KEY'], sys.argv[1])"
    checks: dict[str, Check] = {
        "command": python(code, secret),
        "command_fails": python(f"{code}\nsys.exit(1)", secret),
        "callable": _raise(ValueError(f"env {SECRET} {secret}")),
    }
    _, output = run(checks[kind])
    assert str(output).endswith("env (hidden) (hidden)")


def test_output_has_no_half_of_a_secret() -> None:
    """The output is cut after it has been cleaned."""
    text = f"{ROLE_SECRET}{' ' * 3970}end"
    _, output = run(python("import sys; print(sys.argv[1])", text))
    assert output is not None
    assert ROLE_SECRET[-10:] not in output
    assert len(output) < 4000
    assert run(_raise(ValueError(text)))[1] == f"ValueError: (hidden){' ' * 3970}end"[-4000:]


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (None, None),
        (["psql", "-c", "select 1"], "psql -c 'select 1'"),
        (["psql", "postgresql://admin:hunter2@db/orders"], "psql postgresql://(hidden)@db/orders"),
        (["check", f"--key={SECRET}"], "check --key=(hidden)"),
        (test_no_check, f"{__name__}.test_no_check"),
        (partial(test_no_check), f"{__name__}.test_no_check"),
        (print, "builtins.print"),
        (_UnprintableError, f"{__name__}._UnprintableError"),
        (threading.Event().wait, "threading.Event.wait"),
    ],
)
def test_description(monkeypatch: pytest.MonkeyPatch, check: Any, text: str | None) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    assert describe_check(check) == text
