"""The user's check of a drilled instance: a command, or a callable."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from tempfile import TemporaryFile
from typing import IO

from ._book import BookEntry
from ._records import CheckOutcome, RestoredInstance

Check = Sequence[str] | Callable[[RestoredInstance], object]
CheckResult = tuple[CheckOutcome, str | None]

_MAX_OUTPUT = 4000  # characters of the end, for the evidence
_POLL_SECONDS = 0.2
_INTERRUPTED = "The drill was interrupted before the check ended."


def describe_check(check: Check | None) -> str | None:
    """Return what a check runs, for the evidence."""
    if check is None:
        return None
    if callable(check):
        return f"{check.__module__}.{getattr(check, '__qualname__', type(check).__name__)}"
    return " ".join(check)


def run_check(
    check: Check | None,
    instance: RestoredInstance,
    entry: BookEntry,
    timeout: timedelta,
    stopped: threading.Event,
) -> CheckResult:
    """Run a check of an instance; return its outcome and the end of its output.

    Args:
        check: A command, without a shell, or a callable that raises an error if the check fails;
            ``None`` passes, because the instance is available and has the book's settings.
        instance: The restored instance.
        entry: Its entry in the book.
        timeout: How long the check may take.
        stopped: Set when the check must end at once.
    """
    if check is None:
        return "passed", "No check was given: the instance is available, with the book's settings."
    if callable(check):
        return _call(check, instance, timeout, stopped)
    return _run(check, _environment(instance, entry), timeout, stopped)


def _environment(instance: RestoredInstance, entry: BookEntry) -> dict[str, str]:
    """Return the variables that a command gets beside those of this process."""
    values = {
        "DB_ENGINE": entry.engine,
        "DB_HOST": instance.new_endpoint,
        "DB_INSTANCE_IDENTIFIER": instance.db_instance_identifier,
        "DB_NAME": entry.db_name,
        "DB_PORT": instance.new_port,
        "DB_RESTORED_IDENTIFIER": instance.target_db_instance_identifier,
        "DB_RESTORE_TIME": instance.restore_time and instance.restore_time.isoformat(),
        "DB_USER": entry.master_username,
    }
    return {name: str(value) for name, value in values.items() if value is not None}


def _call(
    check: Callable[[RestoredInstance], object],
    instance: RestoredInstance,
    timeout: timedelta,
    stopped: threading.Event,
) -> CheckResult:
    """Call a callable in a thread of its own, which cannot be ended from outside."""
    errors: list[BaseException] = []

    def call() -> None:
        try:
            check(instance)
        except BaseException as error:  # noqa: BLE001  # whatever it raises, the check has failed
            errors.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    left = timeout.total_seconds()
    while thread.is_alive() and left > 0 and not stopped.is_set():
        thread.join(min(_POLL_SECONDS, left))
        left -= _POLL_SECONDS
    if thread.is_alive():
        if stopped.is_set():
            return "not_run", _INTERRUPTED
        return "timed_out", f"The check did not end within {timeout}."
    if errors:
        return "failed", f"{type(errors[0]).__name__}: {errors[0]}"[-_MAX_OUTPUT:]
    return "passed", None


def _run(
    command: Sequence[str],
    variables: dict[str, str],
    timeout: timedelta,
    stopped: threading.Event,
) -> CheckResult:
    """Run a command; end it and all that it has started if it takes too long."""
    with TemporaryFile() as output:
        try:
            process = subprocess.Popen(  # noqa: S603  # the user's own command, without a shell
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **variables},
                start_new_session=sys.platform != "win32",
            )
        except OSError as error:
            return "failed", f"{command[0]}: {error.strerror}"
        left = timeout.total_seconds()
        while left > 0 and not stopped.is_set():
            with suppress(subprocess.TimeoutExpired):
                process.wait(min(_POLL_SECONDS, left))
                break
            left -= _POLL_SECONDS
        if process.poll() is None:
            _end(process)
            if stopped.is_set():
                return "not_run", _INTERRUPTED
            text = _end_of(output)
            return "timed_out", f"{text}\nThe check did not end within {timeout}.".strip()
        outcome: CheckOutcome = "passed" if process.returncode == 0 else "failed"
        return outcome, _end_of(output) or (
            None if outcome == "passed" else f"exit status {process.returncode}"
        )


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process, and on POSIX all processes of its session."""
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _end_of(output: IO[bytes]) -> str:
    """Return the end of a file's text."""
    output.seek(0)
    text = output.read().decode(errors="replace").strip()
    return text[-_MAX_OUTPUT:]
