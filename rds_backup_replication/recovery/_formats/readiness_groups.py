"""The reasons of a readiness check, grouped by what they mean for a recovery, and by cause."""

from collections.abc import Iterator
from typing import NamedTuple

from ...fleet._causes import Cause, group_by_cause
from ...fleet._records import RestoreState, State
from ...fleet._wording import RESTORE_WORDS, count_restorable, list_words, pluralize
from .._records import ReadinessReason, ReadinessRecord, ReadinessReport

MEANINGS: dict[RestoreState, str] = {
    "not_restorable": "A restore would fail, or would not be as the book says.",
    "unknown": "A question could not be answered.",
    "restorable": "A restore would succeed, as far as can be asked in advance.",
}
"""The meaning of each state, the most urgent first."""

Found = tuple[ReadinessRecord, ReadinessReason | None]
"""An instance with one of its reasons; ``None`` if it has no reason although it needs one."""


class ReasonGroup(NamedTuple):
    """Reasons that mean the same for a recovery."""

    title: str
    note: str
    like: State
    """The state of an audit that looks the same."""
    total: int
    """Number of instances."""
    causes: list[Cause[Found]]


def group_reasons(report: ReadinessReport) -> Iterator[ReasonGroup]:
    """Yield the groups that are not empty, the most urgent first."""
    for state, (title, like) in RESTORE_WORDS.items():
        if state == "restorable":
            continue
        records = [record for record in report.records if record.state == state]
        found: list[Found] = []
        for record in records:
            reasons = [reason for reason in record.reasons if not reason.is_warning]
            found += [(record, reason) for reason in reasons] or [(record, None)]
        if found:
            yield ReasonGroup(title, MEANINGS[state], like, len(records), _causes(found))
    warnings = [
        (record, reason)
        for record in report.records
        for reason in record.reasons
        if reason.is_warning or record.state == "restorable"
    ]
    if warnings:
        note = "These do not keep an instance from being restored."
        count = len({id(record) for record, _ in warnings})
        yield ReasonGroup("warnings", note, "lagging", count, _causes(list[Found](warnings)))


def verdict(report: ReadinessReport) -> str:
    """Return what keeps the book from being ready, in words."""
    counts = report.counts
    parts = [
        f"{counts[state]:,} {RESTORE_WORDS[state][0]}"
        for state in MEANINGS
        if state != "restorable" and state in counts
    ]
    outdated = report.count_outdated()
    parts += [f"{pluralize(outdated, 'backup')} not recent"] if outdated else []
    parts += [pluralize(len(report.findings), "finding")] if report.findings else []
    return list_words(parts) if parts else "ready" if report.records else "no instances"


def summary(report: ReadinessReport) -> str:
    """Return how many instances are restorable, as a sentence."""
    return count_restorable(record.state for record in report.records)


def commands_of(cause: Cause[Found]) -> list[str]:
    """Return the commands that would make what is missing, each once."""
    reasons = (reason for (_, reason), _ in cause.items if reason is not None)
    return list(dict.fromkeys(command for reason in reasons for command in reason.commands))


def _causes(found: list[Found]) -> list[Cause[Found]]:
    causes = group_by_cause(found, _lines, _names)
    return sorted(causes, key=lambda cause: -len(cause.items))


def _lines(found: Found) -> list[tuple[str, str]]:
    reason = found[1]
    if reason is None:
        return [("finding", "The check gave no reason."), ("remedy", "Check again.")]
    return [("finding", reason.message), ("remedy", reason.remedy)]


def _names(found: Found) -> tuple[str, ...]:
    return found[0].db_instance_identifier, found[0].target_db_instance_identifier
