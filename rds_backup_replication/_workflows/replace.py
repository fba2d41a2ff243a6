"""``replace_replication``: RDS cannot modify a replication, so the client stops and restarts it.

The client looks for blockers before the stop. After it, the client retries transient errors until
the deadline. If RDS refuses the new settings or time runs out, it starts with the former settings.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from botocore.exceptions import CredentialRetrievalError

from .. import _limits as limits
from .._botocore.errors import is_transient, may_have_taken_effect
from .._context import Context
from .._models import (
    DBInstanceAutomatedBackup,
    EnsureResult,
    ReplacementPhase,
    ReplacementProgress,
    ReplaceRequest,
    StartRequest,
)
from .._steps import Steps, reporter
from ..exceptions import (
    BackupReplicationError,
    InvalidDBInstanceAutomatedBackupStateFault,
    KMSKeyNotAccessibleFault,
    ReplacementError,
    ReplicationBlockedError,
    ReplicationDriftError,
    WaitTimeoutError,
)
from .deadline import Deadline
from .drift import find_drift
from .lookup import READ_ERRORS, Source, find_replicated_backup, identify_source, is_same_id
from .preflight import find_blockers, former_request
from .reasons import is_only_busy
from .start import may_replicate, try_to_start
from .stop import try_to_stop
from .uncertain_call import UncertainCall, poll_outcome
from .wait import wait_until_stopped

OnProgress = Callable[[ReplacementProgress], object]

_logger = logging.getLogger("rds_backup_replication")


def replace_replication(
    context: Context, request: ReplaceRequest, on_progress: OnProgress | None
) -> Steps[EnsureResult]:
    """Ensure that the source replicates with the requested settings; stop other ones."""
    replacement = _Replacement(context, request, on_progress)
    try:
        return (yield from replacement.run())
    except ReplacementError:  # logged already
        raise
    except BaseException as error:
        replacement.log_interruption(error)
        raise


class _Replacement:
    """One replacement, and what is known so far."""

    def __init__(
        self, context: Context, request: ReplaceRequest, on_progress: OnProgress | None
    ) -> None:
        self._context = context
        given = request.model_dump(exclude_none=True, exclude={"timeout", "poll_interval"})
        self._given = {name: getattr(request, name) for name in given}
        self._source_arn = request.source_db_instance_arn
        self._poll_interval = request.poll_interval
        self._deadline = Deadline(self._context.clock, request.timeout)
        self._send_report = reporter("on_progress", on_progress)
        self._phase: ReplacementPhase = "preflight"
        self._last_backup: DBInstanceAutomatedBackup | None = None
        self._source = Source.unchecked(self._source_arn)
        self._stop_was_sent = False
        self._former: StartRequest | None = None
        self._ending_arn: str | None = None
        self._ended_at: float | None = None
        self._may_have_started = False

    def run(self) -> Steps[EnsureResult]:
        """Describe and act; repeat if the response was stale or the source is busy."""
        while True:
            yield from self._enter("preflight")
            found = yield from self._look()
            self._last_backup = found
            if found is not None and found.is_active:
                result = yield from self._make_conform(found)
                if result is not None:
                    return result
            else:
                try:
                    return (yield from self._start_missing(found))
                except ReplicationDriftError:  # the look was stale
                    if self._deadline.time_left <= 0:
                        raise
            yield self._next_pause()

    def log_interruption(self, error: BaseException) -> None:
        """Log what an interruption leaves behind."""
        if self._stop_was_sent:
            _logger.warning(
                "%r interrupted the replacement of the replication of %s in the phase %r: the "
                "replication may have been stopped and not restarted. Call replace_replication() "
                "again: it continues with the settings of the retained backup. The former settings "
                "are %r",
                *(error, self._source_arn, self._phase, self._former),
            )

    # Before the stop

    def _look(self) -> Steps[DBInstanceAutomatedBackup | None]:
        """Return the backup; believe that there is none only after some polls."""
        found = None
        for pause in limits.CONFIRMATION_PAUSES:
            if pause:
                yield pause
            found = yield from self._describe()
            if found is not None:
                break
        return found

    def _describe(self) -> Steps[DBInstanceAutomatedBackup | None]:
        """Return the backup; retry transient errors until the deadline, as nothing is stopped."""
        while True:
            try:
                # During an outage of the source Region, nothing could be started after the stop.
                self._source = yield from identify_source(
                    self._context, self._source_arn, is_transient
                )
                return find_replicated_backup(self._context, self._source)
            except READ_ERRORS as error:
                if not is_transient(error) or self._deadline.time_left <= 0:
                    raise
                _logger.warning("A poll failed and will be retried: %s", error)
            yield self._next_pause()

    def _start_missing(self, retained: DBInstanceAutomatedBackup | None) -> Steps[EnsureResult]:
        """Start a replication with the settings of a retained backup, if there is one."""
        yield from self._enter("start")
        if retained is None:
            request = StartRequest.model_validate(self._given)
            return (yield from self._retry_start(request, request))
        # Perhaps a replacement was interrupted after its stop.
        self._ending_arn = retained.db_instance_automated_backups_arn
        self._ended_at = self._context.clock.monotonic()
        former = former_request(self._context, retained, self._given, self._source_arn)
        return (yield from self._start(former.model_copy(update=self._given), former))

    def _make_conform(self, found: DBInstanceAutomatedBackup) -> Steps[EnsureResult | None]:
        """Replace the replication if it differs; return ``None`` to look again."""
        former = former_request(self._context, found, self._given, self._source_arn)
        # Omitted settings stay the same; an encrypted source, for example, needs its key.
        requested = former.model_copy(update=self._given)
        differences = find_drift(self._context, requested, found)
        if not differences:
            # An interrupted replacement may have stopped it, and Describe may not show that yet.
            is_sure = self._source.confirms(found) or not self._source.is_checked
            if not is_sure and self._deadline.time_spent < limits.MAX_DOUBT:
                return None
            return EnsureResult("unchanged", found, self._source.confirms(found))
        if not all(difference.is_replaceable for difference in differences):
            raise ReplicationDriftError(found, differences)
        if not self._is_clear(requested, found):
            return None
        return (yield from self._replace(requested, former, found))

    def _is_clear(self, requested: StartRequest, found: DBInstanceAutomatedBackup) -> bool:
        """Return whether nothing blocks a start; raise what does not resolve by itself."""
        blockers, unanswered = find_blockers(self._context, self._source, requested, found)
        if not (blockers or unanswered):
            # With less time, the new and the former settings might get a single attempt each.
            if self._deadline.share_left >= limits.MIN_TIME_LEFT:
                return True
            goal = f"stop of {self._source_arn} with a quarter of the time left; it was not sent"
            raise WaitTimeoutError(goal, self._deadline.timeout, found)
        if self._deadline.time_left > 0 and all(map(is_only_busy, blockers)):
            return False
        raise ReplicationBlockedError(self._source_arn, [*blockers, *unanswered])

    # From the stop on

    def _replace(
        self, requested: StartRequest, former: StartRequest, found: DBInstanceAutomatedBackup
    ) -> Steps[EnsureResult]:
        """Stop the replication, wait for its end, and start it with the requested settings."""
        self._former = former
        self._ending_arn, self._ended_at = found.db_instance_automated_backups_arn, None
        stopped = yield from self._stop()
        yield from self._wait()
        yield from self._enter("start")
        try:
            result = yield from self._start(requested, former)
        except ReplicationDriftError as drift:  # another caller started one meanwhile
            is_protected = self._protects(drift.backup)
            raise self._failed(former, drift, is_protected=is_protected) from drift
        started = result.backup
        if self._source.is_checked and started.dbi_resource_id and not self._source.owns(started):
            moved = BackupReplicationError(
                f"the client stopped the replication of {self._source.dbi_resource_id}, and "
                f"started that of {started.dbi_resource_id}, which has the ARN now"
            )
            raise self._failed(former, moved, is_protected=False)
        # The source's list is older than the start, so the resource ID alone decides.
        is_checked = result.source_checked or self._source.owns(started)
        is_by_another = stopped is None and result.action == "unchanged"
        return EnsureResult("unchanged" if is_by_another else "replaced", started, is_checked)

    def _stop(self) -> Steps[DBInstanceAutomatedBackup | UncertainCall | None]:
        """Send the stop until its outcome is certain; retry what may be temporary."""
        yield from self._enter("stop")
        is_uncertain, unexpected = False, 0
        while True:
            was_sent, self._stop_was_sent = self._stop_was_sent, True
            try:
                stopped = yield from try_to_stop(self._context, self._source)
            except READ_ERRORS as error:
                failure: Exception = error
                self._stop_was_sent = was_sent
            except Exception as error:  # noqa: BLE001  # an event handler of the caller's
                failure, is_uncertain, unexpected = error, True, unexpected + 1
            else:
                active = stopped.active if isinstance(stopped, UncertainCall) else stopped
                arn = active and active.db_instance_automated_backups_arn
                # Wait for this replication only, because another caller may start a new one.
                self._ending_arn = arn or self._ending_arn
                if not isinstance(stopped, UncertainCall):
                    return stopped
                failure = stopped.error
                is_uncertain = is_uncertain or stopped.may_have_taken_effect
                self._stop_was_sent = is_uncertain
            is_worth_retry = self._is_worth_retry(failure) or unexpected == 1
            if not is_worth_retry:
                if not is_uncertain:
                    raise failure
                # The stop may have taken effect. After a start, the instance replicates either way.
                return UncertainCall(failure, may_have_taken_effect=True)
            yield self._next_pause()

    def _wait(self) -> Steps[None]:
        """Wait for the end of the former replication; a failed wait does not prevent the start.

        It takes at most half of the time: RDS refuses an early start, and the client retries it.
        """
        yield from self._enter("wait")
        arns: dict[str, Any] = {"db_instance_automated_backups_arn": self._ending_arn}
        if self._ending_arn is None:
            arns = {"source_db_instance_arn": self._source_arn}
        try:
            yield from wait_until_stopped(
                self._context,
                self._see,
                **arns,
                timeout=timedelta(seconds=max(0, self._deadline.time_left / 2)),
                poll_interval=min(self._poll_interval, limits.POLL_INTERVAL),
            )
        except Exception as error:  # noqa: BLE001  # the start matters more
            _logger.warning(
                "The client could not wait for the end of the replication of %s, and now starts "
                "the new one: %s",
                *(self._source_arn, error),
            )
        else:
            self._ended_at = self._context.clock.monotonic()

    def _start(self, requested: StartRequest, former: StartRequest) -> Steps[EnsureResult]:
        """Start with the requested settings; if RDS refuses or time is up, with the former ones."""
        try:
            return (yield from self._retry_start(requested, requested))
        except ReplicationDriftError:
            raise
        except Exception as failure:
            # The former settings have worked, so they get time of their own.
            self._deadline.extend(limits.MAX_GRACE)
            try:
                restarted = yield from self._retry_start(former, requested)
                self._last_backup = restarted.backup
                is_protected = restarted.source_checked or self._protects(restarted.backup)
            except ReplicationDriftError as drift:
                if not find_drift(self._context, requested, drift.backup):
                    return EnsureResult(  # the response to the first start was lost
                        "started", drift.backup, self._source.owns(drift.backup)
                    )
                self._last_backup = drift.backup
                is_protected = self._protects(drift.backup)
            except Exception:  # noqa: BLE001  # the first failure says more
                is_protected = yield from self._find_out_whether_protected(requested)
            raise self._failed(former, failure, is_protected=is_protected) from failure

    def _retry_start(self, request: StartRequest, requested: StartRequest) -> Steps[EnsureResult]:
        """Send a start until the deadline, at least once; retry what may be temporary."""
        while True:
            try:
                started = yield from try_to_start(
                    self._context,
                    request,
                    self._source,
                    pauses=(0,),
                    is_ending=lambda found: self._is_ending(found, requested),
                )
            except ReplicationDriftError:
                raise
            except Exception as error:
                is_former = request is not requested and self._deadline.time_left > 0
                may_pass = is_former and isinstance(error, KMSKeyNotAccessibleFault)
                if not (may_pass or self._is_worth_retry(error)):
                    raise
            else:
                if isinstance(started, EnsureResult):
                    return started
                self._may_have_started |= started.may_have_taken_effect or isinstance(
                    started.error, InvalidDBInstanceAutomatedBackupStateFault
                )
                if not self._is_worth_retry(started.error):
                    raise started.error
            yield from self._report()
            yield self._next_pause()

    def _is_ending(self, found: DBInstanceAutomatedBackup, requested: StartRequest) -> bool:
        """Return whether an active backup may be the former one, as a stale response shows it.

        Whether RDS gives the new replication another ARN is unknown. If the former settings
        differ, the settings tell the two apart.
        """
        if not is_same_id(found.db_instance_automated_backups_arn, self._ending_arn):
            return False
        if self._former is not None and not find_drift(self._context, requested, found):
            return False
        now, ended_at = self._context.clock.monotonic(), self._ended_at
        return ended_at is None or now - ended_at < limits.CONSISTENCY_PERIOD

    def _protects(self, active: DBInstanceAutomatedBackup) -> bool | None:
        """Return ``True`` if a backup certainly belongs to this instance, or else ``None``."""
        return self._source.owns(active) or None

    def _find_out_whether_protected(self, requested: StartRequest) -> Steps[bool | None]:
        """Return whether the instance replicates, or ``None`` if that is not known."""
        has_ended = self._former is not None and self._ended_at is not None  # as the wait saw
        is_certain = has_ended and not self._may_have_started

        def conclude(found: DBInstanceAutomatedBackup | None) -> tuple[bool | None] | None:
            if found is None or not found.is_active or self._is_ending(found, requested):
                return (False,) if is_certain else None
            self._last_backup = found
            return (self._protects(found),)

        pauses = (0,) if is_certain else limits.CONFIRMATION_PAUSES
        try:
            conclusion = yield from poll_outcome(self._context, self._source, conclude, pauses)
        except Exception:  # an event handler of the caller's
            _logger.exception("Could not find out whether %s replicates", self._source_arn)
            return None
        return conclusion and conclusion[0]

    def _failed(
        self, former: StartRequest, failure: Exception, *, is_protected: bool | None
    ) -> ReplacementError:
        """Return the error with all that is needed to go on, and log it."""
        if isinstance(failure, ReplicationDriftError):
            self._last_backup = failure.backup
        error = ReplacementError(
            self._phase, former, self._last_backup, is_protected, str(failure) or repr(failure)
        )
        _logger.error("%s", error)
        return error

    def _is_worth_retry(self, error: Exception) -> bool:
        """Return whether an error may go away before the deadline."""
        return self._deadline.time_left > 0 and (
            is_transient(error)
            or may_replicate(error)
            or may_have_taken_effect(error)
            # The credentials worked a moment ago.
            or (self._stop_was_sent and isinstance(error, CredentialRetrievalError))
        )

    def _next_pause(self) -> float:
        # After the stop, the instance may be without a replication.
        longest = limits.POLL_INTERVAL if self._stop_was_sent else limits.MAX_WAIT
        return self._deadline.next_pause(min(self._poll_interval, longest))

    def _enter(self, phase: ReplacementPhase) -> Steps[None]:
        self._phase = phase
        yield from self._report()

    def _see(self, backup: DBInstanceAutomatedBackup | None) -> Steps[None]:
        self._last_backup = backup or self._last_backup
        yield from self._report()

    def _report(self) -> Steps[None]:
        try:
            yield from self._send_report(ReplacementProgress(self._phase, self._last_backup))
        except Exception:  # an error in the caller's code must not leave the instance unprotected
            _logger.exception("on_progress= raised an error; the replacement continues")
