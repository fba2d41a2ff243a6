"""The truth about replacements: what replicates afterwards, and what the client says about it."""

from collections.abc import Iterator

from rds_backup_replication import StartDBInstanceAutomatedBackupsReplicationRequest, Tag
from rds_backup_replication.exceptions import ReplacementError

from ..wire import SOURCE_ARN
from ._methods import FORMER, WANTED
from ._promises import finds_no_backup, is_uncertain
from ._rds import DESCRIBE, DESCRIBE_INSTANCES, START, STOP, PlainRDS, Settings
from ._run import Bench, Cell, Mode, Observation

_PHASES = {STOP: "stop", START: "start"}
_SENTENCES = {
    True: "The instance replicates",
    False: "The instance does not replicate.",
    None: "Whether the instance replicates is not known.",
}
_FORMER_REQUEST = StartDBInstanceAutomatedBackupsReplicationRequest(
    source_db_instance_arn=SOURCE_ARN,
    backup_retention_period=FORMER.days,
    kms_key_id=FORMER.key,
    tags=[Tag(key=key, value=value) for key, value in FORMER.tags],
)


def check_replacement(cell: Cell, observed: Observation) -> Iterator[str]:
    """Yield differences between the state, and the result or error of a replacement."""
    rds, error = observed.wire.rds, observed.error
    if error is None:
        yield from _check_result(observed)
        return
    active = _active_settings(rds)
    if not rds.stops and (rds.starts or active != [FORMER]):
        yield f"without a stop, {rds.starts} starts took effect, and {active} replicate"
    if rds.stops and not isinstance(error, ReplacementError):
        yield f"a stop took effect, but {error!r} is raised"
    if rds.stops and active not in ([], [FORMER]):
        yield f"an error is raised, but {active} replicate"
    if isinstance(error, ReplacementError):
        yield from _check_account(cell, observed, error)


def check_second_call(bench: Bench, cell: Cell, mode: Mode, first: Observation) -> Iterator[str]:
    """Yield what a second call, without a fault, leaves undone."""
    rds = first.wire.rds
    changes = (rds.starts, rds.stops)
    second = bench.run_again(cell, mode, rds)
    active = _active_settings(rds)
    if active != [WANTED] or second.error is not None:
        yield f"a second call ends in {second.outcome}, {active}"
    elif first.error is None and changes != (rds.starts, rds.stops):
        yield f"a second call ends in {second.outcome}, although nothing was left to do"


def _active_settings(rds: PlainRDS) -> list[Settings]:
    return [backup.settings for backup in rds.backups if backup.is_active]


def _check_result(observed: Observation) -> Iterator[str]:
    rds, result = observed.wire.rds, observed.result
    if _active_settings(rds) != [WANTED] or (rds.starts, rds.stops) != (1, 1):
        yield (
            f"{rds.starts} starts and {rds.stops} stops took effect, and "
            f"{_active_settings(rds)} replicate"
        )
    elif result.backup.db_instance_automated_backups_arn != vars(rds.active)["arn"]:
        yield "the returned backup is not the active one"
    if not result.source_checked:  # RDS finds the source of a start by its ARN
        yield "source_checked is False"


def _may_be_unknown(cell: Cell, observed: Observation) -> bool:
    """Return whether the client need not know what replicates.

    A response to a change was lost, or RDS refuses starts as if the source replicated, while no
    poll shows an active backup, or every poll after the last change failed, or the source did not
    say which resource ID it has.
    """
    is_contradiction = cell.fault.error == "InvalidDBInstanceAutomatedBackupStateFault"
    is_lost = cell.action in (START, STOP) and is_uncertain(cell.fault)
    is_contradicted = cell.action == START and is_contradiction and cell.always
    is_unchecked = cell.action == DESCRIBE_INSTANCES
    return is_lost or is_contradicted or is_unchecked or _have_polls_failed(cell, observed)


def _have_polls_failed(cell: Cell, observed: Observation) -> bool:
    """Return whether there were polls after the last change, and none of them has an answer."""
    calls = [attempts[-1] for attempts in observed.wire.calls()]
    last_change = max(n for n, call in enumerate(calls) if call.action in (START, STOP))
    polls = [call for call in calls[last_change:] if call.action == DESCRIBE]
    is_answered = finds_no_backup(cell) or any(not poll.has_fault for poll in polls)
    return bool(polls) and not is_answered


def _check_account(cell: Cell, observed: Observation, error: ReplacementError) -> Iterator[str]:
    """Yield what a ``ReplacementError`` does not say truthfully, or what is not logged."""
    active = observed.wire.rds.active
    is_protected, last = error.is_protected, error.last_backup
    is_unknown = is_protected is None and _may_be_unknown(cell, observed)
    if is_protected is not (active is not None) and not is_unknown:
        yield f"is_protected is {is_protected}, but the state is {observed.state}"
    phase = _PHASES[observed.wire.changes()[-1]]
    if error.phase != phase:
        yield f"the phase is {error.phase}, not {phase}"
    if error.former != _FORMER_REQUEST or error.source_db_instance_arn != SOURCE_ARN:
        yield f"the former settings are {error.former!r}"
    if error.reason != (str(error.__cause__) or repr(error.__cause__)):
        yield f"the reason is {error.reason!r}"
    arn = last and last.db_instance_automated_backups_arn
    if arn not in [backup.arn for backup in observed.wire.rds.backups]:
        yield f"the last backup is {last!r}"
    if is_protected and active is not None and arn != active.arn:
        yield f"the last backup is {last!r}, not the active one"
    text = str(error)
    facts = (f"phase {phase!r}", error.reason, SOURCE_ARN, _SENTENCES[is_protected])
    if any(fact not in text for fact in facts) or observed.warnings[-1:] != (text,):
        yield f"the text is {text!r}, and {observed.warnings[-1:]} is logged"
