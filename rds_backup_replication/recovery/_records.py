"""The records of readiness checks, recoveries and drills; each can be dumped and read back."""

from collections import Counter
from datetime import timedelta
from typing import Literal

from pydantic import AwareDatetime, Field

from ..fleet._records import Record, RestoreState

ReadinessCode = Literal[
    "backup_key_not_usable",
    "backup_not_found",
    "backup_not_recent",
    "backup_not_restorable",
    "book_not_complete",
    "book_too_old",
    "class_not_orderable",
    "could_not_be_checked",
    "drill_not_separate",
    "entry_not_complete",
    "instance_quota_exceeded",
    "name_not_valid",
    "name_taken",
    "name_used_twice",
    "network_type_not_supported",
    "no_drill_settings",
    "not_restored",
    "option_group_differs",
    "option_group_not_found",
    "parameter_group_differs",
    "parameter_group_not_found",
    "security_group_not_found",
    "security_group_of_another_vpc",
    "security_groups_not_mapped",
    "settings_key_not_usable",
    "source_gone",
    "storage_quota_exceeded",
    "subnet_group_not_found",
    "too_few_zones",
    "too_many_tags",
]


class ReadinessReason(Record, frozen=True):
    """Why a restore would fail or would not be as wanted, or what could not be asked."""

    code: ReadinessCode
    """The kind of reason."""
    message: str
    """The fact, as a sentence."""
    remedy: str
    """What to do, as a sentence."""
    is_warning: bool = False
    """Whether a restore would succeed all the same."""
    commands: tuple[str, ...] = ()
    """AWS CLI commands that would make what is missing; nothing runs them."""


class ReadinessRecord(Record, frozen=True):
    """Whether one instance could be restored in its destination now."""

    account_id: str
    """Account of the instance."""
    source_region: str
    """Region of the instance."""
    destination_region: str
    """Region in which the instance would be restored."""
    tier: int
    """Order of the recovery."""
    db_instance_arn: str
    """ARN of the instance."""
    db_instance_identifier: str
    """Identifier of the instance."""
    dbi_resource_id: str
    """Resource ID of the instance."""
    target_db_instance_identifier: str
    """Identifier of the restored instance."""
    state: RestoreState
    """``restorable``: a restore would succeed, as far as can be asked. ``not_restorable``: a
    reason says why it would fail. ``unknown``: a question was not answered."""
    db_instance_automated_backups_arn: str | None = None
    """ARN of the backup that would be restored."""
    backup_status: str | None = None
    """Status of the backup, in lower case."""
    earliest_time: AwareDatetime | None = None
    """Earliest time that can be restored."""
    latest_time: AwareDatetime | None = None
    """Latest time that can be restored."""
    reasons: tuple[ReadinessReason, ...] = ()
    """The reasons, each with a remedy."""


class ReadinessReport(Record, frozen=True):
    """Whether the instances of a book could be restored at one time."""

    checked_at: AwareDatetime
    """Time of the check."""
    book_hash: str
    """Hash of the book."""
    book_captured_at: AwareDatetime
    """Time when the book was captured."""
    records: tuple[ReadinessRecord, ...]
    """One record per instance, ordered by account, source Region and ARN."""
    findings: tuple[ReadinessReason, ...] = ()
    """Findings about the book as a whole, such as its age."""

    @property
    def counts(self) -> dict[RestoreState, int]:
        """Return the number of records in each state that occurs."""
        return dict(Counter(record.state for record in self.records))

    @property
    def is_ready(self) -> bool:
        """Return whether all instances are restorable, and nothing about the book is wrong.

        A backup that is not recent is restorable, and not ready. No instances are not ready, too.
        """
        return (
            bool(self.records)
            and not self.findings
            and all(record.state == "restorable" for record in self.records)
            and not self.count_outdated()
        )

    def count_outdated(self) -> int:
        """Return the number of instances whose backup is older than the policy allows."""
        return sum(
            any(reason.code == "backup_not_recent" for reason in record.reasons)
            for record in self.records
        )


Outcome = Literal["done", "failed", "not_finished", "not_attempted", "planned"]


class RestoredInstance(Record, frozen=True):
    """The recovery of one instance: its old and its new endpoint, and what happened."""

    account_id: str
    """Account of the instance."""
    source_region: str
    """Region of the instance that was lost."""
    destination_region: str
    """Region of the restored instance."""
    tier: int
    """Order of the recovery."""
    db_instance_arn: str
    """ARN of the instance that was lost."""
    db_instance_identifier: str
    """Identifier of the instance that was lost."""
    target_db_instance_identifier: str
    """Identifier of the restored instance."""
    outcome: Outcome
    """``done``: restored, available, and with the settings of the book. ``failed``: see
    ``message``. ``not_finished``: RDS goes on; run the recovery again. ``not_attempted``: nothing
    was sent. ``planned``: a dry run would restore it."""
    message: str | None = None
    """Why it failed, or what is still missing, and what to do, as sentences."""
    error_code: str | None = None
    """RDS's error code, if RDS refused a request."""
    restored_dbi_resource_id: str | None = None
    """Resource ID of the restored instance."""
    restored_db_instance_arn: str | None = None
    """ARN of the restored instance."""
    db_instance_automated_backups_arn: str | None = None
    """ARN of the backup that was restored."""
    restore_time: AwareDatetime | None = None
    """The restored moment: the time asked for, or the latest restorable time at the request."""
    old_endpoint: str | None = None
    """Address of the lost instance, if the book has it."""
    old_port: int | None = None
    """Port of the lost instance."""
    new_endpoint: str | None = None
    """Address of the restored instance."""
    new_port: int | None = None
    """Port of the restored instance."""
    begun_at: AwareDatetime | None = None
    """Time of the restore request."""
    restored_after: timedelta | None = None
    """How long RDS took to accept the restore, retries included."""
    available_after: timedelta | None = None
    """How long it took from the request until the instance was available."""
    finished_after: timedelta | None = None
    """How long it took from the request until the settings were verified."""
    verified: tuple[str, ...] = ()
    """Names of the settings that were compared and are as the book says."""
    not_restored: tuple[str, ...] = ()
    """What the lost instance had and a recovery does not restore, such as an IAM role."""
    differences: dict[str, str] = Field(default_factory=dict)
    """Settings that are not as the book says, each in words, by name."""
    request_ids: tuple[str, ...] = ()
    """Request IDs of the calls that changed something."""

    def sort_key(self) -> tuple[int, str, str, str]:
        """Return the tier, account, destination Region and new identifier."""
        place = self.account_id, self.destination_region, self.target_db_instance_identifier
        return self.tier, *place


