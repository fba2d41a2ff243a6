"""An audit's report as one HTML page, which needs nothing besides itself.

What an audit found is not to be trusted: whoever names an instance writes on this page. So all
markup is made by ``tag``, which escapes any string that it has not made itself, and what was
found is only ever put between tags, never into an attribute. The page's own policy allows the one
script and the one style sheet by their hashes, and nothing to be fetched.
"""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from .._version import __version__
from ._duration import duration
from ._html import (
    NOT_WANTED,
    STATES,
    URGENCY,
    Html,
    badge,
    bar,
    called,
    iso,
    join,
    many,
    percent,
    route,
    row,
    scrolled,
    section,
    tag,
    time_tag,
)
from ._records import AuditRecord, AuditReport, State
from ._report_regions import matrix
from ._report_windows import timeline

_MEANINGS: dict[State, str] = {
    "protected": "Replicates, and is not too far behind.",
    "starting": "The first snapshot is being copied.",
    "lagging": "Further behind than the rule allows.",
    "stopped": "Only retained backups are left.",
    "unprotected": "The destination has no backups.",
    "unknown": "It could not be found out.",
    "excluded": "The rule wants no replication.",
    "unmatched": "No rule is about it.",
}
# For records that come without a reason.
_REMEDIES: dict[State, str] = {
    "unprotected": "Start its replication.",
    "stopped": "Start its replication again.",
    "unknown": "Find out what stood in the way, and audit again.",
    "lagging": "See whether the instance is available, and what its events say; audit again.",
}
_COLUMNS = (
    *("Instance", "State", "Account", "Source", "Destination", "Engine", "Rule"),
    *("Earliest", "Latest", "Lag", "Allowed"),
)


