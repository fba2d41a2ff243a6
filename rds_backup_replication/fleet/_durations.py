"""Durations in the form that people type and read: ``90s``, ``1h 30m``."""

import re
from datetime import timedelta

_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
# No more digits, so that no number overflows a timedelta.
_FORM = re.compile(r"([0-9]{1,6})([dhms])", re.ASCII)
DURATION_RULE = "must be a number and a unit: 90s, 30m, 12h or 2d"


def parse_duration(text: str) -> timedelta:
    """Return the duration that a text such as ``30m`` gives.

    Raises:
        ValueError: The text has another form.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(DURATION_RULE)
    return int(match[1]) * _UNITS[match[2]]


def format_duration(duration: timedelta, *, max_units: int = len(_UNITS)) -> str:
    """Return a duration in its largest units, such as ``1h 30s``; at least ``0s``.

    The duration is rounded up to a second, so that a lag that exceeds a limit never reads like
    the limit itself.
    """
    second = _UNITS["s"]
    rest = max(-(-duration // second), 0) * second  # negative where two clocks differ
    counts: list[tuple[int, str]] = []
    for unit, size in _UNITS.items():
        count, rest = divmod(rest, size)
        if count or counts:
            counts.append((count, unit))
    return " ".join(f"{count}{unit}" for count, unit in counts[:max_units] if count) or "0s"
