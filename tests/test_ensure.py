"""``ensure_replication``: what the client starts, leaves unchanged and rejects."""

from typing import Any

import pytest

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication.exceptions import (
    AccessDeniedError,
    DBInstanceAutomatedBackupNotFoundFault,
    RequestValidationError,
)

from .replication_cases import (
    ACTIVE,
    DESCRIBE,
    KEY_ID,
    RETAINED,
    START,
    STARTED,
    actions,
    ensure,
    refuse,
    show,
)
from .wire import KMS_KEY_ARN, SOURCE_ARN, ScriptedRDS

pytestmark = pytest.mark.usefixtures("clock")


def test_ensure_replication_with_retained_backup(rds: ScriptedRDS) -> None:
    """A retained backup does not replicate, so the client starts with the requested settings."""
    show(rds, RETAINED)
    rds.answers(STARTED)
    result = rds.lone_client().ensure_replication(
        source_db_instance_arn=SOURCE_ARN,
        backup_retention_period=14,
        kms_key_id="alias/backups",
        tags=iter([{"Key": "env", "Value": "prod"}]),
    )
    assert result.action == "started"
    assert result.backup.status == "pending"
    assert actions(rds) == [DESCRIBE, START]
    assert rds.received[1].parameters.items() >= {
        ("SourceDBInstanceArn", SOURCE_ARN),
        ("BackupRetentionPeriod", "14"),
        ("KmsKeyId", "alias/backups"),
        ("Tags.Tag.1.Key", "env"),
    }


def test_ensure_replication_with_not_found_fault(rds: ScriptedRDS) -> None:
    """A not-found fault of describe means no backup, except to a caller of the operation."""
    for _ in range(3):
        refuse(rds, "DBInstanceAutomatedBackupNotFound", status=404)
    rds.answers(STARTED)
    client = rds.lone_client()
    with pytest.raises(DBInstanceAutomatedBackupNotFoundFault):
        list(client.describe_db_instance_automated_backups(db_instance_identifier="mydatabase"))
    assert client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN) is None
    assert ensure(client) == "started"
    assert actions(rds) == [DESCRIBE, DESCRIBE, DESCRIBE, START]


@pytest.mark.parametrize(
    "keywords",
    [
        {},
        {"backup_retention_period": 14},
        {"kms_key_id": KMS_KEY_ARN},
        {"kms_key_id": KEY_ID, "tags": {"env": "prod"}},
    ],
)
def test_ensure_replication_with_same_settings(rds: ScriptedRDS, keywords: dict[str, Any]) -> None:
    """The client describes only the source's backups, and changes nothing."""
    show(rds, ACTIVE)
    assert ensure(rds.lone_client(), **keywords) == "unchanged"
    assert rds.received[0].parameters["DBInstanceIdentifier"] == "mydatabase"
    assert actions(rds) == [DESCRIBE]


@pytest.mark.parametrize("status", ["", "<Status>being looked after</Status>"])
def test_ensure_replication_with_unknown_status(rds: ScriptedRDS, status: str) -> None:
    """A backup with no status or an unknown one counts as active."""
    show(rds, ACTIVE.replace("<Status>pending</Status>", status))
    assert ensure(rds.lone_client()) == "unchanged"
    assert actions(rds) == [DESCRIBE]


def test_ensure_methods_with_invalid_parameters(client: BackupReplicationClient) -> None:
    """The methods report all invalid parameters before the first request."""
    with pytest.raises(RequestValidationError) as caught:
        client.ensure_replication(
            source_db_instance_arn="mydatabase", backup_retention_period=36, tags={"aws:x": "y"}
        )
    assert len(caught.value.errors) == 3
    for method in (client.ensure_stopped, client.find_replicated_backup, client.check_replication):
        with pytest.raises(RequestValidationError, match="mydatabase"):
            method(source_db_instance_arn="mydatabase")


def test_ensure_replication_in_govcloud(rds: ScriptedRDS) -> None:
    """The start in GovCloud carries a presigned URL for the destination Region."""
    show(rds)
    rds.answers(STARTED)
    arn = SOURCE_ARN.replace("arn:aws:", "arn:aws-us-gov:").replace("us-west-2", "us-gov-east-1")
    rds.lone_client("us-gov-west-1").ensure_replication(source_db_instance_arn=arn)
    assert "DestinationRegion=us-gov-west-1" in rds.received[1].parameters["PreSignedUrl"]


def test_ensure_replication_with_failed_describe(rds: ScriptedRDS) -> None:
    """The client raises the error of its first describe."""
    refuse(rds, "AccessDenied", status=403)
    with pytest.raises(AccessDeniedError):
        ensure(rds.lone_client())
