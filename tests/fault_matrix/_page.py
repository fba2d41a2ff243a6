"""What was seen, as a page that people can read: equal outcomes are told once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ._contract import broken, broken_as_usual
from ._faults import FAILURE, GATEWAY, LOST, REFUSAL, UNREADABLE, Fault, faults_of
from ._methods import METHODS, Method
from ._rds import (
    DELETE,
    DESCRIBE,
    DESCRIBE_INSTANCES,
    DESCRIBE_KEY,
    DESCRIBE_REGIONS,
    RESTORE,
    START,
    STOP,
)
from ._run import Bench, Cell, Mode, Seen

_INTRODUCTION = """\
# Faults

What becomes of a call when something goes wrong on its way: what it raises or returns, how
many requests are sent, and what is so afterwards. A program makes this page, `make
fault-matrix`, and a test fails if it is not what that would make of this version.

Every method is called against a small RDS on a loopback socket, with one fault at one of the
calls that it makes, in each of botocore's retry modes: {cells:,} times in all. (`adaptive`
repeats what `standard` does, at another pace, and is left out where nothing is repeated.) The
small RDS counts the requests and tells what is so. How it refuses what has been done already is
its own: it is not known how RDS refuses a second start.

What holds in all of them, and is tested:

- What comes out is an exception of this library, or botocore's own if no answer came. A fault
  of RDS's that has a class of its own comes out as exactly that. What KMS fails with leaves it
  uncertain which key an alias is, and nothing is changed.
- A refusal has RDS's code, message, HTTP status and request ID, and a hint where there is one. An
  answer that cannot be read is kept whole.
- What is returned as usual after a fault has the content that it has without one.
- A request is sent again where botocore does so, as often as its retry mode allows, and nowhere
  else.
- No method reports a success that RDS contradicts. Where an answer was lost, no `ensure_` method
  fails if RDS shows that what was asked for is so.
- A replacement that leaves nothing replicating says so: in the log, and in the `hint` of a refusal.
- No text of an exception, and no warning, contains a secret or a whole answer.

## Reading the tables

- **Call** is the one that the fault strikes, by its place among those that the method makes if
  nothing goes wrong. One without rows is no other case than elsewhere.
- **Once** is a fault of that call's first attempt alone; **always** is one of every attempt, and
  of all later calls of the same operation.
- A cell has three things: what comes out, what RDS has afterwards, and how many requests were
  sent. **Its error** is the fault's own class, from the table of faults below; **as usual** is
  what comes out if nothing goes wrong.
- **5/3** requests are 5 in botocore's retry mode `legacy`, and 3 in `standard` and `adaptive`,
  which are the attempts that they make by default.
- **Nothing**, **retained** and **replicates** are what the destination has of the source's
  backups. **The old one** is the replication that was to be replaced, never stopped; **the old
  one again** is the same, stopped and started again.
- Waits have their default times, but pauses that take so long that three looks fill them, or six
  where the sixth decides.
