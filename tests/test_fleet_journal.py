"""The journal of an apply: its file, its lock, and lines that are incomplete or lost."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rds_backup_replication.exceptions import PlanRefusedError
from rds_backup_replication.fleet import ActionResult, PlannedAction, Policy, apply, resume
from rds_backup_replication.fleet._journal import ActionKey, Journal, read_journal

from . import apply_cases
from .apply_cases import AppliedActions, action, make_plan, name_of, replacement

pytestmark = pytest.mark.once

applied = apply_cases.applied
POLICY = Policy.from_yaml(
    f'accounts: [{{id: "123456789012"}}]\nlimits: {{at_once: 2}}\n{apply_cases.RULES}'
)
ACTIONS = tuple(replacement(name) for name in "abc")
PLAN = make_plan(POLICY, *ACTIONS)


def done(planned: PlannedAction, outcome: Any = "done") -> ActionResult:
    return ActionResult(action=planned, outcome=outcome)


def names(keys: "set[ActionKey] | dict[ActionKey, ActionResult]") -> list[str]:
    return sorted(key[2].rpartition(":")[2] for key in keys)


def events(path: Path) -> list[str]:
    """Return the event of each line, with the name of its instance."""
    found: list[str] = []
    for text in path.read_bytes().splitlines():
        line: dict[str, Any] = json.loads(text)
        planned: dict[str, str] = line.get("action") or line.get("result", {}).get("action", {})
        name = planned.get("source_db_instance_arn", "").rpartition(":")[2]
        found.append(f"{line['event']} {name}".strip())
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def test_journal_has_a_line_before_and_after_each_change(
    applied: AppliedActions, path: Path
) -> None:
    seen: list[list[str]] = []
    applied.during = lambda _: seen.append(events(path))
    plan = make_plan(POLICY, *ACTIONS[:2], action("start", "s"))
    assert apply(plan, POLICY, journal=path).counts == {"done": 3}
    assert seen == [
        ["plan", "begin s"],
        ["plan", "begin s", "end s", "begin a"],
        ["plan", "begin s", "end s", "begin a", "end a", "begin b"],
    ]
    assert events(path) == [*seen[-1], "end b"]
    assert path.stat().st_mode & 0o777 == 0o600
    progress = read_journal(path)
    assert progress.plan == plan
    assert (progress.max_stops, progress.max_replacements) == (0, 10)
    assert names(progress.settled) == ["a", "b", "s"]
    for line in path.read_text(encoding="utf-8").splitlines():
        assert json.loads(line)["at"]


def test_limits_that_were_granted_are_kept(applied: AppliedActions, path: Path) -> None:
    apply(PLAN, POLICY, journal=path, max_stops=4, max_replacements=3)
    progress = read_journal(path)
    assert (progress.max_stops, progress.max_replacements) == (4, 3)
    assert len(applied.begun) == 3


def test_lines_are_on_the_disk_before_the_change(
    applied: AppliedActions, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    fsync = os.fsync

    def record(number: int) -> None:
        fsync(number)
        synced.append(path.stat().st_size)

    monkeypatch.setattr(os, "fsync", record)
    sizes: list[bool] = []
    applied.during = lambda _: sizes.append(path.stat().st_size in synced)
    apply(PLAN, POLICY, journal=path)
    assert sizes == [True] * 3
    assert synced[-1] == path.stat().st_size


def test_executor_begins_are_written_before_the_task(applied: AppliedActions, path: Path) -> None:
    class Checking(apply_cases.Immediate):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
            seen.append(events(path)[-2:])
            return super().submit(fn, *args, **kwargs)

    seen: list[list[str]] = []
    plan = make_plan(POLICY, action("start", "s"), action("start", "t"), ACTIONS[0])
    assert apply(plan, POLICY, journal=path, executor=Checking()).is_complete
    assert seen == [["begin s", "begin t"], ["end t", "begin a"]]
    assert events(path)[-1] == "end a"
    assert len(applied.begun) == 3


def test_journal_is_never_overwritten(applied: AppliedActions, path: Path) -> None:
    path.write_bytes(b"")  # as mktemp creates it
    apply(PLAN, POLICY, journal=path)
    before = path.read_bytes()
    applied.begun.clear()
    with pytest.raises(PlanRefusedError, match=r"is not empty. Call fleet.resume\(\)"):
        apply(PLAN, POLICY, journal=path)
    assert path.read_bytes() == before
    assert applied.begun == []


def test_refused_plan_leaves_no_journal(applied: AppliedActions, path: Path) -> None:
    with pytest.raises(PlanRefusedError):
        apply(PLAN, POLICY, journal=path, max_replacements=0)
    assert not path.exists()
    with pytest.raises(FileNotFoundError):
        apply(PLAN, POLICY, journal=path / "missing")
    assert applied.begun == []


def test_journal_in_use_is_refused(path: Path) -> None:
    """Neither another process nor this one can use it a second time."""
    with Journal.create(path, PLAN, 0, 10):
        with pytest.raises(PlanRefusedError, match="Another process uses the journal"):
            resume(path, POLICY)
        code = (
            "import sys\n"
            "from pathlib import Path\n"
            "from rds_backup_replication.fleet._journal import Journal\n"
            "with Journal.reopen(Path(sys.argv[1])): pass\n"
        )
        ran = subprocess.run(  # noqa: S603
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
        )
    assert "Another process uses the journal" in ran.stderr
    with Journal.reopen(path):
        pass


@pytest.mark.parametrize("cut", [1, 5, 60])
def test_line_that_was_cut_off_is_skipped(path: Path, cut: int) -> None:
    """A process may be killed in a write. The next line begins on a line of its own."""
    with Journal.create(path, PLAN, 0, 10) as journal:
        journal.begin(ACTIONS[0])
        journal.end(done(ACTIONS[0]))
        journal.begin(ACTIONS[1])
    before = path.read_bytes()
    path.write_bytes(before[:-cut])
    # Without its last line break, a line is still complete.
    assert names(read_journal(path).begun) == (["b"] if cut == 1 else [])
    for _ in range(2):
        with Journal.reopen(path) as (journal, progress):
            assert names(progress.settled) == ["a"]
            journal.begin(ACTIONS[2])
    assert names(read_journal(path).begun) == (["b", "c"] if cut == 1 else ["c"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty: nothing was applied"),
        ("{", "the file begins with no plan"),
        ('{"event": "begin"}', "the file begins with no plan"),
        ("rules: []", "the file begins with no plan"),
        ("PLAN\nPLAN", "line 2 is a second plan"),
        ('PLAN\n{"event": "other"}', "the file has an unknown line 2"),
        ('PLAN\n{"event": "begin", "at": "2026-11-24T12:00:00Z"}', "an unknown line 2"),
    ],
)
def test_file_that_is_no_journal(path: Path, content: str, message: str) -> None:
    with Journal.create(path, PLAN, 0, 10):
        pass
    header = path.read_text(encoding="utf-8").strip()
    path.write_text(content.replace("PLAN", header), encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(PlanRefusedError, match=message):
        resume(path, POLICY)
    assert path.read_bytes() == before


def test_not_attempted_result_keeps_the_earlier_one(path: Path) -> None:
    """An executor's task may be canceled after its line was written."""
    one, other, last = ACTIONS
    with Journal.create(path, PLAN, 0, 10) as journal:
        journal.begin(one)
        journal.begin(other)
        journal.end(done(other, "failed"))
        journal.begin(last)
        journal.end(done(last, "not_attempted"))
    with Journal.reopen(path) as (journal, _):
        for planned in (one, other):
            journal.begin(planned)
            journal.end(done(planned, "not_attempted"))
    progress = read_journal(path)
    first, rest = progress.divide(POLICY, are_refused=False)
    assert [name_of(planned) for planned in first] == ["a", "b"]
    assert [name_of(planned) for planned in rest] == ["c"]
    assert names(progress.begun) == ["a"]


