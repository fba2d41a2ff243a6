"""The HTML page of an audit: its sections, totals and markup."""

import re
from base64 import b64encode
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

import pytest

from rds_backup_replication.fleet import AuditReport, Rule, Selector, render_html
from rds_backup_replication.fleet._records import HEALTHY
from rds_backup_replication.fleet._report.html import MAX_LISTED
from rds_backup_replication.fleet._wording import URGENCY

from .report_cases import (
    FLEET,
    FULL,
    NOT_LISTED,
    STATES,
    Page,
    lagging_by,
    make_reason,
    make_record,
    make_report,
)

pytestmark = pytest.mark.once


def test_page_shows_totals_and_problems() -> None:
    page = Page(render_html(FLEET))
    assert page.texts["h1"] == ["Backup replication audit"]
    assert "2026-11-24T18:20:31Z" in page.texts["time"]
    assert (
        "3 of the 17 listed instances that the policy replicates are protected (17%). "
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
    assert page.texts["h3"] == [
        *("1 Region could not be listed", " 6", " 1", " 1", " 3", " 1", " 1")
    ]
    assert "The backup lags by …; the rule allows a lag of 1h." in page.texts["p"]
    assert "3h 5m" in page.texts["span"]
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
    for state in set(STATES) - set(HEALTHY):
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
    none = "None. No instance is unprotected, stopped, at risk, lagging, unknown or drifted."
    assert none in fine.text
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
    return re.findall(r"<li><strong>([^<]*)", page)


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
    records = [make_record(number, "stopped") for number in range(MAX_LISTED + 2)]
    page = render_html(make_report(*records))
    assert len(listed_problems(page)) == MAX_LISTED
    assert "See the table of all instances for 2 more." in page
    assert "See the table" not in render_html(make_report(*records[:MAX_LISTED]))
    regions = [
        NOT_LISTED.model_copy(update={"source_region": str(n)}) for n in range(MAX_LISTED + 2)
    ]
    assert len(listed_problems(render_html(make_report(*regions)))) == MAX_LISTED + 2


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
    page = Page(render_html(FULL))
    assert ("html", "lang", "en") in page.attributes
    assert len(page.texts["caption"]) == len(page.texts["table"]) == 8
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


def test_documentation_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(__file__).parent.parent / "docs/report.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(example, {"report": FLEET})  # noqa: S102  # our own page
    assert (tmp_path / "audit.html").read_text(encoding="utf-8") == render_html(FLEET)
    for state in STATES:
        assert f"| `{state}` |" in text


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
    texts = [re.sub("<[^>]*>", " ", cell).split() for cell in re.findall(r"<td>(.*?)</td>", row)]
    assert texts[:3] == [["us-west-2", "eu-west-1"], ["us-east-1"], ["all"]]
    assert "prod*" in texts[3][0]
    assert texts[4:] == [["always"], ["14", "days"], ["30m"], []]
