"""Tests of the sandbox: backups and source Regions as the describe operations list them."""

from typing import Any

import pytest

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication.exceptions import InvalidParameterValueError
from rds_backup_replication.sandbox import Sandbox

from . import sandbox_cases
from .sandbox_cases import start
from .wire import SOURCE_ARN

pytestmark = pytest.mark.once

# The fixtures of these tests.
run = sandbox_cases.run
sandbox = sandbox_cases.sandbox
client = sandbox_cases.client


def test_describe_filters(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    backup = start(client)
    ireland_source = sandbox.create_db_instance("eu-west-1")
    start(client, source_db_instance_arn=ireland_source.db_instance_arn)
    sandbox.create_db_instance("us-east-1", "own")

    def find(**keywords: Any) -> list[tuple[str | None, str | None]]:
        backups = client.describe_db_instance_automated_backups(**keywords)
        return [(backup.region, backup.db_instance_identifier) for backup in backups]

    west, ireland, own = (
        ("us-west-2", "mydatabase"),
        ("eu-west-1", "mydatabase"),
        ("us-east-1", "own"),
    )
    assert find() == [own, west, ireland]
    assert find(db_instance_identifier="MYDATABASE") == [west, ireland]
    assert find(dbi_resource_id=str(backup.dbi_resource_id).lower()) == [west]
    filters: list[tuple[str, str | None, list[tuple[str, str]]]] = [
        ("status", "active", [own]),
        ("db-instance-id", SOURCE_ARN, [west]),
        ("dbi-resource-id", backup.dbi_resource_id, [west]),
        ("status", "retained", []),
    ]
    for name, value, expected in filters:
        assert find(filters=[{"Name": name, "Values": [value]}]) == expected
    with pytest.raises(InvalidParameterValueError, match="filter 'color' is not supported"):
        find(filters=[{"Name": "color", "Values": ["red"]}])


def test_source_backup_lists_its_replication(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    arn = start(client).db_instance_automated_backups_arn
    second = sandbox.create_db_instance("us-west-2", "second")
    start(client, source_db_instance_arn=second.db_instance_arn)
    (own,) = sandbox.client("us-west-2").describe_db_instance_automated_backups(
        db_instance_identifier="mydatabase"
    )
    assert own.status == "active"
    assert own.db_instance_automated_backups_replications is not None
    (replication,) = own.db_instance_automated_backups_replications
    assert replication.db_instance_automated_backups_arn == arn


def test_describe_paginates(sandbox: Sandbox) -> None:
    for number in range(44):
        sandbox.create_db_instance("us-west-2", f"db{number}")
    backups = list(sandbox.client("us-west-2").describe_db_instance_automated_backups(page_size=20))
    assert len({backup.db_instance_identifier for backup in backups}) == 45
    assert len({backup.dbi_resource_id for backup in backups}) == 45


def test_region_pairs_are_directional(sandbox: Sandbox) -> None:
    def supported(source: str, destination: str) -> list[bool | None]:
        regions = sandbox.client(destination).describe_source_regions(region_name=source)
        return [region.supports_db_instance_automated_backups_replication for region in regions]

    assert supported("us-west-2", "us-east-1") == [True]
    assert supported("eu-south-1", "eu-central-1") == [True]
    assert supported("eu-central-1", "eu-south-1") == [False]
    assert supported("cn-north-1", "us-east-1") == []
    assert len(list(sandbox.client("us-gov-west-1").describe_source_regions())) == 1


def test_replication_within_govcloud(sandbox: Sandbox) -> None:
    instance = sandbox.create_db_instance("us-gov-east-1")
    backup = start(sandbox.client("us-gov-west-1"), source_db_instance_arn=instance.db_instance_arn)
    assert str(backup.db_instance_automated_backups_arn).startswith(
        "arn:aws-us-gov:rds:us-gov-west-1:123456789012:auto-backup:ab-"
    )
