"""Waiting, over a socket: what is waited for, what is ridden out, and what ends it."""

import copy
import pickle
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError, SSLError

from rds_backup_replication import BackupReplicationClient, DBInstanceAutomatedBackup
from rds_backup_replication.exceptions import (
    AccessDeniedError,
    Difference,
    ReplicationDriftError,
    ReplicationStoppedError,
    RequestValidationError,
    ResponseValidationError,
    WaitTimeoutError,
)

from .conftest import RecordingClock
from .loopback import error_xml, result_xml
from .wire import BACKUP_ARN, SOURCE_ARN, ScriptedRDS, backup_xml, listing_xml

OTHER_BACKUP_ARN = f"{BACKUP_ARN}x"


def backup(status: str, arn: str = BACKUP_ARN, **members: str) -> str:
    return backup_xml(Status=status, DBInstanceAutomatedBackupsArn=arn, **members)


def source(status: str, *replicated_to: str) -> str:
    replications = "".join(
        "<DBInstanceAutomatedBackupsReplication><DBInstanceAutomatedBackupsArn>"
        f"{arn}</DBInstanceAutomatedBackupsArn></DBInstanceAutomatedBackupsReplication>"
        for arn in replicated_to
    )
    return result_xml(
        "DescribeDBInstances",
        f"<DBInstances><DBInstance><DBInstanceArn>{SOURCE_ARN}</DBInstanceArn>"
        f"<DBInstanceStatus>{status}</DBInstanceStatus><DBInstanceAutomatedBackupsReplications>"
        f"{replications}</DBInstanceAutomatedBackupsReplications></DBInstance></DBInstances>",
    )


def seen(polled: list[DBInstanceAutomatedBackup | None]) -> list[str]:
    return [str(each.status) if each else "" for each in polled]


# Until it replicates


def test_it_looks_until_the_backup_replicates(rds: ScriptedRDS, clock: RecordingClock) -> None:
    rds.answers(listing_xml())  # behind the start
    for status in ("pending", "Pending", "resyncing", "PENDING", "Replicating"):
        rds.answers(listing_xml(backup(status)))
    polled: list[DBInstanceAutomatedBackup | None] = []
    result = rds.client().wait_until_replicating(
        source_db_instance_arn=SOURCE_ARN, on_poll=polled.append
    )
    assert result.is_replicating
    assert seen(polled) == ["", "pending", "Pending", "resyncing", "PENDING", "Replicating"]
    assert len(clock.sleeps) == 5
    assert all(24 <= pause <= 36 for pause in clock.sleeps)
    assert len(set(clock.sleeps)) > 1


def test_a_wait_goes_by_the_backups_arn_too(rds: ScriptedRDS, clock: RecordingClock) -> None:
    rds.answers(error_xml("DBInstanceAutomatedBackupNotFound"), status=404)
    rds.answers(listing_xml(backup("replicating", OTHER_BACKUP_ARN)))  # not the one asked for
    rds.answers(listing_xml(backup("replicating")))
    result = rds.client().wait_until_replicating(
        db_instance_automated_backups_arn=BACKUP_ARN, poll_interval=timedelta(seconds=5)
    )
    assert result.db_instance_automated_backups_arn == BACKUP_ARN
    assert len(clock.sleeps) == 2
    assert all(4 <= pause <= 6 for pause in clock.sleeps)
    assert rds.received[0].parameters["DBInstanceAutomatedBackupsArn"] == BACKUP_ARN


def test_a_refusal_because_there_is_no_backup_yet_does_not_end_the_wait(
    rds: ScriptedRDS, clock: RecordingClock
) -> None:
    rds.answers(error_xml("DBInstanceAutomatedBackupNotFound"), status=404)  # behind the start
    rds.answers(listing_xml(backup("replicating")))
    polled: list[DBInstanceAutomatedBackup | None] = []
    rds.client().wait_until_replicating(source_db_instance_arn=SOURCE_ARN, on_poll=polled.append)
    assert seen(polled) == ["", "replicating"]
    assert len(clock.sleeps) == 1


