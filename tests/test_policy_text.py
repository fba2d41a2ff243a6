"""What policies may look like: YAML, JSON, TOML and Python, and the words of their errors."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rds_backup_replication.exceptions import PolicyError
from rds_backup_replication.fleet import Policy

FIELDS = {
    "accounts.id": "text",
    "accounts.name": "text",
    "accounts.role_arn": "text",
    "accounts.external_id": "secret",
    "rules.name": "text",
    "rules.source_regions": "list",
    "rules.destination_region": "text",
    "rules.accounts": "list",
    "rules.kms_key_id": "text",
    "rules.backup_retention_period": "number",
    "rules.minimum_instances": "number",
    "rules.maximum_lag": "duration",
    "rules.replicate": "word",
    "select.tags": "mapping",
    "select.without_tags": "list",
    "select.identifiers": "list",
    "select.engines": "list",
    "select.encrypted": "flag",
    "accepted.reason": "text",
    "accepted.until": "date",
    "accepted.codes": "list",
    "limits.stops": "number",
    "limits.at_once": "number",
}
OPTIONAL = {
    *("accounts.name", "accounts.role_arn", "accounts.external_id", "rules.kms_key_id"),
    *("rules.backup_retention_period", "select.encrypted"),
}
VALID = {
    "accounts.id": '"123456789012"',
    "rules.name": "a",
    "rules.source_regions": "[us-west-2]",
    "rules.destination_region": "us-east-1",
    "accepted.reason": "a",
    "accepted.until": "2026-01-31",
}
UNQUOTED = (
    *("true", "yes", "on", "off", "no", "1234", "1.10", "012", "0x1F", "1_000", "1.0e+3", ".inf"),
    *("2026-01-31", "2026-13-45", "2026-01-31 10:00:00", "12:30:45", "null", "~", "-7", "="),
)
WRITTEN = (*UNQUOTED, "", "plain", "'14'", "'true'", "[1.10]", "[]", "{a: 1}", "[[a]]", "{}")
PYDANTIC = re.compile(
    r"Input|valid (string|tuple|dict|integer|boolean)|required field|Extra|\[type"
)


def write(written: dict[str, str]) -> tuple[str, dict[str, int]]:
    """Return a policy with a field on each line, and the line of each field."""
    lines: list[str] = []
    found: dict[str, int] = {}
    for part, begin in (
        ("accounts", "  - "),
        ("limits", "  "),
        ("rules", "  - "),
        ("accepted", "  - "),
    ):
        lines.append(f"{part}:")
        names = [name for name in {**VALID, **written} if name.startswith(f"{part}.")]
        if part == "limits" and not names:
            lines[-1] = "limits: {}"
        for index, name in enumerate(names):
            prefix = begin if not index else " " * len(begin)
            lines.append(f"{prefix}{name.partition('.')[2]}: {({**VALID, **written})[name]}")
            found[name] = len(lines)
        if part == "rules":
            selected = [name for name in written if name.startswith("select.")]
            lines.append(f"    select: {'' if selected else '{}'}")
            for name in selected:
                lines.append(f"      {name.partition('.')[2]}: {written[name]}")
                found[name] = len(lines)
    return "\n".join(lines), found


def is_valid(name: str, text: str) -> bool:
    """Return whether a value is right for a field."""
    kind = FIELDS[name]
    if text in ("null", "~", "") and name in OPTIONAL:
        return True
    return {
        "accounts.name": text in ("plain", "'14'", "'true'"),
        "accounts.external_id": text in ("plain", "'14'", "'true'"),
        "rules.kms_key_id": text == "'14'",
        "rules.name": text in ("plain", "'14'", "'true'"),
        "accepted.reason": text in ("plain", "'14'", "'true'"),
        "accepted.until": text == "2026-01-31",
        "select.tags": text == "{}",
        "limits.stops": text in ("1234", "012", "0x1F", "1_000", "12:30:45"),
        "limits.at_once": text in ("012", "0x1F"),
        "rules.minimum_instances": text in ("1234", "012", "0x1F", "1_000", "12:30:45"),
        "rules.backup_retention_period": text in ("012", "0x1F"),
    }.get(name, False) or {
        "flag": text in ("true", "yes", "on", "off", "no"),
        "list": text == "[]" and name != "rules.source_regions",
    }.get(kind, False)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), st.sampled_from(WRITTEN), min_size=1))
def test_each_mistake_is_reported_with_its_line(written: dict[str, str]) -> None:
    """All fields that are wrong are reported at once, and no others, in the author's words."""
    text, lines = write(written)
    expected = {name for name, value in written.items() if not is_valid(name, value)}
    try:
        Policy.from_yaml(text)
        errors: tuple[str, ...] = ()
    except PolicyError as error:
        errors = error.errors
    by_line: dict[int, list[str]] = {}
    for line in errors:
        assert not PYDANTIC.search(line)
        by_line.setdefault(int(line.partition(":")[0]), []).append(line)
    assert {name for name, line in lines.items() if line in by_line} == expected, errors
    assert set(by_line) <= set(lines.values())
    for name in expected:
        given_text, (message, *_) = written[name], by_line[lines[name]]
        if FIELDS[name] == "text" and given_text in UNQUOTED:
            assert message.endswith(f'must be text: put it in quotes: "{given_text}"')
        elif FIELDS[name] == "secret" and given_text in UNQUOTED:
            assert message.endswith("must be text: put it in quotes")
        elif not given_text:
            assert message.endswith((": has no value", "12h or 2d", "2026-01-31", "or ignore"))
        elif FIELDS[name] == "list" and not given_text.startswith("["):
            assert "must be a list" in message
        elif FIELDS[name] in ("number", "flag") and given_text in ("'14'", "'true'"):
            is_right = given_text == {"number": "'14'", "flag": "'true'"}[FIELDS[name]]
            assert message.endswith(", without quotes") is is_right


