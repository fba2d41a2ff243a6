"""The errors of the methods that are built of several calls, of fleets and of recoveries."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from ._error_details import BackupReplicationError, Difference
from ._models import CheckReason, DBInstanceAutomatedBackup, ReplacementPhase, StartRequest


class ReplicationDriftError(BackupReplicationError):
    """The instance replicates with another retention or key than requested; nothing was changed.

    Attributes:
        backup: The active replicated backup.
        differences: The settings that differ, with both values.
    """

    __module__ = BackupReplicationError.__module__

    def __init__(
        self, backup: DBInstanceAutomatedBackup, differences: Sequence[Difference]
    ) -> None:
        super().__init__(backup, tuple(differences))
        self.backup: DBInstanceAutomatedBackup = backup
        self.differences: tuple[Difference, ...] = tuple(differences)

    def __str__(self) -> str:
        lines = "".join(f"\n  {difference}" for difference in self.differences)
        subject = f"{self.backup.db_instance_arn} replicates with other settings than requested"
        return f"{subject}:{lines}\n{self._remedy()}"

    def _remedy(self) -> str:
        if any(difference.uncertainty for difference in self.differences):
            known = all(d.actual is not None for d in self.differences)
            remedy = ", or pass the ARN of the key instead of an alias" if known else ""
            return (
                f"The client cannot compare the keys, so it stops nothing. Omit kms_key_id{remedy}."
            )
        if any(difference.is_permanent for difference in self.differences):
            return (
                "RDS accepts no other key while backups encrypted with the current key exist. Omit "
                "kms_key_id to keep the key. To change the key, call ensure_stopped() and "
                "wait_until_stopped(), delete the retained backups, and call "
                "ensure_replication(). Until the first new copy is complete, nothing in this "
                "Region can be restored."
            )
        return (
            "RDS cannot modify a replication. Call replace_replication() to stop and restart it, "
            "or omit the settings that may stay as they are."
        )


class ReplicationBlockedError(BackupReplicationError):
    """The preflight found blockers, or AWS did not answer one of its questions.

    Nothing was stopped.

    Attributes:
        source_db_instance_arn: ARN of the source instance.
        blockers: The blockers and the unanswered questions, as ``check_replication`` reports them.
    """

    __module__ = BackupReplicationError.__module__

    def __init__(self, source_db_instance_arn: str, blockers: Sequence[CheckReason]) -> None:
        super().__init__(source_db_instance_arn, tuple(blockers))
        self.source_db_instance_arn: str = source_db_instance_arn
        self.blockers: tuple[CheckReason, ...] = tuple(blockers)

    def __str__(self) -> str:
        lines = "".join(f"\n  {reason.message} {reason.remedy}" for reason in self.blockers)
        subject = f"The replication of {self.source_db_instance_arn} cannot be replaced now"
        return f"{subject}, so nothing was stopped:{lines}"


class ReplacementError(BackupReplicationError):
    """A start failed after a replication ended, whether the call stopped it or found it ended.

    The ``__cause__`` is the error that ended the replacement.

    Attributes:
        source_db_instance_arn: ARN of the source instance.
        phase: Always ``start``: an uncertain stop or a failed wait does not keep the client from
            trying the start.
        former: The request that starts a replication with the former settings.
        last_backup: The backup as it was last seen, or ``None``.
        is_protected: Whether the instance replicates now. ``None``: not known, because a response
            was lost, or because the source was not asked whether the backup is its own.
        reason: The text of the error that ended the replacement.
    """

    __module__ = BackupReplicationError.__module__

    def __init__(
        self,
        phase: ReplacementPhase,
        former: StartRequest,
        last_backup: DBInstanceAutomatedBackup | None,
        is_protected: bool | None,  # noqa: FBT001  # pickle passes it by position
        reason: str,
    ) -> None:
        super().__init__(phase, former, last_backup, is_protected, reason)
        self.source_db_instance_arn: str = former.source_db_instance_arn
        self.phase: ReplacementPhase = phase
        self.former: StartRequest = former
        self.last_backup: DBInstanceAutomatedBackup | None = last_backup
        self.is_protected: bool | None = is_protected
        self.reason: str = reason

    def __str__(self) -> str:
        text = (
            f"The replacement of the replication of {self.source_db_instance_arn} failed in the "
            f"phase {self.phase!r}: {self.reason}\n"
        )
        if self.is_protected:
            days = self.last_backup.backup_retention_period if self.last_backup else None
            kept = "" if days is None else f", and RDS keeps its backups for {days} days"
            return f"{text}The instance replicates{kept}."
        text += (
            "Whether the instance replicates is not known."
            if self.is_protected is None
            else "The instance does not replicate."
        )
        return (
            f"{text}\nResolve the error, and call replace_replication() again to resume. "
            "To return to the former settings, pass those of .former to "
            f"start_db_instance_automated_backups_replication(): {self.former!r}"
        )


class ReplicationStoppedError(BackupReplicationError):
    """The replication has ended, so it cannot become replicating.

    Attributes:
        last_backup: The backup that the last poll showed.
    """

    __module__ = BackupReplicationError.__module__

    def __init__(self, last_backup: DBInstanceAutomatedBackup) -> None:
        super().__init__(last_backup)
        self.last_backup: DBInstanceAutomatedBackup = last_backup

    def __str__(self) -> str:
        backup = self.last_backup
        return (
            f"{backup.db_instance_arn} no longer replicates: the last status of "
            f"{backup.db_instance_automated_backups_arn} was {backup.status}"
        )


class WaitTimeoutError(BackupReplicationError, TimeoutError):
    """A wait timed out; the replication may still reach its goal.

    If the last poll failed, the ``__cause__`` is its error.

    Attributes:
        goal: What the wait was for.
        timeout: The timeout that the caller passed.
        last_backup: The last backup that a poll showed, or ``None``.
    """

    __module__ = BackupReplicationError.__module__

    def __init__(
        self, goal: str, timeout: timedelta, last_backup: DBInstanceAutomatedBackup | None
    ) -> None:
        super().__init__(goal)
        self.goal: str = goal
        self.timeout: timedelta = timeout
        self.last_backup: DBInstanceAutomatedBackup | None = last_backup
        self._failure: str | None = None

    def __str__(self) -> str:
        backup = self.last_backup
        status = f"the last status was {backup.status}" if backup else "no poll showed a backup"
        text = f"Timed out after {self.timeout} waiting for the {self.goal}; {status}"
        failure = self._last_failure()
        return text if failure is None else f"{text}. The last poll failed: {failure}"

    def _last_failure(self) -> str | None:
        return self._failure if self.__cause__ is None else str(self.__cause__)

    def __reduce__(self) -> tuple[Any, ...]:
        # OSError's own method drops arguments that do not fit an errno. Pickle drops the cause.
        state = {"_failure": self._last_failure()}
        return type(self), (self.goal, self.timeout, self.last_backup), state


class PolicyError(BackupReplicationError, ValueError):
    """The policy of a fleet is invalid.

    Attributes:
        source: Name of the policy's file, or of its text.
        errors: One text per error, with the line, the field and the rule. The errors of a mapping
            have no line.
    """

    __module__ = BackupReplicationError.__module__

    def __init__(self, source: str, errors: Sequence[str]) -> None:
        super().__init__(source, tuple(errors))
        self.source: str = source
        self.errors: tuple[str, ...] = tuple(errors)

    def __str__(self) -> str:
        # The errors of a mapping have no line.
        begins = (":" if re.match(r"[0-9]+: ", error) else ": " for error in self.errors)
        return "\n".join(
            f"{self.source}{begin}{error}" for begin, error in zip(begins, self.errors, strict=True)
        )


class PlanRefusedError(BackupReplicationError, ValueError):
    """The plan of a fleet was not applied; nothing was sent.

    Attributes:
        reasons: Why the plan was not applied, one text per reason.
    """

    __module__ = BackupReplicationError.__module__

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(tuple(reasons))
        self.reasons: tuple[str, ...] = tuple(reasons)

    def __str__(self) -> str:
        lines = "".join(f"\n  {reason}" for reason in self.reasons)
        return f"The plan was not applied, and nothing was sent:{lines}"


class RecoveryRefusedError(BackupReplicationError, ValueError):
    """A recovery or a drill was refused as a whole; nothing was sent.

    Attributes:
        reasons: Why the recovery or the drill was refused, one text per reason.
    """

    __module__ = BackupReplicationError.__module__

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(tuple(reasons))
        self.reasons: tuple[str, ...] = tuple(reasons)

    def __str__(self) -> str:
        lines = "".join(f"\n  {reason}" for reason in self.reasons)
        return f"Refused, and nothing was changed:{lines}"
