"""The texts of the HTML page: escaping, times, durations and large fleets."""

import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rds_backup_replication.fleet import AuditReport, FleetReason, render_html
from rds_backup_replication.fleet._durations import format_duration
from rds_backup_replication.fleet._records import (
    Comparison,
    Finding,
    Headroom,
    MatchChange,
    OtherBackup,
)
from rds_backup_replication.fleet._report.html import MAX_LISTED, Html, tag

from .report_cases import (
    FLEET,
    FULL,
    HOSTILE,
    NOT_LISTED,
    NOW,
    Page,
    lagging_by,
    make_backup,
    make_change,
    make_reason,
    make_record,
    make_report,
)

pytestmark = pytest.mark.once

YESTERDAY = NOW - timedelta(days=1)


def report_of(text: str) -> AuditReport:
    """Return a report with the same text in every field that takes text."""
    own: dict[str, Any] = {
        "account_id": text,
        "source_region": text,
        "destination_region": text,
        "engine": text,
        "rule": text,
        "reasons": (make_reason(text, text),),
        "db_instance_automated_backups_arn": text,
    }
    named = make_record(
        **own, db_instance_identifier=text, state="lagging", latest_time=NOW, first_seen=YESTERDAY
    )
    by_arn = make_record(**own, db_instance_identifier=None, db_instance_arn=text, state="stopped")
    survivor = make_record(**own, db_instance_arn=text, state="unknown", latest_time=NOW)
    accepted = make_record(**own, state="drifted", accepted_until=NOW.date(), accepted_reason=text)
    change = make_change(1, "protected", "drifted").model_copy(
        update={"account_id": text, "source_region": text, "db_instance_arn": text}
    )
    others = ("db_instance_arn", "dbi_resource_id", "backup_status", "message")
    fields = {name: text for name in OtherBackup.model_fields if name in (*own, *others)}
    backup = make_backup().model_copy(update=fields)
    return make_report(
        *(named, by_arn, survivor, accepted),
        NOT_LISTED.model_copy(update=own),
        findings=(Finding(code="rule_shadowed", rule=text, message=text, remedy=text),),
        unmanaged=(backup,),
        headroom=(Headroom(account_id=text, destination_region=text, quota=2, used=1),),
        comparison=Comparison(
            audited_at=YESTERDAY,
            changes=(change,),
            matches=(MatchChange(rule=text, before=2, after=1),),
        ),
    )


HARMLESS = Page(render_html(report_of("x")))


@given(st.text(min_size=1) | st.sampled_from(HOSTILE))
def test_text_never_becomes_markup(text: str) -> None:
    page = Page(render_html(report_of(text)))
    assert page.elements == HARMLESS.elements
    assert page.attributes == HARMLESS.attributes
    assert page.texts["script"] == HARMLESS.texts["script"]
    assert page.texts["style"] == HARMLESS.texts["style"]


# Letters, marks and a symbol that are blank, or ignorable by default in Unicode.
BLANK = (
    *"\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0",
    *map(chr, range(0xFE00, 0xFE10)),
    *map(chr, range(0xE0100, 0xE01F0)),
)


@pytest.mark.long
@given(
    st.text(
        st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="".join(BLANK)),
        min_size=1,
    )
)
def test_visible_characters_are_unchanged(text: str) -> None:
    page = Page(render_html(report_of(text)))
    assert text in page.texts["p"]
    assert text in page.texts["strong"]
    assert text in page.texts["td"]


@given(
    st.characters(categories=["Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"], exclude_characters="\n\t")
    | st.sampled_from(BLANK)
    | st.integers(0xE0000, 0xE0FFF).map(chr)
    | st.sampled_from("\xad\u061c\u180e\u200b\u2065\u202e\ufeff\ufff0\ufff9\ufffb\ufffe\U0001d173")
)
def test_invisible_character_is_replaced(character: str) -> None:
    assert tag("td", f"a{character}b") == "<td>a�b</td>"


def test_tag_escapes_text_and_keeps_newlines() -> None:
    assert tag("td", "a\u202eb\x00c\ud800d\u200be\n\tf") == "<td>a�b�c�d�e\n\tf</td>"
    assert tag("td", Html("<b>"), "<i>", class_='"') == '<td class="&quot;"><b>&lt;i&gt;</td>'


def test_page_is_equal_after_json_round_trip() -> None:
    again = AuditReport.model_validate_json(FULL.model_dump_json())
    assert render_html(again) == render_html(FULL)


class Autumn(tzinfo):
    """A time zone where summer time ended on October 25."""

    def utcoffset(self, dt: datetime | None) -> timedelta:
        return timedelta(hours=1) + self.dst(dt)

    def dst(self, dt: datetime | None) -> timedelta:
        return timedelta(hours=1 if dt and (dt.month, dt.day) < (10, 25) else 0)

    def tzname(self, dt: datetime | None) -> str:  # noqa: ARG002  # the name never changes
        return "autumn"


