"""Replacements that succeed: what they stop, wait for and start."""

from typing import Any

import pytest

from rds_backup_replication.exceptions import ReplacementError, ReplicationDriftError

from .conftest import RecordingClock
from .loopback import result_xml
from .replication_cases import (
    DESCRIBE,
    ENDED,
    FORMER,
    KEY_ID,
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
    pass_preflight,
    refuse,
    refuse_start,
    replace,
    show,
)
from .wire import BACKUP_ARN, KMS_KEY_ARN, SOURCE_ARN, ScriptedRDS, backup_xml

pytestmark = pytest.mark.usefixtures("clock")


# The settings


@pytest.mark.parametrize("status", ["pending", "Pending", "replicating", "brand-new"])
def test_replace_key_by_status(rds: ScriptedRDS, status: str) -> None:
    """The client never stops a replication for another key: RDS may refuse it afterwards."""
    show(rds, FORMER.replace("replicating", status))
    with pytest.raises(ReplicationDriftError, match="delete the retained backups"):
        replace(rds.lone_client(), kms_key_id=OTHER_KEY_ARN, backup_retention_period=7)
    assert actions(rds) == [DESCRIBE]


def test_replace_key_with_retained_backup(rds: ScriptedRDS) -> None:
    """RDS accepts no other key while a retained backup exists beside the pending one."""
    show(rds, FORMER.replace("replicating", "pending"), RETAINED)
    with pytest.raises(ReplicationDriftError, match="delete the retained backups"):
        replace(rds.lone_client(), kms_key_id=OTHER_KEY_ARN)
    assert actions(rds) == [DESCRIBE]


@pytest.mark.parametrize(
    "given",
    [
        {"backup_retention_period": 7},
        {"backup_retention_period": 7, "kms_key_id": KEY_ID},
        {"backup_retention_period": 7, "tags": {"team": "dba"}},
        {"backup_retention_period": 7, "tags": {}},
    ],
)
def test_replace_with_omitted_settings(rds: ScriptedRDS, given: dict[str, Any]) -> None:
    """The new replication keeps the settings that the caller omits."""
    pass_preflight(rds, FORMER.replace("replicating", "pending"))
    rds.answers(STOPPED)
    show(rds, ENDED)
    rds.answers(STARTED)
    assert replace(rds.lone_client(), **given) == "replaced"
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
    pass_preflight(rds)
    rds.answers(result_xml(STOP, stopped))
    show(rds, ENDED, FORMER.replace(BACKUP_ARN, OTHER_BACKUP_ARN))
    show(rds, ENDED, ENDED.replace(BACKUP_ARN, OTHER_BACKUP_ARN))
    if not arn:
        del rds.script[-2]
    for _ in range(2):
        refuse(rds, "InvalidDBInstanceState", "busy")
        show(rds, ENDED)
    rds.answers(STARTED)
    assert replace(rds.lone_client(), backup_retention_period=7) == "replaced"
    assert actions(rds).count(START) == 3
    assert actions(rds).count(STOP) == 1
    assert 48 < sum(clock.sleeps[-2:]) < 72  # two pauses between the starts


def test_replace_with_stale_polls_of_busy_source(rds: ScriptedRDS) -> None:
    """Stale polls that show the former backup do not count as the new replication."""
    begin_replacement(rds)
    for backup in (FORMER, FORMER, ENDED):
        refuse(rds, "InvalidDBInstanceState", "busy")
        show(rds, backup)
    rds.answers(STARTED)
    assert replace(rds.lone_client(), backup_retention_period=7) == "replaced"
    assert actions(rds).count(START) == 4


