"""Tests of the sandbox: which restores it accepts, and the settings of a restored instance."""

from typing import Any

import pytest

from rds_backup_replication.sandbox import Behavior, Sandbox

from . import restore_cases
from .restore_cases import (
    DESTINATION,
    SOURCE,
    Network,
    create_groups,
    describe,
    refused,
    replicate,
    restore,
)

pytestmark = pytest.mark.once

# The fixtures of these tests.
running = restore_cases.running
sandbox = restore_cases.sandbox
rds = restore_cases.rds
backup_arn = restore_cases.backup_arn


def test_restore_honors_all_settings(sandbox: Sandbox, rds: Any, backup_arn: str) -> None:
    network = Network(sandbox)
    create_groups(rds)
    same: dict[str, Any] = {
        "DBInstanceClass": "db.r6g.large",
        "MultiAZ": True,
        "PubliclyAccessible": False,
        "AutoMinorVersionUpgrade": False,
        "DeletionProtection": True,
        "CopyTagsToSnapshot": True,
        "AllocatedStorage": 500,
        "MaxAllocatedStorage": 1000,
        "StorageType": "gp3",
        "Iops": 12000,
        "StorageThroughput": 500,
        "CACertificateIdentifier": "rds-ca-rsa2048-g1",
        "BackupRetentionPeriod": 21,
        "PreferredBackupWindow": "01:00-01:30",
        "NetworkType": "DUAL",
        "DedicatedLogVolume": True,
        "EngineLifecycleSupport": "open-source-rds-extended-support-disabled",
        "LicenseModel": "postgresql-license",
    }
    restored = restore(
        rds,
        backup_arn,
        **same,
        Port=6432,
        DBSubnetGroupName="private",
        VpcSecurityGroupIds=[network.security_group_id],
        DBParameterGroupName="orders-16",
        OptionGroupName="orders-16",
        EnableIAMDatabaseAuthentication=True,
        EnableCloudwatchLogsExports=["postgresql"],
        Tags=[{"Key": "drill", "Value": "7"}],
    )
    expected: dict[str, Any] = {
        **same,
        "DbInstancePort": 6432,
        "VpcSecurityGroups": [
            {"VpcSecurityGroupId": network.security_group_id, "Status": "active"}
        ],
        "DBParameterGroups": [
            {"DBParameterGroupName": "orders-16", "ParameterApplyStatus": "in-sync"}
        ],
        "OptionGroupMemberships": [{"OptionGroupName": "orders-16", "Status": "in-sync"}],
        "IAMDatabaseAuthenticationEnabled": True,
        "EnabledCloudwatchLogsExports": ["postgresql"],
        "TagList": [{"Key": "drill", "Value": "7"}],
        "AvailabilityZone": "us-east-1a",
        "SecondaryAvailabilityZone": "us-east-1b",
        "CertificateDetails": {"CAIdentifier": "rds-ca-rsa2048-g1"},
    }
    for instance in (restored, describe(rds)):
        assert instance | expected == instance
        group = instance["DBSubnetGroup"]
        assert (group["DBSubnetGroupName"], group["VpcId"]) == ("private", network.vpc_id)
        zones = [each["SubnetAvailabilityZone"]["Name"] for each in group["Subnets"]]
        assert zones == ["us-east-1a", "us-east-1b"]


def test_restore_defaults(sandbox: Sandbox, rds: Any, backup_arn: str) -> None:
    """Without groups in the request, a restore uses the defaults of the Region."""
    restored = restore(rds, backup_arn)
    ec2 = sandbox.boto3_client("ec2", DESTINATION)
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    assert restored["DBSubnetGroup"]["DBSubnetGroupName"] == "default"
    assert restored["DBSubnetGroup"]["VpcId"] == vpc["VpcId"]
    (subnet_group,) = rds.describe_db_subnet_groups(DBSubnetGroupName="default")["DBSubnetGroups"]
    assert subnet_group["VpcId"] == vpc["VpcId"]
    assert restored["DBParameterGroups"][0]["DBParameterGroupName"] == "default.postgres16"
    assert restored["OptionGroupMemberships"][0]["OptionGroupName"] == "default:postgres-16"
    (group,) = ec2.describe_security_groups(
        GroupIds=[restored["VpcSecurityGroups"][0]["VpcSecurityGroupId"]]
    )["SecurityGroups"]
    assert (group["GroupName"], group["VpcId"]) == ("default", vpc["VpcId"])
    assert not restored["MultiAZ"]
    assert "SecondaryAvailabilityZone" not in restored


