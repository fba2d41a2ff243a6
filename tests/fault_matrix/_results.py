"""Summaries of results in a few words."""

from typing import Any

from rds_backup_replication import (
    CheckReason,
    CheckResult,
    DBInstance,
    DBInstanceAutomatedBackup,
    EnsureResult,
    SourceRegion,
)

from ..wire import BACKUP_ARN
from ._rds import NAMESAKE_ARN, NEW_ARN

_NAMES: dict[str | None, str] = {
    BACKUP_ARN: "the backup",
    NEW_ARN: "a new backup",
    NAMESAKE_ARN: "the backup of a namesake",
}
REPLICATING = "the backup (`replicating`, 14 days)"
RETAINED = "the backup (`retained`, 14 days)"
NEW = "a new backup (`pending`, 14 days)"


def summarize(result: Any) -> str:
    """Return the content of a result in a few words."""
    match result:
        case DBInstanceAutomatedBackup():
            arn = result.db_instance_automated_backups_arn
            days = result.backup_retention_period
            text = f"{_NAMES.get(arn, arn)} (`{result.status}`, {days} days)"
        case EnsureResult():
            text = f"`{result.action}`, {summarize(result.backup)}"
        case DBInstance():
            text = f"`{result.db_instance_identifier}` (`{result.db_instance_status}`)"
        case SourceRegion(supports_db_instance_automated_backups_replication=is_supported):
            text = f"`{result.region_name}` ({'' if is_supported else 'not '}supported)"
        case CheckReason():
            text = f"`{result.code}`"
        case CheckResult(blockers=blockers, unchecked=unchecked):
            texts = [*map(summarize, blockers), *(f"unchecked {summarize(r)}" for r in unchecked)]
            text = ", ".join(texts) or "no reasons"
        case [*items]:
            text = ", ".join(map(summarize, items))
        case _:
            text = f"`{result}`"
    return text
