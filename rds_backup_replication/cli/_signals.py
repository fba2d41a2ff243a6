"""Handling of Ctrl-C where a command must do more than raise KeyboardInterrupt."""

import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

from ._errors import ExitCode
from ._main import DROPPED
from ._output import Progress
from ._stdio import write_stderr_unbuffered


@contextmanager
def on_ctrl_c(act: Callable[[], object]) -> Generator[None]:
    """Call a function on Ctrl-C within the block, and then raise ``KeyboardInterrupt``."""
    if (
        threading.current_thread() is not threading.main_thread()
        # A shell starts background jobs with SIGINT ignored.
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
    """Print a message and end the process at once; a normal exit would wait for its threads."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # another Ctrl-C must not cut the message
        with suppress(Exception):  # the message matters more than an error of the spinner
            shown.stop()
        write_stderr_unbuffered(text)
    finally:
        os._exit(ExitCode.INTERRUPTED)  # safe, because every write is flushed
