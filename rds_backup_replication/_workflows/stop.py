"""Stopping a replication, and finding out what an uncertain stop did."""

from .._context import Context
from .._models import DBInstanceAutomatedBackup
from .._operations import STOP
from ..exceptions import (
    DBInstanceNotFoundFault,
    InvalidDBInstanceAutomatedBackupStateFault,
    InvalidDBInstanceStateFault,
)
from .lookup import find_replicated_backup, is_same_arn
from .uncertain_call import UncertainCall, poll_outcome, send_change

# AWS does not document how RDS refuses a stop of a replication that does not exist.
_MAY_BE_STOPPED = (
    DBInstanceNotFoundFault,
    InvalidDBInstanceAutomatedBackupStateFault,
    InvalidDBInstanceStateFault,
)
# RDS refuses with this text if the instance does not replicate, or if its replication is ending.
_NOT_REPLICATING = "not replicating to the current region"


def ensure_stopped(context: Context, source_arn: str) -> DBInstanceAutomatedBackup | None:
    """Stop a replication if there is one, and return the backup whose replication ended."""
    stopped = try_to_stop(context, source_arn)
    if isinstance(stopped, UncertainCall):
        raise stopped.error
    return stopped


def try_to_stop(
    context: Context, source_arn: str
) -> DBInstanceAutomatedBackup | UncertainCall | None:
    """Return the backup whose replication this call stopped, or ``None`` if there was none.

    An ``UncertainCall`` means that the instance may still replicate.
    """
    before = find_replicated_backup(context, source_arn)
    sent = send_change(
        context, lambda: STOP.call(context, source_db_instance_arn=source_arn), _MAY_BE_STOPPED
    )
    if isinstance(sent, DBInstanceAutomatedBackup):
        return sent
    is_known_refusal = _NOT_REPLICATING in str(sent.error)
    # Describe is eventually consistent. Trust a response without an active backup only if an
    # earlier poll showed one, RDS said the same, or every poll was without one.
    is_confirmed = is_known_refusal or isinstance(sent.error, DBInstanceNotFoundFault)
    active = before if before is not None and before.is_active else None
    found: DBInstanceAutomatedBackup | None = None
    has_ended = False
    for found in poll_outcome(context, source_arn):
        has_ended = found is None or not found.is_active
        active = active if has_ended else found
        if has_ended and (active is not None or is_confirmed):
            break
    # After RDS has refused with that text, the backup may show as active for many minutes.
    if not (has_ended or is_known_refusal):
        return sent._replace(active=active)
    if not sent.may_have_taken_effect or active is None:
        return None
    # A retained backup of an earlier replication may have a later restorable time.
    arn = active.db_instance_automated_backups_arn
    if found is None or (arn and not is_same_arn(found.db_instance_automated_backups_arn, arn)):
        return active
    return found
