"""Tests of the client's constructor, and of the client with botocore's own tools."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import NoRegionError
from botocore.stub import Stubber

from rds_backup_replication import BackupReplicationClient, BackupStatus, Tag
from rds_backup_replication.exceptions import DBInstanceNotFoundFault, RequestValidationError

from .wire import BACKUP_ARN, SOURCE_ARN


def boto3_client(session: Session, service: str) -> Any:
    """Create a boto3 client that type checkers do not check."""
    untyped: Any = session
    return untyped.client(service, region_name="us-east-1")


def test_stubber_scripts_response_and_error(
    client: BackupReplicationClient, stubber: Stubber
) -> None:
    stubber.add_response(
        "start_db_instance_automated_backups_replication",
        {"DBInstanceAutomatedBackup": {"DBInstanceArn": SOURCE_ARN, "Status": "pending"}},
        {"SourceDBInstanceArn": SOURCE_ARN, "Tags": [{"Key": "env", "Value": "prod"}]},
    )
    stubber.add_client_error(
        "stop_db_instance_automated_backups_replication", "DBInstanceNotFound", "Gone."
    )
    backup = client.start_db_instance_automated_backups_replication(
        source_db_instance_arn=SOURCE_ARN, tags=[Tag(key="env", value="prod")]
    )
    assert backup.status == BackupStatus.PENDING
    with pytest.raises(DBInstanceNotFoundFault, match="Gone"):
        client.stop_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)


def test_stubber_scripts_pages(client: BackupReplicationClient, stubber: Stubber) -> None:
    operation = "describe_db_instance_automated_backups"
    stubber.add_response(operation, {"DBInstanceAutomatedBackups": [{}], "Marker": "1"}, {})
    stubber.add_response(operation, {"DBInstanceAutomatedBackups": [{}, {}]}, {"Marker": "1"})
    assert len(list(client.describe_db_instance_automated_backups())) == 3


def test_region_defaults_to_region_of_session() -> None:
    assert BackupReplicationClient(session=Session(region_name="eu-west-1")).region_name == (
        "eu-west-1"
    )


def test_session_defaults_to_default_of_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", Session(region_name="eu-north-1"))
    client = BackupReplicationClient()
    assert client.region_name == "eu-north-1"
    assert repr(client) == "BackupReplicationClient(region_name='eu-north-1')"


def test_missing_region_raises_botocore_error() -> None:
    with pytest.raises(NoRegionError):
        BackupReplicationClient(session=Session())


@pytest.mark.parametrize(
    "others",
    [
        {"region_name": "us-east-1"},
        {"session": Session()},
        {"config": Config()},
        {"endpoint_url": "http://127.0.0.1:1"},
    ],
)
def test_given_client_excludes_other_arguments(session: Session, others: Any) -> None:
    with pytest.raises(
        TypeError, match=r"^client= excludes region_name=, session=, config= and endpoint_url=$"
    ):
        BackupReplicationClient(client=boto3_client(session, "rds"), **others)


def test_given_client_must_be_for_rds(session: Session) -> None:
    with pytest.raises(TypeError, match="not for sts"):
        BackupReplicationClient(client=boto3_client(session, "sts"))
    not_a_client: Any = session
    with pytest.raises(TypeError, match="not Session"):
        BackupReplicationClient(client=not_a_client)


def test_clients_are_created_in_threads(session: Session) -> None:
    def region_of(number: int) -> str:
        region = ("us-east-1", "eu-west-1")[number % 2]
        return BackupReplicationClient(session=session, region_name=region).region_name

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(region_of, range(16))) == {"us-east-1", "eu-west-1"}


def test_endpoint_from_environment(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_RDS", "http://127.0.0.1:9")
    for given in (None, session):
        client = BackupReplicationClient(session=given, region_name="us-east-1")
        assert client.client.meta.endpoint_url == "http://127.0.0.1:9"


def test_listing_sends_no_request_before_iteration(
    client: BackupReplicationClient, stubber: Stubber
) -> None:
    backups = client.describe_db_instance_automated_backups(
        db_instance_automated_backups_arn=BACKUP_ARN
    )
    stubber.add_response(
        "describe_db_instance_automated_backups",
        {"DBInstanceAutomatedBackups": []},
        {"DBInstanceAutomatedBackupsArn": BACKUP_ARN},
    )
    assert list(backups) == []


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"session": "dr"}, "session= must be a boto3 session, not str"),
        ({"config": {"retries": {}}}, "config= must be a botocore Config, not dict"),
    ],
)
def test_session_and_config_types_are_checked(keywords: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        BackupReplicationClient(region_name="us-east-1", **keywords)


def test_on_progress_must_be_callable(client: BackupReplicationClient) -> None:
    not_callable: Any = "no"
    with pytest.raises(TypeError, match="on_progress= must be callable, not 'no'"):
        client.replace_replication(source_db_instance_arn=SOURCE_ARN, on_progress=not_callable)


def test_ensure_replication_has_no_replace(client: BackupReplicationClient) -> None:
    """A program that still passes `replace=True` fails, instead of not replacing silently."""
    untyped: Any = client
    with pytest.raises(RequestValidationError, match=r"replace=.* is not a parameter"):
        untyped.ensure_replication(source_db_instance_arn=SOURCE_ARN, replace=True)


@pytest.mark.parametrize(
    ("parameter", "service", "expected"),
    [("source_client", "sts", "rds"), ("kms_client", "rds", "kms"), ("kms_client", "sts", "kms")],
)
def test_other_clients_must_be_for_their_service(
    session: Session, parameter: str, service: str, expected: str
) -> None:
    given: Any = {parameter: boto3_client(session, service)}
    message = f"{parameter}= must be a boto3 client for {expected}, not for {service}"
    with pytest.raises(TypeError, match=message):
        BackupReplicationClient(client=boto3_client(session, "rds"), **given)
    wrong: Any = {parameter: "us-west-2"}
    with pytest.raises(TypeError, match=f"{parameter}= must be a boto3 client, not str"):
        BackupReplicationClient(session=session, region_name="us-east-1", **wrong)


def test_boto3_client_and_region_are_read_only(session: Session) -> None:
    """An assignment would have no effect on the calls, so the client refuses it."""
    client: Any = BackupReplicationClient(session=session, region_name="us-east-1")
    for name in ("client", "region_name"):
        with pytest.raises(AttributeError):
            setattr(client, name, None)
