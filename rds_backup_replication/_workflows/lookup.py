"""Lookups: the replicated backups of a source, and the source instance itself."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timezone
from typing import NamedTuple

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError

from .._botocore.errors import NO_RESPONSE_ERRORS, is_transient
from .._context import Context
from .._limits import CONFIRMATION_PAUSES
from .._models import DBInstanceAutomatedBackup, RequestModel, SourceInstance
from .._operations import DESCRIBE, Operation
from .._steps import Steps
from ..exceptions import (
    DBInstanceAutomatedBackupNotFoundFault,
    DBInstanceNotFoundFault,
    ResponseValidationError,
)

READ_ERRORS = (ClientError, ResponseValidationError, BotoCoreError)
"""The errors of a call to AWS, whether RDS refused it or no valid response came."""
_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)

_logger = logging.getLogger("rds_backup_replication")


class DescribeDBInstancesRequest(RequestModel, frozen=True):
    db_instance_identifier: str | None = None


DESCRIBE_DB_INSTANCES = Operation(DescribeDBInstancesRequest, "DBInstances", SourceInstance)


class Source(NamedTuple):
    """What is known of the source instance."""

    arn: str
    is_checked: bool
    """Whether the resource ID is known, or it is known that the instance does not exist."""
    dbi_resource_id: str | None
    """Resource ID of the instance that has the ARN now; ``None`` if there is none."""
    status: str | None = None
    """Status of the instance."""
    listed: tuple[str, ...] | None = None
    """ARNs of the backups that the instance lists in the destination; ``None``: not known."""

    @classmethod
    def of(cls, arn: str, instance: SourceInstance | None, region_name: str) -> "Source":
        """Return what the source Region's response says."""
        if instance is None:
            return cls(arn, is_checked=True, dbi_resource_id=None)
        is_checked = instance.dbi_resource_id is not None
        status, listed = instance.db_instance_status, list_replications(instance, region_name)
        return cls(arn, is_checked, instance.dbi_resource_id, status, listed)

    @classmethod
    def unchecked(cls, arn: str) -> "Source":
        """Return a source whose Region was not asked, or did not answer."""
        return cls(arn, is_checked=False, dbi_resource_id=None)

    def owns(self, backup: DBInstanceAutomatedBackup) -> bool:
        """Return whether the backup certainly belongs to this instance."""
        return self.is_checked and is_same_id(backup.dbi_resource_id, self.dbi_resource_id)

    def confirms(self, backup: DBInstanceAutomatedBackup) -> bool:
        """Return whether the instance owns and lists the backup, and no stop is in progress.

        Until a stop has ended, the backup may show as active, and the instance is not available.
        """
        arn = backup.db_instance_automated_backups_arn
        is_busy = (self.status or "available").lower() != "available"
        is_listed = self.listed is None or any(is_same_id(each, arn) for each in self.listed)
        return self.owns(backup) and is_listed and not is_busy


def identify_source(
    context: Context, source_arn: str, is_worth_retry: Callable[[Exception], bool] = lambda _: False
) -> Steps[Source]:
    """Ask the source Region for the instance's resource ID.

    An error that the caller retries is raised, and one before anything was sent. Throttling and
    server errors are retried a few times. Any other error is logged, and the source is unchecked.
    """
    source_client = context.source_client(source_arn)
    if source_client is None:
        return Source.unchecked(source_arn)
    failure: Exception | None = None
    for pause in CONFIRMATION_PAUSES:
        if pause:
            yield pause
        try:
            instance = find_source_instance(context, source_client, source_arn)
            return Source.of(source_arn, instance, context.region_name)
        except READ_ERRORS as error:
            has_answer = isinstance(error, (ClientError, ResponseValidationError))
            # Otherwise botocore sent nothing, for example because credentials are missing.
            is_from_network = has_answer or isinstance(error, NO_RESPONSE_ERRORS)
            if is_worth_retry(error) or not is_from_network:
                raise
            failure = error
            # A Region that does not answer costs a minute each time.
            if not (has_answer and is_transient(error)):
                break
    _logger.warning(
        "RDS did not describe %s in its Region, so the client cannot check that the backups "
        "with its ARN are of this very instance: %s",
        *(source_arn, failure),
    )
    return Source.unchecked(source_arn)


