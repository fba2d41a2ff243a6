"""Tests of the validation of the describe operations: filters, page sizes, Region names."""

from typing import Any

import pytest

from rds_backup_replication import BackupReplicationClient, Filter

from . import validation_cases
from .validation_cases import Recorder, errors_of
from .wire import BACKUP_ARN

# The fixtures of these tests.
sent = validation_cases.sent


def test_listing_validates_before_first_page(
    client: BackupReplicationClient, sent: Recorder
) -> None:
    found = errors_of(
        client.describe_db_instance_automated_backups,
        dbi_resource_id="",
        db_instance_identifier="",
        db_instance_automated_backups_arn=BACKUP_ARN.replace("us-east-1", "us-west-2"),
        filters=[{"Name": "status"}],
        page_size=19,
    )
    assert set(found) == {
        "dbi_resource_id",
        "db_instance_identifier",
        "db_instance_automated_backups_arn",
        "filters[0].values",
        "page_size",
    }
    assert (
        "keeps the backup: pass that Region as region_name"
        in found["db_instance_automated_backups_arn"].message
    )
    assert sent.bodies == []


@pytest.mark.parametrize("page_size", [20, 57, 100])
def test_page_size_in_range_is_sent(
    client: BackupReplicationClient, sent: Recorder, page_size: int
) -> None:
    list(client.describe_db_instance_automated_backups(page_size=page_size))
    assert sent.bodies[0]["MaxRecords"] == page_size


@pytest.mark.parametrize("page_size", [0, 19, 101, True, 50.0, "50"])
def test_page_size_out_of_range_refused(
    client: BackupReplicationClient, sent: Recorder, page_size: Any
) -> None:
    found = errors_of(client.describe_db_instance_automated_backups, page_size=page_size)
    assert found["page_size"].message == "must be a whole number from 20 to 100"
    assert sent.bodies == []


def test_filters_accept_models_and_dicts(client: BackupReplicationClient, sent: Recorder) -> None:
    for filters in (
        [Filter(name="status", values=["retained"])],
        [{"Name": "status", "Values": ["retained"]}],
    ):
        list(client.describe_db_instance_automated_backups(filters=filters))
    assert sent.bodies[0] == sent.bodies[1]
    assert sent.bodies[0]["Filters.Filter.1.Values.Value.1"] == "retained"


def test_describe_source_regions_validates_name(
    client: BackupReplicationClient, sent: Recorder
) -> None:
    assert "region_name" in errors_of(client.describe_source_regions, region_name="everywhere")
    list(client.describe_source_regions(region_name="xx-newland-1"))
    assert sent.bodies[0]["RegionName"] == "xx-newland-1"


@pytest.mark.parametrize("filters", [5, "status", {"status": "retained"}])
def test_filters_must_be_a_list(client: BackupReplicationClient, filters: Any) -> None:
    found = errors_of(client.describe_db_instance_automated_backups, filters=filters)
    assert found["filters"].message == "must be a list"


def test_empty_filters_are_not_sent(client: BackupReplicationClient, sent: Recorder) -> None:
    list(client.describe_db_instance_automated_backups(filters=[]))
    assert not [name for name in sent.bodies[0] if name.startswith("Filters")]


def test_text_with_surrogate_refused(client: BackupReplicationClient, sent: Recorder) -> None:
    found = errors_of(
        client.describe_db_instance_automated_backups,
        filters=[{"Name": "status", "Values": ["\ud800"]}],
    )
    assert list(found) == ["filters[0].values[0]"]
    assert sent.bodies == []
