"""Signals that interrupt the program: Ctrl-C (SIGINT), SIGTERM and SIGHUP.

Each raises ``KeyboardInterrupt``. Only the program handles signals: a command that runs in another
program leaves that program's handlers alone.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from types import CodeType, FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._output import Progress

# ruff: noqa: PLC0415 - the program installs its handlers before it imports anything else.

_ONE_REQUEST = 1.0  # seconds in which other programs may send more than one signal
_RESEND = 0.05  # seconds between two attempts to interrupt the main thread
_PAUSES_BEFORE_WAKING = (0.05, 0.2, 1.0)  # seconds


class _Program:
    """The signals that the program handles, and what it does when one arrives."""

    def __init__(self) -> None:
        self.received: int | None = None
        """The signal that interrupted the program, if any."""
        self.act: Callable[[int], object] | None = None
        """Called with each signal before ``KeyboardInterrupt`` is raised."""
        self._handled: list[int] = []
        self._hook: CodeType | None = None
        self._is_sent = False
        self._last_request = float("-inf")
        self._ignores_more = False

    def handle_signals(self) -> None:
        """Let each signal raise ``KeyboardInterrupt``, unless the parent process disabled it.

        A shell starts background jobs with SIGINT ignored, and nohup a command with SIGHUP ignored.
        """
        if threading.current_thread() is not threading.main_thread():
            return  # Python lets only the main thread set handlers
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
            number = getattr(signal, name, None)
            if number and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                self._handled.append(number)
                signal.signal(number, self._handle)
        if sys.platform != "win32":
            _end_late_waits()

    def ignore_signals(self) -> None:
        """Ignore each signal from now on, because the program is about to end."""
        for number in self._handled:
            signal.signal(number, signal.SIG_IGN)
        self._hook = None

    def send_again(self, hook: CodeType) -> None:
        """Send the signal again whose ``KeyboardInterrupt`` Python has dropped.

        Args:
            hook: The code of the hook that Python calls. Python would also drop an exception that
                is raised in the hook.
        """
        self._hook = hook
        threading.Thread(target=self._send_until_handled, daemon=True).start()

    def _send_until_handled(self) -> None:
        number = self.received or signal.SIGINT
        while self._hook is not None:
            self._is_sent = True
            if sys.platform == "win32":
                signal.raise_signal(number)
            else:  # only a signal of its own ends a wait of the main thread
                signal.pthread_kill(threading.main_thread().ident or 0, number)
            while self._is_sent:  # a second signal on the way would count as a new one
                time.sleep(_RESEND)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._hook is not None:  # the signal has been counted before
            is_too_early = _is_within(frame, self._hook)
            if not is_too_early:
                self._hook = None
            self._is_sent = False
            if is_too_early:
                return
        else:
            if self._repeats_request(number):
                return
            if self.act is not None:
                self.received = number
                self.act(number)
            elif _is_handling_interruption():
                # Another KeyboardInterrupt would cut what the command says about the first one.
                # If the command hangs while it says so, a third signal ends the program.
                if self._ignores_more:
                    end_now("Interrupted.\n")
                self._ignores_more = True
                return
            self.received = number
        raise KeyboardInterrupt

    def _repeats_request(self, number: int) -> bool:
        """Return whether a SIGTERM or SIGHUP belongs to the one before.

        If a terminal closes, its shell sends SIGHUP to the program, and so does Linux when the
        shell ends. systemd may send SIGHUP right after SIGTERM, and timeout sends SIGTERM twice.
        Only a person sends SIGINT, so each SIGINT counts.
        """
        if number == signal.SIGINT:
            return False
        before, self._last_request = self._last_request, time.monotonic()
        return self._last_request - before < _ONE_REQUEST


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """Handle a signal whose only effect is to end a system call."""


if sys.platform != "win32":

    def _end_late_waits() -> None:
        """End each system call of the main thread that began to wait as a signal arrived.

        Python handles signals between two instructions, and when one ends a system call. A signal
        that arrives in between would not be handled until the system call ends by itself.
        """
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.signal(signal.SIGURG, _do_nothing)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        main_thread = threading.get_ident()

        def end_waits() -> None:
            while number := os.read(reader, 1):
                if number != bytes([signal.SIGURG]):
                    for pause in _PAUSES_BEFORE_WAKING:
                        time.sleep(pause)
                        signal.pthread_kill(main_thread, signal.SIGURG)

        threading.Thread(target=end_waits, daemon=True).start()


def _is_within(frame: FrameType | None, code: CodeType) -> bool:
    """Return whether a frame runs a code, or something that the code calls."""
    while frame is not None:
        if frame.f_code is code:
            return True
        frame = frame.f_back
    return False


def _is_handling_interruption() -> bool:
    """Return whether the interrupted code runs because of an earlier interruption."""
    error = sys.exc_info()[1]
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__context__
    return False


PROGRAM_SIGNALS = _Program()


@contextmanager
def on_signal(act: Callable[[int], object]) -> Generator[None]:
    """Call a function with each signal within the block, before ``KeyboardInterrupt`` is raised."""
    PROGRAM_SIGNALS.act = act
    try:
        yield
    finally:
        PROGRAM_SIGNALS.act = None


@contextmanager
def finish_on_signal(
    shown: "Progress",
    first_text: str,
    summarize: Callable[[], str],
    is_finished: Callable[[], bool],
) -> Generator[None]:
    """Let the first signal interrupt the block, and the second one end the process.

    Args:
        shown: The progress of the block.
        first_text: What the first signal announces: a sentence.
        summarize: Returns the text to print when a signal has ended the block.
        is_finished: Returns whether nothing is left to finish, so that one signal is enough.
    """
    from ._stdio import write_stderr_unbuffered

    is_ending = False

    def interrupt(number: int) -> None:
        nonlocal is_ending
        if is_finished():
            end_now(f"{summarize()}Interrupted.\n", shown)
        if is_ending:
            end_now(summarize(), shown)
        is_ending = True
        again = "Press Ctrl-C again" if number == signal.SIGINT else "Send another signal"
        shown.announce(f"{first_text} {again} to end at once.")

    with on_signal(interrupt):
        try:
            yield
        except KeyboardInterrupt:  # outside of the block's own handling
            PROGRAM_SIGNALS.ignore_signals()  # another signal must not cut the message
            shown.stop()
            write_stderr_unbuffered(summarize())
            raise


def end_now(text: str, shown: "Progress | None" = None) -> None:
    """Print a message and end the process at once; a normal exit would wait for its threads."""
    from ._stdio import write_stderr_unbuffered

    try:
        PROGRAM_SIGNALS.ignore_signals()  # another signal must not cut the message
        if shown is not None:
            with suppress(Exception):  # the message matters more than an error of the spinner
                shown.stop()
        write_stderr_unbuffered(text)
    finally:
        os._exit(get_exit_code())  # safe, because every write is flushed


def get_exit_code() -> int:
    """Return the exit code of an interrupted program, in the form that shells use."""
    return 128 + (PROGRAM_SIGNALS.received or signal.SIGINT)
