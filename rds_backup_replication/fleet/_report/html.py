"""The report's building blocks: escaped markup, and the form of names, times and counts."""

from collections.abc import Iterable
from datetime import datetime
from html import escape

from .._invisible_characters import replace_invisible
from .._records import State
from .._wording import iso, state_name

MAX_LISTED = 100
"""The maximum number of instances that a list shows; the table of all instances has all."""


class Html(str):
    """Markup. Any other string is text, which needs escaping."""

    __slots__ = ()


def join(parts: Iterable[str]) -> Html:
    """Return the parts as one piece of markup, with text escaped."""
    return Html("".join(part if isinstance(part, Html) else _escape(part) for part in parts))


def _escape(text: str) -> str:
    return escape(replace_invisible(text, lambda _: "\ufffd"))


def tag(name: str, *content: str, **attributes: str) -> Html:
    """Return an element; ``class_`` becomes ``class``, and ``aria_label`` ``aria-label``."""
    formatted = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escape(value)}"'
        for key, value in attributes.items()
    )
    return Html(f"<{name}{formatted}>{join(content)}</{name}>")


def section(id_: str, title: str, *content: str) -> Html:
    """Return a section with a heading that links can refer to."""
    return tag("section", tag("h2", title, id=id_), *content)


def row(*cells: Html) -> Html:
    """Return a table row.

    The newline is inside the row, because browsers are slow to sort rows with text in between.
    """
    return tag("tr", *cells, "\n")


def scrollable_table(name: str, caption: str, head: Iterable[Html], rows: Iterable[Html]) -> Html:
    """Return a table that scrolls sideways, also from the keyboard."""
    table = tag(
        "table",
        tag("caption", caption, id=f"{name}-caption"),
        tag("thead", row(*head)),
        tag("tbody", *rows),
        id=f"{name}-table",
    )
    label = f"{name}-caption"
    return tag("div", table, role="region", tabindex="0", aria_labelledby=label, class_="wide")


def bar(part: int, whole: int, class_: str) -> Html:
    """Return a bar that is full only if the part is the whole, and empty only if it is nothing."""
    width = min(max(part / whole * 100, 1), 99) if 0 < part < whole else 100.0 * (part > 0)
    fill = tag("rect", width=svg_length(width), height="8", class_=class_)
    return tag("svg", *([fill] if part else []), class_="bar", aria_hidden="true")


def mark(text: str, like: State) -> Html:
    """Return a text with the sign and color of a state."""
    return tag("span", text, class_=f"state {like}")


def outcome(text: str, like: State) -> Html:
    """Return a sentence of a verdict with the sign and color of a state."""
    return tag("span", text, class_=f"outcome {like}")


def badge(state: State) -> Html:
    """Return a state's name with its sign and color."""
    return mark(state_name(state), state)


def arn_line(arn: str) -> Html:
    """Return an ARN that breaks, if at all, between its Region and account and its resource."""
    *scope, resource = arn.split(":", 5)
    head = f"{':'.join(scope)}:" if scope else ""
    return tag("p", tag("span", head), tag("span", resource), class_="arn")


def route(source: str | None, destination: str | None) -> Html:
    """Return the source and destination Regions, neither of them broken at the end of a line."""
    regions = f"{source or 'unknown Region'} →", destination or "no destination"
    return join(
        (tag("span", regions[0], class_="unit"), " ", tag("span", regions[1], class_="unit"))
    )


def facts(parts: Iterable[str], class_: str = "facts") -> Html:
    """Return facts in one paragraph, separated by dots; a line breaks between two facts."""
    return tag("p", *(tag("span", part) for part in parts), class_=class_)


def time_tag(moment: datetime | None) -> Html:
    """Return a ``time`` element; empty if there is no time."""
    return tag("time", iso(moment)) if moment else Html()


def svg_length(percent: float) -> str:
    """Return a percentage as a length in SVG."""
    return f"{percent:.2f}%"
