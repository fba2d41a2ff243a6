"""Running work that is cut into shards: here in threads, or wherever an executor takes it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

_THREADS = 16
# Sent ahead of what is being read, so that results do not pile up, nor workers idle.
_AHEAD = 20
_AHEAD_ELSEWHERE = 200  # how many workers another executor has is not known


def in_order(
    function: Callable[[ItemT], ResultT], items: Iterable[ItemT], executor: Executor | None
) -> Iterator[ResultT]:
    """The results, in the order of the items, however few of them fit into memory."""
    with ExitStack() as stack:
        ahead = _AHEAD if executor is None else _AHEAD_ELSEWHERE
        pool = executor or stack.enter_context(ThreadPoolExecutor(_THREADS))
        pending: deque[Future[ResultT]] = deque()
        stack.callback(lambda: [future.cancel() for future in pending])
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) >= ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
