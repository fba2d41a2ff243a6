"""The life of a replicated backup: pending → replicating → retained → gone.

Time does not move it on, being looked at does: a Describe that shows a backup
is one look. So a program sees the same on every run, and waits for nothing.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Behavior:
    """How the sandbox behaves; each number counts looks.

    Attributes:
        pending_looks: How often a new replication is shown as ``pending``.
        stopping_looks: How often a stopped one still is shown as it was, and its
            source as ``modifying``.
        deleting_looks: How often a deleted one is shown as ``deleting``.
        answer_lag: How often an answer does not show the latest change at all, as
            if it came from a copy that is behind.
        shifting_case: Whether statuses change their capitalization between looks.
        replication_lag: How far the latest restorable time is behind the present.
        quota: How many backups can replicate to a Region.
    """

    pending_looks: int = 2
    stopping_looks: int = 1
    deleting_looks: int = 1
    answer_lag: int = 0
    shifting_case: bool = True
    replication_lag: timedelta = timedelta(minutes=5)
    quota: int = 20


_ABSENT = "absent"


@dataclass
class ReplicatedBackup:
    """One replicated backup as the destination keeps it."""

    facts: dict[str, Any]
    """What does not change, under AWS's names."""
    settings: dict[str, Any]
    """What an instance restored from it is created with, under moto's names."""
    behavior: Behavior
    live: bool = True
    """Whether replication is on, whatever is shown."""
    deleted: bool = False
    source_looks: int = 0
    """How often the source's Region still shows a replication that was stopped."""
    _shown: str = "pending"
    _ahead: deque[str] = field(init=False)
    _looks: int = 0
    _replicating_since: datetime | None = None
    _stopped_at: datetime | None = None

    def __post_init__(self) -> None:
        lag = [_ABSENT] * self.behavior.answer_lag
        pending = ["pending"] * self.behavior.pending_looks
        self._ahead = deque([*lag, *pending, "replicating"])

    @property
    def arn(self) -> str:
        return str(self.facts["DBInstanceAutomatedBackupsArn"])

    @property
    def source_arn(self) -> str:
        return str(self.facts["DBInstanceArn"])

    def look(self, now: datetime) -> dict[str, Any] | None:
        """What this look shows; ``None`` if there is nothing to see."""
        if self._ahead:
            self._shown = self._ahead.popleft()
        if self._shown == "replicating" and self._replicating_since is None:
            self._replicating_since = now
        self._looks += 1
        return None if self._shown == _ABSENT else self.record(now)

    def record(self, now: datetime) -> dict[str, Any]:
        """The backup as AWS answers it."""
        shifted = self.behavior.shifting_case and self._looks % 2 == 1
        status = "pending" if self._shown == _ABSENT else self._shown
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
        self.live = False
        self._stopped_at = now
        self.source_looks = self.behavior.stopping_looks + self.behavior.answer_lag
        self._ahead = deque([*[self._shown] * self.source_looks, "retained"])

    def delete(self) -> None:
        self.deleted = True
        lag = [self._shown] * self.behavior.answer_lag
        self._ahead = deque([*lag, *["deleting"] * self.behavior.deleting_looks, _ABSENT])
        self._shown = "deleting"

    def is_gone(self, now: datetime) -> bool:
        """Whether it was deleted and no longer shows, or has outlived its retention."""
        if self._stopped_at is None:
            return False
        kept_for = timedelta(days=self.facts["BackupRetentionPeriod"])
        return (self._shown == _ABSENT and not self._ahead) or now >= self._stopped_at + kept_for
