"""Strategies for valid parameter values, each with the value that boto3 must get."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any

from botocore import xform_name
from botocore.model import ListShape, Shape, StructureShape
from hypothesis import strategies as st

import rds_backup_replication
from rds_backup_replication import Tag

from .junk import ACCOUNTS, NAMES, Number, Text, Zone
from .oracle import MAX_INTEGER, Place

Given = tuple[Any, Any]
"""A caller's value, and the value that boto3 must get, or ``None`` if boto3 must get none."""

SECRET = "https://rds.us-west-2.amazonaws.com/?X-Amz-Signature=canary"
KEYS = ("mrk-1234abcd", "AKIAIOSFODNN7EXAMPLE", "1234abcd-12ab-34cd-56ef-1234567890ab")
_SOURCES = {
    "aws": ("us-west-2", "eu-central-1", "xx-newland-11"),
    "aws-us-gov": ("us-gov-east-1",),
    "aws-cn": ("cn-northwest-1",),
}
_WORDS = ("prod", "é", "日本 語", "_.:/=+-@", "Ⅷ", "\u2028", "", "0", "x" * 128)
_odd_texts = ["db.t3.micro", "é", "\0", "\x1b", "a\r\nb", "&a=b", "x" * 1_000]
texts = st.sampled_from(_odd_texts) | st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
_tag_texts = st.sampled_from([*_WORDS, "v" * 256, "Aws", "xaws:", "rds"]) | st.text(
    st.characters(categories=["L", "Z", "N"]) | st.sampled_from("_.:/=+-@"), max_size=10
).filter(lambda text: not text.lower().startswith(("aws:", "rds:")))


@cache
def sources_for(place: Place) -> st.SearchStrategy[str]:
    return st.sampled_from(_SOURCES[place.partition])


@cache
def valid(
    operation: str, name: str, shape: Shape, place: Place, source: str
) -> st.SearchStrategy[Given]:
    """Return a strategy for the valid values of a parameter."""
    if name == "Tags":
        return tags()
    special = _special(operation, name, place, source)
    if special is not None:
        return _as_given(special)
    if isinstance(shape, ListShape):
        return _lists(valid(operation, "", shape.member, place, source))
    if isinstance(shape, StructureShape):
        return _structures(operation, shape, place, source)
    return _of_type[shape.type_name]


def _special(operation: str, name: str, place: Place, source: str) -> st.SearchStrategy[Any] | None:
    account = st.sampled_from(ACCOUNTS)
    partition, region = place.partition, place.region_name
    retention = st.integers(0 if operation.startswith("Restore") else 1, 35)
    backup = st.builds(
        f"arn:{partition}:rds:{region}:{{}}:auto-backup:ab-{{}}".format, *[account] * 2
    )
    key = st.builds(
        f"arn:{partition}:kms:{region}:{{}}:{{}}".format,
        account,
        st.sampled_from([*(f"key/{key}" for key in KEYS), "alias/aws/rds"]),
    ) | st.sampled_from([*KEYS, "alias/backups", "alias/a/b:c_d"])
    found: dict[str, st.SearchStrategy[Any]] = {
        "SourceDBInstanceArn": st.builds(
            f"arn:{partition}:rds:{source}:{{}}:db:{{}}".format, account, st.sampled_from(NAMES)
        ),
        "SourceDBInstanceAutomatedBackupsArn": backup,
        "DBInstanceAutomatedBackupsArn": backup,
        "KmsKeyId": key,
        "MasterUserSecretKmsKeyId": key,
        "TargetDBInstanceIdentifier": st.sampled_from(NAMES),
        "BackupRetentionPeriod": retention,
        "DBInstanceIdentifier": st.sampled_from(NAMES),
        "DbiResourceId": st.sampled_from(["db-ABC", "a b", "é"]),
        "MaxRecords": st.integers(20, 100),
        "Port": st.integers(1150, 65535),
        "RegionName": st.sampled_from([region, "us-west-2", "xx-newland-1"]),
        "SourceRegion": st.just(source),
        "PreSignedUrl": st.just(SECRET),
        "TdeCredentialPassword": st.just(SECRET),
    }
    return found.get(name)


