"""Printing of results to standard output, and of messages to standard error."""

import json
import os
import re
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from io import StringIO
from itertools import chain
from textwrap import wrap
from typing import TYPE_CHECKING, TextIO

import typer

from ..fleet._durations import format_duration
from ._errors import ExitCode, Failure
from ._options import Output
from ._stdio import discard, escape_invisible, write_stderr, write_stderr_unbuffered, write_stdout

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status
    from rich.text import Text

    from .._models import DBInstanceAutomatedBackup

# ruff: noqa: PLC0415 - Rich is imported for a table or a spinner, but not for JSON.

_UNLIMITED = 100_000
_MIN_WIDTH = 40  # some terminals report a width of 0
_FOLDED = 20  # the width that a table leaves to a long text beside what may not be broken
_BELOW = "\ue000"  # stands for a cell on a line of its own; data has no such character unescaped
_STYLES = {
    "red": "at_risk failed impossible over_quota refused stopped unprotected",
    "yellow": (
        "deleting drifted lagging move not_attempted pending replace retained starting stop unknown"
    ),
    "green": "available done protected replicating start started",
}
_STYLE_OF = {word: style for style, words in _STYLES.items() for word in words.split()}


def _make_console(stream: TextIO, file: TextIO | None = None) -> "Console":
    """Return a console with the width and colors of a stream.

    Lines are wrapped only on a terminal, or if COLUMNS is set. If there is a file, the console
    writes to the file.
    """
    from rich.console import Console

    return Console(
        file=file or stream,
        force_terminal=stream.isatty() or None,
        width=get_width(stream),
        highlight=False,
        markup=False,
        emoji=False,
    )


def get_width(stream: TextIO) -> int:
    """Return the number of columns of a stream; without a terminal, it is practically unlimited."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return max(int(columns), _MIN_WIDTH)
    if not stream.isatty():
        return _UNLIMITED
    return max(os.get_terminal_size(stream.fileno()).columns, _MIN_WIDTH)


def print_json(value: object) -> None:
    """Print a model or a list of models as JSON in ASCII, with Python names as keys."""
    from pydantic_core import to_json

    text = to_json(value, indent=2, by_alias=False, exclude_none=True).decode()
    # ASCII is the same in the encoding of every locale.
    text = re.sub(r"[^\x00-\x7f]", lambda match: json.dumps(match[0])[1:-1], text)
    write_stdout(text.replace("\x7f", r"\u007f") + "\n", is_escaped=True)


def print_table(
    titles: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    on_stderr: bool = False,
    unbroken: bool = False,
) -> None:
    """Print a table, with the widest columns wrapped if the rows do not fit the width.

    Args:
        titles: The titles of the columns.
        rows: The cells of each row.
        on_stderr: Whether to print to standard error.
        unbroken: Whether the last cell of a row that would have to be wrapped goes to a line of
            its own instead.
    """
    from rich.table import Table
    from rich.text import Text

    printed = StringIO()
    console = _make_console(sys.stderr if on_stderr else sys.stdout, printed)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    cells = [[_make_cell(text) for text in row] for row in rows]
    below: list[str] = []
    if unbroken:
        others = [
            max(len(title), *(row[index].cell_len for row in cells), 0)
            for index, title in enumerate(titles[:-1])
        ]
        room = console.width - sum(min(width, _FOLDED) + 2 for width in others)
        for row in cells:
            if row[-1].cell_len > room:
                below.append(row[-1].plain)
                row[-1] = Text(_BELOW)
    for index, title in enumerate(titles):
        is_last = unbroken and index == len(titles) - 1
        widths = [row[index].cell_len for row in cells] if is_last else []
        table.add_column(title, overflow="fold", min_width=max(widths, default=None))
    for row in cells:
        table.add_row(*row)
    console.print(table)
    # Rich pads lines with spaces.
    lines = [
        f"{line.replace(_BELOW, '').rstrip()}\n  {below.pop(0)}"
        if _BELOW in line
        else line.rstrip()
        for line in printed.getvalue().splitlines()
    ]
    write = write_stderr if on_stderr else write_stdout
    write("".join(f"{line}\n" for line in lines), is_escaped=True)


def _make_cell(text: str) -> "Text":
    """Return a cell's text on one line, in the color of its word."""
    from rich.text import Text

    return Text(escape_invisible(text, keep=""), _STYLE_OF.get(text.lower(), ""))


def print_record(fields: Iterable[tuple[str, str | None]]) -> None:
    """Print one result, a line per field. Lines are not wrapped, so that ARNs can be copied."""
    from rich.text import Text

    printed = StringIO()
    console = _make_console(sys.stdout, printed)
    shown = [(name, value) for name, value in fields if value is not None]
    width = max(len(name) for name, _ in shown)
    for name, value in shown:
        console.print(Text(f"{name:{width}}  ", "bold"), _make_cell(value), sep="", soft_wrap=True)
    write_stdout(printed.getvalue(), is_escaped=True)


def print_backup(
    backup: "DBInstanceAutomatedBackup | None", output: Output, action: str | None = None
) -> None:
    """Print a backup; for no backup, print ``null`` as JSON, or nothing."""
    if output is Output.JSON:
        print_json(backup and backup_fields(backup))
    elif backup is not None:
        print_record([("Action", action), *_record_of(backup)])


