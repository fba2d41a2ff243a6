"""Tests of what only the async client has: cancellation, callbacks in the event loop, pages."""

import asyncio
import inspect
import logging
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import anyio
import pytest
import trio
from anyio import to_thread

from rds_backup_replication import ApiCall, BackupReplicationClient
from rds_backup_replication._client_base import context_of
from rds_backup_replication.aio import AsyncBackupReplicationClient
from rds_backup_replication.exceptions import (
    DBInstanceNotFoundFault,
    RequestValidationError,
)
from rds_backup_replication.testing import ReplicationStubber

from .calls import START, STARTED
from .flavors import BACKENDS
from .loopback import Response, error_xml
from .replication_cases import begin_replacement
from .wire import BACKUP_ARN, SOURCE_ARN, RDSServer, ScriptedRDS, backup_xml, listing_xml

each_backend = pytest.mark.parametrize("backend", BACKENDS)
Body = Callable[[], Awaitable[object]]


@asynccontextmanager
async def client_of(
    server: RDSServer, on_call: Callable[[ApiCall], object] | None = None
) -> AsyncGenerator[AsyncBackupReplicationClient, None]:
    async with AsyncBackupReplicationClient(
        client=server.client().client, on_call=on_call
    ) as client:
        yield client


class HeldRDS(RDSServer):
    """A server that holds each response back until it is released."""

    def __init__(self, body: str, status: int = 200) -> None:
        super().__init__(self._hold)
        self.released = threading.Event()
        self._response = Response(body, status)

    def _hold(self, _: object) -> Response:
        self.released.wait(20)
        return self._response

    async def wait_until_asked(self) -> None:
        await to_thread.run_sync(self.asked.wait, 20)


def test_has_the_methods_of_the_sync_client() -> None:
    def signatures(client: type) -> dict[str, inspect.Signature]:
        members = inspect.getmembers(client, inspect.isroutine)
        public = [(name, m) for name, m in members if not name.startswith("_")]
        return {name: inspect.signature(member) for name, member in public}

    sync = signatures(BackupReplicationClient)
    assert sync.pop("close").parameters.keys() == {"self"}
    found = signatures(AsyncBackupReplicationClient)
    assert found.pop("close").parameters.keys() == {"self"}
    assert found == sync
    constructors = [BackupReplicationClient.__init__, AsyncBackupReplicationClient.__init__]
    assert len({str(inspect.signature(each)) for each in constructors}) == 1


