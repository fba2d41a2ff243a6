"""The report's building blocks: escaped markup, and the form of names, times and counts."""

from collections.abc import Iterable
from datetime import datetime, timezone
from html import escape
from typing import get_args

from .._invisible_characters import replace_invisible
from .._records import AuditRecord, OtherBackup, State, StateChange

STATES: tuple[State, ...] = get_args(State)
URGENCY: tuple[State, ...] = (
    *("unprotected", "stopped", "at_risk", "lagging", "unknown", "drifted"),
    *("starting", "unmatched", "excluded", "ignored", "protected"),
)
"""The states, the most urgent first."""
NOT_REPLICATED: tuple[State, ...] = ("excluded", "ignored", "unmatched")
"""The states of instances that the policy does not replicate."""
MEANINGS: dict[State, str] = {
    "protected": "Replicates within the allowed lag.",
    "starting": "RDS is copying the first snapshot.",
    "lagging": "The lag exceeds the rule's maximum.",
    "drifted": "Retention, key or tags differ from the policy.",
    "at_risk": "Replicates today, but the replication will end, or a restore would fail.",
    "stopped": "Only retained backups are left.",
    "unprotected": "The destination has no backups.",
    "unknown": "The state could not be determined.",
    "excluded": "The rule says not to replicate.",
    "ignored": "The rule says that somebody else is responsible.",
    "unmatched": "No rule matches.",
}
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


def badge(state: State) -> Html:
    """Return a state's name with its sign and color."""
    return tag("span", state_name(state), class_=f"state {state}")


def state_name(state: State) -> str:
    """Return a state's name in words."""
    return state.replace("_", " ")


def list_words(words: Iterable[str]) -> str:
    """Return the words as a list in a sentence, such as ``a, b and c``."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def arn_line(arn: str) -> Html:
    """Return an ARN that breaks, if at all, between its Region and account and its resource."""
    *scope, resource = arn.split(":", 5)
    head = f"{':'.join(scope)}:" if scope else ""
    return tag("p", tag("span", head), tag("span", resource), class_="arn")


def display_name(record: AuditRecord | OtherBackup | StateChange) -> str:
    """Return the instance's name, or the Region that could not be listed."""
    identifier = record.db_instance_identifier if isinstance(record, AuditRecord) else None
    name = identifier or (record.db_instance_arn or "").rpartition(":")[2]
    return name or record.source_region or "unknown instance"


def route(source: str | None, destination: str | None) -> Html:
    """Return the source and destination Regions, neither of them broken at the end of a line."""
    regions = f"{source or 'unknown Region'} →", destination or "no destination"
    return join(
        (tag("span", regions[0], class_="unit"), " ", tag("span", regions[1], class_="unit"))
    )


def facts(parts: Iterable[str], class_: str = "facts") -> Html:
    """Return facts in one paragraph, separated by dots; a line breaks between two facts."""
    return tag("p", *(tag("span", part) for part in parts), class_=class_)


def utc(moment: datetime) -> datetime:
    """Return the time in UTC.

    Differences must be taken in UTC: Python ignores a clock change between two times of the
    same zone.
    """
    return moment.astimezone(timezone.utc)


def iso(moment: datetime | None) -> str:
    """Return the time in UTC, to the second; empty if there is none."""
    if moment is None:
        return ""
    return utc(moment).replace(tzinfo=None).isoformat("T", "seconds") + "Z"


def time_tag(moment: datetime | None) -> Html:
    """Return a ``time`` element; empty if there is no time."""
    return tag("time", iso(moment)) if moment else Html()


def pluralize(count: int, noun: str) -> str:
    """Return the count and the noun, such as ``2 days``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def count_regions(not_listed: list[AuditRecord], noun: str = "Region") -> str:
    """Return the number of Regions, such as ``1 Region in 2 accounts``."""
    accounts = {record.account_id for record in not_listed}
    text = pluralize(len({record.source_region for record in not_listed}), noun)
    return f"{text} in {pluralize(len(accounts), 'account')}" if len(accounts) > 1 else text


def percent(part: int, whole: int) -> str:
    """Return the share, rounded down so that only a complete share is 100%.

    Only nothing is 0%: a smaller share than 1% is ``<1%``.
    """
    share = part * 100 // whole
    return "<1%" if part and not share else f"{share}%"


def svg_length(percent: float) -> str:
    """Return a percentage as a length in SVG."""
    return f"{percent:.2f}%"
