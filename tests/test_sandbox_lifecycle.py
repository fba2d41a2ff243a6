"""Tests of the sandbox: the lifecycle of a replicated backup."""

from datetime import datetime, timedelta, timezone

import pytest

from rds_backup_replication import BackupReplicationClient, DBInstanceAutomatedBackup
from rds_backup_replication.exceptions import (
    DBInstanceAutomatedBackupNotFoundFault,
    DBInstanceNotFoundFault,
    InvalidDBInstanceAutomatedBackupStateFault,
)
from rds_backup_replication.sandbox import Sandbox

from . import sandbox_cases
from .sandbox_cases import Run, describe, source_status, start, statuses, stop

pytestmark = pytest.mark.once

# The fixtures of these tests.
run = sandbox_cases.run
sandbox = sandbox_cases.sandbox
client = sandbox_cases.client


def test_replication_lifecycle(client: BackupReplicationClient) -> None:
    assert start(client).status == "pending"
    assert statuses(client, 4) == ["Pending", "pending", "Replicating", "replicating"]
    assert stop(client).status == "replicating"
    assert statuses(client, 3) == ["Replicating", "retained", "Retained"]


def test_statuses_without_shifting_case(run: Run) -> None:
    client = run(shifting_case=False, pending_looks=1).client("us-east-1")
    start(client)
    assert statuses(client, 3) == ["pending", "replicating", "replicating"]


def test_retained_backup_expires(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    start(client, backup_retention_period=14)
    stop(client)
    sandbox.advance(timedelta(days=13, hours=23))
    assert statuses(client, 1) != [""]
    sandbox.advance(timedelta(hours=1))
    assert statuses(client, 1) == [""]


def test_restore_window_grows_until_stop(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    arn = start(client).db_instance_automated_backups_arn
    assert describe(client, arn).lag() is None
    describe(client, arn)
    window = describe(client, arn).restore_window
    assert window is not None
    assert window.earliest_time is not None
    assert window.earliest_time == window.latest_time
    sandbox.advance(timedelta(hours=2))
    later = describe(client, arn)
    lag = later.lag(datetime.now(timezone.utc) + timedelta(hours=2))
    assert lag is not None
    assert timedelta(minutes=5) <= lag < timedelta(minutes=6)
    stop(client)
    sandbox.advance(timedelta(hours=2))
    stopped = describe(client, arn).restore_window
    assert stopped is not None
    assert later.restore_window is not None
    assert stopped.latest_time is not None
    assert later.restore_window.latest_time is not None
    assert stopped.latest_time - later.restore_window.latest_time < timedelta(minutes=1)


def test_answer_lag_delays_every_change(run: Run) -> None:
    client = run(answer_lag=2, pending_looks=1, shifting_case=False).client("us-east-1")
    start(client)
    assert statuses(client, 4) == ["", "", "pending", "replicating"]
    stop(client)
    assert statuses(client, 4) == ["replicating"] * 3 + ["retained"]
    (backup,) = client.describe_db_instance_automated_backups()
    client.delete_db_instance_automated_backup(
        db_instance_automated_backups_arn=backup.db_instance_automated_backups_arn
    )
    assert statuses(client, 4) == ["retained", "retained", "deleting", ""]


def test_source_lists_replication_until_stopped(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    arn = start(client).db_instance_automated_backups_arn
    assert source_status(sandbox) == ("available", [arn])
    stop(client)
    assert source_status(sandbox) == ("modifying", [arn])
    assert source_status(sandbox) == ("available", [])


def test_deleted_source_retains_backups(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    start(client)
    sandbox.boto3_client("rds", "us-west-2").delete_db_instance(
        DBInstanceIdentifier="mydatabase", SkipFinalSnapshot=True
    )
    assert statuses(client, 2)[-1].lower() == "retained"
    with pytest.raises(DBInstanceNotFoundFault):
        stop(client)


def test_restart_keeps_retained_backup(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    first = start(client)
    stop(client)
    source_status(sandbox)
    source_status(sandbox)
    second = start(client)
    assert second.db_instance_automated_backups_arn != first.db_instance_automated_backups_arn
    assert len(list(client.describe_db_instance_automated_backups())) == 2


def test_delete_requires_retained_backup(client: BackupReplicationClient) -> None:
    started = start(client)
    arn = started.db_instance_automated_backups_arn

    def delete() -> DBInstanceAutomatedBackup:
        return client.delete_db_instance_automated_backup(db_instance_automated_backups_arn=arn)

    with pytest.raises(InvalidDBInstanceAutomatedBackupStateFault):
        delete()
    stop(client)
    assert delete().status == "deleting"
    with pytest.raises(InvalidDBInstanceAutomatedBackupStateFault):
        delete()
    assert [status.lower() for status in statuses(client, 2)] == ["deleting", ""]
    with pytest.raises(DBInstanceAutomatedBackupNotFoundFault):
        delete()
    with pytest.raises(DBInstanceAutomatedBackupNotFoundFault):
        describe(client, arn)


def test_delete_by_resource_id(client: BackupReplicationClient) -> None:
    resource_id = start(client).dbi_resource_id
    stop(client)
    deleted = client.delete_db_instance_automated_backup(dbi_resource_id=resource_id)
    assert deleted.dbi_resource_id == resource_id
