"""The shapes of RDS's responses, under botocore's names.

The meanings follow the API reference; where it is silent, a docstring says what is known.
See https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstanceAutomatedBackup.html
"""

from datetime import datetime, timedelta, timezone
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, GetCoreSchemaHandler, GetPydanticSchema
from pydantic_core import CoreSchema, core_schema

from ._base import Items, ResponseModel


class BackupStatus(str):
    """The status of an automated backup: a string that compares without regard to case.

    RDS returns both ``replicating`` and ``Replicating``, and its documentation lists only some of
    the values. A status keeps RDS's spelling and also values that this version does not know. Its
    hash is that of the lower-case form.
    """

    __slots__ = ()

    ACTIVE: ClassVar["BackupStatus"]
    """Backups of an existing instance in its own Region."""
    CREATING: ClassVar["BackupStatus"]
    """Backups that wait for the first automated snapshot, in the instance's own Region."""
    DELETING: ClassVar["BackupStatus"]
    """Backups that RDS is deleting."""
    PENDING: ClassVar["BackupStatus"]
    """A replication that was started; nothing can be restored from it yet."""
    REPLICATING: ClassVar["BackupStatus"]
    """A replication that copies snapshots and logs; ``restore_window`` gives its times."""
    RETAINED: ClassVar["BackupStatus"]
    """Backups whose replication has ended; they expire after their retention period."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self.lower() == other.lower()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.lower())

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())


# A BackupStatus in every response; a model that is built by hand may have a plain string.
_Status = Annotated[
    BackupStatus | str, GetPydanticSchema(lambda _, handler: handler.generate_schema(BackupStatus))
]

for _name in ("ACTIVE", "CREATING", "DELETING", "PENDING", "REPLICATING", "RETAINED"):
    setattr(BackupStatus, _name, BackupStatus(_name.lower()))


class Tag(ResponseModel, frozen=True):
    """A tag of an RDS resource.

    A response may contain any tag, also AWS's own ``aws:`` tags. RDS's rules for tags apply when a
    tag is part of a request.
    """

    key: str = ""
    """The case-sensitive key; empty only if RDS omitted it. In a request: 1 to 128 letters,
    numbers, spaces and ``_.:/=+-@``, not beginning with ``aws:`` or ``rds:``."""
    value: str | None = None
    """The value, or ``None`` for a tag without a value. In a request: up to 256 of the same
    characters, with the same reserved prefixes."""


class RestoreWindow(ResponseModel, frozen=True):
    """The earliest and latest restorable times; empty while a replication is pending."""

    earliest_time: datetime | None = None
    """The earliest time that a restore can use."""
    latest_time: datetime | None = None
    """The latest time that a restore can use; later changes would be lost."""


class DBInstanceAutomatedBackupsReplication(ResponseModel, frozen=True):
    """A replication of an instance's automated backups to another Region."""

    db_instance_automated_backups_arn: str | None = None
    """ARN of the replicated backups; its Region is the destination."""


class AdditionalStorageVolume(ResponseModel, frozen=True):
    """An additional storage volume (RDS for Oracle and SQL Server)."""

    volume_name: str | None = None
    """``rdsdbdata2``, ``rdsdbdata3`` or ``rdsdbdata4``; required in a request."""
    allocated_storage: int | None = None
    """Size in GiB, 20 to 65,536."""
    iops: Annotated[int | None, Field(alias="IOPS")] = None
    """Provisioned I/O operations per second."""
    max_allocated_storage: int | None = None
    """Size in GiB up to which RDS may grow the volume."""
    storage_throughput: int | None = None
    """Throughput in MiB per second, only for ``gp3``."""
    storage_type: str | None = None
    """``gp3`` or ``io2``."""


