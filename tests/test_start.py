"""Uncertain starts: RDS refused the start, or its response was lost."""

from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    CredentialRetrievalError,
    NoCredentialsError,
)

from rds_backup_replication.exceptions import (
    DBInstanceAutomatedBackupQuotaExceededFault,
    InternalFailureError,
    InvalidDBInstanceAutomatedBackupStateFault,
    InvalidDBInstanceStateFault,
    ReplicationDriftError,
    ResponseValidationError,
    ServiceError,
)

from .conftest import RecordingClock
from .loopback import error_xml, result_xml
from .replication_cases import (
    ACTIVE,
    DESCRIBE,
    RETAINED,
    START,
    actions,
    ensure,
    refuse,
    refuse_start,
    show,
)
from .wire import KMS_KEY_ARN, ScriptedRDS, backup_xml

pytestmark = pytest.mark.usefixtures("clock")


@pytest.mark.usefixtures("no_backoff")
def test_start_refused_after_lost_response(rds: ScriptedRDS) -> None:
    """If botocore's retry is refused after a lost response, the first attempt succeeded."""
    show(rds)
    rds.resets()
    refuse_start(rds)
    show(rds, ACTIVE)
    assert ensure(rds.lone_client(retries=1), backup_retention_period=14) == "started"
    assert actions(rds) == [DESCRIBE, START, START, DESCRIBE]


@pytest.mark.parametrize(
    ("requested", "active"), [("alias/backups", ACTIVE), (KMS_KEY_ARN, backup_xml())]
)
def test_start_lost_with_uncertain_key(rds: ScriptedRDS, requested: str, active: str) -> None:
    """A lost start counts as the client's own, although the client cannot compare the keys."""
    show(rds)
    rds.resets()
    show(rds, active)
    assert ensure(rds.lone_client(), kms_key_id=requested) == "started"


def test_start_lost_with_other_retention(rds: ScriptedRDS) -> None:
    """A certain difference is drift, and the error reports the uncertain one as well."""
    show(rds)
    rds.resets()
    show(rds, ACTIVE)
    with pytest.raises(ReplicationDriftError) as caught:
        ensure(rds.lone_client(), kms_key_id="alias/backups", backup_retention_period=7)
    assert len(caught.value.differences) == 2


def test_start_refused_at_first_attempt(rds: ScriptedRDS, clock: RecordingClock) -> None:
    """Another caller started the replication, which shows after stale and failed polls."""
    show(rds)
    refuse_start(rds)
    show(rds, RETAINED, times=2)
    refuse(rds, "Throttling")
    show(rds, RETAINED, ACTIVE)
    assert ensure(rds.lone_client()) == "unchanged"
    assert clock.sleeps == [1, 2, 4]


def test_start_refused_with_drift(rds: ScriptedRDS) -> None:
    """Another caller started the replication with other settings."""
    show(rds)
    refuse_start(rds)
    show(rds, ACTIVE)
    with pytest.raises(ReplicationDriftError) as caught:
        ensure(rds.lone_client(), backup_retention_period=7)
    assert isinstance(caught.value.__cause__, InvalidDBInstanceAutomatedBackupStateFault)


@pytest.mark.parametrize("is_active", [True, False])
@pytest.mark.parametrize(
    ("body", "error"),
    [
        (None, ConnectionClosedError),
        (error_xml("InternalFailure"), InternalFailureError),
        ("<html>Bad Gateway</html>", ServiceError),
        (result_xml(START, "<DBInstanceAutomatedBackup>"), ResponseValidationError),
    ],
)
def test_start_with_uncertain_response(
    rds: ScriptedRDS, body: str | None, error: type[Exception], *, is_active: bool
) -> None:
    """The client polls for the replication, and raises the error if none shows."""
    show(rds)
    if body is None:
        rds.resets()
    else:
        rds.answers(body, status=200 if error is ResponseValidationError else 500)
    show(rds, *([ACTIVE] if is_active else []))
    if is_active:
        assert ensure(rds.lone_client()) == "started"
    else:
        with pytest.raises(error):
            ensure(rds.lone_client())
    assert actions(rds).count(START) == 1
    assert actions(rds).count(DESCRIBE) == (2 if is_active else 6)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("InvalidDBInstanceAutomatedBackupState", InvalidDBInstanceAutomatedBackupStateFault),
        ("InvalidDBInstanceState", InvalidDBInstanceStateFault),
        (
            "DBInstanceAutomatedBackupQuotaExceeded",
            DBInstanceAutomatedBackupQuotaExceededFault,
        ),
    ],
)
def test_start_refused_without_replication(
    rds: ScriptedRDS, code: str, error: type[Exception]
) -> None:
    """The client believes the polls, whatever text the refusal has."""
    show(rds)
    refuse(rds, code, "already replicating")
    show(rds, RETAINED)
    with pytest.raises(error, match="already replicating"):
        ensure(rds.lone_client())
    assert actions(rds) == [DESCRIBE, START] + [DESCRIBE] * 5


@pytest.mark.parametrize(
    "code", ["AccessDenied", "DBInstanceNotFound", "KMSKeyNotAccessibleFault", "Throttling"]
)
def test_start_refused_for_other_reason(rds: ScriptedRDS, code: str) -> None:
    """The client raises a refusal that cannot mean an existing replication, and does not poll."""
    show(rds)
    refuse(rds, code)
    with pytest.raises(ServiceError) as caught:
        ensure(rds.lone_client())
    assert caught.value.code == code
    assert actions(rds) == [DESCRIBE, START]


def test_start_refused_and_polls_failed(rds: ScriptedRDS) -> None:
    """A poll that fails does not hide the refusal of the start."""
    show(rds)
    refuse_start(rds)
    refuse(rds, "AccessDenied", status=403)
    with pytest.raises(InvalidDBInstanceAutomatedBackupStateFault):
        ensure(rds.lone_client())


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize(
    "error",
    [
        NoCredentialsError(),
        CredentialRetrievalError(provider="sso", error_msg="expired"),
        ClientError({"Error": {"Code": "ExpiredToken", "Message": "x"}}, "AssumeRole"),
    ],
)
def test_start_retried_without_credentials(rds: ScriptedRDS, error: Exception) -> None:
    """The client polls if an attempt was sent before the credentials ended, and only then."""
    show(rds)
    rds.resets()
    show(rds, ACTIVE)
    client = rds.lone_client(retries=2)
    attempts: list[int] = []

    def sign(**_: Any) -> None:
        attempts.append(1)
        if len(attempts) == 2:
            raise error

    client.client.meta.events.register(f"before-sign.rds.{START}", sign)
    assert ensure(client) == "started"
    attempts.clear()
    del rds.received[:], rds.script[:]
    attempts.append(1)
    show(rds)
    with pytest.raises(type(error)):  # the first attempt was never sent
        ensure(client)
    assert actions(rds) == [DESCRIBE]


@pytest.mark.parametrize(
    ("code", "status", "action"),
    [("Throttling", 503, "unchanged"), ("InternalFailure", 500, "started")],
)
@pytest.mark.usefixtures("no_backoff")
def test_start_refused_after_failed_attempt(
    rds: ScriptedRDS, code: str, status: int, action: str
) -> None:
    """A throttled attempt took no effect; one with an internal failure may have taken effect."""
    show(rds)
    refuse(rds, code, status=status)
    refuse_start(rds)
    show(rds, ACTIVE)
    assert ensure(rds.lone_client(retries=1)) == action
    assert actions(rds) == [DESCRIBE, START, START, DESCRIBE]
