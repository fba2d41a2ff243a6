"""Tests of the client against the sandbox: whole lifecycles of replicated backups."""

import pytest

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication.exceptions import (
    InvalidDBInstanceAutomatedBackupStateFault,
    ReplicationDriftError,
)
from rds_backup_replication.sandbox import Behavior, Sandbox

from . import lifecycle_cases
from .lifecycle_cases import NO_RETRIES, active, ensure, replace
from .wire import SOURCE_ARN

# The fixtures of these tests.
sandbox = lifecycle_cases.sandbox
client = lifecycle_cases.client


def test_replication_from_start_to_stop(client: BackupReplicationClient) -> None:
    arn = SOURCE_ARN
    assert client.check_replication(source_db_instance_arn=arn).is_clear
    assert client.find_replicated_backup(source_db_instance_arn=arn) is None
    assert ensure(client, backup_retention_period=14) == "started"
    replicating = client.wait_until_replicating(source_db_instance_arn=arn)
    assert replicating.restore_window is not None
    assert client.find_replicated_backup(source_db_instance_arn=arn) is not None
    assert ensure(client, backup_retention_period=14) == "unchanged"
    with pytest.raises(ReplicationDriftError):
        ensure(client, backup_retention_period=7)
    assert replace(client) == "replaced"
    assert [backup.backup_retention_period for backup in active(client)] == [7]
    stopped = client.ensure_stopped(source_db_instance_arn=arn)
    retained = client.wait_until_stopped(source_db_instance_arn=arn)
    assert stopped is not None
    assert retained is not None
    assert retained.is_retained
    assert client.ensure_stopped(source_db_instance_arn=arn) is None
    assert active(client) == []
    assert client.check_replication(source_db_instance_arn=arn).is_clear


def test_same_name_in_other_region_is_separate(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    other = sandbox.create_db_instance("eu-west-1").db_instance_arn
    sandbox.create_db_instance("us-east-1")  # an instance of the destination Region
    assert client.ensure_replication(source_db_instance_arn=str(other)).action == "started"
    client.wait_until_replicating(source_db_instance_arn=str(other))
    assert client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN) is None
    assert client.check_replication(source_db_instance_arn=SOURCE_ARN).is_clear
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


def test_new_key_refused_while_backups_are_retained(sandbox: Sandbox) -> None:
    arn = str(
        sandbox.create_db_instance("us-west-2", "vault", StorageEncrypted=True).db_instance_arn
    )
    kms = sandbox.boto3_client("kms", "us-east-1")
    old, new = (kms.create_key()["KeyMetadata"] for _ in range(2))
    kms.create_alias(AliasName="alias/old", TargetKeyId=old["KeyId"])
    client = sandbox.client("us-east-1", config=NO_RETRIES)

    def replace_with(key: str) -> str:
        return client.replace_replication(source_db_instance_arn=arn, kms_key_id=key).action

    assert replace_with(old["KeyId"]) == "started"
    replaced = client.replace_replication(source_db_instance_arn=arn, backup_retention_period=3)
    assert (replaced.action, replaced.backup.kms_key_id) == ("replaced", old["Arn"])
    with pytest.raises(ReplicationDriftError, match="delete the retained backups"):
        replace_with(new["Arn"])
    for name in (
        old["Arn"],
        old["KeyId"],
        "alias/old",
        old["Arn"].split(":key/")[0] + ":alias/old",
    ):
        assert replace_with(name) == "unchanged"
    client.wait_until_replicating(source_db_instance_arn=arn)
    before = client.find_replicated_backup(source_db_instance_arn=arn)
    with pytest.raises(ReplicationDriftError, match="delete the retained backups"):
        replace_with(new["Arn"])
    (backup,) = active(client)
    assert (backup.kms_key_id, backup.backup_retention_period) == (old["Arn"], 3)
    assert before is not None
    assert backup.db_instance_automated_backups_arn == before.db_instance_automated_backups_arn


@pytest.mark.parametrize("status", ["modifying", "storage-optimization"])
def test_unchanged_is_doubted_during_a_stop(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture, status: str
) -> None:
    """Until a stop has ended, the backup shows as active, and nobody can be sure of it."""
    sandbox.behavior = Behavior(stopping_looks=20, stopping_source_status=status)
    client = sandbox.client("us-east-1", config=NO_RETRIES)
    client.ensure_replication(source_db_instance_arn=SOURCE_ARN)
    client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)
    client.ensure_stopped(source_db_instance_arn=SOURCE_ARN)
    result = client.ensure_replication(source_db_instance_arn=SOURCE_ARN)
    assert (result.action, result.source_checked) == ("unchanged", False)
    assert f"the instance is {status}" in caplog.text


def test_source_arn_ignores_case(client: BackupReplicationClient) -> None:
    capitals = SOURCE_ARN.replace("mydatabase", "MyDatabase")
    assert ensure(client) == "started"
    with pytest.raises(InvalidDBInstanceAutomatedBackupStateFault):
        client.start_db_instance_automated_backups_replication(source_db_instance_arn=capitals)
    assert client.ensure_replication(source_db_instance_arn=capitals).action == "unchanged"
    (reason,) = client.check_replication(source_db_instance_arn=capitals)
    assert reason.code == "already_replicating"
    assert client.ensure_stopped(source_db_instance_arn=capitals) is not None
    assert client.wait_until_stopped(source_db_instance_arn=capitals) is not None
