"""Shared parts of the tests that restore backups on the sandbox."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from rds_backup_replication.sandbox import Behavior, Sandbox

from .recoveries import create_vpc

SOURCE, DESTINATION = "us-west-2", "us-east-1"
ONE_ATTEMPT = Config(retries={"total_max_attempts": 1})
MONITORING_ROLE = "arn:aws:iam::123456789012:role/monitoring"


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    yield running
    running.reset()
    running.behavior = Behavior()


@pytest.fixture
def rds(sandbox: Sandbox) -> Any:
    """Return a boto3 client for the destination."""
    return sandbox.boto3_client("rds", DESTINATION, config=ONE_ATTEMPT)


@pytest.fixture
def backup_arn(sandbox: Sandbox) -> str:
    return replicate(sandbox, EngineVersion="16.3", MasterUsername="postgres")


def replicate(sandbox: Sandbox, name: str = "orders", **settings: Any) -> str:
    """Create an instance in the source Region and return the ARN of its restorable backup."""
    instance = sandbox.create_db_instance(SOURCE, name, **settings)
    client = sandbox.client(DESTINATION)
    source_arn = str(instance.db_instance_arn)
    client.start_db_instance_automated_backups_replication(source_db_instance_arn=source_arn)
    backup = client.wait_until_replicating(source_db_instance_arn=source_arn)
    return str(backup.db_instance_automated_backups_arn)


def restore(rds: Any, arn: str, name: str = "restored", **settings: Any) -> dict[str, Any]:
    response = rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceAutomatedBackupsArn=arn,
        TargetDBInstanceIdentifier=name,
        UseLatestRestorableTime=True,
        **settings,
    )
    return dict(response["DBInstance"])


def describe(rds: Any, name: str = "restored") -> dict[str, Any]:
    (instance,) = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    return dict(instance)


def wait_available(rds: Any, name: str = "restored") -> dict[str, Any]:
    """Poll until the instance is available, as often as the default behavior needs."""
    polled = [describe(rds, name) for _ in range(3)]
    assert polled[-1]["DBInstanceStatus"] == "available"
    return polled[-1]


def refused(code: str) -> Any:
    return pytest.raises(ClientError, match=rf"\({code}\)")


class Network:
    """A VPC in the destination with subnets in two zones, a subnet group and a security group."""

    def __init__(self, sandbox: Sandbox, zones: str = "ab") -> None:
        ec2 = sandbox.boto3_client("ec2", DESTINATION)
        self.vpc_id, self.subnet_ids = create_vpc(ec2, zones=zones)
        self.security_group_id = str(
            ec2.create_security_group(GroupName="db", Description="db", VpcId=self.vpc_id)[
                "GroupId"
            ]
        )
        sandbox.boto3_client("rds", DESTINATION).create_db_subnet_group(
            DBSubnetGroupName="private",
            DBSubnetGroupDescription="private",
            SubnetIds=self.subnet_ids,
        )


def create_groups(rds: Any) -> None:
    rds.create_db_parameter_group(
        DBParameterGroupName="orders-16", DBParameterGroupFamily="postgres16", Description="orders"
    )
    rds.create_option_group(
        OptionGroupName="orders-16",
        EngineName="postgres",
        MajorEngineVersion="16",
        OptionGroupDescription="orders",
    )
