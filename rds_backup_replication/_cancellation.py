"""Cancellation of calls that run in a worker thread for an async caller."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar


class CallCancelled(BaseException):
    """Ends a worker thread whose caller was cancelled, in place of its next call."""


class CancellableCalls:
    """The calls of one worker thread.

    A thread cannot be ended. If the caller is cancelled, the thread goes on to the end of the
    call in progress, and sends no other one.
    """

    def __init__(self) -> None:
        self.ended = threading.Event()
        """Set when the thread has ended."""
        self._lock = threading.Lock()
        self._is_cancelled = False
        self._is_changing = False

    def cancel(self) -> bool:
        """Prevent further calls, and return whether a change is in progress."""
        with self._lock:
            self._is_cancelled = True
            return self._is_changing

    def begin(self, *, is_change: bool) -> None:
        """Begin a call, or raise ``CallCancelled``."""
        with self._lock:
            if self._is_cancelled:
                raise CallCancelled
            self._is_changing = is_change

    def end(self) -> bool:
        """End a call, and return whether it was cancelled meanwhile."""
        with self._lock:
            self._is_changing = False
            return self._is_cancelled


_calls: ContextVar[CancellableCalls | None] = ContextVar("cancellable_calls", default=None)


def current_calls() -> CancellableCalls | None:
    """Return the calls of the current worker thread; ``None`` in any other thread."""
    return _calls.get()


@contextmanager
def cancellable(calls: CancellableCalls) -> Generator[None]:
    """Let the calls within the block be cancelled."""
    token = _calls.set(calls)
    try:
        yield
    finally:
        _calls.reset(token)
        calls.ended.set()
