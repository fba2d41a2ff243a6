"""Recoveries that are cut off, and run again: each instance is restored once."""

import dataclasses
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from moto.backends import get_backend

from rds_backup_replication.exceptions import (
    InstanceQuotaExceededFault,
    InternalFailureError,
    ThrottlingError,
)
from rds_backup_replication.fleet._journal_file import JournalFile
from rds_backup_replication.recovery import (
    RestoredInstance,
)
from rds_backup_replication.recovery._journal import Header
from rds_backup_replication.recovery._run import Run

from . import recover_cases
from .fleets import DESTINATION
from .recover_cases import (
    BEHAVIOR,
    DESCRIBE,
    MODIFY,
    RESTORE,
    World,
    changed,
    check_restored,
    do_nothing,
    messages,
)
from .recoveries import book

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("no_backoff")]

running = recover_cases.running
world = recover_cases.world


def test_lost_responses(world: World) -> None:
    """Requests that took effect without a response, that were cut off, and that were throttled."""
    entries = world.entries[:4]
    sandbox = world.sandbox
    sandbox.lose_answer(RESTORE, times=3)
    sandbox.reset_connection(RESTORE, times=8)
    sandbox.add_fault(RESTORE, ThrottlingError, times=9)
    sandbox.lose_answer(RESTORE)
    sandbox.lose_answer(MODIFY, times=3)
    sandbox.reset_connection(MODIFY, times=8)
    sandbox.add_fault(MODIFY, InternalFailureError, times=9)
    sandbox.reset_connection(DESCRIBE, times=25)
    report = world.recover(book(*entries))
    assert report.is_complete, messages(report)
    check_restored(world.recoveries, entries, report)


def test_refusal_after_lost_response(world: World) -> None:
    """The lost restore has used up the quota, so that RDS refuses the same restore again."""
    entries = world.entries[:1]
    world.sandbox.lose_answer(RESTORE)
    world.sandbox.add_fault(RESTORE, InstanceQuotaExceededFault)
    report = world.recover(book(*entries))
    assert report.is_complete, messages(report)
    check_restored(world.recoveries, entries, report)


def test_tags_that_show_late(world: World) -> None:
    """Without a response and without the tag, nothing says whose the instance is."""
    (entry,) = entries = world.entries[:1]
    name = entry.target_db_instance_identifier
    databases = get_backend("rds")[entry.account_id][DESTINATION].databases
    polls: list[int] = []
    tags: list[Any] = []
    patience = 4

    def hide(operation: str, identifier: str) -> None:
        if (operation, identifier) == (DESCRIBE, name) and name in databases:
            polls.append(1)
            tags[:] = tags or databases[name].tags
            databases[name].tags = tags if len(polls) > patience else []

    world.recoveries.before = hide
    world.sandbox.lose_answer(RESTORE)
    report = world.recover(book(*entries))
    check_restored(world.recoveries, entries, report)


def test_tags_that_never_show(world: World) -> None:
    (entry,) = entries = world.entries[:1]
    name = entry.target_db_instance_identifier
    databases = get_backend("rds")[entry.account_id][DESTINATION].databases

    def hide(_operation: str, _identifier: str) -> None:
        if name in databases:
            databases[name].tags = []

    world.recoveries.before = hide
    world.sandbox.lose_answer(RESTORE)
    written = book(*entries)
    for _ in range(2):
        report = world.recover(written)
        assert "may be somebody else's. Check who made it" in messages(report)["db-0"]
    assert [each for each in world.recoveries.changes() if each[0] == MODIFY] == []
    assert world.recoveries.restores() == {name: 1}


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """Return a list that gets each run of a recovery when it begins."""
    begun: list[Run] = []

    class ListedRun(Run):
        def __init__(self, *arguments: Any, **keywords: Any) -> None:
            super().__init__(*arguments, **keywords)
            begun.append(self)

    monkeypatch.setattr("rds_backup_replication.recovery._recover.Run", ListedRun)
    return begun


