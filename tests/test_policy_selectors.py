"""Selectors: what they match, why not, and whether one covers another; rules that never apply."""

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rds_backup_replication import Tag
from rds_backup_replication._models import SourceInstance
from rds_backup_replication.fleet import Account, Policy, Rule, Selector
from rds_backup_replication.fleet._organization import account_for
from rds_backup_replication.fleet._shadowed_rules import (
    find_contradictory_rules,
    find_shadowed_rules,
)

pytestmark = pytest.mark.once

INSTANCE = SourceInstance(
    db_instance_identifier="orders-1",
    engine="postgres",
    db_instance_class="db.r6g.large",
    storage_encrypted=True,
    tag_list=(Tag(key="env", value="dev"), Tag(key="skip", value=None)),
)


@pytest.mark.parametrize(
    ("conditions", "mismatch"),
    [
        ({}, None),
        ({"tags": {"env": "d*"}}, None),
        ({"tags": {"env": ["prod", "dev"]}, "without_tags": ["tier"]}, None),
        ({"tags": {"env": "prod*"}}, "tag env is dev, not prod*"),
        ({"tags": {"env": ["prod", "test"]}}, "tag env is dev, not prod or test"),
        ({"tags": {"skip": "x"}}, "tag skip is empty, not x"),
        ({"tags": {"env": ""}}, "tag env is dev, not empty"),
        ({"tags": {"tier": "*"}}, "has no tag tier"),
        ({"without_tags": ["skip"]}, "has the tag skip"),
        ({"identifiers": ["ORDERS-*"], "instance_classes": ["db.r6g.*"]}, None),
        ({"identifiers": ["db-*", "x"]}, "identifier is orders-1, not db-* or x"),
        ({"engines": ["mysql"]}, "engine is postgres, not mysql"),
        ({"instance_classes": ["db.t*"]}, "instance class is db.r6g.large, not db.t*"),
        ({"encrypted": False}, "is encrypted"),
        ({"read_replicas": True}, "is not a read replica"),
        ({"cluster_members": True}, "does not belong to a DB cluster"),
        ({"not": {"engines": ["mysql"]}, "encrypted": True}, None),
        ({"not": {"engines": ["postgres"]}}, "meets the conditions under not"),
    ],
)
def test_selector_names_first_mismatch(conditions: dict[str, Any], mismatch: str | None) -> None:
    selector = Selector.model_validate(conditions)
    assert selector.mismatch(INSTANCE) == mismatch
    assert selector.matches(INSTANCE) is (mismatch is None)


def test_selector_mismatch_of_other_kinds() -> None:
    replica = INSTANCE.model_copy(
        update={
            "read_replica_source_db_cluster_identifier": "c",
            "db_cluster_identifier": "d",
            "storage_encrypted": None,
            "engine": None,
        }
    )
    assert [
        Selector.model_validate(conditions).mismatch(replica)
        for conditions in (
            {"encrypted": True},
            {"read_replicas": False},
            {"cluster_members": False},
            {"engines": ["mysql"]},
        )
    ] == [
        "is not encrypted",
        "is a read replica",
        "belongs to a DB cluster",
        "engine is unknown, not mysql",
    ]


@pytest.mark.parametrize(
    ("wide", "narrow", "covers"),
    [
        ({}, {}, True),
        ({}, {"tags": {"env": "prod"}}, True),
        ({"tags": {"env": "prod"}}, {}, False),
        ({"tags": {"env": "*"}}, {"tags": {"env": "prod*", "a": "b"}}, True),
        ({"tags": {"env": "prod*"}}, {"tags": {"env": "prod-eu*"}}, True),
        ({"tags": {"env": "prod*"}}, {"tags": {"env": ["prod", "prod-?"]}}, True),
        ({"tags": {"env": "prod*"}}, {"tags": {"env": ["prod", "dev"]}}, False),
        ({"tags": {"env": ["prod", "dev"]}}, {"tags": {"env": "dev"}}, True),
        ({"tags": {"env": "prod-?"}}, {"tags": {"env": "prod-*"}}, False),
        ({"tags": {"env": "prod"}}, {"tags": {"env": "PROD"}}, False),
        ({"identifiers": ["a*"]}, {"identifiers": ["A-*", "ab"]}, True),
        ({"identifiers": ["a*"]}, {}, False),
        ({"engines": ["*"]}, {}, True),
        ({"without_tags": ["a"]}, {"without_tags": ["a", "b"]}, True),
        ({"without_tags": ["a", "b"]}, {"without_tags": ["a"]}, False),
        ({"encrypted": True}, {"encrypted": True, "engines": ["x"]}, True),
        ({"encrypted": True}, {}, False),
        ({"read_replicas": False}, {"read_replicas": True}, False),
        ({"cluster_members": False}, {"cluster_members": False}, True),
        ({"not": {"encrypted": True}}, {"not": {"encrypted": True}}, True),
        ({"not": {"engines": ["my*"], "encrypted": True}}, {"not": {"engines": ["my*"]}}, True),
        ({"not": {"engines": ["my*"]}}, {"not": {"engines": ["mysql"]}}, False),
        ({"not": {"encrypted": True}}, {"encrypted": False}, False),  # not recognized
        ({}, {"not": {"encrypted": True}}, True),
    ],
)
def test_selector_covers(wide: dict[str, Any], narrow: dict[str, Any], covers: bool) -> None:  # noqa: FBT001
    assert Selector.model_validate(wide).covers(Selector.model_validate(narrow)) is covers


