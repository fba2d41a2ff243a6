"""Tests of scans whose Regions do not answer, and of their deadline."""

import pickle
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ConnectionClosedError

from rds_backup_replication._workflows.reasons import key_not_described
from rds_backup_replication.fleet import Access, Account, Policy, Rule, audit, iter_audit, plan
from rds_backup_replication.fleet import _scan_guard as scan_guard
from rds_backup_replication.fleet._credentials import account_session
from rds_backup_replication.fleet._destination import AccountDestination, DestinationReader
from rds_backup_replication.fleet._scan_guard import DeadlinePassedError, ScanGuard

from .loopback import NoResponse, Reply, Request, Response, error_xml, result_xml
from .wire import RDSServer

pytestmark = pytest.mark.once

DESTINATION, GOOD, HANGING = "us-east-1", "eu-west-1", "us-west-2"
EMPTY = {
    "DescribeDBInstances": "<DBInstances/>",
    "DescribeDBInstanceAutomatedBackups": "<DBInstanceAutomatedBackups/>",
    "DescribeSourceRegions": "<SourceRegions/>",
    "AssumeRole": (
        "<Credentials><AccessKeyId>AKID</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>"
        "<SessionToken>token</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration>"
        "</Credentials>"
    ),
}
CLOSE, STALL = NoResponse.CLOSE, NoResponse.STALL
DOWN = Response(error_xml("ServiceUnavailable"), 503)
THROTTLED = Response(error_xml("Throttling"), 400)
DENIED = Response(error_xml("AccessDenied"), 403)


class AWS(RDSServer):
    """A server that responds with empty listings, or with the replies of a test.

    ``calls`` counts the requests by operation and Region.
    """

    def __init__(self) -> None:
        super().__init__(self._respond_to)
        self.calls: Counter[tuple[str, str]] = Counter()
        self.replies: dict[tuple[str, str], Iterator[Reply]] = {}
        """Replies by operation and Region, before the empty listings."""

    def replies_to(self, operation: str, region: str, *replies: Reply) -> None:
        """Send these replies to an operation first."""
        self.replies[operation, region] = iter(replies)

    def _respond_to(self, request: Request) -> Reply:
        operation = request.parameters["Action"]
        region = request.headers["Authorization"].split("/")[2]
        self.calls[operation, region] += 1
        reply = next(self.replies.get((operation, region), iter(())), None)
        return reply or Response(result_xml(operation, EMPTY[operation]))

    def access(self, read_timeout: float = 0.2) -> Access:
        return Access(endpoint_url=self.endpoint_url, read_timeout=read_timeout)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AWS]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with AWS() as server:
        yield server


def forever(reply: Reply) -> list[Reply]:
    return [reply] * 1000


def policy(accounts: int, *sources: str) -> Policy:
    ids = [f"{number:012}" for number in range(1, accounts + 1)]
    return Policy(
        accounts=tuple(Account(id=i, role_arn=f"arn:aws:iam::{i}:role/audit") for i in ids),
        rules=(Rule(name="all", source_regions=sources, destination_region=DESTINATION),),
    )


def messages(wanted: Policy, access: Access, deadline: timedelta | None = None) -> list[str]:
    """Audit one account after the other, and return why something is not known."""
    with ThreadPoolExecutor(1) as one_thread:
        report = audit(wanted, access=access, executor=one_thread, deadline=deadline)
    return [
        reason.message
        for record in report.records
        if record.state == "unknown"
        for reason in record.reasons
    ]


def test_hanging_region_is_asked_twice(aws: AWS) -> None:
    """Two timeouts in a row mark a Region, and other Regions are audited in all accounts."""
    aws.replies_to("DescribeDBInstances", HANGING, *forever(STALL))
    first, *others = messages(policy(4, HANGING, GOOD), aws.access())
    assert "Read timeout" in first
    assert len(others) == 3
    wanted = "RDS in us-west-2 did not answer 2 requests in a row; it was not asked again."
    assert all(wanted in message for message in others)
    assert aws.calls["DescribeDBInstances", HANGING] == 2
    assert aws.calls["DescribeDBInstances", GOOD] == 4


