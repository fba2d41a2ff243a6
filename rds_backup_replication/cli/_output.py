"""What is printed: data on standard output, everything else on standard error."""

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

from ._exit import ExitCode, Failure
from ._options import Output
from ._streams import report_at_once, tell, visible, write

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status
    from rich.text import Text

    from .._models import DBInstanceAutomatedBackup

# ruff: noqa: PLC0415 - Rich is imported when a table or a spinner is shown, and not for JSON.

_UNLIMITED = 100_000
_MIN_WIDTH = 40  # terminals that say 0 do not know
_STYLES = {
    "red": "failed impossible over_quota refused stopped unprotected",
    "yellow": "deleting lagging not_attempted pending replace retained starting stop unknown",
    "green": "available done protected replicating start started",
}
_STYLE_OF = {word: style for style, words in _STYLES.items() for word in words.split()}


def _console(stream: TextIO, file: TextIO | None = None) -> "Console":
    """For a terminal, as wide as it is; elsewhere lines are as long as they are.

    What is printed goes to the file, if there is one, as if it were the stream.
    """
    from rich.console import Console

    return Console(
        file=file or stream,
        force_terminal=stream.isatty() or None,
        width=_width(stream),
        highlight=False,
        markup=False,
        emoji=False,
    )


def _width(stream: TextIO) -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return max(int(columns), _MIN_WIDTH)
    if not stream.isatty():
        return _UNLIMITED
    return max(os.get_terminal_size(stream.fileno()).columns, _MIN_WIDTH)


def print_json(value: object) -> None:
    """Prints models, or what is made of them, under their Python names; in ASCII."""
    from pydantic_core import to_json

    text = to_json(value, indent=2, by_alias=False, exclude_none=True).decode()
    # So that it is the same, and nothing is lost, whatever the locale's encoding.
    text = re.sub(r"[^\x00-\x7f]", lambda match: json.dumps(match[0])[1:-1], text)
    write(text.replace("\x7f", r"\u007f") + "\n", is_visible=True)


def print_table(
    titles: Sequence[str], rows: Iterable[Sequence[str]], *, on_stderr: bool = False
) -> None:
    """Prints columns; each row is a line if it fits, else the widest columns are wrapped."""
    from rich.table import Table

    printed = StringIO()
    console = _console(sys.stderr if on_stderr else sys.stdout, printed)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*[_cell(text) for text in row])
    console.print(table)
    # Rich fills lines up with blanks.
    lines = [line.rstrip() for line in printed.getvalue().splitlines()]
    (tell if on_stderr else write)("".join(f"{line}\n" for line in lines), is_visible=True)


def _cell(text: str) -> "Text":
    """A text that stays in its place."""
    from rich.text import Text

    return Text(visible(text, kept=""), _STYLE_OF.get(text.lower(), ""))


def print_record(fields: Iterable[tuple[str, str | None]]) -> None:
    """Prints one thing, a line per field; lines are left whole, so that one can copy ARNs."""
    from rich.text import Text

    printed = StringIO()
    console = _console(sys.stdout, printed)
    shown = [(name, value) for name, value in fields if value is not None]
    width = max(len(name) for name, _ in shown)
    for name, value in shown:
        console.print(Text(f"{name:{width}}  ", "bold"), _cell(value), sep="", soft_wrap=True)
    write(printed.getvalue(), is_visible=True)


def print_backup(
    backup: "DBInstanceAutomatedBackup | None", output: Output, action: str | None = None
) -> None:
    """Prints a backup, or nothing, which is ``null`` as JSON."""
    if output is Output.JSON:
        print_json(backup)
    elif backup is not None:
        print_record([("Action", action), *_backup_fields(backup)])


