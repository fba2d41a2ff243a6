"""From what botocore raises to this library's exceptions: by code, with a hint by message."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from traceback import walk_tb
from typing import Any
from weakref import WeakSet

from botocore.client import BaseClient
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
)
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.hooks import BaseEventHooks
from botocore.model import ServiceModel

from .. import exceptions
from .._redact import hide_secrets
from ..exceptions import ResponseValidationError, ServiceError
from .fast_parser import AnswerReader


def _stem(name: str) -> str:
    """What a code's spellings have in common: ``DBInstanceNotFound`` and ``…NotFoundFault``."""
    return re.sub(r"(Fault|Error|Exception)$", "", name)


# What other services and versions of the protocol call Throttling.
_ALSO_THROTTLING = (
    *("BandwidthLimitExceeded", "EC2Throttled", "PriorRequestNotComplete", "RequestLimitExceeded"),
    *("RequestThrottled", "SlowDown", "Throttled", "TooManyRequests"),
)
_CLASSES = {
    _stem(name): value
    for name, value in vars(exceptions).items()
    if isinstance(value, type) and issubclass(value, ServiceError) and value is not ServiceError
}
_CLASSES.update(dict.fromkeys(_ALSO_THROTTLING, exceptions.ThrottlingError))

# (stem of the code, part of the message, what to do about it)
_HINTS = (
    (
        "InvalidParameterValue",
        "Feature is not available in region",
        (
            "The Region named does not take backups from the source's: describe_source_regions() "
            "tells which it takes. If it is not the client's Region, the endpoint URL is wrong."
        ),
    ),
    (
        "InvalidParameterValue",
        "require a valid KMS key",
        (
            "The source is encrypted, if only by the default aws/rds key: pass kms_key_id, "
            "a KMS key that lives in the destination Region."
        ),
    ),
    (
        "InvalidParameterValue",
        "DbInstanceAutomatedBackupsArn",
        "Check the ARN's account and id, and that the endpoint URL is of the ARN's Region.",
    ),
    (
        "InvalidParameterValue",
        "PreSignedUrl could not be authenticated",
        (
            "If pre_signed_url was given, pass source_region instead, and botocore signs. If "
            "botocore did sign, leave out tags whose keys have spaces: they break what it signs."
        ),
    ),
    (
        "InvalidDBInstanceState",
        "must have backup retention enabled",
        (
            "Turn on the source instance's own automated backups first: modify it to a "
            "BackupRetentionPeriod of at least 1 day."
        ),
    ),
    (
        "InvalidDBInstanceState",
        "not replicating to the current region",
        "Nothing replicates to this Region. The source's DescribeDBInstances lists where to.",
    ),
    (
        "KMSKeyNotAccessible",
        "",
        (
            "The key must exist in the destination Region and be enabled, and the caller needs "
            "kms:DescribeKey and kms:CreateGrant on it."
        ),
    ),
    (
        "DBInstanceAutomatedBackupQuotaExceeded",
        "",
        (
            "By default 20 backups can be replicated. Stop some, delete retained ones, or have the "
            "quota raised."
        ),
    ),
    (
        "InvalidClientTokenId",
        "",
        "Check the credentials, and that the account has enabled this Region.",
    ),
)


def service_error(error: ClientError) -> ServiceError:
    """The typed form of what RDS refused with."""
    fault = error.response.get("Error", {})
    # An empty element comes as None.
    stem = _stem(fault.get("Code") or "")
    message = fault.get("Message") or ""
    hint = next((hint for code, part, hint in _HINTS if code == stem and part in message), None)
    return _CLASSES.get(stem, ServiceError)(error.response, error.operation_name, hint)


_STATUS_OF_UNDOCUMENTED = {"AccessDenied": 403, "InternalFailure": 500, "ServiceUnavailable": 503}
_BAD_REQUEST = 400


def wire_form(fault: type[ServiceError], service_model: ServiceModel) -> tuple[str, int]:
    """The code and HTTP status with which RDS answers a fault of this class."""
    for shape in service_model.error_shapes:
        if shape.name == fault.__name__:
            form = shape.metadata["error"]
            return form.get("code", shape.name), form["httpStatusCode"]
    code = _stem(fault.__name__)
    return code, _STATUS_OF_UNDOCUMENTED.get(code, _BAD_REQUEST)


SERVER_ERROR = 500
NO_ANSWER = (NoConnectionError, HTTPClientError)
"""What botocore raises if nothing came back: whether a request took effect is not known."""
_NEVER_SENT = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError)


