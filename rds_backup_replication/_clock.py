"""Time, as waits see it."""

from typing import Protocol


class Clock(Protocol):
    """What the ``time`` module is, of all that a wait needs."""

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...


class InstantClock:
    """Time that passes by being slept through: for tests, and for the sandbox."""

    def __init__(self) -> None:
        self._now = 0.0

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float, /) -> None:
        self._now += seconds
