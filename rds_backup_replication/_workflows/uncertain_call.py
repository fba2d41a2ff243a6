"""Changes whose outcome is uncertain, because RDS refused them or the response was lost."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from .._botocore.errors import may_have_taken_effect
from .._botocore.hooks import FailedAttempts
from .._context import Context
from .._limits import CONFIRMATION_PAUSES
from .._models import DBInstanceAutomatedBackup
from .._steps import Steps
from .lookup import READ_ERRORS, Source, find_replicated_backup

ConclusionT = TypeVar("ConclusionT")


class UncertainCall(NamedTuple):
    """A failed call after which the state of the replication is uncertain."""

    error: Exception
    may_have_taken_effect: bool
    """Whether one of the attempts at the call may have taken effect."""
    active: DBInstanceAutomatedBackup | None = None
    """The active backup that the last poll showed."""


def send_change(
    context: Context,
    call: Callable[[], DBInstanceAutomatedBackup],
    is_ambiguous: Callable[[Exception], bool],
) -> DBInstanceAutomatedBackup | UncertainCall:
    """Send a change, and return its result or the failure that leaves its outcome open.

    An ambiguous refusal may mean that the replication is as requested; others are raised.
    """
    with FailedAttempts(context.client) as attempts:
        try:
            return call()
        except READ_ERRORS as error:
            took_effect = any(map(may_have_taken_effect, [*attempts, error]))
            if not (took_effect or is_ambiguous(error)):
                raise
            return UncertainCall(error, took_effect)


def poll_outcome(
    context: Context,
    source: Source,
    conclude: Callable[[DBInstanceAutomatedBackup | None], ConclusionT | None],
    pauses: Iterable[float] = CONFIRMATION_PAUSES,
) -> Steps[ConclusionT | None]:
    """Poll until ``conclude`` returns a conclusion from a poll, and return it."""
    for pause in pauses:
        if pause:
            yield pause
        try:
            found = find_replicated_backup(context, source)
        except READ_ERRORS:  # the error of the call says more
            continue
        conclusion = conclude(found)
        if conclusion is not None:
            return conclusion
    return None
