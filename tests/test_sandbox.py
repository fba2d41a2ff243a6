"""Tests of the sandbox: the replication lifecycle, RDS errors, listings and the server."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from boto3.session import Session
from botocore.exceptions import ClientError, EndpointConnectionError

from rds_backup_replication import BackupReplicationClient, DBInstanceAutomatedBackup
from rds_backup_replication.exceptions import (
    DBInstanceAlreadyExistsFault,
    DBInstanceAutomatedBackupNotFoundFault,
    DBInstanceAutomatedBackupQuotaExceededFault,
    DBInstanceNotFoundFault,
    InvalidDBInstanceAutomatedBackupStateFault,
    InvalidDBInstanceStateFault,
    InvalidParameterValueError,
    InvalidRestoreFault,
    KMSKeyNotAccessibleFault,
    ServiceError,
)
from rds_backup_replication.sandbox import Behavior, Sandbox

from .wire import SOURCE_ARN

Run = Callable[..., Sandbox]


@pytest.fixture
def run() -> Iterator[Run]:
    """Return a function that starts a sandbox with one source instance and the given behavior."""
    with ExitStack() as stack:

        def start(**settings: Any) -> Sandbox:
            sandbox = stack.enter_context(Sandbox(Behavior(**settings)))
            sandbox.create_db_instance("us-west-2")
            return sandbox

        yield start


@pytest.fixture
def sandbox(run: Run) -> Sandbox:
    return run()


@pytest.fixture
def client(sandbox: Sandbox) -> BackupReplicationClient:
    return sandbox.client("us-east-1")


def start(client: BackupReplicationClient, **keywords: Any) -> DBInstanceAutomatedBackup:
    arguments: dict[str, Any] = {"source_db_instance_arn": SOURCE_ARN, **keywords}
    return client.start_db_instance_automated_backups_replication(**arguments)


def stop(client: BackupReplicationClient) -> DBInstanceAutomatedBackup:
    return client.stop_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)


def describe(client: BackupReplicationClient, arn: str | None) -> DBInstanceAutomatedBackup:
    (backup,) = client.describe_db_instance_automated_backups(db_instance_automated_backups_arn=arn)
    return backup


def statuses(client: BackupReplicationClient, polls: int) -> list[str]:
    """Return the statuses of all backups, one entry for each poll."""
    polled: list[str] = []
    for _ in range(polls):
        backups = client.describe_db_instance_automated_backups()
        polled.append(" ".join(str(backup.status) for backup in backups))
    return polled


def source_status(sandbox: Sandbox) -> tuple[str, list[str]]:
    """Return the status of the source instance and the ARNs of its replicated backups."""
    rds = sandbox.boto3_client("rds", "us-west-2")
    (instance,) = rds.describe_db_instances(DBInstanceIdentifier="mydatabase")["DBInstances"]
    replications = instance.get("DBInstanceAutomatedBackupsReplications", [])
    return instance["DBInstanceStatus"], [r["DBInstanceAutomatedBackupsArn"] for r in replications]


# The replication lifecycle


def test_replication_lifecycle(
    client: BackupReplicationClient,
) -> None:
    assert start(client).status == "pending"
    assert statuses(client, 4) == ["Pending", "pending", "Replicating", "replicating"]
    assert stop(client).status == "replicating"
    assert statuses(client, 3) == ["Replicating", "retained", "Retained"]


def test_statuses_without_shifting_case(run: Run) -> None:
    client = run(shifting_case=False, pending_looks=1).client("us-east-1")
    start(client)
    assert statuses(client, 3) == ["pending", "replicating", "replicating"]


def test_retained_backup_expires(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    start(client, backup_retention_period=14)
    stop(client)
    sandbox.advance(timedelta(days=13, hours=23))
    assert statuses(client, 1) != [""]
    sandbox.advance(timedelta(hours=1))
    assert statuses(client, 1) == [""]


def test_restore_window_grows_until_stop(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    arn = start(client).db_instance_automated_backups_arn
    assert describe(client, arn).lag() is None
    describe(client, arn)
    window = describe(client, arn).restore_window
    assert window is not None
    assert window.earliest_time is not None
    assert window.earliest_time == window.latest_time
    sandbox.advance(timedelta(hours=2))
    later = describe(client, arn)
    lag = later.lag(datetime.now(timezone.utc) + timedelta(hours=2))
    assert lag is not None
    assert timedelta(minutes=5) <= lag < timedelta(minutes=6)
    stop(client)
    sandbox.advance(timedelta(hours=2))
    stopped = describe(client, arn).restore_window
    assert stopped is not None
    assert later.restore_window is not None
    assert stopped.latest_time is not None
    assert later.restore_window.latest_time is not None
    assert stopped.latest_time - later.restore_window.latest_time < timedelta(minutes=1)


def test_answer_lag_delays_every_change(run: Run) -> None:
    client = run(answer_lag=2, pending_looks=1, shifting_case=False).client("us-east-1")
    start(client)
    assert statuses(client, 4) == ["", "", "pending", "replicating"]
    stop(client)
    assert statuses(client, 4) == ["replicating"] * 3 + ["retained"]
    (backup,) = client.describe_db_instance_automated_backups()
    client.delete_db_instance_automated_backup(
        db_instance_automated_backups_arn=backup.db_instance_automated_backups_arn
    )
    assert statuses(client, 4) == ["retained", "retained", "deleting", ""]


def test_source_lists_replication_until_stopped(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    arn = start(client).db_instance_automated_backups_arn
    assert source_status(sandbox) == ("available", [arn])
    stop(client)
    assert source_status(sandbox) == ("modifying", [arn])
    assert source_status(sandbox) == ("available", [])


def test_deleted_source_retains_backups(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    start(client)
    sandbox.boto3_client("rds", "us-west-2").delete_db_instance(
        DBInstanceIdentifier="mydatabase", SkipFinalSnapshot=True
    )
    assert statuses(client, 2)[-1].lower() == "retained"
    with pytest.raises(DBInstanceNotFoundFault):
        stop(client)


def test_restart_keeps_retained_backup(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    first = start(client)
    stop(client)
    source_status(sandbox)
    source_status(sandbox)
    second = start(client)
    assert second.db_instance_automated_backups_arn != first.db_instance_automated_backups_arn
    assert len(list(client.describe_db_instance_automated_backups())) == 2


def test_delete_requires_retained_backup(client: BackupReplicationClient) -> None:
    started = start(client)
    arn = started.db_instance_automated_backups_arn

    def delete() -> DBInstanceAutomatedBackup:
        return client.delete_db_instance_automated_backup(db_instance_automated_backups_arn=arn)

    with pytest.raises(InvalidDBInstanceAutomatedBackupStateFault):
        delete()
    stop(client)
    assert delete().status == "deleting"
    with pytest.raises(InvalidDBInstanceAutomatedBackupStateFault):
        delete()
    assert [status.lower() for status in statuses(client, 2)] == ["deleting", ""]
    with pytest.raises(DBInstanceAutomatedBackupNotFoundFault):
        delete()
    with pytest.raises(DBInstanceAutomatedBackupNotFoundFault):
        describe(client, arn)


def test_delete_by_resource_id(
    client: BackupReplicationClient,
) -> None:
    resource_id = start(client).dbi_resource_id
    stop(client)
    deleted = client.delete_db_instance_automated_backup(dbi_resource_id=resource_id)
    assert deleted.dbi_resource_id == resource_id


# Errors


def test_start_in_source_region_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ClientError, match="Feature is not available in region us-west-2") as caught:
        sandbox.boto3_client("rds", "us-west-2").start_db_instance_automated_backups_replication(
            SourceDBInstanceArn=SOURCE_ARN
        )
    assert caught.value.response.get("Error", {}).get("Code") == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (
            {"BackupRetentionPeriod": 0},
            InvalidDBInstanceStateFault,
            "Source DB instance must have backup retention enabled.",
        ),
        (
            {"StorageEncrypted": True},
            InvalidParameterValueError,
            "Encrypted instances require a valid KMS key ID.",
        ),
        ({"Engine": "aurora-postgresql"}, InvalidParameterValueError, "Sandbox: automated backups"),
    ],
)
def test_start_of_unsupported_source_refused(
    sandbox: Sandbox,
    client: BackupReplicationClient,
    settings: dict[str, Any],
    error: type[ServiceError],
    message: str,
) -> None:
    if "Engine" in settings:
        sandbox.boto3_client("rds", "us-west-2").create_db_cluster(
            DBClusterIdentifier="cluster",
            Engine="aurora-postgresql",
            MasterUsername="admin1",
            MasterUserPassword="only-a-sandbox",
        )
        settings = {**settings, "DBClusterIdentifier": "cluster"}
    other = sandbox.create_db_instance("us-west-2", "other", **settings)
    with pytest.raises(error) as caught:
        start(client, source_db_instance_arn=other.db_instance_arn)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    "arn", [f"{SOURCE_ARN}x", SOURCE_ARN.replace("123456789012", "210987654321")]
)
def test_start_of_unknown_source_refused(client: BackupReplicationClient, arn: str) -> None:
    with pytest.raises(DBInstanceNotFoundFault) as caught:
        start(client, source_db_instance_arn=arn)
    assert caught.value.http_status_code == 404


def test_start_of_unavailable_source_refused(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    sandbox.boto3_client("rds", "us-west-2").stop_db_instance(DBInstanceIdentifier="mydatabase")
    with pytest.raises(InvalidDBInstanceStateFault, match="not available"):
        start(client)


def test_start_requires_destination_kms_key(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    kms = sandbox.boto3_client("kms", "us-east-1")
    key = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/backups", TargetKeyId=key["KeyId"])
    for missing in ("alias/nothing", f"{key['Arn'][:-4]}0000", key["KeyId"][:-4] + "0000"):
        with pytest.raises(KMSKeyNotAccessibleFault, match="does not exist, is not enabled"):
            start(client, kms_key_id=missing)
    assert start(client, kms_key_id="alias/backups").kms_key_id == key["Arn"]
    stop(client)
    source_status(sandbox)
    source_status(sandbox)
    other = kms.create_key()["KeyMetadata"]["Arn"]
    with pytest.raises(InvalidParameterValueError, match="another KMS key"):
        start(client, kms_key_id=other)
    kms.disable_key(KeyId=key["KeyId"])
    with pytest.raises(KMSKeyNotAccessibleFault):
        start(client, kms_key_id=key["Arn"])


def test_second_start_refused(client: BackupReplicationClient) -> None:
    start(client)
    with pytest.raises(InvalidDBInstanceAutomatedBackupStateFault, match="already replicating"):
        start(client)


def test_stop_without_replication_refused(client: BackupReplicationClient) -> None:
    with pytest.raises(InvalidDBInstanceStateFault, match="not replicating to the current region"):
        stop(client)


def test_quota_applies_per_destination(run: Run) -> None:
    sandbox = run(quota=1)
    second = sandbox.create_db_instance("us-west-2", "second").db_instance_arn
    start(sandbox.client("us-east-1"))
    with pytest.raises(DBInstanceAutomatedBackupQuotaExceededFault):
        start(sandbox.client("us-east-1"), source_db_instance_arn=second)
    start(sandbox.client("us-east-2"), source_db_instance_arn=second)


def test_unsupported_region_pair_refused(sandbox: Sandbox) -> None:
    with pytest.raises(InvalidParameterValueError, match="cannot be replicated to eu-south-1"):
        start(sandbox.client("eu-south-1"))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"Tags": [{"Key": "aws:x", "Value": "y"}]},
            'Tag keys cannot start with the reserved prefix "aws:".',
        ),
        ({"BackupRetentionPeriod": 36}, "Sandbox: 36 days"),
        (
            {"SourceDBInstanceArn": "mydatabase"},
            "Sandbox: mydatabase is not the ARN of a DB instance",
        ),
    ],
)
def test_invalid_parameters_refused(
    sandbox: Sandbox, parameters: dict[str, Any], message: str
) -> None:
    """The sandbox refuses parameters that this library's client would never send."""
    rds = sandbox.boto3_client("rds", "us-east-1")
    with pytest.raises(ClientError) as caught:
        rds.start_db_instance_automated_backups_replication(
            **{"SourceDBInstanceArn": SOURCE_ARN, **parameters}
        )
    assert message in str(caught.value)


