"""Stopping a replication, and finding out what an uncertain stop did."""

import logging

from .._context import Context
from .._models import DBInstanceAutomatedBackup
from .._operations import STOP
from .._steps import Steps
from ..exceptions import (
    DBInstanceNotFoundFault,
    InvalidDBInstanceAutomatedBackupStateFault,
    InvalidDBInstanceStateFault,
)
from .lookup import Source, find_replicated_backup, identify_source, is_same_id, list_backups_by_arn
from .uncertain_call import UncertainCall, poll_outcome, send_change

# AWS does not document how RDS refuses a stop of a replication that does not exist.
_MAY_BE_STOPPED = (
    DBInstanceNotFoundFault,
    InvalidDBInstanceAutomatedBackupStateFault,
    InvalidDBInstanceStateFault,
)
_logger = logging.getLogger("rds_backup_replication")

# RDS refuses with this text if the instance does not replicate, or if its replication is ending.
_NOT_REPLICATING = "not replicating to the current region"


def ensure_stopped(context: Context, source_arn: str) -> Steps[DBInstanceAutomatedBackup | None]:
    """Stop a replication if there is one, and return the backup whose replication ended."""
    source = yield from identify_source(context, source_arn)
    stopped = yield from try_to_stop(context, source)
    if isinstance(stopped, UncertainCall):
        raise stopped.error
    return stopped


def try_to_stop(
    context: Context, source: Source
) -> Steps[DBInstanceAutomatedBackup | UncertainCall | None]:
    """Return the backup whose replication this call stopped, or ``None`` if there was none.

    An ``UncertainCall`` means that the instance may still replicate.
    """
    # The instance is gone, so only the ARN can find its backups.
    if source.is_checked and source.dbi_resource_id is None:
        source = Source.unchecked(source.arn)
    before = find_replicated_backup(context, source)
    if (
        (before is None or not before.is_active)
        and _is_of_former_instance(context, source)
        and not (yield from poll_outcome(context, source, _if_active))
    ):
        _logger.warning(
            "The client stops nothing: the active backup with the ARN %s is of an instance "
            "that had this name before, and the instance %s does not replicate",
            *(source.arn, source.dbi_resource_id),
        )
        return None
    sent = send_change(
        context,
        lambda: STOP.call(context, source_db_instance_arn=source.arn),
        lambda error: isinstance(error, _MAY_BE_STOPPED),
    )
    if isinstance(sent, DBInstanceAutomatedBackup):
        return sent
    is_known_refusal = _NOT_REPLICATING in str(sent.error)
    # Describe is eventually consistent. Trust a response without an active backup only if an
    # earlier poll showed one, RDS said the same, or every poll was without one.
    is_confirmed = is_known_refusal or isinstance(sent.error, DBInstanceNotFoundFault)
    active = _if_active(before)
    found: DBInstanceAutomatedBackup | None = None
    has_ended = False

    def conclude(polled: DBInstanceAutomatedBackup | None) -> bool | None:
        nonlocal found, has_ended, active
        found, has_ended = polled, _if_active(polled) is None
        active = _if_active(polled) or active
        return True if has_ended and (active is not None or is_confirmed) else None

    yield from poll_outcome(context, source, conclude)
    # After RDS has refused with that text, the backup may show as active for many minutes.
    if not (has_ended or is_known_refusal):
        return sent._replace(active=active)
    if not sent.may_have_taken_effect or active is None:
        return None
    # A retained backup of an earlier replication may have a later restorable time.
    arn = active.db_instance_automated_backups_arn
    if found is None or (arn and not is_same_id(found.db_instance_automated_backups_arn, arn)):
        return active
    return found


def _if_active(backup: DBInstanceAutomatedBackup | None) -> DBInstanceAutomatedBackup | None:
    """Return the backup if it is active, and else ``None``."""
    return backup if backup is not None and backup.is_active else None


def _is_of_former_instance(context: Context, source: Source) -> bool:
    """Return whether a stop might end the replication of an instance that had the name before."""
    return source.is_checked and any(
        backup.is_active and backup.dbi_resource_id and not source.owns(backup)
        for backup in list_backups_by_arn(context, source.arn)
    )
