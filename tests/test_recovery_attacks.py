"""What a recovery or a drill must never touch, overwrite or lose, whatever happens around it."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import CredentialRetrievalError, ReadTimeoutError

from rds_backup_replication._models._instance import DBInstance
from rds_backup_replication.exceptions import (
    DBInstanceNotFoundFault,
    InvalidDBInstanceStateFault,
    ServiceError,
)
from rds_backup_replication.recovery import RestoredInstance, drill_cleanup, recover
from rds_backup_replication.recovery import _run as runs
from rds_backup_replication.recovery._deletions import InstanceDeletion
from rds_backup_replication.recovery._restore_target import Target
from rds_backup_replication.recovery._restores import InstanceRestore
from rds_backup_replication.recovery._run import Run
from rds_backup_replication.recovery._settings import InstanceSettings

from .recovery_examples import make_book, make_entry
from .recovery_world import PLACE, World

pytestmark = pytest.mark.once


def refusal(kind: type[ServiceError], code: str, *, retries: int = 0) -> ServiceError:
    """Return an error with which RDS refuses a request."""
    response: Any = {
        "Error": {"Code": code, "Message": "Sandbox."},
        "ResponseMetadata": {"HTTPStatusCode": 400, "RetryAttempts": retries},
    }
    return kind(response, "Operation")


LOST = ReadTimeoutError(endpoint_url="https://rds.us-east-1.amazonaws.com")
BUSY = refusal(InvalidDBInstanceStateFault, "InvalidDBInstanceState")
NOT_FOUND = refusal(DBInstanceNotFoundFault, "DBInstanceNotFound")


def target_of(name: str = "orders", identifier: str = "orders-dr", **settings: Any) -> Target:
    entry = make_entry(
        db_instance_identifier=name,
        target_db_instance_identifier=identifier,
        source=InstanceSettings(),
    )
    return Target(entry, identifier, InstanceSettings(**settings), None)


def restore(world: World, target: Target) -> RestoredInstance:
    return InstanceRestore(world.run(), target, lambda _: None).restore()


def delete(world: World, target: Target) -> tuple[str, str | None]:
    return InstanceDeletion(world.run(), target.key).delete()


def begin(world: World, target: Target) -> None:
    """Write that a restore has begun, whose response was lost."""
    world.run().begin("restore", target.key, target.entry.db_instance_arn)


@pytest.fixture
def drill_world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World("drill", monkeypatch)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World("recovery", monkeypatch)


def test_modify_is_not_sent_again_unseen(world: World) -> None:
    """A refused change is not repeated before RDS has shown whose instance has the name."""

    def replace() -> None:
        world.add("orders-dr", "db-SOMEBODYS", is_own=False)

    world.answers = {
        "modify": [(replace, BUSY)],
        "describe": [(None, None), (None, LOST)],
    }
    record = restore(world, target_of(multi_az=True))
    assert record.outcome == "failed"
    assert "Somebody has replaced" in str(record.message)
    assert ("modify", "db-SOMEBODYS") not in world.changes


def test_lost_restore_with_an_error_of_credentials(drill_world: World) -> None:
    """If botocore cannot sign its retry, the first attempt may have taken effect all the same."""
    target = target_of(identifier="drill-01234567-orders")

    def take_effect() -> None:
        drill_world.add(target.identifier, "db-LOST")

    error = CredentialRetrievalError(provider="assume-role", error_msg="expired")
    drill_world.answers = {"restore": [(take_effect, error)], "describe": [(None, None)]}
    restore(drill_world, target)
    assert delete(drill_world, target) == ("deleted", None)
    assert drill_world.instances == {}


@pytest.mark.parametrize("error", [BUSY, NOT_FOUND])
def test_renamed_instance_is_not_called_deleted(drill_world: World, error: ServiceError) -> None:
    """If RDS refused the deletion, a name that nothing has any more proves nothing."""
    target = target_of(identifier="drill-01234567-orders")
    restore(drill_world, target)
    drill_world.answers = {
        "delete": [(lambda: drill_world.rename(target.identifier, "keep-me"), error)]
    }
    outcome, message = delete(drill_world, target)
    assert outcome == "failed"
    assert "keep-me" in str(message)
    assert drill_world.instances.keys() == {"keep-me"}


def test_stale_response_after_a_refused_deletion(drill_world: World) -> None:
    """One response without the instance does not prove that it is deleted."""
    target = target_of(identifier="drill-01234567-orders")
    restore(drill_world, target)
    hidden: dict[str, DBInstance] = {}

    def hide() -> None:
        hidden.update(drill_world.instances)
        drill_world.instances.clear()

    drill_world.answers = {
        "delete": [(None, BUSY)],
        "describe": [
            (None, None),
            (hide, None),
            (lambda: drill_world.instances.update(hidden), None),
        ],
    }
    assert delete(drill_world, target) == ("deleted", None)
    assert [step for step, _ in drill_world.changes] == ["restore", "delete", "delete"]


def test_renamed_instance_of_a_lost_restore(drill_world: World) -> None:
    """The tag finds what a drill has made even if nobody has told its resource ID."""
    lost = target_of(identifier="drill-01234567-orders")
    known = target_of("users", "drill-01234567-users")
    begin(drill_world, lost)
    restore(drill_world, known)
    drill_world.rename(known.identifier, "mine")
    assert delete(drill_world, lost)[0] == "absent"
    drill_world.add("keep-me", "db-LOST")
    outcome, message = delete(drill_world, lost)
    assert outcome == "failed"
    assert "keep-me" in str(message)
    assert drill_world.instances.keys() == {"mine", "keep-me"}


def test_renamed_instance_is_not_restored_again(world: World) -> None:
    """After a lost response, somebody has given the instance the name that applications use."""
    target = target_of()
    begin(world, target)
    world.add("orders", "db-LOST")
    record = restore(world, target)
    assert record.outcome == "failed"
    assert "renamed" in str(record.message)
    assert world.changes == []


def test_restore_without_a_resource_id(drill_world: World) -> None:
    """A response without a resource ID is no refusal: the tag tells what the drill has made."""
    target = target_of(identifier="drill-01234567-orders")
    begin(drill_world, target)
    drill_world.run().end("restore", target.key, None)
    drill_world.add(target.identifier, "db-LOST")
    assert delete(drill_world, target) == ("deleted", None)


def test_one_journal_and_two_instances_of_a_name(world: World) -> None:
    """What a recovery restored for one instance never becomes the restore of another one."""
    orders, users = target_of(), target_of("users", multi_az=True)
    assert restore(world, orders).outcome == "done"
    changes = [*world.changes]
    record = restore(world, users)
    assert record.outcome == "failed"
    assert orders.entry.db_instance_arn in str(record.message)
    assert world.changes == changes


def connect_to(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``recover`` and ``drill_cleanup`` call the instances of the world."""

    def connect(run: Run, *, lists_backups: bool = True) -> None:  # noqa: ARG001  # as the original
        run.readers.update(world.run().readers)

    monkeypatch.setattr(Run, "connect", connect)


