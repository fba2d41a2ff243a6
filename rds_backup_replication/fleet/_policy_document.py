"""The text of a policy as data, with the line of each field; from JSON, TOML or a mapping."""

import json
import re
import sys
from dataclasses import dataclass, field
from typing import Any, cast

from ..exceptions import PolicyError

Location = tuple[int | str, ...]
"""The path of a field: names of fields, keys of mappings and indexes of lists."""


@dataclass
class Document:
    """What a reader finds in a text. A mapping of Python has neither lines nor texts."""

    source: str
    data: object = None
    lines: dict[Location, int] = field(default_factory=dict[Location, int])
    """The line of each field."""
    texts: dict[Location, str] = field(default_factory=dict[Location, str])
    """Values that are no text, such as ``1.10``, as they are written."""
    errors: list[tuple[int, Location, str]] = field(default_factory=list[tuple[int, Location, str]])
    """Errors that the data does not show, such as repeated keys, with their lines."""

    def line_of(self, location: Location) -> int | None:
        """Return the line of a field, or of its closest ancestor if the field is missing."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location)


def decode(body: bytes, source: str) -> str:
    """Return the text of a file, which must be UTF-8.

    Raises:
        PolicyError: The file has another encoding.
    """
    # Every policy begins with an ASCII character, one of whose bytes is 0 in UTF-16 and UTF-32.
    if body.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in body[:4]:
        raise PolicyError(source, ["1: is UTF-16 or UTF-32: save the file as UTF-8"])
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise PolicyError(source, [f"{line}: is not UTF-8"]) from None


def read_json(text: str, source: str) -> Document:
    """Read JSON.

    Raises:
        PolicyError: The text is not valid JSON.
    """
    try:
        document = Document(source, json.loads(text))
    except json.JSONDecodeError as error:
        raise PolicyError(source, [f"{error.lineno}: is not valid JSON: {error.msg}"]) from None
    except (RecursionError, ValueError) as error:  # nested too deep; a number of too many digits
        raise PolicyError(source, [f"1: is not valid JSON: {error}"]) from None
    _locate_json(text, document)
    return document


_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')


def _locate_json(text: str, document: Document) -> None:
    """Find the line of each field in valid JSON."""
    path: list[Any] = []  # None in place of a key that is yet to come
    line, end = 1, 0
    for token in _JSON_TOKEN.finditer(text):
        line, end = line + text.count("\n", end, token.start()), token.start()
        symbol = token[0]
        if symbol in "]}":
            path.pop()
        elif symbol == ",":
            path[-1] = path[-1] + 1 if isinstance(path[-1], int) else None
        elif path and path[-1] is None:
            path[-1] = json.loads(symbol)
            if tuple(path) in document.lines:
                document.errors.append((line, tuple(path), "appears twice"))
            document.lines[tuple(path)] = line
        elif symbol != ":":
            document.lines.setdefault(tuple(path), line)
            if symbol in "[{":
                path.append(0 if symbol == "[" else None)
            elif not symbol.startswith('"'):
                document.texts[tuple(path)] = symbol


def read_toml(text: str, source: str) -> Document:
    """Read TOML.

    Raises:
        PolicyError: The text is not valid TOML.
        ModuleNotFoundError: Python is older than 3.11, and tomli is not installed.
    """
    if sys.version_info >= (3, 11):
        import tomllib  # noqa: PLC0415  # few policies are in TOML
    else:
        try:
            import tomli as tomllib  # noqa: PLC0415  # belongs to an extra
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "reading TOML needs an extra: pip install 'rds-backup-replication[fleet]'",
                name=error.name,
            ) from error
    try:
        document = Document(source, tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        at = re.search(r" \(at (?:line ([0-9]+)|end of document).*\)$", str(error))
        line = at[1] if at and at[1] else text.count("\n") + 1 if at else 1
        problem = str(error)[: at.start()] if at else str(error)
        raise PolicyError(source, [f"{line}: is not valid TOML: {problem}"]) from None
    _locate_toml(text, document)
    return document


_TOML_LINE = re.compile(
    r"""(?P<header>\[\[?)(?P<table>[^\[\]=]+)\]|(?P<key>[\w.\-"' ]+)=\s*(?P<value>\S*)"""
)
_TOML_KEY = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


def _locate_toml(text: str, document: Document) -> None:
    """Find the lines of tables and of fields that begin a line; the TOML parser reports none."""
    document.lines[()] = 1
    table: Location = ()
    for number, line in enumerate(text.split("\n"), 1):
        match = _TOML_LINE.match(line.replace("\t", " ").strip())
        if match is None:
            continue
        if match["header"]:
            location = _follow(document, (), match["table"], opens_item=match["header"] == "[[")
            table = location or ("",)  # which no data has
        else:
            location = _follow(document, table, match["key"], opens_item=False)
            if location and not match["value"].startswith(("'", '"', "[", "{")):
                document.texts.setdefault(location, match["value"].partition("#")[0].rstrip(","))
        if location:
            document.lines.setdefault(location, number)


def _follow(
    document: Document, table: Location, dotted: str, *, opens_item: bool
) -> Location | None:
    """Return the location of a dotted key within a table; ``None`` if the data has none."""
    location = table
    value = document.data
    for part in table:
        value = _child(value, part)
    for key in _TOML_KEY.findall(dotted):
        location, value = (*location, key.strip("\"'")), _child(value, key.strip("\"'"))
        if isinstance(value, list) and (opens_item or (*location, 0) in document.lines):
            items = cast("list[object]", value)
            count = sum((*location, index) in document.lines for index in range(len(items)))
            is_last = opens_item and dotted.rstrip().endswith(key)
            index = count if is_last else count - 1
            location, value = (*location, index), _child(value, index)
        if value is None:
            return None
    return location


def _child(value: Any, part: int | str) -> Any:
    try:
        return value[part]
    except (LookupError, TypeError):
        return None
