"""The HTML pages of readiness checks and drills, and readiness on the page of an audit."""

import re
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rds_backup_replication.fleet import render_html
from rds_backup_replication.recovery._formats.audit_readiness import with_readiness
from rds_backup_replication.recovery._formats.drill_page import render_drill_html
from rds_backup_replication.recovery._formats.readiness_page import render_readiness_html
from rds_backup_replication.recovery._records import DrillReport, ReadinessReport

from .browser import BROKEN, CONTRAST, Browser
from .recovery_report_cases import (
    ACCOUNT,
    BOOK_HASH,
    NOT_RESTORABLE,
    PARTLY_PROVEN,
    RUN_ID,
    make_drill_report,
    make_drilled,
    make_readiness,
    make_readiness_reason,
    make_readiness_report,
    make_restored,
)
from .report_cases import HOSTILE, NOW, Page, make_record, make_report

pytestmark = pytest.mark.once

AUDIT = make_report(*(make_record(n, dbi_resource_id=f"db-{n:026d}") for n in range(1, 6)))


def facts_of(page: str) -> list[dict[str, str]]:
    """Return the facts of the drill, and those of each of its instances, without markup."""
    lists = re.findall(r'<dl class="record">(.*?)</dl>', page, re.DOTALL)
    return [
        {
            name: re.sub("<[^>]*>", "", content)
            for name, content in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", one, re.DOTALL)
        }
        for one in lists
    ]


def headline_of(report: DrillReport) -> str:
    header = re.search("<header>.*?</header>", render_drill_html(report), re.DOTALL)
    assert header
    return re.sub("<[^>]*>", "|", header[0])


def test_drill_page_has_evidence() -> None:
    drill, instance = facts_of(render_drill_html(make_drill_report(make_drilled())))
    assert drill == {
        "Run ID": RUN_ID,
        "Tag": f"rds-backup-replication:run = {RUN_ID}",
        "Began": "2026-11-24T18:20:31Z",
        "Ended": "2026-11-24T19:01:40Z",
        "Run by, as STS says": (
            f"Account {ACCOUNT}: arn:aws:sts::{ACCOUNT}:assumed-role/RecoveryDrill/alice"
        ),
        "Check": "psql --command &#x27;select count(*) from orders&#x27;",
        "Recovery book": f"SHA-256 {BOOK_HASH}",
        "Book captured": "2026-11-23T22:20:31Z, 20h before the drill",
    }
    assert instance == {
        "Account": ACCOUNT,
        "Regions": "us-west-2 → us-east-1",
        "Instance of the book": f"arn:aws:rds:us-west-2:{ACCOUNT}:db:orders-1",
        "Restored backup": f"arn:aws:rds:us-east-1:{ACCOUNT}:auto-backup:ab-{1:039d}",
        "Restored moment": "2026-11-24T18:13:31Z",
        "Restored as": "orders-1-dr",
        "New ARN": f"arn:aws:rds:us-east-1:{ACCOUNT}:db:orders-1-dr",
        "New resource ID": "db-RESTORED000000000000000001",
        "New endpoint": "orders-1-dr.c1example.us-east-1.rds.amazonaws.com:5432",
        "Restore": "done",
        "Requested": "2026-11-24T18:20:31Z",
        "Accepted by RDS": "2026-11-24T18:20:33Z, after 2s",
        "Available": "2026-11-24T18:40:12Z, after 19m 41s",
        "Settings verified": "2026-11-24T18:42:34Z, after 22m 3s",
        "Check passed": "2026-11-24T18:43:43Z, after 23m 12s",
        "Measured RTO": "23m 12s; objective: 1h met",
        "Measured RPO": "7m; objective: 15m met",
        "Check": "passed",
        "End of its output": "orders: 48,210 rows\nlatest order: 2026-11-24 18:13:20",
        "Verified settings of the drill": (
            "db_instance_class, multi_az, port, vpc_security_group_ids"
        ),
        "Request IDs": "9d3a7c1e-0000-4000-8000-000000000001",
        "Deletion": "deleted",
    }


