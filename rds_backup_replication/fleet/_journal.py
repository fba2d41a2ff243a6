"""The journal of an apply: a line before and after each change, so that a later run can resume."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from ..exceptions import PlanRefusedError
from ._journal_file import JournalFile, JournalFormat
from ._organization import account_for
from ._plan_records import ActionResult, Plan, PlannedAction
from ._policy import Policy
from ._records import Record

ActionKey = tuple[str, str, str, str]


class _Header(Record, frozen=True):
    """The first line."""

    event: Literal["plan"] = "plan"
    at: AwareDatetime
    plan: Plan
    max_stops: int
    max_replacements: int


class _Begin(Record, frozen=True):
    """The line before a change."""

    event: Literal["begin"] = "begin"
    at: AwareDatetime
    action: PlannedAction


class _End(Record, frozen=True):
    """The line after a change."""

    event: Literal["end"] = "end"
    at: AwareDatetime
    result: ActionResult


_Line = _Header | _Begin | _End
_FORMAT = JournalFormat[_Header, _Line](
    header=_Header,
    line=TypeAdapter(Annotated[_Line, Field(discriminator="event")]),
    noun="plan",
    meaning_of_empty="nothing was applied",
    refusal=PlanRefusedError,
)


@dataclass
class ApplyProgress:
    """How far an apply came, as its journal says."""

    plan: Plan
    max_stops: int
    """The stops that were allowed."""
    max_replacements: int
    """The replacements that were allowed."""
    results: dict[ActionKey, ActionResult] = field(default_factory=dict[ActionKey, ActionResult])
    """The latest result of each action."""
    begun: set[ActionKey] = field(default_factory=set[ActionKey])
    """The actions that have begun and have not ended."""
    _earlier: dict[ActionKey, tuple[bool, ActionResult | None]] = field(
        default_factory=dict[ActionKey, tuple[bool, ActionResult | None]]
    )
    """Whether each action had begun before its latest beginning, and its result by then."""

    def begin(self, key: ActionKey) -> None:
        """Note that an action begins."""
        self._earlier[key] = key in self.begun, self.results.get(key)
        self.begun.add(key)

    def end(self, key: ActionKey, result: ActionResult) -> None:
        """Note the result of an action; one that was not attempted is as it was before."""
        was_begun, earlier = self._earlier.pop(key, (False, None))
        if result.outcome == "not_attempted" and was_begun:
            return
        self.begun.discard(key)
        self.results[key] = (result.outcome == "not_attempted" and earlier) or result

    @cached_property
    def settled(self) -> dict[ActionKey, ActionResult]:
        """Return the results of the actions that need no other attempt."""
        return {
            key: result
            for key, result in self.results.items()
            if key not in self.begun and result.outcome in ("done", "unchanged")
        }

    def divide(
        self, policy: Policy, *, are_refused: bool
    ) -> tuple[tuple[PlannedAction, ...], tuple[PlannedAction, ...]]:
        """Return the actions that come first, and the other ones that are left.

        Those that come first were cut off: they have begun and have not ended, or are
        replacements that failed after the stop.

        Args:
            policy: The policy, which has the accounts' roles.
            are_refused: Whether the plan must not be applied as a whole. Then what was cut off
                still comes first, unless it is a stop.
        """
        first: list[PlannedAction] = []
        rest: list[PlannedAction] = []
        for action in self.plan.changes:
            key = action.sort_key()
            result = self.results.get(key)
            is_cut_off = key in self.begun or (result is not None and result.may_be_unprotected)
            if is_cut_off and not (are_refused and _cannot_heal(action, policy)):
                first.append(action)
            elif key not in self.settled:
                rest.append(action)
        return tuple(first), tuple(rest)


def _cannot_heal(action: PlannedAction, policy: Policy) -> bool:
    return action.kind == "stop" or account_for(policy, action.account_id) is None


def read_journal(path: Path) -> ApplyProgress:
    """Read a journal without locking it.

    Raises:
        OSError: The file cannot be read.
        PlanRefusedError: The file is not a journal.
    """
    with path.open("rb") as file:
        return _find_progress(*_FORMAT.parse(path, file))


def _find_progress(header: _Header, lines: Iterable[_Line]) -> ApplyProgress:
    progress = ApplyProgress(header.plan, header.max_stops, header.max_replacements)
    for line in lines:
        if isinstance(line, _Begin):
            progress.begin(line.action.sort_key())
        elif isinstance(line, _End):
            progress.end(line.result.action.sort_key(), line.result)
    return progress


class Journal:
    """A journal that is open for writing, and locked against other processes."""

    def __init__(self, file: JournalFile[_Header, _Line]) -> None:
        self._file = file
        self._begun: set[ActionKey] = set()

    @classmethod
    @contextmanager
    def create(
        cls, path: Path, plan: Plan, max_stops: int, max_replacements: int
    ) -> "Generator[Journal]":
        """Begin a journal within the block.

        Raises:
            OSError: The file cannot be written.
            PlanRefusedError: The file is not empty, or another process uses it.
        """
        header = _Header(
            at=_now(), plan=plan, max_stops=max_stops, max_replacements=max_replacements
        )
        remedy = "Call fleet.resume() to go on with its plan, or name another file."
        with _FORMAT.create(path, header, remedy=remedy) as file:
            yield cls(file)

    @classmethod
    @contextmanager
    def reopen(cls, path: Path) -> "Generator[tuple[Journal, ApplyProgress]]":
        """Read a journal, and go on with it within the block.

        Raises:
            OSError: The file cannot be read or written.
            PlanRefusedError: The file is not a journal, or another process uses it.
        """
        with _FORMAT.reopen(path) as file:
            yield cls(file), _find_progress(*file.read())

    def begin(self, action: PlannedAction) -> None:
        """Write that an action begins.

        Raises:
            OSError: The line could not be written, so the action must not begin.
        """
        self._file.write(_Begin(at=_now(), action=action))
        self._begun.add(action.sort_key())

    def end(self, result: ActionResult) -> None:
        """Write the result of an action, if the journal says that the action has begun.

        Raises:
            OSError: The line could not be written.
        """
        if result.action.sort_key() in self._begun:
            self._file.write(_End(at=_now(), result=result))


def _now() -> datetime:
    return datetime.now(timezone.utc)
