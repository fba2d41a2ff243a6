"""Captures: what is read of the sources, and what is kept of the previous book."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from rds_backup_replication import DBInstance
from rds_backup_replication.exceptions import AccessDeniedError
from rds_backup_replication.fleet import Policy
from rds_backup_replication.fleet._accounts import Account
from rds_backup_replication.recovery._account_scan import AccountScan
from rds_backup_replication.recovery._book import (
    BookEntry,
    CaptureProblem,
    RecoveryBook,
)
from rds_backup_replication.recovery._capture import build_book, capture
from rds_backup_replication.recovery._captured_groups import shown_value
from rds_backup_replication.recovery._settings import KIND_TAG, read_settings

from .fleets import ACCOUNTS, Fleet
from .recovery_examples import (
    ACCOUNT,
    CAPTURED_AT,
    OPTION_GROUP,
    PARAMETER_GROUP,
    SOURCE,
    SOURCE_REGION,
    make_book,
    make_entry,
)

pytestmark = pytest.mark.once

LATER = CAPTURED_AT + timedelta(days=1)
ONE, TWO = ACCOUNTS[:2]
RULES = """
defaults:
  destination_region: us-east-1
  recovery:
    tier: 2
    name: "{name}-dr"
    subnet_group: dr
    security_group_ids: ["sg-0fedcba9876543210"]
    parameter_groups: {orders: orders-dr}
    rto: 2h
    drill: {subnet_group: drills}
rules:
  - name: scratch
    source_regions: [us-west-2]
    select: {identifiers: ["tmp-*"]}
    replicate: never
  - name: production
    source_regions: [us-west-2, eu-west-1]
    select: {tags: {env: prod}}
    maximum_lag: 30m
    recovery: {tier: 1}
  - name: test
    source_regions: [us-west-2]
    select: {tags: {env: test}}
  - name: theirs
    source_regions: [ap-south-1]
    replicate: ignore
"""
POLICY = Policy.from_yaml(
    "accounts:\n"
    + "".join(f'  - {{id: "{a}", role_arn: "arn:aws:iam::{a}:role/audit"}}\n' for a in (ONE, TWO))
    + RULES
)
PRODUCTION = next(rule for rule in POLICY.rules if rule.name == "production")


def scan(*entries: BookEntry, **facts: Any) -> AccountScan:
    """Return the scan of the examples' account, of which one Region was listed."""
    ids = {entry.dbi_resource_id.lower() for entry in entries}
    facts = {"listed": {SOURCE_REGION: ids}, **facts}
    return AccountScan(Account(id=ACCOUNT), (PRODUCTION,), list(entries), **facts)


def rebuild(found: AccountScan | None, previous: RecoveryBook, **facts: Any) -> RecoveryBook:
    facts = {"problems": [], "captured_at": LATER, **facts}
    return build_book(scans=[found] if found else [], previous=previous, **facts)


def fates(book: RecoveryBook) -> dict[str, bool]:
    """Return which instances a book has, and whether they are gone."""
    return {entry.dbi_resource_id: entry.is_gone for entry in book.instances}


ORDERS, USERS = make_entry(), make_entry(db_instance_identifier="users")
BOTH = make_book(ORDERS, USERS)
BAD = CaptureProblem(message="AWS Organizations did not answer.", remedy="Capture again.")


def test_new_entries_replace_earlier_ones() -> None:
    fresh = ORDERS.model_copy(update={"captured_at": LATER, "engine_version": "16.5"})
    book = rebuild(scan(fresh, USERS), BOTH)
    assert book.instances == (fresh, USERS)
    assert book.captured_at == LATER


@pytest.mark.parametrize(
    ("facts", "problems", "expected"),
    [
        ({}, [], {"db-ORDERSEXAMPLE": False, "db-USERSEXAMPLE": True}),
        (
            {"listed": {SOURCE_REGION: {"db-ordersexample", "db-usersexample"}}},
            [],
            {"db-ORDERSEXAMPLE": False},  # no rule matches the other one any more
        ),
        (
            {"unclear": {USERS.db_instance_arn}},
            [],
            {"db-ORDERSEXAMPLE": False, "db-USERSEXAMPLE": False},
        ),
        ({"unclear": {"users"}}, [], {"db-ORDERSEXAMPLE": False, "db-USERSEXAMPLE": False}),
        ({"rules": ()}, [], {"db-ORDERSEXAMPLE": False}),
    ],
)
def test_entry_that_is_not_captured_again(
    facts: dict[str, Any], problems: list[CaptureProblem], expected: dict[str, bool]
) -> None:
    found = scan(ORDERS)
    for name, value in facts.items():
        setattr(found, name, value)
    assert fates(rebuild(found, BOTH, problems=problems)) == expected