def test_drill_page_has_what_failed() -> None:
    _, _, slow, unchecked, failed, kept = sorted(
        facts_of(render_drill_html(PARTLY_PROVEN)), key=lambda facts: facts.get("Restored as", "")
    )
    assert slow["Measured RTO"] == "23m 12s; objective: 20m missed"
    assert unchecked["Measured RTO"] == "not measured; objective: 1h missed"
    assert unchecked["Check"] == "failed"
    assert "Check passed" not in unchecked
    assert unchecked["Settings that differ"] == "multi_az: is False instead of True"
    assert failed["Restore"].startswith("failedRDS has no capacity")
    assert failed["Error code"] == "InsufficientDBInstanceCapacity"
    assert failed["Measured RPO"] == "not measured; objective: none stated"
    assert failed["Deletion"] == "nothing to delete"
    assert kept["Deletion"] == "not deletedAccessDenied: delete it by hand."


def test_drill_results_are_ordered_by_tier() -> None:
    page = render_drill_html(PARTLY_PROVEN)
    table = page.partition('id="results-table"')[2].partition("</table>")[0]
    names = re.findall(r'<th scope="row">([^<]*)', table)
    assert names == ["orders-1", "orders-2", "orders-3", "orders-5", "orders-4"]


def test_drill_that_is_proven() -> None:
    headline = headline_of(make_drill_report(make_drilled(1), make_drilled(2)))
    assert "|Proven|" in headline
    assert (
        "|All 2 instances were restored and passed the check, within all stated objectives.|"
    ) in headline
    assert "not deleted" not in headline


def test_drill_without_objectives_claims_none() -> None:
    headline = headline_of(make_drill_report(make_drilled(1, rto=None, rpo=None)))
    assert (
        "|The 1 instance was restored and passed the check. The policy states no RTO for 1 and no "
        "RPO for 1 of 1.|"
    ) in headline
    assert "within" not in headline
    partly = headline_of(make_drill_report(make_drilled(1), make_drilled(2, rpo=None)))
    assert "within all stated objectives. The policy states no RPO for 1 of 2.|" in partly


@pytest.mark.parametrize(
    ("drilled", "why"),
    [
        (make_drilled(1, check="failed"), "1 failed check"),
        (make_drilled(1, check="timed_out", checked_after=None), "1 timed-out check"),
        (make_drilled(1, check="not_run"), "1 missing check"),
        (make_drilled(1, rto=timedelta(minutes=1)), "1 missed RTO"),
        (make_drilled(1, restored_age=None), "1 missed RPO"),
        (make_drilled(1, restore=make_restored(1, "failed")), "1 failed restore"),
        (make_drilled(1, restore=make_restored(1, "not_finished")), "1 unfinished restore"),
        (make_drilled(1, restore=make_restored(1, "not_attempted")), "1 unattempted restore"),
        (make_drilled(1, restore=make_restored(1, "planned")), "1 merely planned restore"),
    ],
)
def test_drill_says_why_it_proves_nothing(drilled: object, why: str) -> None:
    report = DrillReport.model_validate({**dict(make_drill_report()), "instances": (drilled,)})
    assert not report.is_proven
    headline = headline_of(report)
    assert "|Not proven|" in headline
    assert f"|0 of 1 instance is proven restorable. Not proven because of {why}.|" in headline
    assert f"Not proven: {why.removeprefix('1 ')}." in render_drill_html(report)


def test_drill_that_is_partly_proven() -> None:
    headline = headline_of(PARTLY_PROVEN)
    assert (
        "2 of 5 instances are proven restorable. Not proven because of 1 missed RTO, 1 failed "
        "check and 1 failed restore."
    ) in headline
    assert "An interruption ended the drill early." in headline
    assert "1 instance of the drill is not deleted, or may not be." in headline
    assert "|Proven|" not in headline


def test_drill_without_instances() -> None:
    headline = headline_of(make_drill_report())
    assert "|Not proven|" in headline
    assert "The drill has no instances." in headline


