"""Tests of the models as values: immutable, comparable and convertible to boto3's dicts."""

import copy
import pickle
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from rds_backup_replication import (
    BackupStatus,
    DBInstance,
    DBInstanceAutomatedBackup,
    RestoreDBInstanceToPointInTimeRequest,
    RestoreOptions,
    RestoreWindow,
    StartDBInstanceAutomatedBackupsReplicationRequest,
    Tag,
)

from .wire import SOURCE_ARN

NOON = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
BOTO3_DICT: dict[str, Any] = {
    "DBInstanceArn": SOURCE_ARN,
    "Status": "Replicating",
    "RestoreWindow": {"EarliestTime": NOON - timedelta(days=7), "LatestTime": NOON},
    "IAMDatabaseAuthenticationEnabled": False,
    "TagList": [{"Key": "env", "Value": ""}, {"Key": "aws:cloudformation:stack-name"}],
    "DBInstanceAutomatedBackupsReplications": [],
    "AdditionalStorageVolumes": [{"VolumeName": "rdsdbdata2", "IOPS": 3000, "New": {"a": [1]}}],
    "BrandNewField": {"Nested": [1, 2]},
}


def test_boto3_dict_round_trip() -> None:
    backup = DBInstanceAutomatedBackup.model_validate(BOTO3_DICT)
    assert backup.model_dump(by_alias=True, exclude_none=True) == BOTO3_DICT
    assert backup.model_extra == {"BrandNewField": {"Nested": [1, 2]}}


def test_request_dumps_boto3_parameters() -> None:
    parameters = {
        "SourceDBInstanceArn": SOURCE_ARN,
        "BackupRetentionPeriod": 14,
        "Tags": [{"Key": "env", "Value": "prod"}, {"Key": "empty", "Value": ""}, {"Key": "none"}],
    }
    request = StartDBInstanceAutomatedBackupsReplicationRequest.model_validate(parameters)
    assert request.model_dump(by_alias=True, exclude_none=True) == parameters
    assert request == StartDBInstanceAutomatedBackupsReplicationRequest(
        source_db_instance_arn=SOURCE_ARN,
        backup_retention_period=14,
        tags=[Tag(key="env", value="prod"), Tag(key="empty", value=""), Tag(key="none")],
    )


def test_models_compare_by_value_and_are_hashable() -> None:
    one = DBInstanceAutomatedBackup.model_validate(BOTO3_DICT)
    assert one == DBInstanceAutomatedBackup.model_validate(BOTO3_DICT)
    assert one != DBInstanceAutomatedBackup.model_validate({**BOTO3_DICT, "Port": 1})
    assert len({one, DBInstanceAutomatedBackup.model_validate(BOTO3_DICT)}) == 1


def test_models_are_immutable() -> None:
    backup: Any = DBInstanceAutomatedBackup.model_validate(BOTO3_DICT)
    with pytest.raises(ValidationError, match="frozen"):
        backup.port = 5432
    assert isinstance(backup.tag_list, tuple)
    given_tags = [Tag(key="env")]
    request = StartDBInstanceAutomatedBackupsReplicationRequest(
        source_db_instance_arn=SOURCE_ARN, tags=given_tags
    )
    given_tags.clear()
    assert request.tags == (Tag(key="env"),)


def test_models_survive_pickle_copy_and_json() -> None:
    backup = DBInstanceAutomatedBackup.model_validate(BOTO3_DICT)
    for twin in (
        pickle.loads(pickle.dumps(backup)),  # noqa: S301  # the data is trusted
        copy.deepcopy(backup),
        DBInstanceAutomatedBackup.model_validate_json(backup.model_dump_json(by_alias=True)),
    ):
        assert twin == backup
        assert isinstance(twin.status, BackupStatus)
        assert str(twin.status) == "Replicating"


def test_repr_omits_missing_fields() -> None:
    assert repr(Tag(key="env")) == "Tag(key='env')"
    assert repr(DBInstanceAutomatedBackup(port=5432)) == "DBInstanceAutomatedBackup(port=5432)"


@given(st.text())
def test_status_comparison_ignores_ascii_case(text: str) -> None:
    status = BackupStatus(text)
    assert str(status) == text
    assert status == text.lower()
    assert hash(status) == hash(BackupStatus(text.lower()))
    assert (status != text) is False
    assert status != text + "x"
    assert status != 5


def test_plain_status_is_converted() -> None:
    assert DBInstanceAutomatedBackup(status="RETAINED").is_retained


@pytest.mark.parametrize("window", [None, RestoreWindow()])
def test_lag_is_none_without_latest_time(window: RestoreWindow | None) -> None:
    assert DBInstanceAutomatedBackup(restore_window=window).lag() is None


def test_lag_is_time_since_latest_time() -> None:
    backup = DBInstanceAutomatedBackup(restore_window=RestoreWindow(latest_time=NOON))
    assert backup.lag(NOON + timedelta(minutes=9)) == timedelta(minutes=9)
    lag = backup.lag()
    assert lag is not None
    assert abs(lag - (datetime.now(timezone.utc) - NOON)) < timedelta(minutes=1)


def test_instance_keeps_unknown_fields() -> None:
    response = {
        "DbInstancePort": 5432,
        "BrandNew": [1],
        "DBSubnetGroup": {"VpcId": "vpc-1", "BrandNew": 2},
        "DBInstanceStatus": "brand-new",
        "ProcessorFeatures": [{"Name": "coreCount", "BrandNew": 3}],
    }
    instance = DBInstance.model_validate(response)
    assert instance.db_instance_port == 5432
    assert instance.model_extra == {"BrandNew": [1]}
    assert instance.db_subnet_group is not None
    assert instance.db_subnet_group.model_extra == {"BrandNew": 2}
    assert instance.model_dump(by_alias=True, exclude_none=True) == response


def test_restore_options_match_request_fields() -> None:
    own = {
        "source_db_instance_automated_backups_arn",
        "target_db_instance_identifier",
        "restore_time",
        "use_latest_restorable_time",
    }
    options = set(TypeAdapter(RestoreOptions).json_schema()["properties"])
    assert options == set(RestoreDBInstanceToPointInTimeRequest.model_fields) - own


def test_request_without_client_checks_only_format() -> None:
    """The destination Region is unknown, so ARNs of any Region are valid."""
    backup_arn = "arn:aws-cn:rds:cn-north-1:123456789012:auto-backup:ab-x"
    RestoreDBInstanceToPointInTimeRequest(
        source_db_instance_automated_backups_arn=backup_arn,
        target_db_instance_identifier="restored",
        use_latest_restorable_time=True,
    )
    key_arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd"
    StartDBInstanceAutomatedBackupsReplicationRequest(
        source_db_instance_arn=SOURCE_ARN, kms_key_id=key_arn
    )
    with pytest.raises(ValidationError, match="must be a key ARN"):
        StartDBInstanceAutomatedBackupsReplicationRequest(
            source_db_instance_arn=SOURCE_ARN, kms_key_id=f"{key_arn} "
        )
