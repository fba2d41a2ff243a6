"""Scripted responses for the tests of waits, and the statuses that polls find."""

from rds_backup_replication import DBInstanceAutomatedBackup

from .wire import BACKUP_ARN, backup_xml, replications_xml, source_xml

OTHER_BACKUP_ARN = f"{BACKUP_ARN}x"


def backup(status: str, arn: str = BACKUP_ARN, **members: str) -> str:
    """Return a backup with a status and an ARN."""
    return backup_xml(Status=status, DBInstanceAutomatedBackupsArn=arn, **members)


def source(status: str, *replicated_to: str) -> str:
    """Return a response that describes the source and the ARNs of its replicated backups."""
    return source_xml(
        DBInstanceStatus=status,
        DBInstanceAutomatedBackupsReplications=replications_xml(*replicated_to),
    )


def statuses(polled: list[DBInstanceAutomatedBackup | None]) -> list[str]:
    """Return the status that each poll found; an empty string if the poll found no backup."""
    return [str(each.status) if each else "" for each in polled]
