"""Tests of the validation of source ARNs, backup ARNs and backup IDs."""

import string
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rds_backup_replication import (
    BackupReplicationClient,
    StartDBInstanceAutomatedBackupsReplicationRequest,
)

from . import validation_cases
from .validation_cases import ACCOUNTS, RESTORE, Recorder, Start, errors_of, many
from .wire import BACKUP_ARN, SOURCE_ARN

# The fixtures of these tests.
sent = validation_cases.sent
start = validation_cases.start

IDENTIFIERS = st.from_regex(r"\A[A-Za-z](-?[A-Za-z0-9]){0,30}\Z")
KNOWN_REGIONS = {
    "aws": ("us-west-2", "ap-southeast-7", "mx-central-1", "il-central-1", "xx-newland-9"),
    "aws-cn": ("cn-north-1",),
    "aws-us-gov": ("us-gov-west-1",),
    "aws-iso": ("us-iso-west-1",),
    "aws-iso-b": ("us-isob-west-1",),
    "aws-iso-e": ("eu-isoe-west-1",),
    "aws-iso-f": ("us-isof-south-1",),
    "aws-eusc": ("eusc-de-east-1",),
}
PARTITION_AND_REGION = st.sampled_from(
    [(partition, region) for partition, regions in KNOWN_REGIONS.items() for region in regions]
)
BACKUP_IDS = st.text(string.ascii_letters + string.digits, min_size=1, max_size=70)


@pytest.mark.parametrize(
    ("arn", "text"),
    [
        ("arn:aws:rds:us-west-2:123456789012:cluster:aurora", "a DB cluster"),
        ("arn:aws:rds:us-west-2:123456789012:snapshot:rds:mydatabase-2026", "a DB snapshot"),
        ("arn:aws:rds:us-west-2:123456789012:auto-backup:ab-x", "an automated backup"),
        ("arn:aws:rds:us-west-2:123456789012:og:mygroup", "type 'og'"),
        ("arn:aws:s3:us-west-2:123456789012:db:mydatabase", "must be an ARN of the form"),
        ("arn:aws:rds:us-west-2:12345678901:db:mydatabase", "must be an ARN of the form"),
        ("arn:aws:rds:us-west-2:１２３４５６７８９０１２:db:mydatabase", "must be an ARN"),
        ("arn:aws:rds:us-west-2:123456789012:db:mydatabase\n", "must be an ARN"),
        ("arn:aws:rds:us-west-2:123456789012:db:my--database", "'my--database'"),
        ("arn:aws:rds:us-west-2:123456789012:db:1database", "'1database'"),
        ("arn:aws:rds:us-west-2:123456789012:db:database-", "'database-'"),
        ("arn:aws:rds:us-west-2:123456789012:db:" + "a" * 64, "1 to 63"),
        ("arn:aws:rds::123456789012:db:mydatabase", "must be an ARN"),
        ("mydatabase", "must be an ARN"),
        ("", "must be an ARN"),
        (None, "must be a string"),
        (b"arn:aws:rds:us-west-2:123456789012:db:mydatabase", "must be a string"),
    ],
)
def test_source_arn_must_be_a_db_instance(start: Start, arn: Any, text: str) -> None:
    assert text in errors_of(start, source_db_instance_arn=arn)["source_db_instance_arn"].message


def test_source_arn_in_destination_region_refused(start: Start) -> None:
    arn = SOURCE_ARN.replace("us-west-2", "us-east-1")
    message = errors_of(start, source_db_instance_arn=arn)["source_db_instance_arn"].message
    assert "is in us-east-1, the Region of this client" in message
    assert "destination Region" in message


def test_stop_validates_source_arn(client: BackupReplicationClient, sent: Recorder) -> None:
    found = errors_of(
        client.stop_db_instance_automated_backups_replication,
        source_db_instance_arn=SOURCE_ARN.replace("us-west-2", "us-east-1"),
    )
    assert "destination Region" in found["source_db_instance_arn"].message
    assert sent.bodies == []