def test_another_regions_instance_of_the_same_name_is_not_taken_for_it(
    rds: ScriptedRDS, clock: RecordingClock
) -> None:
    other = backup(
        "replicating", OTHER_BACKUP_ARN, DBInstanceArn=SOURCE_ARN.replace("us-west-2", "eu-west-1")
    )
    own = backup(
        "active", OTHER_BACKUP_ARN, DBInstanceArn=SOURCE_ARN.replace("us-west-2", "us-east-1")
    )
    rds.answers(listing_xml(other, own, backup("pending")))
    rds.answers(listing_xml(other, own, backup("replicating")))
    result = rds.client().wait_until_replicating(
        source_db_instance_arn=SOURCE_ARN.replace("mydatabase", "MyDatabase")
    )
    assert result.db_instance_automated_backups_arn == BACKUP_ARN
    assert len(clock.sleeps) == 1


def test_the_live_backup_counts_and_not_a_retained_one_beside_it(
    rds: ScriptedRDS, clock: RecordingClock
) -> None:
    old = backup("retained", OTHER_BACKUP_ARN)
    for _ in range(5):  # behind: nothing but what the replication before has left
        rds.answers(listing_xml(old))
    rds.answers(listing_xml(old, backup("pending")))
    rds.answers(listing_xml(old, backup("replicating")))
    result = rds.client().wait_until_replicating(source_db_instance_arn=SOURCE_ARN)
    assert result.db_instance_automated_backups_arn == BACKUP_ARN
    assert len(clock.sleeps) == 6


def test_a_retained_backup_that_stays_alone_ends_the_wait(
    rds: ScriptedRDS, clock: RecordingClock
) -> None:
    rds.answers(listing_xml(backup("Retained")))
    with pytest.raises(ReplicationStoppedError, match=r"last status of .* was Retained") as caught:
        rds.client().wait_until_replicating(source_db_instance_arn=SOURCE_ARN)
    assert caught.value.last_backup.is_retained
    assert len(clock.sleeps) == 5


@pytest.mark.parametrize("by", ["source_db_instance_arn", "db_instance_automated_backups_arn"])
@pytest.mark.parametrize(
    ("end", "last_status"),
    [
        (listing_xml(backup("retained")), "retained"),
        (listing_xml(backup("deleting")), "deleting"),
        (listing_xml(), "pending"),
    ],
)
def test_it_ends_at_once_when_the_replication_does(
    rds: ScriptedRDS, clock: RecordingClock, by: str, end: str, last_status: str
) -> None:
    rds.answers(listing_xml(backup("pending")))
    rds.answers(end)
    keywords: dict[str, Any] = {by: SOURCE_ARN if by.startswith("source") else BACKUP_ARN}
    with pytest.raises(ReplicationStoppedError) as caught:
        rds.client().wait_until_replicating(**keywords)
    if last_status == "deleting" and by.startswith("source"):
        last_status = "pending"  # a backup that is being deleted is no longer found
    assert caught.value.last_backup.status == last_status
    assert len(clock.sleeps) == 1


def test_throttling_lost_connections_and_server_errors_are_ridden_out(
    rds: ScriptedRDS, clock: RecordingClock
) -> None:
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
    rds.client().wait_until_replicating(source_db_instance_arn=SOURCE_ARN, on_poll=polled.append)
    assert seen(polled) == ["pending", "replicating"]
    assert len(clock.sleeps) == 28


def test_a_look_that_failed_is_logged_with_its_reason(
    rds: ScriptedRDS, clock: RecordingClock, caplog: pytest.LogCaptureFixture
) -> None:
    rds.answers(error_xml("Throttling", "Rate exceeded"), status=400)
    rds.answers(listing_xml(backup("replicating")))
    rds.client().wait_until_replicating(source_db_instance_arn=SOURCE_ARN)
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "A poll failed and will be retried" in record.message
    assert "Rate exceeded" in record.message
    assert len(clock.sleeps) == 1


