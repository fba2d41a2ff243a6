"""Tests that the library leaves the exceptions of its callers as they are."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ConnectionClosedError, HTTPClientError
from botocore.session import Session

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication._redact import hide_secrets
from rds_backup_replication.exceptions import AccessDeniedError

from .loopback import Response, error_xml
from .wire import SOURCE_ARN, RDSServer

TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE/TOKEN+0123456789=="
PASSWORD_URL = "postgres://app:hunter2@primary.example.com/db"


class DatabaseDown(Exception):
    def __init__(self, url: str) -> None:
        super().__init__(url, TOKEN)
        self.url = url
        self.request_headers = {"x-amz-security-token": TOKEN}


@dataclass(frozen=True)
class FrozenError(Exception):
    token: str


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[BackupReplicationClient]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    session = Session()
    session.set_credentials("AKIDEXAMPLE1234", "secretEXAMPLEKEY1234", TOKEN)
    with RDSServer(lambda _: Response(error_xml("AccessDenied", TOKEN), 403)) as server:
        yield BackupReplicationClient(
            session=session, region_name="us-east-1", endpoint_url=server.endpoint_url
        )


def refuse(client: BackupReplicationClient) -> BaseException:
    with pytest.raises(AccessDeniedError) as caught:
        client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN)
    assert TOKEN not in str(caught.value)
    return caught.value


def refuse_while_handling(client: BackupReplicationClient, mine: Exception) -> None:
    def call() -> None:
        try:
            raise mine
        except type(mine):
            refuse(client)
            raise

    with pytest.raises(type(mine)):
        call()


def test_exception_being_handled_stays(client: BackupReplicationClient) -> None:
    mine = DatabaseDown(PASSWORD_URL)
    refuse_while_handling(client, mine)
    assert mine.url == PASSWORD_URL
    assert mine.args == (PASSWORD_URL, TOKEN)
    assert mine.request_headers == {"x-amz-security-token": TOKEN}


def test_builtin_exception_of_caller_stays(client: BackupReplicationClient) -> None:
    mine = ValueError(PASSWORD_URL, TOKEN)
    refuse_while_handling(client, mine)
    assert mine.args == (PASSWORD_URL, TOKEN)


def test_frozen_exception_stays(client: BackupReplicationClient) -> None:
    mine = FrozenError(TOKEN)
    refuse_while_handling(client, mine)
    assert mine.token == TOKEN


def test_cycle_of_causes_ends(client: BackupReplicationClient) -> None:
    first, last = RuntimeError("first"), RuntimeError("last")
    first.__cause__, last.__cause__ = last, first

    def call() -> None:
        try:
            raise last
        except RuntimeError:
            refuse(client)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_exception_of_event_handler_stays(client: BackupReplicationClient) -> None:
    def fail(**_: Any) -> None:
        raise DatabaseDown(PASSWORD_URL)

    client.client.meta.events.register("before-send.rds", fail)
    with pytest.raises(DatabaseDown) as caught:
        client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN)
    assert caught.value.url == PASSWORD_URL


def test_caller_exception_that_botocore_holds_stays() -> None:
    mine = DatabaseDown(PASSWORD_URL)
    hide_secrets(HTTPClientError(error=mine))
    assert mine.url == PASSWORD_URL


def test_held_exceptions_are_cleaned() -> None:
    """No traceback shows where an exception comes from that another process sent."""
    reason = ValueError(f"Invalid header value b'{TOKEN}\\n'")
    error = HTTPClientError(error=OSError("x", [{"why": reason}]))
    hide_secrets(error)
    assert TOKEN not in f"{reason!r} {error} {error!r} {vars(error)}"


def test_request_of_error_is_removed() -> None:
    """The headers of a request are signed."""
    url = "https://rds.us-east-1.amazonaws.com/"
    request = AWSRequest("POST", url, {"X-Amz-Security-Token": TOKEN}).prepare()
    error = ConnectionClosedError(request=request, endpoint_url=url)
    hide_secrets(error)
    assert vars(error)["request"] is None