def test_check_output_keeps_lines() -> None:
    output = "a\r\nb\x1b[31mc</pre>"
    page = render_drill_html(make_drill_report(make_drilled(check_output=output)))
    assert "<pre>a\nb\ufffd[31mc&lt;/pre&gt;</pre>" in page


def test_readiness_page_has_reasons_and_commands() -> None:
    page = Page(render_readiness_html(NOT_RESTORABLE))
    assert page.texts["h2"] == [
        *("Findings", "Not restorable", "Restore unknown", "Warnings", "All instances")
    ]
    assert "1 of 4 instances is restorable." in page.text
    assert "Not ready: 2 not restorable, 1 restore unknown and 1 finding." in page.text
    assert page.texts["p"].count("DB subnet group recovery does not exist in us-east-1.") == 1
    assert page.texts["pre"] == ["aws rds create-db-subnet-group --db-subnet-group-name recovery"]
    assert page.text.count(BOOK_HASH) == 1
    assert "restored as orders-2-dr" in page.texts["span"]


def test_readiness_page_of_ready_book() -> None:
    page = Page(render_readiness_html(make_readiness_report(make_readiness())))
    assert page.texts["h2"] == ["All instances"]
    assert "All instances are restorable." in page.text
    assert page.texts["strong"][0] == "100%"


def test_readiness_page_is_never_ready_in_vain() -> None:
    empty = Page(render_readiness_html(make_readiness_report()))
    assert "The book has no instances to check." in empty.text
    old = make_readiness_report(make_readiness(), findings=NOT_RESTORABLE.findings)
    text = Page(render_readiness_html(old)).text
    assert "Not ready: 1 finding." in text
    assert "All instances are restorable." not in text


def test_audit_page_has_readiness_beside_state() -> None:
    page = render_html(with_readiness(AUDIT, NOT_RESTORABLE))
    table = page.partition('id="instances-table"')[2]
    protected = '<span class="state protected">protected</span>'
    for name, mark in (
        ("orders-1", '<span class="state protected">restorable</span>'),
        ("orders-2", '<span class="state unprotected">not restorable</span>'),
        ("orders-4", '<span class="state unknown">restore unknown</span>'),
    ):
        row = table.partition(f">{name}<")[2].partition("</tr>")[0]
        assert f"{protected} {mark}</td>" in row
    text = Page(page).text
    assert "5 readiness problems need attention." in text
    assert "1 of 5 instances is restorable." in text
    assert "No problems and no findings." not in text
    assert "The readiness check did not include this instance." in text


def test_audit_page_without_readiness_is_as_before() -> None:
    page = render_html(AUDIT)
    assert "restorable" not in page.partition("<body>")[2].partition("<script>")[0]
    assert "eadiness" not in page


def test_audit_page_that_is_ready() -> None:
    ready = make_readiness_report(*(make_readiness(number) for number in range(1, 6)))
    text = Page(render_html(with_readiness(AUDIT, ready))).text
    assert "No problems and no findings." in text
    assert "5 of 5 instances are restorable." in text


def drill_of(text: str) -> str:
    """Return a drill's page with the text wherever a drill has text."""
    restored = make_restored(
        1,
        account_id=text,
        source_region=text,
        destination_region=text,
        db_instance_arn=text,
        db_instance_identifier=text,
        target_db_instance_identifier=text,
        message=text,
        error_code=text,
        restored_dbi_resource_id=text,
        restored_db_instance_arn=text,
        db_instance_automated_backups_arn=text,
        new_endpoint=text,
        verified=(text,),
        differences={text: text},
        request_ids=(text,),
    )
    drilled = make_drilled(restore=restored, check_output=text, cleanup_message=text)
    return render_drill_html(
        make_drill_report(drilled, run_id=text, book_hash=text, callers={text: text}, check=text)
    )


