"""Tests of the responses and expected calls that a stubber queues."""

from collections.abc import Callable
from typing import Any

import pytest
from boto3.session import Session

from rds_backup_replication import (
    BackupReplicationClient,
    BackupStatus,
    StartDBInstanceAutomatedBackupsReplicationRequest,
    testing,
)
from rds_backup_replication.testing import (
    ReplicationStubber,
    UnexpectedCall,
    make_automated_backup,
    make_db_instance,
    make_source_region,
)

from . import stubber_cases
from .stubber_cases import DESCRIBE, START, STOP, start
from .wire import BACKUP_ARN, SOURCE_ARN

# The fixture of these tests.
client = stubber_cases.client


def test_operations_return_queued_responses(client: BackupReplicationClient) -> None:
    with ReplicationStubber(client) as stubber:
        stubber.add_start(backup_retention_period=14)
        stubber.add_stop()
        stubber.add_delete(make_automated_backup(status="deleting", engine="mysql"))
        stubber.add_restore(db_instance_identifier="drill")
        stubber.add_describe_source_regions([make_source_region()])
        started = start(client)
        assert started == make_automated_backup(status="pending", backup_retention_period=14)
        stopped = client.stop_db_instance_automated_backups_replication(
            source_db_instance_arn=SOURCE_ARN
        )
        assert stopped == make_automated_backup(status="replicating")
        deleted = client.delete_db_instance_automated_backup(dbi_resource_id="db-X")
        assert (deleted.status, deleted.engine) == ("deleting", "mysql")
        restored = client.restore_db_instance_to_point_in_time(
            source_db_instance_automated_backups_arn=BACKUP_ARN,
            target_db_instance_identifier="drill",
            use_latest_restorable_time=True,
        )
        assert restored.db_instance_identifier == "drill"
        assert (restored.db_instance_status, restored.endpoint) == ("creating", None)
        assert list(client.describe_source_regions()) == [make_source_region()]


def test_result_as_model_or_fields(client: BackupReplicationClient) -> None:
    with ReplicationStubber(client) as stubber:
        stubber.add_delete()
        stubber.add_restore(make_db_instance(db_instance_identifier="given"))
        assert client.delete_db_instance_automated_backup(dbi_resource_id="db-X").status == (
            BackupStatus.DELETING
        )
        restored = client.restore_db_instance_to_point_in_time(
            source_db_instance_automated_backups_arn=BACKUP_ARN,
            target_db_instance_identifier="given",
            use_latest_restorable_time=True,
        )
        assert restored.db_instance_identifier == "given"
        with pytest.raises(TypeError, match="not both: status"):
            stubber.add_start(make_automated_backup(), status="pending")
        with pytest.raises(TypeError, match="not both: multi_az"):
            stubber.add_restore(make_db_instance(), multi_az=True)
        with pytest.raises(TypeError, match="did you mean status"):
            stubber.add_start(statuss="pending")


def test_describe_returns_queued_pages(client: BackupReplicationClient) -> None:
    one, two, three = (make_automated_backup(db_instance_identifier=f"db{n}") for n in range(3))
    with ReplicationStubber(client) as stubber:
        stubber.add_describe([[one, two], [], three], expected={"page_size": 20})
        assert list(client.describe_db_instance_automated_backups(page_size=20)) == [
            one,
            two,
            three,
        ]
        stubber.add_describe()
        assert list(client.describe_db_instance_automated_backups()) == []
        stubber.add_describe([[one], [two]])
        assert next(client.describe_db_instance_automated_backups()) == one
        with pytest.raises(AssertionError, match="but not used"):  # nothing read the second page
            stubber.assert_no_pending()
        assert list(client.describe_db_instance_automated_backups()) == [two]


def test_page_with_wrong_model_refused(client: BackupReplicationClient) -> None:
    stubber = ReplicationStubber(client)
    not_pages: Any = [make_source_region()]
    with pytest.raises(TypeError, match="must contain DBInstanceAutomatedBackup models"):
        stubber.add_describe([not_pages])
    stubber.assert_no_pending()


def test_presigning_uses_no_response(session: Session) -> None:
    """Presigning a URL sends no request, so no queued response is used."""
    client = BackupReplicationClient(session=session, region_name="us-east-1")
    untyped: Any = client.client
    with ReplicationStubber(client):
        url = untyped.generate_presigned_url("describe_db_instances")
    assert url.startswith("https://rds.us-east-1.amazonaws.com/")


@pytest.mark.parametrize(
    "expected",
    [
        StartDBInstanceAutomatedBackupsReplicationRequest(
            source_db_instance_arn=SOURCE_ARN, tags=[testing.make_tag()]
        ),
        {"source_db_instance_arn": SOURCE_ARN, "tags": {"env": "test"}},
    ],
)
def test_expected_as_model_or_mapping(client: BackupReplicationClient, expected: Any) -> None:
    with ReplicationStubber(client) as stubber:
        stubber.add_start(expected=expected)
        start(client, tags={"env": "test"})


