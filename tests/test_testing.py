"""Tests of the testing kit: its responses, its errors, its cleanup and its factories."""

import inspect
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any, Final

import boto3
import pytest
from boto3.session import Session
from botocore import xform_name
from botocore.exceptions import ReadTimeoutError
from botocore.validate import validate_parameters

import rds_backup_replication
from rds_backup_replication import (
    BackupReplicationClient,
    BackupStatus,
    DeleteDBInstanceAutomatedBackupRequest,
    RestoreWindow,
    StartDBInstanceAutomatedBackupsReplicationRequest,
    testing,
)
from rds_backup_replication._api import context_of
from rds_backup_replication._arn import Destination
from rds_backup_replication._clock import Clock
from rds_backup_replication._models import RequestModel, ResponseModel
from rds_backup_replication.exceptions import (
    AccessDeniedError,
    DBInstanceNotFoundFault,
    InternalFailureError,
    InvalidDBInstanceStateFault,
    InvalidParameterValueError,
    KMSKeyNotAccessibleFault,
    RequestValidationError,
    ServiceError,
    ThrottlingError,
    WaitTimeoutError,
)
from rds_backup_replication.testing import (
    ReplicationStubber,
    UnexpectedCall,
    instant_waits,
    make_automated_backup,
    make_db_instance,
    make_source_region,
    stub_all_clients,
)

from .wire import BACKUP_ARN, KMS_KEY_ARN, SOURCE_ARN

START: Final = "start_db_instance_automated_backups_replication"
STOP: Final = "stop_db_instance_automated_backups_replication"
DESCRIBE: Final = "describe_db_instance_automated_backups"
ALIAS_ARN = "arn:aws:kms:us-east-1:123456789012:alias/backups"
GOV_ARN = "arn:aws-us-gov:rds:us-gov-west-1:123456789012:db:mydatabase"
OTHER_ARN = "arn:aws:rds:eu-west-1:210987654321:db:orders"


def start(client: BackupReplicationClient, **keywords: Any) -> Any:
    keywords = {"source_db_instance_arn": SOURCE_ARN, **keywords}
    return client.start_db_instance_automated_backups_replication(**keywords)


@cache  # the first client of a session is slow to create
def unsigned_session() -> Session:
    """Return a session without credentials, so that unstubbed calls cannot be sent."""
    return Session()


def unsigned(service: str, region_name: str) -> Any:
    """Return a boto3 client without credentials."""
    session: Any = unsigned_session()
    return session.client(service, region_name=region_name)


@pytest.fixture
def client() -> BackupReplicationClient:
    return BackupReplicationClient(session=unsigned_session(), region_name="us-east-1")


# Responses


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


def test_result_as_model_or_fields(
    client: BackupReplicationClient,
) -> None:
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


# Expected calls


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


def test_difference_in_page_size_uses_python_name(
    client: BackupReplicationClient,
) -> None:
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


def test_invalid_expected_raises_at_once() -> None:
    with pytest.raises(RequestValidationError, match="did you mean source_db_instance_arn"):
        ReplicationStubber().add_stop(expected={"source_db_instance": SOURCE_ARN})


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


def test_unexpected_boto3_call_hides_parameters(
    client: BackupReplicationClient,
) -> None:
    untyped: Any = client.client
    with pytest.raises(UnexpectedCall) as caught, ReplicationStubber(client):
        untyped.modify_db_instance(DBInstanceIdentifier="x", MasterUserPassword="secret")
    assert "master_user_password=(hidden)" in str(caught.value)


def test_unexpected_call_hides_unknown_parameters(
    client: BackupReplicationClient,
) -> None:
    untyped: Any = client.client
    with pytest.raises(UnexpectedCall) as caught, ReplicationStubber(client):
        untyped.restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier="mydatabase", TargetDBInstanceIdentifier="restored"
        )
    assert str(caught.value).endswith(
        "(source_db_instance_identifier=(hidden), target_db_instance_identifier='restored')"
    )


def clock_of(client: BackupReplicationClient) -> Clock:
    return context_of(client).clock


def swallow_all(call: Callable[[], object]) -> None:
    try:
        call()
    except Exception:  # noqa: BLE001  # the code under test may swallow any exception
        return


def test_swallowed_unexpected_call_raised_at_exit(client: BackupReplicationClient) -> None:
    with pytest.raises(UnexpectedCall, match="expected no call"), ReplicationStubber(client):
        swallow_all(lambda: start(client))


