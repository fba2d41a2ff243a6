"""``ensure_replication``: start a missing replication, and report one with other settings."""

import logging

from .._context import Context
from .._limits import CONFIRMATION_PAUSES
from .._models import DBInstanceAutomatedBackup, EnsureResult, StartRequest
from ..exceptions import ReplicationDriftError
from .drift import find_drift
from .lookup import Source, find_replicated_backup, identify_source, is_same_id
from .start import start_replication

_logger = logging.getLogger("rds_backup_replication")


def ensure_replication(context: Context, request: StartRequest) -> EnsureResult:
    """Ensure that the source replicates with the requested settings; stop nothing."""
    source, found = _look(context, request.source_db_instance_arn)
    if found is None or not found.is_active:
        arn = found and found.db_instance_automated_backups_arn

        def is_ending(backup: DBInstanceAutomatedBackup) -> bool:
            # A stale response may show the retained backup as active again.
            return is_same_id(backup.db_instance_automated_backups_arn, arn or None)

        return start_replication(context, request, source, is_ending=is_ending)
    differences = find_drift(context, request, found)
    if differences:
        raise ReplicationDriftError(found, differences)
    return EnsureResult("unchanged", found, source.confirms(found))


def _look(context: Context, source_arn: str) -> tuple[Source, DBInstanceAutomatedBackup | None]:
    """Return the source and its backup; look again if a stop may be in progress."""
    for pause in CONFIRMATION_PAUSES:
        if pause:
            context.clock.sleep(pause)
        source = identify_source(context, source_arn)
        found = find_replicated_backup(context, source)
        is_settled = found is None or not found.is_active or source.confirms(found)
        if is_settled or not source.is_checked:
            return source, found
    _logger.warning(
        "%s replicates, and the instance is %s: if a stop is in progress, the replication will end",
        *(source_arn, source.status),
    )
    return source, found
