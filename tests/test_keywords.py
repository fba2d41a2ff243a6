"""Tests of calls with positional arguments, boto3's names, and names that do not exist."""

import inspect
from typing import Any

import anyio
import pytest
from botocore import xform_name

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication._models._base import aws_name
from rds_backup_replication.aio import AsyncBackupReplicationClient
from rds_backup_replication.exceptions import RequestValidationError

from . import validation_cases
from .flavors import BACKENDS
from .validation_cases import RESTORE, Recorder, errors_of
from .wire import BACKUP_ARN, SOURCE_ARN, ScriptedRDS

sent = validation_cases.sent

METHODS = [
    name
    for name, _ in inspect.getmembers(BackupReplicationClient, inspect.isfunction)
    if not name.startswith("_") and name != "close"  # it has no parameters
]
# Arguments that AWS has no name for.
OWN_NAMES = {"on_poll", "on_progress", "page_size", "poll_interval", "timeout"}


def parameters_of(name: str) -> list[str]:
    parameters = inspect.signature(getattr(BackupReplicationClient, name)).parameters.values()
    return [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]


@pytest.mark.parametrize("name", METHODS)
def test_positional_argument_names_public_method(
    client: BackupReplicationClient, sent: Recorder, name: str
) -> None:
    with pytest.raises(TypeError) as caught:
        getattr(client, name)(SOURCE_ARN)
    text = str(caught.value)
    start = f"BackupReplicationClient.{name}() takes keyword arguments only; pass "
    assert text.startswith(start)
    assert {part.removesuffix("=…") for part in text.removeprefix(start).split(", ")} <= set(
        parameters_of(name)
    )
    assert SOURCE_ARN not in text
    assert not sent.bodies


@pytest.mark.parametrize("name", METHODS)
def test_every_method_reports_all_names_at_once(
    client: BackupReplicationClient, sent: Recorder, name: str
) -> None:
    """A call without any valid name says what each name should be, and what is missing."""
    given = {aws_name(each): 5 for each in parameters_of(name) if each not in OWN_NAMES}
    with pytest.raises(RequestValidationError) as caught:
        getattr(client, name)(**given, qqq="secret")
    found = {error.parameter: error for error in caught.value.errors}
    for each in given:
        assert found[each].message == f"is boto3's name; pass {xform_name(each)}"
        assert found[each].given == "(hidden)"
    assert found["qqq"].message == "is not a parameter"
    assert found["qqq"].given == "(hidden)"
    assert not sent.bodies


@pytest.mark.parametrize("name", METHODS)
def test_missing_parameter_is_reported(
    client: BackupReplicationClient, sent: Recorder, name: str
) -> None:
    parameters = inspect.signature(getattr(client, name)).parameters
    required = {n for n, each in parameters.items() if each.default is each.empty} - {"options"}
    if required:
        found = errors_of(getattr(client, name))
        for each in required:
            assert str(found[each]) == f"{each}=(missing) is required"
    assert not sent.bodies


def test_boto3_names_come_with_all_other_errors(client: BackupReplicationClient) -> None:
    untyped: Any = client
    with pytest.raises(RequestValidationError) as caught:
        untyped.start_db_instance_automated_backups_replication(
            SourceDBInstanceArn=SOURCE_ARN, backup_retention_period=99, kms_key="alias/a"
        )
    assert str(caught.value) == (
        "StartDBInstanceAutomatedBackupsReplication was not sent:\n"
        "  SourceDBInstanceArn=(hidden) is boto3's name; pass source_db_instance_arn\n"
        "  kms_key=(hidden) is not a parameter; did you mean kms_key_id?\n"
        "  backup_retention_period=99 must be a whole number of days from 1 to 35"
    )


def test_page_size_has_another_name(client: BackupReplicationClient) -> None:
    found = errors_of(client.describe_db_instance_automated_backups, MaxRecords=5, Marker="x")
    assert found["MaxRecords"].message == "is boto3's name; pass page_size"
    assert found["page_size"].given == "5"
    assert found["Marker"].message == "is not a parameter"


