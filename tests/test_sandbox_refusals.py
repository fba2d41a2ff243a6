"""Tests of the sandbox: the calls that it refuses, with RDS's errors."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication.exceptions import (
    DBInstanceAutomatedBackupQuotaExceededFault,
    DBInstanceNotFoundFault,
    InvalidDBInstanceAutomatedBackupStateFault,
    InvalidDBInstanceStateFault,
    InvalidParameterValueError,
    KMSKeyNotAccessibleFault,
    ServiceError,
)
from rds_backup_replication.sandbox import Sandbox

from . import sandbox_cases
from .sandbox_cases import Run, source_status, start, stop
from .wire import SOURCE_ARN

pytestmark = pytest.mark.once

# The fixtures of these tests.
run = sandbox_cases.run
sandbox = sandbox_cases.sandbox
client = sandbox_cases.client


def test_start_in_source_region_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ClientError, match="Feature is not available in region us-west-2") as caught:
        sandbox.boto3_client("rds", "us-west-2").start_db_instance_automated_backups_replication(
            SourceDBInstanceArn=SOURCE_ARN
        )
    assert caught.value.response.get("Error", {}).get("Code") == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (
            {"BackupRetentionPeriod": 0},
            InvalidDBInstanceStateFault,
            "Source DB instance must have backup retention enabled.",
        ),
        (
            {"StorageEncrypted": True},
            InvalidParameterValueError,
            "Encrypted instances require a valid KMS key ID.",
        ),
        ({"Engine": "aurora-postgresql"}, InvalidParameterValueError, "Sandbox: automated backups"),
    ],
)
def test_start_of_unsupported_source_refused(
    sandbox: Sandbox,
    client: BackupReplicationClient,
    settings: dict[str, Any],
    error: type[ServiceError],
    message: str,
) -> None:
    if "Engine" in settings:
        sandbox.boto3_client("rds", "us-west-2").create_db_cluster(
            DBClusterIdentifier="cluster",
            Engine="aurora-postgresql",
            MasterUsername="admin1",
            MasterUserPassword="only-a-sandbox",
        )
        settings = {**settings, "DBClusterIdentifier": "cluster"}
    other = sandbox.create_db_instance("us-west-2", "other", **settings)
    with pytest.raises(error) as caught:
        start(client, source_db_instance_arn=other.db_instance_arn)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    "arn", [f"{SOURCE_ARN}x", SOURCE_ARN.replace("123456789012", "210987654321")]
)
def test_start_of_unknown_source_refused(client: BackupReplicationClient, arn: str) -> None:
    with pytest.raises(DBInstanceNotFoundFault) as caught:
        start(client, source_db_instance_arn=arn)
    assert caught.value.http_status_code == 404


def test_start_of_unavailable_source_refused(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    sandbox.boto3_client("rds", "us-west-2").stop_db_instance(DBInstanceIdentifier="mydatabase")
    with pytest.raises(InvalidDBInstanceStateFault, match="not available"):
        start(client)


def test_start_requires_destination_kms_key(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    kms = sandbox.boto3_client("kms", "us-east-1")
    key = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/backups", TargetKeyId=key["KeyId"])
    for missing in ("alias/nothing", f"{key['Arn'][:-4]}0000", key["KeyId"][:-4] + "0000"):
        with pytest.raises(KMSKeyNotAccessibleFault, match="does not exist, is not enabled"):
            start(client, kms_key_id=missing)
    assert start(client, kms_key_id="alias/backups").kms_key_id == key["Arn"]
    stop(client)
    source_status(sandbox)
    source_status(sandbox)
    other = kms.create_key()["KeyMetadata"]["Arn"]
    with pytest.raises(InvalidParameterValueError, match="another KMS key"):
        start(client, kms_key_id=other)
    kms.disable_key(KeyId=key["KeyId"])
    with pytest.raises(KMSKeyNotAccessibleFault):
        start(client, kms_key_id=key["Arn"])


def test_second_start_refused(client: BackupReplicationClient) -> None:
    start(client)
    with pytest.raises(InvalidDBInstanceAutomatedBackupStateFault, match="already replicating"):
        start(client)


def test_stop_without_replication_refused(client: BackupReplicationClient) -> None:
    with pytest.raises(InvalidDBInstanceStateFault, match="not replicating to the current region"):
        stop(client)


def test_quota_applies_per_destination(run: Run) -> None:
    sandbox = run(quota=1)
    second = sandbox.create_db_instance("us-west-2", "second").db_instance_arn
    start(sandbox.client("us-east-1"))
    with pytest.raises(DBInstanceAutomatedBackupQuotaExceededFault):
        start(sandbox.client("us-east-1"), source_db_instance_arn=second)
    start(sandbox.client("us-east-2"), source_db_instance_arn=second)


def test_unsupported_region_pair_refused(sandbox: Sandbox) -> None:
    with pytest.raises(InvalidParameterValueError, match="cannot be replicated to eu-south-1"):
        start(sandbox.client("eu-south-1"))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"Tags": [{"Key": "aws:x", "Value": "y"}]},
            'Tag keys cannot start with the reserved prefix "aws:".',
        ),
        ({"BackupRetentionPeriod": 36}, "Sandbox: 36 days"),
        (
            {"SourceDBInstanceArn": "mydatabase"},
            "Sandbox: mydatabase is not the ARN of a DB instance",
        ),
    ],
)
def test_invalid_parameters_refused(
    sandbox: Sandbox, parameters: dict[str, Any], message: str
) -> None:
    """The sandbox refuses parameters that this library's client would never send."""
    rds = sandbox.boto3_client("rds", "us-east-1")
    with pytest.raises(ClientError) as caught:
        rds.start_db_instance_automated_backups_replication(
            **{"SourceDBInstanceArn": SOURCE_ARN, **parameters}
        )
    assert message in str(caught.value)


def test_describe_with_arn_of_other_region_refused(sandbox: Sandbox) -> None:
    arn = "arn:aws:rds:us-west-2:123456789012:auto-backup:ab-x"
    with pytest.raises(ClientError, match="is invalid for this parameter"):
        sandbox.boto3_client("rds", "us-east-1").describe_db_instance_automated_backups(
            DBInstanceAutomatedBackupsArn=arn
        )
