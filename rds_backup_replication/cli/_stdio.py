"""The standard streams, whatever the shell has done to them."""

import os
import sys
from typing import TextIO

from ..fleet._invisible_characters import replace_invisible


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
    return replace_invisible(text, lambda c: c.encode("unicode_escape").decode("ascii"), keep=kept)


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


def discard(stream: TextIO) -> None:
    """Has what a stream still holds vanish: the interpreter would fail to write it at its end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
