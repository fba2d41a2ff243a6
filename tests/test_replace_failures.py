"""Replacements that fail: what becomes of the former replication, and how the client reports it."""

import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from rds_backup_replication.exceptions import (
    AccessDeniedError,
    InvalidDBInstanceStateFault,
    ReplicationDriftError,
    RequestValidationError,
    ServiceError,
    WaitTimeoutError,
)

from .loopback import result_xml
from .replication_cases import (
    ACTIVE,
    DESCRIBE,
    ENDED,
    FORMER,
    START,
    STARTED,
    STOP,
    STOPPED,
    actions,
    active_for,
    begin_replacement,
    ensure,
    lone_client,
    refuse,
    refuse_start,
    show,
)
from .wire import KMS_KEY_ARN, SOURCE_ARN, ScriptedRDS

pytestmark = pytest.mark.usefixtures("clock")

WAS_STOPPED = f"The client stopped the replication of {SOURCE_ARN} to replace it"
MAY_BE_STOPPED = f"The client may have stopped the replication of {SOURCE_ARN} to replace it"
RESTARTED = "The client restarted it with its former settings."
NOT_RESTARTED = "The client could not restart it: "


@pytest.mark.parametrize("is_restarted", [True, False])
def test_replace_with_refused_start(rds: ScriptedRDS, *, is_restarted: bool) -> None:
    """The client restarts the former replication, and the error's hint reports the outcome."""
    show(rds, FORMER, times=2)
    rds.answers(STOPPED)
    show(rds, FORMER)
    show(rds, ENDED)
    refuse(rds, "KMSKeyNotAccessibleFault", "no such key")
    if is_restarted:
        rds.answers(STARTED)
    else:
        refuse(rds, "AccessDenied", "busy", status=403)
    with pytest.raises(ServiceError, match="no such key") as caught:
        ensure(lone_client(rds), backup_retention_period=7, replace=True)
    assert caught.value.code == "KMSKeyNotAccessibleFault"
    assert actions(rds) == [DESCRIBE, DESCRIBE, STOP, DESCRIBE, DESCRIBE, START, START]
    assert rds.received[6].parameters.items() >= {
        ("BackupRetentionPeriod", "14"),
        ("KmsKeyId", KMS_KEY_ARN),
        ("Tags.Tag.1.Key", "env"),
    }
    assert "Tags.Tag.2.Key" not in rds.received[6].parameters
    assert caught.value.operation_name == START
    hint_of_the_code, outcome = str(caught.value.hint).split("\n", 1)
    assert "must exist in the destination" in hint_of_the_code
    if is_restarted:
        assert outcome == f"{WAS_STOPPED}. {RESTARTED}"
    else:
        assert outcome.startswith(f"{WAS_STOPPED}. {NOT_RESTARTED}")
        assert "busy" in outcome


def test_replace_with_refused_start_without_hint(rds: ScriptedRDS) -> None:
    """The outcome is the whole hint if the refusal itself has none."""
    begin_replacement(rds)
    refuse(rds, "AccessDenied", "no", status=403)
    rds.answers(STARTED)
    with pytest.raises(AccessDeniedError) as caught:
        ensure(lone_client(rds), backup_retention_period=7, replace=True)
    assert caught.value.hint == f"{WAS_STOPPED}. {RESTARTED}"
    assert type(caught.value.__cause__) is ClientError  # botocore's error, as for every refusal


def test_replace_with_lost_starts(rds: ScriptedRDS, caplog: pytest.LogCaptureFixture) -> None:
    """The client logs one warning if the responses to both starts are lost."""
    show(rds, ACTIVE, times=2)
    rds.answers(STOPPED)
    show(rds)
    rds.answers(result_xml("DescribeDBInstances", "<DBInstances></DBInstances>"))
    rds.resets()
    with pytest.raises(ConnectionClosedError):
        ensure(rds.client(), backup_retention_period=7, replace=True)
    assert [r.levelname for r in caplog.records if SOURCE_ARN in r.getMessage()] == ["WARNING"]
    assert f"{WAS_STOPPED}. {NOT_RESTARTED}Connection was closed" in caplog.text


