"""What a cell must come to: fault by fault, as documented."""

from collections.abc import Callable
from typing import NamedTuple

from ._faults import Fault
from ._methods import BEHIND, BY_ARN, OF_AN_ALIAS, left
from ._rds import AGAIN, DESCRIBE, DESCRIBE_INSTANCES, START, STOP, Refusal
from ._run import Cell

# What a source is not asked again after, as its Region is not for these credentials.
_CANNOT_ASK = {
    "AccessDeniedError",
    "InvalidClientTokenIdError",
    "OptInRequiredError",
    "SignatureDoesNotMatchError",
}
_MAY_BE_STOPPED = {"DBInstanceNotFoundFault", "InvalidDBInstanceStateFault"}
REPLACE = "`ensure_replication` with `replace=True`"
WAIT_OF_REPLACE = 4
"""Number of the first call after the stop."""


class Promise(NamedTuple):
    """What a cell must come to."""

    outcome: str
    left: str
    action: str = ""
    """What has failed, if anything."""
    refusal: Refusal | None = None
    """With which words, if it was refused."""


def promised(cell: Cell) -> Promise:
    """Fault by fault, what the documentation says."""
    fault, method = cell.fault, cell.method
    is_stopped_unseen = cell.action == STOP and fault.takes_effect
    as_usual = Promise((is_stopped_unseen and method.seen_stopped) or method.good, method.leaves)
    if shows_nothing(cell):
        return _of_seeing_nothing(cell, as_usual)
    if fault.is_repeated and not cell.always:  # botocore has mended it
        if method.is_operation and fault.takes_effect and cell.action in AGAIN:
            return _done_already(cell.action, method.leaves)
        return as_usual
    failed = Promise(fault.error, left(method.before()), cell.action, fault.refusal)
    if method.is_operation:
        return failed._replace(left=method.leaves) if fault.takes_effect else failed
    return _OF_COMPOSED[method.heading](cell, as_usual, failed)


def _done_already(action: str, left: str) -> Promise:
    return Promise(f"{AGAIN[action].code}Fault", left, action, AGAIN[action])


def shows_nothing(cell: Cell) -> bool:
    """Whether RDS tells a look that there is no backup; an operation's caller is told as well."""
    is_not_found = cell.fault.error == "DBInstanceAutomatedBackupNotFoundFault"
    return is_not_found and cell.action == DESCRIBE and not cell.method.is_operation


def _of_seeing_nothing(cell: Cell, usual: Promise) -> Promise:
    unchanged = left(cell.method.before())
    promise = usual
    match cell.method.name, cell.call_number:
        case "wait_until_stopped", _ if cell.method.situation == BY_ARN and not cell.always:
            pass  # which source to ask is not known until the next look
        case "find_replicated_backup" | "wait_until_stopped", _:
            promise = usual._replace(outcome="`None`")
        case "wait_until_replicating", 2:  # it was there before
            promise = usual._replace(outcome="ReplicationStoppedError")
        case "wait_until_replicating", _ if cell.always:
            promise = usual._replace(outcome="WaitTimeoutError")
        case _, 1 if cell.method.heading == REPLACE:  # it sends a start, and that is refused
            promise = _done_already(START, unchanged)
            if not cell.always:  # and then it sees why
                promise = Promise("ReplicationDriftError", unchanged)
        case _:
            pass
    return promise


def _of_a_look(_: Cell, _usual: Promise, failed: Promise) -> Promise:
    return failed


def _of_a_wait(cell: Cell, usual: Promise, failed: Promise) -> Promise:
    if _is_an_answer(cell) or (cell.fault.is_passing and not cell.always):
        return usual
    return failed._replace(outcome="WaitTimeoutError") if cell.fault.is_passing else failed


def _of_ensure(cell: Cell, usual: Promise, failed: Promise) -> Promise:
    return usual if cell.action in (START, STOP) and cell.fault.takes_effect else failed


def _of_an_alias(_: Cell, _usual: Promise, failed: Promise) -> Promise:
    return failed._replace(outcome="ReplicationDriftError")


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
    if cell.call_number < WAIT_OF_REPLACE:
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
    f"`wait_until_replicating`{BY_ARN}": _of_a_wait,
    f"`wait_until_stopped`{BY_ARN}": _of_a_wait,
    f"`ensure_replication`{OF_AN_ALIAS}": _of_an_alias,
    "`ensure_replication`": _of_ensure,
    REPLACE: _of_replace,
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
