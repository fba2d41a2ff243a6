"""Promises: the documented outcome of every cell."""

from collections.abc import Callable
from typing import NamedTuple

from ._faults import KEY_NOT_FOUND, Fault
from ._methods import (
    BY_ARN,
    BY_RESOURCE_ID,
    REFUSED,
    REFUSED_ALWAYS,
    STALE,
    WITH_ALIAS,
    summarize_state,
)
from ._rds import (
    DESCRIBE,
    DESCRIBE_INSTANCES,
    DESCRIBE_KEY,
    DESCRIBE_REGIONS,
    REPEAT_REFUSALS,
    START,
    START_REFUSAL,
    STOP,
    Refusal,
)
from ._run import Cell

# Refusals after which a wait does not ask the source Region again.
_SOURCE_REFUSES = {
    "AccessDeniedError",
    "InvalidClientTokenIdError",
    "OptInRequiredError",
    "SignatureDoesNotMatchError",
}
_MAY_BE_STOPPED = {"DBInstanceNotFoundFault", "InvalidDBInstanceStateFault"}
# Refusals of a start or stop by a quota or a state, which may pass.
_MAY_PASS = {
    "DBInstanceAutomatedBackupQuotaExceededFault",
    "InvalidDBInstanceAutomatedBackupStateFault",
    "InvalidDBInstanceStateFault",
}
INSTANCE_NOT_FOUND = "DBInstanceNotFoundFault"
# The refusal after which a start with the former settings is retried, because they have worked.
_KEY_REFUSES = START_REFUSAL.code
# Numbers of the calls of Describe: a look, two in the check, a look before the stop.
_POLLS_OF_CHECK = (2, 3)
_POLLS_BEFORE_STOP = 4
_POLLS_BEFORE_STOP_OF_NOTHING = 2
# Numbers of the calls of DescribeDBInstances: a look, the check.
_LAST_QUESTION_BEFORE_STOP = 2


class Promise(NamedTuple):
    """The outcome that a cell must have."""

    outcome: str
    state: str
    action: str = ""
    """The operation that failed, if any."""
    refusal: Refusal | None = None
    """The refusal that the error must contain, if RDS refused."""
    cause: str = ""
    """The class of the error that ended a replacement after the stop."""


def find_promise(cell: Cell) -> Promise:
    """Return the documented outcome of a cell."""
    fault, method = cell.fault, cell.method
    is_stop_uncertain = cell.action == STOP and fault.takes_effect
    usual = Promise((is_stop_uncertain and method.polled_stop) or method.result, method.end_state)
    if method.situation in (REFUSED, REFUSED_ALWAYS):
        refusal = START_REFUSAL
        usual = usual._replace(action=START, refusal=refusal, cause="KMSKeyNotAccessibleFault")
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
    match cell.method.name, cell.action_number:
        case "wait_until_stopped", number if number > 1 or not cell.always:
            pass  # an empty list is not believed at once, or after a retained backup
        case "find_replicated_backup" | "wait_until_stopped", _:
            promise = usual._replace(outcome="`None`")
        case "wait_until_replicating", 2 if cell.always:  # an earlier poll showed the backup
            promise = usual._replace(outcome="ReplicationStoppedError")
        case "wait_until_replicating", _ if cell.always:
            promise = usual._replace(outcome="WaitTimeoutError")
        case "replace_replication", 1 if cell.always:  # RDS refuses the start
            promise = _expect_repeat_refusal(START, unchanged)
        case _:
            pass
    return promise


def _expect_find(_: Cell, _usual: Promise, failed: Promise) -> Promise:
    return failed


def _expect_wait(cell: Cell, usual: Promise, failed: Promise) -> Promise:
    if _settles_wait(cell) or (cell.fault.is_transient and not cell.always):
        return usual
    # Without the resource ID, the ARN decides. The end of a wait for a stop needs the source.
    is_unneeded = not cell.always or cell.method.name == "wait_until_replicating"
    if _is_identification(cell) and is_unneeded:
        return usual
    return failed._replace(outcome="WaitTimeoutError") if cell.fault.is_transient else failed


def _is_identification(cell: Cell) -> bool:
    """Return whether the call asks for the resource ID of the source."""
    is_first = cell.action == DESCRIBE_INSTANCES and cell.action_number == 1
    return is_first and cell.method.situation != BY_ARN


def is_asked_before_change(cell: Cell) -> bool:
    """Return whether the call asks about the source, the Regions or the key before a change."""
    if cell.method.name.startswith("wait"):
        return False
    if cell.action == DESCRIBE_INSTANCES:  # in a look, in the check, and in the wait for the end
        return cell.action_number <= _LAST_QUESTION_BEFORE_STOP
    return cell.action in (DESCRIBE_REGIONS, DESCRIBE_KEY)


def _expect_ensure(cell: Cell, usual: Promise, failed: Promise) -> Promise:
    is_settled = cell.action in (START, STOP) and cell.fault.takes_effect
    return usual if is_settled or cell.action == DESCRIBE_INSTANCES else failed


