"""Tests of the kinds of errors: classes by AWS's code, hints by message, and what was not sent."""

import ssl
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    InvalidProxiesConfigError,
    NoCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker
from urllib3.exceptions import LocationParseError, ProtocolError

from rds_backup_replication import exceptions
from rds_backup_replication._botocore.errors import (
    is_transient,
    may_have_taken_effect,
    service_error,
)
from rds_backup_replication._credentials import Credentials
from rds_backup_replication.exceptions import (
    AccessDeniedError,
    InternalFailureError,
    ServiceError,
    ServiceUnavailableError,
    ThrottlingError,
)

URL = "https://rds.us-east-1.amazonaws.com/"


def error_of(code: str, message: str = "x", status: int = 400) -> ServiceError:
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return service_error(ClientError(response, "StartDBInstanceAutomatedBackupsReplication"))


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        ("AccessDeniedError", "AccessDeniedException UnauthorizedOperation NotAuthorized"),
        ("AccessDeniedError", "Client.UnauthorizedOperation AuthorizationErrorException"),
        ("ExpiredTokenError", "ExpiredTokenException RequestExpired"),
        ("InternalFailureError", "InternalError InternalFailure InternalServerError"),
        ("InternalFailureError", "InternalServerException Server.InternalError InternalFault"),
        ("InvalidClientTokenIdError", "UnrecognizedClientException AuthFailure InvalidSecurity"),
        ("InvalidClientTokenIdError", "MissingAuthenticationToken InvalidAccessKeyId"),
        ("InvalidParameterValueError", "ValidationError ValidationException MissingParameter"),
        ("InvalidParameterValueError", "MalformedQueryString InvalidAction UnknownOperation"),
        ("OptInRequiredError", "SubscriptionRequiredException OptInRequired PendingVerification"),
        ("ServiceUnavailableError", "ServiceUnavailableException Unavailable RequestTimeout"),
        ("SignatureDoesNotMatchError", "IncompleteSignature InvalidSignatureException"),
        ("InvalidParameterValueError", "InvalidArnException InvalidARNFault NotImplemented"),
        ("KMSKeyNotAccessibleFault", "KMSAccessDeniedFault KMSInvalidStateException"),
        ("KMSKeyNotAccessibleFault", "KMSDisabledException DisabledException"),
        ("OptInRequiredError", "InactiveAccount RegionDisabledException"),
        ("SignatureDoesNotMatchError", "InvalidHTTPAuthHeader"),
        ("ServiceUnavailableError", "ServerBusy"),
        (
            "DBInstanceAutomatedBackupQuotaExceededFault",
            "QuotaExceeded ServiceQuotaExceededException",
        ),
        ("ThrottlingError", "ThrottlingException RequestLimitExceeded TooManyRequestsException"),
        ("ServiceError", "SomethingNew"),
    ],
)
def test_code_has_class_of_its_kind(kind: str, codes: str) -> None:
    for code in codes.split():
        assert type(error_of(code)) is getattr(exceptions, kind), code


@pytest.mark.parametrize("code", ["", "Unknown", "{status}"])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ServiceError),
        (403, AccessDeniedError),
        (413, ServiceError),
        (429, ThrottlingError),
        (500, InternalFailureError),
        (502, ServiceUnavailableError),
        (503, ServiceUnavailableError),
        (504, ServiceUnavailableError),
    ],
)
def test_page_has_class_of_its_status(code: str, status: int, kind: type[ServiceError]) -> None:
    if (code, kind) == ("Unknown", ServiceError):
        kind = InternalFailureError  # AWS's own code, as the status says nothing
    error = error_of(code.format(status=status), status=status)
    assert type(error) is kind
    assert is_transient(error) == (status >= 429 or kind is InternalFailureError)


def test_quota_of_a_restore_is_not_that_of_backups() -> None:
    response: Any = {"Error": {"Code": "QuotaExceeded"}}
    error = service_error(ClientError(response, "RestoreDBInstanceToPointInTime"))
    assert type(error) is ServiceError


def test_status_429_is_transient_with_any_code() -> None:
    error = error_of("SomethingNew", status=429)
    assert is_transient(error)
    assert not may_have_taken_effect(error)
    assert is_transient(ClientError(error.response, "AssumeRole"))


