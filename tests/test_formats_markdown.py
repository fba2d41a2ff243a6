"""An audit and a plan in Markdown."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from rds_backup_replication.fleet import AuditReport, ObservedState, Plan, PlannedAction
from rds_backup_replication.fleet._formats.markdown import render_markdown
from rds_backup_replication.fleet._formats.markdown_plan import render_plan_markdown
from rds_backup_replication.fleet._records import (
    Comparison,
    Finding,
    Headroom,
    MatchChange,
    StateChange,
)

from .report_cases import (
    FULL,
    HOSTILE,
    NOT_LISTED,
    NOW,
    lagging_by,
    make_backup,
    make_change,
    make_finding,
    make_reason,
    make_record,
    make_report,
)

pytestmark = pytest.mark.once

ACCOUNT = "123456789012"
# What a renderer or GitHub could take for a mention, a reference, a link or an emoji.
HARMLESS = re.compile(r"(?:(?![0-9A-Fa-f]{7}|\w[.:]\w)[A-Za-z0-9 '\"(),;.:…’→%-])*")
TRICKS = (
    *HOSTILE,
    "@octocat",
    "octo@cat.example",
    "#1 GH-1 octo/cat#1 deadbeef1 fixes: #2",
    "https://x.example www.x.example [a](b) ![a](b) <https://x.example>",
    "a | b\n| --- | --- |\n| c | d |",
    "\\| `|` \\",
    "` `` `@octocat` ```",
    "text\n\n# Heading\n- item\n1. item\n> quote\n---\n```\ncode",
    "1. item",
    "- item",
    "**bold** _it_ ~~no~~ $x$ :smile: &lt;b&gt; &#64;octocat",
    "\u202eright to left\u2066",
    "\r\r\x85\u2028# Heading",
)

CHARACTERS = st.sampled_from("`|\\@#<>[]()!*_~&:/.-+=$'\"\n ax0") | st.characters(
    exclude_categories=["Cs"]
)


def parse(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)


def structure_of(text: str) -> list[tuple[str, str]]:
    return [(token.type, token.tag) for token in parse(text)]


def inline_of(text: str) -> list[Token]:
    return [child for token in parse(text) for child in token.children or ()]


def code_of(text: str) -> list[str]:
    return [token.content for token in inline_of(text) if token.type == "code_inline"]


def rows_of(text: str) -> list[list[str]]:
    """Return the rows of all tables, as texts without markup."""
    rows: list[list[str]] = []
    for token in parse(text):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and token.level > 3:
            rows[-1].append("".join(child.content for child in token.children or ()))
    return rows


def make_plan(*actions: PlannedAction, **fields: Any) -> Plan:
    return Plan(planned_at=NOW, policy_hash="0", accounts=(ACCOUNT,), actions=actions, **fields)


def make_action(number: int = 1, kind: Any = "start", **fields: Any) -> PlannedAction:
    given_: dict[str, Any] = {
        "kind": kind,
        "account_id": ACCOUNT,
        "source_region": "us-west-2",
        "destination_region": "us-east-1",
        "source_db_instance_arn": f"arn:aws:rds:us-west-2:{ACCOUNT}:db:orders-{number}",
        "rule": "production",
        "observed": ObservedState(),
        **fields,
    }
    return PlannedAction(**given_)


def audit_of(text: str) -> str:
    """Return the document of an audit with the text wherever an audit has text."""
    place: dict[str, Any] = {
        "account_id": text,
        "source_region": text,
        "destination_region": text,
        "db_instance_arn": f"arn:aws:rds:us-west-2:1:db:{text}",
    }
    record = make_record(
        state="unprotected",
        **place,
        db_instance_identifier=text,
        engine=text,
        rule=text,
        reasons=(make_reason(f"{text} x", f"{text} y"),),
    )
    accepted = {"accepted_until": date(2027, 1, 1), "accepted_reason": text}
    report = make_report(
        record,
        record.model_copy(update={"state": "lagging", **accepted}),
        NOT_LISTED.model_copy(update={"reasons": (make_reason(text, f"z {text}"),)}),
        findings=(
            Finding(
                code="rule_shadowed",
                rule=text,
                account_id=text,
                message=f"x {text}",
                remedy=f"y {text}",
            ),
        ),
        unmanaged=(make_backup(1, **place, message=text),),
        headroom=(Headroom(account_id=text, destination_region=text, quota=20, used=19),),
        comparison=Comparison(
            audited_at=NOW,
            changes=(StateChange(**place, before="protected", after="unprotected"),),
            matches=(MatchChange(rule=text, before=2, after=1),),
        ),
    )
    return render_markdown(report)


def plan_of(text: str) -> str:
    """Return the document of a plan with the text wherever a plan has text."""
    action = make_action(
        kind="impossible",
        source_db_instance_arn=f"arn:aws:rds:us-west-2:1:db:{text}",
        rule=text,
        reasons=(make_reason(f"{text} x", f"{text} y"),),
    )
    changed = make_action(kind="replace", kms_key_id=text, reasons=(make_reason(text, text),))
    return render_plan_markdown(make_plan(changed, action, findings=(make_finding(text, text),)))


@pytest.mark.parametrize("render", [audit_of, plan_of])
@given(
    text=st.sampled_from(TRICKS)
    | st.text(
        st.sampled_from("`|\\@#<>[]()!*_~&:/.-+=$'\"\n ax0")
        | st.characters(exclude_categories=["Cs"]),
        min_size=1,
    )
)
def test_data_creates_no_markup(render: Callable[[str], str], text: str) -> None:
    document = render(text)
    assert structure_of(document) == structure_of(render("x"))
    assert document.isascii() or not re.search("[\u202a-\u202e\u2066-\u2069\x00]", document)
    kinds = {token.type for token in inline_of(document)}
    assert kinds <= {"text", "code_inline", "strong_open", "strong_close"}
    for token in inline_of(document):
        if token.type == "text":
            assert HARMLESS.fullmatch(token.content), token.content


@pytest.mark.parametrize("text", ["@octocat", "#1", "`", "``x` y``", "<b>", "x.example", "\\"])
def test_data_stays_readable(text: str) -> None:
    assert text in code_of(audit_of(text))


def test_prose_stays_prose() -> None:
    message = "The retention is 3 days; the rule 'production' says 35."
    document = render_markdown(
        make_report(make_record(state="drifted", reasons=(make_reason(message, "Plan it."),)))
    )
    assert f"\n**Cause:** {message}\n\n**Remedy:** Plan it.\n" in document


def test_word_between_colons_is_no_emoji() -> None:
    reason = make_reason("Sent (:smile:) and kept.", "Plan it.")
    document = render_markdown(make_report(make_record(state="drifted", reasons=(reason,))))
    assert "Sent (`:smile`:) and kept." in document


def test_audit_verdict_and_counts() -> None:
    document = render_markdown(FULL)
    problems = sum(record.db_instance_arn is not None for record in FULL.problems)
    first = f"# Backup replication audit: {problems} problems, 1 Region not listed and 2 findings"
    assert document.startswith(f"{first}\n")
    assert ["unprotected", "8 (2 accepted)", "The destination has no backups."] in rows_of(document)
    assert ["eu-west-1", "210987654321"] in rows_of(document)


def test_healthy_audit() -> None:
    document = render_markdown(make_report(make_record()))
    assert document.startswith("# Backup replication audit: no problems\n")
    assert "\n## " not in document


def test_cause_names_twenty_instances() -> None:
    remedy = "Start the replication."
    records = [
        make_record(n, "unprotected", reasons=(make_reason(f"Lost {n} days.", remedy),))
        for n in range(23)
    ]
    document = render_markdown(make_report(*records))
    assert document.count(remedy) == 1
    assert "**Cause:** Lost …." in document
    named = [row for row in rows_of(document) if row[0].startswith("orders-")]
    assert len(named) == 20
    assert ["orders-12", ACCOUNT, "us-west-2 → us-east-1", "12 days"] in named
    assert "\nAnd 3 more.\n" in document


def test_lag_is_shown_per_instance() -> None:
    lags = (timedelta(hours=2), timedelta(hours=5))
    records = [lagging_by(lag, n, "lagging") for n, lag in enumerate(lags)]
    rows = rows_of(render_markdown(make_report(*records)))
    assert [row[3] for row in rows if row[0].startswith("orders")] == ["5h", "2h"]


def test_headroom_only_where_little_is_free() -> None:
    rooms = [
        Headroom(account_id=ACCOUNT, destination_region=f"us-east-{used}", quota=20, used=used)
        for used in (17, 18, 25)
    ]
    rows = rows_of(render_markdown(make_report(headroom=tuple(rooms))))
    assert [row[1:] for row in rows if row[0] == ACCOUNT] == [
        ["us-east-25", "25 of 20", "0"],
        ["us-east-18", "18 of 20", "2"],
    ]


def test_audit_sections() -> None:
    headings = re.findall(r"^## (.+)$", render_markdown(FULL), re.MULTILINE)
    assert headings == [
        "Problems",
        "Findings: 2",
        "Accepted problems: 2",
        "Changes since `2026-11-23T18:20:31Z`",
        "Unmanaged replications: 2",
        "Little room in quotas",
    ]


def test_changes_without_any() -> None:
    report: AuditReport = make_report(comparison=Comparison(audited_at=NOW))
    assert "Nothing changed." in render_markdown(report)


def test_regions_and_starting_instances_in_changes() -> None:
    changes = (
        make_change(1, "unknown", None).model_copy(update={"db_instance_arn": None}),
        make_change(2, "protected", None),
    )
    compared = Comparison(audited_at=NOW, changes=changes)
    starting = make_record(3, "starting", first_seen=NOW - timedelta(days=2))
    document = render_markdown(make_report(starting, comparison=compared))
    assert [row[3:] for row in rows_of(document)[-5::2]] == [
        ["unknown", "listed"],
        ["protected", "gone"],
        ["2026-11-22T18:20:31Z"],
    ]
    assert re.findall(r"^### (.+)$", document, re.MULTILINE)[-3:] == [
        *("Fixed: 1", "Gone: 1", "Starting: 1"),
    ]


def test_plan_groups_by_kind_and_cause() -> None:
    reason = make_reason("The quota has no room.", "Request a higher quota.")
    document = render_plan_markdown(
        make_plan(
            make_action(1, backup_retention_period=7, kms_key_id="alias/x", tags={"a": "b"}),
            make_action(2, "stop", moved_to="eu-west-1"),
            *(make_action(3 + n, "over_quota", reasons=(reason,)) for n in range(2)),
            make_action(5, "unchanged"),
        )
    )
    assert "**2 changes.**" in document
    headings = re.findall(r"^## (.+)$", document, re.MULTILINE)
    assert headings == ["Starts: 1", "Stops: 1", "Over quota: 2"]
    rows = rows_of(document)
    route = "us-west-2 → us-east-1"
    assert ["orders-1", ACCOUNT, route, "7 days, key alias/x, 1 tag"] in rows
    assert ["orders-2", ACCOUNT, route, "moved to eu-west-1"] in rows
    assert ["orders-4", ACCOUNT, route] in rows
    assert ["unchanged", "1"] in rows
    assert document.count("Request a higher quota.") == 1


def test_plan_without_changes() -> None:
    document = render_plan_markdown(make_plan(make_action(kind="unchanged")))
    assert "**No changes.**" in document
    assert "## " not in document


def test_plan_region_that_was_not_listed() -> None:
    reason = make_reason("AccessDenied.", "Allow it.")
    action = make_action(
        kind="unknown", source_db_instance_arn=None, destination_region=None, reasons=(reason,)
    )
    rows = rows_of(render_plan_markdown(make_plan(action)))
    assert ["all of us-west-2", ACCOUNT, "us-west-2 → none"] in rows
