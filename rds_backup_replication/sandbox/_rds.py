"""The sandbox's RDS API: moto's operations, plus those that moto lacks.

If AWS's wording of an error is unknown, the message begins with "Sandbox:" and the
error code is the most likely one that the service model declares.
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
from ._state import RESTORED_SETTINGS, BackupQuery, State, backup_facts, make_distinct

_PAGE_SIZE = 100
_MAX_RETENTION_DAYS = 35
_RESERVED_TAG_PREFIXES = ("aws:", "rds:")
# Parameters of a restore that are not settings of the new instance.
_RESTORE_ONLY = (
    "restore_time",
    "source_db_instance_automated_backups_arn",
    "target_db_instance_identifier",
    "use_latest_restorable_time",
)


class SandboxRDSResponse(RDSResponse):
    """The handler of one RDS request; moto calls the method that is named like the operation."""

    state: State

    def start_db_instance_automated_backups_replication(self) -> ActionResult:
        with self.state.lock:
            source, arn = self._find_source(self.params["SourceDBInstanceArn"])
            source_arn = source.db_instance_arn  # always in lower case
            if self.region not in DESTINATIONS.get(arn.region, ()):
                raise RDSClientError(
                    "InvalidParameterValue",
                    f"Sandbox: backups in {arn.region} cannot be replicated to {self.region}.",
                )
            self._require_replicable(source)
            key = self._find_key(source)
            tags = self._requested_tags()
            kept = self.state.kept_in(self.current_account, self.region)
            own = [backup for backup in kept if backup.is_of(source.dbi_resource_id)]
            if any(backup.live for backup in own):
                raise RDSClientError(
                    "InvalidDBInstanceAutomatedBackupState",
                    f"Sandbox: {source_arn} is already replicating to {self.region}.",
                )
            if any(self._is_of_deleted_namesake(backup, source) for backup in kept):
                raise RDSClientError(
                    "InvalidDBInstanceAutomatedBackupState",
                    f"Sandbox: the replication of the instance that was {source_arn} before has "
                    "not ended yet.",
                )
            if any(backup.facts.get("KmsKeyId") != key for backup in own):
                raise RDSClientError(
                    "InvalidParameterValue",
                    "Sandbox: retained backups of this instance use another KMS key.",
                )
            if sum(backup.live for backup in kept) >= self.state.behavior.quota:
                raise RDSClientError(
                    "DBInstanceAutomatedBackupQuotaExceeded",
                    f"Sandbox: the quota of {self.state.behavior.quota} replicated backups in "
                    f"{self.region} is reached.",
                )
            facts = backup_facts(source)
            facts["BackupRetentionPeriod"] = (
                self._requested_retention() or source.backup_retention_period
            )
            if key is not None:
                facts["KmsKeyId"] = key
            if tags:
                facts["TagList"] = tags
            settings = {name: getattr(source, name) for name in RESTORED_SETTINGS}
            backup = self.state.start(self.current_account, self.region, facts, settings)
            return ActionResult({"DBInstanceAutomatedBackup": backup.record(self.state.now())})

    def stop_db_instance_automated_backups_replication(self) -> ActionResult:
        with self.state.lock:
            source, _ = self._find_source(self.params["SourceDBInstanceArn"])
            source_arn = source.db_instance_arn
            for backup in self.state.kept_in(self.current_account, self.region):
                if backup.live and backup.is_of(source.dbi_resource_id):
                    record = backup.record(self.state.now())
                    backup.stop(self.state.now())
                    if backup.pending_source_polls:
                        source.status = backup.behavior.stopping_source_status
                    return ActionResult({"DBInstanceAutomatedBackup": record})
            raise RDSClientError(
                "InvalidDBInstanceState",
                f"Sandbox: {source_arn} is not replicating to the current region.",
            )

    def describe_db_instance_automated_backups(self) -> ActionResult:
        with self.state.lock:
            requested_arn = self.params.get("DBInstanceAutomatedBackupsArn")
            arn = parse_arn(requested_arn) if requested_arn else None
            if requested_arn and (arn is None or arn.region != self.region):
                raise RDSClientError(
                    "InvalidParameterValue",
                    f"The provided ARN ({requested_arn}) is invalid for this parameter "
                    "(DbInstanceAutomatedBackupsArn).",
                )
            query = BackupQuery.of(self.params)
            records = [
                record
                for record in (*self._local_backups(), *self._describe_replicated(query))
                if query.matches_identity(record) and query.matches_status(record)
            ]
            if requested_arn and not records:
                raise RDSClientError(
                    "DBInstanceAutomatedBackupNotFound", f"Sandbox: {requested_arn} was not found."
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
                    deleted: dict[str, Any] = {**record, "RestoreWindow": {}}
                    return ActionResult({"DBInstanceAutomatedBackup": deleted})
            raise RDSClientError(
                "DBInstanceAutomatedBackupNotFound", f"Sandbox: {arn or resource_id} was not found."
            )

    def describe_source_regions(self) -> ActionResult:
        partition = get_partition(self.region)
        requested = self.params.get("RegionName")
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
            and requested in (None, region)
        ]
        return self._page("SourceRegions", rows)

    def restore_db_instance_to_point_in_time(self) -> ActionResult:
        requested_arn = self.params.get("SourceDBInstanceAutomatedBackupsArn")
        if requested_arn is None:
            return super().restore_db_instance_to_point_in_time()
        with self.state.lock:
            for backup in self.state.kept_in(self.current_account, self.region):
                if backup.arn == requested_arn and not backup.deleted:
                    self._require_restorable(backup)
                    instance = self.backend.create_db_instance(self._restored_settings(backup))
                    make_distinct(instance)
                    instance.status = "creating"
                    return ActionResult({"DBInstance": instance})
            raise RDSClientError(
                "DBInstanceAutomatedBackupNotFound", f"Sandbox: {requested_arn} was not found."
            )

    # Operations that moto has, extended because replication affects their responses.

    def create_db_instance(self) -> ActionResult:
        result = super().create_db_instance()
        make_distinct(self.backend.databases[self.params["DBInstanceIdentifier"].lower()])
        return result

    def describe_db_instances(self) -> ActionResult:
        with self.state.lock:
            requested = (self.params.get("DBInstanceIdentifier") or "").lower()
            for instance in self.backend.databases.values():
                if requested in ("", instance.db_instance_identifier, instance.db_instance_arn):
                    self._poll_source(instance)
            return super().describe_db_instances()

    def modify_db_instance(self) -> ActionResult:
        former_name = self.params["DBInstanceIdentifier"].lower()
        is_renamed = bool(self.params.get("NewDBInstanceIdentifier"))
        result = super().modify_db_instance()  # changes the parameters
        if is_renamed:
            # Moto names automated snapshots after the instance, and a new instance of the former
            # name would need the same names.
            prefix = f"rds:{former_name}-"
            for name in [n for n in self.backend.database_snapshots if n.startswith(prefix)]:
                del self.backend.database_snapshots[name]
        return result

    def delete_db_instance(self) -> ActionResult:
        with self.state.lock:
            instance = self.backend.databases.get(self.params["DBInstanceIdentifier"])
            result = super().delete_db_instance()
            if instance is not None:
                for backup in self.state.backups_of(instance.dbi_resource_id):
                    if backup.live:
                        backup.stop(self.state.now())
            return result

    def _find_source(self, source_arn: str) -> tuple[DBInstance, Arn]:
        """Return the source instance and its ARN."""
        arn = parse_arn(source_arn)
        kind, _, identifier = arn.resource.partition(":") if arn else ("", "", "")
        if arn is None or kind != "db":
            raise RDSClientError(
                "InvalidParameterValue", f"Sandbox: {source_arn} is not the ARN of a DB instance."
            )
        if arn.region == self.region:
            raise RDSClientError(
                "InvalidParameterValue", f"Feature is not available in region {self.region}."
            )
        backends = get_backend("rds")[self.current_account]
        known: list[str] = vars(backends)["regions"]
        if arn.region not in known:
            raise RDSClientError(
                "InvalidParameterValue", f"Sandbox: there is no Region {arn.region}."
            )
        instances = backends[arn.region].databases
        if arn.account_id != self.current_account or identifier not in instances:
            raise RDSClientError("DBInstanceNotFound", f"DBInstance {identifier} not found.")
        return instances[identifier], arn

    def _require_replicable(self, source: DBInstance) -> None:
        """Raise if the source instance cannot be replicated in its current state."""
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
            # Count the attempt as a poll, so that retrying the start succeeds eventually.
            self._poll_source(source)
            raise RDSClientError(
                "InvalidDBInstanceState",
                f"Sandbox: the source DB instance is {status}, not available.",
            )

    def _find_key(self, source: DBInstance) -> str | None:
        """Return the ARN of the requested KMS key, which an encrypted source requires."""
        requested = self.params.get("KmsKeyId")
        if requested is None:
            if source.storage_encrypted:
                raise RDSClientError(
                    "InvalidParameterValue", "Encrypted instances require a valid KMS key ID."
                )
            return None
        arn = parse_arn(requested)
        account_id = arn.account_id if arn else self.current_account
        keys = get_backend("kms")[account_id][self.region]
        alias = keys.get_alias_name(requested)
        # Moto raises an unrelated exception for an unknown alias, so check for one first.
        is_known = not alias.startswith("alias/") or keys.get_key_id_from_alias(alias)
        key = keys.keys.get(keys.any_id_to_key_id(requested)) if is_known else None
        if key is None or not key.enabled or (arn and arn.region != self.region):
            raise RDSClientError(
                "KMSKeyNotAccessibleFault",
                f"The target KMS key [{requested}] does not exist, is not enabled or you do not "
                "have permissions to access it.",
            )
        return str(key.arn)

    def _is_of_deleted_namesake(self, backup: ReplicatedBackup, source: DBInstance) -> bool:
        """Return whether a backup replicates for a deleted instance that had the source's name."""
        backend = get_backend("rds")[self.current_account][source.region]
        return (
            backup.live
            and backup.facts["DBInstanceArn"] == source.db_instance_arn
            and not any(backup.is_of(other.dbi_resource_id) for other in backend.databases.values())
        )

    def _requested_retention(self) -> int | None:
        """Return the requested retention period in days, if there is one."""
        days: int | None = self.params.get("BackupRetentionPeriod")
        if days is not None and not 1 <= days <= _MAX_RETENTION_DAYS:
            raise RDSClientError(
                "InvalidParameterValue", f"Sandbox: {days} days is not a valid retention period."
            )
        return days

    def _requested_tags(self) -> list[dict[str, str]]:
        """Return the requested tags."""
        tags: list[dict[str, str]] = self.params.get("Tags") or []
        for tag in tags:
            for prefix in _RESERVED_TAG_PREFIXES:
                if tag.get("Key", "").startswith(prefix):
                    raise RDSClientError(
                        "InvalidParameterValue",
                        f'Tag keys cannot start with the reserved prefix "{prefix}".',
                    )
        return tags

    def _local_backups(self) -> Iterable[dict[str, Any]]:
        """Yield the automated backups of the DB instances in this Region."""
        for instance in self.backend.databases.values():
            if instance.backup_retention_period and not instance.db_cluster_identifier:
                facts = backup_facts(instance)
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

    def _describe_replicated(self, query: BackupQuery) -> Iterable[dict[str, Any]]:
        """Yield the replicated backups that the query selects, and advance their statuses."""
        for backup in self.state.kept_in(self.current_account, self.region):
            if query.matches_identity(backup.facts):
                record = backup.describe(self.state.now())
                if record is not None:
                    yield record

    def _restored_settings(self, backup: ReplicatedBackup) -> dict[str, Any]:
        """Return the settings of an instance restored from the backup, under moto's names."""
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
        """Raise if the backup cannot be restored to the requested time."""
        window = backup.record(self.state.now())["RestoreWindow"]
        requested: datetime | None = self.params.get("RestoreTime")
        if not window:
            raise RDSClientError(
                "InvalidRestoreFault", "Sandbox: the backup cannot be restored yet."
            )
        if requested is not None:
            requested = requested.replace(tzinfo=timezone.utc)  # moto parses it as naive UTC
        if (
            requested is not None
            and not window["EarliestTime"] <= requested <= window["LatestTime"]
        ):
            raise RDSClientError(
                "InvalidRestoreFault",
                f"Sandbox: {requested} is not between {window['EarliestTime']} and "
                f"{window['LatestTime']}.",
            )

    def _replications(self, instance: DBInstance) -> list[dict[str, str]]:
        """Return the replications that the source instance lists."""
        return [
            {"DBInstanceAutomatedBackupsArn": backup.arn}
            for backup in self.state.backups_of(instance.dbi_resource_id)
            if backup.live or backup.pending_source_polls
        ]

    def _poll_source(self, instance: DBInstance) -> None:
        """Refresh the replications that the source lists, and advance its status by one poll."""
        # Moto serializes this attribute, although its DBInstance class does not declare it.
        vars(instance)["db_instance_automated_backups_replications"] = self._replications(instance)
        stopping = [
            backup
            for backup in self.state.backups_of(instance.dbi_resource_id)
            if backup.pending_source_polls
        ]
        for backup in stopping:
            backup.pending_source_polls -= 1
        if not stopping and instance.status in ("creating", *self.state.busy_statuses):
            instance.status = "available"

    def _page(self, member: str, rows: list[dict[str, Any]]) -> ActionResult:
        """Return the requested page of a listing."""
        begin = int(self.params.get("Marker") or 0)
        end = begin + (self.params.get("MaxRecords") or _PAGE_SIZE)
        marker = str(end) if end < len(rows) else None
        return ActionResult({member: rows[begin:end], "Marker": marker})