class RecoveryReport(Record, frozen=True):
    """What a recovery did, ordered by tier, account, Region and identifier."""

    run_id: str
    """ID of the recovery, which the tag of each restored instance has."""
    book_hash: str
    """Hash of the book."""
    restore_time: AwareDatetime | None = None
    """The moment that was asked for; ``None``: the latest of each instance."""
    begun_at: AwareDatetime
    """Time when the recovery began, also if this run has gone on with it."""
    instances: tuple[RestoredInstance, ...]
    """One record for each instance of the recovery."""
    is_interrupted: bool = False
    """Whether an interruption ended this run early."""

    @property
    def is_complete(self) -> bool:
        """Return whether there are instances, all ``done``, or ``planned`` in a dry run."""
        return bool(self.instances) and all(
            each.outcome in ("done", "planned") for each in self.instances
        )


CheckOutcome = Literal["passed", "failed", "timed_out", "not_run"]
CleanupOutcome = Literal["deleted", "absent", "failed", "kept"]


class DrilledInstance(Record, frozen=True):
    """The drill of one instance: the restore, the check, and the deletion."""

    restore: RestoredInstance
    """The restore under a drill's name."""
    check: CheckOutcome = "not_run"
    """Whether the user's check passed."""
    check_output: str | None = None
    """The end of the check's output, or its error."""
    checked_after: timedelta | None = None
    """How long it took from the restore request until the check passed: the measured RTO."""
    restored_age: timedelta | None = None
    """The age of the restored moment at the restore request: the measured RPO."""
    adapted: dict[str, str] = Field(default_factory=dict)
    """Settings that a drill does not take from the recovery, each in words, by name."""
    rto: timedelta | None = None
    """Recovery time objective of the policy."""
    rpo: timedelta | None = None
    """Recovery point objective of the policy."""
    cleanup: CleanupOutcome = "kept"
    """``deleted``: RDS deletes the instance. ``absent``: there was nothing to delete.
    ``failed``: see ``cleanup_message``. ``kept``: the deletion has not been tried yet."""
    cleanup_message: str | None = None
    """Why the instance could not be deleted, and what to do, as sentences."""

    @property
    def meets_rto(self) -> bool | None:
        """Return whether the measured RTO is within the objective; ``None``: not known."""
        if self.rto is None:
            return None
        return self.checked_after is not None and self.checked_after <= self.rto

    @property
    def meets_rpo(self) -> bool | None:
        """Return whether the measured RPO is within the objective; ``None``: not known."""
        if self.rpo is None:
            return None
        return self.restored_age is not None and self.restored_age <= self.rpo

    @property
    def is_proven(self) -> bool:
        """Return whether the restore succeeded, was checked, and met the stated objectives."""
        return (
            self.restore.outcome == "done"
            and self.check == "passed"
            and self.meets_rto is not False
            and self.meets_rpo is not False
        )


class DrillReport(Record, frozen=True):
    """The evidence of a drill."""

    run_id: str
    """ID of the drill, which the tag of each of its instances has."""
    book_hash: str
    """Hash of the book."""
    book_captured_at: AwareDatetime
    """Time when the book was captured."""
    begun_at: AwareDatetime
    """Time when the drill began."""
    ended_at: AwareDatetime
    """Time when the drill ended."""
    callers: dict[str, str] = Field(default_factory=dict)
    """ARN of the caller, by account, as STS says."""
    check: str | None = None
    """What was run as the check: the command, or the callable's name."""
    planned: int | None = None
    """Number of instances that the drill was to restore. A drill that was killed has no records
    of those that it did not come to. ``None``: not known."""
    book_instances: int | None = None
    """Number of instances that the book has, without those that are gone. ``None``: not known."""
    instances: tuple[DrilledInstance, ...]
    """One record for each instance of the drill."""
    is_interrupted: bool = False
    """Whether an interruption ended the drill early."""

    @property
    def is_proven(self) -> bool:
        """Return whether every instance of the drill is proven restorable."""
        return (
            bool(self.instances)
            and len(self.instances) == self.total
            and all(each.is_proven for each in self.instances)
        )

    @property
    def total(self) -> int:
        """Return the number of instances of the drill, with and without a record."""
        return max(self.planned or 0, len(self.instances))

    @property
    def left_behind(self) -> tuple[DrilledInstance, ...]:
        """Return the instances that the drill has made and not deleted."""
        return tuple(each for each in self.instances if each.cleanup in ("failed", "kept"))
