"""What is wrong, the worst first, and what to do about it."""

from collections.abc import Iterable
from math import inf

from ..._durations import format_duration
from .._records import HEALTHY, AuditRecord, State
from .html import MEANINGS, URGENCY, Html, badge, called, regions, route, section, tag

PROBLEMS = 100
"""So many instances of a state are told of in full."""
# For records that come without a reason.
_REMEDIES: dict[State, str] = {
    "unprotected": "Start its replication.",
    "stopped": "Start its replication again.",
    "unknown": "Find out what stood in the way, and audit again.",
    "lagging": "See whether the instance is available, and what its events say; audit again.",
}


def problems(instances: list[AuditRecord], not_listed: list[AuditRecord]) -> Html:
    groups: list[Html] = []
    if not_listed:
        heading = tag("h3", f"{regions(not_listed)} could not be listed")
        note = "Some instances there, or all, may be missing from this report."
        groups.append(_group(heading, note, not_listed, "unlisted"))
    for state in URGENCY:
        found = [record for record in instances if record.state == state]
        if found and state not in HEALTHY:
            found.sort(key=_order)
            heading = tag("h3", badge(state), f" {len(found):,}")
            more = len(found) - PROBLEMS
            rest = f"And {more:,} more: they are in the table of all instances."
            groups.append(
                _group(heading, MEANINGS[state], found[:PROBLEMS], state, rest if more > 0 else "")
            )
    nothing = tag(
        "p", "Nothing: no instance is unprotected, stopped, unknown or lagging.", class_="fine"
    )
    return section("problems", "What is wrong", *(groups or [nothing]))


def _order(record: AuditRecord) -> tuple[float, str, str]:
    """What lags by its lag, without anything to restore first; else by name."""
    lag = 0.0
    if record.state == "lagging":
        lag = inf if record.lag is None else record.lag.total_seconds()
    return -lag, called(record), record.db_instance_arn or ""


def _group(
    heading: Html, note: str, records: Iterable[AuditRecord], class_: str, rest: str = ""
) -> Html:
    return tag(
        "div",
        tag("div", heading, tag("p", note, class_="quiet"), class_="heading"),
        tag("ul", *map(_problem, records)),
        *([tag("p", rest, class_="rest quiet")] if rest else []),
        class_=f"group {class_}",
    )


def _problem(record: AuditRecord) -> Html:
    where = [f"Account {record.account_id}"]
    if record.db_instance_arn is not None:
        where.append(route(record))
    about = filter(None, (record.engine, record.rule and f"rule {record.rule}"))
    where.append(" · ".join(about))
    said = [(reason.message, reason.remedy) for reason in record.reasons]
    if record.lag is not None and not any(reason.code == "lagging" for reason in record.reasons):
        behind = f"It is {format_duration(record.lag)} behind"
        if record.maximum_lag is not None:
            behind += f"; the rule allows {format_duration(record.maximum_lag)}"
        said.insert(0, (f"{behind}.", ""))
    if not record.reasons:
        said.append(("", _REMEDIES.get(record.state, "")))
    arns = filter(None, (record.db_instance_arn, record.db_instance_automated_backups_arn))
    return tag(
        "li",
        tag(
            "div",
            tag("strong", called(record)),
            *(tag("span", text, class_="quiet") for text in where if text),
        ),
        tag(
            "div",
            *(
                tag("p", text, class_=class_)
                for pair in said
                for text, class_ in zip(pair, ("what", "remedy"), strict=True)
                if text
            ),
            *(tag("p", arn, class_="arn") for arn in arns),
        ),
    )
