"""Calls: legal ones, those with one mistake, and any others."""

from reprlib import Repr
from typing import Any, NamedTuple

from botocore import xform_name
from botocore.model import OperationModel, StructureShape
from hypothesis import strategies as st

from .junk import arns, junk, near
from .oracle import Place
from .values import Given, legal, sources_for
from .wrong import wrong

PLACES = (
    Place("us-east-1", "aws", "rds.us-east-1.amazonaws.com"),
    Place("us-gov-west-1", "aws-us-gov", "rds.us-gov-west-1.amazonaws.com"),
    Place("cn-north-1", "aws-cn", "rds.cn-north-1.amazonaws.com.cn"),
)
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
    """A method's keywords, and what must come of them if that is known."""

    place: Place
    keywords: dict[str, Any]
    wanted: dict[str, Any] | None = None
    """What boto3 is to be given."""
    mistake: str | None = None
    """The one keyword that is wrong."""

    def __repr__(self) -> str:
        shown = _shown.repr(self.keywords), _shown.repr(self.wanted)
        return f"Call({self.place}, {', '.join(shown)}, {self.mistake!r})"


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
_hopes = st.sampled_from(["sent", "refused", "none"])
_kinds = st.integers(0, 9)
_numbers = st.integers(0, 59)
_unknown = st.sampled_from(["Port", "portt", "source_dbi_resource_id", "", "\ud800"])
_one_of_two = st.booleans()


@st.composite
def calls(draw: st.DrawFn, offer: Offer) -> Call:
    place = draw(_places)
    source = draw(sources_for(place))
    names = [*offer.needed, *draw(offer.chosen)]
    hope = draw(_hopes)
    if hope == "none":
        return draw(_any_calls(offer.operation, names, place, source))
    names = _consistent(offer.operation.name, names, is_first=draw(_one_of_two))
    keywords: dict[str, Any] = {}
    wanted: dict[str, Any] = {}
    for name in names:
        given, as_boto3 = draw(_legal(offer.operation, name, place, source))
        if name == "UseLatestRestorableTime":
            given = as_boto3 = True
        keywords[keyword(name)] = given
        if as_boto3 is not None:
            wanted[name] = as_boto3
    if hope == "refused" and names:
        name = names[draw(_numbers) % len(names)]
        type_name = members_of(offer.operation).members[name].type_name
        keywords[keyword(name)] = draw(wrong(offer.operation.name, name, type_name, place))
        return Call(place, keywords, mistake=keyword(name))
    is_start = offer.operation.name.startswith("Start")
    if is_start and place.partition == "aws-us-gov" and "PreSignedUrl" not in wanted:
        wanted["SourceRegion"] = source
    return Call(place, keywords, wanted)


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
            value, _ = draw(_legal(operation, name, place, source))
            value = draw(near(value)) if kind <= 4 else value
        keywords[keyword(name)] = value
    if operation.name.startswith("Restore") and draw(_kinds) == 0:
        keywords[draw(_unknown)] = draw(junk)
    return Call(place, keywords)


def _legal(
    operation: OperationModel, name: str, place: Place, source: str
) -> st.SearchStrategy[Given]:
    return legal(operation.name, name, members_of(operation).members[name], place, source)


def _consistent(operation: str, names: list[str], *, is_first: bool) -> list[str]:
    """With exactly one of those that exclude each other."""
    if operation.startswith("Delete"):
        return ["DbiResourceId" if is_first else "DBInstanceAutomatedBackupsArn"]
    if operation.startswith("Restore"):
        return [*(n for n in names if n not in TIMES), TIMES[is_first]]
    return names
