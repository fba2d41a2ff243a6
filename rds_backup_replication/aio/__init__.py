"""The async client, for asyncio and trio. It needs the extra ``async``."""

try:
    from ._client import AsyncBackupReplicationClient
except ModuleNotFoundError as _error:
    if _error.name is None or _error.name.split(".")[0] != "anyio":
        raise
    raise ModuleNotFoundError(
        "the async client needs an extra: pip install 'rds-backup-replication[async]'",
        name=_error.name,
    ) from _error

__all__ = ["AsyncBackupReplicationClient"]
