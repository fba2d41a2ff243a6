"""The names of what the commands for a fleet report."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..fleet import AuditRecord, PlannedAction


def instance_of(subject: "AuditRecord | PlannedAction") -> str:
    """Return the instance's ARN, or the account and Region whose instances could not be listed."""
    arn = getattr(subject, "db_instance_arn", None) or getattr(
        subject, "source_db_instance_arn", None
    )
    return arn or f"all instances of account {subject.account_id} in {subject.source_region}"


def destination_of(subject: "AuditRecord | PlannedAction") -> str:
    """Return the destination Region, or ``-`` if there is none."""
    return subject.destination_region or "-"


def format_counts(counts: Mapping[Any, int]) -> str:
    """Return the number of each kind, such as ``2 start, 1 stop``."""
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "no instances"
