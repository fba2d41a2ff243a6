"""The parameters of a point-in-time restore from a replicated backup.

Meanings follow the API reference. The restored instance gets default settings for omitted
parameters. It keeps the KMS key of the backup, because the operation has no parameter for a key.
See https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBInstanceToPointInTime.html
"""

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, GetPydanticSchema
from pydantic_core import core_schema

# On Python 3.10 and 3.11, pydantic reads a TypedDict only from this package.
from typing_extensions import TypedDict

from ._base import RequestModel
from ._fields import (
    AutomatedBackupsArn,
    DBInstanceIdentifier,
    KmsKeyId,
    ListOf,
    NonEmpty,
    OptionalTags,
    TagsInput,
    WholeNumber,
    one_is_given,
    validate_as,
    with_message,
)
from ._instance_parts import ProcessorFeature
from ._responses import AdditionalStorageVolume


class TagSpecification(RequestModel, frozen=True):
    """Tags for a resource that RDS creates along with the instance."""

    resource_type: NonEmpty
    """``auto-backup``: the automated backup of the restored instance."""
    tags: OptionalTags = None
    """The tags."""


class RestoreOptions(TypedDict, total=False):
    """Optional settings of a restore; see ``RestoreDBInstanceToPointInTimeRequest``."""

    db_instance_class: str
    port: int
    availability_zone: str
    db_subnet_group_name: str
    multi_az: bool
    publicly_accessible: bool
    auto_minor_version_upgrade: bool
    license_model: str
    db_name: str
    engine: str
    iops: int
    storage_throughput: int
    option_group_name: str
    copy_tags_to_snapshot: bool
    tags: TagsInput
    storage_type: str
    tde_credential_arn: str
    tde_credential_password: str
    vpc_security_group_ids: Sequence[str]
    domain: str
    domain_iam_role_name: str
    domain_fqdn: str
    domain_ou: str
    domain_auth_secret_arn: str
    domain_dns_ips: Sequence[str]
    enable_iam_database_authentication: bool
    enable_cloudwatch_logs_exports: Sequence[str]
    processor_features: Sequence[ProcessorFeature]
    use_default_processor_features: bool
    db_parameter_group_name: str
    deletion_protection: bool
    max_allocated_storage: int
    enable_customer_owned_ip: bool
    network_type: str
    backup_target: str
    custom_iam_instance_profile: str
    allocated_storage: int
    backup_retention_period: int
    preferred_backup_window: str
    db_capacity_reservation_identifier: str
    dedicated_log_volume: bool
    ca_certificate_identifier: str
    engine_lifecycle_support: str
    additional_storage_volumes: Sequence[AdditionalStorageVolume]
    tag_specifications: Sequence[TagSpecification]
    manage_master_user_password: bool
    master_user_secret_kms_key_id: str


# with_message passes a time in JSON on as a string, which the strict models refuse.
_AwareDatetime = Annotated[
    datetime,
    GetPydanticSchema(
        lambda _, __: core_schema.json_or_python_schema(
            core_schema.datetime_schema(strict=False, tz_constraint="aware"),
            core_schema.datetime_schema(tz_constraint="aware"),
        )
    ),
]
# botocore formats a year before 1000 with too few digits.
_EARLIEST_YEAR = 1970


def _in_utc(time: datetime | None) -> datetime | None:
    if time is None:
        return None
    try:
        in_utc = time.astimezone(timezone.utc)
    except OverflowError:
        raise ValueError("must be a time that exists in UTC") from None
    if in_utc.year < _EARLIEST_YEAR:
        raise ValueError(f"must be a time since {_EARLIEST_YEAR}")
    return in_utc


# In a request, a ProcessorFeature or AdditionalStorageVolume must follow RDS's rules.
class _RequestFeature(RequestModel, frozen=True):
    name: NonEmpty
    value: NonEmpty


class _RequestVolume(RequestModel, frozen=True):
    volume_name: NonEmpty
    allocated_storage: WholeNumber | None = None
    iops: Annotated[WholeNumber | None, Field(alias="IOPS")] = None
    max_allocated_storage: WholeNumber | None = None
    storage_throughput: WholeNumber | None = None
    storage_type: NonEmpty | None = None


def _as_fields(value: Any) -> Any:
    return dict(value) if isinstance(value, (ProcessorFeature, AdditionalStorageVolume)) else value


_Feature = Annotated[
    ProcessorFeature,
    validate_as(
        Annotated[
            _RequestFeature,
            BeforeValidator(_as_fields),
            AfterValidator(_RequestFeature.model_dump),
        ]
    ),
]
_Volume = Annotated[
    AdditionalStorageVolume,
    validate_as(
        Annotated[
            _RequestVolume,
            BeforeValidator(_as_fields),
            AfterValidator(_RequestVolume.model_dump),
        ]
    ),
]


