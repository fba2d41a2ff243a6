"""Standard input, output and error, which a shell may have closed or redirected."""

import os
import select
import sys
from contextlib import suppress
from typing import TextIO

from ..fleet._invisible_characters import replace_invisible

_CHUNK = 512  # bytes that POSIX lets a writable pipe take without blocking
_PATIENCE = 2.0  # seconds to wait for a full pipe or a stopped terminal


class OutputError(OSError):
    """Standard output cannot be written."""


def open_streams() -> bool:
    """Open the standard streams that are closed, and return whether standard output was open."""
    # A closed stream is None. Open the streams in the order of their file descriptors, because
    # open() takes the lowest free one, and no connection opened later must take any of the three.
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115
    has_output = sys.stdout is not None  # pyright: ignore[reportUnnecessaryComparison]
    if not has_output:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    if sys.stderr is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    # JSON is printed in ASCII. In tables, "?" replaces what the terminal cannot encode.
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    return has_output


def escape_invisible(text: str, *, keep: str = "\n\t") -> str:
    r"""Return a text with its invisible characters escaped, such as ``\x1b``.

    Such characters could move a terminal's cursor, hide a part of the text or reverse it.
    """
    return replace_invisible(text, lambda c: c.encode("unicode_escape").decode("ascii"), keep=keep)


def write_stdout(text: str, *, is_escaped: bool = False) -> None:
    """Write data to standard output and flush it, after escaping unless that has been done."""
    try:
        sys.stdout.write(text if is_escaped else escape_invisible(text))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(error.errno, error.strerror) from error


def write_stderr(text: str, *, is_escaped: bool = False) -> None:
    """Write a message to standard error; a failure is ignored, as there is nowhere to report it."""
    try:
        sys.stderr.write(text if is_escaped else escape_invisible(text))
        sys.stderr.flush()
    except OSError:
        discard(sys.stderr)


def write_stderr_unbuffered(text: str) -> None:
    """Write to standard error past its buffer, as a signal handler must.

    Python may run a signal handler while the program writes to the same buffered stream, which
    then refuses a second write: ``RuntimeError: reentrant call inside <_io.BufferedWriter>``.
    """
    data = escape_invisible(text).encode(sys.stderr.encoding, "backslashreplace")
    with suppress(OSError):  # there is nowhere to report a failure
        number = sys.stderr.fileno()
        while data and _is_writable(number):
            data = data[os.write(number, data[:_CHUNK]) :]


def _is_writable(number: int) -> bool:
    """Return whether a write would not block, after waiting a little if it would."""
    if sys.platform == "win32":  # where select() takes only sockets
        return True
    return bool(select.select((), (number,), (), _PATIENCE)[1])


def flush_stdout() -> None:
    """Flush standard output; if it cannot be written, discard what it has buffered."""
    try:
        sys.stdout.flush()
    except OSError:
        discard(sys.stdout)


def discard(stream: TextIO) -> None:
    """Discard what a stream has buffered, which the interpreter would fail to write at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