def find_replicated_backup(context: Context, source: Source) -> DBInstanceAutomatedBackup | None:
    """Return the active backup of a source, or else its newest retained one."""
    return select_backup(list_backups(context, source))


def list_backups(context: Context, source: Source) -> list[DBInstanceAutomatedBackup]:
    """Return all backups of a source in the destination Region.

    An instance that was renamed keeps its backups, which may show its former name. A new instance
    of that name has none of them. Where the resource ID is not known, the ARN decides.
    """
    if not source.is_checked:
        return list_backups_by_arn(context, source.arn)
    if source.dbi_resource_id is None:
        return []
    found = _describe(context, dbi_resource_id=source.dbi_resource_id)
    return [b for b in found if is_same_id(b.dbi_resource_id, source.dbi_resource_id)]


def list_backups_by_arn(context: Context, source_arn: str) -> list[DBInstanceAutomatedBackup]:
    """Return all backups that show the source's ARN, also those of former instances."""
    # RDS filters by the name alone, which an instance in another Region may have, too.
    found = _describe(context, db_instance_identifier=source_arn.rpartition(":")[2])
    return [backup for backup in found if is_same_id(backup.db_instance_arn, source_arn)]


def find_backup(context: Context, backup_arn: str) -> DBInstanceAutomatedBackup | None:
    """Return the backup with an ARN, or ``None`` if RDS does not know it."""
    # A stale response may be empty, or contain another backup.
    found = _describe(context, db_instance_automated_backups_arn=backup_arn)
    return next(
        (b for b in found if is_same_id(b.db_instance_automated_backups_arn, backup_arn)), None
    )


def _describe(context: Context, **keywords: str) -> Iterator[DBInstanceAutomatedBackup]:
    with suppress(DBInstanceAutomatedBackupNotFoundFault):  # RDS may raise this for an empty list
        yield from DESCRIBE.list(context, **keywords)


def select_backup(backups: Iterable[DBInstanceAutomatedBackup]) -> DBInstanceAutomatedBackup | None:
    """Return a source's active backup, or else its newest retained one."""
    found = list(backups)
    active = next((backup for backup in found if backup.is_active), None)
    return active or select_retained(found)


def select_retained(
    backups: Iterable[DBInstanceAutomatedBackup],
) -> DBInstanceAutomatedBackup | None:
    """Return the retained backup with the latest restorable time."""
    retained = [backup for backup in backups if backup.is_retained]
    return max(retained, key=_latest_time, default=None)


def _latest_time(backup: DBInstanceAutomatedBackup) -> datetime:
    window = backup.restore_window
    return (window and window.latest_time) or _LONG_AGO


def find_source_instance(
    context: Context, source_client: BaseClient, source_arn: str
) -> SourceInstance | None:
    """Return the source instance, or ``None`` if it does not exist."""
    request = DescribeDBInstancesRequest(db_instance_identifier=source_arn.rpartition(":")[2])
    try:
        instances = list(DESCRIBE_DB_INSTANCES.iterate(context, request, source_client))
    except DBInstanceNotFoundFault:
        return None
    return next((i for i in instances if is_same_id(i.db_instance_arn, source_arn)), None)


def list_replications(instance: SourceInstance, region_name: str) -> tuple[str, ...] | None:
    """Return the ARNs of the backups that an instance lists as replicated to a Region.

    ``None`` if RDS's response has no such list.
    """
    replications = instance.db_instance_automated_backups_replications
    if replications is None:
        return None
    arns = [replication.db_instance_automated_backups_arn or "" for replication in replications]
    return tuple(arn for arn in arns if f":rds:{region_name}:".lower() in arn.lower())


def is_same_id(one: str | None, other: str | None) -> bool:
    """Return whether two ARNs or IDs are equal; RDS ignores their capitalization."""
    return one is not None and other is not None and one.lower() == other.lower()
