"""Tests of the sandbox: renamed and re-created instances, and data that is not the sandbox's."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.backends import get_backend

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication.exceptions import (
    InvalidDBInstanceAutomatedBackupStateFault,
    InvalidDBInstanceStateFault,
    InvalidParameterValueError,
    SignatureDoesNotMatchError,
)
from rds_backup_replication.sandbox import Sandbox
from rds_backup_replication.testing import instant_waits

from . import sandbox_cases
from .sandbox_cases import Run, source_status, start, statuses, stop
from .wire import SOURCE_ARN

pytestmark = pytest.mark.once

# The fixtures of these tests.
run = sandbox_cases.run
sandbox = sandbox_cases.sandbox
client = sandbox_cases.client


def test_renamed_instance_keeps_its_replication(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    backup = start(client)
    renamed, recreated = sandbox.rename_and_recreate_db_instance("us-west-2")
    assert recreated.db_instance_arn == SOURCE_ARN
    assert renamed.dbi_resource_id == backup.dbi_resource_id != recreated.dbi_resource_id
    assert source_status(sandbox) == ("available", [])
    with pytest.raises(InvalidDBInstanceStateFault, match="not replicating to the current region"):
        stop(client)
    listed = client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN)
    assert listed is not None  # the backup still shows the former name
    assert listed.dbi_resource_id == renamed.dbi_resource_id
    with pytest.raises(InvalidDBInstanceAutomatedBackupStateFault):
        client.start_db_instance_automated_backups_replication(
            source_db_instance_arn=str(renamed.db_instance_arn)
        )
    assert start(client).dbi_resource_id == recreated.dbi_resource_id
    stopped = client.stop_db_instance_automated_backups_replication(
        source_db_instance_arn=str(renamed.db_instance_arn)
    )
    assert stopped.dbi_resource_id == renamed.dbi_resource_id


def test_client_goes_by_the_resource_id(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    """Each method treats the renamed instance and the new one of its name as two."""
    client.ensure_replication(source_db_instance_arn=SOURCE_ARN, backup_retention_period=7)
    renamed, recreated = sandbox.rename_and_recreate_db_instance("us-west-2")
    renamed_arn = str(renamed.db_instance_arn)
    (reason,) = client.check_replication(source_db_instance_arn=SOURCE_ARN)
    assert reason.code == "backup_of_former_instance"
    assert client.ensure_stopped(source_db_instance_arn=SOURCE_ARN) is None
    found = client.ensure_replication(source_db_instance_arn=renamed_arn)
    assert (found.action, found.source_checked) == ("unchanged", True)
    assert found.backup.dbi_resource_id == renamed.dbi_resource_id
    made = client.replace_replication(source_db_instance_arn=SOURCE_ARN, backup_retention_period=3)
    assert made.action == "started"
    assert made.backup.dbi_resource_id == recreated.dbi_resource_id
    for arn, instance in ((SOURCE_ARN, recreated), (renamed_arn, renamed)):
        waited = client.wait_until_replicating(source_db_instance_arn=arn)
        assert waited.dbi_resource_id == instance.dbi_resource_id
    replaced = client.replace_replication(
        source_db_instance_arn=SOURCE_ARN, backup_retention_period=4
    )
    assert replaced.action == "replaced"
    assert client.ensure_replication(source_db_instance_arn=renamed_arn).action == "unchanged"
    client.ensure_stopped(source_db_instance_arn=renamed_arn)
    client.wait_until_stopped(source_db_instance_arn=renamed_arn)
    own = client.find_replicated_backup(
        source_db_instance_arn=SOURCE_ARN, dbi_resource_id=recreated.dbi_resource_id
    )
    assert own is not None
    assert (own.is_active, own.backup_retention_period) == (True, 4)


def test_deleted_source_of_the_same_name(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    """The deletion of the new instance does not end the replication of the renamed one."""
    start(client)
    sandbox.rename_and_recreate_db_instance("us-west-2")
    sandbox.boto3_client("rds", "us-west-2").delete_db_instance(
        DBInstanceIdentifier="mydatabase", SkipFinalSnapshot=True
    )
    assert statuses(client, 4)[-1] == "replicating"


def test_start_beside_the_backup_of_a_deleted_namesake(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    """RDS ends the replication of a deleted instance, which may take a while."""
    backup = start(client)
    instance = get_backend("rds")["123456789012"]["us-west-2"].databases["mydatabase"]
    instance.dbi_resource_id = "db-NEW"
    with pytest.raises(InvalidDBInstanceAutomatedBackupStateFault, match="has not ended yet"):
        start(client)
    with instant_waits(), pytest.raises(InvalidDBInstanceAutomatedBackupStateFault):
        client.ensure_replication(source_db_instance_arn=SOURCE_ARN)
    instance.dbi_resource_id = str(backup.dbi_resource_id)
    stop(client)
    instance.dbi_resource_id = "db-NEW"
    sandbox.boto3_client("rds", "us-west-2").describe_db_instances()
    assert start(client).dbi_resource_id == "db-NEW"


def test_stop_sets_the_status_of_the_source(run: Run) -> None:
    sandbox = run(stopping_source_status="storage-optimization", stopping_looks=1)
    client = sandbox.client("us-east-1")
    start(client)
    stop(client)
    assert source_status(sandbox)[0] == "storage-optimization"
    assert source_status(sandbox)[0] == "available"


@pytest.mark.parametrize("keeps_arn", [True, False])
def test_new_replication_may_keep_the_arn(run: Run, *, keeps_arn: bool) -> None:
    sandbox = run(keeps_arn=keeps_arn, stopping_looks=0)
    client = sandbox.client("us-east-1")
    first = start(client)
    stop(client)
    second = start(client)
    is_same = first.db_instance_automated_backups_arn == second.db_instance_automated_backups_arn
    assert is_same is keeps_arn
    assert len(list(client.describe_db_instance_automated_backups())) == (1 if keeps_arn else 2)


def test_unknown_region_is_refused_in_xml(sandbox: Sandbox) -> None:
    client = sandbox.client("us-nowhere-1")
    with pytest.raises(SignatureDoesNotMatchError, match="valid region, not 'us-nowhere-1'"):
        next(client.describe_db_instance_automated_backups())
    with pytest.raises(InvalidParameterValueError, match="no Region us-nowhere-1"):
        sandbox.client("us-east-1").start_db_instance_automated_backups_replication(
            source_db_instance_arn=SOURCE_ARN.replace("us-west-2", "us-nowhere-1")
        )


def test_sandbox_leaves_other_data_of_moto_alone() -> None:
    """Data of the caller's ``mock_aws`` stays through the start, a reset and the stop."""
    with mock_aws():
        sdk: Any = boto3
        s3, rds = (sdk.client(name, region_name="us-west-2") for name in ("s3", "rds"))
        location = {"LocationConstraint": "us-west-2"}
        s3.create_bucket(Bucket="mine", CreateBucketConfiguration=location)
        rds.create_db_instance(
            DBInstanceIdentifier="mine",
            DBInstanceClass="db.t3.micro",
            Engine="postgres",
            AllocatedStorage=20,
        )

        def names() -> tuple[list[str], list[str]]:
            buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
            listed = rds.describe_db_instances()["DBInstances"]
            return buckets, [instance["DBInstanceIdentifier"] for instance in listed]

        with Sandbox() as sandbox:
            sandbox.create_db_instance("us-west-2")
            assert names() == (["mine"], ["mine", "mydatabase"])
            sandbox.reset()
            assert names() == (["mine"], ["mine"])
            sandbox.create_db_instance("us-west-2")
        assert names() == (["mine"], ["mine"])


@pytest.mark.long
def test_sandbox_needs_no_configuration(tmp_path: Path) -> None:
    """A profile, a file or a setting of the shell that is wrong keeps nothing from working."""
    broken = tmp_path / "config"
    broken.write_text("[profile", encoding="utf-8")
    code = (
        "from rds_backup_replication.sandbox import Sandbox\n"
        "with Sandbox() as sandbox:\n"
        "    arn = sandbox.create_db_instance('us-west-2').db_instance_arn\n"
        "    client = sandbox.client('us-east-1')\n"
        "    print(client.ensure_replication(source_db_instance_arn=arn).action)\n"
        "import os; print(os.environ['AWS_PROFILE'])"
    )
    environment = {**os.environ, "AWS_PROFILE": "missing", "AWS_CONFIG_FILE": str(broken)}
    environment["AWS_RETRY_MODE"] = "never"
    output = subprocess.run(  # noqa: S603  # the code is above
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert (output.stdout.split(), output.stderr) == (["started", "missing"], "")
