"""A drill restores under other names, checks, measures, and deletes what it has made."""

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rds_backup_replication.exceptions import RecoveryRefusedError
from rds_backup_replication.recovery import DrillTarget, RestoredInstance, _drill_checks, drill
from rds_backup_replication.recovery._drill import create_drill_targets
from rds_backup_replication.recovery._settings import KIND_TAG, RUN_TAG

from . import drill_cases
from .drill_cases import ACCOUNT, Drills
from .recovery_examples import TARGET, make_book, make_entry

pytestmark = pytest.mark.once

drills = drill_cases.drills


def test_drill_proves_and_deletes(drills: Drills, monkeypatch: pytest.MonkeyPatch) -> None:
    """The instances are in the drill's network, without what costs or outlives them."""
    book = drills.book("orders", "users", "carts", "mails")
    before = drills.others()
    seen: dict[str, Any] = {}
    tags: dict[str, dict[str, str]] = {}
    used: list[Any] = []
    run_check = _drill_checks.run_check

    def spy(*arguments: Any, **keywords: Any) -> Any:
        used.extend(keywords["used"])
        return run_check(*arguments, **keywords)

    def check(instance: RestoredInstance) -> None:
        name = instance.target_db_instance_identifier
        seen[name] = drills.describe(name)
        tags[name] = {tag["Key"]: tag["Value"] for tag in seen[name]["TagList"]}
        assert instance.new_port == seen[name]["Endpoint"]["Port"]

    monkeypatch.setattr("rds_backup_replication.recovery._drill.run_check", spy)
    report = drills.run(book, check=check, at_once=2)
    assert report.is_proven
    assert not report.left_behind
    assert {each.cleanup for each in report.instances} == {"deleted"}
    assert drills.left() == []
    assert drills.most == 2
    assert drills.others() == before
    assert report.callers == {
        ACCOUNT: f"arn:aws:sts::{ACCOUNT}:assumed-role/audit/rds-backup-replication"
    }
    assert report.check is not None
    assert report.check.endswith("check")

    names = {f"drill-{report.run_id[:8]}-{name}" for name in ("orders", "users", "carts", "mails")}
    assert seen.keys() == names
    for name, instance in seen.items():
        assert instance["DBSubnetGroup"]["DBSubnetGroupName"] == "drills"
        groups = [group["VpcSecurityGroupId"] for group in instance["VpcSecurityGroups"]]
        assert groups == [drills.groups["drills"]]
        assert instance["BackupRetentionPeriod"] == 0
        for off in ("DeletionProtection", "MultiAZ", "PubliclyAccessible"):
            assert instance[off] is False
        assert instance["DBInstanceClass"] == "db.r6g.large"
        assert tags[name] == {KIND_TAG: "drill", RUN_TAG: report.run_id}
    deletions = [call for name, call in drills.changes if name == "delete_db_instance"]
    assert len(deletions) == 4
    for call in deletions:
        assert call.pop("db_instance_identifier") in names
        assert call == {"skip_final_snapshot": True, "delete_automated_backups": True}
    request_ids = [each for one in report.instances for each in one.restore.request_ids]
    assert len(request_ids) == len(set(request_ids)) == len(drills.changes) == 12
    # The role's secret must be known where a check's output is cleaned.
    assert len(used) == 4
    assert all(credentials.secret_key for credentials in used)


