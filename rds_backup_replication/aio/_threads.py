"""Calls in worker threads, for async callers that may be cancelled."""

import math
from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio import CancelScope, CapacityLimiter, get_cancelled_exc_class, to_thread

from .._cancellation import CancellableCalls

ResultT = TypeVar("ResultT")

_POLL_INTERVAL = 0.01  # seconds


async def run_in_thread(function: Callable[[], ResultT], calls: CancellableCalls) -> ResultT:
    """Run a function in a worker thread, and return its result.

    If the caller is cancelled, the thread sends no further request. A change in progress is
    awaited, because its outcome would be unknown. A read in progress is not: it goes on in the
    thread, and its response is dropped.
    """

    def run() -> ResultT:
        with calls.running():
            return function()

    try:
        # A thread with a dropped read must not keep others from the limiter.
        async with to_thread.current_default_thread_limiter():
            no_limit = CapacityLimiter(math.inf)
            return await to_thread.run_sync(run, abandon_on_cancel=True, limiter=no_limit)
    except GeneratorExit:  # the coroutine was closed, so it cannot wait
        calls.cancel()
        raise
    except (get_cancelled_exc_class(), KeyboardInterrupt, SystemExit):  # trio raises them here
        calls.cancel()
        await _wait_for_change(calls)
        raise


async def _wait_for_change(calls: CancellableCalls) -> None:
    with CancelScope(shield=True):
        while calls.is_changing:
            try:
                await anyio.sleep(_POLL_INTERVAL)
            except get_cancelled_exc_class():  # noqa: PERF203  # Task.cancel() ignores the scope
                continue
