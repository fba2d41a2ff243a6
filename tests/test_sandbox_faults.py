"""Tests of the sandbox's fault injection, and of settings that change while it runs."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, get_args

import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from rds_backup_replication import BackupReplicationClient, _operations, exceptions
from rds_backup_replication._restore import RESTORE
from rds_backup_replication._workflows.lookup import DESCRIBE_DB_INSTANCES
from rds_backup_replication.exceptions import (
    AccessDeniedError,
    DBInstanceAlreadyExistsFault,
    DBInstanceAutomatedBackupQuotaExceededFault,
    DBInstanceNotFoundFault,
    InternalFailureError,
    KMSKeyNotAccessibleFault,
    ServiceError,
    ServiceUnavailableError,
    ThrottlingError,
    WaitTimeoutError,
)
from rds_backup_replication.sandbox import Behavior, OperationName, Sandbox

from .wire import SOURCE_ARN

pytestmark = pytest.mark.once

START: OperationName = "start_db_instance_automated_backups_replication"
STOP: OperationName = "stop_db_instance_automated_backups_replication"
DESCRIBE: OperationName = "describe_db_instance_automated_backups"
ONE_ATTEMPT = Config(retries={"total_max_attempts": 1})
FAULT_METHODS = ("add_fault", "reset_connection", "lose_answer")


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    """Return the sandbox that all tests share, because its first RDS client is slow to create."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.reset()
    running.behavior = Behavior()
    return running


@pytest.fixture
def source(sandbox: Sandbox) -> None:
    sandbox.create_db_instance("us-west-2")


@pytest.fixture
def client(sandbox: Sandbox) -> BackupReplicationClient:
    return sandbox.client("us-east-1", config=ONE_ATTEMPT)


def start(client: BackupReplicationClient) -> None:
    client.start_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)


def statuses(client: BackupReplicationClient) -> list[str | None]:
    return [backup.status for backup in client.describe_db_instance_automated_backups()]


def inject(sandbox: Sandbox, name: str, operation: Any, **keywords: Any) -> None:
    """Call the fault method of this name."""
    fault = [ThrottlingError] if name == "add_fault" else []
    getattr(sandbox, name)(operation, *fault, **keywords)


# Error responses


@pytest.mark.usefixtures("source")
def test_fault_refuses_without_effect(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    sandbox.add_fault(START, KMSKeyNotAccessibleFault, message="No <key> & no grant.")
    with pytest.raises(KMSKeyNotAccessibleFault) as caught:
        start(client)
    assert caught.value.code == "KMSKeyNotAccessibleFault"
    assert caught.value.http_status_code == 400
    assert caught.value.message == "No <key> & no grant."
    assert caught.value.request_id
    assert statuses(client) == []
    start(client)


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        (DBInstanceNotFoundFault, "DBInstanceNotFound", 404),
        (ThrottlingError, "Throttling", 400),
        (AccessDeniedError, "AccessDenied", 403),
        (InternalFailureError, "InternalFailure", 500),
        (ServiceUnavailableError, "ServiceUnavailable", 503),
    ],
)
def test_fault_has_code_and_status_of_class(
    sandbox: Sandbox,
    client: BackupReplicationClient,
    fault: type[ServiceError],
    code: str,
    status: int,
) -> None:
    sandbox.add_fault(DESCRIBE, fault)
    with pytest.raises(fault) as caught:
        statuses(client)
    assert (caught.value.code, caught.value.http_status_code) == (code, status)
    assert caught.value.message.startswith("Sandbox:")
    error_type = {"Type": "Receiver" if status >= 500 else "Sender"}
    assert caught.value.response.get("Error", {}).items() >= error_type.items()


