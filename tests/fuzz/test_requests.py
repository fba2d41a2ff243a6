"""Any value of any parameter is refused before anything is sent, or is a legal request."""

from collections import deque
from collections.abc import Iterator
from datetime import datetime, timezone
from reprlib import Repr
from typing import Any, NamedTuple

import pytest
from botocore import xform_name
from botocore.model import OperationModel, StructureShape
from hypothesis import given, settings
from hypothesis import strategies as st

from rds_backup_replication.exceptions import RequestValidationError

from ..wire import BACKUP_ARN, SOURCE_ARN, result_xml
from .figures import FIGURES, scaled
from .junk import Hostile, Unhashable, arns, junk, near
from .oracle import Place, objections, wire_objections
from .transport import Answer, service_model, wire_to
from .values import legal, sources_for

PLACES = (
    Place("us-east-1", "aws", "rds.us-east-1.amazonaws.com"),
    Place("us-gov-west-1", "aws-us-gov", "rds.us-gov-west-1.amazonaws.com"),
    Place("cn-north-1", "aws-cn", "rds.cn-north-1.amazonaws.com.cn"),
)
OPERATIONS = {
    "StartDBInstanceAutomatedBackupsReplication": "DBInstanceAutomatedBackup",
    "StopDBInstanceAutomatedBackupsReplication": "DBInstanceAutomatedBackup",
    "DescribeDBInstanceAutomatedBackups": "DBInstanceAutomatedBackups",
    "DeleteDBInstanceAutomatedBackup": "DBInstanceAutomatedBackup",
    "DescribeSourceRegions": "SourceRegions",
    "RestoreDBInstanceToPointInTime": "DBInstance",
}
# Those of the operation that its method does not have; the rest are its keywords.
NOT_OFFERED = {
    "DescribeDBInstanceAutomatedBackups": ["Marker"],
    "DescribeSourceRegions": ["Marker", "MaxRecords", "Filters"],
    "RestoreDBInstanceToPointInTime": ["SourceDBInstanceIdentifier", "SourceDbiResourceId"],
}
NEEDED = (
    "SourceDBInstanceArn",
    "SourceDBInstanceAutomatedBackupsArn",
    "TargetDBInstanceIdentifier",
)
TIMES = ("RestoreTime", "UseLatestRestorableTime")


_shown = Repr()  # whatever a value does
_shown.maxdict = _shown.maxlist = _shown.maxtuple = 20
_shown.maxstring = _shown.maxother = 200


class Call(NamedTuple):
    """A method's keywords, and what boto3 is to be given if they are known to be legal."""

    place: Place
    keywords: dict[str, Any]
    wanted: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"Call({self.place}, {_shown.repr(self.keywords)}, {_shown.repr(self.wanted)})"


def members_of(operation: OperationModel) -> StructureShape:
    assert operation.input_shape is not None
    return operation.input_shape


def keyword(name: str) -> str:
    return {"MaxRecords": "page_size"}.get(name, xform_name(name))


class Offer(NamedTuple):
    """What a method takes, and how to choose of it."""

    operation: OperationModel
    needed: tuple[str, ...]
    chosen: st.SearchStrategy[list[str]]

    @classmethod
    def of(cls, operation: OperationModel) -> "Offer":
        hidden = NOT_OFFERED.get(operation.name, [])
        names = [name for name in members_of(operation).members if name not in hidden]
        optional = [name for name in names if name not in NEEDED]
        chosen = st.lists(st.sampled_from(optional), unique=True, max_size=4)
        needed = tuple(name for name in names if name in NEEDED)
        return cls(operation, needed, chosen if optional else st.just([]))


_places = st.sampled_from(PLACES)
_kinds = st.integers(0, 9)
_unknown = st.sampled_from(["Port", "portt", "source_dbi_resource_id", "", "\ud800"])
_one_of_two = st.booleans()


