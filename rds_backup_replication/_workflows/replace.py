"""``replace_replication``: RDS cannot modify a replication, so the client stops and restarts it.

Everything that can be asked is asked before the stop. What fails after the stop is retried until
a deadline: first with the new settings, and then with the former ones.
"""

import logging
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from .._botocore.errors import is_transient, may_have_taken_effect
from .._context import Context
from .._limits import CONFIRMATION_PAUSES, CONSISTENCY_PERIOD, JITTER
from .._models import (
    DBInstanceAutomatedBackup,
    EnsureResult,
    ReplacementPhase,
    ReplacementProgress,
    ReplaceRequest,
    StartRequest,
    Tag,
)
from .._operations import START
from ..exceptions import (
    InvalidDBInstanceAutomatedBackupStateFault,
    InvalidParameterValueError,
    ReplacementError,
    ReplicationBlockedError,
    ReplicationDriftError,
    RequestValidationError,
)
from .check import check_replication
from .drift import find_drift
from .lookup import (
    READ_ERRORS,
    Source,
    find_replicated_backup,
    identify_source,
    is_same_id,
)
from .reasons import will_pass
from .start import may_replicate, start_replication, try_to_start
from .stop import try_to_stop
from .uncertain_call import UncertainCall, poll_outcome
from .wait import wait_until_stopped

AnswerT = TypeVar("AnswerT")
OnProgress = Callable[[ReplacementProgress], object]

_logger = logging.getLogger("rds_backup_replication")
_NO_OBSTACLES = ("already_replicating", "backup_of_former_instance")
_RESERVED = ("aws:", "rds:")


def replace_replication(
    context: Context, request: ReplaceRequest, on_progress: OnProgress | None
) -> EnsureResult:
    """Ensure that the source replicates with the requested settings; stop what has others."""
    replacement = _Replacement(context, request, on_progress)
    try:
        return replacement.run()
    except Exception:
        raise
    except BaseException as error:
        replacement.log_interruption(error)
        raise


