"""Built records, and stand-ins for the functions of a recovery, for the tests of its commands."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from rds_backup_replication import recovery
from rds_backup_replication.cli._options import FleetOptions
from rds_backup_replication.fleet import Access
from rds_backup_replication.recovery._book import RecoveryBook
from rds_backup_replication.recovery._journal import FORMAT, Begin, Header, Line
from rds_backup_replication.recovery._records import (
    DrilledInstance,
    DrillReport,
    ReadinessReason,
    ReadinessRecord,
    ReadinessReport,
    RecoveryReport,
    RestoredInstance,
)

from .recovery_examples import ACCOUNT, DESTINATION, SOURCE_REGION, make_book, make_entry

POLICY = f"""
accounts: [{{id: "{ACCOUNT}"}}]
rules: [{{name: all, source_regions: [{SOURCE_REGION}], destination_region: {DESTINATION}}}]
"""
AT = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)
NAMES = ("billing", "orders")
BOOK = make_book(
    make_entry(db_instance_identifier="billing", tier=2),
    make_entry(db_instance_identifier="orders"),
)


def arn_of(name: str) -> str:
    return f"arn:aws:rds:{SOURCE_REGION}:{ACCOUNT}:db:{name}"


class Recovery:
    """The functions of ``rds_backup_replication.recovery``, with what they return and were given.

    ``books`` has the books by location; ``results`` what a function returns, by its name; a
    callable in there is called with the function's keywords.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.books: dict[str, RecoveryBook] = {"book.json": BOOK}
        self.results: dict[str, Any] = {"check": readiness()}
        self.calls: dict[str, dict[str, Any]] = {}
        monkeypatch.setitem(vars(recovery), "read_book", self._read_book)
        locations = f"{recovery.__name__}._locations"
        monkeypatch.setattr(f"{locations}.find_book", self._find_book)
        monkeypatch.setitem(vars(recovery), "write_book", self._write_book)
        for name in (
            "capture",
            "check",
            "retarget",
            "recover",
            "plan_recovery",
            "drill",
            "drill_cleanup",
        ):
            monkeypatch.setitem(vars(recovery), name, self._function(name))
        for name in ("endpoints", "readiness_markdown", "readiness_html", "drill_html"):
            monkeypatch.setitem(vars(recovery), f"render_{name}", self._rendering(name))

    def _read_book(self, location: str, **_: object) -> RecoveryBook:
        if location not in self.books:
            raise FileNotFoundError(2, "No such file or directory", location)
        return self.books[location]

    def _find_book(self, location: str, **_: object) -> RecoveryBook | None:
        return self.books.get(location)

    def _write_book(self, book: RecoveryBook, location: str, **keywords: Any) -> None:
        self.calls["write_book"] = keywords
        self.books[location] = book

    def _function(self, name: str) -> Callable[..., Any]:
        def call(*_: object, **keywords: Any) -> Any:
            self.calls[name] = keywords
            result = self.results[name]
            return result(keywords) if callable(result) else result

        return call

    def _rendering(self, name: str) -> Callable[..., str]:
        def render(report: object, form: str = "") -> str:
            assert report is not None
            return f"<{name} {form}>\n"

        return render


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recovery:
    """Return stand-ins for the functions, in a working directory with a policy."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)  # a worker of pytest-xdist has one
    # A client takes longer than all the rest of a test.
    monkeypatch.setattr(FleetOptions, "make_access", staticmethod(Access))
    Path("policy.yaml").write_text(POLICY, encoding="utf-8")
    return Recovery(monkeypatch)


def readiness(*reasons: ReadinessReason, state: Any = "restorable") -> ReadinessReport:
    """Return a report in which the reasons are those of each instance."""
    records = [
        ReadinessRecord(
            account_id=ACCOUNT,
            source_region=SOURCE_REGION,
            destination_region=DESTINATION,
            tier=entry.tier,
            db_instance_arn=entry.db_instance_arn,
            db_instance_identifier=entry.db_instance_identifier,
            dbi_resource_id=entry.dbi_resource_id,
            target_db_instance_identifier=f"{entry.db_instance_identifier}-dr",
            state=state,
            latest_time=AT,
            reasons=reasons,
        )
        for entry in BOOK.instances
    ]
    return ReadinessReport(
        checked_at=AT,
        book_hash=BOOK.content_hash,
        book_captured_at=BOOK.captured_at,
        records=tuple(records),
    )


def restored(name: str, outcome: Any = "done", **facts: Any) -> RestoredInstance:
    return RestoredInstance(
        account_id=ACCOUNT,
        source_region=SOURCE_REGION,
        destination_region=DESTINATION,
        tier=1,
        db_instance_arn=arn_of(name),
        db_instance_identifier=name,
        target_db_instance_identifier=f"{name}-dr",
        outcome=outcome,
        **facts,
    )


def recovered(*instances: RestoredInstance, is_interrupted: bool = False) -> RecoveryReport:
    return RecoveryReport(
        run_id="1234",
        book_hash=BOOK.content_hash,
        begun_at=AT,
        instances=instances,
        is_interrupted=is_interrupted,
    )


def drilled(name: str, **facts: Any) -> DrilledInstance:
    content: dict[str, Any] = {
        "restore": restored(name),
        "check": "passed",
        "checked_after": timedelta(hours=1),
        "restored_age": timedelta(minutes=5),
        "rto": timedelta(hours=2),
        "cleanup": "deleted",
        **facts,
    }
    return DrilledInstance(**content)


def drill_report(*instances: DrilledInstance, is_interrupted: bool = False) -> DrillReport:
    return DrillReport(
        run_id="1234",
        book_hash=BOOK.content_hash,
        book_captured_at=BOOK.captured_at,
        begun_at=AT,
        ended_at=AT,
        instances=instances,
        is_interrupted=is_interrupted,
    )


def write_journal(kind: Any, *lines: Line) -> str:
    """Write a journal with a header and some lines; return the file's name."""
    header = Header(
        kind=kind,
        at=AT,
        run_id="1234",
        book_hash=BOOK.content_hash,
        book_captured_at=BOOK.captured_at,
    )
    with FORMAT.create(Path("run.jsonl"), header) as file:
        for line in lines:
            file.write(line)
    return "run.jsonl"


def begin(name: str) -> Begin:
    return Begin(
        at=AT,
        step="restore",
        account_id=ACCOUNT,
        region=DESTINATION,
        identifier=f"{name}-dr",
        db_instance_arn=arn_of(name),
    )


def split_lines(text: str) -> list[list[str]]:
    """Return the words of each line."""
    return [line.split() for line in text.splitlines()]
