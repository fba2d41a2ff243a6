"""The user's check of a drilled instance: a command, or a callable."""

import inspect
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from tempfile import TemporaryFile
from typing import IO

from .._credentials import Credentials
from .._redact import SecretFilter
from ._book import BookEntry
from ._records import CheckOutcome, RestoredInstance

Check = Sequence[str] | Callable[[RestoredInstance], object]
CheckResult = tuple[CheckOutcome, str | None]

_MAX_OUTPUT = 4000  # characters of the end, for the evidence
_MAX_READ = 1 << 16  # bytes of the end, so that no part of a secret is left of what is cut off
_POLL_SECONDS = 0.2
_RUNNING: "set[subprocess.Popen[bytes]]" = set()
_INTERRUPTED = "The drill was interrupted before the check ended."


def validate_check(check: Check | None, timeout: timedelta) -> None:
    """Raise an error if a check can never be run.

    Raises:
        TypeError: The check is a string or an async function.
        ValueError: The command is empty, or the timeout is not positive.
    """
    if isinstance(check, str):
        raise TypeError("check= must be a list, such as shlex.split() returns, not a string")
    if inspect.iscoroutinefunction(check):
        raise TypeError("check= must not be an async function: pass one that runs it")
    if check is not None and not callable(check) and not check:
        raise ValueError("check= must have at least the name of a program")
    if timeout <= timedelta(0):
        raise ValueError(f"check_timeout= must be longer than 0 seconds, but is {timeout}")


def describe_check(check: Check | None) -> str | None:
    """Return what a check runs, for the evidence, without secrets."""
    if check is None:
        return None
    while isinstance(check, partial):
        check = check.func
    if callable(check):
        name = getattr(check, "__qualname__", type(check).__qualname__)
        return f"{getattr(check, '__module__', None) or type(check).__module__}.{name}"
    return SecretFilter([own_credentials()]).clean_text(shlex.join(check))


def own_credentials() -> Credentials:
    """Return the credentials in the environment, which the command of a check gets, too."""
    get = os.environ.get
    return Credentials(
        *(get("AWS_ACCESS_KEY_ID"), get("AWS_SECRET_ACCESS_KEY"), get("AWS_SESSION_TOKEN")), "env"
    )


def run_check(
    check: Check | None,
    instance: RestoredInstance,
    entry: BookEntry,
    timeout: timedelta,
    *,
    stopped: threading.Event,
    used: Iterable[Credentials] = (),
) -> CheckResult:
    """Run a check of an instance; return its outcome and the end of its output.

    Args:
        check: A command, without a shell, or a callable that raises an error or returns ``False``
            if the check fails; ``None`` passes, because the instance is available and has the
            book's settings.
        instance: The restored instance.
        entry: Its entry in the book.
        timeout: How long the check may take.
        stopped: Set when the check must end at once.
        used: Credentials whose values the output must not have.
    """
    if check is None:
        return "passed", "No check was given: the instance is available, with the book's settings."
    try:
        if callable(check):
            outcome, output = _call(check, instance, timeout, stopped)
        else:
            outcome, output = _run(check, _environment(instance, entry), timeout, stopped)
    except Exception as error:  # noqa: BLE001  # the instance must be deleted all the same
        outcome, output = "failed", _describe_error(error)
    secrets = SecretFilter([own_credentials(), *used])
    return outcome, output and secrets.clean_text(output)[-_MAX_OUTPUT:]


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
    problems: list[str] = []

    def call() -> None:
        try:
            result = check(instance)
            if inspect.isawaitable(result):
                problems.append("The check returned an awaitable, which nothing awaits.")
            elif result is False:
                problems.append("The check returned False.")
        except BaseException as error:  # noqa: BLE001  # whatever it raises, the check has failed
            problems.append(_describe_error(error))

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
    if problems:
        return "failed", problems[0]
    return "passed", None


def _describe_error(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001  # a user's error may not have a text
        return type(error).__name__


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
        _RUNNING.add(process)
        try:
            while left > 0 and not stopped.is_set():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(min(_POLL_SECONDS, left))
                    break
                left -= _POLL_SECONDS
            is_running = process.poll() is None
        finally:
            _kill(process)  # also what a command that has ended has left running
            process.wait()
            _RUNNING.discard(process)
        if is_running and stopped.is_set():
            return "not_run", _INTERRUPTED
        text = _end_of(output)
        if is_running:
            return "timed_out", f"{text}\nThe check did not end within {timeout}.".strip()
        outcome: CheckOutcome = "passed" if process.returncode == 0 else "failed"
        return outcome, text or (
            None if outcome == "passed" else f"exit status {process.returncode}"
        )


def end_checks() -> None:
    """End the commands of all checks, because this process ends at once."""
    for process in [*_RUNNING]:
        _kill(process)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process, and on POSIX all processes of its session's first group."""
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _end_of(output: IO[bytes]) -> str:
    """Return the end of a file's text."""
    output.seek(max(0, output.seek(0, os.SEEK_END) - _MAX_READ))
    return output.read().decode(errors="replace").strip()
