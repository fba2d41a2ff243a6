"""Tests of the factories, and of the names that the testing package exports."""

import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from botocore import xform_name
from botocore.validate import validate_parameters

import rds_backup_replication
from rds_backup_replication import (
    BackupReplicationClient,
    BackupStatus,
    DeleteDBInstanceAutomatedBackupRequest,
    RestoreWindow,
    testing,
)
from rds_backup_replication._arn import Destination
from rds_backup_replication._models import RequestModel, ResponseModel
from rds_backup_replication.testing import make_automated_backup, make_db_instance

from .wire import KMS_KEY_ARN

GOV_ARN = "arn:aws-us-gov:rds:us-gov-west-1:123456789012:db:mydatabase"
OTHER_ARN = "arn:aws:rds:eu-west-1:210987654321:db:orders"


def models() -> list[type]:
    """Return the public models."""
    values = [getattr(rds_backup_replication, name) for name in rds_backup_replication.__all__]
    without_factory = (BackupReplicationClient, BackupStatus, rds_backup_replication.RestoreOptions)
    return [value for value in values if isinstance(value, type) and value not in without_factory]


def factory(model: type) -> Callable[..., Any]:
    """Return the factory of a model."""
    name = xform_name(model.__name__)
    if model is rds_backup_replication.DBInstanceAutomatedBackup:
        name = "automated_backup"
    make: Callable[..., Any] = getattr(testing, f"make_{name}")
    return make


@pytest.mark.parametrize("model", models())
def test_factory_default_is_valid(client: BackupReplicationClient, model: Any) -> None:
    made = factory(model)()
    assert type(made) is model
    assert made == factory(model)()
    if isinstance(made, RequestModel):
        destination = Destination("us-east-1", "aws")
        assert model.model_validate(dict(made), context=destination) == made
    service = client.client.meta.service_model
    # The lowest supported botocore lacks some shapes.
    if isinstance(made, ResponseModel) and model.__name__ in service.shape_names:
        shape = service.shape_for(model.__name__)
        validate_parameters(made.model_dump(by_alias=True, exclude_none=True), shape)


@pytest.mark.parametrize("model", models())
def test_factory_refuses_unknown_field(model: type) -> None:
    assert factory(model).__doc__
    with pytest.raises(TypeError, match="no_such_field"):
        factory(model)(no_such_field=1)


def test_factories_cover_exactly_the_models() -> None:
    made = {name for name in testing.__all__ if name.startswith("make_")}
    assert made == {factory(model).__name__ for model in models()}


def test_backup_fields_derived_from_arn() -> None:
    backup = make_automated_backup(db_instance_arn=OTHER_ARN)
    assert (backup.region, backup.db_instance_identifier) == ("eu-west-1", "orders")
    assert str(backup.db_instance_automated_backups_arn).startswith(
        "arn:aws:rds:us-east-1:210987654321:auto-backup:ab-"
    )
    instance = make_db_instance(db_instance_arn=OTHER_ARN)
    assert backup.dbi_resource_id == instance.dbi_resource_id
    assert backup.dbi_resource_id != make_automated_backup().dbi_resource_id
    assert instance.endpoint is not None
    assert str(instance.endpoint.address).startswith("orders.")


def test_backup_arn_derived_from_name_and_region() -> None:
    backup = make_automated_backup(db_instance_identifier="orders", region="us-east-1")
    assert backup.db_instance_arn == "arn:aws:rds:us-east-1:123456789012:db:orders"
    assert ":us-west-2:" in str(backup.db_instance_automated_backups_arn)
    gov = make_automated_backup(db_instance_arn=GOV_ARN)
    assert "arn:aws-us-gov:rds:us-gov-east-1:" in str(gov.db_instance_automated_backups_arn)
    with pytest.raises(ValueError, match="'mydatabase' is not an ARN"):
        make_automated_backup(db_instance_arn="mydatabase")


@pytest.mark.parametrize(
    ("status", "window"),
    [
        ("pending", RestoreWindow()),
        ("Pending", RestoreWindow()),
        ("replicating", testing.make_restore_window()),
        ("retained", testing.make_restore_window()),
    ],
)
def test_backup_restore_window_depends_on_status(status: str, window: RestoreWindow) -> None:
    assert make_automated_backup(status=status).restore_window == window


def test_kms_key_implies_encryption() -> None:
    assert make_automated_backup().encrypted is False
    backup = make_automated_backup(kms_key_id=KMS_KEY_ARN)
    assert backup.encrypted is True
    assert ":kms:us-east-1:" in str(make_automated_backup(encrypted=True).kms_key_id)
    assert ":kms:us-west-2:" in str(make_db_instance(storage_encrypted=True).kms_key_id)


def test_other_engine_has_no_default_version() -> None:
    backup = make_automated_backup(engine="mysql")
    assert (backup.engine_version, backup.license_model, backup.port) == (None, None, None)


def test_exclusive_fields_replace_defaults() -> None:
    """A field that excludes a default field replaces the default."""
    by_id = testing.make_delete_db_instance_automated_backup_request(dbi_resource_id="db-X")
    assert by_id == DeleteDBInstanceAutomatedBackupRequest(dbi_resource_id="db-X")
    moment = testing.make_restore_window().latest_time
    restore = testing.make_restore_db_instance_to_point_in_time_request(restore_time=moment)
    assert (restore.restore_time, restore.use_latest_restorable_time) == (moment, None)


def test_unchanged_result_has_replicating_backup() -> None:
    assert testing.make_ensure_result().backup.status == "pending"
    assert testing.make_ensure_result(action="unchanged").backup.is_replicating


def test_factory_signature_names_model() -> None:
    assert inspect.signature(make_automated_backup).return_annotation.__name__ == (
        "DBInstanceAutomatedBackup"
    )


def test_import_needs_no_pytest_and_no_sandbox() -> None:
    assert testing.__all__ == sorted(testing.__all__)
    assert dir(testing) == testing.__all__
    with pytest.raises(AttributeError, match=r"testing' has no attribute 'make_tagg'"):
        getattr(testing, "make_tagg")  # noqa: B009  # users may write this
    code = (
        "import sys, rds_backup_replication.testing\n"
        "assert not {'boto3', 'botocore', 'pydantic'} & set(sys.modules)\n"
        "from rds_backup_replication.testing import *\n"
        "assert not {'pytest', '_pytest', 'moto', 'flask'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)  # noqa: S603  # our own code
