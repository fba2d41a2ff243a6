"""What must hold in every cell, whatever the fault: what is documented, and no more."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from rds_backup_replication.exceptions import BackupReplicationError, ServiceError, WaitTimeoutError

from ._faults import Fault
from ._methods import BEHIND, SECRET_URL, left
from ._rds import (
    DELETE,
    DESCRIBE,
    DESCRIBE_INSTANCES,
    RESTORE,
    START,
    STOP,
    WANTED_DAYS,
)
from ._run import ATTEMPTS, SECRETS, Cell, Mode, Seen

_LONGEST_TEXT = 1_500
# What RDS says to an operation that it has done already.
_REPEATED = {
    START: "InvalidDBInstanceAutomatedBackupStateFault",
    STOP: "InvalidDBInstanceStateFault",
    DELETE: "DBInstanceAutomatedBackupNotFoundFault",
    RESTORE: "DBInstanceAlreadyExistsFault",
}
# What a source is not asked again after, as its Region is not for these credentials.
_CANNOT_ASK = {
    "AccessDeniedError",
    "InvalidClientTokenIdError",
    "OptInRequiredError",
    "SignatureDoesNotMatchError",
}


_MAY_BE_STOPPED = {"DBInstanceNotFoundFault", "InvalidDBInstanceStateFault"}
_NOT_STARTED = ("not started anew", "could not be started again")
_REPLACE = "`ensure_replication` with `replace=True`"
_WAIT_OF_REPLACE = 4
"""Number of the first call after the stop."""


class Promise(NamedTuple):
    """What a cell must come to."""

    outcome: str
    left: str


def broken(cell: Cell, mode: Mode, seen: Seen, good: Seen) -> Iterator[str]:
    """Every promise that is not kept."""
    promise = promised(cell, good)
    if (seen.outcome, seen.left) != promise:
        yield f"it is {seen.outcome}, {seen.left}, and must be {promise.outcome}, {promise.left}"
    yield from _broken_requests(cell, mode, seen)
    if seen.error is not None:
        yield from _broken_error(cell, seen, seen.error)
    elif cell.method.name == "ensure_replication":
        yield from _broken_replication(seen)
    elif cell.method.name == "ensure_stopped":
        yield from _broken_stop(seen)


def promised(cell: Cell, good: Seen) -> Promise:
    """Fault by fault, what the documentation says."""
    fault = cell.fault
    as_usual = Promise(good.outcome, good.left)
    if _shows_nothing(cell):
        return _of_seeing_nothing(cell, as_usual)
    if fault.is_repeated and not cell.always:  # botocore has mended it
        if cell.method.is_operation and fault.takes_effect and cell.action in _REPEATED:
            return Promise(_REPEATED[cell.action], good.left)
        return as_usual
    failed = Promise(fault.error, left(cell.method.before()))
    if cell.method.is_operation:
        return failed._replace(left=good.left) if fault.takes_effect else failed
    return _OF_COMPOSED[cell.method.heading](cell, as_usual, failed)


def _shows_nothing(cell: Cell) -> bool:
    """Whether RDS tells a look that there is no backup; an operation's caller is told as well."""
    is_not_found = cell.fault.error == "DBInstanceAutomatedBackupNotFoundFault"
    return is_not_found and cell.action == DESCRIBE and not cell.method.is_operation


def _of_seeing_nothing(cell: Cell, usual: Promise) -> Promise:
    unchanged = left(cell.method.before())
    match cell.method.heading, cell.call_number:
        case "`find_replicated_backup`" | "`wait_until_stopped`", _:
            return usual._replace(outcome="`None`")
        case "`wait_until_replicating`", 2:  # it was there before
            return usual._replace(outcome="ReplicationStoppedError")
        case "`wait_until_replicating`", _ if cell.always:
            return usual._replace(outcome="WaitTimeoutError")
        case heading, 1 if heading == _REPLACE:  # it sends a start, and that is refused
            return Promise(_REPEATED[START] if cell.always else "ReplicationDriftError", unchanged)
        case _:
            return usual


def _of_a_look(_: Cell, _usual: Promise, failed: Promise) -> Promise:
    return failed


def _of_a_wait(cell: Cell, usual: Promise, failed: Promise) -> Promise:
    if _is_an_answer(cell) or (cell.fault.is_passing and not cell.always):
        return usual
    return failed._replace(outcome="WaitTimeoutError") if cell.fault.is_passing else failed


def _of_ensure(cell: Cell, usual: Promise, failed: Promise) -> Promise:
    return usual if cell.action in (START, STOP) and cell.fault.takes_effect else failed


def _is_unclear(fault: Fault) -> bool:
    """Whether it leaves open if the operation took effect."""
    return fault.takes_effect or (fault.is_passing and fault.error != "ThrottlingError")