def _expect_alias(cell: Cell, usual: Promise, failed: Promise) -> Promise:
    if cell.action == DESCRIBE_KEY:
        return failed._replace(outcome="ReplicationDriftError")
    # If the source does not exist, its backup is of a former instance.
    is_gone = cell.fault.error == INSTANCE_NOT_FOUND
    return _expect_repeat_refusal(START, failed.state) if is_gone else usual


def is_uncertain(fault: Fault) -> bool:
    """Return whether the operation may have taken effect."""
    return fault.takes_effect or (fault.is_transient and fault.error != "ThrottlingError")


def _expect_replace(cell: Cell, usual: Promise, failed: Promise) -> Promise:
    """Return the promise of a fault that botocore does not retry successfully."""
    after_call = {
        DESCRIBE: _expect_replace_after_poll,
        STOP: _expect_replace_after_stop,
        START: _expect_replace_after_start,
    }.get(cell.action)
    if after_call is not None:
        return after_call(cell, usual, failed)
    blocked = failed._replace(outcome="ReplicationBlockedError")
    if cell.fault == KEY_NOT_FOUND:
        return blocked
    if cell.fault.error == INSTANCE_NOT_FOUND:
        if _is_identification(cell):  # a single look is not believed
            return _expect_repeat_refusal(START, failed.state) if cell.always else usual
        return blocked if is_asked_before_change(cell) else usual
    # botocore takes a truncated response of KMS for an empty one, which is not asked for again.
    is_readable = not (cell.action == DESCRIBE_KEY and cell.fault.is_truncated)
    if cell.fault.is_transient and cell.always and is_asked_before_change(cell) and is_readable:
        # During an outage, nothing is stopped. A look at the source asks the same as the check.
        return failed if cell.action == DESCRIBE_INSTANCES else blocked
    return usual  # what AWS refuses to tell prevents nothing


def _expect_replace_after_poll(cell: Cell, usual: Promise, failed: Promise) -> Promise:
    is_after_stop = cell.action_number > _POLLS_BEFORE_STOP
    is_check = cell.action_number in _POLLS_OF_CHECK and not cell.always
    may_pass = cell.fault.is_transient and not cell.always
    return usual if is_after_stop or is_check or may_pass else failed


def _expect_replace_after_stop(cell: Cell, usual: Promise, failed: Promise) -> Promise:
    fault = cell.fault
    may_pass = fault.is_transient or fault.error in _MAY_PASS
    if fault.takes_effect or (may_pass and not cell.always):
        return usual
    if not is_uncertain(fault):
        return failed
    # After the timeout, RDS refuses the start, because no stop has taken effect.
    refused = _expect_repeat_refusal(START, failed.state)
    return refused._replace(outcome="ReplacementError", cause=refused.outcome)


def _expect_replace_after_start(cell: Cell, usual: Promise, failed: Promise) -> Promise:
    fault = cell.fault
    may_pass = fault.is_transient or fault.error in _MAY_PASS
    if fault.takes_effect or (may_pass and not cell.always):
        return usual
    if cell.method.situation == REFUSED:  # the start with the former settings fails, too
        if fault.error == _KEY_REFUSES and not cell.always:
            return usual
        return usual._replace(state="retained")
    state = "retained" if cell.always else "the former one restarted"
    return failed._replace(outcome="ReplacementError", state=state, cause=fault.error)


def _expect_stop_of_nothing(cell: Cell, usual: Promise, failed: Promise) -> Promise:
    if cell.action == STOP:
        # The client polls for the outcome, unless RDS refuses for another reason.
        is_polled = is_uncertain(cell.fault) or cell.fault.error in _MAY_BE_STOPPED
        return usual if is_polled else failed
    is_before_stop = cell.action == DESCRIBE and cell.action_number <= _POLLS_BEFORE_STOP_OF_NOTHING
    return failed if is_before_stop else usual


def _expect_check(cell: Cell, usual: Promise, _: Promise) -> Promise:
    outcome = "unchecked `could_not_be_checked`"
    if cell.action == DESCRIBE_INSTANCES and cell.fault.error == INSTANCE_NOT_FOUND:
        outcome = "`instance_not_found`"
    if cell.fault == KEY_NOT_FOUND:
        outcome = "`kms_key_not_found`"
    return usual._replace(outcome=outcome)


_EXPECT_BY_HEADING: dict[str, Callable[[Cell, Promise, Promise], Promise]] = {
    "`find_replicated_backup`": _expect_find,
    f"`find_replicated_backup`{BY_RESOURCE_ID}": _expect_find,
    "`wait_until_replicating`": _expect_wait,
    "`wait_until_stopped`": _expect_wait,
    f"`wait_until_replicating`{BY_ARN}": _expect_wait,
    f"`wait_until_stopped`{BY_ARN}": _expect_wait,
    f"`ensure_replication`{WITH_ALIAS}": _expect_alias,
    "`ensure_replication`": _expect_ensure,
    "`replace_replication`": _expect_replace,
    f"`replace_replication`{STALE}": _expect_replace,
    f"`replace_replication`{REFUSED}": _expect_replace,
    f"`replace_replication`{REFUSED_ALWAYS}": _expect_replace,
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
