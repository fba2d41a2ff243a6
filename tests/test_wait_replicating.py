"""Tests of `wait_until_replicating`, and of the arguments and errors that both waits share."""

import copy
import pickle
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError, HTTPClientError, SSLError

from rds_backup_replication import BackupReplicationClient, DBInstanceAutomatedBackup
from rds_backup_replication.exceptions import (
    AccessDeniedError,
    Difference,
    ReplicationDriftError,
    ReplicationStoppedError,
    RequestValidationError,
    WaitTimeoutError,
)

from .conftest import RecordingClock
from .loopback import error_xml
from .wait_cases import OTHER_BACKUP_ARN, backup, statuses
from .wire import BACKUP_ARN, SOURCE_ARN, ScriptedRDS, listing_xml


def test_wait_polls_until_backup_replicates(rds: ScriptedRDS, clock: RecordingClock) -> None:
    rds.answers(listing_xml())  # a stale response
    for status in ("pending", "Pending", "resyncing", "PENDING", "Replicating"):
        rds.answers(listing_xml(backup(status)))
    polled: list[DBInstanceAutomatedBackup | None] = []
    result = rds.lone_client().wait_until_replicating(
        source_db_instance_arn=SOURCE_ARN, on_poll=polled.append
    )
    assert result.is_replicating
    assert statuses(polled) == ["", "pending", "Pending", "resyncing", "PENDING", "Replicating"]
    assert len(clock.sleeps) == 5
    assert all(24 <= pause <= 36 for pause in clock.sleeps)
    assert len(set(clock.sleeps)) > 1


def test_wait_by_backup_arn(rds: ScriptedRDS, clock: RecordingClock) -> None:
    """Check that a wait for one backup ignores the others in the response."""
    rds.answers(error_xml("DBInstanceAutomatedBackupNotFound"), status=404)
    rds.answers(listing_xml(backup("replicating", OTHER_BACKUP_ARN)))  # another backup
    rds.answers(listing_xml(backup("replicating")))
    result = rds.lone_client().wait_until_replicating(
        db_instance_automated_backups_arn=BACKUP_ARN, poll_interval=timedelta(seconds=5)
    )
    assert result.db_instance_automated_backups_arn == BACKUP_ARN
    assert len(clock.sleeps) == 2
    assert all(4 <= pause <= 6 for pause in clock.sleeps)
    assert rds.received[0].parameters["DBInstanceAutomatedBackupsArn"] == BACKUP_ARN


def test_wait_continues_if_backup_is_not_found(rds: ScriptedRDS, clock: RecordingClock) -> None:
    rds.answers(error_xml("DBInstanceAutomatedBackupNotFound"), status=404)  # a stale response
    rds.answers(listing_xml(backup("replicating")))
    polled: list[DBInstanceAutomatedBackup | None] = []
    rds.lone_client().wait_until_replicating(
        source_db_instance_arn=SOURCE_ARN, on_poll=polled.append
    )
    assert statuses(polled) == ["", "replicating"]
    assert len(clock.sleeps) == 1


def test_wait_ignores_same_name_in_other_region(rds: ScriptedRDS, clock: RecordingClock) -> None:
    other = backup(
        "replicating", OTHER_BACKUP_ARN, DBInstanceArn=SOURCE_ARN.replace("us-west-2", "eu-west-1")
    )
    own = backup(
        "active", OTHER_BACKUP_ARN, DBInstanceArn=SOURCE_ARN.replace("us-west-2", "us-east-1")
    )
    rds.answers(listing_xml(other, own, backup("pending")))
    rds.answers(listing_xml(other, own, backup("replicating")))
    result = rds.lone_client().wait_until_replicating(
        source_db_instance_arn=SOURCE_ARN.replace("mydatabase", "MyDatabase")
    )
    assert result.db_instance_automated_backups_arn == BACKUP_ARN
    assert len(clock.sleeps) == 1


def test_wait_prefers_active_to_retained_backup(rds: ScriptedRDS, clock: RecordingClock) -> None:
    old = backup("retained", OTHER_BACKUP_ARN)
    for _ in range(5):  # stale: only the retained backup of the previous replication
        rds.answers(listing_xml(old))
    rds.answers(listing_xml(old, backup("pending")))
    rds.answers(listing_xml(old, backup("replicating")))
    result = rds.lone_client().wait_until_replicating(
        source_db_instance_arn=SOURCE_ARN, poll_interval=timedelta(seconds=9)
    )
    assert result.db_instance_automated_backups_arn == BACKUP_ARN
    assert len(clock.sleeps) == 6


def test_wait_ends_if_only_retained_backup_is_left(rds: ScriptedRDS, clock: RecordingClock) -> None:
    """Check that the wait polls for a minute, because the first responses may be stale."""
    rds.answers(listing_xml(backup("Retained")))
    with pytest.raises(ReplicationStoppedError, match=r"last status .* was Retained$") as caught:
        rds.lone_client().wait_until_replicating(
            source_db_instance_arn=SOURCE_ARN, poll_interval=timedelta(seconds=0.5)
        )
    assert caught.value.last_backup.is_retained
    assert 60 <= sum(clock.sleeps) < 61