def test_describe_with_arn_of_other_region_refused(sandbox: Sandbox) -> None:
    arn = "arn:aws:rds:us-west-2:123456789012:auto-backup:ab-x"
    with pytest.raises(ClientError, match="is invalid for this parameter"):
        sandbox.boto3_client("rds", "us-east-1").describe_db_instance_automated_backups(
            DBInstanceAutomatedBackupsArn=arn
        )


# Listings


def test_describe_filters(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    backup = start(client)
    ireland_source = sandbox.create_db_instance("eu-west-1")
    start(client, source_db_instance_arn=ireland_source.db_instance_arn)
    sandbox.create_db_instance("us-east-1", "own")

    def find(**keywords: Any) -> list[tuple[str | None, str | None]]:
        backups = client.describe_db_instance_automated_backups(**keywords)
        return [(backup.region, backup.db_instance_identifier) for backup in backups]

    west, ireland, own = (
        ("us-west-2", "mydatabase"),
        ("eu-west-1", "mydatabase"),
        ("us-east-1", "own"),
    )
    assert find() == [own, west, ireland]
    assert find(db_instance_identifier="MYDATABASE") == [west, ireland]
    assert find(dbi_resource_id=str(backup.dbi_resource_id).lower()) == [west]
    filters: list[tuple[str, str | None, list[tuple[str, str]]]] = [
        ("status", "active", [own]),
        ("db-instance-id", SOURCE_ARN, [west]),
        ("dbi-resource-id", backup.dbi_resource_id, [west]),
        ("status", "retained", []),
    ]
    for name, value, expected in filters:
        assert find(filters=[{"Name": name, "Values": [value]}]) == expected
    with pytest.raises(InvalidParameterValueError, match="filter 'color' is not supported"):
        find(filters=[{"Name": "color", "Values": ["red"]}])


def test_source_backup_lists_its_replication(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    arn = start(client).db_instance_automated_backups_arn
    second = sandbox.create_db_instance("us-west-2", "second")
    start(client, source_db_instance_arn=second.db_instance_arn)
    (own,) = sandbox.client("us-west-2").describe_db_instance_automated_backups(
        db_instance_identifier="mydatabase"
    )
    assert own.status == "active"
    assert own.db_instance_automated_backups_replications is not None
    (replication,) = own.db_instance_automated_backups_replications
    assert replication.db_instance_automated_backups_arn == arn


def test_describe_paginates(sandbox: Sandbox) -> None:
    for number in range(44):
        sandbox.create_db_instance("us-west-2", f"db{number}")
    backups = list(sandbox.client("us-west-2").describe_db_instance_automated_backups(page_size=20))
    assert len({backup.db_instance_identifier for backup in backups}) == 45
    assert len({backup.dbi_resource_id for backup in backups}) == 45


def test_region_pairs_are_directional(sandbox: Sandbox) -> None:
    def supported(source: str, destination: str) -> list[bool | None]:
        regions = sandbox.client(destination).describe_source_regions(region_name=source)
        return [region.supports_db_instance_automated_backups_replication for region in regions]

    assert supported("us-west-2", "us-east-1") == [True]
    assert supported("eu-south-1", "eu-central-1") == [True]
    assert supported("eu-central-1", "eu-south-1") == [False]
    assert supported("cn-north-1", "us-east-1") == []
    assert len(list(sandbox.client("us-gov-west-1").describe_source_regions())) == 1


def test_replication_within_govcloud(sandbox: Sandbox) -> None:
    instance = sandbox.create_db_instance("us-gov-east-1")
    backup = start(sandbox.client("us-gov-west-1"), source_db_instance_arn=instance.db_instance_arn)
    assert str(backup.db_instance_automated_backups_arn).startswith(
        "arn:aws-us-gov:rds:us-gov-west-1:123456789012:auto-backup:ab-"
    )


# Restores


def test_restore_from_replicated_backup(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    arn = str(start(client).db_instance_automated_backups_arn)

    def restore(**keywords: Any) -> Any:
        return client.restore_db_instance_to_point_in_time(
            source_db_instance_automated_backups_arn=keywords.pop("arn", arn),
            target_db_instance_identifier=keywords.pop("target", "restored"),
            **keywords,
        )

    with pytest.raises(InvalidRestoreFault, match="cannot be restored yet"):
        restore(use_latest_restorable_time=True)
    statuses(client, 3)
    sandbox.advance(timedelta(hours=1))
    now = datetime.now(timezone.utc)
    for outside in (now - timedelta(hours=1), now + timedelta(hours=2)):
        with pytest.raises(InvalidRestoreFault, match="is not between"):
            restore(restore_time=outside)
    restored = restore(use_latest_restorable_time=True, db_instance_class="db.m5.large")
    assert restored.db_instance_status == "creating"
    assert restored.db_instance_class == "db.m5.large"
    assert restored.engine == "postgres"
    described = sandbox.boto3_client("rds", "us-east-1").describe_db_instances(
        DBInstanceIdentifier="restored"
    )
    assert described["DBInstances"][0]["DBInstanceStatus"] == "available"
    with pytest.raises(DBInstanceAlreadyExistsFault):
        restore(use_latest_restorable_time=True)
    assert restore(restore_time=now + timedelta(minutes=30), target="earlier").db_instance_arn
    with pytest.raises(DBInstanceAutomatedBackupNotFoundFault):
        restore(arn=f"{arn}x", use_latest_restorable_time=True)


def test_restore_from_instance_uses_moto(sandbox: Sandbox) -> None:
    restored = sandbox.boto3_client("rds", "us-west-2").restore_db_instance_to_point_in_time(
        SourceDBInstanceIdentifier="mydatabase",
        TargetDBInstanceIdentifier="copy",
        UseLatestRestorableTime=True,
    )
    assert restored["DBInstance"]["DBInstanceIdentifier"] == "copy"


# The server


def test_second_sandbox_in_process_refused(client: BackupReplicationClient) -> None:
    with pytest.raises(RuntimeError, match="already runs a sandbox"), Sandbox():
        pass
    assert start(client).status == "pending"


def test_assumed_role_uses_its_account(sandbox: Sandbox) -> None:
    """An assumed role sees only the instances and backups of its own account."""
    role: dict[str, str] = sandbox.boto3_client("sts", "us-east-1").assume_role(
        RoleArn="arn:aws:iam::210987654321:role/dr", RoleSessionName="test"
    )["Credentials"]
    other = Session(
        aws_access_key_id=role["AccessKeyId"],
        aws_secret_access_key=role["SecretAccessKey"],
        aws_session_token=role["SessionToken"],
    )
    client = BackupReplicationClient(
        session=other, region_name="us-east-1", endpoint_url=sandbox.endpoint_url
    )
    with pytest.raises(DBInstanceNotFoundFault):
        start(client)
    with pytest.raises(DBInstanceNotFoundFault):
        start(client, source_db_instance_arn=SOURCE_ARN.replace("123456789012", "210987654321"))
    start(sandbox.client("us-east-1"))
    assert statuses(client, 1) == [""]


def test_reset_deletes_everything(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    start(client)
    sandbox.reset()
    assert statuses(client, 1) == [""]
    with pytest.raises(DBInstanceNotFoundFault):
        start(client)


def test_server_runs_only_within_block() -> None:
    sandbox = Sandbox()
    with sandbox:
        assert sandbox.endpoint_url.startswith("http://127.0.0.1:")
        client = sandbox.client("us-east-1")
        assert statuses(client, 1) == [""]
    with pytest.raises(EndpointConnectionError):
        statuses(client, 1)
    sandbox.stop()
    with sandbox:
        assert statuses(sandbox.client("us-east-1"), 1) == [""]


def test_port_in_use() -> None:
    """A port in use is an error, and a later sandbox can still start."""
    with socket.socket() as in_use:
        in_use.bind(("127.0.0.1", 0))
        in_use.listen()
        with pytest.raises(OSError, match="in use"), Sandbox(port=in_use.getsockname()[1]):
            pass
        command = [sys.executable, "-m", "rds_backup_replication.sandbox", "--port"]
        shell = subprocess.run(  # noqa: S603  # our own command
            [*command, str(in_use.getsockname()[1])], capture_output=True, text=True, check=False
        )
        assert (shell.returncode, shell.stderr.count("\n")) == (1, 1)
        assert "Try --port 0" in shell.stderr
    with Sandbox() as sandbox:
        assert sandbox.endpoint_url


@pytest.mark.parametrize(("module", "is_named"), [("moto", True), ("botocore", False)])
def test_missing_extra_named(module: str, *, is_named: bool) -> None:
    code = f"import sys; sys.modules['{module}'] = None; import rds_backup_replication.sandbox"
    run = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ},
    )
    assert run.returncode == 1
    assert ("pip install 'rds-backup-replication[sandbox]'" in run.stderr) == is_named


@pytest.mark.parametrize("stop_signal", ["INT", "TERM"])
def test_command_stops_despite_ignored_sigint(stop_signal: str) -> None:
    """A shell makes its background jobs ignore SIGINT."""
    command = f"trap '' INT; exec {sys.executable} -m rds_backup_replication.sandbox --port 0"
    with subprocess.Popen(["/bin/sh", "-c", command], stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        try:
            assert "listens on http://127.0.0.1:" in process.stdout.readline()
            while "Ctrl-C" not in process.stdout.readline():
                pass
            process.send_signal(getattr(signal, f"SIG{stop_signal}"))
            output, _ = process.communicate(timeout=20)
        finally:
            process.kill()  # a failure must not wait for a process that goes on
    assert output.endswith("Stopped.\n")
    assert process.returncode == 0
