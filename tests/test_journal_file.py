"""The file of a journal, with lines of the test's own."""

import errno
import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter

from rds_backup_replication.exceptions import RecoveryRefusedError
from rds_backup_replication.fleet._journal_file import JournalFile, JournalFormat

pytestmark = pytest.mark.once


class Header(BaseModel):
    event: Literal["recovery"] = "recovery"
    moment: str


class Step(BaseModel):
    event: Literal["step"] = "step"
    name: str
    note: str | None = None


FORMAT = JournalFormat[Header, Header | Step](
    header=Header,
    line=TypeAdapter(Annotated[Header | Step, Field(discriminator="event")]),
    noun="recovery",
    meaning_of_empty="nothing was restored",
    refusal=RecoveryRefusedError,
)
File = JournalFile[Header, Header | Step]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def steps(file: File) -> list[str]:
    """Return the names of the steps in a journal."""
    header, lines = file.read()
    assert header == Header(moment="now")
    return [line.name for line in lines if isinstance(line, Step)]


def go_on(path: Path, name: str) -> list[str]:
    """Begin a journal or go on with it; return the steps of the earlier runs."""
    with FORMAT.open_or_create(path) as file:
        earlier = [] if file.is_new else steps(file)
        if file.is_new:
            file.write(Header(moment="now"))
        file.write(Step(name=name))
    return earlier


def test_run_again_goes_on(path: Path) -> None:
    assert [go_on(path, name) for name in "abc"] == [[], ["a"], ["a", "b"]]
    assert path.stat().st_mode & 0o777 == 0o600
    assert [json.loads(line) for line in path.read_bytes().splitlines()][:2] == [
        {"event": "recovery", "moment": "now"},
        {"event": "step", "name": "a"},
    ]


def test_empty_file_is_new(path: Path) -> None:
    path.touch()
    with FORMAT.open_or_create(path):  # a run that was killed before its first line
        pass
    assert go_on(path, "a") == []
    assert go_on(path, "b") == ["a"]


@pytest.mark.parametrize("is_new", [True, False])
def test_file_in_use_is_refused(path: Path, *, is_new: bool) -> None:
    if not is_new:
        go_on(path, "a")
    with FORMAT.open_or_create(path):
        for opened in (FORMAT.open_or_create(path), FORMAT.reopen(path)):
            with pytest.raises(RecoveryRefusedError) as caught, opened:
                pass
            assert caught.value.reasons == (f"Another process uses the journal {path}.",)


def test_journal_that_does_not_exist_is_not_reopened(path: Path) -> None:
    with pytest.raises(FileNotFoundError), FORMAT.reopen(path):
        pass
    assert not path.exists()


def test_journal_is_created_once(path: Path) -> None:
    with FORMAT.create(path, Header(moment="now")) as file:
        file.write(Step(name="a"))
    before = path.read_bytes()
    with (
        pytest.raises(RecoveryRefusedError, match=r"is not empty\. Name another file\."),
        FORMAT.create(path, Header(moment="later")),
    ):
        pass
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty: nothing was restored."),
        (b"notes", "is not a journal: the file begins with no recovery."),
        (b'{"event": "step", "name": "a"}\n', "begins with no recovery."),
        (b'{"event": "recovery", "moment": "now"}\n' * 2, "line 2 is a second recovery."),
        (b'{"event": "recovery", "moment": "now"}\n{"event": "x"}\n', "has an unknown line 2."),
    ],
)
def test_file_that_is_no_journal_stays_as_is(path: Path, content: bytes, problem: str) -> None:
    path.write_bytes(content)
    with FORMAT.reopen(path) as file, pytest.raises(RecoveryRefusedError) as caught:
        steps(file)
    assert len(caught.value.reasons) == 1
    assert caught.value.reasons[0].startswith(str(path))
    assert caught.value.reasons[0].endswith(problem)
    assert path.read_bytes() == content


@pytest.mark.parametrize("tail", [b'{"event":"st', b"\xff\xfe", b"\0\0\0\0"])
def test_line_that_was_cut_off_is_skipped(path: Path, tail: bytes) -> None:
    """A lost machine may leave other bytes than those that were written."""
    go_on(path, "a")
    before = path.read_bytes()
    path.write_bytes(before + tail)
    with FORMAT.reopen(path) as file:
        assert steps(file) == ["a"]
    assert path.read_bytes() == before + tail  # nobody wrote
    with FORMAT.reopen(path) as file:
        for name in "bc":
            file.write(Step(name=name))
    assert go_on(path, "d") == ["a", "b", "c"]
    assert path.read_bytes().startswith(before + tail + b"\n{")
    assert path.read_bytes().count(b"\n") == 6


def test_journal_that_was_opened_is_read_though_renamed(path: Path) -> None:
    """What is read is the file that is locked, whatever has its name by now."""
    go_on(path, "a")
    with FORMAT.reopen(path) as file:
        path.rename(path.with_name("other.jsonl"))
        path.write_text("notes", encoding="utf-8")
        assert steps(file) == ["a"]


def test_threads_write_whole_lines(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that takes several writes is not mixed with lines of other threads."""
    write = os.write

    def write_a_part(number: int, data: bytes) -> int:
        return write(number, data[:7])

    monkeypatch.setattr(os, "write", write_a_part)
    names = [f"{thread}-{number}" for thread in range(4) for number in range(10)]

    def write_steps(mine: Sequence[str]) -> None:
        for name in mine:
            file.write(Step(name=name))

    with FORMAT.create(path, Header(moment="now")) as file:
        threads = [
            threading.Thread(target=write_steps, args=(names[begin : begin + 10],))
            for begin in range(0, 40, 10)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(steps(file)) == sorted(names)
    assert path.read_bytes().count(b"\n") == 41


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_full_disk_names_the_journal(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """A journal without its first line can be begun again."""

    def fail(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with FORMAT.open_or_create(path) as file:
        monkeypatch.setattr(os, call, fail)
        with pytest.raises(OSError, match="No space left") as caught:
            file.write(Header(moment="now"))
        assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
        assert str(caught.value).endswith(f": {str(path)!r}")
        monkeypatch.undo()
        with pytest.raises(OSError, match=r"an earlier line of .*journal.jsonl could not"):
            file.write(Step(name="a"))
    assert path.read_bytes() == b""
    assert go_on(path, "a") == []


def test_new_name_is_on_the_disk_before_the_lines(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync
    synced: list[int] = []

    def record(number: int) -> None:
        fsync(number)
        synced.append(os.fstat(number).st_ino)

    monkeypatch.setattr(os, "fsync", record)
    go_on(path, "a")
    folder, file = path.parent.stat().st_ino, path.stat().st_ino
    assert synced == [folder, file, file]
    go_on(path, "b")
    assert synced[3:] == [file]
