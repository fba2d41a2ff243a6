"""The async client, for asyncio and trio. It needs the extra ``async``."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._client import AsyncBackupReplicationClient

__all__ = ["AsyncBackupReplicationClient"]

if not TYPE_CHECKING:  # type checkers would accept any name if they saw __getattr__

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            from ._client import AsyncBackupReplicationClient  # noqa: PLC0415
        except ModuleNotFoundError as error:
            if error.name is None or error.name.split(".")[0] != "anyio":
                raise
            raise ModuleNotFoundError(
                "the async client needs an extra: pip install 'rds-backup-replication[async]'",
                name=error.name,
            ) from error
        return AsyncBackupReplicationClient

    def __dir__() -> list[str]:
        return __all__
