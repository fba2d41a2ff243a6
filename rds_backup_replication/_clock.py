"""The clock that measures waits, and the pauses between their polls."""

import threading
from collections.abc import Generator
from typing import Protocol, TypeVar

ResultT = TypeVar("ResultT")

# A workflow is a generator that yields its pauses, in seconds, and returns its result. So the same
# workflow runs in a thread that sleeps and in an event loop that does not.
Steps = Generator[float, None, ResultT]


class Clock(Protocol):
    """The part of the ``time`` module that a wait needs."""

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...


class InstantClock(threading.local):
    """A clock whose sleep takes no time, for tests and the sandbox; each thread has its own."""

    def __init__(self) -> None:
        self._now = 0.0

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float, /) -> None:
        self._now += seconds
