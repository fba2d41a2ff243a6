"""Replacements that succeed: what they stop, wait for and start."""

from typing import Any

import pytest

from rds_backup_replication.exceptions import InvalidDBInstanceStateFault, ReplicationDriftError

from .conftest import RecordingClock
from .loopback import result_xml
from .replication_cases import (
    DESCRIBE,
    ENDED,
    FORMER,
    NOT_REPLICATING,
    OTHER_BACKUP_ARN,
    OTHER_KEY_ARN,
    RETAINED,
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
from .wire import BACKUP_ARN, KMS_KEY_ARN, SOURCE_ARN, ScriptedRDS, backup_xml

pytestmark = pytest.mark.usefixtures("clock")


# The settings


@pytest.mark.parametrize("status", ["pending", "Pending", "replicating", "brand-new"])
def test_replace_key_by_status(rds: ScriptedRDS, status: str) -> None:
    """RDS accepts another key only while the backup is pending and has no copies."""
    show(rds, FORMER.replace("replicating", status), times=2)
    rds.answers(STOPPED)
    show(rds, ENDED)
    rds.answers(STARTED)
    client = lone_client(rds)
    if status.lower() == "pending":
        assert ensure(client, kms_key_id=OTHER_KEY_ARN, replace=True) == "replaced"
        assert rds.received[-1].parameters["KmsKeyId"] == OTHER_KEY_ARN
    else:
        with pytest.raises(ReplicationDriftError, match="delete the retained backups"):
            ensure(client, kms_key_id=OTHER_KEY_ARN, replace=True)
        assert actions(rds) == [DESCRIBE]


def test_replace_key_with_retained_backup(rds: ScriptedRDS) -> None:
    """RDS accepts no other key while a retained backup exists beside the pending one."""
    show(rds, FORMER.replace("replicating", "pending"), RETAINED)
    with pytest.raises(ReplicationDriftError, match="delete the retained backups"):
        ensure(rds.client(), kms_key_id=OTHER_KEY_ARN, replace=True)
    assert actions(rds) == [DESCRIBE]


@pytest.mark.parametrize(
    "given",
    [
        {"kms_key_id": OTHER_KEY_ARN},
        {"backup_retention_period": 7},
        {"backup_retention_period": 7, "tags": {"team": "dba"}},
        {"backup_retention_period": 7, "tags": {}},
    ],
)
def test_replace_with_omitted_settings(rds: ScriptedRDS, given: dict[str, Any]) -> None:
    """The new replication keeps the settings that the caller omits."""
    show(rds, FORMER.replace("replicating", "pending"), times=2)
    rds.answers(STOPPED)
    show(rds, ENDED)
    rds.answers(STARTED)
    assert ensure(lone_client(rds), **given, replace=True) == "replaced"
    parameters = rds.received[-1].parameters
    assert parameters["BackupRetentionPeriod"] == str(given.get("backup_retention_period", 14))
    assert parameters["KmsKeyId"] == given.get("kms_key_id", KMS_KEY_ARN)
    assert parameters["Tags.Tag.1.Key"] == next(iter(given.get("tags") or ["env"]))
    assert "Tags.Tag.2.Key" not in parameters


# A source that is busy


@pytest.mark.parametrize("arn", [True, False])
def test_replace_with_busy_source(rds: ScriptedRDS, clock: RecordingClock, *, arn: bool) -> None:
    """The client retries the start until the source is available.

    With an ARN, the response to the stop names another backup than the first describe did,
    because another caller has replaced the replication in between.
    """
    stopped = backup_xml(DBInstanceAutomatedBackupsArn=OTHER_BACKUP_ARN) if arn else backup_xml()
    show(rds, FORMER, times=2)
    rds.answers(result_xml(STOP, stopped))
    show(rds, ENDED, FORMER.replace(BACKUP_ARN, OTHER_BACKUP_ARN))
    show(rds, ENDED, ENDED.replace(BACKUP_ARN, OTHER_BACKUP_ARN))
    if not arn:
        del rds.script[-2]
    for _ in range(2):
        refuse(rds, "InvalidDBInstanceState", "busy")
        show(rds, ENDED, times=5)
    rds.answers(STARTED)
    assert ensure(lone_client(rds), backup_retention_period=7, replace=True) == "replaced"
    assert actions(rds).count(START) == 3
    assert actions(rds).count(STOP) == 1
    assert clock.sleeps.count(30) == 2


def test_replace_with_stale_polls_of_busy_source(rds: ScriptedRDS) -> None:
    """Stale polls that show the former backup do not count as the new replication."""
    begin_replacement(rds)
    refuse(rds, "InvalidDBInstanceState", "busy")
    for backup in (FORMER, FORMER, ENDED, ENDED, ENDED):
        show(rds, backup)
    rds.answers(STARTED)
    assert ensure(lone_client(rds), backup_retention_period=7, replace=True) == "replaced"
    assert actions(rds).count(START) == 2


@pytest.mark.long
def test_replace_with_source_that_stays_busy(rds: ScriptedRDS, clock: RecordingClock) -> None:
    """The client gives up after 75 minutes for the new and 75 for the former replication."""
    begin_replacement(rds)
    for _ in range(400):
        refuse(rds, "InvalidDBInstanceState", "busy")
        show(rds, ENDED, times=5)
    with pytest.raises(InvalidDBInstanceStateFault, match="busy"):
        ensure(lone_client(rds), backup_retention_period=7, replace=True)
    assert 9_000 <= sum(clock.sleeps) < 9_300


# Uncertain stops and starts


def test_replace_with_other_backup_at_second_stop(rds: ScriptedRDS) -> None:
    """The client waits for the backup that its second stop ended.

    Another caller has started that backup's replication between the two stops.
    """
    show(rds, FORMER, times=2)
    rds.resets()
    show(rds, FORMER, times=6)
    rds.answers(result_xml(STOP, backup_xml(DBInstanceAutomatedBackupsArn=OTHER_BACKUP_ARN)))
    show(rds, ENDED, FORMER.replace(BACKUP_ARN, OTHER_BACKUP_ARN))
    show(rds, ENDED, ENDED.replace(BACKUP_ARN, OTHER_BACKUP_ARN))
    rds.answers(STARTED)
    assert ensure(lone_client(rds), backup_retention_period=7, replace=True) == "replaced"
    assert actions(rds)[-3:] == [DESCRIBE, DESCRIBE, START]
    polled = [request.parameters.get("DBInstanceAutomatedBackupsArn") for request in rds.received]
    assert polled[-3:-1] == [OTHER_BACKUP_ARN, OTHER_BACKUP_ARN]


@pytest.mark.parametrize("lost", ["reset", "unreadable"])
def test_replace_with_uncertain_stop(rds: ScriptedRDS, lost: str) -> None:
    """The client stops again, and starts only after RDS has confirmed the end."""
    show(rds, FORMER, times=2)
    if lost == "reset":
        rds.resets()
    else:
        rds.answers("<garbage")
    show(rds, FORMER, times=6)
    refuse(rds, "InvalidDBInstanceState", NOT_REPLICATING)
    show(rds, FORMER, times=6)
    show(rds, ENDED)
    rds.answers(STARTED)
    assert ensure(lone_client(rds), backup_retention_period=7, replace=True) == "replaced"
    assert actions(rds).count(STOP) == 2


def test_replace_with_late_start(rds: ScriptedRDS) -> None:
    """A lost start may show only when RDS refuses to restart the former replication."""
    begin_replacement(rds)
    rds.resets()
    show(rds, ENDED, times=5)
    refuse_start(rds)
    show(rds, ENDED, active_for(7))
    result = lone_client(rds).ensure_replication(
        source_db_instance_arn=SOURCE_ARN, backup_retention_period=7, replace=True
    )
    assert (result.action, result.backup.backup_retention_period) == ("replaced", 7)


# Other callers


@pytest.mark.parametrize("has_stopped", [True, False])
def test_replace_beside_another_caller(rds: ScriptedRDS, *, has_stopped: bool) -> None:
    """The client reports "replaced" if it made the stop or the start, and not the other caller."""
    show(rds, FORMER, times=2)
    if has_stopped:  # the other caller starts
        rds.answers(STOPPED)
        show(rds, ENDED)
        refuse_start(rds)
        show(rds, ENDED, active_for(7))
    else:  # the other caller stops
        refuse(rds, "InvalidDBInstanceState", "not replicating")
        show(rds, ENDED, times=2)
        rds.answers(STARTED)
    assert ensure(lone_client(rds), backup_retention_period=7, replace=True) == "replaced"


def test_replace_after_another_caller(rds: ScriptedRDS) -> None:
    """The client reports "unchanged" if another caller made both the stop and the start."""
    show(rds, FORMER, times=2)
    refuse(rds, "InvalidDBInstanceState", "not replicating")
    show(rds, ENDED)
    show(rds, ENDED)  # the wait for the end
    refuse_start(rds)
    show(rds, ENDED, active_for(7))
    assert ensure(lone_client(rds), backup_retention_period=7, replace=True) == "unchanged"
