"""``ensure_replication``: start a missing replication, and report one with other settings."""

from .._context import Context
from .._models import EnsureResult, StartRequest
from ..exceptions import ReplicationDriftError
from .drift import find_drift
from .lookup import find_replicated_backup, identify_source
from .start import start_replication


def ensure_replication(context: Context, request: StartRequest) -> EnsureResult:
    """Ensure that the source replicates with the requested settings; stop nothing."""
    source = identify_source(context, request.source_db_instance_arn)
    found = find_replicated_backup(context, source)
    if found is None or not found.is_active:
        return start_replication(context, request, source)
    differences = find_drift(context, request, found)
    if differences:
        raise ReplicationDriftError(found, differences)
    return EnsureResult("unchanged", found, source.confirms(found))
