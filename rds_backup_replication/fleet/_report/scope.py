"""The scope of the audit: its accounts, and the rules of the policy."""

from .._durations import format_duration
from .._policy import Rule
from .._records import AuditReport
from .._wording import pluralize
from .html import Html, facts, row, scrollable_table, section, tag

_COLUMNS = (
    *("Rule", "Sources", "Destination", "Accounts", "Selects", "Replicate", "Retention"),
    *("Allowed lag", "Matches"),
)


def scope(report: AuditReport) -> Html:
    """Return the section that shows auditors which accounts, Regions and instances are covered."""
    if not report.rules:
        return Html()
    table = scrollable_table(
        "rules",
        f"{pluralize(len(report.rules), 'rule')}; the first rule that matches an instance applies",
        (tag("th", text, scope="col") for text in _COLUMNS),
        (_row(rule, report.matches.get(rule.name)) for rule in report.rules),
    )
    count = pluralize(len(report.accounts), "account")
    accounts = tag("p", f"{count}: {', '.join(report.accounts)}")
    return section("policy", "Scope", accounts, table)


def _row(rule: Rule, matches: int | None) -> Html:
    """Return a rule's row; the number of matching instances is empty if it is not known."""
    sources = ("all enabled",) if rule.source_regions == "enabled" else rule.source_regions
    days = rule.backup_retention_period
    matched = "" if matches is None else f"{matches:,} (at least {rule.minimum_instances:,})"
    return row(
        tag("th", rule.name, scope="row"),
        tag("td", facts(sources)),
        tag("td", rule.destination_region),
        tag("td", facts(rule.accounts or ("all",))),
        tag("td", rule.select.model_dump_json(exclude_defaults=True)),
        tag("td", rule.replicate),
        tag("td", pluralize(days, "day") if days else "any"),
        tag("td", format_duration(rule.maximum_lag)),
        tag("td", matched),
    )
