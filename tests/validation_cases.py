"""Shared parts of the validation tests: a recorder of requests, and calls that must be refused."""

import string
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication.exceptions import InvalidParameter, RequestValidationError

from .wire import BACKUP_ARN, SOURCE_ARN

# One client can serve many examples, because `start` clears the recorded requests.
many = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
Start = Callable[..., Any]
ACCOUNTS = st.text(string.digits, min_size=12, max_size=12)
RESTORE: dict[str, Any] = {
    "source_db_instance_automated_backups_arn": BACKUP_ARN,
    "target_db_instance_identifier": "restored",
}


class Recorder:
    """A recorder that captures and answers the requests that botocore would send."""

    def __init__(self, client: BackupReplicationClient) -> None:
        self.bodies: list[dict[str, Any]] = []
        # The type stubs omit handlers that return a response.
        events: Any = client.client.meta.events
        events.register("before-call.rds", self.respond)

    def respond(self, params: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        """Record the body, and return a response instead of sending the request."""
        self.bodies.append(params["body"])
        parsed: dict[str, Any] = {
            "DBInstanceAutomatedBackup": {},
            "DBInstanceAutomatedBackups": [],
            "SourceRegions": [],
            "DBInstance": {},
        }
        return AWSResponse("", 200, HTTPHeaders(), None), parsed


@pytest.fixture
def sent(client: BackupReplicationClient) -> Recorder:
    return Recorder(client)


def errors_of(call: Callable[..., Any], **keywords: Any) -> dict[str, InvalidParameter]:
    """Return the errors of a call that must be refused, by parameter."""
    with pytest.raises(RequestValidationError) as caught:
        call(**keywords)
    found = {error.parameter: error for error in caught.value.errors}
    assert len(found) == len(caught.value.errors)
    assert "errors.pydantic.dev" not in "".join(traceback.format_exception(caught.value))
    return found


@pytest.fixture
def start(client: BackupReplicationClient, sent: Recorder) -> Start:
    """Return a function that calls start, and fails the test if a refused call was sent."""

    def call(**keywords: Any) -> Any:
        arguments: dict[str, Any] = {"source_db_instance_arn": SOURCE_ARN, **keywords}
        sent.bodies.clear()
        try:
            return client.start_db_instance_automated_backups_replication(**arguments)
        except RequestValidationError:
            assert sent.bodies == []
            raise

    return call
