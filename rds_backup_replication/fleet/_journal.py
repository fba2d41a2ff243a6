"""The journal of an apply: a line before and after each change, so that a later run can resume."""

import os
import sys
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from ..exceptions import PlanRefusedError
from ._organization import account_for
from ._plan_records import ActionResult, Plan, PlannedAction
from ._policy import Policy
from ._records import Record

ActionKey = tuple[str, str, str, str]
_OWNER_ONLY = 0o600
_CHUNK = 1 << 20  # bytes
_BINARY: int = getattr(os, "O_BINARY", 0)  # Windows would write other line ends


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


_LINE: TypeAdapter[_Header | _Begin | _End] = TypeAdapter(
    Annotated[_Header | _Begin | _End, Field(discriminator="event")]
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
        return _read_lines(path, file)


def _read_lines(path: Path, lines: Iterable[bytes]) -> ApplyProgress:
    """Read the lines of a journal.

    If the process was killed in a write, a line may be incomplete. Then the change before which
    the line was written has not begun, or the line's result is not known.
    """
    progress: ApplyProgress | None = None
    for number, text in enumerate(lines, start=1):
        try:
            line = _LINE.validate_json(text)
        except ValidationError as error:
            if progress is not None and error.errors()[0]["type"] == "json_invalid":
                continue
            problem = "begins with no plan" if progress is None else f"has an unknown line {number}"
            raise PlanRefusedError([f"{path} is not a journal: the file {problem}."]) from None
        if isinstance(line, _Header):
            if progress is not None:
                raise PlanRefusedError(
                    [f"{path} is not a journal: line {number} is a second plan."]
                )
            progress = ApplyProgress(line.plan, line.max_stops, line.max_replacements)
        elif progress is None:
            raise PlanRefusedError([f"{path} is not a journal: the file begins with no plan."])
        elif isinstance(line, _Begin):
            progress.begin(line.action.sort_key())
        else:
            progress.end(line.result.action.sort_key(), line.result)
    if progress is None:
        raise PlanRefusedError([f"{path} is empty: nothing was applied."])
    return progress


class Journal:
    """A journal that is open for writing, and locked against other processes."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._has_failed = False
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
        with _open_locked(path, os.O_CREAT) as descriptor:
            if os.fstat(descriptor).st_size:
                problem = f"The journal {path} is not empty."
                remedy = "Call fleet.resume() to go on with its plan, or name another file."
                raise PlanRefusedError([f"{problem} {remedy}"])
            journal = cls(path, descriptor)
            journal._write(
                _Header(
                    at=_now(), plan=plan, max_stops=max_stops, max_replacements=max_replacements
                )
            )
            _sync_directory(path)
            yield journal

    @classmethod
    @contextmanager
    def reopen(cls, path: Path) -> "Generator[tuple[Journal, ApplyProgress]]":
        """Read a journal, and go on with it within the block.

        Raises:
            OSError: The file cannot be read or written.
            PlanRefusedError: The file is not a journal, or another process uses it.
        """
        with _open_locked(path, 0) as descriptor:
            progress = read_journal(path)
            size = os.fstat(descriptor).st_size
            os.lseek(descriptor, size - 1, os.SEEK_SET)
            if os.read(descriptor, 1) != b"\n":
                os.write(descriptor, b"\n")
            yield cls(path, descriptor), progress

    def begin(self, action: PlannedAction) -> None:
        """Write that an action begins.

        Raises:
            OSError: The line could not be written, so the action must not begin.
        """
        self._write(_Begin(at=_now(), action=action))
        self._begun.add(action.sort_key())

    def end(self, result: ActionResult) -> None:
        """Write the result of an action, if the journal says that the action has begun.

        Raises:
            OSError: The line could not be written.
        """
        if result.action.sort_key() in self._begun:
            self._write(_End(at=_now(), result=result))

    def _write(self, line: Record) -> None:
        data = line.model_dump_json(exclude_none=True).encode() + b"\n"
        with self._lock:
            # After a part of a line, a new line could not be told apart.
            if self._has_failed:
                raise OSError(f"an earlier line of {self._path} could not be written")
            size = os.fstat(self._descriptor).st_size
            try:
                while data:
                    data = data[os.write(self._descriptor, data[:_CHUNK]) :]
                os.fsync(self._descriptor)
            except OSError:
                self._has_failed = True
                with suppress(OSError):
                    os.ftruncate(self._descriptor, size)
                raise


def _now() -> datetime:
    return datetime.now(timezone.utc)


@contextmanager
def _open_locked(path: Path, flags: int) -> Generator[int]:
    """Open a file for appending, and lock it, within the block."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | _BINARY | flags, _OWNER_ONLY)
    try:
        if sys.platform != "win32":
            import fcntl  # noqa: PLC0415  # Windows has no such module

            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise PlanRefusedError([f"Another process uses the journal {path}."]) from None
            except OSError:  # some network file systems cannot lock
                pass
        yield descriptor
    finally:
        os.close(descriptor)


def _sync_directory(path: Path) -> None:
    """Write a new file's name to the disk, where the system can."""
    with suppress(OSError):
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
