"""The results of the methods that are built of several API calls, and reports of these calls."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from ._base import LateModel
from ._responses import DBInstanceAutomatedBackup


@dataclass(frozen=True)
class EnsureResult:
    """What ``ensure_replication`` or ``replace_replication`` did, and the backup that replicates.

    The resource ID of an instance never changes and is never reused, while its name may move to
    another instance: by a rename, or by a blue/green switchover.
    """

    action: Literal["started", "unchanged", "replaced"]
    """``started``: this call started the replication. ``unchanged``: it had the requested
    settings already. ``replaced``: this call stopped a replication with other settings first."""
    backup: DBInstanceAutomatedBackup
    """The replicated backup; ``pending`` if the replication is new."""
    source_checked: bool
    """Whether the backup certainly belongs to the instance that has this ARN now. ``True``: RDS
    accepted this call's start, or the source Region returned the same resource ID. ``False``: the
    client could not ask the source Region, or the source is not ``available`` or does not list
    the backup, so a stop may be in progress."""


ReplacementPhase = Literal["preflight", "stop", "wait", "start"]


@dataclass(frozen=True)
class ReplacementProgress:
    """How far ``replace_replication`` has come."""

    phase: ReplacementPhase
    """``preflight``: the client looks for blockers; nothing is stopped. ``stop``: it stops the
    replication. ``wait``: it waits for the end of the replication. ``start``: it starts the new
    one."""
    backup: DBInstanceAutomatedBackup | None
    """The backup as it was last seen; ``None`` if there is none."""


CheckCode = Literal[
    "already_replicating",
    "backup_of_former_instance",
    "backups_off",
    "cluster_not_supported",
    "could_not_be_checked",
    "engine_not_supported",
    "instance_not_available",
    "instance_not_found",
    "kms_key_disabled",
    "kms_key_not_found",
    "kms_key_not_symmetric",
    "kms_key_required",
    "region_pair_not_supported",
    "retained_with_another_key",
]


class CheckReason(LateModel, frozen=True):
    """Why RDS would refuse a start, or a question that could not be answered."""

    code: CheckCode
    """The kind of reason; a code keeps its meaning across versions."""
    message: str
    """The fact, as a sentence."""
    remedy: str
    """What to do, as a sentence."""


@dataclass(frozen=True)
class CheckResult:
    """What ``check_replication`` found; iterate over it for all reasons."""

    blockers: tuple[CheckReason, ...] = ()
    """Why RDS would refuse a start, or why one is not needed."""
    unchecked: tuple[CheckReason, ...] = ()
    """The questions that could not be answered; each has the code ``could_not_be_checked``."""

    @property
    def is_clear(self) -> bool:
        """Return whether every question was answered and nothing blocks a start."""
        return not (self.blockers or self.unchecked)

    def __iter__(self) -> Iterator[CheckReason]:
        yield from self.blockers
        yield from self.unchecked


@dataclass(frozen=True)
class ApiCall:
    """An API call that has ended, as ``on_call=`` receives it."""

    operation_name: str
    """AWS's name of the operation, such as ``DescribeDBInstances``."""
    region_name: str
    """The Region that was called; for questions about a source, the source's Region."""
    request_id: str | None
    """AWS's ID of the last request, which AWS Support asks for; ``None`` without a response."""
    http_status_code: int | None
    """The HTTP status of the last response; ``None`` without a response."""
    attempts: int
    """Number of requests sent, botocore's retries included; 0 if none could be sent."""
    duration: timedelta
    """Time from the call to its end, with all attempts and botocore's pauses between them."""
    error: BaseException | None
    """The exception that the call raised; ``None`` if it succeeded."""
