"""No part of a recovery says that all is well when it is not."""

from typing import Any

import pytest
from moto.rds.exceptions import InvalidParameterCombination

from rds_backup_replication import DBInstance
from rds_backup_replication.recovery import InstanceSettings
from rds_backup_replication.recovery._comparison import Comparison, compare_settings

from . import drill_cases
from .drill_cases import Drills
from .recoveries import book
from .recovery_examples import ACCOUNT, DESTINATION

pytestmark = pytest.mark.once

drills = drill_cases.drills

KEY_ID = "0123456789ab"
KEY = f"arn:aws:kms:{DESTINATION}:{ACCOUNT}:key/{KEY_ID}"


def compare(instance: dict[str, Any], **wanted: Any) -> Comparison:
    return compare_settings(
        InstanceSettings(**wanted),
        DBInstance.model_validate({"DBInstanceIdentifier": "orders"} | instance),
    )


@pytest.mark.parametrize("status", ["pending-reboot", "applying", "failed-to-apply"])
def test_parameters_not_in_use(status: str) -> None:
    """A group that has the right name may not be what the instance runs with."""
    group = {"DBParameterGroupName": "orders", "ParameterApplyStatus": status}
    found = compare({"DBParameterGroups": [group]}, db_parameter_group_name="orders")
    assert found.verified == ()
    assert found.differences == {"db_parameter_group_name": f"orders is not in use: {status}"}
    assert not found.names  # ModifyDBInstance does not help
    assert "reboot orders" in found.explain("orders")


def test_options_not_in_use() -> None:
    group = {"OptionGroupName": "orders", "Status": "pending-apply"}
    found = compare({"OptionGroupMemberships": [group]}, option_group_name="orders")
    assert found.differences == {"option_group_name": "orders is not in use: pending-apply"}


def test_groups_in_use() -> None:
    """RDS stores the names of groups in lower case."""
    shown = {
        "DBParameterGroups": [
            {"DBParameterGroupName": "orders", "ParameterApplyStatus": "in-sync"}
        ],
        "OptionGroupMemberships": [{"OptionGroupName": "orders", "Status": "in-sync"}],
        "DBSubnetGroup": {"DBSubnetGroupName": "private"},
    }
    wanted = {
        "db_parameter_group_name": "Orders",
        "db_subnet_group_name": "Private",
        "option_group_name": "ORDERS",
    }
    found = compare(shown, **wanted)
    assert not found.differences
    assert set(found.verified) == wanted.keys()


@pytest.mark.parametrize(
    ("wanted", "result"),
    [
        (KEY, "verified"),
        (KEY_ID, "verified"),
        ("another-key", "different"),
        ("alias/insights", "unknown"),
        (f"arn:aws:kms:{DESTINATION}:{ACCOUNT}:alias/insights", "unknown"),
    ],
)
def test_key_comparison(wanted: str, result: str) -> None:
    """RDS shows the ARN of a key. An alias proves nothing, so it is never verified."""
    found = compare({"PerformanceInsightsKMSKeyId": KEY}, performance_insights_kms_key_id=wanted)
    assert bool(found.differences) is (result == "different")
    assert bool(found.verified) is (result == "verified")


def test_pending_parameters_are_not_done(drills: Drills) -> None:
    """An instance that waits for a reboot does not run with the book's parameters."""

    def let_wait(operation: str, name: str) -> None:
        if operation.startswith("modify"):
            instance = drills.databases[name]
            (group,) = vars(instance)["DBParameterGroupStatusList"]
            group["ParameterApplyStatus"] = "pending-reboot"
            wanted.append(group["DBParameterGroupName"])

    wanted: list[str] = []
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
    assert "monitoring_interval" in restored.differences
    for text in ("restored and available", "monitoring_interval", "is not supported"):
        assert text in str(restored.message)
