"""The shapes within a ``DBInstance``, under botocore's names.

The meanings follow the API reference; where it is silent, a docstring says what is known.
See https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_Types.html
"""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from ._base import Items, ResponseModel
from ._responses import AdditionalStorageVolume


class Endpoint(ResponseModel, frozen=True):
    """The address and port of a DB instance."""

    address: str | None = None
    """DNS name."""
    port: int | None = None
    """Port number."""
    hosted_zone_id: str | None = None
    """ID of the Amazon Route 53 hosted zone."""


class PrimaryEndpoint(ResponseModel, frozen=True):
    """The address of the instance that is the primary now, for a primary and its replicas.

    After a switchover, the same address leads to the new primary.
    """

    address: str | None = None
    """DNS name, which stays the same when the instance is renamed."""
    hosted_zone_id: str | None = None
    """ID of the Amazon Route 53 hosted zone."""


class DBSecurityGroupMembership(ResponseModel, frozen=True):
    """A DB security group of an instance outside a VPC, which AWS no longer offers."""

    db_security_group_name: str | None = None
    """Name of the group."""
    status: str | None = None
    """Status of the group, such as ``active``."""


class VpcSecurityGroupMembership(ResponseModel, frozen=True):
    """A VPC security group of an instance."""

    vpc_security_group_id: str | None = None
    """ID of the group (``sg-…``)."""
    status: str | None = None
    """``active``, or a transitional value such as ``adding`` or ``removing``."""


class DBParameterGroupStatus(ResponseModel, frozen=True):
    """A DB parameter group of an instance, and whether its values are in use."""

    db_parameter_group_name: str | None = None
    """Name of the group."""
    parameter_apply_status: str | None = None
    """``in-sync``, ``applying``, ``pending-reboot`` (the instance needs a reboot),
    ``pending-database-upgrade`` or ``failed-to-apply``."""


class AvailabilityZone(ResponseModel, frozen=True):
    """An Availability Zone."""

    name: str | None = None
    """Name, such as ``us-west-2a``."""


class Outpost(ResponseModel, frozen=True):
    """An AWS Outpost."""

    arn: str | None = None
    """ARN of the Outpost."""


class Subnet(ResponseModel, frozen=True):
    """A subnet of a DB subnet group."""

    subnet_identifier: str | None = None
    """ID of the subnet (``subnet-…``)."""
    subnet_availability_zone: AvailabilityZone | None = None
    """Availability Zone of the subnet."""
    subnet_outpost: Outpost | None = None
    """Outpost of the subnet, if it is on one."""
    subnet_status: str | None = None
    """Status of the subnet, such as ``Active``."""


class DBSubnetGroup(ResponseModel, frozen=True):
    """The subnets in which RDS may place an instance."""

    db_subnet_group_name: str | None = None
    """Name of the group."""
    db_subnet_group_description: str | None = None
    """Description of the group."""
    vpc_id: str | None = None
    """VPC of the subnets."""
    subnet_group_status: str | None = None
    """Status of the group, such as ``Complete``."""
    subnets: Items[Subnet] | None = None
    """Subnets of the group; the list may be older than the VPC's present state."""
    db_subnet_group_arn: str | None = None
    """ARN of the group."""
    supported_network_types: Items[str] | None = None
    """``IPV4``, ``DUAL`` or both."""


class ProcessorFeature(ResponseModel, frozen=True):
    """A processor setting of the DB instance class."""

    name: str | None = None
    """``coreCount`` or ``threadsPerCore``; required in a request."""
    value: str | None = None
    """The number, as text; required in a request."""


class PendingCloudwatchLogsExports(ResponseModel, frozen=True):
    """The changes to a log export that RDS has yet to make."""

    log_types_to_enable: Items[str] | None = None
    """Logs that CloudWatch will get."""
    log_types_to_disable: Items[str] | None = None
    """Logs that CloudWatch will no longer get."""


class PendingModifiedValues(ResponseModel, frozen=True):
    """The settings that an instance will have once RDS applies the pending changes.

    A field without a pending change is ``None``.
    """

    db_instance_class: str | None = None
    """Compute and memory."""
    allocated_storage: int | None = None
    """Size in GiB."""
    master_user_password: Annotated[str | None, Field(repr=False)] = None
    """Master password, which RDS masks; a secret."""
    port: int | None = None
    """Port number."""
    backup_retention_period: int | None = None
    """Days that RDS keeps automated backups; 0 disables them."""
    multi_az: bool | None = None
    """Whether the instance will have a standby in another Availability Zone."""
    engine_version: str | None = None
    """Version of the database engine."""
    license_model: str | None = None
    """License model, such as ``license-included``."""
    iops: int | None = None
    """Provisioned I/O operations per second."""
    storage_throughput: int | None = None
    """Storage throughput in MiB per second."""
    db_instance_identifier: str | None = None
    """New identifier of an instance that is being renamed."""
    storage_type: str | None = None
    """Storage type, such as ``gp3``."""
    ca_certificate_identifier: str | None = None
    """CA certificate for the server's certificate."""
    db_subnet_group_name: str | None = None
    """DB subnet group."""
    pending_cloudwatch_logs_exports: PendingCloudwatchLogsExports | None = None
    """Log exports to enable and disable."""
    processor_features: Items[ProcessorFeature] | None = None
    """Core count and threads per core."""
    automation_mode: str | None = None
    """``full`` or ``all-paused`` (RDS Custom)."""
    resume_full_automation_mode_time: datetime | None = None
    """When RDS Custom resumes a paused automation."""
    multi_tenant: bool | None = None
    """Whether the instance will be in the multi-tenant configuration (Oracle)."""
    iam_database_authentication_enabled: bool | None = None
    """Whether IAM accounts will be mapped to database accounts."""
    dedicated_log_volume: bool | None = None
    """Whether the instance will have a dedicated log volume."""
    engine: str | None = None
    """Database engine."""
    additional_storage_volumes: Items[AdditionalStorageVolume] | None = None
    """Changes to additional storage volumes."""
    db_capacity_reservation_identifier: str | None = None
    """Capacity reservation that the instance will use."""


