"""Markup that takes no text for markup, and how the report writes what it shows."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from html import escape
from typing import get_args

from .._invisible_characters import replace_unseen
from .._records import AuditRecord, State

STATES: tuple[State, ...] = get_args(State)
URGENCY: tuple[State, ...] = (
    *("unprotected", "stopped", "unknown", "lagging"),
    *("starting", "unmatched", "excluded", "protected"),
)
"""The most urgent first."""
NOT_WANTED: tuple[State, ...] = ("excluded", "unmatched")
"""No policy asks for the replication of these."""
MEANINGS: dict[State, str] = {
    "protected": "Replicates, and is not too far behind.",
    "starting": "The first snapshot is being copied.",
    "lagging": "Further behind than the rule allows.",
    "stopped": "Only retained backups are left.",
    "unprotected": "The destination has no backups.",
    "unknown": "It could not be found out.",
    "excluded": "The rule wants no replication.",
    "unmatched": "No rule is about it.",
}


class Html(str):
    """Markup; any other string is text."""

    __slots__ = ()


def join(parts: Iterable[str]) -> Html:
    return Html("".join(part if isinstance(part, Html) else _escape(part) for part in parts))


def _escape(text: str) -> str:
    return escape(replace_unseen(text, lambda _: "\ufffd"))


def tag(name: str, *content: str, **attributes: str) -> Html:
    """An element; ``class_`` stands for ``class``, and ``aria_label`` for ``aria-label``."""
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escape(value)}"'
        for key, value in attributes.items()
    )
    return Html(f"<{name}{shown}>{join(content)}</{name}>")


def section(id_: str, title: str, *content: str) -> Html:
    return tag("section", tag("h2", title, id=id_), *content)


def row(*cells: Html) -> Html:
    """A table's row; its line ends inside: browsers are slow to sort rows with text in between."""
    return tag("tr", *cells, "\n")


def scrolled(name: str, caption: str, head: Iterable[Html], rows: Iterable[Html]) -> Html:
    """A table that can be scrolled sideways, with the keyboard too."""
    table = tag(
        "table",
        tag("caption", caption, id=f"{name}-caption"),
        tag("thead", row(*head)),
        tag("tbody", *rows),
        id=f"{name}-table",
    )
    labelled = f"{name}-caption"
    return tag("div", table, role="region", tabindex="0", aria_labelledby=labelled, class_="wide")


def bar(counts: Mapping[State, int]) -> Html:
    total, x = sum(counts.values()), 0.0
    parts: list[Html] = []
    for state in STATES:
        width = counts.get(state, 0) / max(total, 1) * 100
        if width:
            parts.append(tag("rect", x=length(x), width=length(width), height="8", class_=state))
        x += width
    return tag("svg", *parts, class_="bar", aria_hidden="true")


def badge(state: State) -> Html:
    return tag("span", state, class_=f"state {state}")


def called(record: AuditRecord) -> str:
    """What a record is called; a Region's stands for all of its instances."""
    if record.db_instance_arn is None:
        return record.source_region
    return record.db_instance_identifier or record.db_instance_arn.rpartition(":")[2]


def route(record: AuditRecord) -> str:
    return f"{record.source_region} → {record.destination_region or 'no destination'}"


def utc(moment: datetime) -> datetime:
    """Differences are true in UTC alone: in one zone, they leave out that clocks are changed."""
    return moment.astimezone(timezone.utc)


def iso(moment: datetime | None) -> str:
    if moment is None:
        return ""
    return utc(moment).replace(tzinfo=None).isoformat("T", "seconds") + "Z"


def time_tag(moment: datetime | None) -> Html:
    return tag("time", iso(moment)) if moment else Html()


def many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def regions(not_listed: list[AuditRecord], noun: str = "Region") -> str:
    """Such as ``1 Region in 2 accounts``."""
    accounts = {record.account_id for record in not_listed}
    text = many(len({record.source_region for record in not_listed}), noun)
    return f"{text} in {many(len(accounts), 'account')}" if len(accounts) > 1 else text


def percent(part: int, whole: int) -> str:
    """Rounded down: 100 % is all."""
    return f"{part * 100 // max(whole, 1)} %"


def length(percent: float) -> str:
    """As SVG has it."""
    return f"{percent:.2f}%"
