"""The RDS operations that only a recovery calls, each with its request and its result."""

from typing import Annotated

from pydantic import Field

from .._models import RequestModel, ResponseModel
from .._models._base import Items
from .._models._instance import DBInstance
from .._models._instance_parts import AvailabilityZone, DBSubnetGroup
from .._operations import Operation
from .._workflows.lookup import DescribeDBInstancesRequest


class DescribeDBSubnetGroupsRequest(RequestModel, frozen=True):
    pass


class DescribeDBParameterGroupsRequest(RequestModel, frozen=True):
    pass


class DescribeDBParametersRequest(RequestModel, frozen=True):
    db_parameter_group_name: str
    source: str


class DescribeOptionGroupsRequest(RequestModel, frozen=True):
    pass


class DescribeOrderableDBInstanceOptionsRequest(RequestModel, frozen=True):
    engine: str
    engine_version: str | None = None
    db_instance_class: str
    license_model: str | None = None


class DescribeAccountAttributesRequest(RequestModel, frozen=True):
    pass


class ModifyDBInstanceRequest(RequestModel, frozen=True):
    """The parameters that a recovery changes after a restore."""

    db_instance_identifier: str
    apply_immediately: bool = True
    auto_minor_version_upgrade: bool | None = None
    backup_retention_period: int | None = None
    ca_certificate_identifier: str | None = None
    cloudwatch_logs_export_configuration: dict[str, list[str]] | None = None
    copy_tags_to_snapshot: bool | None = None
    database_insights_mode: str | None = None
    db_instance_class: str | None = None
    db_parameter_group_name: str | None = None
    db_port_number: int | None = None
    dedicated_log_volume: bool | None = None
    deletion_protection: bool | None = None
    enable_iam_database_authentication: bool | None = None
    enable_performance_insights: bool | None = None
    engine_lifecycle_support: str | None = None
    iops: int | None = None
    license_model: str | None = None
    manage_master_user_password: bool | None = None
    master_user_secret_kms_key_id: str | None = None
    max_allocated_storage: int | None = None
    monitoring_interval: int | None = None
    monitoring_role_arn: str | None = None
    multi_az: bool | None = None
    network_type: str | None = None
    option_group_name: str | None = None
    performance_insights_kms_key_id: Annotated[
        str | None, Field(alias="PerformanceInsightsKMSKeyId")
    ] = None
    performance_insights_retention_period: int | None = None
    preferred_backup_window: str | None = None
    preferred_maintenance_window: str | None = None
    processor_features: list[dict[str, str]] | None = None
    publicly_accessible: bool | None = None
    storage_throughput: int | None = None
    storage_type: str | None = None
    vpc_security_group_ids: tuple[str, ...] | None = None


class DeleteDBInstanceRequest(RequestModel, frozen=True):
    db_instance_identifier: str
    skip_final_snapshot: bool
    delete_automated_backups: bool


class DBParameterGroup(ResponseModel, frozen=True):
    db_parameter_group_name: str | None = None
    db_parameter_group_family: str | None = None


class Parameter(ResponseModel, frozen=True):
    parameter_name: str | None = None
    parameter_value: str | None = None
    source: str | None = None


class OptionSetting(ResponseModel, frozen=True):
    name: str | None = None
    value: str | None = None


class Option(ResponseModel, frozen=True):
    option_name: str | None = None
    option_version: str | None = None
    port: int | None = None
    option_settings: Items[OptionSetting] | None = None


class OptionGroup(ResponseModel, frozen=True):
    option_group_name: str | None = None
    engine_name: str | None = None
    major_engine_version: str | None = None
    options: Items[Option] | None = None


class OrderableDBInstanceOption(ResponseModel, frozen=True):
    storage_type: str | None = None
    availability_zones: Items[AvailabilityZone] | None = None
    multi_az_capable: Annotated[bool | None, Field(alias="MultiAZCapable")] = None
    supports_storage_encryption: bool | None = None
    supports_enhanced_monitoring: bool | None = None
    supports_iam_database_authentication: bool | None = None
    supports_performance_insights: bool | None = None
    supports_dedicated_log_volume: bool | None = None
    supported_network_types: Items[str] | None = None
    max_iops_per_db_instance: int | None = None
    max_storage_size: int | None = None


class AccountQuota(ResponseModel, frozen=True):
    account_quota_name: str | None = None
    used: int | None = None
    max: int | None = None


DESCRIBE_INSTANCES = Operation(DescribeDBInstancesRequest, "DBInstances", DBInstance)
DESCRIBE_SUBNET_GROUPS = Operation(DescribeDBSubnetGroupsRequest, "DBSubnetGroups", DBSubnetGroup)
DESCRIBE_PARAMETER_GROUPS = Operation(
    DescribeDBParameterGroupsRequest, "DBParameterGroups", DBParameterGroup
)
DESCRIBE_PARAMETERS = Operation(DescribeDBParametersRequest, "Parameters", Parameter)
DESCRIBE_OPTION_GROUPS = Operation(DescribeOptionGroupsRequest, "OptionGroupsList", OptionGroup)
DESCRIBE_ORDERABLE_OPTIONS = Operation(
    DescribeOrderableDBInstanceOptionsRequest,
    "OrderableDBInstanceOptions",
    OrderableDBInstanceOption,
)
DESCRIBE_ACCOUNT_ATTRIBUTES = Operation(
    DescribeAccountAttributesRequest, "AccountQuotas", AccountQuota
)
MODIFY = Operation(ModifyDBInstanceRequest, "DBInstance", DBInstance)
DELETE_INSTANCE = Operation(DeleteDBInstanceRequest, "DBInstance", DBInstance)
