"""Which files the commands for recoveries must never delete, replace or lose."""

import os
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rds_backup_replication.cli._errors import ExitCode, Failure
from rds_backup_replication.cli._files import check_writable, write_file
from rds_backup_replication.cli._recovery import running
from rds_backup_replication.exceptions import RecoveryRefusedError
from rds_backup_replication.recovery import InstanceSettings, drill, recover
from rds_backup_replication.recovery._drill_checks import run_check
from rds_backup_replication.recovery._journal import FORMAT

from . import cli_recovery_cases
from .cli_fleet_cases import run
from .cli_recovery_cases import (
    Recovery,
    arn_of,
    begin,
    drill_report,
    drilled,
    restored,
    write_journal,
)
from .recovery_examples import make_book, make_entry

pytestmark = pytest.mark.once

fake = cli_recovery_cases.fake


def test_check_leaves_another_commands_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal that another command begins meanwhile is not deleted by the check for its place."""
    journal = tmp_path / "run"
    open_file: Any = Path.open

    def begin_meanwhile(path: Path, *arguments: Any, **keywords: Any) -> Any:
        if path == journal:
            journal.write_text("begun")
        return open_file(path, *arguments, **keywords)

    monkeypatch.setattr(Path, "open", begin_meanwhile)
    check_writable(journal, "journal")
    monkeypatch.undo()
    assert not journal.exists() or journal.read_text() == "begun"


def test_check_leaves_a_link(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "journal")
    check_writable(link, "journal")
    assert link.is_symlink()
    assert [*tmp_path.iterdir()] == [link]


@pytest.mark.parametrize(
    "arguments",
    [("capture", "policy.yaml"), ("retarget", "book.json", "--policy", "policy.yaml")],
    ids=lambda arguments: arguments[0],
)
def test_standard_output_takes_no_book(fake: Recovery, arguments: tuple[str, ...]) -> None:
    ran = run("recovery", *arguments, "--out", "-", code=ExitCode.USAGE)
    assert "standard output is not a file. Name one for the book." in ran.stderr
    assert not fake.calls


def test_unreadable_book_is_not_replaced(fake: Recovery, monkeypatch: pytest.MonkeyPatch) -> None:
    def find_book(location: str, **_: object) -> None:
        raise PermissionError(13, "Permission denied", location)

    monkeypatch.setattr("rds_backup_replication.recovery._locations.find_book", find_book)
    command = ("recovery", "capture", "policy.yaml", "--out", "book.json")
    ran = run(*command, code=ExitCode.USAGE)
    assert ran.stderr == "Error: book.json cannot be read: Permission denied\n"
    assert not fake.calls


def test_file_is_written_beside_nobodys_file(tmp_path: Path) -> None:
    """Neither a link nor the process of another container decides where a part is written."""
    victim = tmp_path / "victim"
    victim.write_text("kept")
    (tmp_path / f".{os.getpid()}.part").symlink_to(victim)
    write_file(tmp_path / "report", "text")
    assert victim.read_text() == "kept"
    assert (tmp_path / "report").read_text() == "text"


@pytest.mark.parametrize("name", ["run.jsonl", "book.json", "policy.yaml"])
def test_endpoints_replace_no_file_of_the_command(fake: Recovery, name: str) -> None:
    Path("book.json").touch()
    before = {path.name: path.read_text() for path in Path().iterdir()}
    options = "--journal", "run.jsonl", "--policy", "policy.yaml", "--yes"
    shown = run(
        *("recovery", "recover", "book.json", *options, "--endpoints-file", f"./{name}"),
        code=ExitCode.USAGE,
    )
    assert "has another use in this command" in shown.stderr
    assert {path.name: path.read_text() for path in Path().iterdir()} == before
    assert "recover" not in fake.calls


@pytest.mark.parametrize(
    ("command", "name"),
    [("drill", "run.json"), ("drill", "book.json"), ("drill-cleanup", "run.json")],
)
def test_evidence_replaces_no_file_of_the_command(fake: Recovery, command: str, name: str) -> None:
    """The journal is all that tells what a drill has left behind."""
    Path("book.json").touch()
    Path(write_journal("drill", begin("orders"))).rename("run.json")
    files = ("run.json",) if command == "drill-cleanup" else ("book.json", "--journal", "run.json")
    journal = Path("run.json").read_text()
    shown = run("recovery", command, *files, "--yes", "--evidence", name, code=ExitCode.USAGE)
    assert "has another use in this command" in shown.stderr
    assert Path("run.json").read_text() == journal
    assert not {"drill", "drill_cleanup"} & fake.calls.keys()


def test_unwritten_evidence_hides_nothing(fake: Recovery, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the disk is full, the command still says what the drill has left behind."""
    fake.results["drill"] = drill_report(drilled("orders", cleanup="failed"))

    def fail(*_: object) -> None:
        raise Failure("no space", ExitCode.OTHER)

    monkeypatch.setattr("rds_backup_replication.cli._commands.recovery_drill.write_file", fail)
    shown = run(
        *("recovery", "drill", "book.json", "--journal", "run.jsonl", "--yes"),
        *("--evidence", "drill.html"),
        code=ExitCode.OTHER,
    )
    assert "recovery drill-cleanup run.jsonl" in shown.stderr
    assert "orders" in shown.stdout


