"""A readiness check in GitHub-flavored Markdown, for a comment or the summary of a job."""

from collections.abc import Iterator

from ...fleet._formats.markdown_blocks import (
    PLACE,
    capped_table,
    cause_block,
    join,
    place_cells,
    with_details,
)
from ...fleet._formats.markdown_text import code, code_block, table, text
from ...fleet._wording import RESTORE_WORDS, iso
from .._records import ReadinessRecord, ReadinessReport
from .readiness_groups import (
    MEANINGS,
    Found,
    ReasonGroup,
    commands_of,
    group_reasons,
    summary,
    verdict,
)


def render_readiness_markdown(report: ReadinessReport) -> str:
    """Render a readiness check in GitHub-flavored Markdown.

    No text from AWS, from the policy or from the book creates markup, a link or a mention.

    Args:
        report: The report of a readiness check.

    Returns:
        The document. A cause names at most 20 of its instances.
    """
    counts = report.counts
    states = [
        (RESTORE_WORDS[state][0], f"{counts[state]:,}", meaning)
        for state, meaning in MEANINGS.items()
        if state in counts
    ]
    return join(
        f"# Recovery readiness: {verdict(report)}",
        f"{summary(report)} Checked at {code(iso(report.checked_at))}, with the recovery book of "
        f"{code(iso(report.book_captured_at))}, SHA-256 {code(report.book_hash)}.",
        table(("State", "Instances", "Meaning"), states) if states else "",
        *_findings(report),
        *(part for group in group_reasons(report) for part in _group(group)),
        *_instances(report),
    )


def _findings(report: ReadinessReport) -> Iterator[str]:
    if report.findings:
        yield f"## Findings about the book: {len(report.findings):,}"
    for finding in report.findings:
        yield f"**Cause:** {text(finding.message)}"
        yield f"**Remedy:** {text(finding.remedy)}"
        if finding.commands:
            yield code_block("\n".join(finding.commands))


def _group(group: ReasonGroup) -> Iterator[str]:
    yield f"## {group.title.capitalize()}: {group.total:,}"
    yield group.note
    for cause in group.causes:
        yield from cause_block(cause.lines, *with_details(cause, PLACE, _place_of_found))
        if commands := commands_of(cause):
            yield code_block("\n".join(commands))


def _instances(report: ReadinessReport) -> Iterator[str]:
    if report.records:
        yield "## All instances"
        titles = (*PLACE, "Tier", "Restored as", "State", "Latest")
        yield from capped_table(titles, [_row(record) for record in report.records])


def _row(record: ReadinessRecord) -> tuple[str, ...]:
    return (
        *_place(record),
        str(record.tier),
        code(record.target_db_instance_identifier),
        RESTORE_WORDS[record.state][0],
        code(iso(record.latest_time)) if record.latest_time else "",
    )


def _place_of_found(found: Found) -> tuple[str, str, str]:
    return _place(found[0])


def _place(record: ReadinessRecord) -> tuple[str, str, str]:
    return place_cells(
        *(record.db_instance_identifier, record.account_id),
        *(record.source_region, record.destination_region),
    )
