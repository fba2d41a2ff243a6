"""Replication of many instances, across Regions and accounts, by a policy.

Reading a policy from YAML needs the extra ``fleet``.
"""

from typing import TYPE_CHECKING

from .._lazy_imports import lazy_names

if TYPE_CHECKING:
    from ._accounts import Account, Organization
    from ._apply import apply, resume
    from ._audit import audit, iter_audit
    from ._compare import compare
    from ._credentials import Access
    from ._defaults import Defaults
    from ._formats.emf import render_emf
    from ._formats.jsonl import render_jsonl, render_plan_jsonl
    from ._formats.markdown import render_markdown
    from ._formats.markdown_plan import render_plan_markdown
    from ._formats.prometheus import render_prometheus
    from ._plan import plan
    from ._plan_records import ActionResult, ApplyReport, ObservedState, Plan, PlannedAction
    from ._policy import Acceptance, Limits, Policy, Rule
    from ._records import (
        AuditRecord,
        AuditReport,
        Comparison,
        Finding,
        FleetReason,
        Headroom,
        MatchChange,
        OtherBackup,
        Readiness,
        RestoreReason,
        StateChange,
    )
    from ._recovery_settings import DrillSettings, RecoverySettings
    from ._report.page import render_html
    from ._selector import Selector

__all__ = [
    "Acceptance",
    "Access",
    "Account",
    "ActionResult",
    "ApplyReport",
    "AuditRecord",
    "AuditReport",
    "Comparison",
    "Defaults",
    "DrillSettings",
    "Finding",
    "FleetReason",
    "Headroom",
    "Limits",
    "MatchChange",
    "ObservedState",
    "Organization",
    "OtherBackup",
    "Plan",
    "PlannedAction",
    "Policy",
    "Readiness",
    "RecoverySettings",
    "RestoreReason",
    "Rule",
    "Selector",
    "StateChange",
    "apply",
    "audit",
    "compare",
    "iter_audit",
    "plan",
    "render_emf",
    "render_html",
    "render_jsonl",
    "render_markdown",
    "render_plan_jsonl",
    "render_plan_markdown",
    "render_prometheus",
    "resume",
]

# All other names live in _records.
_HOMES = {
    "Access": "_credentials",
    "Acceptance": "_policy",
    "Account": "_accounts",
    "ActionResult": "_plan_records",
    "ApplyReport": "_plan_records",
    "Defaults": "_defaults",
    "DrillSettings": "_recovery_settings",
    "Limits": "_policy",
    "ObservedState": "_plan_records",
    "Organization": "_accounts",
    "Plan": "_plan_records",
    "PlannedAction": "_plan_records",
    "Policy": "_policy",
    "RecoverySettings": "_recovery_settings",
    "Rule": "_policy",
    "Selector": "_selector",
    "apply": "_apply",
    "audit": "_audit",
    "compare": "_compare",
    "iter_audit": "_audit",
    "plan": "_plan",
    "render_emf": "_formats.emf",
    "render_html": "_report.page",
    "render_jsonl": "_formats.jsonl",
    "render_markdown": "_formats.markdown",
    "render_plan_jsonl": "_formats.jsonl",
    "render_plan_markdown": "_formats.markdown_plan",
    "render_prometheus": "_formats.prometheus",
    "resume": "_apply",
}

if not TYPE_CHECKING:  # with __getattr__, type checkers would accept any name
    __getattr__, __dir__ = lazy_names(__name__, __all__, _HOMES, "_records")
