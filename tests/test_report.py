"""The HTML page of an audit report: its content, its safety, and its behavior in a browser."""

import os
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone, tzinfo
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rds_backup_replication import CheckReason
from rds_backup_replication.fleet import AuditRecord, AuditReport, Rule, Selector, render_html
from rds_backup_replication.fleet._durations import format_duration
from rds_backup_replication.fleet._records import State
from rds_backup_replication.fleet._report.html import URGENCY, Html, tag
from rds_backup_replication.fleet._report.problems import MAX_PROBLEMS
from rds_backup_replication.fleet._report.windows import MAX_ROWS

from . import browser as browsers
from .browser import Browser, find_browser

NOW = datetime(2026, 11, 24, 18, 20, 31, tzinfo=timezone.utc)
STATES: tuple[State, ...] = get_args(State)
HOSTILE = (
    "<script>window.owned = 1</script>",
    "</script><script>window.owned = 1</script>",
    "</style><img src=x onerror='window.owned = 1'>",
    '"><a href="javascript:window.owned = 1" autofocus onfocus=\'window.owned = 1\'>',
    "<!-- <svg onload=window.owned=1> ]]> &lt;b&gt; \x00 \u202egnp",
)
VOID = {"meta"}


class Page(HTMLParser):
    """The parsed page: its elements in order, and the texts of each kind of element."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open[-1]][-1] += data

    @property
    def text(self) -> str:
        return "\n".join(
            text for tag in self.texts if tag not in ("style", "script") for text in self.texts[tag]
        )


def make_record(number: int = 1, state: State = "protected", **fields: Any) -> AuditRecord:
    identifier = f"orders-{number}"
    given: dict[str, Any] = {
        "account_id": "123456789012",
        "source_region": "us-west-2",
        "destination_region": "us-east-1",
        "db_instance_arn": f"arn:aws:rds:us-west-2:123456789012:db:{identifier}",
        "db_instance_identifier": identifier,
        "engine": "postgres",
        "rule": "production",
        "state": state,
        **fields,
    }
    return AuditRecord(**given)


def lagging_by(lag: timedelta, number: int = 1, state: State = "protected") -> AuditRecord:
    return make_record(
        number,
        state,
        latest_time=NOW - lag,
        earliest_time=NOW - lag - timedelta(days=7),
        lag=lag,
        maximum_lag=timedelta(hours=1),
    )


def make_report(*records: AuditRecord) -> AuditReport:
    return AuditReport(audited_at=NOW, records=records)


def make_reason(message: str, remedy: str) -> CheckReason:
    return CheckReason(code="could_not_be_checked", message=message, remedy=remedy)


NOT_LISTED = AuditRecord(
    account_id="210987654321",
    source_region="eu-west-1",
    state="unknown",
    reasons=(make_reason("AccessDenied: not allowed.", "Allow rds:DescribeDBInstances."),),
)
FLEET = make_report(
    *(
        lagging_by(timedelta(minutes=lag), number, "lagging" if lag > 60 else "protected")
        for number, lag in ((1, 5), (2, 185), (10, 59), (9, 2900))
    ),
    *(make_record(20 + number, state) for number, state in enumerate(STATES)),
    *(
        make_record(30 + number, "unprotected", engine=text, rule=text, db_instance_identifier=text)
        for number, text in enumerate(HOSTILE)
    ),
    NOT_LISTED,
)


def test_page_shows_totals_and_problems() -> None:
    page = Page(render_html(FLEET))
    assert page.texts["h1"] == ["Backup replication audit"]
    assert "2026-11-24T18:20:31Z" in page.texts["time"]
    assert (
        "3 of the 15 listed instances that the policy replicates are protected (20%). "
        "1 Region could not be listed, so the overall share is unknown."
    ) in page.text
    for state, count in FLEET.counts.items():
        tile = re.search(
            rf'class="number">{count}</span><span class="state {state}">', render_html(FLEET)
        )
        assert tile, state
    assert page.texts["h2"] == [
        *("Problems", "Protection by Region", "Restore windows", "All instances")
    ]
    assert page.texts["h3"] == ["1 Region could not be listed", *(" 6", " 1", " 1", " 3")]
    assert "The backup lags by 3h 5m; the rule allows a lag of 1h." in page.texts["p"]
    assert "AccessDenied: not allowed." in page.texts["p"]
    assert "Allow rds:DescribeDBInstances." in page.texts["p"]
    assert "Includes 1 unlisted Region." in page.text
    assert "listing failed in 1 account" in page.text


def test_state_has_sign_and_color() -> None:
    assert set(URGENCY) == set(STATES)
    style = Page(render_html(FLEET)).texts["style"][0]
    for state in STATES:
        assert style.count(f"--{state}: #") == 3  # light, dark, print
        assert re.search(rf'\.{state}\b.*--c: var\(--{state}\); --sign: "."', style)


def test_problem_without_reason_has_remedy() -> None:
    for state in ("unprotected", "stopped", "unknown", "lagging"):
        assert 'class="remedy">' in render_html(make_report(make_record(state=state)))


def test_unlisted_region_counts_once_per_account() -> None:
    to = ("us-east-1", "us-east-2", None)
    once = [NOT_LISTED.model_copy(update={"destination_region": region}) for region in to]
    page = render_html(make_report(make_record(), *once))
    assert Page(page).texts["h3"] == ["1 Region could not be listed"]
    assert 'class="number">1</span><span class="state unknown">' in page
    assert "Includes 1 unlisted Region." in page
    assert "listing failed in 1 account<" in page
    assert page.count("AccessDenied: not allowed.") == 1
    assert "1 instance; 1 Region could not be listed, so some may be missing" in page
    other = NOT_LISTED.model_copy(update={"account_id": "123456789012"})
    page = render_html(make_report(make_record(), *once, other))
    assert Page(page).texts["h3"] == ["1 Region in 2 accounts could not be listed"]
    assert 'class="number">2</span><span class="state unknown">' in page
    assert "Includes 1 unlisted Region in 2 accounts." in page
    assert "listing failed in 2 accounts<" in page


def test_unlisted_region_shows_all_reasons() -> None:
    """A Region may fail for different reasons in several destinations; the page shows all."""
    why = make_reason("It was throttled.", "Try again.")
    again = NOT_LISTED.model_copy(update={"destination_region": "us-east-2", "reasons": (why,)})
    texts = Page(render_html(make_report(NOT_LISTED, again))).texts["p"]
    assert texts.count("AccessDenied: not allowed.") == texts.count("It was throttled.") == 1


def test_partly_listed_region() -> None:
    """The page does not claim that all instances of a failed Region are missing."""
    part = NOT_LISTED.model_copy(update={"source_region": "us-west-2"})
    text = Page(render_html(make_report(make_record(), part))).text
    assert "not in this report" not in text
    assert "Some or all instances there may be missing from this report." in text


def test_page_of_healthy_fleet() -> None:
    fine = Page(render_html(make_report(lagging_by(timedelta(minutes=5)))))
    assert "The 1 instance that the policy replicates is protected." in fine.text
    assert fine.texts["strong"][0] == "100%"
    assert "None. No instance is unprotected, stopped, unknown or lagging." in fine.text
    two = make_report(lagging_by(timedelta(minutes=5)), lagging_by(timedelta(minutes=5), 2))
    text = Page(render_html(two)).text
    assert "2 of the 2 instances that the policy replicates are protected." in text


def test_verdict_uses_singular() -> None:
    one = Page(render_html(make_report(make_record(state="stopped"))))
    assert "The 1 instance that the policy replicates is not protected." in one.text
    two = Page(render_html(make_report(make_record(), make_record(2, "stopped"))))
    assert "1 of the 2 instances that the policy replicates is protected." in two.text


def test_page_without_replicated_instances() -> None:
    """A page without instances to replicate never looks healthy."""
    empty = Page(render_html(make_report()))
    assert "The audit found no instances" in empty.text
    assert not {"table", "strong", "h2", "a"} & set(empty.texts)
    assert "None." not in empty.text
    blind = Page(render_html(make_report(NOT_LISTED)))
    assert blind.texts["h2"] == ["Problems"]
    assert "The audit found no instances: 1 Region could not be listed." in blind.text
    excluded = Page(render_html(make_report(make_record(state="excluded"))))
    assert "The policy replicates none of the instances found." in excluded.text
    assert "none to replicate" in excluded.text


def test_verdict_with_unlisted_region() -> None:
    """With an unlisted Region, the page does not claim that all instances are protected."""
    page = Page(render_html(make_report(lagging_by(timedelta(minutes=5)), NOT_LISTED)))
    assert page.texts["strong"][0] == "?"
    assert (
        "The 1 listed instance that the policy replicates is protected (100%). "
        "1 Region could not be listed, so the overall share is unknown."
    ) in page.text


def listed_problems(page: str) -> list[str]:
    return re.findall(r"<li><div><strong>([^<]*)", page)


def test_problems_are_sorted_by_severity() -> None:
    records = (
        *(lagging_by(timedelta(hours=lag), lag, "lagging") for lag in (3, 9, 4)),
        make_record(1, "lagging"),  # without a restore window
        *(make_record(number, "unprotected") for number in (12, 11)),
    )
    page = render_html(make_report(*records))
    numbers = [name.removeprefix("orders-") for name in listed_problems(page)]
    assert numbers == ["11", "12", "1", "9", "4", "3"]


def test_problems_are_limited_per_state() -> None:
    records = [make_record(number, "stopped") for number in range(MAX_PROBLEMS + 2)]
    page = render_html(make_report(*records))
    assert len(listed_problems(page)) == MAX_PROBLEMS
    assert "See the table of all instances for 2 more." in page
    assert "See the table" not in render_html(make_report(*records[:MAX_PROBLEMS]))
    regions = [
        NOT_LISTED.model_copy(update={"source_region": str(n)}) for n in range(MAX_PROBLEMS + 2)
    ]
    assert len(listed_problems(render_html(make_report(*regions)))) == MAX_PROBLEMS + 2


def test_matrix_has_totals() -> None:
    page = render_html(
        make_report(
            make_record(1),
            make_record(2, "stopped", destination_region="us-east-2"),
            make_record(3, source_region="eu-west-1"),
        )
    )
    matrix = page.partition('id="matrix-table"')[2].partition("</table>")[0]
    assert re.findall(r">(\d of \d)<", matrix) == [
        *("1 of 1", "1 of 1"),
        *("1 of 1", "0 of 1", "1 of 2"),
        *("2 of 2", "0 of 1", "2 of 3"),
    ]
    one = render_html(make_report(make_record(1)))
    assert one.count("1 of 1") == 1


def test_markup_is_accessible() -> None:
    page = Page(render_html(FLEET))
    assert ("html", "lang", "en") in page.attributes
    assert len(page.texts["caption"]) == len(page.texts["table"]) == 3
    assert all("scope" in names for tag, names in page.elements if tag == "th")
    assert all(
        "aria-hidden" in names for tag, names in page.elements if tag == "svg"
    )  # text elsewhere says the same
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    for _, name, value in page.attributes:
        if name in ("href", "aria-labelledby"):
            assert value.removeprefix("#") in ids


def test_security_policy_allows_own_code_only() -> None:
    page = Page(render_html(FLEET))
    assert page.elements[2:4] == [("meta", ("charset",)), ("meta", ("http-equiv", "content"))]
    (policy,) = (v for _, n, v in page.attributes if n == "content" and "default-src" in v)
    hashes = {
        tag: f"'sha256-{b64encode(sha256(page.texts[tag][0].encode()).digest()).decode()}'"
        for tag in ("style", "script")
    }
    assert policy == (
        f"default-src 'none'; style-src {hashes['style']}; script-src {hashes['script']}; "
        "base-uri 'none'; form-action 'none'"
    )
    for name in ("style", "script"):
        assert len(page.texts[name]) == 1
        assert "</" not in page.texts[name][0]
        assert "://" not in page.texts[name][0]


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
    named = make_record(**own, db_instance_identifier=text, state="lagging", latest_time=NOW)
    by_arn = make_record(**own, db_instance_identifier=None, db_instance_arn=text, state="stopped")
    return make_report(named, by_arn, NOT_LISTED.model_copy(update=own))


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
    again = AuditReport.model_validate_json(FLEET.model_dump_json())
    assert render_html(again) == render_html(FLEET)


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
        input=FLEET.model_dump_json().encode(),
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo"},
    )
    assert run.stdout.decode() == render_html(FLEET)


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
    reason = CheckReason(code="lagging", message=message, remedy="Look.")
    page = Page(render_html(make_report(record.model_copy(update={"reasons": (reason,)}))))
    assert page.text.count(lag) == 1
    assert message in page.texts["p"]
    stopped = lagging_by(timedelta(days=3), state="stopped")
    assert "The backup lags by 3d; the rule allows a lag of 1h." in render_html(
        make_report(stopped)
    )


def test_lag_of_zero_is_shown() -> None:
    page = Page(render_html(make_report(lagging_by(timedelta(0)))))
    assert "0s" in page.texts["td"]


def test_page_of_large_fleet() -> None:
    """The table has all instances; the time axis has the ones with the largest lags."""
    count = 2000
    records = (lagging_by(timedelta(minutes=number), number) for number in range(count))
    page = render_html(make_report(*records))
    windows = page.partition('id="windows-table"')[2].partition("</table>")[0]
    assert windows.count("<tr>") == MAX_ROWS + 1
    assert "orders-1999<" in windows
    assert "orders-1899<" not in windows
    assert f"of {MAX_ROWS} instances, out of 2,000. " in page
    assert page.partition('id="instances-table"')[2].count("<tr>") == count + 1
    assert len(page.encode()) < 500 * count


def test_timeline_prefers_replicated_instances() -> None:
    old = [lagging_by(timedelta(days=9), n, "excluded") for n in range(MAX_ROWS)]
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


def test_documentation_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(__file__).parent.parent / "docs/report.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(example, {"report": FLEET})  # noqa: S102  # our own page
    assert (tmp_path / "audit.html").read_text(encoding="utf-8") == render_html(FLEET)
    for state in STATES:
        assert f"| `{state}` |" in text


# In a browser


@pytest.fixture(scope="module")
def running_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    executable = find_browser()
    if executable is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing; .ci/run installs it")
        pytest.skip("Chromium is missing; on Debian, install the package chromium")
    browser = Browser(executable, tmp_path_factory.mktemp("profile"))
    try:
        yield browser
    finally:
        browser.close()


@pytest.fixture(scope="module")
def page_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "audit.html"
    path.write_text(render_html(FLEET), encoding="utf-8")
    return path


@pytest.fixture
def browser(running_browser: Browser, page_path: Path) -> Iterator[Browser]:
    """Open the report in a fresh page; fail if the page logs an error or a violation."""
    running_browser.resize(1280, 900)
    running_browser.emulate()
    running_browser.open(page_path)
    yield running_browser
    assert running_browser.complaints == []


def test_browser_that_fails_to_start_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "chromium"
    script.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 60\n")
    script.chmod(0o700)
    monkeypatch.setattr(browsers, "TIMEOUT_SECONDS", 0.5)
    with pytest.raises(TimeoutError, match="does not respond"):
        Browser(str(script), tmp_path)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def column(browser: Browser, number: int) -> list[str]:
    """Return the texts of a column in all visible rows."""
    texts: list[str] = browser.evaluate(
        "[...document.querySelectorAll('#instances-table tbody tr')]"
        f".filter(r => r.offsetHeight).map(r => r.cells[{number}].textContent)"
    )
    return texts


def test_browser_runs_no_untrusted_code(browser: Browser) -> None:
    assert browser.screenshot().startswith(b"\x89PNG")
    assert browser.evaluate("window.owned === undefined")
    assert browser.evaluate("document.querySelectorAll('script').length") == 1
    assert browser.evaluate("document.querySelectorAll('img, [onload], [onfocus]').length") == 0
    assert browser.evaluate("performance.getEntriesByType('resource').length") == 0
    assert HOSTILE[0] in column(browser, 0)


def test_browser_enforces_security_policy(browser: Browser) -> None:
    browser.evaluate(
        "{ const s = document.createElement('script'); s.textContent = 'window.owned = 1';"
        "document.body.append(s); document.body.setAttribute('onclick', 'window.owned = 1');"
        "document.body.click(); const i = new Image(); i.src = 'no-such.png'; }"
    )
    assert browser.evaluate("window.owned === undefined")
    assert browser.complaints
    assert all("Content Security Policy" in complaint for complaint in browser.complaints)
    browser.complaints.clear()


def test_click_sorts_and_second_click_reverses(browser: Browser) -> None:
    lag = "#instances-table th:nth-child(10)"
    lags = ["5m", "59m", "3h 5m", "2d 20m"]
    empty = [""] * (len(column(browser, 9)) - len(lags))
    browser.click(f"{lag} button")
    assert column(browser, 9) == [*lags, *empty]
    browser.click(f"{lag} button")
    assert column(browser, 9) == [*reversed(lags), *empty]
    assert browser.evaluate(f"document.querySelector('{lag}').ariaSort") == "descending"
    browser.click("#instances-table th:nth-child(9) button")
    latest = [text for text in column(browser, 8) if text]
    assert latest == sorted(latest)
    assert browser.evaluate("document.querySelectorAll('[aria-sort]').length") == 1
    browser.click("#instances-table th:nth-child(2) button")
    states = column(browser, 1)
    assert states == sorted(states, key=[str(state) for state in URGENCY].index)


def test_keyboard_sorts(browser: Browser) -> None:
    browser.evaluate("document.querySelector('#filter').focus()")
    browser.press("Tab", 9)  # moves to the table, which scrolls
    browser.press("Tab", 9)
    assert browser.evaluate("document.activeElement.textContent") == "Instance"
    browser.press("Enter", 13, "\r")
    names = [name for name in column(browser, 0) if name.startswith("orders-")]
    assert names[:4] == ["orders-1", "orders-2", "orders-9", "orders-10"]
    assert browser.evaluate("document.activeElement.closest('th').ariaSort") == "ascending"


def test_filter_matches_all_words(browser: Browser) -> None:
    before = len(column(browser, 0))
    browser.click("#filter")
    browser.type("LAGGING orders-2")
    assert column(browser, 0) == ["orders-2", "orders-22"]
    status = "document.querySelector('[role=status]').textContent"
    assert browser.evaluate(status) == f"2 of {before} shown"
    browser.type(" nothing-like-it")
    assert column(browser, 0) == []


def test_filter_distinguishes_states(browser: Browser) -> None:
    browser.click("#filter")
    browser.type("protect")  # the beginning of a state is enough
    assert set(column(browser, 1)) == {"protected"}
    browser.evaluate("document.querySelector('#filter').value = ''")
    browser.type("un")
    assert set(column(browser, 1)) >= {"unprotected", "unknown", "unmatched"}
    browser.evaluate("document.querySelector('#filter').value = ''")
    browser.type("production protected")
    assert set(column(browser, 1)) == {"protected"}


def test_print_has_all_rows_and_no_controls(browser: Browser) -> None:
    before = len(column(browser, 0))
    browser.click("#filter")
    browser.type("lagging")
    browser.emulate(media="print", scheme="dark")
    assert len(column(browser, 0)) == before
    assert browser.evaluate("document.querySelector('.controls').offsetHeight") == 0
    assert browser.evaluate("document.querySelector('nav').offsetHeight") == 0
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)"
    )
    assert browser.pdf().startswith(b"%PDF")


# Returns the lowest contrast of text and of drawings with their backgrounds, as WCAG defines it.
CONTRAST = """
(() => {
  const luminance = (c) => {
    const [r, g, b] = c.match(/[0-9.]+/g).map(Number)
      .map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = (e) => {
    const c = getComputedStyle(e).backgroundColor;
    return c === "rgba(0, 0, 0, 0)" && e.parentElement ? background(e.parentElement) : c;
  };
  const ratios = [...document.body.querySelectorAll(":not(svg, svg *, script)")].map((e) => {
    const [a, b] = [luminance(getComputedStyle(e).color), luminance(background(e))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  });
  // The lines of the grid are only decoration, so they are missing here.
  const drawn = [...document.querySelectorAll("rect, path, .lag line")].map((e) => {
    const [style, back] = [getComputedStyle(e), luminance(background(e.closest("td, header")))];
    const a = luminance(e.tagName === "line" ? style.stroke : style.fill);
    return style.opacity < 1 ? 0 : (Math.max(a, back) + 0.05) / (Math.min(a, back) + 0.05);
  });
  const arrows = [...document.querySelectorAll("th button")].map((e) => {
    const [style, back] = [getComputedStyle(e, "::after"), luminance(background(e))];
    const a = luminance(style.color);
    return style.opacity < 1 ? 0 : (Math.max(a, back) + 0.05) / (Math.min(a, back) + 0.05);
  });
  return [Math.min(...ratios), Math.min(...drawn, ...arrows)];
})()
"""


def test_contrast_in_light_dark_and_print(browser: Browser) -> None:
    shots: set[bytes] = set()
    for media, scheme in (("", "light"), ("", "dark"), ("print", "dark")):
        browser.emulate(media, scheme)
        text, drawn = browser.evaluate(CONTRAST)
        assert text >= 4.5, (media, scheme)
        assert drawn >= 3, (media, scheme)
        shots.add(browser.screenshot())
    assert len(shots) == 3
    browser.emulate(scheme="dark")
    background = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert all(int(value) < 40 for value in re.findall(r"\d+", background))


@pytest.mark.parametrize("width", [360, 1280])
def test_page_fits_window(browser: Browser, width: int) -> None:
    browser.resize(width, 800)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width


AWS_REGIONS = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-west-2", "eu-west-3"),
    *("eu-central-1", "eu-north-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1"),
    *("ap-northeast-2", "ap-northeast-3", "ap-south-1", "sa-east-1", "ca-central-1"),
)
WIDE = make_report(
    *(
        make_record(
            1000 * x + 100 * y + number,
            STATES[(x + y) % len(STATES)],
            source_region=source,
            destination_region=destination,
            engine="custom-sqlserver-ee",
            rule="production-critical",
            earliest_time=NOW - timedelta(days=35),
            latest_time=NOW - timedelta(seconds=1),
            lag=timedelta(days=35, hours=23, minutes=59, seconds=59),
            maximum_lag=timedelta(days=35, hours=12),
            db_instance_identifier=f"customer-database-production-replica-{x}-{y}-{number}",
        )
        for x, source in enumerate(AWS_REGIONS)
        for y, destination in enumerate(AWS_REGIONS)
        if source != destination
        for number in range(2)
    ),
    NOT_LISTED,
)


@pytest.fixture(scope="module")
def wide_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("wide") / "audit.html"
    path.write_text(render_html(WIDE), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [360, 800, 1100, 1280, 1440, 1920])
def test_wide_table_scrolls_in_its_card(browser: Browser, wide_path: Path, width: int) -> None:
    browser.open(wide_path)
    browser.resize(width, 800)
    cut_off = """
    [...document.querySelectorAll(".wide")].filter((card) => {
      card.scrollIntoView({ behavior: "instant" });
      card.scrollLeft = 1e6;
      const [inner, outer] = [card.querySelector("table"), card].map(
        (e) => e.getBoundingClientRect());
      card.scrollLeft = 0;
      return inner.right > outer.right + 1 || outer.right > innerWidth;
    }).length
    """
    assert browser.evaluate(cut_off) == 0
    assert browser.evaluate("document.documentElement.scrollWidth") <= width


# A4 with margins of 12 mm, in CSS pixels.
@pytest.mark.parametrize("width", [1032, 703])
def test_print_cuts_nothing_off(browser: Browser, wide_path: Path, width: int) -> None:
    browser.open(wide_path)
    browser.emulate("print")
    browser.resize(width, 800)
    widest = "Math.max(...[...document.querySelectorAll('td *, th *, td, th')].map("
    widest += "(e) => e.getBoundingClientRect().right))"
    assert browser.evaluate(widest) <= width + 1
    assert len(column(browser, 0)) == len(WIDE.records) - 1


@pytest.mark.parametrize("width", [360, 1440])
def test_column_names_stay_visible(browser: Browser, wide_path: Path, width: int) -> None:
    browser.open(wide_path)
    browser.resize(width, 800)
    browser.evaluate("document.querySelector('#all').scrollIntoView({behavior: 'instant'})")
    top = "document.querySelector('#instances-table thead th').getBoundingClientRect().top"
    browser.evaluate("document.querySelector('#instances-table').parentElement.scrollTop = 3000")
    assert 0 <= browser.evaluate(top) < 400
    lag = "document.querySelector('#instances-table tbody tr:nth-child(60) th')"
    assert browser.evaluate(f"{lag}.getBoundingClientRect().left") >= 0


WINDOWS = make_report(
    *(lagging_by(timedelta(minutes=5 * n), n, state) for n, state in enumerate(STATES, start=1))
)


@pytest.mark.parametrize(
    "hours", [0.1, 1, 1.5, 5, 7, 14, 41, 42, 83, 84, 90, 167, 168, 335, 35 * 24, 300 * 24, 10**5]
)
def test_axis_labels_do_not_overlap(browser: Browser, tmp_path: Path, hours: float) -> None:
    start = NOW - timedelta(hours=hours)
    record = make_record(earliest_time=start, latest_time=NOW, lag=timedelta(0))
    path = tmp_path / "axis.html"
    path.write_text(render_html(make_report(record)), encoding="utf-8")
    browser.open(path)
    overlaps = """
    (() => {
      const boxes = [...document.querySelectorAll("#windows-table .axis text")]
        .map((e) => e.getBoundingClientRect()).filter((b) => b.width)
        .sort((a, b) => a.left - b.left);
      const cell = document.querySelector("#windows-table .axis").closest("th")
        .getBoundingClientRect();
      const inside = boxes.every((b) => b.left >= cell.left && b.right <= cell.right);
      const apart = boxes.every((b, i) => !i || b.left - boxes[i - 1].right >= 4);
      return [boxes.length, inside, apart];
    })()
    """
    for width in (*range(360, 1920, 60), 761, 1100, 1920):
        browser.resize(width, 800)
        count, inside, apart = browser.evaluate(overlaps)
        assert count >= 2, width
        assert inside, width
        assert apart, width


def test_columns_have_names_and_windows_states(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "windows.html"
    path.write_text(render_html(WINDOWS), encoding="utf-8")
    browser.open(path)
    nodes = browser.send("Accessibility.getFullAXTree")["nodes"]
    heads = [n for n in nodes if n.get("role", {}).get("value") == "columnheader"]
    names = [head["name"]["value"] for head in heads]
    assert all(names)
    assert names.count("Restore window") == 1
    assert len(names) == browser.evaluate("document.querySelectorAll('thead th').length")
    for media in ("", "print"):
        browser.emulate(media)
        for width in (360, 1280):
            browser.resize(width, 800)
            texts = browser.evaluate(
                "[...document.querySelectorAll('#windows-table tbody th')].map(h => h.innerText)"
            )
            assert sorted(text.split()[-1] for text in texts) == sorted(STATES)


def test_page_is_complete_without_scripts(browser: Browser, page_path: Path) -> None:
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page_path)
        assert browser.evaluate("document.querySelectorAll('button, input').length") == 0
        assert "orders-1" in column(browser, 0)
    finally:
        browser.send("Emulation.setScriptExecutionDisabled", value=False)


def test_page_shows_scope() -> None:
    rule = Rule(
        name="<prod>",
        source_regions=("us-west-2", "eu-west-1"),
        destination_region="us-east-1",
        select=Selector(tags={"env": "prod*"}),
        backup_retention_period=14,
        maximum_lag=timedelta(minutes=30),
    )
    page = render_html(
        AuditReport(
            audited_at=datetime(2026, 1, 31, tzinfo=timezone.utc),
            accounts=("111111111111", "222222222222"),
            rules=(rule,),
            records=(),
        )
    )
    assert "2 accounts: 111111111111, 222222222222" in page
    row = page[page.index("&lt;prod&gt;") :]
    texts = re.findall(r"<td>(.*?)</td>", row)
    assert texts[:3] == ["us-west-2, eu-west-1", "us-east-1", "all"]
    assert "prod*" in texts[3]
    assert texts[4:] == ["always", "14 days", "30m"]
