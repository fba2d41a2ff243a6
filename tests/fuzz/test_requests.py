"""Any value of any parameter is refused before anything is sent, or is a legal request."""

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
from .junk import Hostile, Unhashable
from .oracle import objections, wire_objections
from .transport import service_model, wire_to
from .wrong import wrong_values

OPERATIONS = {
    "StartDBInstanceAutomatedBackupsReplication": "DBInstanceAutomatedBackup",
    "StopDBInstanceAutomatedBackupsReplication": "DBInstanceAutomatedBackup",
    "DescribeDBInstanceAutomatedBackups": "DBInstanceAutomatedBackups",
    "DeleteDBInstanceAutomatedBackup": "DBInstanceAutomatedBackup",
    "DescribeSourceRegions": "SourceRegions",
    "RestoreDBInstanceToPointInTime": "DBInstance",
}


def make(operation: OperationModel, call: Call) -> None:
    """Calls the method, and judges what came of it."""
    wire = wire_to(call.place.region_name)
    wire.clear(Response(result_xml(operation.name, f"<{OPERATIONS[operation.name]}/>")))
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
        assert call.wanted is None, refusal
        _judge(operation, call, refusal)
        return
    assert call.mistake is None
    FIGURES["requests sent"] += 1
    (params,), (request,) = wire.parameters, wire.requests
    assert objections(operation, params, call.place) == []
    assert wire_objections(operation, params, request, call.place) == []
    assert call.wanted in (None, params)


def _judge(operation: OperationModel, call: Call, refusal: RequestValidationError) -> None:
    """It names parameters, and no secret."""
    assert "canary" not in f"{refusal} {refusal!r}"
    named = {error.parameter.partition("[")[0].partition(".")[0] for error in refusal.errors}
    assert call.mistake is None or call.mistake in named
    known = {*map(keyword, members_of(operation).members), *call.keywords}
    assert named
    assert named <= {name if name.isascii() else ascii(name) for name in known}


@pytest.mark.parametrize("name", OPERATIONS)
def test_only_legal_requests_are_sent(name: str) -> None:
    operation = service_model().operation_model(name)

    @settings(max_examples=scaled(30), deadline=None)
    @given(st.lists(calls(Offer.of(operation)), min_size=1, max_size=10))
    def run(those: list[Call]) -> None:
        for call in those:
            make(operation, call)
            # What is right for one Region may be wrong for another.
            for place in PLACES:
                if place != call.place:
                    make(operation, Call(place, call.keywords))

    run()


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_value_known_to_be_wrong_is_refused(name: str) -> None:
    operation = service_model().operation_model(name)
    needed: dict[str, Any] = {
        "RestoreDBInstanceToPointInTime": RESTORE,
        "StartDBInstanceAutomatedBackupsReplication": SOURCE,
    }.get(name, {})
    for parameter in Offer.of(operation).names:
        rest: dict[str, Any] = LATEST if needed is RESTORE and parameter not in TIMES else needed
        type_name = members_of(operation).members[parameter].type_name
        for value in wrong_values(name, parameter, type_name, PLACES[0]):
            keywords = {**rest, keyword(parameter): value}
            make(operation, Call(PLACES[0], keywords, mistake=keyword(parameter)))


SOURCE = {"source_db_instance_arn": SOURCE_ARN}
RESTORE = {
    "source_db_instance_automated_backups_arn": BACKUP_ARN,
    "target_db_instance_identifier": "restored",
}
LATEST = {**RESTORE, "use_latest_restorable_time": True}
# What has been found.
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
def test_what_was_found_stays_mended(number: int) -> None:
    name, keywords = FORMER[number]
    make(service_model().operation_model(name), Call(PLACES[0], keywords))