def test_wait_survives_stale_responses(rds: ScriptedRDS, clock: RecordingClock) -> None:
    """Responses without an active backup end nothing for a minute, however often they come."""
    rds.answers(listing_xml(backup("pending")))
    for _ in range(100):
        rds.answers(listing_xml())
    for _ in range(100):
        rds.answers(listing_xml(backup("retained", OTHER_BACKUP_ARN)))
    rds.answers(listing_xml(backup("replicating")))
    result = rds.lone_client().wait_until_replicating(
        source_db_instance_arn=SOURCE_ARN, poll_interval=timedelta(seconds=0.2)
    )
    assert result.is_replicating
    assert len(clock.sleeps) == 201


@pytest.mark.parametrize("by", ["source_db_instance_arn", "db_instance_automated_backups_arn"])
@pytest.mark.parametrize(
    ("end", "last_status"),
    [
        (listing_xml(backup("retained")), "retained"),
        (listing_xml(backup("deleting")), "deleting"),
        (listing_xml(), "pending"),
    ],
)
def test_wait_ends_when_replication_ends(
    rds: ScriptedRDS, clock: RecordingClock, by: str, end: str, last_status: str
) -> None:
    """Check that the retained backup ends the wait at once, and an empty listing later."""
    rds.answers(listing_xml(backup("pending")))
    rds.answers(end)
    keywords: dict[str, Any] = {by: SOURCE_ARN if by.startswith("source") else BACKUP_ARN}
    with pytest.raises(ReplicationStoppedError) as caught:
        rds.lone_client().wait_until_replicating(**keywords)
    if last_status == "deleting" and by.startswith("source"):
        last_status = "pending"  # a search by the source omits a backup that is being deleted
    assert caught.value.last_backup.status == last_status
    assert sum(clock.sleeps) < 40 or last_status == "pending"
    assert sum(clock.sleeps) < 150


def test_wait_retries_transient_errors(rds: ScriptedRDS, clock: RecordingClock) -> None:
    rds.answers(listing_xml(backup("pending")))
    for _ in range(20):
        rds.answers(error_xml("Throttling", "Rate exceeded"), status=400)
    for code in ("RequestLimitExceeded", "ThrottledException", "TooManyRequestsException"):
        rds.answers(error_xml(code), status=400)
    rds.answers(error_xml("InternalFailure"), status=500)
    rds.answers("<html>Service Unavailable</html>", status=503)
    rds.resets()
    rds.cuts_off(listing_xml(backup("retained")))
    rds.answers(listing_xml(backup("replicating")))
    polled: list[DBInstanceAutomatedBackup | None] = []
    rds.lone_client().wait_until_replicating(
        source_db_instance_arn=SOURCE_ARN, on_poll=polled.append
    )
    assert statuses(polled) == ["pending", "replicating"]
    assert len(clock.sleeps) == 28


def test_wait_logs_failed_poll(
    rds: ScriptedRDS, clock: RecordingClock, caplog: pytest.LogCaptureFixture
) -> None:
    rds.answers(error_xml("Throttling", "Rate exceeded"), status=400)
    rds.answers(listing_xml(backup("replicating")))
    rds.lone_client().wait_until_replicating(source_db_instance_arn=SOURCE_ARN)
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.message.startswith("A poll failed and will be retried: ")
    assert record.message.endswith("Rate exceeded")
    assert len(clock.sleeps) == 1


def test_timeout_reports_last_status_and_failure(rds: ScriptedRDS, clock: RecordingClock) -> None:
    rds.answers(listing_xml(backup("pending")))
    rds.resets()
    with pytest.raises(WaitTimeoutError, match="the last status was pending") as caught:
        rds.lone_client().wait_until_replicating(
            source_db_instance_arn=SOURCE_ARN, timeout=timedelta(minutes=2)
        )
    assert caught.value.last_backup is not None
    assert caught.value.last_backup.status == "pending"
    assert isinstance(caught.value.__cause__, ConnectionClosedError)
    assert "The last poll failed: Connection was closed" in str(caught.value)
    assert isinstance(caught.value, TimeoutError)
    assert sum(clock.sleeps) == pytest.approx(120)
    assert SOURCE_ARN in str(caught.value)
    assert "0:02:00" in str(caught.value)


@pytest.mark.usefixtures("clock")
def test_timeout_has_no_cause_if_last_poll_succeeds(rds: ScriptedRDS) -> None:
    rds.resets()
    rds.answers(listing_xml())
    with pytest.raises(WaitTimeoutError, match=r"no poll showed a backup$") as caught:
        rds.lone_client().wait_until_replicating(
            source_db_instance_arn=SOURCE_ARN, timeout=timedelta(minutes=1)
        )
    assert caught.value.last_backup is None
    assert caught.value.__cause__ is None