@pytest.mark.parametrize(
    "facts",
    [
        {"has_failed": True, "listed": {}},
        {"failed_regions": {SOURCE_REGION}, "listed": {}},
        {"has_unknown_regions": True, "listed": {}},
    ],
)
def test_entries_that_cannot_be_read_stay(facts: dict[str, Any]) -> None:
    """They keep the time of their capture, and their groups."""
    book = rebuild(scan(**facts), BOTH)
    assert book.instances == BOTH.instances
    assert book.parameter_groups == BOTH.parameter_groups
    assert book.option_groups == BOTH.option_groups


def test_entries_of_accounts_that_cannot_be_listed_stay() -> None:
    book = rebuild(None, BOTH, problems=[BAD])
    assert book.instances == BOTH.instances
    assert book.problems == (BAD,)
    assert not rebuild(None, BOTH).instances  # the account left the policy
    with_other = make_book(ORDERS, make_entry(account_id=TWO))
    assert rebuild(scan(ORDERS), with_other, problems=[BAD]).instances == with_other.instances


def test_entries_of_a_disabled_region_are_gone() -> None:
    assert fates(rebuild(scan(listed={"eu-west-1": set()}), make_book(ORDERS))) == {
        "db-ORDERSEXAMPLE": True
    }


def test_gone_entries_are_kept_for_35_days() -> None:
    other = ORDERS.model_copy(update={"dbi_resource_id": "db-OTHER", "rule": "other"})
    left = rebuild(scan(other), make_book(ORDERS))
    assert fates(left) == {"db-OTHER": False, "db-ORDERSEXAMPLE": True}
    gone = make_book(*(entry for entry in left.instances if entry.is_gone))
    assert gone.instances[0].captured_at == CAPTURED_AT
    assert left.parameter_groups == (PARAMETER_GROUP,)
    last = rebuild(scan(), gone, captured_at=CAPTURED_AT + timedelta(days=35))
    assert last.instances == gone.instances
    after = rebuild(scan(), last, captured_at=CAPTURED_AT + timedelta(days=35, seconds=1))
    assert (after.instances, after.parameter_groups) == ((), ())


def test_region_without_instances() -> None:
    """An empty response for a Region that had instances is a problem, and loses no entry."""
    book = rebuild(scan(), make_book(ORDERS))
    assert fates(book) == {"db-ORDERSEXAMPLE": False}
    assert ["lists no instances" in problem.message for problem in book.problems] == [True]
    assert rebuild(scan(ORDERS), make_book(ORDERS)).problems == ()


def test_instance_of_a_former_name() -> None:
    """A new instance of the name does not replace the former one, whose backup is another."""
    new = ORDERS.model_copy(update={"dbi_resource_id": "db-NEW"})
    book = rebuild(scan(new), make_book(ORDERS))
    assert fates(book) == {"db-NEW": False, "db-ORDERSEXAMPLE": True}


def test_group_that_cannot_be_read_is_the_earlier_one() -> None:
    unread = PARAMETER_GROUP.model_copy(update={"parameters": None})
    unread_options = OPTION_GROUP.model_copy(update={"options": None})
    found = scan(ORDERS, parameter_groups=[unread], option_groups=[unread_options])
    book = rebuild(found, make_book(ORDERS))
    assert book.parameter_groups == (PARAMETER_GROUP,)
    assert book.option_groups == (OPTION_GROUP,)
    alone = rebuild(found, make_book(ORDERS, parameter_groups=(), option_groups=()))
    assert alone.parameter_groups == (unread,)
    assert alone.option_groups == (unread_options,)


