"""Drift: an active replication whose settings differ from the requested ones."""

import pytest

from rds_backup_replication.exceptions import Difference, ReplicationDriftError

from .replication_cases import (
    ACTIVE,
    DESCRIBE,
    FORMER,
    KEY_ID,
    OTHER_KEY_ARN,
    actions,
    ensure,
    replace,
    show,
)
from .wire import KMS_KEY_ARN, SOURCE_ARN, ScriptedRDS, backup_xml

pytestmark = pytest.mark.usefixtures("clock")


def test_drift_of_retention_and_key(rds: ScriptedRDS) -> None:
    """The error reports both differences with their values, and the client changes nothing."""
    show(rds, ACTIVE)
    with pytest.raises(ReplicationDriftError) as caught:
        ensure(rds.lone_client(), backup_retention_period=7, kms_key_id=OTHER_KEY_ARN)
    retention, key = caught.value.differences
    assert (retention.parameter, retention.requested, retention.actual) == (
        *("backup_retention_period", 7),
        14,
    )
    assert (key.parameter, key.requested, key.actual) == ("kms_key_id", OTHER_KEY_ARN, KMS_KEY_ARN)
    assert key.uncertainty is None
    assert caught.value.backup.db_instance_arn == SOURCE_ARN
    assert str(caught.value) == (
        f"{SOURCE_ARN} replicates with other settings than requested:\n"
        "  backup_retention_period is 14, but 7 was requested\n"
        f"  kms_key_id is {KMS_KEY_ARN!r}, but {OTHER_KEY_ARN!r} was requested\n"
        "RDS accepts no other key while backups encrypted with the current key exist. Omit "
        "kms_key_id to keep the key. To change the key, call ensure_stopped() and "
        "wait_until_stopped(), delete the retained backups, and call ensure_replication(). Until "
        "the first new copy is complete, nothing in this Region can be restored."
    )
    assert actions(rds) == [DESCRIBE]


def test_drift_of_retention(rds: ScriptedRDS) -> None:
    """The error names the method that replaces a replication."""
    show(rds, FORMER)
    with pytest.raises(ReplicationDriftError) as caught:
        ensure(rds.lone_client(), backup_retention_period=7)
    assert str(caught.value) == (
        f"{SOURCE_ARN} replicates with other settings than requested:\n"
        "  backup_retention_period is 14, but 7 was requested\n"
        "RDS cannot modify a replication. Call replace_replication() to stop and restart it, or "
        "omit the settings that may stay as they are."
    )
    assert actions(rds) == [DESCRIBE]


@pytest.mark.parametrize("requested", ["ffffffff-12ab-34cd-56ef-1234567890ab", f"mrk-{KEY_ID}"])
def test_drift_of_key_id(rds: ScriptedRDS, requested: str) -> None:
    """The ID of another key is drift."""
    show(rds, ACTIVE)
    with pytest.raises(ReplicationDriftError, match="is 'arn:aws:kms"):
        ensure(rds.lone_client(), kms_key_id=requested)


def test_drift_without_actual_key(rds: ScriptedRDS) -> None:
    """A backup for which RDS returns no key may have any key, so the client replaces nothing."""
    show(rds, backup_xml())
    with pytest.raises(ReplicationDriftError) as caught:
        replace(rds.lone_client(), kms_key_id=KEY_ID)
    uncertain = Difference("kms_key_id", KEY_ID, None, "RDS returns no key for the backup")
    assert caught.value.differences == (uncertain,)
    assert str(caught.value).endswith(
        "\nThe client cannot compare the keys, so it stops nothing. Omit kms_key_id."
    )


def test_drift_without_actual_retention(rds: ScriptedRDS) -> None:
    """A retention period that RDS does not return is no drift."""
    show(rds, backup_xml(Status="replicating"))
    assert ensure(rds.lone_client(), backup_retention_period=7) == "unchanged"
