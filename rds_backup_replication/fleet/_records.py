"""The records of audits, plans and their results; each can be dumped to JSON and read back."""

from collections import Counter
from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, model_validator

from .._arn import parse_arn
from .._models import CheckCode, CheckReason
from .._models._fields import RegionName
from ._policy import Account, AccountId, Rule

State = Literal[
    "protected",
    "starting",
    "lagging",
    "stopped",
    "unprotected",
    "unknown",
    "excluded",
    "unmatched",
]
HEALTHY: tuple[State, ...] = ("protected", "starting", "excluded", "unmatched")
"""The states that need no attention."""

Kind = Literal[
    "start",
    "replace",
    "stop",
    "unchanged",
    "impossible",
    "over_quota",
    "unmatched",
    "unknown",
]
CHANGES: tuple[Kind, ...] = ("start", "replace", "stop")
"""The kinds of planned actions that change a replication."""

Outcome = Literal["done", "unchanged", "refused", "failed", "not_attempted"]


class Record(BaseModel, frozen=True):
    """The base of all records: immutable, and without unknown fields."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", hide_input_in_errors=True)


FleetCode = CheckCode | Literal["drifted", "lagging", "not_replicating", "over_quota", "stopped"]


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
    """``protected``: the instance replicates within the allowed lag. ``starting``: RDS is
    copying the first snapshot. ``lagging``: the lag exceeds the rule's maximum.
    ``stopped``: only retained backups are left. ``unprotected``: the destination has no
    backups. ``unknown``: the state could not be determined. ``excluded``: the rule says
    not to replicate. ``unmatched``: no rule matches."""
    db_instance_automated_backups_arn: str | None = None
    """ARN of the active backup, or else of the newest retained backup."""
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

    def sort_key(self) -> tuple[str, str, str, str]:
        """Return the account, source Region, ARN and destination Region."""
        arn, destination = self.db_instance_arn or "", self.destination_region or ""
        return self.account_id, self.source_region, arn, destination


class AuditReport(Record, frozen=True):
    """The protection of a fleet at one time."""

    audited_at: AwareDatetime
    """Time when the audit began."""
    accounts: tuple[AccountId, ...] = ()
    """Accounts that were audited."""
    rules: tuple[Rule, ...] = ()
    """Rules of the policy. They name the Regions that were audited."""
    records: tuple[AuditRecord, ...]
    """One record per instance, ordered by account, source Region and ARN."""

    @property
    def counts(self) -> dict[State, int]:
        """Return the number of records in each state that occurs."""
        return dict(Counter(record.state for record in self.records))

    @property
    def problems(self) -> tuple[AuditRecord, ...]:
        """Return the records that need attention."""
        return tuple(record for record in self.records if record.state not in HEALTHY)


class ObservedState(Record, frozen=True):
    """The state of an instance when its action was planned."""

    dbi_resource_id: str | None = None
    """Resource ID of the instance. A new instance of the same name has another ID."""
    db_instance_automated_backups_arn: str | None = None
    """ARN of the active replicated backup; ``None`` if there was none."""
    backup_retention_period: int | None = None
    """Retention of the active backup in days."""
    kms_key_id: str | None = None
    """KMS key of the active backup."""


class PlannedAction(Record, frozen=True):
    """The action for one instance, or why there is none."""

    kind: Kind
    """``start``, ``replace`` and ``stop`` change a replication. ``unchanged``: the
    instance already conforms to the policy. ``impossible``: RDS would refuse the change.
    ``over_quota``: the destination's quota has no room. ``unmatched``: no rule matches.
    ``unknown``: the required action could not be determined."""
    account_id: AccountId
    """Account of the instance."""
    source_region: RegionName
    """Region of the instance."""
    destination_region: RegionName | None = None
    """Destination Region, which receives the request; ``None`` if no rule matches."""
    source_db_instance_arn: str | None = None
    """ARN of the instance; ``None`` if the Region could not be listed."""
    rule: str | None = None
    """Name of the rule that matches the instance; ``None`` if no rule matches."""
    backup_retention_period: int | None = None
    """For a start or replacement: days to keep the backups; RDS's default if ``None``."""
    kms_key_id: str | None = None
    """For a start or replacement: KMS key in the destination, if the instance is encrypted."""
    tags: dict[str, str] | None = None
    """For a start or replacement: tags for the replicated backup."""
    observed: ObservedState | None = None
    """State that the action depends on. If this has changed, applying refuses the action."""
    reasons: tuple[FleetReason, ...] = ()
    """Why the action is needed, impossible or unknown."""

    @model_validator(mode="after")
    def _check_change_is_complete(self) -> "PlannedAction":
        if self.changes_something:
            arn = parse_arn(self.source_db_instance_arn or "")
            if arn is None or (arn.account_id, arn.region) != (self.account_id, self.source_region):
                raise ValueError(
                    "source_db_instance_arn must be in the account_id and source_region given"
                )
            if self.destination_region is None or self.observed is None:
                raise ValueError(f"{self.kind} requires destination_region and observed")
        return self

    def sort_key(self) -> tuple[str, str, str, str]:
        """Return the account, source Region, ARN and destination Region."""
        arn, destination = self.source_db_instance_arn or "", self.destination_region or ""
        return self.account_id, self.source_region, arn, destination

    @property
    def changes_something(self) -> bool:
        """Return whether applying the action changes a replication."""
        return self.kind in CHANGES


class Plan(Record, frozen=True):
    """The actions that bring a fleet in line with its policy."""

    planned_at: AwareDatetime
    """Time when the planning began."""
    accounts: tuple[Account, ...]
    """Accounts and roles to act with."""
    actions: tuple[PlannedAction, ...]
    """One action per instance, ordered by account, source Region and ARN."""

    @model_validator(mode="after")
    def _check_changes(self) -> "Plan":
        accounts = {account.id for account in self.accounts}
        changed: set[tuple[str, ...]] = set()
        for action in self.changes:
            if action.account_id not in accounts:
                raise ValueError(f"account {action.account_id} is not in the plan's accounts")
            if action.sort_key() in changed:
                raise ValueError(f"the plan changes {action.source_db_instance_arn} more than once")
            changed.add(action.sort_key())
        return self

    @property
    def counts(self) -> dict[Kind, int]:
        """Return the number of actions of each kind that occurs."""
        return dict(Counter(action.kind for action in self.actions))

    @property
    def changes(self) -> tuple[PlannedAction, ...]:
        """Return the actions that change a replication."""
        return tuple(action for action in self.actions if action.changes_something)


class ActionResult(Record, frozen=True):
    """The result of one planned action."""

    action: PlannedAction
    """The planned action."""
    outcome: Outcome
    """``done``: the action succeeded. ``unchanged``: nothing was left to do. ``refused``:
    the observed state has changed since the plan was made. ``failed``: the action raised
    an error. ``not_attempted``: an interruption came first."""
    message: str | None = None
    """Why the action was refused or failed."""
    db_instance_automated_backups_arn: str | None = None
    """ARN of the replicated backup."""


class ApplyReport(Record, frozen=True):
    """The results of applying a plan."""

    results: tuple[ActionResult, ...]
    """One result for each action that changes a replication, in the order of the plan."""
    interrupted: bool = False
    """Whether Ctrl-C interrupted the run."""

    @property
    def counts(self) -> dict[Outcome, int]:
        """Return the number of results with each outcome that occurs."""
        return dict(Counter(result.outcome for result in self.results))

    @property
    def is_complete(self) -> bool:
        """Return whether every action is ``done`` or ``unchanged``."""
        return set(self.counts) <= {"done", "unchanged"}
