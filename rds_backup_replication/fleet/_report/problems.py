"""The problems by state and cause, the most urgent first, and the accepted problems."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby

from .._causes import Cause, Line, problem_causes
from .._durations import format_duration
from .._records import HEALTHY, AuditRecord
from .._wording import MEANINGS, URGENCY, count_regions, display_name, pluralize, state_name
from .html import MAX_LISTED, Html, arn_line, badge, facts, join, route, section, tag, time_tag

_MIN_LISTED = 3  # instances of each cause, however many instances other causes have


def problems(
    audited_at: datetime, instances: list[AuditRecord], not_listed: list[AuditRecord]
) -> Html:
    """Return the section of problems: a group for each state, divided by cause."""
    if not (instances or not_listed):
        return Html()
    groups: list[Html] = []
    if not_listed:
        heading = tag("h3", f"{count_regions(not_listed)} could not be listed")
        note = "Some or all instances there may be missing from this report."
        causes = problem_causes(not_listed)
        parts = (_cause(cause, len(cause.items), audited_at) for cause in causes)
        groups.append(group(heading, note, "unlisted", parts))
    for state in URGENCY:
        found = [record for record in instances if record.state == state and record.needs_attention]
        if found:
            heading = tag("h3", badge(state), f" {len(found):,}")
            groups.append(group(heading, MEANINGS[state], state, _list(found, audited_at)))
    if not groups:
        *bad, last = (state_name(state) for state in URGENCY if state not in HEALTHY)
        none = f"None. No instance is {', '.join(bad)} or {last}."
        if any(record.state not in HEALTHY for record in instances):
            none = "None, except for the accepted problems."
        groups.append(tag("p", none, class_="fine"))
    return section("problems", "Problems", *groups)


def accepted(audited_at: datetime, instances: list[AuditRecord]) -> Html:
    """Return the section of accepted problems, the acceptance that ends first at the top."""
    found = [r for r in instances if r.state not in HEALTHY and not r.needs_attention]
    if not found:
        return Html()
    found.sort(key=_acceptance)
    groups: list[Html] = []
    for (until, reason), records in groupby(found, _acceptance):
        listed = list(records)
        heading = tag("h3", f"{pluralize(len(listed), 'problem')} until ", tag("time", until))
        groups.append(group(heading, reason, "accepted", _list(listed, audited_at)))
    return section("accepted", "Accepted problems", *groups)


def _acceptance(record: AuditRecord) -> tuple[str, str]:
    return str(record.accepted_until), record.accepted_reason or ""


def group(heading: Html, note: str, class_: str, parts: Iterable[Html]) -> Html:
    """Return a card with a heading and its parts."""
    head = tag("div", heading, tag("p", note, class_="quiet"), class_="heading")
    return tag("div", head, *parts, class_=f"group {class_}")


def cause_block(lines: Iterable[Line], items: Iterable[Html], rest: str = "") -> Html:
    """Return a cause with its remedies, and the list of what the cause is about."""
    return tag(
        "div",
        tag("div", *(tag("p", text, class_=class_) for class_, text in lines)),
        tag("div", tag("ul", *items), *([tag("p", rest, class_="quiet")] if rest else [])),
        class_="cause",
    )


def _list(records: list[AuditRecord], audited_at: datetime) -> Iterator[Html]:
    """Yield the causes of the records, with a limited number of instances."""
    causes = problem_causes(records)
    listed = 0
    for cause in causes[:MAX_LISTED]:
        limit = max(MAX_LISTED - listed, _MIN_LISTED)
        listed += min(limit, len(cause.items))
        yield _cause(cause, limit, audited_at)
    if more := sum(len(cause.items) for cause in causes[MAX_LISTED:]):
        yield tag("p", rest_line(more), class_="rest quiet")


def rest_line(count: int) -> str:
    """Return where the instances are that a list omits; empty if the list omits none."""
    return f"See the table of all instances for {count:,} more." if count > 0 else ""


def _cause(cause: Cause[AuditRecord], limit: int, audited_at: datetime) -> Html:
    return cause_block(
        cause.lines,
        (_problem(record, figures, audited_at) for record, figures in cause.items[:limit]),
        rest_line(len(cause.items) - limit),
    )


def _problem(record: AuditRecord, figures: list[str], audited_at: datetime) -> Html:
    where: list[str] = [f"Account {record.account_id}"]
    if record.db_instance_arn is not None:
        where.append(route(record.source_region, record.destination_region))
    if record.engine:
        where.append(record.engine)
    if record.rule:
        where.append(f"rule {record.rule}")
    own = [figure for figure in dict.fromkeys(figures) if figure not in _shown(record)]
    known = [figure for figure in own if not figure.startswith("arn:")]
    arns = [figure for figure in own if figure.startswith("arn:")]
    arns += filter(None, (record.db_instance_arn, record.db_instance_automated_backups_arn))
    if record.first_seen and record.first_seen < audited_at:
        known.append(join((f"{state_name(record.state)} since ", time_tag(record.first_seen))))
    if record.latest_time:
        ago = "" if record.lag is None else f", {format_duration(record.lag)} before the audit"
        known.append(join(("can be restored to ", time_tag(record.latest_time), ago)))
    return tag(
        "li",
        tag("strong", display_name(record)),
        *((" ", badge(record.state)) if record.accepted_until else ()),
        facts(where, "facts quiet"),
        *([facts(known)] if known else []),
        *map(arn_line, arns),
    )


def _shown(record: AuditRecord) -> tuple[str | None, ...]:
    """Return the names that the page shows of each instance."""
    return (
        *(record.db_instance_identifier, record.db_instance_arn, record.engine, record.rule),
        *(record.account_id, record.source_region, record.destination_region),
        record.db_instance_automated_backups_arn,
    )
