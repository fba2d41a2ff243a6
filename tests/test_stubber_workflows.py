"""Tests of the stubber with the methods that are built of several calls."""

from datetime import timedelta

import pytest
from botocore.exceptions import ReadTimeoutError

from rds_backup_replication import BackupReplicationClient, DBInstance
from rds_backup_replication.exceptions import (
    AccessDeniedError,
    InvalidDBInstanceStateFault,
    ThrottlingError,
    WaitTimeoutError,
)
from rds_backup_replication.testing import (
    ReplicationStubber,
    UnexpectedCall,
    make_automated_backup,
    make_db_instance,
    make_db_instance_automated_backups_replication,
    make_source_region,
    stub_all_clients,
)

from . import stubber_cases
from .stubber_cases import DESCRIBE, START, unsigned
from .wire import KMS_KEY_ARN, SOURCE_ARN

# The fixture of these tests.
client = stubber_cases.client

ALIAS_ARN = "arn:aws:kms:us-east-1:123456789012:alias/backups"


def test_wait_takes_no_time(client: BackupReplicationClient) -> None:
    with ReplicationStubber(client) as stubber:
        stubber.add_describe_db_instances(make_db_instance())
        stubber.add_describe([make_automated_backup(status="pending")])
        stubber.add_fault(DESCRIBE, ThrottlingError)
        stubber.add_no_answer(DESCRIBE, ReadTimeoutError(endpoint_url="https://example.com"))
        stubber.add_describe([make_automated_backup()])
        backup = client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)
    assert backup.is_replicating


def test_wait_timeout_takes_no_time(client: BackupReplicationClient) -> None:
    with ReplicationStubber(client) as stubber:
        stubber.add_describe_db_instances(make_db_instance())
        for _ in range(3):
            stubber.add_describe([make_automated_backup(status="pending")])
        with pytest.raises(WaitTimeoutError, match="the last status was pending"):
            client.wait_until_replicating(
                source_db_instance_arn=SOURCE_ARN,
                timeout=timedelta(hours=2),
                poll_interval=timedelta(hours=1, minutes=40),
            )


def test_source_region_shares_queue(client: BackupReplicationClient) -> None:
    with ReplicationStubber(client) as stubber:
        stubber.add_describe_db_instances(make_db_instance(backup_retention_period=0))
        stubber.add_describe_source_regions([make_source_region()])
        stubber.add_describe()  # by the resource ID
        stubber.add_describe()  # by the ARN
        stubber.add_describe_key(KMS_KEY_ARN)
        (reason,) = client.check_replication(
            source_db_instance_arn=SOURCE_ARN, kms_key_id="alias/backups"
        )
    assert reason.code == "backups_off"


def test_client_alone_cannot_ask_others() -> None:
    with stub_all_clients() as stubber:
        client = BackupReplicationClient(client=unsigned("rds", "us-east-1"))
        stubber.add_describe_source_regions([make_source_region()])
        stubber.add_describe()
        checked = client.check_replication(source_db_instance_arn=SOURCE_ARN, kms_key_id="alias/k")
        stubber.add_describe()
        stubber.add_start()
        assert client.ensure_replication(source_db_instance_arn=SOURCE_ARN).action == "started"
    assert checked.blockers == ()
    assert ["source_client=" in reason.remedy for reason in checked.unchecked] == [True, False]
    assert "kms_client=" in checked.unchecked[1].remedy


def test_given_clients_share_queue() -> None:
    with stub_all_clients() as stubber:
        client = BackupReplicationClient(
            client=unsigned("rds", "us-east-1"),
            source_client=unsigned("rds", "us-west-2"),
            kms_client=unsigned("kms", "us-east-1"),
        )
        stubber.add_fault("describe_db_instances", AccessDeniedError)
        stubber.add_describe_source_regions()
        stubber.add_describe()
        stubber.add_describe_key(KMS_KEY_ARN)
        reasons = client.check_replication(
            source_db_instance_arn=SOURCE_ARN, kms_key_id="alias/backups"
        )
    assert [reason.code for reason in reasons] == [
        "region_pair_not_supported",
        "could_not_be_checked",
    ]