def test_source_arn_in_other_partition_refused(start: Start) -> None:
    arn = SOURCE_ARN.replace("arn:aws:", "arn:aws-us-gov:")
    message = errors_of(start, source_db_instance_arn=arn)["source_db_instance_arn"].message
    assert "'aws-us-gov'" in message
    assert "'aws'" in message


@given(where=PARTITION_AND_REGION, account=ACCOUNTS, identifier=IDENTIFIERS)
def test_source_arn_of_any_partition_is_valid(
    where: tuple[str, str], account: str, identifier: str
) -> None:
    arn = f"arn:{where[0]}:rds:{where[1]}:{account}:db:{identifier}"
    request = StartDBInstanceAutomatedBackupsReplicationRequest(source_db_instance_arn=arn)
    assert request.source_db_instance_arn == arn


@many
@given(account=ACCOUNTS, identifier=IDENTIFIERS, index=st.integers(0, 200), junk=st.characters())
def test_source_arn_with_one_invalid_character(
    start: Start, account: str, identifier: str, index: int, junk: str
) -> None:
    assume(junk not in string.ascii_letters + string.digits + "-")
    arn = f"arn:aws:rds:us-west-2:{account}:db:{identifier}"
    index %= len(arn)
    assume(arn[index] != junk)
    assert "source_db_instance_arn" in errors_of(
        start, source_db_instance_arn=arn[:index] + junk + arn[index + 1 :]
    )


@many
@given(text=st.text())
def test_source_arn_with_arbitrary_text(start: Start, text: str) -> None:
    errors_of(start, source_db_instance_arn=text)


@many
@given(backup_id=BACKUP_IDS, account=ACCOUNTS)
def test_backup_id_may_have_any_length(
    client: BackupReplicationClient, sent: Recorder, backup_id: str, account: str
) -> None:
    arn = f"arn:aws:rds:us-east-1:{account}:auto-backup:ab-{backup_id}"
    sent.bodies.clear()
    client.delete_db_instance_automated_backup(db_instance_automated_backups_arn=arn)
    assert sent.bodies[0]["DBInstanceAutomatedBackupsArn"] == arn


@pytest.mark.parametrize(
    "arn",
    [
        SOURCE_ARN,
        BACKUP_ARN + "-",
        BACKUP_ARN.replace("ab-", "xy-"),
        BACKUP_ARN.replace("arn:aws:", "arn:aws-cn:"),
        BACKUP_ARN.replace("us-east-1", "us-west-2"),
        "ab-jkib2gfq5rv7replzadausbrktni2bn4",
    ],
)
def test_invalid_backup_arn_refused(
    client: BackupReplicationClient, sent: Recorder, arn: str
) -> None:
    for method in (
        client.delete_db_instance_automated_backup,
        client.describe_db_instance_automated_backups,
        client.wait_until_replicating,
        client.wait_until_stopped,
    ):
        found = errors_of(method, db_instance_automated_backups_arn=arn)
        assert set(found) == {"db_instance_automated_backups_arn"}
    name = "source_db_instance_automated_backups_arn"
    keywords = {**RESTORE, name: arn, "use_latest_restorable_time": True}
    assert set(errors_of(client.restore_db_instance_to_point_in_time, **keywords)) == {name}
    assert sent.bodies == []


def test_delete_requires_exactly_one_id(client: BackupReplicationClient, sent: Recorder) -> None:
    delete = client.delete_db_instance_automated_backup
    found = errors_of(delete)
    assert found["dbi_resource_id"].message == (
        "is required unless db_instance_automated_backups_arn is given"
    )
    for arn in (BACKUP_ARN, SOURCE_ARN):
        found = errors_of(delete, dbi_resource_id="db-X", db_instance_automated_backups_arn=arn)
        assert "not be given together" in found["dbi_resource_id"].message
        assert ("db_instance_automated_backups_arn" in found) == (arn == SOURCE_ARN)
    assert sent.bodies == []
    delete(dbi_resource_id="db-X")
    assert sent.bodies[0]["DbiResourceId"] == "db-X"