def _backup_fields(backup: "DBInstanceAutomatedBackup") -> Generator[tuple[str, str | None]]:
    window, days = backup.restore_window, backup.backup_retention_period
    engine = [part for part in (backup.engine, backup.engine_version) if part]
    yield "Source", backup.db_instance_arn
    yield "Backup", backup.db_instance_automated_backups_arn
    yield "Status", backup.status and backup.status.lower()
    yield "Engine", " ".join(engine) or None
    yield "Kept for", None if days is None else f"{days} days"
    yield "Key", backup.kms_key_id
    yield "Restorable from", in_utc(window.earliest_time if window else None)
    yield "Restorable to", in_utc(window.latest_time if window else None)
    yield "Lag", lag_of(backup)


def lag_of(backup: "DBInstanceAutomatedBackup") -> str | None:
    """How far a replication is behind; what has stopped is not behind, but over."""
    return in_units(backup.lag()) if backup.status == "replicating" else None


def in_utc(moment: datetime | None) -> str | None:
    """A time as ISO 8601, to the second."""
    return None if moment is None else f"{moment.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def in_units(duration: timedelta | None) -> str | None:
    """A duration's two largest units: ``45s``, ``5m 10s``, ``2d 3h``; never less than nothing."""
    if duration is None:
        return None
    rest = max(0, int(duration.total_seconds()))
    counts: list[tuple[int, str]] = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")):
        count, rest = divmod(rest, size)
        counts.append((count, unit))
    first = next((index for index, (count, _) in enumerate(counts) if count), len(counts) - 1)
    return " ".join(f"{count}{unit}" for count, unit in counts[first : first + 2] if count) or "0s"


def _between_words(text: str) -> str:
    """Breaks lines for a terminal, which itself would do so within a word."""
    text = visible(text)
    if not sys.stderr.isatty():
        return text
    width = _width(sys.stderr)
    lines = [
        wrap(line, width, break_long_words=False, break_on_hyphens=False, subsequent_indent="  ")
        if len(line) > width
        else [line]
        for line in text.split("\n")
    ]
    return "\n".join(chain.from_iterable(lines))


def note(text: str) -> None:
    """Tells something that is not data."""
    tell(f"{_between_words(text)}\n")


def print_error(text: str) -> None:
    """Tells what went wrong; the first word is red on a terminal."""
    colours = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    word = typer.style("Error:", fg="red", bold=True) if colours else "Error:"
    told = _between_words(f"Error: {text}").replace("Error:", word, 1)
    tell(f"{told}\n", is_visible=True)


class Progress:
    """What goes on: a spinner on a terminal; elsewhere a line whenever there is news."""

    def __init__(self, status: "Status | None", *, lines: bool) -> None:
        self._status = status
        self._lines = lines
        self._announced = ""
        self._last = ""

    def update(self, text: str) -> None:
        """Shows the news."""
        if self._status is not None:
            self._status.update(_cell(self._announced + text))
        elif self._lines and text != self._last:
            note(text)
        self._last = text

    def announce(self, text: str) -> None:
        """Show a text from a signal handler, which may have interrupted a write."""
        if self._status is None:
            report_at_once(f"{text}\n")
        else:
            self._announced = f"{text} "
            self.update(self._last)  # Rich's own thread draws it

    def stop(self) -> None:
        """Leaves a terminal as it was."""
        if self._status is not None:
            self._status.stop()


@contextmanager
def progress(text: str, *, lines: bool = True) -> Generator[Progress]:
    """Shows what goes on until the block ends.

    Args:
        text: What goes on at first.
        lines: Whether what is no terminal gets a line whenever there is news.
    """
    if not sys.stderr.isatty():
        shown = Progress(None, lines=lines)
        shown.update(text)
        yield shown
        return
    with _console(sys.stderr).status(_cell(text), spinner="line") as status:
        yield Progress(status, lines=lines)


def confirm(question: str, *, yes: bool) -> None:
    """Goes on if it may: asks on a terminal; elsewhere ``--yes`` must have been given."""
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        message = f"{question} There is no terminal to ask on: pass --yes if so."
        raise Failure(message, ExitCode.USAGE)
    tell(f"{_between_words(f'{question} [y/N]')} ")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Failure("Nothing was changed, as you did not say yes.", ExitCode.OTHER)