def test_exception_in_block_precedes_unused_responses(
    client: BackupReplicationClient,
) -> None:
    """The stubber does not replace an exception of the block by its own."""
    with pytest.raises(KeyError), ReplicationStubber(client) as stubber:
        stubber.add_start()
        raise KeyError


def test_replaced_unexpected_call_raised_at_exit(
    client: BackupReplicationClient,
) -> None:
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


def test_stubber_is_reusable_but_not_reentrant(
    client: BackupReplicationClient,
) -> None:
    stubber = ReplicationStubber(client)
    with pytest.raises(UnexpectedCall), stubber:
        start(client)
    with stubber:
        with pytest.raises(RuntimeError, match="already active"), stubber:
            pass
        stubber.add_start()
        start(client)


def test_source_region_needs_no_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = Session()
    client = BackupReplicationClient(session=session, region_name="us-east-1")

    def fail_on_network_access(*_: Any, **__: Any) -> None:
        raise AssertionError

    fetch = "botocore.utils.InstanceMetadataFetcher.retrieve_iam_role_credentials"
    monkeypatch.setattr(fetch, fail_on_network_access)
    make = context_of(client).clients
    assert make is not None
    with ReplicationStubber(client) as stubber:
        stubber.add_describe()
        stubber.add_describe_db_instances(make_db_instance())
        assert client.wait_until_stopped(source_db_instance_arn=SOURCE_ARN) is None
    with pytest.raises(
        AssertionError
    ):  # the dummy credentials are gone from the client and the session
        make("rds", "us-west-2")


def test_invalid_argument_hides_presigned_url() -> None:
    url: Any = "https://example.com/?X-Amz-Signature=topsecret"
    stubber = ReplicationStubber()
    calls: list[Callable[[], object]] = [
        lambda: stubber.add_start(url),
        lambda: stubber.add_start(expected=url),
        lambda: stubber.add_no_answer(START, url),
        lambda: stubber.add_fault(START, url),
    ]
    for call in calls:
        with pytest.raises(TypeError) as caught:
            call()
        assert "topsecret" not in str(caught.value)


def test_unused_responses_listed_at_exit(client: BackupReplicationClient) -> None:
    with pytest.raises(AssertionError) as caught, ReplicationStubber(client) as stubber:
        stubber.add_start(expected={"source_db_instance_arn": SOURCE_ARN})
        stubber.add_describe()
    assert str(caught.value).splitlines()[1:] == [
        f"  {START}(source_db_instance_arn={SOURCE_ARN!r})",
        f"  {DESCRIBE}(...)",
    ]


# Faults


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        (DBInstanceNotFoundFault, "DBInstanceNotFound", 404),
        (KMSKeyNotAccessibleFault, "KMSKeyNotAccessibleFault", 400),
        (InvalidParameterValueError, "InvalidParameterValue", 400),
        (AccessDeniedError, "AccessDenied", 403),
        (InternalFailureError, "InternalFailure", 500),
    ],
)
def test_fault_has_code_and_status(
    client: BackupReplicationClient, fault: type[ServiceError], code: str, status: int
) -> None:
    with ReplicationStubber(client) as stubber:
        stubber.add_fault(START, fault, "No entry.")
        with pytest.raises(fault, match=r"No entry\.") as caught:
            start(client)
    assert (caught.value.code, caught.value.http_status_code) == (code, status)
    assert type(caught.value) is fault
    assert caught.value.request_id


def test_fault_with_given_code(
    client: BackupReplicationClient,
) -> None:
    with ReplicationStubber(client) as stubber:
        stubber.add_fault(START, ServiceError, code="SomethingNew")
        stubber.add_fault(START, ThrottlingError, code="RequestLimitExceeded")
        with pytest.raises(ServiceError) as caught:
            start(client)
        assert (type(caught.value), caught.value.code) == (ServiceError, "SomethingNew")
        with pytest.raises(ThrottlingError, match="RequestLimitExceeded"):
            start(client)


