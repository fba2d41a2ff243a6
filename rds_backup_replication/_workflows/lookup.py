"""Lookups: the replicated backups of a source, and the source instance itself."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timezone

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError

from .._context import Context
from .._models import DBInstance, DBInstanceAutomatedBackup, RequestModel
from .._operations import DESCRIBE, Operation
from ..exceptions import (
    DBInstanceAutomatedBackupNotFoundFault,
    DBInstanceNotFoundFault,
    ResponseValidationError,
)

READ_ERRORS = (ClientError, ResponseValidationError, BotoCoreError)
"""The errors of a call to AWS, whether RDS refused it or no valid response came."""
_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)


class DescribeDBInstancesRequest(RequestModel, frozen=True):
    db_instance_identifier: str | None = None


DESCRIBE_DB_INSTANCES = Operation(DescribeDBInstancesRequest, "DBInstances", DBInstance)


def find_replicated_backup(context: Context, source_arn: str) -> DBInstanceAutomatedBackup | None:
    """Return the active backup of a source, or else its newest retained one."""
    return select_backup(list_backups(context, source_arn))


def list_backups(context: Context, source_arn: str) -> list[DBInstanceAutomatedBackup]:
    """Return all backups of a source in the destination Region."""
    # RDS filters by the name alone, which an instance in another Region may have, too.
    found = _describe(context, db_instance_identifier=source_arn.rpartition(":")[2])
    return [backup for backup in found if is_same_arn(backup.db_instance_arn, source_arn)]


def find_backup(context: Context, backup_arn: str) -> DBInstanceAutomatedBackup | None:
    """Return the backup with an ARN, or ``None`` if RDS does not know it."""
    # A stale response may be empty, or contain another backup.
    found = _describe(context, db_instance_automated_backups_arn=backup_arn)
    return next(
        (b for b in found if is_same_arn(b.db_instance_automated_backups_arn, backup_arn)), None
    )


def _describe(context: Context, **keywords: str) -> Iterator[DBInstanceAutomatedBackup]:
    with suppress(DBInstanceAutomatedBackupNotFoundFault):  # RDS may raise this for an empty list
        yield from DESCRIBE.list(context, **keywords)


def select_backup(backups: Iterable[DBInstanceAutomatedBackup]) -> DBInstanceAutomatedBackup | None:
    """Return a source's active backup, or else its newest retained one."""
    found = list(backups)
    active = next((backup for backup in found if backup.is_active), None)
    retained = [backup for backup in found if backup.is_retained]
    return active or max(retained, key=_latest_time, default=None)


def _latest_time(backup: DBInstanceAutomatedBackup) -> datetime:
    window = backup.restore_window
    return (window and window.latest_time) or _LONG_AGO


def find_source_instance(source_client: BaseClient, source_arn: str) -> DBInstance | None:
    """Return the source instance, or ``None`` if it does not exist."""
    request = DescribeDBInstancesRequest(db_instance_identifier=source_arn.rpartition(":")[2])
    try:
        instances = list(DESCRIBE_DB_INSTANCES.iterate(source_client, request))
    except DBInstanceNotFoundFault:
        return None
    return next((i for i in instances if is_same_arn(i.db_instance_arn, source_arn)), None)


def list_replications(instance: DBInstance, region_name: str) -> list[str]:
    """Return the ARNs of the backups that an instance lists as replicated to a Region."""
    replications = instance.db_instance_automated_backups_replications or ()
    arns = [replication.db_instance_automated_backups_arn or "" for replication in replications]
    return [arn for arn in arns if f":rds:{region_name}:".lower() in arn.lower()]


def is_same_arn(one: str | None, other: str) -> bool:
    """Return whether two ARNs are equal; RDS stores identifiers in lower case."""
    return one is not None and one.lower() == other.lower()
