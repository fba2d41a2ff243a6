"""One planned action: check that its observed state still holds, then start, replace or stop."""

from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from .._models import (
    DBInstanceAutomatedBackup,
    ReplacementPhase,
    ReplaceRequest,
    StartRequest,
)
from .._operations import START
from .._validation import build_request
from .._workflows.drift import find_drift
from .._workflows.lookup import Source, select_backup
from .._workflows.preflight import is_reserved
from .._workflows.replace import replace_replication
from .._workflows.start import start_replication
from .._workflows.stop import ensure_stopped
from ..exceptions import ReplacementError, ReplicationDriftError
from ._destination import ACCOUNT_ERRORS, DestinationReader, Instance
from ._last_checks import find_gap, find_source_key_problem
from ._plan_records import ActionResult, Kind, ObservedState, Outcome, PlannedAction

STARTS: tuple[Kind, ...] = ("start", "move")
"""The kinds of actions that start a replication and stop none."""

_MAX_LISTING_AGE = 60.0  # seconds; for longer, a start describes the instance again
_CHANGED = "The replication has changed since the plan was made."


def apply_action(  # noqa: PLR0911  # one for each way that an action ends
    reader: DestinationReader,
    listing: "Future[None]",
    action: PlannedAction,
    instance: Instance | None,
    *,
    elsewhere: Mapping[str, DestinationReader],
    was_cut_off: bool = False,
    only_heals: bool = False,
) -> ActionResult:
    """Apply an action unless its observed state has changed; return the result.

    Args:
        reader: The reader of the action's destination.
        listing: The listing of the destination's backups, which a start uses.
        action: The action.
        instance: The instance of a start, as listed just now; ``None`` if there is none.
            Other actions describe the instance themselves.
        elsewhere: A reader of each Region that a stop of the batch has as ``moved_to``.
        was_cut_off: Whether the action began before, and may have stopped a replication.
        only_heals: Whether to leave an instance alone that replicates.
    """
    try:
        if action.kind in STARTS:
            listing.result()
        if action.kind in STARTS and reader.listing_age < _MAX_LISTING_AGE:
            backups = reader.backups_of(instance) if instance else []
        else:
            source_arn, source_region = str(action.source_db_instance_arn), action.source_region
            instance, backups = reader.describe(source_arn, source_region)
        if problem := _find_other_instance(action, instance):
            return _refused(action, problem)
        found = select_backup(backups)
        active = found if found is not None and found.is_active else None
        if action.kind == "stop":
            return _stop(reader, action, active, elsewhere)
        if only_heals and active is not None:
            return not_attempted(action, "The instance replicates, so nothing is healed.")
        if action.kind == "replace":
            return _replace(reader, action, active, instance)
        return _start(reader, action, active)
    except ReplicationDriftError:
        return _refused(action, _CHANGED)
    except Exception as error:  # noqa: BLE001  # an unexpected error must not stop other actions
        # This call has not stopped anything.
        return failed(action, error, is_protected=None if was_cut_off else True)


def _find_other_instance(action: PlannedAction, instance: Instance | None) -> str | None:
    """Return why the instance is not the one that the plan observed."""
    if instance is None:
        return "The instance no longer exists."
    if instance.dbi_resource_id != _observed(action).dbi_resource_id:
        return "Another instance has this name now."
    return None


def _start(
    reader: DestinationReader, action: PlannedAction, active: DBInstanceAutomatedBackup | None
) -> ActionResult:
    """Start a replication."""
    if active is not None:
        if find_drift(reader.context, StartRequest.model_construct(**_settings(action)), active):
            return _refused(action, _CHANGED)
        return _succeeded(action, active, "unchanged")
    request = START.build_request(reader.context.destination, **_settings(action))
    resource_id = _observed(action).dbi_resource_id
    source = Source(request.source_db_instance_arn, resource_id is not None, resource_id)
    result = reader.context.run(start_replication(reader.context, request, source))
    return _succeeded(
        action, result.backup, "unchanged" if result.action == "unchanged" else "done"
    )


def _replace(
    reader: DestinationReader,
    action: PlannedAction,
    active: DBInstanceAutomatedBackup | None,
    instance: Instance | None,
) -> ActionResult:
    """Replace a replication; start it if an interrupted replacement has ended it."""
    if active is not None:
        wanted = StartRequest.model_construct(**_settings(action))
        if not find_drift(reader.context, wanted, active):
            return _succeeded(action, active, "unchanged")
        if problem := _find_obstacle(reader, action, active, instance):
            return _refused(action, problem)
    phase: ReplacementPhase = "preflight"

    def note_phase(progress: Any) -> None:
        nonlocal phase
        phase = progress.phase

    try:
        request = build_request(
            START.name, ReplaceRequest, reader.context.destination, _settings(action)
        )
        result = reader.context.run(replace_replication(reader.context, request, note_phase))
    except ReplicationDriftError:
        raise
    except ReplacementError as error:
        return failed(action, error, is_protected=error.is_protected)
    except Exception as error:  # noqa: BLE001  # an unexpected error must not stop other actions
        # In the phase "stop", only a stop that RDS certainly refused raises another error.
        is_protected = active is not None and phase in ("preflight", "stop")
        return failed(action, error, is_protected=is_protected or None)
    return _succeeded(
        action, result.backup, "unchanged" if result.action == "unchanged" else "done"
    )


