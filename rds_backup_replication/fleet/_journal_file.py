"""The file of a journal: locked, with each line on the disk at once, readable after a crash."""

import os
import stat
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

_OWNER_ONLY = 0o600
_CHUNK = 1 << 20  # bytes
_BINARY: int = getattr(os, "O_BINARY", 0)  # Windows would write other line ends

HeaderT = TypeVar("HeaderT", bound=BaseModel)
LineT = TypeVar("LineT", bound=BaseModel)


@dataclass(frozen=True)
class JournalFormat(Generic[HeaderT, LineT]):
    """The lines of a journal, the words and the exception that refuse a file, and its opening."""

    header: type[HeaderT]
    """The model of the first line, which no other line has."""
    line: TypeAdapter[LineT]
    """Parses any line, the first one included."""
    noun: str
    """What the first line holds, such as ``plan``."""
    meaning_of_empty: str
    """What an empty file says, such as ``nothing was applied``."""
    refusal: Callable[[list[str]], Exception]
    """Returns the exception for a list of sentences."""

    @contextmanager
    def create(
        self, path: Path, header: HeaderT, *, remedy: str = "Name another file."
    ) -> "Generator[JournalFile[HeaderT, LineT]]":
        """Begin a journal within the block.

        Args:
            path: A file that does not exist, or is empty.
            header: The first line.
            remedy: What to do if the file is not empty, as a sentence.

        Raises:
            OSError: The file cannot be written.
            Exception: The ``refusal``: the file is not empty, or another process uses it.
        """
        with self.open_or_create(path) as file:
            if not file.is_new:
                raise self.refusal([f"The journal {path} is not empty. {remedy}"])
            file.write(header)
            yield file

    def reopen(self, path: Path) -> "AbstractContextManager[JournalFile[HeaderT, LineT]]":
        """Open a file that exists within the block.

        Raises:
            OSError: The file cannot be read or written.
            Exception: The ``refusal``: another process uses the file.
        """
        return self._open(path, 0)

    def open_or_create(self, path: Path) -> "AbstractContextManager[JournalFile[HeaderT, LineT]]":
        """Open a file within the block, and create the file if it does not exist.

        If the file ``is_new``, the caller must write the first line.

        Raises:
            OSError: The file cannot be read or written.
            Exception: The ``refusal``: another process uses the file.
        """
        return self._open(path, os.O_CREAT)

    @contextmanager
    def _open(self, path: Path, flags: int) -> "Generator[JournalFile[HeaderT, LineT]]":
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | _BINARY | flags, _OWNER_ONLY)
        try:
            if not _lock(descriptor):
                raise self.refusal([f"Another process uses the journal {path}."])
            if not _keeps_lines(path, descriptor):
                raise self.refusal([f"The journal {path} is no file, or has just been deleted."])
            file = JournalFile(path, descriptor, self)
            if file.is_new:
                sync_directory(path)
            yield file
        finally:
            os.close(descriptor)

    def parse(self, path: Path, lines: Iterable[bytes]) -> tuple[HeaderT, Iterator[LineT]]:
        """Parse the lines of a journal.

        If the process was killed in a write, a line may be incomplete. Such a line is skipped,
        as if the process had been killed before the write.

        Args:
            path: The file, for the texts of errors.
            lines: The lines of the file.

        Returns:
            The first line, and an iterator over the other ones. The iterator raises the refusal
            at a line that belongs to no journal of this format.
        """
        numbered = enumerate(lines, start=1)
        _, text = next(numbered, (0, None))
        if text is None:
            raise self.refusal([f"{path} is empty: {self.meaning_of_empty}."])
        with suppress(ValidationError):
            header = self.line.validate_json(text)
            if isinstance(header, self.header):
                return header, self._parse_rest(path, numbered)
        raise self._refuse(path, f"the file begins with no {self.noun}")

    def _parse_rest(self, path: Path, numbered: Iterable[tuple[int, bytes]]) -> Iterator[LineT]:
        for number, text in numbered:
            try:
                line = self.line.validate_json(text)
            except ValidationError as error:
                if error.errors()[0]["type"] == "json_invalid":
                    continue
                raise self._refuse(path, f"the file has an unknown line {number}") from None
            if isinstance(line, self.header):
                raise self._refuse(path, f"line {number} is a second {self.noun}")
            yield line

    def _refuse(self, path: Path, problem: str) -> Exception:
        return self.refusal([f"{path} is not a journal: {problem}."])


class JournalFile(Generic[HeaderT, LineT]):
    """A journal that is open for writing, and locked against other processes.

    Several threads may write at the same time.

    Attributes:
        is_new: Whether the file was empty when it was opened, so that its first line is missing.
    """

    def __init__(
        self, path: Path, descriptor: int, journal_format: JournalFormat[HeaderT, LineT]
    ) -> None:
        self._path = path
        self._descriptor = descriptor
        self._format = journal_format
        self._lock = threading.Lock()
        self._has_failed = False
        size = os.fstat(descriptor).st_size
        self.is_new: bool = size == 0
        self._is_cut_off = False
        """Whether the last line has no line break, because a process was killed in a write."""
        if size:
            os.lseek(descriptor, size - 1, os.SEEK_SET)
            self._is_cut_off = os.read(descriptor, 1) != b"\n"

    def read(self) -> tuple[HeaderT, Iterator[LineT]]:
        """Return the first line, and an iterator over the other ones, as the format parses them.

        Exhaust the iterator before the first ``write``, so that a file that is no journal stays
        as it is.

        Raises:
            OSError: The file cannot be read.
            Exception: The format's ``refusal``: the file is not a journal of this format.
        """
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        return self._format.parse(self._path, os.fdopen(self._descriptor, "rb", closefd=False))

    def write(self, line: HeaderT | LineT) -> None:
        """Append a line, and return when the line is on the disk.

        Raises:
            OSError: This line or an earlier one could not be written.
        """
        data = line.model_dump_json(exclude_none=True).encode() + b"\n"
        with self._lock:
            # After a part of a line, a new line could not be told apart.
            if self._has_failed:
                raise OSError(f"an earlier line of {self._path} could not be written")
            if self._is_cut_off:
                data = b"\n" + data
            size = os.fstat(self._descriptor).st_size
            try:
                while data:
                    data = data[os.write(self._descriptor, data[:_CHUNK]) :]
                os.fsync(self._descriptor)
            except OSError as error:
                self._has_failed = True
                with suppress(OSError):
                    os.ftruncate(self._descriptor, size)
                error.filename = str(self._path)  # the system names no file of a descriptor
                raise
            self._is_cut_off = False


def _lock(descriptor: int) -> bool:
    """Lock a file, where the system can; return whether no other process has locked the file."""
    if sys.platform != "win32":
        import fcntl  # noqa: PLC0415  # Windows has no such module

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # some network file systems cannot lock
            pass
    return True


def _keeps_lines(path: Path, descriptor: int) -> bool:
    """Return whether what is written to an open file will be found under its path later."""
    opened = os.fstat(descriptor)
    with suppress(FileNotFoundError):
        return stat.S_ISREG(opened.st_mode) and os.path.samestat(opened, path.stat())
    return False


def sync_directory(path: Path) -> None:
    """Write a new file's name to the disk, where the system can."""
    with suppress(OSError):
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
