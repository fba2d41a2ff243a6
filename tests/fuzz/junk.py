"""Strategies for values that are hardly ever valid, and for ones that are nearly valid."""

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum, IntEnum
from functools import cache, reduce
from typing import Any

from hypothesis import strategies as st

from rds_backup_replication import Tag

from .oracle import MAX_INTEGER, Place

ACCOUNTS = ("123456789012", "000000000000", "999999999999")
NAMES = ("mydatabase", "a", "A-1-b", "x" * 63)
_ODD_TEXTS = (
    *("", " ", "\0", "\n", "a\r\nb", "\x1b[31m", "\x7f", "\ud800", "\udcff", "é", "e\u0301", "ß"),
    *("\u202e", "\ufeff", "\U0010ffff", "１２", "٣", "%00", "&a=b", "<a/>", "{x}", "None", "true"),
    *("evil.example/x?", "us-west-2\n", "alias/", "key/", "aws:x", "RDS:x", "arn:", "a" * 300),
    "x" * 100_000,
)
_DIGITS = (-1, 0, 1, 19, 20, 35, 36, 100, 101, 1149, 1150, 65535, 65536, MAX_INTEGER)
_BIG = (MAX_INTEGER + 1, -MAX_INTEGER - 2, 2**63, 2**64, 10**4300, -(10**5000))


class Text(str):
    __slots__ = ()


class Unhashable(str):
    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]


class Hostile(str):
    """A string whose methods fail; only its text can be used."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("eq")

    def __hash__(self) -> int:
        raise RuntimeError("hash")

    def __repr__(self) -> str:
        raise RuntimeError("repr")

    def __str__(self) -> str:
        raise RuntimeError("str")

    def startswith(self, *_: object) -> bool:
        raise RuntimeError("startswith")


class HostileObject:
    """An object on which every implicit operation fails."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __repr__(self) -> str:
        raise RuntimeError("repr")

    def __str__(self) -> str:
        raise RuntimeError("str")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("eq")

    def __hash__(self) -> int:
        raise RuntimeError("hash")

    def __bool__(self) -> bool:
        raise RuntimeError("bool")

    def __int__(self) -> int:
        raise RuntimeError("int")

    def __len__(self) -> int:
        raise RuntimeError("len")


class Word(str, Enum):
    PROD = "prod"


class Number(IntEnum):
    ONE = 1
    PORT = 5432


class Zone(tzinfo):
    """A time zone that returns any offset, or raises it."""

    def __init__(self, offset: Any) -> None:
        self._offset = offset

    def utcoffset(self, _: datetime | None) -> timedelta | None:
        if isinstance(self._offset, Exception):
            raise self._offset
        offset: timedelta | None = self._offset
        return offset

    def dst(self, _: datetime | None) -> timedelta | None:
        return None

    def tzname(self, _: datetime | None) -> str:
        return "Nowhere"


_NOON = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
_LOOP: list[Any] = []
_LOOP.append(_LOOP)
_NOTHING: list[Any] = []
_DEEP = reduce(lambda inner, _: [inner], range(5_000), _NOTHING)
# Each example makes a new value, because some values can be used only once.
_FACTORIES: tuple[Callable[[], Any], ...] = (
    *(HostileObject, object, list, dict, tuple, set, bytes, complex, lambda: Text("us-west-2")),
    *(lambda: Hostile("a"), lambda: Unhashable("a"), lambda: Tag(key="a"), lambda: Tag(key="aws:")),
    *(lambda: Tag(key="a").model_copy(update={"key": 5}), lambda: Tag, lambda: len, lambda: ...),
    *(lambda: Tag.model_validate({"Key": "a", "New": "b"}), lambda: Decimal("NaN")),
    *(lambda: iter(["a"]), lambda: (n for n in "ab"), {"a": 1}.items, lambda: range(3)),
    *(lambda: _LOOP, lambda: _DEEP, lambda: Number.ONE, lambda: Word.PROD, lambda: b"arn:"),
    *(lambda: date(2026, 1, 31), lambda: timedelta(1), lambda: datetime(2026, 1, 31)),  # noqa: DTZ001
    *(lambda: datetime.max.replace(tzinfo=Zone(timedelta(hours=-1))),),
    *(lambda: datetime.min.replace(tzinfo=Zone(timedelta(hours=1))), lambda: _NOON),
    *(lambda: _NOON.replace(tzinfo=Zone(None)), lambda: _NOON.replace(tzinfo=Zone(OSError()))),
    *(lambda: _NOON.replace(tzinfo=Zone("x")), lambda: _NOON.replace(tzinfo=Zone(timedelta(9)))),
)