"""

_SHORT = {
    START: "Start",
    STOP: "Stop",
    DESCRIBE: "Describe",
    DELETE: "Delete",
    DESCRIBE_REGIONS: "DescribeSourceRegions",
    RESTORE: "Restore",
    DESCRIBE_INSTANCES: "DescribeDBInstances",
    DESCRIBE_KEY: "DescribeKey",
}
_FAMILIES = {
    REFUSAL: "RDS refuses, and botocore does not repeat the call",
    FAILURE: "nothing was done, and botocore repeats the call",
    LOST: "it was done, nobody says so, and botocore repeats the call",
    UNREADABLE: "it was done, and the answer, of HTTP status 200, makes no sense",
    GATEWAY: "nothing was done, and what says so is not RDS",
}


class _Row(NamedTuple):
    call_number: int
    once: str
    always: str


def introduction(bench: Bench) -> str:
    """All that stands before the methods."""
    cells = sum(len(cell.modes) for method in METHODS for cell in bench.cells(method))
    return "\n".join(
        [
            _INTRODUCTION.format(cells=cells),
            "## The faults",
            "",
            *(f"- **{family.capitalize()}**: {meaning}." for family, meaning in _FAMILIES.items()),
            "",
            *_table(("Fault", "Kind", "Its error", "Operations"), _faults()),
            "",
        ]
    )


def section(bench: Bench, method: Method) -> tuple[str, list[str]]:
    """A method's part of the page, and the promises that are not kept."""
    good = bench.undisturbed(method)
    outcomes: dict[tuple[int, Fault], list[str]] = {}
    unkept = list(broken_as_usual(method, good))
    for cell in bench.cells(method):
        seen: dict[Mode, Seen] = {mode: bench.run_cell(cell, mode) for mode in cell.modes}
        for mode, one in seen.items():
            unkept += [f"{cell}, {mode}: {text}" for text in broken(cell, mode, one)]
        outcomes.setdefault((cell.call_number, cell.fault), []).append(_outcome(cell, seen))
    rows: dict[_Row, list[Fault]] = {}
    for (number, fault), (once, *always) in outcomes.items():
        row = _Row(number, once, "the same" if always in ([], [once]) else always[0])
        rows.setdefault(row, []).append(fault)
    return _section_text(method, good, rows), unkept


def _section_text(method: Method, good: Seen, rows: Mapping[_Row, list[Fault]]) -> str:
    calls = [attempts[0].action for attempts in good.wire.calls()]
    names = [f"{number} {_SHORT[action]}" for number, action in enumerate(calls, 1)]
    lines = (
        (
            names[number - 1],
            _named(struck, faults_of(calls[number - 1])),
            once,
            always,
        )
        for (number, once, always), struck in rows.items()
    )
    return "\n".join(
        [
            f"## {method.heading}",
            "",
            f"As usual: {method.good}; {method.leaves}. Calls: {', '.join(names)}.",
            "",
            *_table(("Call", "Fault", "Once", "Always"), lines),
            "",
        ]
    )


def _outcome(cell: Cell, seen: Mapping[Mode, Seen]) -> str:
    """What a cell came to, of all modes alike; the modes differ in the requests alone."""
    outcomes = {(one.outcome, one.left) for one in seen.values()}
    if len(outcomes) > 1:
        return "; ".join(f"{mode}: {one.outcome}, {one.left}" for mode, one in seen.items())
    ((outcome, left),) = outcomes
    if (outcome, left) == (cell.method.good, cell.method.leaves):
        outcome = "as usual"
    elif seen["legacy"].error is not None:
        outcome = "its error" if outcome == cell.fault.error else f"`{outcome}`"
    numbers = [str(len(one.wire.requests)) for one in seen.values()]
    while numbers[1:] and numbers[-1] == numbers[-2]:
        numbers.pop()
    return f"{outcome}, {left}, {'/'.join(numbers)}"


def _named(struck: list[Fault], all_faults: Sequence[Fault]) -> str:
    """Faults by their names; by their kind, where it is all of that kind or most."""
    names: list[str] = []
    for family in _FAMILIES:
        mine = [fault.name for fault in struck if fault.family == family]
        others = [
            fault.name for fault in all_faults if fault.family == family and fault not in struck
        ]
        if not mine:
            continue
        if len(mine) > 1 and len(others) < len(mine):
            but = f" but {', '.join(others)}" if others else ""
            names.append(f"every {family}{but}")
        else:
            names += mine
    return "; ".join(names)


def _faults() -> Iterator[tuple[str, ...]]:
    operations: dict[tuple[str, str, str], list[str]] = {}
    for action, short in _SHORT.items():
        for fault in faults_of(action):
            operations.setdefault((fault.family, fault.name, fault.error), []).append(short)
    for family in _FAMILIES:
        for (its_family, name, error), where in sorted(operations.items()):
            if its_family == family:
                everywhere = len(where) == len(_SHORT)
                yield name, family, f"`{error}`", "all" if everywhere else ", ".join(where)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [head, ("---",) * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]
