"""The room in the quota of each account and destination Region."""

from collections.abc import Iterable

from .._records import Headroom
from .._wording import pluralize
from .html import Html, bar, row, scrollable_table, section, tag

_COLUMNS = ("Account", "Destination", "Used", "Free")


def headroom(found: Iterable[Headroom]) -> Html:
    """Return the section of quotas, the ones with the least room first."""
    rows = [
        _row(room)
        for room in sorted(found, key=lambda r: (r.free, r.account_id, r.destination_region))
    ]
    if not rows:
        return Html()
    table = scrollable_table(
        "headroom",
        f"Replications in {pluralize(len(rows), 'destination')}, the fullest first",
        (tag("th", name, scope="col") for name in _COLUMNS),
        rows,
    )
    return section("quota", "Quota headroom", table)


def _row(room: Headroom) -> Html:
    used = bar(min(room.used, room.quota), room.quota, "used" if room.free else "full")
    return row(
        tag("th", room.account_id, scope="row"),
        tag("td", room.destination_region),
        tag("td", f"{room.used:,} of {room.quota:,}", used),
        tag("td", f"{room.free:,}" if room.free else "none"),
    )