RULE = {"name": "a", "source_regions": ["us-west-2"], "destination_region": "us-east-1"}
DATA: dict[str, Any] = {"accounts": [{"id": "123456789012"}], "rules": [RULE]}


@pytest.mark.parametrize(
    ("changes", "field", "meant"),
    [
        ({"accounts": [{"account_id": "1"}]}, "accounts[0].account_id", "id"),
        ({"accounts": [{"accountId": "1"}]}, "accounts[0].accountId", "id"),
        ({"accounts": [{"role": "1"}]}, "accounts[0].role", "role_arn"),
        ({"accounts": [{"roleArn": "1"}]}, "accounts[0].roleArn", "role_arn"),
        ({"organization": {"role": "1"}}, "organization.role", "role_name"),
        ({"rules": [{"regions": 1}]}, "rules[0].regions", "source_regions"),
        ({"rules": [{"source_region": 1}]}, "rules[0].source_region", "source_regions"),
        ({"rules": [{"selct": 1}]}, "rules[0].selct", "select"),
        ({"rules": [{"match": 1}]}, "rules[0].match", "select"),
        ({"rules": [{"rpo": 1}]}, "rules[0].rpo", "maximum_lag"),
        ({"rules": [{"max_lag": 1}]}, "rules[0].max_lag", "maximum_lag"),
        ({"rules": [{"kms_key": 1}]}, "rules[0].kms_key", "kms_key_id"),
        ({"rules": [{"retention_days": 1}]}, "rules[0].retention_days", "backup_retention_period"),
        ({"rules": [{"target_region": 1}]}, "rules[0].target_region", "destination_region"),
        ({"rules": [{"engines": 1}]}, "rules[0].engines", "select.engines"),
        ({"rules": [{"select": {"not": {"tag": 1}}}]}, "rules[0].select.not.tag", "tags"),
        ({"kms_keys": 1}, "kms_keys", "kms_key_ids"),
        ({"retention": 1}, "retention", "defaults.backup_retention_period"),
        ({"rule": 1}, "rule", "rules"),
        ({"xyz": 1}, "xyz", None),
    ],
)
def test_unknown_field_suggests_known_one(
    changes: dict[str, Any], field: str, meant: str | None
) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.from_dict({**DATA, **changes})
    (found,) = [line for line in caught.value.errors if "unknown field" in line]
    assert found == f"{field}: unknown field{f'; did you mean {meant}?' if meant else ''}"


def test_policy_from_python_lists() -> None:
    text = json.dumps(DATA)
    policies = [Policy.from_dict(DATA), Policy.model_validate(DATA), Policy(**DATA)]
    assert policies == [Policy.from_yaml(text), Policy.model_validate_json(text), policies[0]]


def test_errors_of_python_have_no_line() -> None:
    data = {"accounts": [{"id": 123456789012}], "rules": [{**RULE, "tags": {"a": True}}]}
    with pytest.raises(PolicyError) as caught:
        Policy.from_dict(data, source="settings")
    assert str(caught.value).splitlines() == [
        'settings: accounts[0].id: must be text: put it in quotes: "123456789012"',
        'settings: rules[0].tags.a: must be text: put it in quotes: "true"',
    ]
    with pytest.raises(ValueError, match="put it in quotes") as invalid:
        Policy.model_validate(data)
    assert not PYDANTIC.search(re.sub(r"\[type=policy\]", "", str(invalid.value)))


