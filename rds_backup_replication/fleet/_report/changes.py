"""What changed since an earlier audit, and what has been starting since when."""

from collections.abc import Iterable

from .._durations import format_duration
from .._records import HEALTHY, AuditRecord, AuditReport, Comparison, MatchChange, StateChange
from .html import (
    MAX_LISTED,
    URGENCY,
    Html,
    badge,
    display_name,
    facts,
    pluralize,
    route,
    section,
    state_name,
    tag,
    time_tag,
    utc,
)
from .problems import group

_KINDS = (
    ("New problems", "Problems that the earlier audit did not have.", "unprotected"),
    ("Changed problems", "The state was a problem before, too.", "lagging"),
    ("Fixed", "Problems of the earlier audit that are gone.", "protected"),
    ("New instances", "Instances that the earlier audit did not find.", "starting"),
    ("Gone", "Instances that only the earlier audit found.", "unmatched"),
    ("Other changes", "Neither state is a problem that needs attention.", "excluded"),
)


def changes(report: AuditReport) -> Html:
    """Return the section of changes, the new problems first; empty without a comparison."""
    comparison = report.comparison
    if comparison is None:
        return Html()
    by_kind = group_changes(report, comparison)
    groups = [
        _group(title, note, class_, map(_change, by_kind[title]))
        for title, note, class_ in _KINDS
        if title in by_kind
    ]
    if comparison.matches:
        note = "A change of names or tags may have removed instances from the rule."
        matches = map(_match, comparison.matches)
        groups.insert(0, _group("Rules that match fewer instances", note, "lagging", matches))
    if starting := starting_records(report):
        items = (_starting(report, record) for record in starting)
        note = "The first snapshot of a large instance takes long, but not forever."
        groups.append(_group("Starting", note, "starting", items))
    since = tag("p", "Since the audit of ", time_tag(comparison.audited_at), ".", class_="since")
    none = tag("p", "Nothing changed.", class_="fine")
    return section("changes", "Changes", since, *(groups or [none]))


def group_changes(report: AuditReport, comparison: Comparison) -> dict[str, list[StateChange]]:
    """Return the changes of state by the title of their group, the most urgent first."""
    accepted = {record.sort_key() for record in report.records if record.accepted_until}
    by_kind: dict[str, list[StateChange]] = {title: [] for title, _, _ in _KINDS}
    for change in sorted(comparison.changes, key=_sort_key):
        by_kind[_kind(change, is_accepted=_sort_key(change)[1:] in accepted)].append(change)
    return {title: found for title, found in by_kind.items() if found}


def starting_records(report: AuditReport) -> list[AuditRecord]:
    """Return the records that are known to be starting since some time, the earliest first."""
    starting = [r for r in report.records if r.state == "starting" and r.first_seen is not None]
    return sorted(starting, key=lambda record: (record.first_seen, record.sort_key()))


def end_words(change: StateChange) -> tuple[str, str]:
    """Return the states before and after in words, also where an audit has no record."""
    is_region = change.db_instance_arn is None  # a record says that the Region was not listed
    return (
        state_name(change.before) if change.before else "listed" if is_region else "not found",
        state_name(change.after) if change.after else "listed" if is_region else "gone",
    )


def _kind(change: StateChange, *, is_accepted: bool) -> str:
    """Return the title of the group for a change."""
    if change.after is None:
        return "Gone" if change.db_instance_arn is not None else "Fixed"
    if change.after not in HEALTHY and not is_accepted:
        known = change.before is not None and change.before not in HEALTHY
        return "Changed problems" if known else "New problems"
    if change.before is None:
        return "New instances"
    if change.before not in HEALTHY and change.after in HEALTHY:
        return "Fixed"
    return "Other changes"


def _sort_key(change: StateChange) -> tuple[int, str, str, str, str]:
    """Return the urgency of the new state, and the account, Region, ARN and destination."""
    urgency = len(URGENCY) if change.after is None else URGENCY.index(change.after)
    where = change.account_id, change.source_region
    return urgency, *where, change.db_instance_arn or "", change.destination_region or ""


def _group(title: str, note: str, class_: str, items: Iterable[Html]) -> Html:
    listed = list(items)
    parts = [tag("ul", *listed[:MAX_LISTED], class_="changes")]
    if (more := len(listed) - MAX_LISTED) > 0:
        parts.append(tag("p", f"{more:,} more are not shown.", class_="rest quiet"))
    return group(tag("h3", f"{title}: {len(listed):,}"), note, class_, parts)


def _change(change: StateChange) -> Html:
    before, after = (
        badge(state) if state else tag("span", word, class_="quiet")
        for state, word in zip((change.before, change.after), end_words(change), strict=True)
    )
    return _item(display_name(change), _where(change), before, " → ", after)


def _match(match: MatchChange) -> Html:
    before = pluralize(match.before, "instance")
    return _item(f"Rule {match.rule}", [], f"{before} → {match.after:,}")


def _starting(report: AuditReport, record: AuditRecord) -> Html:
    since = utc(record.first_seen or report.audited_at)
    age = format_duration(utc(report.audited_at) - since, max_units=2)
    return _item(display_name(record), _where(record), "since ", time_tag(since), f" ({age})")


def _where(change: StateChange | AuditRecord) -> list[str]:
    return [f"Account {change.account_id}", route(change.source_region, change.destination_region)]


def _item(name: str, where: list[str], *what: str) -> Html:
    place = [facts(where, "facts quiet")] if where else []
    return tag("li", tag("div", tag("strong", name), *place), tag("p", *what))
