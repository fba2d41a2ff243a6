"""Tests of RequestValidationError: which errors a refused call reports, and what they reveal."""

import copy
import pickle
import traceback
from typing import Any

import pytest

from rds_backup_replication import (
    BackupReplicationClient,
    StartDBInstanceAutomatedBackupsReplicationRequest,
)
from rds_backup_replication.exceptions import RequestValidationError

from . import validation_cases
from .validation_cases import RESTORE, Start, errors_of
from .wire import BACKUP_ARN, SOURCE_ARN

# The fixtures of these tests.
sent = validation_cases.sent
start = validation_cases.start

SECRET = "https://rds.us-west-2.amazonaws.com/?X-Amz-Signature=4f2a"


def test_all_errors_of_a_call_are_reported(start: Start) -> None:
    found = errors_of(
        start,
        source_db_instance_arn="mydatabase",
        backup_retention_period=36,
        kms_key_id="alias/",
        tags={"aws:owner": "me", "ok": "#"},
        source_region="evil.example/x?",
    )
    assert set(found) == {
        "source_db_instance_arn",
        "backup_retention_period",
        "kms_key_id",
        "tags[0].key",
        "tags[1].value",
        "source_region",
    }
    assert str(found["backup_retention_period"]) == (
        "backup_retention_period=36 must be a whole number of days from 1 to 35"
    )


def test_exclusive_parameters_with_invalid_one(
    client: BackupReplicationClient,
) -> None:
    calls: list[tuple[Any, dict[str, Any]]] = [
        (client.wait_until_replicating, {"source_db_instance_arn": "mydatabase"}),
        (client.wait_until_stopped, {"source_db_instance_arn": "mydatabase"}),
        (client.delete_db_instance_automated_backup, {"dbi_resource_id": ""}),
    ]
    for method, invalid in calls:
        with pytest.raises(RequestValidationError) as caught:
            method(**invalid, db_instance_automated_backups_arn=BACKUP_ARN)
        together, form = caught.value.errors
        assert (together.parameter, form.parameter) == (*invalid, *invalid)
        assert "must not be given together with" in together.message
        assert form.message.startswith("must be a")


def test_validation_error_survives_pickle_and_copy(start: Start) -> None:
    with pytest.raises(RequestValidationError) as caught:
        start(backup_retention_period=0)
    for twin in (pickle.loads(pickle.dumps(caught.value)), copy.deepcopy(caught.value)):  # noqa: S301
        assert twin.errors == caught.value.errors
        assert str(twin) == str(caught.value)
        assert twin.operation_name == "StartDBInstanceAutomatedBackupsReplication"
    assert isinstance(caught.value, ValueError)


def test_long_value_is_truncated(start: Start) -> None:
    found = errors_of(start, kms_key_id="alias/" + "x" * 5000)
    assert len(found["kms_key_id"].given) < 250


@pytest.mark.parametrize("url", ["", 5, SECRET.encode()])
def test_presigned_url_is_hidden(start: Start, url: Any, caplog: pytest.LogCaptureFixture) -> None:
    found = errors_of(start, pre_signed_url=url)
    assert found["pre_signed_url"].given == "(hidden)"
    with caplog.at_level("DEBUG"), pytest.raises(RequestValidationError) as caught:
        start(pre_signed_url=SECRET, backup_retention_period=0)
    output = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(caught.value)
    assert "4f2a" not in output
    request = StartDBInstanceAutomatedBackupsReplicationRequest(
        source_db_instance_arn=SOURCE_ARN, pre_signed_url=SECRET
    )
    assert "4f2a" not in f"{request!r} {request}"


class Unprintable:
    """A value whose repr fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_unprintable_value_shown_as_its_type(start: Start) -> None:
    found = errors_of(start, backup_retention_period=10**5000, kms_key_id=Unprintable())
    # Python before 3.10.7 has no limit for the number of digits.
    assert found["backup_retention_period"].given in ("<int>", f"1{'0' * 199}…")
    assert found["kms_key_id"].given == "<Unprintable>"


def test_aws_name_is_reported_beside_python_name(
    client: BackupReplicationClient,
) -> None:
    found = errors_of(
        client.restore_db_instance_to_point_in_time,
        **RESTORE,
        use_latest_restorable_time=True,
        DBInstanceClass=5,
        TdeCredentialPassword=b"hunter2",
        port=-1,
        Port=5433,
    )
    assert found["db_instance_class"].given == "5"
    assert found["tde_credential_password"].given == "(hidden)"
    assert found["port"].given == "-1"
    assert found["Port"].message == "is boto3's name; pass port"


@pytest.mark.parametrize("parameter", ["source_region", "kms_key_id", "source_db_instance_arn"])
def test_presigned_url_in_other_parameter_is_hidden(
    client: BackupReplicationClient, parameter: str
) -> None:
    url = "https://rds.us-west-2.amazonaws.com/?X-Amz-Credential=AKID&x-amz-signature=topsecret"
    keywords: Any = {"source_db_instance_arn": SOURCE_ARN, parameter: url}
    with pytest.raises(RequestValidationError) as caught:
        client.start_db_instance_automated_backups_replication(**keywords)
    for text in (str(caught.value), repr(caught.value), repr(caught.value.errors)):
        assert "topsecret" not in text
        assert "AKID" not in text