def readiness_of(text: str) -> str:
    """Return a readiness check's page with the text wherever a check has text."""
    reason = make_readiness_reason(message=text, remedy=text, commands=(text,))
    fields = {
        "account_id": text,
        "source_region": text,
        "destination_region": text,
        "db_instance_identifier": text,
        "target_db_instance_identifier": f"{text}-dr",
    }
    return render_readiness_html(
        make_readiness_report(
            make_readiness(1, "not_restorable", **fields, reasons=(reason,)),
            make_readiness(2, "unknown", **fields, reasons=(reason,)),
            findings=(reason,),
            book_hash=text,
        )
    )


def audit_of(text: str) -> str:
    """Return an audit's page with the text wherever a readiness check has text."""
    reason = make_readiness_reason(message=text, remedy=text)
    checked = make_readiness(1, "not_restorable", reasons=(reason,))
    return render_html(with_readiness(AUDIT, make_readiness_report(checked, findings=(reason,))))


@pytest.mark.parametrize("render", [drill_of, readiness_of, audit_of])
@given(text=st.text(min_size=1) | st.sampled_from(HOSTILE))
@settings(max_examples=40, deadline=None)
def test_text_never_becomes_markup(render: Callable[[str], str], text: str) -> None:
    harmless, page = Page(render("x")), Page(render(text))
    assert page.elements == harmless.elements
    assert page.attributes == harmless.attributes
    for name in ("style", "script"):
        assert page.texts.get(name) == harmless.texts.get(name)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b]", page.text)


@pytest.mark.parametrize(
    ("page", "has_script"),
    [(render_drill_html(PARTLY_PROVEN), False), (render_readiness_html(NOT_RESTORABLE), True)],
)
def test_pages_are_self_contained(page: str, has_script: bool) -> None:  # noqa: FBT001  # pytest's
    parsed = Page(page)
    (policy,) = (v for _, n, v in parsed.attributes if n == "content" and "default-src" in v)
    hashes = {
        name: f"{name}-src 'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'; "
        for name in ("style", "script")
        for text in parsed.texts.get(name, ())
    }
    assert policy == (
        f"default-src 'none'; {''.join(hashes.values())}base-uri 'none'; form-action 'none'"
    )
    assert ("script" in parsed.texts) == has_script
    assert {name for _, name, _ in parsed.attributes}.isdisjoint({"src", "style", "onclick"})
    ids = [value for _, name, value in parsed.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    for _, name, value in parsed.attributes:
        if name in ("href", "aria-labelledby"):
            assert value.removeprefix("#") in ids


def test_pages_are_equal_after_json_round_trip() -> None:
    drill = DrillReport.model_validate_json(PARTLY_PROVEN.model_dump_json())
    assert render_drill_html(drill) == render_drill_html(PARTLY_PROVEN)
    check = ReadinessReport.model_validate_json(NOT_RESTORABLE.model_dump_json())
    assert render_readiness_html(check) == render_readiness_html(NOT_RESTORABLE)
    assert NOW.isoformat() not in render_drill_html(drill)  # all times have the form of UTC


@pytest.mark.long
@pytest.mark.parametrize(
    "page", [render_drill_html(PARTLY_PROVEN), render_readiness_html(NOT_RESTORABLE)]
)
def test_pages_in_browser(running_browser: Browser, tmp_path: Path, page: str) -> None:
    """The pages fit a phone, keep times and ids in one piece, and are readable in all media."""
    browser, path = running_browser, tmp_path / "page.html"
    path.write_text(page, encoding="utf-8")
    browser.emulate()
    browser.resize(1280, 900)
    browser.open(path)
    assert browser.evaluate(BROKEN) == []
    for width in (360, 800, 1280):
        browser.resize(width, 900)
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
    for media, scheme in (("", "light"), ("", "dark"), ("print", "dark")):
        browser.emulate(media, scheme)
        text, drawn = browser.evaluate(CONTRAST)
        assert text >= 4.5, (media, scheme)
        assert drawn >= 3, (media, scheme)
    assert browser.complaints == []
    assert browser.pdf().startswith(b"%PDF")
