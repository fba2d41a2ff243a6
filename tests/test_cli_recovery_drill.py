"""Tests of the commands for drills; stand-ins take the place of the library's functions."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rds_backup_replication.cli import _fleet, _output, _recovery
from rds_backup_replication.cli._errors import ExitCode
from rds_backup_replication.recovery._journal import End
from rds_backup_replication.recovery._records import ReadinessReason

from . import cli_recovery_cases
from .cli_fleet_cases import run
from .cli_recovery_cases import (
    AT,
    Recovery,
    arn_of,
    begin,
    drill_report,
    drilled,
    readiness,
    restored,
    split_lines,
    write_journal,
)
from .recovery_examples import ACCOUNT, DESTINATION, SOURCE_REGION

pytestmark = pytest.mark.once

fake = cli_recovery_cases.fake
DRILL = ("recovery", "drill", "book.json", "--journal", "run.jsonl")
CLEANUP = ("recovery", "drill-cleanup", "run.jsonl")


def test_drill_asks_and_names_the_sample(fake: Recovery) -> None:
    asked = run(*DRILL, "--sample", "1", code=ExitCode.USAGE).stderr
    question = "Restore 1 of these instances (2 restorable) under other names, check and delete"
    assert question in asked
    assert fake.calls["check"]["for_drill"]
    assert fake.calls.keys() == {"check"}


def test_question_fits_a_narrow_terminal(fake: Recovery, monkeypatch: pytest.MonkeyPatch) -> None:
    """The question is on standard error, whose width standard output need not have."""

    def get_width(stream: Any) -> int:
        return 40 if stream is sys.stderr else 1000

    monkeypatch.setattr(_fleet, "get_width", get_width)
    reason = ReadinessReason(code="backup_not_found", message="No backup.", remedy="Wait.")
    fake.results["check"] = readiness(reason, state="not_restorable")
    asked = run(*DRILL, code=ExitCode.USAGE).stderr
    assert f"orders, account {ACCOUNT} in {SOURCE_REGION}\n" in asked
    assert arn_of("orders") not in asked


def test_drill_passes_its_options_on(fake: Recovery) -> None:
    fake.results["drill"] = drill_report(drilled("orders"))
    run(
        *(*DRILL, "--yes", "--sample", "1", "--at-once", "2", "--check", "psql -c 'select 1'"),
        *("--check-timeout", "30s", "--in-recovery-network"),
    )
    given = fake.calls["drill"]
    assert given["check"] == ["psql", "-c", "select 1"]
    assert (given["sample"], given["at_once"]) == (1, 2)
    assert given["check_timeout"] == timedelta(seconds=30)
    assert given["in_recovery_network"]


def test_drill_prints_what_was_measured(fake: Recovery) -> None:
    late = drilled("orders", rto=timedelta(minutes=30))
    failed = drilled("billing", check="failed", check_output="no\nregion_name", checked_after=None)
    fake.results["drill"] = drill_report(late, failed)
    shown = run(*DRILL, "--yes", code=ExitCode.FINDINGS)
    assert [row[:5] for row in split_lines(shown.stdout)[1:3]] == [
        ["done", "passed", "1h", "(missed)", "5m"],
        ["done", "failed", "-", "(missed)", "5m"],
    ]
    assert shown.stdout.splitlines()[-3:] == [arn_of("billing"), "  no", "  region_name"]
    assert shown.stderr.endswith("0 of 2 instances proven restorable\n")


def test_drill_prints_a_line_for_each_change(fake: Recovery) -> None:
    waiting = restored("orders", "not_finished", begun_at=AT)
    events = [
        drilled("orders", restore=waiting, check="not_run", cleanup="kept"),
        drilled("orders", check="not_run", cleanup="kept"),
        drilled("orders", cleanup="kept"),
        drilled("orders"),
    ]

    def drill(given: dict[str, Any]) -> Any:
        for event in events:
            given["on_event"](event)
        return drill_report(events[-1])

    fake.results["drill"] = drill
    shown = run(*DRILL, "--yes").stderr.splitlines()
    stages = [line.partition("] ")[2].partition(":")[0] for line in shown[1:5]]
    assert stages == ["restoring", "restored", "check passed", "deleted"]


def test_evidence_is_written(fake: Recovery) -> None:
    fake.results["drill"] = report = drill_report(drilled("orders"))
    run(*DRILL, "--yes", "--evidence", "drill.html", "--evidence", "drill.json")
    assert Path("drill.html").read_text(encoding="utf-8") == "<drill_html >\n"
    text = Path("drill.json").read_text(encoding="utf-8")
    assert type(report).model_validate_json(text) == report


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--evidence", "drill.pdf"), "must end with .html or .json"),
        (("--check", "'"), "quotation mark or backslash without an end"),
        (("--check", " "), "must not be empty"),
    ],
)
def test_invalid_option_of_a_drill_sends_nothing(
    fake: Recovery, arguments: tuple[str, ...], message: str
) -> None:
    assert message in run(*DRILL, "--yes", *arguments, code=ExitCode.USAGE).stderr
    assert not fake.calls


def test_drill_names_what_deletes_the_rest(fake: Recovery) -> None:
    kept = drilled("orders", cleanup="failed", cleanup_message="Not yet.")
    fake.results["drill"] = drill_report(kept)
    shown = run(*DRILL, "--yes", "--policy", "policy.yaml", code=ExitCode.INCOMPLETE)
    assert "  Not yet.\n" in shown.stdout
    command = "recovery drill-cleanup run.jsonl --policy policy.yaml"
    assert shown.stderr.endswith(f"run: {command}\n")
    fake.results["drill"] = drill_report(kept, is_interrupted=True)
    run(*DRILL, "--yes", code=ExitCode.INTERRUPTED)


def test_drill_refuses_the_journal_of_another_drill(fake: Recovery) -> None:
    write_journal("drill")
    ran = run(*DRILL, "--yes", code=ExitCode.USAGE)
    assert "run: recovery drill-cleanup run.jsonl" in ran.stderr
    assert not fake.calls


def test_cleanup_asks_about_what_is_left(fake: Recovery) -> None:
    deleted = End(
        at=AT,
        step="delete",
        account_id=ACCOUNT,
        region=DESTINATION,
        identifier="billing-dr",
    )
    write_journal("drill", begin("orders"), begin("billing"), deleted)
    asked = run(*CLEANUP, code=ExitCode.USAGE).stderr
    assert split_lines(asked)[1] == [ACCOUNT, DESTINATION, "orders-dr"]
    assert "of these instances?" in asked
    assert not fake.calls
    # Instances that failed their check are proof of nothing, but nothing is left of them.
    fake.results["drill_cleanup"] = drill_report(drilled("orders", check="not_run"))
    shown = run(*CLEANUP, "--yes", "--evidence", "drill.json")
    assert split_lines(shown.stdout)[1][:2] == ["done", "not_run"]
    assert Path("drill.json").exists()


def test_cleanup_of_more_than_is_left() -> None:
    """A cleanup also asks about an instance whose deletion was accepted, but not recorded."""
    run = _recovery.Run(_output.Progress(None, lines=False), total=0)
    run.show_drilled(drilled("billing"))
    assert run.summarize() == "After 0s: 1 deleted."


def test_cleanup_without_leftovers_asks_nothing(fake: Recovery) -> None:
    write_journal("drill")
    fake.results["drill_cleanup"] = drill_report()
    run(*CLEANUP)
    assert fake.calls.keys() == {"drill_cleanup"}


@pytest.mark.parametrize(
    ("kind", "message"), [("recovery", "are never deleted"), (None, "does not exist, or is empty")]
)
def test_cleanup_refuses_another_file(fake: Recovery, kind: str | None, message: str) -> None:
    if kind is not None:
        write_journal(kind)
    assert message in run(*CLEANUP, "--yes", code=ExitCode.USAGE).stderr
    assert not fake.calls
