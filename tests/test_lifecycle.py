"""The whole life of a replication on the sandbox, over its sockets and under its faults."""

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


def live(client: BackupReplicationClient) -> list[DBInstanceAutomatedBackup]:
    """What replicates once all that was started or stopped has settled."""
    for _ in range(10):
        list(client.describe_db_instance_automated_backups())
    return [b for b in client.describe_db_instance_automated_backups() if b.is_replicating]


def test_a_replication_lives_from_its_start_to_its_end(client: BackupReplicationClient) -> None:
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
    assert [backup.backup_retention_period for backup in live(client)] == [7]
    stopped = client.ensure_stopped(source_db_instance_arn=arn)
    retained = client.wait_until_stopped(source_db_instance_arn=arn)
    assert stopped is not None
    assert retained is not None
    assert retained.is_retained
    assert client.ensure_stopped(source_db_instance_arn=arn) is None
    assert live(client) == []
    assert client.check_replication(source_db_instance_arn=arn) == ()


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("retries", [NO_RETRIES, None])
def test_the_answer_to_start_is_lost_after_it_took_effect(
    sandbox: Sandbox, retries: Config | None
) -> None:
    client = sandbox.client("us-east-1", config=retries)
    sandbox.lose_answer(START)
    assert ensure(client) == "started"
    assert ensure(client) == "unchanged"
    assert len(live(client)) == 1


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("retries", [NO_RETRIES, None])
def test_the_answer_to_stop_is_lost_after_it_took_effect(
    sandbox: Sandbox, retries: Config | None
) -> None:
    client = sandbox.client("us-east-1", config=retries)
    ensure(client)
    sandbox.lose_answer(STOP)
    stopped = client.ensure_stopped(source_db_instance_arn=SOURCE_ARN)
    assert stopped is not None
    assert live(client) == []


def test_a_start_that_never_arrived_is_an_error_and_the_next_run_mends_it(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    sandbox.reset_connection(START)
    with pytest.raises(ConnectionClosedError):
        ensure(client)
    assert live(client) == []
    assert ensure(client) == "started"


@pytest.mark.parametrize("answer_lag", [0, 2])
def test_eight_ensures_at_once_start_one_replication(
    sandbox: Sandbox, client: BackupReplicationClient, answer_lag: int
) -> None:
    sandbox.behavior = Behavior(answer_lag=answer_lag)
    others = [sandbox.client("us-east-1", config=NO_RETRIES) for _ in range(3)]
    with ThreadPoolExecutor(8) as pool:
        actions = list(pool.map(ensure, [client, *others] * 2))
    assert Counter(actions) == {"started": 1, "unchanged": 7}
    assert len(live(client)) == 1


def test_eight_replacements_at_once_leave_one_replication_as_asked(
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
    assert [backup.backup_retention_period for backup in live(client)] == [7]


def test_it_is_stopped_while_it_is_waited_for(client: BackupReplicationClient) -> None:
    ensure(client)
    looks: list[str] = []

    def stop_at_the_first_look(backup: DBInstanceAutomatedBackup | None) -> None:
        looks.append(str(backup.status if backup else None).lower())
        if len(looks) == 1:
            stop(client)

    with pytest.raises(ReplicationStoppedError) as caught:
        client.wait_until_replicating(
            source_db_instance_arn=SOURCE_ARN, on_poll=stop_at_the_first_look
        )
    assert caught.value.last_backup.is_retained
    assert looks == ["pending", "pending", "retained"]


def test_it_is_deleted_while_it_is_waited_for(client: BackupReplicationClient) -> None:
    ensure(client)
    live_backup = client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN)
    assert live_backup is not None

    def stop_and_delete(backup: DBInstanceAutomatedBackup | None) -> None:
        if backup is not None and backup.status == "pending":
            stop(client)
            client.delete_db_instance_automated_backup(
                db_instance_automated_backups_arn=live_backup.db_instance_automated_backups_arn
            )

    with pytest.raises(ReplicationStoppedError) as caught:
        client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN, on_poll=stop_and_delete)
    assert caught.value.last_backup.status == "pending"


def test_twenty_throttles_in_a_row_are_ridden_out(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    ensure(client)
    sandbox.add_fault(None, ThrottlingError, times=20)
    assert client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN).is_replicating
    stop(client)
    sandbox.add_fault(DESCRIBE, ThrottlingError, times=10)
    sandbox.add_fault("describe_db_instances", ThrottlingError, times=10)
    assert client.wait_until_stopped(source_db_instance_arn=SOURCE_ARN)


