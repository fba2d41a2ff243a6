"""Tests of the validation of tags."""

import copy
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rds_backup_replication import Tag
from rds_backup_replication.exceptions import RequestValidationError

from . import validation_cases
from .validation_cases import Recorder, Start, errors_of, many

# The fixtures of these tests.
sent = validation_cases.sent
start = validation_cases.start

TAG_CHARACTERS = st.one_of(
    st.characters(categories=["L", "Z", "N"]), st.sampled_from(list("_.:/=+-@"))
)


def test_all_errors_of_a_tag_are_reported(start: Start) -> None:
    with pytest.raises(RequestValidationError) as caught:
        start(tags={"AWS:" + "x" * 128: "rds:#"})
    assert [(e.parameter, e.message.split(", ")[0][:20]) for e in caught.value.errors] == [
        ("tags[0].key", "must not begin with "),
        ("tags[0].key", "must be 1 to 128 let"),
        ("tags[0].value", "must not begin with "),
        ("tags[0].value", "must be up to 256 le"),
    ]


def has_reserved_prefix(text: str) -> bool:
    return text.lower().startswith(("aws:", "rds:"))


@many
@given(
    tags=st.dictionaries(
        st.text(TAG_CHARACTERS, min_size=1, max_size=128),
        st.none() | st.text(TAG_CHARACTERS, max_size=256),
        max_size=50,
    )
)
def test_valid_tags_are_sent_unchanged(
    start: Start, sent: Recorder, tags: dict[str, str | None]
) -> None:
    for key, value in tags.items():
        assume(not has_reserved_prefix(key) and not has_reserved_prefix(value or ""))
    start(tags=tags)
    expected: dict[str, str] = {}
    for number, (key, value) in enumerate(tags.items(), 1):
        expected[f"Tags.Tag.{number}.Key"] = key
        if value is not None:
            expected[f"Tags.Tag.{number}.Value"] = value
    body = sent.bodies[0]
    assert {name: value for name, value in body.items() if name.startswith("Tags")} == expected


def is_valid(text: str, shortest: int, longest: int) -> bool:
    """Return whether a key or value is valid, without using the library's pattern."""
    return (
        shortest <= len(text) <= longest
        and not has_reserved_prefix(text)
        and all(
            character in "_.:/=+-@" or unicodedata.category(character)[0] in "LZN"
            for character in text
        )
    )


@many
@given(
    key=st.text(max_size=140) | st.text(TAG_CHARACTERS, min_size=129),
    value=st.text(max_size=270),
)
def test_invalid_tag_refused(start: Start, key: str, value: str) -> None:
    # Python and pydantic may differ about code points that are newer than their Unicode tables.
    assume(all(unicodedata.category(character) != "Cn" for character in key + value))
    expected = {
        *([] if is_valid(key, 1, 128) else ["tags[0].key"]),
        *([] if is_valid(value, 0, 256) else ["tags[0].value"]),
    }
    if expected:
        assert set(errors_of(start, tags={key: value})) == expected
    else:
        start(tags={key: value})


@pytest.mark.parametrize("prefix", ["aws:", "AWS:", "Aws:", "rds:", "RDS:"])
def test_tag_with_reserved_prefix_refused(start: Start, prefix: str) -> None:
    found = errors_of(start, tags={f"{prefix}key": f"{prefix}value"})
    assert set(found) == {"tags[0].key", "tags[0].value"}
    assert "reserved" in found["tags[0].key"].message


@pytest.mark.parametrize(
    "tags",
    [
        {"env": "prod"},
        [Tag(key="env", value="prod")],
        (Tag(key="env", value="prod"),),
        [{"Key": "env", "Value": "prod"}],
    ],
)
@pytest.mark.parametrize("form", [copy.copy, iter])
def test_tags_accept_every_format(
    start: Start, sent: Recorder, tags: Any, form: Callable[[Any], Any]
) -> None:
    start(tags=tags if isinstance(tags, dict) else form(tags))
    assert sent.bodies[0]["Tags.Tag.1.Key"] == "env"
    assert sent.bodies[0]["Tags.Tag.1.Value"] == "prod"


@pytest.mark.parametrize("tags", [None, [], {}, ()])
def test_empty_tags_are_not_sent(start: Start, sent: Recorder, tags: Any) -> None:
    start(tags=tags)
    assert not [name for name in sent.bodies[0] if name.startswith("Tags")]


def test_tag_without_value_is_sent(start: Start, sent: Recorder) -> None:
    start(tags=[Tag(key="stoppable"), Tag(key="empty", value="")])
    assert sent.bodies[0]["Tags.Tag.1.Key"] == "stoppable"
    assert "Tags.Tag.1.Value" not in sent.bodies[0]
    assert sent.bodies[0]["Tags.Tag.2.Value"] == ""


def test_duplicate_tag_key_refused(start: Start) -> None:
    found = errors_of(start, tags=[Tag(key="env"), Tag(key="Env"), Tag(key="env", value="prod")])
    assert found["tags"].message == "must have the key 'env' only once, not 2 times"


class Key(str):
    """A string that cannot be hashed."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]


def test_tag_key_may_be_a_str_subclass(start: Start, sent: Recorder) -> None:
    start(tags=[{"Key": Key("env")}, Tag(key="owner")])
    assert sent.bodies[0]["Tags.Tag.1.Key"] == "env"
    found = errors_of(start, tags=[{"Key": Key("env")}, {"Key": "env"}])
    assert found["tags"].message == "must have the key 'env' only once, not 2 times"


def test_more_than_50_tags_refused(start: Start, sent: Recorder) -> None:
    start(tags={f"key{number}": "value" for number in range(50)})
    assert sent.bodies[0]["Tags.Tag.50.Key"] == "key49"
    found = errors_of(start, tags={f"key{number}": "value" for number in range(51)})
    assert found["tags"].message == "must have at most 50 tags, not 51"


@pytest.mark.parametrize(
    ("tags", "parameter"),
    [
        ("env=prod", "tags"),
        (5, "tags"),
        (b"env", "tags"),
        ([5], "tags[0]"),
        (["env"], "tags[0]"),
        ([{"Value": "prod"}], "tags[0].key"),
        ({"env": 5}, "tags[0].value"),
        ([{"Key": "env", "Vaule": "prod"}], "tags[0].vaule"),
    ],
)
def test_malformed_tag_is_named(start: Start, tags: Any, parameter: str) -> None:
    assert set(errors_of(start, tags=tags)) == {parameter}


def test_tag_error_does_not_hide_list_errors(start: Start) -> None:
    found = errors_of(start, tags=[{"Key": "a!"}, *[Tag(key="b")] * 50])
    assert set(found) == {"tags[0].key", "tags"}
    assert found["tags"].message == (
        "must have the key 'b' only once, not 50 times, and have at most 50 tags, not 51"
    )
