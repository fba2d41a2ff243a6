"""What can be restored, and how far it is behind, on one axis of time."""

from datetime import datetime, timedelta

from ..._durations import format_duration
from .._records import AuditRecord
from .html import (
    NOT_WANTED,
    Html,
    badge,
    called,
    join,
    length,
    many,
    route,
    row,
    scrolled,
    section,
    tag,
    time_tag,
    utc,
)

TIMELINE_ROWS = 100
MAXIMUM_TICKS = 7
EDGE = 5
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_STEPS = tuple(h * _HOUR for h in (1, 2, 6, 12, 24, 48, 120, 168, 336, 720, 2160, 8760))


def timeline(audited_at: datetime, instances: list[AuditRecord]) -> Html:
    audited_at = utc(audited_at)
    known = [record for record in instances if record.latest_time is not None]
    known.sort(key=lambda r: (r.state in NOT_WANTED, utc(r.latest_time or audited_at)))
    shown = known[:TIMELINE_ROWS]
    starts = (utc(r.earliest_time or r.latest_time or audited_at) for r in shown)
    span = max(audited_at - min(starts, default=audited_at), _HOUR)

    def at(moment: datetime | None) -> float:
        return min(max(100 - (audited_at - utc(moment or audited_at)) / span * 100, 0), 100)

    rows = (
        row(
            tag(
                "th",
                called(r),
                tag("span", f"{route(r)} ", badge(r.state), class_="quiet"),
                scope="row",
            ),
            tag("td", time_tag(r.earliest_time), class_="times"),
            tag("td", _window(r, at(r.earliest_time or r.latest_time), at(r.latest_time))),
            tag("td", time_tag(r.latest_time), class_="times"),
            tag("td", "" if r.lag is None else format_duration(r.lag), _lag(r), class_="lag"),
        )
        for r in shown
    )
    note = f"What can be restored in the destination, of {many(len(shown), 'instance')}"
    if len(known) > len(shown):
        note += (
            f" of {len(known):,}: first what the policy wants replicated, and of that first what "
            "is furthest behind; the table below has all"
        )
    names = ("Instance", "Earliest", _axis(span), "Latest", "Lag")
    head = [tag("th", text, scope="col") for text in names]
    hint = (
        "The mark in the middle of a lag's bar is the lag that the rule allows; a bar of more "
        "than twice that ends in an arrow."
    )
    without = len(instances) - len(known)
    if without:
        hint = f"{hint} {many(without, 'instance')} without a restore window: not shown."
    if not known:
        return section("windows", "Restore windows", tag("p", "There are none.", class_="quiet"))
    return section(
        "windows",
        "Restore windows",
        scrolled("windows", note, head, rows),
        tag("p", hint, class_="quiet"),
    )


def _axis(span: timedelta) -> Html:
    """A line and a label every so often; where there is little room, some labels are not shown."""
    step = next((step for step in _STEPS if span / step <= MAXIMUM_TICKS), span)
    count = int(span / step)
    lines: list[Html] = []
    labels: list[Html] = []
    for k in range(1, count + 1):
        x = 100 - k * step / span * 100
        lines.append(tag("line", x1=length(x), x2=length(x), y2="100%"))
        text = f"{k * step // _HOUR} h" if step < _DAY else f"{k * step // _DAY} d"
        room = "" if k == count else "some" if k > 1 and (count - k) % 2 == 0 else "much"
        # Centred on its line, unless it would stick out.
        labels.append(
            tag("text", text, x=length(x), y="11", class_=f"start {room}" if x < EDGE else room)
        )
    labels.append(tag("text", "audit", x="100%", y="11", class_="end"))
    grid = tag("defs", tag("g", *lines, id="grid"))
    chart = tag("svg", grid, *labels, class_="axis", aria_hidden="true")
    return join((tag("span", "Restore window", class_="unseen"), tag("div", chart, class_="room")))


def _window(record: AuditRecord, left: float, right: float) -> Html:
    width = max(right - left, 0.3)  # as narrow as can still be seen
    return tag(
        "svg",
        tag("use", href="#grid"),
        tag("rect", x=length(left), width=length(width), y="3", height="8", class_=record.state),
        tag("rect", x=length(right), width=length(100 - right), y="6", height="2", class_="gap"),
        aria_hidden="true",
    )


def _lag(record: AuditRecord) -> Html:
    """The lag, on a scale that ends at twice what is allowed."""
    if record.lag is None or not record.maximum_lag:
        return Html()
    share = max(record.lag / record.maximum_lag / 2, 0)
    arrow = tag(
        "svg", tag("path", d="M-9 2L0 7L-9 12z"), x="100%", class_=record.state, aria_hidden="true"
    )
    return tag(
        "svg",
        tag("rect", width=length(min(share, 1) * 100), y="5", height="4", class_=record.state),
        *([arrow] if share > 1 else []),
        tag("line", x1="50%", x2="50%", y1="2", y2="12"),
        aria_hidden="true",
    )