def server_failed(error: ServiceError) -> bool:
    """Whether RDS failed, rather than refused."""
    is_throttled = isinstance(error, exceptions.ThrottlingError)
    return (error.http_status_code or 0) >= SERVER_ERROR and not is_throttled


def may_have_taken_effect(error: Exception) -> bool:
    """Whether an attempt that ended so leaves open what it did."""
    if isinstance(error, ServiceError):
        return server_failed(error)
    if isinstance(error, ResponseValidationError):
        return error.may_have_taken_effect
    return isinstance(error, NO_ANSWER) and not isinstance(error, _NEVER_SENT)


# Registering takes a tenth of a call's time.
_watched: WeakSet[BaseClient] = WeakSet()
_failures: ContextVar[list[Exception] | None] = ContextVar("failures", default=None)


def _attempt_ends(
    response: tuple[object, dict[str, Any]] | None, caught_exception: Exception | None, **_: Any
) -> None:
    failures = _failures.get()
    if failures is None:
        return
    if caught_exception is not None:
        failures.append(caught_exception)
    elif response is not None and "Error" in response[1]:
        failures.append(service_error(ClientError(response[1], "")))  # type: ignore[arg-type]


@contextmanager
def failed_attempts(client: BaseClient) -> Generator[list[Exception], None, None]:
    """How each attempt at a call within the block failed, those that botocore retried too."""
    if client not in _watched:
        # First, as a later handler of botocore's may raise.
        client.meta.events.register_first(
            "needs-retry.rds", _attempt_ends, unique_id="rds-backup-replication-attempts"
        )
        _watched.add(client)
    failures: list[Exception] = []
    token = _failures.set(failures)
    try:
        yield failures
    finally:
        _failures.reset(token)


# Within a call of ours: the answer that botocore is parsing, for the case that it fails to.
_unparsed: ContextVar[dict[str, Any] | None] = ContextVar("unparsed", default=None)
_NOTHING: dict[str, Any] = {}


def _parsing_is_done(**_: Any) -> None:
    if _unparsed.get() is not None:
        _unparsed.set(_NOTHING)


def watch_answers(events: BaseEventHooks) -> None:
    """Has a client's events keep the raw answer while botocore parses it, and read it ahead.

    Calls that are not made by this library are left alone.
    """
    reader = AnswerReader()

    def parsing_begins(response_dict: dict[str, Any], **keywords: Any) -> None:
        if _unparsed.get() is None:
            return
        _unparsed.set(dict(response_dict))
        reader.read_ahead(
            keywords["operation_model"], response_dict, keywords["customized_response_dict"]
        )

    # The first of a client's registrations stays. Last, and for all services, as botocore calls
    # that after what is for one: others' handlers see the answer whole.
    events.register_last("before-parse", parsing_begins, unique_id="rds-backup-replication-raw")
    events.register(
        "response-received.rds", _parsing_is_done, unique_id="rds-backup-replication-ok"
    )


@contextmanager
def translate_errors(operation_name: str) -> Generator[None, None, None]:
    """Raises this library's exceptions for botocore's, where RDS has answered."""
    token = _unparsed.set(_NOTHING)
    try:
        yield
    except ClientError as error:
        hide_secrets(error)
        if error.operation_name != operation_name:  # not RDS refused, but STS, say
            raise
        raise service_error(error) from error
    # Whoever reads an answer stumbles over a wrong root, number or time with any type of error;
    # what is raised elsewhere, in a user's handler say, passes through.
    except Exception as error:
        if isinstance(error, BotoCoreError):
            hide_secrets(error)
        answer = _unparsed.get()
        modules = [frame.f_globals["__name__"] for frame, _ in walk_tb(error.__traceback__)]
        if (
            "botocore.credentials" in modules
            and modules[-1].startswith("botocore.")
            and not isinstance(error, BotoCoreError)
        ):
            # STS's, say. The error's text may be the whole answer, credentials and all.
            kind = type(error).__name__
            problem = f"what the service that gives them answered is of no use ({kind})"
            raise CredentialRetrievalError(provider="AWS", error_msg=problem) from None
        if not answer or "botocore.hooks" in modules:  # a handler's
            raise
        raw = {
            "status_code": answer["status_code"],
            "headers": dict(answer["headers"]),
            "body": answer["body"],
        }
        raise ResponseValidationError(operation_name, f"{error!r:.200}", raw) from error
    finally:
        _unparsed.reset(token)
