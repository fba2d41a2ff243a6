"""A readiness check as one self-contained HTML page."""

from collections.abc import Iterable

from ...fleet._report.document import document, navigation
from ...fleet._report.html import (
    MAX_LISTED,
    Html,
    bar,
    facts,
    mark,
    outcome,
    route,
    row,
    scrollable_table,
    section,
    tag,
    time_tag,
)
from ...fleet._report.problems import cause_block, group, rest_line
from ...fleet._report.readiness import restore_mark
from ...fleet._report.script import SCRIPT
from ...fleet._wording import RESTORE_WORDS, iso, percent, pluralize
from .._records import ReadinessReason, ReadinessRecord, ReadinessReport
from .readiness_groups import (
    MEANINGS,
    Found,
    ReasonGroup,
    commands_of,
    group_reasons,
    summary,
    verdict,
)
from .style import STYLE

_COLUMNS = (
    *("Instance", "State", "Account", "Source", "Destination", "Tier", "Restored as"),
    *("Earliest", "Latest"),
)


def render_readiness_html(report: ReadinessReport) -> str:
    """Render a readiness check as one HTML page.

    The page sends no requests and is readable without JavaScript. The same report always
    renders to the same page.

    Args:
        report: The report of a readiness check.

    Returns:
        The page. Its markup declares UTF-8, so write the file in this encoding.
    """
    sections = [("findings", "Findings", _findings(report.findings))]
    for found in group_reasons(report):
        id_, title = found.title.replace(" ", "-"), found.title.capitalize()
        sections.append((id_, title, _group(id_, title, found)))
    sections.append(("all", "All instances", _table(report.records)))
    shown = [(id_, name, part) for id_, name, part in sections if part]
    return document(
        f"Recovery readiness of {iso(report.checked_at)}",
        _header(report, [(id_, name) for id_, name, _ in shown]),
        (part for *_, part in shown),
        style=STYLE,
        script=SCRIPT,
    )


def _header(report: ReadinessReport, links: Iterable[tuple[str, str]]) -> Html:
    ready, total = report.counts.get("restorable", 0), len(report.records)
    if not total:
        result = outcome("The book has no instances to check.", "unprotected")
    elif report.is_ready:
        result = outcome("All instances are restorable.", "protected")
    else:
        result = outcome(f"Not ready: {verdict(report)}.", "unprotected")
    share = [tag("strong", percent(ready, total)), Html(" ")] if total else []
    book = (time_tag(report.book_captured_at), ", SHA-256 ", tag("span", report.book_hash))
    return tag(
        "header",
        tag("h1", "Recovery readiness"),
        tag("p", "Checked at ", time_tag(report.checked_at), class_="quiet"),
        tag("p", "Recovery book of ", *book, class_="quiet"),
        tag("p", *share, tag("span", tag("span", summary(report)), result), class_="verdict"),
        *([bar(ready, total, "protected")] if total else []),
        *([_tiles(report)] if total else []),
        *navigation(links),
    )


def _tiles(report: ReadinessReport) -> Html:
    counts = report.counts
    tiles = (
        tag(
            "li",
            tag("span", f"{counts.get(state, 0):,}", class_="number"),
            restore_mark(state),
            tag("span", meaning, class_="quiet"),
            class_="" if counts.get(state) else "none",
        )
        for state, meaning in MEANINGS.items()
    )
    return tag("ul", *tiles, class_="tiles")


def _findings(findings: tuple[ReadinessReason, ...]) -> Html:
    if not findings:
        return Html()
    book = tag("li", tag("strong", "The recovery book"))
    parts = (
        part
        for finding in findings
        for part in (
            cause_block((("finding", finding.message), ("remedy", finding.remedy)), [book]),
            *_commands(finding.commands),
        )
    )
    return section("findings", "Findings", tag("div", *parts, class_="group finding-group"))


def _group(id_: str, title: str, found: ReasonGroup) -> Html:
    parts = (
        part
        for cause in found.causes
        for part in (
            cause_block(
                cause.lines,
                (_item(item, figures) for item, figures in cause.items[:MAX_LISTED]),
                rest_line(len(cause.items) - MAX_LISTED),
            ),
            *_commands(commands_of(cause)),
        )
    )
    heading = tag("h3", mark(pluralize(found.total, "instance"), found.like))
    return section(id_, title, group(heading, found.note, found.like, parts))


def _commands(commands: Iterable[str]) -> list[Html]:
    blocks = [tag("pre", command) for command in commands]
    title = tag("p", "Commands that would make what is missing:", class_="quiet")
    return [tag("div", title, *blocks, class_="commands")] if blocks else []


def _item(found: Found, figures: list[str]) -> Html:
    record = found[0]
    target = record.target_db_instance_identifier
    where = [f"Account {record.account_id}", route(record.source_region, record.destination_region)]
    where += [f"tier {record.tier}"]
    if target != record.db_instance_identifier:
        where.append(f"restored as {target}")
    known = [f for f in dict.fromkeys(figures) if f not in (record.db_instance_identifier, target)]
    return tag(
        "li",
        tag("strong", record.db_instance_identifier),
        facts(where, "facts quiet"),
        *([facts(known)] if known else []),
    )


def _table(records: tuple[ReadinessRecord, ...]) -> Html:
    if not records:
        return Html()
    table = scrollable_table(
        "instances",
        pluralize(len(records), "instance"),
        (tag("th", text, scope="col") for text in _COLUMNS),
        map(_row, records),
    )
    return section("all", "All instances", table)


def _row(record: ReadinessRecord) -> Html:
    order = str(list(RESTORE_WORDS).index(record.state))
    texts = (record.account_id, record.source_region, record.destination_region)
    return row(
        tag("th", record.db_instance_identifier, scope="row"),
        tag("td", restore_mark(record.state), data_v=order),
        *(tag("td", text) for text in texts),
        tag("td", f"{record.tier}", data_v=f"{record.tier}"),
        tag("td", record.target_db_instance_identifier),
        *(tag("td", iso(time)) for time in (record.earliest_time, record.latest_time)),
    )
