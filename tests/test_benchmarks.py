"""Tests of the benchmarks: they measure what they claim to. No test asserts a speed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.cases import FIGURES
from benchmarks.fleet_server import running
from benchmarks.measure import alternate, ratios
from benchmarks.responses import REGION, Listing
from benchmarks.scripts import fleet
from benchmarks.scripts.counts import POLLS, counts
from benchmarks.scripts.sides import Boto3, Ours
from rds_backup_replication.fleet import Access

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


def test_ratios_of_pairs() -> None:
    pairs = [(1.0, 2.0), (30.0, 40.0), (1.0, 1.0), (9.0, 8.0), (0.5, 2.0)]
    assert ratios(pairs) == (0.75, 0.5, 1.0)
    assert ratios([(1.0, 4.0)]) == (0.25, 0.25, 0.25)


def test_sides_alternate_after_warmup() -> None:
    order = ""

    def side(name: str, seconds: float) -> Callable[[], float]:
        def run() -> float:
            nonlocal order
            order += name
            return seconds

        return run

    assert alternate(side("A", 1.0), side("B", 2.0), 3) == [(1.0, 2.0)] * 3
    assert order == "AB" + "AB" + "BA" + "AB"


def test_both_sides_return_the_same_listing() -> None:
    theirs, ours = Boto3(), Ours()
    for side in (theirs, ours):
        side.load()
    listing = Listing(10, page_size=4)
    records = list(theirs.listing(theirs.offline_client(REGION, listing)))
    models = list(ours.listing(ours.offline_client(REGION, listing)))
    assert len(records) == len(models) == 10
    assert [model.model_dump(by_alias=True, exclude_none=True) for model in models] == records
    assert {len(record) for record in records} == {22}


def test_call_counts() -> None:
    assert list(counts().values()) == [3, 2, POLLS + 1, 4]


def test_new_tables_replace_old_ones(tmp_path: Path) -> None:
    page = tmp_path / "speed.md"
    page.write_text(f"Above.\n\n{report.BEGIN}\nstale\n{report.END}\n\nBelow.\n", encoding="utf-8")
    results = report.Results({FIGURES[0].name: [(1.0, 2.0)]}, {"`ensure`": 2})
    report.write_into(page, report.as_markdown(results))
    text = page.read_text(encoding="utf-8")
    assert f"| **{FIGURES[0].name}** | 0.50 | 0.50 to 0.50 | 1 |" in text
    assert "| `ensure` | 2 |" in text
    assert "stale" not in text
    assert text.startswith("Above.")
    assert text.endswith("Below.\n")


def test_page_without_markers_is_unchanged(tmp_path: Path) -> None:
    page = tmp_path / "speed.md"
    page.write_text("Nothing.", encoding="utf-8")
    with pytest.raises(ValueError, match="lacks a line"):
        report.write_into(page, "table")
    assert page.read_text(encoding="utf-8") == "Nothing."


def test_fleet_jobs_do_the_measured_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with running(0, 3, replicated=True) as endpoint_url:
        access = Access(endpoint_url=endpoint_url)
        assert fleet.audit(access, 2) == 2 * 4 * 3
    with running(0, 120, replicated=False) as endpoint_url:  # more than one page
        access = Access(endpoint_url=endpoint_url)
        assert fleet.start_all(access, 4)[1] == 120
        with pytest.raises(AssertionError, match="unprotected"):
            fleet.audit(access, 1)
