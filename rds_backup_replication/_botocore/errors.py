"""Classes, hints and kinds of errors: by AWS's code, with a hint by message."""

import re
from collections.abc import Mapping
from http.client import InvalidURL
from ssl import SSLEOFError, SSLZeroReturnError
from traceback import walk_tb
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    SSLError,
)
from botocore.exceptions import ConnectionError as BotocoreConnectionError
from botocore.model import ServiceModel
from urllib3.exceptions import LocationValueError

from .. import exceptions
from .._credentials import Credentials
from .._redact import is_of_library
from ..exceptions import (
    AccessDeniedError,
    DBInstanceAutomatedBackupQuotaExceededFault,
    ExpiredTokenError,
    InternalFailureError,
    InvalidClientTokenIdError,
    InvalidDBInstanceStateFault,
    InvalidParameterValueError,
    KMSKeyNotAccessibleFault,
    OptInRequiredError,
    ResponseValidationError,
    ServiceError,
    ServiceUnavailableError,
    SignatureDoesNotMatchError,
    ThrottlingError,
)


def _stem(name: str) -> str:
    """Return a name without its suffix: the code of DBInstanceNotFoundFault has none."""
    return re.sub(r"(Fault|Error|Exception)+$", "", name)


# The codes, without their suffixes, that other services and protocols use for the same kind.
# botocore uses the HTTP status as the code if the body of a server error is empty or HTML.
_OTHER_CODES: Mapping[type[ServiceError], str] = {
    AccessDeniedError: (
        "403 AllAccessDisabled Authorization Forbidden NotAuthorized OperationNotPermitted "
        "Unauthorized UnauthorizedAccess UnauthorizedOperation"
    ),
    DBInstanceAutomatedBackupQuotaExceededFault: "QuotaExceeded ServiceQuotaExceeded",
    ExpiredTokenError: "RequestExpired TokenRefreshRequired",
    InternalFailureError: "500 Internal InternalServer InternalService ServiceFailure Unknown",
    InvalidClientTokenIdError: (
        "AuthFailure InvalidAccessKeyId InvalidSecurity InvalidSecurityToken InvalidToken "
        "MissingAuthenticationToken MissingSecurityHeader UnrecognizedClient"
    ),
    InvalidParameterValueError: (
        "InvalidAction InvalidARN InvalidArn InvalidCharacter InvalidInput InvalidParameter "
        "InvalidQueryParameter InvalidRequest MalformedHttpRequest MalformedInput "
        "MalformedQueryString MissingAction MissingParameter MissingRequiredParameter "
        "NotImplemented OperationNotSupported RequestEntityTooLarge Serialization "
        "UnknownOperation UnknownParameter Unsupported UnsupportedOperation UnsupportedProtocol "
        "Validation"
    ),
    KMSKeyNotAccessibleFault: "Disabled KMSAccessDenied KMSDisabled KMSInvalidState",
    OptInRequiredError: (
        "AccountProblem Blocked InactiveAccount InvalidAccount NotSignedUp PendingVerification "
        "RegionDisabled SubscriptionRequired"
    ),
    ServiceUnavailableError: (
        "502 503 504 RequestAborted RequestTimeout ServerBusy ServerUnavailable Unavailable"
    ),
    SignatureDoesNotMatchError: (
        "IncompleteSignature InvalidHTTPAuthHeader InvalidSignature RequestInTheFuture "
        "RequestTimeTooSkewed SignatureExpired"
    ),
    ThrottlingError: (
        "429 BandwidthLimitExceeded EC2Throttled LimitExceeded PriorRequestNotComplete "
        "ProvisionedThroughputExceeded RequestLimitExceeded RequestThrottled SlowDown Throttled "
        "ThrottledRequest TooManyRequests TransactionInProgress"
    ),
}
_CLASSES = {
    _stem(name): value
    for name, value in vars(exceptions).items()
    if isinstance(value, type) and issubclass(value, ServiceError) and value is not ServiceError
}
for _class, _codes in _OTHER_CODES.items():
    _CLASSES.update(dict.fromkeys(_codes.split(), _class))

