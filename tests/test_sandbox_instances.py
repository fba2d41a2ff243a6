"""Tests of the sandbox: the life of a restored instance, its changes and its deletion."""

from typing import Any

import pytest
from boto3.session import Session
from botocore.config import Config

from rds_backup_replication.sandbox import Behavior, Sandbox

from . import restore_cases
from .restore_cases import (
    DESTINATION,
    MONITORING_ROLE,
    SOURCE,
    Network,
    create_groups,
    describe,
    refused,
    restore,
    wait_available,
)

pytestmark = pytest.mark.once

# The fixtures of these tests.
running = restore_cases.running
sandbox = restore_cases.sandbox
rds = restore_cases.rds
backup_arn = restore_cases.backup_arn


def test_endpoint_appears_once_available(sandbox: Sandbox, rds: Any, backup_arn: str) -> None:
    sandbox.set_endpoint(DESTINATION, "Restored", "127.0.0.1", 54321)
    sandbox.set_endpoint(DESTINATION, "other", "127.0.0.2", 1, account_id="210987654321")
    restored = restore(rds, backup_arn)
    polled = [restored, *[describe(rds) for _ in range(3)]]
    assert [each["DBInstanceStatus"] for each in polled] == [*["creating"] * 3, "available"]
    assert [each.get("Endpoint") for each in polled] == [
        *[None] * 3,
        {"Address": "127.0.0.1", "Port": 54321},
    ]
    restore(rds, backup_arn, "other")
    assert wait_available(rds, "other")["Endpoint"]["Port"] == 5432
    sandbox.set_endpoint(DESTINATION, "other", "127.0.0.3", 2)
    assert describe(rds, "other")["Endpoint"] == {"Address": "127.0.0.3", "Port": 2}
    sandbox.set_endpoint(DESTINATION, "O?h*", "127.0.0.4", 3)
    assert describe(rds, "other")["Endpoint"] == {"Address": "127.0.0.3", "Port": 2}
    restore(rds, backup_arn, "oh-other")
    assert wait_available(rds, "oh-other")["Endpoint"]["Port"] == 5432
    restore(rds, backup_arn, "oxhide")
    assert wait_available(rds, "oxhide")["Endpoint"] == {"Address": "127.0.0.4", "Port": 3}


def test_poll_counts_only_selected_instances(rds: Any, backup_arn: str) -> None:
    first, second = (restore(rds, backup_arn, name) for name in ("first", "second"))
    by_id = [{"Name": "dbi-resource-id", "Values": [first["DbiResourceId"]]}]
    for _ in range(2):
        (found,) = rds.describe_db_instances(Filters=by_id)["DBInstances"]
        assert found["DBInstanceIdentifier"] == "first"
    listed = {
        each["DbiResourceId"]: each["DBInstanceStatus"]
        for each in rds.describe_db_instances()["DBInstances"]
    }
    assert listed == {first["DbiResourceId"]: "available", second["DbiResourceId"]: "creating"}


def test_behavior_of_restored_instances(sandbox: Sandbox, rds: Any, backup_arn: str) -> None:
    sandbox.behavior = Behavior(restoring_looks=0, modifying_looks=2, deleting_instance_looks=0)
    restore(rds, backup_arn)
    assert describe(rds)["DBInstanceStatus"] == "available"
    rds.modify_db_instance(
        DBInstanceIdentifier="restored", ApplyImmediately=True, BackupRetentionPeriod=3
    )
    polled = [describe(rds)["DBInstanceStatus"] for _ in range(3)]
    assert polled == ["modifying", "modifying", "available"]
    rds.delete_db_instance(DBInstanceIdentifier="restored", SkipFinalSnapshot=True)
    with refused("DBInstanceNotFound"):
        describe(rds)


