"""Tests of the readiness check: what prevents a restore, each found alone."""

from datetime import timedelta
from typing import Any

import pytest

from rds_backup_replication import DBInstance, Tag
from rds_backup_replication._models._responses import RestoreWindow
from rds_backup_replication.recovery._book import (
    BookEntry,
)
from rds_backup_replication.recovery._readiness_answers import (
    InstanceQuota,
)
from rds_backup_replication.recovery._settings import KIND_TAG, RUN_TAG

from .readiness_examples import (
    ENTRY,
    INSIGHTS_KEY,
    KEY,
    Case,
    entry_with,
    judge_one,
    key_in,
    make_backup,
    make_offer,
    make_subnet_group,
    only_reason,
)
from .recovery_examples import (
    CAPTURED_AT,
)

pytestmark = pytest.mark.once


def test_nothing_is_found_where_all_is_ready() -> None:
    record = judge_one()
    assert (record.state, record.reasons) == ("restorable", ())
    assert record.backup_status == "replicating"
    assert record.latest_time == CAPTURED_AT - timedelta(minutes=10)
    assert judge_one(for_drill=True).reasons == ()


BLOCKERS: list[Case] = [
    ("backup_not_found", "has no backup of db-ORDERSEXAMPLE.", ENTRY, {"backups": []}),
    (
        "backup_not_found",
        "RDS keeps arn:aws:rds:us-east-1:111111111111:auto-backup:ab-1 of db-FORMER.",
        ENTRY,
        {"backups": [make_backup(dbi_resource_id="db-FORMER")]},
    ),
    (
        "backup_not_restorable",
        "is pending and has no",
        ENTRY,
        {"backups": [make_backup(status="pending", restore_window=RestoreWindow())]},
    ),
    ("backup_key_not_usable", "is disabled", ENTRY, {"keys": {KEY: key_in("Disabled")}}),
    (
        "settings_key_not_usable",
        "The book names it for Performance Insights.",
        entry_with(performance_insights_kms_key_id=INSIGHTS_KEY),
        {"keys": {KEY: key_in("Enabled"), INSIGHTS_KEY: key_in("Disabled", INSIGHTS_KEY)}},
    ),
    ("subnet_group_not_found", "no DB subnet group private.", ENTRY, {"subnet_groups": {}}),
    (
        "subnet_group_not_found",
        "the default VPC of us-east-1",
        entry_with(db_subnet_group_name=None),
        {},
    ),
    (
        "too_few_zones",
        "are in us-east-1a; RDS needs two",
        ENTRY,
        {"subnet_groups": {"private": make_subnet_group("private", "a")}},
    ),
    ("too_few_zones", "Multi-AZ needs two zones in both", ENTRY, {"offered": [make_offer("bc")]}),
    (
        "too_few_zones",
        "a restore needs a zone in both",
        entry_with(multi_az=False),
        {"offered": [make_offer("c")]},
    ),
    ("parameter_group_not_found", "no DB parameter group orders.", ENTRY, {"parameter_groups": {}}),
    (
        "parameter_group_differs",
        "of the family postgres15, and the backup has postgres 16.4",
        entry_with(db_parameter_group_name="default.postgres15"),
        {},
    ),
    ("option_group_not_found", "no option group orders.", ENTRY, {"option_groups": {}}),
    (
        "option_group_differs",
        "lacks EXAMPLE",
        entry_with(option_group_name="default:postgres-16"),
        {},
    ),
    (
        "option_group_differs",
        "is for postgres 15",
        entry_with(option_group_name="default:postgres-15"),
        {},
    ),
    ("security_group_not_found", "sg-0fedcba9876543210", ENTRY, {"security_groups": {}}),
    (
        "security_group_of_another_vpc",
        "is not of vpc-1",
        ENTRY,
        {"security_groups": {"sg-0fedcba9876543210": "vpc-2"}},
    ),
    (
        "security_groups_not_mapped",
        "default group",
        entry_with(vpc_security_group_ids=None),
        {},
    ),
    (
        "class_not_orderable",
        "db.r6g.large for postgres 16.4 with Multi-AZ, storage type gp3",
        ENTRY,
        {"offered": [make_offer(multi_az_capable=False)]},
    ),
    ("class_not_orderable", "gp3", ENTRY, {"offered": [make_offer(storage_type="gp2")]}),
    (
        "class_not_orderable",
        "encrypted storage",
        ENTRY,
        {"offered": [make_offer(supports_storage_encryption=False)]},
    ),
    (
        "name_taken",
        "the recovery or drill r1 restored it",
        ENTRY,
        {"instances": {"orders": DBInstance(tag_list=(Tag(key=RUN_TAG, value="r1"),))}},
    ),
    ("name_taken", "has an instance orders.", ENTRY, {"instances": {"orders": DBInstance()}}),
    (
        "instance_quota_exceeded",
        "is 40, of which 0 are free; the restores need 1.",
        ENTRY,
        {"quota": InstanceQuota(free=0, maximum=40)},
    ),
    (
        "too_many_tags",
        "has 49 tags",
        entry_with(tags={f"t{number}": "" for number in range(49)}),
        {},
    ),
]


@pytest.mark.parametrize(("code", "text", "entry", "changes"), BLOCKERS)
def test_each_blocker_is_found_alone(
    code: str, text: str, entry: BookEntry, changes: dict[str, Any]
) -> None:
    reason = only_reason(entry, **changes)
    assert (reason.code, reason.is_warning) == (code, False)
    assert text in reason.message
    assert reason.remedy.endswith(".")
    assert judge_one(entry, **changes).state == "not_restorable"


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ({}, "leave it alone"),
        ({KIND_TAG: "recovery"}, "leave it alone"),
        ({KIND_TAG: "drill"}, "the cleanup of that drill"),
    ],
)
def test_name_of_a_restored_instance(kind: dict[str, str], remedy: str) -> None:
    """What a recovery has restored is in use, so nobody must rename or delete it."""
    tags = tuple(Tag(key=key, value=value) for key, value in {RUN_TAG: "r1", **kind}.items())
    reason = only_reason(instances={"orders": DBInstance(tag_list=tags)})
    assert remedy in reason.remedy
    assert "ename" not in reason.remedy.replace("recovery.name", "")
