"""Recovery books: what is written is what is read, and an edited book is refused."""

import json
from datetime import timedelta, timezone
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AwareDatetime

from rds_backup_replication.exceptions import RecoveryRefusedError
from rds_backup_replication.fleet._records import Record
from rds_backup_replication.recovery import CaptureProblem, RecoveryBook

from .recovery_examples import ACCOUNT, PARAMETER_GROUP, make_book, make_entry

pytestmark = pytest.mark.once

TEXTS = st.text(st.characters(codec="utf-8"), max_size=5)
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63),
    str: TEXTS,
    AwareDatetime: st.datetimes(timezones=st.just(timezone.utc)),
    timedelta: st.timedeltas(timedelta(), timedelta(days=1000)),
}


def values(annotation: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for the values of a field."""
    if annotation in VALUES:
        return VALUES[annotation]
    if isinstance(annotation, type) and issubclass(annotation, Record):
        hints = get_type_hints(annotation)
        return st.builds(annotation, **{n: values(hints[n]) for n in annotation.model_fields})
    arguments = get_args(annotation)
    if get_origin(annotation) is tuple:
        return st.lists(values(arguments[0]), max_size=1).map(tuple)
    if get_origin(annotation) is dict:
        return st.dictionaries(TEXTS, TEXTS, max_size=2)
    if get_origin(annotation) is Literal:
        return st.sampled_from(arguments)
    return st.one_of(*(st.none() if kind is type(None) else values(kind) for kind in arguments))


def refusal(text: str | bytes) -> str:
    """Return the reason why a text is refused."""
    with pytest.raises(RecoveryRefusedError) as caught:
        RecoveryBook.from_json(text, source="dr.json")
    (reason,) = caught.value.reasons
    assert reason.startswith("dr.json ")
    return reason


@pytest.mark.long
@settings(max_examples=50, deadline=None)
@given(values(RecoveryBook))
def test_any_book_round_trip(book: RecoveryBook) -> None:
    check_round_trip(book)


def test_book_round_trip() -> None:
    """Empty is not missing, and any text is kept."""
    strange = make_entry(db_name="“\x00\u2028🐘", rto=timedelta(microseconds=1), is_gone=True)
    group = PARAMETER_GROUP.model_copy(update={"parameters": {}})
    unread = group.model_copy(update={"name": "other", "parameters": None})
    problem = CaptureProblem(account_id=ACCOUNT, message="Denied.", remedy="Allow it.")
    check_round_trip(make_book(strange, parameter_groups=(group, unread), problems=(problem,)))


def check_round_trip(book: RecoveryBook) -> None:
    text = book.to_json()
    read = RecoveryBook.from_json(text.encode())
    assert read == book
    assert read.to_json() == text


def test_book_text_is_canonical() -> None:
    """The same content gives the same text, which shows a change in its own line."""
    first = make_book(make_entry(), make_entry(db_instance_identifier="users"))
    entry = make_entry(db_instance_identifier="users", tier=2)
    lines = [set(book.to_json().splitlines()) for book in (first, make_book(make_entry(), entry))]
    assert {line.strip() for line in lines[1] - lines[0] if "sha256" not in line} == {'"tier": 2,'}
    assert first.to_json().endswith("}\n")


TEXT = make_book().to_json()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(TEXT) - 1), st.characters(codec="ascii"))
def test_book_with_an_edited_character(position: int, character: str) -> None:
    """No edit changes what is read: the book is the same, or is refused."""
    edited = TEXT[:position] + character + TEXT[position + 1 :]
    try:
        read = RecoveryBook.from_json(edited)
    except RecoveryRefusedError:
        return
    assert read == make_book()


@pytest.mark.parametrize("keep", [0, 1, len(TEXT) // 2, len(TEXT) - 3])
def test_book_that_is_cut_off(keep: int) -> None:
    assert "is not a recovery book" in refusal(TEXT[:keep])


def test_book_with_an_edited_value() -> None:
    assert "has been changed since" in refusal(TEXT.replace('"tier": 1', '"tier": 2'))
    content = json.loads(TEXT)
    del content["instances"][0]["rule"]
    assert "instances.0.rule" in refusal(json.dumps(content))
    content = json.loads(TEXT) | {"surprise": "hunter2"}
    reason = refusal(json.dumps(content))
    assert "surprise" in reason
    assert "hunter2" not in reason


def test_book_of_another_version() -> None:
    reason = refusal(json.dumps(json.loads(TEXT) | {"version": 2}))
    assert "has version 2 " in reason


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", "7", '"sha256"', '{"version": 1}', "[" * 100_000, b"\xff\xfe\xfa"],
)
def test_text_that_is_no_book(text: str | bytes) -> None:
    assert "is not a recovery book" in refusal(text)


def test_completeness_of_a_book() -> None:
    assert make_book().is_complete
    assert not make_book(make_entry(unread=("Something.",))).is_complete
