"""The door from a shell, which opens without the extra too, to tell that it is missing."""

import sys

from ._exit import ExitCode, missing_extra

PROGRAM = "rds-backup-replication"


def main() -> None:
    """Runs the command line, and exits with an ``ExitCode``."""
    try:
        from ._app import app  # noqa: PLC0415  # of an extra
    except ModuleNotFoundError as error:
        message = missing_extra(error)
        if message is None:
            raise
        sys.stderr.write(f"Error: {message}\n")
        sys.exit(ExitCode.OTHER)
    app(prog_name=PROGRAM)
