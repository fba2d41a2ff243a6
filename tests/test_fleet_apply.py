"""Applying plans while users interrupt, workers fail and the fleet changes."""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from datetime import datetime, timezone
from multiprocessing import get_context
from queue import SimpleQueue
from typing import Any

import pytest

from rds_backup_replication.fleet import (  # pyright: ignore[reportPrivateUsage]
    ActionResult,
    Plan,
    Policy,
    apply,
    audit,
    iter_audit,
    plan,
)
from rds_backup_replication.fleet._parallel import map_in_order
from rds_backup_replication.sandbox import Behavior
from rds_backup_replication.testing import instant_waits

from .fleets import ACCOUNTS, DESTINATION, Fleet, policy

ONE = ACCOUNTS[:1]
NEVER = "    replicate: never\n"


def add_instances(fleet: Fleet, count: int, accounts: tuple[str, ...] = ACCOUNTS) -> list[str]:
    """Add instances to one Region of each account; return their ARNs."""
    return [fleet.add(a, "us-west-2", f"db-{n:02}") for a in accounts for n in range(count)]


def interrupt() -> None:
    """Send this process the signal of Ctrl-C."""
    os.kill(os.getpid(), signal.SIGINT)


# Interruptions


def test_ctrl_c_while_batches_are_submitted(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """No action starts after Ctrl-C, even if batches are still being submitted."""
    arns = add_instances(fleet, 6)
    planned = plan(policy(), access=fleet.access)
    handled = threading.Event()

    def handle(*_: object) -> None:
        handled.set()
        raise KeyboardInterrupt

    class Pool(ThreadPoolExecutor):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            if repr(args[:1]).startswith("(_Batch(") and ACCOUNTS[1] in repr(args[0]):
                interrupt()
            return super().submit(fn, *args, **kwargs)

    monkeypatch.setattr("rds_backup_replication.fleet._apply.ThreadPoolExecutor", Pool)
    # The system may deliver the signal to another thread. The main thread runs the handler later.
    fleet.before_write = lambda _: handled.wait(20)
    before = signal.signal(signal.SIGINT, handle)
    try:
        report = apply(planned, access=fleet.access, max_concurrency=1)
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

    report = apply(plan(policy(), access=fleet.access), access=fleet.access, on_event=record)
    assert report.interrupted
    by_arn = {str(result.action.source_db_instance_arn): result for result in events}
    assert len(events) == len(by_arn) == 9
    assert set(by_arn.values()) == set(report.results)
    # All actions may have been running already.
    assert report.is_complete is (report.counts == {"done": 9})


def test_second_ctrl_c_raises_keyboard_interrupt(fleet: Fleet) -> None:
    add_instances(fleet, 3)
    planned = plan(policy(), access=fleet.access)
    with pytest.raises(KeyboardInterrupt):
        apply(planned, access=fleet.access, on_event=lambda _: interrupt(), max_concurrency=1)
    assert fleet.writes.total() < 9


def test_ctrl_c_at_the_end_of_events_ends_the_wait(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_instances(fleet, 1, ONE)
    planned = plan(policy(ONE), access=fleet.access)
    ends: list[None] = []

    class Interrupted(SimpleQueue[object]):
        def get(self, block: bool = True, timeout: float | None = None) -> object:  # noqa: FBT001, FBT002
            result = super().get(block, timeout)
            if result is None:
                ends.append(None)
                raise KeyboardInterrupt
            return result

    monkeypatch.setattr("rds_backup_replication.fleet._apply.SimpleQueue", Interrupted)
    report = apply(planned, access=fleet.access)
    assert len(ends) == 1
    assert report.interrupted
    assert report.counts == {"done": 1}


def test_failing_on_event_stops_apply(fleet: Fleet) -> None:
    add_instances(fleet, 6, ONE)
    planned = plan(policy(ONE), access=fleet.access)

    def fail(_: ActionResult) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        apply(planned, access=fleet.access, on_event=fail, max_concurrency=1)
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
    planned = plan(policy(ONE), access=fleet.access)
    apply(planned, access=fleet.access, on_event=lambda _: reported.set(), max_concurrency=1)
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
    report = apply(plan(policy(ONE), access=fleet.access), access=fleet.access, max_concurrency=2)
    assert report.counts == {"done": 6}
    assert maximum == [2]


# Workers


def apply_and_lose_worker(fleet: Fleet, planned: Plan) -> None:
    """Apply a plan in a worker process that is killed after its first start."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:

        def kill(writes: int) -> None:
            if writes == 1:
                for pid in list(executor._processes):
                    os.kill(pid, signal.SIGKILL)

        fleet.before_write = kill
        report = apply(planned, access=fleet.access, executor=executor, max_concurrency=1)
    assert report.counts == {"failed": 6}
    assert all("Apply the plan again" in str(result.message) for result in report.results)


def test_apply_again_after_lost_worker(fleet: Fleet) -> None:
    """The actions of a lost worker fail. Applying the plan again starts nothing twice."""
    arns = add_instances(fleet, 3, ACCOUNTS[:2])
    planned = plan(policy(ACCOUNTS[:2]), access=fleet.access)
    apply_and_lose_worker(fleet, planned)
    fleet.before_write = None
    assert apply(planned, access=fleet.access).is_complete
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
        access=fleet.access,
        executor=ShutDownEarly(),
        on_event=events.append,
    )
    assert report.counts == {"done": 2, "failed": 1}
    assert events == list(report.results)
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


# Changes since the plan


def test_apply_refuses_instance_recreated_meanwhile(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start is refused if its instance was re-created while other actions ran."""
    # Every listing is too old.
    monkeypatch.setattr("rds_backup_replication.fleet._actions._MAX_LISTING_AGE", 0)
    add_instances(fleet, 2, ONE)
    planned = plan(policy(ONE), access=fleet.access)

    def recreate(writes: int) -> None:
        if writes == 0:
            rds: Any = fleet.client(ONE[0], "us-west-2").client
            rds.delete_db_instance(DBInstanceIdentifier="db-01", SkipFinalSnapshot=True)
            fleet.add(ONE[0], "us-west-2", "db-01", tags={"env": "scratch"})

    fleet.before_write = recreate
    report = apply(planned, access=fleet.access, max_concurrency=1)
    assert [r.outcome for r in report.results] == ["done", "refused"]
    assert "Another instance" in str(report.results[1].message)


def test_apply_refuses_stop_after_change(fleet: Fleet) -> None:
    """A stop is refused if somebody else has replaced the replication since the plan."""
    arns = add_instances(fleet, 3, ONE)
    client = fleet.client(ONE[0])
    for arn in arns:
        client.ensure_replication(source_db_instance_arn=arn, backup_retention_period=3)
    planned = plan(policy(ONE, more=NEVER), access=fleet.access)
    with instant_waits():
        client.ensure_replication(
            source_db_instance_arn=arns[2], backup_retention_period=35, replace=True
        )
        report = apply(planned, access=fleet.access, max_concurrency=1)
    assert [r.outcome for r in report.results] == ["done", "done", "refused"]
    active = client.find_replicated_backup(source_db_instance_arn=arns[2])
    assert active is not None
    assert active.backup_retention_period == 35


@pytest.mark.parametrize(
    "field", ["db_instance_automated_backups_arn", "backup_retention_period", "kms_key_id"]
)
def test_apply_compares_each_observed_field(fleet: Fleet, field: str) -> None:
    """A stop and a replacement are refused if any field of the observed state differs."""
    (arn,) = add_instances(fleet, 1, ONE)
    fleet.client(ONE[0]).ensure_replication(source_db_instance_arn=arn, backup_retention_period=3)
    for more in (NEVER, ""):  # a stop, and a replacement
        planned = plan(policy(ONE, more=more), access=fleet.access)
        (action,) = planned.changes
        assert action.observed is not None
        other: Any = 4 if field == "backup_retention_period" else "other"
        observed = action.observed.model_copy(update={field: other})
        tampered = planned.model_copy(
            update={"actions": (action.model_copy(update={"observed": observed}),)}
        )
        assert apply(tampered, access=fleet.access).counts == {"refused": 1}


def test_no_key_replacement_beside_copies(fleet: Fleet) -> None:
    """A key is not replaced while copies under the old key exist, as RDS would refuse the start."""
    fleet.sandbox.behavior = Behavior(pending_looks=3, stopping_looks=0, shifting_case=False)
    arn = fleet.add(ONE[0], "us-west-2", "vault", storage_encrypted=True)
    kms = fleet.boto3_client(ONE[0], "kms", DESTINATION)
    keys = [kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2)]
    client = fleet.client(ONE[0])

    def start() -> None:
        client.ensure_replication(
            source_db_instance_arn=arn, kms_key_id=keys[0], backup_retention_period=14
        )

    start()
    wanted = policy(ONE, more=f"    kms_key_id: {keys[1]}\n")
    planned = plan(wanted, access=fleet.access)
    assert planned.counts == {"replace": 1}
    for _ in range(4):  # until the backup replicates and has copies under the key
        client.find_replicated_backup(source_db_instance_arn=arn)
    fleet.writes.clear()
    with instant_waits():
        assert apply(planned, access=fleet.access).counts == {"refused": 1}
    assert not fleet.writes
    client.ensure_stopped(source_db_instance_arn=arn)
    start()  # a pending backup beside retained copies
    assert plan(wanted, access=fleet.access).counts == {"impossible": 1}


def test_started_backup_has_policy_tags(fleet: Fleet) -> None:
    (arn,) = add_instances(fleet, 1, ONE)
    wanted = policy(ONE, more="    tags: {owner: platform}\n")
    assert apply(plan(wanted, access=fleet.access), access=fleet.access).is_complete
    active = fleet.client(ONE[0]).find_replicated_backup(source_db_instance_arn=arn)
    assert active is not None
    assert [(tag.key, tag.value) for tag in active.tag_list or ()] == [("owner", "platform")]


def test_planned_stop_frees_no_quota(fleet: Fleet) -> None:
    """A planned stop frees quota for the next plan, not for the same plan."""
    fleet.sandbox.behavior = Behavior(pending_looks=0, stopping_looks=0, quota=1)
    fleet.add(ONE[0], "us-west-2", "aaa")
    old = fleet.add(ONE[0], "us-west-2", "tmp-1", tags={"env": "tmp"})
    fleet.client(ONE[0]).ensure_replication(source_db_instance_arn=old)
    never = "  - {name: t, source_regions: [us-west-2], destination_region: us-east-1"
    wanted = policy(ONE, quota=1, more=f"{never}, replicate: never}}\n")
    planned = plan(wanted, access=fleet.access)
    assert planned.counts == {"over_quota": 1, "stop": 1}
    assert "plan again" in planned.actions[0].reasons[0].remedy
    assert apply(planned, access=fleet.access).counts == {"done": 1}
    assert plan(wanted, access=fleet.access).counts == {"start": 1, "unchanged": 1}


# Accounts, resource IDs and destinations


def test_credentials_of_another_account(fleet: Fleet) -> None:
    fleet.add("123456789012", "us-west-2", "orders")  # in the sandbox's own account
    text = policy(ONE).model_dump_json().replace('"arn:aws:iam::111111111111:role/audit"', "null")
    wanted = Policy.from_yaml(text)
    found = audit(wanted, access=fleet.access)
    assert found.counts == {"unknown": 1}
    reason = found.records[0].reasons[0].message
    assert "the credentials belong to account 123456789012, not 111111111111" in reason
    assert plan(wanted, access=fleet.access).counts == {"unknown": 1}
    fleet.add(ONE[0], "us-west-2", "orders")
    planned = plan(policy(ONE), access=fleet.access)
    elsewhere = planned.model_copy(update={"accounts": wanted.accounts})
    report = apply(elsewhere, access=fleet.access)
    assert report.counts == {"failed": 1}
    assert "not 111111111111" in str(report.results[0].message)
    assert not fleet.writes


def test_backup_of_former_instance_is_ignored(fleet: Fleet) -> None:
    """A backup of a former instance with the same name protects nothing."""
    (arn,) = add_instances(fleet, 1, ONE)
    fleet.client(ONE[0]).ensure_replication(source_db_instance_arn=arn)
    fleet.add(ONE[0], "us-west-2", "green")
    rds: Any = fleet.client(ONE[0], "us-west-2").client
    for old, new in (("db-00", "blue"), ("green", "db-00")):
        rds.modify_db_instance(
            DBInstanceIdentifier=old, NewDBInstanceIdentifier=new, ApplyImmediately=True
        )
    found = {r.db_instance_arn: r.state for r in audit(policy(ONE), access=fleet.access).records}
    assert found[arn] == "unprotected"


def test_two_destinations_report_instance_once(fleet: Fleet) -> None:
    add_instances(fleet, 2, ONE)
    fleet.add(ONE[0], "us-west-2", "other", tags={"env": "dev"})
    more = (
        "  - {name: w, source_regions: [us-west-2], destination_region: eu-central-1, "
        "select: {tags: {env: dev}}}\n"
        "  - {name: n, source_regions: [ca-central-1], destination_region: eu-central-1}\n"
    )
    fleet.add(ONE[0], "eu-west-1", "unmatched", tags={"env": "x"})
    wanted = policy(ONE, more=more)
    found = audit(wanted, access=fleet.access)
    assert found.counts == {"unprotected": 3, "unmatched": 1}
    assert apply(plan(wanted, access=fleet.access), access=fleet.access).counts == {"done": 3}
    assert plan(wanted, access=fleet.access).counts == {"unchanged": 3, "unmatched": 1}
    assert audit(wanted, access=fleet.access).accounts == ONE
    fleet.sandbox.reset_connection("describe_db_instances", times=None, region_name="us-west-2")
    not_listed = [r for r in iter_audit(wanted, access=fleet.access) if r.db_instance_arn is None]
    assert [(r.source_region, r.destination_region) for r in not_listed] == [("us-west-2", None)]
    kinds = [a.kind for a in plan(wanted, access=fleet.access).actions]
    assert sorted(kinds) == ["unknown", "unmatched"]


def test_audit_rejects_naive_now(fleet: Fleet) -> None:
    naive = datetime.now(timezone.utc).replace(tzinfo=None)
    for call in (audit, iter_audit):
        with pytest.raises(ValueError, match="time zone"):
            call(policy(ONE), access=fleet.access, now=naive)
