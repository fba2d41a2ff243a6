"""Starts by the async client and by the sync one, in one process without a network."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import anyio

from benchmarks.measure import alternate
from benchmarks.responses import REGION, SOURCE_ARN, start_body
from rds_backup_replication import BackupReplicationClient
from rds_backup_replication.aio import AsyncBackupReplicationClient

from .sides import take_offline

AT_ONCE = 32
LATENCY = 0.05  # seconds
ONE_BY_ONE = 200
MANY = 1_000


def main() -> None:
    """Measure the async client and the sync one, and print the pairs as JSON.

    The arguments are ``one by one`` for the CPU seconds of starts after each other, or ``many`` for
    the seconds that many starts at once take, and the number of rounds.
    """
    task, rounds = sys.argv[1:]
    sides = (
        (_one_by_one_async(), _one_by_one()) if task == "one by one" else (_many_async(), _many())
    )
    print(json.dumps(alternate(*sides, int(rounds))))


def _respond(latency: float) -> Callable[[bytes], bytes]:
    body = start_body()

    def respond(_: bytes) -> bytes:
        if latency:
            time.sleep(latency)
        return body

    return respond


def _client(latency: float) -> BackupReplicationClient:
    client = BackupReplicationClient(region_name=REGION)
    take_offline(client.client, _respond(latency))
    return client


def _async_client(latency: float) -> AsyncBackupReplicationClient:
    client = AsyncBackupReplicationClient(region_name=REGION)
    take_offline(client.client, _respond(latency))
    return client


def _start(client: BackupReplicationClient) -> None:
    client.start_db_instance_automated_backups_replication(
        source_db_instance_arn=SOURCE_ARN, backup_retention_period=14, tags={"env": "prod"}
    )


async def _start_async(client: AsyncBackupReplicationClient) -> None:
    await client.start_db_instance_automated_backups_replication(
        source_db_instance_arn=SOURCE_ARN, backup_retention_period=14, tags={"env": "prod"}
    )


def _one_by_one() -> Callable[[], float]:
    client = _client(0)

    def run() -> float:
        started = time.process_time()
        for _ in range(ONE_BY_ONE):
            _start(client)
        return time.process_time() - started

    return run


def _one_by_one_async() -> Callable[[], float]:
    client = _async_client(0)

    async def start_all() -> float:
        await _start_async(client)  # starts the worker thread
        started = time.process_time()
        for _ in range(ONE_BY_ONE):
            await _start_async(client)
        return time.process_time() - started

    return lambda: asyncio.run(start_all())


def _many() -> Callable[[], float]:
    client = _client(LATENCY)

    def run() -> float:
        started = time.perf_counter()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(_start, [client] * MANY):
                pass
        return time.perf_counter() - started

    return run


def _many_async() -> Callable[[], float]:
    client = _async_client(LATENCY)

    async def start_all() -> None:
        limit = anyio.Semaphore(AT_ONCE)

        async def start() -> None:
            async with limit:
                await _start_async(client)

        async with anyio.create_task_group() as tasks:
            for _ in range(MANY):
                tasks.start_soon(start)

    def run() -> float:
        started = time.perf_counter()
        asyncio.run(start_all())
        return time.perf_counter() - started

    return run