_ORGANIZATION_HINT = (
    "A policy of the organization forbids the operation. An administrator of the AWS organization "
    "must change the policy, because permissions of the caller cannot override it."
)
# By the class and a part of the message, in any capitalization. The first match counts. Texts for
# every class come first, because they name the cause more exactly than a class does.
_HINTS: Mapping[tuple[type[ServiceError], str], str] = {
    (ServiceError, "service control policy"): _ORGANIZATION_HINT,
    (ServiceError, "resource control policy"): _ORGANIZATION_HINT,
    (ServiceError, "permissions boundary"): (
        "The permissions boundary of the caller's user or role forbids the operation. An "
        "administrator of the account or the organization must change the boundary, because other "
        "permissions of the caller cannot override it."
    ),
    (ServiceError, "session policy"): (
        "The session policy of the credentials forbids the operation. The administrator or "
        "program that assumes the role must pass another session policy, because permissions of "
        "the role cannot override it."
    ),
    (ServiceError, "PreSignedUrl could not be authenticated"): (
        "The signature of the presigned URL is wrong. If you pass one, pass source_region instead, "
        "so that botocore signs the URL. Omit tags whose keys or values contain spaces: they break "
        "the signature."
    ),
    (InvalidParameterValueError, "Feature is not available in region"): (
        "The Region in the message does not accept backups from the source's Region: "
        "describe_source_regions() lists the Regions that it accepts. If the Region in the "
        "message is not the client's Region, the endpoint URL is wrong."
    ),
    (InvalidParameterValueError, "require a valid KMS key"): (
        "The source is encrypted: an instance that uses aws/rds, the default key, is encrypted, "
        "too. Pass kms_key_id, a KMS key in the destination Region."
    ),
    (InvalidParameterValueError, "DbInstanceAutomatedBackupsArn"): (
        "Check the account and the ID in the ARN, and whether the endpoint URL belongs to its "
        "Region."
    ),
    (InvalidDBInstanceStateFault, "must have backup retention enabled"): (
        "Enable the automated backups of the source instance first: modify the instance to a "
        "BackupRetentionPeriod of at least 1 day."
    ),
    (InvalidDBInstanceStateFault, "not replicating to the current region"): (
        "The instance does not replicate to this Region. DescribeDBInstances in the source Region "
        "lists its replications; pass the Region of one as region_name."
    ),
    (KMSKeyNotAccessibleFault, "source snapshot KMS key"): (
        "The message is about the key that encrypts the source, not about kms_key_id. The key "
        "must exist in the source Region and be enabled, and the caller needs permission to use "
        "the key."
    ),
    (KMSKeyNotAccessibleFault, ""): (
        "The key must exist in the destination Region and be enabled, and the caller needs "
        "kms:DescribeKey and kms:CreateGrant for the key."
    ),
    (DBInstanceAutomatedBackupQuotaExceededFault, ""): (
        "The default quota is 20 replicated backups. Stop replications, delete retained backups, "
        "or request a higher quota."
    ),
    (ExpiredTokenError, ""): (
        "Renew the temporary credentials. If they are still valid, check the clock of this machine."
    ),
    (InvalidClientTokenIdError, ""): (
        "Check the credentials, and check that the account has enabled this Region."
    ),
}
_CREDENTIAL_ERRORS = (ExpiredTokenError, InvalidClientTokenIdError, SignatureDoesNotMatchError)


def service_error(
    error: ClientError, invalid: tuple[Credentials, str] | None = None
) -> ServiceError:
    """Return the typed form of an error response.

    ``invalid`` are the credentials in use and what is wrong with them.
    """
    fault = error.response.get("Error", {})
    # botocore reads an empty element as None, and a nested element as a dict.
    code, message = str(fault.get("Code") or ""), str(fault.get("Message") or "").lower()
    kind = _class_of(code, error)
    hints = (
        hint
        for (of_kind, part), hint in _HINTS.items()
        if issubclass(kind, of_kind) and part.lower() in message
    )
    hint = next(hints, None)
    # A load balancer refuses a header with a control character, with an HTML page and no code.
    if invalid is not None and (issubclass(kind, _CREDENTIAL_ERRORS) or not code):
        hint = f"AWS cannot accept these credentials: {invalid[1]}."
    return kind(error.response, error.operation_name, hint)


def _class_of(code: str, error: ClientError) -> type[ServiceError]:
    names = [_stem(re.sub(r"^(Client|Server)\.", "", code))]
    if code in {"", "Unknown"}:  # the body is HTML
        names.insert(0, str(_status_of(error)))
    kind = next((_CLASSES[name] for name in names if name in _CLASSES), ServiceError)
    is_of_backups = not error.operation_name.startswith("Restore")
    if kind is DBInstanceAutomatedBackupQuotaExceededFault and not is_of_backups:
        return ServiceError  # another quota, such as that of storage
    return kind


def _status_of(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)


_STATUS_OF_UNDOCUMENTED = {"AccessDenied": 403, "InternalFailure": 500, "ServiceUnavailable": 503}
_BAD_REQUEST = 400


def wire_form(fault: type[ServiceError], service_model: ServiceModel) -> tuple[str, int]:
    """Return the code and the HTTP status of RDS's response for a class of errors."""
    for shape in service_model.error_shapes:
        if shape.name == fault.__name__:
            form = shape.metadata["error"]
            return form.get("code", shape.name), form["httpStatusCode"]
    code = _stem(fault.__name__)
    return code, _STATUS_OF_UNDOCUMENTED.get(code, _BAD_REQUEST)


class NotAskedError(BotoCoreError):
    """A request that was not sent, because sending it would be in vain."""

    remedy: str = ""


