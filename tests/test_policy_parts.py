"""The parts of a policy that depend on each other: defaults, accounts and Regions."""

from typing import Any

import pytest

from rds_backup_replication.exceptions import PolicyError
from rds_backup_replication.fleet import DrillSettings, Policy

pytestmark = pytest.mark.once

RULE = {"name": "a", "source_regions": ["us-west-2"], "destination_region": "us-east-1"}
DATA: dict[str, Any] = {"accounts": [{"id": "123456789012"}], "rules": [RULE]}

DEFAULTS = {
    "source_regions": ["us-west-2"],
    "destination_region": "us-east-1",
    "select": {"not": {"encrypted": True}},
    "accounts": ["123456789012"],
    "replicate": "never",
    "minimum_instances": 0,
    "backup_retention_period": 14,
    "kms_key_id": "alias/backups",
    "tags": {"owner": "platform", "env": "prod"},
    "maximum_lag": "2h",
    "recovery": {"tier": 2, "name": "{name}-dr", "drill": {"subnet_group": "drills"}},
}


def test_rules_have_the_defaults_that_they_omit() -> None:
    own: dict[str, Any] = {
        "name": "b",
        "source_regions": "enabled",
        "destination_region": "us-west-1",
        "select": {},
        "accounts": [],
        "replicate": "always",
        "minimum_instances": 3,
        "backup_retention_period": 7,
        "kms_key_id": "alias/own",
        "tags": {"a": "b"},
        "maximum_lag": "5m",
        "recovery": {"tier": 3, "name": "own-{name}", "drill": {"subnet_group": "own"}},
    }
    nulls = {**dict.fromkeys(DEFAULTS), "name": "c"}
    data = {**DATA, "defaults": DEFAULTS, "rules": [{"name": "a"}, own, nulls]}
    policy = Policy.from_dict(data)
    complete = [{**DEFAULTS, "name": "a"}, own, {**DEFAULTS, "name": "c"}]
    assert policy.rules == Policy.from_dict({**DATA, "rules": complete}).rules
    for dumped in (policy.model_dump_json(), policy.model_dump_json(exclude_none=True)):
        assert Policy.model_validate_json(dumped) == Policy.from_yaml(dumped) == policy
    assert Policy(accounts=policy.accounts, defaults=policy.defaults, rules=policy.rules) == policy


def test_error_of_defaults_is_reported_once() -> None:
    wrong = {"source_regions": "us-west-2", "rpo": "1h", "destination_region": "us-west-2"}
    rules = [{"name": "a"}, {"name": "b", "source_regions": ["us-west-2"]}]
    with pytest.raises(PolicyError) as caught:
        Policy.from_dict({**DATA, "defaults": wrong, "rules": rules})
    assert caught.value.errors == (
        "defaults.source_regions: must be a list: [us-west-2]",
        "defaults.rpo: unknown field; did you mean maximum_lag?",
        "rules[1].destination_region: must not be one of source_regions",
    )


def test_recovery_blocks_are_merged() -> None:
    """The settings of a rule and of the defaults are merged, also in the block of drills."""
    defaults = {"tier": 2, "name": "{name}-dr", "drill": {"subnet_group": "drills"}}
    own = {"tier": 1, "drill": {"instance_class": "db.t3.small"}}
    rules = [{"name": "a", "recovery": own}]
    policy = Policy.from_dict(
        {**DATA, "defaults": {**DEFAULTS, "recovery": defaults}, "rules": rules}
    )
    merged = policy.rules[0].recovery
    assert (merged.tier, merged.name) == (1, "{name}-dr")
    assert merged.drill == DrillSettings(subnet_group="drills", instance_class="db.t3.small")