def test_invalid_fault_refused() -> None:
    stubber = ReplicationStubber()
    with pytest.raises(ValueError, match="code= is required"):
        stubber.add_fault(START, ServiceError)
    with pytest.raises(
        ValueError, match="the client raises DBInstanceNotFoundFault, not ServiceError"
    ):
        stubber.add_fault(START, ServiceError, code="DBInstanceNotFound")
    misspelled: Any = "start_replication"
    with pytest.raises(ValueError, match="'start_replication' is not an operation"):
        stubber.add_fault(misspelled, DBInstanceNotFoundFault)
    with pytest.raises(ValueError, match="'start_replication' is not an operation"):
        stubber.add_no_answer(misspelled, ReadTimeoutError(endpoint_url="https://example.com"))
    stubber.assert_no_pending()


def test_no_answer_raises_given_exception(client: BackupReplicationClient) -> None:
    error = ReadTimeoutError(endpoint_url="https://example.com")
    with ReplicationStubber(client) as stubber:
        stubber.add_no_answer(START, error)
        with pytest.raises(ReadTimeoutError) as caught:
            start(client)
    assert caught.value is error


# Composed methods


def test_wait_takes_no_time(client: BackupReplicationClient) -> None:
    with ReplicationStubber(client) as stubber:
        stubber.add_describe([make_automated_backup(status="pending")])
        stubber.add_fault(DESCRIBE, ThrottlingError)
        stubber.add_no_answer(DESCRIBE, ReadTimeoutError(endpoint_url="https://example.com"))
        stubber.add_describe([make_automated_backup()])
        backup = client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)
    assert backup.is_replicating


def test_wait_timeout_takes_no_time(client: BackupReplicationClient) -> None:
    with ReplicationStubber(client) as stubber:
        for _ in range(3):
            stubber.add_describe([make_automated_backup(status="pending")])
        with pytest.raises(WaitTimeoutError, match="the last status was pending"):
            client.wait_until_replicating(
                source_db_instance_arn=SOURCE_ARN,
                timeout=timedelta(hours=2),
                poll_interval=timedelta(hours=1, minutes=40),
            )


def test_source_region_shares_queue(
    client: BackupReplicationClient,
) -> None:
    with ReplicationStubber(client) as stubber:
        stubber.add_describe_source_regions([make_source_region()])
        stubber.add_describe_db_instances(make_db_instance(backup_retention_period=0))
        stubber.add_describe()
        (reason,) = client.check_replication(source_db_instance_arn=SOURCE_ARN)
    assert reason.code == "backups_off"


def test_source_client_argument_shares_queue() -> None:
    with stub_all_clients() as stubber:
        client = BackupReplicationClient(client=unsigned("rds", "us-east-1"))
        with pytest.raises(
            TypeError, match="source_client= is required for a client created with client="
        ):
            client.check_replication(source_db_instance_arn=SOURCE_ARN)
        stubber.add_describe_source_regions()
        stubber.add_fault("describe_db_instances", AccessDeniedError)
        stubber.add_describe()
        reasons = client.check_replication(
            source_db_instance_arn=SOURCE_ARN, source_client=unsigned("rds", "us-west-2")
        )
    assert [reason.code for reason in reasons] == [
        "region_pair_not_supported",
        "could_not_be_checked",
    ]


def test_composed_methods_make_documented_calls(
    client: BackupReplicationClient,
) -> None:
    with ReplicationStubber(client) as stubber:
        stubber.add_describe()
        stubber.add_fault(START, InvalidDBInstanceStateFault)
        for _ in range(5):
            stubber.add_describe()
        with pytest.raises(InvalidDBInstanceStateFault):
            client.ensure_replication(source_db_instance_arn=SOURCE_ARN)

        stubber.add_describe([make_automated_backup()])
        stubber.add_stop()
        client.ensure_stopped(source_db_instance_arn=SOURCE_ARN)
        stubber.add_describe([make_automated_backup()])
        stubber.add_describe([make_automated_backup(status="retained")])
        stubber.add_describe_db_instances(make_db_instance(db_instance_status="modifying"))
        stubber.add_describe()
        stubber.add_describe_db_instances(make_db_instance())
        assert client.wait_until_stopped(source_db_instance_arn=SOURCE_ARN) is None


def test_kms_alias_shares_queue(client: BackupReplicationClient) -> None:
    with ReplicationStubber(client) as stubber:
        stubber.add_describe([make_automated_backup(kms_key_id=KMS_KEY_ARN)])
        stubber.add_describe_key(KMS_KEY_ARN)
        result = client.ensure_replication(
            source_db_instance_arn=SOURCE_ARN, kms_key_id="alias/backups"
        )
        assert result.action == "unchanged"
        with pytest.raises(ValueError, match="not the ARN of a KMS key"):
            stubber.add_describe_key(ALIAS_ARN)


