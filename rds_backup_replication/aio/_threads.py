"""Calls in worker threads, for async callers that may be cancelled."""

import math
from collections.abc import Callable
from typing import TypeVar

from anyio import CancelScope, CapacityLimiter, get_cancelled_exc_class, to_thread

from .._cancellation import CancellableCalls, cancellable

ResultT = TypeVar("ResultT")


async def run_in_thread(function: Callable[[], ResultT]) -> ResultT:
    """Run a function in a worker thread, and return its result.

    If the caller is cancelled, the thread sends no further call. A change in progress is awaited,
    because its outcome would be unknown. A read in progress is not: it goes on in the thread, and
    its response is dropped.
    """
    calls = CancellableCalls()

    def run() -> ResultT:
        with cancellable(calls):
            return function()

    try:
        return await to_thread.run_sync(run, abandon_on_cancel=True)
    except get_cancelled_exc_class():
        if calls.cancel():
            await _wait_for_end(calls)
        raise


async def _wait_for_end(calls: CancellableCalls) -> None:
    with CancelScope(shield=True):
        while not calls.ended.is_set():
            try:
                # The threads of the caller's limiter may all be in use.
                await to_thread.run_sync(calls.ended.wait, limiter=CapacityLimiter(math.inf))
            except get_cancelled_exc_class():  # noqa: PERF203  # Task.cancel() ignores the scope
                continue