def test_group_that_is_read_replaces_the_earlier_one() -> None:
    empty = PARAMETER_GROUP.model_copy(update={"parameters": {}})
    found = scan(ORDERS, parameter_groups=[empty])
    assert rebuild(found, make_book(ORDERS)).parameter_groups == (empty,)


def test_groups_without_instances_are_left_out() -> None:
    other = ORDERS.model_copy(
        update={
            "source": SOURCE.model_copy(
                update={"db_parameter_group_name": "default.x", "option_group_name": None}
            )
        }
    )
    book = rebuild(scan(other), make_book(ORDERS))
    assert (book.parameter_groups, book.option_groups) == ((), ())


@pytest.mark.parametrize(
    ("name", "is_hidden"),
    [
        ("AGENT_REGISTRATION_PASSWORD", True),
        ("report_password", True),
        ("default_password", True),
        ("api-key", True),
        ("WALLET_KEY", True),
        ("SecretArn", True),
        ("auth_token", True),
        ("password_encryption", False),
        ("validate_password.policy", False),
        ("rds.restrict_password_commands", False),
        ("innodb_ft_min_token_size", False),
        ("max_connections", False),
        ("key_buffer_size", False),
    ],
)
def test_secret_values_are_hidden(name: str, *, is_hidden: bool) -> None:
    assert shown_value(name, "hunter2") == ("***" if is_hidden else "hunter2")


