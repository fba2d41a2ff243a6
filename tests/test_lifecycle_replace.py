"""Tests of replacements against the sandbox: failed, concurrent and uncertain ones."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import NoCredentialsError

from rds_backup_replication import BackupReplicationClient, ReplacementProgress, Tag
from rds_backup_replication.exceptions import (
    AccessDeniedError,
    ExpiredTokenError,
    InvalidDBInstanceStateFault,
    ReplacementError,
    ReplicationBlockedError,
    StorageTypeNotSupportedFault,
)
from rds_backup_replication.sandbox import Behavior, Sandbox
from rds_backup_replication.testing import instant_waits

from . import lifecycle_cases
from .lifecycle_cases import (
    DESCRIBE,
    NO_RETRIES,
    START,
    STOP,
    active,
    ensure,
    replace,
    start_and_wait,
)
from .wire import SOURCE_ARN

pytestmark = pytest.mark.once

# The fixtures of these tests.
sandbox = lifecycle_cases.sandbox
client = lifecycle_cases.client


def test_concurrent_replacements_leave_one_replication(client: BackupReplicationClient) -> None:
    ensure(client, backup_retention_period=14)
    client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)

    with ThreadPoolExecutor(8) as pool:
        actions = Counter(pool.map(replace, [client] * 8))
    assert actions["replaced"] >= 1
    assert set(actions) <= {"replaced", "unchanged", "started"}
    assert [backup.backup_retention_period for backup in active(client)] == [7]


def test_refused_replacement_restores_replication(
    sandbox: Sandbox, client: BackupReplicationClient, caplog: pytest.LogCaptureFixture
) -> None:
    """A replacement whose start is refused starts the former replication again."""
    start_and_wait(client)
    sandbox.add_fault(START, AccessDeniedError)
    with pytest.raises(ReplacementError) as caught:
        replace(client)
    assert caught.value.is_protected is True
    assert caught.value.former.backup_retention_period == 14
    assert isinstance(caught.value.__cause__, AccessDeniedError)
    assert [backup.backup_retention_period for backup in active(client)] == [14]
    assert str(caught.value) in caplog.text


@pytest.mark.parametrize("error", [NoCredentialsError, RuntimeError])
def test_replacement_with_error_outside_rds(
    client: BackupReplicationClient, error: type[Exception]
) -> None:
    """An error of the caller's own event handler does not leave the instance unprotected."""
    start_and_wait(client)
    failures: list[Exception] = [error()]

    def fail(**_: Any) -> None:
        if failures:
            raise failures.pop()

    client.client.meta.events.register(
        "before-sign.rds.StartDBInstanceAutomatedBackupsReplication", fail
    )
    with pytest.raises(ReplacementError) as caught:
        replace(client)
    assert caught.value.is_protected is True
    assert isinstance(caught.value.__cause__, error)
    assert [backup.backup_retention_period for backup in active(client)] == [14]


