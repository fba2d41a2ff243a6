"""What a source becomes in the destination, by the recovery block of its rule."""

from datetime import timedelta
from typing import Any

import pytest

from rds_backup_replication import DBInstance
from rds_backup_replication.exceptions import RecoveryRefusedError
from rds_backup_replication.fleet import Policy
from rds_backup_replication.fleet._recovery_settings import RecoverySettings
from rds_backup_replication.recovery import retarget
from rds_backup_replication.recovery._settings import read_settings
from rds_backup_replication.recovery._targets import TargetPlan, find_not_restored, plan_target

from .recovery_examples import ACCOUNT, DESTINATION, SOURCE, SOURCE_REGION, make_book, make_entry

pytestmark = pytest.mark.once

SG = "sg-0123456789abcdef0"
OTHER_SG = "sg-00000000000000001"
TARGET_SG = "sg-0fedcba9876543210"
KEY = "alias/recovery"


def plan(recovery: dict[str, Any] | None = None, name: str = "orders", **source: Any) -> TargetPlan:
    """Return the plan for the example instance, with other settings of its source."""
    settings = SOURCE.model_copy(update=source)
    return plan_target(name, settings, RecoverySettings.model_validate(recovery or {}))


def test_target_without_settings() -> None:
    """All settings stay, but IDs and keys of the source Region."""
    planned = plan()
    differing = {name for name, value in planned.settings if value != getattr(SOURCE, name)}
    assert differing == {"performance_insights_kms_key_id", "vpc_security_group_ids"}
    assert planned.settings.performance_insights_kms_key_id is None
    assert planned.settings.vpc_security_group_ids is None
    assert planned.identifier == "orders"
    assert [SG in sentence for sentence in planned.unmapped] == [True]
    assert planned.drill.db_subnet_group_name is None
    assert planned.drill.vpc_security_group_ids == ()
    assert planned.not_restored == ()


@pytest.mark.parametrize(
    ("block", "field", "own", "expected"),
    [
        ({"subnet_group": "dr"}, "db_subnet_group_name", "private", "dr"),
        ({"subnet_group": "dr"}, "db_subnet_group_name", None, "dr"),
        ({"subnet_group": {"private": "dr"}}, "db_subnet_group_name", "private", "dr"),
        ({"subnet_group": {"private": "dr"}}, "db_subnet_group_name", "public", "public"),
        ({"subnet_group": {"private": "dr", "*": "x"}}, "db_subnet_group_name", "private", "dr"),
        ({"subnet_group": {"private": "dr", "*": "x"}}, "db_subnet_group_name", "default", "x"),
        ({"subnet_group": {"*": "x"}}, "db_subnet_group_name", None, "x"),
        ({"parameter_groups": {"orders": "dr"}}, "db_parameter_group_name", "orders", "dr"),
        ({"parameter_groups": {"a": "b"}}, "db_parameter_group_name", "orders", "orders"),
        ({"parameter_groups": {"*": "b"}}, "db_parameter_group_name", "orders", "b"),
        (
            {"parameter_groups": {"*": "b"}},
            "db_parameter_group_name",
            "default.postgres16",
            "default.postgres16",
        ),
        (
            {"parameter_groups": {"default.postgres16": "b"}},
            "db_parameter_group_name",
            "default.postgres16",
            "b",
        ),
        ({"option_groups": {"orders": "dr"}}, "option_group_name", "orders", "dr"),
        (
            {"option_groups": {"*": "b"}},
            "option_group_name",
            "default:postgres-16",
            "default:postgres-16",
        ),
        ({"instance_class": "db.t3.micro"}, "db_instance_class", "db.r6g.large", "db.t3.micro"),
        (
            {"instance_class": {"db.r6g.large": "db.r6g.xlarge"}},
            "db_instance_class",
            "db.r6g.large",
            "db.r6g.xlarge",
        ),
        (
            {"instance_class": {"db.r5.large": "db.r6g.large"}},
            "db_instance_class",
            "db.m6g.large",
            "db.m6g.large",
        ),
        ({}, "multi_az", True, True),
        ({"multi_az": False}, "multi_az", True, False),
        ({"multi_az": True}, "multi_az", False, True),
    ],
)
def test_target_setting(block: dict[str, Any], field: str, own: Any, expected: Any) -> None:
    assert getattr(plan(block, **{field: own}).settings, field) == expected


