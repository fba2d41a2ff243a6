"""A small RDS with a state: active, retained and restored backups."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ..loopback import REQUEST_ID, error_xml, result_xml
from ..wire import (
    BACKUP_ARN,
    KMS_KEY_ARN,
    SOURCE_ARN,
    backup_xml,
    listing_xml,
    replications_xml,
    source_xml,
)

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
RESOURCE_ID = "db-JKIB2GFQ5RV7REPLZADAUSBRKT"
"""Resource ID of the source instance."""
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
START_REFUSAL = Refusal("KMSKeyNotAccessibleFault", "The key permits nothing.")
"""The refusal of starts that the state does not allow, whatever the fault."""


class RefusedError(Exception):
    """The state does not allow the operation."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.status = refusal.status
        self.body = refusal.body("")


class Settings(NamedTuple):
    """The settings of a replication."""

    days: int = WANTED_DAYS
    key: str | None = KMS_KEY_ARN
    tags: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_start(cls, parameters: Mapping[str, str]) -> "Settings":
        """Return the settings in the parameters of a start."""
        numbers = itertools.takewhile(
            lambda number: f"Tags.Tag.{number}.Key" in parameters, itertools.count(1)
        )
        tags = tuple(
            (parameters[f"Tags.Tag.{number}.Key"], parameters.get(f"Tags.Tag.{number}.Value", ""))
            for number in numbers
        )
        days = int(parameters.get("BackupRetentionPeriod", _DEFAULT_DAYS))
        return cls(days, parameters.get("KmsKeyId"), tags)


_WANTED = Settings()


@dataclass
class Backup:
    status: str
    settings: Settings = _WANTED
    arn: str = BACKUP_ARN
    source_arn: str = SOURCE_ARN
    resource_id: str = RESOURCE_ID

    @property
    def is_active(self) -> bool:
        """Return whether the replication has not ended."""
        return self.status != "retained"

    def xml(self, status: str | None = None) -> str:
        days, key, tags = self.settings
        tag_list = "".join(f"<Tag><Key>{k}</Key><Value>{v}</Value></Tag>" for k, v in tags)
        return backup_xml(
            DBInstanceArn=self.source_arn,
            DbiResourceId=self.resource_id,
            Status=status or self.status,
            BackupRetentionPeriod=str(days),
            DBInstanceAutomatedBackupsArn=self.arn,
            AllocatedStorage="20",
            **({} if key is None else {"KmsKeyId": key}),
            **({"TagList": tag_list} if tags else {}),
        )


NEW_ARN = f"{BACKUP_ARN}1"
"""The ARN of the backup of the first start."""
# An instance with the same name in another Region.
NAMESAKE_ARN = f"{BACKUP_ARN}namesake"
_NAMESAKE = Backup(
    "replicating",
    arn=NAMESAKE_ARN,
    source_arn=SOURCE_ARN.replace("us-west-2", "eu-west-1"),
    resource_id="db-NAMESAKE",
)
# An instance that had the source's ARN before. Its settings must not come back.
_FORMER_INSTANCE = Backup(
    "retained",
    Settings(3, key=None, tags=(("of", "a former instance"),)),
    arn=f"{BACKUP_ARN}former",
    resource_id="db-FORMER",
)


@dataclass
class PlainRDS:
    """One source instance and its backups in the destination. Time does not pass in it."""

    backups: list[Backup] = field(default_factory=list[Backup])
    polls_before_replicating: int = 0
    stale_polls: int = 0
    """How many polls after a change still show the state before it."""
    is_paged: bool = False
    """Whether describe returns two pages."""
    has_former_instance: bool = False
    """Whether a retained backup shows the source's ARN, but belongs to a former instance."""
    refused_starts: int = 0
    """How many starts RDS refuses first."""
    reuses_arn: bool = False
    """Whether a restarted replication has the ARN of the former one."""
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
        if self.refused_starts:
            self.refused_starts -= 1
            raise RefusedError(START_REFUSAL)
        self._keep_stale_state()
        self.starts += 1
        arn = BACKUP_ARN if self.reuses_arn else f"{BACKUP_ARN}{self.starts}"
        self.backups = [backup for backup in self.backups if backup.arn != arn]
        self.backups.append(Backup("pending", Settings.of_start(parameters), arn))
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
        resource_id = parameters.get("DbiResourceId", "").lower()  # RDS ignores the capitalization
        shown = list(self._before if self._stale_polls_left else self.backups)
        if self.has_former_instance:
            shown.insert(0, _FORMER_INSTANCE)
        self._stale_polls_left = max(0, self._stale_polls_left - 1)
        found = [
            backup
            for backup in shown
            if arn in (None, backup.arn) and resource_id in ("", backup.resource_id.lower())
        ]
        if arn is not None and not found:
            raise RefusedError(_NOT_FOUND)
        listed = [backup.xml() for backup in found]
        if arn is None:  # the client must ignore it, even where RDS should have left it out
            listed.append(_NAMESAKE.xml())
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
        key_id = KMS_KEY_ARN.rpartition("/")[2]
        return json.dumps({"KeyMetadata": {"KeyId": key_id, "KeyState": "Enabled"}})

    def _describe_instances(self, _: Mapping[str, str]) -> str:
        arns = [backup.arn for backup in self.backups if backup.is_active]
        return source_xml(
            DbiResourceId=RESOURCE_ID,
            AllocatedStorage="20",
            DBInstanceAutomatedBackupsReplications=replications_xml(*arns),
        )
