"""How an apply runs: interruptions, events and workers."""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from queue import SimpleQueue
from typing import Any

import pytest

from rds_backup_replication.fleet import (
    ActionResult,
    Plan,
    PlannedAction,
    Policy,
    apply,
    plan,
)
from rds_backup_replication.fleet._parallel import map_in_order

from .apply_cases import add_instances
from .fleets import ACCOUNTS, ONE, Fleet, policy

pytestmark = pytest.mark.once


def interrupt() -> None:
    """Send this process the signal of Ctrl-C."""
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_while_batches_are_submitted(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """No action starts after Ctrl-C, even if batches are still being submitted."""
    arns = add_instances(fleet, 6)
    wanted = policy()
    planned = plan(wanted, access=fleet.access)
    handled = threading.Event()

    def handle(*_: object) -> None:
        handled.set()
        raise KeyboardInterrupt

    class Pool(ThreadPoolExecutor):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            if "Batch(" in repr(fn) and ACCOUNTS[1] in repr(fn):
                interrupt()
            return super().submit(fn, *args, **kwargs)

    monkeypatch.setattr("rds_backup_replication.fleet._runner.ThreadPoolExecutor", Pool)
    # The system may deliver the signal to another thread. The main thread runs the handler later.
    fleet.before_write = lambda _: handled.wait(20)
    before = signal.signal(signal.SIGINT, handle)
    try:
        report = apply(planned, wanted, access=fleet.access, max_concurrency=1)
    finally:
        signal.signal(signal.SIGINT, before)
    assert report.interrupted
    assert report.counts["not_attempted"] >= 6
    assert report.counts.get("done", 0) == fleet.writes.total()
    assert len(report.results) == len(arns)


def test_ctrl_c_in_on_event_loses_no_result(fleet: Fleet) -> None:
    add_instances(fleet, 3)
    events: list[ActionResult] = []

    def record(result: ActionResult) -> None:
        events.append(result)
        if len(events) == 2:
            interrupt()

    report = apply(
        plan(policy(), access=fleet.access), policy(), access=fleet.access, on_event=record
    )
    assert report.interrupted
    by_arn = {str(result.action.source_db_instance_arn): result for result in events}
    assert len(events) == len(by_arn) == 9
    assert set(by_arn.values()) == set(report.results)
    # All actions may have been running already.
    assert report.is_complete is (report.counts == {"done": 9})


def test_on_start_gets_each_action_that_begins(fleet: Fleet) -> None:
    add_instances(fleet, 3)
    begun: list[PlannedAction] = []
    finished: list[ActionResult] = []
    come_first: list[bool] = []
    fleet.before_write = lambda writes: come_first.append(len(begun) > writes)

    def record(result: ActionResult) -> None:
        finished.append(result)
        if len(finished) == 1:
            interrupt()

    report = apply(
        plan(policy(), access=fleet.access),
        policy(),
        access=fleet.access,
        on_start=begun.append,
        on_event=record,
        max_concurrency=1,
    )
    assert come_first
    assert all(come_first)
    assert {action.sort_key() for action in begun} == {
        result.action.sort_key() for result in report.results if result.outcome != "not_attempted"
    }


def test_second_ctrl_c_raises_keyboard_interrupt(fleet: Fleet) -> None:
    add_instances(fleet, 3)
    wanted = policy()
    planned = plan(wanted, access=fleet.access)
    with pytest.raises(KeyboardInterrupt):
        apply(
            planned, wanted, access=fleet.access, on_event=lambda _: interrupt(), max_concurrency=1
        )
    assert fleet.writes.total() < 9


def test_ctrl_c_at_the_end_of_events_ends_the_wait(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_instances(fleet, 1, ONE)
    wanted = policy(ONE)
    planned = plan(wanted, access=fleet.access)
    ends: list[None] = []

    class Interrupted(SimpleQueue[object]):
        def get(self, block: bool = True, timeout: float | None = None) -> object:  # noqa: FBT001, FBT002
            result = super().get(block, timeout)
            if result is None:
                ends.append(None)
                raise KeyboardInterrupt
            return result

    monkeypatch.setattr("rds_backup_replication.fleet._apply.SimpleQueue", Interrupted)
    report = apply(planned, wanted, access=fleet.access)
    assert len(ends) == 1
    assert report.interrupted
    assert report.counts == {"done": 1}


def test_failing_on_event_stops_apply(fleet: Fleet) -> None:
    add_instances(fleet, 6, ONE)
    wanted = policy(ONE)
    planned = plan(wanted, access=fleet.access)

    def fail(_: ActionResult) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        apply(planned, wanted, access=fleet.access, on_event=fail, max_concurrency=1)
    assert fleet.writes.total() < 6


def test_on_event_runs_while_actions_run(fleet: Fleet) -> None:
    """The first result is reported before the second action ends."""
    add_instances(fleet, 2, ONE)
    reported = threading.Event()
    in_time: list[bool] = []

    def wait(writes: int) -> None:
        if writes == 1:
            in_time.append(reported.wait(20))

    fleet.before_write = wait
    wanted = policy(ONE)
    planned = plan(wanted, access=fleet.access)
    apply(
        planned, wanted, access=fleet.access, on_event=lambda _: reported.set(), max_concurrency=1
    )
    assert in_time == [True]


def test_apply_respects_max_concurrency(fleet: Fleet) -> None:
    add_instances(fleet, 6, ONE)
    lock, running, maximum = threading.Lock(), [0], [0]
    both = threading.Barrier(2, timeout=20)

    def enter(_: int) -> None:
        with lock:
            running[0] += 1
            maximum[0] = max(maximum[0], running[0])
        both.wait()  # until two actions are running
        with lock:
            running[0] -= 1

    fleet.before_write = enter
    report = apply(
        plan(policy(ONE), access=fleet.access), policy(ONE), access=fleet.access, max_concurrency=2
    )
    assert report.counts == {"done": 6}
    assert maximum == [2]


def apply_and_lose_worker(fleet: Fleet, planned: Plan, wanted: Policy) -> None:
    """Apply a plan in a worker process that is killed after its first start."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:

        def kill(writes: int) -> None:
            if writes == 1:
                for pid in list(executor._processes):
                    os.kill(pid, signal.SIGKILL)

        fleet.before_write = kill
        report = apply(planned, wanted, access=fleet.access, executor=executor, max_concurrency=1)
    assert report.counts == {"failed": 6}
    assert all("Apply the plan again" in str(result.message) for result in report.results)


def test_apply_again_after_lost_worker(fleet: Fleet) -> None:
    """The actions of a lost worker fail. Applying the plan again starts nothing twice."""
    arns = add_instances(fleet, 3, ACCOUNTS[:2])
    wanted = policy(ACCOUNTS[:2])
    planned = plan(wanted, access=fleet.access)
    apply_and_lose_worker(fleet, planned, wanted)
    fleet.before_write = None
    assert apply(planned, wanted, access=fleet.access).is_complete
    assert fleet.writes == {("start", arn): 1 for arn in arns}


def test_executor_shut_down_during_apply(fleet: Fleet) -> None:
    """If the executor refuses a batch, only the actions of this batch fail."""
    add_instances(fleet, 1)

    class ShutDownEarly(Executor):
        def __init__(self) -> None:
            self.submitted = 0

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            self.submitted += 1
            if self.submitted == 3:
                raise RuntimeError("cannot schedule new futures after shutdown")
            future: Future[Any] = Future()
            future.set_result(fn(*args, **kwargs))
            return future

    events: list[ActionResult] = []
    report = apply(
        plan(policy(), access=fleet.access),
        policy(),
        access=fleet.access,
        executor=ShutDownEarly(),
        on_event=events.append,
    )
    assert report.counts == {"done": 2, "failed": 1}
    assert sorted(events, key=lambda event: event.action.sort_key()) == list(report.results)
    assert "cannot schedule" in str(report.results[2].message)


def test_slow_task_does_not_delay_others() -> None:
    ended = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert ended.wait(20)
        if number == 59:
            ended.set()
        return number

    found = map_in_order(work, range(60), None, on_progress=None, max_pending=None)
    assert list(found) == list(range(60))
