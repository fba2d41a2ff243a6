"""Tests of the errors that AWS reports, and of botocore errors without a response."""

import copy
import pickle
from typing import Any

import botocore.session
import pytest
from boto3.session import Session
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ReadTimeoutError,
)

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication._botocore.errors import is_transient, may_have_taken_effect
from rds_backup_replication.exceptions import (
    KMSKeyNotAccessibleFault,
    ServiceError,
    ThrottlingError,
)

from .calls import (
    CALLS,
    KNOWN_ERRORS,
    START,
    STARTED,
    catch_service_error,
    start,
)
from .loopback import REQUEST_ID, error_xml
from .wire import ScriptedRDS

SERVICE = botocore.session.get_session().get_service_model("rds")
DOCUMENTED_FAULTS = [
    (operation, shape.metadata["error"]["code"], shape.name)
    for operation in CALLS
    for shape in SERVICE.operation_model(operation).error_shapes
]


def test_error_details_are_text_if_xml_is_nested(rds: ScriptedRDS) -> None:
    error = "<Error><Code>New</Code><Message><a>b</a></Message></Error>"
    rds.answers(f"<ErrorResponse>{error}<RequestId><c>1</c></RequestId></ErrorResponse>", 400)
    with pytest.raises(ServiceError) as caught:
        list(rds.client().describe_db_instance_automated_backups())
    assert (caught.value.code, caught.value.message) == ("New", "{'a': 'b'}")
    assert caught.value.request_id == "{'c': '1'}"


@pytest.mark.parametrize(("operation", "code", "name"), DOCUMENTED_FAULTS)
def test_documented_fault_has_its_class(
    rds: ScriptedRDS, operation: str, code: str, name: str
) -> None:
    """Check both spellings of a fault: the code on the wire and the name of the shape."""
    for spelling in {code, name}:
        rds.script.clear()
        rds.answers(error_xml(spelling, "A message."), 400)
        error = catch_service_error(CALLS[operation], rds.client())
        assert type(error).__name__ == name
        assert isinstance(error, ClientError)
        assert isinstance(error.__cause__, ClientError)
        assert (error.code, error.message) == (spelling, "A message.")
        assert (error.operation_name, error.request_id) == (operation, REQUEST_ID)
        assert error.http_status_code == 400
        assert error.response.get("Error", {}).get("Code") == spelling


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("AccessDenied", "AccessDeniedError"),
        ("AccessDeniedException", "AccessDeniedError"),
        ("Throttling", "ThrottlingError"),
        ("ThrottlingException", "ThrottlingError"),
        ("InvalidParameterValue", "InvalidParameterValueError"),
        ("InvalidParameterCombination", "InvalidParameterCombinationError"),
        ("ExpiredToken", "ExpiredTokenError"),
        ("InvalidClientTokenId", "InvalidClientTokenIdError"),
        ("SignatureDoesNotMatch", "SignatureDoesNotMatchError"),
        ("OptInRequired", "OptInRequiredError"),
        ("ServiceUnavailable", "ServiceUnavailableError"),
        ("InternalFailure", "InternalFailureError"),
        ("BrandNewFault", "ServiceError"),
    ],
)
@pytest.mark.parametrize("operation", CALLS)
def test_undocumented_code_has_its_class(
    rds: ScriptedRDS, operation: str, code: str, name: str
) -> None:
    """Check that the error keeps its code and, if the code is unknown, is a `ServiceError`."""
    rds.answers(error_xml(code), 400)
    error = catch_service_error(CALLS[operation], rds.client())
    assert type(error).__name__ == name
    assert error.code == code


@pytest.mark.parametrize(("code", "message", "hint"), KNOWN_ERRORS)
def test_known_error_has_hint(rds: ScriptedRDS, code: str, message: str, hint: str) -> None:
    rds.answers(error_xml(code, message), 400)
    error = catch_service_error(start, rds.client())
    assert error.hint is not None
    assert hint in error.hint
    assert str(error) == f"{error.__cause__}\n{error.hint}"
    assert message in str(error)


def test_error_without_hint_has_botocore_text(rds: ScriptedRDS) -> None:
    rds.answers(error_xml("InvalidParameterValue", "No."), 400)
    error = catch_service_error(start, rds.client())
    assert error.hint is None
    assert str(error) == str(error.__cause__)


