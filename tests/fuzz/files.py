"""Strategies for policy and plan files: a valid one, edited as data, as text and as bytes."""

import json
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

import yaml
from hypothesis import strategies as st

POLICY: dict[str, Any] = {
    "accounts": [
        {"id": "123456789012"},
        {
            "id": "210987654321",
            "role_arn": "arn:aws:iam::210987654321:role/backup-audit",
            "external_id": "shibboleth",
        },
    ],
    "kms_key_ids": {"us-east-1": "alias/backups"},
    "replication_quota": 20,
    "rules": [
        {
            "name": "production",
            "source_regions": ["us-west-2", "eu-west-1"],
            "destination_region": "us-east-1",
            "select": {"tags": {"env": "prod*"}, "engines": ["postgres"], "identifiers": ["a-*"]},
            "accounts": ["123456789012"],
            "backup_retention_period": 14,
            "kms_key_id": "arn:aws:kms:us-east-1:123456789012:key/mrk-1",
            "tags": {"owner": "platform"},
            "maximum_lag": "30m",
        },
        {
            "name": "the rest",
            "source_regions": ["us-west-2"],
            "destination_region": "us-west-1",
            "replicate": "never",
        },
    ],
}
PLAN: dict[str, Any] = {
    "planned_at": "2026-11-24T13:35:11.000001Z",
    "policy_hash": "0" * 64,
    "accounts": ["123456789012", "210987654321"],
    "actions": [
        {
            "kind": "start",
            "account_id": "123456789012",
            "source_region": "us-west-2",
            "destination_region": "us-east-1",
            "source_db_instance_arn": "arn:aws:rds:us-west-2:123456789012:db:a",
            "rule": "production",
            "backup_retention_period": 14,
            "kms_key_id": "alias/backups",
            "tags": {"owner": "platform"},
            "observed": {"dbi_resource_id": "db-A", "db_instance_automated_backups_arn": None},
        },
        {
            "kind": "impossible",
            "account_id": "123456789012",
            "source_region": "us-west-2",
            "reasons": [{"code": "backups_off", "message": "Off.", "remedy": "On."}],
        },
    ],
}
_ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 36, 14.0, 2**70, "", " ", "14", "\0", "é", "\u2028", "aws:x", "x" * 300),
    *([], {}, [[]], {"": ""}, {"a": {"b": []}}, ["us-west-2"], "us-west-2", "mars", "us-west-2\n"),
    *(
        "123456789012",
        "１２３４５６７８９０１２",
        "0m",
        "999999d",
        "PT1H",
        "alias/a",
        "*",
        float("inf"),
    ),
    *(float("nan"), 1e308, "arn:aws:kms:us-west-1:123456789012:key/1", {"id": "123456789012"}),
)
_NAMES = ("accounts", "name", "replicate", "new", "", "1", "select", "tags", "id")
_numbers = st.integers(0, 1_000)
_edits = st.tuples(_numbers, st.sampled_from(["replace", "drop", "rename", "duplicate"]), _numbers)


def _places(value: Any) -> list[Any]:
    """Return each container inside a value, with each of its keys or indexes."""
    untyped: Any = value
    if not isinstance(value, (dict, list)):
        return []
    keys: list[Any] = list(untyped if isinstance(value, dict) else range(len(untyped)))
    return [(untyped, key) for key in keys] + [p for key in keys for p in _places(untyped[key])]


def _apply_edits(value: Any, edits: Iterable[tuple[int, str, int]]) -> Any:
    value = deepcopy(value)
    for number, how, which in edits:
        places = _places(value)
        if not places:
            break
        container, key = places[number % len(places)]
        if how == "replace":
            container[key] = deepcopy(_ODD[which % len(_ODD)])
        elif how == "drop":
            del container[key]
        elif isinstance(key, int):
            container.append(deepcopy(container[key]))
        else:
            item = container[key] if how == "duplicate" else container.pop(key)
            container[_NAMES[which % len(_NAMES)]] = deepcopy(item)
    return value


