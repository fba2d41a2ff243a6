"""What an async client does between the API calls of a workflow."""

import inspect
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from types import GeneratorType
from typing import Any, TypeVar, cast

import anyio
import anyio.lowlevel

from .._api_call import report_call
from .._cancellation import CallCancelled, CancellableCalls, current_calls
from .._clock import InstantClock
from .._context import Context
from .._models import ApiCall
from .._steps import Report, Step, Steps
from ._threads import run_in_thread

ResultT = TypeVar("ResultT")


class _End:
    """The end of a workflow."""

    def __init__(self, result: Any) -> None:
        self.result: Any = result


class AsyncContext(Context):
    """A context that leaves workflows and pages to the event loop."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._report_call = self.on_call
        if inspect.iscoroutinefunction(self._report_call):
            raise TypeError("on_call= must be a plain function, not an async one")
        if self.on_call is not None:  # worker threads make the calls; the event loop reports them
            self.on_call = _collect

    def run(self, steps: Steps[ResultT]) -> ResultT:
        """Return the workflow itself, for ``complete``."""
        return cast("ResultT", steps)

    def flatten(self, pages: Iterator[Iterable[ResultT]]) -> Iterator[ResultT]:
        """Return the pages themselves, for ``iterate``."""
        return cast("Iterator[ResultT]", pages)

    async def call(self, function: Callable[[], ResultT], calls: CancellableCalls) -> ResultT:
        """Run a function in a worker thread, and report the API calls that it makes."""
        try:
            return await run_in_thread(function, calls)
        finally:
            while calls.reports:
                report_call(self._report_call, calls.reports.pop(0))

    async def complete(self, method: Callable[[], ResultT]) -> ResultT:
        """Run a method of the sync client: its calls in worker threads, its steps here."""
        if isinstance(self.clock, InstantClock):
            self.clock.restart()  # a task inherits the time of the one that made it
        steps = _steps_of(method)
        calls = CancellableCalls(partial(_abandon, steps))
        resume: Callable[[], Step] = partial(next, steps)
        while not isinstance(step := await self.call(partial(_advance, resume), calls), _End):
            try:
                await self._take(step)
            except Exception as error:  # noqa: BLE001, PERF203  # as in Context.run
                resume = partial(steps.throw, error)
            except BaseException as interruption:
                try:
                    steps.throw(interruption)  # the workflow may log it
                finally:
                    calls.cancel()
                raise
            else:
                resume = partial(next, steps)
        result: ResultT = step.result
        return result

    async def _take(self, step: Step) -> None:
        if isinstance(step, Report):
            await _call_back(step.callback, step.value)
        elif self.clock is time:
            await anyio.sleep(step)
        else:
            self.clock.sleep(step)
            await anyio.lowlevel.checkpoint()

    async def iterate(self, pages: Iterator[Iterable[ResultT]]) -> AsyncGenerator[ResultT, None]:
        """Yield the items of all pages; each page is fetched when it is reached."""
        while (page := await self.call(partial(next, pages, None), CancellableCalls())) is not None:
            for item in page:
                yield item


def _collect(call: ApiCall) -> None:
    calls = current_calls()
    if calls is not None:
        calls.reports.append(call)


def _abandon(steps: Steps[Any]) -> None:
    """Let a workflow log what it leaves behind."""
    with suppress(CallCancelled):
        steps.throw(CallCancelled())


def _steps_of(method: Callable[[], ResultT]) -> Steps[ResultT]:
    """Return the steps of a method; one that is no workflow has none."""
    result = method()
    if isinstance(result, GeneratorType):
        result = yield from cast("Steps[ResultT]", result)
    return result


def _advance(resume: Callable[[], Step]) -> Step | _End:
    """Return the next step, or the end."""
    try:
        return resume()
    except StopIteration as end:
        return _End(end.value)


async def _call_back(callback: Callable[[Any], object], value: object) -> None:
    """Call a function of the caller's, and wait for it if it is async."""
    result = callback(value)
    if inspect.isawaitable(result):
        await result
