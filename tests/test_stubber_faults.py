"""Tests of the errors that a stubber queues."""

import pytest
from botocore.exceptions import ReadTimeoutError

from rds_backup_replication import ApiCall, BackupReplicationClient
from rds_backup_replication.exceptions import (
    AccessDeniedError,
    DBInstanceNotFoundFault,
    InternalFailureError,
    InvalidParameterValueError,
    KMSKeyNotAccessibleFault,
    ServiceError,
    ThrottlingError,
)
from rds_backup_replication.testing import ReplicationStubber

from . import stubber_cases
from .stubber_cases import START, start

# The fixture of these tests.
client = stubber_cases.client


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


def test_fault_with_given_code(client: BackupReplicationClient) -> None:
    with ReplicationStubber(client) as stubber:
        stubber.add_fault(START, ServiceError, code="SomethingNew")
        stubber.add_fault(START, ThrottlingError, code="RequestLimitExceeded")
        with pytest.raises(ServiceError) as caught:
            start(client)
        assert (type(caught.value), caught.value.code) == (ServiceError, "SomethingNew")
        with pytest.raises(ThrottlingError, match="RequestLimitExceeded"):
            start(client)


def test_no_answer_raises_given_exception(client: BackupReplicationClient) -> None:
    error = ReadTimeoutError(endpoint_url="https://example.com")
    with ReplicationStubber(client) as stubber:
        stubber.add_no_answer(START, error)
        with pytest.raises(ReadTimeoutError) as caught:
            start(client)
    assert caught.value is error


def test_fault_counts_as_one_attempt() -> None:
    calls: list[ApiCall] = []
    client = BackupReplicationClient(region_name="us-east-1", on_call=calls.append)
    with ReplicationStubber(client) as stubber:
        stubber.add_fault(START, DBInstanceNotFoundFault)
        with pytest.raises(DBInstanceNotFoundFault):
            start(client)
    assert [call.attempts for call in calls] == [1]
