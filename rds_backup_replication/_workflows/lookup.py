"""Looking: at a source's replicated backup, and at the source itself."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any, NamedTuple

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError, SSLError

from .._api import ApiOperations
from .._arn import Destination, parse_arn
from .._botocore.client_factory import ClientFactory, prepare_client
from .._botocore.errors import NO_ANSWER, SERVER_ERROR, server_failed
from .._clock import Clock
from .._models import BackupStatus, DBInstance, DBInstanceAutomatedBackup, RequestModel
from .._operations import Operation
from ..exceptions import (
    DBInstanceAutomatedBackupNotFoundFault,
    DBInstanceNotFoundFault,
    ResponseValidationError,
    ServiceError,
    ThrottlingError,
)

READ_ERRORS = (ClientError, ResponseValidationError, BotoCoreError)
_TOO_MANY = 429
_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)


class DescribeDBInstancesRequest(RequestModel, frozen=True):
    db_instance_identifier: str | None = None


DESCRIBE_DB_INSTANCES = Operation(
    "DescribeDBInstances", DescribeDBInstancesRequest, "DBInstances", DBInstance
)


class Context(NamedTuple):
    """What the methods that are built on API operations work with."""

    api: ApiOperations
    destination: Destination
    clock: Clock
    boto3_client: ClientFactory | None
    """Of the same session, endpoint and configuration; ``None`` if only a client was given."""

    def source_client(self, source_arn: str) -> BaseClient | None:
        """A boto3 client for the source's Region, where one can be made."""
        arn = parse_arn(source_arn)
        return None if arn is None or self.boto3_client is None else self.client_in(arn.region)

    def client_in(self, region_name: str) -> BaseClient:
        """A boto3 client for a Region; only of a client that was not made of one."""
        if self.boto3_client is None:
            raise TypeError("a client made with client= can ask no other Region")
        return prepare_client(self.boto3_client("rds", region_name), "source_client")


def is_passing(error: Exception) -> bool:
    """Whether the same call may well succeed in a while, whatever one does."""
    if isinstance(error, ResponseValidationError):  # what a proxy says, and no XML, perhaps
        status = int(error.response.get("status_code", 200))
        return status == _TOO_MANY or status >= SERVER_ERROR or _is_cut_off(error.response)
    if isinstance(error, ServiceError):
        return server_failed(error) or isinstance(error, ThrottlingError)
    return isinstance(error, NO_ANSWER) and not isinstance(error, SSLError)


def _is_cut_off(answer: Mapping[str, Any]) -> bool:
    """Whether the connection was lost within the answer; botocore takes that for the whole."""
    lengths = [
        v for name, v in answer.get("headers", {}).items() if name.lower() == "content-length"
    ]
    return any(length.isdecimal() and len(answer["body"]) < int(length) for length in lengths)


def is_live(backup: DBInstanceAutomatedBackup) -> bool:
    """Whether it replicates or is about to; a status that nobody knows counts as that."""
    return backup.status not in (BackupStatus.RETAINED, BackupStatus.DELETING)


def find_replicated_backup(api: ApiOperations, source_arn: str) -> DBInstanceAutomatedBackup | None:
    """The live backup of a source in the client's Region, or else the newest retained one."""
    return best_of(backups_of(api, source_arn))


def backups_of(api: ApiOperations, source_arn: str) -> list[DBInstanceAutomatedBackup]:
    """All backups of a source in the client's Region."""
    # Instances of other Regions may have the same name, so RDS's answer is not enough.
    return [
        backup
        for backup in _listed(
            api.describe_db_instance_automated_backups(
                db_instance_identifier=source_arn.rpartition(":")[2]
            )
        )
        if same_arn(backup.db_instance_arn, source_arn)
    ]


def best_of(backups: Iterable[DBInstanceAutomatedBackup]) -> DBInstanceAutomatedBackup | None:
    """Of one source's backups, the live one, or else the newest retained one."""
    found = list(backups)
    live = next(filter(is_live, found), None)
    retained = [backup for backup in found if backup.is_retained]
    return live or max(retained, key=_latest_time, default=None)


def backup_of(api: ApiOperations, backup_arn: str) -> DBInstanceAutomatedBackup | None:
    """The backup of that ARN, if RDS knows it."""
    backups = _listed(
        api.describe_db_instance_automated_backups(db_instance_automated_backups_arn=backup_arn)
    )
    # An answer that is behind may be empty, or of another backup.
    found = (b for b in backups if same_arn(b.db_instance_automated_backups_arn, backup_arn))
    return next(found, None)


def _listed(
    backups: Iterator[DBInstanceAutomatedBackup],
) -> Iterator[DBInstanceAutomatedBackup]:
    """What is listed; RDS may refuse with this fault where there is nothing to list."""
    with suppress(DBInstanceAutomatedBackupNotFoundFault):
        yield from backups


def source_instance(source_client: BaseClient, source_arn: str) -> DBInstance | None:
    """The source instance as its own Region shows it; ``None`` if it does not exist."""
    request = DescribeDBInstancesRequest(db_instance_identifier=source_arn.rpartition(":")[2])
    try:
        instances = list(DESCRIBE_DB_INSTANCES.iterate(source_client, request))
    except DBInstanceNotFoundFault:
        return None
    return next((i for i in instances if same_arn(i.db_instance_arn, source_arn)), None)


def replications_to(region_name: str, instance: DBInstance) -> list[str]:
    """ARNs of the replicated backups in a Region, as far as the source lists them."""
    replications = instance.db_instance_automated_backups_replications or ()
    arns = [replication.db_instance_automated_backups_arn or "" for replication in replications]
    return [arn for arn in arns if f":rds:{region_name}:".lower() in arn.lower()]


def same_arn(one: str | None, other: str) -> bool:
    """Whether two ARNs are: RDS stores identifiers in lower case, whatever was typed."""
    return one is not None and one.lower() == other.lower()


def _latest_time(backup: DBInstanceAutomatedBackup) -> datetime:
    window = backup.restore_window
    return (window and window.latest_time) or _LONG_AGO
