"""Lists of facts on the pages of a recovery."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from ...fleet._durations import format_duration
from ...fleet._report.html import Html, join, tag, time_tag
from ...fleet._wording import utc


def fact(name: str, *content: str) -> Html:
    """Return a fact with its name; nothing if its content is empty."""
    shown = join(content)
    return join((tag("dt", name), tag("dd", shown))) if shown else Html()


def fact_list(*facts: Html) -> Html:
    """Return a list of facts."""
    return tag("dl", *facts, class_="record")


def lines(texts: tuple[str, ...]) -> Iterator[Html]:
    """Yield each text as a line of its own."""
    return (tag("p", text) for text in texts)


def moment_after(begun: datetime | None, after: timedelta | None) -> Html:
    """Return how long something took, and when it ended; nothing if it did not end."""
    if after is None:
        return Html()
    took = f"after {format_duration(after)}"
    if begun is None:
        return join((took,))
    return join((time_tag(utc(begun) + after), f", {took}"))
