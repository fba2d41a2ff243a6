"""Values that the library must refuse for a parameter, each invalid in one way."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import strategies as st

from rds_backup_replication import Tag

from .junk import ACCOUNTS, HostileObject, Zone
from .oracle import MAX_INTEGER, Place

_OTHER_PARTITION = {"aws": "aws-cn", "aws-cn": "aws", "aws-us-gov": "aws"}
_NAMES = ("", "1a", "a-", "a--b", "a_b", "x" * 64, "a\n", "é", "a:b")
_TAGS: tuple[Any, ...] = (
    *({"aws:x": "y"}, {"RDS:x": "y"}, {"x": "aws:y"}, {"x": "Rds:y"}, {"": "y"}, {"x" * 129: "y"}),
    *({"x": "y" * 257}, {"x#": "y"}, {"x": "y\n"}, {"x": "\x00"}, {"x": 5}, {5: "x"}, "x", ["x"]),
    *([{"Key": "a"}, {"Key": "a"}], [Tag(key="a"), {"key": "a"}], [{"Value": "x"}], [Tag(key="")]),
    *([{"Key": "a", "New": "b"}], {f"key{number}": "x" for number in range(51)}, 5, True),
)
_NOON = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
_MOMENTS: tuple[Any, ...] = (
    *(_NOON.replace(tzinfo=None), _NOON.replace(tzinfo=Zone(None)), _NOON.replace(year=999)),
    *(datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))), _NOON.isoformat(), 1769860800),
    *(_NOON.replace(tzinfo=Zone(OSError())), date(2026, 1, 31)),
)
_OF_TYPE: dict[str, tuple[Any, ...]] = {
    "boolean": ("true", 1, 0, 1.0, "", [True], HostileObject()),
    "integer": (-1, True, 7.0, "7", Decimal(7), [7], MAX_INTEGER + 1, 10**5_000, HostileObject()),
    "list": ("text", b"text", 5, True, {"a": "b"}, [5], [None], [""], [["a"]], HostileObject()),
    "string": ("", 5, True, b"text", ["text"], "\ud800", Decimal(5), HostileObject()),
    "timestamp": _MOMENTS,
}


@cache
def invalid_values(operation: str, name: str, type_name: str, place: Place) -> tuple[Any, ...]:
    """Return values that are invalid for the parameter or for its type."""
    known = _known(operation, place).get(name, ())
    # Unlike other lists, tags may be a mapping, which is invalid for the type.
    return known if name == "Tags" else (*known, *known, *_OF_TYPE[type_name])


@cache
def invalid(operation: str, name: str, type_name: str, place: Place) -> st.SearchStrategy[Any]:
    values = invalid_values(operation, name, type_name, place)
    # Draw indexes, because Hypothesis prints what it samples from, and some values fail in repr.
    return st.integers(0, len(values) - 1).map(values.__getitem__)


def _known(operation: str, place: Place) -> dict[str, tuple[Any, ...]]:
    account, (region, partition) = ACCOUNTS[0], place[:2]
    away = {"aws": "us-west-2", "aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-east-1"}[
        partition
    ]
    other = _OTHER_PARTITION[partition]
    backup = f"arn:{partition}:rds:{region}:{account}:auto-backup:ab-x"
    backups = (
        *(
            backup.replace(region, away),
            backup.replace(partition, other, 1),
            f"{backup}-",
            backup[:-1],
        ),
        *(backup.replace("auto-backup", "snapshot"), f"{backup}\n", backup.replace("rds", "kms")),
        backup.replace(account, account[1:]),
    )
    key = f"arn:{partition}:kms:{region}:{account}:key/mrk-1"
    keys = (
        *(key.replace(region, away), key.replace(partition, other, 1), key.replace("kms", "rds")),
        *(
            key.replace("key/", "grant/"),
            "alias/",
            "alias/a b",
            "key/mrk-1",
            f"{key}\n",
            "a--b",
            "backups",
        ),
        key.replace(account, f"{account}1"),
    )
    source = f"arn:{partition}:rds:{away}:{account}:db:"
    sources = (
        *(f"{source}a".replace(away, region), f"{source}a".replace(partition, other, 1)),
        *(f"{source}a".replace(":db:", ":cluster:"), f"{source}a".replace(account, "１" * 12)),
        *(f"{source}a".replace("rds", "RDS"), f" {source}a", *(source + name for name in _NAMES)),
    )
    regions = ("", "mars", "us-west-2\n", "US-WEST-2", "us-west", "us-west-２", "evil.example/x?")
    retention = (-1 if operation.startswith("Restore") else 0, 36, True, 7.0, "7")
    return {
        "AdditionalStorageVolumes": (
            *([{"IOPS": 1}], [{"VolumeName": ""}], [{"VolumeName": "a", "New": 1}]),
            *([{"VolumeName": "a", "IOPS": 2**31}], [{"VolumeName": "a", "StorageType": 5}]),
        ),
        "BackupRetentionPeriod": retention,
        "DBInstanceAutomatedBackupsArn": backups,
        "DBInstanceIdentifier": ("", " a", "a\n"),
        "DbiResourceId": ("", "db-A ", "\n"),
        "Filters": (
            *([{"Name": "status"}], [{"Name": "status", "Values": []}], [{"Values": ["a"]}]),
            *([{"Name": "", "Values": ["a"]}], [{"Name": "status", "Values": "active"}]),
            [{"Name": "status", "Values": ["a", 5]}],
        ),
        "KmsKeyId": keys,
        "MasterUserSecretKmsKeyId": keys,
        "MaxRecords": (19, 101, True, 20.0, "20"),
        "Port": (0, 1149, 65536, True, "5432"),
        "PreSignedUrl": ("", "http://rds.us-west-2.amazonaws.com/", "https://a b", "rds"),
        "ProcessorFeatures": ([{"Name": "a"}], [{"Name": "a", "Value": 5}], [{"New": "a"}]),
        "RegionName": regions,
        "SourceDBInstanceArn": sources,
        "SourceDBInstanceAutomatedBackupsArn": backups,
        "SourceRegion": (*regions, region),
        "TagSpecifications": (
            *([{"ResourceType": ""}], [{"ResourceType": "a", "Tags": {"aws:x": "y"}}]),
            [{"Tags": []}],
        ),
        "Tags": _TAGS,
        "TargetDBInstanceIdentifier": _NAMES,
    }