def test_timeout_of_zero_polls_once(rds: ScriptedRDS, clock: RecordingClock) -> None:
    rds.answers(listing_xml(backup("pending")))
    with pytest.raises(WaitTimeoutError):
        rds.lone_client().wait_until_replicating(
            source_db_instance_arn=SOURCE_ARN, timeout=timedelta(0)
        )
    assert len(rds.received) == 1
    assert clock.sleeps == []


def test_wait_ends_if_access_is_denied(rds: ScriptedRDS, clock: RecordingClock) -> None:
    rds.answers(error_xml("AccessDenied"), status=403)
    with pytest.raises(AccessDeniedError):
        rds.lone_client().wait_until_replicating(source_db_instance_arn=SOURCE_ARN)
    assert clock.sleeps == []


def test_wait_ends_if_certificate_is_invalid(rds: ScriptedRDS, clock: RecordingClock) -> None:
    client = rds.lone_client()

    def fail(**_: Any) -> None:
        raise SSLError(endpoint_url="https://127.0.0.1", error=OSError("self-signed"))

    client.client.meta.events.register("before-send.rds", fail)
    with pytest.raises(SSLError):
        client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)
    assert clock.sleeps == []


def test_wait_ends_if_on_poll_raises(rds: ScriptedRDS, clock: RecordingClock) -> None:
    """Check that the wait does not retry a transient error that `on_poll` raises."""
    rds.answers(listing_xml(backup("pending")))

    def give_up(_: DBInstanceAutomatedBackup | None) -> None:
        raise ConnectionClosedError(endpoint_url="https://example.com")

    with pytest.raises(ConnectionClosedError):
        rds.lone_client().wait_until_replicating(source_db_instance_arn=SOURCE_ARN, on_poll=give_up)
    assert clock.sleeps == []


@pytest.mark.parametrize(
    ("keywords", "parameters"),
    [
        ({}, ["source_db_instance_arn"]),
        (
            {"source_db_instance_arn": SOURCE_ARN, "db_instance_automated_backups_arn": BACKUP_ARN},
            ["source_db_instance_arn"],
        ),
        (
            {"source_db_instance_arn": "mydatabase", "timeout": 60, "poll_interval": timedelta(0)},
            ["source_db_instance_arn", "timeout", "poll_interval"],
        ),
        ({"source_db_instance_arn": SOURCE_ARN, "timeout": timedelta(seconds=-1)}, ["timeout"]),
        (
            {
                "source_db_instance_arn": SOURCE_ARN,
                "timeout": timedelta.max,
                "poll_interval": timedelta(days=366),
            },
            ["timeout", "poll_interval"],
        ),
    ],
)
def test_waits_report_all_errors_before_first_poll(
    client: BackupReplicationClient, keywords: dict[str, Any], parameters: list[str]
) -> None:
    for wait in (client.wait_until_replicating, client.wait_until_stopped):
        with pytest.raises(RequestValidationError) as caught:
            wait(**keywords)
        assert [error.parameter for error in caught.value.errors] == parameters


def test_waits_require_callable_on_poll(client: BackupReplicationClient) -> None:
    not_callable: Any = "print"
    for wait in (client.wait_until_replicating, client.wait_until_stopped):
        with pytest.raises(TypeError, match=r"on_poll= must be callable, not 'print'"):
            wait(source_db_instance_arn=SOURCE_ARN, on_poll=not_callable)


def test_wait_errors_can_be_pickled_and_copied() -> None:
    last = DBInstanceAutomatedBackup(status="pending", db_instance_arn=SOURCE_ARN)
    for error in (
        WaitTimeoutError("end of the replication", timedelta(minutes=1), last),
        ReplicationStoppedError(last),
        ReplicationDriftError(last, [Difference("kms_key_id", "a", "b", "an alias")]),
    ):
        for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301  # pickled here
            assert type(twin) is type(error)
            assert vars(twin) == vars(error)
            assert str(twin) == str(error)


def test_wait_by_backup_arn_reads_no_page_after_a_match(rds: ScriptedRDS) -> None:
    start = "<DBInstanceAutomatedBackups>"
    page = listing_xml(backup("Replicating"))
    rds.answers(page.replace(start, f"<Marker>more</Marker>{start}", 1))
    rds.answers(error_xml("Throttling", "Rate exceeded"))
    result = rds.lone_client().wait_until_replicating(
        db_instance_automated_backups_arn=BACKUP_ARN, timeout=timedelta(0)
    )
    assert result.is_replicating
    assert len(rds.received) == 1


def test_wait_ends_with_an_error_that_is_not_of_the_network(rds: ScriptedRDS) -> None:
    """A handler of signals may raise its own error during a request, and botocore wraps it."""

    class SoftTimeLimitExceeded(Exception):
        pass

    def exceed(**_: object) -> None:
        raise HTTPClientError(error=SoftTimeLimitExceeded())

    client = rds.client()
    client.client.meta.events.register("before-send.rds", exceed)
    with pytest.raises(HTTPClientError):
        client.wait_until_replicating(
            db_instance_automated_backups_arn=BACKUP_ARN, timeout=timedelta(0)
        )
