"""Tests of the readiness check: questions of keys, groups and quotas that AWS does not answer."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from rds_backup_replication.fleet import Access
from rds_backup_replication.fleet._accounts import Account
from rds_backup_replication.fleet._destination import AccountDestination
from rds_backup_replication.recovery import _operations as op
from rds_backup_replication.recovery import _readiness_answers
from rds_backup_replication.recovery._readiness_answers import KeyCondition, ReadinessReader
from rds_backup_replication.recovery._records import ReadinessReason

from .recovery_examples import ACCOUNT, DESTINATION

pytestmark = pytest.mark.once


class FakeEC2:
    """A boto3 client whose responses a test gives."""

    def __init__(self, *responses: Any) -> None:
        self.responses = list(responses)
        self.filters: list[Any] = []

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, *, Filters: Any) -> Any:  # noqa: N803  # boto3's name
        self.filters.append(Filters)
        response = self.responses.pop(0)
        if isinstance(response, Exception):
            raise response
        return [response]


def reader(*responses: Any) -> Any:
    """Return a reader to which EC2 gives some responses."""
    account = Account(id=ACCOUNT)
    made: Any = ReadinessReader(AccountDestination(account, DESTINATION, Access(), "run"))
    made.ec2 = FakeEC2(*responses)

    def clients(service_name: str, region_name: str) -> Any:
        assert (service_name, region_name) == ("ec2", DESTINATION)
        return made.ec2

    made.context = SimpleNamespace(clients=clients)
    return made


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "No."}}, "Operation")


def arn(account: str) -> str:
    return f"arn:aws:kms:{DESTINATION}:{account}:key/missing"


@pytest.fixture
def ask_key(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that asks for an account's key, for which KMS has an answer."""

    def ask(answer: Any, account: str = ACCOUNT) -> Any:
        def describe(*_: Any) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(_readiness_answers, "describe_key", describe)
        return reader()._ask_key(arn(account))

    return ask


def test_a_key_that_does_not_exist(ask_key: Any) -> None:
    condition = ask_key(refused("NotFoundException"))
    assert isinstance(condition, KeyCondition)
    assert [reason.code for reason in condition.reasons] == ["kms_key_not_found"]


@pytest.mark.parametrize(
    ("answer", "account", "remedy"),
    [
        (refused("NotFoundException"), "222222222222", "in the policy of the key"),
        (refused("AccessDeniedException"), ACCOUNT, "Allow the caller kms:DescribeKey"),
        ({}, ACCOUNT, "Check the endpoint URL"),
    ],
)
def test_a_key_that_kms_does_not_describe(
    ask_key: Any, answer: Any, account: str, remedy: str
) -> None:
    reason = ask_key(answer, account)
    assert isinstance(reason, ReadinessReason)
    assert reason.code == "could_not_be_checked"
    assert remedy in reason.remedy


def test_security_groups_are_asked_200_at_a_time() -> None:
    group_ids = [f"sg-{number}" for number in range(201)]
    made = reader(
        {"SecurityGroups": [{"GroupId": "sg-0", "VpcId": "vpc-1"}]},
        {"SecurityGroups": [{"GroupId": "sg-200", "VpcId": "vpc-2"}]},
    )
    assert made._ask_security_groups(group_ids) == {"sg-0": "vpc-1", "sg-200": "vpc-2"}
    assert [len(each["Values"]) for (each,) in made.ec2.filters] == [200, 1]


@pytest.mark.parametrize(
    ("answer", "text", "remedy"),
    [
        (
            refused("UnauthorizedOperation"),
            "UnauthorizedOperation",
            "Allow the caller ec2:DescribeSecurityGroups in us-east-1.",
        ),
        (refused("InternalError"), "InternalError", "Correct this error, and check again."),
        (
            EndpointConnectionError(endpoint_url="https://ec2.example"),
            "https://ec2.example",
            "Check the Region, the endpoint URL and the network.",
        ),
        ({}, "KeyError", "Check the endpoint URL and the proxies: the server may not be RDS."),
    ],
)
def test_security_groups_that_ec2_does_not_list(answer: Any, text: str, remedy: str) -> None:
    reason = reader(answer)._ask_security_groups(["sg-1"])
    assert (reason.code, reason.remedy) == ("could_not_be_checked", remedy)
    assert text in reason.message


def test_a_quota_that_rds_does_not_return(monkeypatch: pytest.MonkeyPatch) -> None:
    quotas = [op.AccountQuota(account_quota_name="DBClusters", used=0, max=40)]

    def list_quotas(_: Any) -> list[op.AccountQuota]:
        return quotas

    monkeypatch.setattr(op.DESCRIBE_ACCOUNT_ATTRIBUTES, "list", list_quotas)
    made = reader()
    reason = made._ask("what the quota is", made._read_quota)
    assert reason.code == "could_not_be_checked"
    assert "the quota DBInstances is missing" in reason.message