def _call(factory: Callable[[], Any]) -> Any:
    return factory()


def _make_tags(count: int) -> Any:
    return {f"key{number}": "value" for number in range(count)}


def _repeat_key(key: str) -> Any:
    return [{"Key": key}, {"key": key}, Tag(key="a")]


_scalars: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(_FACTORIES).map(_call),
    st.sampled_from([None, True, False, *_DIGITS, *_BIG]),
    st.sampled_from(_ODD_TEXTS),
    st.floats(),
    st.text(max_size=20),
    st.datetimes(),
)
_keys = st.sampled_from(
    ["Key", "key", "Value", "value", "Name", "values", "New", "IOPS", "", 5, None]
)
junk: st.SearchStrategy[Any] = st.one_of(
    _scalars,
    st.lists(_scalars, max_size=3),
    st.lists(st.dictionaries(_keys, _scalars, max_size=3), max_size=3),
    st.dictionaries(_keys | st.sampled_from(["\ud800", "aws:x", ("a",)]), _scalars, max_size=3),
    st.sampled_from([50, 51, 500]).map(_make_tags),
    st.sampled_from(["a", "b"]).map(_repeat_key),
)


_positions = st.integers(0, 200)
_insertions = st.sampled_from(["", "-", "A", ":", "\n", " ", "１", "é", "\0", "\ud800", "/", "\n"])
_cuts = st.sampled_from([0, 1, 1, 1000])
_NEAR_NUMBERS: tuple[Callable[[int], Any], ...] = (
    *(lambda n: n + 1, lambda n: n - 1, float, str, bool, Decimal, lambda n: [n], lambda n: -n),
)
_near_numbers = st.sampled_from(_NEAR_NUMBERS)


@st.composite
def near(draw: st.DrawFn, value: Any) -> Any:
    """Draw a value that differs from the given one in a detail."""
    untyped: Any = value
    if isinstance(value, str) and value:
        text = str.__str__(value)
        at, other, cut = draw(_positions) % (len(text) + 1), draw(_insertions), draw(_cuts)
        return text[:at] + other + text[at + cut :]
    if isinstance(value, int):
        return draw(_near_numbers)(value)
    if isinstance(value, list):
        return [*untyped, draw(junk)]
    if isinstance(value, dict):
        return {**untyped, draw(_keys): draw(junk)}
    return draw(junk)


@cache
def arns(place: Place) -> st.SearchStrategy[str]:
    """Return a strategy for ARNs of all kinds, many of them nearly valid."""
    parts = (
        ["arn", "arn", "ARN", ""],
        [place.partition, place.partition, "aws", "aws-cn", "aws-", "evil"],
        ["rds", "rds", "kms", "RDS", "s3"],
        [place.region_name, "us-west-2", "us-west", "US-WEST-2", "", "us-west-２"],
        [*ACCOUNTS, "1", "1234567890123", "１２３４５６７８９０１２"],
        ["db", "auto-backup", "cluster", "key/1", "alias/a", "snapshot", "", "DB"],
        [*NAMES, "ab-x", "x" * 64, "a--b", "1a", "a-", "", "a:b", "a\n", "ab-"],
    )
    return st.tuples(*map(st.sampled_from, parts)).map(":".join)
