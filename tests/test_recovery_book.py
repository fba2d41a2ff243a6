"""Recovery books: what is written is what is read, and an edited book is refused."""

import pytest

from rds_backup_replication.recovery._book import RecoveryBook

from .recovery_examples import make_book

pytestmark = pytest.mark.once


def test_book_round_trip() -> None:
    book = make_book()
    assert RecoveryBook.from_json(book.to_json()) == book