@st.composite
def calls(draw: st.DrawFn, offer: Offer) -> Call:
    operation = offer.operation
    place = draw(_places)
    source = draw(sources_for(place))
    names = [*offer.needed, *draw(offer.chosen)]
    is_legal = draw(_one_of_two)
    if is_legal:
        names = _consistent(operation.name, names, is_first=draw(_one_of_two))
    keywords: dict[str, Any] = {}
    wanted: dict[str, Any] = {}
    for name in names:
        member = members_of(operation).members[name]
        kind = 9 if is_legal else draw(_kinds)
        if kind <= 1:
            keywords[keyword(name)] = draw(junk)
            continue
        if kind == 2:
            keywords[keyword(name)] = draw(arns(place))
            continue
        given, as_boto3 = draw(legal(operation.name, name, member, place, source))
        if is_legal and name == "UseLatestRestorableTime":
            given = as_boto3 = True
        keywords[keyword(name)] = draw(near(given)) if kind <= 4 else given
        if as_boto3 is not None:
            wanted[name] = as_boto3
    if not is_legal and operation.name.startswith("Restore") and draw(_kinds) == 0:
        keywords[draw(_unknown)] = draw(junk)
    is_start = operation.name.startswith("Start")
    if is_start and place.partition == "aws-us-gov" and "PreSignedUrl" not in wanted:
        wanted["SourceRegion"] = source
    return Call(place, keywords, wanted if is_legal else None)


def _consistent(operation: str, names: list[str], *, is_first: bool) -> list[str]:
    """With exactly one of those that exclude each other."""
    if operation.startswith("Delete"):
        return ["DbiResourceId" if is_first else "DBInstanceAutomatedBackupsArn"]
    if operation.startswith("Restore"):
        return [*(n for n in names if n not in TIMES), TIMES[is_first]]
    return names


def make(operation: OperationModel, call: Call) -> None:
    """Calls the method, and judges what came of it."""
    wire = wire_to(call.place.region_name)
    wire.clear(Answer(result_xml(operation.name, f"<{OPERATIONS[operation.name]}/>").encode()))
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
    FIGURES["requests sent"] += 1
    (params,), (request,) = wire.parameters, wire.requests
    assert objections(operation, params, call.place) == []
    assert wire_objections(operation, params, request, call.place) == []
    assert call.wanted in (None, params)


def _judge(operation: OperationModel, call: Call, refusal: RequestValidationError) -> None:
    """It names parameters, and no secret."""
    assert "canary" not in f"{refusal} {refusal!r}"
    named = {error.parameter.partition("[")[0].partition(".")[0] for error in refusal.errors}
    known = {*map(keyword, members_of(operation).members), *call.keywords}
    assert named
    assert named <= {name if name.isascii() else ascii(name) for name in known}


@pytest.mark.parametrize("name", OPERATIONS)
def test_only_legal_requests_are_sent_and_all_others_are_refused(name: str) -> None:
    operation = service_model().operation_model(name)

    @settings(max_examples=scaled(40), deadline=None)
    @given(st.lists(calls(Offer.of(operation)), min_size=1, max_size=10))
    def run(those: list[Call]) -> None:
        for call in those:
            make(operation, call)
            # What is right for one Region may be wrong for another.
            for place in PLACES:
                if place != call.place:
                    make(operation, Call(place, call.keywords))

    run()


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
        {"source_db_instance_arn": SOURCE_ARN, "tags": [{"Key": Unhashable("a")}]},
    ),
    (
        "StartDBInstanceAutomatedBackupsReplication",
        {"source_db_instance_arn": SOURCE_ARN, "tags": [{"Key": Hostile("a")}]},
    ),
)


@pytest.mark.parametrize("number", range(len(FORMER)))
def test_what_was_found_stays_mended(number: int) -> None:
    name, keywords = FORMER[number]
    make(service_model().operation_model(name), Call(PLACES[0], keywords))
