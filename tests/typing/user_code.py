"""Typical user code, which mypy and pyright check and nothing runs."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Literal

from boto3.session import Session
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError
from types_boto3_rds import RDSClient
from typing_extensions import assert_type

from rds_backup_replication import (
    BackupReplicationClient,
    BackupStatus,
    CheckReason,
    CheckResult,
    DBInstance,
    DBInstanceAutomatedBackup,
    DescribeDBInstanceAutomatedBackupsRequest,
    Endpoint,
    EnsureResult,
    Filter,
    ReplacementProgress,
    RestoreDBInstanceToPointInTimeRequest,
    RestoreWindow,
    SourceRegion,
    StartDBInstanceAutomatedBackupsReplicationRequest,
    Tag,
)
from rds_backup_replication.aio import AsyncBackupReplicationClient
from rds_backup_replication.exceptions import (
    InvalidParameter,
    KMSKeyNotAccessibleFault,
    ReplacementError,
    ReplicationBlockedError,
    ReplicationDriftError,
    RequestValidationError,
    ResponseValidationError,
    ServiceError,
    WaitTimeoutError,
)
from rds_backup_replication.testing import (
    ReplicationStubber,
    instant_waits,
    make_automated_backup,
    make_source_region,
    make_start_db_instance_automated_backups_replication_request,
    make_tag,
    stub_all_clients,
)

SOURCE_ARN = "arn:aws:rds:us-west-2:123456789012:db:mydatabase"
BACKUP_ARN = "arn:aws:rds:us-east-1:123456789012:auto-backup:ab-example"


def construct(boto3_client: BaseClient, source_client: BaseClient, kms_client: BaseClient) -> None:
    BackupReplicationClient(region_name="us-east-1")
    BackupReplicationClient(client=boto3_client)
    BackupReplicationClient(client=boto3_client, source_client=source_client, kms_client=kms_client)
    client = BackupReplicationClient(
        session=Session(profile_name="dr"),
        region_name="us-east-1",
        config=Config(retries={"mode": "adaptive"}),
        endpoint_url="http://127.0.0.1:5000",
    )
    assert_type(client.client, RDSClient)
    assert_type(client.client.describe_db_instances()["Marker"], str)
    assert_type(client.region_name, str)


def operations(client: BackupReplicationClient) -> None:
    started = client.start_db_instance_automated_backups_replication(
        source_db_instance_arn=SOURCE_ARN,
        backup_retention_period=14,
        kms_key_id="alias/backups",
        tags=[Tag(key="env", value="prod"), {"Key": "team", "Value": "dba"}],
    )
    assert_type(started, DBInstanceAutomatedBackup)
    client.start_db_instance_automated_backups_replication(
        source_db_instance_arn=SOURCE_ARN, tags={"env": "prod", "stoppable": None}
    )
    stopped = client.stop_db_instance_automated_backups_replication(
        source_db_instance_arn=SOURCE_ARN
    )
    assert_type(stopped, DBInstanceAutomatedBackup)
    listed = client.describe_db_instance_automated_backups(
        filters=[Filter(name="status", values=["retained"])], page_size=50
    )
    assert_type(listed, Iterator[DBInstanceAutomatedBackup])
    deleted = client.delete_db_instance_automated_backup(dbi_resource_id="db-EXAMPLE")
    assert_type(deleted, DBInstanceAutomatedBackup)
    assert_type(client.describe_source_regions(), Iterator[SourceRegion])
    restored = client.restore_db_instance_to_point_in_time(
        source_db_instance_automated_backups_arn=BACKUP_ARN,
        target_db_instance_identifier="restored",
        restore_time=datetime(2026, 11, 24, tzinfo=timezone.utc),
        db_instance_class="db.t3.micro",
        multi_az=True,
        tags={"env": "drill"},
    )
    assert_type(restored, DBInstance)
    assert_type(restored.endpoint, Endpoint | None)


def composed_methods(client: BackupReplicationClient) -> None:
    found = client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN)
    assert_type(found, DBInstanceAutomatedBackup | None)
    waited = client.wait_until_replicating(
        source_db_instance_arn=SOURCE_ARN,
        timeout=timedelta(hours=2),
        on_poll=lambda backup: backup and backup.status,
    )
    assert_type(waited, DBInstanceAutomatedBackup)
    stopped = client.wait_until_stopped(db_instance_automated_backups_arn=BACKUP_ARN)
    assert_type(stopped, DBInstanceAutomatedBackup | None)
    of_resource = client.find_replicated_backup(
        source_db_instance_arn=SOURCE_ARN, dbi_resource_id="db-EXAMPLE"
    )
    assert_type(of_resource, DBInstanceAutomatedBackup | None)
    result = client.ensure_replication(source_db_instance_arn=SOURCE_ARN)
    assert_type(result, EnsureResult)
    assert_type(result.action, Literal["started", "unchanged", "replaced"])
    assert_type(result.backup, DBInstanceAutomatedBackup)
    assert_type(result.source_checked, bool)
    replaced = client.replace_replication(
        source_db_instance_arn=SOURCE_ARN,
        tags={"env": "prod"},
        timeout=timedelta(hours=2),
        poll_interval=timedelta(seconds=10),
        on_progress=show_progress,
    )
    assert_type(replaced, EnsureResult)
    ended = client.ensure_stopped(source_db_instance_arn=SOURCE_ARN)
    assert_type(ended, DBInstanceAutomatedBackup | None)
    check = client.check_replication(
        source_db_instance_arn=SOURCE_ARN,
        kms_key_id="alias/backups",
        backup_retention_period=14,
        tags=[Tag(key="env", value="prod")],
    )
    assert_type(check, CheckResult)
    assert_type(check.blockers, tuple[CheckReason, ...])
    assert_type(check.unchecked, tuple[CheckReason, ...])
    assert_type(check.is_clear, bool)
    assert_type([reason.remedy for reason in check], list[str])


def show_progress(progress: ReplacementProgress) -> None:
    assert_type(progress.phase, Literal["preflight", "stop", "wait", "start"])
    assert_type(progress.backup, DBInstanceAutomatedBackup | None)


def queue_responses(client: BackupReplicationClient) -> None:
    with ReplicationStubber(client) as stubber, stub_all_clients() as other, instant_waits():
        assert_type(stubber, ReplicationStubber)
        assert_type(other, ReplicationStubber)
        stubber.add_start(expected={"source_db_instance_arn": SOURCE_ARN}, status="pending")
        stubber.add_describe([make_automated_backup(), [make_automated_backup(status="pending")]])
        stubber.add_describe([make_source_region()])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
        stubber.add_fault("describe_source_regions", KMSKeyNotAccessibleFault, message="No.")
    backup = make_automated_backup(db_instance_arn=SOURCE_ARN, backup_retention_period=14)
    assert_type(backup, DBInstanceAutomatedBackup)
    assert_type(make_tag(key="env"), Tag)
    assert_type(
        make_start_db_instance_automated_backups_replication_request(tags={"env": "prod"}),
        StartDBInstanceAutomatedBackupsReplicationRequest,
    )
    make_tag(kay="env")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    make_automated_backup(retention=14)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    stubber.add_fault("start", KMSKeyNotAccessibleFault)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def read(backup: DBInstanceAutomatedBackup) -> None:
    assert_type(backup.restore_window, RestoreWindow | None)
    assert_type(backup.lag(), timedelta | None)
    assert_type(backup.is_replicating, bool)
    assert_type(backup.tag_list, tuple[Tag, ...] | None)
    assert_type(backup.status == "replicating", bool)
    assert_type(BackupStatus.RETAINED, BackupStatus)
    assert_type([tag.key for tag in backup.tag_list or ()], list[str])


def build() -> None:
    """Construct requests and results under their Python names, without a plugin."""
    StartDBInstanceAutomatedBackupsReplicationRequest(
        source_db_instance_arn=SOURCE_ARN, backup_retention_period=7, tags=[Tag(key="env")]
    )
    DescribeDBInstanceAutomatedBackupsRequest(filters=[Filter(name="status", values=["active"])])
    RestoreDBInstanceToPointInTimeRequest(
        source_db_instance_automated_backups_arn=BACKUP_ARN,
        target_db_instance_identifier="restored",
        use_latest_restorable_time=True,
        port=5432,
        domain_dns_ips=["10.0.0.1", "10.0.0.2"],
    )
    DBInstanceAutomatedBackup(
        status="replicating",
        restore_window=RestoreWindow(latest_time=datetime.now(timezone.utc)),
        tag_list=(Tag(key="env", value="prod"),),
        iam_database_authentication_enabled=True,
    )


def handle(client: BackupReplicationClient) -> None:
    try:
        operations(client)
    except RequestValidationError as error:
        assert_type(error.errors, tuple[InvalidParameter, ...])
    except ResponseValidationError as error:
        assert_type(error.reason, str)
    except WaitTimeoutError as error:
        assert_type(error.last_backup, DBInstanceAutomatedBackup | None)
    except ReplicationBlockedError as error:
        assert_type(error.blockers, tuple[CheckReason, ...])
    except ReplacementError as error:
        assert_type(error.phase, Literal["preflight", "stop", "wait", "start"])
        assert_type(error.former, StartDBInstanceAutomatedBackupsReplicationRequest)
        assert_type(error.last_backup, DBInstanceAutomatedBackup | None)
        assert_type(error.is_protected, bool | None)
    except ReplicationDriftError as error:
        assert_type(error.differences[0].uncertainty, str | None)
    except KMSKeyNotAccessibleFault as error:
        assert_type(error.hint, str | None)
    except ServiceError as error:
        assert_type(error.code, str)
        assert_type(error.http_status_code, int | None)
    except ClientError:
        pass


async def use_async_client() -> None:
    async with AsyncBackupReplicationClient(region_name="us-east-1") as client:
        result = await client.ensure_replication(
            source_db_instance_arn=SOURCE_ARN, backup_retention_period=14
        )
        assert_type(result, EnsureResult)
        async for backup in client.describe_db_instance_automated_backups(page_size=20):
            assert_type(backup, DBInstanceAutomatedBackup)
        assert_type(client.client, RDSClient)
        instance = await client.restore_db_instance_to_point_in_time(
            source_db_instance_automated_backups_arn=BACKUP_ARN,
            target_db_instance_identifier="restored",
            use_latest_restorable_time=True,
            multi_az=True,
        )
        assert_type(instance, DBInstance)
        await client.ensure_replication(source_arn=SOURCE_ARN)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        await client.ensure_replication(SOURCE_ARN)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def misuse(client: BackupReplicationClient) -> None:
    """Make one type error per statement; checkers report an ignore comment that is not needed."""
    client.stop_db_instance_automated_backups_replication(SOURCE_ARN)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.start_db_instance_automated_backups_replication(
        source_db_instance_arn=SOURCE_ARN,
        backup_retention_period="14",  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    )
    client.restore_db_instance_to_point_in_time(  # type: ignore[call-arg]
        source_db_instance_automated_backups_arn=BACKUP_ARN,
        target_db_instance_identifier="restored",
        multi_as=True,  # pyright: ignore[reportCallIssue]
    )
