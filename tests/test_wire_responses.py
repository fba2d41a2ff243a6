"""Tests of the models and pages that valid responses become."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import pytest

from rds_backup_replication.exceptions import (
    AccessDeniedError,
)

from .calls import START, STARTED, catch_response_error, page_xml, start
from .loopback import error_xml, result_xml
from .wire import SOURCE_ARN, ScriptedRDS, backup_xml


def test_response_becomes_model(rds: ScriptedRDS) -> None:
    rds.answers(
        result_xml(
            START,
            backup_xml(
                Status="Replicating",
                Encrypted="true",
                IAMDatabaseAuthenticationEnabled="false",
                RestoreWindow=(
                    "<EarliestTime>2026-11-20T10:00:00Z</EarliestTime>"
                    "<LatestTime>2026-11-24T11:55:00.930Z</LatestTime>"
                ),
                TagList="<Tag><Key>aws:stack</Key><Value>x</Value></Tag><Tag><Value>y</Value></Tag>",
                AdditionalStorageVolumes=(
                    "<member><VolumeName>rdsdbdata2</VolumeName><IOPS>3000</IOPS></member>"
                ),
            ),
        )
    )
    backup = start(rds.client())
    assert backup.is_replicating
    assert not backup.is_retained
    assert backup.encrypted is True
    assert backup.iam_database_authentication_enabled is False
    assert backup.restore_window is not None
    assert backup.restore_window.latest_time == datetime(
        2026, 11, 24, 11, 55, 0, 930000, tzinfo=timezone.utc
    )
    assert backup.tag_list is not None
    assert [(tag.key, tag.value) for tag in backup.tag_list] == [("aws:stack", "x"), ("", "y")]
    assert backup.additional_storage_volumes is not None
    assert backup.additional_storage_volumes[0].iops == 3000
    assert backup.kms_key_id is None


@pytest.mark.parametrize("status", ["replicating", "Replicating", "REPLICATING"])
def test_status_comparison_ignores_case(rds: ScriptedRDS, status: str) -> None:
    rds.answers(result_xml(START, backup_xml(Status=status)))
    backup = start(rds.client())
    assert backup.status == "replicating"
    assert str(backup.status) == status
    assert backup.is_replicating


def test_status_unknown_is_kept(rds: ScriptedRDS) -> None:
    rds.answers(result_xml(START, backup_xml(Status="hibernating")))
    backup = start(rds.client())
    assert backup.status == "hibernating"
    assert not backup.is_replicating


def test_response_with_unknown_field(rds: ScriptedRDS) -> None:
    hologram = "<Hologram><Depth>3</Depth></Hologram>"
    rds.answers(
        result_xml(START, backup_xml().replace("<DBInstanceArn>", f"{hologram}<DBInstanceArn>"))
    )
    assert start(rds.client()).db_instance_arn == SOURCE_ARN


def test_listing_of_backups_requests_pages_lazily(rds: ScriptedRDS) -> None:
    rds.answers(page_xml(range(100), "100"))
    rds.answers(page_xml(range(0), "100b"))  # an empty page may have a marker
    rds.answers(page_xml(range(100, 200), "200"))
    rds.answers(page_xml(range(200, 250), None))
    backups = rds.client().describe_db_instance_automated_backups(page_size=100)
    assert rds.received == []
    first = next(backups)
    assert (first.db_instance_identifier, first.status) == ("db0", "PENDING")
    assert len(rds.received) == 1
    rest = [backup.db_instance_identifier for backup in backups]
    assert rest == [f"db{number}" for number in range(1, 250)]
    markers = [request.parameters.get("Marker") for request in rds.received]
    assert markers == [None, "100", "100b", "200"]
    assert {request.parameters["MaxRecords"] for request in rds.received} == {"100"}


def test_listing_of_regions_requests_pages_lazily(rds: ScriptedRDS) -> None:
    for name, marker in (("us-west-1", "<Marker>1</Marker>"), ("us-west-2", "")):
        region = f"<SourceRegion><RegionName>{name}</RegionName></SourceRegion>"
        inner = f"<SourceRegions>{region}</SourceRegions>{marker}"
        rds.answers(result_xml("DescribeSourceRegions", inner))
    regions = rds.client().describe_source_regions()
    assert rds.received == []
    assert next(regions).region_name == "us-west-1"
    assert len(rds.received) == 1
    assert [region.region_name for region in regions] == ["us-west-2"]
    assert rds.received[1].parameters["Marker"] == "1"


def test_listing_error_comes_after_earlier_pages(rds: ScriptedRDS) -> None:
    rds.answers(page_xml(range(2), "2"))
    rds.answers(error_xml("AccessDenied"), 403)
    backups = rds.client().describe_db_instance_automated_backups()
    assert [next(backups).db_instance_identifier for _ in range(2)] == ["db0", "db1"]
    with pytest.raises(AccessDeniedError):
        next(backups)


def test_threads_get_their_own_responses(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    client = rds.client(max_pool_connections=8)

    def is_own_response(number: int) -> bool:
        if number % 2:
            error = catch_response_error(lambda c: list(c.describe_source_regions()), client)
            return error.operation_name == "DescribeSourceRegions"
        return start(client).db_instance_arn == SOURCE_ARN

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(is_own_response, range(64)))