class FullDisk:
    """Lets writes of a journal fail after a number of lines."""

    def __init__(self, lines: int) -> None:
        self._left = lines
        self._write = os.write

    def __call__(self, number: int, data: bytes) -> int:
        self._left -= 1
        if self._left >= 0:
            return self._write(number, data)
        if self._left == -1:
            return self._write(number, data[:10])  # a part of the line
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("has_executor", [False, True])
def test_no_change_without_a_line(
    applied: AppliedActions, path: Path, monkeypatch: pytest.MonkeyPatch, *, has_executor: bool
) -> None:
    """If a line cannot be written before a change, the change is not made, and no other one."""
    monkeypatch.setattr(os, "write", FullDisk(3))  # the plan, and both lines of a
    executor = apply_cases.Immediate() if has_executor else None
    report = apply(PLAN, POLICY, journal=path, executor=executor)
    assert applied.begun == ["a"]
    assert [result.outcome for result in report.results] == ["done", *["not_attempted"] * 2]
    message = "Not attempted, because the journal cannot be written: No space left on device."
    assert {result.message for result in report.results[1:]} == {message}
    assert not report.interrupted
    assert events(path) == ["plan", "begin a", "end a"]


def test_disk_that_is_full_at_first(
    applied: AppliedActions, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", FullDisk(0))
    with pytest.raises(OSError, match=r"No space left on device: '.*journal\.jsonl'"):
        apply(PLAN, POLICY, journal=path)
    assert applied.begun == []
    monkeypatch.undo()
    assert path.read_bytes() == b""


def test_result_without_a_line_is_reported(
    applied: AppliedActions,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(os, "write", FullDisk(2))
    seen: list[ActionResult] = []
    report = apply(PLAN, POLICY, journal=path, on_event=seen.append)
    assert applied.begun == ["a"]
    assert [result.outcome for result in report.results] == ["done", *["not_attempted"] * 2]
    assert seen == list(report.results)
    assert "The journal cannot be written" in caplog.text
    assert names(read_journal(path).begun) == ["a"]


def test_journal_with_a_part_of_a_line_is_left_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line written after a part of a line would be lost together with it."""

    def fail(*_: int) -> None:
        raise OSError(5, "Input/output error")

    with Journal.create(path, PLAN, 0, 10) as journal:
        monkeypatch.setattr(os, "ftruncate", fail)
        monkeypatch.setattr(os, "write", FullDisk(0))
        with pytest.raises(OSError, match="No space left"):
            journal.begin(ACTIONS[0])
        monkeypatch.undo()
        with pytest.raises(OSError, match="an earlier line of"):
            journal.begin(ACTIONS[1])
    assert path.read_bytes().endswith(b'\n{"event":"')
    assert names(read_journal(path).begun) == []


def test_action_that_began_again_is_not_settled(path: Path) -> None:
    with Journal.create(path, PLAN, 0, 10) as journal:
        journal.begin(ACTIONS[0])
        journal.end(done(ACTIONS[0]))
        journal.begin(ACTIONS[0])
    assert names(read_journal(path).settled) == []
