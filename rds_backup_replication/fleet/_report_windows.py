"""What can be restored, and how far it is behind, on one axis of time."""

from datetime import datetime, timedelta

from ._duration import duration
from ._html import (
    Html,
    called,
    length,
    many,
    route,
    row,
    scrolled,
    section,
    tag,
    time_tag,
)
from ._records import AuditRecord

TIMELINE_ROWS = 100
MAXIMUM_TICKS = 7
EDGE = 5
_STEPS = tuple(timedelta(hours=h) for h in (1, 2, 6, 12, 24, 48, 120, 168, 336, 720, 2160, 8760))


def timeline(audited_at: datetime, instances: list[AuditRecord]) -> Html:
    known = [record for record in instances if record.latest_time is not None]
    known.sort(key=lambda record: record.latest_time or audited_at)
    shown = known[:TIMELINE_ROWS]
    start = min((r.earliest_time or r.latest_time or audited_at for r in shown), default=audited_at)
    span = max(audited_at - start, timedelta(hours=1))

    def at(moment: datetime | None) -> float:
        return min(max(100 - (audited_at - (moment or audited_at)) / span * 100, 0), 100)

    step = next((step for step in _STEPS if span / step <= MAXIMUM_TICKS), span)
    ticks = [audited_at - k * step for k in range(1, int(span / step) + 1)]
    lines = (tag("line", x1=length(at(t)), x2=length(at(t)), y2="100%") for t in ticks)
    labels = [_label(duration(audited_at - t), at(t)) for t in ticks]
    labels.append(_label("audit", 100))
    grid = tag("defs", tag("g", *lines, id="grid"))
    axis = tag("svg", grid, *labels, class_="axis", aria_hidden="true")
    rows = (
        row(
            tag("th", called(r), tag("span", route(r), class_="quiet"), scope="row"),
            tag("td", time_tag(r.earliest_time), class_="times"),
            tag("td", _window(r, at(r.earliest_time or r.latest_time), at(r.latest_time))),
            tag("td", time_tag(r.latest_time), class_="times"),
            tag("td", "" if r.lag is None else duration(r.lag), _lag(r), class_="lag"),
        )
        for r in shown
    )
    note = f"What can be restored in the destination, of {many(len(shown), 'instance')}"
    if len(known) > len(shown):
        note = f"{note} of {len(known):,}: those furthest behind; the table below has all"
    names = ("Instance", "Earliest", axis, "Latest", "Lag")
    head = [tag("th", text, scope="col") for text in names]
    hint = "A lag's bar is as long as the lag; the mark is the lag that the rule allows."
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


def _label(text: str, x: float) -> Html:
    """Centred on its line, unless it would stick out."""
    side = "start" if x < EDGE else "end" if x > 100 - EDGE else ""
    return tag("text", text, x=length(x), y="11", class_=side)


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
    width = min(max(record.lag / record.maximum_lag * 50, 0), 100)
    return tag(
        "svg",
        tag("rect", width=length(width), y="5", height="4", class_=record.state),
        tag("line", x1="50%", x2="50%", y1="2", y2="12"),
        aria_hidden="true",
    )