@pytest.mark.parametrize(
    ("block", "own", "expected", "unmapped"),
    [
        (None, (), None, []),
        (None, (SG, OTHER_SG), None, [SG, OTHER_SG]),
        ([TARGET_SG, TARGET_SG, SG], (OTHER_SG,), (SG, TARGET_SG), []),
        ([TARGET_SG], (), (TARGET_SG,), []),
        ({SG: TARGET_SG}, (SG,), (TARGET_SG,), []),
        ({SG: TARGET_SG}, (SG, OTHER_SG), (TARGET_SG,), [OTHER_SG]),
        ({SG: TARGET_SG}, (OTHER_SG,), None, [OTHER_SG]),
        ({SG: TARGET_SG, "*": SG}, (SG, OTHER_SG), (SG, TARGET_SG), []),
        ({"*": TARGET_SG}, (SG, OTHER_SG), (TARGET_SG,), []),
        ({"*": TARGET_SG}, (), None, []),
    ],
)
def test_target_security_groups(
    block: Any, own: tuple[str, ...], expected: Any, unmapped: list[str]
) -> None:
    """A source's own ID is never kept, because IDs differ between Regions."""
    planned = plan({"security_group_ids": block} if block else {}, vpc_security_group_ids=own)
    assert planned.settings.vpc_security_group_ids == expected
    assert len(planned.unmapped) == bool(unmapped)
    assert [each for each in (SG, OTHER_SG) if each in "".join(planned.unmapped)] == sorted(
        unmapped, reverse=True
    )


@pytest.mark.parametrize(
    ("insights", "secret", "key", "expected"),
    [
        (True, True, KEY, (KEY, KEY)),
        (True, False, KEY, (KEY, None)),
        (False, True, KEY, (None, KEY)),
        (True, True, None, (None, None)),
    ],
)
def test_target_keys(insights: bool, secret: bool, key: str | None, expected: Any) -> None:  # noqa: FBT001
    """The source's keys are never kept, because they are in the source Region."""
    settings = plan(
        {"kms_key_id": key} if key else {},
        enable_performance_insights=insights,
        performance_insights_kms_key_id="arn:aws:kms:us-west-2:111111111111:key/source",
        manage_master_user_password=secret,
        master_user_secret_kms_key_id="arn:aws:kms:us-west-2:111111111111:key/source",
    ).settings
    keys = settings.performance_insights_kms_key_id, settings.master_user_secret_kms_key_id
    assert keys == expected


@pytest.mark.parametrize(
    ("storage", "iops", "throughput", "expected"),
    [
        ("gp3", 3000, 125, (None, None)),
        ("gp3", None, None, (None, None)),
        ("gp3", 3001, 125, (3001, 125)),
        ("gp3", 3000, 126, (3000, 126)),
        ("gp3", 12000, 500, (12000, 500)),
        ("gp2", 300, None, (None, None)),
        ("gp2", 300, 125, (None, None)),
        ("standard", 0, 0, (None, None)),
        (None, 1000, None, (None, None)),
        ("io1", 1000, 0, (1000, None)),
        ("io2", 5000, 500, (5000, None)),
    ],
)
def test_target_performance(
    storage: str | None, iops: int | None, throughput: int | None, expected: Any
) -> None:
    """RDS refuses to provision what small volumes include."""
    settings = plan(storage_type=storage, iops=iops, storage_throughput=throughput).settings
    assert (settings.iops, settings.storage_throughput) == expected


@pytest.mark.parametrize(
    ("pattern", "name", "expected", "is_valid"),
    [
        ("{name}-dr", "orders", "orders-dr", True),
        ("DR-{name}", "orders", "dr-orders", True),
        ("{name}-dr", "o" * 60, "o" * 60 + "-dr", True),
        ("{name}-dr", "o" * 61, "o" * 61 + "-dr", False),
        ("4{name}", "orders", "4orders", False),
        ("a--{name}", "orders", "a--orders", False),
    ],
)
def test_target_identifier(pattern: str, name: str, expected: str, *, is_valid: bool) -> None:
    planned = plan({"name": pattern, "security_group_ids": [TARGET_SG]}, name)
    assert planned.identifier == expected
    assert [expected in sentence for sentence in planned.unmapped] == [True] * (not is_valid)


