"""What an audit finds, what a plan means to do, and what came of it: data, and JSON both ways."""

from collections import Counter
from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, model_validator

from .._arn import parse_arn
from .._models import CheckReason
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
"""The states that nobody needs to do anything about."""

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
"""The kinds of planned actions that change something."""

Outcome = Literal["done", "unchanged", "refused", "failed", "not_attempted"]


class Record(BaseModel, frozen=True):
    """What all of these share: they are immutable, and refuse what they do not know."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", hide_input_in_errors=True)


class AuditRecord(Record, frozen=True):
    """How one instance is protected.

    A record without an instance stands for all of a Region that could not be listed.
    """

    account_id: str
    """Account of the instance."""
    source_region: str
    """Region of the instance."""
    destination_region: str | None = None
    """Where the policy has its backups replicated to; ``None`` if no rule matches it."""
    db_instance_arn: str | None = None
    """ARN of the instance; ``None`` if the instances could not be listed."""
    db_instance_identifier: str | None = None
    """Identifier of the instance."""
    engine: str | None = None
    """Database engine of the instance."""
    rule: str | None = None
    """Name of the policy's rule that matches it; ``None`` if none does."""
    state: State
    """``protected``: it replicates, and is not too far behind. ``starting``: the first
    snapshot is being copied. ``lagging``: further behind than the rule allows.
    ``stopped``: only retained backups are left. ``unprotected``: there are none.
    ``unknown``: it could not be found out. ``excluded``: the rule wants no replication.
    ``unmatched``: no rule is about it."""
    db_instance_automated_backups_arn: str | None = None
    """ARN of the replicated backup that the state is about."""
    earliest_time: AwareDatetime | None = None
    """The earliest moment that can be restored in the destination."""
    latest_time: AwareDatetime | None = None
    """The latest moment that can be restored in the destination."""
    lag: timedelta | None = None
    """The time of the audit minus ``latest_time``."""
    maximum_lag: timedelta | None = None
    """The lag that the rule allows."""
    reasons: tuple[CheckReason, ...] = ()
    """What is wrong, each with its remedy."""

    def order(self) -> tuple[str, str, str, str]:
        """What records are ordered by."""
        arn, destination = self.db_instance_arn or "", self.destination_region or ""
        return self.account_id, self.source_region, arn, destination


class AuditReport(Record, frozen=True):
    """How a fleet is protected, as of one moment."""

    audited_at: AwareDatetime
    """When the audit began."""
    accounts: tuple[AccountId, ...] = ()
    """The accounts that were looked at."""
    rules: tuple[Rule, ...] = ()
    """The rules that they were measured by, and so the Regions that were looked at."""
    records: tuple[AuditRecord, ...]
    """One per instance, ordered by account, source Region and ARN."""

    @property
    def counts(self) -> dict[State, int]:
        """How many instances are in each state that occurs."""
        return dict(Counter(record.state for record in self.records))

    @property
    def problems(self) -> tuple[AuditRecord, ...]:
        """The records that somebody has to do something about."""
        return tuple(record for record in self.records if record.state not in HEALTHY)


class ObservedState(Record, frozen=True):
    """The facts that a planned action rests on."""

    dbi_resource_id: str | None = None
    """Resource ID of the instance: another one of the same name is another instance."""
    db_instance_automated_backups_arn: str | None = None
    """ARN of the live replicated backup; ``None`` if there was none."""
    backup_retention_period: int | None = None
    """Its retention in days."""
    kms_key_id: str | None = None
    """Its key."""


class PlannedAction(Record, frozen=True):
    """What is to be done about one instance, or why nothing is or can be."""

    kind: Kind
    """``start``, ``replace`` and ``stop`` change something. ``unchanged``: it is as the
    policy wants it. ``impossible``: RDS would refuse it. ``over_quota``: the destination
    takes no more. ``unmatched``: no rule is about it. ``unknown``: it could not be found
    out."""
    account_id: AccountId
    """Account of the instance."""
    source_region: RegionName
    """Region of the instance."""
    destination_region: RegionName | None = None
    """Region that is, or would be, called."""
    source_db_instance_arn: str | None = None
    """ARN of the instance; ``None`` if the instances could not be listed."""
    rule: str | None = None
    """Name of the policy's rule that wants it."""
    backup_retention_period: int | None = None
    """Days to keep the replicated backups."""
    kms_key_id: str | None = None
    """KMS key in the destination Region."""
    tags: dict[str, str] | None = None
    """Tags for the replicated backup."""
    observed: ObservedState | None = None
    """What it rests on; it is not done if that has changed."""
    reasons: tuple[CheckReason, ...] = ()
    """Why it is impossible, unknown or needed."""

    @model_validator(mode="after")
    def _names_what_it_changes(self) -> "PlannedAction":
        if self.changes_something:
            arn = parse_arn(self.source_db_instance_arn or "")
            place = self.account_id, self.source_region
            if arn is None or (arn.account_id, arn.region) != place:
                raise ValueError("source_db_instance_arn must be of account_id and source_region")
            if self.destination_region is None or self.observed is None:
                raise ValueError(
                    f"{self.kind} must have a destination_region, and its observed state"
                )
        return self

    def order(self) -> tuple[str, str, str, str]:
        """What actions are ordered by."""
        arn, destination = self.source_db_instance_arn or "", self.destination_region or ""
        return self.account_id, self.source_region, arn, destination

    @property
    def changes_something(self) -> bool:
        """Whether applying it sends a request that changes something."""
        return self.kind in CHANGES


class Plan(Record, frozen=True):
    """What it takes to make a fleet as a policy wants it, ordered as an audit is."""

    planned_at: AwareDatetime
    """When the planning began."""
    accounts: tuple[Account, ...]
    """How to act in the accounts."""
    actions: tuple[PlannedAction, ...]
    """One per instance."""

    @model_validator(mode="after")
    def _says_once_what_to_change(self) -> "Plan":
        accounts = {account.id for account in self.accounts}
        seen: set[tuple[str, ...]] = set()
        for action in self.changes:
            if action.account_id not in accounts:
                raise ValueError(f"the plan does not have account {action.account_id}")
            if action.order() in seen:
                raise ValueError(f"{action.source_db_instance_arn} is changed twice")
            seen.add(action.order())
        return self

    @property
    def counts(self) -> dict[Kind, int]:
        """How many actions are of each kind that occurs."""
        return dict(Counter(action.kind for action in self.actions))

    @property
    def changes(self) -> tuple[PlannedAction, ...]:
        """The actions that change something."""
        return tuple(action for action in self.actions if action.changes_something)


class ActionResult(Record, frozen=True):
    """What came of one planned action."""

    action: PlannedAction
    """The action."""
    outcome: Outcome
    """``done``. ``unchanged``: it was so already. ``refused``: its facts have changed
    since it was planned. ``failed``. ``not_attempted``: it was interrupted before."""
    message: str | None = None
    """What was said when it did not go well."""
    db_instance_automated_backups_arn: str | None = None
    """ARN of the replicated backup."""


class ApplyReport(Record, frozen=True):
    """What came of a plan: one result for each action that changes something."""

    results: tuple[ActionResult, ...]
    """In the order of the plan."""
    interrupted: bool = False
    """Whether it was interrupted, as by Ctrl-C."""

    @property
    def counts(self) -> dict[Outcome, int]:
        """How many actions had each outcome that occurs."""
        return dict(Counter(result.outcome for result in self.results))

    @property
    def is_complete(self) -> bool:
        """Whether every action was done, or found done."""
        return set(self.counts) <= {"done", "unchanged"}