PATTERNS = st.text("aA*?[", min_size=1, max_size=3)
SOME = st.lists(PATTERNS, max_size=2)
KEYS = st.sampled_from(["k", "l"])


def conditions(*, nested: bool = True) -> st.SearchStrategy[dict[str, Any]]:
    options: dict[str, st.SearchStrategy[Any]] = {
        "tags": st.dictionaries(KEYS, PATTERNS | st.lists(PATTERNS, min_size=1, max_size=2)),
        "without_tags": st.lists(KEYS, max_size=2),
        "identifiers": SOME,
        "engines": SOME,
        "instance_classes": SOME,
        "encrypted": st.booleans(),
        "read_replicas": st.booleans(),
        "cluster_members": st.booleans(),
    }
    if nested:
        options["not"] = conditions(nested=False)
    return st.fixed_dictionaries({}, optional=options)


@st.composite
def instances(draw: st.DrawFn) -> SourceInstance:
    values = st.text("aA*[", max_size=3)
    return SourceInstance(
        db_instance_identifier=draw(values | st.none()),
        engine=draw(values),
        db_instance_class=draw(values),
        storage_encrypted=draw(st.booleans() | st.none()),
        read_replica_source_db_instance_identifier=draw(st.sampled_from(["x", None])),
        db_cluster_identifier=draw(st.sampled_from(["x", None])),
        tag_list=tuple(
            Tag(key=key, value=value)
            for key, value in draw(st.dictionaries(KEYS, values | st.none())).items()
        ),
    )


@pytest.mark.long
@settings(max_examples=200, deadline=None)
@given(conditions(), conditions(), st.data())
def test_covering_selector_matches_all(
    wide: dict[str, Any], more: dict[str, Any], data: st.DataObject
) -> None:
    """What a covered selector matches, the covering one matches; contradictions match nothing."""
    first = Selector.model_validate(wide)
    second = Selector.model_validate({**more, **wide} if data.draw(st.booleans()) else more)
    assume(first.covers(second) or first.contradicts_itself)
    for instance in data.draw(st.lists(instances(), min_size=5, max_size=5)):
        assert not first.contradicts_itself or not first.matches(instance)
        if first.covers(second) and second.matches(instance):
            assert first.matches(instance)


@given(conditions())
def test_selector_covers_itself(given_conditions: dict[str, Any]) -> None:
    selector = Selector.model_validate(given_conditions)
    assert selector.covers(selector)


@pytest.mark.parametrize(
    ("conditions", "contradicts"),
    [
        ({"tags": {"a": "*"}, "without_tags": ["a"]}, True),
        ({"encrypted": True, "not": {"encrypted": True}}, True),
        ({"engines": ["mysql"], "encrypted": True, "not": {"engines": ["my*"]}}, True),
        ({"not": {}}, True),
        ({"engines": ["my*"], "not": {"engines": ["mysql"]}}, False),
        ({"tags": {"a": "*"}, "without_tags": ["b"], "not": {"tags": {"c": "*"}}}, False),
    ],
)
def test_selector_contradicts_itself(conditions: dict[str, Any], contradicts: bool) -> None:  # noqa: FBT001
    assert Selector.model_validate(conditions).contradicts_itself is contradicts


