"""Ctrl-C, where more is to be said and done than to raise KeyboardInterrupt."""

import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

from ._exit import ExitCode
from ._main import DROPPED
from ._output import Progress
from ._streams import report_at_once


@contextmanager
def on_ctrl_c(act: Callable[[], object]) -> Generator[None]:
    """Have Ctrl-C call this within the block, and then raise KeyboardInterrupt."""
    if (
        threading.current_thread() is not threading.main_thread()
        # A shell has what it runs in the background ignore it.
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return

    raised = KeyboardInterrupt()

    def handle(*_: object) -> None:
        nonlocal raised
        if raised.args != DROPPED:  # else _main sends the same Ctrl-C once more
            act()
        raised = KeyboardInterrupt()
        raise raised

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def end_now(shown: Progress, text: str) -> None:
    """End the process, whatever its threads are doing: an exit would wait for them."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # another Ctrl-C must not cut the text off
        with suppress(Exception):  # the text counts, whatever the spinner raises
            shown.stop()
        report_at_once(text)
    finally:
        os._exit(ExitCode.INTERRUPTED)  # all that was written has been flushed