def test_target_processor_features() -> None:
    """Another class may not have the source's number of cores."""
    features = {"coreCount": "4"}
    assert plan(processor_features=features).settings.processor_features == features
    planned = plan({"instance_class": "db.t3.micro"}, processor_features=features)
    assert planned.settings.processor_features is None
    assert ["db.r6g.large" in words for words in planned.not_restored] == [True]


def test_target_of_drill() -> None:
    block = {"subnet_group": "drills", "security_group_ids": [SG, OTHER_SG]}
    drill = plan({"drill": {**block, "instance_class": "db.t3.micro"}}).drill
    assert drill.db_subnet_group_name == "drills"
    assert drill.vpc_security_group_ids == (OTHER_SG, SG)
    assert drill.db_instance_class == "db.t3.micro"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        (
            {"DomainMemberships": [{"Domain": "d-1", "FQDN": "corp.example"}, {"Domain": "d-2"}]},
            ["corp.example", "d-2"],
        ),
        ({"AssociatedRoles": [{"RoleArn": "arn:role", "FeatureName": "s3Import"}]}, ["s3Import"]),
        ({"ActivityStreamStatus": "started"}, ["activity stream"]),
        ({"ActivityStreamStatus": "stopped"}, []),
        ({"AdditionalStorageVolumes": [{"VolumeName": "rdsdbdata2"}]}, ["rdsdbdata2"]),
        ({"ReadReplicaDBInstanceIdentifiers": ["b", "a"]}, ["replica a", "replica b"]),
        ({"ReadReplicaSourceDBInstanceIdentifier": "main"}, ["replication from main"]),
        ({"DBClusterIdentifier": "c"}, ["DB cluster c"]),
        ({"TdeCredentialArn": "arn:tde"}, ["arn:tde"]),
        ({"MultiTenant": True}, ["multi-tenant"]),
        ({"MultiTenant": False}, []),
        ({"Engine": "custom-oracle-ee"}, ["RDS Custom"]),
        ({"Engine": "oracle-ee"}, []),
        ({"CustomerOwnedIpEnabled": True}, ["customer-owned IP"]),
    ],
)
def test_not_restored(fields: dict[str, Any], expected: list[str]) -> None:
    found = find_not_restored(DBInstance.model_validate(fields))
    assert len(found) == len(expected)
    assert all(words in text for words, text in zip(expected, found, strict=True))


def test_secret_arn_is_no_setting() -> None:
    """The source's secret is a fact of the entry, and no setting of the target."""
    instance = DBInstance.model_validate(
        {"MasterUserSecret": {"SecretArn": "arn:secret", "KmsKeyId": "arn:key"}}
    )
    planned = plan_target("orders", read_settings(instance), RecoverySettings())
    assert planned.settings.manage_master_user_password is True
    assert "arn:" not in planned.settings.model_dump_json()


def test_retarget() -> None:
    """All that the policy decides is new; what the source was like, and what it lost, stays."""
    lost = "the IAM role a"
    before = make_entry(
        not_restored=(lost, "the processor features of db.old, because the class differs")
    )
    recovery = {"tier": 3, "name": "dr-{name}", "security_group_ids": {"*": TARGET_SG}}
    rule: dict[str, Any] = {
        "name": before.rule,
        "source_regions": [SOURCE_REGION],
        "destination_region": DESTINATION,
        "maximum_lag": "7m",
        "recovery": {**recovery, "rto": "2h", "drill": {"subnet_group": "own"}},
    }
    policy = Policy.from_dict({"accounts": [{"id": ACCOUNT}], "rules": [rule]})
    (after,) = retarget(make_book(before), policy).instances
    planned = plan({**recovery, "drill": {"subnet_group": "own"}})
    changes: dict[str, Any] = {
        "tier": 3,
        "target_db_instance_identifier": "dr-orders",
        "target": planned.settings,
        "drill": planned.drill,
        "rto": timedelta(hours=2),
        "rpo": None,
        "maximum_lag": timedelta(minutes=7),
        "not_restored": (lost,),
        "unmapped": (),
    }
    assert after == before.model_copy(update=changes)
    for changes in ({"name": "other"}, {"destination_region": "eu-west-1"}):
        other = Policy.from_dict({"accounts": [{"id": ACCOUNT}], "rules": [{**rule, **changes}]})
        with pytest.raises(RecoveryRefusedError, match=before.rule):
            retarget(make_book(before), other)
