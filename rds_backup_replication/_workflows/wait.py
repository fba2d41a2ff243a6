"""Waiting: polling until a replication is replicating or has ended.

botocore's waiters compare statuses with regard to case and report every error as one text.
"""

import logging
import random
from collections.abc import Callable, Iterator

from .._botocore.errors import is_transient
from .._context import Context
from .._limits import JITTER, MAX_STALE_POLLS
from .._models import DBInstanceAutomatedBackup, WaitRequest
from .._operations import DESCRIBE
from .._redact import short_repr
from .._validation import build_request
from ..exceptions import (
    AccessDeniedError,
    InvalidClientTokenIdError,
    OptInRequiredError,
    ReplicationStoppedError,
    SignatureDoesNotMatchError,
    WaitTimeoutError,
)
from .lookup import (
    READ_ERRORS,
    find_backup,
    find_replicated_backup,
    find_source_instance,
    is_same_arn,
    list_replications,
)

OnPoll = Callable[[DBInstanceAutomatedBackup | None], object]

_logger = logging.getLogger("rds_backup_replication")
# A retry cannot help: the credentials or the endpoint do not give access to the source Region.
_SOURCE_REFUSES = (
    AccessDeniedError,
    InvalidClientTokenIdError,
    OptInRequiredError,
    SignatureDoesNotMatchError,
)


def wait_until_replicating(
    context: Context, on_poll: OnPoll | None, **keywords: object
) -> DBInstanceAutomatedBackup:
    """Poll until the backup is replicating, and return it."""
    request = build_request(DESCRIBE.name, WaitRequest, context.destination, keywords)
    last_active: DBInstanceAutomatedBackup | None = None
    ended_polls = 0
    goal = f"replication of {_subject(context, request)}"
    for backup, _ in _poll(context, request, goal, on_poll):
        if backup is not None and backup.is_active:
            if backup.is_replicating:
                return backup
            last_active = backup
        elif last_active is not None:
            raise ReplicationStoppedError(backup or last_active)
        elif backup is not None:
            ended_polls += 1
            if ended_polls > MAX_STALE_POLLS:
                raise ReplicationStoppedError(backup)
    raise AssertionError  # the polls end in an exception


def wait_until_stopped(
    context: Context, on_poll: OnPoll | None, **keywords: object
) -> DBInstanceAutomatedBackup | None:
    """Poll until the replication has ended in both Regions, and return the retained backup."""
    request = build_request(DESCRIBE.name, WaitRequest, context.destination, keywords)
    source_arn = request.source_db_instance_arn
    backup_arn = request.db_instance_automated_backups_arn
    can_ask_source = True

    def ask_source(backup: DBInstanceAutomatedBackup | None) -> bool | None:
        nonlocal source_arn, can_ask_source
        if backup is not None:
            source_arn = source_arn or backup.db_instance_arn
        if (backup and backup.is_active) or source_arn is None or not can_ask_source:
            return None
        is_released = _is_source_released(context, source_arn, backup_arn)
        can_ask_source = is_released is not None
        return is_released

    goal = f"replication of {_subject(context, request)} to end and its source to be available"
    was_active = False
    ended_polls = 0
    for backup, is_released in _poll(context, request, goal, on_poll, ask_source):
        if backup is not None and backup.is_active:
            was_active = True
        elif is_released is not False:
            ended_polls += 1
            is_certain = is_released or was_active or (backup is not None and backup_arn)
            if is_certain or ended_polls > MAX_STALE_POLLS:
                return backup
    raise AssertionError  # the polls end in an exception


def _poll(
    context: Context,
    request: WaitRequest,
    goal: str,
    on_poll: OnPoll | None,
    ask_source: Callable[[DBInstanceAutomatedBackup | None], bool | None] = lambda _: None,
) -> Iterator[tuple[DBInstanceAutomatedBackup | None, bool | None]]:
    """Yield the backup at intervals until the timeout, and whether the source is released.

    The second value is ``None`` if the source was not asked.
    """
    if on_poll is not None and not callable(on_poll):
        raise TypeError(f"on_poll= must be callable, not {short_repr(on_poll)}")
    clock = context.clock
    deadline = clock.monotonic() + request.timeout.total_seconds()
    last_backup: DBInstanceAutomatedBackup | None = None
    while True:
        failure: Exception | None = None
        try:
            backup = _describe(context, request)
        except READ_ERRORS as error:
            failure = _transient(error)
        else:
            last_backup = backup or last_backup
            if on_poll is not None:
                on_poll(backup)
            try:
                is_released = ask_source(backup)
            except READ_ERRORS as error:
                failure = _transient(error)
            else:
                yield backup, is_released
        time_left = deadline - clock.monotonic()
        if time_left <= 0:
            raise WaitTimeoutError(goal, request.timeout, last_backup) from failure
        if failure is not None:
            _logger.warning("A poll failed and will be retried: %s", failure)
        # Nobody gains from predicting the jitter, so it needs no secure randomness.
        pause = request.poll_interval.total_seconds() * random.uniform(*JITTER)  # noqa: S311
        clock.sleep(min(pause, time_left))


def _transient(error: Exception) -> Exception:
    """Return the error if a retry may help; raise it otherwise."""
    if not is_transient(error):
        raise error
    return error


def _describe(context: Context, request: WaitRequest) -> DBInstanceAutomatedBackup | None:
    if request.source_db_instance_arn is not None:
        return find_replicated_backup(context, request.source_db_instance_arn)
    return find_backup(context, str(request.db_instance_automated_backups_arn))


def _subject(context: Context, request: WaitRequest) -> str:
    arn = request.source_db_instance_arn or request.db_instance_automated_backups_arn
    return f"{arn} to {context.region_name}"


def _is_source_released(context: Context, source_arn: str, backup_arn: str | None) -> bool | None:
    """Return whether the source is available and no longer lists the replication.

    ``None`` if the source cannot be asked. If a backup's ARN is given, only that replication
    counts; otherwise, every replication to the destination Region counts.
    """
    source_client = context.source_client(source_arn)
    if source_client is None:
        return None
    try:
        instance = find_source_instance(source_client, source_arn)
    except _SOURCE_REFUSES as error:
        message = (
            "RDS refuses to describe %s in its Region; the wait continues without the source: %s"
        )
        _logger.warning(message, source_arn, error)
        return None
    if instance is None:
        return True
    listed = list_replications(instance, context.region_name)
    if backup_arn is not None:
        listed = [arn for arn in listed if is_same_arn(arn, backup_arn)]
    return not listed and instance.is_available
