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
import anyio.lowlevel
import pytest
import trio
from anyio import to_thread

from rds_backup_replication import ApiCall, BackupReplicationClient
from rds_backup_replication._cancellation import CancellableCalls
from rds_backup_replication._client_base import context_of
from rds_backup_replication._clock import InstantClock
from rds_backup_replication.aio import AsyncBackupReplicationClient
from rds_backup_replication.exceptions import (
    DBInstanceNotFoundFault,
    RequestValidationError,
    WaitTimeoutError,
)
from rds_backup_replication.testing import ReplicationStubber

from .calls import START, STARTED, start
from .flavors import BACKENDS
from .loopback import Response, error_xml, result_xml
from .process_cases import run_python
from .replication_cases import begin_replacement, pass_preflight
from .wire import BACKUP_ARN, SOURCE_ARN, RDSServer, ScriptedRDS, backup_xml, listing_xml

STOP = START.replace("Start", "Stop")
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
            with anyio.CancelScope(shield=True):
                for _ in range(3):  # the cancellation reaches the task
                    await anyio.lowlevel.checkpoint()
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
    assert f"does not learn that {START} has succeeded" in record.getMessage()
    assert BACKUP_ARN in record.getMessage()


def test_change_is_in_progress_until_it_is_reported(rds: ScriptedRDS) -> None:
    """A cancelled caller waits for the end of a change, and then reports what it did."""
    rds.answers(STARTED)
    calls = CancellableCalls()
    seen: list[bool] = []
    client = rds.client(on_call=lambda _: seen.append(calls.is_changing))
    with calls.running():
        start(client)
    assert seen == [True]
    assert not calls.is_changing


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
    assert f"does not learn that {START} has failed: " in record.getMessage()


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
@pytest.mark.parametrize("is_change", [True, False])
def test_no_request_follows_a_cancellation(
    backend: str, rds: ScriptedRDS, *, is_change: bool
) -> None:
    """botocore would retry a throttled request, also a start's."""
    throttled = threading.Event()
    rds.answers(error_xml("Throttling"), 400)

    def see(**_: object) -> None:
        throttled.set()

    async def run() -> None:
        client = AsyncBackupReplicationClient(client=rds.client(retries=4).client)
        client.client.meta.events.register_last("needs-retry.rds", see)
        async with anyio.create_task_group() as tasks:

            async def call() -> None:
                if is_change:
                    await client.start_db_instance_automated_backups_replication(
                        source_db_instance_arn=SOURCE_ARN
                    )
                else:
                    await client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN)

            tasks.start_soon(call)
            await to_thread.run_sync(throttled.wait, 20)
            tasks.cancel_scope.cancel()

    anyio.run(run, backend=backend)
    assert len(rds.received) == 1


def test_start_is_not_lost_while_the_event_loop_is_busy(
    caplog: pytest.LogCaptureFixture, rds: ScriptedRDS
) -> None:
    """The response may come while the event loop does something else, before a cancellation."""
    rds.answers(STARTED)

    async def run() -> None:
        parsed = threading.Event()

        def see(**_: object) -> None:
            parsed.set()

        client = AsyncBackupReplicationClient(client=rds.client().client)
        client.client.meta.events.register_last("after-call.rds", see)
        task = asyncio.create_task(
            client.start_db_instance_automated_backups_replication(
                source_db_instance_arn=SOURCE_ARN
            )
        )
        while not rds.asked.is_set():
            await asyncio.sleep(0)
        parsed.wait(20)  # the loop is busy
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert [text for text in caplog.messages if "has succeeded" in text]


def test_shielded_start_needs_no_further_threads() -> None:
    """A caller may cancel its task again and again."""

    async def run() -> int:
        async with client_of(rds) as client:
            task = asyncio.create_task(
                client.start_db_instance_automated_backups_replication(
                    source_db_instance_arn=SOURCE_ARN
                )
            )
            await rds.wait_until_asked()
            before = threading.active_count()
            for _ in range(50):
                task.cancel()
                await asyncio.sleep(0)
            started = threading.active_count() - before
            rds.released.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            return started

    with HeldRDS(STARTED) as rds:
        assert asyncio.run(run()) <= 1