def test_replacement_continues_if_the_wait_fails(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    """An error of the wait for the end does not prevent the start."""
    start_and_wait(client)

    def expire(progress: ReplacementProgress) -> None:
        if progress.phase == "wait":
            sandbox.add_fault(DESCRIBE, ExpiredTokenError)

    result = client.replace_replication(
        source_db_instance_arn=SOURCE_ARN, backup_retention_period=7, on_progress=expire
    )
    assert result.action == "replaced"
    assert [backup.backup_retention_period for backup in active(client)] == [7]


def test_failed_replacement_with_lost_restart_response(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    start_and_wait(client)
    sandbox.add_fault(START, StorageTypeNotSupportedFault)
    sandbox.lose_answer(START)
    with pytest.raises(ReplacementError, match="The instance replicates") as caught:
        replace(client)
    assert isinstance(caught.value.__cause__, StorageTypeNotSupportedFault)
    assert [backup.backup_retention_period for backup in active(client)] == [14]


def test_failed_replacement_without_restart(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    """The error's request starts the former replication again."""
    start_and_wait(client)
    sandbox.add_fault(START, AccessDeniedError, times=2)
    with pytest.raises(ReplacementError) as caught:
        replace(client)
    assert caught.value.is_protected is False
    assert active(client) == []
    former = caught.value.former.model_dump(exclude_none=True)
    client.start_db_instance_automated_backups_replication(**former)
    assert [backup.backup_retention_period for backup in active(client)] == [14]


def test_replacement_that_first_saw_only_an_earlier_backup(
    client: BackupReplicationClient, sandbox: Sandbox
) -> None:
    """A failed start shows that there is a replication, whose end no poll has shown yet."""
    sandbox.behavior = Behavior(pending_looks=0, answer_lag=2, stopping_looks=3)
    for days in (1, 3):
        replace(client, days)
    sandbox.add_fault(START, InvalidDBInstanceStateFault, times=2)
    sandbox.reset_connection(STOP, times=3)
    with pytest.raises(ReplacementError) as caught:
        client.replace_replication(
            source_db_instance_arn=SOURCE_ARN,
            backup_retention_period=1,
            timeout=timedelta(minutes=5),
        )
    assert caught.value.is_protected
    assert [backup.backup_retention_period for backup in active(client)] == [3]


def test_replacement_continues_after_an_interruption(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    """The second call asks only for a retention, and keeps the key and the tags of the first."""
    arn = str(
        sandbox.create_db_instance("us-west-2", "vault", StorageEncrypted=True).db_instance_arn
    )
    key = sandbox.boto3_client("kms", "us-east-1").create_key()["KeyMetadata"]["Arn"]
    client.ensure_replication(source_db_instance_arn=arn, kms_key_id=key, tags={"cost": "42"})

    def interrupt(progress: ReplacementProgress) -> None:
        if progress.phase == "start":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.replace_replication(
            source_db_instance_arn=arn, backup_retention_period=3, on_progress=interrupt
        )
    assert active(client) == []
    result = client.replace_replication(source_db_instance_arn=arn, backup_retention_period=3)
    assert result.action == "started"
    (backup,) = active(client)
    assert (backup.backup_retention_period, backup.kms_key_id) == (3, key)
    assert backup.tag_list == (Tag(key="cost", value="42"),)


@pytest.mark.parametrize("status", ["stopped", "failed"])
def test_replacement_with_blocker_stops_nothing(
    sandbox: Sandbox, client: BackupReplicationClient, status: str
) -> None:
    start_and_wait(client)
    if status == "stopped":
        sandbox.boto3_client("rds", "us-west-2").stop_db_instance(DBInstanceIdentifier="mydatabase")
    else:
        sandbox.boto3_client("rds", "us-west-2").modify_db_instance(
            DBInstanceIdentifier="mydatabase", BackupRetentionPeriod=0, ApplyImmediately=True
        )
    with pytest.raises(ReplicationBlockedError) as caught:
        replace(client)
    (blocker,) = caught.value.blockers
    assert blocker.message in str(caught.value)
    assert blocker.remedy in str(caught.value)
    assert [backup.backup_retention_period for backup in active(client)] == [14]


def test_replacement_waits_for_busy_source(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    """A source that is busy before the stop is waited for."""
    sandbox.behavior = Behavior(stopping_looks=6)
    start_and_wait(client)
    client.ensure_stopped(source_db_instance_arn=SOURCE_ARN)  # as an interrupted replacement does
    assert replace(client) in ("started", "replaced")
    assert [backup.backup_retention_period for backup in active(client)] == [7]


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
        assert replace(client) == "replaced"
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
            replace(client)
            client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)
            if is_lost:
                sandbox.lose_answer(STOP)

    other.client.meta.events.register(
        "before-sign.rds.StopDBInstanceAutomatedBackupsReplication", replace_first
    )
    with instant_waits():
        assert replace(other) == "replaced"
    assert [backup.backup_retention_period for backup in active(client)] == [7]


@pytest.mark.parametrize("retries", [NO_RETRIES, None])
@pytest.mark.usefixtures("no_backoff")
def test_replacement_with_lost_stop_response(sandbox: Sandbox, retries: Config | None) -> None:
    sandbox.behavior = Behavior(stopping_looks=10)
    client = sandbox.client("us-east-1", config=retries)
    start_and_wait(client)
    sandbox.lose_answer(STOP)
    assert replace(client) == "replaced"
    assert [backup.backup_retention_period for backup in active(client)] == [7]
