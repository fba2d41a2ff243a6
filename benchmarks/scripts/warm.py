"""The CPU time of two sides, which alternate in one process without a network."""

import json
import sys
import time
from collections import deque
from collections.abc import Callable

from benchmarks.measure import alternate
from benchmarks.responses import REGION, SOURCE_ARN, Listing, start_body

from .peers import SIDES


def main() -> None:
    """Measure two sides, and print the pairs of CPU seconds as JSON.

    The arguments are each side's name and task, and the number of rounds. The seconds are those of
    one call or, for a listing, of one record.
    """
    one, one_task, other, other_task, rounds = sys.argv[1:]
    pairs = alternate(make_batch(one, one_task), make_batch(other, other_task), int(rounds))
    print(json.dumps(pairs))


def make_batch(side_name: str, task: str) -> Callable[[], float]:
    """Return a function that runs a task and returns the CPU seconds per unit.

    ``start:50`` means 50 starts, and ``list 100:5`` five listings of 100 records.
    """
    action, _, times = task.partition(":")
    call, units = _call(side_name, action)

    def run() -> float:
        start = time.process_time()
        for _ in range(int(times)):
            call()
        return (time.process_time() - start) / int(times) / units

    return run


def _call(side_name: str, action: str) -> tuple[Callable[[], object], int]:
    side = SIDES[side_name]()
    side.load()
    if action == "start":
        body = start_body()
        client = side.offline_client(REGION, lambda _: body)
        return lambda: side.start(client, SOURCE_ARN), 1
    if action == "make_invalid_call":
        client, call = side.client(REGION), getattr(side, action)
        return lambda: call(client), 1
    records = int(action.removeprefix("list "))
    client = side.offline_client(REGION, Listing(records))
    return lambda: deque(side.listing(client), maxlen=0), records
