"""Many instances, over Regions and accounts: a policy, and what it takes to fulfil it.

Needs the extra ``fleet`` to read a policy from YAML.
"""

from typing import TYPE_CHECKING

from .._lazy_imports import lazy_names

if TYPE_CHECKING:
    from ._apply import apply
    from ._audit import audit, iter_audit
    from ._destination import Access
    from ._plan import plan
    from ._policy import Account, Policy, Rule, Selector
    from ._records import (
        ActionResult,
        ApplyReport,
        AuditRecord,
        AuditReport,
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

# All other names are records.
_HOMES = {
    "Access": "_destination",
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

if not TYPE_CHECKING:  # with it, type checkers would take any name for one of ours
    __getattr__, __dir__ = lazy_names(__name__, __all__, _HOMES, "_records")
