"""Recovery books of instances on the sandbox, whose backups are in the destination."""

from datetime import datetime, timedelta, timezone
from typing import Any

from rds_backup_replication import DBInstance
from rds_backup_replication.recovery import (
    BookEntry,
    DrillTarget,
    InstanceSettings,
    RecoveryBook,
)

from .fleets import DESTINATION, Fleet

SOURCE = "us-west-2"
CHANGES: dict[str, Any] = {
    "db_instance_class": "db.r6g.large",
    "multi_az": True,
    "deletion_protection": True,
    "preferred_maintenance_window": "sun:04:00-sun:04:30",
    "monitoring_interval": 60,
    "monitoring_role_arn": "arn:aws:iam::111111111111:role/monitoring",
    "backup_retention_period": 7,
}
"""Settings of the restored instances, some of which a restore does not take."""


def create_vpc(ec2: Any, region: str = DESTINATION, zones: str = "ab") -> tuple[str, list[str]]:
    """Create a VPC with a subnet in each zone; return their IDs."""
    vpc_id: str = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(
            VpcId=vpc_id, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"{region}{zone}"
        )["Subnet"]
        for n, zone in enumerate(zones)
    ]
    return vpc_id, [subnet["SubnetId"] for subnet in subnets]


def create_groups(ec2: Any, rds: Any, vpc_id: str, subnet_ids: list[str]) -> dict[str, str]:
    """Create groups for recoveries and drills; return the IDs of the security groups."""
    groups: dict[str, str] = {}
    for name in ("private", "drills"):
        rds.create_db_subnet_group(
            DBSubnetGroupName=name, DBSubnetGroupDescription=name, SubnetIds=subnet_ids
        )
        group = ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc_id)
        groups[name] = group["GroupId"]
    return groups


def network(fleet: Fleet, account: str, region: str = DESTINATION) -> dict[str, str]:
    """Create a VPC and its groups; return the IDs of the security groups."""
    ec2 = fleet.boto3_client(account, "ec2", region)
    rds = fleet.boto3_client(account, "rds", region)
    return create_groups(ec2, rds, *create_vpc(ec2, region))


def replicate(fleet: Fleet, account: str, identifier: str, **settings: Any) -> str:
    """Add an instance with a replicated backup that can be restored; return its ARN."""
    arn = fleet.add(account, SOURCE, identifier, **settings)
    client = fleet.client(account)
    client.start_db_instance_automated_backups_replication(source_db_instance_arn=arn)
    for _ in range(4):
        list(client.describe_db_instance_automated_backups())
    return arn


def entry(
    fleet: Fleet, account: str, arn: str, groups: dict[str, str], **changes: Any
) -> BookEntry:
    """Return the entry of an instance in a book."""
    rds = fleet.boto3_client(account, "rds", arn.split(":")[3])
    name = arn.rpartition(":")[2]
    response = rds.describe_db_instances(DBInstanceIdentifier=name)
    instance = DBInstance.model_validate(response["DBInstances"][0])
    target = InstanceSettings(
        **CHANGES,
        db_subnet_group_name="private",
        vpc_security_group_ids=(groups["private"],),
        tags={"env": "prod"},
    )
    drill = DrillTarget(db_subnet_group_name="drills", vpc_security_group_ids=(groups["drills"],))
    facts: dict[str, Any] = {
        "account_id": account,
        "source_region": arn.split(":")[3],
        "destination_region": DESTINATION,
        "rule": "production",
        "db_instance_arn": arn,
        "db_instance_identifier": name,
        "dbi_resource_id": instance.dbi_resource_id,
        "target_db_instance_identifier": f"{name}-dr",
        "captured_at": datetime.now(timezone.utc),
        "engine": "postgres",
        "engine_version": instance.engine_version,
        "endpoint": f"{name}.{SOURCE}.example",
        "source": InstanceSettings(port=5432),
        "target": target,
        "drill": drill,
        "rto": timedelta(hours=4),
        "rpo": timedelta(hours=1),
        **changes,
    }
    return BookEntry(**facts)


def book(*entries: BookEntry) -> RecoveryBook:
    """Return the book of some entries."""
    ordered = tuple(sorted(entries, key=BookEntry.sort_key))
    return RecoveryBook(captured_at=datetime.now(timezone.utc), instances=ordered)
