"""Tests of the stubber's checks of its own arguments."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from rds_backup_replication import DeleteDBInstanceAutomatedBackupRequest
from rds_backup_replication.exceptions import (
    AccessDeniedError,
    DBInstanceNotFoundFault,
    RequestValidationError,
    ServiceError,
)
from rds_backup_replication.testing import ReplicationStubber, make_automated_backup

from .stubber_cases import START, unsigned
from .wire import SOURCE_ARN


def test_invalid_expected_raises_at_once() -> None:
    with pytest.raises(RequestValidationError, match="did you mean source_db_instance_arn"):
        ReplicationStubber().add_stop(expected={"source_db_instance": SOURCE_ARN})


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
