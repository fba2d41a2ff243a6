"""Recovery of a fleet from its replicated backups: capture, readiness, recovery and drills."""

from typing import TYPE_CHECKING

from .._lazy_imports import lazy_names

if TYPE_CHECKING:
    from ._book import (
        BookEntry,
        CapturedOption,
        CapturedOptionGroup,
        CapturedParameterGroup,
        CaptureProblem,
        DrillTarget,
        RecoveryBook,
    )
    from ._capture import capture
    from ._drill import drill, drill_cleanup
    from ._formats.audit_readiness import with_readiness
    from ._formats.drill_page import render_drill_html
    from ._formats.endpoints import render_endpoints
    from ._formats.readiness_markdown import render_readiness_markdown
    from ._formats.readiness_page import render_readiness_html
    from ._locations import read_book, write_book
    from ._readiness import check
    from ._records import (
        DrilledInstance,
        DrillReport,
        ReadinessReason,
        ReadinessRecord,
        ReadinessReport,
        RecoveryReport,
        RestoredInstance,
    )
    from ._recover import plan_recovery, recover
    from ._retarget import retarget
    from ._settings import InstanceSettings

__all__ = [
    "BookEntry",
    "CaptureProblem",
    "CapturedOption",
    "CapturedOptionGroup",
    "CapturedParameterGroup",
    "DrillReport",
    "DrillTarget",
    "DrilledInstance",
    "InstanceSettings",
    "ReadinessReason",
    "ReadinessRecord",
    "ReadinessReport",
    "RecoveryBook",
    "RecoveryReport",
    "RestoredInstance",
    "capture",
    "check",
    "drill",
    "drill_cleanup",
    "plan_recovery",
    "read_book",
    "recover",
    "render_drill_html",
    "render_endpoints",
    "render_readiness_html",
    "render_readiness_markdown",
    "retarget",
    "with_readiness",
    "write_book",
]

# All other names live in _records.
_HOMES = {
    "BookEntry": "_book",
    "CaptureProblem": "_book",
    "CapturedOption": "_book",
    "CapturedOptionGroup": "_book",
    "CapturedParameterGroup": "_book",
    "DrillTarget": "_book",
    "InstanceSettings": "_settings",
    "RecoveryBook": "_book",
    "capture": "_capture",
    "check": "_readiness",
    "drill": "_drill",
    "drill_cleanup": "_drill",
    "plan_recovery": "_recover",
    "read_book": "_locations",
    "recover": "_recover",
    "render_drill_html": "_formats.drill_page",
    "render_endpoints": "_formats.endpoints",
    "render_readiness_html": "_formats.readiness_page",
    "render_readiness_markdown": "_formats.readiness_markdown",
    "retarget": "_retarget",
    "with_readiness": "_formats.audit_readiness",
    "write_book": "_locations",
}

if not TYPE_CHECKING:  # with __getattr__, type checkers would accept any name
    __getattr__, __dir__ = lazy_names(__name__, __all__, _HOMES, "_records")