def test_restore_uses_default_security_group_of_its_vpc(
    sandbox: Sandbox, rds: Any, backup_arn: str
) -> None:
    network = Network(sandbox)
    restored = restore(rds, backup_arn, DBSubnetGroupName="private")
    (group,) = sandbox.boto3_client("ec2", DESTINATION).describe_security_groups(
        GroupIds=[restored["VpcSecurityGroups"][0]["VpcSecurityGroupId"]]
    )["SecurityGroups"]
    assert (group["GroupName"], group["VpcId"]) == ("default", network.vpc_id)


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"DBSubnetGroupName": "absent"}, "DBSubnetGroupNotFoundFault"),
        ({"DBParameterGroupName": "absent"}, "DBParameterGroupNotFound"),
        ({"DBParameterGroupName": "default.excel1"}, "DBParameterGroupNotFound"),
        ({"DBParameterGroupName": "default.postgres15"}, "InvalidParameterCombination"),
        ({"OptionGroupName": "absent"}, "OptionGroupNotFoundFault"),
        ({"OptionGroupName": "default:mysql-8-0"}, "InvalidParameterCombination"),
        ({"VpcSecurityGroupIds": ["sg-0"]}, "InvalidParameterValue"),
        ({"AvailabilityZone": "us-east-1z"}, "InvalidVPCNetworkStateFault"),
        ({"MultiAZ": True, "AvailabilityZone": "us-east-1a"}, "InvalidParameterCombination"),
    ],
)
def test_restore_refused(rds: Any, backup_arn: str, settings: dict[str, Any], code: str) -> None:
    with refused(code):
        restore(rds, backup_arn, **settings)
    assert rds.describe_db_instances()["DBInstances"] == []


def test_restore_refused_in_vpc(sandbox: Sandbox, rds: Any, backup_arn: str) -> None:
    network = Network(sandbox, zones="aa")
    with refused("InvalidParameterCombination"):
        restore(rds, backup_arn, VpcSecurityGroupIds=[network.security_group_id])
    with refused("DBSubnetGroupDoesNotCoverEnoughAZs"):
        restore(rds, backup_arn, DBSubnetGroupName="private", MultiAZ=True)


def test_restore_refused_with_disabled_key(sandbox: Sandbox, rds: Any) -> None:
    kms = sandbox.boto3_client("kms", DESTINATION)
    key = kms.create_key()["KeyMetadata"]
    instance = sandbox.create_db_instance(SOURCE, StorageEncrypted=True)
    client = sandbox.client(DESTINATION)
    source_arn = str(instance.db_instance_arn)
    client.ensure_replication(source_db_instance_arn=source_arn, kms_key_id=key["Arn"])
    backup = client.wait_until_replicating(source_db_instance_arn=source_arn)
    arn = str(backup.db_instance_automated_backups_arn)
    kms.disable_key(KeyId=key["KeyId"])
    with refused("KMSKeyNotAccessibleFault"):
        restore(rds, arn)
    kms.enable_key(KeyId=key["KeyId"])
    restored = restore(rds, arn)
    assert (restored["StorageEncrypted"], restored["KmsKeyId"]) == (True, key["Arn"])


def test_instance_quota(sandbox: Sandbox, rds: Any, backup_arn: str) -> None:
    def quota() -> tuple[int, int]:
        quotas = rds.describe_account_attributes()["AccountQuotas"]
        (found,) = [each for each in quotas if each["AccountQuotaName"] == "DBInstances"]
        return found["Used"], found["Max"]

    assert quota() == (0, 40)
    restore(rds, backup_arn)
    assert quota() == (1, 40)
    sandbox.behavior = Behavior(instance_quota=1)
    assert quota() == (1, 1)
    with refused("InstanceQuotaExceeded"):
        restore(rds, backup_arn, "another")
    with refused("DBInstanceAlreadyExists"):
        restore(rds, backup_arn, "Restored")


@pytest.mark.parametrize(
    ("engine", "version", "family"),
    [
        ("mysql", "8.0.35", "mysql8.0"),
        ("mariadb", "10.11.6", "mariadb10.11"),
        ("oracle-se2", "19.0.0.0.ru-2024-01.r1", "oracle-se2-19"),
        ("sqlserver-se", "15.00.4236.7.v1", "sqlserver-se-15.0"),
        ("postgres", "9.6.24", "postgres9.6"),
    ],
)
def test_default_parameter_group(
    sandbox: Sandbox, rds: Any, engine: str, version: str, family: str
) -> None:
    """An instance has the default group of its engine's family, which a restore may name."""
    name = f"default.{family}"
    arn = replicate(sandbox, Engine=engine, EngineVersion=version)
    source = describe(sandbox.boto3_client("rds", SOURCE), "orders")
    for instance in (source, restore(rds, arn, DBParameterGroupName=name)):
        assert [each["DBParameterGroupName"] for each in instance["DBParameterGroups"]] == [name]


@pytest.mark.parametrize(
    ("engine", "version", "name"),
    [
        ("mysql", "8.0.35", "default:mysql-8-0"),
        ("oracle-se2", "19.0.0.0.ru-2024-01.r1", "default:oracle-se2-19"),
        ("sqlserver-se", "15.00.4236.7.v1", "default:sqlserver-se-15-00"),
        ("postgres", "16.3", "default:postgres-16"),
    ],
)
def test_default_option_group(
    sandbox: Sandbox, rds: Any, engine: str, version: str, name: str
) -> None:
    arn = replicate(sandbox, Engine=engine, EngineVersion=version)
    source = describe(sandbox.boto3_client("rds", SOURCE), "orders")
    for instance in (source, restore(rds, arn, OptionGroupName=name)):
        assert [each["OptionGroupName"] for each in instance["OptionGroupMemberships"]] == [name]
