"""The request of a restore, and what a recovery refuses to send."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore import xform_name

from rds_backup_replication import DBInstanceAutomatedBackup
from rds_backup_replication._arn import Destination
from rds_backup_replication._restore import RESTORE
from rds_backup_replication.recovery._restore_target import (
    RestoreError,
    Target,
    build_restore,
    find_backup,
)
from rds_backup_replication.sandbox._moto import sandbox_session

from .recovery_examples import DESTINATION, TARGET, make_entry
from .wire import BACKUP_ARN

pytestmark = pytest.mark.once

BACKUP = DBInstanceAutomatedBackup(db_instance_automated_backups_arn=BACKUP_ARN)
LATER = ("BackupRetentionPeriod", "PreferredBackupWindow")
"""Parameters that older versions of boto3 do not know."""


def context_without(*members: str) -> Any:
    """Return a context whose boto3 does not know some parameters of a restore."""
    session: Any = sandbox_session()
    shape = session.client("rds", "us-east-1").meta.service_model.operation_model(RESTORE.name)
    known = {name: None for name in shape.input_shape.members if name not in members}
    model = SimpleNamespace(input_shape=SimpleNamespace(members=known))

    def operation_model(_: str) -> Any:
        return model

    service_model = SimpleNamespace(operation_model=operation_model)
    meta = SimpleNamespace(service_model=service_model)
    return SimpleNamespace(
        client=SimpleNamespace(meta=meta), destination=Destination(DESTINATION, "aws")
    )


@pytest.mark.parametrize("missing", [(), LATER])
def test_request_for_older_boto3(missing: tuple[str, ...]) -> None:
    """A restore sends what boto3 knows; a modification sets the rest."""
    target = Target(make_entry(), "orders-dr", TARGET, None)
    request = build_restore(context_without(*missing), target, BACKUP, {"run": "1"})
    for name in map(xform_name, LATER):
        assert getattr(request, name) == (None if missing else getattr(TARGET, name))
    assert request.multi_az is True
    assert {tag.key: tag.value for tag in request.tags or ()} == {"env": "prod", "run": "1"}


def test_network_that_is_not_mapped() -> None:
    """A restore without security groups would get the default group of the VPC."""
    entry = make_entry()
    with pytest.raises(RestoreError, match="has no backup"):
        find_backup([], Target(entry, "orders-dr", TARGET, None))
    unmapped = TARGET.model_copy(update={"vpc_security_group_ids": None})
    with pytest.raises(RestoreError, match=r"recovery\.security_group_ids .* retarget the book"):
        find_backup([], Target(entry, "orders-dr", unmapped, None))
