"""Tests of replacements against the sandbox: failed, concurrent and uncertain ones."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import NoCredentialsError

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication.exceptions import (
    AccessDeniedError,
    ExpiredTokenError,
    StorageTypeNotSupportedFault,
)
from rds_backup_replication.sandbox import Behavior, Sandbox
from rds_backup_replication.testing import instant_waits

from . import lifecycle_cases
from .lifecycle_cases import NO_RETRIES, START, STOP, active, ensure, start_and_wait
from .wire import SOURCE_ARN

# The fixtures of these tests.
sandbox = lifecycle_cases.sandbox
client = lifecycle_cases.client


def test_concurrent_replacements_leave_one_replication(client: BackupReplicationClient) -> None:
    ensure(client, backup_retention_period=14)
    client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)

    def replace(_: int) -> str:
        return ensure(client, backup_retention_period=7, replace=True)

    with ThreadPoolExecutor(8) as pool:
        actions = Counter(pool.map(replace, range(8)))
    assert actions["replaced"] >= 1
    assert set(actions) <= {"replaced", "unchanged", "started"}
    assert [backup.backup_retention_period for backup in active(client)] == [7]


@pytest.mark.parametrize(
    "fault", [(None, ExpiredTokenError), (START, NoCredentialsError), (START, AccessDeniedError)]
)
def test_failed_replacement_restores_replication(
    sandbox: Sandbox,
    client: BackupReplicationClient,
    caplog: pytest.LogCaptureFixture,
    fault: tuple[Any, type[Exception]],
) -> None:
    """A replacement that fails after the stop starts the former replication again."""
    start_and_wait(client)
    operation, error = fault
    if error is NoCredentialsError:
        failures = [NoCredentialsError()]

        def fail(**_: Any) -> None:
            if failures:
                raise failures.pop()

        client.client.meta.events.register(
            "before-sign.rds.StartDBInstanceAutomatedBackupsReplication", fail
        )
    elif operation is None:
        sandbox.add_fault("describe_db_instances", ExpiredTokenError)
    else:
        sandbox.add_fault(START, AccessDeniedError)
    with pytest.raises(error):
        ensure(client, backup_retention_period=7, replace=True)
    assert [backup.backup_retention_period for backup in active(client)] == [14]
    assert "restarted it with its former settings" in caplog.text


def test_failed_replacement_with_lost_restart_response(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    start_and_wait(client)
    sandbox.add_fault(START, StorageTypeNotSupportedFault)
    sandbox.lose_answer(START)
    with pytest.raises(StorageTypeNotSupportedFault, match="restarted it with its former settings"):
        ensure(client, backup_retention_period=7, replace=True)
    assert [backup.backup_retention_period for backup in active(client)] == [14]


def test_failed_replacement_without_restart(
    sandbox: Sandbox, client: BackupReplicationClient, caplog: pytest.LogCaptureFixture
) -> None:
    start_and_wait(client)
    sandbox.add_fault(START, AccessDeniedError, times=2)
    with pytest.raises(AccessDeniedError, match="could not restart it"):
        ensure(client, backup_retention_period=7, replace=True)
    assert active(client) == []
    assert "could not restart it" in caplog.text
    assert ensure(client, backup_retention_period=7) == "started"


@pytest.mark.parametrize("is_denied", [True, False])
def test_replacement_without_source_access(
    sandbox: Sandbox, client: BackupReplicationClient, *, is_denied: bool
) -> None:
    """A replacement works if the client cannot describe the source instance."""
    start_and_wait(client)
    if is_denied:
        sandbox.add_fault("describe_db_instances", AccessDeniedError, times=None)
    else:
        client = BackupReplicationClient(client=client.client)
    with instant_waits():
        assert ensure(client, backup_retention_period=7, replace=True) == "replaced"
    assert [backup.backup_retention_period for backup in active(client)] == [7]


@pytest.mark.parametrize("is_lost", [True, False])
def test_concurrent_replacement_by_other_client(
    sandbox: Sandbox, client: BackupReplicationClient, *, is_lost: bool
) -> None:
    """A replacement that finds another one in progress still ends with an active replication."""
    sandbox.behavior = Behavior(stopping_looks=12 if is_lost else 2)
    start_and_wait(client)
    boto3_client = sandbox.boto3_client("rds", "us-east-1", config=NO_RETRIES)
    other = BackupReplicationClient(client=boto3_client)
    done: list[bool] = []

    def replace_first(**_: Any) -> None:
        if not done:
            done.append(True)
            ensure(client, backup_retention_period=7, replace=True)
            client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)
            if is_lost:
                sandbox.lose_answer(STOP)

    other.client.meta.events.register(
        "before-sign.rds.StopDBInstanceAutomatedBackupsReplication", replace_first
    )
    with instant_waits():
        assert ensure(other, backup_retention_period=7, replace=True) == "replaced"
    assert [backup.backup_retention_period for backup in active(client)] == [7]


@pytest.mark.parametrize("retries", [NO_RETRIES, None])
@pytest.mark.usefixtures("no_backoff")
def test_replacement_with_lost_stop_response(sandbox: Sandbox, retries: Config | None) -> None:
    sandbox.behavior = Behavior(stopping_looks=10)
    client = sandbox.client("us-east-1", config=retries)
    start_and_wait(client)
    sandbox.lose_answer(STOP)
    assert ensure(client, backup_retention_period=7, replace=True) == "replaced"
    assert [backup.backup_retention_period for backup in active(client)] == [7]
