"""Policies: how they are read, what they match, and the errors of invalid ones."""

import json
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rds_backup_replication import DBInstance, Tag
from rds_backup_replication.exceptions import PolicyError
from rds_backup_replication.fleet import Account, Policy, Rule, Selector

TEXT = """\
accounts:
  - id: "123456789012"
  - id: "210987654321"
    role_arn: arn:aws:iam::210987654321:role/backup-audit
    external_id: shibboleth
kms_key_ids:
  us-east-1: alias/backups
rules:
  - name: production
    source_regions: [us-west-2, eu-west-1]
    destination_region: us-east-1
    select:
      tags: {env: "prod*"}
      engines: [postgres, "oracle-*"]
    backup_retention_period: 14
    tags: {owner: platform}
    maximum_lag: 30m
  - name: the rest
    source_regions: [us-west-2]
    destination_region: us-west-1
    replicate: never
"""


def instance(**fields: Any) -> DBInstance:
    tags = fields.pop("tags", {"env": "prod"})
    given: dict[str, Any] = {"db_instance_identifier": "orders", "engine": "postgres", **fields}
    return DBInstance(tag_list=tuple(Tag(key=k, value=v) for k, v in tags.items()), **given)


def test_policy_from_yaml() -> None:
    policy = Policy.from_yaml(TEXT)
    assert policy.accounts[1] == Account(
        id="210987654321",
        role_arn="arn:aws:iam::210987654321:role/backup-audit",
        external_id="shibboleth",
    )
    production, rest = policy.rules
    assert production == Rule(
        name="production",
        source_regions=("us-west-2", "eu-west-1"),
        destination_region="us-east-1",
        select=Selector(tags={"env": "prod*"}, engines=("postgres", "oracle-*")),
        backup_retention_period=14,
        tags={"owner": "platform"},
        maximum_lag=timedelta(minutes=30),
    )
    assert (production.replicate, rest.replicate) == ("always", "never")
    assert (rest.maximum_lag, policy.replication_quota) == (timedelta(hours=1), 20)
    assert (policy.key_for(production), policy.key_for(rest)) == ("alias/backups", None)


def test_key_of_rule_overrides_policy() -> None:
    policy = Policy.from_yaml(TEXT.replace("    maximum_lag: 30m", "    kms_key_id: alias/own"))
    assert policy.key_for(policy.rules[0]) == "alias/own"


def test_policy_survives_json() -> None:
    policy = Policy.from_yaml(TEXT)
    assert Policy.model_validate_json(policy.model_dump_json()) == policy
    assert Policy.from_yaml(policy.model_dump_json()) == policy


def test_policy_json_schema() -> None:
    schema = Policy.model_json_schema()
    rule = schema["$defs"]["Rule"]
    assert rule["additionalProperties"] is False
    assert rule["required"] == ["name"]
    assert rule["properties"]["maximum_lag"]["pattern"].startswith("^")
    assert rule["properties"]["replicate"]["enum"] == ["always", "never", "ignore"]
    json.dumps(schema)


@pytest.mark.parametrize(
    ("account_id", "region", "fields", "rule"),
    [
        ("123456789012", "us-west-2", {}, "production"),
        ("123456789012", "eu-west-1", {"tags": {"env": "production-eu"}}, "production"),
        ("123456789012", "us-west-2", {"tags": {"env": "dev"}}, "the rest"),
        ("123456789012", "us-west-2", {"tags": {}}, "the rest"),
        ("123456789012", "eu-west-1", {"tags": {"env": "dev"}}, None),
        ("123456789012", "us-west-2", {"engine": "oracle-ee"}, "production"),
        ("123456789012", "us-west-2", {"engine": "mysql"}, "the rest"),
        ("123456789012", "ap-south-1", {}, None),
    ],
)
def test_first_matching_rule_applies(
    account_id: str, region: str, fields: dict[str, Any], rule: str | None
) -> None:
    found = Policy.from_yaml(TEXT).rule_for(account_id, region, instance(**fields))
    assert (found and found.name) == rule


def test_rule_with_accounts_and_identifiers() -> None:
    text = TEXT.replace(
        "    replicate: never", '    accounts: ["210987654321"]\n    select: {identifiers: [db-*]}'
    )
    policy = Policy.from_yaml(text)
    named = instance(tags={}, db_instance_identifier="db-1")
    for account_id, wanted in (("123456789012", None), ("210987654321", policy.rules[1])):
        assert policy.rule_for(account_id, "us-west-2", named) == wanted
    assert policy.rule_for("210987654321", "us-west-2", instance(tags={})) is None


