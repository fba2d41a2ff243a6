"""The records of an audit; each can be dumped to JSON and read back."""

from collections import Counter
from datetime import date, timedelta
from typing import ClassVar, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    computed_field,
)

from .._models import CheckCode, CheckReason
from ._policy import Rule
from ._policy_fields import AccountId

State = Literal[
    "protected",
    "starting",
    "lagging",
    "drifted",
    "at_risk",
    "stopped",
    "unprotected",
    "unknown",
    "excluded",
    "ignored",
    "unmatched",
]
HEALTHY: tuple[State, ...] = ("protected", "starting", "excluded", "ignored", "unmatched")
"""The states that need no attention."""


class Record(BaseModel, frozen=True):
    """The base of all records: immutable, and without unknown fields."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", hide_input_in_errors=True)


FleetCode = (
    CheckCode
    | Literal[
        "drifted",
        "lagging",
        "moving",
        "not_replicating",
        "over_quota",
        "replicates_elsewhere",
        "replicates_although_excluded",
        "stopped",
        "too_many_tags",
    ]
)


class FleetReason(Record, frozen=True):
    """Why an instance needs attention, or a question that could not be answered."""

    code: FleetCode
    """The kind of reason: one of ``check_replication``, or one of a fleet's own."""
    message: str
    """The fact, as a sentence."""
    remedy: str
    """What to do, as a sentence."""

    @classmethod
    def of(cls, reason: CheckReason) -> "FleetReason":
        """Return a reason of ``check_replication`` as one of a fleet's."""
        return cls(code=reason.code, message=reason.message, remedy=reason.remedy)


RestoreState = Literal["restorable", "not_restorable", "unknown"]


class RestoreReason(Record, frozen=True):
    """Why a recovery could not restore an instance, or what the recovery's check found."""

    message: str
    """The fact, as a sentence."""
    remedy: str
    """What to do, as a sentence."""


class AuditRecord(Record, frozen=True):
    """The protection of one instance.

    A record without an ARN stands for all instances of a Region that could not be listed.
    """

    account_id: str
    """Account of the instance."""
    source_region: str
    """Region of the instance."""
    destination_region: str | None = None
    """Destination Region in the policy; ``None`` if no rule matches the instance."""
    db_instance_arn: str | None = None
    """ARN of the instance; ``None`` if the Region could not be listed."""
    db_instance_identifier: str | None = None
    """Identifier of the instance."""
    engine: str | None = None
    """Database engine of the instance."""
    rule: str | None = None
    """Name of the rule that matches the instance; ``None`` if no rule matches."""
    state: State
    """``protected``: the instance replicates as the policy says, within the allowed lag.
    ``starting``: RDS is copying the first snapshot. ``lagging``: the lag exceeds the rule's
    maximum. ``drifted``: retention, key or tags are not as the policy says. ``at_risk``: the
    instance replicates today, but the audit found something that will end the replication or
    prevent a restore. ``stopped``: only retained backups are left. ``unprotected``: the
    destination has no backups. ``unknown``: the state could not be determined. ``excluded``: the
    rule says not to replicate. ``ignored``: the rule says that somebody else is responsible.
    ``unmatched``: no rule matches."""
    first_seen: AwareDatetime | None = None
    """Time of the first audit that found the instance in this state; earlier audits are known
    from the report that this one was compared with."""
    accepted_until: date | None = None
    """Last day on which the policy accepts the problem; ``None`` if it does not."""
    accepted_reason: str | None = None
    """Why the policy accepts the problem."""
    dbi_resource_id: str | None = None
    """Resource ID of the instance; a new instance of the same name has another ID."""
    db_instance_status: str | None = None
    """Status of the instance."""
    db_instance_automated_backups_arn: str | None = None
    """ARN of the active backup, or else of the newest retained backup."""
    backup_status: str | None = None
    """Status of that backup, in lower case."""
    backup_retention_period: int | None = None
    """Days that RDS keeps that backup's copies."""
    kms_key_id: str | None = None
    """KMS key of that backup."""
    tags: dict[str, str] | None = None
    """Tags of that backup."""
    earliest_time: AwareDatetime | None = None
    """Earliest time that can be restored in the destination."""
    latest_time: AwareDatetime | None = None
    """Latest time that can be restored in the destination."""
    lag: timedelta | None = None
    """Time of the audit minus ``latest_time``."""
    maximum_lag: timedelta | None = None
    """Maximum lag that the rule allows."""
    reasons: tuple[FleetReason, ...] = ()
    """Findings about the instance, each with a remedy."""
    restorable: RestoreState | None = None
    """Whether a recovery could restore the instance, if the report has a readiness check's
    results."""
    restore_reasons: tuple[RestoreReason, ...] | None = None
    """Reasons of the readiness check, each with a remedy."""

    @property
    def needs_attention(self) -> bool:
        """Return whether the state is a problem that nobody has accepted."""
        return self.state not in HEALTHY and self.accepted_until is None

    def sort_key(self) -> tuple[str, str, str, str]:
        """Return the account, source Region, ARN and destination Region."""
        arn, destination = self.db_instance_arn or "", self.destination_region or ""
        return self.account_id, self.source_region, arn, destination


class Finding(Record, frozen=True):
    """A finding about a rule, or about the audit itself, that needs attention."""

    code: Literal[
        "acceptance_expired",
        "could_not_be_checked",
        "rule_matches_nothing",
        "rule_shadowed",
        "starting_too_long",
        "too_few_instances",
    ]
    """The kind of finding."""
    rule: str | None = None
    """Name of the rule, if the finding is about a rule."""
    account_id: str | None = None
    """The account, if the finding is about an account."""
    message: str
    """The fact, as a sentence."""
    remedy: str
    """What to do, as a sentence."""


