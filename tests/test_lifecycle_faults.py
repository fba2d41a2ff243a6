"""Tests of the client against the sandbox: lost responses, resets and refused calls."""

import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication.exceptions import (
    AccessDeniedError,
    InvalidDBInstanceStateFault,
    ThrottlingError,
)
from rds_backup_replication.sandbox import Behavior, Sandbox

from . import lifecycle_cases
from .lifecycle_cases import NO_RETRIES, START, STOP, active, ensure
from .wire import SOURCE_ARN

pytestmark = pytest.mark.once

# The fixtures of these tests.
sandbox = lifecycle_cases.sandbox
client = lifecycle_cases.client


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("retries", [NO_RETRIES, None])
def test_ensure_replication_with_lost_response(sandbox: Sandbox, retries: Config | None) -> None:
    client = sandbox.client("us-east-1", config=retries)
    sandbox.lose_answer(START)
    assert ensure(client) == "started"
    assert ensure(client) == "unchanged"
    assert len(active(client)) == 1


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("retries", [NO_RETRIES, None])
def test_ensure_stopped_with_lost_response(sandbox: Sandbox, retries: Config | None) -> None:
    client = sandbox.client("us-east-1", config=retries)
    ensure(client)
    sandbox.lose_answer(STOP)
    stopped = client.ensure_stopped(source_db_instance_arn=SOURCE_ARN)
    assert stopped is not None
    assert active(client) == []


def test_ensure_replication_after_connection_reset(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    """A start that never reached RDS raises, and the next call starts the replication."""
    sandbox.reset_connection(START)
    with pytest.raises(ConnectionClosedError):
        ensure(client)
    assert active(client) == []
    assert ensure(client) == "started"


def test_check_reports_denied_call(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    sandbox.add_fault("describe_db_instances", AccessDeniedError, region_name="us-west-2")
    (reason,) = client.check_replication(source_db_instance_arn=SOURCE_ARN)
    assert reason.code == "could_not_be_checked"
    assert "rds:DescribeDBInstances" in reason.remedy


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("retries", [NO_RETRIES, None])
@pytest.mark.parametrize("fault", ["reset", "refused"])
def test_failed_stop_raises_despite_stale_responses(
    sandbox: Sandbox, retries: Config | None, fault: str
) -> None:
    """A failed stop raises, although stale responses omit the active backup."""
    sandbox.behavior = Behavior(answer_lag=2)
    client = sandbox.client("us-east-1", config=retries)
    ensure(client)
    if fault == "reset":
        sandbox.reset_connection(STOP, times=5)
        expected: type[Exception] = ConnectionClosedError
    else:
        sandbox.add_fault(STOP, InvalidDBInstanceStateFault)
        expected = InvalidDBInstanceStateFault
    with pytest.raises(expected):
        client.ensure_stopped(source_db_instance_arn=SOURCE_ARN)
    assert len(active(client)) == 1


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("fault", ["throttled", "reset"])
def test_ensure_stopped_without_replication(sandbox: Sandbox, fault: str) -> None:
    """A stop that fails when nothing replicates is not reported as a stop."""
    client = sandbox.client("us-east-1")
    ensure(client)
    client.ensure_stopped(source_db_instance_arn=SOURCE_ARN)
    client.wait_until_stopped(source_db_instance_arn=SOURCE_ARN)
    if fault == "throttled":
        sandbox.add_fault(STOP, ThrottlingError)
    else:
        sandbox.reset_connection(STOP)
    assert client.ensure_stopped(source_db_instance_arn=SOURCE_ARN) is None
