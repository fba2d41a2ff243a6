"""Tests of the AWS CLI commands that a readiness check prints."""

import json
import shlex

import pytest

from .fleets import DESTINATION
from .readiness_examples import (
    KEY,
    judge_one,
    key_in,
    make_subnet_group,
    only_reason,
)
from .recovery_examples import (
    PARAMETER_GROUP,
    make_book,
)

pytestmark = pytest.mark.once


def test_a_key_that_kms_deletes() -> None:
    reason = only_reason(keys={KEY: key_in("PendingDeletion")})
    assert "KMS deletes it on 2026-11-24" in reason.message
    assert reason.commands == (
        f"aws kms cancel-key-deletion --region {DESTINATION} --key-id {KEY}",
        f"aws kms enable-key --region {DESTINATION} --key-id {KEY}",
    )


def test_commands_make_what_is_missing() -> None:
    parameters = {f"p{number:02}": "it's, all" for number in range(21)}
    group = PARAMETER_GROUP.model_copy(update={"parameters": parameters})
    captured = make_book(parameter_groups=(group,))
    record = judge_one(
        captured=captured,
        parameter_groups={},
        option_groups={},
        subnet_groups={},
        security_groups={},
    )
    commands = {reason.code: [*map(shlex.split, reason.commands)] for reason in record.reasons}
    for each in commands.values():
        for words in each:
            assert words[0] == "aws"
            assert words[3:5] == ["--region", DESTINATION]
    create, first, second = commands["parameter_group_not_found"]
    assert create[2:3] + create[5:9] == [
        "create-db-parameter-group",
        *("--db-parameter-group-name", "orders"),
        *("--db-parameter-group-family", "postgres16"),
    ]
    assert [len(json.loads(words[-1])) for words in (first, second)] == [20, 1]
    assert json.loads(second[-1]) == [
        {"ParameterName": "p20", "ParameterValue": "it's, all", "ApplyMethod": "pending-reboot"}
    ]
    create, add = commands["option_group_not_found"]
    assert create[2] == "create-option-group"
    assert add[2] == "add-option-to-option-group"
    assert json.loads(add[-1]) == [
        {
            "OptionName": "EXAMPLE",
            "Port": 1158,
            "VpcSecurityGroupMemberships": ["<ID of a security group>"],
            "OptionSettings": [{"Name": "LEVEL", "Value": "1"}],
        }
    ]
    (create,) = commands["subnet_group_not_found"]
    assert create[-3:] == ["--subnet-ids", "<ID of a subnet>", "<ID of a subnet in another zone>"]
    assert commands["security_group_not_found"][0][1:3] == ["ec2", "create-security-group"]


def test_a_subnet_is_added_to_those_that_are_there() -> None:
    reason = only_reason(subnet_groups={"private": make_subnet_group("private", "a")})
    (words,) = map(shlex.split, reason.commands)
    assert words[-3:] == ["--subnet-ids", "subnet-a", "<ID of a subnet in another zone>"]


def test_only_the_parameters_that_differ_are_set() -> None:
    group = PARAMETER_GROUP.model_copy(update={"parameters": {"same": "1", "other": "2"}})
    reason = only_reason(
        captured=make_book(parameter_groups=(group,)),
        parameters={"orders": {"same": "1", "more": "3"}},
    )
    assert "in more and other." in reason.message
    (words,) = map(shlex.split, reason.commands)
    assert [each["ParameterName"] for each in json.loads(words[-1])] == ["other"]
