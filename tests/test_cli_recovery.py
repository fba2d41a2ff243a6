"""Tests of the commands for recoveries; stand-ins take the place of the library's functions."""

import json
import threading
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.main import get_command

from rds_backup_replication.cli import _output, _recovery, app
from rds_backup_replication.cli._errors import ExitCode
from rds_backup_replication.recovery._book import CaptureProblem
from rds_backup_replication.recovery._journal import End, Restored
from rds_backup_replication.recovery._records import ReadinessReason

from . import cli_recovery_cases
from .cli_cases import JSON
from .cli_fleet_cases import HOSTILE, SHOWN, run
from .cli_recovery_cases import (
    AT,
    BOOK,
    Recovery,
    arn_of,
    begin,
    drill_report,
    drilled,
    readiness,
    recovered,
    restored,
    write_journal,
)
from .process_cases import run_python
from .recovery_examples import ACCOUNT, DESTINATION, make_book, make_entry

pytestmark = pytest.mark.once

fake = cli_recovery_cases.fake
CAPTURE = ("recovery", "capture", "policy.yaml", "--output", "book.json")
RECOVER = ("recovery", "recover", "book.json", "--journal", "run.jsonl")
DRILL = ("recovery", "drill", "book.json", "--journal", "run.jsonl")
CLEANUP = ("recovery", "drill-cleanup", "run.jsonl")
MISSING_GROUP = ReadinessReason(
    code="subnet_group_not_found",
    message=f"The DB subnet group private does not exist in {DESTINATION}.",
    remedy="Create the DB subnet group.",
    commands=("aws rds create-db-subnet-group --db-subnet-group-name private",),
)


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_capture_replaces_the_book_that_is_there(fake: Recovery) -> None:
    fake.results["capture"] = new = make_book(make_entry(), make_entry(is_gone=True, tier=3))
    shown = run(*CAPTURE)
    assert fake.calls["capture"]["previous"] == fake.calls["write_book"]["replaces"] == BOOK
    assert fake.books["book.json"] == new
    assert shown.stdout == "Tier 1: 1 instances\nGone, but kept in the book: 1 instances\n"
    assert shown.stderr == "Wrote book.json.\n"


def test_first_capture_has_no_earlier_book(fake: Recovery) -> None:
    fake.results["capture"] = BOOK
    run("recovery", "capture", "policy.yaml", "--output", "s3://books/fleet.json")
    assert fake.calls["capture"]["previous"] is None
    assert fake.calls["write_book"]["replaces"] is None
    assert fake.books["s3://books/fleet.json"] == BOOK


def test_incomplete_book_is_written_and_has_an_exit_code(fake: Recovery) -> None:
    problem = CaptureProblem(message="us-west-2 did not answer.", remedy="Capture again.")
    unread = "The option group orders could not be read."
    fake.results["capture"] = new = make_book(make_entry(unread=(unread,)), problems=(problem,))
    shown = run(*CAPTURE, code=ExitCode.FINDINGS)
    assert fake.books["book.json"] == new
    assert shown.stdout.splitlines()[1:] == [
        *("", "us-west-2 did not answer.", "  Capture again."),
        *("", unread, f"    {arn_of('orders')}"),
    ]


def test_book_that_cannot_be_read_is_an_error(fake: Recovery) -> None:
    ran = run("recovery", "check", "missing.json", code=ExitCode.USAGE)
    assert "missing.json cannot be read: No such file or directory" in ran.stderr
    assert "check" not in fake.calls


def test_check_prints_tiers_in_order(fake: Recovery) -> None:
    shown = run("recovery", "check", "book.json", "--only", "o*", "--maximum-age", "12h")
    assert lines(shown.stdout)[1:] == [
        ["restorable", "1", "2026-11-25T12:00:00Z", DESTINATION, "orders-dr", arn_of("orders")],
        ["restorable", "2", "2026-11-25T12:00:00Z", DESTINATION, "billing-dr", arn_of("billing")],
    ]
    assert shown.stderr == "2 restorable\n"
    given = fake.calls["check"]
    assert (given["only"], given["maximum_age"]) == (("o*",), timedelta(hours=12))
    assert not given["for_drill"]


def test_check_prints_each_reason_once(fake: Recovery) -> None:
    fake.results["check"] = readiness(MISSING_GROUP, state="not_restorable")
    shown = run("recovery", "check", "book.json", "--for-drill", code=ExitCode.FINDINGS)
    assert shown.stdout.splitlines()[3:] == [
        *("", MISSING_GROUP.message, f"  {MISSING_GROUP.remedy}"),
        *(f"    {arn_of('billing')}", f"    {arn_of('orders')}"),
    ]
    assert fake.calls["check"]["for_drill"]


