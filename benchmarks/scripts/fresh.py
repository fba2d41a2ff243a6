"""One measurement in a process that has done nothing else."""

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
    """Takes the name of a side, and of what is measured; prints seconds, or units of memory."""
    side_name, what = sys.argv[1:]
    side = SIDES[side_name]()
    if what.startswith("load"):
        print(_seconds(side, what))
        return
    side.load()
    if what == "memory":
        print(_memory(side))
    elif what == "client":
        print(_seconds(side, what, _REGIONS[0]))
    else:
        print(_seconds(side, what, _REGIONS))


def _seconds(side: object, method: str, *arguments: object) -> float:
    call = getattr(side, method)
    started = time.perf_counter()
    result = call(*arguments)
    taken = time.perf_counter() - started
    del result  # what was made must not be thrown away while the clock runs
    return taken


def _memory(side: "Side") -> float:
    """The most that the process ever had, once it has read 10,000 backups and kept none."""
    from resource import RUSAGE_SELF, getrusage  # it would be a part of no other measurement

    from benchmarks.answers import REGION, Listing

    client = side.answered(REGION, Listing(10_000))
    for _ in side.listing(client):
        pass
    return getrusage(RUSAGE_SELF).ru_maxrss
