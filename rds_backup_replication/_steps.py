"""The steps of a workflow: what it wants done between its API calls.

A workflow is a generator. It yields its pauses and its reports to the caller, and returns its
result. So the same workflow runs in a thread that sleeps and in an event loop that does not.
"""

from collections.abc import Callable, Generator
from typing import Any, NamedTuple, TypeVar

from ._redact import short_repr

ResultT = TypeVar("ResultT")
ValueT = TypeVar("ValueT")


class Report(NamedTuple):
    """A call of a function of the caller's."""

    callback: Callable[[Any], object]
    value: object


Step = float | Report
"""A pause in seconds, or a report."""

Steps = Generator[Step, None, ResultT]
"""A workflow that returns a result. Its driver throws the error of a step into it."""


def reporter(
    parameter: str, callback: Callable[[ValueT], object] | None
) -> Callable[[ValueT], Steps[None]]:
    """Return the steps that report a value; none if there is no callback."""
    if callback is not None and not callable(callback):
        raise TypeError(f"{parameter}= must be callable, not {short_repr(callback)}")

    def report(value: ValueT) -> Steps[None]:
        if callback is not None:
            yield Report(callback, value)

    return report