def test_unexpected_kms_call_shows_key(client: BackupReplicationClient) -> None:
    with pytest.raises(UnexpectedCall) as caught, ReplicationStubber(client) as stubber:
        stubber.add_describe([make_automated_backup(kms_key_id=KMS_KEY_ARN)])
        client.ensure_replication(source_db_instance_arn=SOURCE_ARN, kms_key_id=ALIAS_ARN)
    assert str(caught.value) == f"expected no call\n  got describe_key(key_id={ALIAS_ARN!r})"


# Clients that the code under test creates


def test_stub_all_clients_covers_new_clients() -> None:
    created_outside = BackupReplicationClient(region_name="us-east-1")
    with stub_all_clients() as stubber:
        stubber.add_start()
        stubber.add_describe([make_automated_backup(status="pending")])
        stubber.add_describe([make_automated_backup()])
        first = BackupReplicationClient(region_name="us-east-1")
        second = rds_backup_replication.BackupReplicationClient(client=unsigned("rds", "us-east-1"))
        assert first.region_name == second.region_name
        start(first)
        assert second.wait_until_replicating(source_db_instance_arn=SOURCE_ARN).is_replicating
        assert clock_of(first) is not time
        assert clock_of(created_outside) is time


def test_two_clients_of_one_boto3_client() -> None:
    shared = unsigned("rds", "us-east-1")
    with stub_all_clients() as stubber:
        stubber.add_start()
        BackupReplicationClient(client=shared)
        start(BackupReplicationClient(client=shared))


def test_stub_all_clients_refuses_unexpected_call() -> None:
    with pytest.raises(UnexpectedCall), stub_all_clients():
        start(BackupReplicationClient(region_name="us-east-1"))


# Cleanup


class _NotStubbedError(Exception):
    """Raised in place of a network request."""


def _refuse_request(**_: object) -> None:
    raise _NotStubbedError


def test_client_restored_after_block(client: BackupReplicationClient) -> None:
    context = context_of(client)
    before = dict(vars(context))
    with ReplicationStubber(client) as stubber:
        assert vars(context) != before
        stubber.add_describe_source_regions()
        stubber.add_describe_db_instances()
        stubber.add_describe()
        client.check_replication(source_db_instance_arn=SOURCE_ARN)
    assert vars(context) == before
    assert clock_of(client) is time
    for boto3_client in (before["client"], before["clients"]("rds", "us-west-2")):
        boto3_client.meta.events.register_first("before-call", _refuse_request)
        with pytest.raises(_NotStubbedError):
            boto3_client.describe_db_instances()


def test_client_restored_after_exception(client: BackupReplicationClient) -> None:
    context = context_of(client)
    before = dict(vars(context))
    with pytest.raises(KeyError), ReplicationStubber(client):
        raise KeyError
    assert vars(context) == before


def test_later_clients_not_stubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "real")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    construct = BackupReplicationClient.__init__
    with stub_all_clients():
        assert os.environ["AWS_ACCESS_KEY_ID"] != "real"
        assert BackupReplicationClient.__init__ is not construct
    assert BackupReplicationClient.__init__ is construct
    assert os.environ["AWS_ACCESS_KEY_ID"] == "real"
    assert clock_of(BackupReplicationClient(region_name="us-east-1")) is time


def test_boto3_restored_after_block(monkeypatch: pytest.MonkeyPatch) -> None:
    boto3.setup_default_session(aws_access_key_id="real", aws_secret_access_key="real")
    session = boto3.DEFAULT_SESSION
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    with stub_all_clients():
        made: Any = BackupReplicationClient(region_name="us-east-1").client
        credentials = made._request_signer._credentials
        assert (credentials.access_key, credentials.token) == ("testing", None)
        assert boto3.DEFAULT_SESSION is not session
    assert boto3.DEFAULT_SESSION is session
    assert os.environ["AWS_PROFILE"] == "production"