def policy(*rules: dict[str, Any], **more: Any) -> Policy:
    """Return a policy for two accounts; the rules are named r0, r1, and so on."""
    data: dict[str, Any] = {
        "accounts": [
            {"id": "111111111111", "name": "prod"},
            {"id": "222222222222", "role_arn": "arn:aws:iam::222222222222:role/audit"},
        ],
        "defaults": {"source_regions": ["us-west-2"], "destination_region": "us-east-1"},
        "rules": [{"name": f"r{index}", **rule} for index, rule in enumerate(rules)],
        **more,
    }
    return Policy.from_dict(data)


ENABLED: dict[str, Any] = {"source_regions": "enabled"}
WEST: dict[str, Any] = {"destination_region": "us-west-1"}


@pytest.mark.parametrize(
    ("earlier", "later", "shadows"),
    [
        ({}, {}, True),
        ({}, {"select": {"engines": ["mysql"]}, "replicate": "never"}, True),
        ({"select": {"engines": ["mysql"]}}, {}, False),
        ({}, {"source_regions": ["us-west-2", "eu-west-1"]}, False),
        ({"source_regions": ["us-west-2", "eu-west-1"]}, {"source_regions": ["eu-west-1"]}, True),
        (ENABLED, {"source_regions": ["eu-west-1"]}, True),
        (ENABLED, {"source_regions": ["us-east-1"], **WEST}, False),
        (ENABLED, ENABLED, True),
        (ENABLED, {**ENABLED, **WEST}, False),
        ({}, ENABLED, False),
        ({"accounts": ["prod"]}, {"accounts": ["111111111111"]}, True),
        ({"accounts": ["111111111111"]}, {"accounts": ["prod"]}, True),
        ({"accounts": ["prod"]}, {"accounts": ["222222222222"]}, False),
        ({"accounts": ["prod"]}, {}, False),
        ({"accounts": ["prod", "222222222222"]}, {}, True),
        ({}, {"accounts": ["prod"]}, True),
    ],
)
def test_earlier_rule_shadows_later_one(
    earlier: dict[str, Any],
    later: dict[str, Any],
    shadows: bool,  # noqa: FBT001
) -> None:
    found = policy(earlier, later)
    expected = [(found.rules[1], found.rules[0])] if shadows else []
    assert find_shadowed_rules(found) == expected


def test_accounts_of_organization_may_be_unknown() -> None:
    organization = {"organization": {"role_name": "audit"}}
    two = {"accounts": ["111111111111", "222222222222"]}
    assert find_shadowed_rules(policy(two, {}, **organization)) == []
    same = policy(two, {"accounts": ["222222222222"]}, **organization)
    assert find_shadowed_rules(same) == [(same.rules[1], same.rules[0])]


def test_contradictory_rules_are_found() -> None:
    found = policy({}, {"select": {"not": {}}})
    assert find_contradictory_rules(found) == [found.rules[1]]


def test_mismatch_of_rule_names_region_and_account() -> None:
    found = policy({"accounts": ["prod"], "select": {"engines": ["mysql"]}})
    (rule,) = found.rules
    assert [
        found.mismatch(rule, "111111111111", "eu-west-1", INSTANCE),
        found.mismatch(rule, "222222222222", "us-west-2", INSTANCE),
        found.mismatch(rule, "111111111111", "us-west-2", INSTANCE),
    ] == [
        "eu-west-1 is not one of its source Regions",
        "account 222222222222 is not one of its accounts",
        "engine is postgres, not mysql",
    ]


def test_account_for_needs_no_listing() -> None:
    organization = {"role_name": "a/b", "external_id": "x", "exclude": ["333333333333"]}
    found = policy({}, organization=organization)
    assert account_for(found, "111111111111") == found.accounts[0]
    assert account_for(found, "333333333333") is None
    assert account_for(policy({}), "444444444444") is None
    assert account_for(found, "444444444444") == Account(
        id="444444444444", role_arn="arn:aws:iam::444444444444:role/a/b", external_id="x"
    )


@pytest.mark.parametrize(
    ("region_name", "partition"),
    [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("mx-central-9", "aws")],
)
def test_role_of_organization_is_in_partition(region_name: str, partition: str) -> None:
    found = policy({"destination_region": region_name}, organization={"role_name": "a"})
    account = account_for(found, "444444444444")
    assert account is not None
    assert account.role_arn == f"arn:{partition}:iam::444444444444:role/a"


def test_rules_are_complete() -> None:
    """Every field of a rule but its name has a default."""
    defaults = type(policy({}).defaults).model_fields
    assert {*defaults, "name"} == set(Rule.model_fields)