@pytest.mark.parametrize("failure", [KeyboardInterrupt, None])
def test_replace_that_ends_before_the_start(
    rds: ScriptedRDS, caplog: pytest.LogCaptureFixture, failure: type[BaseException] | None
) -> None:
    """The client logs that an interrupt or a timeout has left the replication stopped."""
    show(rds, FORMER, times=2)
    rds.answers(STOPPED)
    show(rds, FORMER)
    client = rds.client()
    if failure is not None:

        def interrupt(**_: Any) -> None:
            if STOP in actions(rds):
                raise failure

        client.client.meta.events.register(f"before-sign.rds.{DESCRIBE}", interrupt)
    with pytest.raises(failure or WaitTimeoutError) as caught:
        ensure(client, backup_retention_period=7, replace=True)
    if failure is None and sys.version_info >= (3, 11):
        assert caught.value.__notes__ == [f"{WAS_STOPPED} and did not restart it."]
    assert START not in actions(rds)
    (record,) = [record for record in caplog.records if SOURCE_ARN in record.getMessage()]
    if failure is None:
        assert record.getMessage() == f"{WAS_STOPPED} and did not restart it: {caught.value}"
        assert "to end and its source to be available" in record.getMessage()
    else:
        assert record.getMessage() == (
            f"KeyboardInterrupt() interrupted the replacement of the replication of {SOURCE_ARN}: "
            "the replication may have been stopped and not restarted"
        )


def test_replace_with_tag_that_rds_rejects(rds: ScriptedRDS) -> None:
    """The client does not stop a replication that it could not restart."""
    show(rds, FORMER.replace("env", "en{}v"))
    text = r"tags\[0\].key of the active replication='en\{\}v'"
    with pytest.raises(RequestValidationError, match=text):
        ensure(rds.client(), backup_retention_period=7, replace=True)
    assert actions(rds) == [DESCRIBE]


def test_replace_with_source_backups_off(rds: ScriptedRDS) -> None:
    """The client does not retry a start that the source's own settings prevent."""
    begin_replacement(rds)
    for _ in range(2):
        refuse(
            rds,
            "InvalidDBInstanceState",
            "Source DB instance must have backup retention enabled.",
        )
        show(rds, ENDED, times=5)
    with pytest.raises(InvalidDBInstanceStateFault) as caught:
        ensure(lone_client(rds), backup_retention_period=7, replace=True)
    assert f"\n{WAS_STOPPED}. {NOT_RESTARTED}An error occurred" in str(caught.value)
    assert actions(rds).count(START) == 2


def test_replace_with_other_callers_drift(
    rds: ScriptedRDS, caplog: pytest.LogCaptureFixture
) -> None:
    """The client reports its stop if another caller then starts with other settings."""
    begin_replacement(rds)
    for _ in range(2):
        refuse_start(rds)
        show(rds, ENDED, active_for(3))
    with pytest.raises(ReplicationDriftError) as caught:
        ensure(lone_client(rds), backup_retention_period=7, replace=True)
    outcome = f"{WAS_STOPPED}. Another caller started a replication with other settings."
    assert outcome in caplog.text
    if sys.version_info >= (3, 11):
        assert caught.value.__notes__ == [outcome]


def test_replace_with_stop_that_stays_uncertain(
    rds: ScriptedRDS, caplog: pytest.LogCaptureFixture
) -> None:
    """The client stops twice at most, and logs that the replication may have been stopped."""
    show(rds, FORMER, times=2)
    rds.resets()
    show(rds, FORMER, times=6)
    rds.resets()
    show(rds, FORMER)
    with pytest.raises(ConnectionClosedError):
        ensure(rds.client(), backup_retention_period=7, replace=True)
    assert actions(rds).count(STOP) == 2
    assert f"{MAY_BE_STOPPED}. {NOT_RESTARTED}" in caplog.text


def test_replace_with_uncertain_stop_then_refusal(
    rds: ScriptedRDS, caplog: pytest.LogCaptureFixture
) -> None:
    """The client restarts the former replication, which it may have stopped."""
    show(rds, FORMER, times=2)
    rds.resets()
    show(rds, FORMER, times=6)
    refuse(rds, "AccessDenied", status=403)
    refuse(rds, "InvalidDBInstanceState", "modifying")
    show(rds, FORMER, times=5)  # its replication is ending, so it does not count as restarted
    rds.answers(STARTED)
    with pytest.raises(AccessDeniedError) as caught:
        ensure(rds.client(), backup_retention_period=7, replace=True)
    assert caught.value.hint == f"{MAY_BE_STOPPED}. {RESTARTED}"
    assert actions(rds).count(START) == 2
    assert f"{MAY_BE_STOPPED}. {RESTARTED}" in caplog.text
