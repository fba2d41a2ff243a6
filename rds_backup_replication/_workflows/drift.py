"""Drift: requested settings that an active replication does not have."""

from collections.abc import Callable
from dataclasses import replace

from .._context import Context
from .._models import DBInstanceAutomatedBackup, StartRequest
from ..exceptions import Difference
from .kms import compare_keys

KeyComparison = Callable[[Context, str, str | None], Difference | None]


def find_drift(
    context: Context,
    request: StartRequest,
    active: DBInstanceAutomatedBackup,
    compare: KeyComparison = compare_keys,
) -> list[Difference]:
    """Return the requested settings that the active backup does not have.

    Settings that the request or RDS omits do not differ.
    """
    differences: list[Difference] = []
    requested, actual = request.backup_retention_period, active.backup_retention_period
    if requested is not None and actual is not None and requested != actual:
        differences.append(Difference("backup_retention_period", requested, actual))
    if request.kms_key_id is not None:
        key = compare(context, request.kms_key_id, active.kms_key_id)
        if key is not None:
            # RDS accepts no other key while copies exist. Whether it accepts one while the first
            # copy is pending is unknown, and a stop would be too much to find out.
            differences.append(replace(key, is_permanent=key.uncertainty is None))
    return differences
