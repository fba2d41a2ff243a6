"""Parallel execution of independent tasks, on threads or on the caller's executor."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")
OnProgress = Callable[[int, int], object]

_THREADS = 16
MAX_PENDING = 20
"""How many tasks to submit before their results are read: enough to keep all threads busy."""
# The number of workers of another executor is unknown.
_MAX_PENDING_ELSEWHERE = 200


def map_in_order(
    function: Callable[[ItemT], ResultT],
    items: Sequence[ItemT],
    executor: Executor | None,
    *,
    on_progress: OnProgress | None,
    max_pending: int | None,
) -> Iterator[ResultT]:
    """Yield the function's result for each item, in the order of the items.

    Args:
        function: The task.
        items: The arguments, one for each task.
        executor: The executor to run the tasks on; threads of this process if ``None``.
        on_progress: Called with the number of finished tasks and their total.
        max_pending: How many tasks may be submitted before their results are read;
            all if ``None``.
    """
    with ExitStack() as stack:
        if max_pending is None:
            max_pending = len(items)
        elif executor is not None:
            max_pending = _MAX_PENDING_ELSEWHERE
        pool = executor or stack.enter_context(ThreadPoolExecutor(_THREADS))
        pending: deque[Future[ResultT]] = deque()
        stack.callback(lambda: [future.cancel() for future in pending])
        waiting = deque(items)
        for finished in range(1, len(items) + 1):
            while waiting and len(pending) < max_pending:
                pending.append(pool.submit(function, waiting.popleft()))
            yield pending.popleft().result()
            if on_progress is not None:
                on_progress(finished, len(items))
