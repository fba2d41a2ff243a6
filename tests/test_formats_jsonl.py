"""An audit and a plan as lines of JSON."""

import json
from typing import Any

import pytest

from rds_backup_replication.fleet import AuditRecord, OtherBackup, Plan, PlannedAction
from rds_backup_replication.fleet._formats.jsonl import render_jsonl, render_plan_jsonl

from .report_cases import FULL, NOW, make_finding, make_record, make_report

pytestmark = pytest.mark.once


def lines_of(text: str) -> list[dict[str, Any]]:
    assert text.isascii()
    assert text.endswith("\n")
    lines = [json.loads(line) for line in text.splitlines()]
    assert all(next(iter(line)) == "type" for line in lines)
    return lines


def test_audit_lines() -> None:
    lines = lines_of(render_jsonl(FULL))
    types = [line.pop("type") for line in lines]
    assert list(dict.fromkeys(types)) == [
        *("record", "finding", "unmanaged", "retained", "headroom", "change", "match_change"),
        "summary",
    ]
    of = [line for type_, line in zip(types, lines, strict=True) if type_ == "record"]
    assert tuple(map(AuditRecord.model_validate, of)) == FULL.records
    retained = lines[types.index("retained")]
    assert OtherBackup.model_validate(retained) == FULL.retained[0]
    assert lines[types.index("match_change")] == {"rule": "production", "before": 15, "after": 12}


def test_audit_summary() -> None:
    assert lines_of(render_jsonl(FULL))[-1] == {
        "type": "summary",
        "audited_at": "2026-11-24T18:20:31Z",
        "accounts": ["123456789012", "210987654321"],
        "counts": FULL.counts,
        "problems": len(FULL.problems),
        "findings": 2,
        "is_healthy": False,
    }
    assert lines_of(render_jsonl(make_report(make_record())))[-1]["is_healthy"] is True


def test_missing_values_are_omitted() -> None:
    record = lines_of(render_jsonl(make_report(make_record())))[0]
    assert record["engine"] == "postgres"
    assert None not in record.values()


def test_text_is_escaped() -> None:
    text = "\u202e\u2028\x7f\x00\n\U0001f600é"
    rendered = render_jsonl(make_report(make_record(engine=text)))
    assert "\x7f" not in rendered
    assert lines_of(rendered)[0]["engine"] == text
    assert len(lines_of(rendered)) == 2


def test_plan_lines() -> None:
    action = PlannedAction(kind="unchanged", account_id="123456789012", source_region="us-west-2")
    plan = Plan(
        planned_at=NOW,
        policy_hash="abc",
        accounts=("123456789012",),
        actions=(action,),
        findings=(make_finding("x"),),
    )
    first, finding, summary = lines_of(render_plan_jsonl(plan))
    assert first.pop("type") == "action"
    assert PlannedAction.model_validate(first) == action
    assert finding["type"] == "finding"
    assert summary == {
        "type": "summary",
        "planned_at": "2026-11-24T18:20:31Z",
        "policy_hash": "abc",
        "accounts": ["123456789012"],
        "counts": {"unchanged": 1},
        "changes": 0,
        "findings": 1,
    }
