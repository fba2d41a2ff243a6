"""What the commands for a fleet share: reading its policy, and the names of what they report."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._errors import ExitCode, Failure
from ._files import is_stdin, read_stdin

if TYPE_CHECKING:
    from ..fleet import AuditRecord, PlannedAction, Policy

# ruff: noqa: PLC0415 - help and version must not import what only a call needs.


def read_policy(path: Path) -> "Policy":
    """Return the policy in a file, or on standard input if the path is ``-``."""
    from ..fleet import Policy

    if is_stdin(path):
        return Policy.from_yaml(read_stdin("policy"), source="standard input")
    try:
        return Policy.from_file(path)
    except OSError as error:
        raise Failure(f"{path} cannot be read: {describe_error(error)}", ExitCode.USAGE) from error


def describe_error(error: OSError | UnicodeDecodeError) -> str:
    """Return why a file cannot be read, without its name."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


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
