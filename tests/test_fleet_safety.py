"""A state machine of plans, applies, faults, interruptions and resumes.

However an apply ends, resuming it leaves no instance without a replication that had one before,
unless its stop was allowed.
"""

# pyright: reportPrivateUsage=false

import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

import pytest
from botocore.httpsession import URLLib3Session
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from rds_backup_replication import exceptions as errors
from rds_backup_replication.exceptions import PlanRefusedError
from rds_backup_replication.fleet import PlannedAction, Policy, apply, audit, plan, resume
from rds_backup_replication.fleet._journal import read_journal
from rds_backup_replication.fleet._journal_file import JournalFile
from rds_backup_replication.sandbox import Behavior
from rds_backup_replication.testing import instant_waits

from .fleets import ONE, Fleet
from .fuzz.figures import scaled

pytestmark = pytest.mark.long

START: Final = "start_db_instance_automated_backups_replication"
STOP: Final = "stop_db_instance_automated_backups_replication"
NAMES = ("a", "b", "c", "d")
DESTINATIONS = ("us-east-1", "eu-central-1")
Operation = Literal[
    "start_db_instance_automated_backups_replication",
    "stop_db_instance_automated_backups_replication",
    "describe_db_instance_automated_backups",
    "describe_db_instances",
]
OPERATIONS: tuple[Operation, ...] = (
    *(START, START, STOP, STOP),
    *("describe_db_instance_automated_backups", "describe_db_instances"),
)
faults = st.lists(
    st.tuples(
        st.sampled_from(OPERATIONS),
        st.sampled_from(
            [
                "lose",
                "reset",
                errors.AccessDeniedError,
                errors.ThrottlingError,
                errors.InternalFailureError,
                errors.InvalidDBInstanceStateFault,
                errors.InvalidDBInstanceAutomatedBackupStateFault,
                errors.StorageTypeNotSupportedFault,
            ]
        ),
        st.sampled_from([1, 2, 6, 500]),  # the last one stands for good
    ),
    max_size=2,
)
policies: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "days": st.sampled_from([7, 14, 21]),
        "never": st.sets(st.sampled_from(NAMES), max_size=2),
        "ignored": st.sets(st.sampled_from(NAMES), max_size=1),
        "destination": st.sampled_from([*DESTINATIONS[:1] * 3, DESTINATIONS[1]]),
        "quota": st.sampled_from([2, 20]),
        "at_once": st.integers(1, 3),
    }
)
ends = st.one_of(
    st.none(),
    st.tuples(st.just("kill"), st.integers(1, 30)),
    st.tuples(st.just("on_start"), st.integers(1, 4)),
    st.tuples(st.just("on_event"), st.integers(1, 4)),
)


class Killed(BaseException):
    """Stands for the end of the process."""