def test_plan_asks_hanging_region_twice(aws: AWS) -> None:
    aws.replies_to("DescribeDBInstances", HANGING, *forever(STALL))
    with ThreadPoolExecutor(1) as one_thread:
        planned = plan(policy(3, HANGING), access=aws.access(), executor=one_thread)
    assert planned.counts == {"unknown": 3}
    assert aws.calls["DescribeDBInstances", HANGING] == 2
    assert "whether the Region has an outage" in planned.actions[-1].reasons[0].remedy


def test_response_ends_row_of_timeouts(aws: AWS) -> None:
    """A timeout whose retry succeeds, or is refused, does not count for the next account."""
    answer = Response(result_xml("DescribeDBInstances", EMPTY["DescribeDBInstances"]))
    aws.replies_to("DescribeDBInstances", HANGING, STALL, answer, STALL, DENIED, STALL, answer)
    (denied,) = messages(policy(3, HANGING), aws.access())
    assert "AccessDenied" in denied
    assert aws.calls["DescribeDBInstances", HANGING] == 6


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("reply", [CLOSE, DOWN])
def test_failing_region_is_asked_ten_times(aws: AWS, reply: Reply) -> None:
    """Each call has its five attempts, until ten in a row have failed."""
    aws.replies_to("DescribeDBInstances", HANGING, *forever(reply))
    found = messages(policy(4, HANGING), aws.access(5))
    assert ["not asked again" in message for message in found] == [False, False, True, True]
    assert "did not answer 10 requests in a row" in found[-1]
    assert aws.calls["DescribeDBInstances", HANGING] == 10


@pytest.mark.usefixtures("no_backoff")
def test_throttled_region_is_asked_by_each_account(aws: AWS) -> None:
    aws.replies_to("DescribeDBInstances", HANGING, *forever(THROTTLED))
    found = messages(policy(4, HANGING), aws.access(5))
    assert all("Throttling" in message for message in found)
    assert aws.calls["DescribeDBInstances", HANGING] == 4 * 5


def test_hanging_sts_is_asked_twice(aws: AWS) -> None:
    aws.replies_to("AssumeRole", DESTINATION, *forever(STALL))
    found = messages(policy(3, GOOD), aws.access())
    assert aws.calls == {("AssumeRole", DESTINATION): 2}
    assert "STS in us-east-1 did not answer 2 requests in a row" in found[-1]


@pytest.mark.usefixtures("no_backoff")
def test_failing_region_is_asked_again_later(aws: AWS, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_guard, "_PAUSE", 0.0)
    aws.replies_to("DescribeDBInstances", HANGING, *[CLOSE] * 15)
    assert len(messages(policy(5, HANGING), aws.access(5))) == 3
    assert aws.calls["DescribeDBInstances", HANGING] == 15 + 2


def test_each_run_asks_hanging_region(aws: AWS) -> None:
    aws.replies_to("DescribeDBInstances", HANGING, *[STALL] * 2)
    assert len(messages(policy(2, HANGING), aws.access())) == 2
    assert messages(policy(2, HANGING), aws.access()) == []


@pytest.mark.usefixtures("no_backoff")
def test_apply_asks_as_often_as_botocore_retries(aws: AWS) -> None:
    """Only scans are guarded: an apply may have stopped what must be started again."""
    aws.replies_to("DescribeDBInstanceAutomatedBackups", DESTINATION, *forever(CLOSE))
    account = Account(id="000000000001")
    destination = AccountDestination(account, DESTINATION, aws.access(5), uuid4().hex)
    for _ in range(3):
        with pytest.raises(ConnectionClosedError):
            DestinationReader(destination).list_backups()
    assert aws.calls["DescribeDBInstanceAutomatedBackups", DESTINATION] == 3 * 5