def test_codes_that_botocore_retries_are_transient() -> None:
    throttled: Any = vars(ThrottledRetryableChecker)["_THROTTLED_ERROR_CODES"]
    for code in throttled:
        assert type(error_of(code)) is ThrottlingError, code
    transient: Any = vars(TransientRetryableChecker)["_TRANSIENT_ERROR_CODES"]
    for code in transient:
        assert is_transient(error_of(code)), code


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        ("AccessDenied", "with an explicit deny in a service control policy", "organization"),
        ("AccessDenied", "with an Explicit Deny in a Resource Control Policy", "organization"),
        ("UnauthorizedOperation", "no service control policy allows it", "organization"),
        ("AccessDenied", "with an explicit deny in a permissions boundary", "boundary must|change"),
        ("AccessDenied", "because no session policy allows the action", "another session policy"),
        ("KMSKeyNotAccessibleFault", "The source snapshot KMS key [k] is", "encrypts the source"),
        ("KMSKeyNotAccessibleFault", "The Source Snapshot kms key [k] is", "encrypts the source"),
        ("KMSKeyNotAccessibleFault", "The target KMS key [k] is", "destination Region"),
        ("InvalidParameterValue", "PRESIGNEDURL COULD NOT BE AUTHENTICATED", "keys or values"),
        ("InvalidParameterValue", "encrypted instances REQUIRE A VALID KMS KEY id", "kms_key_id"),
        ("RequestExpired", "Request has expired.", "clock"),
        (
            "KMSKeyNotAccessibleFault",
            "kms:CreateGrant with an explicit deny in a service control policy",
            "organization",
        ),
        ("KMSAccessDenied", "because no session policy allows it", "another session policy"),
        ("InvalidParameterCombination", "PreSignedUrl could not be authenticated", "source_region"),
    ],
)
def test_hint_follows_message(code: str, message: str, hint: str) -> None:
    error = error_of(code, message)
    assert error.hint is not None
    assert any(part in error.hint for part in hint.split("|"))


def test_other_denials_have_no_hint() -> None:
    assert error_of("AccessDenied", "because no identity-based policy allows it").hint is None


@pytest.mark.parametrize("code", ["", "SignatureDoesNotMatch", "ExpiredToken"])
def test_hint_names_invalid_credentials(code: str) -> None:
    invalid = (
        Credentials("AKID", "secret", "token\x01", "env"),
        "the token has a control character",
    )
    response: Any = {
        "Error": {"Code": code} if code else {},  # botocore reads no code from an HTML page
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    error = service_error(ClientError(response, "DescribeDBInstances"), invalid)
    assert error.hint == f"AWS cannot accept these credentials: {invalid[1]}."


def test_hint_about_credentials_needs_a_refusal_of_them() -> None:
    invalid = (
        Credentials("AKID", "secret", "token\x01", "env"),
        "the token has a control character",
    )
    response: Any = {"Error": {"Code": "Throttling"}}
    assert service_error(ClientError(response, "DescribeDBInstances"), invalid).hint is None


def http_error(reason: Exception) -> HTTPClientError:
    return HTTPClientError(error=reason)


def closed(reason: Exception) -> ConnectionClosedError:
    return ConnectionClosedError(
        error=ProtocolError("Connection aborted.", reason), endpoint_url=URL
    )


NOT_SENT = [
    http_error(ValueError("Invalid header value b'a\\n'")),
    http_error(ValueError("Invalid header name b'a b'")),
    http_error(UnicodeEncodeError("latin-1", "…", 0, 1, "ordinal not in range(256)")),
    http_error(TypeError("cannot use a bytes pattern on a string-like object")),
    http_error(LocationParseError("http://a b")),
    http_error(OverflowError("timestamp out of range for platform time_t")),
    http_error(InvalidProxiesConfigError()),
    closed(FileNotFoundError(2, "No such file or directory")),
    closed(PermissionError(13, "Permission denied")),
    closed(IsADirectoryError(21, "Is a directory")),
    ProxyConnectionError(proxy_url="http://socks5://127.0.0.1:9", error="no such host"),
    NoCredentialsError(),
    SSLError(endpoint_url=URL, error=ssl.SSLCertVerificationError("certificate verify failed")),
]
UNREACHED = [
    ConnectTimeoutError(endpoint_url=URL),
    EndpointConnectionError(endpoint_url=URL, error="refused"),
    ProxyConnectionError(proxy_url=URL, error="refused"),
]
LOST = [
    http_error(ValueError("I/O operation on closed file.")),
    http_error(OSError("reset")),
    closed(ConnectionResetError(104, "Connection reset by peer")),
    ReadTimeoutError(endpoint_url=URL),
    SSLError(endpoint_url=URL, error=ssl.SSLEOFError("EOF occurred in violation of protocol")),
]


@pytest.mark.parametrize("error", NOT_SENT, ids=repr)
def test_unsent_request_is_final(error: Exception) -> None:
    assert not may_have_taken_effect(error)
    assert not is_transient(error)


@pytest.mark.parametrize("error", UNREACHED, ids=repr)
def test_failed_connection_is_transient(error: Exception) -> None:
    assert not may_have_taken_effect(error)
    assert is_transient(error)


@pytest.mark.parametrize("error", LOST, ids=repr)
def test_lost_response_may_have_taken_effect(error: Exception) -> None:
    assert may_have_taken_effect(error)