@pytest.mark.parametrize(
    ("old", "new", "errors"),
    [
        (
            '"123456789012"',
            "123456789012",
            ['2: accounts[0].id: must be text: put it in quotes: "123456789012"'],
        ),
        (
            "210987654321:role",
            "999999999999:role",
            ["4: accounts[1].role_arn: is a role in account 999999999999"],
        ),
        ("arn:aws:iam", "arn:aws:sts", ["4: accounts[1].role_arn: must be the ARN of a role"]),
        (
            "    destination_region: us-east-1\n",
            "",
            ["9: rules[0].destination_region: is required"],
        ),
        ("select:", "selct:", ["12: rules[0].selct: unknown field"]),
        (
            "period: 14",
            "period: '14'",
            ["15: rules[0].backup_retention_period: must be a whole number of days from 1"],
        ),
        ("period: 14", "period: 36", ["15: rules[0].backup_retention_period: must be a whole"]),
        ("30m", "30", ["17: rules[0].maximum_lag: must be a number and a unit: 90s, 30m"]),
        ("30m", "-1h", ["17: rules[0].maximum_lag: must be a number and a unit"]),
        ("30m", "PT0S", ["17: rules[0].maximum_lag: must be longer than 0s"]),
        ("30m", "00:30", ["17: rules[0].maximum_lag: must be a number and a unit"]),
        ("30m", "0m", ["17: rules[0].maximum_lag: must be longer than 0s"]),
        (
            "owner: pl",
            "aws:owner: pl",
            ["16: rules[0].tags: 'aws:owner': must not begin with aws: or rds:"],
        ),
        ("[us-west-2]", "[us-west-1]", ["20: rules[1].destination_region: must not be one of sou"]),
        ("[us-west-2]", "[mars]", ["19: rules[1].source_regions[0]: must be the name of a Reg"]),
        ("[us-west-2]", "[]", ["19: rules[1].source_regions: must name at least one"]),
        ("the rest", "production", ["18: rules[1].name: production is used more than once"]),
        ("never", "sometimes", ["21: rules[1].replicate: must be always, never or ignore"]),
        ("alias/backups", "alias backups", ["7: kms_key_ids.us-east-1: must be a key ARN"]),
        (
            "alias/backups",
            "arn:aws:kms:us-west-1:123456789012:key/1",
            ["7: kms_key_ids.us-east-1: must be a key in us-east-1"],
        ),
        (
            "    maximum_lag: 30m",
            "    kms_key_id: arn:aws:kms:us-west-1:123456789012:key/1",
            ["17: rules[0].kms_key_id: must be a key in us-east-1"],
        ),
        ("us-east-1: alias", "mars: alias", ["7: kms_key_ids.mars: must be the name of a Region"]),
        (
            "    role_arn: arn:aws:iam::210987654321:role/backup-audit\n",
            "",
            ["3: accounts[1].role_arn: is required: the current credentials belong to one"],
        ),
        (
            "the rest\n",
            'production\n    accounts: ["111111111111"]\n',
            [
                "18: rules[1].name: production is used more than once",
                "19: rules[1].accounts[0]: 111111111111 is not in accounts",
            ],
        ),
        (
            "env:",
            "on:",
            ['13: rules[0].select.tags: the key on must be text: put it in quotes: "on"'],
        ),
        ("env:", "010:", ["13: rules[0].select.tags: the key 010 must be text: put it in quotes"]),
        ("env:", "~:", ["13: rules[0].select.tags: the key ~ must be text: put it in quotes"]),
        ("env:", "2001-01-01:", ["13: rules[0].select.tags: the key 2001-01-01 must be text"]),
        ("{env: ", "{? [a] : ", ["13: rules[0].select.tags: a key must be text, not a sequence"]),
        ('"prod*"', "!!binary aGk=", ["13: rules[0].select.tags.env: must not have the tag !!bin"]),
        ("name: the rest", "name: x\n    name: y", ["19: rules[1].name: appears twice"]),
        ("rules:", "rules: [", ["9: is not valid YAML: "]),
        ("30m", "\t- x: [", ["17: is not valid YAML: "]),
        (
            "14",
            "1" * 5000,
            ["15: rules[0].backup_retention_period: must be a whole number of days"],
        ),
    ],
)
def test_policy_error_names_line_and_field(old: str, new: str, errors: list[str]) -> None:
    assert TEXT.count(old) >= 1
    with pytest.raises(PolicyError) as caught:
        Policy.from_yaml(TEXT.replace(old, new), source="fleet.yaml")
    assert len(caught.value.errors) == len(errors)
    for error, beginning in zip(caught.value.errors, errors, strict=True):
        assert error.startswith(beginning)
    assert str(caught.value).startswith(f"fleet.yaml:{errors[0]}")


