"""Drift: requested settings that an active replication does not have."""

from collections.abc import Callable, Sequence
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
    backups: Sequence[DBInstanceAutomatedBackup] = (),
    compare: KeyComparison = compare_keys,
) -> list[Difference]:
    """Return the requested settings that the active backup does not have.

    Settings that the request or RDS omits do not differ. ``backups`` are all known backups.
    """
    differences: list[Difference] = []
    requested, actual = request.backup_retention_period, active.backup_retention_period
    if requested is not None and actual is not None and requested != actual:
        differences.append(Difference("backup_retention_period", requested, actual))
    if request.kms_key_id is not None:
        key = compare(context, request.kms_key_id, active.kms_key_id)
        if key is not None:
            # RDS accepts no other key while copies exist that are encrypted with the old one.
            has_copies = not all(backup.is_pending for backup in (active, *backups))
            differences.append(replace(key, is_permanent=has_copies))
    return differences