def test_composed_methods_make_documented_calls(client: BackupReplicationClient) -> None:
    with ReplicationStubber(client) as stubber:
        stubber.add_describe_db_instances(make_db_instance())
        stubber.add_describe()
        stubber.add_fault(START, InvalidDBInstanceStateFault)
        for _ in range(5):
            stubber.add_describe()
        with pytest.raises(InvalidDBInstanceStateFault):
            client.ensure_replication(source_db_instance_arn=SOURCE_ARN)

        stubber.add_describe_db_instances(make_db_instance())
        stubber.add_describe([make_automated_backup()])
        stubber.add_stop()
        client.ensure_stopped(source_db_instance_arn=SOURCE_ARN)

        listed = make_db_instance_automated_backups_replication()
        stubber.add_describe_db_instances(make_db_instance())
        stubber.add_describe([make_automated_backup()])
        stubber.add_describe([make_automated_backup(status="retained")])
        stubber.add_describe_db_instances(
            make_db_instance(
                db_instance_status="modifying", db_instance_automated_backups_replications=(listed,)
            )
        )
        stubber.add_describe([make_automated_backup(status="retained")])
        stubber.add_describe_db_instances(make_db_instance())
        assert client.wait_until_stopped(source_db_instance_arn=SOURCE_ARN) is not None


def test_replacement_makes_documented_calls(client: BackupReplicationClient) -> None:
    phases: list[str] = []
    with ReplicationStubber(client) as stubber:
        active = make_automated_backup(backup_retention_period=7)
        stubber.add_describe_db_instances(make_db_instance())
        stubber.add_describe([active])
        # As check_replication, with the key of the active backup if it has one.
        stubber.add_describe_db_instances(make_db_instance())
        stubber.add_describe_source_regions([make_source_region()])
        stubber.add_describe([active])
        stubber.add_describe([active])
        if active.kms_key_id is not None:
            stubber.add_describe_key(KMS_KEY_ARN)
        stubber.add_describe([active])
        stubber.add_stop()
        stubber.add_describe([make_automated_backup(status="retained")])
        stubber.add_describe_db_instances(make_db_instance())
        stubber.add_start(backup_retention_period=14)
        result = client.replace_replication(
            source_db_instance_arn=SOURCE_ARN,
            backup_retention_period=14,
            on_progress=lambda progress: phases.append(progress.phase),
        )
    assert (result.action, result.backup.backup_retention_period) == ("replaced", 14)
    assert list(dict.fromkeys(phases)) == ["preflight", "stop", "wait", "start"]


def replicating_instance() -> DBInstance:
    listed = make_db_instance_automated_backups_replication()
    return make_db_instance(db_instance_automated_backups_replications=(listed,))


def test_kms_alias_shares_queue(client: BackupReplicationClient) -> None:
    with ReplicationStubber(client) as stubber:
        stubber.add_describe_db_instances(replicating_instance())
        stubber.add_describe([make_automated_backup(kms_key_id=KMS_KEY_ARN)])
        stubber.add_describe_key(KMS_KEY_ARN)
        result = client.ensure_replication(
            source_db_instance_arn=SOURCE_ARN, kms_key_id="alias/backups"
        )
        assert (result.action, result.source_checked) == ("unchanged", True)
        with pytest.raises(ValueError, match="not the ARN of a KMS key"):
            stubber.add_describe_key(ALIAS_ARN)


def test_unexpected_kms_call_shows_key(client: BackupReplicationClient) -> None:
    with pytest.raises(UnexpectedCall) as caught, ReplicationStubber(client) as stubber:
        stubber.add_describe_db_instances(replicating_instance())
        stubber.add_describe([make_automated_backup(kms_key_id=KMS_KEY_ARN)])
        client.ensure_replication(source_db_instance_arn=SOURCE_ARN, kms_key_id=ALIAS_ARN)
    assert str(caught.value) == f"expected no call\n  got describe_key(key_id={ALIAS_ARN!r})"
