"""Tests of the readiness check: each planted problem is found, and nothing else."""

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import botocore.httpsession
import pytest
from pydantic import BaseModel

from rds_backup_replication import DBInstance, DBInstanceAutomatedBackup, Tag
from rds_backup_replication._models._instance_parts import (
    AvailabilityZone,
    DBSubnetGroup,
    Subnet,
)
from rds_backup_replication._models._responses import RestoreWindow
from rds_backup_replication._workflows.reasons import key_reasons
from rds_backup_replication.exceptions import AccessDeniedError, RecoveryRefusedError
from rds_backup_replication.recovery import _operations as op
from rds_backup_replication.recovery._book import (
    BookEntry,
    CapturedOptionGroup,
    CapturedParameterGroup,
    CaptureProblem,
    DrillTarget,
    RecoveryBook,
)
from rds_backup_replication.recovery._readiness import Judge, check, find_book_reasons
from rds_backup_replication.recovery._readiness_answers import (
    Answers,
    InstanceQuota,
    KeyCondition,
    Restore,
    choose_backup,
)
from rds_backup_replication.recovery._readiness_groups import CapturedGroups
from rds_backup_replication.recovery._records import ReadinessReason, ReadinessRecord
from rds_backup_replication.recovery._restore_target import drill_settings
from rds_backup_replication.recovery._settings import RUN_TAG

from . import fleets, recoveries
from .fleets import ACCOUNTS, DESTINATION, Fleet
from .recovery_examples import (
    ACCOUNT,
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

KEY = f"arn:aws:kms:{DESTINATION}:{ACCOUNT}:key/backups"
BACKUP_ARN = f"arn:aws:rds:{DESTINATION}:{ACCOUNT}:auto-backup:ab-1"
INSIGHTS_KEY = "alias/insights"
UNANSWERED = ReadinessReason(code="could_not_be_checked", message="No answer.", remedy="Ask again.")
ENTRY = make_entry()


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
    *entries: BookEntry, for_drill: bool = False, offers: Any = None, **changes: Any
) -> Answers:
    """Return the answers of a destination in which all instances can be restored."""
    backups: Any = changes.pop("backups", [make_backup(entry) for entry in entries])
    listed = [] if backups is UNANSWERED else backups
    restores = [
        Restore(
            entry,
            drill_settings(entry) if for_drill else entry.target,
            choose_backup(entry, listed),
        )
        for entry in entries
    ]
    option = op.Option(
        option_name="EXAMPLE",
        port=1158,
        option_settings=[
            op.OptionSetting(name="LEVEL", value="1"),
            op.OptionSetting(name="OTHER", value="default"),
        ],
    )
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
        option_groups={
            "orders": op.OptionGroup(
                option_group_name="orders",
                engine_name="postgres",
                major_engine_version="16",
                options=[option],
            )
        },
        offers={r.class_query: offers or [make_offer()] for r in restores if r.class_query},
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
    groups = CapturedGroups.of(captured or make_book(*entries))
    stale_before = CAPTURED_AT - timedelta(days=2)
    return Judge(groups, now, stale_before, for_drill=for_drill).judge(answers)


def judge_one(entry: BookEntry = ENTRY, **changes: Any) -> ReadinessRecord:
    (record,) = judge(entry, **changes)
    return record


def only_reason(entry: BookEntry = ENTRY, **changes: Any) -> ReadinessReason:
    (reason,) = judge_one(entry, **changes).reasons
    return reason


def entry_with(**target: Any) -> BookEntry:
    return make_entry(target=TARGET.model_copy(update=target))


def test_nothing_is_found_where_all_is_ready() -> None:
    record = judge_one()
    assert (record.state, record.reasons) == ("restorable", ())
    assert record.backup_status == "replicating"
    assert record.latest_time == CAPTURED_AT - timedelta(minutes=10)
    assert judge_one(for_drill=True).reasons == ()


