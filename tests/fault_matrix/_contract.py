"""The contract of every cell: the documented promises, whatever the fault."""

from collections import Counter
from collections.abc import Iterator

from rds_backup_replication._limits import CONFIRMATION_PAUSES

from ..wire import SOURCE_ARN
from ._errors import check_content, check_error
from ._methods import Method
from ._promises import INSTANCE_NOT_FOUND, find_promise, is_asked_before_change
from ._rds import DESCRIBE_INSTANCES, START, WANTED_DAYS
from ._replacements import check_replacement, check_second_call
from ._run import ATTEMPTS, SECRETS, Bench, Cell, Mode, Observation


def find_broken_promises(bench: Bench, method: Method) -> Iterator[str]:
    """Run every cell of a method, and yield the promises that it breaks."""
    yield from _check_without_fault(method, bench.run_without_fault(method))
    for cell in bench.cells(method):
        for mode in cell.modes:
            observed = bench.run_cell(cell, mode)
            broken = [*_check(cell, mode, observed), *_check_warnings(cell, observed)]
            if method.name == "replace_replication":
                broken += check_replacement(cell, observed)
                broken += check_second_call(bench, cell, mode, observed)
            yield from (f"{cell}, {mode}: {text}" for text in broken)


def _check_without_fault(method: Method, observed: Observation) -> Iterator[str]:
    """Yield the difference from the expected result of a call without a fault."""
    if (observed.outcome, observed.state) != (method.result, method.end_state):
        yield f"without a fault, {method.heading} ends in {observed.outcome}, {observed.state}"
    if observed.warnings and observed.error is None:
        yield f"without a fault, {method.heading} logs {observed.warnings}"


def _check(cell: Cell, mode: Mode, observed: Observation) -> Iterator[str]:
    """Yield the promises that a cell breaks."""
    promise = find_promise(cell)
    if (observed.outcome, observed.state) != promise[:2]:
        yield (
            f"ended in {observed.outcome}, {observed.state}, "
            f"but {promise.outcome}, {promise.state} is promised"
        )
    yield from _check_requests(cell, mode, observed)
    if observed.error is not None:
        yield from check_error(observed, observed.error)
        yield from check_content(cell, promise, observed, observed.error)
    elif cell.method.name == "ensure_replication":
        yield from _check_replication(observed)
    elif cell.method.name == "ensure_stopped":
        yield from _check_stop(observed)
    elif cell.method.name == "check_replication":
        yield from _check_reasons(cell, observed)


def _check_requests(cell: Cell, mode: Mode, observed: Observation) -> Iterator[str]:
    calls = observed.wire.calls()
    for attempts in calls:
        *earlier, last = attempts
        must_retry = last.has_fault and cell.fault.is_retried and len(attempts) < ATTEMPTS[mode]
        may_retry = all(attempt.has_fault and cell.fault.is_retried for attempt in earlier)
        if must_retry or not may_retry or len(attempts) > ATTEMPTS[mode]:
            yield f"{last.action} was sent {len(attempts)} times in {mode} mode"
        asks_source = last.action == DESCRIBE_INSTANCES
        if last.region_name != ("us-west-2" if asks_source else "us-east-1"):
            yield f"{last.action} was sent to {last.region_name}"
    numbers = Counter(attempts[0].action for attempts in calls)
    for action, number in numbers.items():
        if number > _most_calls(cell, action):
            yield f"{action} was called {number} times"
    is_asked_again = cell.method.name.startswith("ensure") and cell.fault.is_transient_answer
    fewest = len(CONFIRMATION_PAUSES) if is_asked_again and cell.always else 1
    if cell.action == DESCRIBE_INSTANCES and numbers[DESCRIBE_INSTANCES] < fewest:
        yield f"the source was asked only {numbers[DESCRIBE_INSTANCES]} times"


def _most_calls(cell: Cell, action: str) -> int:
    """Return how often an operation may be called under the cell's fault."""
    most = cell.method.most_calls.get(action, 0)
    # Only an answer of the source Region is worth asking again at once: a Region without an answer
    # costs a minute each time.
    is_source_fault = cell.action == DESCRIBE_INSTANCES
    is_asked_again = cell.fault.is_transient_answer if is_source_fault else cell.fault.is_transient
    return most + (cell.method.most_retries.get(action, 0) if is_asked_again else 0)


def _check_replication(observed: Observation) -> Iterator[str]:
    rds, result = observed.wire.rds, observed.result
    active = [backup for backup in rds.backups if backup.is_active]
    if [backup.settings.days for backup in active] != [WANTED_DAYS]:
        yield f"the active backups are {active}"
    elif result.backup.db_instance_automated_backups_arn != active[0].arn:
        yield "the returned backup is not the active one"
    if (rds.starts, rds.stops) != ({"started": 1}.get(result.action, 0), 0):
        took_effect = f"{rds.starts} starts and {rds.stops} stops"
        yield f"{took_effect} took effect, but {result.action} is reported"
    # RDS finds the source of a start by its ARN, so its response settles whose backup it is.
    is_confirmed = any(
        request.action in (DESCRIBE_INSTANCES, START) and not request.has_fault
        for request in observed.wire.requests
    )
    if result.source_checked != is_confirmed:
        yield f"source_checked is {result.source_checked}"


def _check_stop(observed: Observation) -> Iterator[str]:
    if observed.wire.rds.active:
        yield "the source still replicates"
    if observed.wire.rds.stops != (observed.result is not None):
        yield f"{observed.wire.rds.stops} stops took effect, but {observed.result!r} is returned"


def _check_warnings(cell: Cell, observed: Observation) -> Iterator[str]:
    """Yield whether a failed question to the source Region is neither logged nor reported."""
    if any(secret in text for text in observed.warnings for secret in SECRETS):
        yield "a warning contains a secret"
    if cell.method.name == "check_replication" or observed.error is not None:
        return
    calls = [c[-1] for c in observed.wire.calls() if c[-1].action == DESCRIBE_INSTANCES]
    # Where a further question is answered, the failure of the first one matters less.
    words = "" if any(not call.has_fault for call in calls) else SOURCE_ARN
    is_told = cell.fault.error == INSTANCE_NOT_FOUND  # an answer, too
    is_logged = any(words in text for text in observed.warnings)
    # Before a change, the same question is asked again. Only the retries of a wait, and of the
    # first look of a replacement, are logged.
    is_first_look = cell.method.name == "replace_replication" and cell.action_number == 1
    is_retried = cell.fault.is_transient and is_asked_before_change(cell) and not is_first_look
    is_settled = is_retried and any(not call.has_fault for call in calls[-1:])
    has_failed = any(call.has_fault for call in calls)
    if has_failed and not is_told and not is_logged and not is_settled:
        yield f"the source did not answer, and {observed.warnings} is logged"


def _check_reasons(cell: Cell, observed: Observation) -> Iterator[str]:
    refusal = cell.fault.refusal
    for reason in observed.result:
        if reason.code == "could_not_be_checked" and refusal and refusal.code not in reason.message:
            yield f"the reason {reason.message!r} omits {refusal.code}"
