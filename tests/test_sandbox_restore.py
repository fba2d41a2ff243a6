"""Tests of the sandbox: point-in-time restores."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication.exceptions import (
    DBInstanceAlreadyExistsFault,
    DBInstanceAutomatedBackupNotFoundFault,
    InvalidRestoreFault,
)
from rds_backup_replication.sandbox import Sandbox

from . import sandbox_cases
from .sandbox_cases import start, statuses

pytestmark = pytest.mark.once

# The fixtures of these tests.
run = sandbox_cases.run
sandbox = sandbox_cases.sandbox
client = sandbox_cases.client


def test_restore_from_replicated_backup(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    arn = str(start(client).db_instance_automated_backups_arn)

    def restore(**keywords: Any) -> Any:
        return client.restore_db_instance_to_point_in_time(
            source_db_instance_automated_backups_arn=keywords.pop("arn", arn),
            target_db_instance_identifier=keywords.pop("target", "restored"),
            **keywords,
        )

    with pytest.raises(InvalidRestoreFault, match="cannot be restored yet"):
        restore(use_latest_restorable_time=True)
    statuses(client, 3)
    sandbox.advance(timedelta(hours=1))
    now = datetime.now(timezone.utc)
    for outside in (now - timedelta(hours=1), now + timedelta(hours=2)):
        with pytest.raises(InvalidRestoreFault, match="is not between"):
            restore(restore_time=outside)
    restored = restore(use_latest_restorable_time=True, db_instance_class="db.m5.large")
    assert restored.db_instance_status == "creating"
    assert restored.db_instance_class == "db.m5.large"
    assert restored.engine == "postgres"
    rds = sandbox.boto3_client("rds", "us-east-1")
    polled = [
        rds.describe_db_instances(DBInstanceIdentifier="restored")["DBInstances"][0]
        for _ in range(3)
    ]
    assert [each["DBInstanceStatus"] for each in polled] == ["creating", "creating", "available"]
    with pytest.raises(DBInstanceAlreadyExistsFault):
        restore(use_latest_restorable_time=True)
    assert restore(restore_time=now + timedelta(minutes=30), target="earlier").db_instance_arn
    with pytest.raises(DBInstanceAutomatedBackupNotFoundFault):
        restore(arn=f"{arn}x", use_latest_restorable_time=True)


def test_restore_from_instance_uses_moto(sandbox: Sandbox) -> None:
    restored = sandbox.boto3_client("rds", "us-west-2").restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier="mydatabase",
        TargetDBInstanceIdentifier="copy",
        UseLatestRestorableTime=True,
    )
    assert restored["DBInstance"]["DBInstanceIdentifier"] == "copy"
