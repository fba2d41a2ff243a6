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
    from ._drill import drill, drill_cleanup
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
    "drill",
    "drill_cleanup",
    "plan_recovery",
    "recover",
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
    "drill": "_drill",
    "drill_cleanup": "_drill",
    "plan_recovery": "_recover",
    "recover": "_recover",
}

if not TYPE_CHECKING:  # with __getattr__, type checkers would accept any name
    __getattr__, __dir__ = lazy_names(__name__, __all__, _HOMES, "_records")
