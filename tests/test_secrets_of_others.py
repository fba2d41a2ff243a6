"""Tests that the library leaves the exceptions of its callers as they are."""

import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSRequest
from botocore.client import BaseClient
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    CredentialRetrievalError,
    HTTPClientError,
)
from botocore.session import Session
from urllib3.exceptions import LocationParseError

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication._botocore.hooks import ErrorTranslation, FailedAttempts
from rds_backup_replication._credentials import Credentials
from rds_backup_replication._redact import hide_secrets
from rds_backup_replication.exceptions import AccessDeniedError

from .loopback import Response, error_xml
from .wire import SOURCE_ARN, RDSServer

pytestmark = pytest.mark.once

TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE/TOKEN+0123456789=="
SECRET_KEY = "secretEXAMPLEKEY1234"
USED = Credentials("AKIDEXAMPLE1234", SECRET_KEY, TOKEN, "env")
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
    session.set_credentials("AKIDEXAMPLE1234", SECRET_KEY, TOKEN)
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


def test_botocore_error_of_caller_stays(
    client: BackupReplicationClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The invalid response of a credential process hides every text, but not the caller's."""
    config = tmp_path / "config"
    config.write_text("[profile p]\ncredential_process = echo {\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    mine = ClientError({"Error": {"Code": "NoSuchKey", "Message": TOKEN}}, "GetObject")
    try:
        raise mine
    except ClientError:
        refuse(client)
        session = boto3.Session(profile_name="p", region_name="us-east-1")
        with pytest.raises(CredentialRetrievalError):
            BackupReplicationClient(session=session)
    assert mine.response.get("Error") == {"Code": "NoSuchKey", "Message": TOKEN}
    assert TOKEN in str(mine)


def test_error_that_caller_exception_holds_stays(client: BackupReplicationClient) -> None:
    inner = LocationParseError(PASSWORD_URL)
    mine = RuntimeError(inner)
    mine.__cause__ = inner
    refuse_while_handling(client, mine)
    assert PASSWORD_URL in str(mine)

    def fail(**_: Any) -> None:
        raise mine from inner

    client.client.meta.events.register("before-send.rds", fail)
    with pytest.raises(RuntimeError) as caught:
        client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN)
    assert PASSWORD_URL in str(caught.value)


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


def test_exception_of_code_without_module_stays(client: BackupReplicationClient) -> None:
    namespace: dict[str, Any] = {}
    exec("def fail(**_): raise RuntimeError('mine')", namespace)  # noqa: S102
    client.client.meta.events.register("before-send.rds", namespace["fail"])
    with pytest.raises(RuntimeError, match="mine"):
        client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN)


def test_builtin_exception_of_event_handler_stays(client: BackupReplicationClient) -> None:
    def fail(**_: Any) -> None:
        raise ValueError(TOKEN)

    client.client.meta.events.register("before-send.rds", fail)
    with pytest.raises(ValueError, match="IQoJ") as caught:
        client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN)
    assert caught.value.args == (TOKEN,)


def test_frozen_exception_passes(client: BackupReplicationClient) -> None:
    """Newer versions of botocore do not let such an exception of an event handler pass."""
    for block in (ErrorTranslation(client.client, "A"), FailedAttempts(client.client)):
        with pytest.raises(FrozenError), block:
            raise FrozenError(TOKEN)


def _fail(*_: object) -> None:
    raise RuntimeError


WEIRD: dict[str, Any] = {
    "attributes": type(
        "A", (Exception,), dict.fromkeys(["__cause__", "__dict__"], property(_fail))
    ),
    "module": type("Metaclass", (type,), {"__module__": property(_fail)})("B", (Exception,), {}),
}


@pytest.mark.parametrize("kind", WEIRD)
def test_attributes_that_raise_are_ignored(kind: str) -> None:
    error: Exception = WEIRD[kind]()
    cause = ClientError({"Error": {"Message": TOKEN}}, "A")
    error.__context__ = cause
    hide_secrets(error, [USED])
    assert TOKEN not in str(cause)


def test_botocore_error_in_group_is_cleaned() -> None:
    module = pytest.importorskip("builtins" if sys.version_info >= (3, 11) else "exceptiongroup")
    cause = ClientError({"Error": {"Message": TOKEN}}, "A")
    hide_secrets(module.ExceptionGroup("group", [cause]), [USED])
    assert TOKEN not in str(cause)


def test_wrapped_botocore_is_cleaned(
    client: BackupReplicationClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tracing libraries, such as OpenTelemetry, wrap the methods of botocore."""
    traced = BaseClient._make_api_call  # type: ignore[attr-defined]

    def wrapper(*arguments: Any) -> Any:
        return traced(*arguments)  # pyright: ignore[reportUnknownVariableType]

    monkeypatch.setattr(BaseClient, "_make_api_call", wrapper)
    session = Session()
    session.set_credentials("AKIDEXAMPLE1234", f"{SECRET_KEY}\udce9")
    broken = BackupReplicationClient(session=session, region_name="us-east-1")
    with pytest.raises(CredentialRetrievalError, match="secret access key") as caught:
        broken.find_replicated_backup(source_db_instance_arn=SOURCE_ARN)
    cause: Any = caught.value.__cause__
    assert isinstance(cause, UnicodeEncodeError)
    assert SECRET_KEY not in cause.object
    refuse(client)


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
