"""What an error must have in it: all that was answered, and no secret."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from rds_backup_replication.exceptions import (
    BackupReplicationError,
    Difference,
    ReplicationDriftError,
    ReplicationStoppedError,
    ResponseValidationError,
    ServiceError,
    WaitTimeoutError,
)

from ..loopback import REQUEST_ID
from ..wire import KMS_KEY_ARN
from ._faults import NO_RESULT
from ._methods import ALIAS, FORMER_DAYS, SECRET_URL
from ._promised import REPLACE, WAIT_OF_REPLACE, Promise, shows_nothing
from ._rds import DESCRIBE, DESCRIBE_KEY, WANTED_DAYS, Refusal
from ._results import told
from ._run import SECRETS, Cell, Seen

_LONGEST_TEXT = 1_500
_NOT_STARTED = ("not started anew", "could not be started again")
# What a refusal's hint has in it, by its code or its message.
_HINTS = {
    "DBInstanceAutomatedBackupQuotaExceeded": "20 backups",
    "InvalidClientTokenId": "enabled this Region",
    "KMSKeyNotAccessibleFault": "kms:CreateGrant",
    "It is not replicating to the current region.": "Nothing replicates",
}


def broken_error(cell: Cell, seen: Seen, error: Exception) -> Iterator[str]:
    if not isinstance(error, (BackupReplicationError, ConnectionClosedError, ReadTimeoutError)):
        yield f"{type(error).__name__} is neither ours nor a failed connection"
    texts = [*_texts(error), *seen.warnings]
    if any(secret in text for text in texts for secret in (*SECRETS, SECRET_URL)):
        yield "a secret is in its text"
    if len(texts[0]) > _LONGEST_TEXT:
        yield f"its text has {len(texts[0])} characters"
    if cell.method.heading == REPLACE:
        yield from _broken_account(seen, error)


def broken_content(
    cell: Cell, promise: Promise, seen: Seen, error: BaseException | None
) -> Iterator[str]:
    """An error must have all that was answered."""
    match error:
        case ServiceError():
            yield from _broken_refusal(promise, error)
        case ResponseValidationError():
            yield from _broken_answer(cell, promise, seen, error)
        case WaitTimeoutError(__cause__=cause):
            wanted = "NoneType" if shows_nothing(cell) else cell.fault.error
            if type(cause).__name__ != wanted:
                yield f"its cause is {cause!r}"
            yield from _broken_last_backup(cell, error)
            yield from broken_content(cell, promise, seen, cause)
        case ReplicationStoppedError():
            yield from _broken_last_backup(cell, error)
        case ReplicationDriftError():
            yield from _broken_drift(cell, error)
        case _:  # botocore's own
            return


def _broken_refusal(promise: Promise, error: ServiceError) -> Iterator[str]:
    """What RDS said must be in it twice: in its attributes, and in botocore's dict."""
    response: Any = error.response
    said, metadata = response.get("Error", {}), response.get("ResponseMetadata", {})
    status, request_id = metadata.get("HTTPStatusCode"), metadata.get("RequestId")
    for refusal in (
        Refusal(error.code, error.message, error.http_status_code or 0, error.request_id),
        Refusal(said.get("Code"), said.get("Message"), status, request_id),
    ):
        if (error.operation_name, refusal) != (promise.action, promise.refusal):
            yield f"{error.operation_name} is refused with {refusal}, not {promise.refusal}"
    if not isinstance(error.__cause__, ClientError):
        yield f"it chains {error.__cause__!r}"
    words = next((_HINTS[text] for text in promise.refusal or () if text in _HINTS), "")
    # What a replacement leaves behind stands in it as well, and is judged elsewhere.
    hint = (error.hint or "").partition("The replication of")[0]
    if words not in hint or (hint and not words):
        yield f"its hint is {error.hint!r}"


def _broken_answer(
    cell: Cell, promise: Promise, seen: Seen, error: ResponseValidationError
) -> Iterator[str]:
    answer = error.response
    if cell.fault.name == NO_RESULT:  # botocore has read it
        is_whole = answer.get("ResponseMetadata", {}).get("RequestId") == REQUEST_ID
    else:
        sent = [
            r.answer.encode() for r in seen.wire.requests if r.is_struck and r.answer is not None
        ]
        is_whole = answer.get("status_code") == cell.fault.status and answer.get("body") in sent
    if not is_whole or error.operation_name != promise.action:
        yield f"it is of {error.operation_name}, and has {answer!r:.200}"


def _broken_drift(cell: Cell, error: ReplicationDriftError) -> Iterator[str]:
    wanted = Difference("backup_retention_period", WANTED_DAYS, FORMER_DAYS)
    difference = error.differences[0]
    if cell.action == DESCRIBE_KEY:
        wanted = Difference("kms_key_id", ALIAS, KMS_KEY_ARN, difference.uncertainty)
        why = cell.fault.refusal.code if cell.fault.refusal else "alias"
        if why not in (difference.uncertainty or ""):
            yield f"it is not certain, as {difference.uncertainty}"
    if error.differences != (wanted,) or not told(error.backup).startswith("the backup"):
        yield f"it tells of {error.differences}, {told(error.backup)}"


def _broken_last_backup(
    cell: Cell, error: WaitTimeoutError | ReplicationStoppedError
) -> Iterator[str]:
    has_seen_none = cell.action == DESCRIBE and cell.call_number in (1, WAIT_OF_REPLACE)
    last = told(error.last_backup)
    if not last.startswith("`None`" if has_seen_none else "the backup"):
        yield f"it has last seen {last}"


def _broken_account(seen: Seen, error: Exception) -> Iterator[str]:
    """A replacement that failed must say what it has left behind."""
    said = " ".join(seen.warnings)
    if " was stopped" in said and not seen.wire.rds.stops:
        yield "it says that it was stopped, and it was not"
    if seen.left == "the old one":
        return
    wanted = ["has been started again"] if seen.wire.rds.live else list(_NOT_STARTED)
    accounts = [said, *([error.hint or ""] if isinstance(error, ServiceError) else [])]
    for account in accounts:
        if not any(words in account for words in wanted):
            yield f"it has left {seen.left}, and says {account!r}"


def _texts(error: BaseException | None) -> list[str]:
    """Of an error and of what it was raised from."""
    texts: list[str] = []
    while error is not None:
        texts.append(str(error))
        error = error.__cause__ or error.__context__
    return texts
