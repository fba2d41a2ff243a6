"""Instances of a fleet, plans made by hand, and a stand-in for RDS, for the tests of apply."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from rds_backup_replication.fleet import ActionResult, ObservedState, Plan, PlannedAction, Policy
from rds_backup_replication.fleet._destination import InstanceIdentity
from rds_backup_replication.fleet._plan_records import Kind

from .fleets import ACCOUNTS, Fleet

ACCOUNT = "123456789012"
RULES = """
rules:
  - {name: production, source_regions: [us-west-2], destination_region: us-east-1}
  - name: scratch
    source_regions: [us-west-2]
    destination_region: us-east-1
    replicate: never
  - {name: moved, source_regions: [us-west-2], destination_region: eu-west-1}
"""
"""The rules that ask for the actions made here."""


def add_instances(fleet: Fleet, count: int, accounts: tuple[str, ...] = ACCOUNTS) -> list[str]:
    """Add instances to one Region of each account; return their ARNs."""
    return [fleet.add(a, "us-west-2", f"db-{n:02}") for a in accounts for n in range(count)]


def action(
    kind: Kind,
    name: str,
    *,
    account_id: str = ACCOUNT,
    days: int = 14,
    kms_key_id: str | None = None,
    moved_to: str | None = None,
) -> PlannedAction:
    """Return an action to us-east-1 for an instance in us-west-2."""
    return PlannedAction(
        kind=kind,
        account_id=account_id,
        source_region="us-west-2",
        destination_region="us-east-1",
        moved_to=moved_to,
        source_db_instance_arn=f"arn:aws:rds:us-west-2:{account_id}:db:{name}",
        maximum_lag=timedelta(days=36_500) if moved_to else None,
        rule="moved" if moved_to else "scratch" if kind == "stop" else "production",
        backup_retention_period=days,
        kms_key_id=kms_key_id,
        observed=ObservedState(dbi_resource_id=f"db-{name.upper()}"),
    )


def replacement(name: str, *, days: int = 14, kms_key_id: str | None = None) -> PlannedAction:
    """Return a replacement."""
    return action("replace", name, days=days, kms_key_id=kms_key_id)


def stop(name: str, *, moved_to: str | None = None) -> PlannedAction:
    """Return a stop."""
    return action("stop", name, moved_to=moved_to)


def make_plan(policy: Policy, *actions: PlannedAction, planned_at: datetime | None = None) -> Plan:
    """Return a plan of the policy, from now if no time is given."""
    return Plan(
        planned_at=planned_at or datetime.now(timezone.utc),
        policy_hash=policy.content_hash,
        accounts=tuple(sorted({each.account_id for each in actions})),
        actions=actions,
    )


def name_of(action: PlannedAction) -> str:
    """Return the instance's name."""
    return str(action.source_db_instance_arn).rpartition(":")[2]


class AppliedActions:
    """Applies actions without RDS: each is ``done``, unless ``outcomes`` has its name.

    ``during`` is called while an action is in progress, with its name.
    """

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.cut_off: set[str] = set()
        self.outcomes: dict[str, ActionResult | Exception] = {}
        self.during: Callable[[str], object] = lambda _: None
        self.running = 0
        self.most_at_once = 0
        self._lock = threading.Lock()

    def fail(self, name: str, *, is_protected: bool | None, kind: Kind = "replace") -> None:
        """Let the action of an instance fail."""
        self.outcomes[name] = ActionResult(
            action=action(kind, name),
            outcome="failed",
            message="Denied.",
            is_protected=is_protected,
        )

    def apply(self, *arguments: object, was_cut_off: bool, **_: object) -> ActionResult:
        """Take the place of ``apply_action``."""
        planned = arguments[2]
        assert isinstance(planned, PlannedAction)
        name = name_of(planned)
        with self._lock:
            self.begun.append(name)
            self.running += 1
            self.most_at_once = max(self.most_at_once, self.running)
        self.during(name)
        with self._lock:
            self.running -= 1
        if was_cut_off:
            self.cut_off.add(name)
        outcome = self.outcomes.get(name) or ActionResult(action=planned, outcome="done")
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class _Reader:
    """Takes the place of ``DestinationReader``, and finds nothing."""

    context = None

    def __init__(self, _destination: object) -> None: ...

    def list_backups(self) -> None: ...

    def iter_identities(self, _source_region: str) -> Iterator[InstanceIdentity]:
        return iter(())


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> AppliedActions:
    """Let actions be applied without RDS."""
    actions = AppliedActions()
    module = "rds_backup_replication.fleet._batches"
    monkeypatch.setattr(f"{module}.apply_action", actions.apply)
    monkeypatch.setattr(f"{module}.DestinationReader", _Reader)
    return actions


class Immediate(Executor):
    """Runs each task when it is submitted, and counts the tasks."""

    def __init__(self) -> None:
        self.tasks: list[int] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            results = fn(*args, **kwargs)
        except Exception as error:  # noqa: BLE001
            future.set_exception(error)
        else:
            self.tasks.append(len(results))
            future.set_result(results)
        return future
