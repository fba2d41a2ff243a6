"""The restore windows and lags of the instances, on one time axis."""

from datetime import datetime, timedelta

from .._durations import format_duration
from .._records import AuditRecord
from .._wording import NOT_REPLICATED, display_name, pluralize, utc
from .html import (
    MAX_LISTED,
    Html,
    badge,
    join,
    route,
    row,
    scrollable_table,
    section,
    svg_length,
    tag,
    time_tag,
)

_MAX_TICKS = 7
_EDGE = 5  # percent of the axis; a label closer to its start would stick out
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_STEPS = tuple(h * _HOUR for h in (1, 2, 6, 12, 24, 48, 120, 168, 336, 720, 2160, 8760))


def timeline(audited_at: datetime, instances: list[AuditRecord]) -> Html:
    """Return the section of restore windows, the largest lag first."""
    if not instances:
        return Html()
    audited_at = utc(audited_at)
    with_window = [record for record in instances if record.latest_time is not None]
    with_window.sort(key=lambda r: (r.state in NOT_REPLICATED, utc(r.latest_time or audited_at)))
    shown = with_window[:MAX_LISTED]
    starts = (utc(r.earliest_time or r.latest_time or audited_at) for r in shown)
    span = max(audited_at - min(starts, default=audited_at), _HOUR)

    def position(moment: datetime | None) -> float:
        """Return where a time is on the axis, in percent; the audit is at 100."""
        return min(max(100 - (audited_at - utc(moment or audited_at)) / span * 100, 0), 100)

    rows = (
        row(
            tag(
                "th",
                display_name(r),
                tag(
                    "span",
                    route(r.source_region, r.destination_region),
                    " ",
                    badge(r.state),
                    class_="quiet",
                ),
                scope="row",
            ),
            tag("td", time_tag(r.earliest_time), class_="times"),
            tag(
                "td",
                _window(r, position(r.earliest_time or r.latest_time), position(r.latest_time)),
            ),
            tag("td", time_tag(r.latest_time), class_="times"),
            tag("td", "" if r.lag is None else format_duration(r.lag), _lag(r), class_="lag"),
        )
        for r in shown
    )
    caption = f"Restore windows of {pluralize(len(shown), 'instance')}"
    if len(with_window) > len(shown):
        caption += (
            f", out of {len(with_window):,}. Instances that the policy replicates come first, the "
            "largest lag first. The table below has all instances"
        )
    names = ("Instance", "Earliest", _axis(span), "Latest", "Lag")
    head = [tag("th", text, scope="col") for text in names]
    hint = (
        "The mark in the middle of a lag's bar is the lag that the rule allows. If the lag is more "
        "than twice as large, the bar ends in an arrow."
    )
    without = len(instances) - len(with_window)
    if without:
        hint = f"{hint} Not shown: {pluralize(without, 'instance')} without a restore window."
    if not with_window:
        none = tag("p", "No instance has a restore window.", class_="quiet")
        return section("windows", "Restore windows", none)
    return section(
        "windows",
        "Restore windows",
        scrollable_table("windows", caption, head, rows),
        tag("p", hint, class_="quiet"),
    )


def _axis(span: timedelta) -> Html:
    """Return the axis, with a line and a label at each step.

    The classes ``some`` and ``much`` hide labels where the page is narrow.
    """
    step = next((step for step in _STEPS if span / step <= _MAX_TICKS), span)
    count = int(span / step)
    lines: list[Html] = []
    labels: list[Html] = []
    for k in range(1, count + 1):
        x = 100 - k * step / span * 100
        lines.append(tag("line", x1=svg_length(x), x2=svg_length(x), y2="100%"))
        text = f"{k * step // _HOUR} h" if step < _DAY else f"{k * step // _DAY} d"
        room = "" if k == count else "some" if k > 1 and (count - k) % 2 == 0 else "much"
        # A label is centered on its line, unless the label would stick out.
        labels.append(
            tag(
                "text", text, x=svg_length(x), y="11", class_=f"start {room}" if x < _EDGE else room
            )
        )
    labels.append(tag("text", "audit", x="100%", y="11", class_="end"))
    grid = tag("defs", tag("g", *lines, id="grid"))
    chart = tag("svg", grid, *labels, class_="axis", aria_hidden="true")
    return join(
        (tag("span", "Restore window", class_="visually-hidden"), tag("div", chart, class_="room"))
    )


def _window(record: AuditRecord, left: float, right: float) -> Html:
    """Return a record's restore window as a bar, and the gap up to the audit as a line."""
    width = max(right - left, 0.3)  # narrower bars are invisible
    return tag(
        "svg",
        tag("use", href="#grid"),
        tag(
            "rect",
            x=svg_length(left),
            width=svg_length(width),
            y="3",
            height="8",
            class_=record.state,
        ),
        tag(
            "rect",
            x=svg_length(right),
            width=svg_length(100 - right),
            y="6",
            height="2",
            class_="gap",
        ),
        aria_hidden="true",
    )


def _lag(record: AuditRecord) -> Html:
    """Return the lag as a bar, on a scale that ends at twice the allowed lag."""
    if record.lag is None or not record.maximum_lag:
        return Html()
    share = max(record.lag / record.maximum_lag / 2, 0)
    arrow = tag(
        "svg", tag("path", d="M-9 2L0 7L-9 12z"), x="100%", class_=record.state, aria_hidden="true"
    )
    return tag(
        "svg",
        tag("rect", width=svg_length(min(share, 1) * 100), y="5", height="4", class_=record.state),
        *([arrow] if share > 1 else []),
        tag("line", x1="50%", x2="50%", y1="2", y2="12"),
        aria_hidden="true",
    )
