"""One measurement in a process that has done nothing else before."""

import sys
import time

from .peers import SIDES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .sides import Side

_REGIONS = [
    "af-south-1",
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-2",
]


def main() -> None:
    """Run the side's task that the arguments name, and print its seconds or its units of memory."""
    side_name, task = sys.argv[1:]
    side = SIDES[side_name]()
    if task.startswith("load"):
        print(_seconds(side, task))
        return
    side.load()
    if task == "memory":
        print(_memory(side))
    elif task == "client":
        print(_seconds(side, task, _REGIONS[0]))
    else:
        print(_seconds(side, task, _REGIONS))


def _seconds(side: object, method: str, *arguments: object) -> float:
    call = getattr(side, method)
    started = time.perf_counter()
    result = call(*arguments)
    seconds = time.perf_counter() - started
    del result  # only now, so that the time excludes its destruction
    return seconds


def _memory(side: "Side") -> float:
    """Return the peak memory of the process after it has read 10,000 backups and kept none."""
    from resource import (  # at the top, its import would be missing from other figures
        RUSAGE_SELF,
        getrusage,
    )

    from benchmarks.responses import REGION, Listing

    client = side.offline_client(REGION, Listing(10_000))
    for _ in side.listing(client):
        pass
    return getrusage(RUSAGE_SELF).ru_maxrss