def test_earlier_client_refused_in_block(client: BackupReplicationClient) -> None:
    with (
        pytest.raises(UnexpectedCall, match=r"created before .*ReplicationStubber"),
        stub_all_clients() as stubber,
    ):
        with pytest.raises(UnexpectedCall, match="created before"):
            start(client)
        stubber.add_start()
        start(BackupReplicationClient(region_name="us-east-1"))
    with stub_all_clients(), ReplicationStubber(client) as stubber:  # the way to stub such a client
        stubber.add_start()
        assert start(client).status == "pending"


def test_second_stubber_refused(client: BackupReplicationClient) -> None:
    with (
        ReplicationStubber(client),
        pytest.raises(RuntimeError, match="another stubber already stubs this client"),
        ReplicationStubber(BackupReplicationClient(client=client.client)),
    ):
        pass
    with (
        stub_all_clients(),
        stub_all_clients(),
        pytest.raises(RuntimeError, match="another stubber already stubs this client"),
    ):
        BackupReplicationClient(region_name="us-east-1")
    with ReplicationStubber(client) as stubber:  # the stubber still works after these errors
        stubber.add_start()
        start(client)


def wrong_types(stubber: Any) -> dict[str, Callable[[], object]]:
    """Return calls with a wrong type, under a pattern of their error."""
    expected = DeleteDBInstanceAutomatedBackupRequest(dbi_resource_id="db-A")
    rds: Any = unsigned("rds", "us-east-1")
    return {
        "fault must be a class of ServiceError, not <": lambda: stubber.add_fault(
            START, ValueError
        ),
        "fault must be a class of ServiceError, not S": lambda: stubber.add_fault(
            START, ServiceError({}, "")
        ),
        "a DBInstanceAutomatedBackup, or omitted, not 'pending'": lambda: stubber.add_start(
            "pending"
        ),
        "must be a DBInstance,": lambda: stubber.add_restore(make_automated_backup()),
        "must be a StartDBInstance.*Request or a mapping": lambda: stubber.add_start(
            expected=expected
        ),
        "must be a StopDBInstance": lambda: stubber.add_stop(expected=SOURCE_ARN),
        "a list of pages": lambda: stubber.add_describe(make_automated_backup()),
        "instance of BotoCoreError, not <": lambda: stubber.add_no_answer(START, ReadTimeoutError),
        "instance of BotoCoreError, not T": lambda: stubber.add_no_answer(START, TimeoutError()),
        "a BackupReplicationClient, not": lambda: ReplicationStubber(rds),
    }


@pytest.mark.parametrize("message", wrong_types(None))
def test_wrong_type_refused_when_queued(message: str) -> None:
    stubber = ReplicationStubber()
    with pytest.raises(TypeError, match=message):
        wrong_types(stubber)[message]()
    stubber.assert_no_pending()


def test_unknown_operation_lists_valid_ones() -> None:
    unknown: Any = "start"
    with pytest.raises(ValueError, match=r"'start' is not .*one of .*start_db_instance_automated"):
        ReplicationStubber().add_fault(unknown, AccessDeniedError)


def test_instant_waits_covers_all_clients(client: BackupReplicationClient) -> None:
    with instant_waits():
        clock_of(client).sleep(1e9)
        assert clock_of(BackupReplicationClient(region_name="us-east-1")).monotonic() == 1e9
    assert clock_of(client) is time


# Factories


def models() -> list[type]:
    """Return the public models."""
    values = [getattr(rds_backup_replication, name) for name in rds_backup_replication.__all__]
    without_factory = (BackupReplicationClient, BackupStatus, rds_backup_replication.RestoreOptions)
    return [value for value in values if isinstance(value, type) and value not in without_factory]


def factory(model: type) -> Callable[..., Any]:
    """Return the factory of a model."""
    name = xform_name(model.__name__)
    if model is rds_backup_replication.DBInstanceAutomatedBackup:
        name = "automated_backup"
    make: Callable[..., Any] = getattr(testing, f"make_{name}")
    return make


@pytest.mark.parametrize("model", models())
def test_factory_default_is_valid(client: BackupReplicationClient, model: Any) -> None:
    made = factory(model)()
    assert type(made) is model
    assert made == factory(model)()
    if isinstance(made, RequestModel):
        destination = Destination("us-east-1", "aws")
        assert model.model_validate(dict(made), context=destination) == made
    if isinstance(made, ResponseModel):
        shape = client.client.meta.service_model.shape_for(model.__name__)
        validate_parameters(made.model_dump(by_alias=True, exclude_none=True), shape)


