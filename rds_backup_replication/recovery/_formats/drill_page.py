"""The evidence of a drill as one self-contained HTML page, for auditors."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from ...fleet._durations import format_duration
from ...fleet._report.document import document, navigation
from ...fleet._report.html import (
    Html,
    bar,
    join,
    mark,
    outcome,
    row,
    scrollable_table,
    section,
    tag,
    time_tag,
)
from ...fleet._wording import iso, list_words, pluralize, utc
from .._records import DrilledInstance, DrillReport
from .._settings import RUN_TAG
from .drill_instance import CHECKS, CLEANUPS, instance_card, measured, shortfalls
from .facts import fact, fact_list
from .style import STYLE

_COLUMNS = (
    *("Instance", "Result", "Tier", "Restored moment", "RPO measured", "RPO objective"),
    *("RTO measured", "RTO objective", "Check", "Deletion"),
)
_LIMITS = (
    "The drill shows that these instances could be restored at this time, with these settings, "
    "and what the check found. The check decides how much of the data was examined."
)


def render_drill_html(report: DrillReport) -> str:
    """Render the evidence of a drill as one HTML page.

    The page sends no requests and has no script. The same report always renders to the same page.

    Args:
        report: The report of a drill.

    Returns:
        The page. Its markup declares UTF-8, so write the file in this encoding.
    """
    instances = sorted(report.instances, key=lambda each: each.restore.sort_key())
    sections = [
        ("evidence", "Evidence", _evidence(report)),
        ("results", "Results", _results(instances)),
        ("instances", "Instances", _instances(instances)),
    ]
    shown = [(id_, name, part) for id_, name, part in sections if part]
    return document(
        f"Recovery drill of {iso(report.begun_at)}",
        _header(report, [(id_, name) for id_, name, _ in shown]),
        (part for *_, part in shown),
        style=STYLE,
    )


def _header(report: DrillReport, links: Iterable[tuple[str, str]]) -> Html:
    proven, total = sum(each.is_proven for each in report.instances), report.total
    lasted = format_duration(utc(report.ended_at) - utc(report.begun_at))
    times = (time_tag(report.begun_at), " to ", time_tag(report.ended_at), f" ({lasted})")
    lines = [tag("span", _why(report, proven))]
    if report.is_interrupted:
        lines.append(outcome("An interruption ended the drill early.", "unprotected"))
    if left := len(report.left_behind):
        are = "is" if left == 1 else "are"
        text = f"{pluralize(left, 'instance')} of the drill {are} not deleted, or may not be."
        lines.append(outcome(text, "unprotected"))
    headline = mark("Not proven", "unprotected")
    if report.is_proven:
        headline = mark("Proven", "protected")
    return tag(
        "header",
        tag("h1", "Recovery drill"),
        tag("p", *times, class_="quiet"),
        tag("p", tag("strong", headline), " ", tag("span", *lines), class_="verdict drill"),
        *([bar(proven, total, "protected"), _tiles(report, proven)] if total else []),
        *navigation(links),
    )


def _why(report: DrillReport, proven: int) -> str:
    """Return what the drill proves, or why it does not prove more, in sentences."""
    total = report.total
    if not total:
        return "The drill has no instances."
    text = _of_instances(report, proven, total)
    if report.book_instances is not None and report.book_instances > total:
        text += f" The book has {pluralize(report.book_instances, 'instance')}."
    return text


def _of_instances(report: DrillReport, proven: int, total: int) -> str:
    if proven < total:
        reasons = Counter(reason for each in report.instances for reason in shortfalls(each))
        if unrecorded := total - len(report.instances):
            reasons["missing record"] = unrecorded
        why = list_words(pluralize(count, reason) for reason, count in reasons.items())
        are = "is" if 1 in (proven, total) else "are"
        of = pluralize(total, "instance")
        return f"{proven:,} of {of} {are} proven restorable. Not proven because of {why}."
    objectives = [*((each.rto, "RTO") for each in report.instances)]
    objectives += [(each.rpo, "RPO") for each in report.instances]
    missing = Counter(name for objective, name in objectives if objective is None)
    within = ", within all stated objectives" if missing.total() < len(objectives) else ""
    who = "The 1 instance was" if total == 1 else f"All {total:,} instances were"
    passed = " and passed the check" if report.check else ""
    text = f"{who} restored{passed}{within}."
    if not report.check:
        text += " No check has examined the data."
    if missing:
        none = list_words(f"no {name} for {count:,}" for name, count in missing.items())
        text += f" The policy states {none} of {total:,}."
    return text


def _tiles(report: DrillReport, proven: int) -> Html:
    instances = report.instances
    rto = (each.checked_after for each in instances if each.checked_after is not None)
    rpo = (each.restored_age for each in instances if each.restored_age is not None)
    tiles = (
        (f"{proven:,}", "proven restorable"),
        (f"{report.total - proven:,}", "not proven"),
        (_longest(rto), "longest measured RTO, from the request until the check passed"),
        (_longest(rpo), "longest measured RPO, the age of the restored moment"),
    )
    return tag(
        "ul",
        *(
            tag("li", tag("span", number, class_="number"), tag("span", text, class_="quiet"))
            for number, text in tiles
        ),
        class_="tiles",
    )


def _longest(spans: Iterable[timedelta]) -> str:
    longest = max(spans, default=None)
    return "—" if longest is None else format_duration(longest)


def _evidence(report: DrillReport) -> Html:
    age = format_duration(utc(report.begun_at) - utc(report.book_captured_at))
    callers = (tag("p", f"Account {id_}: {arn}") for id_, arn in sorted(report.callers.items()))
    check = tag("pre", report.check) if report.check else "none"
    facts = fact_list(
        fact("Run ID", tag("span", report.run_id, class_="hash")),
        fact("Tag", tag("span", f"{RUN_TAG} = {report.run_id}", class_="hash")),
        fact("Began", time_tag(report.begun_at)),
        fact("Ended", time_tag(report.ended_at)),
        fact("Run by, as STS says", *callers),
        fact("Check", check),
        fact("Recovery book", "SHA-256 ", tag("span", report.book_hash, class_="hash")),
        fact("Book captured", time_tag(report.book_captured_at), f", {age} before the drill"),
    )
    note = tag("p", _LIMITS, class_="quiet")
    return section("evidence", "Evidence", tag("div", facts, class_="group"), note)


def _results(instances: list[DrilledInstance]) -> Html:
    if not instances:
        return Html()
    table = scrollable_table(
        "results",
        f"{pluralize(len(instances), 'instance')}, ordered by tier",
        (tag("th", name, scope="col") for name in _COLUMNS),
        map(_row, instances),
    )
    return section("results", "Results", table)


def _row(each: DrilledInstance) -> Html:
    return row(
        tag("th", each.restore.db_instance_identifier, scope="row"),
        tag("td", result_mark(each)),
        tag("td", f"{each.restore.tier}"),
        tag("td", time_tag(each.restore.restore_time)),
        *(tag("td", part) for part in measured(each.restored_age, each.rpo, is_met=each.meets_rpo)),
        *(
            tag("td", part)
            for part in measured(each.checked_after, each.rto, is_met=each.meets_rto)
        ),
        tag("td", mark(*CHECKS[each.check])),
        tag("td", mark(*CLEANUPS[each.cleanup])),
    )


def result_mark(each: DrilledInstance) -> Html:
    """Return whether an instance is proven restorable, with its sign and color."""
    return mark("proven", "protected") if each.is_proven else mark("not proven", "unprotected")


def _instances(instances: list[DrilledInstance]) -> Html:
    if not instances:
        return Html()
    cards = (instance_card(each, result_mark(each)) for each in instances)
    return section("instances", "Instances", join(cards))