def test_capture_names_what_the_book_loses(fake: Recovery) -> None:
    """The book of another policy is not replaced unseen."""
    fake.results["capture"] = make_book(make_entry(db_instance_identifier="users"))
    shown = run("recovery", "capture", "policy.yaml", "--out", "book.json").stdout
    lost = shown.partition("no rule of the policy replicates")[2]
    assert arn_of("orders") in lost
    assert arn_of("users") not in lost


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps open files")
def test_journal_that_is_deleted_as_it_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal whose lines nobody could find is refused before anything is restored."""
    path = tmp_path / "run"
    path.touch()

    def delete_and_lock(_: int) -> bool:
        path.unlink()
        return True

    monkeypatch.setattr("rds_backup_replication.fleet._journal_file._lock", delete_and_lock)
    with pytest.raises(RecoveryRefusedError, match="deleted"), FORMAT.reopen(path):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such file")
def test_journal_that_keeps_nothing() -> None:
    with pytest.raises(RecoveryRefusedError, match="no file"):
        recover(make_book(), journal="/dev/null")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such command")
def test_check_ends_with_the_command() -> None:
    """A second signal ends the process at once, and with it the commands of checks."""
    begun, results = threading.Event(), list[tuple[str, str | None]]()

    def check() -> None:
        begun.set()
        results.append(
            run_check(
                ["sleep", "30"],
                restored("orders"),
                make_entry(),
                timedelta(minutes=1),
                stopped=threading.Event(),
            )
        )

    thread = threading.Thread(target=check)

    def end(*arguments: Any) -> None:
        summarize = arguments[2]
        thread.start()
        while thread.is_alive():
            summarize()
            thread.join(0.01)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rds_backup_replication.cli._recovery.finish_on_signal", _calling(end))
        with running("Text", 1, ending="", hint=""):
            pass
    assert begun.is_set()
    ((outcome, _),) = results
    assert outcome == "failed"


def _calling(act: Callable[..., object]) -> Callable[..., Any]:
    @contextmanager
    def call(*arguments: Any) -> Generator[None]:
        act(*arguments)
        yield

    return call


def test_error_of_the_disk_hides_nothing(fake: Recovery) -> None:
    """If the journal cannot be written, the command says how to delete what there may be."""

    def fail(_: object) -> None:
        raise OSError(28, "No space left on device")

    fake.results["drill"] = fail
    shown = run(
        *("recovery", "drill", "book.json", "--journal", "run.jsonl", "--yes"), code=ExitCode.OTHER
    )
    assert "recovery drill-cleanup run.jsonl" in shown.stderr


def test_drill_in_the_recovery_network_of_another_rule(tmp_path: Path) -> None:
    """What one rule uses for drills may be what another one uses for recoveries."""
    other = make_entry(
        db_instance_identifier="users",
        target=InstanceSettings(db_subnet_group_name="DRILLS", vpc_security_group_ids=("sg-1",)),
    )
    with pytest.raises(RecoveryRefusedError) as caught:
        drill(make_book(make_entry(), other), journal=tmp_path / "run", only=["orders"])
    assert "orders would be drilled in the network of the recovery" in str(caught.value)
