"""The report's share, verdict and sections: findings, changes, backups and quotas."""

import re
from datetime import date, timedelta
from typing import Any

import pytest

from rds_backup_replication.fleet import AuditReport, Rule, render_html
from rds_backup_replication.fleet._records import (
    Comparison,
    Finding,
    Headroom,
    MatchChange,
    State,
)
from rds_backup_replication.fleet._report.html import MAX_LISTED
from rds_backup_replication.fleet._wording import percent

from .report_cases import (
    FULL,
    NOT_LISTED,
    NOW,
    SURVIVOR,
    Page,
    lagging_by,
    make_backup,
    make_change,
    make_finding,
    make_reason,
    make_record,
    make_report,
)

pytestmark = pytest.mark.once

FINE = lagging_by(timedelta(minutes=5))


def header_of(report: AuditReport) -> str:
    return render_html(report).partition("<header>")[2].partition("</header>")[0]


def section_of(report: AuditReport, id_: str) -> str:
    """Return the markup of a section, or an empty string."""
    page = render_html(report)
    assert (f'href="#{id_}"' in page) == (f'id="{id_}"' in page)
    return page.partition(f'<h2 id="{id_}">')[2].partition("</section>")[0]


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 5000, "0%"),
        (1, 5000, "<1%"),
        (49, 5000, "<1%"),
        (50, 5000, "1%"),
        (4999, 5000, "99%"),
        (5000, 5000, "100%"),
    ],
)
def test_percent_is_exact_at_its_ends(part: int, whole: int, text: str) -> None:
    assert percent(part, whole) == text


def bars_of(page: str) -> list[float]:
    """Return the width of each bar; 0 for an empty one."""
    found = re.findall(r'class="bar" aria-hidden="true">(?:<rect x?[^>]*width="([0-9.]+)%")?', page)
    return [float(width or 0) for width in found]


@pytest.mark.parametrize(
    ("protected", "other", "share", "width"),
    [
        (0, 3, "0%", (0, 0)),
        (3, 0, "100%", (100, 100)),
        (1, 299, "&lt;1%", (0.5, 2)),
        (299, 1, "99%", (98, 99.5)),
        (3, 1, "75%", (75, 75)),
    ],
)
def test_bar_agrees_with_share(
    protected: int, other: int, share: str, width: tuple[float, float]
) -> None:
    """Instances that the policy does not replicate are in neither the bar nor the share."""
    report = make_report(
        *(make_record(n) for n in range(protected)),
        *(make_record(1000 + n, "unprotected") for n in range(other)),
        make_record(2000, "unmatched"),
        make_record(2001, "excluded"),
        make_record(2002, "ignored"),
    )
    page = render_html(report)
    assert f"<strong>{share}</strong>" in header_of(report)
    assert len(bars_of(page)) == 2  # the header's, and the matrix's only cell
    for found in bars_of(page):
        assert width[0] <= found <= width[1]


def test_no_bar_without_share() -> None:
    """Neither a share of nothing nor a share that is not known has a bar."""
    none = make_report(make_record(1, "unmatched"), make_record(2, "excluded"))
    assert bars_of(render_html(none)) == []
    unlisted = make_report(make_record(1), NOT_LISTED)
    assert bars_of(header_of(unlisted)) == []
    page = render_html(make_report(make_record(1, source_region="eu-west-1"), NOT_LISTED))
    assert bars_of(page) == []
    assert "<strong>? </strong>1 of 1 found" in page


HEALTHY_TEXT = "No problems and no findings."


@pytest.mark.parametrize(
    ("report", "text"),
    [
        (make_report(FINE), HEALTHY_TEXT),
        (make_report(FINE, make_record(2, "drifted")), "1 problem needs attention."),
        (make_report(FINE, NOT_LISTED), "1 problem needs attention."),
        (make_report(FINE, findings=(make_finding("a"),)), "1 finding needs attention."),
        (make_report(findings=(make_finding("a"),)), "1 finding needs attention."),
        (
            make_report(
                *(make_record(n, "at_risk") for n in range(2)), findings=(make_finding("a"),)
            ),
            "2 problems and 1 finding need attention.",
        ),
        (make_report(FINE, make_record(2, "stopped", accepted_until=NOW.date())), HEALTHY_TEXT),
        (make_report(make_record(1, "excluded")), ""),
        (make_report(), ""),
    ],
)
def test_verdict_is_healthy_without_problems_and_findings(report: AuditReport, text: str) -> None:
    header = header_of(report)
    assert (HEALTHY_TEXT in header) == (text == HEALTHY_TEXT)
    assert text in header
    assert ("attention" in header) == ("attention" in text)


