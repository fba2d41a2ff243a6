"""Replacing a replication: RDS cannot modify one, so the client stops and restarts it.

If anything fails in between, the client restarts the former replication and logs the outcome.
"""

import logging
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from .._context import Context
from .._limits import POLL_INTERVAL, WAIT_TIMEOUT
from .._models import DBInstanceAutomatedBackup, EnsureResult, StartRequest
from .._operations import START
from ..exceptions import (
    InvalidDBInstanceStateFault,
    ReplicationDriftError,
    RequestValidationError,
    ServiceError,
    WaitTimeoutError,
)
from .drift import find_drift
from .start import start_replication
from .stop import try_to_stop
from .uncertain_call import UncertainCall
from .wait import wait_until_stopped

_logger = logging.getLogger("rds_backup_replication")
_BACKUPS_OFF = "backup retention enabled"


def replace_replication(
    context: Context, request: StartRequest, found: DBInstanceAutomatedBackup
) -> EnsureResult:
    """Stop the replication that was found, and start it with the requested settings."""
    source_arn = request.source_db_instance_arn
    former = _former_request(context, found, source_arn)
    # Omitted settings stay the same; an encrypted source, for example, needs its key.
    requested = former.model_copy(
        update={name: value for name, value in request if value is not None}
    )
    with _log_interruption(source_arn):
        stopped = try_to_stop(context, source_arn)
        if isinstance(stopped, UncertainCall) and not stopped.may_have_taken_effect:
            raise stopped.error
        verb = "may have stopped" if isinstance(stopped, UncertainCall) else "stopped"
        subject = f"The client {verb} the replication of {source_arn} to replace it"
        # Only this replication, because another caller may start one of the same source.
        ending = stopped.active if isinstance(stopped, UncertainCall) else stopped
        ending_arn = _first_arn(ending, found)
        try:
            if isinstance(stopped, UncertainCall):  # RDS's response shows whether it replicates
                stopped = try_to_stop(context, source_arn)
                if isinstance(stopped, UncertainCall):
                    raise stopped.error  # noqa: TRY301  # handled below
                ending_arn = _first_arn(stopped) or ending_arn
            wait_until_stopped(
                context,
                None,
                db_instance_automated_backups_arn=ending_arn,
                source_db_instance_arn=None if ending_arn else source_arn,
            )
            result = _start_when_available(context, requested, ending_arn)
        except WaitTimeoutError as error:
            outcome = f"{subject} and did not restart it"
            _logger.warning("%s: %s", outcome, error)
            _add_note(error, f"{outcome}.")
            raise
        except Exception as failure:
            restarted = _restart(context, former, requested, ending_arn)
            if isinstance(restarted, EnsureResult):
                return restarted
            outcome = f"{subject}. {restarted}"
            _logger.warning(outcome)
            if not isinstance(failure, ServiceError):
                _add_note(failure, outcome)
                raise
            hint = f"{failure.hint}\n{outcome}" if failure.hint else outcome
            refusal = type(failure)(failure.response, failure.operation_name, hint)
            raise refusal from failure.__cause__
    if stopped is None and result.action == "unchanged":  # another caller replaced it
        return result
    return EnsureResult("replaced", result.backup)


def _former_request(
    context: Context, found: DBInstanceAutomatedBackup, source_arn: str
) -> StartRequest:
    """Return the validated request that restarts the replication with its current settings."""
    keywords = {
        "source_db_instance_arn": source_arn,
        "backup_retention_period": found.backup_retention_period,
        "kms_key_id": found.kms_key_id,
        "tags": [tag for tag in found.tag_list or () if not tag.key.startswith(("aws:", "rds:"))],
    }
    try:
        return START.build_request(context.destination, **keywords)
    except RequestValidationError as error:
        errors = [
            replace(invalid, parameter=f"{invalid.parameter} of the active replication")
            for invalid in error.errors
        ]
    raise RequestValidationError(START.name, errors)


def _add_note(error: Exception, note: str) -> None:
    if sys.version_info >= (3, 11):
        error.add_note(note)


def _restart(
    context: Context, former: StartRequest, requested: StartRequest, ending_arn: str | None
) -> EnsureResult | str:
    """Restart the former replication, and return the outcome as a sentence.

    The result is an ``EnsureResult`` if the requested replication turns out to have started.
    """
    try:
        _start_when_available(context, former, ending_arn)
    except Exception as error:  # noqa: BLE001  # the caller raises the first error
        if isinstance(error, ReplicationDriftError):
            if not find_drift(context, requested, error.backup):  # only its response was lost
                return EnsureResult("replaced", error.backup)
            return "Another caller started a replication with other settings."
        return f"The client could not restart it: {error}"
    return "The client restarted it with its former settings."


def _start_when_available(
    context: Context, request: StartRequest, ending_arn: str | None
) -> EnsureResult:
    """Start a replication, and retry while the end of the former one keeps the source busy."""
    clock = context.clock
    deadline = clock.monotonic() + WAIT_TIMEOUT.total_seconds()
    while True:
        try:
            return start_replication(context, request, ending_arn)
        except InvalidDBInstanceStateFault as error:
            if _BACKUPS_OFF in error.message or clock.monotonic() >= deadline:
                raise
        clock.sleep(POLL_INTERVAL.total_seconds())


@contextmanager
def _log_interruption(source_arn: str) -> Generator[None, None, None]:
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception):
            _logger.warning(
                "%r interrupted the replacement of the replication of %s: the replication may "
                "have been stopped and not restarted",
                *(error, source_arn),
            )
        raise


def _first_arn(*backups: DBInstanceAutomatedBackup | None) -> str | None:
    arns = (backup.db_instance_automated_backups_arn for backup in backups if backup is not None)
    return next(filter(None, arns), None)
