"""Waiting: looking again and again until a replication is as it should be.

botocore's waiters compare statuses with regard to case and fold refusals into
one text, so the loop is our own. Time comes from the client's clock.
"""

import logging
import random
from collections.abc import Callable, Iterator

from .._models import DBInstanceAutomatedBackup, WaitRequest
from .._redact import shortened_repr
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
    Context,
    backup_of,
    find_replicated_backup,
    is_live,
    is_passing,
    replications_to,
    same_arn,
    source_instance,
)

OnPoll = Callable[[DBInstanceAutomatedBackup | None], object]

_logger = logging.getLogger("rds_backup_replication")
# Waits that begin together, of a fleet say, should not look together for ever.
_JITTER = (0.8, 1.2)
# An answer may be behind the start, and show no more than what an earlier replication left. It
# counts as the end only after so many looks that showed nothing else.
_LOOKS_BEHIND = 5
# What the source's Region refuses for good: it is not for these credentials, or the endpoint is
# the destination's alone.
_CANNOT_ASK = (
    AccessDeniedError,
    InvalidClientTokenIdError,
    OptInRequiredError,
    SignatureDoesNotMatchError,
)


def wait_until_replicating(
    context: Context, request: WaitRequest, on_poll: OnPoll | None
) -> DBInstanceAutomatedBackup:
    last_live: DBInstanceAutomatedBackup | None = None
    looks_ended = 0
    goal = f"replication of {_subject(context, request)}"
    for backup, _ in _looks(context, request, goal, on_poll):
        if backup is not None and is_live(backup):
            if backup.is_replicating:
                return backup
            last_live = backup
        elif last_live is not None:
            raise ReplicationStoppedError(backup or last_live)
        elif backup is not None:
            looks_ended += 1
            if looks_ended > _LOOKS_BEHIND:
                raise ReplicationStoppedError(backup)
    raise AssertionError  # the looks end in an exception


def wait_until_stopped(
    context: Context, request: WaitRequest, on_poll: OnPoll | None
) -> DBInstanceAutomatedBackup | None:
    source_arn = request.source_db_instance_arn
    backup_arn = request.db_instance_automated_backups_arn
    can_ask = True

    def ask_source(backup: DBInstanceAutomatedBackup | None) -> bool | None:
        nonlocal source_arn, can_ask
        if backup is not None:
            source_arn = source_arn or backup.db_instance_arn
        if (backup and is_live(backup)) or source_arn is None or not can_ask:
            return None
        is_free = _source_is_free(context, source_arn, backup_arn)
        can_ask = is_free is not None
        return is_free

    goal = f"end of the replication of {_subject(context, request)}, its source available again,"
    has_been_live = False
    looks_ended = 0
    for backup, source_is_free in _looks(context, request, goal, on_poll, ask_source):
        if backup is not None and is_live(backup):
            has_been_live = True
        elif source_is_free is not False:
            looks_ended += 1
            is_sure = source_is_free or has_been_live or (backup is not None and backup_arn)
            if is_sure or looks_ended > _LOOKS_BEHIND:
                return backup
    raise AssertionError  # the looks end in an exception


def _looks(
    context: Context,
    request: WaitRequest,
    goal: str,
    on_poll: OnPoll | None,
    ask_source: Callable[[DBInstanceAutomatedBackup | None], bool | None] = lambda _: None,
) -> Iterator[tuple[DBInstanceAutomatedBackup | None, bool | None]]:
    """Looks at intervals, for as long as it is asked to and the time given lasts.

    Yields what there is, and whether the source neither lists the replication nor is
    busy; ``None`` if it was not asked.
    """
    if on_poll is not None and not callable(on_poll):
        raise TypeError(f"on_poll= must be callable, not {shortened_repr(on_poll)}")
    clock = context.clock
    deadline = clock.monotonic() + request.timeout.total_seconds()
    last_backup: DBInstanceAutomatedBackup | None = None
    while True:
        failure: Exception | None = None
        try:
            backup = _see(context, request)
        except READ_ERRORS as error:
            failure = _ridden_out(error)
        else:
            last_backup = backup or last_backup
            if on_poll is not None:
                on_poll(backup)
            try:
                answer = ask_source(backup)
            except READ_ERRORS as error:
                failure = _ridden_out(error)
            else:
                yield backup, answer
        time_left = deadline - clock.monotonic()
        if time_left <= 0:
            raise WaitTimeoutError(goal, request.timeout, last_backup) from failure
        if failure is not None:
            _logger.warning("A look failed, and another follows: %s", failure)
        # Jitter needs no randomness that an attacker could not guess.
        pause = request.poll_interval.total_seconds() * random.uniform(*_JITTER)  # noqa: S311
        clock.sleep(min(pause, time_left))


def _ridden_out(error: Exception) -> Exception:
    if not is_passing(error):
        raise error
    return error


def _see(context: Context, request: WaitRequest) -> DBInstanceAutomatedBackup | None:
    if request.source_db_instance_arn is not None:
        return find_replicated_backup(context.api, request.source_db_instance_arn)
    return backup_of(context.api, str(request.db_instance_automated_backups_arn))


def _subject(context: Context, request: WaitRequest) -> str:
    arn = request.source_db_instance_arn or request.db_instance_automated_backups_arn
    return f"{arn} to {context.api.region_name}"


def _source_is_free(context: Context, source_arn: str, backup_arn: str | None) -> bool | None:
    """Whether the source has let go of a replication to this Region, or of that one, if known."""
    source_client = context.source_client(source_arn)
    if source_client is None:
        return None
    try:
        instance = source_instance(source_client, source_arn)
    except _CANNOT_ASK as error:
        _logger.warning("%s cannot be asked whether it still replicates: %s", source_arn, error)
        return None
    if instance is None:
        return True
    listed = replications_to(context.api.region_name, instance)
    if backup_arn is not None:
        listed = [arn for arn in listed if same_arn(arn, backup_arn)]
    return not listed and instance.db_instance_status == "available"
