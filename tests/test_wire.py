"""What goes over a real socket, and what becomes of every kind of answer."""

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
# Each operation with a call of it; a listing is read to its end.
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
    return client.start_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)


def refused(call: Call, client: BackupReplicationClient) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        call(client)
    return caught.value


def unreadable(call: Call, client: BackupReplicationClient) -> ResponseValidationError:
    with pytest.raises(ResponseValidationError) as caught:
        call(client)
    return caught.value


# Requests


def test_start_sends_its_parameters_signed_for_the_destination(rds: ScriptedRDS) -> None:
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


def test_a_users_own_user_agent_stays(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    start(rds.client(user_agent_extra="our-platform/7"))
    agent = rds.received[0].headers["User-Agent"]
    assert "our-platform/7" in agent
    assert f"rds-backup-replication/{__version__}" in agent


def test_the_user_agent_tells_of_this_library_and_nothing_else_of_ours(
    rds: ScriptedRDS, session: Session
) -> None:
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
        *_, before, ours = request.headers["User-Agent"].split(" ")
        assert ours == f"rds-backup-replication/{__version__}"
        assert before.startswith("Botocore/")


def test_a_users_own_client_is_used_as_it_is(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    session: Any = Session(aws_access_key_id="testing", aws_secret_access_key="testing")
    own = session.client("rds", region_name="us-east-1", endpoint_url=rds.endpoint_url)
    client = BackupReplicationClient(client=own)
    assert client.client is own
    start(client)
    assert "rds-backup-replication" not in rds.received[0].headers["User-Agent"]


def presigned(parameters: dict[str, str]) -> dict[str, str]:
    query = parse_qs(urlsplit(parameters["PreSignedUrl"]).query)
    return {name: values[0] for name, values in query.items()}


def test_a_presigned_url_is_signed_for_the_source_and_names_the_destination(
    rds: ScriptedRDS,
) -> None:
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


def test_govcloud_presigns_by_itself(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    rds.client("us-gov-west-1").start_db_instance_automated_backups_replication(
        source_db_instance_arn=GOVCLOUD_ARN
    )
    url = presigned(rds.received[0].parameters)
    assert "/us-gov-east-1/rds/" in url["X-Amz-Credential"]
    assert url["DestinationRegion"] == "us-gov-west-1"


def test_a_presigned_url_of_ones_own_wins(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    rds.client("us-gov-west-1").start_db_instance_automated_backups_replication(
        source_db_instance_arn=GOVCLOUD_ARN, pre_signed_url="https://example.com/signed"
    )
    assert rds.received[0].parameters["PreSignedUrl"] == "https://example.com/signed"


def test_elsewhere_nothing_is_presigned_unless_asked_for(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    start(rds.client())
    assert "PreSignedUrl" not in rds.received[0].parameters


# Answers


def test_an_answer_becomes_a_model(rds: ScriptedRDS) -> None:
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
def test_a_status_is_equal_in_any_capitalization_and_kept(rds: ScriptedRDS, status: str) -> None:
    rds.answers(result_xml(START, backup_xml(Status=status)))
    backup = start(rds.client())
    assert backup.status == "replicating"
    assert str(backup.status) == status
    assert backup.is_replicating


def test_an_unknown_status_is_kept(rds: ScriptedRDS) -> None:
    rds.answers(result_xml(START, backup_xml(Status="hibernating")))
    backup = start(rds.client())
    assert backup.status == "hibernating"
    assert not backup.is_replicating


def test_a_field_that_botocore_does_not_know_harms_nothing(rds: ScriptedRDS) -> None:
    hologram = "<Hologram><Depth>3</Depth></Hologram>"
    rds.answers(
        result_xml(START, backup_xml().replace("<DBInstanceArn>", f"{hologram}<DBInstanceArn>"))
    )
    assert start(rds.client()).db_instance_arn == SOURCE_ARN


def page_xml(numbers: range, marker: str | None) -> str:
    backups = "".join(backup_xml(DBInstanceIdentifier=f"db{number}") for number in numbers)
    tail = f"<Marker>{marker}</Marker>" if marker else ""
    items = f"<DBInstanceAutomatedBackups>{backups}</DBInstanceAutomatedBackups>"
    return result_xml(DESCRIBE, items + tail)


def test_250_backups_come_over_lazy_pages(rds: ScriptedRDS) -> None:
    rds.answers(page_xml(range(100), "100"))
    rds.answers(page_xml(range(0), "100b"))  # an empty page ends nothing
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


def test_source_regions_come_over_lazy_pages(rds: ScriptedRDS) -> None:
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


def test_a_refused_page_is_told_after_the_pages_before_it(rds: ScriptedRDS) -> None:
    rds.answers(page_xml(range(2), "2"))
    rds.answers(error_xml("AccessDenied"), 403)
    backups = rds.client().describe_db_instance_automated_backups()
    assert [next(backups).db_instance_identifier for _ in range(2)] == ["db0", "db1"]
    with pytest.raises(AccessDeniedError):
        next(backups)


@pytest.mark.parametrize("markers", [["again"], ["again", "b", "c"]])
def test_a_listing_without_end_is_an_unreadable_answer(
    rds: ScriptedRDS, markers: list[str]
) -> None:
    for marker in [*markers, "again"]:
        rds.answers(page_xml(range(1), marker))
    error = unreadable(CALLS[DESCRIBE], rds.client())
    assert error.response["Marker"] == "again"
    assert len(rds.received) == len(markers) + 1


def test_a_marker_that_comes_twice_is_not_sent(rds: ScriptedRDS) -> None:
    rds.answers(page_xml(range(1), "1</Marker><Marker>2"))
    with pytest.raises(ResponseValidationError, match="repeats"):
        list(rds.client().describe_db_instance_automated_backups())
    assert len(rds.received) == 1


def test_what_a_refusal_says_is_text_whatever_is_in_it(rds: ScriptedRDS) -> None:
    error = "<Error><Code>New</Code><Message><a>b</a></Message></Error>"
    rds.answers(f"<ErrorResponse>{error}<RequestId><c>1</c></RequestId></ErrorResponse>", 400)
    with pytest.raises(ServiceError) as caught:
        list(rds.client().describe_db_instance_automated_backups())
    assert (caught.value.code, caught.value.message) == ("New", "{'a': 'b'}")
    assert caught.value.request_id == "{'c': '1'}"


# Refusals


@pytest.mark.parametrize(("operation", "code", "name"), DOCUMENTED_FAULTS)
def test_every_documented_fault_is_its_class_in_both_spellings(
    rds: ScriptedRDS, operation: str, code: str, name: str
) -> None:
    for spelling in {code, name}:
        rds.script.clear()
        rds.answers(error_xml(spelling, "Says AWS."), 400)
        error = refused(CALLS[operation], rds.client())
        assert type(error).__name__ == name
        assert isinstance(error, ClientError)
        assert isinstance(error.__cause__, ClientError)
        assert (error.code, error.message) == (spelling, "Says AWS.")
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
def test_an_undocumented_code_is_typed_and_an_unknown_one_kept(
    rds: ScriptedRDS, operation: str, code: str, name: str
) -> None:
    rds.answers(error_xml(code), 400)
    error = refused(CALLS[operation], rds.client())
    assert type(error).__name__ == name
    assert error.code == code


# With a word of what is to be done.
KNOWN_REFUSALS = (
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
    (
        "InvalidDBInstanceState",
        "It is not replicating to the current region",
        "does not replicate to this Region",
    ),
    ("KMSKeyNotAccessibleFault", "The target KMS key does not exist", "kms:CreateGrant"),
    ("DBInstanceAutomatedBackupQuotaExceeded", "Quota.", "20"),
    ("InvalidClientTokenId", "The security token is invalid.", "enabled this Region"),
)


@pytest.mark.parametrize(("code", "message", "hint"), KNOWN_REFUSALS)
def test_a_known_refusal_says_what_to_do(
    rds: ScriptedRDS, code: str, message: str, hint: str
) -> None:
    rds.answers(error_xml(code, message), 400)
    error = refused(start, rds.client())
    assert error.hint is not None
    assert hint in error.hint
    assert str(error) == f"{error.__cause__}\n{error.hint}"
    assert message in str(error)


def test_a_refusal_without_a_hint_reads_like_botocores(rds: ScriptedRDS) -> None:
    rds.answers(error_xml("InvalidParameterValue", "No."), 400)
    error = refused(start, rds.client())
    assert error.hint is None
    assert str(error) == str(error.__cause__)


def test_refusals_survive_pickling_and_copying(rds: ScriptedRDS) -> None:
    rds.answers(error_xml("KMSKeyNotAccessibleFault", "No key."), 400)
    error = refused(start, rds.client())
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301
        assert type(twin) is KMSKeyNotAccessibleFault
        assert twin.response == error.response
        assert str(twin) == str(error)
        assert twin.request_id == REQUEST_ID


@pytest.mark.parametrize("code", ["", "InvalidParameterValue"])
def test_a_refusal_that_says_little_is_a_refusal_all_the_same(rds: ScriptedRDS, code: str) -> None:
    rds.answers(error_xml(code, ""), 400)
    error = refused(start, rds.client())
    assert error.code in (code, "Unknown")
    assert error.message == ""


def test_a_throttled_call_is_retried_by_botocore_and_then_typed(
    rds: ScriptedRDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", id)  # botocore's pause between tries
    rds.answers(error_xml("Throttling", "Rate exceeded"), 400)
    error = refused(start, rds.client(retries=2))
    assert type(error) is ThrottlingError
    assert len(rds.received) == 3
    assert "reached max retries: 2" in str(error)


def test_another_services_refusal_is_not_rdss(client: BackupReplicationClient) -> None:
    def deny(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "AssumeRole")

    client.client.meta.events.register("before-call.rds", deny)
    with pytest.raises(ClientError) as caught:
        start(client)
    assert not isinstance(caught.value, ServiceError)


# Answers that cannot be read, and no answers


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
        # Reading it warns, which is an error to these tests, as it is to `python -W error`.
        result_xml(START, backup_xml(InstanceCreateTime="2026-11-24T13:35:11AZ")),
        result_xml(START, ""),
        b"\xff\xfe\x00",
    ],
)
def test_an_unreadable_answer_is_not_lost(rds: ScriptedRDS, body: str | bytes) -> None:
    rds.answers(body)
    error = unreadable(start, rds.client())
    assert error.operation_name == START
    raw = body if isinstance(body, bytes) else body.encode()
    # What botocore could read is there as it read it.
    assert error.response.get("body") == raw or "ResponseMetadata" in error.response
    assert error.may_have_taken_effect
    assert "may have taken effect" in str(error)
    assert len(rds.received) == 1
    for twin in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):  # noqa: S301
        assert (twin.response, str(twin)) == (error.response, str(error))


def test_a_listing_that_cannot_be_read_has_changed_nothing(rds: ScriptedRDS) -> None:
    rds.answers("<html></html>")
    with pytest.raises(ResponseValidationError) as caught:
        list(rds.client().describe_db_instance_automated_backups())
    assert not caught.value.may_have_taken_effect
    assert "taken effect" not in str(caught.value)


def test_a_wrong_type_within_a_parsed_answer_names_the_field(rds: ScriptedRDS) -> None:
    def spoil(parsed: dict[str, Any], **_: Any) -> None:
        parsed["DBInstanceAutomatedBackup"]["Port"] = "not a port"

    rds.answers(STARTED)
    client = rds.client()
    client.client.meta.events.register("after-call.rds", spoil)
    error = unreadable(start, client)
    assert error.reason.startswith("Port: ")
    assert error.response["DBInstanceAutomatedBackup"]["DBInstanceArn"] == SOURCE_ARN


@pytest.mark.parametrize("operation", CALLS)
def test_an_answer_without_its_result_is_unreadable(rds: ScriptedRDS, operation: str) -> None:
    rds.answers(result_xml(operation, ""))
    error = unreadable(CALLS[operation], rds.client())
    assert re.fullmatch("(DBInstance.*|SourceRegions) is missing", error.reason)
    assert error.response["ResponseMetadata"]["RequestId"] == REQUEST_ID


def test_a_wrong_type_within_a_listing_keeps_the_page(rds: ScriptedRDS) -> None:
    def spoil(parsed: dict[str, Any], **_: Any) -> None:
        window = {"EarliestTime": "x", "LatestTime": 0.5j}
        parsed["DBInstanceAutomatedBackups"][0]["RestoreWindow"] = window

    rds.answers(page_xml(range(1), None))
    client = rds.client()
    client.client.meta.events.register("after-call.rds", spoil)
    error = unreadable(CALLS[DESCRIBE], client)
    assert error.operation_name == DESCRIBE
    names = [reason.partition(": ")[0] for reason in error.reason.split("; ")]
    assert names == ["RestoreWindow.EarliestTime", "RestoreWindow.LatestTime"]
    assert "DBInstanceAutomatedBackups" in error.response


def test_a_refusal_that_says_nothing_is_one() -> None:
    error = ServiceError({}, START)
    assert (error.code, error.message, error.hint) == ("Unknown", "", None)
    assert (error.request_id, error.http_status_code) == (None, None)


def test_an_error_page_of_a_gateway_is_not_lost(rds: ScriptedRDS) -> None:
    rds.answers("<html>503 Service Unavailable</html>", 503)
    error = refused(start, rds.client())
    assert error.http_status_code == 503
    rds.script.clear()
    rds.answers("<!doctype html><p>Bad gateway", 502)
    assert unreadable(start, rds.client()).response["status_code"] == 502


@pytest.mark.parametrize(
    "event",
    ["before-parse", "before-parse.rds", f"response-received.rds.{START}", "after-call.rds"],
)
def test_a_mistake_in_users_own_handlers_passes_through(rds: ScriptedRDS, event: str) -> None:
    def fail(**_: Any) -> None:
        raise KeyError("theirs")

    rds.answers(STARTED)
    client = rds.client()
    client.client.meta.events.register(event, fail)
    with pytest.raises(KeyError, match="theirs"):
        start(client)


@pytest.mark.parametrize("operation", CALLS)
def test_a_reset_connection_is_botocores_own_error(rds: ScriptedRDS, operation: str) -> None:
    rds.resets()
    with pytest.raises(ConnectionClosedError):
        CALLS[operation](rds.client())


@pytest.mark.usefixtures("no_backoff")
def test_a_lost_answer_is_not_the_one_of_the_attempt_before_it(rds: ScriptedRDS) -> None:
    rds.answers(error_xml("InternalFailure"), 500)
    rds.resets()
    with pytest.raises(ConnectionClosedError):
        start(rds.client(retries=1))
    assert len(rds.received) == 2


def test_no_credentials_and_no_endpoint_are_botocores_own_errors(rds: ScriptedRDS) -> None:
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
        nowhere = closed.client()
    with pytest.raises(EndpointConnectionError):
        start(nowhere)
    assert start(client).status == "pending"


def test_a_read_timeout_is_botocores_own_error(rds: ScriptedRDS) -> None:
    rds.stalls()
    with pytest.raises(ReadTimeoutError):
        start(rds.client(read_timeout=0.05))


# Logs, secrets, threads


def test_each_call_is_logged_without_its_parameters(
    rds: ScriptedRDS, caplog: pytest.LogCaptureFixture
) -> None:
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


def test_a_presigned_url_is_in_no_refusal(rds: ScriptedRDS) -> None:
    rds.answers(error_xml("InvalidParameterValue", "PreSignedUrl could not be authenticated."), 400)
    secret = "https://secret.example/4f2a"  # not in the call, whose lines a traceback shows
    with pytest.raises(InvalidParameterValueError) as caught:
        rds.client().start_db_instance_automated_backups_replication(
            source_db_instance_arn=SOURCE_ARN, pre_signed_url=secret
        )
    assert "4f2a" not in "".join(traceback.format_exception(caught.value))


def test_threads_get_their_own_answers(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    client = rds.client(max_pool_connections=8)

    def one(number: int) -> bool:
        if number % 2:
            rds_error = unreadable(lambda c: list(c.describe_source_regions()), client)
            return rds_error.operation_name == "DescribeSourceRegions"
        return start(client).db_instance_arn == SOURCE_ARN

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(64)))


def test_a_config_of_the_users_is_not_changed(rds: ScriptedRDS) -> None:
    config = Config(user_agent_extra="theirs")
    BackupReplicationClient(region_name="us-east-1", config=config, endpoint_url=rds.endpoint_url)
    assert getattr(config, "user_agent_extra") == "theirs"  # noqa: B009  # unknown to its stubs


def test_a_call_from_within_a_call_does_not_lose_the_raw_answer(rds: ScriptedRDS) -> None:
    rds.answers(result_xml("DescribeSourceRegions", "<SourceRegions></SourceRegions>"))
    rds.answers("<garbage")
    client, other = rds.client(), rds.client()

    def call_another(**_: Any) -> None:
        list(other.describe_source_regions())

    client.client.meta.events.register("before-send.rds", call_another)
    with pytest.raises(ResponseValidationError) as caught:
        list(client.describe_db_instance_automated_backups())
    assert caught.value.response["body"] == b"<garbage"
