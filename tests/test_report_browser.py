"""The HTML page of an audit in a headless browser."""

import os
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from rds_backup_replication.fleet import render_html
from rds_backup_replication.fleet._wording import URGENCY, state_name

from . import browser as browsers
from .browser import BROKEN, CONTRAST, Browser
from .report_cases import (
    FULL,
    HOSTILE,
    NOT_LISTED,
    NOW,
    STATES,
    lagging_by,
    make_record,
    make_report,
)

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def page_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "audit.html"
    path.write_text(render_html(FULL), encoding="utf-8")
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
    lags = ["5m", "9m", "59m", "3h 5m", "2d 20m"]
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
    assert states == sorted(states, key=list(map(state_name, URGENCY)).index)


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
    for text in ("at_risk", "at risk", "risk"):
        browser.evaluate("document.querySelector('#filter').value = ''")
        browser.type(text)
        assert set(column(browser, 1)) == {"at risk"}, text


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


@pytest.mark.parametrize("width", [360, 390, 800, 1280])
def test_page_fits_window(browser: Browser, width: int) -> None:
    browser.resize(width, 800)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [390, 800, 1280])
def test_identifiers_are_not_broken(browser: Browser, width: int) -> None:
    browser.resize(width, 800)
    assert browser.evaluate(BROKEN) == []
    browser.emulate("print")
    browser.resize(1032, 800)  # A4 in landscape with margins of 12 mm, in CSS pixels
    assert browser.evaluate(BROKEN) == []


LARGE = make_report(*(lagging_by(timedelta(minutes=n % 70), n) for n in range(5000)))


def test_large_page_is_quick(browser: Browser, tmp_path: Path) -> None:
    """A page of 5,000 instances loads, sorts and filters without a noticeable pause."""
    path = tmp_path / "large.html"
    path.write_text(render_html(LARGE), encoding="utf-8")
    started = time.monotonic()
    browser.open(path)
    loading = time.monotonic() - started
    browser.evaluate("document.querySelector('#all').scrollIntoView({behavior: 'instant'})")
    started = time.monotonic()
    browser.click("#instances-table th:nth-child(10) button")
    assert column(browser, 9)[0] == "0s"
    sorting = time.monotonic() - started
    started = time.monotonic()
    browser.click("#filter")
    browser.type("orders-4999")
    assert column(browser, 0) == ["orders-4999"]
    filtering = time.monotonic() - started
    assert max(loading, sorting, filtering) < 10, (loading, sorting, filtering)


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
    accounts=FULL.accounts,
    rules=FULL.rules,
    findings=FULL.findings,
    unmanaged=FULL.unmanaged,
    retained=FULL.retained,
    headroom=FULL.headroom,
    comparison=FULL.comparison,
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
            last_words = {state_name(state).split()[-1] for state in STATES}
            assert {text.split()[-1] for text in texts} == last_words


def test_page_is_complete_without_scripts(browser: Browser, page_path: Path) -> None:
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page_path)
        assert browser.evaluate("document.querySelectorAll('button, input').length") == 0
        assert "orders-1" in column(browser, 0)
    finally:
        browser.send("Emulation.setScriptExecutionDisabled", value=False)
