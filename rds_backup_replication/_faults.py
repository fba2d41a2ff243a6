"""From what botocore raises to this library's exceptions: by code, with a hint by message."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from botocore.exceptions import ClientError
from botocore.hooks import BaseEventHooks
from botocore.model import ServiceModel

from . import exceptions
from ._reader import AnswerReader
from .exceptions import ResponseValidationError, ServiceError


def _stem(name: str) -> str:
    """What a code's spellings have in common: ``DBInstanceNotFound`` and ``…NotFoundFault``."""
    return re.sub(r"(Fault|Error|Exception)$", "", name)


# What other services and versions of the protocol call Throttling.
_ALSO_THROTTLING = ("RequestLimitExceeded", "RequestThrottled", "Throttled", "TooManyRequests")
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
            "RDS answers this in the source's own Region. Send the call to the destination Region; "
            "describe_source_regions() there tells which sources it takes."
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
        "The Region in the ARN is the one that keeps the backup: ask that Region.",
    ),
    (
        "InvalidParameterValue",
        "PreSignedUrl could not be authenticated",
        "Leave pre_signed_url out and let botocore sign: pass source_region instead.",
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

    # The first of a client's registrations stays.
    events.register("before-parse.rds", parsing_begins, unique_id="rds-backup-replication-raw")
    events.register(
        "response-received.rds", _parsing_is_done, unique_id="rds-backup-replication-ok"
    )


@contextmanager
def translated(operation_name: str) -> Generator[None, None, None]:
    """Raises this library's exceptions for botocore's, where RDS has answered."""
    _unparsed.set(_NOTHING)
    try:
        yield
    except ClientError as error:
        if error.operation_name != operation_name:  # not RDS refused, but STS, say
            raise
        raise service_error(error) from error
    # The parser stumbles over a wrong root, number or time with any type of error; what is
    # raised elsewhere passes through.
    except Exception as error:
        answer = _unparsed.get()
        if not answer:
            raise
        raw = {
            "status_code": answer["status_code"],
            "headers": dict(answer["headers"]),
            "body": answer["body"],
        }
        raise ResponseValidationError(operation_name, f"{error!r:.200}", raw) from error
    finally:
        _unparsed.set(None)