def _of_replace(cell: Cell, usual: Promise, failed: Promise) -> Promise:
    started_again = failed._replace(left="the old one again")
    if cell.action == START:
        was_busy = cell.fault.error == "InvalidDBInstanceStateFault" and not cell.always
        if cell.fault.takes_effect or was_busy:
            return usual
        return failed._replace(left="retained") if cell.always else started_again
    if cell.action == STOP and _is_unclear(cell.fault) and not cell.always:  # it stops once more
        return usual
    if cell.call_number < _WAIT_OF_REPLACE:
        return _of_ensure(cell, usual, failed)
    waited = _of_a_wait(cell, usual, started_again)
    return waited._replace(left="retained") if waited.outcome == "WaitTimeoutError" else waited


def _of_stopping_nothing(cell: Cell, usual: Promise, failed: Promise) -> Promise:
    if cell.action == STOP:
        # Whether it is so already is seen by looking, unless RDS refuses for another reason.
        is_looked_at = _is_unclear(cell.fault) or cell.fault.error in _MAY_BE_STOPPED
        return usual if is_looked_at else failed
    return failed if cell.call_number == 1 else usual


def _of_check(cell: Cell, usual: Promise, _: Promise) -> Promise:
    not_found = cell.fault.error == "DBInstanceNotFoundFault" and cell.action == DESCRIBE_INSTANCES
    return usual._replace(outcome="`instance_not_found`" if not_found else "`could_not_be_checked`")


_OF_COMPOSED: dict[str, Callable[[Cell, Promise, Promise], Promise]] = {
    "`find_replicated_backup`": _of_a_look,
    "`wait_until_replicating`": _of_a_wait,
    "`wait_until_stopped`": _of_a_wait,
    "`ensure_replication`": _of_ensure,
    _REPLACE: _of_replace,
    "`ensure_stopped`": _of_ensure,
    f"`ensure_replication`{BEHIND}": _of_ensure,
    f"`ensure_stopped`{BEHIND}": _of_ensure,
    "`ensure_stopped` where nothing replicates": _of_stopping_nothing,
    "`check_replication`": _of_check,
}


def _is_an_answer(cell: Cell) -> bool:
    """Whether the fault tells a wait what it asks for."""
    answers = {*_CANNOT_ASK, "DBInstanceNotFoundFault"}
    return cell.action == DESCRIBE_INSTANCES and cell.fault.error in answers


def _broken_requests(cell: Cell, mode: Mode, seen: Seen) -> Iterator[str]:
    calls = seen.wire.calls()
    for attempts in calls:
        *earlier, last = attempts
        must_repeat = last.is_struck and cell.fault.is_repeated and len(attempts) < ATTEMPTS[mode]
        may_repeat = all(attempt.is_struck and cell.fault.is_repeated for attempt in earlier)
        if must_repeat or not may_repeat or len(attempts) > ATTEMPTS[mode]:
            yield f"{last.action} was sent {len(attempts)} times in {mode} mode"
        asks_source = last.action == DESCRIBE_INSTANCES
        if last.region_name != ("us-west-2" if asks_source else "us-east-1"):
            yield f"{last.action} was sent to {last.region_name}"
    for action, number in Counter(attempts[0].action for attempts in calls).items():
        if number > cell.method.most_calls.get(action, 0):
            yield f"{action} was called {number} times"


def _broken_error(cell: Cell, seen: Seen, error: Exception) -> Iterator[str]:
    if not isinstance(error, (BackupReplicationError, ConnectionClosedError, ReadTimeoutError)):
        yield f"{type(error).__name__} is neither ours nor a failed connection"
    if isinstance(error, WaitTimeoutError):
        cause = error.__cause__ and type(error.__cause__).__name__
        if cause != (None if _shows_nothing(cell) else cell.fault.error):
            yield f"its cause is {error.__cause__!r}"
    texts = [*_texts(error), *seen.warnings]
    if any(secret in text for text in texts for secret in (*SECRETS, SECRET_URL)):
        yield "a secret is in its text"
    if len(texts[0]) > _LONGEST_TEXT:
        yield f"its text has {len(texts[0])} characters"
    if cell.method.heading == _REPLACE:
        yield from _broken_account(seen, error)


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


def _broken_replication(seen: Seen) -> Iterator[str]:
    rds, result = seen.wire.rds, seen.result
    live = [backup for backup in rds.backups if backup.is_live]
    if [backup.days for backup in live] != [WANTED_DAYS]:
        yield f"what replicates is {live}"
    elif result.backup.db_instance_automated_backups_arn != live[0].arn:
        yield "the backup is not the one that replicates"
    if (rds.starts, rds.stops) != {"started": (1, 0), "replaced": (1, 1)}.get(
        result.action, (0, 0)
    ):
        yield f"it has started {rds.starts} and stopped {rds.stops}, and says {result.action}"


def _broken_stop(seen: Seen) -> Iterator[str]:
    if seen.wire.rds.live:
        yield "it replicates"
    if seen.wire.rds.stops != (seen.result is not None):
        yield f"it has stopped {seen.wire.rds.stops}, and returns {seen.result!r}"


def _texts(error: BaseException | None) -> list[str]:
    """Of an error and of what it was raised from."""
    texts: list[str] = []
    while error is not None:
        texts.append(str(error))
        error = error.__cause__ or error.__context__
    return texts
