"""What the commands for a fleet share: their argument, progress and texts."""

import sys
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._errors import in_scan_words
from ._output import get_width, print_line, print_table, progress
from ._signals import end_now, on_signal

if TYPE_CHECKING:
    from ..fleet import AuditRecord, Finding, FleetReason, PlannedAction, StateChange
    from ..fleet._records import RestoreReason
    from ..recovery._records import ReadinessReason, ReadinessRecord

    Reasons = tuple[FleetReason, ...] | tuple[ReadinessReason, ...] | tuple[RestoreReason, ...]
    Subject = AuditRecord | PlannedAction | StateChange | ReadinessRecord

# ruff: noqa: PLC0415 - help and version must not import what only a call needs.

PolicyFile = Annotated[
    Path,
    typer.Argument(
        metavar="POLICY",
        help="Policy file in YAML, JSON or TOML; - reads YAML or JSON from standard input.",
    ),
]


@contextmanager
def scan_progress(text: str = "Scanning the fleet") -> Generator[Callable[[int, int], None]]:
    """Show the progress of a scan, which changes nothing: a signal ends the process at once."""
    with (
        progress(text, lines=False) as shown,
        on_signal(lambda _: end_now("Interrupted.\n", shown)),
    ):
        yield lambda done, of: shown.update(f"{text}: {done} of {of}")


def arn_of(subject: "Subject") -> str | None:
    """Return the instance's ARN; ``None`` if its Region could not be listed."""
    arn: str | None = getattr(subject, "db_instance_arn", None)
    return arn or getattr(subject, "source_db_instance_arn", None)


def instance_of(subject: "Subject") -> str:
    """Return the instance's ARN, or the account and Region whose instances could not be listed."""
    nobody = f"all instances of account {subject.account_id} in {subject.source_region}"
    return arn_of(subject) or nobody


def destination_of(subject: "AuditRecord | PlannedAction") -> str:
    """Return the destination Region, or ``-`` if there is none."""
    return subject.destination_region or "-"


def format_counts(counts: Mapping[Any, int]) -> str:
    """Return the number of each kind, such as ``2 start, 1 stop``."""
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "no instances"


_WIDE = 120  # columns; with fewer, a table has no room for ARNs
_INDENT = "    "


def print_names(names: Iterable[str], *, on_stderr: bool = False) -> None:
    """Print names below the text that they belong to."""
    for name in names:
        print_line(name, _INDENT, on_stderr=on_stderr)


def name_of(subject: "Subject", *, on_stderr: bool = False) -> str:
    """Return the instance's ARN, or its identifier and place if the terminal would break the ARN.

    Args:
        subject: What is about the instance, or about a Region that could not be listed.
        on_stderr: Whether the name is printed to standard error.
    """
    name = instance_of(subject)
    width = get_width(sys.stderr if on_stderr else sys.stdout)
    if arn_of(subject) is None or len(_INDENT + name) <= width:
        return name
    place = f"account {subject.account_id} in {subject.source_region}"
    return f"{name.rpartition(':')[2]}, {place}"


def print_instances(
    titles: Sequence[str],
    subjects: "Sequence[AuditRecord | PlannedAction | ReadinessRecord]",
    cells_of: Callable[[Any], tuple[str, ...]],
    *,
    on_stderr: bool = False,
) -> None:
    """Print a row for each instance.

    On a narrow terminal, each account and source Region has a table of its own, because the rows
    have no room for both.
    """
    is_wide = get_width(sys.stderr if on_stderr else sys.stdout) >= _WIDE
    tables: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
    for subject in subjects:
        name = instance_of(subject)
        if not is_wide:
            name = (arn_of(subject) or "all instances").rpartition(":")[2]
        place = "" if is_wide else f"Account {subject.account_id}, {subject.source_region}"
        tables[place].append((*cells_of(subject), name))
    for index, (heading, rows) in enumerate(tables.items()):
        if heading:
            print_line(f"\n{heading}" if index else heading, on_stderr=on_stderr)
        print_table((*titles, "INSTANCE"), rows, on_stderr=on_stderr, unbroken=True)


def print_causes(
    subjects: "Iterable[tuple[AuditRecord | PlannedAction | ReadinessRecord, Reasons]]",
    *,
    on_stderr: bool = False,
) -> None:
    """Print the reasons, each once with its remedy, and the instances that it applies to."""
    from ..fleet._causes import group_by_cause

    causes = group_by_cause(
        [(subject, reasons) for subject, reasons in subjects if reasons],
        lambda pair: [
            line
            for reason in pair[1]
            for line in (("finding", reason.message), ("remedy", reason.remedy))
        ],
        lambda pair: ((arn_of(pair[0]) or "").rpartition(":")[2], getattr(pair[0], "rule", None)),
    )
    for cause in causes:
        print_line("", on_stderr=on_stderr)
        for kind, text in cause.lines:
            print_line(in_scan_words(text), "" if kind == "finding" else "  ", on_stderr=on_stderr)
        print_names(
            (
                name_of(subject, on_stderr=on_stderr)
                + (f" ({', '.join(figures)})" if figures else "")
                for (subject, _), figures in cause.items
            ),
            on_stderr=on_stderr,
        )


def print_findings(
    findings: "Iterable[Finding | ReadinessReason]", *, on_stderr: bool = False
) -> None:
    """Print findings about rules and accounts, or about a recovery book."""
    for finding in findings:
        for text, indent in (("", ""), (finding.message, ""), (finding.remedy, "  ")):
            print_line(in_scan_words(text), indent, on_stderr=on_stderr)
