"""Tests of the readiness check: warnings, unanswered questions, shared limits and drills."""

from datetime import timedelta
from typing import Any

import pytest

from rds_backup_replication import DBInstance
from rds_backup_replication.recovery._book import (
    BookEntry,
    DrillTarget,
)
from rds_backup_replication.recovery._readiness_answers import InstanceQuota
from rds_backup_replication.recovery._restore_target import choose_backup

from .readiness_examples import (
    ENTRY,
    UNANSWERED,
    Case,
    changed_option,
    entry_with,
    judge,
    judge_one,
    make_answers,
    make_backup,
    make_offer,
    make_subnet_group,
    only_reason,
    window,
)
from .recovery_examples import (
    CAPTURED_AT,
    DRILL,
    OPTION_GROUP,
    PARAMETER_GROUP,
    SOURCE,
    TARGET,
    make_book,
    make_entry,
)

pytestmark = pytest.mark.once

WARNINGS: list[Case] = [
    (
        "backup_not_recent",
        "30m 1s ago, and the policy allows 30m; the backup is retained",
        ENTRY,
        {"backups": [make_backup(status="retained", restore_window=window(seconds=1801))]},
    ),
    (
        "subnet_group_not_found",
        "default VPC",
        make_entry(
            source=SOURCE.model_copy(update={"db_subnet_group_name": None}),
            target=TARGET.model_copy(update={"db_subnet_group_name": None}),
        ),
        {},
    ),
    (
        "parameter_group_differs",
        "orders in max_connections and work_mem.",
        ENTRY,
        {"parameters": {"orders": {"work_mem": "64"}}},
    ),
    (
        "parameter_group_differs",
        "orders in max_connections.",
        entry_with(db_parameter_group_name="default.postgres16"),
        {},
    ),
    ("option_group_differs", "in EXAMPLE", ENTRY, changed_option(port=1521)),
    ("option_group_differs", "in EXAMPLE", ENTRY, changed_option(option_settings=())),
    (
        "entry_not_complete",
        "The group was not readable. The key was not.",
        make_entry(unread=("The group was not readable.", "The key was not.")),
        {},
    ),
    (
        "entry_not_complete",
        "as of 2026-11-21 12:00 UTC",
        make_entry(captured_at=CAPTURED_AT - timedelta(days=3)),
        {},
    ),
    ("source_gone", "no longer had", make_entry(is_gone=True), {}),
]


@pytest.mark.parametrize(("code", "text", "entry", "changes"), WARNINGS)
def test_each_warning_leaves_an_instance_restorable(
    code: str, text: str, entry: BookEntry, changes: dict[str, Any]
) -> None:
    reason = only_reason(entry, **changes)
    assert (reason.code, reason.is_warning) == (code, True)
    assert text in reason.message
    assert judge_one(entry, **changes).state == "restorable"


@pytest.mark.parametrize(
    "name",
    [
        *("backups", "instances", "quota", "subnet_groups", "parameter_groups"),
        *("option_groups", "security_groups"),
    ],
)
def test_an_unanswered_question_is_never_fine(name: str) -> None:
    changes: dict[str, Any] = {name: UNANSWERED}
    record = judge_one(**changes)
    assert (record.state, record.reasons) == ("unknown", (UNANSWERED,))


@pytest.mark.parametrize("name", ["offers", "keys", "parameters"])
def test_an_unanswered_detail_is_never_fine(name: str) -> None:
    changes: dict[str, Any] = {name: dict.fromkeys(getattr(make_answers(ENTRY), name), UNANSWERED)}
    record = judge_one(**changes)
    assert (record.state, record.reasons) == ("unknown", (UNANSWERED,))


def test_a_blocker_outweighs_an_unanswered_question() -> None:
    record = judge_one(subnet_groups={}, instances=UNANSWERED)
    assert record.state == "not_restorable"
    assert [reason.code for reason in record.reasons] == [
        "subnet_group_not_found",
        "could_not_be_checked",
    ]


@pytest.mark.parametrize(
    ("entry", "changes"),
    [
        (entry_with(db_instance_class=None), {}),
        (ENTRY, {"offered": [make_offer(availability_zones=None)]}),
        (ENTRY, {"backups": [make_backup(kms_key_id=None)]}),
    ],
)
def test_what_nobody_says_is_unknown(entry: BookEntry, changes: dict[str, Any]) -> None:
    assert only_reason(entry, **changes).code == "could_not_be_checked"


def test_backup_of_a_key_that_aws_owns_needs_no_key() -> None:
    backup = make_backup(kms_key_id=None, storage_encryption_type="sse-rds")
    assert judge_one(backups=[backup]).reasons == ()


def test_backup_is_chosen_by_the_resource_id() -> None:
    foreign = make_backup(dbi_resource_id="db-OTHER")
    renamed = make_backup(db_instance_arn="arn:aws:rds:us-west-2:111111111111:db:new-name")
    retained = make_backup(status="retained", restore_window=window(minutes=1))
    pending = make_backup(restore_window=None, status="pending")
    deleting = make_backup(status="deleting")
    assert choose_backup(ENTRY, [foreign, deleting]) is None
    assert choose_backup(ENTRY, [foreign, retained, renamed]) is renamed
    assert choose_backup(ENTRY, [pending, retained]) is retained
    assert choose_backup(ENTRY, [pending]) is pending


