"""The findings about rules and about the audit itself, by cause."""

from collections.abc import Iterable

from .._causes import finding_causes
from .._records import Finding
from .html import Html, facts, section, tag
from .problems import cause_block


def findings(found: Iterable[Finding]) -> Html:
    """Return the section of findings; empty if there are none."""
    causes = finding_causes(found)
    if not causes:
        return Html()
    blocks = (
        cause_block(cause.lines, (_item(finding, figures) for finding, figures in cause.items))
        for cause in causes
    )
    return section("findings", "Findings", tag("div", *blocks, class_="group finding-group"))


def _item(finding: Finding, figures: list[str]) -> Html:
    rule, account = finding.rule, finding.account_id
    subjects = [f"Rule {rule}"] if rule else []
    subjects += [f"Account {account}"] if account else []
    known = [figure for figure in figures if figure not in (rule, account)]
    return tag(
        "li",
        tag("strong", " · ".join(subjects) or "The audit"),
        *([facts(known)] if known else []),
    )
