"""A state machine of policies, plans, faults and interruptions of a whole fleet.

After each step it holds: no instance has lost its replication, unless a stop was allowed.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.httpsession import URLLib3Session
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from rds_backup_replication.exceptions import PlanRefusedError
from rds_backup_replication.fleet import Access, Plan, Policy, apply, audit, plan, resume
from rds_backup_replication.sandbox import Behavior, Sandbox

from .figures import FIGURES
from .model import ACCOUNT, DESTINATION, SOURCE
from .protection import faults

ELSEWHERE = "eu-central-1"
NAMES = ("a", "b", "c", "d")
policies = st.fixed_dictionaries(
    {
        "days": st.sampled_from([1, 3, 7]),
        "destination": st.sampled_from([DESTINATION, DESTINATION, DESTINATION, ELSEWHERE]),
        "never": st.sets(st.sampled_from(NAMES), max_size=2),
        "ignored": st.sets(st.sampled_from(NAMES), max_size=1),
        "quota": st.sampled_from([2, 20]),
        "at_once": st.sampled_from([1, 3]),
    }
)


class Killed(BaseException):
    """The process ends here, as by SIGKILL."""


class Kill:
    """Ends the process, in effect, at one of its requests: no thread sends any more."""

    def __init__(self, at: int | None, *, is_sent: bool) -> None:
        self.at = at
        self.is_sent = is_sent
        self.count = 0

    def send(self, session: URLLib3Session, request: Any) -> Any:
        self.count += 1
        if self.at is None or self.count < self.at:
            return _SEND(session, request)
        if self.is_sent and self.count == self.at:
            _SEND(session, request)
        raise Killed


_SEND: Callable[[URLLib3Session, Any], Any] = URLLib3Session.send
_NEVER = Kill(None, is_sent=False)


class FleetSafety(RuleBasedStateMachine):
    """Four instances, whose policy changes, while plans are applied, killed and resumed."""

    sandbox: Sandbox  # the test sets it once for all examples
    kill = _NEVER

    @initialize(pending_looks=st.integers(0, 3), stopping_looks=st.integers(0, 2), days=st.just(7))
    def begin(self, pending_looks: int, stopping_looks: int, days: int) -> None:
        self.sandbox.reset()
        self.sandbox.behavior = Behavior(pending_looks=pending_looks, stopping_looks=stopping_looks)
        self.access = Access(endpoint_url=self.sandbox.endpoint_url)
        for name in NAMES:
            self.sandbox.create_db_instance(SOURCE, name)
        for name in NAMES[:3]:
            self.sandbox.client(DESTINATION).start_db_instance_automated_backups_replication(
                source_db_instance_arn=f"arn:aws:rds:{SOURCE}:{ACCOUNT}:db:{name}",
                backup_retention_period=days,
            )

    @invariant()
    def count(self) -> None:
        FIGURES["steps of the fleet's safety machine"] += 1

    def protected(self) -> set[str]:
        """Return the names of the instances that replicate to any Region."""
        state = self.sandbox._state  # pyright: ignore[reportPrivateUsage]
        return {
            str(backup.facts["DBInstanceIdentifier"])
            for region in (DESTINATION, ELSEWHERE)
            for backup in state.kept_in(ACCOUNT, region)
            if backup.live
        }

    def add_faults(self, chosen: list[tuple[Any, Any, int]]) -> None:
        self.sandbox._faults.clear()  # pyright: ignore[reportPrivateUsage]
        for operation, kind, times in chosen:
            if kind == "lose":
                self.sandbox.lose_answer(operation, times=times)
            elif kind == "reset":
                self.sandbox.reset_connection(operation, times=times)
            else:
                self.sandbox.add_fault(operation, kind, times=times)

    @rule(
        wanted=policies,
        chosen=faults,
        max_stops=st.sampled_from([0, 0, 1, 4]),
        kill_at=st.none() | st.integers(1, 40),
        is_sent=st.booleans(),
        interrupt_at=st.none() | st.integers(1, 4),
    )
    def change(  # noqa: PLR0917  # one for each choice of Hypothesis
        self,
        wanted: dict[str, Any],
        chosen: list[Any],
        max_stops: int,
        kill_at: int | None,
        is_sent: bool,  # noqa: FBT001
        interrupt_at: int | None,
    ) -> None:
        policy = make_policy(**wanted)
        before = self.protected()
        planned = plan(policy, access=self.access)
        may_stop = names_of(planned, "stop")
        assert may_stop <= before
        begun = 0

        def interrupt(_: object) -> None:
            nonlocal begun
            begun += 1
            if begun == interrupt_at:
                raise KeyboardInterrupt

        with tempfile.TemporaryDirectory() as folder:
            journal = Path(folder) / "journal"
            self.add_faults(chosen)
            FleetSafety.kill = Kill(kill_at, is_sent=is_sent)
            try:
                apply(
                    planned,
                    policy,
                    access=self.access,
                    journal=journal,
                    max_stops=max_stops,
                    on_event=interrupt,
                )
            except PlanRefusedError:
                assert len(planned.stops) > max_stops
                assert self.protected() == before
                return
            except (Killed, KeyboardInterrupt):
                pass
            finally:
                FleetSafety.kill = _NEVER
                self.add_faults([])
            assert len(planned.stops) <= max_stops
            lost = before - self.protected() - may_stop
            # One replacement at a time may be between its stop and its start, or have failed.
            assert len(lost) <= wanted["at_once"], lost
            report = resume(journal, policy, access=self.access)
            again = resume(journal, policy, access=self.access)
        assert before - self.protected() <= may_stop, (before, self.protected(), report.counts)
        assert {r.outcome for r in again.results} <= {"done", "unchanged", "refused", "failed"}

    @rule(wanted=policies)
    def plan_settles(self, wanted: dict[str, Any]) -> None:
        """Without faults, few plans suffice, and then nothing is left to change."""
        policy = make_policy(**{**wanted, "quota": 20})
        before = self.protected()
        history: list[object] = []
        for _ in range(6):
            planned = plan(policy, access=self.access)
            history.append([(a.kind, a.reasons) for a in planned.actions])
            if not planned.changes:
                break
            report = apply(planned, policy, access=self.access, max_stops=4)
            history.append([(r.outcome, r.message) for r in report.results])
            self.settle()
        else:
            raise AssertionError(history)
        assert before - self.protected() <= wanted["never"], history
        missing = set(NAMES) - wanted["never"] - wanted["ignored"] - self.protected()
        assert not missing, history
        states = audit(policy, access=self.access).counts
        assert set(states) <= {"protected", "starting", "excluded", "ignored"}, states

    def settle(self) -> None:
        for region in (DESTINATION, ELSEWHERE):
            client = self.sandbox.client(region)
            for _ in range(4):
                list(client.describe_db_instance_automated_backups())
        source = self.sandbox.boto3_client("rds", SOURCE)
        for _ in range(3):
            source.describe_db_instances()


def names_of(planned: Plan, kind: str) -> set[str]:
    """Return the names of the instances with an action of a kind that may end their protection."""
    return {
        str(action.source_db_instance_arn).rpartition(":")[2]
        for action in planned.actions
        if action.kind == kind and action.moved_to is None
    }


def make_policy(
    *,
    days: int,
    destination: str,
    never: set[str],
    ignored: set[str],
    quota: int,
    at_once: int,
) -> Policy:
    regions = {"source_regions": [SOURCE], "destination_region": destination}
    rules: list[dict[str, Any]] = []
    for replicate, names in (("ignore", ignored), ("never", never)):
        if names:
            rules.append(
                {
                    "name": replicate,
                    **regions,
                    "select": {"identifiers": sorted(names)},
                    "replicate": replicate,
                }
            )
    rules.append({"name": "all", **regions, "backup_retention_period": days})
    return Policy.from_dict(
        {
            "accounts": [{"id": ACCOUNT}],
            "rules": rules,
            "replication_quota": quota,
            "limits": {"at_once": at_once},
        }
    )