def _find_obstacle(
    reader: DestinationReader,
    action: PlannedAction,
    active: DBInstanceAutomatedBackup,
    instance: Instance | None,
) -> str | None:
    """Return why a replication must not be replaced now."""
    if not _is_as_observed(active, action):
        return _CHANGED
    if lost := _find_lost_tags(active, action):
        return f"The replacement would lose tags that the plan does not have: {lost}."
    problem = find_source_key_problem(reader, action, instance)
    return problem and f"{problem}."


def _stop(
    reader: DestinationReader,
    action: PlannedAction,
    active: DBInstanceAutomatedBackup | None,
    elsewhere: Mapping[str, DestinationReader],
) -> ActionResult:
    """Stop a replication, unless it still is the only one that protects the instance."""
    if active is None:
        return _succeeded(action, None, "unchanged")
    if not _is_as_observed(active, action):
        return _refused(action, _CHANGED)
    if action.moved_to is not None:
        problem = find_gap(elsewhere[action.moved_to], action)
        if problem is not None:
            subject = f"The replication to {action.moved_to} cannot take the place of this one"
            return _refused(action, f"{subject}: {problem}.")
    source_arn = action.source_db_instance_arn or ""
    stopped = reader.context.run(ensure_stopped(reader.context, source_arn))
    if stopped is None:
        return _succeeded(action, None, "unchanged")
    result = _succeeded(action, stopped, "done")
    return result.model_copy(update={"message": _describe_end(reader, action)})


def _describe_end(reader: DestinationReader, action: PlannedAction) -> str | None:
    """Return a sentence if RDS has accepted a stop, and still shows the replication as active."""
    with suppress(*ACCOUNT_ERRORS):  # the stop has succeeded, whatever this request does
        _, backups = reader.describe(str(action.source_db_instance_arn), action.source_region)
        found = select_backup(backups)
        if found is not None and found.is_active:
            return "RDS is still ending the replication, which keeps its place in the quota."
    return None


def _settings(action: PlannedAction) -> dict[str, Any]:
    """Return the parameters of the request that starts the replication."""
    return {
        "source_db_instance_arn": action.source_db_instance_arn,
        "backup_retention_period": action.backup_retention_period,
        "kms_key_id": action.kms_key_id,
        "tags": action.tags,
    }


def _observed(action: PlannedAction) -> ObservedState:
    return action.observed or ObservedState()


def _is_as_observed(active: DBInstanceAutomatedBackup, action: PlannedAction) -> bool:
    """Return whether the active backup is the one that the plan observed."""
    observed = _observed(action)
    return (
        active.db_instance_automated_backups_arn,
        active.backup_retention_period,
        active.kms_key_id,
    ) == (
        observed.db_instance_automated_backups_arn,
        observed.backup_retention_period,
        observed.kms_key_id,
    )


def _find_lost_tags(active: DBInstanceAutomatedBackup, action: PlannedAction) -> str:
    """Return the keys of the tags that somebody has added since the plan was made."""
    if action.tags is None:  # the replacement keeps the tags
        return ""
    return ", ".join(
        tag.key
        for tag in active.tag_list or ()
        if tag.key not in action.tags and not is_reserved(tag)
    )


def _succeeded(
    action: PlannedAction, backup: DBInstanceAutomatedBackup | None, outcome: Outcome
) -> ActionResult:
    arn = backup.db_instance_automated_backups_arn if backup else None
    return ActionResult(action=action, outcome=outcome, db_instance_automated_backups_arn=arn)


def _refused(action: PlannedAction, message: str) -> ActionResult:
    return ActionResult(action=action, outcome="refused", message=f"{message} Plan again.")


def failed(action: PlannedAction, error: Exception, *, is_protected: bool | None) -> ActionResult:
    """Return the result of an action that raised an error.

    Args:
        action: The action.
        error: The error.
        is_protected: For a replacement: whether the instance replicates, if that is known.
    """
    return ActionResult(
        action=action,
        outcome="failed",
        message=str(error) if isinstance(error, ACCOUNT_ERRORS) else repr(error),
        is_protected=is_protected if action.kind == "replace" else None,
    )


def not_attempted(action: PlannedAction, reason: str | None = None) -> ActionResult:
    """Return the result of an action that did not begin, because of an interruption or a reason."""
    return ActionResult(action=action, outcome="not_attempted", message=reason)
