"""The settings of an instance that a recovery restores, and where RDS takes and shows each."""

from typing import Any

from .._models import Tag
from .._models._instance import DBInstance
from .._models._restore import RestoreDBInstanceToPointInTimeRequest
from ..fleet._records import Record
from ._operations import ModifyDBInstanceRequest

TAG_PREFIX = "rds-backup-replication:"
"""Keys of the tags that recoveries and drills set; they are never part of captured settings."""
RUN_TAG = f"{TAG_PREFIX}run"
"""Key of the tag on each restored instance; the value is the ID of its recovery or drill."""
KIND_TAG = f"{TAG_PREFIX}kind"
"""Key of the tag that says ``recovery`` or ``drill``, for the conditions of IAM policies."""
MAX_TAGS = 48
"""Tags that a captured instance may have: RDS allows 50, and a restore adds two of its own."""
_RESERVED = ("aws:", "rds:", TAG_PREFIX)

_FOR_ORACLE_ALONE = ("manage_master_user_password", "master_user_secret_kms_key_id")
"""Parameters that a restore takes for Oracle alone, and ModifyDBInstance for all engines."""


class InstanceSettings(Record, frozen=True):
    """Settings of a DB instance, under boto3's parameter names. ``None``: not set, or not known."""

    db_instance_class: str | None = None
    """Compute and memory, such as ``db.t3.micro``."""
    storage_type: str | None = None
    """``gp2``, ``gp3``, ``io1``, ``io2`` or ``standard``."""
    iops: int | None = None
    """Provisioned I/O operations per second."""
    storage_throughput: int | None = None
    """Storage throughput in MiB per second."""
    max_allocated_storage: int | None = None
    """Size in GiB up to which RDS may grow the storage."""
    dedicated_log_volume: bool | None = None
    """Whether the instance has a dedicated log volume."""
    multi_az: bool | None = None
    """Whether a standby exists in another Availability Zone."""
    port: int | None = None
    """Port of the endpoint."""
    publicly_accessible: bool | None = None
    """Whether the instance has a public address."""
    network_type: str | None = None
    """``IPV4`` or ``DUAL``."""
    db_subnet_group_name: str | None = None
    """DB subnet group."""
    vpc_security_group_ids: tuple[str, ...] | None = None
    """VPC security groups, sorted."""
    db_parameter_group_name: str | None = None
    """DB parameter group."""
    option_group_name: str | None = None
    """Option group."""
    license_model: str | None = None
    """License model, for engines with more than one."""
    processor_features: dict[str, str] | None = None
    """Core count and threads per core, if they are not the defaults of the class."""
    enable_iam_database_authentication: bool | None = None
    """Whether IAM accounts are mapped to database accounts."""
    enable_cloudwatch_logs_exports: tuple[str, ...] | None = None
    """Logs that are exported to CloudWatch, sorted."""
    ca_certificate_identifier: str | None = None
    """CA of the server's certificate."""
    engine_lifecycle_support: str | None = None
    """``open-source-rds-extended-support`` or ``…-disabled``."""
    auto_minor_version_upgrade: bool | None = None
    """Whether RDS applies minor engine upgrades in the maintenance window."""
    copy_tags_to_snapshot: bool | None = None
    """Whether snapshots get the instance's tags."""
    deletion_protection: bool | None = None
    """Whether RDS refuses to delete the instance."""
    backup_retention_period: int | None = None
    """Days to keep the instance's own backups; 0 disables them."""
    preferred_backup_window: str | None = None
    """Daily time range of the backups, in UTC."""
    preferred_maintenance_window: str | None = None
    """Weekly time range of the maintenance, in UTC."""
    monitoring_interval: int | None = None
    """Seconds between two points of enhanced monitoring; 0 disables it."""
    monitoring_role_arn: str | None = None
    """IAM role of enhanced monitoring."""
    enable_performance_insights: bool | None = None
    """Whether Performance Insights is on."""
    performance_insights_kms_key_id: str | None = None
    """KMS key of Performance Insights."""
    performance_insights_retention_period: int | None = None
    """Days to keep the data of Performance Insights."""
    database_insights_mode: str | None = None
    """``standard`` or ``advanced``."""
    manage_master_user_password: bool | None = None
    """Whether Secrets Manager keeps the master user's password."""
    master_user_secret_kms_key_id: str | None = None
    """KMS key of that secret."""
    tags: dict[str, str] | None = None
    """Tags, without those that AWS or a recovery has set."""


# The fields of DBInstance that have the same meaning under another name.
_OTHER_NAMES = {
    "enable_iam_database_authentication": "iam_database_authentication_enabled",
    "enable_performance_insights": "performance_insights_enabled",
}
# A setting on the left can only be switched on together with those on the right.
_TOGETHER = {
    "enable_performance_insights": (
        "performance_insights_kms_key_id",
        "performance_insights_retention_period",
    ),
    "manage_master_user_password": ("master_user_secret_kms_key_id",),
    "monitoring_interval": ("monitoring_role_arn",),
}
_COMPLEX = frozenset(
    {
        "db_parameter_group_name",
        "db_subnet_group_name",
        "enable_cloudwatch_logs_exports",
        "manage_master_user_password",
        "master_user_secret_kms_key_id",
        "option_group_name",
        "port",
        "processor_features",
        "tags",
        "vpc_security_group_ids",
    }
)


