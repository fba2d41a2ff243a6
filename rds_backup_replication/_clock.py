"""The clock that measures waits and sleeps between polls."""

import threading
from typing import Protocol


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
