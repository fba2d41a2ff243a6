"""Comparisons of two audits: what is new, gone or different, and since when."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from rds_backup_replication.fleet import AuditRecord, AuditReport, compare

pytestmark = pytest.mark.once

ONE, TWO = "111111111111", "222222222222"
NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
DAY = timedelta(days=1)


def record(name: str | None, state: str = "protected", **fields: Any) -> AuditRecord:
    arn = name and f"arn:aws:rds:us-west-2:{ONE}:db:{name}"
    return AuditRecord.model_validate(
        {
            "account_id": ONE,
            "source_region": "us-west-2",
            "destination_region": "us-east-1",
            "db_instance_arn": arn,
            "dbi_resource_id": name and f"db-{name}",
            "state": state,
            **fields,
        }
    )


def report(*records: AuditRecord, at: datetime = NOW, **fields: Any) -> AuditReport:
    fields = {"accounts": (ONE,), **fields}
    return AuditReport(audited_at=at, records=records, **fields)


def changes(now: AuditReport, before: AuditReport) -> list[tuple[str, str | None, str | None]]:
    comparison = compare(now, before).comparison
    assert comparison is not None
    return [
        (str(c.db_instance_arn).rpartition(":")[2], c.before, c.after) for c in comparison.changes
    ]


def test_comparison_has_only_what_changed() -> None:
    before = report(record("a"), record("b"), record("gone"), at=NOW - DAY)
    now = report(record("a"), record("b", "stopped"), record("new", "unprotected"))
    assert changes(now, before) == [
        ("b", "protected", "stopped"),
        ("new", None, "unprotected"),
        ("gone", "protected", None),
    ]
    assert changes(now, now) == []


def test_state_is_first_seen_in_the_audit_that_found_it() -> None:
    """Reports compared one after the other keep the time since when a state lasts."""
    first = report(record("a", "starting"), record("b"), at=NOW - 2 * DAY)
    second = compare(report(record("a", "starting"), record("b"), at=NOW - DAY), first)
    third = compare(report(record("a", "starting"), record("b", "lagging")), second)
    assert [r.first_seen for r in third.records] == [NOW - 2 * DAY, NOW]


def test_instance_is_known_by_its_resource_id() -> None:
    before = report(record("a"), record("old-name", dbi_resource_id="db-1"))
    renamed = record("new-name", dbi_resource_id="db-1")
    recreated = record("a", "unprotected", dbi_resource_id="db-2")
    assert changes(report(renamed), report(before.records[1])) == []
    assert changes(report(recreated, renamed), before) == [
        ("a", None, "unprotected"),
        ("a", "protected", None),
    ]
    moved = record("a", "starting", destination_region="eu-central-1")
    assert changes(report(moved), report(record("a"))) == [("a", "protected", "starting")]


def test_instance_without_an_id_is_known_by_its_arn() -> None:
    """A report of an older version, or of a user's own, may have no resource IDs."""
    known, unknown = record("a"), record("a", dbi_resource_id=None)
    assert changes(report(known), report(unknown)) == []
    assert changes(report(unknown), report(known)) == []
    elsewhere = record("a", "lagging", dbi_resource_id=None, destination_region="eu-west-1")
    both = report(record("a", "stopped"), elsewhere)
    assert changes(report(known), both) == [("a", "stopped", "protected"), ("a", "lagging", None)]


def test_region_that_cannot_be_listed_hides_no_changes() -> None:
    """Instances of a Region that one audit could not list are neither new nor gone."""
    listed = report(record("a"), record("b"))
    failed = report(record(None, "unknown"), record("a", "unknown"))
    assert changes(failed, listed) == [("None", None, "unknown"), ("a", "protected", "unknown")]
    assert changes(listed, failed) == [("a", "unknown", "protected"), ("None", "unknown", None)]
    of_two = report(record("x", account_id=TWO), accounts=(TWO,), is_partial=True)
    assert changes(of_two, listed) == [("x", None, "protected")]


def test_account_that_left_the_fleet_is_reported() -> None:
    """A complete report covers all accounts, so what is missing from it is gone."""
    both = report(record("a"), record("x", account_id=TWO), accounts=(ONE, TWO))
    assert changes(report(record("a")), both) == [("x", "protected", None)]
    part = report(record("a"), is_partial=True)
    assert changes(part, both) == []


def test_start_without_end_is_a_finding() -> None:
    first = report(record("a", "starting"), at=NOW - 2 * DAY)
    (finding,) = compare(report(record("a", "starting")), first).findings
    assert (finding.code, ":db:a" in finding.message) == ("starting_too_long", True)
    assert compare(report(record("a", "starting")), report(record("a", "starting"))).findings == ()


@pytest.mark.parametrize(
    ("now", "before", "fewer"),
    [
        ({"a": 1, "b": 2}, {"a": 3, "b": 2}, [("a", 3, 1)]),
        ({"a": 5}, {"a": 3}, []),
        ({"a": 0}, {}, []),
        ({}, {"a": 2}, [("a", 2, 0)]),  # the policy has lost the rule
    ],
)
def test_rule_that_matches_fewer_instances_is_reported(
    now: dict[str, int], before: dict[str, int], fewer: list[tuple[str, int, int]]
) -> None:
    compared = compare(report(matches=now), report(matches=before)).comparison
    assert compared is not None
    assert [(m.rule, m.before, m.after) for m in compared.matches] == fewer
    outage = compare(report(record(None, "unknown"), matches=now), report(matches=before))
    assert outage.comparison is not None
    assert outage.comparison.matches == ()
