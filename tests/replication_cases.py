"""Scripted responses and shared calls for the tests of ensured, replaced and stopped replications.

The scripted RDS repeats the last response of its script for every further request.
"""

import json
from typing import Any

from rds_backup_replication import BackupReplicationClient, DBInstanceAutomatedBackup

from .loopback import error_xml, result_xml
from .wire import (
    BACKUP_ARN,
    KMS_KEY_ARN,
    SOURCE_ARN,
    ScriptedRDS,
    backup_xml,
    listing_xml,
    source_regions_xml,
)

START = "StartDBInstanceAutomatedBackupsReplication"
STOP = "StopDBInstanceAutomatedBackupsReplication"
DESCRIBE = "DescribeDBInstanceAutomatedBackups"
KEY_ID = KMS_KEY_ARN.rpartition("/")[2]
OTHER_KEY_ARN = KMS_KEY_ARN.replace("1234abcd", "ffffffff")
OTHER_BACKUP_ARN = "arn:aws:rds:us-east-1:123456789012:auto-backup:ab-other"
NOT_REPLICATING = "It is not replicating to the current region."
"""The text with which RDS refuses to stop an instance that does not replicate."""

ACTIVE = backup_xml(BackupRetentionPeriod="14", KmsKeyId=KMS_KEY_ARN)
RETAINED = backup_xml(Status="retained")
STARTED = result_xml(START, backup_xml(Status="pending"))
STOPPED = result_xml(STOP, backup_xml(Status="replicating"))

_TAGS = "".join(f"<Tag><Key>{key}</Key></Tag>" for key in ("aws:x", "rds:y", "env"))
FORMER = backup_xml(
    Status="replicating",
    BackupRetentionPeriod="14",
    KmsKeyId=KMS_KEY_ARN,
    DBInstanceAutomatedBackupsArn=BACKUP_ARN,
).replace("</DBInstanceAutomatedBackup>", f"<TagList>{_TAGS}</TagList></DBInstanceAutomatedBackup>")
"""The active backup whose replication a test replaces."""
ENDED = FORMER.replace("replicating", "retained")
"""The same backup after the stop."""


def active_for(days: int) -> str:
    """Return an active backup with a retention period."""
    return ACTIVE.replace(">14<", f">{days}<")


def show(rds: ScriptedRDS, *backups: str, times: int = 1) -> None:
    """Add responses to describe that list the backups."""
    for _ in range(times):
        rds.answers(listing_xml(*backups))


def refuse(
    rds: ScriptedRDS, code: str, message: str = "Something is wrong.", status: int = 400
) -> None:
    """Add a refusal."""
    rds.answers(error_xml(code, message), status=status)


def refuse_start(rds: ScriptedRDS) -> None:
    """Add a refusal of a start, with a text that the client does not know."""
    refuse(rds, "InvalidDBInstanceAutomatedBackupState", "Nobody knows this sentence.")


def pass_preflight(rds: ScriptedRDS, found: str = FORMER) -> None:
    """Add the responses to a replacement of a backup before the stop: a look, a check, a look."""
    show(rds, found)
    rds.answers(source_regions_xml())
    show(rds, found)
    rds.answers(json.dumps({"KeyMetadata": {"KeyId": KEY_ID, "KeyState": "Enabled"}}))
    show(rds, found)


def begin_replacement(rds: ScriptedRDS) -> None:
    """Add the responses to a replacement up to the first poll after the stop."""
    pass_preflight(rds)
    rds.answers(STOPPED)
    show(rds, ENDED)


def ensure(client: BackupReplicationClient, **keywords: Any) -> str:
    """Ensure a replication, and return the action that the client reports."""
    result = client.ensure_replication(source_db_instance_arn=SOURCE_ARN, **keywords)
    assert vars(result.backup)["db_instance_arn"] == SOURCE_ARN  # every action has a backup
    return result.action


def replace(client: BackupReplicationClient, **keywords: Any) -> str:
    """Replace a replication, and return the action that the client reports."""
    result = client.replace_replication(source_db_instance_arn=SOURCE_ARN, **keywords)
    assert vars(result.backup)["db_instance_arn"] == SOURCE_ARN  # every action has a backup
    return result.action


def stop(rds: ScriptedRDS, retries: int = 0) -> DBInstanceAutomatedBackup | None:
    """Ensure that nothing replicates, and return the backup whose replication ended."""
    return rds.lone_client(retries=retries).ensure_stopped(source_db_instance_arn=SOURCE_ARN)


def actions(rds: ScriptedRDS) -> list[str]:
    """Return the operations of the requests; KMS's protocol names none in its parameters."""
    return [request.parameters.get("Action", "") for request in rds.received]
