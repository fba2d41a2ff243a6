"""Strategies for command lines: real commands and options, with valid and invalid values."""

from functools import cache
from typing import Any

from hypothesis import strategies as st
from typer.main import get_command

from rds_backup_replication.cli import app

from ..wire import BACKUP_ARN, KMS_KEY_ARN, SOURCE_ARN

COMMANDS: dict[str, Any] = dict(get_command(app).commands)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]

_TEXTS = (
    *("", " ", "-", "--", "-x", "é", "\udcff", "a\nb", "\x1b[31m", "[bold]x[/bold]", "[/]", "{x}"),
    *("%s", "x" * 5_000, "json", "=", "a=b", "--output", "mydatabase", "１"),
)
_VALUES = {
    "arn": (BACKUP_ARN, SOURCE_ARN),
    "arns": (BACKUP_ARN, BACKUP_ARN.replace("us-east-1", "us-west-2"), SOURCE_ARN),
    "backup_retention_period": ("1", "35", "0", "36", "7.5", "１", "9" * 30),
    "db_instance": ("us-west-2:mydatabase", ":", "us-west-2", "mars:x"),
    "endpoint_url": ("http://127.0.0.1:1", "nowhere", "http://[", "https://x:99999", "http://a b"),
    "html": ("out.html", "no/such/folder", ".", ""),
    "kms_key_id": (KMS_KEY_ARN, "alias/backups", "alias/", KMS_KEY_ARN.replace("east", "west")),
    "max_concurrency": ("1", "8", "0", "-1", "x"),
    "out": ("out.json", "no/such/folder", ".", ""),
    "output": ("json", "json", "json", "table", "yaml", "JSON"),
    "plan_file": ("plan.json", "plan.json", "-", "policy.yaml", "broken", "missing", "."),
    "policy": ("policy.yaml", "policy.yaml", "plan.json", "broken", "missing", "."),
    "poll_interval": ("1s", "30s", "0s", "1", "-1s", "1w"),
    "port": ("0", "5000", "-1", "99999", "x"),
    "profile": ("nobody", "", "default"),
    "region": ("us-east-1", "us-east-1", "us-west-2", "cn-north-1", "a b", "evil/x", ""),
    "region_name": ("us-west-2", "mars", ""),
    "restore_time": ("2026-01-31T12:00:00Z", "2026-01-31", "0001-01-01T00:00:00Z", "noon"),
    "source": (SOURCE_ARN, SOURCE_ARN, SOURCE_ARN.replace("us-west-2", "us-east-1"), BACKUP_ARN),
    "source_region": ("us-west-2", "eu-west-1", "evil.example/x?"),
    "tags": ("env=prod", "a", "=", "aws:x=y", "a=b=c"),
    "target_db_instance_identifier": ("restored", "-", "1"),
    "timeout": ("90s", "2h", "0s", "999999d", "1", ""),
    "until": ("replicating", "stopped", "gone"),
}
_OUTPUT_FILES = ("html", "out")
_rarely = st.integers(0, 11).map(lambda number: number == 0)
_texts = st.sampled_from(_TEXTS)


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """Draw a command line, with an edit in a few of them."""
    name = draw(st.sampled_from(sorted(COMMANDS)))
    words: list[str] = [name]
    for parameter in COMMANDS[name].params:
        is_argument = parameter.param_type_name == "argument"
        if not draw(_rarely if not (is_argument or parameter.required) else _mostly):
            continue
        for _ in range(draw(st.integers(1, 3)) if parameter.multiple else 1):
            if not is_argument:
                names = [*parameter.opts, *parameter.secondary_opts]
                words.append(draw(st.sampled_from(names)))
            if is_argument or not parameter.is_flag:
                words.append(draw(_values(parameter.name)))
    if draw(_often):
        words += ["--output", "json"]
    if draw(_often) and any(p.name == "yes" for p in COMMANDS[name].params):
        words.append("--yes")
    return _apply_edit(words, draw(_edits)) if draw(_rarely) else words


_often = st.integers(0, 3).map(lambda number: number > 0)
_mostly = st.integers(0, 15).map(lambda number: number > 0)
_numbers = st.integers(0, 30)
_edits = st.tuples(
    st.sampled_from(["drop", "double", "swap", "add", "replace"]),
    _numbers,
    st.sampled_from([*_TEXTS, "--help", "--version", "--debug", "--yes", "--missing-ok", "--no"]),
)


@cache
def _values(name: str) -> st.SearchStrategy[str]:
    """Return values of a parameter: mostly its first one, which is valid, so that others matter."""
    known = _VALUES.get(name, _TEXTS)
    first = st.sampled_from([known[0]] * 12 + [*known])
    return first if name in _OUTPUT_FILES else st.one_of(*[first] * 9, _texts)


def _apply_edit(words: list[str], edit: tuple[str, int, str]) -> list[str]:
    kind, number, word = edit
    at = number % len(words)
    # Any other edit could make the command overwrite another file.
    if "--out" in words or "--html" in words:
        return [*words, word]
    return {
        "drop": [*words[:at], *words[at + 1 :]],
        "double": [*words[:at], *words[at : at + 1] * 2, *words[at + 1 :]],
        "swap": [*words[at:], *words[:at]],
        "add": [*words[:at], word, *words[at:]],
        "replace": [*words[:at], word, *words[at + 1 :]],
    }[kind]