# PyYAML's stubs declare the parameter `width` with a type that pyright cannot resolve.


def _as_yaml(value: Any) -> str:
    return yaml.safe_dump(  # pyright: ignore[reportUnknownMemberType]
        value, allow_unicode=True, sort_keys=False
    )


def _as_flow(value: Any) -> str:
    return yaml.safe_dump(  # pyright: ignore[reportUnknownMemberType]
        value, default_flow_style=True, width=40
    )


_WRITERS: tuple[Callable[[Any], str], ...] = (_as_yaml, _as_flow, json.dumps)
_INSERTIONS = (
    *("!!int ", "!!float ", "!!bool ", "!!timestamp ", "!!binary ", "!!null ", "!!str ", "!!set "),
    *("!!omap ", "!!pairs ", "!!map ", "!!seq ", "!!x ", "!x ", "!<a> ", "&a ", "*a ", "<<: *a\n"),
    *(
        "? ",
        ": ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "#",
        "|\n",
        ">\n",
        "'",
        '"',
        "%YAML 9.9\n",
        "---\n",
    ),
    *("...\n", "\t", "\r", "\0", "\x07", "\ufeff", "\ud800", "\\ud800", "\\u0000", "\U0001f4be"),
    *("2001-01-01", "2001-01-01: x\n", "2001-99-99", "12:30:45", "0o17", "0b2", "1_0", ".inf", "~"),
    *("=", "<<", "null", "9" * 5_000, "1e999", "[" * 1_500, "{a: " * 1_500, "- " * 1_500, "yes"),
    *(
        "? [a]\n: b\n",
        "? {a: b}\n: c\n",
        "? !!binary aGk=\n: b\n",
        "? !!set {a}\n: b\n",
        "1.5: x\n",
    ),
    *("!!python/object/apply:tests.fuzz.test_files.sing []", "!!python/name:os.system "),
    *("!!python/object/new:tests.fuzz.test_files.Bird []", "!!python/module:os "),
    *("!!python/object/apply:os.system ['true'] ", "!!python/tuple [a] ", "!!python/none x"),
)
_TEXT_EDITS = ("insert", "insert", "insert before", "drop", "duplicate", "cut")
_text_edits = st.tuples(st.sampled_from(_TEXT_EDITS), _numbers, _numbers, _numbers)


_some_edits = st.lists(_edits, max_size=2)
_some_text_edits = st.lists(_text_edits, max_size=1)


def _apply_text_edits(text: str, edits: Iterable[tuple[str, int, int, int]]) -> str:
    for how, at, to, which in edits:
        begin, end = sorted((at * len(text) // 1_000, to * len(text) // 1_000))
        if how == "insert before":  # at the start of a value or a line
            begin = max(text.rfind(": ", 0, begin) + 2, text.rfind("\n", 0, begin) + 1)
        end = {"drop": end, "cut": len(text)}.get(how, begin) if how != "duplicate" else end
        middle = text[begin:end] * 2 if how == "duplicate" else ""
        middle = _INSERTIONS[which % len(_INSERTIONS)] if how.startswith("insert") else middle
        text = text[:begin] + middle + text[end:]
    return text


@st.composite
def texts(draw: st.DrawFn, value: Any, *writers: Callable[[Any], str]) -> str:
    """Draw the data as text, edited as data and then as text."""
    write = draw(st.sampled_from(writers or _WRITERS))
    edits, text_edits = draw(_some_edits), draw(_some_text_edits)
    return _apply_text_edits(write(_apply_edits(value, edits)), text_edits)


@st.composite
def corrupt(draw: st.DrawFn, files: st.SearchStrategy[str]) -> bytes:
    """Draw the bytes of a file, some of them changed."""
    body = draw(files).encode(
        draw(st.sampled_from(["utf-8"] * 6 + ["utf-16", "latin-1"])), "replace"
    )
    at = draw(_numbers) * len(body) // 1_000
    return body[:at] + draw(st.binary(max_size=3)) + body[at + draw(st.integers(0, 3)) :]
