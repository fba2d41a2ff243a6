"""Tests of the validation of restores."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from rds_backup_replication import (
    AdditionalStorageVolume,
    BackupReplicationClient,
    ProcessorFeature,
    Tag,
    TagSpecification,
)

from . import validation_cases
from .validation_cases import RESTORE, Recorder, errors_of
from .wire import BACKUP_ARN

# The fixtures of these tests.
sent = validation_cases.sent

NOON = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)


def test_restore_requires_exactly_one_time(client: BackupReplicationClient, sent: Recorder) -> None:
    restore = client.restore_db_instance_to_point_in_time
    for neither in ({}, {"use_latest_restorable_time": False}):
        message = errors_of(restore, **RESTORE, **neither)["use_latest_restorable_time"].message
        assert message == "is required unless restore_time is given"
    for time in (NOON, "noon"):
        found = errors_of(restore, **RESTORE, restore_time=time, use_latest_restorable_time=True)
        assert "together with restore_time" in found["use_latest_restorable_time"].message
    assert sent.bodies == []
    plus_one = NOON.astimezone(timezone(timedelta(hours=1)))
    client.restore_db_instance_to_point_in_time(
        source_db_instance_automated_backups_arn=BACKUP_ARN,
        target_db_instance_identifier="restored",
        restore_time=plus_one,
        use_latest_restorable_time=False,
    )
    assert sent.bodies[0]["RestoreTime"] == "2026-11-24T12:00:00Z"


def test_restore_time_outside_utc_range_refused(client: BackupReplicationClient) -> None:
    found = errors_of(
        client.restore_db_instance_to_point_in_time,
        **RESTORE,
        restore_time=datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))),
    )
    assert found["restore_time"].message == "must be a time that exists in UTC"


@pytest.mark.parametrize("year", [1, 999, 1969])
def test_restore_time_before_1970_refused(
    client: BackupReplicationClient, sent: Recorder, year: int
) -> None:
    # botocore would format a year before 1000 with too few digits.
    found = errors_of(
        client.restore_db_instance_to_point_in_time,
        **RESTORE,
        restore_time=datetime(year, 1, 1, tzinfo=timezone.utc),
    )
    assert found["restore_time"].message == "must be a time since 1970"
    assert sent.bodies == []


@pytest.mark.parametrize(
    "number",
    [-1, 2**31, 10**5_000, True, 1.0, "1"],
    ids=["negative", "more than 31 bits", "too long to print", "bool", "float", "str"],
)
def test_integer_out_of_range_refused(
    client: BackupReplicationClient, sent: Recorder, number: Any
) -> None:
    names = ("iops", "storage_throughput", "max_allocated_storage", "allocated_storage")
    numbers: dict[str, Any] = dict.fromkeys(names, number)
    found = errors_of(
        client.restore_db_instance_to_point_in_time,
        **RESTORE,
        use_latest_restorable_time=True,
        additional_storage_volumes=[{"volume_name": "rdsdbdata2", **numbers}],
        **numbers,
    )
    assert set(found) == {*names, *(f"additional_storage_volumes[0].{name}" for name in names)}
    assert {error.message for error in found.values()} == {
        "must be a whole number from 0 to 2147483647"
    }
    assert sent.bodies == []


def test_parameter_name_with_surrogate_refused(client: BackupReplicationClient) -> None:
    found = errors_of(
        client.restore_db_instance_to_point_in_time,
        **RESTORE,
        use_latest_restorable_time=True,
        **{"\ud800": "hunter2"},
    )
    assert str(found[r"'\ud800'"]) == r"'\ud800'=(hidden) is not a parameter"


def test_restore_time_requires_timezone(client: BackupReplicationClient, sent: Recorder) -> None:
    found = errors_of(
        client.restore_db_instance_to_point_in_time,
        **RESTORE,
        restore_time=NOON.replace(tzinfo=None),
    )
    assert list(found) == ["restore_time"]
    assert "timezone" in found["restore_time"].message
    assert sent.bodies == []


def test_restore_options_are_sent(client: BackupReplicationClient, sent: Recorder) -> None:
    client.restore_db_instance_to_point_in_time(
        source_db_instance_automated_backups_arn=BACKUP_ARN,
        target_db_instance_identifier="restored",
        use_latest_restorable_time=True,
        db_instance_class="db.t3.micro",
        port=5433,
        multi_az=True,
        enable_iam_database_authentication=True,
        ca_certificate_identifier="rds-ca-rsa2048-g1",
        custom_iam_instance_profile="AWSRDSCustomProfile",
        vpc_security_group_ids=["sg-1", "sg-2"],
        tags={"env": "drill"},
        processor_features=[ProcessorFeature(name="coreCount", value="4")],
        additional_storage_volumes=[AdditionalStorageVolume(volume_name="rdsdbdata2", iops=3000)],
        tag_specifications=[TagSpecification(resource_type="auto-backup", tags=[Tag(key="env")])],
    )
    body = sent.bodies[0]
    assert body["MultiAZ"] == "true"
    assert body["Port"] == 5433
    assert body["CACertificateIdentifier"] == "rds-ca-rsa2048-g1"
    assert body["CustomIamInstanceProfile"] == "AWSRDSCustomProfile"
    assert body["VpcSecurityGroupIds.VpcSecurityGroupId.2"] == "sg-2"
    assert body["AdditionalStorageVolumes.member.1.IOPS"] == 3000
    assert body["ProcessorFeatures.ProcessorFeature.1.Name"] == "coreCount"
    assert body["TagSpecifications.item.1.Tags.Tag.1.Key"] == "env"


def test_invalid_restore_options_are_named(client: BackupReplicationClient, sent: Recorder) -> None:
    found = errors_of(
        client.restore_db_instance_to_point_in_time,
        source_db_instance_automated_backups_arn=BACKUP_ARN,
        target_db_instance_identifier="-",
        use_latest_restorable_time=True,
        port=80,
        multi_azz=True,
        tde_credential_password=b"hunter2",
        tde_credential_pasword="hunter2",
        backup_retention_period=36,
        additional_storage_volumes=[{"IOPS": 3000}, {"VolumeName": "rdsdbdata2", "Iosp": 1}],
        tag_specifications=[{"ResourceType": "auto-backup", "Tags": [{"Key": "aws:x"}]}],
    )
    assert found["multi_azz"].message == "is not a parameter; did you mean multi_az?"
    assert found["target_db_instance_identifier"].message.startswith("must have 1 to 63 letters")
    assert found["port"].message == "must be a whole number from 1150 to 65535"
    assert found["additional_storage_volumes[0].volume_name"].message == "is required"
    assert found["additional_storage_volumes[1].iosp"].message == "is not a parameter"
    assert "reserved" in found["tag_specifications[0].tags[0].key"].message
    assert "backup_retention_period" in found
    assert "hunter2" not in "".join(map(str, found.values()))
    assert sent.bodies == []


@pytest.mark.parametrize("name", ["context", "destination", "request", "client"])
def test_unknown_restore_option_is_named(
    client: BackupReplicationClient, sent: Recorder, name: str
) -> None:
    """An option may have the name of one of the library's own parameters."""
    found = errors_of(client.restore_db_instance_to_point_in_time, **RESTORE, **{name: "x"})
    assert found[name].message == "is not a parameter"
    assert sent.bodies == []