Case = tuple[str, str, BookEntry, dict[str, Any]]
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
    ("too_few_zones", "Multi-AZ needs two zones in both", ENTRY, {"offers": [make_offer("bc")]}),
    (
        "too_few_zones",
        "a restore needs a zone in both",
        entry_with(multi_az=False),
        {"offers": [make_offer("c")]},
    ),
    ("parameter_group_not_found", "no DB parameter group orders.", ENTRY, {"parameter_groups": {}}),
    (
        "parameter_group_differs",
        "the engine version needs postgres16",
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
        {"offers": [make_offer(multi_az_capable=False)]},
    ),
    ("class_not_orderable", "gp3", ENTRY, {"offers": [make_offer(storage_type="gp2")]}),
    (
        "class_not_orderable",
        "encrypted storage",
        ENTRY,
        {"offers": [make_offer(supports_storage_encryption=False)]},
    ),
    (
        "name_taken",
        "the recovery or drill r1 restored it",
        ENTRY,
        {"instances": {"orders": DBInstance(tag_list=[Tag(key=RUN_TAG, value="r1")])}},
    ),
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


def test_a_key_that_kms_deletes() -> None:
    reason = only_reason(keys={KEY: key_in("PendingDeletion")})
    assert "KMS deletes it on 2026-11-24" in reason.message
    assert reason.commands == (
        f"aws kms cancel-key-deletion --region {DESTINATION} --key-id {KEY}",
        f"aws kms enable-key --region {DESTINATION} --key-id {KEY}",
    )


def changed_option(**changes: Any) -> dict[str, Any]:
    group = make_answers().option_groups
    assert isinstance(group, dict)
    options = group["orders"].options or ()
    option = options[0].model_copy(update=changes)
    return {"option_groups": {"orders": group["orders"].model_copy(update={"options": (option,)})}}


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
    record = judge_one(**{name: UNANSWERED})
    assert (record.state, record.reasons) == ("unknown", (UNANSWERED,))


@pytest.mark.parametrize("name", ["offers", "keys", "parameters"])
def test_an_unanswered_detail_is_never_fine(name: str) -> None:
    answers = make_answers(ENTRY)
    details = dict.fromkeys(getattr(answers, name), UNANSWERED)
    changed = replace(answers, **{name: details})
    captured = CapturedGroups.of(make_book())
    (record,) = Judge(captured, CAPTURED_AT, CAPTURED_AT, for_drill=False).judge(changed)
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
        (ENTRY, {"offers": [make_offer(availability_zones=None)]}),
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


def test_a_drill_is_checked_in_its_own_network() -> None:
    changes: dict[str, Any] = {
        "subnet_groups": {"drills": make_subnet_group("drills", "a")},
        "instances": {"orders": DBInstance()},  # a drill has a name of its own
    }
    assert only_reason(for_drill=True, **changes).code == "too_few_zones"


def test_commands_make_what_is_missing() -> None:
    parameters = {f"p{number:02}": "it's, all" for number in range(21)}
    group = PARAMETER_GROUP.model_copy(update={"parameters": parameters})
    captured = make_book(parameter_groups=(group,))
    record = judge_one(
        captured=captured,
        parameter_groups={},
        option_groups={},
        subnet_groups={},
        security_groups={},
    )
    commands = {reason.code: [*map(shlex.split, reason.commands)] for reason in record.reasons}
    for each in commands.values():
        for words in each:
            assert words[0] == "aws"
            assert words[3:5] == ["--region", DESTINATION]
    create, first, second = commands["parameter_group_not_found"]
    assert create[2:3] + create[5:9] == [
        "create-db-parameter-group",
        *("--db-parameter-group-name", "orders"),
        *("--db-parameter-group-family", "postgres16"),
    ]
    assert [len(json.loads(words[-1])) for words in (first, second)] == [20, 1]
    assert json.loads(second[-1]) == [
        {"ParameterName": "p20", "ParameterValue": "it's, all", "ApplyMethod": "pending-reboot"}
    ]
    create, add = commands["option_group_not_found"]
    assert create[2] == "create-option-group"
    assert add[2] == "add-option-to-option-group"
    assert json.loads(add[-1]) == [
        {
            "OptionName": "EXAMPLE",
            "Port": 1158,
            "VpcSecurityGroupMemberships": ["<ID of a security group>"],
            "OptionSettings": [{"Name": "LEVEL", "Value": "1"}],
        }
    ]
    (create,) = commands["subnet_group_not_found"]
    assert create[-3:] == ["--subnet-ids", "<ID of a subnet>", "<ID of a subnet in another zone>"]
    assert commands["security_group_not_found"][0][1:3] == ["ec2", "create-security-group"]


