"""One job of a fleet in its own process, which prints the seconds, the memory and a count."""

import json
import sys
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from resource import RUSAGE_SELF, getrusage
from typing import Any

from benchmarks.fleet_server import DESTINATION, SOURCES
from rds_backup_replication.fleet import (
    Access,
    Account,
    Plan,
    Policy,
    Rule,
    apply,
    iter_audit,
    plan,
)


def policy(accounts: int, sources: tuple[str, ...] = SOURCES) -> Policy:
    """Return a policy that replicates every instance of this many accounts.

    A single account is the caller's own, and needs no role.
    """
    ids = [f"{number:012}" for number in range(1, accounts + 1)]
    roles = [f"arn:aws:iam::{id_}:role/audit" if accounts > 1 else None for id_ in ids]
    return Policy(
        accounts=tuple(Account(id=i, role_arn=role) for i, role in zip(ids, roles, strict=True)),
        rules=(Rule(name="all", source_regions=sources, destination_region=DESTINATION),),
        replication_quota=10_000,
    )


def audit(access: Access, accounts: int, executor: Executor | None = None) -> int:
    """Return the number of instances, after checking that all of them are protected."""
    count = 0
    states: set[str] = set()
    for record in iter_audit(policy(accounts), access=access, executor=executor):
        count += 1
        states.add(record.state)
    if states != {"protected"}:
        raise AssertionError(states)
    return count


def audit_in_threads(access: Access, accounts: int) -> tuple[float, int]:
    return _timed(lambda: audit(access, accounts))


def audit_on_dask(access: Access, accounts: int, workers: int) -> tuple[float, int]:
    import distributed  # noqa: PLC0415  # only this job needs it

    dask: Any = distributed
    with (
        dask.LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        dask.Client(cluster) as client,
    ):
        executor = client.get_executor(pure=False)
        # Each worker imports its modules before the clock starts.
        deque(executor.map(_warm_up, range(workers * 2)), maxlen=0)
        return _timed(lambda: audit(access, accounts, executor))


def start_all(access: Access, concurrency: int) -> tuple[float, int]:
    one = policy(1, SOURCES[-1:])
    planned = plan(one, access=access)
    return _timed(lambda: _apply(planned, one, access, concurrency))


def start_in_processes(access: Access, concurrency: int) -> tuple[float, int]:
    """Start replications to two destinations, each in its own process."""
    one = policy(1, SOURCES[-1:])
    other = Rule(name="other", source_regions=SOURCES[:1], destination_region="us-east-2")
    both = one.model_copy(update={"rules": (*one.rules, other)})
    with ProcessPoolExecutor(2, get_context("spawn")) as executor:
        deque(executor.map(_warm_up, range(4)), maxlen=0)
        planned = plan(both, access=access, executor=executor)
        return _timed(lambda: _apply(planned, both, access, concurrency // 2, executor))


def _apply(
    planned: Plan,
    policy: Policy,
    access: Access,
    concurrency: int,
    executor: Executor | None = None,
) -> int:
    report = apply(planned, policy, access=access, max_concurrency=concurrency, executor=executor)
    if set(report.counts) != {"done"}:
        raise AssertionError(report.counts)
    return len(report.results)


def start_plainly(access: Access, concurrency: int) -> tuple[float, int]:
    """Start the same replications without a plan and without a scan."""
    import boto3  # noqa: PLC0415  # only this job needs it
    from botocore.config import Config  # noqa: PLC0415

    module: Any = boto3
    client = module.client(
        "rds",
        region_name=DESTINATION,
        endpoint_url=access.endpoint_url,
        config=Config(max_pool_connections=concurrency),
    )

    def start(number: int) -> object:
        return client.start_db_instance_automated_backups_replication(
            SourceDBInstanceArn=f"arn:aws:rds:{SOURCES[-1]}:000000000001:db:orders-{number:04}"
        )

    def starts() -> int:
        with ThreadPoolExecutor(concurrency) as pool:
            return len(list(pool.map(start, range(1000))))

    return _timed(starts)


def _warm_up(_: int) -> None:
    time.sleep(0.2)  # long enough that each worker gets a task


def _timed(job: Callable[[], int]) -> tuple[float, int]:
    started = time.perf_counter()
    count = job()
    return time.perf_counter() - started, count


def main() -> None:
    job, endpoint_url, *numbers = sys.argv[1:]
    jobs: dict[str, Callable[..., tuple[float, int]]] = {
        "audit": audit_in_threads,
        "dask": audit_on_dask,
        "plain": start_plainly,
        "start": start_all,
        "start in processes": start_in_processes,
    }
    access = Access(endpoint_url=endpoint_url)
    seconds, count = jobs[job](access, *map(int, numbers))
    memory = getrusage(RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "count": count, "memory": memory}))


if __name__ == "__main__":
    main()
