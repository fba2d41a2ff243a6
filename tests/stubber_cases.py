"""Shared parts of the stubber's tests: clients without credentials, and a start."""

from functools import cache
from typing import Any, Final

import pytest
from boto3.session import Session

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication._client_base import context_of
from rds_backup_replication._clock import Clock

from .wire import SOURCE_ARN

START: Final = "start_db_instance_automated_backups_replication"
STOP: Final = "stop_db_instance_automated_backups_replication"
DESCRIBE: Final = "describe_db_instance_automated_backups"


def start(client: BackupReplicationClient, **keywords: Any) -> Any:
    keywords = {"source_db_instance_arn": SOURCE_ARN, **keywords}
    return client.start_db_instance_automated_backups_replication(**keywords)


@cache  # the first client of a session is slow to create
def unsigned_session() -> Session:
    """Return a session without credentials, so that unstubbed calls cannot be sent."""
    return Session()


def unsigned(service: str, region_name: str) -> Any:
    """Return a boto3 client without credentials."""
    session: Any = unsigned_session()
    return session.client(service, region_name=region_name)


@pytest.fixture
def client() -> BackupReplicationClient:
    return BackupReplicationClient(session=unsigned_session(), region_name="us-east-1")


def clock_of(client: BackupReplicationClient) -> Clock:
    return context_of(client).clock
