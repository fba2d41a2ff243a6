"""What must hold in every cell, whatever the fault: what is documented, and no more."""

from collections import Counter
from collections.abc import Iterator

from ._errors import broken_content, broken_error
from ._methods import Method
from ._promised import promised
from ._rds import DESCRIBE_INSTANCES, WANTED_DAYS
from ._run import ATTEMPTS, Bench, Cell, Mode, Seen


def broken_promises(bench: Bench, method: Method) -> Iterator[str]:
    """Run every cell of a method, and yield what must not be."""
    yield from broken_as_usual(method, bench.undisturbed(method))
    for cell in bench.cells(method):
        for mode in cell.modes:
            seen = bench.run_cell(cell, mode)
            yield from (f"{cell}, {mode}: {text}" for text in broken(cell, mode, seen))


def broken_as_usual(method: Method, seen: Seen) -> Iterator[str]:
    """Whether it does not do what it must where nothing goes wrong."""
    if (seen.outcome, seen.left) != (method.good, method.leaves):
        yield f"{method.heading} is {seen.outcome}, {seen.left} though nothing goes wrong"


def broken(cell: Cell, mode: Mode, seen: Seen) -> Iterator[str]:
    """Every promise that is not kept."""
    promise = promised(cell)
    if (seen.outcome, seen.left) != promise[:2]:
        yield f"it is {seen.outcome}, {seen.left}, and must be {promise.outcome}, {promise.left}"
    yield from _broken_requests(cell, mode, seen)
    if seen.error is not None:
        yield from broken_error(cell, seen, seen.error)
        yield from broken_content(cell, promise, seen, seen.error)
    elif cell.method.name == "ensure_replication":
        yield from _broken_replication(seen)
    elif cell.method.name == "ensure_stopped":
        yield from _broken_stop(seen)
    elif cell.method.name == "check_replication":
        yield from _broken_reasons(cell, seen)


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


def _broken_reasons(cell: Cell, seen: Seen) -> Iterator[str]:
    refusal = cell.fault.refusal
    for reason in seen.result:
        if reason.code == "could_not_be_checked" and refusal and refusal.code not in reason.message:
            yield f"it says {reason.message!r}"
