"""An audit in CloudWatch's embedded metric format."""

import json
from datetime import timedelta
from typing import Any

import pytest

from rds_backup_replication.fleet import AuditReport, Finding
from rds_backup_replication.fleet._formats.emf import render_emf

from .report_cases import FULL, NOW, lagging_by, make_record, make_report

pytestmark = pytest.mark.once

ACCOUNT, OTHER = "123456789012", "210987654321"


def lines_of(report: AuditReport) -> list[dict[str, Any]]:
    """Return the lines, each of which keeps the rules of the format."""
    text = render_emf(report)
    assert text.isascii()
    assert text.endswith("\n")
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        assert len(json.dumps(line)) < 256 * 1024
        assert set(line["_aws"]) == {"Timestamp", "CloudWatchMetrics"}
        assert line["_aws"]["Timestamp"] == int(NOW.timestamp() * 1000)
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
        assert directive["Namespace"] == "RDSBackupReplication"
        (dimensions,) = directive["Dimensions"]
        assert len(dimensions) <= 30
        assert 0 < len(directive["Metrics"]) <= 100
        names = [metric["Name"] for metric in directive["Metrics"]]
        assert set(line) == {"_aws", *dimensions, *names}
        assert len(names) == len(set(names))
        assert all(isinstance(line[name], str) and line[name] for name in dimensions)
        for metric in directive["Metrics"]:
            assert 1 <= len(metric["Name"]) <= 255
            assert type(line[metric["Name"]]) in (int, float)
            assert metric["Unit"] == ("Seconds" if metric["Name"] == "MaximumLag" else "Count")
    return lines


def dimensions_of(line: dict[str, Any]) -> dict[str, str]:
    (names,) = line["_aws"]["CloudWatchMetrics"][0]["Dimensions"]
    return {name: line[name] for name in names}


def test_lines() -> None:
    assert [dimensions_of(line) for line in lines_of(FULL)] == [
        {},
        {"AccountId": ACCOUNT},
        {"AccountId": OTHER},
        {"AccountId": ACCOUNT, "DestinationRegion": "ap-southeast-2"},
        {"AccountId": ACCOUNT, "DestinationRegion": "us-east-1"},
    ]


def test_fleet_metrics() -> None:
    fleet = lines_of(FULL)[0]
    assert fleet["InstancesUnprotected"] == FULL.counts["unprotected"]
    assert fleet["InstancesAtRisk"] == 1
    assert fleet["Problems"] == len(FULL.problems)
    assert (fleet["Findings"], fleet["Unmanaged"]) == (2, 2)
    assert fleet["MaximumLag"] == 2900 * 60


def test_account_metrics() -> None:
    finding = Finding(
        code="could_not_be_checked", account_id=OTHER, message="Denied.", remedy="Allow it."
    )
    report = make_report(
        make_record(1, "stopped", account_id=OTHER),
        lagging_by(timedelta(minutes=5)),
        accounts=(ACCOUNT, OTHER, "333333333333"),
        findings=(finding,),
    )
    _, first, other, empty = lines_of(report)
    assert (first["Problems"], first["Findings"], first["MaximumLag"]) == (0, 0, 300)
    assert (other["Problems"], other["Findings"], other["InstancesStopped"]) == (1, 1, 1)
    assert "MaximumLag" not in other
    assert (empty["AccountId"], empty["InstancesProtected"]) == ("333333333333", 0)


def test_quota_metrics() -> None:
    full = lines_of(FULL)[-1]
    assert (full["QuotaUsed"], full["QuotaFree"]) == (20, 0)
