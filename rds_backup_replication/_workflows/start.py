"""Starting a replication, and finding out what an uncertain start did."""

from .._context import Context
from .._models import DBInstanceAutomatedBackup, EnsureResult, StartRequest
from .._operations import START
from ..exceptions import (
    DBInstanceAutomatedBackupQuotaExceededFault,
    InvalidDBInstanceAutomatedBackupStateFault,
    InvalidDBInstanceStateFault,
    ReplicationDriftError,
)
from .drift import find_drift
from .lookup import is_same_arn
from .uncertain_call import poll_outcome, send_change

# AWS does not document how RDS refuses a start of a replication that exists already.
_MAY_REPLICATE = (
    DBInstanceAutomatedBackupQuotaExceededFault,
    InvalidDBInstanceAutomatedBackupStateFault,
    InvalidDBInstanceStateFault,
)


def start_replication(
    context: Context, request: StartRequest, ending_arn: str | None = None
) -> EnsureResult:
    """Start a replication, or return the one that exists already.

    A backup with ``ending_arn``, whose replication is ending, does not count.
    """
    sent = send_change(context, lambda: START.send(context.client, request), _MAY_REPLICATE)
    if isinstance(sent, DBInstanceAutomatedBackup):
        return EnsureResult("started", sent)
    for found in poll_outcome(context, request.source_db_instance_arn):
        if found is None or not found.is_active:
            continue
        if ending_arn and is_same_arn(found.db_instance_automated_backups_arn, ending_arn):
            continue
        differences = find_drift(context, request, found)
        # A backup that this call may have started has the requested settings, unless a
        # difference is certain.
        if any(not (d.uncertainty and sent.may_have_taken_effect) for d in differences):
            raise ReplicationDriftError(found, differences) from sent.error
        return EnsureResult("started" if sent.may_have_taken_effect else "unchanged", found)
    raise sent.error
