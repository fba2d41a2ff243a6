"""Shared parts of the lifecycle tests: a client of a sandbox with one source instance."""

from typing import Any, Final

import pytest
from botocore.config import Config

from rds_backup_replication import BackupReplicationClient, DBInstanceAutomatedBackup
from rds_backup_replication.sandbox import Sandbox

from .wire import SOURCE_ARN

START: Final = "start_db_instance_automated_backups_replication"
STOP: Final = "stop_db_instance_automated_backups_replication"
DESCRIBE: Final = "describe_db_instance_automated_backups"
NO_RETRIES = Config(retries={"total_max_attempts": 1})


@pytest.fixture
def sandbox(rds_sandbox: Sandbox) -> Sandbox:
    rds_sandbox.create_db_instance("us-west-2")
    return rds_sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> BackupReplicationClient:
    return sandbox.client("us-east-1", config=NO_RETRIES)


def ensure(client: BackupReplicationClient, **keywords: Any) -> str:
    return client.ensure_replication(source_db_instance_arn=SOURCE_ARN, **keywords).action


def replace(client: BackupReplicationClient, days: int = 7) -> str:
    return client.replace_replication(
        source_db_instance_arn=SOURCE_ARN, backup_retention_period=days
    ).action


def stop(client: BackupReplicationClient) -> None:
    client.stop_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)


def active(client: BackupReplicationClient) -> list[DBInstanceAutomatedBackup]:
    """Return the active replications after all starts and stops have completed."""
    for _ in range(10):
        list(client.describe_db_instance_automated_backups())
    return [b for b in client.describe_db_instance_automated_backups() if b.is_replicating]


def start_and_wait(client: BackupReplicationClient, days: int = 14) -> None:
    ensure(client, backup_retention_period=days)
    client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)
