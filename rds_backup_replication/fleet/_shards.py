"""Running work that is cut into shards: here in threads, or wherever an executor takes it."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")
OnProgress = Callable[[int, int], object]

_THREADS = 16
AHEAD = 20
"""How many to send ahead of what is read, so that results do not pile up, nor threads idle."""
_AHEAD_ELSEWHERE = 200  # how many workers another executor has is not known


def in_order(
    function: Callable[[ItemT], ResultT],
    items: Sequence[ItemT],
    executor: Executor | None,
    *,
    on_progress: OnProgress | None,
    ahead: int | None,
) -> Iterator[ResultT]:
    """The results, in the order of the items; all are sent ahead if ``ahead`` is ``None``."""
    with ExitStack() as stack:
        if ahead is None:
            ahead = len(items)
        elif executor is not None:
            ahead = _AHEAD_ELSEWHERE
        pool = executor or stack.enter_context(ThreadPoolExecutor(_THREADS))
        pending: deque[Future[ResultT]] = deque()
        stack.callback(lambda: [future.cancel() for future in pending])
        waiting = deque(items)
        for done in range(1, len(items) + 1):
            while waiting and len(pending) < ahead:
                pending.append(pool.submit(function, waiting.popleft()))
            yield pending.popleft().result()
            if on_progress is not None:
                on_progress(done, len(items))
