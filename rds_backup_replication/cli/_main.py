"""The door from a shell, which opens without the extra too, to tell that it is missing."""

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

# ruff: noqa: PLC0415 - Ctrl-C may come while something is imported.


def main() -> None:
    """Runs the command line, and exits with an ``ExitCode``."""
    sys.unraisablehook = _interrupt_again
    try:
        _run()
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        sys.exit(130)


def _interrupt_again(ignored: "UnraisableHookArgs") -> None:
    """Python drops a Ctrl-C that comes in a destructor or a weak reference's callback."""
    if issubclass(ignored.exc_type, KeyboardInterrupt):
        if ignored.exc_value is not None:
            ignored.exc_value.args = DROPPED
        # From here, it would be dropped too.
        again = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(ignored)


def _run() -> None:
    from ._exit import ExitCode, missing_extra
    from ._streams import discard, open_streams, tell

    if not open_streams():
        tell("Error: Standard output is closed. Send it to /dev/null if nobody is to read it.\n")
        sys.exit(ExitCode.OTHER)
    try:
        from ._app import app  # of an extra
    except ModuleNotFoundError as error:
        message = missing_extra(error)
        if message is None:
            raise
        tell(f"Error: {message}\n")
        sys.exit(ExitCode.OTHER)
    try:
        try:
            app(prog_name=PROGRAM)
        finally:
            sys.stdout.flush()
    except SystemExit as end:
        if end.code == ExitCode.INTERRUPTED:
            tell("Interrupted.\n")
        raise
    except OSError as error:
        discard(sys.stdout)
        if not isinstance(error, BrokenPipeError):  # else nobody reads on, which is fine
            tell(f"Error: Standard output cannot be written: {error.strerror}\n")
        sys.exit(ExitCode.OTHER)