def test_a_timeout_tells_what_was_seen_last_and_what_failed_last(
    rds: ScriptedRDS, clock: RecordingClock
) -> None:
    rds.answers(listing_xml(backup("pending")))
    rds.resets()
    with pytest.raises(WaitTimeoutError, match="the last status was pending") as caught:
        rds.client().wait_until_replicating(
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
def test_without_a_failure_a_timeout_has_no_cause(rds: ScriptedRDS) -> None:
    rds.resets()
    rds.answers(listing_xml())
    with pytest.raises(WaitTimeoutError, match="no poll showed a backup") as caught:
        rds.client().wait_until_replicating(
            source_db_instance_arn=SOURCE_ARN, timeout=timedelta(minutes=1)
        )
    assert caught.value.last_backup is None
    assert caught.value.__cause__ is None


def test_a_timeout_of_zero_looks_once(rds: ScriptedRDS, clock: RecordingClock) -> None:
    rds.answers(listing_xml(backup("pending")))
    with pytest.raises(WaitTimeoutError):
        rds.client().wait_until_replicating(source_db_instance_arn=SOURCE_ARN, timeout=timedelta(0))
    assert len(rds.received) == 1
    assert clock.sleeps == []


def test_a_refusal_ends_the_wait_at_once(rds: ScriptedRDS, clock: RecordingClock) -> None:
    rds.answers(error_xml("AccessDenied"), status=403)
    with pytest.raises(AccessDeniedError):
        rds.client().wait_until_replicating(source_db_instance_arn=SOURCE_ARN)
    assert clock.sleeps == []


def test_a_certificate_that_fails_ends_the_wait_at_once(
    rds: ScriptedRDS, clock: RecordingClock
) -> None:
    client = rds.client()

    def fail(**_: Any) -> None:
        raise SSLError(endpoint_url="https://127.0.0.1", error=OSError("self-signed"))

    client.client.meta.events.register("before-send.rds", fail)
    with pytest.raises(SSLError):
        client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)
    assert clock.sleeps == []


def test_what_on_poll_raises_ends_the_wait(rds: ScriptedRDS, clock: RecordingClock) -> None:
    rds.answers(listing_xml(backup("pending")))

    def give_up(_: DBInstanceAutomatedBackup | None) -> None:
        raise ConnectionClosedError(endpoint_url="of something else")

    with pytest.raises(ConnectionClosedError):
        rds.client().wait_until_replicating(source_db_instance_arn=SOURCE_ARN, on_poll=give_up)
    assert clock.sleeps == []


