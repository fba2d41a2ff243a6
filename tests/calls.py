"""One call of each operation, and the errors that calls raise."""

from collections.abc import Callable
from typing import Any

import pytest

from rds_backup_replication import BackupReplicationClient, DBInstanceAutomatedBackup
from rds_backup_replication.exceptions import (
    ResponseValidationError,
    ServiceError,
)

from .loopback import result_xml
from .wire import BACKUP_ARN, SOURCE_ARN, backup_xml

START = "StartDBInstanceAutomatedBackupsReplication"
DESCRIBE = "DescribeDBInstanceAutomatedBackups"
STARTED = result_xml(START, backup_xml())

Call = Callable[[BackupReplicationClient], Any]
# One call of each operation. The call of a listing reads every page.
CALLS: dict[str, Call] = {
    START: lambda client: client.start_db_instance_automated_backups_replication(
        source_db_instance_arn=SOURCE_ARN
    ),
    "StopDBInstanceAutomatedBackupsReplication": lambda client: (
        client.stop_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)
    ),
    DESCRIBE: lambda client: list(client.describe_db_instance_automated_backups()),
    "DeleteDBInstanceAutomatedBackup": lambda client: client.delete_db_instance_automated_backup(
        db_instance_automated_backups_arn=BACKUP_ARN
    ),
    "DescribeSourceRegions": lambda client: list(client.describe_source_regions()),
    "RestoreDBInstanceToPointInTime": lambda client: client.restore_db_instance_to_point_in_time(
        source_db_instance_automated_backups_arn=BACKUP_ARN,
        target_db_instance_identifier="restored",
        use_latest_restorable_time=True,
    ),
}


# Errors whose message the client knows, each with a part of its hint.
KNOWN_ERRORS = (
    (
        "InvalidParameterValue",
        "Feature is not available in region us-west-1.",
        "describe_source_regions",
    ),
    ("InvalidParameterValue", "Encrypted instances require a valid KMS key ID.", "kms_key_id"),
    (
        "InvalidParameterValue",
        f"The ARN ({BACKUP_ARN}) is invalid for (DbInstanceAutomatedBackupsArn).",
        "account",
    ),
    ("InvalidParameterValue", "PreSignedUrl could not be authenticated.", "source_region"),
    (
        "InvalidDBInstanceState",
        "Source DB instance must have backup retention enabled.",
        "BackupRetentionPeriod",
    ),
    ("InvalidDBInstanceState", "It is not replicating to the current region", "does not replicate"),
    ("KMSKeyNotAccessibleFault", "The target KMS key does not exist", "kms:CreateGrant"),
    ("DBInstanceAutomatedBackupQuotaExceeded", "Quota.", "20"),
    ("InvalidClientTokenId", "The security token is invalid.", "enabled this Region"),
)


def start(client: BackupReplicationClient) -> DBInstanceAutomatedBackup:
    """Start a replication with no optional parameters."""
    return client.start_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)


def catch_service_error(call: Call, client: BackupReplicationClient) -> ServiceError:
    """Return the error that AWS reports for the call."""
    with pytest.raises(ServiceError) as caught:
        call(client)
    return caught.value


def catch_response_error(call: Call, client: BackupReplicationClient) -> ResponseValidationError:
    """Return the error that the client raises for an invalid response to the call."""
    with pytest.raises(ResponseValidationError) as caught:
        call(client)
    return caught.value


def page_xml(numbers: range, marker: str | None) -> str:
    """Return a page of backups, with the marker of the next page."""
    backups = "".join(backup_xml(DBInstanceIdentifier=f"db{number}") for number in numbers)
    tail = f"<Marker>{marker}</Marker>" if marker else ""
    items = f"<DBInstanceAutomatedBackups>{backups}</DBInstanceAutomatedBackups>"
    return result_xml(DESCRIBE, items + tail)
