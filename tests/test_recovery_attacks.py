"""What a recovery or a drill must never touch, overwrite or lose, whatever happens around it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import CredentialRetrievalError, ReadTimeoutError

from rds_backup_replication._clock import InstantClock
from rds_backup_replication._context import Context
from rds_backup_replication._models import DBInstanceAutomatedBackup
from rds_backup_replication._models._instance import DBInstance
from rds_backup_replication.exceptions import (
    DBInstanceNotFoundFault,
    InvalidDBInstanceStateFault,
    ServiceError,
)
from rds_backup_replication.recovery import RestoredInstance, drill_cleanup, recover
from rds_backup_replication.recovery import _deletions as deletions
from rds_backup_replication.recovery import _restores as restores
from rds_backup_replication.recovery import _run as runs
from rds_backup_replication.recovery._deletions import InstanceDeletion
from rds_backup_replication.recovery._journal import Header, Line, Progress
from rds_backup_replication.recovery._restore_target import Target
from rds_backup_replication.recovery._restores import InstanceRestore
from rds_backup_replication.recovery._run import Run
from rds_backup_replication.recovery._settings import InstanceSettings, run_tags

from .recovery_examples import ACCOUNT, DESTINATION, make_book, make_entry

pytestmark = pytest.mark.once

RUN_ID = "0123456789abcdef0123456789abcdef"
AT = datetime(2026, 11, 29, 12, tzinfo=timezone.utc)
PLACE = ACCOUNT, DESTINATION


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


class World:
    """RDS in one destination: its instances by name, and what is done to them.

    An error in ``answers`` is raised by the next call of the operation, after what the callable
    beside it has done.
    """

    def __init__(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.instances: dict[str, DBInstance] = {}
        self.changes: list[tuple[str, str | None]] = []
        self.answers: dict[str, list[tuple[Callable[[], object] | None, Exception | None]]] = {}
        self.lines: list[Line] = []
        self.header = Header(
            kind="drill" if kind == "drill" else "recovery",
            at=AT,
            run_id=RUN_ID,
            book_hash="0" * 64,
            book_captured_at=AT,
        )
        self.kind = kind
        self.tags = [{"Key": key, "Value": value} for key, value in run_tags(RUN_ID, kind).items()]
        for module in (deletions, restores, runs):
            monkeypatch.setattr(module, "describe_instance", self._describe, raising=False)
        for module, name in ((runs, "DESCRIBE_INSTANCES"), (deletions, "DESCRIBE_INSTANCES")):
            monkeypatch.setattr(module, name, self, raising=False)
        for module, name in (
            (restores, "RESTORE"),
            (restores, "MODIFY"),
            (deletions, "DELETE_INSTANCE"),
        ):
            monkeypatch.setattr(module, name, _Operation(self, name))

    def run(self) -> Run:
        """Return a run that goes on with what the journal has."""
        progress = Progress(self.header)
        progress.add(self.lines)
        context: Any = _Context()
        reader: Any = _Reader(context)
        journal: Any = self
        run = Run(RUN_ID, self.kind, {}, progress, journal, 30.0, _LONGEST)
        run.readers[PLACE] = reader
        return run

    def write(self, line: Line) -> None:
        self.lines.append(line)

    def add(self, name: str, resource_id: str, *, is_own: bool = True) -> None:
        """Add an instance that is available."""
        self.instances[name] = DBInstance.model_validate(
            {
                "DBInstanceIdentifier": name,
                "DbiResourceId": resource_id,
                "DBInstanceArn": f"arn:aws:rds:{DESTINATION}:{ACCOUNT}:db:{name}",
                "DBInstanceStatus": "available",
                "Endpoint": {"Address": f"{name}.example", "Port": 5432},
                "TagList": self.tags if is_own else [{"Key": "team", "Value": "other"}],
            }
        )

    def rename(self, name: str, new_name: str) -> None:
        instance = self.instances.pop(name)
        self.instances[new_name] = instance.model_copy(update={"db_instance_identifier": new_name})

    def _describe(self, _: Context, name: str) -> DBInstance | None:
        self.answer("describe")
        return self.instances.get(name)

    def list(self, _: Context) -> list[DBInstance]:
        return [*self.instances.values()]

    def answer(self, operation: str) -> None:
        act, error = (self.answers.get(operation) or [(None, None)])[0]
        del self.answers.get(operation, [])[:1]
        if act is not None:
            act()
        if error is not None:
            raise error


class _Operation:
    """An operation that changes something."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self._step = name.partition("_")[0].lower()

    def call(self, _: Context, *, db_instance_identifier: str, **__: object) -> None:
        world = self._world
        instance = world.instances.get(db_instance_identifier)
        world.changes.append((self._step, instance.dbi_resource_id if instance else None))
        world.answer(self._step)
        if self._step == "delete":
            del world.instances[db_instance_identifier]

    def send(self, _: Context, request: Any) -> DBInstance:
        world, name = self._world, request.target_db_instance_identifier
        world.changes.append((self._step, name))
        world.answer(self._step)
        world.add(name, f"db-RESTORED{len(world.changes)}")
        return world.instances[name]


class _Context:
    def __init__(self) -> None:
        from rds_backup_replication._arn import Destination  # noqa: PLC0415

        self.clock = InstantClock()
        self.destination = Destination(DESTINATION, "aws")
        self.region_name = DESTINATION


class _Reader:
    def __init__(self, context: Any) -> None:
        self.context = context
        self.listing_age = 0.0
        self.listed = [
            DBInstanceAutomatedBackup.model_validate(
                {
                    "DBInstanceAutomatedBackupsArn": (
                        f"arn:aws:rds:{DESTINATION}:{ACCOUNT}:auto-backup:ab-{resource_id[3:]}"
                    ),
                    "DbiResourceId": resource_id,
                    "Status": "replicating",
                    "RestoreWindow": {"EarliestTime": AT, "LatestTime": AT},
                }
            )
            for resource_id in ("db-ORDERSEXAMPLE", "db-USERSEXAMPLE")
        ]


_LONGEST = timedelta(hours=12)


def target_of(name: str = "orders", identifier: str = "orders-dr", **settings: Any) -> Target:
    entry = make_entry(db_instance_identifier=name, target_db_instance_identifier=identifier)
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