_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
NO_RESPONSE_ERRORS = (BotocoreConnectionError, HTTPClientError)
"""What botocore raises if no response came: the request may have taken effect."""
NEVER_SENT = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError)
_INVALID_REQUEST = re.compile(r"invalid (header|method)|control characters", re.IGNORECASE)
_INVALID_PROXY = re.compile(r"http://[a-z][a-z0-9+.-]*://", re.IGNORECASE)
"""botocore puts http:// before a proxy's URL that has another scheme, such as socks5."""
_AFTER_SENDING = {"getresponse", "content"}
"""The functions of http.client and botocore that read a response."""
_UNSENDABLE = (
    BotoCoreError,  # the settings of a proxy
    FileNotFoundError,  # the client certificate, as the next two
    IsADirectoryError,
    PermissionError,
    InvalidURL,
    LocationValueError,
    OverflowError,  # a timeout of thousands of years
    TypeError,
    UnicodeEncodeError,
)


def is_unsendable(error: Exception) -> bool:
    """Return whether the request or a setting is invalid, so that no attempt can ever be sent."""
    if isinstance(error, ProxyConnectionError):
        return bool(_INVALID_PROXY.match(str(error.kwargs.get("proxy_url"))))
    # Most connection errors of botocore are HTTPClientErrors, too, and have classes of their own.
    if type(error) not in {HTTPClientError, ConnectionClosedError}:
        return False
    reasons = _reasons(error)
    frames = walk_tb(getattr(reasons[0], "__traceback__", None))
    if any(frame.f_code.co_name in _AFTER_SENDING for frame, _ in frames):
        return False
    return any(
        isinstance(each, _UNSENDABLE)
        or (isinstance(each, ValueError) and _INVALID_REQUEST.search(str(each)))
        for each in reasons
    )


def _reasons(error: Exception) -> list[object]:
    """Return what a botocore error wraps; urllib3 wraps an error once more."""
    reason = getattr(error, "kwargs", {}).get("error")
    return [reason, *getattr(reason, "args", ())]


def is_server_error(error: ServiceError) -> bool:
    """Return whether RDS had an internal error, as opposed to refusing the request."""
    if isinstance(error, ThrottlingError):
        return False
    is_internal = isinstance(error, (InternalFailureError, ServiceUnavailableError))
    return is_internal or (error.http_status_code or 0) >= _SERVER_ERROR


def may_have_taken_effect(error: Exception) -> bool:
    """Return whether a change may have taken effect although an attempt at it failed."""
    if isinstance(error, ServiceError):
        return is_server_error(error)
    if isinstance(error, ResponseValidationError):
        return error.may_have_taken_effect
    if not isinstance(error, NO_RESPONSE_ERRORS) or isinstance(error, NEVER_SENT):
        return False
    return not is_unsendable(error) and not _is_failed_handshake(error)


def _is_failed_handshake(error: Exception) -> bool:
    """Return whether no TLS connection was made, as opposed to one that ended early."""
    if not isinstance(error, SSLError):
        return False
    ended_early = (SSLEOFError, SSLZeroReturnError)
    return not any(isinstance(each, ended_early) for each in _reasons(error))


def is_transient(error: Exception) -> bool:
    """Return whether the same call may succeed later without a change by the caller."""
    if isinstance(error, ResponseValidationError):  # perhaps a proxy's page
        status = int(error.response.get("status_code", 200))
        if status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR:
            return True
        return _is_cut_off(error.response)
    if isinstance(error, ServiceError):
        is_throttled = isinstance(error, ThrottlingError)
        return is_throttled or is_server_error(error) or _status_of(error) == _TOO_MANY_REQUESTS
    if isinstance(error, ClientError):  # of another service, such as STS or KMS
        fault = _CLASSES.get(_stem(str(error.response.get("Error", {}).get("Code"))))
        status = _status_of(error)
        return fault is ThrottlingError or status >= _SERVER_ERROR or status == _TOO_MANY_REQUESTS
    # Each attempt is sent if only the read timeout is too long, and each fails.
    is_too_long = any(isinstance(each, OverflowError) for each in _reasons(error))
    if is_too_long or _is_failed_handshake(error) or is_unsendable(error):
        return False
    reason = _reasons(error)[0]
    # botocore wraps whatever is raised during a request, also by a handler of signals, as Celery's.
    is_of_others = isinstance(reason, Exception) and not is_of_library(reason, is_held=True)
    return not is_of_others and isinstance(error, NO_RESPONSE_ERRORS)


def _is_cut_off(response: Mapping[str, Any]) -> bool:
    """Return whether the connection closed within the body, which botocore does not notice."""
    headers = {name.lower(): value for name, value in response.get("headers", {}).items()}
    length = headers.get("content-length", "")
    return length.isdecimal() and len(response["body"]) < int(length)