@each_backend
def test_stop_of_a_cancelled_replacement_is_logged(
    backend: str, caplog: pytest.LogCaptureFixture, rds: ScriptedRDS
) -> None:
    """Whoever cancels a replacement during a read after its stop reads at once what it did."""
    pass_preflight(rds)
    rds.answers(result_xml(STOP, backup_xml(DBInstanceAutomatedBackupsArn=BACKUP_ARN)))
    rds.stalls()
    stalled = len(rds.script)

    async def run() -> None:
        lone = rds.lone_client()
        client = AsyncBackupReplicationClient(
            client=lone.client, kms_client=context_of(lone).kms_client()
        )
        with anyio.CancelScope() as scope:

            async def replace() -> None:
                await client.replace_replication(
                    source_db_instance_arn=SOURCE_ARN, backup_retention_period=7
                )

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(replace)
                while len(rds.received) < stalled:
                    await anyio.sleep(0.001)
                scope.cancel()

    anyio.run(run, backend=backend)
    assert any(f"does not learn that {STOP} has succeeded" in text for text in caplog.messages)
    logged = threading.Event()

    def see(record: logging.LogRecord) -> bool:
        if "Call replace_replication() again" in record.getMessage():
            logged.set()
        return True

    logger = logging.getLogger("rds_backup_replication")
    logger.addFilter(see)
    rds.close_connections()  # the read in progress ends
    assert logged.wait(20)
    logger.removeFilter(see)
    assert all(START not in request.body.decode() for request in rds.received)


def test_no_start_follows_ctrl_c_on_trio() -> None:
    """trio raises KeyboardInterrupt where the main task waits, and cancels nothing."""
    ran = run_python(
        "import os, signal, threading, trio\n"
        "from rds_backup_replication.aio import AsyncBackupReplicationClient as Client\n"
        "from tests.test_aio import HeldRDS, START\n"
        "from tests.wire import SOURCE_ARN, listing_xml\n"
        "def interrupt():\n"
        "    rds.asked.wait(20)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "async def run():\n"
        "    client = Client(client=rds.client().client)\n"
        "    await client.ensure_replication(source_db_instance_arn=SOURCE_ARN)\n"
        "with HeldRDS(listing_xml()) as rds:\n"
        "    threading.Thread(target=interrupt, daemon=True).start()\n"
        "    try: trio.run(run)\n"
        "    except KeyboardInterrupt: print('interrupted')\n"
        "    rds.released.set()\n"
        "    for thread in threading.enumerate():\n"
        "        if 'rio' in thread.name.lower(): thread.join(5)\n"
        "    print(any(START in request.body.decode() for request in rds.received))\n"
    )
    assert ran.stdout.split() == ["interrupted", "False"], ran.stderr


@each_backend
def test_tasks_have_separate_clocks_without_pauses(backend: str, rds: ScriptedRDS) -> None:
    """A task inherits the context of the one that made it, but not its time."""
    rds.answers(listing_xml(backup_xml()))

    async def run() -> None:
        client = AsyncBackupReplicationClient(client=rds.client().client)
        context_of(client).clock = InstantClock()
        polls: list[int] = []

        async def wait() -> None:
            seen: list[object] = []
            with pytest.raises(WaitTimeoutError):
                await client.wait_until_replicating(
                    source_db_instance_arn=SOURCE_ARN,
                    timeout=timedelta(minutes=10),
                    on_poll=seen.append,
                )
            polls.append(len(seen))

        await wait()
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(wait)
        assert len(polls) == 4
        assert min(polls) >= 15

    anyio.run(run, backend=backend)


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

        def on_call(call: ApiCall) -> None:
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
