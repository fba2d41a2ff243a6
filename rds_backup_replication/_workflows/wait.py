"""Waiting: polling until a replication is replicating or has ended.

botocore's waiters compare statuses with regard to case and report every error as one text.
"""

import logging
from collections.abc import Callable

from .._botocore.errors import is_transient
from .._clock import Clock
from .._context import Context
from .._limits import CONSISTENCY_PERIOD
from .._models import DBInstanceAutomatedBackup, WaitRequest
from .._steps import ResultT, Steps
from .._validation import build_request
from ..exceptions import (
    AccessDeniedError,
    InvalidClientTokenIdError,
    OptInRequiredError,
    ReplicationStoppedError,
    SignatureDoesNotMatchError,
    WaitTimeoutError,
)
from .deadline import Deadline
from .lookup import (
    READ_ERRORS,
    Source,
    find_backup,
    find_replicated_backup,
    find_source_instance,
    identify_source,
    is_same_id,
    list_replications,
)

OnPoll = Callable[[DBInstanceAutomatedBackup | None], Steps[None]]

_logger = logging.getLogger("rds_backup_replication")
# A retry cannot help: the credentials or the endpoint do not give access to the source Region.
_SOURCE_REFUSES = (
    AccessDeniedError,
    InvalidClientTokenIdError,
    OptInRequiredError,
    SignatureDoesNotMatchError,
)


class _StalePeriod:
    """Measures for how long responses have shown no active backup.

    Such a response may be stale. It is believed at once if it shows that the backup of a known
    ARN has ended, and otherwise after a minute without an active backup.
    """

    def __init__(self, clock: Clock, backup_arn: str | None) -> None:
        self._clock = clock
        self._backup_arn = backup_arn
        self._since: float | None = None
        self.last_active: DBInstanceAutomatedBackup | None = None

    def has_ended(self, backup: DBInstanceAutomatedBackup | None) -> bool:
        """Return whether the replication has certainly ended, as the latest response shows it."""
        if backup is not None and backup.is_active:
            self.last_active, self._since = backup, None
            return False
        now = self._clock.monotonic()
        self._since = now if self._since is None else self._since
        if now - self._since >= CONSISTENCY_PERIOD:
            return True
        known = self._backup_arn
        if self.last_active is not None:
            known = known or self.last_active.db_instance_automated_backups_arn
        return backup is not None and is_same_id(backup.db_instance_automated_backups_arn, known)


def wait_until_replicating(
    context: Context, report: OnPoll, **keywords: object
) -> Steps[DBInstanceAutomatedBackup]:
    """Poll until the backup is replicating, and return it."""
    request = build_request("wait_until_replicating", WaitRequest, context.destination, keywords)
    period = _StalePeriod(context.clock, request.db_instance_automated_backups_arn)
    goal = f"replication of {_subject(context, request)}"

    def conclude(
        backup: DBInstanceAutomatedBackup | None, _: object
    ) -> tuple[DBInstanceAutomatedBackup] | None:
        has_ended = period.has_ended(backup)
        if backup is not None and backup.is_replicating:
            return (backup,)
        last_seen = backup or period.last_active
        if has_ended and last_seen is not None:
            raise ReplicationStoppedError(last_seen)
        return None

    describe = _describer(context, request, is_gone_final=False)
    return (yield from _poll(context, request, goal, report, conclude, describe=describe))


def wait_until_stopped(
    context: Context, report: OnPoll, **keywords: object
) -> Steps[DBInstanceAutomatedBackup | None]:
    """Poll until the replication has ended in both Regions, and return the retained backup."""
    request = build_request("wait_until_stopped", WaitRequest, context.destination, keywords)
    source_arn = request.source_db_instance_arn
    backup_arn = request.db_instance_automated_backups_arn
    can_ask_source = True

    def ask_source(backup: DBInstanceAutomatedBackup | None) -> bool | None:
        nonlocal source_arn, can_ask_source
        if backup is not None:
            source_arn = source_arn or backup.db_instance_arn
        if (backup and backup.is_active) or source_arn is None or not can_ask_source:
            return None
        is_released = _is_source_released(context, source_arn, backup, backup_arn)
        can_ask_source = is_released is not None
        return is_released

    period = _StalePeriod(context.clock, backup_arn)
    goal = f"replication of {_subject(context, request)} to end"
    last_seen: DBInstanceAutomatedBackup | None = None

    def conclude(
        backup: DBInstanceAutomatedBackup | None,
        is_released: bool | None,  # noqa: FBT001  # as _poll passes it
    ) -> tuple[DBInstanceAutomatedBackup | None] | None:
        nonlocal last_seen
        has_ended = period.has_ended(backup)
        if backup is not None:
            last_seen = backup
        is_active = backup is not None and backup.is_active
        if not is_active and has_ended and is_released is not False:
            # An empty response after a retained backup is more likely stale than true.
            return (last_seen if last_seen and last_seen.is_retained else backup,)
        return None

    describe = _describer(context, request, is_gone_final=True)
    return (
        yield from _poll(
            context, request, goal, report, conclude, describe=describe, ask_source=ask_source
        )
    )


