"""The records of a plan and of its results; each can be dumped to JSON and read back."""

from collections import Counter
from datetime import timedelta
from typing import Literal

from pydantic import AwareDatetime, model_validator

from .._arn import parse_arn
from .._models._fields import RegionName
from ._policy_fields import AccountId
from ._records import Finding, FleetReason, Record

Kind = Literal[
    "start",
    "replace",
    "move",
    "stop",
    "unchanged",
    "impossible",
    "over_quota",
    "unmatched",
    "unknown",
]
CHANGES: tuple[Kind, ...] = ("start", "replace", "move", "stop")
"""The kinds of planned actions that change a replication."""

Outcome = Literal["done", "unchanged", "refused", "failed", "not_attempted"]


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
    """``start``, ``replace``, ``move`` and ``stop`` change a replication; a ``move`` starts one
    in the rule's destination, and a later plan stops the one elsewhere. ``unchanged``: the
    instance already conforms to the policy. ``impossible``: RDS would refuse the change.
    ``over_quota``: the destination's quota has no room. ``unmatched``: no rule matches.
    ``unknown``: the required action could not be determined. An instance that its rule ignores has
    no action."""
    account_id: AccountId
    """Account of the instance."""
    source_region: RegionName
    """Region of the instance."""
    destination_region: RegionName | None = None
    """Destination Region, which receives the request; ``None`` if no rule matches."""
    moved_to: RegionName | None = None
    """For the stop that ends a move: the Region whose replication takes the place of this one."""
    maximum_lag: timedelta | None = None
    """For the stop that ends a move: the longest lag allowed of that other replication."""
    source_db_instance_arn: str | None = None
    """ARN of the instance; ``None`` if the Region could not be listed."""
    rule: str | None = None
    """Name of the rule that matches the instance; ``None`` if no rule matches."""
    backup_retention_period: int | None = None
    """For a start, replacement or move: days to keep the backups; RDS's default if ``None``."""
    kms_key_id: str | None = None
    """For a start, replacement or move: KMS key in the destination, if the instance is
    encrypted."""
    tags: dict[str, str] | None = None
    """For a start, replacement or move: tags for the replicated backup."""
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
    policy_hash: str
    """Hash of the policy without its accounts' roles; only this policy may be applied."""
    accounts: tuple[AccountId, ...]
    """Accounts of the fleet. The policy has their roles."""
    actions: tuple[PlannedAction, ...]
    """One action per instance, ordered by account, source Region and ARN, and one for each
    replication that a move leaves behind."""
    findings: tuple[Finding, ...] = ()
    """Questions about whole accounts that AWS did not answer."""

    @model_validator(mode="after")
    def _check_changes(self) -> "Plan":
        accounts = set(self.accounts)
        changed: set[tuple[str, ...]] = set()
        for action in self.changes:
            if action.account_id not in accounts:
                raise ValueError(f"account {action.account_id} is not in the plan's accounts")
            if action.sort_key() in changed:
                raise ValueError(f"the plan changes {action.source_db_instance_arn} more than once")
            changed.add(action.sort_key())
        for action in self.changes:
            if action.moved_to is not None:
                there = (*action.sort_key()[:3], action.moved_to)
                if action.kind != "stop" or there in changed:
                    raise ValueError(
                        f"the plan changes {action.source_db_instance_arn} in {action.moved_to}, "
                        "which takes the place of a stopped replication"
                    )
        return self

    @property
    def counts(self) -> dict[Kind, int]:
        """Return the number of actions of each kind that occurs."""
        return dict(Counter(action.kind for action in self.actions))

    @property
    def changes(self) -> tuple[PlannedAction, ...]:
        """Return the actions that change a replication."""
        return tuple(action for action in self.actions if action.changes_something)

    @property
    def stops(self) -> tuple[PlannedAction, ...]:
        """Return the stops that count against ``limits.stops``: not those that end a move."""
        return tuple(a for a in self.actions if a.kind == "stop" and a.moved_to is None)

    @property
    def replacements(self) -> tuple[PlannedAction, ...]:
        """Return the replacements."""
        return tuple(action for action in self.actions if action.kind == "replace")


class ActionResult(Record, frozen=True):
    """The result of one planned action."""

    action: PlannedAction
    """The planned action."""
    outcome: Outcome
    """``done``: the action succeeded. ``unchanged``: nothing was left to do. ``refused``:
    the observed state has changed since the plan was made. ``failed``: the action raised
    an error. ``not_attempted``: an interruption came first, or ``message`` says why."""
    message: str | None = None
    """Why the action was refused, failed or not attempted."""
    is_protected: bool | None = None
    """For a failed replacement: whether the instance replicates; ``None`` if that is unknown."""
    db_instance_automated_backups_arn: str | None = None
    """ARN of the replicated backup."""

    @property
    def may_be_unprotected(self) -> bool:
        """Return whether a failed replacement may have left the instance without a replication."""
        return (
            self.action.kind == "replace"
            and self.outcome == "failed"
            and self.is_protected is not True
        )


class ApplyReport(Record, frozen=True):
    """The results of applying a plan."""

    results: tuple[ActionResult, ...]
    """One result for each action that changes a replication, in the order of the plan."""
    interrupted: bool = False
    """Whether Ctrl-C or another signal interrupted the run."""

    @property
    def counts(self) -> dict[Outcome, int]:
        """Return the number of results with each outcome that occurs."""
        return dict(Counter(result.outcome for result in self.results))

    @property
    def is_complete(self) -> bool:
        """Return whether every action is ``done`` or ``unchanged``."""
        return set(self.counts) <= {"done", "unchanged"}
