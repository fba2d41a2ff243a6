"""Replacing a replication: RDS cannot modify one, so it is stopped and started anew.

Between the two nothing replicates. So whatever fails in between, the former one is
started again, and what became of it is logged.
"""

import logging
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from .. import _operations
from .._models import (
    POLL_INTERVAL,
    WAIT_TIMEOUT,
    BackupStatus,
    DBInstanceAutomatedBackup,
    EnsureResult,
    StartDBInstanceAutomatedBackupsReplicationRequest,
    WaitRequest,
)
from ..exceptions import (
    InvalidDBInstanceStateFault,
    ReplicationDriftError,
    RequestValidationError,
    ServiceError,
    WaitTimeoutError,
)
from ._ensure_old import Failed, differences_of, start, try_to_stop
from .lookup import Context, backups_of, best_of, is_live
from .wait import wait_until_stopped

_logger = logging.getLogger("rds_backup_replication")
_BACKUPS_OFF = "backup retention enabled"


def ensure_replication(
    context: Context,
    request: StartDBInstanceAutomatedBackupsReplicationRequest,
    *,
    replace: bool,
) -> EnsureResult:
    backups = backups_of(context.api, request.source_db_instance_arn)
    found = best_of(backups)
    if found is None or not is_live(found):
        return start(context, request)
    differences = differences_of(context, request, found)
    if not differences:
        return EnsureResult("unchanged", found)
    # Stopping on a mere guess, or for a key that RDS will refuse, would do so again on every run.
    has_copies = any(backup.status != BackupStatus.PENDING for backup in backups)
    if not replace or any(
        difference.uncertainty or (difference.parameter == "kms_key_id" and has_copies)
        for difference in differences
    ):
        raise ReplicationDriftError(found, differences)
    return replace_replication(context, request, found)


def replace_replication(
    context: Context,
    request: StartDBInstanceAutomatedBackupsReplicationRequest,
    found: DBInstanceAutomatedBackup,
) -> EnsureResult:
    source_arn = request.source_db_instance_arn
    former = _as_it_is(context, found, source_arn)
    # What was not asked for stays as it is: an encrypted source needs its key.
    wanted = former.model_copy(update={name: value for name, value in request if value is not None})
    with _interruption_is_logged(source_arn):
        stopped = try_to_stop(context, source_arn)
        if isinstance(stopped, Failed) and not stopped.may_be_ours:
            raise stopped.error
        is_unclear = isinstance(stopped, Failed)
        subject = (
            f"The replication of {source_arn} {'may have been' if is_unclear else 'was'} stopped "
            "to replace it"
        )
        # By its ARN: another of the same source may be started in the meantime.
        ending_arn = _arn_of(stopped.live if isinstance(stopped, Failed) else stopped, found)
        try:
            if isinstance(stopped, Failed):  # RDS tells whether there is one to stop
                stopped = try_to_stop(context, source_arn)
                if isinstance(stopped, Failed):
                    raise stopped.error  # noqa: TRY301  # it is mended below
                ending_arn = _arn_of(stopped) or ending_arn
            wait = WaitRequest(
                db_instance_automated_backups_arn=ending_arn,
                source_db_instance_arn=None if ending_arn else source_arn,
            )
            wait_until_stopped(context, wait, None)
            result = _start_when_free(context, wanted, ending_arn)
        except WaitTimeoutError as error:
            _logger.warning("%s, and not started anew: %s", subject, error)
            _add_note(error, f"{subject}, and not started anew")
            raise
        except Exception as failure:
            outcome = _start_again(context, former, wanted, ending_arn)
            if isinstance(outcome, EnsureResult):
                return outcome
            outcome = f"{subject}, and {outcome}"
            _logger.warning(outcome)
            if not isinstance(failure, ServiceError):
                _add_note(failure, outcome)
                raise
            hint = f"{failure.hint}\n{outcome}" if failure.hint else outcome
            refusal = type(failure)(failure.response, failure.operation_name, hint)
            raise refusal from failure.__cause__
    if stopped is None and result.action == "unchanged":  # others have replaced it
        return result
    return EnsureResult("replaced", result.backup)


def _as_it_is(
    context: Context, found: DBInstanceAutomatedBackup, source_arn: str
) -> StartDBInstanceAutomatedBackupsReplicationRequest:
    """What starts it again; so that what could not be started again is not stopped."""
    keywords = {
        "source_db_instance_arn": source_arn,
        "backup_retention_period": found.backup_retention_period,
        "kms_key_id": found.kms_key_id,
        "tags": [tag for tag in found.tag_list or () if not tag.key.startswith(("aws:", "rds:"))],
    }
    try:
        return _operations.START.validate(context.destination, keywords)
    except RequestValidationError as error:
        # Else they would look like mistakes in the call.
        mistakes = [
            replace(mistake, parameter=f"{mistake.parameter} of what replicates now")
            for mistake in error.errors
        ]
    raise RequestValidationError(_operations.START.name, mistakes)


def _add_note(error: Exception, note: str) -> None:
    if sys.version_info >= (3, 11):
        error.add_note(note)


def _start_again(
    context: Context,
    former: StartDBInstanceAutomatedBackupsReplicationRequest,
    wanted: StartDBInstanceAutomatedBackupsReplicationRequest,
    ending_arn: str | None,
) -> EnsureResult | str:
    """Starts what was stopped in vain, and says what came of it: any replication beats none."""
    try:
        _start_when_free(context, former, ending_arn)
    except Exception as error:  # noqa: BLE001  # what it failed with before is raised
        if isinstance(error, ReplicationDriftError):
            started = error.backup
            if not differences_of(context, wanted, started):  # its answer was lost, and it is there
                return EnsureResult("replaced", started)
        return f"could not be started again: {error}"
    return "has been started again as it was."


def _start_when_free(
    context: Context,
    request: StartDBInstanceAutomatedBackupsReplicationRequest,
    ending_arn: str | None,
) -> EnsureResult:
    """Starts it as soon as the source is no longer busy with the end of the former one."""
    clock = context.clock
    deadline = clock.monotonic() + WAIT_TIMEOUT.total_seconds()
    while True:
        try:
            return start(context, request, ending_arn)
        except InvalidDBInstanceStateFault as error:
            if _BACKUPS_OFF in error.message or clock.monotonic() >= deadline:
                raise
        clock.sleep(POLL_INTERVAL.total_seconds())


@contextmanager
def _interruption_is_logged(source_arn: str) -> Generator[None, None, None]:
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception):
            _logger.warning(
                "The replacement of the replication of %s was interrupted by %r: it may have been "
                "stopped, and not started anew",
                *(source_arn, error),
            )
        raise


def _arn_of(*backups: DBInstanceAutomatedBackup | None) -> str | None:
    """The ARN of the first that has one."""
    arns = (backup.db_instance_automated_backups_arn for backup in backups if backup is not None)
    return next(filter(None, arns), None)
