"""Replacements whose process is killed: the same call again ends with the wanted settings."""

import signal
import subprocess
import sys

import pytest

from rds_backup_replication import Tag
from rds_backup_replication.sandbox import Sandbox

from .lifecycle_cases import active

pytestmark = pytest.mark.once

REPLACE = """
import sys
from datetime import timedelta

from boto3.session import Session

from rds_backup_replication import BackupReplicationClient, ReplacementProgress

phase, endpoint_url, arn = sys.argv[1:]


def stay(progress: ReplacementProgress) -> None:
    if progress.phase == phase:
        print(phase, flush=True)
        sys.stdin.read()  # until the test kills this process


client = BackupReplicationClient(
    session=Session("testing", "testing"), region_name="us-east-1", endpoint_url=endpoint_url
)
client.replace_replication(
    source_db_instance_arn=arn,
    backup_retention_period=14,
    poll_interval=timedelta(milliseconds=1),
    on_progress=stay,
)
"""


@pytest.mark.parametrize(
    "phase",
    [
        *(pytest.param(each, marks=pytest.mark.long) for each in ("preflight", "stop", "wait")),
        "start",
    ],
)
def test_killed_replacement_is_continued(rds_sandbox: Sandbox, phase: str) -> None:
    """The retention is the new one; the key and the tags are those of before."""
    instance = rds_sandbox.create_db_instance("us-west-2", "vault", StorageEncrypted=True)
    arn = str(instance.db_instance_arn)
    key = rds_sandbox.boto3_client("kms", "us-east-1").create_key()["KeyMetadata"]["Arn"]
    client = rds_sandbox.client("us-east-1")
    client.ensure_replication(
        source_db_instance_arn=arn,
        backup_retention_period=7,
        kms_key_id=key,
        tags={"cost": "42"},
    )
    client.wait_until_replicating(source_db_instance_arn=arn)
    with subprocess.Popen(  # noqa: S603  # the code is above
        [sys.executable, "-c", REPLACE, phase, rds_sandbox.endpoint_url, arn],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == phase
        process.kill()
    assert process.returncode == -signal.SIGKILL
    result = client.replace_replication(source_db_instance_arn=arn, backup_retention_period=14)
    # In the phase "wait", the backup still shows as active.
    assert result.action == ("started" if phase == "start" else "replaced")
    (backup,) = active(client)
    assert backup.backup_retention_period == 14
    assert backup.kms_key_id == key
    assert backup.tag_list == (Tag(key="cost", value="42"),)
