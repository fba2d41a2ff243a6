"""Tests of ``on_call=``: what the caller learns of each API call."""

import json
import logging
import threading
from datetime import timedelta

import pytest
from boto3.session import Session
from botocore.exceptions import ClientError, ConnectionClosedError

from rds_backup_replication import ApiCall, BackupReplicationClient
from rds_backup_replication.exceptions import (
    ResponseValidationError,
    ThrottlingError,
)
from rds_backup_replication.sandbox import Sandbox

from .calls import START, STARTED, start
from .fuzz.model import DESTINATION, SOURCE
from .loopback import REQUEST_ID, error_xml
from .wire import KMS_KEY_ARN, SOURCE_ARN, ScriptedRDS, listing_xml, source_xml

THROTTLED = error_xml("Throttling")


def test_reports_a_successful_call(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    calls: list[ApiCall] = []
    start(rds.client(on_call=calls.append))
    (call,) = calls
    assert timedelta(0) < call.duration < timedelta(seconds=20)
    assert call == ApiCall(START, "us-east-1", REQUEST_ID, 200, 1, call.duration, None)


def test_counts_the_attempts_of_a_retried_call(rds: ScriptedRDS) -> None:
    rds.answers(THROTTLED, 400)
    rds.resets()
    rds.answers(STARTED)
    calls: list[ApiCall] = []
    start(rds.client(retries=2, on_call=calls.append))
    assert [(call.attempts, call.http_status_code, call.error) for call in calls] == [
        (3, 200, None)
    ]


def test_counts_the_attempts_of_a_call_within_an_ensure(rds: ScriptedRDS) -> None:
    """The client counts the failed attempts of an uncertain start itself, too."""
    for _ in range(2):
        rds.answers(listing_xml())
    rds.answers(THROTTLED, 400)
    rds.answers(STARTED)
    calls: list[ApiCall] = []
    rds.client(retries=1, on_call=calls.append).ensure_replication(
        source_db_instance_arn=SOURCE_ARN
    )
    assert [call.attempts for call in calls if call.operation_name == START] == [2]


def test_reports_a_refused_call(rds: ScriptedRDS) -> None:
    rds.answers(THROTTLED, 400)
    calls: list[ApiCall] = []
    with pytest.raises(ThrottlingError) as caught:
        start(rds.client(retries=1, on_call=calls.append))
    (call,) = calls
    assert (call.request_id, call.http_status_code, call.attempts) == (REQUEST_ID, 400, 2)
    assert call.error is caught.value


def test_reports_a_call_without_a_response(rds: ScriptedRDS) -> None:
    rds.resets()
    calls: list[ApiCall] = []
    with pytest.raises(ConnectionClosedError) as caught:
        start(rds.client(on_call=calls.append))
    (call,) = calls
    assert (call.request_id, call.http_status_code, call.attempts) == (None, None, 1)
    assert call.error is caught.value


def test_reports_an_invalid_response(rds: ScriptedRDS) -> None:
    rds.answers("hello")
    calls: list[ApiCall] = []
    with pytest.raises(ResponseValidationError) as caught:
        start(rds.client(on_call=calls.append))
    (call,) = calls
    assert (call.http_status_code, call.attempts) == (200, 1)
    assert call.request_id == REQUEST_ID
    assert call.error is caught.value


def test_reports_that_nothing_could_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    calls: list[ApiCall] = []
    client = BackupReplicationClient(region_name="us-east-1", on_call=calls.append)
    with pytest.raises(Exception, match="credentials"):
        start(client)
    assert [call.attempts for call in calls] == [0]


def test_reports_each_page(rds: ScriptedRDS) -> None:
    page = listing_xml().replace("</DescribeDB", "<Marker>more</Marker></DescribeDB", 1)
    rds.answers(page)
    rds.answers(listing_xml())
    calls: list[ApiCall] = []
    assert list(rds.client(on_call=calls.append).describe_db_instance_automated_backups()) == []
    assert len(calls) == len(rds.received) == 2


def test_reports_calls_to_the_source_region_and_to_kms() -> None:
    calls: list[ApiCall] = []
    with Sandbox() as sandbox:
        arn = sandbox.create_db_instance(SOURCE, "vault", StorageEncrypted=True).db_instance_arn
        key = sandbox.boto3_client("kms", DESTINATION).create_key()["KeyMetadata"]["Arn"]
        client = BackupReplicationClient(
            session=sandbox.session,
            region_name=DESTINATION,
            endpoint_url=sandbox.endpoint_url,
            on_call=calls.append,
        )
        assert client.check_replication(source_db_instance_arn=str(arn), kms_key_id=key).is_clear
    made = {(call.operation_name, call.region_name) for call in calls}
    assert {("DescribeDBInstances", SOURCE), ("DescribeKey", DESTINATION)} < made
    assert all(call.request_id and call.http_status_code == 200 for call in calls)


def test_reports_the_calls_of_a_given_client(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    calls: list[ApiCall] = []
    start(BackupReplicationClient(client=rds.client().client, on_call=calls.append))
    assert [call.operation_name for call in calls] == [START]


def test_clients_of_one_boto3_client_report_only_their_own_calls(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    calls: list[ApiCall] = []
    given = rds.client().client
    observed = BackupReplicationClient(client=given, on_call=calls.append)
    start(BackupReplicationClient(client=given))
    assert calls == []
    start(observed)
    assert len(calls) == 1


@pytest.mark.parametrize("status", [200, 400])
def test_error_of_the_callback_is_logged_and_changes_nothing(
    rds: ScriptedRDS, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    rds.answers(STARTED if status == 200 else THROTTLED, status)

    def fail(_: ApiCall) -> None:
        raise LookupError("no such counter")

    client = rds.client(on_call=fail)
    if status == 200:
        assert start(client).status == "pending"
    else:
        with pytest.raises(ThrottlingError):
            start(client)
    (record,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], LookupError)


@pytest.mark.long
def test_calls_in_threads_count_their_own_attempts(rds: ScriptedRDS) -> None:
    rds.answers(THROTTLED, 400)
    calls: list[ApiCall] = []
    client = rds.client(retries=1, on_call=calls.append)

    def fail() -> None:
        with pytest.raises(ThrottlingError):
            start(client)

    threads = [threading.Thread(target=fail) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [call.attempts for call in calls] == [2] * 4


def test_refuses_what_cannot_be_called(rds: ScriptedRDS) -> None:
    with pytest.raises(TypeError, match="on_call= must be callable, not 7"):
        rds.client(on_call=7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_source_region_of_a_wait(rds: ScriptedRDS) -> None:
    rds.answers(source_xml(DbiResourceId="db-A"))
    rds.answers(listing_xml())
    calls: list[ApiCall] = []
    client = rds.client(on_call=calls.append)
    with pytest.raises(Exception, match="no poll showed a backup"):
        client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN, timeout=timedelta(0))
    assert [call.region_name for call in calls] == ["us-west-2", "us-east-1"]
    assert KMS_KEY_ARN not in repr(calls)


def test_secret_of_a_call_to_kms_is_not_reported(rds: ScriptedRDS) -> None:
    token = "FwoGZXIvYXdzEXAMPLEEXAMPLEEXAMPLE0123456789abcdef"
    calls: list[ApiCall] = []
    client = BackupReplicationClient(
        session=Session("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMIexample", f"{token}\n"),
        region_name="us-east-1",
        endpoint_url=rds.endpoint_url,
        on_call=calls.append,
    )
    client.check_replication(source_db_instance_arn=SOURCE_ARN, kms_key_id=KMS_KEY_ARN)
    assert "DescribeKey" in {call.operation_name for call in calls}
    assert all(token not in repr(call.error) for call in calls)
    assert all(call.attempts == 0 for call in calls)


def test_secret_that_kms_repeats_is_not_reported(rds: ScriptedRDS) -> None:
    token = "FwoGZXIvYXdzEXAMPLEEXAMPLEEXAMPLE0123456789abcdef"
    rds.answers(json.dumps({"__type": "AccessDeniedException", "message": f"bad {token}"}), 400)
    texts: dict[str, str] = {}

    def see(call: ApiCall) -> None:  # the text as it is at that moment
        texts[call.operation_name] = str(call.error)

    client = BackupReplicationClient(
        session=Session("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMIexample", token),
        region_name="us-east-1",
        endpoint_url=rds.endpoint_url,
        on_call=see,
    )
    client.check_replication(source_db_instance_arn=SOURCE_ARN, kms_key_id=KMS_KEY_ARN)
    assert "AccessDenied" in texts["DescribeKey"]
    assert not any(token in text for text in texts.values())


def test_error_of_sts_is_no_response_of_the_call(rds: ScriptedRDS) -> None:
    calls: list[ApiCall] = []
    refusal = ClientError(
        {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"RequestId": "of-sts"}},  # type: ignore[typeddict-item]  # pyright: ignore[reportArgumentType]
        "AssumeRole",
    )

    def refuse(**_: object) -> None:
        raise refusal

    client = rds.client(on_call=calls.append)
    client.client.meta.events.register("before-sign.rds", refuse)
    with pytest.raises(ClientError):
        start(client)
    (call,) = calls
    assert (call.request_id, call.http_status_code, call.attempts) == (None, None, 0)