def add_groups(fleet: Fleet, account: str) -> None:
    """Create a parameter group and an option group in us-west-2."""
    rds = fleet.boto3_client(account, "rds", "us-west-2")
    rds.create_db_parameter_group(
        DBParameterGroupName="orders", DBParameterGroupFamily="postgres16", Description="-"
    )
    rds.modify_db_parameter_group(
        DBParameterGroupName="orders",
        Parameters=[
            {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
            for name, value in (("work_mem", "64"), ("some_password", "hunter2"))
        ],
    )
    rds.create_option_group(
        OptionGroupName="orders",
        EngineName="postgres",
        MajorEngineVersion="16",
        OptionGroupDescription="-",
    )


def test_capture_of_a_fleet(fleet: Fleet) -> None:
    """Two accounts with two Regions; then a Region and the groups of another are denied."""
    groups = {"db_parameter_group_name": "orders", "option_group_name": "orders"}
    add_groups(fleet, ONE)
    arns = [
        fleet.add(ONE, "eu-west-1", "users"),
        fleet.add(ONE, "us-west-2", "orders", engine_version="16.4", **groups),
        fleet.add(ONE, "us-west-2", "try", tags={"env": "test", "aws:cloudformation": "x"}),
        fleet.add(TWO, "us-west-2", "orders"),
    ]
    fleet.add(ONE, "us-west-2", "tmp-orders")
    fleet.add(TWO, "us-west-2", "unmatched", tags={})
    fleet.add(TWO, "us-west-2", "drilled", tags={"env": "prod", KIND_TAG: "drill"})
    fleet.add(TWO, "ap-south-1", "theirs")
    progress: list[tuple[int, int]] = []

    def on_progress(finished: int, total: int) -> None:
        progress.append((finished, total))

    book = capture(POLICY, access=fleet.access, on_progress=on_progress)
    assert progress == [(1, 2), (2, 2)]
    assert book.is_complete
    assert [entry.db_instance_arn for entry in book.instances] == arns
    assert [entry.rule for entry in book.instances] == ["production"] * 2 + ["test", "production"]
    assert [entry.tier for entry in book.instances] == [1, 1, 2, 1]
    check_entry(fleet, book.instances[1])
    assert book.instances[2].source.tags == {"env": "test"}
    (parameters,) = book.parameter_groups
    assert (parameters.account_id, parameters.source_region) == (ONE, "us-west-2")
    assert (parameters.name, parameters.family) == ("orders", "postgres16")
    assert parameters.parameters == {"some_password": "***", "work_mem": "64"}
    (options,) = book.option_groups
    assert (options.name, options.engine, options.major_engine_version, options.options) == (
        "orders",
        "postgres",
        "16",
        (),
    )
    assert "hunter2" not in book.to_json()
    check_later_capture(fleet, book)


def check_entry(fleet: Fleet, entry: BookEntry) -> None:
    """Check each field of the entry of an instance."""
    rds = fleet.boto3_client(ONE, "rds", "us-west-2")
    described = rds.describe_db_instances(DBInstanceIdentifier="orders")["DBInstances"][0]
    source = read_settings(DBInstance.model_validate(described))
    assert entry == BookEntry(
        account_id=ONE,
        source_region="us-west-2",
        destination_region="us-east-1",
        rule="production",
        tier=1,
        db_instance_arn=described["DBInstanceArn"],
        db_instance_identifier="orders",
        dbi_resource_id=described["DbiResourceId"],
        target_db_instance_identifier="orders-dr",
        captured_at=entry.captured_at,
        engine="postgres",
        engine_version="16.4",
        allocated_storage=20,
        endpoint=described["Endpoint"]["Address"],
        db_name=described.get("DBName"),
        master_username=described.get("MasterUsername"),
        source=source,
        target=source.model_copy(
            update={
                "db_subnet_group_name": "dr",
                "vpc_security_group_ids": ("sg-0fedcba9876543210",),
                "db_parameter_group_name": "orders-dr",
                "option_group_name": "orders",
                "iops": None,
                "storage_throughput": None,
            }
        ),
        drill=entry.drill.model_copy(update={"db_subnet_group_name": "drills"}),
        rto=timedelta(hours=2),
        maximum_lag=timedelta(minutes=30),
    )


def check_later_capture(fleet: Fleet, book: RecoveryBook) -> None:
    """Check that nothing is lost that cannot be read, and that the rest is captured again."""
    again = capture(POLICY, access=fleet.access, previous=book)
    assert at_one_time(again) == at_one_time(book)
    fleet.sandbox.add_fault(
        "describe_db_instances",
        AccessDeniedError,
        times=None,
        account_id=ONE,
        region_name="eu-west-1",
    )
    for name in ("describe_db_parameters", "describe_option_groups"):
        fleet.sandbox.add_fault(name, AccessDeniedError, times=None)
    fleet.boto3_client(TWO, "rds", "us-west-2").delete_db_instance(
        DBInstanceIdentifier="orders", SkipFinalSnapshot=True
    )
    earlier = make_earlier(book)
    later = capture(POLICY, access=fleet.access, previous=earlier)
    assert [entry.is_gone for entry in later.instances] == [False, False, False, True]
    assert later.instances[0] == earlier.instances[0]
    assert later.instances[1].captured_at > earlier.instances[1].captured_at
    assert [(p.account_id, p.source_region, p.remedy) for p in later.problems] == [
        (ONE, region, f"Allow the caller rds:{name} in {region}.")
        for region, name in (
            ("eu-west-1", "DescribeDBInstances"),
            ("us-west-2", "DescribeDBParameters"),
            ("us-west-2", "DescribeOptionGroups"),
        )
    ]
    assert [len(entry.unread) for entry in later.instances] == [0, 2, 0, 0]
    assert all("group orders could not be read" in text for text in later.instances[1].unread)
    assert later.parameter_groups == book.parameter_groups
    assert later.option_groups == book.option_groups


def make_earlier(book: RecoveryBook) -> RecoveryBook:
    """Return the book as if it had been captured a day before."""
    return at_one_time(book, book.captured_at - timedelta(days=1))


def at_one_time(book: RecoveryBook, captured_at: datetime = CAPTURED_AT) -> RecoveryBook:
    """Return the book as if it had been captured at another time."""
    change = {"captured_at": captured_at}
    entries = tuple(entry.model_copy(update=change) for entry in book.instances)
    return book.model_copy(update={**change, "instances": entries})


def test_capture_with_credentials_of_another_account(fleet: Fleet) -> None:
    """Nothing of the other account is taken for the policy's."""
    fleet.add("123456789012", "us-west-2", "orders")
    policy = Policy.from_yaml(f'accounts: [{{id: "{ONE}"}}]' + RULES)
    previous = make_book(make_entry(account_id=ONE))
    book = capture(policy, access=fleet.access, previous=previous)
    assert book.instances == previous.instances
    assert [(p.account_id, p.source_region) for p in book.problems] == [(ONE, None)]
    assert "belong to account 123456789012" in book.problems[0].message
