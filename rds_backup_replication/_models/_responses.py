"""The shapes of RDS's answers, under botocore's names for them.

Meanings follow the `API reference`_, and what the documentation leaves out is
said where it matters.

.. _API reference: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstanceAutomatedBackup.html
"""

from datetime import datetime, timedelta, timezone
from typing import Annotated, Any, ClassVar

from pydantic import Field, GetCoreSchemaHandler, GetPydanticSchema
from pydantic_core import CoreSchema, core_schema

from ._base import Items, ResponseModel


class BackupStatus(str):
    """The status of an automated backup, equal in any capitalization.

    RDS has answered both ``replicating`` and ``Replicating``, and its
    documentation lists only some of the values. So this is a string that
    compares without regard to case, keeps what RDS wrote, and keeps values it
    does not know. As a key of a dict or set it goes by the lower-case form.
    """

    __slots__ = ()

    ACTIVE: ClassVar["BackupStatus"]
    """Backups of an existing instance in its own Region."""
    CREATING: ClassVar["BackupStatus"]
    """Waiting for the first automated snapshot, in the instance's own Region."""
    DELETING: ClassVar["BackupStatus"]
    """The answer of a deletion."""
    PENDING: ClassVar["BackupStatus"]
    """Replication was started, and nothing can be restored from it yet."""
    REPLICATING: ClassVar["BackupStatus"]
    """Snapshots and logs arrive; ``restore_window`` says what can be restored."""
    RETAINED: ClassVar["BackupStatus"]
    """Replication has ended; what is here expires by its retention period."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self.lower() == other.lower()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.lower())

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())


# Read as a BackupStatus; a plain string is as good where a model is built by hand.
_Status = Annotated[
    BackupStatus | str,
    GetPydanticSchema(lambda _, handler: handler.generate_schema(BackupStatus)),
]

BackupStatus.ACTIVE = BackupStatus("active")
BackupStatus.CREATING = BackupStatus("creating")
BackupStatus.DELETING = BackupStatus("deleting")
BackupStatus.PENDING = BackupStatus("pending")
BackupStatus.REPLICATING = BackupStatus("replicating")
BackupStatus.RETAINED = BackupStatus("retained")


class Tag(ResponseModel, frozen=True):
    """A tag of an RDS resource.

    Reading takes what RDS sends, its own ``aws:`` tags too; the rules for tags
    of your own apply when they are part of a request.
    """

    key: str = ""
    """The name, case-sensitive; empty only if RDS left it out. In a request: 1 to
    128 letters, numbers, spaces and ``_.:/=+-@``, not beginning with ``aws:`` or ``rds:``."""
    value: str | None = None
    """The value, or ``None`` for a tag without one. In a request: up to 256 of
    the same characters, with the same prefixes reserved."""


class RestoreWindow(ResponseModel, frozen=True):
    """The span of time that an instance can be restored to; empty while pending."""

    earliest_time: datetime | None = None
    """The earliest moment that can be restored."""
    latest_time: datetime | None = None
    """The latest moment that can be restored: everything after it would be lost."""


class DBInstanceAutomatedBackupsReplication(ResponseModel, frozen=True):
    """A replication of an instance's automated backups to another Region."""

    db_instance_automated_backups_arn: str | None = None
    """ARN of the replicated backups; its Region is the destination."""


class AdditionalStorageVolume(ResponseModel, frozen=True):
    """A storage volume beside the main one (RDS for Oracle and SQL Server)."""

    volume_name: str | None = None
    """``rdsdbdata2``, ``rdsdbdata3`` or ``rdsdbdata4``; needed in a request."""
    allocated_storage: int | None = None
    """Size in GiB, 20 to 65,536."""
    iops: Annotated[int | None, Field(alias="IOPS")] = None
    """Provisioned I/O operations per second."""
    max_allocated_storage: int | None = None
    """Size in GiB up to which RDS may grow the volume."""
    storage_throughput: int | None = None
    """Throughput in MiB per second, for ``gp3`` alone."""
    storage_type: str | None = None
    """``gp3`` or ``io2``."""