class DBInstanceAutomatedBackup(ResponseModel, frozen=True):
    """Automated backups of a DB instance, in its own Region or replicated to another.

    In a replicated backup, ``region`` and ``db_instance_arn`` belong to the *source*, and the
    Region in ``db_instance_automated_backups_arn`` is the destination.
    """

    db_instance_arn: str | None = None
    """ARN of the source instance."""
    dbi_resource_id: str | None = None
    """Resource ID of the source instance (``db-…``); a rename does not change it."""
    region: str | None = None
    """Region of the source instance."""
    db_instance_identifier: str | None = None
    """Identifier of the source instance."""
    restore_window: RestoreWindow | None = None
    """The restorable times; empty while ``status`` is pending."""
    allocated_storage: int | None = None
    """Size in GiB."""
    status: _Status | None = None
    """A :class:`BackupStatus`, which compares without regard to case."""
    port: int | None = None
    """Port of the source instance."""
    availability_zone: str | None = None
    """Availability Zone of the source; usually absent in a replicated backup."""
    vpc_id: str | None = None
    """VPC of the source; usually absent in a replicated backup."""
    instance_create_time: datetime | None = None
    """Creation time of the source instance."""
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
    """Option group of the source; RDS does not copy it for SQL Server."""
    tde_credential_arn: str | None = None
    """ARN from the key store for TDE encryption."""
    encrypted: bool | None = None
    """Whether the backup is encrypted."""
    storage_encryption_type: str | None = None
    """``none``, ``sse-rds`` (a key that AWS owns) or ``sse-kms`` (a KMS key)."""
    storage_type: str | None = None
    """Storage type, such as ``gp3``."""
    kms_key_id: str | None = None
    """KMS key: usually its ARN, though the API allows an ID or an alias."""
    timezone: str | None = None
    """Time zone of the instance, only for SQL Server."""
    iam_database_authentication_enabled: bool | None = None
    """Whether IAM accounts are mapped to database accounts."""
    backup_retention_period: int | None = None
    """Days that RDS keeps the backups."""
    preferred_backup_window: str | None = None
    """Daily time range of the backups, ``hh24:mi-hh24:mi`` in UTC."""
    db_instance_automated_backups_arn: str | None = None
    """ARN of the automated backups, with the Region that keeps them."""
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
    """Additional storage volumes."""

    @property
    def is_replicating(self) -> bool:
        """Return whether RDS copies snapshots and logs; ``pending`` is not yet replicating."""
        return self.status == BackupStatus.REPLICATING

    @property
    def is_retained(self) -> bool:
        """Return whether the replication has ended and its copies still exist."""
        return self.status == BackupStatus.RETAINED

    @property
    def is_pending(self) -> bool:
        """Return whether the replication was started and has no copies yet."""
        return self.status == BackupStatus.PENDING

    @property
    def is_active(self) -> bool:
        """Return whether the backup is pending or replicating.

        A status that this version does not know counts as active, too.
        """
        return self.status not in (BackupStatus.RETAINED, BackupStatus.DELETING)

    def lag(self, now: datetime | None = None) -> timedelta | None:
        """Return how much data a disaster now would lose.

        AWS expects 5 to 30 minutes. No event reports a replication that stopped by itself; a lag
        that keeps growing is the only sign.

        Args:
            now: An aware datetime; the current time if omitted.

        Returns:
            ``now`` minus the latest restorable time; ``None`` while nothing can be restored.
        """
        if self.restore_window is None or self.restore_window.latest_time is None:
            return None
        return (now or datetime.now(timezone.utc)) - self.restore_window.latest_time


class SourceRegion(ResponseModel, frozen=True):
    """A Region whose backups, snapshots or replicas the client's Region accepts."""

    region_name: str | None = None
    """Name of the source Region."""
    endpoint: str | None = None
    """URL of RDS in the source Region."""
    status: str | None = None
    """Usually ``available``."""
    supports_db_instance_automated_backups_replication: bool | None = None
    """Whether RDS replicates automated backups from there to the client's Region."""


class SourceInstance(ResponseModel, frozen=True):
    """The fields of a DB instance that the workflows and fleets use.

    Loading and reading them takes a fraction of the time for all fields of ``DBInstance``, which
    documents them.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="ignore")

    db_instance_identifier: str | None = None
    db_instance_arn: str | None = None
    dbi_resource_id: str | None = None
    db_instance_status: str | None = None
    db_instance_class: str | None = None
    engine: str | None = None
    storage_encrypted: bool | None = None
    kms_key_id: str | None = None
    backup_retention_period: int | None = None
    db_cluster_identifier: str | None = None
    read_replica_source_db_instance_identifier: str | None = None
    read_replica_source_db_cluster_identifier: str | None = None
    db_instance_automated_backups_replications: (
        Items[DBInstanceAutomatedBackupsReplication] | None
    ) = None
    tag_list: Items[Tag] | None = None

    @property
    def is_available(self) -> bool:
        """Return whether the instance's status is ``available``."""
        return (self.db_instance_status or "").lower() == "available"