@pytest.mark.long
def test_replace_with_source_that_stays_busy(rds: ScriptedRDS, clock: RecordingClock) -> None:
    """After the timeout, the former settings get a quarter of an hour of their own."""
    begin_replacement(rds)
    for _ in range(400):
        refuse(rds, "InvalidDBInstanceState", "busy")
        show(rds, ENDED)
    with pytest.raises(ReplacementError, match="busy") as caught:
        replace(rds.lone_client(), backup_retention_period=7)
    assert caught.value.is_protected is not True
    assert sum(clock.sleeps) == pytest.approx((75 + 15) * 60, abs=20)
    sent = [r.parameters for r in rds.received if r.parameters.get("Action") == START]
    starts = [parameters["BackupRetentionPeriod"] for parameters in sent]
    assert starts == sorted(starts, reverse=True)  # "7" before "14"
    assert starts.count("7") > starts.count("14") > 20


# Uncertain stops and starts


def test_replace_with_other_backup_at_second_stop(rds: ScriptedRDS) -> None:
    """The client waits for the backup that its second stop ended.

    Another caller has started that backup's replication between the two stops.
    """
    pass_preflight(rds)
    rds.resets()
    show(rds, FORMER, times=6)
    rds.answers(result_xml(STOP, backup_xml(DBInstanceAutomatedBackupsArn=OTHER_BACKUP_ARN)))
    show(rds, ENDED, FORMER.replace(BACKUP_ARN, OTHER_BACKUP_ARN))
    show(rds, ENDED, ENDED.replace(BACKUP_ARN, OTHER_BACKUP_ARN))
    rds.answers(STARTED)
    assert replace(rds.lone_client(), backup_retention_period=7) == "replaced"
    assert actions(rds)[-3:] == [DESCRIBE, DESCRIBE, START]
    polled = [request.parameters.get("DBInstanceAutomatedBackupsArn") for request in rds.received]
    assert polled[-3:-1] == [OTHER_BACKUP_ARN, OTHER_BACKUP_ARN]


@pytest.mark.parametrize("lost", ["reset", "unreadable"])
def test_replace_with_uncertain_stop(rds: ScriptedRDS, lost: str) -> None:
    """The client stops again, and starts only after RDS has confirmed the end."""
    pass_preflight(rds)
    if lost == "reset":
        rds.resets()
    else:
        rds.answers("<garbage")
    show(rds, FORMER, times=6)
    refuse(rds, "InvalidDBInstanceState", NOT_REPLICATING)
    show(rds, FORMER, times=6)
    show(rds, ENDED)
    rds.answers(STARTED)
    assert replace(rds.lone_client(), backup_retention_period=7) == "replaced"
    assert actions(rds).count(STOP) == 2


def test_replace_with_late_start(rds: ScriptedRDS) -> None:
    """A lost start may show only when RDS refuses to restart the former replication."""
    begin_replacement(rds)
    rds.resets()
    show(rds, ENDED)
    refuse(rds, "AccessDenied", status=403)
    refuse_start(rds)
    show(rds, ENDED, active_for(7))
    result = rds.lone_client().replace_replication(
        source_db_instance_arn=SOURCE_ARN, backup_retention_period=7
    )
    assert (result.action, result.backup.backup_retention_period) == ("replaced", 7)


# Other callers


@pytest.mark.parametrize("has_stopped", [True, False])
def test_replace_beside_another_caller(rds: ScriptedRDS, *, has_stopped: bool) -> None:
    """The client reports "replaced" if it made the stop or the start, and not the other caller."""
    pass_preflight(rds)
    if has_stopped:  # the other caller starts
        rds.answers(STOPPED)
        show(rds, ENDED)
        refuse_start(rds)
        show(rds, ENDED, active_for(7))
    else:  # the other caller stops
        refuse(rds, "InvalidDBInstanceState", "not replicating")
        show(rds, ENDED, times=2)
        rds.answers(STARTED)
    assert replace(rds.lone_client(), backup_retention_period=7) == "replaced"


def test_replace_after_another_caller(rds: ScriptedRDS) -> None:
    """The client reports "unchanged" if another caller made both the stop and the start."""
    pass_preflight(rds)
    refuse(rds, "InvalidDBInstanceState", "not replicating")
    show(rds, ENDED)
    show(rds, ENDED)  # the wait for the end
    refuse_start(rds)
    show(rds, ENDED, active_for(7))
    assert replace(rds.lone_client(), backup_retention_period=7) == "unchanged"