def test_modify_settings(sandbox: Sandbox, rds: Any, backup_arn: str) -> None:
    create_groups(rds)
    network = Network(sandbox)
    restore(rds, backup_arn, DBSubnetGroupName="private")
    with refused("InvalidDBInstanceState"):
        rds.modify_db_instance(DBInstanceIdentifier="restored", BackupRetentionPeriod=3)
    wait_available(rds)
    for name, code in (
        ("DBSubnetGroupName", "DBSubnetGroupNotFoundFault"),
        ("DBParameterGroupName", "DBParameterGroupNotFound"),
        ("OptionGroupName", "OptionGroupNotFoundFault"),
    ):
        with refused(code):
            rds.modify_db_instance(DBInstanceIdentifier="restored", **{name: "absent"})
    same: dict[str, Any] = {
        "MonitoringInterval": 30,
        "MonitoringRoleArn": MONITORING_ROLE,
        "PerformanceInsightsRetentionPeriod": 93,
        "PreferredMaintenanceWindow": "sun:03:00-sun:03:30",
        "PreferredBackupWindow": "01:00-01:30",
        "DBInstanceClass": "db.r5.large",
        "MultiAZ": True,
        "DeletionProtection": True,
        "CACertificateIdentifier": "rds-ca-ecc384-g1",
        "DatabaseInsightsMode": "advanced",
    }
    change: dict[str, Any] = {
        **same,
        "DBInstanceIdentifier": "restored",
        "ApplyImmediately": True,
        "EnablePerformanceInsights": True,
        "EnableIAMDatabaseAuthentication": True,
        "DBPortNumber": 6432,
        "VpcSecurityGroupIds": [network.security_group_id],
        "DBParameterGroupName": "orders-16",
        "OptionGroupName": "orders-16",
        "CloudwatchLogsExportConfiguration": {"EnableLogTypes": ["postgresql", "upgrade"]},
        "ManageMasterUserPassword": True,
    }
    response = rds.modify_db_instance(**change)
    assert response["DBInstance"]["DBInstanceStatus"] == "modifying"
    assert describe(rds)["DBInstanceStatus"] == "modifying"
    modified = describe(rds)
    expected: dict[str, Any] = {
        **same,
        "DBInstanceStatus": "available",
        "PerformanceInsightsEnabled": True,
        "IAMDatabaseAuthenticationEnabled": True,
        "DbInstancePort": 6432,
        "EnabledCloudwatchLogsExports": ["postgresql", "upgrade"],
        "SecondaryAvailabilityZone": "us-east-1b",
        "OptionGroupMemberships": [{"OptionGroupName": "orders-16", "Status": "in-sync"}],
        "DBParameterGroups": [
            {"DBParameterGroupName": "orders-16", "ParameterApplyStatus": "in-sync"}
        ],
        "PendingModifiedValues": {},
    }
    assert modified | expected == modified
    assert modified["VpcSecurityGroups"][0]["VpcSecurityGroupId"] == network.security_group_id
    assert modified["PerformanceInsightsKMSKeyId"].startswith("arn:aws:kms:us-east-1:")
    secret = modified["MasterUserSecret"]
    assert secret["SecretStatus"] == "active"
    assert secret["SecretArn"].startswith("arn:aws:secretsmanager:us-east-1:123456789012:secret:")
    assert secret["KmsKeyId"].startswith("arn:aws:kms:us-east-1:")

    # The same change again changes nothing.
    rds.modify_db_instance(**change)
    again = [describe(rds) for _ in range(2)][-1]
    assert again | expected == again
    assert again["MasterUserSecret"] == secret


def test_modify_without_apply_immediately(rds: Any, backup_arn: str) -> None:
    """A change of the class waits for the maintenance window, or for an immediate change."""
    former = restore(rds, backup_arn)["DBInstanceClass"]
    wait_available(rds)
    rds.modify_db_instance(
        DBInstanceIdentifier="restored", DBInstanceClass="db.r5.large", DeletionProtection=True
    )
    waiting = describe(rds)
    assert (waiting["DBInstanceStatus"], waiting["DBInstanceClass"]) == ("available", former)
    assert waiting["PendingModifiedValues"] == {"DBInstanceClass": "db.r5.large"}
    assert waiting["DeletionProtection"]
    rds.modify_db_instance(DBInstanceIdentifier="restored", ApplyImmediately=True)
    applied = describe(rds)
    assert applied["DBInstanceClass"] == "db.r5.large"
    assert applied["PendingModifiedValues"] == {}


