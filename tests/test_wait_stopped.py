"""Tests of `wait_until_stopped`."""

from datetime import timedelta
from typing import Any

import pytest

from rds_backup_replication import BackupReplicationClient, DBInstanceAutomatedBackup
from rds_backup_replication.exceptions import (
    ResponseValidationError,
    WaitTimeoutError,
)

from .conftest import RecordingClock
from .loopback import error_xml
from .wait_cases import OTHER_BACKUP_ARN, backup, source, statuses
from .wire import BACKUP_ARN, SOURCE_ARN, ScriptedRDS, listing_xml


def test_stop_wait_includes_source(rds: ScriptedRDS, clock: RecordingClock) -> None:
    """Check that the wait lasts until the source lists no replication here."""
    rds.answers(source("available", BACKUP_ARN))
    rds.answers(listing_xml(backup("replicating")))
    rds.answers(listing_xml(backup("retained")))
    rds.answers(source("modifying", BACKUP_ARN))
    rds.answers(listing_xml(backup("retained")))
    rds.answers(error_xml("Throttling"), status=400)
    rds.answers(listing_xml(backup("retained")))
    elsewhere = BACKUP_ARN.replace("us-east-1", "eu-west-1")
    rds.answers(source("available", elsewhere))
    polled: list[DBInstanceAutomatedBackup | None] = []
    result = rds.client().wait_until_stopped(
        source_db_instance_arn=SOURCE_ARN, on_poll=polled.append
    )
    assert result is not None
    assert result.is_retained
    assert (
        statuses(polled) == ["replicating"] + ["retained"] * 3
    )  # one per poll, whether or not the source responds
    assert len([pause for pause in clock.sleeps if pause]) == 3
    regions = [request.headers["Authorization"].split("/")[2] for request in rds.received]
    assert regions == ["us-west-2", "us-east-1"] + ["us-east-1", "us-west-2"] * 3


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("status", ["stopped", "storage-optimization", "available"])
def test_stop_wait_logs_source_that_is_not_available(
    rds: ScriptedRDS, caplog: pytest.LogCaptureFixture, status: str
) -> None:
    """The wait ends when the source has let go of the replication, whatever its status is."""
    rds.answers(source(status))
    for _ in range(5):  # a backup that was not seen active is believed after a minute
        rds.answers(listing_xml(backup("retained")))
        rds.answers(source(status))
    assert rds.client().wait_until_stopped(source_db_instance_arn=SOURCE_ARN) is not None
    levels = {r.levelname for r in caplog.records if status in r.message}
    assert levels == (set() if status == "available" else {"WARNING"})


@pytest.mark.parametrize("last", [source("available"), error_xml("DBInstanceNotFound")])
def test_stop_wait_returns_none_without_backup(
    rds: ScriptedRDS, clock: RecordingClock, last: str
) -> None:
    status = 404 if "NotFound" in last else 200
    rds.answers(last, status=status)
    for _ in range(5):
        rds.answers(listing_xml())
        rds.answers(last, status=status)
    assert rds.client().wait_until_stopped(source_db_instance_arn=SOURCE_ARN) is None
    assert 60 <= sum(clock.sleeps) < 100


