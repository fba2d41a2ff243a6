"""Tests that run the examples of docs/async.md, and check what it says about cancellation."""

import asyncio
import threading
import time
from typing import Any

import anyio
import pytest

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication._context import Context
from rds_backup_replication.aio import AsyncBackupReplicationClient
from rds_backup_replication.sandbox import Behavior, Sandbox

from .calls import START
from .loopback import result_xml
from .test_aio import HeldRDS, client_of, each_backend
from .test_docs_pages import blocks_of, run
from .wire import BACKUP_ARN, SOURCE_ARN, ScriptedRDS, backup_xml, listing_xml

pytestmark = pytest.mark.once
pytest_plugins = ["pytester"]


def test_async_page_examples_run(
    rds_sandbox: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    rds_sandbox.create_db_instance("us-west-2", "orders")
    names: dict[str, Any] = {}
    run("async", rds_sandbox, capsys, names)
    asyncio.run(names["try_out"](rds_sandbox))
    assert capsys.readouterr().out == "True\n"

    rds_sandbox.reset()
    rds_sandbox.create_db_instance("us-west-2")
    rds_sandbox.behavior = Behavior(pending_looks=1_000)
    BackupReplicationClient().ensure_replication(source_db_instance_arn=SOURCE_ARN)
    with monkeypatch.context() as patch:
        patch.setattr(Context, "clock", time)  # so that the wait is cancelled in a pause
        asyncio.run(names["wait_at_most"](0.3))
    assert capsys.readouterr().out.startswith("not yet: ")


def test_async_page_shows_log_of_a_cancellation(caplog: pytest.LogCaptureFixture) -> None:
    async def cancel_start() -> None:
        async with client_of(rds) as client:
            starting = client.start_db_instance_automated_backups_replication(
                source_db_instance_arn=SOURCE_ARN
            )
            task = asyncio.create_task(starting)
            await rds.wait_until_asked()
            task.cancel()
            for _ in range(2):  # until the cancellation has reached the client
                await asyncio.sleep(0)
            rds.released.set()
            with pytest.raises(asyncio.CancelledError):
                await task

    example_arn = BACKUP_ARN.rpartition(":")[0] + ":ab-example"
    backup = backup_xml(DBInstanceAutomatedBackupsArn=example_arn)
    with HeldRDS(result_xml(START, backup)) as rds:
        asyncio.run(cancel_start())
    (shown,) = [text for language, text in blocks_of("async") if language == "none"]
    assert shown.splitlines() == caplog.messages


@each_backend
def test_dropped_read_continues_in_its_thread(backend: str) -> None:
    """A process waits at its end for the threads of asyncio, and not for those of trio."""

    async def drop_read() -> None:
        async with client_of(rds) as client, anyio.create_task_group() as tasks:

            async def read() -> None:
                await client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN)

            tasks.start_soon(read)
            await rds.wait_until_asked()
            tasks.cancel_scope.cancel()

    before = set(threading.enumerate())
    with HeldRDS(listing_xml()) as rds:
        anyio.run(drop_read, backend=backend)
        started = [thread for thread in threading.enumerate() if thread not in before]
        awaited = [thread.name for thread in started if not thread.daemon]
        rds.released.set()
    assert ("AnyIO worker thread" in awaited) == (backend == "asyncio")


def test_read_timeout_ends_a_dropped_read(rds: ScriptedRDS) -> None:
    rds.stalls()

    async def drop_read() -> None:
        client = AsyncBackupReplicationClient(client=rds.client(read_timeout=0.2).client)
        with anyio.move_on_after(0.05):
            await client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN)

    before = set(threading.enumerate())
    anyio.run(drop_read)
    for thread in set(threading.enumerate()) - before:
        if thread.name == "AnyIO worker thread":
            thread.join(timeout=20)
            assert not thread.is_alive()


def test_async_page_test_passes(pytester: pytest.Pytester) -> None:
    blocks = [text for language, text in blocks_of("async") if language == "python"]
    (example,) = [text for text in blocks if "@pytest.mark.anyio" in text]
    imports = "from rds_backup_replication.aio import AsyncBackupReplicationClient\n"
    pytester.makepyfile(imports + example)
    pytester.runpytest_inprocess("-W", "error").assert_outcomes(passed=1)
