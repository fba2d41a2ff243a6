"""The parts of a document in Markdown that audits and plans share."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from .._causes import Cause, Line, finding_causes
from .._plan_records import PlannedAction
from .._records import AuditRecord, Finding, OtherBackup, StateChange
from .._wording import display_name
from .markdown_text import code, table, text

T = TypeVar("T")
_MAX_LISTED = 20  # of each cause
PLACE = ("Instance", "Account", "Source → destination")
"""The titles of the columns that ``place`` fills."""


def join(*parts: str) -> str:
    """Return the parts that are not empty as a document."""
    return "\n\n".join(filter(None, parts)) + "\n"


def finding_blocks(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield the section of findings; nothing if there are none."""
    if findings:
        yield f"## Findings: {len(findings):,}"
    for cause in finding_causes(findings):
        yield from cause_block(cause.lines, *with_details(cause, ("About",), _subject))


def _subject(finding: Finding) -> tuple[str]:
    rule = [f"rule {code(finding.rule)}"] if finding.rule is not None else []
    account = [f"account {code(finding.account_id)}"] if finding.account_id is not None else []
    return (", ".join((*rule, *account)) or "the audit",)


def cause_block(
    lines: Iterable[Line], titles: Sequence[str], rows: Sequence[Sequence[str]]
) -> Iterator[str]:
    """Yield what the rows have in common, with the remedy, and the rows."""
    for kind, line in lines:
        yield f"**{'Remedy' if kind == 'remedy' else 'Cause'}:** {text(line)}"
    yield from capped_table(titles, rows)


def with_details(
    cause: Cause[T], titles: Sequence[str], row_of: Callable[[T], Sequence[str]]
) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Return the titles and rows of a table with what differs between the cause's items."""
    rows = [(row_of(item), figures) for item, figures in cause.items]
    details = [
        ", ".join(code(f) for f in dict.fromkeys(figures) if code(f) not in " ".join(row))
        for row, figures in rows
    ]
    if not any(details):
        return titles, [row for row, _ in rows]
    return (*titles, "Details"), [(*row, d) for (row, _), d in zip(rows, details, strict=True)]


def capped_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a table of the first rows, and the number of the others."""
    yield table(titles, rows[:_MAX_LISTED])
    if (more := len(rows) - _MAX_LISTED) > 0:
        yield f"And {more:,} more."


def place(item: AuditRecord | OtherBackup | StateChange | PlannedAction) -> tuple[str, str, str]:
    """Return the cells of an item's instance, account and Regions."""
    if isinstance(item, PlannedAction):
        arn = item.source_db_instance_arn or ""
        name = arn.rpartition(":")[2] or f"all of {item.source_region}"
    else:
        name = display_name(item)
    return place_cells(name, item.account_id, item.source_region, item.destination_region)


def place_cells(
    name: str, account_id: str, source: str | None, destination: str | None
) -> tuple[str, str, str]:
    """Return the cells of an instance, its account and its Regions."""
    route = f"{code(source or 'unknown')} → {code(destination) if destination else 'none'}"
    return code(name), code(account_id), route
