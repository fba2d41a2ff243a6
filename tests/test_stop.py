"""``ensure_stopped``: stops that RDS confirms, refuses or does not respond to."""

from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ProxyConnectionError,
)

from rds_backup_replication.exceptions import InvalidDBInstanceStateFault, ServiceError

from .conftest import RecordingClock
from .replication_cases import (
    ACTIVE,
    DESCRIBE,
    NOT_REPLICATING,
    RETAINED,
    STOP,
    STOPPED,
    actions,
    refuse,
    show,
    stop,
)
from .wire import BACKUP_ARN, SOURCE_ARN, ScriptedRDS, backup_xml

pytestmark = pytest.mark.usefixtures("clock")


def test_stop_of_active_replication(rds: ScriptedRDS) -> None:
    show(rds, ACTIVE)
    rds.answers(STOPPED)
    assert stop(rds) is not None
    assert actions(rds) == [DESCRIBE, STOP]


@pytest.mark.parametrize("left", [(), (RETAINED,)])
@pytest.mark.parametrize("before", [(), (RETAINED,), (ACTIVE,)])
@pytest.mark.parametrize(
    ("code", "message"),
    [("InvalidDBInstanceState", NOT_REPLICATING), ("DBInstanceNotFound", "Not found.")],
)
def test_stop_without_replication(
    rds: ScriptedRDS, code: str, message: str, before: tuple[str, ...], left: tuple[str, ...]
) -> None:
    """The client returns ``None`` after the first poll that is not stale."""
    show(rds, *before)
    refuse(rds, code, message)
    show(rds, ACTIVE)  # stale
    show(rds, *left)
    assert stop(rds) is None
    assert actions(rds) == [DESCRIBE, STOP, DESCRIBE, DESCRIBE]


@pytest.mark.parametrize(
    ("code", "message"),
    [("InvalidDBInstanceState", NOT_REPLICATING), ("DBInstanceNotFound", "Not found.")],
)
def test_stop_refused_with_known_text(rds: ScriptedRDS, code: str, message: str) -> None:
    """One poll is enough if RDS itself says that the instance does not replicate."""
    show(rds)
    refuse(rds, code, message)
    show(rds, RETAINED)
    assert stop(rds) is None
    assert actions(rds) == [DESCRIBE, STOP, DESCRIBE]


@pytest.mark.parametrize(("polls", "is_active"), [(5, False), (3, True), (0, True)])
def test_stop_refused_with_unknown_text(rds: ScriptedRDS, polls: int, *, is_active: bool) -> None:
    """The refusal counts as success only if no poll shows an active backup."""
    show(rds)
    refuse(rds, "InvalidDBInstanceState", "Nobody knows this sentence.")
    show(rds, RETAINED, times=polls)
    show(rds, ACTIVE)
    if is_active:
        with pytest.raises(InvalidDBInstanceStateFault):
            stop(rds)
    else:
        assert stop(rds) is None
    assert actions(rds) == [DESCRIBE, STOP] + [DESCRIBE] * 5


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("was_active", [True, False])
@pytest.mark.parametrize("retries", [0, 1])
def test_stop_with_lost_response(rds: ScriptedRDS, retries: int, *, was_active: bool) -> None:
    """The client returns the retained backup only if the backup was active before the stop."""
    show(rds, ACTIVE if was_active else RETAINED)
    rds.resets()
    if retries:
        refuse(rds, "InvalidDBInstanceState", NOT_REPLICATING)
    show(rds, RETAINED)
    stopped = stop(rds, retries)
    assert (stopped is not None) == was_active
    assert stopped is None or stopped.is_retained


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://example.com"),
        ConnectTimeoutError(endpoint_url="https://example.com"),
        ProxyConnectionError(proxy_url="https://example.com"),
    ],
)
def test_stop_that_was_never_sent(rds: ScriptedRDS, error: Exception) -> None:
    """The client raises the connection error, although the replication has ended meanwhile."""
    show(rds, ACTIVE)
    show(rds, RETAINED)
    client = rds.lone_client()

    def fail(**_: Any) -> None:
        raise error

    client.client.meta.events.register(f"before-send.rds.{STOP}", fail)
    with pytest.raises(type(error)):
        client.ensure_stopped(source_db_instance_arn=SOURCE_ARN)
    assert actions(rds) == [DESCRIBE]


