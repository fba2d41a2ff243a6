"""The share of instances that is protected, from each Region to each."""

from collections import Counter
from collections.abc import Iterable

from ._html import NOT_WANTED, URGENCY, Html, badge, bar, many, percent, row, scrolled, section, tag
from ._records import AuditRecord, State


def matrix(records: Iterable[AuditRecord]) -> Html:
    cells: dict[tuple[str, str | None], Counter[State]] = {}
    not_listed: Counter[str] = Counter()
    for record in records:
        pair = record.source_region, record.destination_region
        if record.db_instance_arn is None:
            not_listed[record.source_region] += 1
        else:
            cells.setdefault(pair, Counter())[record.state] += 1
    sources = sorted({source for source, _ in cells} | set(not_listed))
    # Instances that no rule is about have no destination, and come last.
    destinations = sorted({to for _, to in cells}, key=lambda to: (to is None, to or ""))
    rows = (
        row(
            tag("th", source, *_not_listed_note(not_listed[source]), scope="row"),
            *(_cell(cells.get((source, to))) for to in destinations),
        )
        for source in sources
    )
    head = (tag("th", to or "no destination", scope="col") for to in destinations)
    return section(
        "regions",
        "From Region to Region",
        scrolled(
            "matrix",
            "Share protected, of the instances that the policy wants replicated",
            [tag("th", "Source", scope="col"), *head],
            rows,
        ),
    )


def _not_listed_note(accounts: int) -> list[Html]:
    text = f"not listed in {many(accounts, 'account')}"
    return [tag("span", text, class_="state unknown")] if accounts else []


def _cell(counts: Counter[State] | None) -> Html:
    if counts is None:
        return tag("td")
    wanted = sum(count for state, count in counts.items() if state not in NOT_WANTED)
    protected = counts["protected"]
    rest = (
        tag("li", f"{counts[state]:,} ", badge(state))
        for state in URGENCY
        if counts[state] and state != "protected"
    )
    share = f"{percent(protected, wanted)} " if wanted else ""
    of = f"{protected:,} of {wanted:,}" if wanted else "none wanted"
    return tag("td", tag("strong", share), of, bar(counts), tag("ul", *rest))