class _Replacement:
    """One replacement, with its deadline and what is known so far."""

    def __init__(
        self, context: Context, request: ReplaceRequest, on_progress: OnProgress | None
    ) -> None:
        self._context = context
        self._clock = context.clock
        self._given = {
            name: value
            for name, value in request
            if value is not None and name in StartRequest.model_fields
        }
        self._source_arn = request.source_db_instance_arn
        self._poll_interval = request.poll_interval
        self._deadline = self._clock.monotonic() + request.timeout.total_seconds()
        self._on_progress = on_progress
        self._phase: ReplacementPhase = "preflight"
        self._last_backup: DBInstanceAutomatedBackup | None = None
        self._source = Source.unchecked(self._source_arn)
        self._stop_was_sent = False
        self._ending_arn: str | None = None
        self._ended_at: float | None = None
        self._may_have_started = False

    def run(self) -> EnsureResult:
        """Look and act, and look again if the look was stale or the source is busy."""
        while True:
            self._enter("preflight")
            # During an outage of the source Region, nothing could be started after the stop.
            self._source = self._ask(
                lambda: identify_source(self._context, self._source_arn, is_transient)
            )
            found = self._ask(lambda: find_replicated_backup(self._context, self._source))
            self._last_backup = found
            if found is not None and found.is_active:
                result = self._make_conform(found)
                if result is not None:
                    return result
            else:
                try:
                    return self._start_missing(found)
                except ReplicationDriftError:  # the look was stale
                    if self._time_left <= 0:
                        raise
                except InvalidParameterValueError:
                    # Without a look at the former settings, the key may be missing.
                    if found is not None or not any(poll_outcome(self._context, self._source)):
                        raise
            self._pause()

    def log_interruption(self, error: BaseException) -> None:
        """Log what an interruption leaves behind."""
        if self._stop_was_sent:
            _logger.warning(
                "%r interrupted the replacement of the replication of %s in the phase %r: the "
                "replication may have been stopped and not restarted. Call replace_replication() "
                "again: it continues with the settings of the retained backup",
                *(error, self._source_arn, self._phase),
            )

    # Before the stop

    def _ask(self, question: Callable[[], AnswerT]) -> AnswerT:
        """Return the answer; retry what may pass until the deadline, as nothing is stopped yet."""
        while True:
            try:
                return question()
            except READ_ERRORS as error:
                if not is_transient(error) or self._time_left <= 0:
                    raise
                _logger.warning("A poll failed and will be retried: %s", error)
            self._pause()

    def _start_missing(self, retained: DBInstanceAutomatedBackup | None) -> EnsureResult:
        """Start a replication with the settings of a retained backup, if there is one."""
        self._enter("start")
        if retained is None:
            request = StartRequest.model_validate(self._given)
            return start_replication(self._context, request, self._source)
        # Perhaps a replacement was interrupted after its stop.
        former = self._former_request(retained)
        return self._start(former.model_copy(update=self._given), former)

    def _make_conform(self, found: DBInstanceAutomatedBackup) -> EnsureResult | None:
        """Replace the replication if it differs; return ``None`` if the source is too busy."""
        former = self._former_request(found)
        # Omitted settings stay the same; an encrypted source, for example, needs its key.
        requested = former.model_copy(update=self._given)
        differences = find_drift(self._context, requested, found)
        if not differences:
            return EnsureResult("unchanged", found, self._source.confirms(found))
        if not all(difference.is_replaceable for difference in differences):
            raise ReplicationDriftError(found, differences)
        return self._replace(requested, former, found) if self._is_clear(requested) else None

    def _former_request(self, found: DBInstanceAutomatedBackup) -> StartRequest:
        """Return the validated request that starts the replication with its present settings."""
        tags = list(found.tag_list or ())
        reserved = [tag for tag in tags if _is_reserved(tag)]
        if reserved:
            _logger.info(
                "The new replication of %s does not get the tags that AWS reserves: %s",
                *(self._source_arn, ", ".join(tag.key for tag in reserved)),
            )
        keywords = {
            "source_db_instance_arn": self._source_arn,
            "backup_retention_period": found.backup_retention_period,
            "kms_key_id": found.kms_key_id,
            "tags": [tag for tag in tags if tag not in reserved],
        }
        try:
            return START.build_request(self._context.destination, **keywords)
        except RequestValidationError as error:
            errors = [
                replace(invalid, parameter=f"{invalid.parameter} of the existing backup")
                for invalid in error.errors
            ]
        raise RequestValidationError(START.name, errors)

    def _is_clear(self, requested: StartRequest) -> bool:
        """Return whether nothing blocks a start; raise what does not pass by itself."""
        check = check_replication(self._context, requested)
        blockers = [reason for reason in check.blockers if reason.code not in _NO_OBSTACLES]
        if not blockers:
            for reason in check.unchecked:
                _logger.warning(
                    "Before the replacement of the replication of %s: %s %s",
                    *(self._source_arn, reason.message, reason.remedy),
                )
            return True
        if self._time_left > 0 and all(map(will_pass, blockers)):
            return False
        raise ReplicationBlockedError(self._source_arn, blockers)

    # From the stop on

    def _replace(
        self, requested: StartRequest, former: StartRequest, found: DBInstanceAutomatedBackup
    ) -> EnsureResult:
        """Stop the replication, wait for its end, and start it with the requested settings."""
        self._ending_arn = found.db_instance_automated_backups_arn
        stopped = self._stop()
        self._wait()
        self._enter("start")
        try:
            result = self._start(requested, former)
        except ReplicationDriftError as drift:  # another caller started one meanwhile
            raise self._failed(former, drift) from drift
        if stopped is None and result.action == "unchanged":  # another caller replaced it
            return result
        return replace(result, action="replaced")

    def _stop(self) -> DBInstanceAutomatedBackup | UncertainCall | None:
        """Send the stop until its outcome is certain; retry what may pass."""
        self._enter("stop")
        is_uncertain = False
        while True:
            self._stop_was_sent = True
            try:
                stopped = try_to_stop(self._context, self._source)
            except Exception as error:
                if not is_uncertain:
                    self._stop_was_sent = False
                if not is_uncertain and not self._is_worth_retry(error):
                    raise
                failure = error
            else:
                active = stopped.active if isinstance(stopped, UncertainCall) else stopped
                arn = active and active.db_instance_automated_backups_arn
                # Only this replication, because another caller may start one of the same source.
                self._ending_arn = arn or self._ending_arn
                if not isinstance(stopped, UncertainCall):
                    return stopped
                failure = stopped.error
                is_uncertain = is_uncertain or stopped.may_have_taken_effect
                if not is_uncertain:
                    self._stop_was_sent = False
                    if not self._is_worth_retry(failure):
                        raise failure
            if is_uncertain and not self._is_worth_retry(failure):
                # Nobody knows what the stop did. A start ends in a replication in either case.
                return UncertainCall(failure, may_have_taken_effect=True)
            self._pause()

    def _wait(self) -> None:
        """Wait for the end of the former replication; a failed wait does not prevent the start."""
        self._enter("wait")
        arns: dict[str, Any] = {"db_instance_automated_backups_arn": self._ending_arn}
        if self._ending_arn is None:
            arns = {"source_db_instance_arn": self._source_arn}
        try:
            wait_until_stopped(
                self._context,
                self._see,
                **arns,
                timeout=timedelta(seconds=max(0, self._time_left)),
                poll_interval=self._poll_interval,
            )
        except Exception as error:  # noqa: BLE001  # the start matters more
            _logger.warning(
                "The client could not wait for the end of the replication of %s, and starts the "
                "new one at once: %s",
                *(self._source_arn, error),
            )
        else:
            self._ended_at = self._clock.monotonic()

    def _start(self, requested: StartRequest, former: StartRequest) -> EnsureResult:
        """Start with the requested settings; if that fails, with the former ones."""
        try:
            return self._retry_start(requested, requested)
        except ReplicationDriftError:
            raise
        except Exception as failure:
            try:
                self._last_backup = self._retry_start(former, requested).backup
                is_protected: bool | None = True
            except ReplicationDriftError as drift:
                if not find_drift(self._context, requested, drift.backup):
                    return EnsureResult(  # the response to the first start was lost
                        "started", drift.backup, self._source.confirms(drift.backup)
                    )
                self._last_backup, is_protected = drift.backup, True
            except Exception:  # noqa: BLE001  # the first failure says more
                is_protected = self._find_out_whether_protected(requested)
            raise self._failed(former, failure, is_protected=is_protected) from failure

    def _retry_start(self, request: StartRequest, requested: StartRequest) -> EnsureResult:
        """Send a start until the deadline, and at least once; retry what may pass."""
        while True:
            try:
                started = try_to_start(
                    self._context,
                    request,
                    self._source,
                    pauses=(0,),
                    is_ending=lambda found: self._is_ending(found, requested),
                )
            except ReplicationDriftError:
                raise
            except Exception as error:
                if not self._is_worth_retry(error):
                    raise
            else:
                if isinstance(started, EnsureResult):
                    return started
                self._may_have_started |= started.may_have_taken_effect or isinstance(
                    started.error, InvalidDBInstanceAutomatedBackupStateFault
                )
                if not self._is_worth_retry(started.error):
                    raise started.error
            self._report()
            self._pause()

    def _is_ending(self, found: DBInstanceAutomatedBackup, requested: StartRequest) -> bool:
        """Return whether an active backup may be the former one, as a stale response shows it.

        Whether RDS gives the new replication another ARN is unknown, so the settings tell it.
        """
        if not is_same_id(found.db_instance_automated_backups_arn, self._ending_arn):
            return False
        if not find_drift(self._context, requested, found):
            return False
        ended_at = self._ended_at
        return ended_at is None or self._clock.monotonic() - ended_at < CONSISTENCY_PERIOD

    def _find_out_whether_protected(self, requested: StartRequest) -> bool | None:
        """Return whether the instance replicates, or ``None`` if that is not known."""
        is_certain = self._ended_at is not None and not self._may_have_started
        pauses = (0,) if is_certain else CONFIRMATION_PAUSES
        for found in poll_outcome(self._context, self._source, pauses):
            if found is not None and found.is_active and not self._is_ending(found, requested):
                self._last_backup = found
                return True
        return False if is_certain else None

    def _failed(
        self, former: StartRequest, failure: Exception, *, is_protected: bool | None = True
    ) -> ReplacementError:
        """Return the error with all that is needed to go on, and log it."""
        if isinstance(failure, ReplicationDriftError):
            self._last_backup = failure.backup
        error = ReplacementError(
            self._phase, former, self._last_backup, is_protected, str(failure) or repr(failure)
        )
        _logger.error("%s", error)
        return error

    # Time and progress

    @property
    def _time_left(self) -> float:
        return self._deadline - self._clock.monotonic()

    def _is_worth_retry(self, error: Exception) -> bool:
        """Return whether an error may pass before the deadline."""
        return self._time_left > 0 and (
            is_transient(error) or may_replicate(error) or may_have_taken_effect(error)
        )

    def _pause(self) -> None:
        # Nobody gains from predicting the jitter, so it needs no secure randomness.
        pause = self._poll_interval.total_seconds() * random.uniform(*JITTER)  # noqa: S311
        self._clock.sleep(max(0.0, min(pause, self._time_left)))

    def _enter(self, phase: ReplacementPhase) -> None:
        self._phase = phase
        self._report()

    def _see(self, backup: DBInstanceAutomatedBackup | None) -> None:
        self._last_backup = backup or self._last_backup
        self._report()

    def _report(self) -> None:
        if self._on_progress is None:
            return
        try:
            self._on_progress(ReplacementProgress(self._phase, self._last_backup))
        except Exception:  # an error in the caller's code must not leave the instance unprotected
            _logger.exception("on_progress= raised an error, which changes nothing")


def _is_reserved(tag: Tag) -> bool:
    return any(text.lower().startswith(_RESERVED) for text in (tag.key, tag.value or ""))