def test_every_fault_raises_its_own_class(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    faults = [
        value
        for value in vars(exceptions).values()
        if isinstance(value, type) and issubclass(value, ServiceError) and value is not ServiceError
    ]
    for fault in faults:
        sandbox.add_fault("describe_source_regions", fault)
    for fault in faults:
        with pytest.raises(ServiceError) as caught:
            list(client.describe_source_regions())
        assert type(caught.value) is fault


def test_fault_applies_to_given_number_of_requests(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    sandbox.add_fault(DESCRIBE, ThrottlingError, times=20)
    for _ in range(20):
        with pytest.raises(ThrottlingError):
            statuses(client)
    assert statuses(client) == []


def test_concurrent_requests_share_fault_count(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    sandbox.add_fault(DESCRIBE, ThrottlingError, times=20)

    def is_throttled(_: int) -> bool:
        try:
            statuses(client)
        except ThrottlingError:
            return True
        return False

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(is_throttled, range(40))) == 20


# Lost connections


@pytest.mark.usefixtures("source")
def test_reset_connection_has_no_effect(
    sandbox: Sandbox, client: BackupReplicationClient, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.reset_connection(START)
    with pytest.raises(ConnectionClosedError):
        start(client)
    assert statuses(client) == []
    start(client)
    assert caplog.records == []


@pytest.mark.usefixtures("source")
def test_lost_response_takes_effect(
    sandbox: Sandbox, client: BackupReplicationClient, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.lose_answer(START)
    with pytest.raises(ConnectionClosedError):
        start(client)
    assert statuses(client) == ["Pending"]
    assert caplog.records == []


def test_lost_response_of_refused_request(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    """The client sees a closed connection even if RDS refused the request."""
    sandbox.lose_answer(STOP)
    with pytest.raises(ConnectionClosedError):
        client.stop_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)


@pytest.mark.usefixtures("source")
def test_ensure_replication_after_lost_response(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    sandbox.lose_answer(START)
    result = client.ensure_replication(source_db_instance_arn=SOURCE_ARN)
    assert result.backup.db_instance_arn == SOURCE_ARN


# What all fault methods have in common


@pytest.mark.parametrize("name", FAULT_METHODS)
def test_fault_limited_to_operation_and_region(
    sandbox: Sandbox, client: BackupReplicationClient, name: str
) -> None:
    inject(sandbox, name, DESCRIBE, region_name="us-east-1")
    list(client.describe_source_regions())
    statuses(sandbox.client("eu-west-1"))
    with pytest.raises((ThrottlingError, ConnectionClosedError)):
        statuses(client)
    statuses(client)


@pytest.mark.parametrize("name", FAULT_METHODS)
def test_fault_without_operation_covers_only_rds(
    sandbox: Sandbox, client: BackupReplicationClient, name: str
) -> None:
    inject(sandbox, name, None, times=2)
    sandbox.boto3_client("kms", "us-east-1", config=ONE_ATTEMPT).list_keys()
    source = sandbox.boto3_client("rds", "us-west-2", config=ONE_ATTEMPT)
    for call in (source.describe_db_snapshots, lambda: statuses(client)):
        with pytest.raises((source.exceptions.ClientError, ConnectionClosedError)):
            call()
    statuses(client)


@pytest.mark.parametrize("name", FAULT_METHODS)
def test_fault_without_times_lasts_until_reset(
    sandbox: Sandbox, client: BackupReplicationClient, name: str
) -> None:
    inject(sandbox, name, DESCRIBE, times=None)
    for _ in range(3):
        with pytest.raises((ThrottlingError, ConnectionClosedError)):
            statuses(client)
    sandbox.reset()
    assert statuses(client) == []


def test_faults_apply_in_order_added(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    sandbox.add_fault(STOP, AccessDeniedError)
    sandbox.add_fault(DESCRIBE, ThrottlingError)
    sandbox.reset_connection(None)
    sandbox.add_fault(DESCRIBE, InternalFailureError)
    for error in (ThrottlingError, ConnectionClosedError, InternalFailureError):
        with pytest.raises(error):
            statuses(client)
    assert statuses(client) == []


@pytest.mark.parametrize("name", FAULT_METHODS)
def test_invalid_operation_or_times_refused(sandbox: Sandbox, name: str) -> None:
    with pytest.raises(
        ValueError, match=f"'StopReplication' is not an operation.*{DESCRIBE}.*{STOP}"
    ):
        inject(sandbox, name, "StopReplication")
    with pytest.raises(ValueError, match="times=0 must be"):
        inject(sandbox, name, STOP, times=0)


def test_fault_without_error_code_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="subclasses"):
        sandbox.add_fault(STOP, ServiceError)


def test_operation_names_cover_client(sandbox: Sandbox) -> None:
    operations = (*vars(_operations).values(), RESTORE, DESCRIBE_DB_INSTANCES)
    called = {value.name for value in operations if isinstance(value, _operations.Operation)}
    names = sandbox.boto3_client("rds", "us-east-1").meta.method_to_api_mapping
    assert {names[name] for name in get_args(OperationName)} >= called


def test_botocore_retries_use_up_faults(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def pause(_: float) -> None:
        """Return at once."""

    monkeypatch.setattr("botocore.endpoint.time.sleep", pause)
    sandbox.add_fault(DESCRIBE, ThrottlingError, times=3)
    twice = Config(retries={"total_max_attempts": 2, "mode": "standard"})
    with pytest.raises(ThrottlingError):
        statuses(sandbox.client("us-east-1", config=twice))
    assert statuses(sandbox.client("us-east-1", config=twice)) == []


# Settings, waits and sources


@pytest.mark.usefixtures("source")
def test_new_behavior_applies_to_later_starts(
    sandbox: Sandbox, client: BackupReplicationClient
) -> None:
    assert sandbox.behavior == Behavior()
    start(client)
    sandbox.behavior = Behavior(answer_lag=1, pending_looks=1, shifting_case=False)
    other = sandbox.client("us-east-2")
    start(other)
    assert [statuses(client) for _ in range(3)] == [["Pending"], ["pending"], ["Replicating"]]
    assert [statuses(other) for _ in range(3)] == [[], ["pending"], ["replicating"]]
    sandbox.reset()
    assert sandbox.behavior.answer_lag == 1


@pytest.mark.usefixtures("source")
def test_new_quota_applies_at_once(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    sandbox.behavior = Behavior(quota=0)
    with pytest.raises(DBInstanceAutomatedBackupQuotaExceededFault):
        start(client)


@pytest.mark.usefixtures("source")
def test_waits_take_no_time(sandbox: Sandbox, client: BackupReplicationClient) -> None:
    sandbox.behavior = Behavior(pending_looks=30)
    start(client)
    begin = time.monotonic()
    with pytest.raises(WaitTimeoutError):
        client.wait_until_replicating(
            source_db_instance_arn=SOURCE_ARN, timeout=timedelta(minutes=5)
        )
    assert client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN).is_replicating
    assert time.monotonic() - begin < 5


def test_config_overrides_sandbox_settings(sandbox: Sandbox) -> None:
    config = Config(read_timeout=7)
    clients: list[Any] = [
        sandbox.client("us-east-1", config=config).client,
        sandbox.boto3_client("kms", "us-east-1", config=config),
    ]
    for client in clients:
        assert (client.meta.config.read_timeout, client.meta.config.proxies) == (7, {})


def test_create_db_instance_settings(sandbox: Sandbox) -> None:
    sandbox.create_db_instance("us-west-2")
    with pytest.raises(sandbox.boto3_client("rds", "us-west-2").exceptions.ClientError) as caught:
        sandbox.create_db_instance("us-west-2")
    assert DBInstanceAlreadyExistsFault.__name__.startswith(caught.value.response["Error"]["Code"])
    orders = sandbox.create_db_instance("eu-west-1", "orders", Engine="mysql", AllocatedStorage=50)
    assert orders.db_instance_arn == "arn:aws:rds:eu-west-1:123456789012:db:orders"
    assert (orders.engine, orders.allocated_storage) == ("mysql", 50)
    assert (orders.db_instance_class, orders.backup_retention_period) == ("db.t3.micro", 7)
