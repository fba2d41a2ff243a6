"""The clock that measures waits and sleeps between polls."""

from contextvars import ContextVar
from typing import Protocol


class Clock(Protocol):
    """The part of the ``time`` module that a wait needs."""

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...


class InstantClock:
    """A clock whose sleep takes no time, for tests and the sandbox.

    Each thread and each async task has its own time.
    """

    def __init__(self) -> None:
        self._now: ContextVar[list[float]] = ContextVar("now")

    def monotonic(self) -> float:
        return self._time()[0]

    def sleep(self, seconds: float, /) -> None:
        self._time()[0] += seconds

    def restart(self) -> None:
        """Start again at zero, in this thread or task alone."""
        self._now.set([0.0])

    def _time(self) -> list[float]:
        # A list, because the worker thread of an async task sees a copy of the task's context.
        now = self._now.get(None)
        if now is None:
            now = [0.0]
            self._now.set(now)
        return now
