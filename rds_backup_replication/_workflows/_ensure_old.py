"""Making it so, however often it is asked for, and saying truthfully what was done.

A refusal may mean that it is so already, and RDS's wording of that is not
known; an answer may get lost after the call took effect. So whatever is
unclear is decided by looking again.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from .._botocore.errors import failed_attempts, may_have_taken_effect
from .._models import (
    DBInstanceAutomatedBackup,
    EnsureResult,
    StartDBInstanceAutomatedBackupsReplicationRequest,
)
from ..exceptions import (
    DBInstanceAutomatedBackupQuotaExceededFault,
    DBInstanceNotFoundFault,
    Difference,
    InvalidDBInstanceAutomatedBackupStateFault,
    InvalidDBInstanceStateFault,
    ReplicationDriftError,
    ServiceError,
)
from .kms import key_difference
from .lookup import READ_ERRORS, Context, find_replicated_backup, is_live, same_arn

# Seconds before each further look: RDS's answers are behind a change by a moment.
_PAUSES = (0, 1, 2, 4, 8)
# Refusals that may mean that it is so already; RDS's wording of them is not known.
_MAY_REPLICATE = (
    DBInstanceAutomatedBackupQuotaExceededFault,
    InvalidDBInstanceAutomatedBackupStateFault,
    InvalidDBInstanceStateFault,
)
_MAY_BE_STOPPED = (
    DBInstanceNotFoundFault,
    InvalidDBInstanceAutomatedBackupStateFault,
    InvalidDBInstanceStateFault,
)
# But for this one, with which RDS refuses to stop what does not replicate, or is being stopped.
_NOT_REPLICATING = "not replicating to the current region"


class Failed(NamedTuple):
    """A call whose failure leaves open what is so."""

    error: Exception
    may_be_ours: bool
    """Whether one of its attempts may have taken effect."""
    live: DBInstanceAutomatedBackup | None = None
    """The last live backup that was seen."""


def start(
    context: Context,
    request: StartDBInstanceAutomatedBackupsReplicationRequest,
    ending_arn: str | None = None,
) -> EnsureResult:
    """Starts it, or finds it started; the backup that is just ending does not count."""
    sent = _send(
        context,
        lambda: context.api.start_db_instance_automated_backups_replication(**dict(request)),
        _MAY_REPLICATE,
    )
    if isinstance(sent, DBInstanceAutomatedBackup):
        return EnsureResult("started", sent)
    for seen in _looks(context, request.source_db_instance_arn):
        if seen is None or not is_live(seen):
            continue
        if ending_arn and same_arn(seen.db_instance_automated_backups_arn, ending_arn):
            continue
        differences = differences_of(context, request, seen)
        # What may be this call's is as asked, unless it shows otherwise.
        if any(not (d.uncertainty and sent.may_be_ours) for d in differences):
            raise ReplicationDriftError(seen, differences) from sent.error
        return EnsureResult("started" if sent.may_be_ours else "unchanged", seen)
    raise sent.error


def ensure_stopped(context: Context, source_arn: str) -> DBInstanceAutomatedBackup | None:
    stopped = try_to_stop(context, source_arn)
    if isinstance(stopped, Failed):
        raise stopped.error
    return stopped


def try_to_stop(context: Context, source_arn: str) -> DBInstanceAutomatedBackup | Failed | None:
    """What this call has stopped, if anything; or the failure, if it may go on replicating."""
    before = find_replicated_backup(context.api, source_arn)
    sent = _send(
        context,
        lambda: context.api.stop_db_instance_automated_backups_replication(
            source_db_instance_arn=source_arn
        ),
        _MAY_BE_STOPPED,
    )
    if isinstance(sent, DBInstanceAutomatedBackup):
        return sent
    is_known_refusal = _NOT_REPLICATING in str(sent.error)
    # Answers may be behind a start. So to see nothing live counts if something live was seen, or
    # RDS says the same, or else if no look shows anything.
    says_so = is_known_refusal or isinstance(sent.error, DBInstanceNotFoundFault)
    live = before if before is not None and is_live(before) else None
    seen: DBInstanceAutomatedBackup | None = None
    has_ended = False
    for seen in _looks(context, source_arn):
        has_ended = seen is None or not is_live(seen)
        live = live if has_ended else seen
        if has_ended and (live is not None or says_so):
            break
    # What RDS refuses to stop with that sentence may go on showing as live for many minutes.
    if not (has_ended or is_known_refusal):
        return sent._replace(live=live)
    if not sent.may_be_ours or live is None:
        return None
    # What is left may be an earlier replication's, if it can be restored to a later time.
    arn = live.db_instance_automated_backups_arn
    if seen is None or (arn and not same_arn(seen.db_instance_automated_backups_arn, arn)):
        return live
    return seen


def _send(
    context: Context,
    call: Callable[[], DBInstanceAutomatedBackup],
    unclear: tuple[type[ServiceError], ...],
) -> DBInstanceAutomatedBackup | Failed:
    """The answer, or a failure that leaves open what is so; others are raised."""
    with failed_attempts(context.api.client) as failures:
        try:
            return call()
        except READ_ERRORS as error:
            failures.append(error)
            may_be_ours = any(map(may_have_taken_effect, failures))
            if not (may_be_ours or isinstance(error, unclear)):
                raise
            return Failed(error, may_be_ours)


def differences_of(
    context: Context,
    request: StartDBInstanceAutomatedBackupsReplicationRequest,
    backup: DBInstanceAutomatedBackup,
) -> list[Difference]:
    """What was asked for and is not so. A retention that RDS does not tell of counts as so."""
    differences: list[Difference] = []
    wanted, actual = request.backup_retention_period, backup.backup_retention_period
    if wanted is not None and actual is not None and wanted != actual:
        differences.append(Difference("backup_retention_period", wanted, actual))
    if request.kms_key_id is not None:
        difference = key_difference(context, request.kms_key_id, backup.kms_key_id)
        differences += [difference] if difference else []
    return differences


def _looks(context: Context, source_arn: str) -> Iterator[DBInstanceAutomatedBackup | None]:
    """A few looks; one that fails is left out, as what led to it says more."""
    for pause in _PAUSES:
        context.clock.sleep(pause)
        try:
            yield find_replicated_backup(context.api, source_arn)
        except READ_ERRORS:
            continue
