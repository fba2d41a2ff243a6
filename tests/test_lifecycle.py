"""Tests of the client against the sandbox: whole lifecycles, faults and concurrency."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final

import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, NoCredentialsError

from rds_backup_replication import BackupReplicationClient, DBInstanceAutomatedBackup
from rds_backup_replication.exceptions import (
    AccessDeniedError,
    ExpiredTokenError,
    InvalidDBInstanceAutomatedBackupStateFault,
    InvalidDBInstanceStateFault,
    ReplicationDriftError,
    ReplicationStoppedError,
    StorageTypeNotSupportedFault,
    ThrottlingError,
    WaitTimeoutError,
)
from rds_backup_replication.sandbox import Behavior, Sandbox
from rds_backup_replication.testing import instant_waits

from .wire import SOURCE_ARN

START: Final = "start_db_instance_automated_backups_replication"
STOP: Final = "stop_db_instance_automated_backups_replication"
DESCRIBE: Final = "describe_db_instance_automated_backups"
NO_RETRIES = Config(retries={"total_max_attempts": 1})


@pytest.fixture
def sandbox(rds_sandbox: Sandbox) -> Sandbox:
    rds_sandbox.create_db_instance("us-west-2")
    return rds_sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> BackupReplicationClient:
    return sandbox.client("us-east-1", config=NO_RETRIES)


def ensure(client: BackupReplicationClient, **keywords: Any) -> str:
    return client.ensure_replication(source_db_instance_arn=SOURCE_ARN, **keywords).action


def stop(client: BackupReplicationClient) -> None:
    client.stop_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)


def active(client: BackupReplicationClient) -> list[DBInstanceAutomatedBackup]:
    """Return the active replications after all starts and stops have completed."""
    for _ in range(10):
        list(client.describe_db_instance_automated_backups())
    return [b for b in client.describe_db_instance_automated_backups() if b.is_replicating]


def test_replication_from_start_to_stop(client: BackupReplicationClient) -> None:
    arn = SOURCE_ARN
    assert client.check_replication(source_db_instance_arn=arn) == ()
    assert client.find_replicated_backup(source_db_instance_arn=arn) is None
    assert ensure(client, backup_retention_period=14) == "started"
    replicating = client.wait_until_replicating(source_db_instance_arn=arn)
    assert replicating.restore_window is not None
    assert client.find_replicated_backup(source_db_instance_arn=arn) is not None
    assert ensure(client, backup_retention_period=14) == "unchanged"
    with pytest.raises(ReplicationDriftError):
        ensure(client, backup_retention_period=7)
    assert ensure(client, backup_retention_period=7, replace=True) == "replaced"
    assert [backup.backup_retention_period for backup in active(client)] == [7]
    stopped = client.ensure_stopped(source_db_instance_arn=arn)
    retained = client.wait_until_stopped(source_db_instance_arn=arn)
    assert stopped is not None
    assert retained is not None
    assert retained.is_retained
    assert client.ensure_stopped(source_db_instance_arn=arn) is None
    assert active(client) == []
    assert client.check_replication(source_db_instance_arn=arn) == ()


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


@pytest.mark.parametrize("answer_lag", [0, 2])
def test_concurrent_ensures_start_one_replication(
    sandbox: Sandbox, client: BackupReplicationClient, answer_lag: int
) -> None:
    sandbox.behavior = Behavior(answer_lag=answer_lag)
    others = [sandbox.client("us-east-1", config=NO_RETRIES) for _ in range(3)]
    with ThreadPoolExecutor(8) as pool:
        actions = list(pool.map(ensure, [client, *others] * 2))
    assert Counter(actions) == {"started": 1, "unchanged": 7}
    assert len(active(client)) == 1


def test_concurrent_replacements_leave_one_replication(
    client: BackupReplicationClient,
) -> None:
    ensure(client, backup_retention_period=14)
    client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)

    def replace(_: int) -> str:
        return ensure(client, backup_retention_period=7, replace=True)

    with ThreadPoolExecutor(8) as pool:
        actions = Counter(pool.map(replace, range(8)))
    assert actions["replaced"] >= 1
    assert set(actions) <= {"replaced", "unchanged", "started"}
    assert [backup.backup_retention_period for backup in active(client)] == [7]


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


def test_same_name_in_other_region_is_separate(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    other = sandbox.create_db_instance("eu-west-1").db_instance_arn
    sandbox.create_db_instance("us-east-1")  # an instance of the destination Region
    assert client.ensure_replication(source_db_instance_arn=str(other)).action == "started"
    client.wait_until_replicating(source_db_instance_arn=str(other))
    assert client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN) is None
    assert client.check_replication(source_db_instance_arn=SOURCE_ARN) == ()
    assert ensure(client) == "started"
    waited = client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)
    assert waited.region == "us-west-2"
    client.ensure_stopped(source_db_instance_arn=SOURCE_ARN)
    stopped = client.wait_until_stopped(source_db_instance_arn=SOURCE_ARN)
    assert stopped is not None
    assert stopped.region == "us-west-2"
    assert [backup.region for backup in active(client)] == ["eu-west-1"]


def test_retained_backup_not_mistaken_for_active(client: BackupReplicationClient) -> None:
    ensure(client)
    client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)
    client.ensure_stopped(source_db_instance_arn=SOURCE_ARN)
    old = client.wait_until_stopped(source_db_instance_arn=SOURCE_ARN)
    assert old is not None
    assert client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN) == old
    assert ensure(client) == "started"
    assert ensure(client) == "unchanged"
    new = client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)
    assert new.db_instance_automated_backups_arn != old.db_instance_automated_backups_arn
    (reason,) = client.check_replication(source_db_instance_arn=SOURCE_ARN)
    assert reason.code == "already_replicating"
    client.ensure_stopped(source_db_instance_arn=SOURCE_ARN)
    newest = client.wait_until_stopped(source_db_instance_arn=SOURCE_ARN)
    assert newest is not None
    assert newest.db_instance_automated_backups_arn == new.db_instance_automated_backups_arn


@pytest.mark.parametrize("answer_lag", [1, 3])
def test_stale_responses_do_not_mislead(
    sandbox: Sandbox, client: BackupReplicationClient, answer_lag: int
) -> None:
    sandbox.behavior = Behavior(answer_lag=answer_lag)
    for _ in range(2):  # in the second round, beside the retained backup of the first
        assert ensure(client) == "started"
        assert ensure(client) == "unchanged"
        assert client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN).is_replicating
        assert client.ensure_stopped(source_db_instance_arn=SOURCE_ARN)
        assert client.ensure_stopped(source_db_instance_arn=SOURCE_ARN) is None
        stopped = client.wait_until_stopped(source_db_instance_arn=SOURCE_ARN)
        assert stopped is not None
        assert stopped.is_retained
    ensure(client, backup_retention_period=14)
    assert ensure(client, backup_retention_period=14) == "unchanged"


def test_wait_until_stopped_waits_for_source(client: BackupReplicationClient) -> None:
    ensure(client)
    client.ensure_stopped(source_db_instance_arn=SOURCE_ARN)
    with pytest.raises(InvalidDBInstanceStateFault, match="modifying"):
        client.start_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)
    client.wait_until_stopped(source_db_instance_arn=SOURCE_ARN)
    assert ensure(client) == "started"


def test_new_key_refused_while_backups_are_retained(
    sandbox: Sandbox,
) -> None:
    arn = str(
        sandbox.create_db_instance("us-west-2", "vault", StorageEncrypted=True).db_instance_arn
    )
    kms = sandbox.boto3_client("kms", "us-east-1")
    old, new = (kms.create_key()["KeyMetadata"] for _ in range(2))
    kms.create_alias(AliasName="alias/old", TargetKeyId=old["KeyId"])
    client = sandbox.client("us-east-1", config=NO_RETRIES)

    def ensure_with(key: str, *, replace: bool = False) -> str:
        return client.ensure_replication(
            source_db_instance_arn=arn, kms_key_id=key, replace=replace
        ).action

    assert ensure_with(old["KeyId"]) == "started"
    replaced = client.ensure_replication(
        source_db_instance_arn=arn, backup_retention_period=3, replace=True
    )
    assert (replaced.action, replaced.backup.kms_key_id) == ("replaced", old["Arn"])
    # The pending replication has no backups yet, but the retained ones use the former key.
    with pytest.raises(ReplicationDriftError, match="delete the retained backups"):
        ensure_with(new["Arn"], replace=True)
    for name in (
        old["Arn"],
        old["KeyId"],
        "alias/old",
        old["Arn"].split(":key/")[0] + ":alias/old",
    ):
        assert ensure_with(name, replace=True) == "unchanged"
    client.wait_until_replicating(source_db_instance_arn=arn)
    before = client.find_replicated_backup(source_db_instance_arn=arn)
    with pytest.raises(ReplicationDriftError, match="delete the retained backups"):
        ensure_with(new["Arn"], replace=True)
    (backup,) = active(client)
    assert (backup.kms_key_id, backup.backup_retention_period) == (old["Arn"], 3)
    assert before is not None
    assert backup.db_instance_automated_backups_arn == before.db_instance_automated_backups_arn


def test_check_reports_denied_call(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    sandbox.add_fault("describe_db_instances", AccessDeniedError, region_name="us-west-2")
    (reason,) = client.check_replication(source_db_instance_arn=SOURCE_ARN)
    assert reason.code == "could_not_be_checked"
    assert "rds:DescribeDBInstances" in reason.remedy


# Results and errors must be true


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


@pytest.mark.usefixtures("no_backoff")
def test_concurrent_throttled_calls_report_one_change(sandbox: Sandbox) -> None:
    """Only one of eight throttled callers reports the start, and only one the stop."""
    # A single caller may be throttled every time.
    patient = Config(retries={"total_max_attempts": 10})
    clients = [sandbox.client("us-east-1", config=patient) for _ in range(8)]
    sandbox.add_fault(START, ThrottlingError, times=4)
    with ThreadPoolExecutor(8) as pool:
        actions = list(pool.map(ensure, clients))
    assert Counter(actions) == {"started": 1, "unchanged": 7}

    def is_stopped(client: BackupReplicationClient) -> bool:
        return client.ensure_stopped(source_db_instance_arn=SOURCE_ARN) is not None

    sandbox.add_fault(STOP, ThrottlingError, times=4)
    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(is_stopped, clients)) == {True: 1, False: 7}


def start_and_wait(client: BackupReplicationClient, days: int = 14) -> None:
    ensure(client, backup_retention_period=days)
    client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)


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


def test_concurrent_ensure_stopped_with_slow_stop(sandbox: Sandbox) -> None:
    sandbox.behavior = Behavior(stopping_looks=60)
    clients = [sandbox.client("us-east-1") for _ in range(8)]
    start_and_wait(clients[0])

    def is_stopped(client: BackupReplicationClient) -> bool:
        return client.ensure_stopped(source_db_instance_arn=SOURCE_ARN) is not None

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(is_stopped, clients)) == {True: 1, False: 7}


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


def test_source_arn_ignores_case(client: BackupReplicationClient) -> None:
    capitals = SOURCE_ARN.replace("mydatabase", "MyDatabase")
    assert ensure(client) == "started"
    with pytest.raises(InvalidDBInstanceAutomatedBackupStateFault):
        client.start_db_instance_automated_backups_replication(source_db_instance_arn=capitals)
    assert client.ensure_replication(source_db_instance_arn=capitals).action == "unchanged"
    assert client.check_replication(source_db_instance_arn=capitals)[0].code == (
        "already_replicating"
    )
    assert client.ensure_stopped(source_db_instance_arn=capitals) is not None
    assert client.wait_until_stopped(source_db_instance_arn=capitals) is not None
