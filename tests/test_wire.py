"""Tests of requests on a real socket, and of every kind of response to them."""

import copy
import logging
import pickle
import re
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import botocore.session
import pytest
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from rds_backup_replication import BackupReplicationClient, DBInstanceAutomatedBackup, __version__
from rds_backup_replication.exceptions import (
    AccessDeniedError,
    DBInstanceNotFoundFault,
    InvalidParameterValueError,
    KMSKeyNotAccessibleFault,
    ResponseValidationError,
    ServiceError,
    ThrottlingError,
)

from .loopback import REQUEST_ID, error_xml, result_xml
from .wire import BACKUP_ARN, KMS_KEY_ARN, SOURCE_ARN, ScriptedRDS, backup_xml

START = "StartDBInstanceAutomatedBackupsReplication"
DESCRIBE = "DescribeDBInstanceAutomatedBackups"
STARTED = result_xml(START, backup_xml())

Call = Callable[[BackupReplicationClient], Any]
# One call of each operation. The call of a listing reads every page.
CALLS: dict[str, Call] = {
    START: lambda client: client.start_db_instance_automated_backups_replication(
        source_db_instance_arn=SOURCE_ARN
    ),
    "StopDBInstanceAutomatedBackupsReplication": lambda client: (
        client.stop_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)
    ),
    DESCRIBE: lambda client: list(client.describe_db_instance_automated_backups()),
    "DeleteDBInstanceAutomatedBackup": lambda client: client.delete_db_instance_automated_backup(
        db_instance_automated_backups_arn=BACKUP_ARN
    ),
    "DescribeSourceRegions": lambda client: list(client.describe_source_regions()),
    "RestoreDBInstanceToPointInTime": lambda client: client.restore_db_instance_to_point_in_time(
        source_db_instance_automated_backups_arn=BACKUP_ARN,
        target_db_instance_identifier="restored",
        use_latest_restorable_time=True,
    ),
}
SERVICE = botocore.session.get_session().get_service_model("rds")
DOCUMENTED_FAULTS = [
    (operation, shape.metadata["error"]["code"], shape.name)
    for operation in CALLS
    for shape in SERVICE.operation_model(operation).error_shapes
]


def start(client: BackupReplicationClient) -> DBInstanceAutomatedBackup:
    """Start a replication with no optional parameters."""
    return client.start_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)


def catch_service_error(call: Call, client: BackupReplicationClient) -> ServiceError:
    """Return the error that AWS reports for the call."""
    with pytest.raises(ServiceError) as caught:
        call(client)
    return caught.value


def catch_response_error(call: Call, client: BackupReplicationClient) -> ResponseValidationError:
    """Return the error that the client raises for an invalid response to the call."""
    with pytest.raises(ResponseValidationError) as caught:
        call(client)
    return caught.value


# Requests