@pytest.mark.parametrize("looks", [0, 5], ids=["available", "creating"])
def test_interruption(world: World, runs: list[Run], looks: int) -> None:
    """Nothing new begins: neither a modification nor the next tier. Run again, it goes on."""
    entries = [changed(each, tier=n // 2 + 1) for n, each in enumerate(world.entries[:4])]
    world.sandbox.behavior = dataclasses.replace(BEHAVIOR, restoring_looks=looks)
    written = book(*entries)

    def wait(operation: str, identifier: str) -> None:
        if operation == DESCRIBE and identifier in world.recoveries.restores():
            assert runs[-1].stopped.wait(30)

    def interrupt(_: RestoredInstance) -> None:
        if not runs[-1].stopped.is_set():
            raise KeyboardInterrupt

    world.recoveries.before = wait
    report = world.recover(written, on_event=interrupt)
    assert report.is_interrupted
    assert not report.is_complete
    begun = world.recoveries.restores()
    for each in report.instances:
        is_begun = each.target_db_instance_identifier in begun
        assert each.outcome == ("not_finished" if is_begun else "not_attempted")
        assert not is_begun or each.tier == 1
    assert begun
    assert {operation for operation, _ in world.recoveries.changes()} == {RESTORE}
    world.recoveries.before = do_nothing
    again = world.recover(written)
    assert again.is_complete
    assert not again.is_interrupted
    assert (again.run_id, again.begun_at) == (report.run_id, report.begun_at)
    check_restored(world.recoveries, entries, again)


def test_interruption_by_last_event(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """All tasks have ended before the first event is passed on."""

    class WaitingExecutor(ThreadPoolExecutor):
        def submit(self, fn: Any, /, *arguments: Any, **keywords: Any) -> "Future[Any]":
            future = super().submit(fn, *arguments, **keywords)
            future.exception()
            return future

    monkeypatch.setattr("rds_backup_replication.recovery._run.ThreadPoolExecutor", WaitingExecutor)
    entries = world.entries[:1]

    def interrupt(instance: RestoredInstance) -> None:
        if instance.outcome == "done":
            raise KeyboardInterrupt

    report = world.recover(book(*entries), on_event=interrupt)
    assert report.is_interrupted
    assert report.is_complete


def test_timeout_is_that_of_a_run(world: World) -> None:
    """Running again waits again, however long ago the request was."""
    entries = world.entries[:1]
    world.sandbox.behavior = dataclasses.replace(BEHAVIOR, restoring_looks=25)
    written, timeout = book(*entries), timedelta(minutes=10)
    report = world.recover(written, timeout=timeout)
    assert "not finished after 0:10:00, and RDS may go on with it" in messages(report)["db-0"]
    begun = str(datetime.now(timezone.utc).date())
    text = world.journal.read_text(encoding="utf-8")
    world.journal.write_text(text.replace(f'"{begun}', '"2026-01-01'), encoding="utf-8")
    report = world.recover(written, timeout=timeout)
    assert report.is_complete
    check_restored(world.recoveries, entries, report)
    assert (report.instances[0].available_after or timedelta()) > timedelta(days=1)


def test_restored_instance_is_deleted_by_somebody(world: World) -> None:
    """It is not restored again: whoever has deleted it may have had a reason."""
    (entry,) = entries = world.entries[:1]
    name = entry.target_db_instance_identifier
    databases = get_backend("rds")[entry.account_id][DESTINATION].databases
    deleted: list[Any] = []

    def delete(operation: str, _: str) -> None:
        if operation == DESCRIBE and name in databases:
            deleted.append(databases.pop(name))

    world.recoveries.before = delete
    written = book(*entries)
    for _ in range(2):
        assert "use a new journal" in messages(world.recover(written))["db-0"]
    assert world.recoveries.restores() == {name: 1}


def test_done_instance_that_is_gone(world: World) -> None:
    """A later run says of an instance only what is true by then, and restores nothing again."""
    written = book(*world.entries[:2])
    assert world.recover(written).is_complete
    (gone, entry) = world.entries[:2]
    databases = get_backend("rds")[gone.account_id][DESTINATION].databases
    del databases[gone.target_db_instance_identifier]
    again = world.recover(written)
    outcomes = {each.db_instance_identifier: each.outcome for each in again.instances}
    assert outcomes == {
        gone.db_instance_identifier: "failed",
        entry.db_instance_identifier: "done",
    }
    assert "no longer exists" in messages(again)[gone.db_instance_identifier]
    assert world.recoveries.restores().total() == 2


def test_journal_that_cannot_be_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """No change begins without its line."""
    write = JournalFile[Any, Any].write

    def fail(file: Any, line: Any) -> None:
        if not isinstance(line, Header):
            raise OSError(28, "No space left on device")
        write(file, line)

    monkeypatch.setattr(JournalFile, "write", fail)
    with pytest.raises(OSError, match="No space left"):
        world.recover(book(*world.entries[:2]))
    assert not world.recoveries.changes()
