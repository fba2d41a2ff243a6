"""Files that commands read and write."""

import os
import shutil
import sys
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
        try:
            return decode(path.read_bytes(), str(path))
        except OSError as error:
            raise read_failure(path, error) from error
    if sys.stdin.isatty():
        message = f"Name a {content} file, or pipe a {content} to standard input."
        raise Failure(message, ExitCode.USAGE)
    return decode(sys.stdin.buffer.read(), STDIN)


def read_policy(path: Path) -> "Policy":
    """Read a policy from a file, or from standard input in YAML."""
    from ..fleet import Policy

    if is_stdin(path):
        return Policy.from_yaml(read_text(path, "policy"), source=STDIN)
    try:
        return Policy.from_file(path)
    except OSError as error:
        raise read_failure(path, error) from error


def read_failure(path: Path | str, error: OSError) -> Failure:
    """Return the failure to read a file."""
    return Failure(f"{path} cannot be read: {error.strerror or error}", ExitCode.USAGE)


def check_writable(path: Path, content: str) -> None:
    """Raise a failure if a file cannot be written; called before the work for its content.

    Args:
        path: The file.
        content: Noun for what the file is for, such as ``report``.
    """
    if is_stdin(path):
        message = f"- cannot be written: standard output already receives the {content}."
        raise Failure(message, ExitCode.USAGE)
    try:
        is_new = not path.exists()
        if is_new or path.is_file() or path.is_dir():  # to open a pipe would wait for its reader
            path.open("ab").close()
        if is_new:
            path.unlink()
    except OSError as error:
        raise _write_failure(path, error, ExitCode.USAGE) from error


def write_file(path: Path, text: str) -> None:
    """Write a file whole, or keep the previous file if writing fails."""
    try:
        target = path.resolve()  # to replace a symbolic link's target, not the link
        if target.exists() and not target.is_file():
            target.write_text(text, encoding="utf-8")
            return
        part = target.with_name(f".{os.getpid()}.part")
        try:
            part.write_text(text, encoding="utf-8")
            if target.exists():
                shutil.copymode(target, part)
            part.replace(target)
        except PermissionError:  # the directory is read-only, but the file may be writable
            target.write_text(text, encoding="utf-8")
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise _write_failure(path, error, ExitCode.OTHER) from error


def _write_failure(path: Path, error: OSError, code: ExitCode) -> Failure:
    return Failure(f"{path} cannot be written: {error.strerror}", code)
