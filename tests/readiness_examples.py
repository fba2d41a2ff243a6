"""Answers of a destination in which all can be restored, and what a check makes of them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from rds_backup_replication import DBInstanceAutomatedBackup
from rds_backup_replication._models._instance_parts import (
    AvailabilityZone,
    DBSubnetGroup,
    Subnet,
)
from rds_backup_replication._models._responses import RestoreWindow
from rds_backup_replication._workflows.reasons import key_reasons
from rds_backup_replication.recovery import _operations as op
from rds_backup_replication.recovery._book import (
    BookEntry,
    RecoveryBook,
)
from rds_backup_replication.recovery._readiness import Judge
from rds_backup_replication.recovery._readiness_answers import (
    Answers,
    InstanceQuota,
    KeyCondition,
    Restore,
)
from rds_backup_replication.recovery._readiness_groups import CapturedGroups
from rds_backup_replication.recovery._records import ReadinessReason, ReadinessRecord
from rds_backup_replication.recovery._restore_target import (
    choose_backup,
    drill_settings,
    recovery_networks,
)

from .fleets import DESTINATION
from .recovery_examples import (
    ACCOUNT,
    CAPTURED_AT,
    DRILL,
    TARGET,
    make_book,
    make_entry,
)

Case = tuple[str, str, BookEntry, dict[str, Any]]
"""The code and a part of the text of a reason, the entry, and what differs from all is ready."""
KEY = f"arn:aws:kms:{DESTINATION}:{ACCOUNT}:key/backups"
BACKUP_ARN = f"arn:aws:rds:{DESTINATION}:{ACCOUNT}:auto-backup:ab-1"
INSIGHTS_KEY = "alias/insights"
UNANSWERED = ReadinessReason(code="could_not_be_checked", message="No answer.", remedy="Ask again.")
ENTRY = make_entry()
OPTION = op.Option(
    option_name="EXAMPLE",
    port=1158,
    option_settings=(
        op.OptionSetting(name="LEVEL", value="1"),
        op.OptionSetting(name="OTHER", value="default"),
    ),
)
OPTIONS = op.OptionGroup(
    option_group_name="orders",
    engine_name="postgres",
    major_engine_version="16",
    options=(OPTION,),
)


def make_backup(entry: BookEntry = ENTRY, **changes: Any) -> DBInstanceAutomatedBackup:
    content: dict[str, Any] = {
        "db_instance_arn": entry.db_instance_arn,
        "dbi_resource_id": entry.dbi_resource_id,
        "db_instance_automated_backups_arn": BACKUP_ARN,
        "status": "Replicating",
        "engine_version": "16.4",
        "encrypted": True,
        "kms_key_id": KEY,
        "restore_window": window(minutes=10),
        **changes,
    }
    return DBInstanceAutomatedBackup(**content)


def window(**ago: float) -> RestoreWindow:
    latest = CAPTURED_AT - timedelta(**ago)
    return RestoreWindow(earliest_time=latest - timedelta(days=7), latest_time=latest)


def make_subnet_group(name: str, zones: str = "ab") -> DBSubnetGroup:
    subnets = tuple(
        Subnet(
            subnet_identifier=f"subnet-{zone}",
            subnet_availability_zone=AvailabilityZone(name=f"{DESTINATION}{zone}"),
        )
        for zone in zones
    )
    return DBSubnetGroup(db_subnet_group_name=name, vpc_id="vpc-1", subnets=subnets)


def make_offer(zones: str = "abc", **changes: Any) -> op.OrderableDBInstanceOption:
    content: dict[str, Any] = {
        "storage_type": "gp3",
        "multi_az_capable": True,
        "supports_storage_encryption": True,
        "availability_zones": [AvailabilityZone(name=f"{DESTINATION}{zone}") for zone in zones],
        **changes,
    }
    return op.OrderableDBInstanceOption(**content)


def key_in(state: str, kms_key_id: str = KEY) -> KeyCondition:
    metadata = {"KeyState": state, "DeletionDate": CAPTURED_AT if "Deletion" in state else None}
    return KeyCondition(state, tuple(key_reasons(kms_key_id, metadata)))


def make_answers(
    *entries: BookEntry, for_drill: bool = False, offered: Any = None, **changes: Any
) -> Answers:
    """Return the answers of a destination in which all instances can be restored."""
    backups: Any = changes.pop("backups", [make_backup(entry) for entry in entries])
    listed: list[DBInstanceAutomatedBackup] = [] if backups is UNANSWERED else backups
    restores = [
        Restore(
            entry,
            drill_settings(entry) if for_drill else entry.target,
            choose_backup(entry, listed),
        )
        for entry in entries
    ]
    answers = Answers(
        region_name=DESTINATION,
        backups=backups,
        restores=restores,
        instances={},
        quota=InstanceQuota(free=40, maximum=40),
        subnet_groups={name: make_subnet_group(name) for name in ("private", "drills")},
        parameter_groups={
            "orders": op.DBParameterGroup(
                db_parameter_group_name="orders", db_parameter_group_family="postgres16"
            )
        },
        parameters={"orders": {"max_connections": "500"}},
        option_groups={"orders": OPTIONS},
        offers={r.class_query: offered or [make_offer()] for r in restores if r.class_query},
        keys={KEY: key_in("Enabled"), INSIGHTS_KEY: key_in("Enabled", INSIGHTS_KEY)},
        security_groups=dict.fromkeys(
            [*(TARGET.vpc_security_group_ids or ()), *DRILL.vpc_security_group_ids], "vpc-1"
        ),
    )
    return replace(answers, **changes)


def judge(
    *entries: BookEntry,
    for_drill: bool = False,
    captured: RecoveryBook | None = None,
    now: datetime = CAPTURED_AT,
    **changes: Any,
) -> list[ReadinessRecord]:
    answers = make_answers(*entries, for_drill=for_drill, **changes)
    book = captured or make_book(*entries)
    groups, networks = CapturedGroups.of(book), recovery_networks(book.instances)
    stale_before = CAPTURED_AT - timedelta(days=2)
    return Judge(groups, networks, now, stale_before, for_drill=for_drill).judge(answers)


def judge_one(entry: BookEntry = ENTRY, **changes: Any) -> ReadinessRecord:
    (record,) = judge(entry, **changes)
    return record


def only_reason(entry: BookEntry = ENTRY, **changes: Any) -> ReadinessReason:
    (reason,) = judge_one(entry, **changes).reasons
    return reason


def entry_with(**target: Any) -> BookEntry:
    return make_entry(target=TARGET.model_copy(update=target))


def changed_option(**changes: Any) -> dict[str, Any]:
    options = (OPTION.model_copy(update=changes),)
    return {"option_groups": {"orders": OPTIONS.model_copy(update={"options": options})}}
