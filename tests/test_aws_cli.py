"""Tests that the sandbox serves the AWS CLI, a client from outside this project."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from rds_backup_replication.sandbox import Sandbox

from .wire import SOURCE_ARN

pytestmark = pytest.mark.once


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        sandbox.boto3_client("rds", "us-west-2").create_db_instance(
            DBInstanceIdentifier="mydatabase",
            DBInstanceClass="db.t3.micro",
            Engine="postgres",
            AllocatedStorage=20,
            BackupRetentionPeriod=7,
        )
        yield sandbox


def aws_rds(
    sandbox: Sandbox, command: str, *arguments: str, region: str = "us-east-1"
) -> subprocess.CompletedProcess[str]:
    """Run a command of ``aws rds`` against the sandbox."""
    where = ("--endpoint-url", sandbox.endpoint_url, "--region", region, "--output", "json")
    credentials = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    return subprocess.run(  # noqa: S603  # the AWS CLI in this virtual environment
        [sys.executable, "-m", "awscli", "rds", command, *arguments, *where],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **credentials},
    )


def response_of(run: subprocess.CompletedProcess[str]) -> Any:
    """Return the JSON that a successful run has printed."""
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.long
def test_aws_cli_starts_lists_and_stops_a_replication(sandbox: Sandbox) -> None:
    source = ("--source-db-instance-arn", SOURCE_ARN)
    run = aws_rds(
        sandbox,
        "start-db-instance-automated-backups-replication",
        *source,
        "--backup-retention-period",
        "14",
        "--tags",
        "Key=env,Value=prod",
    )
    started = response_of(run)["DBInstanceAutomatedBackup"]
    assert started["Status"] == "pending"
    assert started["BackupRetentionPeriod"] == 14
    assert started["TagList"] == [{"Key": "env", "Value": "prod"}]

    listed = response_of(aws_rds(sandbox, "describe-db-instance-automated-backups"))
    (backup,) = listed["DBInstanceAutomatedBackups"]
    arn = "DBInstanceAutomatedBackupsArn"
    assert backup[arn] == started[arn]

    run = aws_rds(sandbox, "stop-db-instance-automated-backups-replication", *source)
    assert response_of(run)["DBInstanceAutomatedBackup"][arn] == started[arn]


def test_aws_cli_gets_the_refusal_of_rds(sandbox: Sandbox) -> None:
    run = aws_rds(
        sandbox,
        "start-db-instance-automated-backups-replication",
        "--source-db-instance-arn",
        SOURCE_ARN,
        region="us-west-2",
    )
    assert run.returncode != 0
    assert "(InvalidParameterValue)" in run.stderr
    assert "Feature is not available in region us-west-2." in run.stderr
