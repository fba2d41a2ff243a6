"""Classes, hints and kinds of errors: by AWS's code, with a hint by message."""

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    SSLError,
)
from botocore.exceptions import ConnectionError as BotocoreConnectionError
from botocore.model import ServiceModel

from .. import exceptions
from ..exceptions import ResponseValidationError, ServiceError, ThrottlingError


def _stem(name: str) -> str:
    """Return a name without its suffix: the code of DBInstanceNotFoundFault has none."""
    return re.sub(r"(Fault|Error|Exception)$", "", name)


# Other services and versions of the protocol use these codes for throttling.
_ALSO_THROTTLING = (
    *("BandwidthLimitExceeded", "EC2Throttled", "PriorRequestNotComplete", "RequestLimitExceeded"),
    *("RequestThrottled", "SlowDown", "Throttled", "TooManyRequests"),
)
_CLASSES = {
    _stem(name): value
    for name, value in vars(exceptions).items()
    if isinstance(value, type) and issubclass(value, ServiceError) and value is not ServiceError
}
_CLASSES.update(dict.fromkeys(_ALSO_THROTTLING, ThrottlingError))

# By the stem of the code and a part of the message.
_HINTS = {
    ("InvalidParameterValue", "Feature is not available in region"): (
        "The Region in the message does not accept backups from the source's Region: "
        "describe_source_regions() lists the Regions that it accepts. If the Region in the "
        "message is not the client's Region, the endpoint URL is wrong."
    ),
    ("InvalidParameterValue", "require a valid KMS key"): (
        "The source is encrypted; the default aws/rds key counts, too. Pass kms_key_id, a KMS key "
        "in the destination Region."
    ),
    ("InvalidParameterValue", "DbInstanceAutomatedBackupsArn"): (
        "Check the account and the ID in the ARN, and whether the endpoint URL is of its Region."
    ),
    ("InvalidParameterValue", "PreSignedUrl could not be authenticated"): (
        "If you passed pre_signed_url, pass source_region instead, so that botocore signs the "
        "URL. If botocore signed the URL, omit tags whose keys contain spaces: they break the "
        "signature."
    ),
    ("InvalidDBInstanceState", "must have backup retention enabled"): (
        "Enable the automated backups of the source instance first: modify the instance to a "
        "BackupRetentionPeriod of at least 1 day."
    ),
    ("InvalidDBInstanceState", "not replicating to the current region"): (
        "The instance does not replicate to this Region. DescribeDBInstances in the source Region "
        "lists its replications; pass the Region of one as region_name."
    ),
    ("KMSKeyNotAccessible", ""): (
        "The key must exist in the destination Region and be enabled, and the caller needs "
        "kms:DescribeKey and kms:CreateGrant for the key."
    ),
    ("DBInstanceAutomatedBackupQuotaExceeded", ""): (
        "The default quota is 20 replicated backups. Stop replications, delete retained "
        "backups, or request a higher quota."
    ),
    ("InvalidClientTokenId", ""): (
        "Check the credentials, and check that the account has enabled this Region."
    ),
}


def service_error(error: ClientError) -> ServiceError:
    """Return the typed form of an error response."""
    fault = error.response.get("Error", {})
    # botocore reads an empty element as None.
    stem = _stem(fault.get("Code") or "")
    message = fault.get("Message") or ""
    hints = (hint for (code, part), hint in _HINTS.items() if code == stem and part in message)
    return _CLASSES.get(stem, ServiceError)(error.response, error.operation_name, next(hints, None))


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


_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
NO_RESPONSE_ERRORS = (BotocoreConnectionError, HTTPClientError)
"""What botocore raises if no response came: the request may have taken effect."""
_NEVER_SENT = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError)


def is_server_error(error: ServiceError) -> bool:
    """Return whether RDS had an internal error, as opposed to refusing the request."""
    is_throttled = isinstance(error, ThrottlingError)
    return (error.http_status_code or 0) >= _SERVER_ERROR and not is_throttled


def may_have_taken_effect(error: Exception) -> bool:
    """Return whether a change may have taken effect although an attempt at it failed."""
    if isinstance(error, ServiceError):
        return is_server_error(error)
    if isinstance(error, ResponseValidationError):
        return error.may_have_taken_effect
    return isinstance(error, NO_RESPONSE_ERRORS) and not isinstance(error, _NEVER_SENT)


def is_transient(error: Exception) -> bool:
    """Return whether the same call may succeed later without a change by the caller."""
    if isinstance(error, ResponseValidationError):  # perhaps a proxy's page
        status = int(error.response.get("status_code", 200))
        if status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR:
            return True
        return _is_cut_off(error.response)
    if isinstance(error, ServiceError):
        return is_server_error(error) or isinstance(error, ThrottlingError)
    return isinstance(error, NO_RESPONSE_ERRORS) and not isinstance(error, SSLError)


def _is_cut_off(response: Mapping[str, Any]) -> bool:
    """Return whether the connection closed within the body, which botocore does not notice."""
    headers = {name.lower(): value for name, value in response.get("headers", {}).items()}
    length = headers.get("content-length", "")
    return length.isdecimal() and len(response["body"]) < int(length)