def backup_fields(backup: "DBInstanceAutomatedBackup") -> dict[str, object]:
    """Return a backup for JSON.

    RDS changes the capitals of ``status``; here they are all small. ``is_replicating`` and, of a
    backup that replicates, ``lag_seconds`` follow the status.
    """
    added: dict[str, object] = {"is_replicating": backup.is_replicating}
    if backup.is_replicating and (lag := backup.lag()) is not None:
        added["lag_seconds"] = int(lag.total_seconds())
    fields: dict[str, object] = {}
    for name, value in backup.model_dump(mode="json", by_alias=False, exclude_none=True).items():
        fields |= {name: value.lower(), **added} if name == "status" else {name: value}
    return fields | added


def _record_of(backup: "DBInstanceAutomatedBackup") -> Generator[tuple[str, str | None]]:
    window, days = backup.restore_window, backup.backup_retention_period
    engine = [part for part in (backup.engine, backup.engine_version) if part]
    yield "Source", backup.db_instance_arn
    yield "Backup", backup.db_instance_automated_backups_arn
    yield "Status", backup.status and backup.status.lower()
    yield "Engine", " ".join(engine) or None
    yield "Retention", None if days is None else f"{days} days"
    yield "Key", backup.kms_key_id
    yield "Restorable from", format_time(window.earliest_time if window else None)
    yield "Restorable to", format_time(window.latest_time if window else None)
    yield "Lag", format_backup_lag(backup)


def format_backup_lag(backup: "DBInstanceAutomatedBackup") -> str | None:
    """Return the lag of a backup that replicates; no other backup has one."""
    return format_lag(backup.lag()) if backup.is_replicating else None


def format_lag(lag: timedelta | None) -> str | None:
    """Return the two largest units of a lag."""
    return None if lag is None else format_duration(lag, max_units=2)


def format_time(time: datetime | None) -> str | None:
    """Return a time in ISO 8601, in UTC and to the second."""
    return None if time is None else f"{time.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def _wrap_words(text: str, stream: TextIO, indent: str = "  ") -> str:
    """Wrap lines between words on a terminal, which would wrap within a word."""
    text = escape_invisible(text)
    if not stream.isatty():
        return text
    width = get_width(stream)
    lines = [
        wrap(line, width, break_long_words=False, break_on_hyphens=False, subsequent_indent=indent)
        if len(line) > width
        else [line]
        for line in text.split("\n")
    ]
    return "\n".join(chain.from_iterable(lines))


def print_line(text: str, indent: str = "", *, on_stderr: bool = False) -> None:
    """Print a line of text, wrapped between words on a terminal.

    Args:
        text: The text.
        indent: What all lines of the wrapped text begin with.
        on_stderr: Whether to print to standard error.
    """
    stream, write = (sys.stderr, write_stderr) if on_stderr else (sys.stdout, write_stdout)
    write(f"{_wrap_words(indent + text, stream, indent)}\n")


def note(text: str) -> None:
    """Print a message that is neither data nor an error."""
    write_stderr(f"{_wrap_words(text, sys.stderr)}\n")


def print_error(text: str) -> None:
    """Print an error message, with its first word in red on a terminal."""
    colors = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    word = typer.style("Error:", fg="red", bold=True) if colors else "Error:"
    message = _wrap_words(f"Error: {text}", sys.stderr).replace("Error:", word, 1)
    write_stderr(f"{message}\n", is_escaped=True)


class Progress:
    """Show the progress of a command: a spinner on a terminal, and elsewhere lines."""

    def __init__(self, status: "Status | None", *, lines: bool) -> None:
        self._status = status
        self._lines = lines
        self._announced = ""
        self._last = ""

    def update(self, text: str) -> None:
        """Show a new text."""
        if self._status is not None:
            with _on_a_terminal():
                self._status.update(_make_cell(self._announced + text))
        elif self._lines and text != self._last:
            note(text)
        self._last = text

    def log(self, text: str) -> None:
        """Print a line that stays; on a terminal, above the spinner."""
        if self._status is None:
            note(text)
        else:
            with _on_a_terminal():
                self._status.console.print(_make_cell(text))

    def announce(self, text: str) -> None:
        """Show a text, even from a signal handler that interrupted a write."""
        if self._status is None:
            write_stderr_unbuffered(f"{text}\n")
        else:
            self._announced = f"{text} "
            self.update(self._last)  # Rich's own thread draws it

    def stop(self) -> None:
        """Remove the spinner and show the cursor again."""
        if self._status is not None:
            with _on_a_terminal():
                self._status.stop()


@contextmanager
def _on_a_terminal() -> Generator[None]:
    """Ignore an error of Rich if the terminal has closed, because the command must go on."""
    try:
        yield
    except OSError:
        discard(sys.stderr)


@contextmanager
def progress(text: str, *, lines: bool = True) -> Generator[Progress]:
    """Show progress until the block ends.

    Args:
        text: The first text.
        lines: Whether to print a line for each new text if there is no terminal.
    """
    if not sys.stderr.isatty():
        shown = Progress(None, lines=lines)
        shown.update(text)
        yield shown
        return
    status = _make_console(sys.stderr).status(_make_cell(text), spinner="line")
    shown = Progress(status, lines=lines)
    try:
        with _on_a_terminal():
            status.start()
        yield shown
    finally:
        shown.stop()


@contextmanager
def explain_interruption(text: str) -> Generator[None]:
    """Print a message if a signal interrupts the block."""
    try:
        yield
    except KeyboardInterrupt:
        note(text)
        raise


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal for confirmation, unless ``--yes`` has given it.

    Raises:
        Failure: The user does not confirm, or there is no terminal.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        message = f"{question} There is no terminal to ask on. To confirm, pass --yes."
        raise Failure(message, ExitCode.USAGE)
    write_stderr(f"{_wrap_words(f'{question} [y/N]', sys.stderr)} ")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Failure("Nothing was changed, because you did not answer yes.", ExitCode.OTHER)
