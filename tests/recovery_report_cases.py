"""Reports of readiness checks, recoveries and drills, for the tests of their formats."""

from datetime import timedelta
from typing import Any

from rds_backup_replication.recovery._records import (
    DrilledInstance,
    DrillReport,
    ReadinessReason,
    ReadinessRecord,
    ReadinessReport,
    RecoveryReport,
    RestoredInstance,
)

from .report_cases import NOW

ACCOUNT = "123456789012"
BOOK_HASH = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"
RUN_ID = "drill-20261124T182031Z-4f9c"


def make_readiness_reason(**fields: Any) -> ReadinessReason:
    given: dict[str, Any] = {
        "code": "subnet_group_not_found",
        "message": "DB subnet group recovery does not exist in us-east-1.",
        "remedy": "Create the subnet group, or name another one in the policy.",
        **fields,
    }
    return ReadinessReason(**given)


def make_readiness(number: int = 1, state: str = "restorable", **fields: Any) -> ReadinessRecord:
    given: dict[str, Any] = {
        "account_id": ACCOUNT,
        "source_region": "us-west-2",
        "destination_region": "us-east-1",
        "tier": 1,
        "db_instance_arn": f"arn:aws:rds:us-west-2:{ACCOUNT}:db:orders-{number}",
        "db_instance_identifier": f"orders-{number}",
        "dbi_resource_id": f"db-{number:026d}",
        "target_db_instance_identifier": f"orders-{number}-dr",
        "state": state,
        "earliest_time": NOW - timedelta(days=7),
        "latest_time": NOW - timedelta(minutes=6),
        **fields,
    }
    return ReadinessRecord(**given)


def make_readiness_report(*records: ReadinessRecord, **fields: Any) -> ReadinessReport:
    given: dict[str, Any] = {
        "checked_at": NOW,
        "book_hash": BOOK_HASH,
        "book_captured_at": NOW - timedelta(hours=20),
        "records": records,
        **fields,
    }
    return ReadinessReport(**given)


def make_restored(number: int = 1, outcome: str = "done", **fields: Any) -> RestoredInstance:
    name = f"orders-{number}"
    done: dict[str, Any] = {
        "restored_dbi_resource_id": f"db-RESTORED{number:018d}",
        "restored_db_instance_arn": f"arn:aws:rds:us-east-1:{ACCOUNT}:db:{name}-dr",
        "new_endpoint": f"{name}-dr.c1example.us-east-1.rds.amazonaws.com",
        "new_port": 5432,
        "restored_after": timedelta(seconds=2),
        "available_after": timedelta(minutes=19, seconds=41),
        "finished_after": timedelta(minutes=22, seconds=3),
        "verified": ("db_instance_class", "multi_az", "port", "vpc_security_group_ids"),
    }
    given: dict[str, Any] = {
        "account_id": ACCOUNT,
        "source_region": "us-west-2",
        "destination_region": "us-east-1",
        "tier": 1,
        "db_instance_arn": f"arn:aws:rds:us-west-2:{ACCOUNT}:db:{name}",
        "db_instance_identifier": name,
        "target_db_instance_identifier": f"{name}-dr",
        "outcome": outcome,
        "db_instance_automated_backups_arn": (
            f"arn:aws:rds:us-east-1:{ACCOUNT}:auto-backup:ab-{number:039d}"
        ),
        "restore_time": NOW - timedelta(minutes=7),
        "old_endpoint": f"{name}.c9example.us-west-2.rds.amazonaws.com",
        "old_port": 5432,
        "begun_at": NOW,
        "request_ids": (f"9d3a7c1e-0000-4000-8000-{number:012d}",),
        **(done if outcome == "done" else {}),
        **fields,
    }
    return RestoredInstance(**given)


def make_recovery_report(*instances: RestoredInstance, **fields: Any) -> RecoveryReport:
    given: dict[str, Any] = {
        "run_id": RUN_ID,
        "book_hash": BOOK_HASH,
        "begun_at": NOW,
        "instances": instances,
        **fields,
    }
    return RecoveryReport(**given)


def make_drilled(number: int = 1, *, restore: Any = None, **fields: Any) -> DrilledInstance:
    given: dict[str, Any] = {
        "restore": restore or make_restored(number),
        "check": "passed",
        "check_output": "orders: 48,210 rows\nlatest order: 2026-11-24 18:13:20",
        "checked_after": timedelta(minutes=23, seconds=12),
        "restored_age": timedelta(minutes=7),
        "rto": timedelta(hours=1),
        "rpo": timedelta(minutes=15),
        "cleanup": "deleted",
        **fields,
    }
    return DrilledInstance(**given)


def make_drill_report(*instances: DrilledInstance, **fields: Any) -> DrillReport:
    given: dict[str, Any] = {
        "run_id": RUN_ID,
        "book_hash": BOOK_HASH,
        "book_captured_at": NOW - timedelta(hours=20),
        "begun_at": NOW,
        "ended_at": NOW + timedelta(minutes=41, seconds=9),
        "callers": {ACCOUNT: f"arn:aws:sts::{ACCOUNT}:assumed-role/RecoveryDrill/alice"},
        "check": "psql --command 'select count(*) from orders'",
        "instances": instances,
        **fields,
    }
    return DrillReport(**given)


NOT_RESTORABLE = make_readiness_report(
    make_readiness(1),
    *(
        make_readiness(
            number,
            "not_restorable",
            reasons=(
                make_readiness_reason(
                    commands=("aws rds create-db-subnet-group --db-subnet-group-name recovery",)
                ),
                *(
                    make_readiness_reason(
                        code="parameter_group_differs",
                        message=f"Parameter work_mem is {number}MB instead of 64MB.",
                        remedy="Set the parameter.",
                        is_warning=True,
                    )
                    for _ in range(number == 3)
                ),
            ),
        )
        for number in (2, 3)
    ),
    make_readiness(
        4,
        "unknown",
        tier=2,
        latest_time=None,
        reasons=(
            make_readiness_reason(
                code="could_not_be_checked",
                message="AccessDenied: kms:DescribeKey is not allowed.",
                remedy="Allow kms:DescribeKey for the role.",
            ),
        ),
    ),
    findings=(
        make_readiness_reason(
            code="book_too_old",
            message="The book was captured 9 days ago.",
            remedy="Capture the book again.",
        ),
    ),
)
"""A readiness check with every state, a warning, commands and a finding."""


PARTLY_PROVEN = make_drill_report(
    make_drilled(1),
    make_drilled(2, rto=timedelta(minutes=20)),
    make_drilled(
        3,
        check="failed",
        check_output='psql: error: relation "orders" does not exist',
        checked_after=None,
        restore=make_restored(
            3, differences={"multi_az": "is False instead of True"}, verified=("port",)
        ),
    ),
    make_drilled(
        4,
        check="not_run",
        check_output=None,
        checked_after=None,
        restored_age=None,
        rto=None,
        rpo=None,
        cleanup="absent",
        restore=make_restored(
            4,
            "failed",
            tier=2,
            restore_time=None,
            error_code="InsufficientDBInstanceCapacity",
            message="RDS has no capacity for db.r6g.xlarge. Name another class in the policy.",
        ),
    ),
    make_drilled(5, cleanup="failed", cleanup_message="AccessDenied: delete it by hand."),
    is_interrupted=True,
)
"""A drill with a missed objective, a failed check, a failed restore and a failed deletion."""
