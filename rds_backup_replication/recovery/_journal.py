"""The journal of a recovery or a drill: a line before and after each change."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from ..exceptions import RecoveryRefusedError
from ..fleet._journal_file import JournalFile, JournalFormat
from ..fleet._records import Record
from ._records import DrilledInstance, RestoredInstance

Kind = Literal["recovery", "drill"]
Step = Literal["restore", "modify", "delete"]
Key = tuple[str, str, str]
"""The account, the destination Region and the new identifier, in lower case."""


class Header(Record, frozen=True):
    """The first line: what is being recovered."""

    event: Literal["recovery"] = "recovery"
    kind: Kind
    at: AwareDatetime
    run_id: str
    book_hash: str
    book_captured_at: AwareDatetime
    restore_time: AwareDatetime | None = None
    check: str | None = None
    planned: int | None = None
    book_instances: int | None = None


class _Change(Record, frozen=True):
    """A line about a change of one instance."""

    event: Literal["begin", "end"]
    at: AwareDatetime
    step: Step
    account_id: str
    region: str
    identifier: str

    @property
    def key(self) -> Key:
        """Return the key of the instance."""
        return self.account_id, self.region, self.identifier.lower()


class Begin(_Change, frozen=True):
    """The line before a change."""

    event: Literal["begin"] = "begin"
    db_instance_arn: str
    """The instance that was lost."""
    backup_arn: str | None = None
    restore_time: AwareDatetime | None = None
    dbi_resource_id: str | None = None


class End(_Change, frozen=True):
    """The line after a change."""

    event: Literal["end"] = "end"
    dbi_resource_id: str | None = None
    """Resource ID of the instance; ``None`` if RDS refused the change or did not name the ID."""
    error: str | None = None
    """The class of the error with which RDS refused the change."""


class Restored(Record, frozen=True):
    """The line with the result of a restore."""

    event: Literal["restored"] = "restored"
    at: AwareDatetime
    instance: RestoredInstance


class Drilled(Record, frozen=True):
    """The line with the result of an instance's drill."""

    event: Literal["drilled"] = "drilled"
    at: AwareDatetime
    instance: DrilledInstance


Line = Header | Begin | End | Restored | Drilled
FORMAT: JournalFormat[Header, Line] = JournalFormat(
    header=Header,
    line=TypeAdapter(Annotated[Line, Field(discriminator="event")]),
    noun="recovery",
    meaning_of_empty="nothing was restored",
    refusal=RecoveryRefusedError,
)
RecoveryJournal = JournalFile[Header, Line]


@dataclass
class InstanceProgress:
    """How far one instance came."""

    restore: Begin | None = None
    """The latest restore that has begun, unless RDS refused it."""
    is_uncertain: bool = False
    """Whether that restore has begun and has not ended."""
    dbi_resource_id: str | None = None
    """Resource ID of the restored instance, once RDS has named it."""
    restored: RestoredInstance | None = None
    drilled: DrilledInstance | None = None
    is_deleted: bool = False
    """Whether RDS has accepted the deletion."""


@dataclass
class Progress:
    """How far a recovery or a drill came, as its journal says."""

    header: Header
    instances: dict[Key, InstanceProgress] = field(default_factory=dict[Key, InstanceProgress])

    def of(self, key: Key) -> InstanceProgress:
        """Return the progress of an instance."""
        return self.instances.setdefault(key, InstanceProgress())

    def add(self, lines: Iterable[Line]) -> None:
        """Add what some lines say."""
        for line in lines:
            if isinstance(line, Begin):
                self._begin(line)
            elif isinstance(line, End):
                self._end(line)
            elif isinstance(line, Restored):
                self.of(key_of(line.instance)).restored = line.instance
            elif isinstance(line, Drilled):
                self.of(key_of(line.instance.restore)).drilled = line.instance

    def _begin(self, line: Begin) -> None:
        progress = self.of(line.key)
        if line.step == "restore":
            progress.restore, progress.is_uncertain = line, True

    def _end(self, line: End) -> None:
        progress = self.of(line.key)
        if line.step == "delete":
            progress.is_deleted = progress.is_deleted or line.error is None
        elif line.step == "restore":
            progress.is_uncertain = line.dbi_resource_id is None and line.error is None
            if line.dbi_resource_id is not None:
                progress.dbi_resource_id = line.dbi_resource_id
            elif line.error is not None:
                progress.restore = None


def key_of(instance: RestoredInstance) -> Key:
    """Return the key of a record."""
    identifier = instance.target_db_instance_identifier.lower()
    return instance.account_id, instance.destination_region, identifier


def read_progress(journal: RecoveryJournal) -> Progress:
    """Return how far a recovery or a drill came.

    Raises:
        OSError: The file cannot be read.
        RecoveryRefusedError: The file is not a journal of a recovery or a drill.
    """
    header, lines = journal.read()
    progress = Progress(header)
    progress.add(lines)
    return progress


def read_header(path: Path) -> Header:
    """Return the first line of a journal, without locking it.

    Raises:
        OSError: The file cannot be read.
        RecoveryRefusedError: The file is not a journal of a recovery or a drill.
    """
    with path.open("rb") as file:
        return FORMAT.parse(path, file)[0]


def now() -> datetime:
    """Return the current time."""
    return datetime.now(timezone.utc)
