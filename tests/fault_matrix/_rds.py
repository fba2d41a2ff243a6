"""A small RDS with a state: active, retained and restored backups."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ..loopback import REQUEST_ID, error_xml, result_xml
from ..wire import BACKUP_ARN, KMS_KEY_ARN, SOURCE_ARN, backup_xml, listing_xml

START = "StartDBInstanceAutomatedBackupsReplication"
STOP = "StopDBInstanceAutomatedBackupsReplication"
DESCRIBE = "DescribeDBInstanceAutomatedBackups"
DELETE = "DeleteDBInstanceAutomatedBackup"
DESCRIBE_REGIONS = "DescribeSourceRegions"
RESTORE = "RestoreDBInstanceToPointInTime"
DESCRIBE_INSTANCES = "DescribeDBInstances"
DESCRIBE_KEY = "DescribeKey"
"""The only operation of KMS; all others are operations of RDS."""

TARGET = "restored"
WANTED_DAYS = 14
_DEFAULT_DAYS = 7


class Refusal(NamedTuple):
    """A refusal by RDS."""

    code: str
    message: str = "Something is wrong."
    status: int = 400
    request_id: str | None = REQUEST_ID

    def body(self, action: str) -> str:
        """Return the body in the protocol of the operation's service."""
        if action == DESCRIBE_KEY:
            return json.dumps({"__type": self.code, "message": self.message})
        return error_xml(self.code, self.message)


_NOT_FOUND = Refusal("DBInstanceAutomatedBackupNotFound", "It does not exist.", 404)
REPEAT_REFUSALS = {
    START: Refusal("InvalidDBInstanceAutomatedBackupState", "It replicates already."),
    STOP: Refusal("InvalidDBInstanceState", "It is not replicating to the current region."),
    DELETE: _NOT_FOUND,
    RESTORE: Refusal("DBInstanceAlreadyExists", "The name is taken."),
}
"""The refusals of operations that have taken effect already."""