def test_stop_refused_and_polls_failed(rds: ScriptedRDS, clock: RecordingClock) -> None:
    """Polls that fail do not show that the replication has ended."""
    show(rds)
    refuse(rds, "InvalidDBInstanceState", "Nobody knows this sentence.")
    refuse(rds, "AccessDenied", status=403)
    with pytest.raises(InvalidDBInstanceStateFault):
        stop(rds)
    assert clock.sleeps == [1, 2, 4, 8]


def test_stop_refused_while_replication_ends(rds: ScriptedRDS) -> None:
    """RDS's known text counts although every poll still shows an active backup."""
    show(rds, ACTIVE)
    refuse(rds, "InvalidDBInstanceState", NOT_REPLICATING)
    show(rds, ACTIVE)
    assert stop(rds) is None
    assert actions(rds) == [DESCRIBE, STOP] + [DESCRIBE] * 5


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("left", [(), (RETAINED,), (ACTIVE,)])
def test_stop_refused_after_lost_response(rds: ScriptedRDS, left: tuple[str, ...]) -> None:
    """The client returns the backup that its first attempt stopped, whatever the poll shows."""
    show(rds, ACTIVE)
    rds.resets()
    refuse(rds, "InvalidDBInstanceState", NOT_REPLICATING)
    show(rds, *left)
    assert stop(rds, retries=1) is not None


@pytest.mark.usefixtures("no_backoff")
def test_stop_beside_earlier_retained_backup(rds: ScriptedRDS) -> None:
    """The client returns the backup that it stopped, not an earlier one with a later time."""
    window = "<LatestTime>2026-01-31T12:00:00Z</LatestTime>"
    arn = f"{BACKUP_ARN}2"
    earlier = backup_xml(
        Status="retained", RestoreWindow=window, DBInstanceAutomatedBackupsArn=BACKUP_ARN
    )
    show(rds, earlier, backup_xml(DBInstanceAutomatedBackupsArn=arn))
    rds.resets()
    refuse(rds, "InvalidDBInstanceState", NOT_REPLICATING)
    show(rds, earlier, backup_xml(Status="retained", DBInstanceAutomatedBackupsArn=arn))
    stopped = stop(rds, retries=1)
    assert stopped is not None
    assert stopped.db_instance_automated_backups_arn == arn


@pytest.mark.parametrize(
    ("code", "polls"),
    [
        ("InvalidDBInstanceState", 5),
        ("DBInstanceNotFound", 5),
        ("AccessDenied", 0),
        ("Throttling", 0),
    ],
)
def test_stop_refused_while_active(rds: ScriptedRDS, code: str, polls: int) -> None:
    """The client raises the refusal, after polls if it may mean an ended replication."""
    show(rds, ACTIVE)
    refuse(rds, code, "It is busy.")
    show(rds, ACTIVE)
    with pytest.raises(ServiceError) as caught:
        stop(rds)
    assert caught.value.code == code
    assert actions(rds) == [DESCRIBE, STOP] + [DESCRIBE] * polls


def test_stop_raises_the_error_of_an_event_handler(rds: ScriptedRDS) -> None:
    """A handler's error is not RDS's response, so it leaves nothing open."""
    client = rds.lone_client()

    def fail(**_: object) -> None:
        response: Any = {"Error": {"Code": "x"}, "ResponseMetadata": {"HTTPStatusCode": 500}}
        raise ClientError(response, "Other")

    show(rds)
    client.client.meta.events.register("before-send.rds." + STOP, fail)
    with pytest.raises(ClientError, match="Other"):
        client.ensure_stopped(source_db_instance_arn=SOURCE_ARN)
    assert actions(rds) == [DESCRIBE]
