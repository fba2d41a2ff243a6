"""Files that commands read and write, whole or not at all."""

import os
import shutil
import sys
from pathlib import Path

from ._errors import ExitCode, Failure


def is_stdin(path: Path) -> bool:
    return str(path) == "-"


def read_stdin(what: str) -> str:
    """All of standard input, in UTF-8 whatever the locale."""
    if sys.stdin.isatty():
        raise Failure(f"Name the file of {what}, or pipe one in.", ExitCode.USAGE)
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Failure(f"Standard input is not UTF-8: {error}", ExitCode.USAGE) from error


def check_target(path: Path, whose: str) -> None:
    """Raises if a file cannot be written, before the work whose result it is to take."""
    if is_stdin(path):
        message = f"- cannot be written: it is standard output, which has the {whose} already."
        raise Failure(message, ExitCode.USAGE)
    try:
        is_new = not path.exists()
        if is_new or path.is_file() or path.is_dir():  # a pipe would wait for its reader
            path.open("ab").close()
        if is_new:
            path.unlink()
    except OSError as error:
        raise cannot_be_written(path, error, ExitCode.USAGE) from error


def write_file(path: Path, text: str) -> None:
    """Writes a file in place of an earlier one, which is left if that fails."""
    try:
        target = path.resolve()  # a link stays one
        if target.exists() and not target.is_file():
            target.write_text(text, encoding="utf-8")
            return
        part = target.with_name(f".{os.getpid()}.part")
        try:
            part.write_text(text, encoding="utf-8")
            if target.exists():
                shutil.copymode(target, part)
            part.replace(target)
        except PermissionError:  # the folder's, while the file may be written
            target.write_text(text, encoding="utf-8")
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_be_written(path, error, ExitCode.OTHER) from error


def cannot_be_written(path: Path, error: OSError, code: ExitCode) -> Failure:
    return Failure(f"{path} cannot be written: {error.strerror}", code)
