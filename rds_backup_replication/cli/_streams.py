"""The standard streams, whatever the shell has done to them."""

import os
import select
import sys
from typing import TextIO

from ..fleet._unseen import replace_unseen

_CHUNK = 512  # bytes: POSIX lets a pipe that is ready for writing take as many without blocking
_PATIENCE = 2.0  # seconds that a full pipe or a stopped terminal may take


class OutputError(OSError):
    """Standard output does not take the data."""


def open_streams() -> bool:
    """Makes all streams usable, and tells whether there is a standard output."""
    # In the order of their numbers: what is opened takes the lowest that is free, and what is
    # opened later, such as a connection, must not take one of these. Closed streams are None.
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115
    has_output = sys.stdout is not None  # pyright: ignore[reportUnnecessaryComparison]
    if not has_output:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    if sys.stderr is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    # Of what is no JSON, the terminal shows what it can.
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    return has_output


def visible(text: str, *, kept: str = "\n\t") -> str:
    """The text as it cannot move a terminal's cursor, hide a part of itself, or turn it around."""
    return replace_unseen(text, lambda c: c.encode("unicode_escape").decode("ascii"), kept=kept)


def write(text: str, *, is_visible: bool = False) -> None:
    """Writes data, so that nothing is left to be written later."""
    try:
        sys.stdout.write(text if is_visible else visible(text))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(error.errno, error.strerror) from error


def tell(text: str, *, is_visible: bool = False) -> None:
    """Writes to standard error; if that fails, nobody can be told."""
    try:
        sys.stderr.write(text if is_visible else visible(text))
        sys.stderr.flush()
    except OSError:
        discard(sys.stderr)


def report_at_once(text: str) -> None:
    """Write to standard error without its buffer, as a signal handler must.

    Python also runs signal handlers during a write to a buffered stream, and the stream then
    refuses a second write: ``RuntimeError: reentrant call inside <_io.BufferedWriter>``.
    """
    data = visible(text).encode(sys.stderr.encoding, "backslashreplace")
    try:
        number = sys.stderr.fileno()
        while data and _is_writable(number):
            data = data[os.write(number, data[:_CHUNK]) :]
    except OSError:  # as in tell(), there is nobody to report to
        pass


def _is_writable(number: int) -> bool:
    """Return whether a write would not block; wait a little if it would."""
    if sys.platform == "win32":  # select() takes nothing but sockets there
        return True
    return bool(select.select((), (number,), (), _PATIENCE)[1])


def discard(stream: TextIO) -> None:
    """Has what a stream still holds vanish: the interpreter would fail to write it at its end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