@pytest.mark.usefixtures("fake")
def test_check_has_other_formats() -> None:
    report = readiness()
    shown = run("recovery", "check", "book.json", *JSON).stdout
    assert type(report).model_validate_json(shown) == report
    for form in ("markdown", "html"):
        shown = run("recovery", "check", "book.json", "--output", form).stdout
        assert shown == f"<readiness_{form} >\n"


def test_check_that_found_nothing_out_has_an_exit_code(fake: Recovery) -> None:
    fake.results["check"] = readiness(MISSING_GROUP, state="unknown")
    run("recovery", "check", "book.json", code=ExitCode.UNREACHABLE)


def test_commands_are_a_script_without_repetitions(fake: Recovery) -> None:
    hostile = MISSING_GROUP.model_copy(update={"message": "x\nrm -rf /", "commands": ("aws x",)})
    fake.results["check"] = readiness(MISSING_GROUP, hostile, state="not_restorable")
    shown = run("recovery", "check", "book.json", "--commands", code=ExitCode.FINDINGS)
    assert shown.stdout.splitlines() == [
        f"# Account {ACCOUNT}, {DESTINATION}",
        *(f"# {MISSING_GROUP.message}", *MISSING_GROUP.commands),
        *(r"# x\nrm -rf /", "aws x"),
    ]


def test_commands_exclude_a_report(fake: Recovery) -> None:
    ran = run("recovery", "check", "book.json", "--commands", *JSON, code=ExitCode.USAGE)
    assert "omit --output" in ran.stderr
    assert not fake.calls


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--at", "2999-01-01T00:00:00Z"), "must not be in the future"),
        (("--at", "2026-01-31"), "must be a time with an offset"),
        (("--timeout", "0s"), "must be longer than 0s"),
        (("--poll-interval", "2h"), "must be at most 1h"),
        (("--endpoints", "json", *JSON), "needs --endpoints-file"),
        (("--endpoints-file", "no/such/folder"), "cannot be written"),
    ],
)
def test_invalid_option_sends_nothing(
    fake: Recovery, arguments: tuple[str, ...], message: str
) -> None:
    assert message in run(*RECOVER, *arguments, code=ExitCode.USAGE).stderr
    assert not fake.calls


def test_recover_needs_a_journal_unless_it_is_dry(fake: Recovery) -> None:
    ran = run("recovery", "recover", "book.json", "--yes", code=ExitCode.USAGE)
    assert "--journal" in ran.stderr
    fake.results["plan_recovery"] = recovered(restored("orders", "planned", restore_time=AT))
    shown = run("recovery", "recover", "book.json", "--dry-run", "--at", "2026-11-25T12:00:00Z")
    assert lines(shown.stdout)[1][:4] == ["planned", "1", "-", "2026-11-25T12:00:00Z"]
    assert fake.calls["plan_recovery"]["at"] == AT
    fake.results["plan_recovery"] = recovered(restored("orders", "failed", message="No backup."))
    shown = run("recovery", "recover", "book.json", "--dry-run", code=ExitCode.FINDINGS)
    assert shown.stdout.splitlines()[-2:] == [arn_of("orders"), "  No backup."]
    assert fake.calls.keys() == {"plan_recovery"}


def test_recover_shows_what_it_will_do_and_asks(fake: Recovery) -> None:
    fake.results["check"] = readiness(MISSING_GROUP, state="not_restorable")
    asked = run(*RECOVER, "--only", "o*", code=ExitCode.USAGE)
    assert asked.stdout == ""
    header, first, *rest = asked.stderr.splitlines()
    assert header.split()[:2] == ["STATE", "TIER"]
    assert first.split()[:3] == ["not_restorable", "1", "2026-11-25T12:00:00Z"]
    assert MISSING_GROUP.message in rest
    assert "Restore these instances (2 not_restorable)?" in rest[-1]
    assert "--yes" in rest[-1]
    assert fake.calls.keys() == {"check"}
    assert not Path("run.jsonl").exists()


def test_recover_passes_its_options_on(fake: Recovery) -> None:
    fake.results["recover"] = recovered(restored("orders"))
    run(
        *(*RECOVER, "--yes", "--policy", "policy.yaml", "--only", "orders", "--timeout", "2h"),
        *("--poll-interval", "5s", "--at", "2026-11-25T12:00:00Z"),
    )
    given = fake.calls["recover"]
    assert given["journal"] == Path("run.jsonl")
    assert (given["only"], given["at"], given["poll_interval"]) == (("orders",), AT, 5.0)
    assert given["timeout"] == timedelta(hours=2)
    assert "check" not in fake.calls


