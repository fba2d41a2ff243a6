"""The share of instances that is protected, from each Region to each."""

from collections import Counter

from .._records import AuditRecord, State
from .html import NOT_WANTED, URGENCY, Html, badge, bar, many, percent, row, scrolled, section, tag


def matrix(instances: list[AuditRecord], not_listed: list[AuditRecord]) -> Html:
    counts: dict[tuple[str, str | None], Counter[State]] = {}
    for record in instances:
        pair = record.source_region, record.destination_region
        counts.setdefault(pair, Counter())[record.state] += 1
    failed = Counter(record.source_region for record in not_listed)
    sources = sorted({source for source, _ in counts} | set(failed))
    # Instances that no rule is about have no destination, and come last.
    destinations = sorted({to for _, to in counts}, key=lambda to: (to is None, to or ""))

    def cells(of: list[str]) -> list[Html]:
        """For each destination, what is protected of these sources; then of all destinations."""
        by_destination = [
            sum((counts.get((source, to), Counter()) for source in of), Counter[State]())
            for to in destinations
        ]
        shown = [_cell(count) for count in by_destination]
        if len(destinations) > 1:
            shown.append(_cell(sum(by_destination, Counter[State]())))
        return shown

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
        "From Region to Region",
        scrolled(
            "matrix",
            "Share protected, of the instances that the policy wants replicated",
            (tag("th", name, scope="col") for name in names),
            rows,
        ),
    )


def _failures(accounts: int) -> list[Html]:
    text = f"listing failed in {many(accounts, 'account')}"
    return [tag("span", text, class_="state unknown")] if accounts else []


def _cell(counts: Counter[State]) -> Html:
    if not counts:
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
