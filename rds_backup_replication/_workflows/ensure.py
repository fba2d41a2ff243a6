"""``ensure_replication``: start a missing replication, and report one with other settings."""

import logging

from .._context import Context
from .._limits import CONFIRMATION_PAUSES
from .._models import DBInstanceAutomatedBackup, EnsureResult, StartRequest
from .._steps import Steps
from ..exceptions import ReplicationDriftError
from .drift import find_drift
from .lookup import Source, find_replicated_backup, identify_source, is_same_id
from .start import start_replication

_logger = logging.getLogger("rds_backup_replication")


def ensure_replication(context: Context, request: StartRequest) -> Steps[EnsureResult]:
    """Ensure that the source replicates with the requested settings; stop nothing."""
    source, found = yield from _look(context, request.source_db_instance_arn)
    if found is None or not found.is_active:
        arn = found and found.db_instance_automated_backups_arn

        def is_ending(backup: DBInstanceAutomatedBackup) -> bool:
            # A stale response may show the retained backup as active again.
            return is_same_id(backup.db_instance_automated_backups_arn, arn or None)

        return (yield from start_replication(context, request, source, is_ending=is_ending))
    differences = find_drift(context, request, found)
    if differences:
        raise ReplicationDriftError(found, differences)
    return EnsureResult("unchanged", found, source.confirms(found))


def _look(
    context: Context, source_arn: str
) -> Steps[tuple[Source, DBInstanceAutomatedBackup | None]]:
    """Return the source and its backup; look again if a stop may be in progress."""
    source, found = yield from _ask(context, source_arn)
    for pause in CONFIRMATION_PAUSES[1:]:
        if not _is_in_doubt(source, found):
            return source, found
        yield pause
        source, found = yield from _ask(context, source_arn)
    if _is_in_doubt(source, found):
        _logger.warning(
            "%s replicates, and the instance is %s: if a stop is in progress, the replication will "
            "end",
            *(source_arn, source.status),
        )
    return source, found


def _ask(
    context: Context, source_arn: str
) -> Steps[tuple[Source, DBInstanceAutomatedBackup | None]]:
    source = yield from identify_source(context, source_arn)
    return source, find_replicated_backup(context, source)


def _is_in_doubt(source: Source, found: DBInstanceAutomatedBackup | None) -> bool:
    """Return whether the source Region answered, and does not confirm the active backup."""
    if found is None or not found.is_active:
        return False
    return source.is_checked and not source.confirms(found)