def test_stop_wait_by_backup_arn(rds: ScriptedRDS, clock: RecordingClock) -> None:
    rds.answers(listing_xml(backup("replicating")))
    rds.answers(listing_xml(backup("retained")))
    rds.answers(source("available", BACKUP_ARN))
    rds.answers(listing_xml(backup("retained")))
    rds.answers(source("available", OTHER_BACKUP_ARN))
    asked = BACKUP_ARN.replace(":ab-jk", ":ab-JK")  # the ARN in another case
    result = rds.client().wait_until_stopped(db_instance_automated_backups_arn=asked)
    assert result is not None
    assert result.is_retained
    assert len(clock.sleeps) == 2


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    "code", ["AccessDenied", "InvalidClientTokenId", "OptInRequired", "SignatureDoesNotMatch"]
)
def test_stop_wait_logs_refusal_of_source(
    rds: ScriptedRDS, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    """Check that the wait ends without the source if the source Region refuses to describe it."""
    rds.answers(error_xml(code, "not authorized"), status=403)
    rds.answers(listing_xml(backup("replicating")))
    rds.answers(listing_xml(backup("retained")))
    rds.answers(error_xml(code, "not authorized"), status=403)
    assert rds.client().wait_until_stopped(source_db_instance_arn=SOURCE_ARN)
    assert len(rds.received) == 4
    _, record = [r for r in caplog.records if r.levelname == "WARNING"]
    start = f"RDS refuses to describe {SOURCE_ARN} in its Region; "
    expected = f"{start}the wait continues without the source: "
    assert record.getMessage().startswith(expected)
    assert "not authorized" in record.getMessage()


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("status", ["retained", None])
@pytest.mark.parametrize("by_arn", [True, False])
def test_stop_wait_of_given_boto3_client(
    rds: ScriptedRDS, status: str | None, *, by_arn: bool
) -> None:
    """Check that the wait polls only this Region: the client has no session for the source's."""
    client = BackupReplicationClient(client=rds.client().client)
    rds.answers(listing_xml(backup(status)) if status else listing_xml())
    keywords: dict[str, Any] = {"source_db_instance_arn": SOURCE_ARN}
    if by_arn:
        keywords = {"db_instance_automated_backups_arn": BACKUP_ARN}
    assert (client.wait_until_stopped(**keywords) is not None) == (status is not None)
    # The responses about a source may be stale. For one backup, the retained status is final.
    assert len(rds.received) in ((1,) if by_arn and status else (3, 4))


@pytest.mark.usefixtures("clock")
def test_stop_wait_asks_refusing_source_once(
    rds: ScriptedRDS, caplog: pytest.LogCaptureFixture
) -> None:
    for answer in (error_xml("AccessDenied", "not authorized"), listing_xml()):
        rds.answers(answer, status=403 if "Denied" in answer else 200)
    rds.answers(error_xml("AccessDenied", "not authorized"), status=403)
    rds.answers(listing_xml())
    assert (
        rds.client().wait_until_stopped(
            source_db_instance_arn=SOURCE_ARN, poll_interval=timedelta(seconds=60)
        )
        is None
    )
    assert [r.parameters["Action"] for r in rds.received].count("DescribeDBInstances") == 2
    assert len([r for r in caplog.records if r.levelname == "WARNING"]) == 2


@pytest.mark.usefixtures("clock")
def test_stop_wait_keeps_last_backup_if_source_fails(rds: ScriptedRDS) -> None:
    polled: list[DBInstanceAutomatedBackup | None] = []
    rds.answers(source("available"))
    for _ in range(4):
        rds.answers(listing_xml(backup("retained")))
        rds.answers(error_xml("Throttling"), status=400)
    with pytest.raises(WaitTimeoutError, match="the last status was retained") as caught:
        rds.client().wait_until_stopped(
            source_db_instance_arn=SOURCE_ARN,
            timeout=timedelta(seconds=50),
            on_poll=polled.append,
        )
    assert caught.value.last_backup is not None
    assert set(statuses(polled)) == {"retained"}


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("where", ["here", "at the source"])
@pytest.mark.parametrize(
    ("body", "status"),
    [("<!DOCTYPE html><p>busy", 503), ("upstream", 502), ("<p>", 500), ("Slow down", 429)],
)
def test_stop_wait_retries_proxy_errors(
    rds: ScriptedRDS, body: str, status: int, where: str
) -> None:
    rds.answers(source("available"))
    if where == "here":
        rds.answers(body, status=status)
    rds.answers(listing_xml(backup("retained")))
    if where == "at the source":
        rds.answers(body, status=status)
        rds.answers(listing_xml(backup("retained")))
    for _ in range(5):
        rds.answers(source("available"))
        rds.answers(listing_xml(backup("retained")))
    assert rds.client().wait_until_stopped(source_db_instance_arn=SOURCE_ARN) is not None


@pytest.mark.usefixtures("clock")
def test_stop_wait_ends_if_listing_is_invalid(rds: ScriptedRDS) -> None:
    rds.answers(listing_xml().replace("Backups></", "Backups><Marker>1</Marker></"))
    with pytest.raises(ResponseValidationError, match="repeats"):
        rds.lone_client().wait_until_stopped(source_db_instance_arn=SOURCE_ARN)
    assert len(rds.received) == 2


@pytest.mark.usefixtures("clock")
def test_stop_wait_times_out_if_source_keeps_it(rds: ScriptedRDS) -> None:
    rds.answers(source("available", BACKUP_ARN))
    rds.answers(listing_xml(backup("replicating")))
    rds.answers(listing_xml())
    rds.answers(source("modifying", BACKUP_ARN))
    with pytest.raises(WaitTimeoutError, match=r"the last status was replicating$"):
        rds.client().wait_until_stopped(
            source_db_instance_arn=SOURCE_ARN, timeout=timedelta(seconds=20)
        )


@pytest.mark.usefixtures("clock")
def test_stop_wait_times_out_if_replication_goes_on(rds: ScriptedRDS) -> None:
    rds.answers(listing_xml(backup("replicating")))
    with pytest.raises(WaitTimeoutError, match="to us-east-1 to end; ") as caught:
        rds.lone_client().wait_until_stopped(source_db_instance_arn=SOURCE_ARN)
    assert caught.value.timeout == timedelta(minutes=75)


def test_find_returns_newest_retained_backup(rds: ScriptedRDS) -> None:
    def retained_until(day: str, arn: str) -> str:
        window = f"<LatestTime>2026-01-{day}T00:00:00Z</LatestTime>"
        return backup("retained", arn, RestoreWindow=window)

    newest, older = (
        retained_until("09", f"{BACKUP_ARN}new"),
        retained_until("02", f"{BACKUP_ARN}old"),
    )
    for listed in ([newest, older, backup("retained")], [backup("retained"), older, newest]):
        rds.script[:] = []
        rds.answers(listing_xml(*listed))
        found = rds.client().find_replicated_backup(source_db_instance_arn=SOURCE_ARN)
        assert found is not None
        assert found.db_instance_automated_backups_arn == f"{BACKUP_ARN}new"
