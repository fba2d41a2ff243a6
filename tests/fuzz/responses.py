"""Strategies for RDS's responses: valid ones by botocore's model, and mutated ones."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from botocore.model import ListShape, OperationModel, Shape, StructureShape
from hypothesis import strategies as st

from ..loopback import NAMESPACE, REQUEST_ID

_TIMES = (
    *("2026-11-24T13:35:11.030Z", "2026-11-24T13:35:11Z", "2026-11-24T13:35:11.123456Z"),
    *("2026-11-24T13:35:11.1Z", "2026-11-24T13:35:11.123456789Z", "2026-11-24T13:35:60Z"),
    *("2026-11-24T13:35:11+05:30", "2026-11-24T13:35:11", "2026-11-24", "2026-13-24T13:35:11Z"),
    *("Tue, 24 Nov 2026 13:35:11 GMT", "20261124T133511Z", "1795527311", "1795527311.5", "-1"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "10000-01-01T00:00:00Z", "1e400", "nan"),
    *("２０２６-11-24T13:35:11Z", " 2026-11-24T13:35:11Z ", "soon", "", "2026-11-24t13:35:11z"),
    "2026-11-24T24:00:00Z",
)
_NUMBERS = (
    *("0", "1", "-1", "35", "5432", "2147483648", "9" * 30, "9" * 5_000, "", " 7 ", "1_000"),
    *("1.0", "+5", "0x1", "٣", "--1", "1e3", "true"),
)
_TEXTS = (
    *("", "a", "é", "日本語", " padded ", "a\tb", "replicating", "Replicating", "retained", "]]>"),
    *("&amp;", "<b>", "\u2028", "\U0001f4be", "x" * 2_000, "arn:aws:rds:us-west-2:1:db:a", "\x85"),
)
_MOMENTS = st.datetimes().map(lambda moment: f"{moment.isoformat()}Z")
_texts: dict[str, st.SearchStrategy[str]] = {
    "boolean": st.sampled_from(["true", "true", "false", "False", "TRUE", "1", "", " true"]),
    "integer": st.sampled_from([*_NUMBERS[:6], *_NUMBERS]) | st.integers().map(str),
    "string": st.sampled_from(_TEXTS)
    | st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=9),
    "timestamp": st.sampled_from([*_TIMES[:3] * 4, *_TIMES]) | _MOMENTS,
}
_texts["long"] = _texts["integer"]
_UNKNOWN = ("<New>1</New>", "<New><Status>x</Status></New>", '<x:Status xmlns:x="urn:x"/>')
_unknown = st.sampled_from(_UNKNOWN)
_blanks = st.sampled_from(["", "", " ", "\n  "])
_is_rare = st.integers(0, 15).map(lambda number: number == 0)


@cache
def contents(shape: Shape) -> st.SearchStrategy[str]:
    """Return a strategy for the XML inside an element of the shape."""
    if isinstance(shape, StructureShape):
        return _structure(shape)
    if isinstance(shape, ListShape):
        item = contents(shape.member).map(wrap_in(shape.member.serialization.get("name", "member")))
        return st.lists(item, max_size=2).map("".join)
    return _texts[shape.type_name].map(escape)


def wrap_in(name: str) -> Callable[[str], str]:
    """Return a function that puts XML into an element."""
    return lambda inner: f"<{name}>{inner}</{name}>"


@st.composite
def _structure(draw: st.DrawFn, shape: StructureShape) -> str:
    parts: list[str] = []
    for name in draw(st.lists(_member_names(shape), max_size=6, unique=True)):
        member = shape.members[name]
        parts.append(wrap_in(member.serialization.get("name", name))(draw(contents(member))))
    if draw(_is_rare):
        parts.append(draw(_unknown))
    return draw(_blanks).join(["", *parts, ""])


@cache
def _member_names(shape: StructureShape) -> st.SearchStrategy[str]:
    return st.sampled_from(sorted(shape.members))


@cache
def bodies(operation: OperationModel, result_member: str) -> st.SearchStrategy[bytes]:
    """Return a strategy for response bodies: half as RDS sends them, half mutated."""
    shape = operation.output_shape
    assert shape is not None
    result = contents(shape.members[result_member]).map(wrap_in(result_member))
    marker = st.sampled_from(["", "", "", "<Marker>2</Marker>", "<Marker/>"])
    inner = st.tuples(marker if "Marker" in shape.members else st.just(""), result).map("".join)
    wrapper = shape.serialization["resultWrapper"]
    metadata = f"<ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata>"

    def document(result: str) -> str:
        body = wrap_in(wrapper)(result) + metadata
        return f'<{operation.name}Response xmlns="{NAMESPACE}">{body}</{operation.name}Response>'

    whole = inner.map(document)
    return whole.map(str.encode) | whole.flatmap(mutate)


_DOCTYPE = (
    '<!DOCTYPE r [<!ENTITY a "12"><!ENTITY b "&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'
)
_INSERTIONS = (
    *(
        "<!-- c -->",
        "<![CDATA[1]]>",
        "<?pi?>",
        "&lt;",
        "&#0;",
        "&#x41;",
        "&a;",
        "&b;",
        "&c;",
        "&x;",
    ),
    *("\0", "<New/>", "</a>", "<", ">", "&", '"', " ", "7", "true", "\ufffe", "\ufeff", "x:", "{}"),
    *(
        "<Marker>3</Marker>",
        "<Status>x</Status>",
        "<Port>x</Port>",
        "<TagList/>",
        "<Error>e</Error>",
    ),
    *("<a>" * 300 + "</a>" * 300, "<a>" * 20_000 + "</a>" * 20_000, ' xmlns=""', ' a="1" a="2"'),
)
_REPLACEMENTS = (
    (f' xmlns="{NAMESPACE}"', ""),
    (NAMESPACE, "urn:other"),
    (NAMESPACE, "http://rds.amazonaws.com/doc/2026-01-01/"),
    (NAMESPACE, ""),
    ("<Status>", '<Status a="1">'),
    ("<Port>", '<Port xmlns="urn:x">'),
    ("Result>", "result>"),
    ("ResponseMetadata", "Metadata"),
    ("RequestId", "New"),
    ("Response ", "ErrorResponse "),
)
_places = st.integers(0, 1_000)
_Mutation = Callable[[str, int, int, int], str]


def _drop(text: str, at: int, to: int, _: int) -> str:
    return text[: min(at, to)] + text[max(at, to) :]


def _duplicate(text: str, at: int, to: int, _: int) -> str:
    return text[: max(at, to)] + text[min(at, to) :]


def _insert(text: str, at: int, _: int, which: int) -> str:
    return text[:at] + _INSERTIONS[which % len(_INSERTIONS)] + text[at:]


def _insert_between(text: str, at: int, _: int, which: int) -> str:
    between = text.find("><", at) + 1
    return _insert(text, between, 0, which)


def _replace(text: str, at: int, to: int, which: int) -> str:
    return text.replace(*_REPLACEMENTS[which % len(_REPLACEMENTS)], 1 + (at + to) % 2)


def _find_elements(text: str) -> list[re.Match[str]]:
    return list(re.finditer(r"<(\w+)>[^<]*</\1>", text))


def _change_element(text: str, at: int, to: int, which: int) -> str:
    found = _find_elements(text)
    if not found:
        return text
    one, other = found[at % len(found)], found[to % len(found)]
    # Drop the element, duplicate it, replace it with another, or put another inside its tags.
    replacement = ("", one[0] * 2, other[0], f"<{one[1]}>{other[0]}</{one[1]}>")[which % 4]
    return text[: one.start()] + replacement + text[one.end() :]


def _declare(text: str, at: int, _: int, which: int) -> str:
    encoding = ("utf-8", "utf-16", "latin-1", "ascii", "UTF-7", "nonsense")[which % 6]
    return f'<?xml version="1.{at % 2}" encoding="{encoding}"?>{_DOCTYPE if at % 3 else ""}{text}'


_MUTATIONS: tuple[_Mutation, ...] = (
    *(_drop, _duplicate, _insert, _insert_between, _replace, _declare),
    *(_change_element, _change_element, _change_element),
    lambda text, at, _, __: text[:at],
    lambda text, _, __, which: ("", " ", "\n" + text, text + "x", "{}", text * 2)[which % 6],
)
_mutations = st.tuples(st.sampled_from(_MUTATIONS), _places, _places, _places)
_codecs = st.sampled_from(["utf-8"] * 8 + ["utf-16", "latin-1", "utf-8-sig", "utf-32"])
_invalid_bytes = st.sampled_from([b""] * 8 + [b"\xff", b"\xc3", b"\x00", b"\xed\xa0\x80"])


@st.composite
def mutate(draw: st.DrawFn, text: str) -> bytes:
    """Draw a body made from the text by one to three mutations, perhaps in another encoding."""
    for mutation, at, to, which in draw(st.lists(_mutations, min_size=1, max_size=3)):
        text = mutation(text, at * len(text) // 1_000, to * len(text) // 1_000, which)
    body = text.encode(draw(_codecs), "replace")
    inserted = draw(_invalid_bytes)
    at = draw(_places) * len(body) // 1_000
    return body[:at] + inserted + body[at:] if inserted else body


def has_shape(shape: Shape, value: Any) -> bool:
    """Return whether a value parsed by botocore has the types of botocore's model."""
    untyped: Any = value
    if isinstance(shape, StructureShape):
        return isinstance(value, dict) and all(
            name in shape.members and has_shape(shape.members[name], item)
            for name, item in untyped.items()
        )
    if isinstance(shape, ListShape):
        return isinstance(value, list) and all(has_shape(shape.member, item) for item in untyped)
    names = {"boolean": "bool", "integer": "int", "long": "int", "string": "str"}
    return type(value).__name__ == names.get(shape.type_name, "datetime")