class DBInstanceAutomatedBackup(ResponseModel, frozen=True):
    """Automated backups of a DB instance: of its own Region, or replicated to this one.

    Of a replicated backup, ``region`` and ``db_instance_arn`` name the *source*,
    and ``db_instance_automated_backups_arn`` lies in the destination.
    """

    db_instance_arn: str | None = None
    """ARN of the source instance."""
    dbi_resource_id: str | None = None
    """Resource ID of the source instance (``db-…``), which outlives a rename."""
    region: str | None = None
    """Region of the source instance."""
    db_instance_identifier: str | None = None
    """Identifier of the source instance."""
    restore_window: RestoreWindow | None = None
    """What can be restored; without times while ``status`` is pending."""
    allocated_storage: int | None = None
    """Size in GiB."""
    status: _Status | None = None
    """A :class:`BackupStatus`, which compares equal in any capitalization."""
    port: int | None = None
    """Port that the source instance listened on."""
    availability_zone: str | None = None
    """Availability Zone of the source; mostly absent on a replicated backup."""
    vpc_id: str | None = None
    """VPC of the source; mostly absent on a replicated backup."""
    instance_create_time: datetime | None = None
    """When the source instance was created."""
    master_username: str | None = None
    """Master user of the source instance."""
    engine: str | None = None
    """Database engine, such as ``postgres``."""
    engine_version: str | None = None
    """Version of the database engine."""
    license_model: str | None = None
    """License model, such as ``bring-your-own-license``."""
    iops: int | None = None
    """Provisioned I/O operations per second."""
    storage_throughput: int | None = None
    """Storage throughput in MiB per second."""
    option_group_name: str | None = None
    """Option group of the source. Not copied for SQL Server."""
    tde_credential_arn: str | None = None
    """ARN in the key store used for TDE encryption."""
    encrypted: bool | None = None
    """Whether the backup is encrypted."""
    storage_encryption_type: str | None = None
    """``none``, ``sse-rds`` (a key that AWS owns) or ``sse-kms`` (a KMS key)."""
    storage_type: str | None = None
    """Storage type, such as ``gp3``."""
    kms_key_id: str | None = None
    """The KMS key: its ARN as a rule, though an id or alias is allowed."""
    timezone: str | None = None
    """Time zone of the instance, for SQL Server alone."""
    iam_database_authentication_enabled: bool | None = None
    """Whether IAM accounts are mapped to database accounts."""
    backup_retention_period: int | None = None
    """Days that backups are kept."""
    preferred_backup_window: str | None = None
    """Daily time range of the backups, ``hh24:mi-hh24:mi`` in UTC."""
    db_instance_automated_backups_arn: str | None = None
    """ARN of the automated backups; its Region is where they are kept."""
    db_instance_automated_backups_replications: (
        Items[DBInstanceAutomatedBackupsReplication] | None
    ) = None
    """Replications of this backup to other Regions."""
    backup_target: str | None = None
    """``region``, ``outposts`` or ``local`` (a Dedicated Local Zone)."""
    multi_tenant: bool | None = None
    """Whether the instance is in the multi-tenant configuration (Oracle)."""
    aws_backup_recovery_point_arn: str | None = None
    """ARN of the recovery point in AWS Backup."""
    tag_list: Items[Tag] | None = None
    """Tags of the automated backup."""
    dedicated_log_volume: bool | None = None
    """Whether the instance has a dedicated log volume."""
    additional_storage_volumes: Items[AdditionalStorageVolume] | None = None
    """Storage volumes beside the main one."""

    @property
    def is_replicating(self) -> bool:
        """Whether snapshots and logs arrive (``pending`` is not yet replicating)."""
        return self.status == BackupStatus.REPLICATING

    @property
    def is_retained(self) -> bool:
        """Whether replication has ended and the copies await their expiry."""
        return self.status == BackupStatus.RETAINED

    def lag(self, now: datetime | None = None) -> timedelta | None:
        """How much data a disaster now would lose.

        AWS speaks of 5 to 30 minutes. Nothing announces a replication that
        stopped by itself: a lag that only grows is how it shows.

        Args:
            now: An aware datetime; the present if omitted.

        Returns:
            ``now`` minus the latest restorable time; ``None`` while nothing can
            be restored.
        """
        if self.restore_window is None or self.restore_window.latest_time is None:
            return None
        return (now or datetime.now(timezone.utc)) - self.restore_window.latest_time


class SourceRegion(ResponseModel, frozen=True):
    """A Region that this one can take replicated backups, snapshots or replicas from."""

    region_name: str | None = None
    """Name of the source Region."""
    endpoint: str | None = None
    """URL of RDS in the source Region."""
    status: str | None = None
    """``available`` as a rule."""
    supports_db_instance_automated_backups_replication: bool | None = None
    """Whether automated backups can be replicated from there to here."""


class Endpoint(ResponseModel, frozen=True):
    """Where a DB instance listens."""

    address: str | None = None
    """DNS name."""
    port: int | None = None
    """Port number."""
    hosted_zone_id: str | None = None
    """ID of the Amazon Route 53 hosted zone."""


class DBInstance(ResponseModel, frozen=True):
    """A DB instance: the fields one acts on; the others are kept under AWS's names.

    See https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html.
    """

    db_instance_identifier: str | None = None
    """Identifier, unique in its Region and account."""
    db_instance_arn: str | None = None
    """ARN of the instance."""
    dbi_resource_id: str | None = None
    """Resource ID (``db-…``), which outlives a rename."""
    db_instance_status: str | None = None
    """``available``, ``creating``, ``modifying``, ``backing-up`` …"""
    db_instance_class: str | None = None
    """Compute and memory, such as ``db.t3.micro``."""
    engine: str | None = None
    """Database engine, such as ``postgres``."""
    engine_version: str | None = None
    """Version of the database engine."""
    endpoint: Endpoint | None = None
    """Where it listens; absent while it is being created."""
    allocated_storage: int | None = None
    """Size in GiB."""
    storage_type: str | None = None
    """Storage type, such as ``gp3``."""
    storage_encrypted: bool | None = None
    """Whether the storage is encrypted; if so, replication needs a key."""
    kms_key_id: str | None = None
    """ARN of the KMS key of the storage."""
    master_username: str | None = None
    """Master user."""
    db_name: str | None = None
    """Name of the initial database; its meaning differs by engine."""
    instance_create_time: datetime | None = None
    """When the instance was created."""
    latest_restorable_time: datetime | None = None
    """The latest moment that the instance's own backups can restore."""
    backup_retention_period: int | None = None
    """Days that automated backups are kept; 0 turns them off."""
    preferred_backup_window: str | None = None
    """Daily time range of the backups, ``hh24:mi-hh24:mi`` in UTC."""
    availability_zone: str | None = None
    """Availability Zone of the primary."""
    multi_az: bool | None = None
    """Whether a standby exists in another Availability Zone."""
    db_cluster_identifier: str | None = None
    """The cluster it belongs to; only Aurora and Multi-AZ clusters have one."""
    read_replica_source_db_instance_identifier: str | None = None
    """The instance this one is a read replica of."""
    deletion_protection: bool | None = None
    """Whether deletion is refused."""
    db_instance_automated_backups_replications: (
        Items[DBInstanceAutomatedBackupsReplication] | None
    ) = None
    """Replications of its automated backups to other Regions."""
    tag_list: Items[Tag] | None = None
    """Tags of the instance."""
