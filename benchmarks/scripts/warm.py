"""Two sides in turns in one process, without a network, by the CPU time that they take."""

import json
import sys
import time
from collections import deque
from collections.abc import Callable

from benchmarks.answers import REGION, SOURCE_ARN, Listing, started
from benchmarks.measure import in_turns

from .peers import SIDES


def main() -> None:
    """Takes two sides, what each does, how often in one batch, and how many rounds.

    Prints the pairs: CPU seconds for a call or, of a listing, for a record.
    """
    one, one_task, other, other_task, rounds = sys.argv[1:]
    pairs = in_turns(batch(one, one_task), batch(other, other_task), int(rounds))
    print(json.dumps(pairs))


def batch(side_name: str, task: str) -> Callable[[], float]:
    """What does it, and tells how long that takes: ``start:50`` is fifty starts.

    ``list 100:5`` is five listings of a hundred records.
    """
    what, _, times = task.partition(":")
    call, units = _call(side_name, what)

    def run() -> float:
        begun = time.process_time()
        for _ in range(int(times)):
            call()
        return (time.process_time() - begun) / int(times) / units

    return run


def _call(side_name: str, what: str) -> tuple[Callable[[], object], int]:
    side = SIDES[side_name]()
    side.load()
    if what == "start":
        answer = started()
        client = side.answered(REGION, lambda _: answer)
        return lambda: side.start(client, SOURCE_ARN), 1
    if what == "refused":
        client, refused = side.client(REGION), getattr(side, what)
        return lambda: refused(client), 1
    records = int(what.removeprefix("list "))
    client = side.answered(REGION, Listing(records))
    return lambda: deque(side.listing(client), maxlen=0), records
