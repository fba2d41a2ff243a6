"""Factories of API calls, and of the results of methods that are built of several ones."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Literal

from .._models import (
    ApiCall,
    CheckCode,
    CheckReason,
    CheckResult,
    DBInstanceAutomatedBackup,
    EnsureResult,
    ReplacementPhase,
    ReplacementProgress,
)
from ._factories import make_automated_backup


def make_api_call(
    *,
    operation_name: str = "StartDBInstanceAutomatedBackupsReplication",
    region_name: str = "us-east-1",
    request_id: str | None = "00000000-0000-4000-8000-000000000000",
    http_status_code: int | None = 200,
    attempts: int = 1,
    duration: timedelta = timedelta(milliseconds=120),
    error: BaseException | None = None,
) -> ApiCall:
    """Return an API call as ``on_call=`` receives it, a successful start by default."""
    return ApiCall(
        operation_name, region_name, request_id, http_status_code, attempts, duration, error
    )


def make_ensure_result(
    *,
    action: Literal["started", "unchanged", "replaced"] = "started",
    backup: DBInstanceAutomatedBackup | None = None,
    source_checked: bool = True,
) -> EnsureResult:
    """Return a result of ``ensure_replication`` or ``replace_replication``.

    The default backup is ``pending``, or ``replicating`` if the action is ``unchanged``.
    """
    status = "replicating" if action == "unchanged" else "pending"
    chosen = backup or make_automated_backup(status=status)
    return EnsureResult(action, chosen, source_checked)


def make_check_reason(
    *,
    code: CheckCode = "backups_off",
    message: str = "The source cannot be replicated as it is.",
    remedy: str = "Change the source, and check again.",
) -> CheckReason:
    """Return a reason of ``check_replication``, with texts that suit every code."""
    return CheckReason(code=code, message=message, remedy=remedy)


def make_check_result(
    *, blockers: Iterable[CheckReason] = (), unchecked: Iterable[CheckReason] = ()
) -> CheckResult:
    """Return a result of ``check_replication``, clear by default."""
    return CheckResult(tuple(blockers), tuple(unchecked))


def make_replacement_progress(
    *,
    phase: ReplacementPhase = "wait",
    backup: DBInstanceAutomatedBackup | None = None,
) -> ReplacementProgress:
    """Return a progress of ``replace_replication``, with a backup that is replicating."""
    return ReplacementProgress(phase, backup or make_automated_backup())