class OtherBackup(Record, frozen=True):
    """A replicated backup that no record of the audit shows."""

    kind: Literal["unmanaged", "retained"]
    """``unmanaged``: an active replication that no rule asks for. ``retained``: copies that a
    replication left behind when it ended."""
    account_id: str
    """Account of the backup."""
    source_region: str | None = None
    """Region of the instance."""
    destination_region: str
    """Region that keeps the backup."""
    db_instance_arn: str | None = None
    """ARN of the instance, which may no longer exist."""
    dbi_resource_id: str | None = None
    """Resource ID of the instance."""
    db_instance_automated_backups_arn: str | None = None
    """ARN of the backup."""
    backup_status: str | None = None
    """Status of the backup, in lower case; ``None`` if its Region was not asked."""
    earliest_time: AwareDatetime | None = None
    """Earliest time that can be restored."""
    latest_time: AwareDatetime | None = None
    """Latest time that can be restored."""
    backup_retention_period: int | None = None
    """Days that RDS keeps the copies."""
    message: str
    """Why no rule asks for the backup, as a sentence."""


class Headroom(Record, frozen=True):
    """The room in the quota of one destination Region of one account."""

    account_id: str
    """The account."""
    destination_region: str
    """The destination Region."""
    quota: int
    """The number of backups that RDS replicates to the Region, by the policy."""
    used: int
    """The number of active replications."""

    @property
    def free(self) -> int:
        """Return how many replications can be started."""
        return max(self.quota - self.used, 0)


class StateChange(Record, frozen=True):
    """An instance whose state differs between two audits."""

    account_id: str
    """Account of the instance."""
    source_region: str
    """Region of the instance."""
    destination_region: str | None = None
    """Destination Region in the policy."""
    db_instance_arn: str | None = None
    """ARN of the instance; ``None`` if the Region could not be listed."""
    before: State | None = None
    """State in the earlier audit; ``None`` if the earlier audit has no record."""
    after: State | None = None
    """State in this audit; ``None`` if the instance is gone."""


class MatchChange(Record, frozen=True):
    """A rule that matches fewer instances than in the earlier audit."""

    rule: str
    """Name of the rule."""
    before: int
    """Number of instances in the earlier audit."""
    after: int
    """Number of instances in this audit."""


class Comparison(Record, frozen=True):
    """What changed since an earlier audit."""

    audited_at: AwareDatetime
    """Time of the earlier audit."""
    changes: tuple[StateChange, ...] = ()
    """Instances whose state changed, and those that are new or gone."""
    matches: tuple[MatchChange, ...] = ()
    """Rules that match fewer instances than before."""


class Readiness(Record, frozen=True):
    """The readiness check whose results an audit report has."""

    checked_at: AwareDatetime
    """Time of the check."""
    book_captured_at: AwareDatetime
    """Time when the recovery book was captured."""
    findings: tuple[RestoreReason, ...] = ()
    """Findings about the recovery book as a whole."""


class AuditReport(Record, frozen=True):
    """The protection of a fleet at one time."""

    # A dump has the counts, which are derived.
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="ignore")

    audited_at: AwareDatetime
    """Time when the audit began."""
    accounts: tuple[AccountId, ...] = ()
    """Accounts that were audited."""
    rules: tuple[Rule, ...] = ()
    """Rules of the policy. They name the Regions that were audited."""
    records: tuple[AuditRecord, ...]
    """One record per instance, ordered by account, source Region and ARN."""
    is_partial: bool = False
    """Whether the report leaves out accounts or instances on purpose."""
    findings: tuple[Finding, ...] = ()
    """Findings about rules, and about the audit itself."""
    unmanaged: tuple[OtherBackup, ...] = ()
    """Active replications that no rule asks for."""
    retained: tuple[OtherBackup, ...] = ()
    """Retained backups that no record shows. They count against the quota of retained backups."""
    headroom: tuple[Headroom, ...] = ()
    """The room in the quota of each account and destination Region."""
    matches: dict[str, int] = Field(default_factory=dict)
    """Number of instances that each rule applies to, by the rule's name."""
    comparison: Comparison | None = None
    """What changed since an earlier audit, if the report was compared with one."""
    readiness: Readiness | None = None
    """The readiness check, if the report has the results of one."""

    @computed_field  # type: ignore[prop-decorator]  # mypy supports no decorated property
    @property
    def counts(self) -> dict[State, int]:
        """Return the number of records in each state that occurs."""
        return dict(Counter(record.state for record in self.records))

    @property
    def not_listed(self) -> set[tuple[str, str]]:
        """Return the accounts and source Regions whose instances could not be listed."""
        return {(r.account_id, r.source_region) for r in self.records if r.db_instance_arn is None}

    @property
    def problems(self) -> tuple[AuditRecord, ...]:
        """Return the records that need attention; accepted problems do not."""
        return tuple(record for record in self.records if record.needs_attention)

    @property
    def readiness_problems(self) -> int:
        """Return how many records a readiness check did not find restorable, and its findings."""
        findings = self.readiness.findings if self.readiness else ()
        return len(findings) + sum(
            record.restorable in ("not_restorable", "unknown") for record in self.records
        )

    @property
    def is_healthy(self) -> bool:
        """Return whether there are neither problems nor findings, those of readiness included."""
        return not (self.problems or self.findings or self.readiness_problems)