def _poll(
    context: Context,
    request: WaitRequest,
    goal: str,
    report: OnPoll,
    conclude: Callable[[DBInstanceAutomatedBackup | None, bool | None], tuple[ResultT] | None],
    *,
    describe: Callable[[], Steps[DBInstanceAutomatedBackup | None]],
    ask_source: Callable[[DBInstanceAutomatedBackup | None], bool | None] = lambda _: None,
) -> Steps[ResultT]:
    """Poll at intervals until ``conclude`` returns a result in a tuple, or until the timeout.

    ``conclude`` receives the backup, and whether the source no longer lists the replication;
    ``None`` if the source was not asked.
    """
    deadline = Deadline(context.clock, request.timeout)
    last_backup: DBInstanceAutomatedBackup | None = None
    while True:
        failure: Exception | None = None
        try:
            backup = yield from describe()
        except READ_ERRORS as error:
            failure = _transient(error)
        else:
            last_backup = backup or last_backup
            yield from report(backup)
            try:
                is_released = ask_source(backup)
            except READ_ERRORS as error:
                failure = _transient(error)
            else:
                conclusion = conclude(backup, is_released)
                if conclusion is not None:
                    return conclusion[0]
        if deadline.time_left <= 0:
            raise WaitTimeoutError(goal, request.timeout, last_backup) from failure
        if failure is not None:
            _logger.warning("A poll failed and will be retried: %s", failure)
        yield deadline.next_pause(request.poll_interval)


def _transient(error: Exception) -> Exception:
    """Return the error if a retry may help; raise it otherwise."""
    if not is_transient(error):
        raise error
    return error


def _describer(
    context: Context, request: WaitRequest, *, is_gone_final: bool
) -> Callable[[], Steps[DBInstanceAutomatedBackup | None]]:
    """Return a function that looks for the backup; at first it asks for the source's ID.

    If the source no longer exists, the function finds the backup by its ARN: at once with
    ``is_gone_final``, and otherwise after a minute, because the response may be stale.
    """
    retry_time = min(CONSISTENCY_PERIOD, request.timeout.total_seconds())
    retry_until = context.clock.monotonic() + retry_time
    source: Source | None = None

    def is_worth_retry(error: Exception) -> bool:
        return is_transient(error) and context.clock.monotonic() < retry_until

    def describe() -> Steps[DBInstanceAutomatedBackup | None]:
        nonlocal source
        source_arn = request.source_db_instance_arn
        if source_arn is None:
            return find_backup(context, str(request.db_instance_automated_backups_arn))
        if source is None:
            asked = yield from identify_source(context, source_arn, is_worth_retry)
            if asked.is_checked and asked.dbi_resource_id is None:
                if not is_gone_final and context.clock.monotonic() < retry_until:
                    return None  # perhaps the response is stale
                asked = Source.unchecked(source_arn)
            source = asked
        return find_replicated_backup(context, source)

    return describe


def _subject(context: Context, request: WaitRequest) -> str:
    arn = request.source_db_instance_arn or request.db_instance_automated_backups_arn
    return f"{arn} to {context.region_name}"


def _is_source_released(
    context: Context,
    source_arn: str,
    backup: DBInstanceAutomatedBackup | None,
    backup_arn: str | None,
) -> bool | None:
    """Return whether the source no longer lists the replication, whatever its status is.

    ``None`` if the source cannot be asked, or if its name has moved to another instance. If a
    backup's ARN is given, only that replication counts; otherwise, every replication to the
    destination Region counts.
    """
    source_client = context.source_client(source_arn)
    if source_client is None:
        return None
    try:
        instance = find_source_instance(context, source_client, source_arn)
    except _SOURCE_REFUSES as error:
        message = (
            "RDS refuses to describe %s in its Region; the wait continues without the source: %s"
        )
        _logger.warning(message, source_arn, error)
        return None
    if instance is None:
        return True
    own_id = backup and backup.dbi_resource_id
    if own_id and instance.dbi_resource_id and not is_same_id(own_id, instance.dbi_resource_id):
        return None
    listed = list_replications(instance, context.region_name)
    if listed is None:
        return None
    if backup_arn is not None:
        listed = tuple(arn for arn in listed if is_same_id(arn, backup_arn))
    if not listed and not instance.is_available:
        _logger.warning(
            "The replication of %s has ended, and the instance is %s, not available: RDS may "
            "refuse changes to it",
            *(source_arn, instance.db_instance_status),
        )
    return not listed
