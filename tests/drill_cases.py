"""Drills on the sandbox: what they call, what exists meanwhile, and who interferes."""

from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from moto.backends import get_backend

from rds_backup_replication._clock import InstantClock
from rds_backup_replication._context import Context
from rds_backup_replication.recovery import DrillReport, RecoveryBook, drill, drill_cleanup
from rds_backup_replication.sandbox._rds import SandboxRDSResponse

from .fleets import DESTINATION, ONE, Fleet, policy
from .recoveries import SOURCE, book, entry, network, replicate

ACCOUNT = ONE[0]
NAMES = {
    "describe_db_instances": "DBInstanceIdentifier",
    "restore_db_instance_to_point_in_time": "TargetDBInstanceIdentifier",
    "modify_db_instance": "DBInstanceIdentifier",
    "delete_db_instance": "DBInstanceIdentifier",
}
Interfere = Callable[[str, str], object]


class Drills:
    """A fleet's drills, with each change in the destination.

    ``before`` is called before a request for a drill's instance takes effect, and ``after`` once
    it has, with the name of the operation and of the instance.
    """

    def __init__(self, fleet: Fleet, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.fleet = fleet
        self.journal = folder / "journal"
        self.groups = network(fleet, ACCOUNT)
        self.rds = fleet.boto3_client(ACCOUNT, "rds", DESTINATION)
        self.changes: list[tuple[str, dict[str, Any]]] = []
        self.most = 0
        self.before: Interfere | None = None
        self.after: Interfere | None = None
        monkeypatch.setattr(Context, "clock", InstantClock())
        for operation in NAMES:
            handler = getattr(SandboxRDSResponse, operation)
            monkeypatch.setattr(SandboxRDSResponse, operation, self._watch(operation, handler))

    def _watch(self, operation: str, respond: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def watched(response: Any) -> Any:
            name = response.params.get(NAMES[operation])
            if not (name or "").startswith("drill-"):
                return respond(response)
            if self.before is not None:
                self.before(operation, name)
            if operation != "describe_db_instances":
                self.changes.append((operation, dict(response.params)))
            result = respond(response)
            self.most = max(self.most, len(self.existing()))
            if self.after is not None:
                self.after(operation, name)
            return result

        return watched

    @property
    def databases(self) -> MutableMapping[str, Any]:
        """Return moto's instances in the destination, by name."""
        found: MutableMapping[str, Any] = get_backend("rds")[ACCOUNT][DESTINATION].databases
        return found

    def existing(self) -> list[str]:
        """Return the names of the drills' instances that exist, also while RDS deletes them."""
        return [name for name in [*self.databases] if name.startswith("drill-")]

    def left(self) -> list[str]:
        """Return the names of the drills' instances that RDS does not delete."""
        return [each for each in self.existing() if self.databases[each].status != "deleting"]

    def others(self) -> dict[str, dict[str, Any]]:
        """Return all that RDS shows of the instances that are not a drill's, by ARN."""
        instances = [
            each
            for region in (SOURCE, DESTINATION)
            for each in self.fleet.boto3_client(ACCOUNT, "rds", region).describe_db_instances()[
                "DBInstances"
            ]
        ]
        for each in instances:
            each.pop("LatestRestorableTime", None)
        return {
            each["DBInstanceArn"]: each
            for each in instances
            if not each["DBInstanceIdentifier"].startswith("drill-")
        }

    def describe(self, name: str) -> dict[str, Any]:
        """Return what RDS shows of an instance in the destination."""
        response = self.rds.describe_db_instances(DBInstanceIdentifier=name)
        instance: dict[str, Any] = response["DBInstances"][0]
        return instance

    def book(self, *names: str, **changes: Any) -> RecoveryBook:
        """Return the book of new instances, with a bystander in the destination."""
        arns = [replicate(self.fleet, ACCOUNT, name) for name in names]
        if "bystander" not in self.databases:
            self.add("bystander", team="other")
        return book(*(entry(self.fleet, ACCOUNT, arn, self.groups, **changes) for arn in arns))

    def run(self, of: RecoveryBook, **arguments: Any) -> DrillReport:
        """Drill a book."""
        arguments = {"journal": self.journal, "access": self.fleet.access, **arguments}
        return drill(of, policy(ONE), **arguments)

    def clean_up(self, **arguments: Any) -> DrillReport:
        """Clean up a drill."""
        return drill_cleanup(self.journal, policy(ONE), access=self.fleet.access, **arguments)

    def names_of(self, operation: str) -> list[str]:
        """Return the names of the instances that an operation was called for."""
        key = (
            "target_db_instance_identifier" if "restore" in operation else "db_instance_identifier"
        )
        return [params[key] for name, params in self.changes if name == operation]

    def add(self, name: str, **tags: str) -> str:
        """Add somebody's instance in the destination; return its resource ID."""
        self.databases.pop(name, None)
        snapshots = get_backend("rds")[ACCOUNT][DESTINATION].database_snapshots
        for each in [each for each in snapshots if each.startswith(f"rds:{name}-")]:
            del snapshots[each]  # moto would need the same name again
        self.fleet.add(ACCOUNT, DESTINATION, name, tags=tags)
        return str(self.databases[name].dbi_resource_id)


@pytest.fixture
def drills(fleet: Fleet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Drills:
    return Drills(fleet, monkeypatch, tmp_path)
