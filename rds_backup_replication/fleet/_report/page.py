"""An audit report as one self-contained HTML page."""

from .._causes import merge_not_listed
from .._durations import format_duration
from .._records import AuditRecord, AuditReport
from .._wording import RESTORE_WORDS, URGENCY, count_regions, display_name, iso, pluralize
from .backups import retained, survivors, survivors_of, unmanaged
from .changes import changes
from .document import document
from .findings import findings
from .headroom import headroom
from .html import Html, badge, row, scrollable_table, section, tag
from .problems import accepted, problems
from .readiness import readiness, restore_mark
from .regions import matrix
from .scope import scope
from .script import SCRIPT
from .style import STYLE
from .summary import summary
from .windows import timeline

_COLUMNS = (
    *("Instance", "State", "Account", "Source", "Destination", "Engine", "Rule"),
    *("Earliest", "Latest", "Lag", "Allowed"),
)


def render_html(report: AuditReport) -> str:
    """Render a report as one HTML page.

    The page sends no requests and is readable without JavaScript. The same report always
    renders to the same page.

    Args:
        report: The report of an audit.

    Returns:
        The page. Its markup declares UTF-8, so write the file in this encoding.
    """
    title = f"Backup replication audit of {iso(report.audited_at)}"
    instances = [record for record in report.records if record.db_instance_arn is not None]
    not_listed = merge_not_listed(report.records)
    sections = [
        ("survivors", "Restorable", survivors(survivors_of(instances))),
        ("problems", "Problems", problems(report.audited_at, instances, not_listed)),
        ("findings", "Findings", findings(report.findings)),
        ("readiness", "Readiness", readiness(report, instances)),
        ("accepted", "Accepted", accepted(report.audited_at, instances)),
        ("changes", "Changes", changes(report)),
        ("regions", "Regions", matrix(instances, not_listed)),
        ("windows", "Restore windows", timeline(report.audited_at, instances)),
        ("unmanaged", "Unmanaged", unmanaged(report.unmanaged)),
        ("retained", "Retained backups", retained(report.retained)),
        ("quota", "Quota", headroom(report.headroom)),
        ("all", "All instances", _table(instances, not_listed)),
        ("policy", "Scope", scope(report)),
    ]
    shown = [(id_, name, part) for id_, name, part in sections if part]
    header = summary(report, instances, not_listed, [(id_, name) for id_, name, _ in shown])
    return document(title, header, (part for *_, part in shown), style=STYLE, script=SCRIPT)


def _table(instances: list[AuditRecord], not_listed: list[AuditRecord]) -> Html:
    if not instances:
        return Html()
    caption = pluralize(len(instances), "instance")
    if not_listed:
        caption += f"; {count_regions(not_listed)} could not be listed, so some may be missing"
    table = scrollable_table(
        "instances",
        caption,
        (tag("th", text, scope="col") for text in _COLUMNS),
        (_row(record) for record in instances),
    )
    return section("all", "All instances", table)


def _row(record: AuditRecord) -> Html:
    """Return a row of the table; ``data-v`` holds the value to sort a cell by, if not its text."""
    texts = (record.engine, record.rule, iso(record.earliest_time), iso(record.latest_time))
    return row(
        tag("th", display_name(record), scope="row"),
        _state(record),
        *(tag("td", t) for t in (record.account_id, record.source_region)),
        *(tag("td", t or "") for t in (record.destination_region, *texts)),
        *(
            tag("td")
            if span is None
            else tag("td", format_duration(span), data_v=f"{span.total_seconds():.0f}")
            for span in (record.lag, record.maximum_lag)
        ),
    )


def _state(record: AuditRecord) -> Html:
    order = str(URGENCY.index(record.state))
    if record.restorable is None:
        return tag("td", badge(record.state), data_v=order)
    order += f".{list(RESTORE_WORDS).index(record.restorable)}"
    return tag("td", badge(record.state), " ", restore_mark(record.restorable), data_v=order)