def test_recover_with_two_instances_of_a_name(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The result of one instance is never reported as that of another one."""
    connect_to(world, monkeypatch)
    entries = [
        make_entry(
            db_instance_identifier=name,
            target_db_instance_identifier="dr",
            source=InstanceSettings(),
            target=InstanceSettings(),
        )
        for name in ("orders", "users")
    ]
    book = make_book(*entries)
    (first,) = recover(book, journal=tmp_path / "run", only=["orders"]).instances
    assert first.outcome == "done"
    (again,) = recover(book, journal=tmp_path / "run", only=["orders"]).instances
    assert again == first
    (second,) = recover(book, journal=tmp_path / "run", only=["users"]).instances
    assert (second.outcome, second.new_endpoint) == ("failed", None)
    assert len(world.changes) == 1


def test_cleanup_asks_again_about_a_lost_restore(
    drill_world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """RDS may show an instance only after a cleanup that has not found it."""
    connect_to(drill_world, monkeypatch)
    target = target_of(identifier="drill-01234567-orders")
    begin(drill_world, target)
    journal = tmp_path / "run"
    lines = [drill_world.header, *drill_world.lines]
    journal.write_text("".join(f"{each.model_dump_json(exclude_none=True)}\n" for each in lines))
    (missing,) = drill_cleanup(journal).instances
    assert missing.cleanup == "absent"
    assert "again" in str(missing.cleanup_message)
    drill_world.add(target.identifier, "db-LATE")
    (found,) = drill_cleanup(journal).instances
    assert found.cleanup == "deleted"
    assert drill_world.instances == {}


def test_impatient_cleanup(drill_world: World) -> None:
    """Without pauses between its polls, a cleanup still leaves RDS a minute to show an instance."""
    target = target_of(identifier="drill-01234567-orders")
    begin(drill_world, target)
    run = drill_world.run()
    run.poll_interval = 0.0
    InstanceDeletion(run, target.key).delete()
    assert run.readers[PLACE].context.clock.monotonic() > 50


def test_first_interruption_between_two_events(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the first Ctrl-C hits the main thread, the cleanup is not abandoned."""
    interruptions = [KeyboardInterrupt]

    class Pool(ThreadPoolExecutor):
        def submit(self, *arguments: Any, **keywords: Any) -> Any:
            future: Any = super().submit(*arguments, **keywords)
            is_done = future.done

            def done() -> bool:
                if interruptions:
                    raise interruptions.pop()
                return bool(is_done())

            future.done = done
            return future

    monkeypatch.setattr(runs, "ThreadPoolExecutor", Pool)
    run = world.run()
    with suppress(KeyboardInterrupt):  # which would end the tests
        runs.Crew[object](run, None).work([1], lambda _: None)
    assert run.stopped.is_set()
    assert not run.abandoned.is_set()


def test_book_whose_instances_are_gone(tmp_path: Path) -> None:
    """A recovery of nothing is no success: a Region in trouble may have listed no instances."""
    report = recover(make_book(make_entry(is_gone=True)), journal=tmp_path / "run")
    assert report.instances == ()
    assert not report.is_complete