def render_html(report: AuditReport) -> str:
    """Makes an HTML page of a report, to be read in any browser, printed and kept.

    The page fetches nothing, needs no script to be read, and is the same for the same report.

    Args:
        report: What an audit found.

    Returns:
        The page. It says that it is in UTF-8, so write it in that.
    """
    style, script = (
        files(__name__.rpartition(".")[0]).joinpath(name).read_text(encoding="utf-8")
        for name in ("_report.css", "_report.js")
    )
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    title = f"Backup replication audit of {iso(report.audited_at)}"
    instances = [record for record in report.records if record.db_instance_arn is not None]
    not_listed = [record for record in report.records if record.db_instance_arn is None]
    body = (
        _summary(report, instances, not_listed),
        _problems(report, not_listed),
        matrix(report.records),
        timeline(report.audited_at, instances),
        _table(instances, not_listed),
    )
    return join(
        (
            Html('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'),
            # Before anything that it is to govern.
            Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'),
            Html('<meta name="viewport" content="width=device-width, initial-scale=1">\n'),
            Html('<meta name="color-scheme" content="light dark">\n'),
            tag("title", title),
            Html(f"\n<style>{style}</style>\n</head>\n<body>\n"),
            *(join((part, Html("\n"))) for part in body),
            tag("footer", f"Made by rds-backup-replication {__version__}. All times are UTC."),
            Html(f"\n<script>{script}</script>\n</body>\n</html>\n"),
        )
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _summary(
    report: AuditReport, instances: list[AuditRecord], not_listed: list[AuditRecord]
) -> Html:
    wanted = [record for record in instances if record.state not in NOT_WANTED]
    protected = sum(record.state == "protected" for record in wanted)
    if wanted:
        verdict = (
            f"{protected:,} of the {many(len(wanted), 'instance')} that the policy wants "
            f"replicated {'is' if protected == 1 else 'are'} protected."
        )
    else:
        verdict = "No instance was found that the policy wants replicated."
    if not_listed:
        verdict += f" {many(len(not_listed), 'Region')} could not be listed."
    counts = report.counts
    links = (("problems", "Problems"), ("regions", "Regions"), ("windows", "Restore windows"))
    return tag(
        "header",
        tag("h1", "Backup replication audit"),
        tag("p", "Audited at ", time_tag(report.audited_at), class_="quiet"),
        tag(
            "p",
            *([tag("strong", percent(protected, len(wanted))), " "] if wanted else []),
            tag("span", verdict),
            class_="verdict",
        ),
        bar(counts),
        tag(
            "ul",
            *(
                tag(
                    "li",
                    tag("span", f"{counts.get(state, 0):,}", class_="number"),
                    badge(state),
                    tag("span", _tile_note(state, not_listed), class_="quiet"),
                    class_="" if state in counts else "none",
                )
                for state in STATES
            ),
            class_="tiles",
        ),
        tag(
            "nav",
            *(tag("a", text, href=f"#{to}") for to, text in (*links, ("all", "All instances"))),
            aria_label="Sections",
        ),
    )


def _tile_note(state: State, not_listed: list[AuditRecord]) -> str:
    regions = sum(record.state == state for record in not_listed)
    return f"{many(regions, 'whole Region')} among them." if regions else _MEANINGS[state]


def _problems(report: AuditReport, not_listed: list[AuditRecord]) -> Html:
    groups: list[Html] = []
    if not_listed:
        heading = f"{many(len(not_listed), 'Region')} could not be listed"
        note = "Instances there are not in this report, and may be unprotected."
        groups.append(_group(tag("h3", heading), note, not_listed, "unlisted"))
    for state in URGENCY:
        found = [r for r in report.problems if r.state == state and r.db_instance_arn is not None]
        if found:
            heading = tag("h3", badge(state), f" {len(found):,}")
            groups.append(_group(heading, _MEANINGS[state], found, state))
    nothing = tag("p", "Nothing: every instance is as the policy wants it.", class_="fine")
    return section("problems", "What is wrong", *(groups or [nothing]))


def _group(heading: Html, note: str, records: list[AuditRecord], class_: str) -> Html:
    items = (_problem(record) for record in records)
    return tag(
        "div",
        tag("div", heading, tag("p", note, class_="quiet"), class_="heading"),
        tag("ul", *items),
        class_=f"group {class_}",
    )


def _problem(record: AuditRecord) -> Html:
    where = [f"Account {record.account_id}"]
    if record.db_instance_arn is not None:
        where.append(route(record))
    about = filter(None, (record.engine, record.rule and f"rule {record.rule}"))
    where.append(" · ".join(about))
    said = [(reason.message, reason.remedy) for reason in record.reasons]
    if record.lag is not None and not any(reason.code == "lagging" for reason in record.reasons):
        behind = f"It is {duration(record.lag)} behind"
        if record.maximum_lag is not None:
            behind += f"; the rule allows {duration(record.maximum_lag)}"
        said.insert(0, (f"{behind}.", ""))
    if not record.reasons:
        said.append(("", _REMEDIES.get(record.state, "")))
    arns = filter(None, (record.db_instance_arn, record.db_instance_automated_backups_arn))
    return tag(
        "li",
        tag(
            "div",
            tag("strong", called(record)),
            *(tag("span", text, class_="quiet") for text in where if text),
        ),
        tag(
            "div",
            *(
                tag("p", text, class_=class_)
                for pair in said
                for text, class_ in zip(pair, ("what", "remedy"), strict=True)
                if text
            ),
            *(tag("p", arn, class_="arn") for arn in arns),
        ),
    )


def _table(instances: list[AuditRecord], not_listed: list[AuditRecord]) -> Html:
    caption = many(len(instances), "instance")
    if not_listed:
        caption += f"; those of {many(len(not_listed), 'Region')} could not be listed"
    table = scrolled(
        "instances",
        caption,
        (tag("th", text, scope="col") for text in _COLUMNS),
        (_row(record) for record in instances),
    )
    return section("all", "All instances", table)


def _row(record: AuditRecord) -> Html:
    """Cells with a value of their own to sort by have it in ``data-v``."""
    texts = (record.engine, record.rule, iso(record.earliest_time), iso(record.latest_time))
    return row(
        tag("th", called(record), scope="row"),
        tag("td", badge(record.state), data_v=str(URGENCY.index(record.state))),
        *(tag("td", t) for t in (record.account_id, record.source_region)),
        *(tag("td", t or "") for t in (record.destination_region, *texts)),
        *(
            tag("td")
            if span is None
            else tag("td", duration(span), data_v=f"{span.total_seconds():.0f}")
            for span in (record.lag, record.maximum_lag)
        ),
    )