def test_error_can_be_pickled_and_copied(rds: ScriptedRDS) -> None:
    rds.answers(error_xml("KMSKeyNotAccessibleFault", "No key."), 400)
    error = catch_service_error(start, rds.client())
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301
        assert type(twin) is KMSKeyNotAccessibleFault
        assert twin.response == error.response
        assert str(twin) == str(error)
        assert twin.request_id == REQUEST_ID


@pytest.mark.parametrize("code", ["", "InvalidParameterValue"])
def test_error_with_empty_message(rds: ScriptedRDS, code: str) -> None:
    rds.answers(error_xml(code, ""), 400)
    error = catch_service_error(start, rds.client())
    assert error.code in (code, "Unknown")
    assert error.message == ""


def test_throttled_call_is_retried_by_botocore(
    rds: ScriptedRDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", id)  # botocore sleeps between attempts
    rds.answers(error_xml("Throttling", "Rate exceeded"), 400)
    error = catch_service_error(start, rds.client(retries=2))
    assert type(error) is ThrottlingError
    assert len(rds.received) == 3
    assert "reached max retries: 2" in str(error)


def test_error_of_other_service_passes_through(client: BackupReplicationClient) -> None:
    def deny(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "AssumeRole")

    client.client.meta.events.register("before-call.rds", deny)
    with pytest.raises(ClientError) as caught:
        start(client)
    assert not isinstance(caught.value, ServiceError)


def test_error_without_details() -> None:
    error = ServiceError({}, START)
    assert (error.code, error.message, error.hint) == ("Unknown", "", None)
    assert (error.request_id, error.http_status_code) == (None, None)


@pytest.mark.parametrize(
    "event",
    ["before-parse", "before-parse.rds", f"response-received.rds.{START}", "after-call.rds"],
)
def test_error_in_user_handler_passes_through(rds: ScriptedRDS, event: str) -> None:
    """Check that the client does not take a `KeyError` in a handler for an invalid response."""

    def fail(**_: Any) -> None:
        raise KeyError("user")

    rds.answers(STARTED)
    client = rds.client()
    client.client.meta.events.register(event, fail)
    with pytest.raises(KeyError, match="user"):
        start(client)


@pytest.mark.parametrize("operation", CALLS)
def test_reset_connection_raises_botocore_error(rds: ScriptedRDS, operation: str) -> None:
    rds.resets()
    with pytest.raises(ConnectionClosedError):
        CALLS[operation](rds.client())


@pytest.mark.usefixtures("no_backoff")
def test_lost_response_after_failed_attempt(rds: ScriptedRDS) -> None:
    """Check that the client does not take the response of an earlier attempt for the lost one."""
    rds.answers(error_xml("InternalFailure"), 500)
    rds.resets()
    with pytest.raises(ConnectionClosedError):
        start(rds.client(retries=1))
    assert len(rds.received) == 2


def test_unsent_request_raises_botocore_error(rds: ScriptedRDS) -> None:
    session = Session()
    with pytest.raises(NoCredentialsError):
        start(
            BackupReplicationClient(
                session=session, region_name="us-east-1", endpoint_url=rds.endpoint_url
            )
        )
    rds.answers(STARTED)
    client = rds.client()
    with ScriptedRDS() as closed:
        unreachable = closed.client()
    with pytest.raises(EndpointConnectionError):
        start(unreachable)
    assert start(client).status == "pending"


def test_read_timeout_raises_botocore_error(rds: ScriptedRDS) -> None:
    rds.stalls()
    with pytest.raises(ReadTimeoutError):
        start(rds.client(read_timeout=0.05))


def test_error_in_reading_may_have_taken_effect(
    rds: ScriptedRDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same error before the request is sent would mean that no request can be sent."""

    def fail(response: Any, *_: Any) -> None:
        response.close()
        raise OverflowError

    monkeypatch.setattr("urllib3.response.HTTPResponse.stream", fail)
    rds.answers(STARTED)
    with pytest.raises(HTTPClientError) as caught:
        start(rds.lone_client())
    assert may_have_taken_effect(caught.value)


def test_read_timeout_beyond_the_clock_is_final(rds: ScriptedRDS) -> None:
    """The request is sent before the operating system refuses the timeout."""
    rds.answers(STARTED)
    with pytest.raises(HTTPClientError) as caught:
        start(rds.lone_client(read_timeout=1e11))
    assert not is_transient(caught.value)
    assert may_have_taken_effect(caught.value)
