"""An audit or a plan as lines of JSON, each with its type."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from .._plan_records import Plan
from .._records import AuditReport, Record


def render_jsonl(report: AuditReport) -> str:
    """Render a report as lines of JSON in ASCII.

    Args:
        report: The report of an audit.

    Returns:
        One JSON object per line. Its first member, ``type``, is ``record``, ``finding``,
        ``unmanaged``, ``retained``, ``headroom``, ``change`` or ``match_change``; the last line
        is a ``summary``.
    """
    comparison = report.comparison
    return "".join(
        (
            *_lines("record", report.records),
            *_lines("finding", report.findings),
            *_lines("unmanaged", report.unmanaged),
            *_lines("retained", report.retained),
            *_lines("headroom", report.headroom),
            *_lines("change", comparison.changes if comparison else ()),
            *_lines("match_change", comparison.matches if comparison else ()),
            _line(
                "summary",
                {
                    **report.model_dump(mode="json", include={"audited_at", "accounts", "counts"}),
                    "problems": len(report.problems),
                    "findings": len(report.findings),
                    **_readiness(report),
                    "is_healthy": report.is_healthy,
                },
            ),
        )
    )


def _readiness(report: AuditReport) -> dict[str, Any]:
    if report.readiness is None:
        return {}
    readiness = report.readiness.model_dump(mode="json")
    return {"readiness": readiness, "readiness_problems": report.readiness_problems}


def render_plan_jsonl(plan: Plan) -> str:
    """Render a plan as lines of JSON in ASCII.

    Args:
        plan: The plan.

    Returns:
        One JSON object per line. Its first member, ``type``, is ``action`` or ``finding``; the
        last line is a ``summary``.
    """
    return "".join(
        (
            *_lines("action", plan.actions),
            *_lines("finding", plan.findings),
            _line(
                "summary",
                {
                    **plan.model_dump(
                        mode="json", include={"planned_at", "policy_hash", "accounts"}
                    ),
                    "counts": plan.counts,
                    "changes": len(plan.changes),
                    "findings": len(plan.findings),
                },
            ),
        )
    )


def _lines(type_: str, records: Iterable[Record]) -> Iterator[str]:
    return (_line(type_, record.model_dump(mode="json", exclude_none=True)) for record in records)


def _line(type_: str, members: dict[str, Any]) -> str:
    return json_line({"type": type_, **members})


def json_line(value: object) -> str:
    """Return a value as a line of JSON in ASCII, which is the same in every locale's encoding."""
    return json.dumps(value, separators=(",", ":")).replace("\x7f", r"\u007f") + "\n"