class OptionGroupMembership(ResponseModel, frozen=True):
    """An option group of an instance, and whether its options are in use."""

    option_group_name: str | None = None
    """Name of the group."""
    status: str | None = None
    """``in-sync``, ``applying``, ``removing``, ``failed``, or one of ``pending-apply``,
    ``pending-removal`` and, for the maintenance window, ``pending-maintenance-…``."""


class DBInstanceStatusInfo(ResponseModel, frozen=True):
    """The state of a read replica."""

    status_type: str | None = None
    """What the status is about: ``read replication``."""
    normal: bool | None = None
    """Whether there is no error."""
    status: str | None = None
    """``replicating``, ``replication stop point set``, ``replication stop point reached``,
    ``error``, ``stopped`` or ``terminated``."""
    message: str | None = None
    """Details of the error, if there is one."""


class DomainMembership(ResponseModel, frozen=True):
    """An Active Directory domain that an instance has joined, or is to join."""

    domain: str | None = None
    """ID of the directory (``d-…``)."""
    status: str | None = None
    """``joined``, ``pending-join``, ``failed`` …"""
    fqdn: Annotated[str | None, Field(alias="FQDN")] = None
    """Fully qualified name of the domain."""
    iam_role_name: str | None = None
    """IAM role for calls to the Directory Service."""
    ou: Annotated[str | None, Field(alias="OU")] = None
    """Organizational unit."""
    auth_secret_arn: str | None = None
    """ARN of the secret with the credentials to join the domain."""
    dns_ips: Items[str] | None = None
    """IPv4 addresses of the two domain controllers."""


class DBInstanceRole(ResponseModel, frozen=True):
    """An IAM role that an instance uses to call other AWS services."""

    role_arn: str | None = None
    """ARN of the role."""
    feature_name: str | None = None
    """Feature of the engine that uses the role, such as ``s3Import``."""
    status: str | None = None
    """``ACTIVE``, ``PENDING``, or ``INVALID`` (the instance may not assume the role)."""


class CertificateDetails(ResponseModel, frozen=True):
    """The certificate that an instance shows to its clients."""

    ca_identifier: str | None = None
    """CA that signed the certificate, such as ``rds-ca-rsa2048-g1``."""
    valid_till: datetime | None = None
    """When the certificate expires."""


class MasterUserSecret(ResponseModel, frozen=True):
    """The secret in Secrets Manager that contains the master password."""

    secret_arn: str | None = None
    """ARN of the secret."""
    secret_status: str | None = None
    """``creating``, ``active``, ``rotating``, or ``impaired`` (the password is valid, but
    Secrets Manager cannot rotate it)."""
    kms_key_id: str | None = None
    """KMS key that encrypts the secret."""


class AdditionalStorageVolumeOutput(ResponseModel, frozen=True):
    """An additional storage volume of an instance, and its state."""

    volume_name: str | None = None
    """``rdsdbdata2``, ``rdsdbdata3`` or ``rdsdbdata4``."""
    storage_volume_status: str | None = None
    """``ACTIVE``, ``CREATING``, ``DELETING``, ``MODIFYING``, ``NOT-IN-USE``,
    ``STORAGE-OPTIMIZATION`` or ``VOLUME-FULL``."""
    storage_operation_status: str | None = None
    """``Initializing`` (the volume is still filled from a snapshot and slower) or
    ``Optimizing`` (after a change); ``None`` while nothing is in progress."""
    storage_operation_percent_progress: int | None = None
    """Progress of that operation, 0 to 100."""
    allocated_storage: int | None = None
    """Size in GiB, 20 to 65,536."""
    iops: Annotated[int | None, Field(alias="IOPS")] = None
    """Provisioned I/O operations per second."""
    max_allocated_storage: int | None = None
    """Size in GiB up to which RDS may grow the volume."""
    storage_throughput: int | None = None
    """Throughput in MiB per second."""
    storage_type: str | None = None
    """``gp3`` or ``io2``."""
