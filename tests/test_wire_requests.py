"""Tests of the requests that calls send to RDS."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from boto3.session import Session
from botocore.config import Config

from rds_backup_replication import BackupReplicationClient, __version__

from .calls import START, STARTED, start
from .wire import KMS_KEY_ARN, SOURCE_ARN, ScriptedRDS


def test_start_request_is_signed_for_destination(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    rds.client().start_db_instance_automated_backups_replication(
        source_db_instance_arn=SOURCE_ARN,
        backup_retention_period=14,
        kms_key_id=KMS_KEY_ARN,
        tags={"env": "prod", "team": None},
    )
    (request,) = rds.received
    assert request.parameters == {
        "Action": START,
        "Version": "2014-10-31",
        "SourceDBInstanceArn": SOURCE_ARN,
        "BackupRetentionPeriod": "14",
        "KmsKeyId": KMS_KEY_ARN,
        "Tags.Tag.1.Key": "env",
        "Tags.Tag.1.Value": "prod",
        "Tags.Tag.2.Key": "team",
    }
    assert "/us-east-1/rds/aws4_request" in request.headers["Authorization"]
    assert f"rds-backup-replication/{__version__}" in request.headers["User-Agent"]


def test_user_agent_keeps_user_agent_extra(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    start(rds.client(user_agent_extra="our-platform/7"))
    agent = rds.received[0].headers["User-Agent"]
    assert "our-platform/7" in agent
    assert f"rds-backup-replication/{__version__}" in agent


def test_user_agent_ends_with_library_name(rds: ScriptedRDS, session: Session) -> None:
    rds.answers(STARTED)
    for config in (None, Config(retries={"total_max_attempts": 1})):
        start(
            BackupReplicationClient(
                session=session,
                region_name="us-east-1",
                endpoint_url=rds.endpoint_url,
                config=config,
            )
        )
    for request in rds.received:
        *_, previous, last = request.headers["User-Agent"].split(" ")
        assert last == f"rds-backup-replication/{__version__}"
        assert previous.startswith("Botocore/")


def test_given_boto3_client_is_not_changed(rds: ScriptedRDS) -> None:
    """Check that the client adds nothing to the user agent of a client that a user created."""
    rds.answers(STARTED)
    session: Any = Session(aws_access_key_id="testing", aws_secret_access_key="testing")
    boto3_client = session.client("rds", region_name="us-east-1", endpoint_url=rds.endpoint_url)
    client = BackupReplicationClient(client=boto3_client)
    assert client.client is boto3_client
    start(client)
    assert "rds-backup-replication" not in rds.received[0].headers["User-Agent"]


def presigned(parameters: dict[str, str]) -> dict[str, str]:
    """Return the query parameters of a request's presigned URL."""
    query = parse_qs(urlsplit(parameters["PreSignedUrl"]).query)
    return {name: values[0] for name, values in query.items()}


def test_presigned_url_with_source_region(
    rds: ScriptedRDS,
) -> None:
    """Check that the URL is signed for the source Region and names the destination Region."""
    rds.answers(STARTED)
    rds.client().start_db_instance_automated_backups_replication(
        source_db_instance_arn=SOURCE_ARN, source_region="us-west-2"
    )
    (request,) = rds.received
    url = presigned(request.parameters)
    assert url["X-Amz-Credential"].split("/")[2:] == ["us-west-2", "rds", "aws4_request"]
    assert url["DestinationRegion"] == "us-east-1"
    assert url["SourceDBInstanceArn"] == SOURCE_ARN
    assert "SourceRegion" not in request.parameters


GOVCLOUD_ARN = SOURCE_ARN.replace("arn:aws:", "arn:aws-us-gov:").replace(
    "us-west-2", "us-gov-east-1"
)


def test_presigned_url_in_govcloud(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    rds.client("us-gov-west-1").start_db_instance_automated_backups_replication(
        source_db_instance_arn=GOVCLOUD_ARN
    )
    url = presigned(rds.received[0].parameters)
    assert "/us-gov-east-1/rds/" in url["X-Amz-Credential"]
    assert url["DestinationRegion"] == "us-gov-west-1"


def test_presigned_url_from_user_is_sent(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    rds.client("us-gov-west-1").start_db_instance_automated_backups_replication(
        source_db_instance_arn=GOVCLOUD_ARN, pre_signed_url="https://example.com/signed"
    )
    assert rds.received[0].parameters["PreSignedUrl"] == "https://example.com/signed"


def test_presigned_url_absent_by_default(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    start(rds.client())
    assert "PreSignedUrl" not in rds.received[0].parameters


def test_given_config_is_not_changed(rds: ScriptedRDS) -> None:
    """Check that the client's user agent is not added to the user's own `Config`."""
    config = Config(user_agent_extra="user/1")
    BackupReplicationClient(region_name="us-east-1", config=config, endpoint_url=rds.endpoint_url)
    assert getattr(config, "user_agent_extra") == "user/1"  # noqa: B009  # missing from the stubs