def test_a_subnet_is_added_to_those_that_are_there() -> None:
    reason = only_reason(subnet_groups={"private": make_subnet_group("private", "a")})
    (words,) = map(shlex.split, reason.commands)
    assert words[-3:] == ["--subnet-ids", "subnet-a", "<ID of a subnet in another zone>"]


def test_only_the_parameters_that_differ_are_set() -> None:
    group = PARAMETER_GROUP.model_copy(update={"parameters": {"same": "1", "other": "2"}})
    reason = only_reason(
        captured=make_book(parameter_groups=(group,)),
        parameters={"orders": {"same": "1", "more": "3"}},
    )
    assert "in more and other." in reason.message
    (words,) = map(shlex.split, reason.commands)
    assert [each["ParameterName"] for each in json.loads(words[-1])] == ["other"]


def test_a_group_that_was_not_captured_is_not_compared() -> None:
    not_read: list[tuple[type[BaseModel], Any]] = [
        (CapturedParameterGroup, PARAMETER_GROUP.model_copy(update={"parameters": None})),
        (CapturedOptionGroup, OPTION_GROUP.model_copy(update={"options": None})),
    ]
    groups, options = (group for _, group in not_read)
    changes = {"parameters": {"orders": {"work_mem": "64"}}, **changed_option(port=1521)}
    for captured in (
        make_book(parameter_groups=(groups,), option_groups=(options,)),
        make_book(parameter_groups=(), option_groups=()),
    ):
        assert judge_one(captured=captured, **changes).reasons == ()


def test_default_groups_need_not_exist() -> None:
    settings = {
        "db_parameter_group_name": "default.oracle-ee-19",
        "option_group_name": "default:oracle-ee-19",
    }
    entry = make_entry(
        source=SOURCE.model_copy(update=settings), target=TARGET.model_copy(update=settings)
    )
    assert judge_one(entry, parameter_groups={}, option_groups={}).reasons == ()


def test_findings_about_the_book() -> None:
    problem = CaptureProblem(message="The account was not read.", remedy="Allow it.")
    book = make_book(problems=(problem,))
    age = timedelta(days=2)
    assert [r.code for r in find_book_reasons(book, CAPTURED_AT + age, age)] == [
        "book_not_complete"
    ]
    late = CAPTURED_AT + age + timedelta(hours=1)
    found = {reason.code: reason.message for reason in find_book_reasons(book, late, age)}
    assert found == {
        "book_too_old": "The book was captured 2d 1h ago; it may be 2d old.",
        "book_not_complete": "The account was not read.",
    }


def test_maximum_age_must_be_positive() -> None:
    with pytest.raises(ValueError, match="maximum_age= must be a positive duration"):
        check(make_book(), maximum_age=timedelta())
    with pytest.raises(RecoveryRefusedError, match="no instance 'nobody'"):
        check(make_book(), only=["nobody"])


ONE, TWO = ACCOUNTS[:2]


