"""Recoveries that are refused before anything is sent."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from rds_backup_replication.exceptions import RecoveryRefusedError
from rds_backup_replication.recovery import RecoveryBook, plan_recovery, recover
from rds_backup_replication.recovery._access import select_entries
from rds_backup_replication.recovery._journal import FORMAT, Begin, Header, read_progress
from rds_backup_replication.recovery._recover import create_header, create_targets

from .recovery_examples import ACCOUNT, make_book, make_entry

pytestmark = pytest.mark.once

BOOK = make_book()
AT = datetime(2026, 11, 1, tzinfo=timezone.utc)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def refusal(path: Path, book: RecoveryBook = BOOK, **options: Any) -> str:
    """Return the text with which a recovery is refused; the journal stays as it was."""
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(RecoveryRefusedError) as caught:
        recover(book, journal=path, **options)
    assert (path.read_bytes() if path.exists() else None) == before
    return str(caught.value)


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (create_header("recovery", make_book(make_entry(tier=2)), None), "another book"),
        (create_header("recovery", BOOK, AT), "is of a recovery to 2026-11-01T00:00:00+00:00"),
        (create_header("drill", BOOK, None), "is of a drill"),
    ],
    ids=["book", "moment", "drill"],
)
def test_journal_of_something_else(path: Path, header: Header, problem: str) -> None:
    with FORMAT.create(path, header):
        pass
    text = refusal(path)
    assert problem in text
    assert str(path) in text
    assert "Name the journal of this recovery, or a new file." in text


@pytest.mark.parametrize("content", ["PGPASSWORD=secret\n", '{"event":"plan"}\n', "\n"])
def test_file_that_is_no_journal(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")
    assert f"{path} is not a journal" in refusal(path)


def test_journal_that_another_process_uses(path: Path) -> None:
    with FORMAT.create(path, create_header("recovery", BOOK, None)):
        assert f"Another process uses the journal {path}" in refusal(path)


@pytest.mark.parametrize("length", [1, 40, -1])
def test_incomplete_line(path: Path, length: int) -> None:
    """It is as if the process had been killed before it wrote the line."""
    header = create_header("recovery", BOOK, None)
    key = (ACCOUNT, "us-east-1", "orders")
    line = Begin(
        at=AT,
        step="restore",
        account_id=key[0],
        region=key[1],
        identifier=key[2],
        db_instance_arn="arn:aws:rds:us-west-2:111111111111:db:orders",
    )
    with FORMAT.create(path, header):
        pass
    cut_off = line.model_dump_json().encode()[:length]
    with path.open("ab") as file:
        file.write(cut_off)
    with FORMAT.reopen(path) as journal:
        assert read_progress(journal).of(key).restore is None
        journal.write(line)
    with FORMAT.reopen(path) as journal:
        progress = read_progress(journal)
    assert progress.header == header
    assert (progress.of(key).restore, progress.of(key).is_uncertain) == (line, True)
    assert json.loads(path.read_bytes().splitlines()[-1])["event"] == "begin"


def test_pattern_that_names_nothing(path: Path) -> None:
    text = refusal(path, only=["ord*", "invoices", "paymen?s"])
    assert "The book has no instance 'invoices'." in text
    assert "The book has no instance 'paymen?s'." in text
    assert "ord*" not in text


def test_instances_that_are_gone() -> None:
    """They are restored only if their name is given, without a wildcard."""
    orders = make_entry()
    gone = make_entry(db_instance_identifier="orders-old", is_gone=True)
    book = make_book(orders, gone)
    assert select_entries(book, ()) == (orders,)
    assert select_entries(book, ["ORDERS-OLD"]) == (gone,)
    assert select_entries(book, ["*:db:orders", gone.db_instance_arn]) == (orders, gone)
    assert select_entries(book, ["orders*"]) == (orders,)


def test_book_of_several_accounts_needs_policy(path: Path) -> None:
    other = make_entry(account_id="222222222222")
    text = refusal(path, make_book(make_entry(), other))
    assert "The book has 2 accounts. Pass its policy, policy=" in text


def test_moment_that_cannot_be() -> None:
    for function in (recover, plan_recovery):
        options: dict[str, Any] = {"journal": "unused"} if function is recover else {}
        with pytest.raises(ValueError, match=r"at= must have a timezone"):
            function(BOOK, at=datetime(2026, 11, 1), **options)  # noqa: DTZ001
        with pytest.raises(ValueError, match=r"at= must not be in the future"):
            function(BOOK, at=datetime.now(timezone.utc) + timedelta(minutes=1), **options)
    assert not Path("unused").exists()


@pytest.mark.parametrize(
    "options", [{"poll_interval": -1.0}, {"poll_interval": 3601.0}, {"timeout": timedelta()}]
)
def test_number_out_of_range(path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(options))}= must be"):
        recover(BOOK, journal=path, **options)
    assert not path.exists()


def test_names_that_two_instances_would_get() -> None:
    """Neither is restored, because one of them would take the other's name."""
    first = make_entry(target_db_instance_identifier="Orders")
    second = make_entry(source_region="us-west-1", tier=2)
    elsewhere = make_entry(source_region="eu-west-1", destination_region="eu-central-1")
    targets, refused = create_targets([second, first, elsewhere], None)
    assert [target.entry for target in targets] == [elsewhere]
    assert [each.outcome for each in refused] == ["failed"] * 2
    for each in refused:
        assert "Several instances of the book would be named" in str(each.message)
        assert "Set another recovery.name in the policy" in str(each.message)
