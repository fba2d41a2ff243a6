"""Cancellation of calls that run in worker threads for an async caller."""

import logging
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

from ._models import ApiCall

_logger = logging.getLogger("rds_backup_replication")


class CallCancelled(BaseException):
    """Ends a worker thread whose caller was cancelled, in place of its next request."""


class CancellableCalls:
    """The calls of one method of the async client, each in a worker thread.

    A thread cannot be ended. If the caller is cancelled, the thread goes on until the response to
    the request in progress, and sends no other one.
    """

    def __init__(self, abandon: Callable[[], object] = lambda: None) -> None:
        """Remember what to do after a cancellation, when no thread runs."""
        self.reports: list[ApiCall] = []
        """The calls that have ended, for ``on_call``."""
        self._abandon = abandon
        self._lock = threading.Lock()
        self._is_cancelled = False
        self._is_running = False
        self._is_changing = False
        self._changes: list[str] = []

    @contextmanager
    def running(self) -> Generator[None]:
        """Let the calls within the block be cancelled; a worker thread runs it."""
        with self._lock:
            self.check()
            self._is_running = True
        token = _calls.set(self)
        try:
            yield
        finally:
            _calls.reset(token)
            with self._lock:
                self._is_running = False
                is_cancelled = self._is_cancelled
            if is_cancelled:
                self._abandon()

    def cancel(self) -> None:
        """Prevent further requests, and log the changes whose results nobody will receive."""
        with self._lock:
            if self._is_cancelled:
                return
            self._is_cancelled = True
            is_running = self._is_running
        for outcome in self._changes:
            _log_change(outcome)
        if not is_running:
            self._abandon()

    @property
    def is_changing(self) -> bool:
        """Return whether a change is in progress."""
        return self._is_changing

    def begin(self, *, is_change: bool) -> None:
        """Begin a call, or raise ``CallCancelled``."""
        with self._lock:
            self.check()
            self._is_changing = is_change

    def check(self) -> None:
        """Raise ``CallCancelled`` after a cancellation; called before each request."""
        if self._is_cancelled:
            raise CallCancelled

    def end(self, outcome: str | None, *, may_have_taken_effect: bool) -> None:
        """End a call, with the outcome if it was a change."""
        with self._lock:
            self._is_changing = False
            is_cancelled = self._is_cancelled
            if outcome is not None and may_have_taken_effect and not is_cancelled:
                self._changes.append(outcome)
        if outcome is not None and is_cancelled:
            _log_change(outcome)


def _log_change(outcome: str) -> None:
    _logger.warning("The caller was cancelled, so it does not learn that %s", outcome)


_calls: ContextVar[CancellableCalls | None] = ContextVar("cancellable_calls", default=None)


def current_calls() -> CancellableCalls | None:
    """Return the calls of the current worker thread; ``None`` in any other thread."""
    return _calls.get()