class Process:
    """Ends the process before or after one of its requests or lines."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left: int | None = None
        self.is_dead = False
        send, write = URLLib3Session.send, JournalFile[Any, Any].write
        monkeypatch.setattr(URLLib3Session, "send", self._between(send))
        monkeypatch.setattr(JournalFile, "write", self._between(write))

    def _between(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            request = arguments[1]
            if "Action=Describe" in str(getattr(request, "body", None)):
                return function(*arguments)
            self._pass()
            result = function(*arguments)
            self._pass()
            return result

        return call

    def _pass(self) -> None:
        if self.left is not None:
            self.left -= 1
            self.is_dead = self.is_dead or self.left <= 0
        if self.is_dead:
            raise Killed

    @contextmanager
    def running(self, end: tuple[str, int] | None) -> Generator[dict[str, Any]]:
        """Yield the callbacks of an apply that ends in the given way."""
        how, number = end or (None, 0)
        self.left = number if how == "kill" else None
        left = [number]

        def interrupt(_: object) -> None:
            left[0] -= 1
            if not left[0]:
                raise KeyboardInterrupt

        try:
            with suppress(Killed), instant_waits():
                yield {how: interrupt} if how in ("on_start", "on_event") else {}
        finally:
            self.left, self.is_dead = None, False


class Safety(RuleBasedStateMachine):
    """Four instances of one account, and a policy that changes."""

    fleet: ClassVar[Fleet]
    process: ClassVar[Process]
    folder: ClassVar[Path]
    steps: ClassVar[int] = 0

    @initialize(
        pending_looks=st.integers(0, 2),
        stopping_looks=st.integers(0, 2),
        answer_lag=st.integers(0, 1),
        keeps_arn=st.booleans(),
    )
    def begin(self, **behavior: Any) -> None:
        self.fleet.sandbox.reset()
        self.fleet.sandbox.behavior = Behavior(**behavior)
        self.at_once = 1
        self.ids: dict[str, str] = {}
        client = self.fleet.client(ONE[0])
        for name in NAMES:
            arn = self.fleet.add(ONE[0], "us-west-2", name)
            with instant_waits():
                started = client.ensure_replication(
                    source_db_instance_arn=arn, backup_retention_period=7
                )
            self.ids[str(started.backup.dbi_resource_id)] = name

    def live(self) -> set[str]:
        """Return the instances that replicate, whatever Describe shows."""
        return {
            self.ids[backup.facts["DbiResourceId"]]
            for region in DESTINATIONS
            for backup in self.fleet.sandbox._state.kept_in(ONE[0], region)
            if backup.live
        }

    @rule(
        wanted=policies,
        max_stops=st.sampled_from([0, 0, 1, 2]),
        chosen=faults,
        end=ends,
        end_of_resume=ends,
        later_days=st.sampled_from([7, 14, 21]),
    )
    def apply(  # noqa: PLR0917  # one for each choice of Hypothesis
        self,
        wanted: dict[str, Any],
        max_stops: int,
        chosen: list[Any],
        end: Any,
        end_of_resume: Any,
        later_days: int,
    ) -> None:
        used = policy(**wanted)
        with instant_waits():
            planned = plan(used, access=self.fleet.access)
        before, writes = self.live(), self.fleet.writes.copy()
        Safety.steps += 1
        journal = self.folder / f"journal-{Safety.steps}"
        self.add_faults(chosen)
        try:
            with self.process.running(end) as callbacks, suppress(KeyboardInterrupt):
                apply(
                    planned,
                    used,
                    access=self.fleet.access,
                    max_stops=max_stops,
                    max_concurrency=1,
                    journal=journal,
                    **callbacks,
                )
        except PlanRefusedError:
            assert len(planned.stops) > max_stops
            assert self.fleet.writes == writes
            return
        assert len(planned.stops) <= max_stops
        required = before - {name_of(action) for action in planned.stops}
        assert len(required - self.live()) <= wanted["at_once"]
        changed: dict[str, Any] = {**wanted, "days": later_days}
        later = policy(**changed)
        self.resume(journal, later, end_of_resume)
        assert len(required - self.live()) <= wanted["at_once"]
        self.fleet.sandbox._faults.clear()
        self.resume(journal, later, None)
        lost = required - self.live()
        assert lost == set(), (
            lost,
            journal.read_text(encoding="utf-8") if journal.exists() else "",
        )

    @rule(wanted=policies)
    def settle(self, wanted: dict[str, Any]) -> None:
        """Without faults, few plans suffice, and then the audit finds no problem."""
        roomy: dict[str, Any] = {**wanted, "quota": 20}
        used = policy(**roomy)
        self.fleet.sandbox._faults.clear()
        before = self.live()
        planned = None
        for _ in range(8):
            with instant_waits():
                planned = plan(used, access=self.fleet.access)
                if not planned.changes:
                    break
                apply(planned, used, access=self.fleet.access, max_stops=len(NAMES))
            for region in ("us-west-2", *DESTINATIONS):  # the statuses advance with each listing
                client = self.fleet.boto3_client(ONE[0], "rds", region)
                for _ in range(3):
                    client.describe_db_instances()
                    client.describe_db_instance_automated_backups()
        else:
            raise AssertionError(planned)
        assert before - self.live() <= wanted["never"]
        assert set(NAMES) - wanted["never"] - wanted["ignored"] <= self.live()
        states = set(audit(used, access=self.fleet.access).counts)
        assert states <= {"protected", "starting", "excluded", "ignored"}

    def resume(self, journal: Path, wanted: Policy, end: Any) -> None:
        with suppress(PlanRefusedError, OSError):
            read_journal(journal)
            with self.process.running(end) as callbacks, suppress(KeyboardInterrupt):
                resume(journal, wanted, access=self.fleet.access, max_concurrency=1, **callbacks)

    def add_faults(self, chosen: list[Any]) -> None:
        sandbox = self.fleet.sandbox
        sandbox._faults.clear()
        for operation, kind, times in chosen:
            if kind == "lose":
                sandbox.lose_answer(operation, times=times)
            elif kind == "reset":
                sandbox.reset_connection(operation, times=times)
            else:
                sandbox.add_fault(operation, kind, times=times)


def name_of(action: PlannedAction) -> str:
    return str(action.source_db_instance_arn).rpartition(":")[2]


def policy(
    *, days: int, never: set[str], ignored: set[str], destination: str, quota: int, at_once: int
) -> Policy:
    regions = {"source_regions": ["us-west-2"], "destination_region": destination}
    rules: list[dict[str, Any]] = [
        {
            "name": replicate,
            **regions,
            "select": {"identifiers": sorted(names)},
            "replicate": replicate,
        }
        for replicate, names in (("ignore", ignored), ("never", never - ignored))
        if names
    ]
    rules.append({"name": "all", **regions, "backup_retention_period": days})
    role = f"arn:aws:iam::{ONE[0]}:role/audit"
    return Policy.from_dict(
        {
            "accounts": [{"id": ONE[0], "role_arn": role}],
            "rules": rules,
            "replication_quota": quota,
            "limits": {"at_once": at_once},
        }
    )


@pytest.mark.usefixtures("no_backoff")
def test_no_instance_loses_its_replication(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Safety.fleet, Safety.folder = fleet, Path(folder)
        Safety.process = Process(monkeypatch)
        run_state_machine_as_test(
            Safety,
            settings=settings(
                max_examples=5 + scaled(2),
                stateful_step_count=5,
                deadline=None,
                derandomize=scaled(1) == 1,
                suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much),
            ),
        )
