"""Tests that a call with any arguments is refused before it sends a request, or is valid."""

from collections import deque
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
from botocore import xform_name
from botocore.model import OperationModel
from hypothesis import given, settings
from hypothesis import strategies as st

from rds_backup_replication.exceptions import RequestValidationError

from ..loopback import Response, result_xml
from ..wire import BACKUP_ARN, SOURCE_ARN
from .calls import PLACES, TIMES, Call, Offer, calls, keyword, members_of
from .figures import FIGURES, scaled
from .invalid import invalid_values
from .junk import Hostile, Unhashable
from .oracle import objections, wire_objections
from .transport import service_model, wire_to

OPERATIONS = {
    "StartDBInstanceAutomatedBackupsReplication": "DBInstanceAutomatedBackup",
    "StopDBInstanceAutomatedBackupsReplication": "DBInstanceAutomatedBackup",
    "DescribeDBInstanceAutomatedBackups": "DBInstanceAutomatedBackups",
    "DeleteDBInstanceAutomatedBackup": "DBInstanceAutomatedBackup",
    "DescribeSourceRegions": "SourceRegions",
    "RestoreDBInstanceToPointInTime": "DBInstance",
}


def call_and_judge(operation: OperationModel, call: Call) -> None:
    """Call the method, and judge its refusal or the request that it sends."""
    wire = wire_to(call.place.region_name)
    wire.script(Response(result_xml(operation.name, f"<{OPERATIONS[operation.name]}/>")))
    FIGURES["requests generated"] += 1
    refusal: RequestValidationError | None = None
    try:
        result = getattr(wire.client, xform_name(operation.name))(**call.keywords)
        if isinstance(result, Iterator):
            deque(result)  # pyright: ignore[reportUnknownArgumentType]
    except RequestValidationError as error:
        refusal = error
    except Exception:
        FIGURES["exceptions outside the contract"] += 1
        raise
    if refusal is not None:
        FIGURES["requests sent by refused calls"] += len(wire.requests)
        assert wire.requests == []
        assert call.expected is None, refusal
        _judge_refusal(operation, call, refusal)
        return
    assert call.invalid_keyword is None
    FIGURES["requests sent"] += 1
    (params,), (request,) = wire.parameters, wire.requests
    assert objections(operation, params, call.place) == []
    assert wire_objections(operation, params, request, call.place) == []
    assert call.expected in (None, params)


def _judge_refusal(operation: OperationModel, call: Call, refusal: RequestValidationError) -> None:
    """Assert that a refusal names the invalid parameters, and no secret."""
    assert "canary" not in f"{refusal} {refusal!r}"
    named = {error.parameter.partition("[")[0].partition(".")[0] for error in refusal.errors}
    assert call.invalid_keyword is None or call.invalid_keyword in named
    known = {*map(keyword, members_of(operation).members), *call.keywords}
    assert named
    assert named <= {name if name.isascii() else ascii(name) for name in known}


@pytest.mark.parametrize("name", OPERATIONS)
def test_only_legal_requests_are_sent(name: str) -> None:
    operation = service_model().operation_model(name)

    @settings(max_examples=scaled(30), deadline=None)
    @given(st.lists(calls(Offer.of(operation)), min_size=1, max_size=10))
    def run(drawn: list[Call]) -> None:
        for call in drawn:
            call_and_judge(operation, call)
            # Arguments that are valid in one Region may be invalid in another.
            for place in PLACES:
                if place != call.place:
                    call_and_judge(operation, Call(place, call.keywords))

    run()


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_invalid_value_is_refused(name: str) -> None:
    operation = service_model().operation_model(name)
    required: dict[str, Any] = {
        "RestoreDBInstanceToPointInTime": RESTORE,
        "StartDBInstanceAutomatedBackupsReplication": SOURCE,
    }.get(name, {})
    for parameter in Offer.of(operation).names:
        rest: dict[str, Any] = (
            LATEST if required is RESTORE and parameter not in TIMES else required
        )
        type_name = members_of(operation).members[parameter].type_name
        for value in invalid_values(name, parameter, type_name, PLACES[0]):
            keywords = {**rest, keyword(parameter): value}
            call_and_judge(operation, Call(PLACES[0], keywords, invalid_keyword=keyword(parameter)))


SOURCE = {"source_db_instance_arn": SOURCE_ARN}
RESTORE = {
    "source_db_instance_automated_backups_arn": BACKUP_ARN,
    "target_db_instance_identifier": "restored",
}
LATEST = {**RESTORE, "use_latest_restorable_time": True}
# Calls that once failed.
FORMER = (
    ("RestoreDBInstanceToPointInTime", {**LATEST, "iops": 10**5_000}),
    ("RestoreDBInstanceToPointInTime", {**LATEST, "iops": 2**31}),
    ("RestoreDBInstanceToPointInTime", {**LATEST, "\ud800": 1}),
    (
        "RestoreDBInstanceToPointInTime",
        {**RESTORE, "restore_time": datetime(999, 1, 1, tzinfo=timezone.utc)},
    ),
    (
        "StartDBInstanceAutomatedBackupsReplication",
        {**SOURCE, "tags": [{"Key": Unhashable("a")}]},
    ),
    (
        "StartDBInstanceAutomatedBackupsReplication",
        {**SOURCE, "tags": [{"Key": Hostile("a")}]},
    ),
)


@pytest.mark.parametrize("number", range(len(FORMER)))
def test_former_failure_stays_fixed(number: int) -> None:
    name, keywords = FORMER[number]
    call_and_judge(service_model().operation_model(name), Call(PLACES[0], keywords))
