"""What a readiness check found of the instances: whether a recovery could restore them."""

from collections.abc import Iterator

from .._causes import Cause, restore_causes
from .._records import AuditRecord, AuditReport, RestoreState
from .._wording import RESTORE_WORDS, count_restorable, display_name
from .html import MAX_LISTED, Html, badge, facts, join, mark, route, section, tag, time_tag
from .problems import cause_block, group, rest_line


def restore_mark(state: RestoreState) -> Html:
    """Return the name of a restore state, with a sign and a color."""
    return mark(*RESTORE_WORDS[state])


def readiness(report: AuditReport, instances: list[AuditRecord]) -> Html:
    """Return the section of a readiness check; empty if the report has none."""
    found = report.readiness
    if found is None:
        return Html()
    intro = join(
        (
            f"{count_restorable(r.restorable for r in instances)} Checked at ",
            *(time_tag(found.checked_at), ", with the recovery book of "),
            *(time_tag(found.book_captured_at), "."),
        )
    )
    book = tag("li", tag("strong", "The recovery book"))
    blocks = [
        cause_block((("finding", f.message), ("remedy", f.remedy)), [book]) for f in found.findings
    ]
    groups = [tag("div", *blocks, class_="group finding-group")] if blocks else []
    groups += _groups(instances)
    return section("readiness", "Recovery readiness", tag("p", intro, class_="since"), *groups)


def _groups(instances: list[AuditRecord]) -> Iterator[Html]:
    for state, (_, like) in RESTORE_WORDS.items():
        found = [record for record in instances if record.restorable == state]
        if found and state != "restorable":
            heading = tag("h3", restore_mark(state), f" {len(found):,}")
            note = "A recovery would not restore these instances as the book says."
            if state == "unknown":
                note = "The check could not determine whether a recovery would restore these."
            yield group(heading, note, like, map(_cause, restore_causes(found)))


def _cause(cause: Cause[AuditRecord]) -> Html:
    return cause_block(
        cause.lines,
        (_item(record, figures) for record, figures in cause.items[:MAX_LISTED]),
        rest_line(len(cause.items) - MAX_LISTED),
    )


def _item(record: AuditRecord, figures: list[str]) -> Html:
    name = display_name(record)
    known = [figure for figure in dict.fromkeys(figures) if figure != name]
    where = (f"Account {record.account_id}", route(record.source_region, record.destination_region))
    return tag(
        "li",
        *(tag("strong", name), " ", badge(record.state)),
        facts(where, "facts quiet"),
        *([facts(known)] if known else []),
    )
