"""Promises: the documented outcome of every cell."""

from collections.abc import Callable
from typing import NamedTuple

from ._faults import Fault
from ._methods import BY_ARN, STALE, WITH_ALIAS, summarize_state
from ._rds import DESCRIBE, DESCRIBE_INSTANCES, REPEAT_REFUSALS, START, STOP, Refusal
from ._run import Cell

# Refusals after which a wait does not ask the source Region again.
_SOURCE_REFUSES = {
    "AccessDeniedError",
    "InvalidClientTokenIdError",
    "OptInRequiredError",
    "SignatureDoesNotMatchError",
}
_MAY_BE_STOPPED = {"DBInstanceNotFoundFault", "InvalidDBInstanceStateFault"}
REPLACE = "`ensure_replication` with `replace=True`"
FIRST_CALL_AFTER_STOP = 4
"""Number of the first call after the stop."""


class Promise(NamedTuple):
    """The outcome that a cell must have."""

    outcome: str
    state: str
    action: str = ""
    """The operation that failed, if any."""
    refusal: Refusal | None = None
    """The refusal that the error must contain, if RDS refused."""


def find_promise(cell: Cell) -> Promise:
    """Return the documented outcome of a cell."""
    fault, method = cell.fault, cell.method
    is_stop_uncertain = cell.action == STOP and fault.takes_effect
    usual = Promise((is_stop_uncertain and method.polled_stop) or method.result, method.end_state)
    if finds_no_backup(cell):
        return _expect_no_backup(cell, usual)
    if fault.is_retried and not cell.always:  # a retry by botocore succeeds
        if method.is_operation and fault.takes_effect and cell.action in REPEAT_REFUSALS:
            return _expect_repeat_refusal(cell.action, method.end_state)
        return usual
    failed = Promise(fault.error, summarize_state(method.make_rds()), cell.action, fault.refusal)
    if method.is_operation:
        return failed._replace(state=method.end_state) if fault.takes_effect else failed
    return _EXPECT_BY_HEADING[method.heading](cell, usual, failed)


def _expect_repeat_refusal(action: str, state: str) -> Promise:
    return Promise(f"{REPEAT_REFUSALS[action].code}Fault", state, action, REPEAT_REFUSALS[action])


def finds_no_backup(cell: Cell) -> bool:
    """Return whether a poll takes the fault for an empty list, which the operation does not."""
    is_not_found = cell.fault.error == "DBInstanceAutomatedBackupNotFoundFault"
    return is_not_found and cell.action == DESCRIBE and not cell.method.is_operation


def _expect_no_backup(cell: Cell, usual: Promise) -> Promise:
    unchanged = summarize_state(cell.method.make_rds())
    promise = usual
    match cell.method.name, cell.call_number:
        case "wait_until_stopped", _ if cell.method.situation == BY_ARN and not cell.always:
            pass  # only the next poll tells which source to ask
        case "find_replicated_backup" | "wait_until_stopped", _:
            promise = usual._replace(outcome="`None`")
        case "wait_until_replicating", 2:  # an earlier poll showed the backup
            promise = usual._replace(outcome="ReplicationStoppedError")
        case "wait_until_replicating", _ if cell.always:
            promise = usual._replace(outcome="WaitTimeoutError")
        case _, 1 if cell.method.heading == REPLACE:  # RDS refuses the start
            promise = _expect_repeat_refusal(START, unchanged)
            if not cell.always:  # the next poll shows the existing replication
                promise = Promise("ReplicationDriftError", unchanged)
        case _:
            pass
    return promise


def _expect_find(_: Cell, _usual: Promise, failed: Promise) -> Promise:
    return failed


def _expect_wait(cell: Cell, usual: Promise, failed: Promise) -> Promise:
    if _settles_wait(cell) or (cell.fault.is_transient and not cell.always):
        return usual
    return failed._replace(outcome="WaitTimeoutError") if cell.fault.is_transient else failed


def _expect_ensure(cell: Cell, usual: Promise, failed: Promise) -> Promise:
    return usual if cell.action in (START, STOP) and cell.fault.takes_effect else failed


def _expect_alias(_: Cell, _usual: Promise, failed: Promise) -> Promise:
    return failed._replace(outcome="ReplicationDriftError")


def _is_uncertain(fault: Fault) -> bool:
    """Return whether the operation may have taken effect."""
    return fault.takes_effect or (fault.is_transient and fault.error != "ThrottlingError")


def _expect_replace(cell: Cell, usual: Promise, failed: Promise) -> Promise:
    restarted = failed._replace(state="the former one restarted")
    if cell.action == START:
        was_busy = cell.fault.error == "InvalidDBInstanceStateFault" and not cell.always
        if cell.fault.takes_effect or was_busy:
            return usual
        return failed._replace(state="retained") if cell.always else restarted
    if cell.action == STOP and _is_uncertain(cell.fault) and not cell.always:
        return usual  # the client stops again
    if cell.call_number < FIRST_CALL_AFTER_STOP:
        return _expect_ensure(cell, usual, failed)
    waited = _expect_wait(cell, usual, restarted)
    return waited._replace(state="retained") if waited.outcome == "WaitTimeoutError" else waited


def _expect_stop_of_nothing(cell: Cell, usual: Promise, failed: Promise) -> Promise:
    if cell.action == STOP:
        # The client polls for the outcome, unless RDS refuses for another reason.
        is_polled = _is_uncertain(cell.fault) or cell.fault.error in _MAY_BE_STOPPED
        return usual if is_polled else failed
    return failed if cell.call_number == 1 else usual


def _expect_check(cell: Cell, usual: Promise, _: Promise) -> Promise:
    not_found = cell.fault.error == "DBInstanceNotFoundFault" and cell.action == DESCRIBE_INSTANCES
    return usual._replace(outcome="`instance_not_found`" if not_found else "`could_not_be_checked`")


_EXPECT_BY_HEADING: dict[str, Callable[[Cell, Promise, Promise], Promise]] = {
    "`find_replicated_backup`": _expect_find,
    "`wait_until_replicating`": _expect_wait,
    "`wait_until_stopped`": _expect_wait,
    f"`wait_until_replicating`{BY_ARN}": _expect_wait,
    f"`wait_until_stopped`{BY_ARN}": _expect_wait,
    f"`ensure_replication`{WITH_ALIAS}": _expect_alias,
    "`ensure_replication`": _expect_ensure,
    REPLACE: _expect_replace,
    "`ensure_stopped`": _expect_ensure,
    f"`ensure_replication`{STALE}": _expect_ensure,
    f"`ensure_stopped`{STALE}": _expect_ensure,
    "`ensure_stopped` where nothing replicates": _expect_stop_of_nothing,
    "`check_replication`": _expect_check,
}


def _settles_wait(cell: Cell) -> bool:
    """Return whether the fault tells the client not to wait for the source any longer."""
    settling = {*_SOURCE_REFUSES, "DBInstanceNotFoundFault"}
    return cell.action == DESCRIBE_INSTANCES and cell.fault.error in settling
