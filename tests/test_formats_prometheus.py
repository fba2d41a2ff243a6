"""An audit in Prometheus's text format."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from rds_backup_replication.fleet import AuditReport
from rds_backup_replication.fleet._formats.prometheus import render_prometheus

from .report_cases import FULL, NOW, STATES, lagging_by, make_record, make_report

pytestmark = pytest.mark.once

Series = dict[frozenset[tuple[str, str]], float]
LABELS = ("account_id", "source_region", "destination_region", "db_instance_identifier")


def families_of(report: AuditReport) -> dict[str, Metric]:
    families = {
        family.name.removeprefix("rds_backup_replication_"): family
        for family in text_string_to_metric_families(render_prometheus(report))
    }
    for family in families.values():
        assert family.type == "gauge"
        assert family.documentation
        keys = [frozenset(sample.labels.items()) for sample in family.samples]
        assert len(keys) == len(set(keys))
    return families


def series_of(report: AuditReport, name: str) -> Series:
    samples = families_of(report)[name].samples
    return {frozenset(sample.labels.items()): sample.value for sample in samples}


def key(labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())


def test_metrics() -> None:
    assert set(families_of(FULL)) == {
        *("instances", "account_instances", "lag_seconds", "problems", "findings", "unmanaged"),
        *("latest_restorable_timestamp_seconds", "quota_used", "quota_limit", "retained"),
        *("rule_instances", "audit_timestamp_seconds", "retention_days", "accepted"),
    }


def test_states_include_zeros() -> None:
    report = make_report(make_record(), make_record(2, "stopped"))
    counts = {key({"state": state}): 0 for state in STATES}
    counts |= {key({"state": "protected"}): 1, key({"state": "stopped"}): 1}
    assert series_of(report, "instances") == counts
    assert 'rds_backup_replication_instances{state="drifted"} 0\n' in render_prometheus(report)


def test_account_instances() -> None:
    records = (make_record(), make_record(2), make_record(3, "stopped", account_id="210987654321"))
    assert series_of(make_report(*records), "account_instances") == {
        key({"account_id": "123456789012", "state": "protected"}): 2,
        key({"account_id": "210987654321", "state": "stopped"}): 1,
    }


def test_repeated_labels_keep_the_worst() -> None:
    report = make_report(
        *(
            lagging_by(timedelta(minutes=lag)).model_copy(update={"backup_retention_period": lag})
            for lag in (5, 90, 20)
        )
    )
    labels = key(
        dict(zip(LABELS, ("123456789012", "us-west-2", "us-east-1", "orders-1"), strict=True))
    )
    assert series_of(report, "lag_seconds") == {labels: 5400}
    time = (NOW - timedelta(minutes=90)).timestamp()
    assert series_of(report, "latest_restorable_timestamp_seconds") == {labels: time}
    assert series_of(report, "retention_days") == {labels: 5}


def test_counts_and_quotas() -> None:
    values = {
        name: list(series_of(FULL, name).values())
        for name in ("problems", "unmanaged", "retained", "audit_timestamp_seconds")
    }
    assert values == {
        "problems": [len(FULL.problems)],
        "unmanaged": [2],
        "retained": [1],
        "audit_timestamp_seconds": [NOW.timestamp()],
    }
    findings = series_of(FULL, "findings")
    assert findings[key({"code": "rule_matches_nothing"})] == 2
    assert findings[key({"code": "rule_shadowed"})] == 0
    labels = key({"account_id": "123456789012", "destination_region": "ap-southeast-2"})
    assert series_of(FULL, "quota_used")[labels] == 3
    assert series_of(FULL, "quota_limit")[labels] == 20
    assert series_of(FULL, "rule_instances") == {key({"rule": "production"}): 12}


@given(text=st.text(st.sampled_from('\\"\n{},= n#é') | st.characters(exclude_categories=["Cs"])))
def test_label_values_are_escaped(text: str) -> None:
    assert series_of(make_report(matches={text: 3}), "rule_instances") == {key({"rule": text}): 3}
