"""The RDS operations on DB instances, which replication and restores affect."""

from collections import deque
from fnmatch import fnmatchcase
from typing import Any

from moto.core.responses import ActionResult, PaginatedResult
from moto.rds.exceptions import DBInstanceNotFoundError, RDSClientError
from moto.rds.models import DBInstance

from ._groups import EngineVersion, GroupResponse
from ._state import backup_facts, make_distinct

# Members of a request that a DB instance reports under another name.
_REPORTED_AS = {
    "db_port_number": "port",
    "enable_customer_owned_ip": "customer_owned_ip_enabled",
    "enable_performance_insights": "performance_insights_enabled",
}
# Changes that wait for the maintenance window unless they apply immediately.
_DEFERRABLE = (
    "AllocatedStorage",
    "DBInstanceClass",
    "EngineVersion",
    "Iops",
    "MultiAZ",
    "StorageThroughput",
    "StorageType",
)
_DEFAULT_INSIGHTS_RETENTION_DAYS = 7


class InstanceResponse(GroupResponse):
    """The handler of requests about DB instances."""

    def create_db_instance(self) -> ActionResult:
        with self.state.lock:
            self.require_groups()
            result = super().create_db_instance()
            instance = self.backend.databases[self.params["DBInstanceIdentifier"]]
            make_distinct(instance)
            self.complete(instance)
            return result

    def describe_db_instances(self) -> ActionResult:
        with self.state.lock:
            identifier = self.params.get("DBInstanceIdentifier")
            filters = {each["Name"]: each["Values"] for each in self.params.get("Filters") or ()}
            selected = self.backend.describe_db_instances(identifier, filters)
            existing = [instance for instance in selected if self._poll(instance)]
            if identifier and not existing:
                raise DBInstanceNotFoundError(identifier)
            return PaginatedResult({"DBInstances": existing})

    def modify_db_instance(self) -> ActionResult:
        with self.state.lock:
            former_name = self.params["DBInstanceIdentifier"].lower()
            instance = self.backend.describe_db_instances(former_name)[0]
            is_restored = instance.dbi_resource_id in self.state.restored
            if is_restored and instance.status != "available":
                raise RDSClientError(
                    "InvalidDBInstanceState", "Database instance is not in available state."
                )
            version = EngineVersion.of(instance.engine, instance.engine_version)
            self.require_groups(version if is_restored else None)
            self._omit_present_settings(instance)
            is_immediate = bool(self.params.get("ApplyImmediately"))
            if is_restored:
                self._defer(instance, is_immediate=is_immediate)
            result = super().modify_db_instance()  # changes the parameters
            if instance.db_instance_identifier != former_name:
                self._forget_snapshots(former_name)
            self.complete(instance)
            if is_restored and is_immediate:
                looks = self.state.behavior.modifying_looks
                self.go_through(instance, "modifying", looks, "available")
            return result

    def delete_db_instance(self) -> ActionResult:
        with self.state.lock:
            name = self.params["DBInstanceIdentifier"]
            instance = self.backend.databases.get(name)
            is_restored = instance and instance.dbi_resource_id in self.state.restored
            if instance and is_restored:
                self._require_deletable(instance)
            result = super().delete_db_instance()
            if instance is None:
                return result
            for backup in self.state.backups_of(instance.dbi_resource_id):
                if backup.live:
                    backup.stop(self.state.now())
            if instance.backup_retention_period and not self.params.get(
                "DeleteAutomatedBackups", True
            ):
                self._retain_backup(instance)
            if looks := is_restored and self.state.behavior.deleting_instance_looks:
                self.backend.databases[name] = instance  # which moto has deleted at once
                self.go_through(instance, "deleting", looks, None)
            return result

    def go_through(self, instance: DBInstance, status: str, looks: int, then: str | None) -> None:
        """Give a restored instance a status that lasts for a number of polls.

        ``None`` as the next status means that the instance is gone.
        """
        instance.status = status
        self.state.restored[instance.dbi_resource_id] = deque([*[status] * looks, then])
        self._report_endpoint(instance)

    def complete(self, instance: DBInstance) -> None:
        """Let the instance report the requested settings that moto drops, and what follows."""
        if instance.db_cluster_identifier:
            return
        # Moto serializes any attribute that is named like a member of the response, or its shape.
        attributes = vars(instance)
        for name, value in self.params.items():
            reported = _REPORTED_AS.get(name) or name
            is_known = reported in attributes or hasattr(DBInstance, reported)
            if reported != name or not is_known:
                attributes[reported] = value
        version = EngineVersion.of(instance.engine, instance.engine_version)
        name = instance.db_parameter_group_name or "default."
        if name.startswith("default."):
            name = self.find_parameter_group(f"default.{version.family}").name
        status = {"DBParameterGroupName": name, "ParameterApplyStatus": "in-sync"}
        attributes["DBParameterGroupStatusList"] = [status]
        instance.option_group_supplied |= "OptionGroupName" in self.params
        if not instance.option_group_supplied:
            instance.option_group_name = version.option_group_name
        attributes["CertificateDetails"] = {"CAIdentifier": instance.ca_certificate_identifier}
        attributes["SecondaryAvailabilityZone"] = self._secondary_zone(instance)
        stream = (
            f"arn:{instance.partition}:logs:{self.region}:{self.current_account}"
            f":log-group:RDSOSMetrics:log-stream:{instance.dbi_resource_id}"
        )
        is_monitored = bool(attributes.get("monitoring_interval"))
        attributes["EnhancedMonitoringResourceArn"] = stream if is_monitored else None
        if attributes.get("performance_insights_enabled"):
            attributes.setdefault(
                "performance_insights_retention_period", _DEFAULT_INSIGHTS_RETENTION_DAYS
            )
            key_id = attributes.get("performance_insights_kms_key_id") or "alias/aws/rds"
            attributes["PerformanceInsightsKMSKeyId"] = self.find_key(key_id)
        self._report_endpoint(instance)

    def poll_source(self, instance: DBInstance) -> None:
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

    def _replications(self, instance: DBInstance) -> list[dict[str, str]]:
        """Return the replications that the source instance lists."""
        return [
            {"DBInstanceAutomatedBackupsArn": backup.arn}
            for backup in self.state.backups_of(instance.dbi_resource_id)
            if backup.live or backup.pending_source_polls
        ]

    def local_backup(self, instance: DBInstance) -> dict[str, Any]:
        """Return the automated backup of an instance in its own Region."""
        facts = backup_facts(instance)
        backup_id = facts["DbiResourceId"].removeprefix("db-").lower()
        prefix = instance.db_instance_arn.rsplit(":", 2)[0]
        return {
            **facts,
            "Status": "active",
            "DBInstanceAutomatedBackupsArn": f"{prefix}:auto-backup:ab-{backup_id}",
            "DBInstanceAutomatedBackupsReplications": self._replications(instance),
            "RestoreWindow": {
                "EarliestTime": instance.instance_create_time,
                "LatestTime": self.state.now(),
            },
        }

    def _poll(self, instance: DBInstance) -> bool:
        """Advance the instance by one poll, and return whether it still exists."""
        statuses = self.state.restored.get(instance.dbi_resource_id)
        if not statuses:
            self.poll_source(instance)
        elif (status := statuses.popleft()) is not None:
            instance.status = status
        else:
            del self.backend.databases[instance.db_instance_identifier]
            del self.state.restored[instance.dbi_resource_id]
            return False
        self._report_endpoint(instance)
        return True

    def _report_endpoint(self, instance: DBInstance) -> None:
        """Let the instance report its endpoint, which a test may have set, once it is created."""
        account_id, name = self.current_account, instance.db_instance_identifier
        # An exact name comes before a pattern, and an account before every account.
        _, _, (address, port) = max(
            (
                (pattern == name, account is not None, endpoint)
                for (region, pattern, account), endpoint in self.state.endpoints.items()
                if region == self.region
                and account in (None, account_id)
                and fnmatchcase(name, pattern)
            ),
            default=(False, False, (instance.address, instance.port)),
        )
        is_created = instance.status != "creating"
        # Moto serializes this attribute instead of its own, because the name is the shape's.
        vars(instance)["Endpoint"] = {"Address": address, "Port": port} if is_created else None

    def _secondary_zone(self, instance: DBInstance) -> str | None:
        """Return the zone of the standby of a Multi-AZ instance."""
        if not instance.multi_az:
            return None
        group = vars(instance).get("db_subnet_group")
        zones = (
            [subnet["SubnetAvailabilityZone"]["Name"] for subnet in group.subnets]
            if group
            else [zone.name for zone in self.ec2.describe_availability_zones()]
        )
        return next((zone for zone in sorted(zones) if zone != instance.availability_zone), None)

    def _omit_present_settings(self, instance: DBInstance) -> None:
        """Omit settings that the instance has already, because moto would add them twice."""
        if self.params.get("ManageMasterUserPassword") and instance.manage_master_user_password:
            del self.params["ManageMasterUserPassword"]
        exports: dict[str, list[str]] = self.params.get("CloudwatchLogsExportConfiguration") or {}
        enabled = instance.enabled_cloudwatch_logs_exports
        if exports:
            self.params["CloudwatchLogsExportConfiguration"] = {
                "EnableLogTypes": [
                    n for n in exports.get("EnableLogTypes", ()) if n not in enabled
                ],
                "DisableLogTypes": [n for n in exports.get("DisableLogTypes", ()) if n in enabled],
            }

    def _defer(self, instance: DBInstance, *, is_immediate: bool) -> None:
        """Keep changes for the maintenance window, or add the ones kept to an immediate request."""
        waiting: dict[str, Any] = vars(instance).setdefault("PendingModifiedValues", {})
        for name in _DEFERRABLE:
            if not is_immediate and name in self.params:
                waiting[name] = self.params.pop(name)
            elif is_immediate and name in waiting:
                self.params.setdefault(name, waiting.pop(name))

    def _require_deletable(self, instance: DBInstance) -> None:
        """Raise if a restored instance cannot be deleted as requested."""
        if instance.status == "deleting":
            raise RDSClientError(
                "InvalidDBInstanceState",
                f"Instance {instance.db_instance_identifier} is already being deleted.",
            )
        if not self.params.get("SkipFinalSnapshot") and not self.params.get(
            "FinalDBSnapshotIdentifier"
        ):
            raise RDSClientError(
                "InvalidParameterCombination",
                "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
            )

    def _forget_snapshots(self, name: str) -> None:
        """Delete automated snapshots, because moto names them after the instance and the minute.

        A new instance of the same name would need the same names.
        """
        prefix = f"rds:{name}-"
        for snapshot in [n for n in self.backend.database_snapshots if n.startswith(prefix)]:
            del self.backend.database_snapshots[snapshot]

    def _retain_backup(self, instance: DBInstance) -> None:
        """Keep the automated backup of an instance that is deleted without it."""
        self._forget_snapshots(instance.db_instance_identifier)
        retained = {**self.local_backup(instance), "Status": "retained"}
        self.state.retained.setdefault((self.current_account, self.region), []).append(retained)