@pytest.mark.parametrize("model", models())
def test_factory_refuses_unknown_field(model: type) -> None:
    assert factory(model).__doc__
    with pytest.raises(TypeError, match="no_such_field"):
        factory(model)(no_such_field=1)


def test_factories_cover_exactly_the_models() -> None:
    made = {name for name in testing.__all__ if name.startswith("make_")}
    assert made == {factory(model).__name__ for model in models()}


def test_backup_fields_derived_from_arn() -> None:
    backup = make_automated_backup(db_instance_arn=OTHER_ARN)
    assert (backup.region, backup.db_instance_identifier) == ("eu-west-1", "orders")
    assert str(backup.db_instance_automated_backups_arn).startswith(
        "arn:aws:rds:us-east-1:210987654321:auto-backup:ab-"
    )
    instance = make_db_instance(db_instance_arn=OTHER_ARN)
    assert backup.dbi_resource_id == instance.dbi_resource_id
    assert backup.dbi_resource_id != make_automated_backup().dbi_resource_id
    assert instance.endpoint is not None
    assert str(instance.endpoint.address).startswith("orders.")


def test_backup_arn_derived_from_name_and_region() -> None:
    backup = make_automated_backup(db_instance_identifier="orders", region="us-east-1")
    assert backup.db_instance_arn == "arn:aws:rds:us-east-1:123456789012:db:orders"
    assert ":us-west-2:" in str(backup.db_instance_automated_backups_arn)
    gov = make_automated_backup(db_instance_arn=GOV_ARN)
    assert "arn:aws-us-gov:rds:us-gov-east-1:" in str(gov.db_instance_automated_backups_arn)
    with pytest.raises(ValueError, match="'mydatabase' is not an ARN"):
        make_automated_backup(db_instance_arn="mydatabase")


@pytest.mark.parametrize(
    ("status", "window"),
    [
        ("pending", RestoreWindow()),
        ("Pending", RestoreWindow()),
        ("replicating", testing.make_restore_window()),
        ("retained", testing.make_restore_window()),
    ],
)
def test_backup_restore_window_depends_on_status(status: str, window: RestoreWindow) -> None:
    assert make_automated_backup(status=status).restore_window == window


def test_kms_key_implies_encryption() -> None:
    assert make_automated_backup().encrypted is False
    backup = make_automated_backup(kms_key_id=KMS_KEY_ARN)
    assert backup.encrypted is True
    assert ":kms:us-east-1:" in str(make_automated_backup(encrypted=True).kms_key_id)
    assert ":kms:us-west-2:" in str(make_db_instance(storage_encrypted=True).kms_key_id)


def test_other_engine_has_no_default_version() -> None:
    backup = make_automated_backup(engine="mysql")
    assert (backup.engine_version, backup.license_model, backup.port) == (None, None, None)


def test_exclusive_fields_replace_defaults() -> None:
    """A field that excludes a default field replaces the default."""
    by_id = testing.make_delete_db_instance_automated_backup_request(dbi_resource_id="db-X")
    assert by_id == DeleteDBInstanceAutomatedBackupRequest(dbi_resource_id="db-X")
    moment = testing.make_restore_window().latest_time
    restore = testing.make_restore_db_instance_to_point_in_time_request(restore_time=moment)
    assert (restore.restore_time, restore.use_latest_restorable_time) == (moment, None)


def test_unchanged_result_has_replicating_backup() -> None:
    assert testing.make_ensure_result().backup.status == "pending"
    assert testing.make_ensure_result(action="unchanged").backup.is_replicating


def test_factory_signature_names_model() -> None:
    assert inspect.signature(make_automated_backup).return_annotation.__name__ == (
        "DBInstanceAutomatedBackup"
    )


def test_import_needs_no_pytest_and_no_sandbox() -> None:
    assert testing.__all__ == sorted(testing.__all__)
    assert dir(testing) == testing.__all__
    with pytest.raises(AttributeError, match=r"testing' has no attribute 'make_tagg'"):
        getattr(testing, "make_tagg")  # noqa: B009  # users may write this
    code = (
        "import sys, rds_backup_replication.testing\n"
        "assert not {'boto3', 'botocore', 'pydantic'} & set(sys.modules)\n"
        "from rds_backup_replication.testing import *\n"
        "assert not {'pytest', '_pytest', 'moto', 'flask'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)  # noqa: S603  # our own code