def read_settings(instance: DBInstance) -> InstanceSettings:
    """Return the settings that RDS shows of an instance."""
    simple = {
        name: getattr(instance, _OTHER_NAMES.get(name, name))
        for name in InstanceSettings.model_fields
        if name not in _COMPLEX
    }
    parameter_groups = instance.db_parameter_groups or ()
    option_groups = instance.option_group_memberships or ()
    subnet_group, secret = instance.db_subnet_group, instance.master_user_secret
    return InstanceSettings(
        **simple,
        port=(instance.endpoint and instance.endpoint.port) or instance.db_instance_port or None,
        db_subnet_group_name=subnet_group.db_subnet_group_name if subnet_group else None,
        vpc_security_group_ids=tuple(
            sorted(
                group.vpc_security_group_id
                for group in instance.vpc_security_groups or ()
                if group.vpc_security_group_id
            )
        ),
        db_parameter_group_name=next((g.db_parameter_group_name for g in parameter_groups), None),
        option_group_name=next((g.option_group_name for g in option_groups), None),
        processor_features={
            feature.name: feature.value
            for feature in instance.processor_features or ()
            if feature.name and feature.value
        }
        or None,
        enable_cloudwatch_logs_exports=tuple(
            sorted(instance.enabled_cloudwatch_logs_exports or ())
        ),
        manage_master_user_password=secret is not None,
        master_user_secret_kms_key_id=secret.kms_key_id if secret else None,
        tags=own_tags(instance),
    )


def own_tags(instance: DBInstance) -> dict[str, str]:
    """Return an instance's tags, without those that AWS or a recovery has set."""
    return {
        tag.key: tag.value or ""
        for tag in sorted(instance.tag_list or (), key=_key_of)
        if tag.key and not tag.key.lower().startswith(_RESERVED)
    }


def run_of(instance: DBInstance) -> str | None:
    """Return the ID of the recovery or drill that restored an instance, as its tag says."""
    return _tag_of(instance, RUN_TAG)


def kind_of(instance: DBInstance) -> str | None:
    """Return whether a ``recovery`` or a ``drill`` restored an instance, as its tag says."""
    return _tag_of(instance, KIND_TAG)


def _tag_of(instance: DBInstance, key: str) -> str | None:
    return next((tag.value for tag in instance.tag_list or () if tag.key == key), None)


def run_tags(run_id: str, kind: str) -> dict[str, str]:
    """Return the tags of the instances that a recovery or a drill restores."""
    return {KIND_TAG: kind, RUN_TAG: run_id}


def _key_of(tag: Tag) -> str:
    return tag.key or ""


def restore_keywords(settings: InstanceSettings) -> dict[str, Any]:
    """Return the settings that RestoreDBInstanceToPointInTime takes, without those not set."""
    known = RestoreDBInstanceToPointInTimeRequest.model_fields
    keywords: dict[str, Any] = {
        name: value
        for name, value in settings
        if name in known and name not in _FOR_ORACLE_ALONE and value not in (None, (), {})
    }
    if settings.processor_features:
        keywords["processor_features"] = [
            {"name": name, "value": value} for name, value in settings.processor_features.items()
        ]
    return keywords


def modify_keywords(
    wanted: InstanceSettings, actual: InstanceSettings, names: frozenset[str]
) -> dict[str, Any]:
    """Return the parameters of a ModifyDBInstance that gives an instance some settings.

    Args:
        wanted: The settings to reach.
        actual: The settings that RDS shows.
        names: Names of the settings to change; those that ModifyDBInstance does not take are
            left out.
    """
    keywords: dict[str, Any] = {}
    for name in sorted(names):
        value = getattr(wanted, name)
        if name == "port":
            keywords["db_port_number"] = value
        elif name == "enable_cloudwatch_logs_exports":
            before, after = set(actual.enable_cloudwatch_logs_exports or ()), set(value or ())
            keywords["cloudwatch_logs_export_configuration"] = {
                "EnableLogTypes": sorted(after - before),
                "DisableLogTypes": sorted(before - after),
            }
        elif name == "processor_features":
            features = (wanted.processor_features or {}).items()
            keywords["processor_features"] = [{"Name": n, "Value": v} for n, v in features]
        elif name in ModifyDBInstanceRequest.model_fields:
            keywords[name] = value
            keywords |= {
                other: getattr(wanted, other)
                for other in _TOGETHER.get(name, ())
                if value and getattr(wanted, other) is not None
            }
    return keywords
