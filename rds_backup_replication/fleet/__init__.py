"""Replication of many instances, across Regions and accounts, by a policy.

Reading a policy from YAML needs the extra ``fleet``.
"""

from typing import TYPE_CHECKING

from .._lazy_imports import lazy_names

if TYPE_CHECKING:
    from ._apply import apply
    from ._audit import audit, iter_audit
    from ._credentials import Access
    from ._plan import plan
    from ._policy import Account, Policy, Rule, Selector
    from ._records import (
        ActionResult,
        ApplyReport,
        AuditRecord,
        AuditReport,
        FleetReason,
        ObservedState,
        Plan,
        PlannedAction,
    )
    from ._report.page import render_html

__all__ = [
    "Access",
    "Account",
    "ActionResult",
    "ApplyReport",
    "AuditRecord",
    "AuditReport",
    "FleetReason",
    "ObservedState",
    "Plan",
    "PlannedAction",
    "Policy",
    "Rule",
    "Selector",
    "apply",
    "audit",
    "iter_audit",
    "plan",
    "render_html",
]

# All other names live in _records.
_HOMES = {
    "Access": "_credentials",
    "Account": "_policy",
    "Policy": "_policy",
    "Rule": "_policy",
    "Selector": "_policy",
    "apply": "_apply",
    "audit": "_audit",
    "iter_audit": "_audit",
    "plan": "_plan",
    "render_html": "_report.page",
}

if not TYPE_CHECKING:  # with __getattr__, type checkers would accept any name
    __getattr__, __dir__ = lazy_names(__name__, __all__, _HOMES, "_records")
