"""Entry point of the program, which also runs without the extra, to report that it is missing."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from ._signals import PROGRAM_SIGNALS, get_exit_code

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

PROGRAM = "rds-backup-replication"
_INTERRUPTED = 130  # ExitCode.INTERRUPTED, which needs an import

# ruff: noqa: PLC0415 - main() must handle a signal during an import, too.


def main() -> None:
    """Run the command line, and exit with an ``ExitCode`` or the code of a signal."""
    PROGRAM_SIGNALS.handle_signals()
    sys.unraisablehook = _interrupt_again
    try:
        try:
            _run()
        finally:
            PROGRAM_SIGNALS.ignore_signals()  # a later signal must not change the exit code
    except KeyboardInterrupt:
        _exit_interrupted()
    except SystemExit as end:
        if end.code != _INTERRUPTED:
            raise
        _exit_interrupted()


def _exit_interrupted() -> None:
    PROGRAM_SIGNALS.ignore_signals()
    from ._stdio import flush_stdout, open_streams, write_stderr

    with suppress(OSError):
        open_streams()  # an early signal comes before _run() has opened them
    flush_stdout()
    write_stderr("Interrupted.\n")
    sys.exit(get_exit_code())


def _interrupt_again(ignored: "UnraisableHookArgs") -> None:
    """Interrupt again if Python drops it in a destructor or a weak reference's callback."""
    if issubclass(ignored.exc_type, KeyboardInterrupt):
        PROGRAM_SIGNALS.send_again(_interrupt_again.__code__)
    else:
        sys.__unraisablehook__(ignored)


def _run() -> None:
    from ._errors import ExitCode, explain_missing_extra
    from ._stdio import discard, open_streams, write_stderr

    if not open_streams():
        write_stderr(
            "Error: Standard output is closed. To discard the output, redirect it to /dev/null.\n"
        )
        sys.exit(ExitCode.OTHER)
    try:
        from ._app import app  # which needs the extra
    except ModuleNotFoundError as error:
        message = explain_missing_extra(error)
        if message is None:
            raise
        write_stderr(f"Error: {message}\n")
        sys.exit(ExitCode.OTHER)
    try:
        try:
            app(prog_name=PROGRAM)
        finally:
            sys.stdout.flush()
    except OSError as error:
        discard(sys.stdout)
        if not isinstance(
            error, BrokenPipeError
        ):  # `list | head` closes the pipe, which is no error
            write_stderr(f"Error: Standard output cannot be written: {error.strerror}\n")
        # A terminal that closes sends SIGHUP, and cannot be written any more.
        sys.exit(ExitCode.INTERRUPTED if PROGRAM_SIGNALS.received else ExitCode.OTHER)
