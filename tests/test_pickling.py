"""Tests that models, requests, records and errors survive pickling."""

import inspect
import pickle
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from pydantic import BaseModel

import rds_backup_replication
from rds_backup_replication import DBInstanceAutomatedBackup, exceptions, fleet, testing
from rds_backup_replication.exceptions import (
    Difference,
    InvalidParameter,
    PlanRefusedError,
    PolicyError,
    RecoveryRefusedError,
    ReplacementError,
    ReplicationBlockedError,
    ReplicationDriftError,
    ReplicationStoppedError,
    RequestValidationError,
    ResponseValidationError,
    ServiceError,
    WaitTimeoutError,
)

from .fleet_examples import FLEET_EXAMPLES
from .fleets import policy
from .loopback import REQUEST_ID
from .wire import SOURCE_ARN

BACKUP = DBInstanceAutomatedBackup.model_validate(
    {"DBInstanceArn": SOURCE_ARN, "Status": "Replicating", "BrandNew": {"nested": [1]}}
)
DIFFERENCE = Difference("kms_key_id", "alias/a", None, "RDS names no key")
INVALID_PARAMETER = InvalidParameter("tags[0].key", "'aws:x'", "must not begin with aws:")
CHECK_REASON = testing.make_check_reason()
POLICY = policy(more="    tags: {owner: platform}\n")
RECORDS = (
    fleet.Access(profile_name="ours", endpoint_url="http://127.0.0.1:5000"),
    *(POLICY, POLICY.accounts[0], POLICY.rules[0], POLICY.rules[0].select),
    *FLEET_EXAMPLES,
    *(CHECK_REASON, fleet.FleetReason.of(CHECK_REASON)),
)
FACTORIES: dict[str, Callable[[], object]] = {
    name: getattr(testing, name) for name in testing.__all__ if name.startswith("make_")
}


def service_error(kind: type[ServiceError]) -> ServiceError:
    response = {
        "Error": {"Code": kind.__name__, "Message": "No entry.", "Type": "Sender"},
        "ResponseMetadata": {"RequestId": REQUEST_ID, "HTTPStatusCode": 400, "RetryAttempts": 2},
    }
    return kind(response, "StartDBInstanceAutomatedBackupsReplication", "Do this.")


def timed_out() -> WaitTimeoutError:
    error = WaitTimeoutError("end of the replication", timedelta(hours=1), BACKUP)
    error.__cause__ = ReadTimeoutError(endpoint_url="https://rds.us-east-1.amazonaws.com/")
    return error


CLIENT_ERRORS: dict[str, Callable[[], Exception]] = {
    "BackupReplicationError": lambda: exceptions.BackupReplicationError("Something."),
    "RequestValidationError": lambda: RequestValidationError("Start", [INVALID_PARAMETER] * 2),
    "OutdatedBoto3Error": lambda: exceptions.OutdatedBoto3Error("Start", "tags", "1.2", "1.3"),
    "ResponseValidationError": lambda: ResponseValidationError(
        "Start", "it is no XML", {"status_code": 200, "headers": {"a": "b"}, "body": b"\xff<"}
    ),
    "ReplicationDriftError": lambda: ReplicationDriftError(BACKUP, [DIFFERENCE]),
    "ReplicationBlockedError": lambda: ReplicationBlockedError(SOURCE_ARN, [CHECK_REASON] * 2),
    "ReplacementError": lambda: ReplacementError(
        "start",
        testing.make_start_db_instance_automated_backups_replication_request(),
        BACKUP,
        is_protected=False,
        reason="The quota is used up.",
    ),
    "ReplicationStoppedError": lambda: ReplicationStoppedError(BACKUP),
    "WaitTimeoutError": timed_out,
    "PolicyError": lambda: PolicyError("policy.yaml", ["4: rules[0].name: must be given"]),
    "PlanRefusedError": lambda: PlanRefusedError(["The plan is 3d old.", "Too many stops."]),
    "RecoveryRefusedError": lambda: RecoveryRefusedError(["The book was edited.", "It is old."]),
}
ERRORS = {
    name: kind
    for name, kind in vars(exceptions).items()
    if inspect.isclass(kind)
    and issubclass(kind, exceptions.BackupReplicationError)
    and kind.__module__ == exceptions.__name__
}


def fields(error: Exception) -> dict[str, object]:
    """Return the public attributes of an error."""
    return {name: value for name, value in vars(error).items() if not name.startswith("_")}


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", ERRORS)
def test_every_error_survives_pickling(name: str, protocol: int) -> None:
    kind = ERRORS[name]
    error = service_error(kind) if issubclass(kind, ServiceError) else CLIENT_ERRORS[name]()
    twin = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301
    assert type(twin) is type(error) is kind
    assert (str(twin), repr(twin)) == (str(error), repr(error))
    assert twin.args == error.args
    assert fields(twin) == fields(error)
    again = pickle.loads(pickle.dumps(twin, protocol))  # noqa: S301
    assert str(again) == str(error)


def test_wait_timeout_keeps_text_of_last_failure() -> None:
    error = timed_out()
    assert "The last poll failed: Read timeout" in str(error)
    assert "The last poll failed: Read timeout" in str(pickle.loads(pickle.dumps(error)))  # noqa: S301


def test_service_error_stays_a_client_error() -> None:
    twin = pickle.loads(pickle.dumps(service_error(exceptions.ThrottlingError)))  # noqa: S301
    assert isinstance(twin, ClientError)
    assert twin.response.get("ResponseMetadata", {}).get("RetryAttempts") == 2


@pytest.mark.parametrize("name", FACTORIES)
def test_every_model_survives_pickling(name: str) -> None:
    value = FACTORIES[name]()
    twin = pickle.loads(pickle.dumps(value))  # noqa: S301
    assert type(twin) is type(value)
    assert (twin, str(twin), repr(twin)) == (value, str(value), repr(value))
    if isinstance(value, BaseModel) and isinstance(twin, BaseModel):
        assert twin.model_dump() == value.model_dump()
        assert twin.model_extra == value.model_extra
        assert twin.model_fields_set == value.model_fields_set


@pytest.mark.parametrize("value", [*RECORDS, DIFFERENCE, INVALID_PARAMETER, BACKUP])
def test_every_record_survives_pickling(value: object) -> None:
    twin = pickle.loads(pickle.dumps(value))  # noqa: S301
    assert (type(twin), twin, str(twin)) == (type(value), value, str(value))


def test_every_public_type_is_covered() -> None:
    covered: set[type] = {type(make()) for make in FACTORIES.values()} | {
        type(value) for value in RECORDS
    }
    public: dict[str, Any] = {
        name: getattr(module, name)
        for module in (rds_backup_replication, fleet)
        for name in module.__all__
    }
    models = {
        kind for kind in public.values() if inspect.isclass(kind) and issubclass(kind, BaseModel)
    }
    assert {kind.__name__ for kind in models - covered} == set()
    client_errors = {name for name, kind in ERRORS.items() if not issubclass(kind, ServiceError)}
    assert client_errors == set(CLIENT_ERRORS)