@pytest.fixture
def signed_regions(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Record the Regions for which requests are signed."""
    regions: set[str] = set()
    session: Any = botocore.httpsession.URLLib3Session
    send: Callable[..., Any] = session.send

    def recorded(self: Any, request: Any) -> Any:
        header = request.headers["Authorization"]
        scope = header if isinstance(header, str) else header.decode()
        regions.add(scope.split("Credential=")[1].split("/")[2])
        return send(self, request)

    monkeypatch.setattr(session, "send", recorded)
    return regions


def test_planted_problems_are_found(fleet: Fleet, signed_regions: set[str]) -> None:
    entries: list[BookEntry] = []
    for account in (ONE, TWO):
        groups = recoveries.network(fleet, account)
        for name in ("fine", "unbacked", "mapped", "taken", "encrypted", "large"):
            arn = fleet.add(account, recoveries.SOURCE, name)
            entries.append(recoveries.entry(fleet, account, arn, groups))
    book = plant(fleet, entries)
    fleet.sandbox.region_down(recoveries.SOURCE)
    signed_regions.clear()

    progress: list[tuple[int, int]] = []
    report = check(
        book,
        fleets.policy((ONE, TWO)),
        access=fleet.access,
        on_progress=lambda *count: progress.append(count),
    )

    assert signed_regions == {DESTINATION}
    assert progress == [(1, 2), (2, 2)]
    found = {
        (record.account_id, record.db_instance_identifier): {r.code for r in record.reasons}
        for record in report.records
        if record.reasons
    }
    expected = {
        "unbacked": {"backup_not_found"},
        "mapped": {
            *("security_group_not_found", "subnet_group_not_found", "parameter_group_not_found"),
            *("option_group_not_found", "settings_key_not_usable"),
        },
        "taken": {"name_taken", "parameter_group_differs"},
        "encrypted": {"backup_key_not_usable"},
        "large": {"class_not_orderable"},
    }
    assert found == {(TWO, name): codes for name, codes in expected.items()}
    assert report.counts == {"restorable": 7, "not_restorable": 5}
    assert [r.sort_key() for r in book.instances] == [
        (r.account_id, r.source_region, r.db_instance_arn) for r in report.records
    ]
    assert (report.book_hash, report.findings) == (book.content_hash, ())


def plant(fleet: Fleet, entries: list[BookEntry]) -> RecoveryBook:
    """Return a book of entries, those of one account with a problem each."""
    kms = fleet.boto3_client(TWO, "kms", DESTINATION)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    rds = fleet.boto3_client(TWO, "rds", DESTINATION)
    rds.create_db_parameter_group(
        DBParameterGroupName="orders", DBParameterGroupFamily="postgres16", Description="orders"
    )
    fleet.sandbox.make_unorderable(DESTINATION, "db.r6g.16xlarge")
    fleet.add(TWO, DESTINATION, "taken-dr")
    changes: dict[str, dict[str, Any]] = {
        "mapped": {
            "db_subnet_group_name": "missing",
            "vpc_security_group_ids": ("sg-0123456789abcdef0",),
            "db_parameter_group_name": "missing",
            "option_group_name": "missing",
            "enable_performance_insights": True,
            "performance_insights_kms_key_id": "alias/missing",
        },
        "taken": {"db_parameter_group_name": "orders"},
        "large": {"db_instance_class": "db.r6g.16xlarge"},
    }
    planted: list[BookEntry] = []
    for entry in entries:
        name, is_bad = entry.db_instance_identifier, entry.account_id == TWO
        if not (is_bad and name == "unbacked"):
            is_encrypted = is_bad and name == "encrypted"
            fleet.client(entry.account_id).ensure_replication(
                source_db_instance_arn=entry.db_instance_arn,
                kms_key_id=key if is_encrypted else None,
            )
        update: dict[str, Any] = {}
        if is_bad:
            source = {"db_parameter_group_name": "custom"} if name == "taken" else {}
            update = {
                "target": entry.target.model_copy(update=changes.get(name, {})),
                "source": entry.source.model_copy(update=source),
            }
        planted.append(entry.model_copy(update=update))
    kms.disable_key(KeyId=key.rpartition("/")[2])
    group = CapturedParameterGroup(
        account_id=TWO,
        source_region=recoveries.SOURCE,
        name="custom",
        family="postgres16",
        parameters={"max_connections": "500"},
    )
    return recoveries.book(*planted).model_copy(update={"parameter_groups": (group,)})


def test_unanswered_questions_make_instances_unknown(fleet: Fleet) -> None:
    groups = recoveries.network(fleet, ONE)
    arn = recoveries.replicate(fleet, ONE, "orders")
    book = recoveries.book(recoveries.entry(fleet, ONE, arn, groups))
    policy = fleets.policy((ONE,))
    fleet.sandbox.add_fault("describe_db_instances", AccessDeniedError)
    fleet.sandbox.add_fault("describe_account_attributes", AccessDeniedError)
    (record,) = check(book, policy, access=fleet.access).records
    assert record.state == "unknown"
    assert [reason.remedy for reason in record.reasons] == [
        f"Allow the caller rds:{operation} in {DESTINATION}."
        for operation in ("DescribeAccountAttributes", "DescribeDBInstances")
    ]

    # Without the policy's role, the credentials are those of the sandbox's own account.
    (record,) = check(book, access=fleet.access).records
    (reason,) = record.reasons
    assert record.state == "unknown"
    assert f"not {ONE}" in reason.message
    assert check(book, policy, access=fleet.access).is_ready
