"""Making it so, however often it is asked for, and saying truthfully what was done.

A refusal may mean that it is so already, and RDS's wording of that is not
known; an answer may get lost after the call took effect. So whatever is
unclear is decided by looking again.
"""

import logging
from collections.abc import Iterator

from ._kms import key_difference
from ._look import LOOK_FAILED, Context, find_replicated_backup, is_live, server_failed
from ._models import (
    DBInstanceAutomatedBackup,
    EnsureResult,
    StartDBInstanceAutomatedBackupsReplicationRequest,
    WaitRequest,
)
from ._wait import wait_until_stopped
from .exceptions import (
    DBInstanceAutomatedBackupQuotaExceededFault,
    DBInstanceNotFoundFault,
    Difference,
    InvalidDBInstanceAutomatedBackupStateFault,
    InvalidDBInstanceStateFault,
    ReplicationDriftError,
    ServiceError,
)

_logger = logging.getLogger("rds_backup_replication")

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


def ensure_replication(
    context: Context,
    request: StartDBInstanceAutomatedBackupsReplicationRequest,
    *,
    replace: bool,
) -> EnsureResult:
    found = find_replicated_backup(context.api, request.source_db_instance_arn)
    if found is None or not is_live(found):
        return _start(context, request)
    differences = _differences(context, request, found)
    if not differences:
        return EnsureResult("unchanged", found)
    # Stopping on a mere guess would do so again on every run.
    if not replace or any(difference.uncertainty for difference in differences):
        raise ReplicationDriftError(found, differences)
    return _replace(context, request, found)


def ensure_stopped(context: Context, source_arn: str) -> DBInstanceAutomatedBackup | None:
    try:
        return context.api.stop_db_instance_automated_backups_replication(
            source_db_instance_arn=source_arn
        )
    except LOOK_FAILED as error:
        for seen in _looks_after(error, _MAY_BE_STOPPED, context, source_arn):
            if seen is None or not is_live(seen):
                return seen if _may_have_taken_effect(error) else None
        raise


def _start(
    context: Context, request: StartDBInstanceAutomatedBackupsReplicationRequest
) -> EnsureResult:
    try:
        backup = context.api.start_db_instance_automated_backups_replication(**dict(request))
    except LOOK_FAILED as error:
        source_arn = request.source_db_instance_arn
        for seen in _looks_after(error, _MAY_REPLICATE, context, source_arn):
            if seen is not None and is_live(seen):
                differences = _differences(context, request, seen)
                if differences:  # somebody else has just started it otherwise
                    raise ReplicationDriftError(seen, differences) from error
                return EnsureResult(
                    "started" if _may_have_taken_effect(error) else "unchanged", seen
                )
        raise
    return EnsureResult("started", backup)


def _replace(
    context: Context,
    request: StartDBInstanceAutomatedBackupsReplicationRequest,
    found: DBInstanceAutomatedBackup,
) -> EnsureResult:
    source_arn = request.source_db_instance_arn
    former = StartDBInstanceAutomatedBackupsReplicationRequest(
        source_db_instance_arn=source_arn,
        backup_retention_period=found.backup_retention_period,
        kms_key_id=found.kms_key_id,
        tags=[tag for tag in found.tag_list or () if not tag.key.startswith(("aws:", "rds:"))],
    )
    # What was not asked for stays as it is: an encrypted source needs its key.
    wanted = former.model_copy(update={name: value for name, value in request if value is not None})
    stopped = ensure_stopped(context, source_arn)
    # By its ARN: another of the same source may have been started in the meantime.
    arn = found.db_instance_automated_backups_arn
    wait = WaitRequest(
        db_instance_automated_backups_arn=arn, source_db_instance_arn=None if arn else source_arn
    )
    wait_until_stopped(context, wait, None)
    try:
        result = _start(context, wanted)
    except LOOK_FAILED as failure:
        outcome = _start_again(context, former)
        if not isinstance(failure, ServiceError):
            _logger.warning(outcome)
            raise
        if wanted.kms_key_id != former.kms_key_id:
            outcome += (
                " While retained backups of it exist, RDS takes no other KMS key than theirs."
            )
        hint = f"{failure.hint}\n{outcome}" if failure.hint else outcome
        raise type(failure)(failure.response, failure.operation_name, hint) from failure
    if stopped is None and result.action == "unchanged":  # others have replaced it
        return result
    return EnsureResult("replaced", result.backup)


def _start_again(
    context: Context, former: StartDBInstanceAutomatedBackupsReplicationRequest
) -> str:
    """Starts what was stopped in vain: an unwanted replication is better than none."""
    subject = f"The replication of {former.source_db_instance_arn} was stopped to replace it, and"
    try:
        context.api.start_db_instance_automated_backups_replication(**dict(former))
    except LOOK_FAILED as error:
        return f"{subject} starting it again as it was failed too, so nothing replicates: {error}"
    return f"{subject} has been started again as it was."


def _differences(
    context: Context,
    request: StartDBInstanceAutomatedBackupsReplicationRequest,
    backup: DBInstanceAutomatedBackup,
) -> list[Difference]:
    """What was asked for and is not so. What RDS does not tell of counts as so."""
    differences: list[Difference] = []
    wanted, actual = request.backup_retention_period, backup.backup_retention_period
    if wanted is not None and actual is not None and wanted != actual:
        differences.append(Difference("backup_retention_period", wanted, actual))
    if request.kms_key_id is not None:
        difference = key_difference(context, request.kms_key_id, backup.kms_key_id)
        differences += [difference] if difference else []
    return differences


def _looks_after(
    error: Exception, unclear: tuple[type[ServiceError], ...], context: Context, source_arn: str
) -> Iterator[DBInstanceAutomatedBackup | None]:
    """A few looks, if the error leaves it open whether it is so; else none."""
    if not (isinstance(error, unclear) or _may_have_taken_effect(error)):
        return
    for pause in _PAUSES:
        context.clock.sleep(pause)
        try:
            yield find_replicated_backup(context.api, source_arn)
        except LOOK_FAILED:  # the error says more
            continue


def _may_have_taken_effect(error: Exception) -> bool:
    if not isinstance(error, ServiceError):
        return True  # no answer, or one that cannot be read
    retried = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0
    return retried or server_failed(error)
