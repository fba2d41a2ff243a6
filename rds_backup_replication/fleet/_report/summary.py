"""The page's header: the verdict, the counts of states, and links to the sections."""

from collections import Counter
from collections.abc import Iterable

from .._records import AuditRecord, AuditReport, State
from .._wording import (
    MEANINGS,
    NOT_REPLICATED,
    URGENCY,
    count_regions,
    list_words,
    percent,
    pluralize,
)
from .backups import survivors_of
from .document import navigation
from .html import Html, badge, bar, outcome, tag, time_tag


def summary(
    report: AuditReport,
    instances: list[AuditRecord],
    not_listed: list[AuditRecord],
    links: Iterable[tuple[str, str]],
) -> Html:
    """Return the page's header."""
    regions = {(record.account_id, record.source_region) for record in not_listed}
    replicated = [
        record
        for record in instances
        # The backups of an unlisted Region do not tell which instances the policy replicates.
        if record.state not in NOT_REPLICATED
        and (record.state != "unknown" or (record.account_id, record.source_region) not in regions)
    ]
    protected = sum(record.state == "protected" for record in replicated)
    headline: list[Html] = []
    if replicated:
        share = "?" if not_listed else percent(protected, len(replicated))
        headline = [tag("strong", share), Html(" ")]
    verdict = (
        tag("span", _verdict(instances, replicated, protected, not_listed)),
        _restorable(instances),
        _outcome(report, instances, not_listed, is_covered=bool(replicated)),
    )
    return tag(
        "header",
        tag("h1", "Backup replication audit"),
        tag("p", "Audited at ", time_tag(report.audited_at), class_="quiet"),
        tag("p", *headline, tag("span", *verdict), class_="verdict"),
        *([bar(protected, len(replicated), "protected")] if replicated and not not_listed else []),
        *([_tiles(instances, not_listed)] if instances or not_listed else []),
        *navigation(links),
    )


def _tiles(instances: list[AuditRecord], not_listed: list[AuditRecord]) -> Html:
    counts = Counter[State](record.state for record in (*instances, *not_listed))
    accepted = Counter[State](record.state for record in instances if record.accepted_until)
    return tag(
        "ul",
        *(
            tag(
                "li",
                tag("span", f"{counts[state]:,}", class_="number"),
                badge(state),
                tag("span", _tile_note(state, not_listed, accepted[state]), class_="quiet"),
                class_="" if counts[state] else "none",
            )
            for state in URGENCY
        ),
        class_="tiles",
    )


def _tile_note(state: State, not_listed: list[AuditRecord], accepted: int) -> str:
    found = [record for record in not_listed if record.state == state]
    note = f"Includes {count_regions(found, 'unlisted Region')}." if found else MEANINGS[state]
    return f"{note} {accepted:,} accepted." if accepted else note


def _verdict(
    instances: list[AuditRecord],
    replicated: list[AuditRecord],
    protected: int,
    not_listed: list[AuditRecord],
) -> str:
    """Return how much is protected, in one or two sentences."""
    failed = f"{count_regions(not_listed)} could not be listed"
    if not instances:
        if not_listed:
            return f"The audit found no instances: {failed}."
        return "The audit found no instances. Check the accounts and source Regions in the policy."
    if not replicated:
        if any(record.state not in NOT_REPLICATED for record in instances):
            return f"{failed}, so the share of protected instances is unknown."
        none = "The policy replicates none of the instances found."
        return f"{none} {failed}." if not_listed else none
    known = "listed " if not_listed else ""
    if len(replicated) == 1:
        are = "is" if protected else "is not"
        verdict = f"The 1 {known}instance that the policy replicates {are} protected"
    else:
        are = "is" if protected == 1 else "are"
        verdict = (
            f"{protected:,} of the {len(replicated):,} {known}instances that the policy "
            f"replicates {are} protected"
        )
    if not_listed:
        share = percent(protected, len(replicated))
        return f"{verdict} ({share}). {failed}, so the overall share is unknown."
    return f"{verdict}."


def _restorable(instances: list[AuditRecord]) -> Html:
    """Return what can be restored of the instances whose state is unknown."""
    found = survivors_of(instances)
    if not found:
        return Html()
    places = list_words(sorted({record.destination_region or "a destination" for record in found}))
    oldest, newest = time_tag(found[0].latest_time), time_tag(found[-1].latest_time)
    when = [oldest] if oldest == newest else ["times from ", oldest, " to ", newest]
    can = f"{pluralize(len(found), 'instance')} of unknown state can be restored in {places}, to "
    return tag("span", can, *when, ".")


def _outcome(
    report: AuditReport,
    instances: list[AuditRecord],
    not_listed: list[AuditRecord],
    *,
    is_covered: bool,
) -> Html:
    """Return how much needs attention; healthy only if there are no problems and no findings."""
    problems = sum(record.needs_attention for record in instances) + len(not_listed)
    found = (
        (problems, "problem"),
        (len(report.findings), "finding"),
        (report.readiness_problems, "readiness problem"),
    )
    counts = [pluralize(count, noun) for count, noun in found if count]
    if counts:
        verb = "needs" if sum(count for count, _ in found) == 1 else "need"
        text = f"{list_words(counts)} {verb} attention."
        return outcome(text, "unprotected")
    if not is_covered:
        return Html()
    return outcome("No problems and no findings.", "protected")