@each_backend
def test_cancelled_start_ends_after_its_response(
    backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[ApiCall] = []

    async def run() -> None:
        async with client_of(rds, calls.append) as client, anyio.create_task_group() as tasks:

            async def start() -> None:
                await client.start_db_instance_automated_backups_replication(
                    source_db_instance_arn=SOURCE_ARN
                )

            tasks.start_soon(start)
            await rds.wait_until_asked()
            tasks.cancel_scope.cancel()
            rds.released.set()

    body = STARTED.replace(
        "<Status>",
        f"<DBInstanceAutomatedBackupsArn>{BACKUP_ARN}</DBInstanceAutomatedBackupsArn><Status>",
        1,
    )
    with HeldRDS(body) as rds:
        anyio.run(run, backend=backend)
    assert [(call.operation_name, call.http_status_code) for call in calls] == [(START, 200)]
    (record,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert "was cancelled after it was sent, and has succeeded" in record.getMessage()
    assert BACKUP_ARN in record.getMessage()


@pytest.mark.parametrize("times", [1, 3])
def test_start_outlasts_the_cancellation_of_its_task(
    caplog: pytest.LogCaptureFixture, times: int
) -> None:
    """asyncio's own cancellation ignores anyio's scopes, and may come more than once."""
    calls: list[ApiCall] = []

    async def run() -> None:
        async with client_of(rds, calls.append) as client:
            task = asyncio.create_task(
                client.start_db_instance_automated_backups_replication(
                    source_db_instance_arn=SOURCE_ARN
                )
            )
            await rds.wait_until_asked()
            for _ in range(times):
                task.cancel()
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            assert not task.done()
            rds.released.set()
            with pytest.raises(asyncio.CancelledError):
                await task

    with HeldRDS(error_xml("DBInstanceNotFound"), 404) as rds:
        asyncio.run(run())
    (call,) = calls
    assert isinstance(call.error, DBInstanceNotFoundFault)
    (record,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert "ended with an error: " in record.getMessage()


def test_no_start_follows_a_read_that_timed_out() -> None:
    async def run() -> None:
        async with client_of(rds) as client:
            ensuring = client.ensure_replication(source_db_instance_arn=SOURCE_ARN)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(ensuring, 0.3)
            rds.released.set()

    with HeldRDS(listing_xml()) as rds:
        asyncio.run(run())
    assert all(START not in request.body.decode() for request in rds.received)


@each_backend
def test_cancelled_read_ends_at_once(backend: str) -> None:
    async def run() -> float:
        cancelled = 0.0
        async with client_of(rds) as client, anyio.create_task_group() as tasks:

            async def wait() -> None:
                await client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)

            tasks.start_soon(wait)
            await rds.wait_until_asked()
            tasks.cancel_scope.cancel()
            cancelled = time.perf_counter()
        took = time.perf_counter() - cancelled
        rds.released.set()
        return took

    with HeldRDS(listing_xml()) as rds:
        took = anyio.run(run, backend=backend)
        assert took < 1
        assert len(rds.received) == 1  # and no request after the cancellation


@each_backend
def test_cancelled_pause_ends_at_once_and_holds_no_thread(
    backend: str, rds: ScriptedRDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    rds.answers(listing_xml(backup_xml()))
    paused: list[int] = []

    async def run() -> float:
        started = 0.0
        limiter = to_thread.current_default_thread_limiter()
        sleep = anyio.sleep
        async with client_of(rds) as client, anyio.create_task_group() as tasks:

            async def pause(seconds: float) -> None:
                paused.append(limiter.borrowed_tokens)
                if len(paused) == 10:
                    tasks.cancel_scope.cancel()
                await sleep(seconds)

            monkeypatch.setattr(anyio, "sleep", pause)
            for _ in range(10):
                tasks.start_soon(wait, client)
            started = time.perf_counter()
        return time.perf_counter() - started

    async def wait(client: AsyncBackupReplicationClient) -> None:
        await client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)

    monkeypatch.setattr("rds_backup_replication._context.Context.clock", time)
    assert anyio.run(run, backend=backend) < 20
    assert len(paused) == 10
    assert paused[-1] == 0


@each_backend
def test_interruption_of_a_replacement_is_logged(
    backend: str, caplog: pytest.LogCaptureFixture, rds: ScriptedRDS
) -> None:
    """Whoever cancels a replacement after the stop reads in the log what is left."""
    begin_replacement(rds)

    async def run() -> None:
        lone = rds.lone_client()
        client = AsyncBackupReplicationClient(
            client=lone.client, kms_client=context_of(lone).kms_client()
        )
        with anyio.CancelScope() as scope:

            async def show(progress: Any) -> None:
                if progress.phase == "wait":
                    scope.cancel()
                    await anyio.sleep(0)

            await client.replace_replication(
                source_db_instance_arn=SOURCE_ARN, backup_retention_period=7, on_progress=show
            )
        assert scope.cancelled_caught

    anyio.run(run, backend=backend)
    assert any("Call replace_replication() again" in text for text in caplog.messages)


@each_backend
def test_callbacks_run_in_the_event_loop_and_may_be_async(backend: str, rds: ScriptedRDS) -> None:
    rds.answers(listing_xml(backup_xml()))
    rds.answers(listing_xml(backup_xml(Status="replicating")))
    seen: list[str] = []

    async def run() -> None:
        loop_thread = threading.get_ident()

        async def on_poll(backup: Any) -> None:
            await anyio.sleep(0)
            assert threading.get_ident() == loop_thread
            seen.append(backup.status)

        async def on_call(call: ApiCall) -> None:
            await anyio.sleep(0)
            assert threading.get_ident() == loop_thread
            seen.append(call.operation_name)

        async with client_of(rds, on_call) as client:
            await client.wait_until_replicating(
                db_instance_automated_backups_arn=BACKUP_ARN,
                on_poll=on_poll,
                poll_interval=timedelta(milliseconds=1),
            )

    rds.script = [
        Response(listing_xml(backup_xml(DBInstanceAutomatedBackupsArn=BACKUP_ARN, Status=status)))
        for status in ("pending", "replicating")
    ]
    anyio.run(run, backend=backend)
    describe = "DescribeDBInstanceAutomatedBackups"
    assert seen == [describe, "pending", describe, "replicating"]


@each_backend
def test_error_of_a_callback_ends_the_wait(backend: str, rds: ScriptedRDS) -> None:
    rds.answers(listing_xml(backup_xml()))

    async def fail(_: object) -> None:
        raise LookupError("no such row")

    async def run() -> None:
        async with client_of(rds) as client:
            await client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN, on_poll=fail)

    with pytest.raises(LookupError, match="no such row"):
        anyio.run(run, backend=backend)


@each_backend
def test_listing_fetches_a_page_when_it_is_reached(backend: str, rds: ScriptedRDS) -> None:
    first = listing_xml(backup_xml(), backup_xml())
    rds.answers(
        first.replace("</DBInstanceAutomatedBackups>", "$&<Marker>2</Marker>", 1).replace(
            "$&", "</DBInstanceAutomatedBackups>"
        )
    )
    rds.answers(listing_xml(backup_xml(Status="retained")))

    async def run() -> list[tuple[object, int]]:
        async with client_of(rds) as client:
            listing = client.describe_db_instance_automated_backups()
            assert rds.received == []
            return [(backup.status, len(rds.received)) async for backup in listing]

    assert anyio.run(run, backend=backend) == [("pending", 1), ("pending", 1), ("retained", 2)]


def test_listing_validates_at_once(rds: ScriptedRDS) -> None:
    client = AsyncBackupReplicationClient(client=rds.client().client)
    with pytest.raises(RequestValidationError):
        client.describe_db_instance_automated_backups(page_size=7)


@each_backend
def test_stubber_serves_the_async_client(backend: str) -> None:
    async def run() -> None:
        client = AsyncBackupReplicationClient(region_name="us-east-1")
        with ReplicationStubber(client) as stubber:
            stubber.add_start(backup_retention_period=14)
            started = await client.start_db_instance_automated_backups_replication(
                source_db_instance_arn=SOURCE_ARN
            )
            for status in ("pending", "replicating"):
                stubber.add_describe([started.model_copy(update={"status": status})])
            began = time.perf_counter()
            await client.wait_until_replicating(
                db_instance_automated_backups_arn=started.db_instance_automated_backups_arn
            )
            assert time.perf_counter() - began < 20

    anyio.run(run, backend=backend)


def test_runs_in_trio_itself(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)

    async def run() -> object:
        async with client_of(rds) as client:
            return await client.start_db_instance_automated_backups_replication(
                source_db_instance_arn=SOURCE_ARN
            )

    assert trio.run(run) is not None
