"""How a span of time reads."""

from datetime import timedelta

_UNITS = (
    (timedelta(days=1), "d"),
    (timedelta(hours=1), "h"),
    (timedelta(minutes=1), "min"),
    (timedelta(seconds=1), "s"),
)


def duration(span: timedelta) -> str:
    """All of a span, such as ``1 h 30 s``: two that differ by a second never look the same.

    Rounded up to a second, so that more than what is allowed does not look like it.
    """
    second = _UNITS[-1][0]
    rest = max(-(-span // second), 0) * second  # clocks differ
    parts: list[str] = []
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"
