"""Strategies for calls: valid ones, ones with one invalid argument, and arbitrary ones."""

from reprlib import Repr
from typing import Any, NamedTuple

from botocore import xform_name
from botocore.model import OperationModel, StructureShape
from hypothesis import strategies as st

from .invalid import invalid
from .junk import arns, junk, near
from .oracle import Place
from .values import Given, sources_for, valid

PLACES = (
    Place("us-east-1", "aws", "rds.us-east-1.amazonaws.com"),
    Place("us-gov-west-1", "aws-us-gov", "rds.us-gov-west-1.amazonaws.com"),
    Place("cn-north-1", "aws-cn", "rds.cn-north-1.amazonaws.com.cn"),
)
# The members of an operation that are not keywords of its method.
NOT_OFFERED = {
    "DescribeDBInstanceAutomatedBackups": ["Marker"],
    "DescribeSourceRegions": ["Marker", "MaxRecords", "Filters"],
    "RestoreDBInstanceToPointInTime": ["SourceDBInstanceIdentifier", "SourceDbiResourceId"],
}
REQUIRED = (
    "SourceDBInstanceArn",
    "SourceDBInstanceAutomatedBackupsArn",
    "TargetDBInstanceIdentifier",
)
TIMES = ("RestoreTime", "UseLatestRestorableTime")


_limited = Repr()  # limits long values, and survives values whose repr fails
_limited.maxdict = _limited.maxlist = _limited.maxtuple = 20
_limited.maxstring = _limited.maxother = 200


class Call(NamedTuple):
    """A method's keywords, and the result that they must have, if it is known."""

    place: Place
    keywords: dict[str, Any]
    expected: dict[str, Any] | None = None
    """The parameters that boto3 must get, if the call must be sent."""
    invalid_keyword: str | None = None
    """The keyword that must be refused, if the call has one invalid argument."""

    def __repr__(self) -> str:
        texts = _limited.repr(self.keywords), _limited.repr(self.expected)
        return f"Call({self.place}, {', '.join(texts)}, {self.invalid_keyword!r})"


def members_of(operation: OperationModel) -> StructureShape:
    assert operation.input_shape is not None
    return operation.input_shape


def keyword(name: str) -> str:
    """Return the keyword of a method for a member of its operation."""
    return {"MaxRecords": "page_size"}.get(name, xform_name(name))


class Offer(NamedTuple):
    """The parameters that a method has, and a strategy that chooses some of them."""

    operation: OperationModel
    names: tuple[str, ...]
    required: tuple[str, ...]
    chosen: st.SearchStrategy[list[str]]

    @classmethod
    def of(cls, operation: OperationModel) -> "Offer":
        hidden = NOT_OFFERED.get(operation.name, [])
        names = [name for name in members_of(operation).members if name not in hidden]
        optional = [name for name in names if name not in REQUIRED]
        chosen = st.lists(st.sampled_from(optional), unique=True, max_size=4)
        required = tuple(name for name in names if name in REQUIRED)
        return cls(operation, tuple(names), required, chosen if optional else st.just([]))


_places = st.sampled_from(PLACES)
_outcomes = st.sampled_from(["sent", "refused", "any"])
_kinds = st.integers(0, 9)
_numbers = st.integers(0, 59)
_unknown = st.sampled_from(["Port", "portt", "source_dbi_resource_id", "", "\ud800"])
_is_first = st.booleans()


@st.composite
def calls(draw: st.DrawFn, offer: Offer) -> Call:
    """Draw a call that must be sent, one that must be refused, or one that may be either."""
    place = draw(_places)
    source = draw(sources_for(place))
    names = [*offer.required, *draw(offer.chosen)]
    outcome = draw(_outcomes)
    if outcome == "any":
        return draw(_any_calls(offer.operation, names, place, source))
    names = _consistent(offer.operation.name, names, is_first=draw(_is_first))
    keywords: dict[str, Any] = {}
    expected: dict[str, Any] = {}
    for name in names:
        given, as_boto3 = draw(_valid(offer.operation, name, place, source))
        if name == "UseLatestRestorableTime":
            given = as_boto3 = True
        keywords[keyword(name)] = given
        if as_boto3 is not None:
            expected[name] = as_boto3
    if outcome == "refused" and names:
        name = names[draw(_numbers) % len(names)]
        type_name = members_of(offer.operation).members[name].type_name
        keywords[keyword(name)] = draw(invalid(offer.operation.name, name, type_name, place))
        return Call(place, keywords, invalid_keyword=keyword(name))
    is_start = offer.operation.name.startswith("Start")
    if is_start and place.partition == "aws-us-gov" and "PreSignedUrl" not in expected:
        expected["SourceRegion"] = source
    return Call(place, keywords, expected)


@st.composite
def _any_calls(
    draw: st.DrawFn, operation: OperationModel, names: list[str], place: Place, source: str
) -> Call:
    keywords: dict[str, Any] = {}
    for name in names:
        kind = draw(_kinds)
        if kind <= 1:
            value = draw(junk)
        elif kind == 2:
            value = draw(arns(place))
        else:
            value, _ = draw(_valid(operation, name, place, source))
            value = draw(near(value)) if kind <= 4 else value
        keywords[keyword(name)] = value
    if operation.name.startswith("Restore") and draw(_kinds) == 0:
        keywords[draw(_unknown)] = draw(junk)
    return Call(place, keywords)


def _valid(
    operation: OperationModel, name: str, place: Place, source: str
) -> st.SearchStrategy[Given]:
    return valid(operation.name, name, members_of(operation).members[name], place, source)


def _consistent(operation: str, names: list[str], *, is_first: bool) -> list[str]:
    """Return the names with exactly one of the parameters that exclude each other."""
    if operation.startswith("Delete"):
        return ["DbiResourceId" if is_first else "DBInstanceAutomatedBackupsArn"]
    if operation.startswith("Restore"):
        return [*(n for n in names if n not in TIMES), TIMES[is_first]]
    return names
