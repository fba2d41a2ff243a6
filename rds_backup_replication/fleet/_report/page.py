"""An audit's report as one HTML page, which needs nothing besides itself.

What an audit found is not to be trusted: whoever names an instance writes on this page. So all
markup is made by ``tag``, which escapes any string that it has not made itself, and what was
found is only ever put between tags, never into an attribute. The page's own policy allows the one
script and the one style sheet by their hashes, and nothing to be fetched.
"""

from base64 import b64encode
from collections import Counter
from hashlib import sha256
from importlib.resources import files

from ..._durations import format_duration
from ..._version import __version__
from .._records import AuditRecord, AuditReport, State
from .html import (
    MEANINGS,
    NOT_WANTED,
    URGENCY,
    Html,
    badge,
    bar,
    called,
    iso,
    join,
    many,
    percent,
    regions,
    row,
    scrolled,
    section,
    tag,
    time_tag,
)
from .problems import problems
from .regions import matrix
from .windows import timeline

_COLUMNS = (
    *("Instance", "State", "Account", "Source", "Destination", "Engine", "Rule"),
    *("Earliest", "Latest", "Lag", "Allowed"),
)

_RULE_COLUMNS = (
    *("Rule", "Sources", "Destination", "Accounts", "Selects", "Replicate", "Retention"),
    "Allowed lag",
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
        for name in ("report.css", "report.js")
    )
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    title = f"Backup replication audit of {iso(report.audited_at)}"
    instances = [record for record in report.records if record.db_instance_arn is not None]
    not_listed = _not_listed(report)
    parts: list[Html] = []
    if instances or not_listed:
        parts.append(problems(instances, not_listed))
    if instances:
        parts += [
            matrix(instances, not_listed),
            timeline(report.audited_at, instances),
            _table(instances, not_listed),
        ]
    if report.rules:
        parts.append(_asked_for(report))
    return join(
        (
            Html('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'),
            # Before anything that it is to govern.
            Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'),
            Html('<meta name="viewport" content="width=device-width, initial-scale=1">\n'),
            Html('<meta name="color-scheme" content="light dark">\n'),
            tag("title", title),
            Html(f"\n<style>{style}</style>\n</head>\n<body>\n"),
            _summary(report, instances, not_listed),
            tag("main", *(join((part, "\n")) for part in parts)),
            tag("footer", f"Made by rds-backup-replication {__version__}. All times are UTC."),
            Html(f"\n<script>{script}</script>\n</body>\n</html>\n"),
        )
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _not_listed(report: AuditReport) -> list[AuditRecord]:
    """One for each Region of an account, with all the reasons that there are records with."""
    found: dict[tuple[str, str], AuditRecord] = {}
    for record in report.records:
        if record.db_instance_arn is None:
            key = record.account_id, record.source_region
            before = found.get(key, record)
            reasons = tuple(dict.fromkeys((*before.reasons, *record.reasons)))
            found[key] = before.model_copy(update={"reasons": reasons})
    return list(found.values())


def _summary(
    report: AuditReport, instances: list[AuditRecord], not_listed: list[AuditRecord]
) -> Html:
    wanted = [record for record in instances if record.state not in NOT_WANTED]
    protected = sum(record.state == "protected" for record in wanted)
    share = "?" if not_listed else percent(protected, len(wanted))
    counts = Counter[State](record.state for record in (*instances, *not_listed))
    links = [("problems", "Problems")] if counts else []
    if instances:
        links += [("regions", "Regions"), ("windows", "Restore windows"), ("all", "All instances")]
    if report.rules:
        links.append(("policy", "What was looked at"))
    tiles = (
        tag(
            "li",
            tag("span", f"{counts[state]:,}", class_="number"),
            badge(state),
            tag("span", _tile_note(state, not_listed), class_="quiet"),
            class_="" if counts[state] else "none",
        )
        for state in URGENCY
    )
    details = (
        bar(counts),
        tag("ul", *tiles, class_="tiles"),
        tag("nav", *(tag("a", text, href=f"#{to}") for to, text in links), aria_label="Sections"),
    )
    return tag(
        "header",
        tag("h1", "Backup replication audit"),
        tag("p", "Audited at ", time_tag(report.audited_at), class_="quiet"),
        tag(
            "p",
            *([tag("strong", share), " "] if wanted else []),
            tag("span", _verdict(instances, wanted, protected, not_listed)),
            class_="verdict",
        ),
        *(details if counts else ()),
    )


def _verdict(
    instances: list[AuditRecord],
    wanted: list[AuditRecord],
    protected: int,
    not_listed: list[AuditRecord],
) -> str:
    failed = f"{regions(not_listed)} could not be listed"
    if not instances:
        if not_listed:
            return f"The audit found no instances: {failed}."
        return (
            "The audit found no instances. See which accounts and source Regions the policy names."
        )
    if not wanted:
        nothing = "No instance was found that the policy wants replicated."
        return f"{nothing} {failed}." if not_listed else nothing
    of = f"{' seen' if not_listed else ''} that the policy wants replicated"
    if len(wanted) == 1:
        verdict = f"The 1 instance{of} is {'' if protected else 'not '}protected"
    else:
        are = "is" if protected == 1 else "are"
        verdict = f"{protected:,} of the {len(wanted):,} instances{of} {are} protected"
    if not_listed:
        share = percent(protected, len(wanted))
        return f"{verdict} ({share}). {failed}, so the share of all is not known."
    return f"{verdict}."


def _tile_note(state: State, not_listed: list[AuditRecord]) -> str:
    found = [record for record in not_listed if record.state == state]
    return f"{regions(found, 'whole Region')} among them." if found else MEANINGS[state]


def _table(instances: list[AuditRecord], not_listed: list[AuditRecord]) -> Html:
    caption = many(len(instances), "instance")
    if not_listed:
        caption += f"; {regions(not_listed)} could not be listed, so that some may be missing"
    table = scrolled(
        "instances",
        caption,
        (tag("th", text, scope="col") for text in _COLUMNS),
        (_row(record) for record in instances),
    )
    return section("all", "All instances", table)


def _asked_for(report: AuditReport) -> Html:
    """What was measured by: an auditor asks what was not looked at."""
    rules = (
        row(
            tag("th", rule.name, scope="row"),
            tag("td", ", ".join(rule.source_regions)),
            tag("td", rule.destination_region),
            tag("td", ", ".join(rule.accounts) or "all"),
            tag("td", rule.select.model_dump_json(exclude_defaults=True)),
            tag("td", rule.replicate),
            tag("td", many(days, "day") if (days := rule.backup_retention_period) else "any"),
            tag("td", format_duration(rule.maximum_lag)),
        )
        for rule in report.rules
    )
    table = scrolled(
        "rules",
        f"{many(len(report.rules), 'rule')}; the first that matches an instance counts",
        (tag("th", text, scope="col") for text in _RULE_COLUMNS),
        rules,
    )
    accounts = tag("p", f"{many(len(report.accounts), 'account')}: {', '.join(report.accounts)}")
    return section("policy", "What was looked at", accounts, table)


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
            else tag("td", format_duration(span), data_v=f"{span.total_seconds():.0f}")
            for span in (record.lag, record.maximum_lag)
        ),
    )
