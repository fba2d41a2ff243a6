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
from rds_backup_replication.exceptions import RecoveryRefusedError
from rds_backup_replication.recovery._book import CaptureProblem
from rds_backup_replication.recovery._journal import Restored
from rds_backup_replication.recovery._records import ReadinessReason

from . import cli_recovery_cases
from .cli_cases import JSON
from .cli_fleet_cases import HOSTILE, SHOWN, run
from .cli_recovery_cases import (
    AT,
    BOOK,
    Recovery,
    arn_of,
    readiness,
    recovered,
    restored,
    split_lines,
    write_journal,
)
from .process_cases import run_python
from .recovery_examples import ACCOUNT, DESTINATION, make_book, make_entry

pytestmark = pytest.mark.once

fake = cli_recovery_cases.fake
CAPTURE = ("recovery", "capture", "policy.yaml", "--out", "book.json")
RECOVER = ("recovery", "recover", "book.json", "--journal", "run.jsonl")
MISSING_GROUP = ReadinessReason(
    code="subnet_group_not_found",
    message=f"The DB subnet group private does not exist in {DESTINATION}.",
    remedy="Create the DB subnet group.",
    commands=("aws rds create-db-subnet-group --db-subnet-group-name private",),
)


def test_capture_replaces_the_book_that_is_there(fake: Recovery) -> None:
    billing = make_entry(db_instance_identifier="billing")
    gone = make_entry(is_gone=True, tier=3)
    fake.results["capture"] = new = make_book(billing, make_entry(), gone)
    shown = run(*CAPTURE)
    assert fake.calls["capture"]["previous"] == fake.calls["write_book"]["replaces"] == BOOK
    assert fake.books["book.json"] == new
    assert shown.stdout == (
        "Instances in tier 1: 2\nInstances that are gone, and kept in the book: 1\n"
    )
    assert shown.stderr == "Wrote book.json.\n"


def test_first_capture_has_no_earlier_book(fake: Recovery) -> None:
    fake.results["capture"] = BOOK
    run("recovery", "capture", "policy.yaml", "--out", "s3://books/fleet.json")
    assert fake.calls["capture"]["previous"] is None
    assert fake.calls["write_book"]["replaces"] is None
    assert fake.books["s3://books/fleet.json"] == BOOK


def test_incomplete_book_is_written_and_has_an_exit_code(fake: Recovery) -> None:
    problem = CaptureProblem(message="No answer.", remedy="Raise the read_timeout of Access.")
    unread = "The option group orders could not be read."
    billing = make_entry(db_instance_identifier="billing")
    new = make_book(billing, make_entry(unread=(unread,)), problems=(problem,))
    fake.results["capture"] = new
    shown = run(*CAPTURE, code=ExitCode.FINDINGS)
    assert fake.books["book.json"] == new
    assert shown.stdout.splitlines()[1:] == [
        *("", "No answer.", "  Raise --read-timeout."),
        *("", unread, f"    {arn_of('orders')}"),
    ]


@pytest.mark.parametrize("output", ["book.json", "./book.json", "new.json"])
def test_retarget_replaces_no_other_book(fake: Recovery, output: str) -> None:
    fake.results["retarget"] = new = make_book(make_entry(tier=7))
    arguments = ("recovery", "retarget", "book.json", "--policy", "policy.yaml")
    run(*arguments, "--out", output)
    assert fake.books[output] == new
    assert fake.calls["write_book"]["replaces"] == (None if output == "new.json" else BOOK)


def test_book_that_cannot_be_read_is_an_error(fake: Recovery) -> None:
    ran = run("recovery", "check", "missing.json", code=ExitCode.USAGE)
    assert "missing.json cannot be read: No such file or directory" in ran.stderr
    assert "check" not in fake.calls


def test_check_prints_tiers_in_order(fake: Recovery) -> None:
    shown = run("recovery", "check", "book.json", "--only", "o*", "--maximum-age", "12h")
    assert split_lines(shown.stdout)[1:] == [
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
        (("--dry-run", "--endpoints-file", "x"), "--dry-run prints no endpoints"),
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
    assert split_lines(shown.stdout)[1][:4] == ["planned", "1", "-", "2026-11-25T12:00:00Z"]
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
    assert shown[0] == "Instances to restore: 2"
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
    assert split_lines(shown.stdout)[2][-2:] == ["billing-dr", "new.example"]
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
    fake.results["recover"] = recovered(restored("orders"))
    assert "Instances to restore: 1\n" in run(*RECOVER, "--yes").stderr


def test_finished_recovery_asks_nothing(fake: Recovery) -> None:
    done = [Restored(at=AT, instance=restored(name)) for name in ("orders", "billing")]
    write_journal("recovery", *done)
    fake.results["recover"] = recovered(restored("orders"))
    run(*RECOVER)
    assert fake.calls.keys() == {"recover"}


def test_refused_drill_is_explained_in_options(fake: Recovery) -> None:
    error = RecoveryRefusedError(["Delete it (drill_cleanup), or pass in_recovery_network=True."])

    def drill(_: dict[str, Any]) -> Any:
        raise error

    fake.results["drill"] = drill
    arguments = ("recovery", "drill", "book.json", "--journal", "run.jsonl", "--yes")
    ran = run(*arguments, code=ExitCode.USAGE)
    assert "Delete it (recovery drill-cleanup), or pass --in-recovery-network." in ran.stderr


def test_instance_cannot_hide_another_row(fake: Recovery) -> None:
    instance = restored("orders").model_copy(update={"new_endpoint": HOSTILE})
    fake.results["recover"] = recovered(instance)
    shown = run(*RECOVER, "--yes").stdout
    assert len(shown.splitlines()) == 2
    assert SHOWN in shown


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
