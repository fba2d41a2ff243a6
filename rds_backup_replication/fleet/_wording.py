"""The words of reports: states, names, times and counts, for people."""

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import get_args

from ._records import AuditRecord, OtherBackup, RestoreState, State, StateChange

STATES: tuple[State, ...] = get_args(State)
URGENCY: tuple[State, ...] = (
    *("unprotected", "stopped", "at_risk", "lagging", "unknown", "drifted"),
    *("starting", "unmatched", "excluded", "ignored", "protected"),
)
"""The states, the most urgent first."""
NOT_REPLICATED: tuple[State, ...] = ("excluded", "ignored", "unmatched")
"""The states of instances that the policy does not replicate."""
MEANINGS: dict[State, str] = {
    "protected": "Replicates within the allowed lag.",
    "starting": "RDS is copying the first snapshot.",
    "lagging": "The lag exceeds the rule's maximum.",
    "drifted": "Retention, key or tags differ from the policy.",
    "at_risk": "Replicates today, but the replication will end, or a restore would fail.",
    "stopped": "Only retained backups are left.",
    "unprotected": "The destination has no backups.",
    "unknown": "The state could not be determined.",
    "excluded": "The rule says not to replicate.",
    "ignored": "The rule says that somebody else is responsible.",
    "unmatched": "No rule matches.",
}

RESTORE_WORDS: dict[RestoreState, tuple[str, State]] = {
    "not_restorable": ("not restorable", "unprotected"),
    "unknown": ("restore unknown", "unknown"),
    "restorable": ("restorable", "protected"),
}
"""The name of each restore state, and the state that looks the same; the most urgent first."""


def state_name(state: State) -> str:
    """Return a state's name in words."""
    return state.replace("_", " ")


def list_words(words: Iterable[str]) -> str:
    """Return the words as a list in a sentence, such as ``a, b and c``."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def display_name(record: AuditRecord | OtherBackup | StateChange) -> str:
    """Return the instance's name, or the Region that could not be listed."""
    identifier = record.db_instance_identifier if isinstance(record, AuditRecord) else None
    name = identifier or (record.db_instance_arn or "").rpartition(":")[2]
    return name or record.source_region or "unknown instance"


def utc(moment: datetime) -> datetime:
    """Return the time in UTC.

    Differences must be taken in UTC: Python ignores a clock change between two times of the
    same zone.
    """
    return moment.astimezone(timezone.utc)


def iso(moment: datetime | None) -> str:
    """Return the time in UTC, to the second; empty if there is none."""
    if moment is None:
        return ""
    return utc(moment).replace(tzinfo=None).isoformat("T", "seconds") + "Z"


def pluralize(count: int, noun: str) -> str:
    """Return the count and the noun, such as ``2 days``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def count_regions(not_listed: list[AuditRecord], noun: str = "Region") -> str:
    """Return the number of Regions, such as ``1 Region in 2 accounts``."""
    accounts = {record.account_id for record in not_listed}
    text = pluralize(len({record.source_region for record in not_listed}), noun)
    return f"{text} in {pluralize(len(accounts), 'account')}" if len(accounts) > 1 else text


def count_restorable(states: Iterable[RestoreState | None]) -> str:
    """Return how many of the instances in a readiness check are restorable, as a sentence."""
    checked = [state for state in states if state is not None]
    count = checked.count("restorable")
    of = pluralize(len(checked), "instance")
    return f"{count:,} of {of} {'is' if 1 in (count, len(checked)) else 'are'} restorable."


def percent(part: int, whole: int) -> str:
    """Return the share, rounded down so that only a complete share is 100%.

    Only nothing is 0%: a smaller share than 1% is ``<1%``.
    """
    share = part * 100 // whole
    return "<1%" if part and not share else f"{share}%"
