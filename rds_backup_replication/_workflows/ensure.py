"""``ensure_replication``: start a missing replication; report or replace another one."""

from .._context import Context
from .._models import EnsureResult, StartRequest
from ..exceptions import ReplicationDriftError
from .drift import find_drift
from .lookup import list_backups, select_backup
from .replace import replace_replication
from .start import start_replication


def ensure_replication(context: Context, request: StartRequest, *, replace: bool) -> EnsureResult:
    """Ensure that the source replicates with the requested settings."""
    backups = list_backups(context, request.source_db_instance_arn)
    found = select_backup(backups)
    if found is None or not found.is_active:
        return start_replication(context, request)
    differences = find_drift(context, request, found, backups)
    if not differences:
        return EnsureResult("unchanged", found)
    if not replace or any(not difference.is_replaceable for difference in differences):
        raise ReplicationDriftError(found, differences)
    return replace_replication(context, request, found)
