"""The evidence of a drill does not say that something is proven when it is not."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from moto.rds.exceptions import InvalidParameterCombination

from rds_backup_replication._models._responses import RestoreWindow
from rds_backup_replication.recovery import render_drill_html
from rds_backup_replication.recovery._restore_target import drill_settings
from rds_backup_replication.recovery._run import Run

from . import drill_cases
from .drill_cases import Drills
from .readiness_examples import entry_with
from .recoveries import book
from .recovery_examples import DRILL

pytestmark = pytest.mark.once

drills = drill_cases.drills


def test_killed_drill_is_not_proven(drills: Drills) -> None:
    """The evidence of a cleanup has no records of what a killed drill did not come to."""
    report = drills.run(drills.book("orders"), check=["true"])
    assert report.is_proven
    lines = drills.journal.read_text().replace('"planned":1', '"planned":3')
    drills.journal.write_text(lines)
    cleaned = drills.clean_up()
    assert [each.is_proven for each in cleaned.instances] == [True]
    assert not cleaned.is_proven
    assert cleaned.total == 3
    assert "1 of 3 instances is proven restorable. Not proven because of 2 missing records" in (
        render_drill_html(cleaned)
    )


def test_evidence_of_a_sample_without_check(drills: Drills) -> None:
    """An auditor must see what was not drilled, and with which settings."""
    report = drills.run(drills.book("orders", "users"), sample=1)
    page = render_drill_html(report)
    assert report.is_proven
    assert "No check has examined the data. " in page
    assert "The book has 2 instances." in page
    assert "passed the check within" not in page
    (drilled,) = report.instances
    assert drilled.adapted["multi_az"] == "False, not True as in a recovery"
    assert "db_instance_class" not in drilled.adapted
    assert "multi_az: False, not True" in page


def test_measured_age_of_a_backup(drills: Drills, monkeypatch: pytest.MonkeyPatch) -> None:
    """A drill of many instances lists the backups long before it restores the last of them."""
    connect = Run.connect

    def connect_long_ago(run: Run) -> None:
        connect(run)
        for reader in run.readers.values():
            monkeypatch.setattr(reader, "_listed_at", -7200.0)
            old = RestoreWindow(latest_time=datetime.now(timezone.utc) - timedelta(hours=9))
            reader.listed[:] = [
                each.model_copy(update={"restore_window": old}) for each in reader.listed
            ]

    monkeypatch.setattr(Run, "connect", connect_long_ago)
    (drilled,) = drills.run(drills.book("orders")).instances
    assert drilled.restored_age is not None
    assert drilled.restored_age < timedelta(hours=1)


def test_class_of_a_drill() -> None:
    """RDS refuses the processor features of one class for another one."""
    entry = entry_with(processor_features={"coreCount": "4"})
    small = DRILL.model_copy(update={"db_instance_class": "db.t3.medium"})
    assert drill_settings(entry).processor_features == {"coreCount": "4"}
    other = entry.model_copy(update={"drill": small})
    assert drill_settings(other).processor_features is None


def test_pending_parameters_are_not_done(drills: Drills) -> None:
    """An instance that waits for a reboot does not run with the book's parameters."""
    wanted: list[str] = []

    def let_wait(operation: str, name: str) -> None:
        if operation.startswith("modify"):
            instance: Any = drills.databases[name]
            group: Any = instance.DBParameterGroupStatusList[0]
            group["ParameterApplyStatus"] = "pending-reboot"
            wanted.append(str(group["DBParameterGroupName"]))

    drills.after = let_wait
    (entry,) = drills.book("orders").instances
    target = entry.target.model_copy(update={"db_parameter_group_name": "default.postgres9.3"})
    report = drills.run(book(entry.model_copy(update={"target": target})))
    assert wanted == ["default.postgres9.3"]
    assert not report.is_proven
    (drilled,) = report.instances
    assert drilled.check == "not_run"
    assert drilled.restore.differences.keys() == {"db_parameter_group_name"}
    assert "aws rds reboot-db-instance" in str(drilled.restore.message)


def test_refused_settings_are_named(drills: Drills) -> None:
    """On the day, people must know that the data is back, and what the instance lacks."""

    def refuse(operation: str, _: str) -> None:
        if operation.startswith("modify"):
            raise InvalidParameterCombination("Performance Insights is not supported.")

    drills.before = refuse
    report = drills.run(drills.book("orders"))
    (drilled,) = report.instances
    restored = drilled.restore
    assert restored.outcome == "failed"
    assert restored.error_code == "InvalidParameterCombination"
    assert "preferred_maintenance_window" in restored.differences
    for text in ("restored and available", "preferred_maintenance_window", "is not supported"):
        assert text in str(restored.message)