@pytest.mark.parametrize("data", [None, 5, "text", [], [DATA]])
def test_policy_that_is_no_mapping(data: Any) -> None:
    with pytest.raises(PolicyError, match=r"policy: must be a mapping with fields such as"):
        Policy.from_dict(data)


@pytest.mark.parametrize("until", ["2026-01-31", '"2026-01-31"'])
def test_date_of_acceptance_needs_no_quotes(until: str) -> None:
    text = json.dumps(DATA)[:-1] + f', "accepted": [{{"reason": "x", "until": {until}}}]}}'
    policy = Policy.from_yaml(text)
    assert policy.accepted[0].until == date(2026, 1, 31)
    assert Policy.from_dict(policy.model_dump()) == policy


# JSON and TOML

JSON = """{
\t"accounts": [
\t\t{"id": 123456789012},
\t\t{"id": "210987654321", "id": "x"}
\t],
\t"rules": [
\t\t{
\t\t\t"name": true, "source_regions": "us-west-2",
\t\t\t"select": {"tags": {"version": 1.10, "disk": "\\ud83d\\udcbe"}},
\t\t\t"destination_region":
\t\t\t\t5
\t\t}
\t]
}"""
TOML = """# accounts
replication_quota = 1.5
[[accounts]]
id = 123456789012   # without quotes

[[accounts]]
id = "210987654321"
role_arn = "backup"

[defaults]
destination_region = "us-east-1"

[[rules]]
name = "a"
source_regions = ["us-west-2"]
select.tags.version = 1.10
[rules.limits]
stops = 1

[[rules]]
name = 2026-01-31
source_regions = "us-west-2"
[rules.tags]
"a b" = 3
"""


@pytest.mark.parametrize(
    ("name", "text", "errors"),
    [
        (
            "policy.json",
            JSON,
            [
                '3: accounts[0].id: must be text: put it in quotes: "123456789012"',
                "4: accounts[1].id: appears twice",
                '8: rules[0].name: must be text: put it in quotes: "true"',
                "8: rules[0].source_regions: must be a list: [us-west-2]",
                '9: rules[0].select.tags.version: must be text: put it in quotes: "1.10"',
                '10: rules[0].destination_region: must be text: put it in quotes: "5"',
            ],
        ),
        ("policy.json", '{"a": 1\n "b": 2}', ["2: is not valid JSON: "]),
        ("policy.json", "[" * 100_000, ["1: is not valid JSON: "]),
        (
            "policy.TOML",
            TOML,
            [
                "2: replication_quota: must be a whole number",
                '4: accounts[0].id: must be text: put it in quotes: "123456789012"',
                "8: accounts[1].role_arn: must be the ARN of a role",
                '16: rules[0].select.tags.version: must be text: put it in quotes: "1.10"',
                "17: rules[0].limits: unknown field",
                '21: rules[1].name: must be text: put it in quotes: "2026-01-31"',
                "22: rules[1].source_regions: must be a list: [us-west-2]",
                '24: rules[1].tags.a b: must be text: put it in quotes: "3"',
            ],
        ),
        ("policy.toml", "a = 1\nb =", ["2: is not valid TOML: Invalid value"]),
        ("policy.toml", "a = 1\n\n[b\n", ["3: is not valid TOML: "]),
    ],
)
def test_file_error_names_line(tmp_path: Path, name: str, text: str, errors: list[str]) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        Policy.from_file(path)
    for error, beginning in zip(caught.value.errors, errors, strict=True):
        assert error.startswith(beginning)


def test_policy_from_json_and_toml_files(tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text(json.dumps(DATA, indent="\t"), encoding="utf-8")
    (tmp_path / "policy.toml").write_text(
        'accounts = [{id = "123456789012"}]\n'
        '[[rules]]\nname = "a"\nsource_regions = ["us-west-2"]\ndestination_region = "us-east-1"\n'
        '[[accepted]]\nreason = "x"\nuntil = 2026-01-31\n',
        encoding="utf-8",
    )
    accepted = [{"reason": "x", "until": "2026-01-31"}]
    assert Policy.from_file(tmp_path / "policy.json") == Policy.from_dict(DATA)
    assert Policy.from_file(tmp_path / "policy.toml") == Policy.from_dict(
        {**DATA, "accepted": accepted}
    )