@pytest.mark.parametrize(
    ("recovery", "error"),
    [
        ("dr", "recovery: must be a mapping with fields such as tier, name"),
        (
            {"drill": "dr"},
            (
                "recovery.drill: must be a mapping with fields such as subnet_group, "
                "security_group_ids"
            ),
        ),
        ({"tag": "a"}, "recovery.tag: unknown field"),
        (
            {"subnet_groups": "a"},
            "recovery.subnet_groups: unknown field; did you mean subnet_group?",
        ),
        ({"drill": {"class": "a"}}, "recovery.drill.class: unknown field"),
    ],
)
def test_error_in_a_recovery_block(recovery: object, error: str) -> None:
    """What is suggested is a field of the block, and not of its rule."""
    with pytest.raises(PolicyError) as caught:
        Policy.from_dict({**DATA, "rules": [{**RULE, "recovery": recovery}]})
    assert caught.value.errors == (f"rules[0].{error}",)


def test_error_of_a_default_block_is_reported_once() -> None:
    """Rules inherit the settings of a block one by one, and report only errors of their own."""
    block = {"tier": 200, "drill": {"subnet_group": 5}}
    own = {"name": "-{name}", "drill": {"security_group_ids": ["x"]}}
    rules = [{"name": "a", "recovery": own}, {"name": "b"}]
    with pytest.raises(PolicyError) as caught:
        Policy.from_dict({**DATA, "defaults": {**DEFAULTS, "recovery": block}, "rules": rules})
    assert [error.partition(":")[0] for error in caught.value.errors] == [
        "defaults.recovery.tier",
        "defaults.recovery.drill.subnet_group",
        "rules[0].recovery.name",
        "rules[0].recovery.drill.security_group_ids[0]",
    ]


@pytest.mark.parametrize(
    ("recovery", "field"), [("dr", "recovery"), ({"drill": "drills"}, "recovery.drill")]
)
def test_invalid_block_is_not_replaced_by_defaults(recovery: object, field: str) -> None:
    rules = [{"name": "a", "recovery": recovery}]
    with pytest.raises(PolicyError) as caught:
        Policy.from_dict({**DATA, "defaults": DEFAULTS, "rules": rules})
    (error,) = caught.value.errors
    assert error.startswith(f"rules[0].{field}: must be a mapping")


def test_rule_lacks_what_defaults_lack() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.from_dict({**DATA, "defaults": {}, "rules": [{"name": "a"}]})
    assert caught.value.errors == (
        "rules[0].source_regions: is required",
        "rules[0].destination_region: is required",
    )


def test_schema_requires_what_defaults_lack() -> None:
    schema = Policy.model_json_schema()
    assert set(schema["$defs"]["Defaults"]["properties"]) == set(DEFAULTS)
    requirements = [
        (
            in_defaults["properties"]["defaults"]["required"],
            in_rules["properties"]["rules"]["items"],
        )
        for in_defaults, in_rules in (part["anyOf"] for part in schema["allOf"])
    ]
    assert requirements == [
        ([name], {"required": [name]}) for name in ("source_regions", "destination_region")
    ]


# Parts that must fit each other


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        (
            {"accounts": [], "rules": [{**RULE, "select": 5}]},
            [
                "accounts: must name at least one, unless there is an organization",
                "rules[0].select: must be a mapping with fields such as tags, without_tags",
            ],
        ),
        (
            {"rules": [{**RULE, "source_regions": ["us-east-1"], "name": 5}]},
            [
                'rules[0].name: must be text: put it in quotes: "5"',
                "rules[0].destination_region: must not be one of source_regions",
            ],
        ),
        (
            {"accepted": [{"reason": "x", "until": "2026-01-31", "accounts": ["x"]}]},
            ["accepted[0].accounts[0]: x is not in accounts"],
        ),
        (
            {"organization": {"role_name": "a", "exclude": ["123456789012"]}},
            ["accounts[0].id: is in organization.exclude, too"],
        ),
        (
            {"rules": [{**RULE, "source_regions": "all"}]},
            ["rules[0].source_regions: must be a list of Regions, such as [us-west-2], or enabled"],
        ),
    ],
)
def test_parts_that_do_not_fit(changes: dict[str, Any], errors: list[str]) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.from_dict({**DATA, **changes})
    assert list(caught.value.errors) == errors
