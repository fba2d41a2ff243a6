"""The sandbox's RDS API: moto's operations, plus those that moto lacks.

If AWS's wording of an error is unknown, the message begins with "Sandbox:" and the
error code is the most likely one that the service model declares.
"""

from collections.abc import Iterable
from typing import Any

from moto.backends import get_backend
from moto.core.responses import ActionResult
from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBInstance
from moto.utilities.utils import get_partition

from .._arn import Arn, parse_arn
from ._lifecycle import ReplicatedBackup
from ._regions import DESTINATIONS, is_region
from ._restores import RestoreResponse
from ._state import RESTORED_SETTINGS, BackupQuery, backup_facts

_MAX_RETENTION_DAYS = 35
_RESERVED_TAG_PREFIXES = ("aws:", "rds:")


class SandboxRDSResponse(RestoreResponse):
    """The handler of one RDS request; moto calls the method that is named like the operation."""

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
            return self.page("DBInstanceAutomatedBackups", records)

    def delete_db_instance_automated_backup(self) -> ActionResult:
        with self.state.lock:
            arn = self.params.get("DBInstanceAutomatedBackupsArn")
            resource_id = self.params.get("DbiResourceId")
            retained = self.state.retained.get((self.current_account, self.region), [])
            for record in retained:
                if record["DBInstanceAutomatedBackupsArn"] == arn or (
                    record["DbiResourceId"] == resource_id
                ):
                    retained.remove(record)
                    return ActionResult({"DBInstanceAutomatedBackup": record})
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
        return self.page("SourceRegions", rows)

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
        if not is_region(arn.region):
            raise RDSClientError(
                "InvalidParameterValue", f"Sandbox: there is no Region {arn.region}."
            )
        instances = get_backend("rds")[self.current_account][arn.region].databases
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
            self.poll_source(source)
            raise RDSClientError(
                "InvalidDBInstanceState",
                f"Sandbox: the source DB instance is {status}, not available.",
            )

    def _find_key(self, source: DBInstance) -> str | None:
        """Return the ARN of the requested KMS key, which an encrypted source requires."""
        requested = self.params.get("KmsKeyId")
        if requested is not None:
            return self.find_key(requested)
        if source.storage_encrypted:
            raise RDSClientError(
                "InvalidParameterValue", "Encrypted instances require a valid KMS key ID."
            )
        return None

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
        """Yield the automated backups that belong to this Region's own DB instances."""
        yield from self.state.retained.get((self.current_account, self.region), ())
        for instance in self.backend.databases.values():
            is_own = instance.status != "deleting" and not instance.db_cluster_identifier
            if instance.backup_retention_period and is_own:
                yield self.local_backup(instance)

    def _describe_replicated(self, query: BackupQuery) -> Iterable[dict[str, Any]]:
        """Yield the replicated backups that the query selects, and advance their statuses."""
        for backup in self.state.kept_in(self.current_account, self.region):
            if query.matches_identity(backup.facts):
                record = backup.describe(self.state.now())
                if record is not None:
                    yield record