def test_drill_measures_rto_and_rpo(drills: Drills, monkeypatch: pytest.MonkeyPatch) -> None:
    """In virtual time, the measured times are exact, and decide with the objectives."""
    sandbox = drills.fleet.sandbox
    sandbox.advance(timedelta(minutes=-30))  # when the replication begins
    book = drills.book("orders", rto=timedelta(seconds=35), rpo=timedelta(minutes=10))
    sandbox.advance(timedelta(minutes=30))
    at = datetime.now(timezone.utc) - timedelta(minutes=12)
    monkeypatch.setattr(
        "rds_backup_replication.recovery._restores.now", lambda: at + timedelta(minutes=10)
    )
    report = drills.run(book, at=at, poll_interval=7.0)
    (one,) = report.instances
    # Two polls show the instance as creating, and one as modifying.
    assert one.restore.available_after == timedelta(seconds=21)
    assert one.checked_after == one.restore.finished_after == timedelta(seconds=35)
    assert one.restored_age == timedelta(minutes=10)
    assert one.restore.restore_time == at
    assert report.is_proven

    slow = book.instances[0].model_copy(update={"rto": timedelta(seconds=34)})
    stale = book.instances[0].model_copy(update={"rpo": timedelta(seconds=599)})
    for entry, facts in ((slow, (False, True)), (stale, (True, False))):
        missed = book.model_copy(update={"instances": (entry,)})
        journal = drills.journal.with_name(f"journal-{facts}")
        report = drills.run(missed, journal=journal, at=at, poll_interval=7.0)
        (one,) = report.instances
        assert (one.meets_rto, one.meets_rpo) == facts
        assert one.check == "passed"
        assert not report.is_proven
    assert drills.left() == []


def test_drill_of_a_sample(drills: Drills) -> None:
    book = drills.book("a-1", "a-2", "a-3", "b-1")
    report = drills.run(book, only=["a-*"], sample=2)
    names = {each.restore.db_instance_identifier for each in report.instances}
    assert len(names) == 2
    assert names < {"a-1", "a-2", "a-3"}
    assert sorted(drills.names_of("restore_db_instance_to_point_in_time")) == sorted(
        f"drill-{report.run_id[:8]}-{name}" for name in names
    )


def test_drill_in_recovery_network(drills: Drills) -> None:
    """Only on request, a drill is in the network of the recovery."""
    book = drills.book("orders", drill=DrillTarget())
    with pytest.raises(RecoveryRefusedError, match="orders has no settings for drills"):
        drills.run(book)
    assert not drills.journal.exists()
    groups: list[str] = []

    def check(instance: RestoredInstance) -> None:
        found = drills.describe(instance.target_db_instance_identifier)
        groups.append(found["DBSubnetGroup"]["DBSubnetGroupName"])

    assert drills.run(book, check=check, in_recovery_network=True).is_proven
    assert groups == ["private"]


