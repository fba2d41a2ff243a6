"""What changed since an earlier audit, and what has been starting since when."""

from collections.abc import Iterable

from .._changes import end_words, group_changes, starting_records
from .._durations import format_duration
from .._records import AuditRecord, AuditReport, MatchChange, StateChange
from .._wording import display_name, pluralize, utc
from .html import MAX_LISTED, Html, badge, facts, route, section, tag, time_tag
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