def test_start_request_is_signed_for_destination(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    rds.client().start_db_instance_automated_backups_replication(
        source_db_instance_arn=SOURCE_ARN,
        backup_retention_period=14,
        kms_key_id=KMS_KEY_ARN,
        tags={"env": "prod", "team": None},
    )
    (request,) = rds.received
    assert request.parameters == {
        "Action": START,
        "Version": "2014-10-31",
        "SourceDBInstanceArn": SOURCE_ARN,
        "BackupRetentionPeriod": "14",
        "KmsKeyId": KMS_KEY_ARN,
        "Tags.Tag.1.Key": "env",
        "Tags.Tag.1.Value": "prod",
        "Tags.Tag.2.Key": "team",
    }
    assert "/us-east-1/rds/aws4_request" in request.headers["Authorization"]
    assert f"rds-backup-replication/{__version__}" in request.headers["User-Agent"]


def test_user_agent_keeps_user_agent_extra(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    start(rds.client(user_agent_extra="our-platform/7"))
    agent = rds.received[0].headers["User-Agent"]
    assert "our-platform/7" in agent
    assert f"rds-backup-replication/{__version__}" in agent


def test_user_agent_ends_with_library_name(rds: ScriptedRDS, session: Session) -> None:
    rds.answers(STARTED)
    for config in (None, Config(retries={"total_max_attempts": 1})):
        start(
            BackupReplicationClient(
                session=session,
                region_name="us-east-1",
                endpoint_url=rds.endpoint_url,
                config=config,
            )
        )
    for request in rds.received:
        *_, previous, last = request.headers["User-Agent"].split(" ")
        assert last == f"rds-backup-replication/{__version__}"
        assert previous.startswith("Botocore/")


def test_given_boto3_client_is_not_changed(rds: ScriptedRDS) -> None:
    """Check that the client adds nothing to the user agent of a client that a user created."""
    rds.answers(STARTED)
    session: Any = Session(aws_access_key_id="testing", aws_secret_access_key="testing")
    boto3_client = session.client("rds", region_name="us-east-1", endpoint_url=rds.endpoint_url)
    client = BackupReplicationClient(client=boto3_client)
    assert client.client is boto3_client
    start(client)
    assert "rds-backup-replication" not in rds.received[0].headers["User-Agent"]


def presigned(parameters: dict[str, str]) -> dict[str, str]:
    """Return the query parameters of a request's presigned URL."""
    query = parse_qs(urlsplit(parameters["PreSignedUrl"]).query)
    return {name: values[0] for name, values in query.items()}


def test_presigned_url_with_source_region(
    rds: ScriptedRDS,
) -> None:
    """Check that the URL is signed for the source Region and names the destination Region."""
    rds.answers(STARTED)
    rds.client().start_db_instance_automated_backups_replication(
        source_db_instance_arn=SOURCE_ARN, source_region="us-west-2"
    )
    (request,) = rds.received
    url = presigned(request.parameters)
    assert url["X-Amz-Credential"].split("/")[2:] == ["us-west-2", "rds", "aws4_request"]
    assert url["DestinationRegion"] == "us-east-1"
    assert url["SourceDBInstanceArn"] == SOURCE_ARN
    assert "SourceRegion" not in request.parameters


GOVCLOUD_ARN = SOURCE_ARN.replace("arn:aws:", "arn:aws-us-gov:").replace(
    "us-west-2", "us-gov-east-1"
)


def test_presigned_url_in_govcloud(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    rds.client("us-gov-west-1").start_db_instance_automated_backups_replication(
        source_db_instance_arn=GOVCLOUD_ARN
    )
    url = presigned(rds.received[0].parameters)
    assert "/us-gov-east-1/rds/" in url["X-Amz-Credential"]
    assert url["DestinationRegion"] == "us-gov-west-1"


def test_presigned_url_from_user_is_sent(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    rds.client("us-gov-west-1").start_db_instance_automated_backups_replication(
        source_db_instance_arn=GOVCLOUD_ARN, pre_signed_url="https://example.com/signed"
    )
    assert rds.received[0].parameters["PreSignedUrl"] == "https://example.com/signed"


def test_presigned_url_absent_by_default(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    start(rds.client())
    assert "PreSignedUrl" not in rds.received[0].parameters


# Responses


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


def page_xml(numbers: range, marker: str | None) -> str:
    """Return a page of backups, with the marker of the next page."""
    backups = "".join(backup_xml(DBInstanceIdentifier=f"db{number}") for number in numbers)
    tail = f"<Marker>{marker}</Marker>" if marker else ""
    items = f"<DBInstanceAutomatedBackups>{backups}</DBInstanceAutomatedBackups>"
    return result_xml(DESCRIBE, items + tail)


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


def test_error_details_are_text_if_xml_is_nested(rds: ScriptedRDS) -> None:
    error = "<Error><Code>New</Code><Message><a>b</a></Message></Error>"
    rds.answers(f"<ErrorResponse>{error}<RequestId><c>1</c></RequestId></ErrorResponse>", 400)
    with pytest.raises(ServiceError) as caught:
        list(rds.client().describe_db_instance_automated_backups())
    assert (caught.value.code, caught.value.message) == ("New", "{'a': 'b'}")
    assert caught.value.request_id == "{'c': '1'}"


# Errors that AWS reports


@pytest.mark.parametrize(("operation", "code", "name"), DOCUMENTED_FAULTS)
def test_documented_fault_has_its_class(
    rds: ScriptedRDS, operation: str, code: str, name: str
) -> None:
    """Check both spellings of a fault: the code on the wire and the name of the shape."""
    for spelling in {code, name}:
        rds.script.clear()
        rds.answers(error_xml(spelling, "A message."), 400)
        error = catch_service_error(CALLS[operation], rds.client())
        assert type(error).__name__ == name
        assert isinstance(error, ClientError)
        assert isinstance(error.__cause__, ClientError)
        assert (error.code, error.message) == (spelling, "A message.")
        assert (error.operation_name, error.request_id) == (operation, REQUEST_ID)
        assert error.http_status_code == 400
        assert error.response.get("Error", {}).get("Code") == spelling


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("AccessDenied", "AccessDeniedError"),
        ("AccessDeniedException", "AccessDeniedError"),
        ("Throttling", "ThrottlingError"),
        ("ThrottlingException", "ThrottlingError"),
        ("InvalidParameterValue", "InvalidParameterValueError"),
        ("InvalidParameterCombination", "InvalidParameterCombinationError"),
        ("ExpiredToken", "ExpiredTokenError"),
        ("InvalidClientTokenId", "InvalidClientTokenIdError"),
        ("SignatureDoesNotMatch", "SignatureDoesNotMatchError"),
        ("OptInRequired", "OptInRequiredError"),
        ("ServiceUnavailable", "ServiceUnavailableError"),
        ("InternalFailure", "InternalFailureError"),
        ("BrandNewFault", "ServiceError"),
    ],
)
@pytest.mark.parametrize("operation", CALLS)
def test_undocumented_code_has_its_class(
    rds: ScriptedRDS, operation: str, code: str, name: str
) -> None:
    """Check that the error keeps its code and, if the code is unknown, is a `ServiceError`."""
    rds.answers(error_xml(code), 400)
    error = catch_service_error(CALLS[operation], rds.client())
    assert type(error).__name__ == name
    assert error.code == code


# Errors whose message the client knows, each with a part of its hint.
KNOWN_ERRORS = (
    (
        "InvalidParameterValue",
        "Feature is not available in region us-west-1.",
        "describe_source_regions",
    ),
    ("InvalidParameterValue", "Encrypted instances require a valid KMS key ID.", "kms_key_id"),
    (
        "InvalidParameterValue",
        f"The ARN ({BACKUP_ARN}) is invalid for (DbInstanceAutomatedBackupsArn).",
        "account",
    ),
    ("InvalidParameterValue", "PreSignedUrl could not be authenticated.", "source_region"),
    (
        "InvalidDBInstanceState",
        "Source DB instance must have backup retention enabled.",
        "BackupRetentionPeriod",
    ),
    ("InvalidDBInstanceState", "It is not replicating to the current region", "does not replicate"),
    ("KMSKeyNotAccessibleFault", "The target KMS key does not exist", "kms:CreateGrant"),
    ("DBInstanceAutomatedBackupQuotaExceeded", "Quota.", "20"),
    ("InvalidClientTokenId", "The security token is invalid.", "enabled this Region"),
)


@pytest.mark.parametrize(("code", "message", "hint"), KNOWN_ERRORS)
def test_known_error_has_hint(rds: ScriptedRDS, code: str, message: str, hint: str) -> None:
    rds.answers(error_xml(code, message), 400)
    error = catch_service_error(start, rds.client())
    assert error.hint is not None
    assert hint in error.hint
    assert str(error) == f"{error.__cause__}\n{error.hint}"
    assert message in str(error)


def test_error_without_hint_has_botocore_text(rds: ScriptedRDS) -> None:
    rds.answers(error_xml("InvalidParameterValue", "No."), 400)
    error = catch_service_error(start, rds.client())
    assert error.hint is None
    assert str(error) == str(error.__cause__)


def test_error_can_be_pickled_and_copied(rds: ScriptedRDS) -> None:
    rds.answers(error_xml("KMSKeyNotAccessibleFault", "No key."), 400)
    error = catch_service_error(start, rds.client())
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301
        assert type(twin) is KMSKeyNotAccessibleFault
        assert twin.response == error.response
        assert str(twin) == str(error)
        assert twin.request_id == REQUEST_ID


@pytest.mark.parametrize("code", ["", "InvalidParameterValue"])
def test_error_with_empty_message(rds: ScriptedRDS, code: str) -> None:
    rds.answers(error_xml(code, ""), 400)
    error = catch_service_error(start, rds.client())
    assert error.code in (code, "Unknown")
    assert error.message == ""


def test_throttled_call_is_retried_by_botocore(
    rds: ScriptedRDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", id)  # botocore sleeps between attempts
    rds.answers(error_xml("Throttling", "Rate exceeded"), 400)
    error = catch_service_error(start, rds.client(retries=2))
    assert type(error) is ThrottlingError
    assert len(rds.received) == 3
    assert "reached max retries: 2" in str(error)


def test_error_of_other_service_passes_through(client: BackupReplicationClient) -> None:
    def deny(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "AssumeRole")

    client.client.meta.events.register("before-call.rds", deny)
    with pytest.raises(ClientError) as caught:
        start(client)
    assert not isinstance(caught.value, ServiceError)


# Invalid responses, and no response


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


def test_wrong_type_in_response_names_field(rds: ScriptedRDS) -> None:
    def set_wrong_type(parsed: dict[str, Any], **_: Any) -> None:
        parsed["DBInstanceAutomatedBackup"]["Port"] = "not a port"

    rds.answers(STARTED)
    client = rds.client()
    client.client.meta.events.register("after-call.rds", set_wrong_type)
    error = catch_response_error(start, client)
    assert error.reason.startswith("Port: ")
    assert error.response["DBInstanceAutomatedBackup"]["DBInstanceArn"] == SOURCE_ARN


@pytest.mark.parametrize("operation", CALLS)
def test_response_without_result_is_invalid(rds: ScriptedRDS, operation: str) -> None:
    rds.answers(result_xml(operation, ""))
    error = catch_response_error(CALLS[operation], rds.client())
    assert re.fullmatch("(DBInstance.*|SourceRegions) is missing", error.reason)
    assert error.response["ResponseMetadata"]["RequestId"] == REQUEST_ID


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


def test_error_without_details() -> None:
    error = ServiceError({}, START)
    assert (error.code, error.message, error.hint) == ("Unknown", "", None)
    assert (error.request_id, error.http_status_code) == (None, None)


def test_gateway_error_page_is_kept(rds: ScriptedRDS) -> None:
    rds.answers("<html>503 Service Unavailable</html>", 503)
    error = catch_service_error(start, rds.client())
    assert error.http_status_code == 503
    rds.script.clear()
    rds.answers("<!doctype html><p>Bad gateway", 502)
    assert catch_response_error(start, rds.client()).response["status_code"] == 502


@pytest.mark.parametrize(
    "event",
    ["before-parse", "before-parse.rds", f"response-received.rds.{START}", "after-call.rds"],
)
def test_error_in_user_handler_passes_through(rds: ScriptedRDS, event: str) -> None:
    """Check that the client does not take a `KeyError` in a handler for an invalid response."""

    def fail(**_: Any) -> None:
        raise KeyError("user")

    rds.answers(STARTED)
    client = rds.client()
    client.client.meta.events.register(event, fail)
    with pytest.raises(KeyError, match="user"):
        start(client)


@pytest.mark.parametrize("operation", CALLS)
def test_reset_connection_raises_botocore_error(rds: ScriptedRDS, operation: str) -> None:
    rds.resets()
    with pytest.raises(ConnectionClosedError):
        CALLS[operation](rds.client())


@pytest.mark.usefixtures("no_backoff")
def test_lost_response_after_failed_attempt(rds: ScriptedRDS) -> None:
    """Check that the client does not take the response of an earlier attempt for the lost one."""
    rds.answers(error_xml("InternalFailure"), 500)
    rds.resets()
    with pytest.raises(ConnectionClosedError):
        start(rds.client(retries=1))
    assert len(rds.received) == 2


def test_unsent_request_raises_botocore_error(rds: ScriptedRDS) -> None:
    session = Session()
    with pytest.raises(NoCredentialsError):
        start(
            BackupReplicationClient(
                session=session, region_name="us-east-1", endpoint_url=rds.endpoint_url
            )
        )
    rds.answers(STARTED)
    client = rds.client()
    with ScriptedRDS() as closed:
        unreachable = closed.client()
    with pytest.raises(EndpointConnectionError):
        start(unreachable)
    assert start(client).status == "pending"


def test_read_timeout_raises_botocore_error(rds: ScriptedRDS) -> None:
    rds.stalls()
    with pytest.raises(ReadTimeoutError):
        start(rds.client(read_timeout=0.05))


# Logs, secrets and threads


def test_log_omits_parameters(rds: ScriptedRDS, caplog: pytest.LogCaptureFixture) -> None:
    rds.answers(STARTED)
    rds.answers(error_xml("DBInstanceNotFound"), 404)
    rds.answers("hello")
    rds.resets()
    client = rds.client()
    with caplog.at_level(logging.DEBUG, "rds_backup_replication"):
        for error_type in (
            None,
            DBInstanceNotFoundFault,
            ResponseValidationError,
            ConnectionClosedError,
        ):
            if error_type is None:
                client.start_db_instance_automated_backups_replication(
                    source_db_instance_arn=SOURCE_ARN, pre_signed_url="https://secret.example/4f2a"
                )
            else:
                with pytest.raises(error_type):
                    start(client)
    lines = [record.getMessage() for record in caplog.records if "rds_backup" in record.name]
    assert [line.rsplit(",", 1)[0] for line in lines] == [
        f"{START} in us-east-1: {REQUEST_ID}",
        f"{START} in us-east-1: DBInstanceNotFound, {REQUEST_ID}",
        f"{START} in us-east-1: invalid response",
        f"{START} in us-east-1: no response",
    ]
    assert all(line.endswith(" ms") for line in lines)
    assert "4f2a" not in " ".join(lines)


def test_traceback_omits_presigned_url(rds: ScriptedRDS) -> None:
    rds.answers(error_xml("InvalidParameterValue", "PreSignedUrl could not be authenticated."), 400)
    # A traceback shows the lines of the call, so the URL is defined outside of it.
    secret = "https://secret.example/4f2a"
    with pytest.raises(InvalidParameterValueError) as caught:
        rds.client().start_db_instance_automated_backups_replication(
            source_db_instance_arn=SOURCE_ARN, pre_signed_url=secret
        )
    assert "4f2a" not in "".join(traceback.format_exception(caught.value))


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


def test_given_config_is_not_changed(rds: ScriptedRDS) -> None:
    """Check that the client's user agent is not added to the user's own `Config`."""
    config = Config(user_agent_extra="user/1")
    BackupReplicationClient(region_name="us-east-1", config=config, endpoint_url=rds.endpoint_url)
    assert getattr(config, "user_agent_extra") == "user/1"  # noqa: B009  # missing from the stubs


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