@pytest.mark.parametrize(
    ("keywords", "mistakes"),
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
def test_all_mistakes_are_told_before_the_first_look(
    client: BackupReplicationClient, keywords: dict[str, Any], mistakes: list[str]
) -> None:
    for wait in (client.wait_until_replicating, client.wait_until_stopped):
        with pytest.raises(RequestValidationError) as caught:
            wait(**keywords)
        assert [mistake.parameter for mistake in caught.value.errors] == mistakes


def test_on_poll_must_be_callable_before_the_first_look(client: BackupReplicationClient) -> None:
    wrong: Any = "print"
    for wait in (client.wait_until_replicating, client.wait_until_stopped):
        with pytest.raises(TypeError, match=r"on_poll= must be callable, not 'print'"):
            wait(source_db_instance_arn=SOURCE_ARN, on_poll=wrong)


def test_the_errors_can_be_pickled_and_copied() -> None:
    last = DBInstanceAutomatedBackup(status="pending", db_instance_arn=SOURCE_ARN)
    for error in (
        WaitTimeoutError("the end of the world", timedelta(minutes=1), last),
        ReplicationStoppedError(last),
        ReplicationDriftError(last, [Difference("kms_key_id", "a", "b", "who knows")]),
    ):
        for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301  # our own
            assert type(twin) is type(error)
            assert vars(twin) == vars(error)
            assert str(twin) == str(error)


# Until it has stopped


def test_it_has_stopped_when_the_source_has_let_go_of_it_too(
    rds: ScriptedRDS, clock: RecordingClock
) -> None:
    rds.answers(listing_xml(backup("replicating")))
    rds.answers(listing_xml(backup("retained")))
    rds.answers(source("available", BACKUP_ARN))  # before RDS shows it as modifying
    rds.answers(listing_xml(backup("retained")))
    rds.answers(error_xml("Throttling"), status=400)
    rds.answers(listing_xml(backup("retained")))
    rds.answers(source("modifying"))
    rds.answers(listing_xml(backup("retained")))
    elsewhere = BACKUP_ARN.replace("us-east-1", "eu-west-1")
    rds.answers(source("available", elsewhere))
    polled: list[DBInstanceAutomatedBackup | None] = []
    result = rds.client().wait_until_stopped(
        source_db_instance_arn=SOURCE_ARN, on_poll=polled.append
    )
    assert result is not None
    assert result.is_retained
    assert seen(polled) == ["replicating"] + ["retained"] * 4  # also where the source failed
    assert len(clock.sleeps) == 4
    regions = [request.headers["Authorization"].split("/")[2] for request in rds.received]
    assert regions == ["us-east-1"] + ["us-east-1", "us-west-2"] * 4


@pytest.mark.parametrize("last", [source("available"), error_xml("DBInstanceNotFound")])
def test_nothing_left_is_stopped_as_well(
    rds: ScriptedRDS, clock: RecordingClock, last: str
) -> None:
    rds.answers(listing_xml())
    rds.answers(last, status=404 if "NotFound" in last else 200)
    assert rds.client().wait_until_stopped(source_db_instance_arn=SOURCE_ARN) is None
    assert clock.sleeps == []


def test_by_the_backups_arn_that_one_replication_must_have_ended(
    rds: ScriptedRDS, clock: RecordingClock
) -> None:
    rds.answers(listing_xml(backup("replicating")))
    rds.answers(listing_xml(backup("retained")))
    rds.answers(source("available", BACKUP_ARN))
    rds.answers(listing_xml(backup("retained")))
    rds.answers(source("available", OTHER_BACKUP_ARN))
    asked = BACKUP_ARN.replace(":ab-jk", ":ab-JK")  # whatever the capitalization
    result = rds.client().wait_until_stopped(db_instance_automated_backups_arn=asked)
    assert result is not None
    assert result.is_retained
    assert len(clock.sleeps) == 2


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    "code", ["AccessDenied", "InvalidClientTokenId", "OptInRequired", "SignatureDoesNotMatch"]
)
def test_a_source_that_cannot_be_asked_is_left_out_and_that_is_logged(
    rds: ScriptedRDS, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    rds.answers(listing_xml(backup("replicating")))
    rds.answers(listing_xml(backup("retained")))
    rds.answers(error_xml(code, "not authorized"), status=403)
    assert rds.client().wait_until_stopped(source_db_instance_arn=SOURCE_ARN)
    assert len(rds.received) == 3
    (record,) = [r for r in caplog.records if r.levelname == "WARNING"]
    said = f"The source Region of {SOURCE_ARN} refuses to describe it: "
    assert record.getMessage().startswith(said)
    assert "not authorized" in record.getMessage()


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("status", ["retained", None])
@pytest.mark.parametrize("by_arn", [True, False])
def test_with_a_clients_own_boto3_client_this_region_alone_decides(
    rds: ScriptedRDS, status: str | None, *, by_arn: bool
) -> None:
    client = BackupReplicationClient(client=rds.client().client)
    rds.answers(listing_xml(backup(status)) if status else listing_xml())
    keywords: dict[str, Any] = {"source_db_instance_arn": SOURCE_ARN}
    if by_arn:
        keywords = {"db_instance_automated_backups_arn": BACKUP_ARN}
    assert (client.wait_until_stopped(**keywords) is not None) == (status is not None)
    # An answer may be behind the start; but of one backup, retained is the end.
    assert len(rds.received) == (1 if by_arn and status else 6)


@pytest.mark.usefixtures("clock")
def test_a_source_that_may_not_be_asked_is_asked_and_logged_once(
    rds: ScriptedRDS, caplog: pytest.LogCaptureFixture
) -> None:
    rds.answers(listing_xml())
    rds.answers(error_xml("AccessDenied", "not authorized"), status=403)
    rds.answers(listing_xml())
    assert rds.client().wait_until_stopped(source_db_instance_arn=SOURCE_ARN) is None
    assert len(rds.received) == 7
    assert len([r for r in caplog.records if r.levelname == "WARNING"]) == 1


@pytest.mark.usefixtures("clock")
def test_the_last_backup_seen_is_kept_though_the_source_does_not_answer(rds: ScriptedRDS) -> None:
    polled: list[DBInstanceAutomatedBackup | None] = []
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
    assert set(seen(polled)) == {"retained"}


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("where", ["here", "at the source"])
@pytest.mark.parametrize(
    ("body", "status"),
    [("<!DOCTYPE html><p>busy", 503), ("upstream", 502), ("<p>", 500), ("Slow down", 429)],
)
def test_what_a_proxy_says_for_an_overloaded_server_is_ridden_out(
    rds: ScriptedRDS, body: str, status: int, where: str
) -> None:
    if where == "here":
        rds.answers(body, status=status)
    rds.answers(listing_xml(backup("retained")))
    if where == "at the source":
        rds.answers(body, status=status)
        rds.answers(listing_xml(backup("retained")))
    rds.answers(source("available"))
    assert rds.client().wait_until_stopped(source_db_instance_arn=SOURCE_ARN) is not None


@pytest.mark.usefixtures("clock")
def test_an_answer_that_rds_gets_wrong_is_not_ridden_out(rds: ScriptedRDS) -> None:
    rds.answers(listing_xml().replace("Backups></", "Backups><Marker>1</Marker></"))
    with pytest.raises(ResponseValidationError, match="repeats"):
        rds.client().wait_until_stopped(source_db_instance_arn=SOURCE_ARN)
    assert len(rds.received) == 2


@pytest.mark.usefixtures("clock")
def test_a_source_that_stays_busy_is_a_timeout_with_the_last_backup_seen(rds: ScriptedRDS) -> None:
    rds.answers(listing_xml(backup("replicating")))
    rds.answers(listing_xml())
    rds.answers(source("modifying"))
    with pytest.raises(WaitTimeoutError, match="the last status was replicating"):
        rds.client().wait_until_stopped(
            source_db_instance_arn=SOURCE_ARN, timeout=timedelta(seconds=20)
        )


@pytest.mark.usefixtures("clock")
def test_a_replication_that_does_not_end_times_out(rds: ScriptedRDS) -> None:
    rds.answers(listing_xml(backup("replicating")))
    with pytest.raises(WaitTimeoutError, match="end of the replication") as caught:
        rds.client().wait_until_stopped(source_db_instance_arn=SOURCE_ARN)
    assert caught.value.timeout == timedelta(minutes=75)


def test_the_newest_retained_one_counts_in_any_order(rds: ScriptedRDS) -> None:
    def until(day: str, arn: str) -> str:
        window = f"<LatestTime>2026-01-{day}T00:00:00Z</LatestTime>"
        return backup("retained", arn, RestoreWindow=window)

    newest, older = until("09", f"{BACKUP_ARN}new"), until("02", f"{BACKUP_ARN}old")
    for listed in ([newest, older, backup("retained")], [backup("retained"), older, newest]):
        rds.script[:] = []
        rds.answers(listing_xml(*listed))
        found = rds.client().find_replicated_backup(source_db_instance_arn=SOURCE_ARN)
        assert found is not None
        assert found.db_instance_automated_backups_arn == f"{BACKUP_ARN}new"
