"""Tests of responses that the client cannot parse or validate."""

import copy
import pickle
import re
from typing import Any

import pytest

from rds_backup_replication.exceptions import (
    ResponseValidationError,
)

from .calls import (
    CALLS,
    DESCRIBE,
    START,
    STARTED,
    catch_response_error,
    catch_service_error,
    page_xml,
    start,
)
from .loopback import REQUEST_ID, result_xml
from .wire import SOURCE_ARN, ScriptedRDS, backup_xml


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        STARTED[: len(STARTED) // 2],
        "<html><body>Proxy login</body></html>",
        result_xml("SomethingElse", backup_xml()),
        f"<Wrong>{STARTED}</Wrong>",
        result_xml(START, backup_xml(AllocatedStorage="plenty")),
        result_xml(START, backup_xml(InstanceCreateTime="yesterday")),
        result_xml(START, backup_xml(InstanceCreateTime="99999999999999999999")),
        # dateutil warns about this time. Tests and `python -W error` turn warnings into errors.
        result_xml(START, backup_xml(InstanceCreateTime="2026-11-24T13:35:11AZ")),
        result_xml(START, ""),
        b"\xff\xfe\x00",
    ],
)
def test_invalid_response_is_kept_in_error(rds: ScriptedRDS, body: str | bytes) -> None:
    rds.answers(body)
    error = catch_response_error(start, rds.client())
    assert error.operation_name == START
    raw = body if isinstance(body, bytes) else body.encode()
    # The error keeps the parsed response if botocore could parse it, otherwise the body.
    assert error.response.get("body") == raw or "ResponseMetadata" in error.response
    assert error.may_have_taken_effect
    assert "may have taken effect" in str(error)
    assert len(rds.received) == 1
    for twin in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):  # noqa: S301
        assert (twin.response, str(twin)) == (error.response, str(error))


def test_invalid_listing_has_no_effect(rds: ScriptedRDS) -> None:
    rds.answers("<html></html>")
    with pytest.raises(ResponseValidationError) as caught:
        list(rds.client().describe_db_instance_automated_backups())
    assert not caught.value.may_have_taken_effect
    assert "taken effect" not in str(caught.value)


@pytest.mark.parametrize("operation", CALLS)
def test_response_without_result_is_invalid(rds: ScriptedRDS, operation: str) -> None:
    rds.answers(result_xml(operation, ""))
    error = catch_response_error(CALLS[operation], rds.client())
    assert re.fullmatch("(DBInstance.*|SourceRegions) is missing", error.reason)
    assert error.response["ResponseMetadata"]["RequestId"] == REQUEST_ID


def test_wrong_type_in_response_names_field(rds: ScriptedRDS) -> None:
    def set_wrong_type(parsed: dict[str, Any], **_: Any) -> None:
        parsed["DBInstanceAutomatedBackup"]["Port"] = "not a port"

    rds.answers(STARTED)
    client = rds.client()
    client.client.meta.events.register("after-call.rds", set_wrong_type)
    error = catch_response_error(start, client)
    assert error.reason.startswith("Port: ")
    assert error.response["DBInstanceAutomatedBackup"]["DBInstanceArn"] == SOURCE_ARN


def test_wrong_type_in_listing_keeps_page(rds: ScriptedRDS) -> None:
    def set_wrong_type(parsed: dict[str, Any], **_: Any) -> None:
        window = {"EarliestTime": "x", "LatestTime": 0.5j}
        parsed["DBInstanceAutomatedBackups"][0]["RestoreWindow"] = window

    rds.answers(page_xml(range(1), None))
    client = rds.client()
    client.client.meta.events.register("after-call.rds", set_wrong_type)
    error = catch_response_error(CALLS[DESCRIBE], client)
    assert error.operation_name == DESCRIBE
    names = [reason.partition(": ")[0] for reason in error.reason.split("; ")]
    assert names == ["RestoreWindow.EarliestTime", "RestoreWindow.LatestTime"]
    assert "DBInstanceAutomatedBackups" in error.response


@pytest.mark.parametrize("markers", [["again"], ["again", "b", "c"]])
def test_listing_with_repeated_marker_is_invalid(rds: ScriptedRDS, markers: list[str]) -> None:
    for marker in [*markers, "again"]:
        rds.answers(page_xml(range(1), marker))
    error = catch_response_error(CALLS[DESCRIBE], rds.client())
    assert error.response["Marker"] == "again"
    assert len(rds.received) == len(markers) + 1


def test_listing_page_with_two_markers_is_invalid(rds: ScriptedRDS) -> None:
    rds.answers(page_xml(range(1), "1</Marker><Marker>2"))
    with pytest.raises(ResponseValidationError, match="repeats"):
        list(rds.client().describe_db_instance_automated_backups())
    assert len(rds.received) == 1


def test_gateway_error_page_is_kept(rds: ScriptedRDS) -> None:
    rds.answers("<html>503 Service Unavailable</html>", 503)
    error = catch_service_error(start, rds.client())
    assert error.http_status_code == 503
    rds.script.clear()
    rds.answers("<!doctype html><p>Bad gateway", 502)
    assert catch_response_error(start, rds.client()).response["status_code"] == 502


def test_nested_call_keeps_raw_response(rds: ScriptedRDS) -> None:
    """Check a call whose botocore handler makes a call with another client."""
    rds.answers(result_xml("DescribeSourceRegions", "<SourceRegions></SourceRegions>"))
    rds.answers("<garbage")
    client, other = rds.client(), rds.client()

    def call_another(**_: Any) -> None:
        list(other.describe_source_regions())

    client.client.meta.events.register("before-send.rds", call_another)
    with pytest.raises(ResponseValidationError) as caught:
        list(client.describe_db_instance_automated_backups())
    assert caught.value.response["body"] == b"<garbage"