def test_deadline_ends_requests(aws: AWS) -> None:
    """After the deadline, the request in progress ends, and no other one is sent."""
    aws.replies_to("DescribeDBInstances", HANGING, *forever(STALL))
    aws.replies_to("DescribeDBInstanceAutomatedBackups", DESTINATION, *forever(STALL))
    found = messages(policy(3, HANGING, GOOD), aws.access(), timedelta(seconds=0.1))
    assert sum(aws.calls.values()) - aws.calls["AssumeRole", DESTINATION] == 1
    assert len(found) == 6
    assert "the deadline of 1s passed before RDS in us-west-2 was asked." in found[1]


def test_deadline_leaves_no_time_for_retry(aws: AWS) -> None:
    """botocore could wait for a second before it retries, which is later than the deadline."""
    aws.replies_to("DescribeDBInstances", GOOD, *forever(THROTTLED))
    (throttled,) = messages(policy(1, GOOD), aws.access(5), timedelta(seconds=0.9))
    assert "Throttling" in throttled
    assert aws.calls["DescribeDBInstances", GOOD] == 1


def test_deadline_holds_in_other_processes(aws: AWS) -> None:
    past = datetime.now(timezone.utc) - timedelta(seconds=1)
    guard = ScanGuard(timedelta(seconds=60), past)
    account = Account(id="000000000001")
    destination = AccountDestination(account, DESTINATION, aws.access(), uuid4().hex, guard=guard)
    reader = DestinationReader(pickle.loads(pickle.dumps(destination)))  # noqa: S301  # our own
    with pytest.raises(DeadlinePassedError, match="the deadline of 1m passed"):
        reader.list_backups()
    assert not aws.calls


def test_deadline_passes_before_kms_is_asked() -> None:
    error = DeadlinePassedError(deadline="1m", service="KMS", region_name=DESTINATION)
    reason = key_not_described("the key's state", "alias/backups", error, DESTINATION)
    assert "the deadline of 1m passed before KMS in us-east-1 was asked" in reason.message
    assert "later deadline=" in reason.remedy


@pytest.mark.parametrize("deadline", [timedelta(), timedelta(seconds=-1)])
def test_deadline_must_be_positive(deadline: timedelta) -> None:
    for scan in (audit, iter_audit, plan):
        with pytest.raises(ValueError, match="deadline= must be a positive duration"):
            scan(policy(1, GOOD), deadline=deadline)


def test_timeouts_of_scans_and_of_apply() -> None:
    account, given = Account(id="000000000001"), Access(connect_timeout=2, read_timeout=3)
    timeouts: list[tuple[float, float]] = []
    for access in (Access(), given):
        for guard in (ScanGuard(), None):
            session = account_session(account, access, uuid4().hex, DESTINATION, guard)
            config: Any = session.create_client("rds", DESTINATION).meta.config
            timeouts.append((config.connect_timeout, config.read_timeout))
    assert timeouts == [(5, 10), (60, 60), (2, 3), (2, 3)]


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_timeouts_must_be_positive(seconds: float) -> None:
    with pytest.raises(ValueError, match="connect_timeout= must be a positive number"):
        Access(connect_timeout=seconds)
    with pytest.raises(ValueError, match="read_timeout= must be a positive number"):
        Access(read_timeout=seconds)


@pytest.mark.long
def test_audit_of_33_accounts_with_hanging_region(aws: AWS) -> None:
    """All threads may wait for the Region once, but no account waits after that."""
    aws.replies_to("DescribeDBInstances", HANGING, *forever(STALL))
    started = datetime.now(timezone.utc)
    report = audit(policy(33, HANGING, GOOD), access=aws.access(1))
    assert report.counts == {"unknown": 33}
    assert aws.calls["DescribeDBInstances", GOOD] == 33
    assert aws.calls["DescribeDBInstances", HANGING] <= 16 + 1
    assert datetime.now(timezone.utc) - started < timedelta(seconds=10)
