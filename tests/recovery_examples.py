"""Valid recovery books and entries, for all tests of recoveries."""

from datetime import datetime, timedelta, timezone
from typing import Any

from rds_backup_replication.recovery._book import (
    BookEntry,
    CapturedOption,
    CapturedOptionGroup,
    CapturedParameterGroup,
    DrillTarget,
    RecoveryBook,
)
from rds_backup_replication.recovery._settings import InstanceSettings

ACCOUNT = "111111111111"
SOURCE_REGION = "us-west-2"
DESTINATION = "us-east-1"
CAPTURED_AT = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
SOURCE = InstanceSettings(
    db_instance_class="db.r6g.large",
    storage_type="gp3",
    max_allocated_storage=1000,
    dedicated_log_volume=False,
    multi_az=True,
    port=5432,
    publicly_accessible=False,
    network_type="IPV4",
    db_subnet_group_name="private",
    vpc_security_group_ids=("sg-0123456789abcdef0",),
    db_parameter_group_name="orders",
    option_group_name="orders",
    license_model="postgresql-license",
    enable_iam_database_authentication=True,
    enable_cloudwatch_logs_exports=("postgresql",),
    ca_certificate_identifier="rds-ca-rsa2048-g1",
    auto_minor_version_upgrade=True,
    copy_tags_to_snapshot=True,
    deletion_protection=True,
    backup_retention_period=7,
    preferred_backup_window="03:00-03:30",
    preferred_maintenance_window="sun:04:00-sun:04:30",
    monitoring_interval=60,
    monitoring_role_arn=f"arn:aws:iam::{ACCOUNT}:role/monitoring",
    enable_performance_insights=True,
    performance_insights_kms_key_id=f"arn:aws:kms:{SOURCE_REGION}:{ACCOUNT}:key/source",
    performance_insights_retention_period=7,
    database_insights_mode="standard",
    manage_master_user_password=False,
    tags={"env": "prod"},
)
TARGET = SOURCE.model_copy(
    update={
        "vpc_security_group_ids": ("sg-0fedcba9876543210",),
        "performance_insights_kms_key_id": None,
    }
)
DRILL = DrillTarget(db_subnet_group_name="drills", vpc_security_group_ids=("sg-0d0d0d0d0d0d0d0d0",))
PARAMETER_GROUP = CapturedParameterGroup(
    account_id=ACCOUNT,
    source_region=SOURCE_REGION,
    name="orders",
    family="postgres16",
    parameters={"max_connections": "500"},
)
OPTION_GROUP = CapturedOptionGroup(
    account_id=ACCOUNT,
    source_region=SOURCE_REGION,
    name="orders",
    engine="postgres",
    major_engine_version="16",
    options=(CapturedOption(name="EXAMPLE", port=1158, settings={"LEVEL": "1"}),),
)


def make_entry(**changes: Any) -> BookEntry:
    """Return a valid entry.

    Changes of its account, source Region or identifier also change what is made of these: the ARN,
    the resource ID, the endpoint and the identifier of the target.
    """
    account = changes.get("account_id", ACCOUNT)
    region = changes.get("source_region", SOURCE_REGION)
    name = changes.get("db_instance_identifier", "orders")
    content: dict[str, Any] = {
        "account_id": account,
        "source_region": region,
        "destination_region": DESTINATION,
        "rule": "production",
        "db_instance_arn": f"arn:aws:rds:{region}:{account}:db:{name}",
        "db_instance_identifier": name,
        "dbi_resource_id": f"db-{name.replace('-', '').upper()}EXAMPLE",
        "target_db_instance_identifier": name,
        "captured_at": CAPTURED_AT,
        "engine": "postgres",
        "engine_version": "16.4",
        "allocated_storage": 100,
        "is_encrypted": True,
        "endpoint": f"{name}.example.{region}.rds.amazonaws.com",
        "db_name": "orders",
        "master_username": "postgres",
        "source": SOURCE,
        "target": TARGET,
        "drill": DRILL,
        "rto": timedelta(hours=2),
        "rpo": timedelta(minutes=30),
        "maximum_lag": timedelta(hours=1),
        **changes,
    }
    return BookEntry(**content)


def make_book(*entries: BookEntry, **changes: Any) -> RecoveryBook:
    """Return a valid book with some entries, or with one; groups are those of one account."""
    content: dict[str, Any] = {
        "captured_at": CAPTURED_AT,
        "instances": tuple(sorted(entries or (make_entry(),), key=BookEntry.sort_key)),
        "parameter_groups": (PARAMETER_GROUP,),
        "option_groups": (OPTION_GROUP,),
        **changes,
    }
    return RecoveryBook(**content)
