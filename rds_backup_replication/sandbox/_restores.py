"""The RDS operation that restores a replicated backup."""

from datetime import datetime, timezone
from typing import Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import DBInstanceAlreadyExists, RDSClientError
from moto.rds.models import DBSubnetGroup

from ._groups import EngineVersion
from ._instances import InstanceResponse
from ._lifecycle import ReplicatedBackup
from ._state import make_distinct

# Parameters of a restore that are not settings of the new instance.
_RESTORE_ONLY = (
    "restore_time",
    "source_db_instance_automated_backups_arn",
    "target_db_instance_identifier",
    "use_latest_restorable_time",
)


class RestoreResponse(InstanceResponse):
    """The handler of a restore."""

    def restore_db_instance_to_point_in_time(self) -> ActionResult:
        requested_arn = self.params.get("SourceDBInstanceAutomatedBackupsArn")
        if requested_arn is None:
            return super().restore_db_instance_to_point_in_time()
        with self.state.lock:
            for backup in self.state.kept_in(self.current_account, self.region):
                if backup.arn == requested_arn and not backup.deleted:
                    self._require_restorable(backup)
                    return self._restore(backup)
            raise RDSClientError(
                "DBInstanceAutomatedBackupNotFound", f"Sandbox: {requested_arn} was not found."
            )

    def _restore(self, backup: ReplicatedBackup) -> ActionResult:
        """Restore a backup, unless the Region has no place for the instance."""
        if self.params["TargetDBInstanceIdentifier"] in self.backend.databases:
            raise DBInstanceAlreadyExists
        behavior = self.state.behavior
        if len(self.backend.databases) >= behavior.instance_quota:
            raise RDSClientError(
                "InstanceQuotaExceeded",
                f"Sandbox: the quota of {behavior.instance_quota} DB instances in {self.region} "
                "is reached.",
            )
        if "KmsKeyId" in backup.facts:
            self.find_key(backup.facts["KmsKeyId"])
        instance = self.backend.create_db_instance(self._restored_settings(backup))
        make_distinct(instance)
        self.complete(instance)
        self.go_through(instance, "creating", behavior.restoring_looks, "available")
        return ActionResult({"DBInstance": instance})

    def _restored_settings(self, backup: ReplicatedBackup) -> dict[str, Any]:
        """Return the settings of an instance restored from the backup, under moto's names."""
        settings: dict[str, Any] = {
            **backup.settings,
            "kms_key_id": backup.facts.get("KmsKeyId"),
            **{name: value for name, value in self.params.items() if name not in _RESTORE_ONLY},
            "db_instance_identifier": self.params["TargetDBInstanceIdentifier"],
        }
        self.require_groups(EngineVersion.of(settings["engine"], settings["engine_version"]))
        group = self.find_subnet_group(settings.get("db_subnet_group_name") or "default")
        return {
            **settings,
            "availability_zone": self._find_zone(settings, group),
            "db_subnet_group_name": group.name,
            "vpc_security_group_ids": self._find_security_groups(group.vpc_id),
        }

    def _find_zone(self, settings: dict[str, Any], group: DBSubnetGroup) -> str:
        """Return the zone of the new instance, or raise if the subnets do not offer enough."""
        name = settings["db_instance_class"]
        offering = self.zones_offering(name)
        if not offering:
            raise RDSClientError(
                "InvalidParameterCombination",
                "RDS does not support creating a DB instance with the following combination: "
                f"DBInstanceClass={name}, Engine={settings['engine']}, "
                f"EngineVersion={settings['engine_version']}.",
            )
        zones = {subnet["SubnetAvailabilityZone"]["Name"] for subnet in group.subnets}
        usable = sorted(zones.intersection(offering))
        if settings.get("multi_az") and settings.get("availability_zone"):
            raise RDSClientError(
                "InvalidParameterCombination",
                "Requesting a specific availability zone is not valid for Multi-AZ instances.",
            )
        needed = 2 if settings.get("multi_az") else 1
        if len(usable) < needed:
            raise RDSClientError(
                "DBSubnetGroupDoesNotCoverEnoughAZs",
                f"Sandbox: {name} needs {needed} Availability Zones, and the subnet group "
                f"{group.name} has {len(usable)} that offer the class.",
            )
        requested: str = settings.get("availability_zone") or usable[0]
        if requested not in usable:
            raise RDSClientError(
                "InvalidVPCNetworkStateFault",
                f"Sandbox: the subnet group {group.name} has no subnet in {requested}.",
            )
        return requested

    def _find_security_groups(self, vpc_id: str) -> list[str]:
        """Return the requested security groups, or the default one of the VPC."""
        requested: list[str] = self.params.get("VpcSecurityGroupIds") or []
        for group_id in requested:
            group = self.ec2.get_security_group_from_id(group_id)
            if group is None:
                raise RDSClientError(
                    "InvalidParameterValue",
                    f"Invalid security group , groupId= {group_id}, groupName=.",
                )
            if group.vpc_id != vpc_id:
                raise RDSClientError(
                    "InvalidParameterCombination",
                    "The DB instance and EC2 security group are in different VPCs. The DB instance "
                    f"is in {vpc_id} and the EC2 security group is in {group.vpc_id}",
                )
        default = self.ec2.get_default_security_group(vpc_id)
        return requested or [group.id for group in (default,) if group]

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
