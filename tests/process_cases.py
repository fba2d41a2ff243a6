"""Processes that run the program, for its tests."""

import os
import pty
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

NAME = "rds-backup-replication"


PROGRAM = (sys.executable, "-m", "rds_backup_replication.cli")


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # the tests' own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )


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
