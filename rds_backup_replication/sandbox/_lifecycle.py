"""The lifecycle of a replicated backup: pending → replicating → retained → deleted.

A status advances with each Describe that selects the backup, not with time.
Programs therefore see the same sequence on every run and never have to wait.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Behavior:
    """Settings for how a sandbox's replications and restored instances behave.

    The numbers count calls to ``DescribeDBInstanceAutomatedBackups`` (Describe) that
    select the backup, by one of its identifiers or by listing all backups. The numbers for
    an instance that was restored from a replicated backup count calls to
    ``DescribeDBInstances`` that select the instance.

    Attributes:
        pending_looks: Number of Describe calls that return a new replication as
            ``pending``.
        stopping_looks: Number of Describe calls that still return a stopped
            replication with its former status. The source instance has the
            ``stopping_source_status`` for the same number of ``DescribeDBInstances`` calls.
        deleting_looks: Number of Describe calls that return a deleted backup as
            ``deleting``.
        answer_lag: Number of Describe calls that return a stale response, which does
            not reflect the latest start, stop or deletion.
        shifting_case: Whether the capitalization of a status alternates between
            Describe calls.
        replication_lag: How far the latest restorable time is behind the current time.
        stopping_source_status: Status of the source instance after a stop, such as
            ``modifying`` or ``storage-optimization``.
        keeps_arn: Whether a new replication of an instance gets the ARN of the former one,
            and replaces its backup. What RDS does is unknown.
        quota: Maximum number of active replications per account and destination Region.
        restoring_looks: Number of calls that return a restored instance as ``creating``,
            without an endpoint.
        modifying_looks: Number of calls that return a restored instance as ``modifying``
            after a change with ``ApplyImmediately``.
        deleting_instance_looks: Number of calls that return a deleted restored instance as
            ``deleting``.
        instance_quota: Maximum number of DB instances per account and Region, which a restore
            from a replicated backup must not exceed.
    """

    pending_looks: int = 2
    stopping_looks: int = 1
    deleting_looks: int = 1
    answer_lag: int = 0
    shifting_case: bool = True
    replication_lag: timedelta = timedelta(minutes=5)
    stopping_source_status: str = "modifying"
    keeps_arn: bool = False
    quota: int = 20
    restoring_looks: int = 2
    modifying_looks: int = 1
    deleting_instance_looks: int = 1
    instance_quota: int = 40


_ABSENT = "absent"


@dataclass
class ReplicatedBackup:
    """A replicated backup in its destination Region."""

    facts: dict[str, Any]
    """Response members that never change, under their AWS names."""
    settings: dict[str, Any]
    """Settings for an instance restored from the backup, under moto's names."""
    behavior: Behavior
    live: bool = True
    """Whether the replication is active, whatever status a Describe returns."""
    deleted: bool = False
    pending_source_polls: int = 0
    """Number of ``DescribeDBInstances`` calls that still list the stopped replication."""
    _status: str = "pending"
    _next_statuses: deque[str] = field(init=False)
    _describe_count: int = 0
    _replicating_since: datetime | None = None
    _stopped_at: datetime | None = None

    def __post_init__(self) -> None:
        lag = [_ABSENT] * self.behavior.answer_lag
        pending = ["pending"] * self.behavior.pending_looks
        self._next_statuses = deque([*lag, *pending, "replicating"])

    @property
    def arn(self) -> str:
        return str(self.facts["DBInstanceAutomatedBackupsArn"])

    def is_of(self, dbi_resource_id: str) -> bool:
        """Return whether the backup is of an instance, whatever its name is now."""
        return bool(self.facts["DbiResourceId"] == dbi_resource_id)

    def describe(self, now: datetime) -> dict[str, Any] | None:
        """Advance the status and return the backup, or ``None`` if Describe omits it."""
        if self._next_statuses:
            self._status = self._next_statuses.popleft()
        if self._status == "replicating" and self._replicating_since is None:
            self._replicating_since = now
        self._describe_count += 1
        return None if self._status == _ABSENT else self.record(now)

    def record(self, now: datetime) -> dict[str, Any]:
        """Return the backup as a response holds it, without advancing the status."""
        shifted = self.behavior.shifting_case and self._describe_count % 2 == 1
        status = "pending" if self._status == _ABSENT else self._status
        window: dict[str, datetime] = {}
        if self._replicating_since is not None:
            latest = (self._stopped_at or now) - self.behavior.replication_lag
            window = {
                "EarliestTime": self._replicating_since,
                "LatestTime": max(latest, self._replicating_since),
            }
        return {
            **self.facts,
            "Status": status.capitalize() if shifted else status,
            "RestoreWindow": window,
        }

    def stop(self, now: datetime) -> None:
        """Stop the replication and retain the backup."""
        self.live = False
        self._stopped_at = now
        self.pending_source_polls = self.behavior.stopping_looks + self.behavior.answer_lag
        self._next_statuses = deque([*[self._status] * self.pending_source_polls, "retained"])

    def delete(self) -> None:
        """Delete the retained backup."""
        self.deleted = True
        lag = [self._status] * self.behavior.answer_lag
        self._next_statuses = deque([*lag, *["deleting"] * self.behavior.deleting_looks, _ABSENT])
        self._status = "deleting"

    def is_gone(self, now: datetime) -> bool:
        """Return whether the deletion is complete or the retention period has passed."""
        if self._stopped_at is None:
            return False
        retention = timedelta(days=self.facts["BackupRetentionPeriod"])
        is_deleted = self._status == _ABSENT and not self._next_statuses
        return is_deleted or now >= self._stopped_at + retention
