"""What changed between two audits, in groups for people."""

from ._records import HEALTHY, AuditRecord, AuditReport, Comparison, StateChange
from ._wording import URGENCY, state_name

GROUPS = ("New problems", "Changed problems", "Fixed", "New instances", "Gone", "Other changes")
"""The titles of the groups, the most urgent first."""


def group_changes(report: AuditReport, comparison: Comparison) -> dict[str, list[StateChange]]:
    """Return the changes of state by the title of their group, the most urgent first."""
    accepted = {record.sort_key() for record in report.records if record.accepted_until}
    by_kind: dict[str, list[StateChange]] = {title: [] for title in GROUPS}
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
