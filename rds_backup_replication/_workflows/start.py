"""Starting a replication, and finding out what an uncertain start did."""

from collections.abc import Callable, Iterable

from .._context import Context
from .._limits import CONFIRMATION_PAUSES
from .._models import DBInstanceAutomatedBackup, EnsureResult, StartRequest
from .._operations import START
from .._steps import Steps
from ..exceptions import (
    DBInstanceAutomatedBackupQuotaExceededFault,
    InvalidDBInstanceAutomatedBackupStateFault,
    InvalidDBInstanceStateFault,
    ReplicationDriftError,
)
from .drift import find_drift
from .lookup import Source, identify_source
from .uncertain_call import UncertainCall, poll_outcome, send_change

_BACKUPS_OFF = "backup retention enabled"


def may_replicate(error: Exception) -> bool:
    """Return whether RDS may have refused a start because the instance replicates already.

    AWS does not document how RDS refuses that. It also uses these faults where the instance is
    busy or the quota is used up. Both may resolve by themselves.
    """
    if isinstance(error, InvalidDBInstanceStateFault):
        return _BACKUPS_OFF not in error.message.lower()
    return isinstance(
        error,
        (DBInstanceAutomatedBackupQuotaExceededFault, InvalidDBInstanceAutomatedBackupStateFault),
    )


def start_replication(
    context: Context,
    request: StartRequest,
    source: Source,
    *,
    is_ending: Callable[[DBInstanceAutomatedBackup], bool] = lambda _: False,
) -> Steps[EnsureResult]:
    """Start a replication, or return the one that exists already."""
    started = yield from try_to_start(context, request, source, is_ending=is_ending)
    if isinstance(started, UncertainCall):
        raise started.error
    return started


def try_to_start(
    context: Context,
    request: StartRequest,
    source: Source,
    *,
    pauses: Iterable[float] = CONFIRMATION_PAUSES,
    is_ending: Callable[[DBInstanceAutomatedBackup], bool] = lambda _: False,
) -> Steps[EnsureResult | UncertainCall]:
    """Return the replication that this call started or found.

    An ``UncertainCall`` means that the instance may replicate although no poll showed it.
    ``pauses`` are the seconds before each of these polls. A backup whose replication
    ``is_ending`` does not count.
    """
    sent = send_change(context, lambda: START.send(context, request), may_replicate)
    if isinstance(sent, DBInstanceAutomatedBackup):
        return EnsureResult("started", sent, source_checked=True)
    if not source.is_checked:  # another instance's backup must not count as the new one's
        source = yield from identify_source(context, source.arn)

    def conclude(found: DBInstanceAutomatedBackup | None) -> EnsureResult | None:
        if found is None or not found.is_active or is_ending(found):
            return None
        differences = find_drift(context, request, found)
        # A backup that this call may have started has the requested settings, unless a
        # difference is certain.
        if any(not (d.uncertainty and sent.may_have_taken_effect) for d in differences):
            raise ReplicationDriftError(found, differences) from sent.error
        if sent.may_have_taken_effect:  # the source's list may be older than this start
            return EnsureResult("started", found, source.owns(found))
        return EnsureResult("unchanged", found, source.confirms(found))

    return (yield from poll_outcome(context, source, conclude, pauses)) or sent
