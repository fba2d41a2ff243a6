"""What is measured."""

from collections.abc import Callable
from dataclasses import dataclass

from .children import Children
from .measure import Pair, in_turns

Take = Callable[[Children, str, int], list[Pair]]
"""Measures a side so many times, each time next to boto3."""


@dataclass(frozen=True)
class Figure:
    name: str
    meaning: str
    take: Take
    rounds: int
    by_peers: bool = False


def _fresh(what: str, what_boto3: str | None = None) -> Take:
    def take(children: Children, side: str, rounds: int) -> list[Pair]:
        return in_turns(
            lambda: children.fresh(side, what),
            lambda: children.fresh("boto3", what_boto3 or what),
            rounds,
        )

    return take


def _of_session(children: Children, side: str, rounds: int) -> list[Pair]:
    return in_turns(
        lambda: children.fresh(f"{side} of session", "clients"),
        lambda: children.fresh("boto3", "clients"),
        rounds,
    )


def _warm(task: str) -> Take:
    def take(children: Children, side: str, rounds: int) -> list[Pair]:
        return children.warm((side, task), ("boto3", task), rounds)

    return take


def _cold(children: Children, side: str, rounds: int) -> list[Pair]:
    return in_turns(lambda: children.cold(side), lambda: children.cold("boto3"), rounds)


def _per_record(children: Children, side: str, rounds: int) -> list[Pair]:
    # As many records in each batch: Python looks for garbage once in some thousands, and a short
    # batch would often miss it.
    return children.warm((side, "list 10000:1"), (side, "list 100:100"), rounds)


FIGURES = (
    Figure(
        "cold start",
        "A whole process, by the wall clock: Python, the imports, the client, and the status of "
        "the first backup, from a server on loopback",
        _cold,
        41,
        by_peers=True,
    ),
    Figure(
        "import",
        "The package with the client, to `import boto3`, in a fresh process",
        _fresh("load"),
        31,
        by_peers=True,
    ),
    Figure(
        "import, models",
        "The package and all its models, without the client, to `import boto3`",
        _fresh("load_models", "load"),
        31,
    ),
    Figure(
        "import, no name used",
        "`import rds_backup_replication` and no more, to `import boto3`: a name is imported when "
        "it is first used",
        _fresh("load_package", "load"),
        31,
    ),
    Figure(
        "client creation",
        "The first client of a process, after the imports, to `boto3.client`",
        _fresh("client"),
        31,
        by_peers=True,
    ),
    Figure(
        "clients for 17 Regions",
        "In a fresh process, after the imports, to one `boto3.Session` that makes 17",
        _fresh("clients"),
        11,
    ),
    Figure(
        "clients for 17 Regions, one session",
        "The same, with `session=`; who passes one has imported boto3, so that is not counted",
        _of_session,
        21,
    ),
    Figure(
        "one Start call, CPU", "With a retention and a tag", _warm("start:50"), 51, by_peers=True
    ),
    Figure(
        "a bad request refused",
        "Three mistakes (Region, retention, tag) told in one `RequestValidationError`, to one "
        "wrong type told in botocore's `ParamValidationError`, which knows nothing of those three",
        _warm("refused:50"),
        51,
    ),
    Figure("list 100", "One page", _warm("list 100:2"), 51),
    Figure("list 1,000", "10 pages", _warm("list 1000:4"), 21, by_peers=True),
    Figure("list 10,000", "100 pages", _warm("list 10000:1"), 11),
    Figure(
        "per record, 10,000 to 100",
        "Not to boto3: a record of the long listing to one of the short, both by this library",
        _per_record,
        21,
    ),
    Figure(
        "peak memory, 10,000",
        "The most that a whole process ever held, which reads 10,000 backups and keeps none",
        _fresh("memory"),
        7,
    ),
)
