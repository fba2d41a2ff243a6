"""Ctrl-C, where more is to be said and done than to raise KeyboardInterrupt."""

import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

from ._errors import ExitCode
from ._output import Progress
from ._stdio import tell


@contextmanager
def on_ctrl_c(act: Callable[[], object]) -> Generator[None]:
    """Has Ctrl-C call this within the block."""
    if (
        threading.current_thread() is not threading.main_thread()
        # A shell has what it runs in the background ignore it.
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return

    def handle(*_: object) -> None:
        act()

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def end_now(shown: Progress, text: str) -> None:
    """Ends the process, whatever its threads are doing: an exit would wait for them."""
    try:
        shown.stop()
        tell(text)
    finally:
        os._exit(ExitCode.INTERRUPTED)  # all that was written has been flushed