class RestoreDBInstanceToPointInTimeRequest(RequestModel, frozen=True):
    """Parameters of ``RestoreDBInstanceToPointInTime``, from a replicated backup."""

    source_db_instance_automated_backups_arn: AutomatedBackupsArn
    """ARN of the replicated backup, in the client's Region."""
    target_db_instance_identifier: DBInstanceIdentifier
    """Name of the new instance: 1 to 63 letters, digits and hyphens."""
    restore_time: Annotated[
        _AwareDatetime | None,
        with_message("must be a datetime with a timezone, such as timezone.utc"),
        AfterValidator(_in_utc),
    ] = None
    """The time to restore to, within the backup's restore window."""
    use_latest_restorable_time: Annotated[
        bool | None, one_is_given("restore_time"), Field(validate_default=True)
    ] = None
    """``True`` restores to the latest restorable time."""

    db_instance_class: NonEmpty | None = None
    """Compute and memory, such as ``db.t3.micro``; the source's class if omitted."""
    port: Annotated[
        int | None,
        Field(ge=1150, le=65535),
        with_message("must be a whole number from 1150 to 65535"),
    ] = None
    """Port, 1150 to 65535; the source's port if omitted."""
    availability_zone: NonEmpty | None = None
    """Availability Zone; RDS refuses it together with ``multi_az``."""
    db_subnet_group_name: NonEmpty | None = None
    """DB subnet group; the default group if omitted."""
    multi_az: bool | None = None
    """Whether to keep a standby in another Availability Zone."""
    publicly_accessible: bool | None = None
    """Whether the instance gets a public address."""
    auto_minor_version_upgrade: bool | None = None
    """Whether RDS applies minor engine upgrades in the maintenance window."""
    license_model: NonEmpty | None = None
    """License model, for engines with more than one."""
    db_name: NonEmpty | None = None
    """Database name, for engines that use one."""
    engine: NonEmpty | None = None
    """Engine, compatible with the source's engine; the source's engine if omitted."""
    iops: WholeNumber | None = None
    """Provisioned I/O operations per second."""
    storage_throughput: WholeNumber | None = None
    """Storage throughput in MiB per second."""
    option_group_name: NonEmpty | None = None
    """Option group."""
    copy_tags_to_snapshot: bool | None = None
    """Whether snapshots get the instance's tags."""
    tags: OptionalTags = None
    """Tags of the new instance, at most 50."""
    storage_type: NonEmpty | None = None
    """``gp2``, ``gp3``, ``io1``, ``io2`` or ``standard``."""
    tde_credential_arn: NonEmpty | None = None
    """ARN from the key store for TDE encryption."""
    tde_credential_password: Annotated[NonEmpty | None, Field(repr=False)] = None
    """Password for ``tde_credential_arn``; a secret."""
    vpc_security_group_ids: ListOf[NonEmpty] = None
    """VPC security groups; the default group if omitted."""
    domain: NonEmpty | None = None
    """Active Directory directory to join."""
    domain_iam_role_name: NonEmpty | None = None
    """IAM role for calls to the Directory Service."""
    domain_fqdn: NonEmpty | None = None
    """Name of a self-managed Active Directory domain."""
    domain_ou: NonEmpty | None = None
    """Organizational unit to join."""
    domain_auth_secret_arn: NonEmpty | None = None
    """ARN of the secret with the credentials to join the domain."""
    domain_dns_ips: ListOf[NonEmpty] = None
    """IPv4 addresses of the two domain controllers."""
    enable_iam_database_authentication: bool | None = None
    """Whether IAM accounts are mapped to database accounts."""
    enable_cloudwatch_logs_exports: ListOf[NonEmpty] = None
    """Logs to export to CloudWatch; their names depend on the engine."""
    processor_features: ListOf[_Feature] = None
    """Core count and threads per core."""
    use_default_processor_features: bool | None = None
    """Whether the defaults of the class apply to core count and threads."""
    db_parameter_group_name: NonEmpty | None = None
    """DB parameter group; the engine's default if omitted."""
    deletion_protection: bool | None = None
    """Whether RDS refuses to delete the instance until this is disabled."""
    max_allocated_storage: WholeNumber | None = None
    """Size in GiB up to which RDS may grow the storage."""
    enable_customer_owned_ip: bool | None = None
    """Whether the instance gets a customer-owned IP address (Outposts)."""
    network_type: NonEmpty | None = None
    """``IPV4`` or ``DUAL``."""
    backup_target: NonEmpty | None = None
    """``region``, ``outposts`` or ``local``."""
    custom_iam_instance_profile: Annotated[
        NonEmpty | None, Field(alias="CustomIamInstanceProfile")
    ] = None
    """Instance profile, for RDS Custom."""
    allocated_storage: WholeNumber | None = None
    """Size in GiB, at least the size of the source."""
    backup_retention_period: Annotated[
        int | None, Field(ge=0, le=35), with_message("must be a whole number of days from 0 to 35")
    ] = None
    """Days to keep the new instance's own backups, 0 to 35; 0 disables them."""
    preferred_backup_window: NonEmpty | None = None
    """Daily time range of the backups, ``hh24:mi-hh24:mi`` in UTC."""
    db_capacity_reservation_identifier: NonEmpty | None = None
    """Identifier or name of the capacity reservation to use."""
    dedicated_log_volume: bool | None = None
    """Whether the instance gets a dedicated log volume."""
    ca_certificate_identifier: NonEmpty | None = None
    """CA certificate for the server's certificate."""
    engine_lifecycle_support: NonEmpty | None = None
    """``open-source-rds-extended-support`` or ``…-disabled``."""
    additional_storage_volumes: ListOf[_Volume] = None
    """Up to three additional volumes (RDS for Oracle and SQL Server)."""
    tag_specifications: ListOf[TagSpecification] = None
    """Tags of the resources that RDS creates along with the instance."""
    manage_master_user_password: bool | None = None
    """Whether Secrets Manager manages the master password (Oracle)."""
    master_user_secret_kms_key_id: KmsKeyId | None = None
    """KMS key of that secret."""
