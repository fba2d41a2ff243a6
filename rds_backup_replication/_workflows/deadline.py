"""A deadline, and the pauses between the attempts before it."""

import random
from datetime import timedelta

from .._clock import Clock
from .._limits import JITTER


class Deadline:
    """The end of the time that a caller has given."""

    def __init__(self, clock: Clock, timeout: timedelta) -> None:
        self.timeout: timedelta = timeout
        self._clock = clock
        self._began = clock.monotonic()
        self._end = self._began + timeout.total_seconds()

    @property
    def time_left(self) -> float:
        """Return the seconds until the deadline; negative after it."""
        return self._end - self._clock.monotonic()

    @property
    def time_spent(self) -> float:
        """Return the seconds since the beginning."""
        return self._clock.monotonic() - self._began

    @property
    def share_left(self) -> float:
        """Return the share of the timeout that is left, from 0 to 1."""
        return max(0.0, self.time_left) / (self.timeout.total_seconds() or 1.0)

    def extend(self, longest: float) -> None:
        """Move the deadline to one more full timeout from now, or to ``longest`` seconds."""
        grace = min(self.timeout.total_seconds(), longest)
        self._end = max(self._end, self._clock.monotonic() + grace)

    def next_pause(self, interval: timedelta) -> float:
        """Return about the interval in seconds, but not beyond the deadline."""
        # Nobody gains from predicting the jitter, so it needs no secure randomness.
        pause = interval.total_seconds() * random.uniform(*JITTER)  # noqa: S311
        return max(0.0, min(pause, self.time_left))
