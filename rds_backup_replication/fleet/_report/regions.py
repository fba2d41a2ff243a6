"""The share of protected instances for each pair of source and destination Regions."""

from collections import Counter

from .._records import AuditRecord, State
from .._wording import NOT_REPLICATED, URGENCY, percent, pluralize
from .html import Html, badge, bar, row, scrollable_table, section, tag


def matrix(instances: list[AuditRecord], not_listed: list[AuditRecord]) -> Html:
    """Return the section with a row for each source and a column for each destination."""
    if not instances:
        return Html()
    counts: dict[tuple[str, str | None], Counter[State]] = {}
    for record in instances:
        pair = record.source_region, record.destination_region
        counts.setdefault(pair, Counter())[record.state] += 1
    failed = Counter(record.source_region for record in not_listed)
    sources = sorted({source for source, _ in counts} | set(failed))
    # Instances without a rule have no destination. Their column comes last.
    destinations = sorted({to for _, to in counts}, key=lambda to: (to is None, to or ""))

    def cells(of: list[str]) -> list[Html]:
        """Return the cells of these sources: one for each destination, then the total."""
        is_complete = not any(failed[source] for source in of)
        by_destination = [
            sum((counts.get((source, to), Counter()) for source in of), Counter[State]())
            for to in destinations
        ]
        if len(destinations) > 1:
            by_destination.append(sum(by_destination, Counter[State]()))
        return [_cell(count, is_complete=is_complete) for count in by_destination]

    rows = [
        row(tag("th", source, *_failures(failed[source]), scope="row"), *cells([source]))
        for source in sources
    ]
    if len(sources) > 1:
        rows.append(row(tag("th", "all", scope="row"), *cells(sources)))
    names = ["Source", *(to or "no destination" for to in destinations)]
    if len(destinations) > 1:
        names.append("all")
    return section(
        "regions",
        "Protection by Region",
        scrollable_table(
            "matrix",
            "Share of protected instances among those that the policy replicates",
            (tag("th", name, scope="col") for name in names),
            rows,
        ),
    )


def _failures(accounts: int) -> list[Html]:
    """Return a note if the Region could not be listed in some accounts."""
    text = f"listing failed in {pluralize(accounts, 'account')}"
    return [tag("span", text, class_="state unknown")] if accounts else []


def _cell(counts: Counter[State], *, is_complete: bool) -> Html:
    """Return the cell with the share of protected instances, and the other states."""
    if not counts:
        return tag("td")
    replicated = sum(count for state, count in counts.items() if state not in NOT_REPLICATED)
    protected = counts["protected"]
    other_states = (
        tag("li", f"{counts[state]:,} ", badge(state))
        for state in URGENCY
        if counts[state] and state != "protected"
    )
    parts: list[Html] = []
    fraction = "none to replicate"
    if replicated:
        share = percent(protected, replicated) if is_complete else "?"
        fraction = f"{protected:,} of {replicated:,}{'' if is_complete else ' found'}"
        parts.append(tag("strong", f"{share} "))
    bars = [bar(protected, replicated, "protected")] if replicated and is_complete else []
    return tag("td", *parts, fraction, *bars, tag("ul", *other_states))