def test_recover_prints_a_line_for_each_change(
    fake: Recovery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.monotonic", iter(range(0, 9000, 60)).__next__)

    def recover(given: dict[str, Any]) -> Any:
        for instance in (
            restored("orders", "not_finished", begun_at=AT, message="RDS is restoring it."),
            restored("orders", "not_finished", begun_at=AT, message="The same."),
            restored("orders", "not_finished", begun_at=AT, available_after=timedelta(0)),
            restored("orders"),
            restored("billing", "failed", message="Pass policy=."),
        ):
            given["on_event"](instance)
        return recovered(restored("orders"))

    fake.results["recover"] = recover
    shown = run(*RECOVER, "--yes").stderr.splitlines()
    texts = [line.partition("] ")[2] for line in shown[1:5]]
    assert shown[0] == "Restoring 2 instances"
    assert texts == [
        f"restoring: orders-dr in {DESTINATION} (tier 1)",
        f"available: orders-dr in {DESTINATION} (tier 1)",
        f"done: orders-dr in {DESTINATION} (tier 1)",
        f"failed: billing-dr in {DESTINATION} (tier 1): Pass --policy.",
    ]
    assert all("m] " in line for line in shown[1:5])


def test_recover_prints_summaries(fake: Recovery, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipeline ends a command that prints nothing for long."""
    is_printed = threading.Event()
    log = _output.Progress.log

    def notice(shown: _output.Progress, text: str) -> None:
        log(shown, text)
        if text.endswith(": 1 done, 1 waiting."):
            is_printed.set()

    def recover(given: dict[str, Any]) -> Any:
        given["on_event"](restored("orders"))
        assert is_printed.wait(10)
        return recovered(restored("orders"))

    monkeypatch.setattr(_recovery, "SUMMARY_INTERVAL", 0.01)
    monkeypatch.setattr(_output.Progress, "log", notice)
    fake.results["recover"] = recover
    assert "\nAfter 0s: 1 done, 1 waiting.\n" in run(*RECOVER, "--yes").stderr


def test_line_above_the_spinner_is_visible() -> None:
    printed = StringIO()
    status = Console(file=printed, force_terminal=True, width=200).status("")
    _output.Progress(status, lines=False).log(HOSTILE)
    assert printed.getvalue() == f"{SHOWN}\n"


def test_failed_restore_has_an_exit_code(fake: Recovery) -> None:
    failed = restored(
        "orders", "failed", message="Too few.\nRun this again.", differences={"a": "b"}
    )
    fake.results["recover"] = recovered(failed, restored("billing", new_endpoint="new.example"))
    shown = run(*RECOVER, "--yes", code=ExitCode.INCOMPLETE)
    assert lines(shown.stdout)[2][-2:] == ["billing-dr", "new.example"]
    assert shown.stdout.splitlines()[3:] == [
        *("", arn_of("orders"), "  Too few.", "  Run this again.", "    a: b")
    ]
    assert "1 failed, 1 done\n" in shown.stderr
    assert shown.stderr.endswith("To go on, run the same command again.\n")


def test_endpoints_are_printed_alone(fake: Recovery) -> None:
    fake.results["recover"] = recovered(restored("orders"))
    shown = run(*RECOVER, "--yes", "--endpoints", "dotenv")
    assert shown.stdout == "<endpoints dotenv>\n"
    assert "orders-dr" in shown.stderr


def test_endpoints_are_written_to_a_file(fake: Recovery) -> None:
    fake.results["recover"] = recovered(restored("orders"), is_interrupted=True)
    shown = run(*RECOVER, "--yes", *JSON, "--endpoints-file", "new.json", code=ExitCode.INTERRUPTED)
    assert Path("new.json").read_text(encoding="utf-8") == "<endpoints json>\n"
    assert json.loads(shown.stdout)["is_interrupted"]


def test_recover_goes_on_with_its_journal(fake: Recovery) -> None:
    write_journal("recovery", Restored(at=AT, instance=restored("orders")))
    asked = run(*RECOVER, code=ExitCode.USAGE)
    assert "Go on with the recovery of 2026-11-25T12:00:00Z (1 of 2 to restore)?" in asked.stderr
    assert not fake.calls
    fake.results["recover"] = recovered()
    assert "Restoring 1 instances\n" in run(*RECOVER, "--yes").stderr


def test_finished_recovery_asks_nothing(fake: Recovery) -> None:
    done = [Restored(at=AT, instance=restored(name)) for name in ("orders", "billing")]
    write_journal("recovery", *done)
    fake.results["recover"] = recovered(restored("orders"))
    run(*RECOVER)
    assert fake.calls.keys() == {"recover"}


def test_instance_cannot_hide_another_row(fake: Recovery) -> None:
    instance = restored("orders").model_copy(update={"new_endpoint": HOSTILE})
    fake.results["recover"] = recovered(instance)
    shown = run(*RECOVER, "--yes").stdout
    assert len(shown.splitlines()) == 2
    assert SHOWN in shown


def test_drill_asks_and_names_the_sample(fake: Recovery) -> None:
    asked = run(*DRILL, "--sample", "1", code=ExitCode.USAGE).stderr
    question = "Restore 1 of these instances (2 restorable) under other names, check and delete"
    assert question in asked
    assert fake.calls["check"]["for_drill"]
    assert fake.calls.keys() == {"check"}


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
    failed = drilled("billing", check="failed", check_output="no\nrows", checked_after=None)
    fake.results["drill"] = drill_report(late, failed)
    shown = run(*DRILL, "--yes", code=ExitCode.FINDINGS)
    assert [row[:5] for row in lines(shown.stdout)[1:3]] == [
        ["done", "passed", "1h", "(missed)", "5m"],
        ["done", "failed", "-", "(missed)", "5m"],
    ]
    assert shown.stdout.splitlines()[-3:] == [arn_of("billing"), "  no", "  rows"]
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
        (("--check", "'"), "No closing quotation"),
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
    assert lines(asked)[1] == [ACCOUNT, DESTINATION, "orders-dr"]
    assert "these 1 instances?" in asked
    assert not fake.calls
    # Instances that failed their check are proof of nothing, but nothing is left of them.
    fake.results["drill_cleanup"] = drill_report(drilled("orders", check="not_run"))
    shown = run(*CLEANUP, "--yes", "--evidence", "drill.json")
    assert lines(shown.stdout)[1][:2] == ["done", "not_run"]
    assert Path("drill.json").exists()


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


def test_help_fits_80_columns() -> None:
    group: Any = vars(get_command(app))["commands"]["recovery"]
    for name, command in {"": group, **group.commands}.items():
        shown = run(*filter(None, ("recovery", name, "--help"))).stdout
        assert max(map(len, shown.splitlines())) <= 80
        assert "..." not in shown.replace("[ARGS]...", "")
        assert command.help.endswith("."), name
        for parameter in command.params:
            assert parameter.help[0].isupper(), (name, parameter.name)
            assert parameter.help.endswith("."), (name, parameter.name)


def test_program_loads_no_recovery_that_it_does_not_use() -> None:
    ran = run_python(
        "import sys\n"
        "from rds_backup_replication.cli import _main\n"
        "recovery = 'rds_backup_replication.recovery'\n"
        "sys.argv = ['rds-backup-replication', 'recovery', 'recover', '--help']\n"
        "try: _main.main()\n"
        "except SystemExit: pass\n"
        "print([name for name in sys.modules if name.startswith(recovery)])\n"
    )
    assert ran.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("command", "ending", "hint"),
    [
        ("recover", "No more restores begin.", "To go on, run the same command again."),
        (
            "drill",
            "The drill ends, and its instances are deleted.",
            "To delete what the drill leaves behind, run: recovery drill-cleanup {}",
        ),
    ],
)
def test_second_ctrl_c_says_how_to_go_on(
    tmp_path: Path, command: str, ending: str, hint: str
) -> None:
    journal, book = str(tmp_path / "run.jsonl"), tmp_path / "book.json"
    book.write_text(BOOK.to_json(), encoding="utf-8")
    words = ["recovery", command, str(book), "--journal", journal, "--yes"]
    ran = run_python(
        "import os, signal, sys, threading\n"
        "from rds_backup_replication import recovery\n"
        "from rds_backup_replication.cli import main\n"
        "from rds_backup_replication.recovery._book import RecoveryBook\n"
        "def read_book(location, **_): return RecoveryBook.from_json(open(location).read())\n"
        "def interrupted(*_, **__):\n"
        "    for _ in range(2):\n"
        "        try:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "            threading.Event().wait()\n"
        "        except KeyboardInterrupt: pass\n"
        "os.environ.update(AWS_ACCESS_KEY_ID='testing', AWS_SECRET_ACCESS_KEY='testing')\n"
        f"vars(recovery).update(read_book=read_book, {command}=interrupted)\n"
        f"sys.argv = {['rds-backup-replication', *words]!r}\n"
        "main()\n"
    )
    assert ran.returncode == 130, ran.stderr
    announced, ended = ran.stderr.splitlines()[1:]
    assert announced == f"{ending} Press Ctrl-C again to end at once."
    assert ended.startswith("Ended at once. After 0s: 2 waiting. ")
    assert ended.endswith(hint.format(journal))