def test_delete_restored_instance(sandbox: Sandbox, rds: Any, backup_arn: str) -> None:
    sandbox.create_db_instance(DESTINATION, "bystander")
    restore(rds, backup_arn, DeletionProtection=True)
    wait_available(rds)
    with refused("InvalidParameterCombination"):
        rds.delete_db_instance(DBInstanceIdentifier="restored", SkipFinalSnapshot=True)
    rds.modify_db_instance(DBInstanceIdentifier="restored", DeletionProtection=False)
    with refused("InvalidParameterCombination"):
        rds.delete_db_instance(DBInstanceIdentifier="restored")
    deleted = rds.delete_db_instance(DBInstanceIdentifier="restored", SkipFinalSnapshot=True)
    assert deleted["DBInstance"]["DBInstanceStatus"] == "deleting"
    with refused("InvalidDBInstanceState"):
        rds.delete_db_instance(DBInstanceIdentifier="restored", SkipFinalSnapshot=True)
    with refused("DBInstanceAlreadyExists"):
        restore(rds, backup_arn)
    assert describe(rds)["DBInstanceStatus"] == "deleting"
    (left,) = rds.describe_db_instances()["DBInstances"]
    assert left["DBInstanceIdentifier"] == "bystander"
    with refused("DBInstanceNotFound"):
        describe(rds)
    assert restore(rds, backup_arn)["DbiResourceId"] != deleted["DBInstance"]["DbiResourceId"]


def test_delete_without_automated_backups(rds: Any, backup_arn: str) -> None:
    """A deletion with ``DeleteAutomatedBackups=False`` leaves a backup that can be deleted."""
    restored = [restore(rds, backup_arn, name) for name in ("kept", "gone")]
    for name in ("kept", "gone"):
        rds.delete_db_instance(
            DBInstanceIdentifier=name, SkipFinalSnapshot=True, DeleteAutomatedBackups=name == "gone"
        )

    def backups() -> list[tuple[str, str]]:
        found = rds.describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"]
        return [
            (each["DBInstanceIdentifier"], each["Status"])
            for each in found
            if each["Region"] == DESTINATION
        ]

    assert backups() == [("kept", "retained")]
    rds.delete_db_instance_automated_backup(DbiResourceId=restored[0]["DbiResourceId"])
    assert backups() == []
    for _ in range(2):  # until the deleted instance has released its name
        rds.describe_db_instances()
    assert restore(rds, backup_arn, "kept")["DBInstanceStatus"] == "creating"


def test_tags_of_restored_instance(rds: Any, backup_arn: str) -> None:
    arn = restore(rds, backup_arn, Tags=[{"Key": "a", "Value": "1"}])["DBInstanceArn"]
    rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "b", "Value": "2"}])
    assert describe(rds)["TagList"] == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]


def test_source_reports_settings(sandbox: Sandbox) -> None:
    """An instance that was created reports what a capture reads."""
    sandbox.create_db_instance(
        SOURCE,
        EngineVersion="16.3",
        MonitoringInterval=60,
        MonitoringRoleArn=MONITORING_ROLE,
        EnablePerformanceInsights=True,
        NetworkType="IPV4",
        MaxAllocatedStorage=100,
        OptionGroupName="default:postgres-16",
    )
    instance = describe(sandbox.boto3_client("rds", SOURCE), "mydatabase")
    assert instance["PerformanceInsightsEnabled"]
    assert instance["PerformanceInsightsRetentionPeriod"] == 7
    assert instance["NetworkType"] == "IPV4"
    assert (instance["MonitoringInterval"], instance["MaxAllocatedStorage"]) == (60, 100)
    assert instance["EnhancedMonitoringResourceArn"].endswith(instance["DbiResourceId"])


def test_same_name_in_two_accounts(sandbox: Sandbox, rds: Any, backup_arn: str) -> None:
    role = sandbox.boto3_client("sts", DESTINATION).assume_role(
        RoleArn="arn:aws:iam::210987654321:role/dr", RoleSessionName="test"
    )["Credentials"]
    session: Any = Session(
        aws_access_key_id=role["AccessKeyId"],
        aws_secret_access_key=role["SecretAccessKey"],
        aws_session_token=role["SessionToken"],
    )
    other, sts = (
        session.client(
            service,
            region_name=DESTINATION,
            endpoint_url=sandbox.endpoint_url,
            config=Config(proxies={}),
        )
        for service in ("rds", "sts")
    )
    assert sts.get_caller_identity()["Account"] == "210987654321"
    other.create_db_instance(
        DBInstanceIdentifier="restored", DBInstanceClass="db.t3.micro", Engine="postgres"
    )
    sandbox.set_endpoint(DESTINATION, "restored", "127.0.0.4", 4, account_id="210987654321")
    restore(rds, backup_arn)
    assert describe(rds)["DBInstanceStatus"] == "creating"
    assert describe(other)["Endpoint"]["Port"] == 4
    assert describe(other)["DbiResourceId"] != describe(rds)["DbiResourceId"]
    assert wait_available(rds)["Endpoint"]["Port"] == 5432
