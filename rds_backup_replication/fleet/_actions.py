"""One planned action: check that its observed state still holds, then start, replace or stop."""

from concurrent.futures import Future
from typing import Any

from .._models import DBInstanceAutomatedBackup, ReplaceRequest, StartRequest
from .._operations import START
from .._validation import build_request
from .._workflows.drift import find_drift
from .._workflows.lookup import Source, select_backup
from .._workflows.replace import replace_replication
from .._workflows.start import start_replication
from .._workflows.stop import ensure_stopped
from ..exceptions import ReplicationDriftError
from ._destination import ACCOUNT_ERRORS, DestinationReader, Instance
from ._plan_records import ActionResult, ObservedState, Outcome, PlannedAction

_MAX_LISTING_AGE = 60.0  # seconds; for longer, a start describes the instance again
_CHANGED = "The replication has changed since the plan was made."


def apply_action(
    reader: DestinationReader,
    listing: "Future[None]",
    action: PlannedAction,
    instance: Instance | None,
) -> ActionResult:
    """Apply an action unless its observed state has changed; return the result.

    Args:
        reader: The reader of the action's destination.
        listing: The listing of the destination's backups, which a start uses.
        action: The action.
        instance: The instance of a start, as listed just now; ``None`` if there is none.
            Other actions describe the instance themselves.
    """
    try:
        if action.kind == "start":
            listing.result()
        if action.kind == "start" and reader.listing_age < _MAX_LISTING_AGE:
            backups = reader.backups_of(instance) if instance else []
        else:
            source_arn, source_region = str(action.source_db_instance_arn), action.source_region
            instance, backups = reader.describe(source_arn, source_region)
        if instance is None:
            return _refused(action, "The instance no longer exists.")
        if instance.dbi_resource_id != (action.observed or ObservedState()).dbi_resource_id:
            return _refused(action, "Another instance has this name now.")
        found = select_backup(backups)
        active = found if found is not None and found.is_active else None
        return (_stop if action.kind == "stop" else _start)(reader, action, active)
    except ReplicationDriftError:
        return _refused(action, _CHANGED)
    except Exception as error:  # noqa: BLE001  # an unexpected error must not stop other actions
        return failed(action, error)


def _start(
    reader: DestinationReader, action: PlannedAction, active: DBInstanceAutomatedBackup | None
) -> ActionResult:
    """Start or replace a replication."""
    dbi_resource_id = (action.observed or ObservedState()).dbi_resource_id
    keywords: dict[str, Any] = {
        "source_db_instance_arn": action.source_db_instance_arn,
        "backup_retention_period": action.backup_retention_period,
        "kms_key_id": action.kms_key_id,
        "tags": action.tags,
    }
    if active is None:
        request = START.build_request(reader.context.destination, **keywords)
        source = Source(
            request.source_db_instance_arn, dbi_resource_id is not None, dbi_resource_id
        )
        result = reader.context.run(start_replication(reader.context, request, source))
    elif not find_drift(reader.context, StartRequest.model_construct(**keywords), active):
        return _succeeded(action, active, "unchanged")
    elif action.kind == "replace" and _is_as_observed(active, action):
        request = build_request(START.name, ReplaceRequest, reader.context.destination, keywords)
        result = reader.context.run(replace_replication(reader.context, request, None))
    else:
        return _refused(action, _CHANGED)
    outcome: Outcome = "unchanged" if result.action == "unchanged" else "done"
    return _succeeded(action, result.backup, outcome)


def _stop(
    reader: DestinationReader, action: PlannedAction, active: DBInstanceAutomatedBackup | None
) -> ActionResult:
    if active is None:
        return _succeeded(action, None, "unchanged")
    if not _is_as_observed(active, action):
        return _refused(action, _CHANGED)
    source_arn = action.source_db_instance_arn or ""
    stopped = reader.context.run(ensure_stopped(reader.context, source_arn))
    return _succeeded(action, stopped, "done" if stopped else "unchanged")


def _is_as_observed(active: DBInstanceAutomatedBackup, action: PlannedAction) -> bool:
    """Return whether the active backup is the one that the plan observed."""
    observed = action.observed or ObservedState()
    return (
        active.db_instance_automated_backups_arn,
        active.backup_retention_period,
        active.kms_key_id,
    ) == (
        observed.db_instance_automated_backups_arn,
        observed.backup_retention_period,
        observed.kms_key_id,
    )


def _succeeded(
    action: PlannedAction, backup: DBInstanceAutomatedBackup | None, outcome: Outcome
) -> ActionResult:
    arn = backup.db_instance_automated_backups_arn if backup else None
    return ActionResult(action=action, outcome=outcome, db_instance_automated_backups_arn=arn)


def _refused(action: PlannedAction, message: str) -> ActionResult:
    return ActionResult(action=action, outcome="refused", message=f"{message} Plan again.")


def failed(action: PlannedAction, error: Exception) -> ActionResult:
    """Return the result of an action that raised an error."""
    message = str(error) if isinstance(error, ACCOUNT_ERRORS) else repr(error)
    return ActionResult(action=action, outcome="failed", message=message)


def not_attempted(action: PlannedAction) -> ActionResult:
    """Return the result of an action that an interruption prevented."""
    return ActionResult(action=action, outcome="not_attempted")
