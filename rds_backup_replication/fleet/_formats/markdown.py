"""An audit or a plan in GitHub-flavored Markdown, for a comment or a summary of a job."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import TypeVar

from .._causes import Cause, Line, finding_causes, group_by_cause, merge_not_listed, problem_causes
from .._plan_records import Kind, Plan, PlannedAction
from .._records import HEALTHY, AuditRecord, AuditReport, Finding, OtherBackup, StateChange
from .._report.changes import group_changes
from .._report.html import (
    MEANINGS,
    URGENCY,
    count_regions,
    display_name,
    iso,
    list_words,
    pluralize,
    state_name,
)
from .markdown_text import code, table, text

T = TypeVar("T")
_MAX_LISTED = 20  # of each cause
_LITTLE_ROOM = 3  # replications in a destination
_PLACE = ("Instance", "Account", "Source → destination")
_KINDS: tuple[tuple[str, Kind, str], ...] = (
    ("Starts", "start", "The destination has no replication of these instances."),
    ("Moves", "move", "A replication starts in the new destination; a later plan stops the old."),
    ("Replacements", "replace", "The active replication stops, and another one starts."),
    ("Stops", "stop", "The active replication stops."),
    ("Impossible", "impossible", "RDS would refuse these changes."),
    ("Over quota", "over_quota", "The destination's quota has no room."),
    ("Unknown", "unknown", "The required action could not be determined."),
)


def render_markdown(report: AuditReport) -> str:
    """Render a report in GitHub-flavored Markdown.

    No text from AWS or from the policy creates markup, a link or a mention.

    Args:
        report: The report of an audit.

    Returns:
        The document. A cause names at most 20 of its instances.
    """
    instances = [record for record in report.records if record.db_instance_arn is not None]
    not_listed = merge_not_listed(report.records)
    counts = Counter(record.state for record in instances)
    rows = [(state_name(s), f"{counts[s]:,}", MEANINGS[s]) for s in URGENCY if counts[s]]
    return _join(
        f"# Backup replication audit: {_verdict(report, instances, not_listed)}",
        f"Audited at {code(iso(report.audited_at))}.",
        table(("State", "Instances", "Meaning"), rows) if rows else "",
        *_problems(instances, not_listed),
        *_findings(report.findings),
        *_accepted(instances),
        *_changes(report),
        *_unmanaged(report.unmanaged),
        *_headroom(report),
    )


def render_plan_markdown(plan: Plan) -> str:
    """Render a plan in GitHub-flavored Markdown, such as for a pull request.

    No text from AWS or from the policy creates markup, a link or a mention.

    Args:
        plan: The plan.

    Returns:
        The document. A cause names at most 20 of its instances.
    """
    rows = [(kind.replace("_", " "), f"{count:,}") for kind, count in plan.counts.items()]
    changes = pluralize(len(plan.changes), "change") if plan.changes else "No changes"
    return _join(
        "# Backup replication plan",
        f"**{changes}.** Planned at {code(iso(plan.planned_at))}.",
        table(("Action", "Count"), rows) if rows else "",
        *(
            part
            for title, kind, note in _KINDS
            for part in _actions(title, note, [a for a in plan.actions if a.kind == kind])
        ),
        *_findings(plan.findings),
    )


def _join(*parts: str) -> str:
    return "\n\n".join(filter(None, parts)) + "\n"


def _verdict(
    report: AuditReport, instances: list[AuditRecord], not_listed: list[AuditRecord]
) -> str:
    """Return the numbers of problems, Regions that could not be listed, and findings."""
    problems = sum(record.needs_attention for record in instances)
    parts = [pluralize(problems, "problem")] if problems else []
    parts += [f"{count_regions(not_listed)} not listed"] if not_listed else []
    parts += [pluralize(len(report.findings), "finding")] if report.findings else []
    return list_words(parts) if parts else "no problems"


def _problems(instances: list[AuditRecord], not_listed: list[AuditRecord]) -> Iterator[str]:
    found = [record for record in instances if record.needs_attention]
    if found or not_listed:
        yield "## Problems"
    if not_listed:
        yield f"### {count_regions(not_listed)} could not be listed"
        for cause in problem_causes(not_listed):
            rows = [(code(r.source_region), code(r.account_id)) for r, _ in cause.items]
            yield from _cause(cause.lines, ("Region", "Account"), rows)
    for state in URGENCY:
        causes = problem_causes(record for record in found if record.state == state)
        if causes:
            count = sum(len(cause.items) for cause in causes)
            yield f"### {state_name(state).capitalize()}: {count:,}"
            yield MEANINGS[state]
        for cause in causes:
            yield from _cause(cause.lines, *_with_details(cause, _PLACE, _place))


def _accepted(instances: list[AuditRecord]) -> Iterator[str]:
    found = [r for r in instances if r.state not in HEALTHY and not r.needs_attention]
    found.sort(key=_acceptance)
    if found:
        yield f"## Accepted problems: {len(found):,}"
    for (until, reason), records in groupby(found, _acceptance):
        yield f"**Until {code(until)}:** {text(reason)}"
        rows = [(*_place(record), state_name(record.state)) for record in records]
        yield from _capped((*_PLACE, "State"), rows)


def _acceptance(record: AuditRecord) -> tuple[str, str]:
    return str(record.accepted_until), record.accepted_reason or ""


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    if findings:
        yield f"## Findings: {len(findings):,}"
    for cause in finding_causes(findings):
        yield from _cause(cause.lines, *_with_details(cause, ("About",), _subject))


def _subject(finding: Finding) -> tuple[str]:
    rule = [f"rule {code(finding.rule)}"] if finding.rule is not None else []
    account = [f"account {code(finding.account_id)}"] if finding.account_id is not None else []
    return (", ".join((*rule, *account)) or "the audit",)


def _changes(report: AuditReport) -> Iterator[str]:
    comparison = report.comparison
    if comparison is None:
        return
    groups = group_changes(report, comparison)
    yield f"## Changes since {code(iso(comparison.audited_at))}"
    if not (groups or comparison.matches):
        yield "Nothing changed."
    if comparison.matches:
        yield f"### Rules that match fewer instances: {len(comparison.matches):,}"
        matches = [(code(m.rule), f"{m.before:,}", f"{m.after:,}") for m in comparison.matches]
        yield from _capped(("Rule", "Before", "Now"), matches)
    for title, changes in groups.items():
        yield f"### {title}: {len(changes):,}"
        rows = [
            (
                *_place(change),
                state_name(change.before) if change.before else "not found",
                state_name(change.after) if change.after else "gone",
            )
            for change in changes
        ]
        yield from _capped((*_PLACE, "Before", "Now"), rows)


def _unmanaged(backups: Sequence[OtherBackup]) -> Iterator[str]:
    if backups:
        yield f"## Unmanaged replications: {len(backups):,}"
        yield "No rule asks for these active replications."
        rows = [
            (*_place(backup), _moment(backup.latest_time), text(backup.message))
            for backup in backups
        ]
        yield from _capped((*_PLACE, "Latest", "Why"), rows)


def _headroom(report: AuditReport) -> Iterator[str]:
    rooms = [room for room in report.headroom if room.free < _LITTLE_ROOM]
    if rooms:
        yield "## Little room in quotas"
        rooms.sort(key=lambda room: (room.free, room.account_id, room.destination_region))
        rows = [
            (
                *(code(room.account_id), code(room.destination_region)),
                *(f"{room.used:,} of {room.quota:,}", f"{room.free:,}"),
            )
            for room in rooms
        ]
        yield from _capped(("Account", "Destination", "Used", "Free"), rows)


def _actions(title: str, note: str, actions: Sequence[PlannedAction]) -> Iterator[str]:
    if not actions:
        return
    yield f"## {title}: {len(actions):,}"
    yield note
    titles = (*_PLACE, *(("Settings",) if actions[0].changes_something else ()))
    for cause in group_by_cause(actions, _action_lines, _action_names):
        yield from _cause(cause.lines, *_with_details(cause, titles, _action))


def _action_lines(action: PlannedAction) -> list[Line]:
    lines = ((("finding", reason.message), ("remedy", reason.remedy)) for reason in action.reasons)
    return [line for pair in lines for line in pair]


def _action_names(action: PlannedAction) -> tuple[str | None, ...]:
    return (action.source_db_instance_arn or "").rpartition(":")[2], action.rule


def _action(action: PlannedAction) -> tuple[str, ...]:
    days, key, moved_to = action.backup_retention_period, action.kms_key_id, action.moved_to
    settings = [] if days is None else [pluralize(days, "day")]
    settings += [f"key {code(key)}"] if key else []
    settings += [pluralize(len(action.tags), "tag")] if action.tags else []
    settings += [f"moved to {code(moved_to)}"] if moved_to else []
    place = _place(action)
    return (*place, ", ".join(settings)) if action.changes_something else place


def _cause(
    lines: Iterable[Line], titles: Sequence[str], rows: Sequence[Sequence[str]]
) -> Iterator[str]:
    """Yield what the rows have in common, with the remedy, and the rows."""
    for kind, line in lines:
        yield f"**{'Remedy' if kind == 'remedy' else 'Cause'}:** {text(line)}"
    yield from _capped(titles, rows)


def _with_details(
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


def _capped(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield table(titles, rows[:_MAX_LISTED])
    if (more := len(rows) - _MAX_LISTED) > 0:
        yield f"And {more:,} more."


def _place(item: AuditRecord | OtherBackup | StateChange | PlannedAction) -> tuple[str, str, str]:
    """Return the instance, its account and its Regions."""
    if isinstance(item, PlannedAction):
        arn = item.source_db_instance_arn or ""
        name = arn.rpartition(":")[2] or f"all of {item.source_region}"
    else:
        name = display_name(item)
    source, destination = item.source_region, item.destination_region
    route = f"{code(source or 'unknown')} → {code(destination) if destination else 'none'}"
    return code(name), code(item.account_id), route


def _moment(moment: datetime | None) -> str:
    return code(iso(moment)) if moment else ""
