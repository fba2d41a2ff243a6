"""Time, as waits see it."""

import threading
from typing import Protocol


class Clock(Protocol):
    """What the ``time`` module is, of all that a wait needs."""

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...


class InstantClock(threading.local):
    """Time that passes by being slept through: for tests, and for the sandbox.

    Of each thread its own: what one sleeps through, the others do not wait for.
    """

    def __init__(self) -> None:
        self._now = 0.0

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float, /) -> None:
        self._now += seconds
