"""Tests of waits against the sandbox: how they end, and which errors they retry."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from rds_backup_replication import BackupReplicationClient, DBInstanceAutomatedBackup
from rds_backup_replication.exceptions import (
    AccessDeniedError,
    InvalidDBInstanceStateFault,
    ReplicationStoppedError,
    ThrottlingError,
    WaitTimeoutError,
)
from rds_backup_replication.sandbox import Behavior, Sandbox
from rds_backup_replication.testing import instant_waits

from . import lifecycle_cases
from .lifecycle_cases import DESCRIBE, ensure, stop
from .wire import SOURCE_ARN

pytestmark = pytest.mark.once

# The fixtures of these tests.
sandbox = lifecycle_cases.sandbox
client = lifecycle_cases.client


def test_wait_ends_when_replication_stops(client: BackupReplicationClient) -> None:
    ensure(client)
    polled: list[str] = []

    def stop_at_first_poll(backup: DBInstanceAutomatedBackup | None) -> None:
        polled.append(str(backup.status if backup else None).lower())
        if len(polled) == 1:
            stop(client)

    with pytest.raises(ReplicationStoppedError) as caught:
        client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN, on_poll=stop_at_first_poll)
    assert caught.value.last_backup.is_retained
    assert polled == ["pending", "pending", "retained"]


def test_wait_ends_when_backup_is_deleted(client: BackupReplicationClient) -> None:
    ensure(client)
    active_backup = client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN)
    assert active_backup is not None

    def stop_and_delete(backup: DBInstanceAutomatedBackup | None) -> None:
        if backup is not None and backup.status == "pending":
            stop(client)
            client.delete_db_instance_automated_backup(
                db_instance_automated_backups_arn=active_backup.db_instance_automated_backups_arn
            )

    with pytest.raises(ReplicationStoppedError) as caught:
        client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN, on_poll=stop_and_delete)
    assert caught.value.last_backup.status == "pending"


def test_waits_retry_twenty_throttled_polls(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    ensure(client)
    sandbox.add_fault(None, ThrottlingError, times=20)
    assert client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN).is_replicating
    stop(client)
    sandbox.add_fault(DESCRIBE, ThrottlingError, times=10)
    sandbox.add_fault("describe_db_instances", ThrottlingError, times=10)
    assert client.wait_until_stopped(source_db_instance_arn=SOURCE_ARN)


def test_wait_times_out_under_throttling(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    ensure(client)
    sandbox.add_fault(DESCRIBE, ThrottlingError, message="Rate exceeded", times=None)
    with pytest.raises(WaitTimeoutError, match="Rate exceeded") as caught:
        client.wait_until_replicating(
            source_db_instance_arn=SOURCE_ARN, timeout=timedelta(minutes=5)
        )
    assert isinstance(caught.value.__cause__, ThrottlingError)


def test_wait_ends_on_access_denied(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    ensure(client)
    sandbox.add_fault(DESCRIBE, AccessDeniedError)
    with pytest.raises(AccessDeniedError):
        client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)


def test_wait_until_stopped_waits_for_source(client: BackupReplicationClient) -> None:
    ensure(client)
    client.ensure_stopped(source_db_instance_arn=SOURCE_ARN)
    with pytest.raises(InvalidDBInstanceStateFault, match="modifying"):
        client.start_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)
    client.wait_until_stopped(source_db_instance_arn=SOURCE_ARN)
    assert ensure(client) == "started"


def test_waits_in_threads_have_separate_clocks(sandbox: Sandbox) -> None:
    sandbox.behavior = Behavior(pending_looks=4)
    client = sandbox.client("us-east-1")
    arns = [
        str(sandbox.create_db_instance("us-west-2", f"db{number}").db_instance_arn)
        for number in range(8)
    ]
    for arn in arns:
        client.ensure_replication(source_db_instance_arn=arn)

    def wait(arn: str) -> bool:
        timeout = timedelta(minutes=5)
        backup = client.wait_until_replicating(source_db_instance_arn=arn, timeout=timeout)
        return backup.is_replicating

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(wait, arns))


@pytest.mark.parametrize("by_arn", [True, False])
@pytest.mark.parametrize("with_boto3_client", [True, False])
def test_wait_until_stopped_ignores_stale_absence(
    sandbox: Sandbox, client: BackupReplicationClient, *, by_arn: bool, with_boto3_client: bool
) -> None:
    """A new replication that Describe does not return yet has not stopped."""
    sandbox.behavior = Behavior(answer_lag=2)
    if with_boto3_client:
        client = BackupReplicationClient(client=client.client)
    started = client.ensure_replication(source_db_instance_arn=SOURCE_ARN).backup
    keywords: dict[str, Any] = {"source_db_instance_arn": SOURCE_ARN}
    if by_arn:
        arn = started.db_instance_automated_backups_arn
        keywords = {"db_instance_automated_backups_arn": arn}
    with instant_waits(), pytest.raises(WaitTimeoutError):
        client.wait_until_stopped(**keywords, timeout=timedelta(minutes=5))