def test_findings_are_grouped_with_one_remedy() -> None:
    expired = Finding(
        code="acceptance_expired",
        account_id="123456789012",
        message="The acceptance ended on 2026-10-31.",
        remedy="Solve the problem.",
    )
    rules = [make_finding(rule) for rule in ("old warehouse", "sales")]
    report = make_report(FINE, findings=(expired, *rules))
    section = section_of(report, "findings")
    assert section.count("Rule … matches no instance.") == 1
    assert section.count("Remove the rule") == 1
    for text in ("Rule old warehouse", "Rule sales", "Account 123456789012"):
        assert f"<strong>{text}</strong>" in section
    assert "The acceptance ended on 2026-10-31." in section
    assert section.index("sales") < section.index("acceptance")  # the largest group first
    assert section_of(make_report(FINE), "findings") == ""


def test_accepted_problem_is_no_problem() -> None:
    until: dict[str, Any] = {"accepted_until": date(2027, 1, 31), "accepted_reason": "By design."}
    soon: dict[str, Any] = {"accepted_until": date(2026, 12, 1), "accepted_reason": "Migration."}
    report = make_report(
        FINE, make_record(2, "unprotected", **until), make_record(3, "lagging", **soon)
    )
    assert "None, except for the accepted problems." in section_of(report, "problems")
    section = section_of(report, "accepted")
    assert re.findall(r"<h3>(.*?)</h3>", section) == [
        "1 problem until <time>2026-12-01</time>",
        "1 problem until <time>2027-01-31</time>",
    ]
    for text in ("By design.", "Migration.", ">unprotected<", ">lagging<"):
        assert text in section
    assert "The destination has no backups. 1 accepted." in header_of(report)
    assert section_of(make_report(FINE), "accepted") == ""


def headings_of(section: str) -> list[str]:
    return re.findall(r"<h3>(.*?)</h3>", section)


def test_changes_show_new_problems_first() -> None:
    pairs: list[tuple[State | None, State | None]] = [
        ("protected", None),
        (None, "starting"),
        ("lagging", "protected"),
        ("protected", "drifted"),
        (None, "unprotected"),
        ("stopped", "at_risk"),
        ("protected", "excluded"),
        ("unprotected", "stopped"),
    ]
    changes = tuple(make_change(number, *pair) for number, pair in enumerate(pairs))
    accepted = make_record(7, "stopped", accepted_until=NOW.date())
    comparison = Comparison(
        audited_at=NOW - timedelta(days=1),
        changes=changes,
        matches=(MatchChange(rule="production", before=15, after=12),),
    )
    section = section_of(make_report(FINE, accepted, comparison=comparison), "changes")
    assert "2026-11-23T18:20:31Z" in section
    assert headings_of(section) == [
        "Rules that match fewer instances: 1",
        "New problems: 2",
        *("Changed problems: 1", "Fixed: 1", "New instances: 1", "Gone: 1", "Other changes: 2"),
    ]
    assert "15 instances → 12" in section
    order = re.findall(r"<strong>orders-(\d)</strong>", section)
    assert order == ["4", "3", "5", "2", "1", "0", "7", "6"]  # the most urgent state first


def test_comparison_without_changes_says_so() -> None:
    comparison = Comparison(audited_at=NOW - timedelta(days=1))
    assert "Nothing changed." in section_of(make_report(FINE, comparison=comparison), "changes")
    assert section_of(make_report(FINE), "changes") == ""


def test_changes_show_since_when_instances_start() -> None:
    comparison = Comparison(audited_at=NOW - timedelta(days=1))
    records = [
        make_record(n, "starting", first_seen=NOW - timedelta(hours=hours))
        for n, hours in ((1, 3), (2, 50))
    ]
    section = section_of(make_report(*records, comparison=comparison), "changes")
    assert headings_of(section) == ["Starting: 2"]
    assert "since <time>2026-11-22T16:20:31Z</time> (2d 2h)" in section
    assert section.index("orders-2") < section.index("orders-1")


def test_changes_are_limited() -> None:
    changes = tuple(make_change(n, "protected", "stopped") for n in range(MAX_LISTED + 4))
    comparison = Comparison(audited_at=NOW - timedelta(days=1), changes=changes)
    section = section_of(make_report(FINE, comparison=comparison), "changes")
    assert section.count("<li>") == MAX_LISTED
    assert "4 more are not shown." in section