@pytest.mark.parametrize("zone", [timezone(timedelta(hours=-8)), Autumn()])
def test_page_does_not_depend_on_time_zone(zone: tzinfo) -> None:
    records = [record for record in FLEET.records if record.latest_time]
    earliest = NOW - timedelta(days=60)
    records.append(make_record(99, earliest_time=earliest, latest_time=NOW - timedelta(days=30)))
    there = [
        record.model_copy(
            update={
                "earliest_time": record.earliest_time and record.earliest_time.astimezone(zone),
                "latest_time": record.latest_time and record.latest_time.astimezone(zone),
            }
        )
        for record in records
    ]
    page = render_html(AuditReport(audited_at=NOW.astimezone(zone), records=tuple(there)))
    assert page == render_html(make_report(*records))
    assert "2026-11-24T18:20:31Z" in page


@pytest.mark.parametrize("seed", ["1", "2"])
def test_page_does_not_depend_on_process(seed: str) -> None:
    code = (
        "import sys; from rds_backup_replication.fleet import AuditReport, render_html\n"
        "page = render_html(AuditReport.model_validate_json(sys.stdin.buffer.read()))\n"
        "sys.stdout.buffer.write(page.encode())"
    )
    run = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", code],
        input=FULL.model_dump_json().encode(),
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo"},
    )
    assert run.stdout.decode() == render_html(FULL)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(seconds=-5), "0s"),
        (timedelta(0), "0s"),
        (timedelta(seconds=59), "59s"),
        (timedelta(seconds=59.9), "1m"),
        (timedelta(seconds=90), "1m 30s"),
        (timedelta(minutes=12), "12m"),
        (timedelta(hours=1), "1h"),
        (timedelta(hours=1, microseconds=1), "1h 1s"),
        (timedelta(hours=1, seconds=30), "1h 30s"),
        (timedelta(hours=3, minutes=5), "3h 5m"),
        (timedelta(days=2, hours=4, minutes=59), "2d 4h 59m"),
        (timedelta(days=14), "14d"),
    ],
)
def test_format_duration(span: timedelta, text: str) -> None:
    assert format_duration(span) == text


@given(st.integers(1, 10**7), st.timedeltas(timedelta(microseconds=1), timedelta(days=40)))
def test_format_duration_never_equals_exceeded_limit(allowed: int, beyond: timedelta) -> None:
    maximum = timedelta(seconds=allowed)
    assert format_duration(maximum + beyond) != format_duration(maximum)


def test_lag_appears_once() -> None:
    record = lagging_by(timedelta(hours=1, seconds=30), state="lagging")
    lag = "lags by 1h 30s"
    assert render_html(make_report(record)).count(lag) == 1
    message = "The backup lags by 1h 30s; the rule allows a lag of 1h."
    reason = FleetReason(code="lagging", message=message, remedy="Look.")
    page = Page(render_html(make_report(record.model_copy(update={"reasons": (reason,)}))))
    assert page.text.count(lag) == 1
    assert message in page.texts["p"]
    stopped = lagging_by(timedelta(days=3), state="stopped")
    page = Page(render_html(make_report(stopped)))
    assert ", 3d before the audit" in page.text
    assert "lags by" not in page.text


def test_lag_of_zero_is_shown() -> None:
    page = Page(render_html(make_report(lagging_by(timedelta(0)))))
    assert "0s" in page.texts["td"]


def test_page_of_large_fleet() -> None:
    """The table has all instances; the time axis has the ones with the largest lags."""
    count = 2000
    records = (lagging_by(timedelta(minutes=number), number) for number in range(count))
    page = render_html(make_report(*records))
    windows = page.partition('id="windows-table"')[2].partition("</table>")[0]
    assert windows.count("<tr>") == MAX_LISTED + 1
    assert "orders-1999<" in windows
    assert "orders-1899<" not in windows
    assert f"of {MAX_LISTED} instances, out of 2,000. " in page
    assert page.partition('id="instances-table"')[2].count("<tr>") == count + 1
    assert len(page.encode()) < 500 * count


def test_timeline_prefers_replicated_instances() -> None:
    old = [lagging_by(timedelta(days=9), n, "excluded") for n in range(MAX_LISTED)]
    page = render_html(make_report(*old, lagging_by(timedelta(minutes=5), 1000, "lagging")))
    windows = page.partition('id="windows-table"')[2].partition("</table>")[0]
    assert windows.index("orders-1000<") < windows.index("orders-98<")
    assert "orders-99<" not in windows


def test_long_lag_ends_in_arrow() -> None:
    for lag, arrows in ((119, 0), (120, 0), (121, 1)):
        page = Page(render_html(make_report(lagging_by(timedelta(minutes=lag), state="lagging"))))
        assert len(page.texts.get("path", [])) == arrows


def test_windows_stay_on_axis() -> None:
    odd = (
        make_record(1, latest_time=NOW + timedelta(hours=1), lag=timedelta(hours=-1)),
        make_record(2, latest_time=NOW - timedelta(days=3000), earliest_time=NOW),
        make_record(3, latest_time=NOW, earliest_time=NOW, lag=timedelta(0)),
    )
    page = Page(render_html(make_report(*odd)))
    shares = [v for _, n, v in page.attributes if n in ("x", "width") and v.endswith("%")]
    assert shares
    assert all(0 <= float(share.removesuffix("%")) <= 100 for share in shares)