class RefusedError(Exception):
    """The state does not allow the operation."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.status = refusal.status
        self.body = refusal.body("")


@dataclass
class Backup:
    status: str
    days: int = WANTED_DAYS
    arn: str = BACKUP_ARN

    @property
    def is_active(self) -> bool:
        """Return whether the replication has not ended."""
        return self.status != "retained"

    def xml(self, status: str | None = None, source_arn: str = SOURCE_ARN) -> str:
        return backup_xml(
            DBInstanceArn=source_arn,
            Status=status or self.status,
            BackupRetentionPeriod=str(self.days),
            DBInstanceAutomatedBackupsArn=self.arn,
            AllocatedStorage="20",
            KmsKeyId=KMS_KEY_ARN,
        )


NEW_ARN = f"{BACKUP_ARN}1"
"""The ARN of the backup of the first start."""
# An instance with the same name in another Region, which the client must ignore.
NAMESAKE_ARN = f"{BACKUP_ARN}namesake"
_NAMESAKE = Backup("replicating", arn=NAMESAKE_ARN)
_NAMESAKE_SOURCE = SOURCE_ARN.replace("us-west-2", "eu-west-1")


@dataclass
class PlainRDS:
    """One source instance and its backups in the destination. Time does not pass in it."""

    backups: list[Backup] = field(default_factory=list[Backup])
    polls_before_replicating: int = 0
    stale_polls: int = 0
    """How many polls after a change still show the state before it."""
    is_paged: bool = False
    """Whether describe returns two pages."""
    starts: int = 0
    stops: int = 0
    is_restored: bool = False
    _before: list[Backup] = field(default_factory=list[Backup])
    _stale_polls_left: int = 0

    @property
    def active(self) -> Backup | None:
        """Return the backup whose replication has not ended."""
        return next((backup for backup in self.backups if backup.is_active), None)

    def respond(self, action: str, parameters: Mapping[str, str]) -> str:
        """Return the response to an operation; raise RefusedError if the state forbids it."""
        handlers = {
            START: self._start,
            STOP: self._stop,
            DESCRIBE: self._describe,
            DELETE: self._delete,
            DESCRIBE_REGIONS: self._describe_regions,
            RESTORE: self._restore,
            DESCRIBE_INSTANCES: self._describe_instances,
            DESCRIBE_KEY: self._describe_key,
        }
        return handlers[action](parameters)

    def _start(self, parameters: Mapping[str, str]) -> str:
        if self.active:
            raise RefusedError(REPEAT_REFUSALS[START])
        self._keep_stale_state()
        self.starts += 1
        days = int(parameters.get("BackupRetentionPeriod", _DEFAULT_DAYS))
        self.backups.append(Backup("pending", days, f"{BACKUP_ARN}{self.starts}"))
        return result_xml(START, self.backups[-1].xml())

    def _stop(self, _: Mapping[str, str]) -> str:
        active = self.active
        if active is None:
            raise RefusedError(REPEAT_REFUSALS[STOP])
        self._keep_stale_state()
        self.stops += 1
        before, active.status = active.status, "retained"
        return result_xml(STOP, active.xml(before))  # RDS responds with the old status, too

    def _keep_stale_state(self) -> None:
        """Keep the present state for the stale polls after a change."""
        self._before = [replace(backup) for backup in self.backups]
        self._stale_polls_left = self.stale_polls

    def _describe(self, parameters: Mapping[str, str]) -> str:
        arn = parameters.get("DBInstanceAutomatedBackupsArn")
        shown = self._before if self._stale_polls_left else self.backups
        self._stale_polls_left = max(0, self._stale_polls_left - 1)
        found = [backup for backup in shown if arn in (None, backup.arn)]
        if arn is not None and not found:
            raise RefusedError(_NOT_FOUND)
        listed = [backup.xml() for backup in found]
        if arn is None:
            listed.append(_NAMESAKE.xml(source_arn=_NAMESAKE_SOURCE))
        if not self.is_paged:
            response = listing_xml(*listed)
        elif "Marker" in parameters:
            response = listing_xml(*listed[1:])
        else:
            end = "</DBInstanceAutomatedBackups>"
            response = listing_xml(listed[0]).replace(end, f"{end}<Marker>1</Marker>")
        if self.active and self.polls_before_replicating:
            self.polls_before_replicating -= 1
            self.active.status = "pending" if self.polls_before_replicating else "replicating"
        return response

    def _delete(self, _: Mapping[str, str]) -> str:
        if not self.backups:
            raise RefusedError(REPEAT_REFUSALS[DELETE])
        deleted = self.backups.pop()
        return result_xml(DELETE, deleted.xml("deleting"))

    def _describe_regions(self, _: Mapping[str, str]) -> str:
        supported = "SupportsDBInstanceAutomatedBackupsReplication"
        row = f"<RegionName>us-west-2</RegionName><{supported}>true</{supported}>"
        rows = f"<SourceRegions><SourceRegion>{row}</SourceRegion></SourceRegions>"
        return result_xml(DESCRIBE_REGIONS, rows)

    def _restore(self, _: Mapping[str, str]) -> str:
        if self.is_restored:
            raise RefusedError(REPEAT_REFUSALS[RESTORE])
        self.is_restored = True
        members = (
            f"<DBInstanceIdentifier>{TARGET}</DBInstanceIdentifier>"
            "<DBInstanceStatus>creating</DBInstanceStatus><AllocatedStorage>20</AllocatedStorage>"
        )
        return result_xml(RESTORE, f"<DBInstance>{members}</DBInstance>")

    def _describe_key(self, _: Mapping[str, str]) -> str:
        return json.dumps({"KeyMetadata": {"KeyId": KMS_KEY_ARN.rpartition("/")[2]}})

    def _describe_instances(self, _: Mapping[str, str]) -> str:
        tag = "DBInstanceAutomatedBackupsReplication"
        arns = [backup.arn for backup in self.backups if backup.is_active]
        listed = "".join(
            f"<{tag}><DBInstanceAutomatedBackupsArn>{arn}</DBInstanceAutomatedBackupsArn></{tag}>"
            for arn in arns
        )
        members = (
            f"<DBInstanceArn>{SOURCE_ARN}</DBInstanceArn><AllocatedStorage>20</AllocatedStorage>"
            f"<DBInstanceStatus>available</DBInstanceStatus><{tag}s>{listed}</{tag}s>"
        )
        return result_xml(
            DESCRIBE_INSTANCES, f"<DBInstances><DBInstance>{members}</DBInstance></DBInstances>"
        )
