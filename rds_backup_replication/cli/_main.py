"""Entry point of the program, which also runs without the extra, to report that it is missing."""

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

PROGRAM = "rds-backup-replication"
DROPPED = ("dropped",)
"""The arguments of a KeyboardInterrupt that Python dropped and that is sent again."""

# ruff: noqa: PLC0415 - main() must handle a Ctrl-C during an import, too.


def main() -> None:
    """Run the command line, and exit with an ``ExitCode``."""
    sys.unraisablehook = _interrupt_again
    try:
        _run()
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        sys.exit(130)


def _interrupt_again(ignored: "UnraisableHookArgs") -> None:
    """Send Ctrl-C again if Python drops it in a destructor or a weak reference's callback."""
    if issubclass(ignored.exc_type, KeyboardInterrupt):
        if ignored.exc_value is not None:
            ignored.exc_value.args = DROPPED
        # Python would also drop a KeyboardInterrupt that is raised in this hook.
        again = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
        again.daemon = True
        again.start()
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
    except SystemExit as end:
        if end.code == ExitCode.INTERRUPTED:
            write_stderr("Interrupted.\n")
        raise
    except OSError as error:
        discard(sys.stdout)
        if not isinstance(
            error, BrokenPipeError
        ):  # `list | head` closes the pipe, which is no error
            write_stderr(f"Error: Standard output cannot be written: {error.strerror}\n")
        sys.exit(ExitCode.OTHER)
