"""The content of errors: everything from the response, and no secret."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from rds_backup_replication.exceptions import (
    BackupReplicationError,
    Difference,
    ReplacementError,
    ReplicationBlockedError,
    ReplicationDriftError,
    ReplicationStoppedError,
    ResponseValidationError,
    ServiceError,
    WaitTimeoutError,
)

from ..loopback import REQUEST_ID
from ..wire import KMS_KEY_ARN, SOURCE_ARN
from ._faults import KEY_NOT_FOUND, NO_RESULT
from ._methods import ALIAS, FORMER, SECRET_URL
from ._promises import INSTANCE_NOT_FOUND, Promise, finds_no_backup
from ._rds import DESCRIBE, DESCRIBE_KEY, WANTED_DAYS, Refusal
from ._results import summarize
from ._run import SECRETS, Cell, Observation

_LONGEST_TEXT = 1_500
# Words that a refusal's hint must contain, by the code or the message of the refusal.
_HINTS = {
    "DBInstanceAutomatedBackupQuotaExceeded": "20 replicated backups",
    "ExpiredToken": "Renew the temporary credentials",
    "InvalidClientTokenId": "enabled this Region",
    "KMSKeyNotAccessibleFault": "kms:CreateGrant",
    "It is not replicating to the current region.": "does not replicate to this Region",
}


def check_error(observed: Observation, error: Exception) -> Iterator[str]:
    """Yield violations of the rules for every error: its class, its length and no secrets."""
    if not isinstance(error, (BackupReplicationError, ConnectionClosedError, ReadTimeoutError)):
        yield f"{type(error).__name__} is neither a class of this library nor a failed connection"
    texts = [*_texts(error), *observed.warnings]
    if any(secret in text for text in texts for secret in (*SECRETS, SECRET_URL)):
        yield "a text of the error or a warning contains a secret"
    if len(texts[0]) > _LONGEST_TEXT:
        yield f"the text of the error has {len(texts[0])} characters"


def check_content(
    cell: Cell, promise: Promise, observed: Observation, error: BaseException | None
) -> Iterator[str]:
    """Yield the parts of the response that the error omits or changes."""
    match error:
        case ServiceError():
            yield from _check_refusal(promise, error)
        case ResponseValidationError():
            yield from _check_invalid_response(cell, promise, observed, error)
        case WaitTimeoutError(__cause__=cause):
            expected = "NoneType" if finds_no_backup(cell) else cell.fault.error
            if type(cause).__name__ != expected:
                yield f"the cause is {cause!r}, not {expected}"
            yield from _check_last_backup(cell, error)
            yield from check_content(cell, promise, observed, cause)
        case ReplacementError(__cause__=cause):
            if type(cause).__name__ != promise.cause:
                yield f"the cause is {cause!r}, not {promise.cause}"
            yield from check_content(cell, promise, observed, cause)
        case ReplicationBlockedError():
            yield from _check_blockers(cell, error)
        case ReplicationStoppedError():
            yield from _check_last_backup(cell, error)
        case ReplicationDriftError():
            yield from _check_drift(cell, error)
        case _:  # an error of botocore
            return


def _check_refusal(promise: Promise, error: ServiceError) -> Iterator[str]:
    """Yield differences from the refusal, in the attributes and in botocore's response dict."""
    response: Any = error.response
    content, metadata = response.get("Error", {}), response.get("ResponseMetadata", {})
    status, request_id = metadata.get("HTTPStatusCode"), metadata.get("RequestId")
    for refusal in (
        Refusal(error.code, error.message, error.http_status_code or 0, error.request_id),
        Refusal(content.get("Code"), content.get("Message"), status, request_id),
    ):
        if (error.operation_name, refusal) != (promise.action, promise.refusal):
            yield f"{error.operation_name} is refused with {refusal}, not {promise.refusal}"
    if not isinstance(error.__cause__, ClientError):
        yield f"the cause is {error.__cause__!r}, not botocore's ClientError"
    words = next((_HINTS[text] for text in promise.refusal or () if text in _HINTS), "")
    if words not in (error.hint or "") or (error.hint and not words):
        yield f"the hint is {error.hint!r}"


def _check_invalid_response(
    cell: Cell, promise: Promise, observed: Observation, error: ResponseValidationError
) -> Iterator[str]:
    response = error.response
    if cell.fault.name == NO_RESULT:  # botocore could parse the response
        is_complete = response.get("ResponseMetadata", {}).get("RequestId") == REQUEST_ID
    else:
        sent = [
            r.body.encode() for r in observed.wire.requests if r.has_fault and r.body is not None
        ]
        is_complete = (
            response.get("status_code") == cell.fault.status and response.get("body") in sent
        )
    if not is_complete or error.operation_name != promise.action:
        yield f"the error of {error.operation_name} has the response {response!r:.200}"


def _check_drift(cell: Cell, error: ReplicationDriftError) -> Iterator[str]:
    expected = Difference("backup_retention_period", WANTED_DAYS, FORMER.days)
    difference = error.differences[0]
    if cell.action == DESCRIBE_KEY:
        expected = Difference("kms_key_id", ALIAS, KMS_KEY_ARN, difference.uncertainty)
        reason = cell.fault.refusal.code if cell.fault.refusal else "alias"
        if reason not in (difference.uncertainty or ""):
            yield f"the uncertainty {difference.uncertainty!r} omits {reason}"
    if error.differences != (expected,) or not summarize(error.backup).startswith("the backup"):
        yield f"the error reports {error.differences}, {summarize(error.backup)}"


def _check_last_backup(
    cell: Cell, error: WaitTimeoutError | ReplicationStoppedError
) -> Iterator[str]:
    has_found_none = cell.action == DESCRIBE and cell.action_number == 1
    last = summarize(error.last_backup)
    if not last.startswith("`None`" if has_found_none else "the backup"):
        yield f"the last backup is {last}"


def _check_blockers(cell: Cell, error: ReplicationBlockedError) -> Iterator[str]:
    expected, words = "could_not_be_checked", cell.fault.refusal.code if cell.fault.refusal else ""
    if cell.fault == KEY_NOT_FOUND:
        expected, words = "kms_key_not_found", KMS_KEY_ARN
    elif cell.fault.error == INSTANCE_NOT_FOUND:
        expected, words = "instance_not_found", SOURCE_ARN
    if [(r.code, words in r.message) for r in error.blockers] != [(expected, True)]:
        yield f"the blockers are {error.blockers}"


def _texts(error: BaseException | None) -> list[str]:
    """Return the texts of an error and of its causes."""
    texts: list[str] = []
    while error is not None:
        texts.append(str(error))
        error = error.__cause__ or error.__context__
    return texts