def test_drill_name_taken(drills: Drills, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bystander that has the drill's name already is neither changed nor deleted."""
    book = drills.book("orders", "users")
    run_id = SimpleNamespace(hex="0123456789abcdef0123456789abcdef")
    monkeypatch.setattr("rds_backup_replication.recovery._recover.uuid4", lambda: run_id)
    name = "drill-01234567-orders"
    # Even with the tags of this drill, which nobody can know, it is not the drill's own.
    resource_id = drills.add(name, **{KIND_TAG: "drill", RUN_TAG: run_id.hex})
    report = drills.run(book)
    orders, users = report.instances
    assert (orders.restore.outcome, orders.cleanup) == ("failed", "absent")
    assert "is taken" in str(orders.restore.message)
    assert (users.restore.outcome, users.cleanup) == ("done", "deleted")
    assert drills.clean_up().instances == report.instances
    assert drills.databases[name].dbi_resource_id == resource_id
    assert name not in {
        *drills.names_of("modify_db_instance"),
        *drills.names_of("delete_db_instance"),
    }


@pytest.mark.usefixtures("no_backoff")
def test_drill_name_taken_meanwhile(drills: Drills) -> None:
    """Somebody creates an instance of the name between the drill's question and its restore."""
    book = drills.book("orders")
    added: list[str] = []

    def before(operation: str, name: str) -> None:
        if operation.startswith("restore") and not added:
            added.append(drills.add(name, team="other"))

    drills.before = before
    report = drills.run(book)
    (one,) = report.left_behind
    assert one.restore.outcome == "failed"
    assert "left alone" in str(one.cleanup_message)
    assert [drills.databases[name].dbi_resource_id for name in drills.left()] == added
    assert {name for name, _ in drills.changes} == {"restore_db_instance_to_point_in_time"}


def test_drill_names_are_valid() -> None:
    run_id = "0123456789abcdef0123456789abcdef"
    long = "a" * 60
    names = [f"{long}{end}" for end in ("", "b", "c")] + ["Orders", "a-" * 25 + "b" * 13]
    entries = [make_entry(db_instance_identifier=name) for name in names]
    entries.append(make_entry(db_instance_identifier=long, destination_region="eu-west-1"))
    targets = create_drill_targets(entries, run_id, None)
    identifiers = [target.identifier for target in targets]
    for identifier in identifiers:
        assert re.fullmatch(r"(?!.*--)[a-z][a-z0-9-]{0,61}[a-z0-9]", identifier)
        assert identifier.startswith("drill-01234567-")
    assert len({target.key for target in targets}) == len(targets)
    assert identifiers[3] == "drill-01234567-orders"
    # Another Region has its own names.
    assert identifiers[5] == identifiers[0]


def test_drill_settings() -> None:
    """What a drill does not need, or what would outlive it, is off."""
    entry = make_entry(
        target=TARGET.model_copy(update={"manage_master_user_password": True}),
        drill=DrillTarget(
            db_subnet_group_name="drills",
            vpc_security_group_ids=("sg-1",),
            db_instance_class="db.t4g.medium",
        ),
    )
    (target,) = create_drill_targets([entry], "0" * 32, None)
    changed = {
        name: getattr(target.settings, name)
        for name, value in entry.target
        if value != getattr(target.settings, name)
    }
    assert changed == {
        "backup_retention_period": 0,
        "db_instance_class": "db.t4g.medium",
        "db_subnet_group_name": "drills",
        "deletion_protection": False,
        "enable_cloudwatch_logs_exports": (),
        "manage_master_user_password": None,
        "monitoring_interval": None,
        "monitoring_role_arn": None,
        "multi_az": False,
        "preferred_backup_window": None,
        "tags": None,
        "vpc_security_group_ids": ("sg-1",),
    }


@pytest.mark.parametrize(
    "network",
    [
        DrillTarget(),
        DrillTarget(db_subnet_group_name="drills"),
        DrillTarget(vpc_security_group_ids=("sg-1",)),
        DrillTarget(db_subnet_group_name="PRIVATE", vpc_security_group_ids=("sg-1",)),
        DrillTarget(
            db_subnet_group_name="drills",
            vpc_security_group_ids=("sg-1", *(TARGET.vpc_security_group_ids or ())),
        ),
    ],
    ids=["none", "no_security_groups", "no_subnet_group", "same_subnets", "same_security_group"],
)
def test_drill_needs_its_own_network(tmp_path: Path, network: DrillTarget) -> None:
    book = make_book(make_entry(), make_entry(db_instance_identifier="users", drill=network))
    with pytest.raises(RecoveryRefusedError) as caught:
        drill(book, journal=tmp_path / "journal")
    assert len(caught.value.reasons) == 1
    assert caught.value.reasons[0].startswith("users ")
    assert "recovery.drill.subnet_group" in caught.value.reasons[0]
    assert not (tmp_path / "journal").exists()


async def _async_check(_: RestoredInstance) -> None:
    pass


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"sample": 0}, ValueError, "sample="),
        ({"at_once": 0}, ValueError, "at_once="),
        ({"check": "psql -c 'select 1'"}, TypeError, "must be a list"),
        ({"check": []}, ValueError, "program"),
        ({"check": _async_check}, TypeError, "async"),
        ({"check_timeout": timedelta(0)}, ValueError, "check_timeout="),
        ({"timeout": timedelta(0)}, ValueError, "timeout="),
    ],
)
def test_drill_refuses_arguments(
    tmp_path: Path, arguments: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        drill(make_book(), journal=tmp_path / "journal", **arguments)
    assert not (tmp_path / "journal").exists()


def test_drill_needs_a_new_journal(tmp_path: Path) -> None:
    """What another drill left behind is known only by its journal."""
    journal = tmp_path / "journal"
    journal.write_text("{}\n")
    with pytest.raises(RecoveryRefusedError, match="drill_cleanup"):
        drill(make_book(), journal=journal)
    assert journal.read_text() == "{}\n"
