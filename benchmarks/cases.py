"""The figures, and how each one is measured."""

from collections.abc import Callable
from dataclasses import dataclass

from .children import Children
from .measure import Pair, alternate

Take = Callable[[Children, str, int], list[Pair]]
"""A function that measures a side a number of times, each time paired with boto3."""


@dataclass(frozen=True)
class Figure:
    name: str
    meaning: str
    take: Take
    rounds: int
    by_peers: bool = False


def _fresh(task: str, boto3_task: str | None = None) -> Take:
    def take(children: Children, side: str, rounds: int) -> list[Pair]:
        return alternate(
            lambda: children.fresh(side, task),
            lambda: children.fresh("boto3", boto3_task or task),
            rounds,
        )

    return take


def _with_session(children: Children, side: str, rounds: int) -> list[Pair]:
    return alternate(
        lambda: children.fresh(f"{side} with session", "clients"),
        lambda: children.fresh("boto3", "clients"),
        rounds,
    )


def _warm(task: str) -> Take:
    def take(children: Children, side: str, rounds: int) -> list[Pair]:
        return children.warm((side, task), ("boto3", task), rounds)

    return take


def _cold(children: Children, side: str, rounds: int) -> list[Pair]:
    return alternate(lambda: children.cold(side), lambda: children.cold("boto3"), rounds)


def _per_record(children: Children, side: str, rounds: int) -> list[Pair]:
    # Both batches have equally many records. The garbage collector runs once in several thousand
    # allocations, so many short batches would contain no run of it.
    return children.warm((side, "list 10000:1"), (side, "list 100:100"), rounds)


def _starts(task: str) -> Take:
    def take(children: Children, _: str, rounds: int) -> list[Pair]:
        return children.starts(task, rounds)

    return take


FIGURES = (
    Figure(
        "cold start",
        "A whole process, by wall-clock time: start Python, import, create the client, and read "
        "the status of the first backup from a server on loopback",
        _cold,
        41,
        by_peers=True,
    ),
    Figure(
        "import",
        "The package and the client, in a new process, compared with `import boto3`",
        _fresh("load"),
        31,
        by_peers=True,
    ),
    Figure(
        "import, models",
        "The package and all its models without the client, compared with `import boto3`",
        _fresh("load_models", "load"),
        31,
    ),
    Figure(
        "import, no name used",
        "Only `import rds_backup_replication`, which imports each name when the name is first "
        "used, compared with `import boto3`",
        _fresh("load_package", "load"),
        31,
    ),
    Figure(
        "client creation",
        "The first client of a process, after the imports, compared with `boto3.client`",
        _fresh("client"),
        31,
        by_peers=True,
    ),
    Figure(
        "clients for 17 Regions",
        "17 clients in a new process, after the imports, compared with 17 of one `boto3.Session`",
        _fresh("clients"),
        11,
    ),
    Figure(
        "clients for 17 Regions, one session",
        "The same with `session=`. The import of boto3 is not counted, because callers who pass a "
        "session have already imported boto3",
        _with_session,
        21,
    ),
    Figure(
        "one Start call, CPU",
        "With a retention period and a tag",
        _warm("start:50"),
        51,
        by_peers=True,
    ),
    Figure(
        "a bad request refused",
        "One `RequestValidationError` that reports three errors (Region, retention period, tag), "
        "compared with botocore's `ParamValidationError` for one wrong type; botocore does not "
        "check for those three errors",
        _warm("make_invalid_call:50"),
        51,
    ),
    Figure(
        "one async Start, CPU",
        "A Start by the async client on asyncio, compared with the sync client; boto3 is not part "
        "of this figure",
        _starts("one by one"),
        21,
    ),
    Figure(
        "1,000 async starts",
        "32 at once on asyncio, each response after 50 ms, compared with the sync client in 32 "
        "threads; boto3 is not part of this figure",
        _starts("many"),
        5,
    ),
    Figure("list 100", "One page", _warm("list 100:2"), 51),
    Figure("list 1,000", "10 pages", _warm("list 1000:4"), 21, by_peers=True),
    Figure("list 10,000", "100 pages", _warm("list 10000:1"), 11),
    Figure(
        "per record, 10,000 to 100",
        "The time per record of a long listing, compared with a short listing, both by this "
        "library; boto3 is not part of this figure",
        _per_record,
        21,
    ),
    Figure(
        "peak memory, 10,000",
        "The peak memory of a process that reads 10,000 backups and keeps none",
        _fresh("memory"),
        7,
    ),
)
