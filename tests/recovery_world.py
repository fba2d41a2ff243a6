"""RDS in one destination, as objects in memory, for a recovery or a drill that meets others."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from rds_backup_replication._arn import Destination
from rds_backup_replication._clock import InstantClock
from rds_backup_replication._context import Context
from rds_backup_replication._models import DBInstanceAutomatedBackup
from rds_backup_replication._models._instance import DBInstance
from rds_backup_replication.recovery import _deletions as deletions
from rds_backup_replication.recovery import _restores as restores
from rds_backup_replication.recovery import _run as runs
from rds_backup_replication.recovery._journal import Header, Line, Progress
from rds_backup_replication.recovery._run import Run
from rds_backup_replication.recovery._settings import run_tags
from rds_backup_replication.sandbox._moto import sandbox_session

from .recovery_examples import ACCOUNT, DESTINATION

RUN_ID = "0123456789abcdef0123456789abcdef"
AT = datetime(2026, 11, 29, 12, tzinfo=timezone.utc)
PLACE = ACCOUNT, DESTINATION
_LONGEST = timedelta(hours=12)


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
        run = Run({}, progress, journal, 30.0, _LONGEST)
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
        self.clock = InstantClock()
        self.destination = Destination(DESTINATION, "aws")
        self.region_name = DESTINATION
        session: Any = sandbox_session()
        self.client = session.client("rds", region_name=DESTINATION)  # never called


class _Reader:
    listing_age = 0.0

    def __init__(self, context: Any) -> None:
        self.context = context
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