def _as_given(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Given]:
    """Return a strategy for the values, some of them as instances of a subclass."""
    return st.tuples(values, st.integers(0, 4)).map(lambda drawn: (_as_subclass(*drawn), drawn[0]))


def _as_subclass(value: Any, kind: int) -> Any:
    if kind == 0 and isinstance(value, str):
        return Text(value)
    return Number.PORT if value == Number.PORT else value


_CONTAINERS: tuple[Callable[[Iterable[Any]], Any], ...] = (list, tuple, iter)


def _lists(item: st.SearchStrategy[Given]) -> st.SearchStrategy[Given]:
    return st.tuples(st.lists(item, max_size=3), st.sampled_from(_CONTAINERS)).map(_make_list)


def _make_list(drawn: tuple[list[Given], Callable[[Iterable[Any]], Any]]) -> Given:
    items, container = drawn
    return container([given for given, _ in items]), [expected for _, expected in items] or None


_forms = st.sampled_from(["boto3", "python", "model"])
_flags = st.booleans()


@st.composite
def _structures(
    draw: st.DrawFn, operation: str, shape: StructureShape, place: Place, source: str
) -> Given:
    # botocore's model does not say which members are required.
    required = ("Name", "Value", "Values", "ResourceType", "VolumeName")
    names = [name for name in shape.members if name in required or draw(_flags)]
    form = draw(_forms)
    given: dict[str, Any] = {}
    expected: dict[str, Any] = {}
    for name in names:
        member = shape.members[name]
        value, as_boto3 = draw(valid(operation, name, member, place, source))
        if name == "Values" and as_boto3 is None:
            value, as_boto3 = ["active"], ["active"]
        given[name if form == "boto3" else xform_name(name)] = value
        if as_boto3 is not None:
            expected[name] = as_boto3
    if form != "model":
        return given, expected
    model: Any = getattr(rds_backup_replication, shape.name)
    return model(**given), expected


_tag_keys = _tag_texts.filter(lambda key: 1 <= len(key) <= 128)
_pairs: st.SearchStrategy[dict[str, str | None]] = st.dictionaries(
    _tag_keys, st.none() | _tag_texts, max_size=3
)
_kinds = st.integers(0, 6)


@st.composite
def tags(draw: st.DrawFn) -> Given:
    pairs = draw(_pairs)
    boto3 = [
        {"Key": key} if value is None else {"Key": key, "Value": value}
        for key, value in pairs.items()
    ]
    forms: tuple[Any, ...] = (
        pairs,
        {Text(key): value for key, value in pairs.items()},
        boto3,
        iter(boto3),
        tuple(Tag(key=key, value=value) for key, value in pairs.items()),
        [{"key": key, "value": value} for key, value in pairs.items()],
        (Tag(key=key, value=value) for key, value in pairs.items()),
    )
    return forms[draw(_kinds)], boto3 or None


_times = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001
_OFFSETS = [timedelta(minutes=minutes) for minutes in (0, -720, 330, 840)]
_zones = st.sampled_from([*map(Zone, _OFFSETS), *map(timezone, _OFFSETS)])


@st.composite
def _moments(draw: st.DrawFn) -> Given:
    aware = draw(_times).replace(tzinfo=draw(_zones))
    return aware, aware.astimezone(timezone.utc)


_of_type: dict[str, st.SearchStrategy[Given]] = {
    "boolean": st.booleans().map(lambda value: (value, value)),
    "integer": _as_given(st.integers(0, MAX_INTEGER) | st.sampled_from([0, 5432, MAX_INTEGER])),
    "string": _as_given(texts),
    "timestamp": _moments(),
}
