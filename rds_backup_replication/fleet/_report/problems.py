"""The problems: instances that need attention, the most urgent first, each with a remedy."""

from collections.abc import Iterable
from math import inf

from .._durations import format_duration
from .._records import HEALTHY, AuditRecord, State
from .html import (
    MEANINGS,
    URGENCY,
    Html,
    badge,
    count_regions,
    display_name,
    route,
    section,
    tag,
)

MAX_PROBLEMS = 100
"""The maximum number of instances of each state in this section."""
# For records without a reason, such as the ones that users of the library create.
_REMEDIES: dict[State, str] = {
    "unprotected": "Start the replication.",
    "stopped": "Restart the replication.",
    "unknown": "Find out why the check failed, fix this, and audit again.",
    "lagging": "Check whether the instance is available, read its events, and audit again.",
}


def problems(instances: list[AuditRecord], not_listed: list[AuditRecord]) -> Html:
    """Return the section of problems, one group for each state."""
    groups: list[Html] = []
    if not_listed:
        heading = tag("h3", f"{count_regions(not_listed)} could not be listed")
        note = "Some or all instances there may be missing from this report."
        groups.append(_group(heading, note, not_listed, "unlisted"))
    for state in URGENCY:
        found = [record for record in instances if record.state == state]
        if found and state not in HEALTHY:
            found.sort(key=_sort_key)
            heading = tag("h3", badge(state), f" {len(found):,}")
            more = len(found) - MAX_PROBLEMS
            rest = f"See the table of all instances for {more:,} more."
            groups.append(
                _group(
                    heading, MEANINGS[state], found[:MAX_PROBLEMS], state, rest if more > 0 else ""
                )
            )
    none = tag("p", "None. No instance is unprotected, stopped, unknown or lagging.", class_="fine")
    return section("problems", "Problems", *(groups or [none]))


def _sort_key(record: AuditRecord) -> tuple[float, str, str]:
    """Return the lag of lagging instances, the largest first, then the name."""
    lag = 0.0
    if record.state == "lagging":
        lag = inf if record.lag is None else record.lag.total_seconds()
    return -lag, display_name(record), record.db_instance_arn or ""


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
    engine_and_rule = filter(None, (record.engine, record.rule and f"rule {record.rule}"))
    where.append(" · ".join(engine_and_rule))
    findings = [(reason.message, reason.remedy) for reason in record.reasons]
    if record.lag is not None and not any(reason.code == "lagging" for reason in record.reasons):
        lag = f"The backup lags by {format_duration(record.lag)}"
        if record.maximum_lag is not None:
            lag += f"; the rule allows a lag of {format_duration(record.maximum_lag)}"
        findings.insert(0, (f"{lag}.", ""))
    if not record.reasons:
        findings.append(("", _REMEDIES.get(record.state, "")))
    arns = filter(None, (record.db_instance_arn, record.db_instance_automated_backups_arn))
    return tag(
        "li",
        tag(
            "div",
            tag("strong", display_name(record)),
            *(tag("span", text, class_="quiet") for text in where if text),
        ),
        tag(
            "div",
            *(
                tag("p", text, class_=class_)
                for finding in findings
                for text, class_ in zip(finding, ("finding", "remedy"), strict=True)
                if text
            ),
            *(tag("p", arn, class_="arn") for arn in arns),
        ),
    )
