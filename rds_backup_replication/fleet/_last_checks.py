"""What apply looks at right before it stops a replication."""

from .._models import DBInstanceAutomatedBackup, SourceInstance
from .._workflows.kms import describe_key
from .._workflows.lookup import is_same_id, select_backup
from .._workflows.reasons import key_not_described, key_reasons, risk_reasons
from ._destination import DestinationReader, Instance
from ._durations import format_duration
from ._plan_records import PlannedAction


def find_gap(there: DestinationReader, action: PlannedAction) -> str | None:
    """Return why the replication in another Region does not protect the instance yet."""
    resource_id = action.observed.dbi_resource_id if action.observed else None
    if resource_id is None:
        return "the plan does not have the resource ID of the instance"
    instance, backups = there.describe(str(action.source_db_instance_arn), action.source_region)
    own = select_backup(b for b in backups if is_same_id(b.dbi_resource_id, resource_id))
    return _find_backup_problem(own, action) or _find_risk(there, action, own, instance)


def _find_backup_problem(
    own: DBInstanceAutomatedBackup | None, action: PlannedAction
) -> str | None:
    if own is None or not own.is_active:
        return "the instance does not replicate there"
    if not own.is_replicating:
        return f"the status of its backup is {own.status}"
    lag = own.lag()
    if lag is None:
        return "its backup cannot be restored yet"
    if action.maximum_lag is None or lag > action.maximum_lag:
        return f"its backup lags by {format_duration(lag, max_units=2)}"
    return None


def _find_risk(
    there: DestinationReader,
    action: PlannedAction,
    own: DBInstanceAutomatedBackup | None,
    instance: SourceInstance | None,
) -> str | None:
    region_name = str(action.moved_to)
    if instance is not None:
        for reason in risk_reasons(instance, region_name):
            return reason.message.removesuffix(".")
    kms_key_id = own.kms_key_id if own else None
    return _find_key_problem(there, region_name, kms_key_id, must_answer=True) or (
        find_source_key_problem(there, action, instance)
    )


def find_source_key_problem(
    reader: DestinationReader, action: PlannedAction, instance: Instance | None
) -> str | None:
    """Return why RDS cannot read the source any more, if KMS says so."""
    kms_key_id = instance.kms_key_id if isinstance(instance, SourceInstance) else None
    return _find_key_problem(reader, action.source_region, kms_key_id, must_answer=False)


def _find_key_problem(
    reader: DestinationReader, region_name: str, kms_key_id: str | None, *, must_answer: bool
) -> str | None:
    """Return why RDS cannot use a key, or that KMS did not say whether it can."""
    if kms_key_id is None:
        return None
    try:
        metadata = describe_key(reader.context, kms_key_id, region_name)
        found = list(key_reasons(kms_key_id, metadata))
    except Exception as error:  # noqa: BLE001  # a response that is not from KMS raises any
        question = f"whether the KMS key {kms_key_id} is enabled"
        found = [key_not_described(question, kms_key_id, error, region_name)]
        if not must_answer:
            return None
    return found[0].message.removesuffix(".") if found else None