@pytest.mark.parametrize(
    ("old", "tag", "error"),
    [
        ('"prod*"', "!!binary", "13: rules[0].select.tags.env: must not have the tag !!binary"),
        (
            '"prod*"',
            "!!timestamp",
            "13: rules[0].select.tags.env: must not have the tag !!timestamp",
        ),
        ('"prod*"', "!vault", "13: rules[0].select.tags.env: must not have the tag !vault"),
        (
            '"prod*"',
            "!<tag:example.org,2026:key>",
            "13: rules[0].select.tags.env: must not have the tag tag:example.org,2026:key",
        ),
        ("env", "!!binary", "13: rules[0].select.tags: a key must not have the tag !!binary"),
        ("env", "!!int", "13: rules[0].select.tags: a key must not have the tag !!int"),
        (
            "14",
            "!!int",
            "15: rules[0].backup_retention_period: the value does not fit the tag !!int",
        ),
        (
            "14",
            "!!float",
            "15: rules[0].backup_retention_period: the value does not fit the tag !!float",
        ),
        (
            "14",
            "!!bool",
            "15: rules[0].backup_retention_period: the value does not fit the tag !!bool",
        ),
    ],
)
@pytest.mark.parametrize("secret", ["c2VjcmV0", '"c2VjcmV0"'])
def test_policy_error_hides_tagged_values(old: str, tag: str, error: str, secret: str) -> None:
    """The value of an explicit tag may be a secret, so errors show only the tag."""
    text = TEXT.replace(old, f"{tag} {secret}", 1)
    with pytest.raises(PolicyError) as caught:
        Policy.from_yaml(text)
    assert "c2VjcmV0" not in str(caught.value)
    assert caught.value.errors[0].startswith(error)


def test_policy_from_file_reports_all_errors(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    text = TEXT.replace("14", "0").replace("30m", "x").replace('"123456789012"', "1")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        Policy.from_file(path)
    lines = str(caught.value).splitlines()
    assert [line.removeprefix(f"{path}:").partition(":")[0] for line in lines] == ["2", "15", "17"]
    path.write_text(TEXT, encoding="utf-8")
    assert Policy.from_file(str(path)) == Policy.from_yaml(TEXT)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_policy_file_in_utf16(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_bytes(TEXT.encode(encoding))
    with pytest.raises(PolicyError) as caught:
        Policy.from_file(path)
    assert caught.value.errors == ("1: is UTF-16 or UTF-32: save the file as UTF-8",)


def test_policy_file_with_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(TEXT, encoding="utf-8-sig")
    assert Policy.from_file(path) == Policy.from_yaml(TEXT) == Policy.from_yaml(f"\ufeff{TEXT}")


def test_policy_file_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_bytes(TEXT.replace("platform", "\xe9").encode("latin-1"))
    with pytest.raises(PolicyError) as caught:
        Policy.from_file(path)
    assert caught.value.errors == ("16: is not UTF-8",)


@pytest.mark.parametrize("name", ["lacking", "999999999999"])
def test_rule_with_unknown_account(name: str) -> None:
    with pytest.raises(PolicyError, match="rule"):
        Policy.from_yaml(TEXT.replace("    replicate: never", f'    accounts: ["{name}"]'))


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['true']",
        "accounts: !!python/name:os.system",
        "&a [*a]",
        "\0",
        "",
        "- 1",
        "? [a]\n: b",
        "1: 2",
        "a: 2001-01-01\nb: !!binary aGk=",
        "[" * 3000,
        # PyYAML raises various exceptions for these.
        "2001-01-01: x",
        "!!binary aGk=: x",
        "!!timestamp soon",
        "!!bool maybe",
        "!!int ''",
        "!!float ''",
    ],
)
def test_policy_from_yaml_runs_no_code(text: str) -> None:
    """Dangerous and malformed YAML is a policy error, and constructs no objects."""
    with pytest.raises(PolicyError):
        Policy.from_yaml(text)


@pytest.mark.parametrize(
    ("form", "depth", "message"),
    [
        ("[*a{0}, *a{0}]", 12, "a11: unknown field"),
        ("[*a{0}, *a{0}]", 60, "the aliases expand to more than 200,000 values"),
        ("{{<<: [*a{0}, *a{0}]}}", 60, "the aliases expand to more than 200,000 values"),
    ],
)
def test_policy_with_nested_aliases(form: str, depth: int, message: str) -> None:
    """Aliases that would expand to billions of values are refused before they are expanded."""
    lines = [f"a{n}: &a{n} {form.format(n - 1)}" for n in range(1, depth)]
    with pytest.raises(PolicyError, match=message):
        Policy.from_yaml("\n".join(["a0: &a0 {x: x}", *lines]))


def test_selector_wildcards() -> None:
    """Only the asterisk and the question mark are wildcards; brackets are not."""
    selector = Selector(identifiers=("orders-[0-9]", "db-?"))
    for name, matches in (("orders-1", False), ("orders-[0-9]", True), ("db-1", True)):
        assert selector.matches(instance(db_instance_identifier=name)) is matches


def test_policy_error_names_file(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_bytes(TEXT.replace("the rest", "é").encode("latin-1"))
    with pytest.raises(PolicyError, match=r"fleet.yaml:18: is not UTF-8"):
        Policy.from_file(path)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200) | st.builds(TEXT.replace, st.sampled_from(TEXT.split()), st.text()))
def test_policy_from_arbitrary_text(text: str) -> None:
    with suppress(PolicyError):
        Policy.from_yaml(text)


def test_policy_without_extra_installed() -> None:
    code = (
        "import sys\n"
        "sys.modules['yaml'] = None\n"
        "from rds_backup_replication.fleet import Policy\n"
        "Policy.from_yaml('')\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    assert "pip install 'rds-backup-replication[fleet]'" in run.stderr
