"""Files that commands read and write."""

import os
import shutil
import stat
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ._errors import ExitCode, Failure

if TYPE_CHECKING:
    from ..fleet import Policy

# ruff: noqa: PLC0415 - help and version must not import what only a call needs.

STDIN = "standard input"


def is_stdin(path: Path) -> bool:
    """Return whether a path is ``-``, which stands for standard input."""
    return str(path) == "-"


def read_text(path: Path, content: str) -> str:
    """Return the text of a file, or of standard input, which must be UTF-8 in any locale.

    Args:
        path: The file.
        content: Noun for what is expected there, such as ``policy``.
    """
    from ..fleet._policy_document import decode

    if not is_stdin(path):
        with reading(path):
            return decode(path.read_bytes(), str(path))
    if sys.stdin.isatty():
        message = f"Name a {content} file, or pipe a {content} to standard input."
        raise Failure(message, ExitCode.USAGE)
    return decode(sys.stdin.buffer.read(), STDIN)


def read_policy(path: Path) -> "Policy":
    """Read a policy from a file, or from standard input in YAML."""
    from ..fleet import Policy

    if is_stdin(path):
        return Policy.from_yaml(read_text(path, "policy"), source=STDIN)
    with reading(path):
        return Policy.from_file(path)


@contextmanager
def reading(path: Path | str) -> Generator[None]:
    """Raise a failure if a file cannot be read in the block."""
    try:
        yield
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}"
        raise Failure(message, ExitCode.USAGE) from error


def check_writable(path: Path, content: str, *, others: Iterable[Path | str | None] = ()) -> None:
    """Raise a failure if a file cannot be written; called before the work for its content.

    Args:
        path: The file.
        content: Noun for what the file is for, such as ``report``.
        others: The other files of the command, from which the file must differ.
    """
    if is_stdin(path):
        message = f"- cannot be written: standard output is not a file. Name one for the {content}."
        raise Failure(message, ExitCode.USAGE)
    if any(other is not None and is_same_file(path, other) for other in others):
        message = f"{path} has another use in this command. Name another file for the {content}."
        raise Failure(message, ExitCode.USAGE)
    with writing(path, ExitCode.USAGE):
        _try_to_write(path)


def _try_to_write(path: Path) -> None:
    """Open a file for writing, or make a file beside it if it is new.

    A new file itself must not be created and deleted here, because another command may have begun
    to use it.
    """
    from tempfile import TemporaryFile

    target = Path(os.path.realpath(path))
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        TemporaryFile(dir=target.parent).close()
        return
    # To open a pipe would wait for its reader. A link here leads to itself.
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode):
        path.open("ab").close()


def is_same_file(one: Path, other: Path | str) -> bool:
    """Return whether two paths lead to the same file, or are the same location in S3."""
    try:
        return one.samefile(other)  # also by a link, or in other capitals
    except OSError:
        return os.path.realpath(one) == os.path.realpath(other)


def write_file(path: Path, text: str) -> None:
    """Write a file whole, or keep the previous file if writing fails."""
    with writing(path):
        target = path.resolve()  # to replace a symbolic link's target, not the link
        if target.exists() and not target.is_file():
            target.write_text(text, encoding="utf-8")
            return
        # The processes of two containers may have the same ID, and write to the same folder.
        part = target.with_name(f".{os.urandom(8).hex()}.part")
        try:
            part.touch(exist_ok=False)
            part.write_text(text, encoding="utf-8")
            if target.exists():
                shutil.copymode(target, part)
            part.replace(target)
        except PermissionError:  # the directory is read-only, but the file may be writable
            target.write_text(text, encoding="utf-8")
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def writing(path: Path | str, code: ExitCode = ExitCode.OTHER) -> Generator[None]:
    """Raise a failure if a file cannot be written in the block."""
    try:
        yield
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror or error}", code) from error
