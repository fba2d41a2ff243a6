"""A DB instance with all its fields, which loads when it is used."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from ._base import Items, ResponseModel
from ._instance_parts import (
    AdditionalStorageVolumeOutput,
    CertificateDetails,
    DBInstanceRole,
    DBInstanceStatusInfo,
    DBParameterGroupStatus,
    DBSecurityGroupMembership,
    DBSubnetGroup,
    DomainMembership,
    Endpoint,
    MasterUserSecret,
    OptionGroupMembership,
    PendingModifiedValues,
    PrimaryEndpoint,
    ProcessorFeature,
    VpcSecurityGroupMembership,
)
from ._responses import DBInstanceAutomatedBackupsReplication, Tag


class DBInstance(ResponseModel, frozen=True):
    """A DB instance.

    See https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html.
    """

    db_instance_identifier: str | None = None
    """Identifier, unique in its Region and account."""
    db_instance_arn: str | None = None
    """ARN of the instance."""
    dbi_resource_id: str | None = None
    """Resource ID (``db-…``); a rename does not change it."""
    db_instance_status: str | None = None
    """``available``, ``creating``, ``modifying``, ``backing-up`` …"""
    db_instance_class: str | None = None
    """Compute and memory, such as ``db.t3.micro``."""
    processor_features: Items[ProcessorFeature] | None = None
    """Core count and threads per core, if they are not the defaults of the class."""
    engine: str | None = None
    """Database engine, such as ``postgres``."""
    engine_version: str | None = None
    """Version of the database engine."""
    engine_lifecycle_support: str | None = None
    """``open-source-rds-extended-support`` or ``…-disabled``."""
    license_model: str | None = None
    """License model, such as ``bring-your-own-license``."""
    instance_create_time: datetime | None = None
    """Creation time of the instance."""
    automatic_restart_time: datetime | None = None
    """When RDS starts a stopped instance by itself."""
    db_capacity_reservation_identifier: str | None = None
    """Capacity reservation of the instance, if it uses one."""
    tag_list: Items[Tag] | None = None
    """Tags of the instance."""

    endpoint: Endpoint | None = None
    """Address and port; absent while RDS creates the instance."""
    primary_endpoint: PrimaryEndpoint | None = None
    """Address of the primary, which a switchover does not change."""
    listener_endpoint: Endpoint | None = None
    """Address and port of the listener, only for SQL Server Always On."""
    db_instance_port: Annotated[int | None, Field(alias="DbInstancePort")] = None
    """Port of the instance, which may differ from its cluster's; often 0."""
    availability_zone: str | None = None
    """Availability Zone of the primary."""
    secondary_availability_zone: str | None = None
    """Availability Zone of the standby."""
    multi_az: bool | None = None
    """Whether a standby exists in another Availability Zone."""
    db_subnet_group: DBSubnetGroup | None = None
    """DB subnet group, with its VPC and subnets."""
    vpc_security_groups: Items[VpcSecurityGroupMembership] | None = None
    """VPC security groups."""
    db_security_groups: Items[DBSecurityGroupMembership] | None = None
    """DB security groups, of an instance outside a VPC."""
    publicly_accessible: bool | None = None
    """Whether the DNS name resolves to a public address outside the VPC."""
    network_type: str | None = None
    """``IPV4`` or ``DUAL``."""
    customer_owned_ip_enabled: bool | None = None
    """Whether the instance has a customer-owned IP address (Outposts)."""
    vpc_networking_enabled: Annotated[bool | None, Field(alias="VPCNetworkingEnabled")] = None
    """Whether the instance is in a VPC; ``False`` for Aurora PostgreSQL without one."""

    allocated_storage: int | None = None
    """Size in GiB."""
    max_allocated_storage: int | None = None
    """Size in GiB up to which RDS may grow the storage."""
    storage_type: str | None = None
    """Storage type, such as ``gp3``."""
    iops: int | None = None
    """Provisioned I/O operations per second."""
    storage_throughput: int | None = None
    """Storage throughput in MiB per second, only for ``gp3``."""
    storage_encrypted: bool | None = None
    """Whether the storage is encrypted; if so, a replication needs a KMS key."""
    storage_encryption_type: str | None = None
    """``none``, ``sse-rds`` (a key that AWS owns) or ``sse-kms`` (a KMS key)."""
    kms_key_id: str | None = None
    """ARN of the KMS key of the storage."""
    tde_credential_arn: str | None = None
    """ARN from the key store for TDE encryption."""
    dedicated_log_volume: bool | None = None
    """Whether the instance has a dedicated log volume."""
    additional_storage_volumes: Items[AdditionalStorageVolumeOutput] | None = None
    """Additional storage volumes (RDS for Oracle and SQL Server)."""
    storage_volume_status: str | None = None
    """State of the volumes, which shows the one that is full."""
    storage_operation_status: str | None = None
    """``Initializing`` (the volume is still filled from a snapshot and slower) or
    ``Optimizing`` (after a change); ``None`` while nothing is in progress."""
    storage_operation_percent_progress: int | None = None
    """Progress of that operation, 0 to 100."""
    percent_progress: str | None = None
    """Progress of a storage optimization in percent, as text."""
    is_storage_config_upgrade_available: bool | None = None
    """Whether AWS recommends an upgrade of the storage's file system."""

    backup_retention_period: int | None = None
    """Days that RDS keeps automated backups; 0 disables them."""
    preferred_backup_window: str | None = None
    """Daily time range of the backups, ``hh24:mi-hh24:mi`` in UTC."""
    latest_restorable_time: datetime | None = None
    """The latest time that the instance's own backups can restore."""
    backup_target: str | None = None
    """``region``, ``outposts`` or ``local`` (a Dedicated Local Zone)."""
    db_instance_automated_backups_replications: (
        Items[DBInstanceAutomatedBackupsReplication] | None
    ) = None
    """Replications of the automated backups to other Regions."""
    aws_backup_recovery_point_arn: str | None = None
    """ARN of the recovery point in AWS Backup."""
    copy_tags_to_snapshot: bool | None = None
    """Whether snapshots get the instance's tags."""
    deletion_protection: bool | None = None
    """Whether RDS refuses to delete the instance."""

    db_cluster_identifier: str | None = None
    """The cluster of the instance, for Aurora and Multi-AZ DB clusters."""
    promotion_tier: int | None = None
    """Priority of an Aurora replica in a failover, 0 (first) to 15."""
    read_replica_source_db_instance_identifier: str | None = None
    """The primary of the instance, if the instance is a read replica."""
    read_replica_source_db_cluster_identifier: str | None = None
    """The cluster that the instance replicates, if the instance is a read replica of one."""
    read_replica_db_instance_identifiers: Items[str] | None = None
    """Read replicas of the instance; those in other Regions by their ARNs."""
    read_replica_db_cluster_identifiers: Items[str] | None = None
    """Aurora clusters that replicate the instance, in its own Region."""
    replica_mode: str | None = None
    """``open-read-only`` or ``mounted``, for a read replica (Oracle and Db2)."""
    status_infos: Items[DBInstanceStatusInfo] | None = None
    """State of a read replica; empty for other instances."""

    preferred_maintenance_window: str | None = None
    """Weekly time range of the maintenance, ``ddd:hh24:mi-ddd:hh24:mi`` in UTC."""
    auto_minor_version_upgrade: bool | None = None
    """Whether RDS applies minor engine upgrades in the maintenance window."""
    upgrade_rollout_order: str | None = None
    """When an automatic upgrade reaches the instance: ``first``, ``second`` or ``last``."""
    pending_modified_values: PendingModifiedValues | None = None
    """Changes that RDS has yet to apply."""
    db_parameter_groups: Items[DBParameterGroupStatus] | None = None
    """DB parameter groups."""
    option_group_memberships: Items[OptionGroupMembership] | None = None
    """Option groups."""

    master_username: str | None = None
    """Master user."""
    master_user_secret: MasterUserSecret | None = None
    """Secret with the master password, if Secrets Manager manages it."""
    iam_database_authentication_enabled: bool | None = None
    """Whether IAM accounts are mapped to database accounts."""
    associated_roles: Items[DBInstanceRole] | None = None
    """IAM roles that the instance uses."""
    domain_memberships: Items[DomainMembership] | None = None
    """Active Directory domains."""
    ca_certificate_identifier: str | None = None
    """CA certificate for the server's certificate."""
    certificate_details: CertificateDetails | None = None
    """The server's certificate."""

    db_name: str | None = None
    """Name of the initial database; its meaning differs by engine."""
    db_system_id: str | None = None
    """Oracle system ID (SID) of a container database, only for RDS Custom."""
    character_set_name: str | None = None
    """Character set of the database, for engines that have one."""
    nchar_character_set_name: str | None = None
    """Character set of ``NCHAR`` columns, only for Oracle."""
    timezone: str | None = None
    """Time zone of the instance, only for Db2 and SQL Server."""
    multi_tenant: bool | None = None
    """Whether the instance is in the multi-tenant configuration (Oracle)."""

    monitoring_interval: int | None = None
    """Seconds between two readings of Enhanced Monitoring; 0 if it is disabled."""
    monitoring_role_arn: str | None = None
    """IAM role that sends the readings to CloudWatch Logs."""
    enhanced_monitoring_resource_arn: str | None = None
    """ARN of the log stream that gets the readings."""
    database_insights_mode: str | None = None
    """``standard`` or ``advanced``."""
    performance_insights_enabled: bool | None = None
    """Whether Performance Insights is enabled."""
    performance_insights_kms_key_id: Annotated[
        str | None, Field(alias="PerformanceInsightsKMSKeyId")
    ] = None
    """KMS key of the data of Performance Insights."""
    performance_insights_retention_period: int | None = None
    """Days that Performance Insights keeps its data: 7, a multiple of 31 up to 713, or 731."""
    enabled_cloudwatch_logs_exports: Items[str] | None = None
    """Logs that CloudWatch gets; their names depend on the engine."""

    activity_stream_status: str | None = None
    """``stopped``, ``starting``, ``started`` or ``stopping``."""
    activity_stream_mode: str | None = None
    """``sync`` or ``async``; always ``async`` for Oracle."""
    activity_stream_policy_status: str | None = None
    """``locked``, ``unlocked``, ``locking-policy`` or ``unlocking-policy``."""
    activity_stream_kms_key_id: str | None = None
    """KMS key of the activity stream."""
    activity_stream_kinesis_stream_name: str | None = None
    """Kinesis data stream that gets the activity stream."""
    activity_stream_engine_native_audit_fields_included: bool | None = None
    """Whether the activity stream has the engine's own audit fields."""

    automation_mode: str | None = None
    """``full``, or ``all-paused`` for a while (RDS Custom)."""
    resume_full_automation_mode_time: datetime | None = None
    """When RDS Custom resumes a paused automation."""
    custom_iam_instance_profile: Annotated[str | None, Field(alias="CustomIamInstanceProfile")] = (
        None
    )
    """Instance profile of the EC2 instance (RDS Custom)."""

    @property
    def is_available(self) -> bool:
        """Return whether the instance's status is ``available``."""
        return (self.db_instance_status or "").lower() == "available"
