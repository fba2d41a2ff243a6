"""A small RDS with a state: what replicates, what is retained, what was restored."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..wire import BACKUP_ARN, SOURCE_ARN, backup_xml, listing_xml, result_xml

START = "StartDBInstanceAutomatedBackupsReplication"
STOP = "StopDBInstanceAutomatedBackupsReplication"
DESCRIBE = "DescribeDBInstanceAutomatedBackups"
DELETE = "DeleteDBInstanceAutomatedBackup"
DESCRIBE_REGIONS = "DescribeSourceRegions"
RESTORE = "RestoreDBInstanceToPointInTime"
DESCRIBE_INSTANCES = "DescribeDBInstances"

TARGET = "restored"
WANTED_DAYS = 14
_DEFAULT_DAYS = 7


class RefusedError(Exception):
    """The state does not allow the operation."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code, message, status)
        self.code = code
        self.message = message
        self.status = status


@dataclass
class Backup:
    status: str
    days: int = WANTED_DAYS
    arn: str = BACKUP_ARN

    @property
    def is_live(self) -> bool:
        return self.status != "retained"

    def xml(self, status: str | None = None, source_arn: str = SOURCE_ARN) -> str:
        return backup_xml(
            DBInstanceArn=source_arn,
            Status=status or self.status,
            BackupRetentionPeriod=str(self.days),
            DBInstanceAutomatedBackupsArn=self.arn,
            AllocatedStorage="20",
        )


# An instance of another Region that has the same name, and is none of a cell's business.
_NAMESAKE_ARN = SOURCE_ARN.replace("us-west-2", "eu-west-1")
_NAMESAKE = Backup("replicating", arn=f"{BACKUP_ARN}namesake")


@dataclass
class PlainRDS:
    """One source instance and what a destination keeps of it. No time passes in it."""

    backups: list[Backup] = field(default_factory=list[Backup])
    looks_before_replicating: int = 0
    looks_behind: int = 0
    """How many looks after a change still show what was so before."""
    starts: int = 0
    stops: int = 0
    is_restored: bool = False
    _before: list[Backup] = field(default_factory=list[Backup])
    _looks_behind: int = 0

    @property
    def live(self) -> Backup | None:
        return next((backup for backup in self.backups if backup.is_live), None)

    def answer(self, action: str, parameters: Mapping[str, str]) -> str:
        """Does what is asked for; raises RefusedError if it cannot be."""
        doings = {
            START: self._start,
            STOP: self._stop,
            DESCRIBE: self._describe,
            DELETE: self._delete,
            DESCRIBE_REGIONS: self._describe_regions,
            RESTORE: self._restore,
            DESCRIBE_INSTANCES: self._describe_instances,
        }
        return doings[action](parameters)

    def _start(self, parameters: Mapping[str, str]) -> str:
        if self.live:
            raise RefusedError("InvalidDBInstanceAutomatedBackupState", "It replicates already.")
        self._changes()
        self.starts += 1
        days = int(parameters.get("BackupRetentionPeriod", _DEFAULT_DAYS))
        self.backups.append(Backup("pending", days, f"{BACKUP_ARN}{len(self.backups)}"))
        return result_xml(START, self.backups[-1].xml())

    def _stop(self, _: Mapping[str, str]) -> str:
        live = self.live
        if live is None:
            raise RefusedError(
                "InvalidDBInstanceState", "It is not replicating to the current region."
            )
        self._changes()
        self.stops += 1
        before, live.status = live.status, "retained"
        return result_xml(STOP, live.xml(before))  # as RDS does

    def _changes(self) -> None:
        self._before = [replace(backup) for backup in self.backups]
        self._looks_behind = self.looks_behind

    def _describe(self, parameters: Mapping[str, str]) -> str:
        arn = parameters.get("DBInstanceAutomatedBackupsArn")
        shown = self._before if self._looks_behind else self.backups
        self._looks_behind = max(0, self._looks_behind - 1)
        found = [backup for backup in shown if arn in (None, backup.arn)]
        if arn is not None and not found:
            raise RefusedError("DBInstanceAutomatedBackupNotFound", "It does not exist.", 404)
        listed = [backup.xml() for backup in found]
        if arn is None:
            listed.append(_NAMESAKE.xml(source_arn=_NAMESAKE_ARN))
        answer = listing_xml(*listed)
        if self.live and self.looks_before_replicating:
            self.looks_before_replicating -= 1
            self.live.status = "pending" if self.looks_before_replicating else "replicating"
        return answer

    def _delete(self, _: Mapping[str, str]) -> str:
        if not self.backups:
            raise RefusedError("DBInstanceAutomatedBackupNotFound", "It does not exist.", 404)
        deleted = self.backups.pop()
        return result_xml(DELETE, deleted.xml("deleting"))

    def _describe_regions(self, _: Mapping[str, str]) -> str:
        supported = "SupportsDBInstanceAutomatedBackupsReplication"
        row = f"<RegionName>us-west-2</RegionName><{supported}>true</{supported}>"
        rows = f"<SourceRegions><SourceRegion>{row}</SourceRegion></SourceRegions>"
        return result_xml(DESCRIBE_REGIONS, rows)

    def _restore(self, _: Mapping[str, str]) -> str:
        if self.is_restored:
            raise RefusedError("DBInstanceAlreadyExists", "The name is taken.")
        self.is_restored = True
        members = (
            f"<DBInstanceIdentifier>{TARGET}</DBInstanceIdentifier>"
            "<DBInstanceStatus>creating</DBInstanceStatus><AllocatedStorage>20</AllocatedStorage>"
        )
        return result_xml(RESTORE, f"<DBInstance>{members}</DBInstance>")

    def _describe_instances(self, _: Mapping[str, str]) -> str:
        tag = "DBInstanceAutomatedBackupsReplication"
        arns = [backup.arn for backup in self.backups if backup.is_live]
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
