"""Shared parts of the sandbox's tests: running sandboxes, and the status of their backups."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from rds_backup_replication import BackupReplicationClient, DBInstanceAutomatedBackup
from rds_backup_replication.sandbox import Behavior, Sandbox

from .wire import SOURCE_ARN

Run = Callable[..., Sandbox]


@pytest.fixture
def run() -> Iterator[Run]:
    """Return a function that starts a sandbox with one source instance and the given behavior."""
    with ExitStack() as stack:

        def start(**settings: Any) -> Sandbox:
            sandbox = stack.enter_context(Sandbox(Behavior(**settings)))
            sandbox.create_db_instance("us-west-2")
            return sandbox

        yield start


@pytest.fixture
def sandbox(run: Run) -> Sandbox:
    return run()


@pytest.fixture
def client(sandbox: Sandbox) -> BackupReplicationClient:
    return sandbox.client("us-east-1")


def start(client: BackupReplicationClient, **keywords: Any) -> DBInstanceAutomatedBackup:
    arguments: dict[str, Any] = {"source_db_instance_arn": SOURCE_ARN, **keywords}
    return client.start_db_instance_automated_backups_replication(**arguments)


def stop(client: BackupReplicationClient) -> DBInstanceAutomatedBackup:
    return client.stop_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)


def describe(client: BackupReplicationClient, arn: str | None) -> DBInstanceAutomatedBackup:
    (backup,) = client.describe_db_instance_automated_backups(db_instance_automated_backups_arn=arn)
    return backup


def statuses(client: BackupReplicationClient, polls: int) -> list[str]:
    """Return the statuses of all backups, one entry for each poll."""
    polled: list[str] = []
    for _ in range(polls):
        backups = client.describe_db_instance_automated_backups()
        polled.append(" ".join(str(backup.status) for backup in backups))
    return polled


def source_status(sandbox: Sandbox) -> tuple[str, list[str]]:
    """Return the status of the source instance and the ARNs of its replicated backups."""
    rds = sandbox.boto3_client("rds", "us-west-2")
    (instance,) = rds.describe_db_instances(DBInstanceIdentifier="mydatabase")["DBInstances"]
    replications = instance.get("DBInstanceAutomatedBackupsReplications", [])
    return instance["DBInstanceStatus"], [r["DBInstanceAutomatedBackupsArn"] for r in replications]
