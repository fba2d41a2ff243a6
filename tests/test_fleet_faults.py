"""Fleets with faults: denied accounts, unreachable Regions, interruptions."""

import os
import signal
import threading
from typing import Final

import pytest

from rds_backup_replication.exceptions import AccessDeniedError, ThrottlingError
from rds_backup_replication.fleet import (
    Access,
    apply,
    audit,
    plan,
)
from rds_backup_replication.testing import instant_waits

from .fleet_cases import add_instances
from .fleets import ACCOUNTS, DESTINATION, ONE, REGIONS, Fleet, policy
from .wire import ScriptedRDS

pytestmark = pytest.mark.once

START: Final = "start_db_instance_automated_backups_replication"


@pytest.mark.usefixtures("no_backoff")
def test_apply_starts_once_despite_faults(fleet: Fleet) -> None:
    """Throttling, connection resets and lost responses do not start a replication twice."""
    arns = add_instances(fleet)
    planned = plan(policy(), access=fleet.access)
    fleet.sandbox.add_fault(START, ThrottlingError, times=2)
    fleet.sandbox.reset_connection(START, times=3)
    fleet.sandbox.lose_answer(START, times=3)
    with instant_waits():
        report = apply(planned, policy(), access=fleet.access)
    assert report.counts == {"done": len(arns)}
    # The sandbox refuses a retry of a start that took effect, so only one is counted.
    assert fleet.writes == {("start", arn): 1 for arn in arns}


def test_fleet_with_denied_account(fleet: Fleet) -> None:
    """An account that denies access does not affect the other accounts."""
    add_instances(fleet)
    planned = plan(policy(), access=fleet.access)
    denied = ACCOUNTS[1]
    fleet.sandbox.add_fault(
        None, AccessDeniedError, message="Not for you.", times=None, account_id=denied
    )
    report = apply(planned, policy(), access=fleet.access)
    assert report.counts == {"done": 12, "failed": 6}
    assert {r.action.account_id for r in report.results if r.outcome == "failed"} == {denied}
    assert all("Not for you" in str(r.message) for r in report.results if r.outcome == "failed")
    found = audit(policy(), access=fleet.access)
    assert found.counts == {"protected": 12, "unknown": len(REGIONS)}
    assert [r.source_region for r in found.problems] == list(REGIONS)
    assert "rds:DescribeDBInstances" in found.problems[0].reasons[0].remedy
    assert plan(policy(), access=fleet.access).counts == {"unchanged": 12, "unknown": 4}


@pytest.mark.usefixtures("no_backoff")
def test_fleet_with_unreachable_source_region(fleet: Fleet) -> None:
    """An unreachable source Region does not affect the other Regions."""
    add_instances(fleet)
    planned = plan(policy(), access=fleet.access)
    fleet.sandbox.reset_connection(None, times=None, region_name="eu-west-1")
    assert apply(planned, policy(), access=fleet.access).counts == {"done": 9, "failed": 9}
    found = audit(policy(), access=fleet.access)
    assert found.counts == {"protected": 9, "unknown": 3}
    assert {r.source_region for r in found.problems} == {"eu-west-1"}
    assert "Connection was closed" in found.problems[0].reasons[0].message


@pytest.mark.parametrize("body", ["<a/>", "<html>Sign in"])
def test_audit_with_unreadable_sts_response(
    rds: ScriptedRDS, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    rds.answers(body)
    found = audit(policy(ONE), access=Access(endpoint_url=rds.endpoint_url))
    assert set(found.counts) == {"unknown"}
    assert "assume-role" in found.problems[0].reasons[0].message


@pytest.mark.usefixtures("no_backoff")
def test_audit_with_unreachable_destination(fleet: Fleet) -> None:
    """If the destination is unreachable, the state of every instance is unknown."""
    add_instances(fleet)
    fleet.sandbox.reset_connection(None, times=None, region_name=DESTINATION)
    found = audit(policy(), access=fleet.access)
    assert found.counts == {"unknown": 18}
    assert plan(policy(), access=fleet.access).counts == {"unknown": 18}


def test_apply_continues_after_ctrl_c(fleet: Fleet) -> None:
    """Ctrl-C lets running actions finish. Applying the plan again does the remaining actions."""
    arns = add_instances(fleet, count=10)
    planned = plan(policy(), access=fleet.access)
    handled, once = threading.Event(), threading.Lock()

    def handle(*_: object) -> None:
        handled.set()
        raise KeyboardInterrupt

    def interrupt(writes: int) -> None:
        if writes >= 5:
            if once.acquire(blocking=False):
                os.kill(os.getpid(), signal.SIGINT)
            # On a busy machine, all actions could finish before the main thread runs.
            handled.wait(20)

    fleet.before_write = interrupt
    before = signal.signal(signal.SIGINT, handle)
    try:
        report = apply(planned, policy(), access=fleet.access, max_concurrency=2)
    finally:
        signal.signal(signal.SIGINT, before)
    assert report.interrupted
    assert not report.is_complete
    done = report.counts["done"]
    assert 5 <= done < len(arns)
    assert report.counts == {"done": done, "not_attempted": len(arns) - done}
    assert fleet.writes.total() == done  # the report counts exactly the actions that were done

    report = apply(planned, policy(), access=fleet.access)
    assert report.counts == {"unchanged": done, "done": len(arns) - done}
    assert fleet.writes == {("start", arn): 1 for arn in arns}


FAR = "  - {name: far, source_regions: [me-south-1], destination_region: us-east-1}\n"


def test_plan_with_unsupported_region_pair(fleet: Fleet) -> None:
    fleet.add(ONE[0], "me-south-1", "far", tags={})
    (action,) = plan(policy(ONE, more=FAR), access=fleet.access).actions
    assert (action.kind, [reason.code for reason in action.reasons]) == (
        *("impossible",),
        ["region_pair_not_supported"],
    )
    (record,) = audit(policy(ONE, more=FAR), access=fleet.access).records
    assert record.state == "unprotected"
    assert "region_pair_not_supported" in [reason.code for reason in record.reasons]


def test_plan_with_denied_source_regions(fleet: Fleet) -> None:
    """If the caller may not describe source Regions, actions are unknown."""
    fleet.add(ONE[0], "us-west-2", "orders")
    fleet.sandbox.add_fault("describe_source_regions", AccessDeniedError, message="No.", times=2)
    (action,) = plan(policy(ONE), access=fleet.access).actions
    assert action.kind == "unknown"
    (record,) = audit(policy(ONE), access=fleet.access).records
    (unchecked,) = [reason for reason in record.reasons if reason.code == "could_not_be_checked"]
    assert "whether us-east-1 accepts backups from us-west-2: AccessDenied" in unchecked.message
