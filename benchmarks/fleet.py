"""Measure how fleets scale, with a server on loopback that responds after 50 ms."""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from . import report
from .children import Children
from .fleet_server import SOURCES, running

LATENCY = 0.05
INSTANCES = 250  # in each Region of each account
STARTS, CONCURRENCY = 1000, 32
IDEAL = STARTS * LATENCY / CONCURRENCY


@dataclass(frozen=True)
class Run:
    seconds: float
    count: int
    memory: int
    """The peak memory of the process, in KiB."""


def _run_job(children: Children, job: str, *numbers: int) -> Run:
    arguments = [children.endpoint_url, *map(str, numbers)]
    printed = children.run("-m", "benchmarks.scripts.fleet", job, *arguments)
    return Run(**json.loads(printed))


def _measure_starts(rounds: int) -> list[tuple[str, ...]]:
    return [
        _measure_start(name, job, STARTS // parts, rounds)
        for name, job, parts in (
            ("`apply`, in threads", "start", 1),
            ("`apply` to two destinations, each in a process", "start in processes", 2),
            ("plain boto3, in threads", "plain", 1),
        )
    ]


def _measure_start(name: str, job: str, instances: int, rounds: int) -> tuple[str, ...]:
    with running(LATENCY, instances, replicated=False) as endpoint_url:
        runs = [_run_job(Children(endpoint_url), job, CONCURRENCY) for _ in range(rounds)]
    if {run.count for run in runs} != {STARTS}:
        raise AssertionError(runs)
    seconds = median(run.seconds for run in runs)
    return name, f"{seconds:.2f} s", f"{seconds / IDEAL:.2f}", str(rounds)


def _measure_audits(sizes: tuple[int, ...]) -> list[tuple[str, ...]]:
    with running(LATENCY, INSTANCES, replicated=True) as endpoint_url:
        runs = [_run_job(Children(endpoint_url), "audit", accounts) for accounts in sizes]
    return [
        (
            f"{run.count:,}",
            f"{run.seconds:.1f} s",
            f"{run.seconds / run.count * 1000:.2f} ms",
            f"{run.memory // 1024} MiB",
        )
        for run in runs
    ]


def _measure_hanging_region(accounts: int) -> list[tuple[str, ...]]:
    with running(LATENCY, INSTANCES, replicated=True, hanging=SOURCES[-1]) as endpoint_url:
        run = _run_job(Children(endpoint_url), "hanging", accounts)
    if run.count != accounts * (len(SOURCES) - 1) * INSTANCES:
        raise AssertionError(run)
    return [(str(accounts), f"{run.count:,}", f"{run.seconds:.1f} s")]


def _measure_dask(accounts: int) -> list[tuple[str, ...]]:
    with running(LATENCY, INSTANCES, replicated=True) as endpoint_url:
        one, two = (_run_job(Children(endpoint_url), "dask", accounts, n) for n in (1, 2))
    return [
        ("1", f"{one.seconds:.1f} s", "1"),
        ("2", f"{two.seconds:.1f} s", f"{two.seconds / one.seconds:.2f}"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.fleet", description=__doc__)
    parser.add_argument("--docs", type=Path, metavar="FILE", help="write the tables into this page")
    parser.add_argument(
        "--quick", action="store_true", help="measure smaller fleets, and less often"
    )
    arguments = parser.parse_args()
    sizes = (5, 10) if arguments.quick else (25, 50, 100)
    tables: list[tuple[str, tuple[str, ...], Callable[[], list[tuple[str, ...]]]]] = [
        (
            f"{STARTS:,} starts, {CONCURRENCY} at once",
            ("", "Median", f"Ratio to the ideal {IDEAL:.2f} s", "Runs"),
            lambda: _measure_starts(1 if arguments.quick else 5),
        ),
        (
            f"An audit of accounts with {len(SOURCES)} Regions of {INSTANCES} instances",
            ("Instances", "Time", "Per instance", "Peak memory"),
            lambda: _measure_audits(sizes),
        ),
        (
            "An audit with one Region that never answers",
            ("Accounts", "Protected instances elsewhere", "Time"),
            lambda: _measure_hanging_region(33),
        ),
        (
            "An audit of 30 accounts, on Dask",
            ("Single-threaded workers", "Time", "Ratio"),
            lambda: _measure_dask(3 if arguments.quick else 30),
        ),
    ]
    parts = [report.measured_on()]
    print(parts[0], flush=True)
    for title, head, take in tables:
        parts += [f"## {title}", report.table(head, take())]
        print(f"\n{parts[-2]}\n\n{parts[-1]}", flush=True)
    if arguments.docs:
        report.write_into(arguments.docs, "\n\n".join(parts))


if __name__ == "__main__":
    main()
