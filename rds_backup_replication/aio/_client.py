"""The async client: each method of the sync client as a coroutine or an async iterator."""

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar, cast, get_args

from .._client import BackupReplicationClient
from .._client_base import ClientBase, context_of
from ._context import AsyncContext

if TYPE_CHECKING:
    from typing_extensions import Self

ParametersT = ParamSpec("ParametersT")
ResultT = TypeVar("ResultT")


def _context_of(client: "AsyncBackupReplicationClient") -> AsyncContext:
    return cast("AsyncContext", context_of(client))


def _coroutine(
    method: Callable[Concatenate[Any, ParametersT], ResultT],
) -> Callable[
    Concatenate["AsyncBackupReplicationClient", ParametersT], Coroutine[Any, Any, ResultT]
]:
    """Return the async form of a method that calls AWS."""

    @wraps(method)
    async def call(
        self: "AsyncBackupReplicationClient",
        /,
        *args: ParametersT.args,
        **keywords: ParametersT.kwargs,
    ) -> ResultT:
        return await _context_of(self).complete(partial(method, self, *args, **keywords))

    call.__qualname__ = f"AsyncBackupReplicationClient.{call.__name__}"
    return call


def _async_iterator(
    method: Callable[Concatenate[Any, ParametersT], Iterator[ResultT]],
) -> Callable[
    Concatenate["AsyncBackupReplicationClient", ParametersT], AsyncGenerator[ResultT, None]
]:
    """Return the async form of a method that lists."""

    @wraps(method)
    def call(
        self: "AsyncBackupReplicationClient",
        /,
        *args: ParametersT.args,
        **keywords: ParametersT.kwargs,
    ) -> AsyncGenerator[ResultT, None]:
        pages = cast("Iterator[Iterator[ResultT]]", method(self, *args, **keywords))
        return _context_of(self).iterate(pages)

    call.__qualname__ = f"AsyncBackupReplicationClient.{call.__name__}"
    items: Any = AsyncGenerator
    item = get_args(method.__annotations__["return"])[0]
    call.__annotations__ = {**method.__annotations__, "return": items[item, None]}
    return call


class AsyncBackupReplicationClient(ClientBase):
    """An async client that replicates RDS automated backups to its Region.

    It has the methods of ``BackupReplicationClient``, with the same parameters, results and
    errors, for asyncio and trio::

        async with AsyncBackupReplicationClient(region_name="us-east-1") as client:
            result = await client.ensure_replication(
                source_db_instance_arn="arn:aws:rds:us-west-2:123456789012:db:mydatabase",
                backup_retention_period=14,
            )
            async for backup in client.describe_db_instance_automated_backups():
                print(backup.db_instance_arn)

    The client sends its requests through boto3, in worker threads of anyio. A wait uses no thread
    while it pauses. At most 40 calls of an event loop run at once; to change that, set the
    ``total_tokens`` of ``anyio.to_thread.current_default_thread_limiter()``.

    If a task is cancelled, its wait ends at once, and no further request is sent. A change that is
    being sent, such as a start, delays the cancellation until its response has come. The client
    logs that response, and reports it to ``on_call``. A read that is being sent continues in its
    thread, and its response is dropped.

    ``on_poll`` and ``on_progress`` are called in the event loop, and may be async. ``on_call`` is
    called in the event loop, too, and must be a plain function.
    """

    _context_type = AsyncContext

    # With Final, type checkers may infer the types, so that nothing is declared twice.

    start_db_instance_automated_backups_replication: Final = _coroutine(
        BackupReplicationClient.start_db_instance_automated_backups_replication
    )
    stop_db_instance_automated_backups_replication: Final = _coroutine(
        BackupReplicationClient.stop_db_instance_automated_backups_replication
    )
    describe_db_instance_automated_backups: Final = _async_iterator(
        BackupReplicationClient.describe_db_instance_automated_backups
    )
    delete_db_instance_automated_backup: Final = _coroutine(
        BackupReplicationClient.delete_db_instance_automated_backup
    )
    describe_source_regions: Final = _async_iterator(
        BackupReplicationClient.describe_source_regions
    )
    restore_db_instance_to_point_in_time: Final = _coroutine(
        BackupReplicationClient.restore_db_instance_to_point_in_time
    )
    find_replicated_backup: Final = _coroutine(BackupReplicationClient.find_replicated_backup)
    wait_until_replicating: Final = _coroutine(BackupReplicationClient.wait_until_replicating)
    wait_until_stopped: Final = _coroutine(BackupReplicationClient.wait_until_stopped)
    ensure_replication: Final = _coroutine(BackupReplicationClient.ensure_replication)
    replace_replication: Final = _coroutine(BackupReplicationClient.replace_replication)
    ensure_stopped: Final = _coroutine(BackupReplicationClient.ensure_stopped)
    check_replication: Final = _coroutine(BackupReplicationClient.check_replication)

    async def close(self) -> None:
        """Close the connections of the boto3 clients that this client made.

        A client that was given as ``client=``, ``source_client=`` or ``kms_client=`` stays open.
        A later call opens new connections.
        """
        self._context.close()

    async def __aenter__(self) -> "Self":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