def test_earlier_tiers_get_the_places_of_the_quota() -> None:
    late, early = (
        make_entry(db_instance_identifier="a", tier=2),
        make_entry(db_instance_identifier="b", tier=1),
    )
    quota = InstanceQuota(free=1, maximum=40)
    records = judge(late, early, quota=quota)
    assert [record.state for record in records] == ["not_restorable", "restorable"]
    (reason,) = records[0].reasons
    assert reason.code == "instance_quota_exceeded"
    assert "--desired-value 41" in reason.commands[0]
    # A drill needs one place at a time.
    assert [record.state for record in judge(late, early, quota=quota, for_drill=True)] == [
        "restorable",
        "restorable",
    ]


def test_entries_of_one_instance_share_no_quota() -> None:
    """A renamed instance has an entry under each name, and one backup."""
    old, new = make_entry(db_instance_identifier="a"), make_entry(db_instance_identifier="b")
    new = new.model_copy(update={"dbi_resource_id": old.dbi_resource_id})
    records = judge(old, new, quota=InstanceQuota(free=1, maximum=40))
    assert [record.state for record in records] == ["restorable", "not_restorable"]


def test_two_entries_with_one_name() -> None:
    one = make_entry(db_instance_identifier="a", target_db_instance_identifier="same")
    other = make_entry(db_instance_identifier="b", target_db_instance_identifier="SAME")
    records = judge(one, other)
    for record, second in zip(records, (other, one), strict=True):
        (reason,) = record.reasons
        assert reason.code == "name_used_twice"
        assert second.db_instance_arn in reason.message
    assert all(record.state == "restorable" for record in judge(one, other, for_drill=True))


@pytest.mark.parametrize(
    ("drill", "code", "text"),
    [
        (DrillTarget(), "no_drill_settings", "no subnet_group and security_group_ids"),
        (
            DrillTarget(db_subnet_group_name="drills"),
            "no_drill_settings",
            "no security_group_ids for",
        ),
        (
            DRILL.model_copy(update={"db_subnet_group_name": "Private"}),
            "drill_not_separate",
            "the DB subnet group Private",
        ),
        (
            DRILL.model_copy(update={"vpc_security_group_ids": TARGET.vpc_security_group_ids}),
            "drill_not_separate",
            "sg-0fedcba9876543210",
        ),
    ],
)
def test_what_a_drill_lacks(drill: DrillTarget, code: str, text: str) -> None:
    entry = make_entry(drill=drill)
    reason = only_reason(entry, for_drill=True)
    assert (reason.code, reason.is_warning) == (code, False)
    assert text in reason.message
    assert judge_one(entry).reasons == ()


def test_drill_in_the_recovery_network_of_another_rule() -> None:
    """A drill refuses what another rule uses for recoveries, so the check must say it."""
    target = TARGET.model_copy(update={"db_subnet_group_name": "Drills"})
    other = make_entry(db_instance_identifier="users", target=target)
    reason = only_reason(for_drill=True, captured=make_book(ENTRY, other))
    assert reason.code == "drill_not_separate"
    assert "the DB subnet group drills" in reason.message


def test_a_drill_is_checked_in_its_own_network() -> None:
    changes: dict[str, Any] = {
        "subnet_groups": {"drills": make_subnet_group("drills", "a")},
        "instances": {"orders": DBInstance()},  # a drill has a name of its own
    }
    assert only_reason(for_drill=True, **changes).code == "too_few_zones"


def test_a_group_that_was_not_captured_is_not_compared() -> None:
    parameters = PARAMETER_GROUP.model_copy(update={"parameters": None})
    options = OPTION_GROUP.model_copy(update={"options": None})
    changes = changed_option(port=1521)
    changes["parameters"] = {"orders": {"work_mem": "64"}}
    for captured in (
        make_book(parameter_groups=(parameters,), option_groups=(options,)),
        make_book(parameter_groups=(), option_groups=()),
    ):
        assert judge_one(captured=captured, **changes).reasons == ()


def test_values_that_are_hidden_are_not_compared() -> None:
    parameters = PARAMETER_GROUP.model_copy(update={"parameters": {"report_password": "***"}})
    assert OPTION_GROUP.options is not None
    option = OPTION_GROUP.options[0].model_copy(update={"settings": {"PASSWORD": "***"}})
    options = OPTION_GROUP.model_copy(update={"options": (option,)})
    captured = make_book(parameter_groups=(parameters,), option_groups=(options,))
    same = {"orders": {"report_password": "***"}}
    assert judge_one(captured=captured, **changed_option(), parameters=same).reasons == ()
    missing = judge_one(captured=captured, parameters={"orders": {}}, option_groups={})
    commands = [command for reason in missing.reasons for command in reason.commands]
    assert "***" not in "".join(commands)
    assert sum("<secret value of the source>" in command for command in commands) == 2


def test_default_groups_need_not_exist() -> None:
    settings = {
        "db_parameter_group_name": "default.oracle-ee-19",
        "option_group_name": "default:oracle-ee-19",
    }
    entry = make_entry(
        engine="oracle-ee",
        source=SOURCE.model_copy(update=settings),
        target=TARGET.model_copy(update=settings),
    )
    backups = [make_backup(entry, engine_version="19.0.0.0.ru-2026-10.rur-2026-10.r1")]
    found = judge_one(entry, backups=backups, parameter_groups={}, option_groups={})
    assert found.reasons == ()
