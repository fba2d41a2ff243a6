"""RDS as the sandbox answers it: moto's, plus the operations that moto lacks.

Where AWS's wording of a refusal is not known, the message begins with
"Sandbox:", and its code is the likeliest one that the service model declares.
"""

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from moto.backends import get_backend
from moto.core.responses import ActionResult
from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBInstance
from moto.rds.responses import RDSResponse
from moto.utilities.utils import get_partition

from .._arn import Arn, parse_arn
from ._lifecycle import ReplicatedBackup
from ._regions import DESTINATIONS
from ._state import RESTORED_SETTINGS, State, Wanted, facts_of, make_distinct

_PAGE_SIZE = 100
_MAX_RETENTION_DAYS = 35
_RESERVED_TAG_PREFIXES = ("aws:", "rds:")
# What a restore says about the backup, not about the new instance.
_RESTORE_ONLY = (
    "restore_time",
    "source_db_instance_automated_backups_arn",
    "target_db_instance_identifier",
    "use_latest_restorable_time",
)


class SandboxRDSResponse(RDSResponse):
    """One request to RDS; moto finds a method by the operation's snake_case name."""

    state: State

    def start_db_instance_automated_backups_replication(self) -> ActionResult:
        with self.state.lock:
            source, arn = self._source(self.params["SourceDBInstanceArn"])
            source_arn = source.db_instance_arn  # in lower case, whatever was asked
            if self.region not in DESTINATIONS.get(arn.region, ()):
                raise RDSClientError(
                    "InvalidParameterValue",
                    f"Sandbox: backups in {arn.region} cannot be replicated to {self.region}.",
                )
            self._require_replicable(source)
            key = self._key_for(source)
            tags = self._tags()
            kept = self.state.kept_in(self.current_account, self.region)
            if any(backup.live and backup.source_arn == source_arn for backup in kept):
                raise RDSClientError(
                    "InvalidDBInstanceAutomatedBackupState",
                    f"Sandbox: {source_arn} is already replicating to {self.region}.",
                )
            if any(
                backup.source_arn == source_arn and backup.facts.get("KmsKeyId") != key
                for backup in kept
            ):
                raise RDSClientError(
                    "InvalidParameterValue",
                    "Sandbox: retained backups of this instance were made with another KMS key.",
                )
            if sum(backup.live for backup in kept) >= self.state.behavior.quota:
                raise RDSClientError(
                    "DBInstanceAutomatedBackupQuotaExceeded",
                    f"Sandbox: {self.state.behavior.quota} backups replicate to {self.region}.",
                )
            facts = facts_of(source)
            facts["BackupRetentionPeriod"] = self._retention() or source.backup_retention_period
            if key is not None:
                facts["KmsKeyId"] = key
            if tags:
                facts["TagList"] = tags
            settings = {name: getattr(source, name) for name in RESTORED_SETTINGS}
            backup = self.state.start(self.current_account, self.region, facts, settings)
            return ActionResult({"DBInstanceAutomatedBackup": backup.record(self.state.now())})

    def stop_db_instance_automated_backups_replication(self) -> ActionResult:
        with self.state.lock:
            source, _ = self._source(self.params["SourceDBInstanceArn"])
            source_arn = source.db_instance_arn
            for backup in self.state.kept_in(self.current_account, self.region):
                if backup.live and backup.source_arn == source_arn:
                    answer = backup.record(self.state.now())
                    backup.stop(self.state.now())
                    if backup.source_looks:
                        source.status = "modifying"
                    return ActionResult({"DBInstanceAutomatedBackup": answer})
            raise RDSClientError(
                "InvalidDBInstanceState",
                f"Sandbox: {source_arn} is not replicating to the current region.",
            )

    def describe_db_instance_automated_backups(self) -> ActionResult:
        with self.state.lock:
            asked_arn = self.params.get("DBInstanceAutomatedBackupsArn")
            arn = parse_arn(asked_arn) if asked_arn else None
            if asked_arn and (arn is None or arn.region != self.region):
                raise RDSClientError(
                    "InvalidParameterValue",
                    f"The provided ARN ({asked_arn}) is invalid for this parameter "
                    "(DbInstanceAutomatedBackupsArn).",
                )
            wanted = Wanted.by(self.params)
            records = [
                record
                for record in (*self._own_backups(), *self._looks(wanted))
                if wanted.by_identity(record) and wanted.by_status(record)
            ]
            if asked_arn and not records:
                raise RDSClientError(
                    "DBInstanceAutomatedBackupNotFound", f"Sandbox: {asked_arn} was not found."
                )
            return self._page("DBInstanceAutomatedBackups", records)

    def delete_db_instance_automated_backup(self) -> ActionResult:
        with self.state.lock:
            arn = self.params.get("DBInstanceAutomatedBackupsArn")
            resource_id = self.params.get("DbiResourceId")
            for backup in self.state.kept_in(self.current_account, self.region):
                if arn == backup.arn or resource_id == backup.facts["DbiResourceId"]:
                    if backup.live or backup.deleted:
                        raise RDSClientError(
                            "InvalidDBInstanceAutomatedBackupState",
                            f"Sandbox: {backup.arn} is in use.",
                        )
                    backup.delete()
                    record = backup.record(self.state.now())
                    answer: dict[str, Any] = {**record, "RestoreWindow": {}}
                    return ActionResult({"DBInstanceAutomatedBackup": answer})
            raise RDSClientError(
                "DBInstanceAutomatedBackupNotFound", f"Sandbox: {arn or resource_id} was not found."
            )

    def describe_source_regions(self) -> ActionResult:
        partition = get_partition(self.region)
        asked = self.params.get("RegionName")
        rows = [
            {
                "RegionName": region,
                "Endpoint": f"https://rds.{region}.amazonaws.com",
                "Status": "available",
                "SupportsDBInstanceAutomatedBackupsReplication": self.region in destinations,
            }
            for region, destinations in sorted(DESTINATIONS.items())
            if region != self.region
            and get_partition(region) == partition
            and asked in (None, region)
        ]
        return self._page("SourceRegions", rows)

    def restore_db_instance_to_point_in_time(self) -> ActionResult:
        asked_arn = self.params.get("SourceDBInstanceAutomatedBackupsArn")
        if asked_arn is None:
            return super().restore_db_instance_to_point_in_time()
        with self.state.lock:
            for backup in self.state.kept_in(self.current_account, self.region):
                if backup.arn == asked_arn and not backup.deleted:
                    self._require_restorable(backup)
                    instance = self.backend.create_db_instance(self._restored(backup))
                    make_distinct(instance)
                    instance.status = "creating"
                    return ActionResult({"DBInstance": instance})
            raise RDSClientError(
                "DBInstanceAutomatedBackupNotFound", f"Sandbox: {asked_arn} was not found."
            )

    # Moto's own operations, where replication shows in them.

    def create_db_instance(self) -> ActionResult:
        result = super().create_db_instance()
        make_distinct(self.backend.databases[self.params["DBInstanceIdentifier"].lower()])
        return result

    def describe_db_instances(self) -> ActionResult:
        with self.state.lock:
            asked = (self.params.get("DBInstanceIdentifier") or "").lower()
            for instance in self.backend.databases.values():
                if asked in ("", instance.db_instance_identifier, instance.db_instance_arn):
                    self._show_replications(instance)
            return super().describe_db_instances()

    def delete_db_instance(self) -> ActionResult:
        with self.state.lock:
            instance = self.backend.databases.get(self.params["DBInstanceIdentifier"])
            result = super().delete_db_instance()
            if instance is not None:
                for backup in self.state.of_source(instance.db_instance_arn):
                    if backup.live:
                        backup.stop(self.state.now())
            return result

    def _source(self, source_arn: str) -> tuple[DBInstance, Arn]:
        arn = parse_arn(source_arn)
        kind, _, identifier = arn.resource.partition(":") if arn else ("", "", "")
        if arn is None or kind != "db":
            raise RDSClientError(
                "InvalidParameterValue", f"Sandbox: {source_arn} names no DB instance."
            )
        if arn.region == self.region:
            raise RDSClientError(
                "InvalidParameterValue", f"Feature is not available in region {self.region}."
            )
        instances = get_backend("rds")[self.current_account][arn.region].databases
        if arn.account_id != self.current_account or identifier not in instances:
            raise RDSClientError("DBInstanceNotFound", f"DBInstance {identifier} not found.")
        return instances[identifier], arn

    def _require_replicable(self, source: DBInstance) -> None:
        if source.engine.startswith(("aurora", "custom-")) or source.db_cluster_identifier:
            raise RDSClientError(
                "InvalidParameterValue",
                f"Sandbox: automated backups of {source.engine} cannot be replicated.",
            )
        if not source.backup_retention_period:
            raise RDSClientError(
                "InvalidDBInstanceState", "Source DB instance must have backup retention enabled."
            )
        if source.status != "available":
            status = source.status
            self._show_replications(source)  # a look, too: or a busy source would stay so
            raise RDSClientError(
                "InvalidDBInstanceState",
                f"Sandbox: the source DB instance is {status}, not available.",
            )

    def _key_for(self, source: DBInstance) -> str | None:
        asked = self.params.get("KmsKeyId")
        if asked is None:
            if source.storage_encrypted:
                raise RDSClientError(
                    "InvalidParameterValue", "Encrypted instances require a valid KMS key ID."
                )
            return None
        arn = parse_arn(asked)
        account_id = arn.account_id if arn else self.current_account
        keys = get_backend("kms")[account_id][self.region]
        alias = keys.get_alias_name(asked)
        # Moto fails on an alias that it does not know.
        is_known = not alias.startswith("alias/") or keys.get_key_id_from_alias(alias)
        key = keys.keys.get(keys.any_id_to_key_id(asked)) if is_known else None
        if key is None or not key.enabled or (arn and arn.region != self.region):
            raise RDSClientError(
                "KMSKeyNotAccessibleFault",
                f"The target KMS key [{asked}] does not exist, is not enabled or you do not have "
                "permissions to access it.",
            )
        return str(key.arn)

    def _retention(self) -> int | None:
        days: int | None = self.params.get("BackupRetentionPeriod")
        if days is not None and not 1 <= days <= _MAX_RETENTION_DAYS:
            raise RDSClientError(
                "InvalidParameterValue", f"Sandbox: {days} days is not a valid retention period."
            )
        return days

    def _tags(self) -> list[dict[str, str]]:
        tags: list[dict[str, str]] = self.params.get("Tags") or []
        for tag in tags:
            for prefix in _RESERVED_TAG_PREFIXES:
                if tag.get("Key", "").startswith(prefix):
                    raise RDSClientError(
                        "InvalidParameterValue",
                        f'Tag keys cannot start with the reserved prefix "{prefix}".',
                    )
        return tags

    def _own_backups(self) -> Iterable[dict[str, Any]]:
        """The automated backups of this Region's own instances."""
        for instance in self.backend.databases.values():
            if instance.backup_retention_period and not instance.db_cluster_identifier:
                facts = facts_of(instance)
                backup_id = facts["DbiResourceId"].removeprefix("db-").lower()
                prefix = instance.db_instance_arn.rsplit(":", 2)[0]
                yield {
                    **facts,
                    "Status": "active",
                    "DBInstanceAutomatedBackupsArn": f"{prefix}:auto-backup:ab-{backup_id}",
                    "DBInstanceAutomatedBackupsReplications": self._replications(instance),
                    "RestoreWindow": {
                        "EarliestTime": instance.instance_create_time,
                        "LatestTime": self.state.now(),
                    },
                }

    def _looks(self, wanted: Wanted) -> Iterable[dict[str, Any]]:
        for backup in self.state.kept_in(self.current_account, self.region):
            if wanted.by_identity(backup.facts):
                record = backup.look(self.state.now())
                if record is not None:
                    yield record

    def _restored(self, backup: ReplicatedBackup) -> dict[str, Any]:
        overrides = {
            name: value for name, value in self.params.items() if name not in _RESTORE_ONLY
        }
        return {
            **backup.settings,
            "kms_key_id": backup.facts.get("KmsKeyId"),
            **overrides,
            "db_instance_identifier": self.params["TargetDBInstanceIdentifier"],
        }

    def _require_restorable(self, backup: ReplicatedBackup) -> None:
        window = backup.record(self.state.now())["RestoreWindow"]
        asked: datetime | None = self.params.get("RestoreTime")
        if not window:
            raise RDSClientError("InvalidRestoreFault", "Sandbox: there is nothing to restore yet.")
        if asked is not None:
            asked = asked.replace(tzinfo=timezone.utc)  # moto parses to naive UTC
        if asked is not None and not window["EarliestTime"] <= asked <= window["LatestTime"]:
            raise RDSClientError(
                "InvalidRestoreFault",
                f"Sandbox: {asked} is not between {window['EarliestTime']} and "
                f"{window['LatestTime']}.",
            )

    def _replications(self, instance: DBInstance) -> list[dict[str, str]]:
        return [
            {"DBInstanceAutomatedBackupsArn": backup.arn}
            for backup in self.state.of_source(instance.db_instance_arn)
            if backup.live or backup.source_looks
        ]

    def _show_replications(self, instance: DBInstance) -> None:
        """One look at a source: what it lists, and whether it still is busy."""
        # Moto's serializer looks for it, though its class does not declare it.
        vars(instance)["db_instance_automated_backups_replications"] = self._replications(instance)
        stopping = [
            backup
            for backup in self.state.of_source(instance.db_instance_arn)
            if backup.source_looks
        ]
        for backup in stopping:
            backup.source_looks -= 1
        if not stopping and instance.status in ("creating", "modifying"):
            instance.status = "available"

    def _page(self, member: str, rows: list[dict[str, Any]]) -> ActionResult:
        begin = int(self.params.get("Marker") or 0)
        end = begin + (self.params.get("MaxRecords") or _PAGE_SIZE)
        marker = str(end) if end < len(rows) else None
        return ActionResult({member: rows[begin:end], "Marker": marker})
