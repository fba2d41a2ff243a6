"""Tests of the readiness check on the sandbox: all planted problems are found, and no others."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import botocore.httpsession
import pytest

from rds_backup_replication.exceptions import AccessDeniedError, RecoveryRefusedError
from rds_backup_replication.recovery._book import (
    BookEntry,
    CapturedParameterGroup,
    CaptureProblem,
    RecoveryBook,
)
from rds_backup_replication.recovery._readiness import check, find_book_reasons

from . import fleets, recoveries
from .fleets import ACCOUNTS, DESTINATION, Fleet
from .recovery_examples import (
    CAPTURED_AT,
    make_book,
)

pytestmark = pytest.mark.once


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
        on_progress=lambda finished, total: progress.append((finished, total)),
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
        (r.account_id, r.source_region, r.db_instance_arn, r.dbi_resource_id)
        for r in report.records
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
