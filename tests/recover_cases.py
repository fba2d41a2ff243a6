"""Recoveries on the sandbox, and the requests about instances that the sandbox serves."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from moto.backends import get_backend
from moto.rds.exceptions import RDSClientError

from rds_backup_replication._clock import InstantClock
from rds_backup_replication._context import Context
from rds_backup_replication.fleet import Policy
from rds_backup_replication.recovery import (
    BookEntry,
    RecoveryBook,
    RecoveryReport,
    plan_recovery,
    recover,
)
from rds_backup_replication.recovery._settings import KIND_TAG, RUN_TAG
from rds_backup_replication.sandbox import Behavior, Sandbox
from rds_backup_replication.sandbox._rds import SandboxRDSResponse

from .fleets import DESTINATION, ONE, Fleet, policy
from .recoveries import SOURCE, entry, network

DESCRIBE: Final = "describe_db_instances"
MODIFY: Final = "modify_db_instance"
RESTORE: Final = "restore_db_instance_to_point_in_time"
OWN: Final = "123456789012"
"""The account of all credentials that are not those of a role."""
POLICY = policy(ONE)
BEHAVIOR = Behavior(pending_looks=0, shifting_case=False, instance_quota=1000, restoring_looks=1)
_LIST = "describe_db_instance_automated_backups"
_DELETE = "delete_db_instance"
_NUMBERS = count()


def do_nothing(_operation: str, _identifier: str) -> None:
    """Let a request pass."""


class Recoveries:
    """Replicated instances of several accounts, and the requests that concern instances.

    ``before`` and ``after`` are called around the effect of each request, with the operation and
    the instance's identifier. ``refusals`` has codes with which restores are refused, by the
    identifier of the new instance.
    """

    def __init__(self, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fleet = fleet
        self.requests: list[tuple[str, str]] = []
        self.effects: list[tuple[str, str]] = []
        self.restore_times: list[datetime | None] = []
        self.refusals: dict[str, str] = {}
        self.before: Callable[[str, str], object] = do_nothing
        self.after: Callable[[str, str], object] = do_nothing
        for operation in (DESCRIBE, MODIFY, RESTORE, _LIST, _DELETE):
            respond = getattr(SandboxRDSResponse, operation)
            monkeypatch.setattr(SandboxRDSResponse, operation, self._observe(operation, respond))

    def _observe(self, operation: str, respond: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def observed(response: Any) -> Any:
            parameters: dict[str, Any] = response.params
            name: str = (
                parameters.get("TargetDBInstanceIdentifier")
                or parameters.get("DBInstanceIdentifier")
                or ""
            )
            self.requests.append((operation, name))
            self.before(operation, name)
            if operation == RESTORE:
                self.restore_times.append(parameters.get("RestoreTime"))
                if code := self.refusals.get(name):
                    raise RDSClientError(code, f"{name} is refused.")
            result = respond(response)
            self.effects.append((operation, name))
            self.after(operation, name)
            return result

        return observed

    def add(self, account: str, names: Iterable[str]) -> list[BookEntry]:
        """Add replicated instances of an account; return their entries."""
        client = self.fleet.client(account)
        for name in names:
            client.start_db_instance_automated_backups_replication(
                source_db_instance_arn=self.fleet.add(account, SOURCE, name)
            )
        backups = list(client.describe_db_instance_automated_backups())
        groups = network(self.fleet, account)
        first = entry(self.fleet, account, str(backups[0].db_instance_arn), groups)
        return [
            first.model_copy(
                update={
                    "db_instance_arn": backup.db_instance_arn,
                    "db_instance_identifier": backup.db_instance_identifier,
                    "dbi_resource_id": backup.dbi_resource_id,
                    "endpoint": f"{backup.db_instance_identifier}.{SOURCE}.example",
                    "target_db_instance_identifier": f"{backup.db_instance_identifier}-dr",
                }
            )
            for backup in backups
        ]

    def forget(self) -> None:
        """Forget the requests, the refusals and the callbacks."""
        for each in (self.requests, self.effects, self.restore_times, self.refusals):
            each.clear()
        self.before = self.after = do_nothing

    def restores(self) -> Counter[str]:
        """Return how many restores took effect, by the identifier of the new instance."""
        return Counter(name for operation, name in self.effects if operation == RESTORE)

    def changes(self) -> list[tuple[str, str]]:
        """Return the requests that were not only questions."""
        return [each for each in self.requests if not each[0].startswith("describe")]

    def describe(self, account: str) -> dict[str, dict[str, Any]]:
        """Return the instances in the destination as RDS describes them, by identifier."""
        rds = self.fleet.boto3_client(account, "rds", DESTINATION)
        found: list[dict[str, Any]] = rds.describe_db_instances()["DBInstances"]
        return {each["DBInstanceIdentifier"]: each for each in found}


def existing(account: str) -> set[str]:
    """Return the identifiers of an account's instances in the destination, without a request."""
    return set(get_backend("rds")[account][DESTINATION].databases)


def expected(entry: BookEntry, run_id: str) -> dict[str, Any]:
    """Return what RDS must describe of a restored instance."""
    target = entry.target
    return {
        "DBInstanceIdentifier": entry.target_db_instance_identifier,
        "DBInstanceStatus": "available",
        "DBInstanceClass": target.db_instance_class,
        "MultiAZ": target.multi_az,
        "DeletionProtection": target.deletion_protection,
        "PreferredMaintenanceWindow": target.preferred_maintenance_window,
        "MonitoringInterval": target.monitoring_interval,
        "MonitoringRoleArn": target.monitoring_role_arn,
        "BackupRetentionPeriod": target.backup_retention_period,
        "subnet group": target.db_subnet_group_name,
        "security groups": list(target.vpc_security_group_ids or ()),
        "tags": {**(target.tags or {}), RUN_TAG: run_id, KIND_TAG: "recovery"},
    }


