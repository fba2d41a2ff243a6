"""An audit in GitHub-flavored Markdown, for a comment or the summary of a job."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby

from .._causes import merge_not_listed, problem_causes, restore_causes
from .._changes import end_words, group_changes, starting_records
from .._records import HEALTHY, AuditRecord, AuditReport, OtherBackup
from .._wording import (
    MEANINGS,
    RESTORE_WORDS,
    URGENCY,
    count_regions,
    count_restorable,
    iso,
    list_words,
    pluralize,
    state_name,
)
from .markdown_blocks import (
    PLACE,
    capped_table,
    cause_block,
    finding_blocks,
    join,
    place,
    with_details,
)
from .markdown_text import code, table, text

_LITTLE_ROOM = 3  # replications in a destination


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
    accepted = Counter(record.state for record in instances if record.accepted_until)
    rows = [
        (
            state_name(state),
            f"{counts[state]:,}" + (f" ({accepted[state]:,} accepted)" if accepted[state] else ""),
            MEANINGS[state],
        )
        for state in URGENCY
        if counts[state]
    ]
    return join(
        f"# Backup replication audit: {_verdict(report, instances, not_listed)}",
        f"Audited at {code(iso(report.audited_at))}.",
        table(("State", "Instances", "Meaning"), rows) if rows else "",
        *_problems(instances, not_listed),
        *finding_blocks(report.findings),
        *_readiness(report, instances),
        *_accepted(instances),
        *_changes(report),
        *_unmanaged(report.unmanaged),
        *_headroom(report),
    )


def _verdict(
    report: AuditReport, instances: list[AuditRecord], not_listed: list[AuditRecord]
) -> str:
    """Return the numbers of problems, Regions that could not be listed, and findings."""
    problems = sum(record.needs_attention for record in instances)
    parts = [pluralize(problems, "problem")] if problems else []
    parts += [f"{count_regions(not_listed)} not listed"] if not_listed else []
    parts += [pluralize(len(report.findings), "finding")] if report.findings else []
    restore = report.readiness_problems
    parts += [pluralize(restore, "readiness problem")] if restore else []
    return list_words(parts) if parts else "no problems"


def _problems(instances: list[AuditRecord], not_listed: list[AuditRecord]) -> Iterator[str]:
    found = [record for record in instances if record.needs_attention]
    if found or not_listed:
        yield "## Problems"
    if not_listed:
        yield f"### {count_regions(not_listed)} could not be listed"
        for cause in problem_causes(not_listed):
            rows = [(code(r.source_region), code(r.account_id)) for r, _ in cause.items]
            yield from cause_block(cause.lines, ("Region", "Account"), rows)
    for state in URGENCY:
        causes = problem_causes(record for record in found if record.state == state)
        if causes:
            count = sum(len(cause.items) for cause in causes)
            yield f"### {state_name(state).capitalize()}: {count:,}"
            yield MEANINGS[state]
        for cause in causes:
            yield from cause_block(cause.lines, *with_details(cause, PLACE, place))


def _readiness(report: AuditReport, instances: list[AuditRecord]) -> Iterator[str]:
    found = report.readiness
    if found is None:
        return
    yield "## Recovery readiness"
    count = count_restorable(record.restorable for record in instances)
    yield (
        f"{count} Checked at {code(iso(found.checked_at))}, with the recovery book "
        f"of {code(iso(found.book_captured_at))}."
    )
    for finding in found.findings:
        yield f"**Cause:** {text(finding.message)}"
        yield f"**Remedy:** {text(finding.remedy)}"
    for state, (name, _) in RESTORE_WORDS.items():
        records = [record for record in instances if record.restorable == state]
        if records and state != "restorable":
            yield f"### {name.capitalize()}: {len(records):,}"
            for cause in restore_causes(records):
                titles, rows = with_details(cause, (*PLACE, "State"), _place_and_state)
                yield from cause_block(cause.lines, titles, rows)


def _place_and_state(record: AuditRecord) -> tuple[str, ...]:
    return *place(record), state_name(record.state)


def _accepted(instances: list[AuditRecord]) -> Iterator[str]:
    found = [r for r in instances if r.state not in HEALTHY and not r.needs_attention]
    found.sort(key=_acceptance)
    if found:
        yield f"## Accepted problems: {len(found):,}"
    for (until, reason), records in groupby(found, _acceptance):
        yield f"**Until {code(until)}:** {text(reason)}"
        rows = [_place_and_state(record) for record in records]
        yield from capped_table((*PLACE, "State"), rows)


def _acceptance(record: AuditRecord) -> tuple[str, str]:
    return str(record.accepted_until), record.accepted_reason or ""


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
        yield from capped_table(("Rule", "Before", "Now"), matches)
    for title, changes in groups.items():
        yield f"### {title}: {len(changes):,}"
        rows = [(*place(change), *end_words(change)) for change in changes]
        yield from capped_table((*PLACE, "Before", "Now"), rows)
    if starting := starting_records(report):
        yield f"### Starting: {len(starting):,}"
        since = [(*place(record), _moment(record.first_seen)) for record in starting]
        yield from capped_table((*PLACE, "Since"), since)


def _unmanaged(backups: Sequence[OtherBackup]) -> Iterator[str]:
    if backups:
        yield f"## Unmanaged replications: {len(backups):,}"
        yield "No rule asks for these active replications."
        rows = [
            (*place(backup), _moment(backup.latest_time), text(backup.message))
            for backup in backups
        ]
        yield from capped_table((*PLACE, "Latest", "Why"), rows)


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
        yield from capped_table(("Account", "Destination", "Used", "Free"), rows)


def _moment(moment: datetime | None) -> str:
    return code(iso(moment)) if moment else ""