def test_unexpected_call_lists_each_difference(client: BackupReplicationClient) -> None:
    with pytest.raises(UnexpectedCall) as caught, ReplicationStubber(client) as stubber:
        stubber.add_start(
            expected={
                "source_db_instance_arn": SOURCE_ARN,
                "backup_retention_period": 14,
                "pre_signed_url": "https://example.com/secret-1",
                "tags": {"env": "prod"},
            }
        )
        start(
            client,
            backup_retention_period=7,
            pre_signed_url="https://example.com/secret-2",
            kms_key_id="alias/backups",
        )
    assert str(caught.value).splitlines() == [
        f"{START} got other parameters",
        "  backup_retention_period: expected 14, got 7",
        "  pre_signed_url: expected (hidden), got (hidden)",
        "  tags: expected (Tag(key='env', value='prod'),), got nothing",
        "  kms_key_id: expected nothing, got 'alias/backups'",
    ]


def test_difference_in_page_size_uses_python_name(client: BackupReplicationClient) -> None:
    with (
        pytest.raises(UnexpectedCall, match=r"\n  page_size: expected 20, got 50$"),
        ReplicationStubber(client) as stubber,
    ):
        stubber.add_describe(expected={"max_records": 20})
        list(client.describe_db_instance_automated_backups(page_size=50))


def test_later_page_expects_marker(client: BackupReplicationClient) -> None:
    untyped: Any = client.client
    with (
        pytest.raises(UnexpectedCall, match="marker: expected 'page-2', got nothing"),
        ReplicationStubber(client) as stubber,
    ):
        stubber.add_describe([[], []], expected={})
        untyped.describe_db_instance_automated_backups()
        untyped.describe_db_instance_automated_backups()


def test_call_out_of_order(client: BackupReplicationClient) -> None:
    with pytest.raises(UnexpectedCall) as caught, ReplicationStubber(client) as stubber:
        stubber.add_stop(expected={"source_db_instance_arn": SOURCE_ARN})
        stubber.add_start()
        start(client, pre_signed_url="https://example.com/secret")
    assert str(caught.value).splitlines() == [
        f"expected {STOP}(source_db_instance_arn={SOURCE_ARN!r})",
        f"  got {START}(source_db_instance_arn={SOURCE_ARN!r}, pre_signed_url=(hidden))",
    ]


def test_call_without_queued_response(client: BackupReplicationClient) -> None:
    with (
        pytest.raises(UnexpectedCall, match=rf"expected no call\n  got {DESCRIBE}\(\)"),
        ReplicationStubber(client),
    ):
        list(client.describe_db_instance_automated_backups())


def test_unexpected_boto3_call_hides_parameters(client: BackupReplicationClient) -> None:
    untyped: Any = client.client
    with pytest.raises(UnexpectedCall) as caught, ReplicationStubber(client):
        untyped.modify_db_instance(DBInstanceIdentifier="x", MasterUserPassword="secret")
    assert "master_user_password=(hidden)" in str(caught.value)


def test_unexpected_call_hides_unknown_parameters(client: BackupReplicationClient) -> None:
    untyped: Any = client.client
    with pytest.raises(UnexpectedCall) as caught, ReplicationStubber(client):
        untyped.restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier="mydatabase", TargetDBInstanceIdentifier="restored"
        )
    assert str(caught.value).endswith(
        "(source_db_instance_identifier=(hidden), target_db_instance_identifier='restored')"
    )


def swallow_all(call: Callable[[], object]) -> None:
    try:
        call()
    except Exception:  # noqa: BLE001  # the code under test may swallow any exception
        return


def test_swallowed_unexpected_call_raised_at_exit(client: BackupReplicationClient) -> None:
    with pytest.raises(UnexpectedCall, match="expected no call"), ReplicationStubber(client):
        swallow_all(lambda: start(client))


def test_exception_in_block_precedes_unused_responses(client: BackupReplicationClient) -> None:
    """The stubber does not replace an exception of the block by its own."""
    with pytest.raises(KeyError), ReplicationStubber(client) as stubber:
        stubber.add_start()
        raise KeyError


def test_replaced_unexpected_call_raised_at_exit(client: BackupReplicationClient) -> None:
    """The stubber raises UnexpectedCall even if the code under test replaced the exception."""

    def deploy() -> None:
        try:
            start(client)
        except AssertionError as error:
            raise KeyError from error

    with pytest.raises(UnexpectedCall, match="expected no call"), ReplicationStubber(client):
        deploy()
    with pytest.raises(UnexpectedCall) as caught, ReplicationStubber(client):
        start(client)
    assert caught.value.__cause__ is None


def test_mismatched_response_stays_queued(client: BackupReplicationClient) -> None:
    with pytest.raises(UnexpectedCall), ReplicationStubber(client) as stubber:
        stubber.add_stop()
        swallow_all(lambda: start(client))
        with pytest.raises(AssertionError, match="stop_db_instance"):
            stubber.assert_no_pending()


def test_stubber_is_reusable_but_not_reentrant(client: BackupReplicationClient) -> None:
    stubber = ReplicationStubber(client)
    with pytest.raises(UnexpectedCall), stubber:
        start(client)
    with stubber:
        with pytest.raises(RuntimeError, match="already active"), stubber:
            pass
        stubber.add_start()
        start(client)


def test_unused_responses_listed_at_exit(client: BackupReplicationClient) -> None:
    with pytest.raises(AssertionError) as caught, ReplicationStubber(client) as stubber:
        stubber.add_start(expected={"source_db_instance_arn": SOURCE_ARN})
        stubber.add_describe()
    assert str(caught.value).splitlines()[1:] == [
        f"  {START}(source_db_instance_arn={SOURCE_ARN!r})",
        f"  {DESCRIBE}(...)",
    ]