def shown(instance: dict[str, Any]) -> dict[str, Any]:
    """Return the same members of an instance as RDS describes them."""
    groups: list[dict[str, str]] = instance["VpcSecurityGroups"]
    tags: list[dict[str, str]] = instance["TagList"]
    special: dict[str, Any] = {
        "subnet group": instance["DBSubnetGroup"]["DBSubnetGroupName"],
        "security groups": [group["VpcSecurityGroupId"] for group in groups],
        "tags": {tag["Key"]: tag["Value"] for tag in tags},
    }
    names = (
        "DBInstanceIdentifier",
        "DBInstanceStatus",
        "DBInstanceClass",
        "MultiAZ",
        "DeletionProtection",
        "PreferredMaintenanceWindow",
        "MonitoringInterval",
        "MonitoringRoleArn",
        "BackupRetentionPeriod",
    )
    return {**{name: instance[name] for name in names}, **special}


def check_restored(
    recoveries: Recoveries, entries: Iterable[BookEntry], report: RecoveryReport
) -> None:
    """Assert that instances are restored once, with the book's settings and right endpoints."""
    restores = recoveries.restores()
    described: dict[str, dict[str, dict[str, Any]]] = {}
    records = {each.db_instance_arn: each for each in report.instances}
    for each in entries:
        name, account = each.target_db_instance_identifier, each.account_id
        if account not in described:
            described[account] = recoveries.describe(account)
        instance, record = described[account][name], records[each.db_instance_arn]
        assert record.outcome == "done", record.message
        assert shown(instance) == expected(each, report.run_id)
        assert (record.old_endpoint, record.old_port) == (each.endpoint, 5432)
        endpoint = instance["Endpoint"]
        assert (record.new_endpoint, record.new_port) == (endpoint["Address"], endpoint["Port"])
        assert record.new_endpoint != record.old_endpoint
        assert record.restored_dbi_resource_id == instance["DbiResourceId"]
        assert restores[name] == 1
        assert not record.differences
        wanted = {field for field, value in each.target if value is not None}
        assert set(record.verified) == wanted


def check_tiers(recoveries: Recoveries, entries: Iterable[BookEntry]) -> None:
    """Assert that no instance is asked about before the earlier tiers have ended."""
    tiers = {each.target_db_instance_identifier: each.tier for each in entries}
    order = [tiers[name] for _, name in recoveries.requests if name in tiers]
    assert set(order) == set(tiers.values())
    assert order == sorted(order)


class World:
    """A sandbox with seven instances whose Region is lost, and a new name for each recovery."""

    def __init__(self, recoveries: Recoveries, entries: list[BookEntry], journal: Path) -> None:
        self.recoveries = recoveries
        self.entries = entries
        self.journal = journal

    def recover(
        self, book: RecoveryBook, wanted: Policy | None = POLICY, **options: Any
    ) -> RecoveryReport:
        access = self.recoveries.fleet.access
        return recover(book, wanted, journal=self.journal, access=access, **options)

    def plan(
        self, book: RecoveryBook, wanted: Policy | None = POLICY, **options: Any
    ) -> RecoveryReport:
        return plan_recovery(book, wanted, access=self.recoveries.fleet.access, **options)

    @property
    def sandbox(self) -> Sandbox:
        return self.recoveries.fleet.sandbox


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Recoveries, dict[str, list[BookEntry]]]]:
    with pytest.MonkeyPatch.context() as patch, Sandbox(BEHAVIOR) as sandbox:
        patch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        recoveries = Recoveries(Fleet(sandbox, patch), patch)
        sandbox.advance(timedelta(hours=-2))
        entries = {
            ONE[0]: recoveries.add(ONE[0], [f"db-{n}" for n in range(7)]),
            OWN: recoveries.add(OWN, ["own"]),
        }
        sandbox.advance(timedelta(hours=2))
        sandbox.region_down(SOURCE)
        yield recoveries, entries


@pytest.fixture
def world(
    running: tuple[Recoveries, dict[str, list[BookEntry]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    recoveries, by_account = running
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(Context, "clock", InstantClock())
    suffix = next(_NUMBERS)
    entries = [
        each.model_copy(
            update={"target_db_instance_identifier": f"{each.db_instance_identifier}-{suffix}"}
        )
        for each in (*by_account[ONE[0]], *by_account[OWN])
    ]
    yield World(recoveries, entries, tmp_path / "journal")
    recoveries.forget()
    recoveries.fleet.sandbox.behavior = BEHAVIOR


def changed(entry: BookEntry, **changes: Any) -> BookEntry:
    return entry.model_copy(update=changes)


def target(entry: BookEntry, **settings: Any) -> BookEntry:
    return changed(entry, target=entry.target.model_copy(update=settings))


def outcomes(report: RecoveryReport) -> dict[str, str]:
    return {each.db_instance_identifier: each.outcome for each in report.instances}


def messages(report: RecoveryReport) -> dict[str, str]:
    return {each.db_instance_identifier: each.message or "" for each in report.instances}