def test_valid_call_with_boto3_names_is_not_sent(
    client: BackupReplicationClient, sent: Recorder
) -> None:
    restore = client.restore_db_instance_to_point_in_time
    assert set(errors_of(restore, **RESTORE, UseLatestRestorableTime=True, MultiAZ=True)) == {
        "UseLatestRestorableTime",
        "MultiAZ",
    }
    assert set(errors_of(client.ensure_stopped, SourceDBInstanceArn=SOURCE_ARN)) == {
        "SourceDBInstanceArn"
    }
    assert not sent.bodies


def test_dict_as_only_argument(client: BackupReplicationClient) -> None:
    untyped: Any = client
    with pytest.raises(TypeError) as caught:
        untyped.ensure_replication({"SourceDBInstanceArn": SOURCE_ARN, "Tags": [], "Foo": 1})
    assert str(caught.value) == (
        "BackupReplicationClient.ensure_replication() takes keyword arguments, not a dict; "
        "pass source_db_instance_arn=…, tags=…"
    )


def test_constructor_explains_its_arguments() -> None:
    untyped: Any = BackupReplicationClient
    with pytest.raises(TypeError) as caught:
        untyped("us-east-1")
    text = "BackupReplicationClient() takes keyword arguments only; pass client=…, region_name=…, "
    assert str(caught.value).startswith(text)
    with pytest.raises(RequestValidationError) as invalid:
        untyped(region="us-east-1")
    assert str(invalid.value) == (
        "BackupReplicationClient was not created:\n"
        "  region=(hidden) is not a parameter; did you mean region_name?"
    )


def test_subclass_of_user_is_named_by_public_class(client: BackupReplicationClient) -> None:
    class Own(BackupReplicationClient):
        def greet(self) -> str:
            return "hello"

    own: Any = Own(client=client.client)
    with pytest.raises(TypeError, match=r"^BackupReplicationClient\.ensure_stopped\(\) takes"):
        own.ensure_stopped(1)
    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        own.greet(1)  # the methods of a subclass are not changed


def test_type_error_of_callback_passes_through(
    client: BackupReplicationClient, sent: Recorder
) -> None:
    def fail(_: object) -> None:
        raise TypeError("mine")

    with pytest.raises(TypeError, match=r"^mine$"):
        client.wait_until_replicating(db_instance_automated_backups_arn=BACKUP_ARN, on_poll=fail)
    assert sent.bodies


@pytest.mark.parametrize("backend", BACKENDS)
def test_async_client_reports_the_same(rds: ScriptedRDS, backend: str) -> None:
    client: Any = AsyncBackupReplicationClient(client=rds.client().client)

    async def errors_of_awaited(name: str, **keywords: object) -> set[str]:
        with pytest.raises(RequestValidationError) as caught:
            await getattr(client, name)(**keywords)
        return {error.parameter for error in caught.value.errors}

    async def run() -> None:
        for name in ("start_db_instance_automated_backups_replication", "ensure_replication"):
            assert await errors_of_awaited(
                name, SourceDBInstanceArn=SOURCE_ARN, backup_retention_period=99
            ) == {"SourceDBInstanceArn", "backup_retention_period"}
            assert await errors_of_awaited(name) == {"source_db_instance_arn"}
        assert await errors_of_awaited(
            "wait_until_replicating", SourceDBInstanceArn=SOURCE_ARN, timeout=7
        ) == {"SourceDBInstanceArn", "timeout"}
        with pytest.raises(TypeError, match=r"^AsyncBackupReplicationClient\.ensure_replication\("):
            await client.ensure_replication(SOURCE_ARN)

    anyio.run(run, backend=backend)
    with pytest.raises(RequestValidationError):
        client.describe_db_instance_automated_backups(MaxRecords=7)
    assert rds.received == []
