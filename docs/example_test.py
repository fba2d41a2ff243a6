import pytest

from rds_backup_replication import BackupReplicationClient, exceptions, testing

DB = "arn:aws:rds:us-west-2:123456789012:db:mydatabase"


def test_find_replicated_backup(replication_stubber: testing.ReplicationStubber) -> None:
    replication_stubber.add_describe([testing.make_automated_backup(db_instance_arn=DB)])
    assert BackupReplicationClient().find_replicated_backup(source_db_instance_arn=DB) is not None


def test_access_denied(replication_stubber: testing.ReplicationStubber) -> None:
    replication_stubber.add_fault("describe_source_regions", exceptions.AccessDeniedError)
    with pytest.raises(exceptions.AccessDeniedError):
        list(BackupReplicationClient().describe_source_regions())


def test_pagination(replication_stubber: testing.ReplicationStubber) -> None:
    replication_stubber.add_describe([[testing.make_automated_backup()]] * 3)  # three pages
    assert len(list(BackupReplicationClient().describe_db_instance_automated_backups())) == 3


def test_wait_until_replicating(replication_stubber: testing.ReplicationStubber) -> None:
    replication_stubber.add_describe_db_instances(testing.make_db_instance())
    replication_stubber.add_describe([testing.make_automated_backup(status="pending")])
    replication_stubber.add_describe([testing.make_automated_backup(status="replicating")])
    client = BackupReplicationClient()
    assert client.wait_until_replicating(source_db_instance_arn=DB).is_replicating