def test_survivors_show_what_can_be_restored() -> None:
    """On the day of a disaster, the page names the backups in the destinations."""
    report = make_report(NOT_LISTED, SURVIVOR, make_record(5, "unknown"))
    header = header_of(report)
    assert "1 instance of unknown state can be restored in us-east-1, to <time>" in header
    assert "0 of the" not in header.replace("0 of the 1 listed instances", "")
    section = section_of(report, "survivors")
    for text in (
        "ledger",
        "2026-11-24T18:11:31Z",
        "9m",
        "210987654321",
        "ab-l2ijcexjp7xq7hoj4siexample",
    ):
        assert text in section
    assert "orders-5" not in section
    assert section_of(make_report(FINE), "survivors") == ""


def test_verdict_of_survivors_alone() -> None:
    header = header_of(make_report(NOT_LISTED, SURVIVOR))
    assert "1 Region could not be listed, so the share of protected instances is unknown." in header
    assert "%" not in re.sub(r"<svg.*?</svg>", "", header)


def test_survivors_have_one_verdict() -> None:
    later = SURVIVOR.model_copy(
        update={
            "db_instance_arn": "arn:aws:rds:eu-west-1:210987654321:db:books",
            "latest_time": NOW - timedelta(minutes=2),
            "destination_region": "eu-central-1",
        }
    )
    header = header_of(make_report(NOT_LISTED, SURVIVOR, later))
    assert (
        "2 instances of unknown state can be restored in eu-central-1 and us-east-1, to times "
        "from <time>2026-11-24T18:11:31Z</time> to <time>2026-11-24T18:18:31Z</time>."
    ) in header
    section = section_of(make_report(NOT_LISTED, later, SURVIVOR), "survivors")
    assert section.index("ledger") < section.index("books")  # the oldest backup first


def test_problem_shows_latest_time_and_since_when() -> None:
    record = lagging_by(timedelta(minutes=5), state="drifted").model_copy(
        update={"first_seen": NOW - timedelta(days=2), "reasons": (make_reason("Differs.", "Do."),)}
    )
    section = section_of(make_report(record), "problems")
    assert "drifted since <time>2026-11-22T18:20:31Z</time>" in section
    assert "can be restored to <time>2026-11-24T18:15:31Z</time>, 5m before the audit" in section
    new = record.model_copy(update={"first_seen": NOW})
    assert "drifted since" not in section_of(make_report(new), "problems")


def test_unmanaged_and_retained_backups_are_listed() -> None:
    unnamed = make_backup(
        2, kind="retained", db_instance_arn=None, dbi_resource_id="db-GONE", source_region=None
    )
    report = make_report(FINE, unmanaged=(make_backup(1),), retained=(unnamed,))
    section = section_of(report, "unmanaged")
    for text in ("gone-1", "2026-11-24T18:16:31Z", "7 days", "replicating", "No rule replicates"):
        assert text in section
    assert "ab-00000000000000000000000001" in section
    assert "db-GONE" in section_of(report, "retained")
    assert "unknown Region →" in section_of(report, "retained")
    for id_ in ("unmanaged", "retained"):
        assert section_of(make_report(FINE), id_) == ""


def test_headroom_shows_full_quota_first() -> None:
    rooms = [
        Headroom(account_id="1" * 12, destination_region=region, quota=20, used=used)
        for region, used in (("us-east-1", 0), ("us-east-2", 20), ("us-west-1", 25), ("eu-1", 5))
    ]
    section = section_of(make_report(FINE, headroom=tuple(rooms)), "quota")
    assert re.findall(r"<td>(\d+ of \d+)<", section) == [
        *("20 of 20", "25 of 20", "5 of 20", "0 of 20")
    ]
    assert bars_of(section) == [100, 100, 25, 0]
    assert section.count(">none<") == 2
    assert section_of(make_report(FINE), "quota") == ""


def test_scope_shows_enabled_regions_and_matches() -> None:
    rule = Rule(name="all", source_regions="enabled", destination_region="us-east-1")
    section = section_of(make_report(FINE, rules=(rule,), matches={"all": 1200}), "policy")
    assert ">all enabled<" in section
    assert "<td>1,200 (at least 1)</td>" in section


def test_navigation_links_to_every_section() -> None:
    page = Page(render_html(FULL))
    links = [value for tag, name, value in page.attributes if (tag, name) == ("a", "href")]
    sections = [value for tag, name, value in page.attributes if (tag, name) == ("h2", "id")]
    assert links == [f"#{id_}" for id_ in sections]
    assert len(sections) == 12


def test_states_are_words_on_the_page() -> None:
    page = Page(render_html(make_report(make_record(state="at_risk"))))
    assert "at risk" in page.texts["span"]
    assert "at_risk" not in page.text
