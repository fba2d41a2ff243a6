"""Tests of questions that `check_replication` could not ask, and of the clients that ask them."""

from typing import Any

import pytest
from boto3.session import Session
from botocore.exceptions import (
    BotoCoreError,
    LoginRefreshRequired,
    NoCredentialsError,
    UnauthorizedSSOTokenError,
)

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication._workflows.reasons import could_not_be_checked

from . import check_cases
from .check_cases import DENIED, CheckedRDS, backup, check, codes, source
from .loopback import NoResponse, error_xml
from .wire import KMS_KEY_ARN, listing_xml, source_regions_xml

# The fixture of these tests.
server = check_cases.server


@pytest.mark.parametrize(
    ("question", "action"),
    [
        ("source", "rds:DescribeDBInstances in us-west-2"),
        ("regions", "rds:DescribeSourceRegions in us-east-1"),
        ("backups", "rds:DescribeDBInstanceAutomatedBackups in us-east-1"),
    ],
)
def test_denied_call_could_not_be_checked(server: CheckedRDS, question: str, action: str) -> None:
    """Every other question is asked all the same."""
    server.reply(
        source=source(BackupRetentionPeriod="0"),
        regions=source_regions_xml(supported=False),
        backups=listing_xml(backup()),
    )
    expected = {
        "source": "backups_off",
        "regions": "region_pair_not_supported",
        "backups": "already_replicating",
    }
    del expected[question]
    server.reply(**{question: DENIED})
    checked = check(server)
    assert [reason.code for reason in checked.blockers] == list(expected.values())
    (unchecked,) = checked.unchecked
    assert "AccessDenied: User is not authorized." in unchecked.message
    assert action in unchecked.remedy


def test_denied_second_listing_keeps_the_first(server: CheckedRDS) -> None:
    server.reply(backups=listing_xml(backup()), named=DENIED)
    assert codes(server) == ["already_replicating", "could_not_be_checked"]


def test_unreachable_source_could_not_be_checked(server: CheckedRDS) -> None:
    server.reply(source=NoResponse.CLOSE)
    checked = check(server)
    assert checked.blockers == ()
    (reason,) = checked.unchecked
    assert "Connection was closed" in reason.message
    assert "endpoint" in reason.remedy
    assert server.questions == ["source", "regions", "named"]  # only the ARN is known


def test_unchecked_source_goes_by_the_arn(server: CheckedRDS) -> None:
    server.reply(source=DENIED, named=listing_xml(backup(DbiResourceId="db-ANY")))
    assert codes(server) == ["already_replicating", "could_not_be_checked"]


def test_missing_credentials_could_not_be_checked(server: CheckedRDS) -> None:
    client = server.client()

    def fail(**_: Any) -> None:
        raise NoCredentialsError

    client.client.meta.events.register("before-sign.rds", fail)
    checked = check(server, client)
    assert checked.blockers == ()
    assert len(checked.unchecked) == 2
    assert checked.unchecked[0].message.endswith(": Unable to locate credentials.")
    assert "AWS_ACCESS_KEY_ID" in checked.unchecked[0].remedy


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (UnauthorizedSSOTokenError(), "Run aws sso login for the profile, and check again."),
        (LoginRefreshRequired(), "Run aws login for the profile, and check again."),
    ],
)
def test_expired_login_could_not_be_checked(error: BotoCoreError, remedy: str) -> None:
    reason = could_not_be_checked("whether a question has an answer", error, "us-east-1")
    assert reason.remedy == remedy


def test_invalid_response_could_not_be_checked(server: CheckedRDS) -> None:
    page = "<html><body>Welcome!<br></html>"
    server.reply(source=page, regions=page, backups=page)
    checked = check(server)
    assert checked.blockers == ()
    assert len(checked.unchecked) == 3
    for reason in checked:
        assert "taken effect" not in reason.message
        assert ".response" not in reason.message
        assert reason.message.endswith(": the response is invalid.")
        assert "may not be RDS" in reason.remedy


def test_invalid_token_could_not_be_checked(server: CheckedRDS) -> None:
    body = error_xml("InvalidClientTokenId", "Unknown token.")
    server.reply(source=body, regions=body, backups=body)
    checked = check(server)
    assert checked.blockers == ()
    assert len(checked.unchecked) == 3
    assert "enabled this Region" in checked.unchecked[0].remedy


# The source client


def test_lone_client_cannot_check_the_source(server: CheckedRDS) -> None:
    lone = BackupReplicationClient(client=server.client().client)
    checked = check(server, lone)
    assert checked.blockers == ()
    (reason,) = checked.unchecked
    assert "has no boto3 client for us-west-2" in reason.message
    assert reason.remedy == "Pass source_client=, a boto3 RDS client for us-west-2."
    assert server.questions == ["regions", "named"]
    assert len(check(server, lone, kms_key_id=KMS_KEY_ARN).unchecked) == 2


def test_lone_client_still_finds_blockers(server: CheckedRDS) -> None:
    server.reply(regions=source_regions_xml(supported=False), named=listing_xml(backup()))
    lone = BackupReplicationClient(client=server.client().client)
    assert codes(server, client=lone) == [
        "region_pair_not_supported",
        "already_replicating",
        "could_not_be_checked",
    ]


def test_source_client_describes_source(server: CheckedRDS) -> None:
    given = server.client("us-west-2").client
    client = BackupReplicationClient(client=server.client().client, source_client=given)
    assert check(server, client).is_clear
    assert server.received[0].headers["Authorization"].split("/")[2] == "us-west-2"


def test_source_client_takes_precedence(server: CheckedRDS, session: Session) -> None:
    """A session's own client for the source Region would not reach the server."""
    client = BackupReplicationClient(
        session=session,
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:9",
        source_client=server.client("us-west-2").client,
    )
    server.reply(source=source(BackupRetentionPeriod="0"))
    assert [reason.code for reason in check(server, client).blockers] == ["backups_off"]
    assert server.questions == ["source"]


def test_source_client_for_other_region_is_not_used(server: CheckedRDS) -> None:
    """A client for a Region that has no such source would report it as missing."""
    other = server.client("eu-west-1").client
    lone = BackupReplicationClient(client=server.client().client, source_client=other)
    (reason,) = check(server, lone)
    assert "Pass source_client=" in reason.remedy
    assert "source" not in server.questions


def test_source_client_is_created_once(server: CheckedRDS, monkeypatch: pytest.MonkeyPatch) -> None:
    created: list[str] = []
    untyped: Any = Session
    create = untyped.client

    def counting(self: Session, service_name: str, **keywords: Any) -> Any:
        created.append(f"{service_name} {keywords['region_name']}")
        return create(self, service_name, **keywords)

    monkeypatch.setattr(Session, "client", counting)
    client = server.client()
    for _ in range(2):
        assert check(server, client, kms_key_id=KMS_KEY_ARN).is_clear
    assert created == ["rds us-east-1", "rds us-west-2", "kms us-east-1"]