def test_throttling_without_an_end_is_a_timeout(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    ensure(client)
    sandbox.add_fault(DESCRIBE, ThrottlingError, message="Rate exceeded", times=None)
    with pytest.raises(WaitTimeoutError, match="Rate exceeded") as caught:
        client.wait_until_replicating(
            source_db_instance_arn=SOURCE_ARN, timeout=timedelta(minutes=5)
        )
    assert isinstance(caught.value.__cause__, ThrottlingError)


def test_a_refusal_ends_a_wait(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    ensure(client)
    sandbox.add_fault(DESCRIBE, AccessDeniedError)
    with pytest.raises(AccessDeniedError):
        client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)


def test_another_regions_instance_of_the_same_name_stays_out_of_it(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    other = sandbox.create_db_instance("eu-west-1").db_instance_arn
    sandbox.create_db_instance("us-east-1")  # and one of this Region
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
    assert [backup.region for backup in live(client)] == ["eu-west-1"]


def test_what_is_retained_is_not_taken_for_the_live_one(client: BackupReplicationClient) -> None:
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
def test_answers_are_behind_the_changes(
    sandbox: Sandbox, client: BackupReplicationClient, answer_lag: int
) -> None:
    sandbox.behavior = Behavior(answer_lag=answer_lag)
    for _ in range(2):  # the second time, beside what the first has left
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


def test_it_has_ended_when_the_source_is_available_again(client: BackupReplicationClient) -> None:
    ensure(client)
    client.ensure_stopped(source_db_instance_arn=SOURCE_ARN)
    with pytest.raises(InvalidDBInstanceStateFault, match="modifying"):
        client.start_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)
    client.wait_until_stopped(source_db_instance_arn=SOURCE_ARN)
    assert ensure(client) == "started"


def test_a_new_key_is_refused_while_copies_are_retained_and_the_old_one_comes_back(
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
    # What is pending has no copies; but there are those of the one before.
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
    (backup,) = live(client)
    assert (backup.kms_key_id, backup.backup_retention_period) == (old["Arn"], 3)
    assert before is not None
    assert backup.db_instance_automated_backups_arn == before.db_instance_automated_backups_arn


def test_what_may_not_be_asked_is_not_fine(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    sandbox.add_fault("describe_db_instances", AccessDeniedError, region_name="us-west-2")
    (reason,) = client.check_replication(source_db_instance_arn=SOURCE_ARN)
    assert reason.code == "could_not_be_checked"
    assert "rds:DescribeDBInstances" in reason.remedy


# What is said must be true


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("retries", [NO_RETRIES, None])
@pytest.mark.parametrize("fault", ["reset", "refused"])
def test_a_stop_that_took_no_effect_is_no_success_while_answers_are_behind(
    sandbox: Sandbox, retries: Config | None, fault: str
) -> None:
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
    assert len(live(client)) == 1


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("fault", ["throttled", "reset"])
def test_a_stop_of_nothing_is_never_claimed(sandbox: Sandbox, fault: str) -> None:
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
def test_eight_throttled_callers_claim_one_start_and_one_stop(sandbox: Sandbox) -> None:
    # One caller may come upon all of the throttles.
    patient = Config(retries={"total_max_attempts": 10})
    clients = [sandbox.client("us-east-1", config=patient) for _ in range(8)]
    sandbox.add_fault(START, ThrottlingError, times=4)
    with ThreadPoolExecutor(8) as pool:
        actions = list(pool.map(ensure, clients))
    assert Counter(actions) == {"started": 1, "unchanged": 7}

    def stopped(client: BackupReplicationClient) -> bool:
        return client.ensure_stopped(source_db_instance_arn=SOURCE_ARN) is not None

    sandbox.add_fault(STOP, ThrottlingError, times=4)
    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(stopped, clients)) == {True: 1, False: 7}


def replicating(client: BackupReplicationClient, days: int = 14) -> None:
    ensure(client, backup_retention_period=days)
    client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)


@pytest.mark.parametrize(
    "fault", [(None, ExpiredTokenError), (START, NoCredentialsError), (START, AccessDeniedError)]
)
def test_a_replacement_that_fails_in_any_way_leaves_the_source_protected(
    sandbox: Sandbox,
    client: BackupReplicationClient,
    caplog: pytest.LogCaptureFixture,
    fault: tuple[Any, type[Exception]],
) -> None:
    replicating(client)
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
    assert [backup.backup_retention_period for backup in live(client)] == [14]
    assert "started again as it was" in caplog.text


def test_a_restart_whose_answer_is_lost_is_looked_after(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    replicating(client)
    sandbox.add_fault(START, StorageTypeNotSupportedFault)
    sandbox.lose_answer(START)
    with pytest.raises(StorageTypeNotSupportedFault, match="started again as it was"):
        ensure(client, backup_retention_period=7, replace=True)
    assert [backup.backup_retention_period for backup in live(client)] == [14]


def test_a_replacement_that_cannot_be_undone_says_so(
    sandbox: Sandbox, client: BackupReplicationClient, caplog: pytest.LogCaptureFixture
) -> None:
    replicating(client)
    sandbox.add_fault(START, AccessDeniedError, times=2)
    with pytest.raises(AccessDeniedError, match="could not be started again"):
        ensure(client, backup_retention_period=7, replace=True)
    assert live(client) == []
    assert "could not be started again" in caplog.text
    assert ensure(client, backup_retention_period=7) == "started"


@pytest.mark.parametrize("is_denied", [True, False])
def test_a_replacement_works_without_the_sources_word(
    sandbox: Sandbox, client: BackupReplicationClient, *, is_denied: bool
) -> None:
    replicating(client)
    if is_denied:
        sandbox.add_fault("describe_db_instances", AccessDeniedError, times=None)
    else:
        client = BackupReplicationClient(client=client.client)
    with instant_waits():
        assert ensure(client, backup_retention_period=7, replace=True) == "replaced"
    assert [backup.backup_retention_period for backup in live(client)] == [7]


@pytest.mark.parametrize("is_lost", [True, False])
def test_a_replacement_that_meets_another_is_no_success_without_a_replication(
    sandbox: Sandbox, client: BackupReplicationClient, *, is_lost: bool
) -> None:
    sandbox.behavior = Behavior(stopping_looks=12 if is_lost else 2)
    replicating(client)
    boto3_client = sandbox.boto3_client("rds", "us-east-1", config=NO_RETRIES)
    other = BackupReplicationClient(client=boto3_client)
    done: list[bool] = []

    def replace_before(**_: Any) -> None:
        if not done:
            done.append(True)
            ensure(client, backup_retention_period=7, replace=True)
            client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)
            if is_lost:
                sandbox.lose_answer(STOP)

    other.client.meta.events.register(
        "before-sign.rds.StopDBInstanceAutomatedBackupsReplication", replace_before
    )
    with instant_waits():
        assert ensure(other, backup_retention_period=7, replace=True) == "replaced"
    assert [backup.backup_retention_period for backup in live(client)] == [7]


@pytest.mark.parametrize("retries", [NO_RETRIES, None])
@pytest.mark.usefixtures("no_backoff")
def test_a_replacement_whose_stop_is_lost_goes_on(sandbox: Sandbox, retries: Config | None) -> None:
    sandbox.behavior = Behavior(stopping_looks=10)
    client = sandbox.client("us-east-1", config=retries)
    replicating(client)
    sandbox.lose_answer(STOP)
    assert ensure(client, backup_retention_period=7, replace=True) == "replaced"
    assert [backup.backup_retention_period for backup in live(client)] == [7]


def test_eight_stops_of_one_that_takes_long_to_end(sandbox: Sandbox) -> None:
    sandbox.behavior = Behavior(stopping_looks=60)
    clients = [sandbox.client("us-east-1") for _ in range(8)]
    replicating(clients[0])

    def stopped(client: BackupReplicationClient) -> bool:
        return client.ensure_stopped(source_db_instance_arn=SOURCE_ARN) is not None

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(stopped, clients)) == {True: 1, False: 7}


def test_waits_in_several_threads_have_each_their_own_time(sandbox: Sandbox) -> None:
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
@pytest.mark.parametrize("of_boto3", [True, False])
def test_a_replication_that_does_not_show_yet_has_not_ended(
    sandbox: Sandbox, client: BackupReplicationClient, *, by_arn: bool, of_boto3: bool
) -> None:
    sandbox.behavior = Behavior(answer_lag=2)
    if of_boto3:
        client = BackupReplicationClient(client=client.client)
    started = client.ensure_replication(source_db_instance_arn=SOURCE_ARN).backup
    keywords: dict[str, Any] = {"source_db_instance_arn": SOURCE_ARN}
    if by_arn:
        arn = started.db_instance_automated_backups_arn
        keywords = {"db_instance_automated_backups_arn": arn}
    with instant_waits(), pytest.raises(WaitTimeoutError):
        client.wait_until_stopped(**keywords, timeout=timedelta(minutes=5))


def test_a_source_is_the_same_in_any_capitalization(client: BackupReplicationClient) -> None:
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
