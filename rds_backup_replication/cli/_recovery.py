"""Options, files, readiness tables and progress that the commands for a recovery share."""

import threading
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._errors import in_shell_words
from ._files import read_policy, reading
from ._fleet import format_counts, print_causes, print_findings, print_instances, scan_progress
from ._options import FleetOptions, PollInterval, Timeout, Yes, read_duration, read_time
from ._output import Progress, format_lag, format_time, progress
from ._signals import finish_on_signal

if TYPE_CHECKING:
    from ..fleet import Access, Policy
    from ..recovery import DrilledInstance, ReadinessReport, RecoveryBook, RestoredInstance
    from ..recovery._journal import Progress as JournalProgress

# ruff: noqa: PLC0415 - help and version must not import what only a call needs.

Book = Annotated[
    str,
    typer.Argument(
        metavar="BOOK",
        help="Recovery book that recovery capture has written: a file, or s3://BUCKET/KEY.",
        show_default=False,
    ),
]
PolicyOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Policy file, which has the accounts' roles. It may be omitted if the book is for "
        "one account, which the current credentials belong to.",
    ),
]
_LONGEST_PAUSE = timedelta(hours=1)
SUMMARY_INTERVAL = 180.0  # seconds between two summaries of a run that takes hours


@dataclass(frozen=True, kw_only=True)
class BookOptions(FleetOptions):
    """The options that all commands with a recovery book share."""

    policy: PolicyOption = None
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Only instances whose identifier or ARN matches, such as 'orders-*'. Repeat the "
            "option for more patterns.",
        ),
    ] = None

    def read_policy(self) -> "Policy | None":
        """Return the policy, if there is one."""
        return None if self.policy is None else read_policy(self.policy)


@dataclass(frozen=True, kw_only=True)
class RunOptions(BookOptions):
    """The options that recoveries and drills share."""

    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Moment to restore, such as 2026-01-31T12:00:00Z. The default is the latest "
            "restorable time of each instance.",
        ),
    ] = None
    timeout: Timeout = "12h"
    poll_interval: PollInterval = "30s"
    yes: Yes = False

    def read_at(self) -> "datetime | None":
        """Return the moment to restore."""
        if self.at is None:
            return None
        at = read_time(self.at, "--at")
        if at > datetime.now(timezone.utc):
            raise typer.BadParameter("must not be in the future.", param_hint="--at")
        return at


def read_pause(text: str) -> float:
    """Return the seconds of ``--poll-interval``."""
    pause = read_duration(text, "--poll-interval")
    if pause > _LONGEST_PAUSE:
        raise typer.BadParameter("must be at most 1h.", param_hint="--poll-interval")
    return pause.total_seconds()


def read_book(location: str, access: "Access") -> "RecoveryBook":
    """Read a recovery book from a file or from S3."""
    from ..recovery import read_book

    with reading(location):
        return read_book(location, access=access)


def read_journal(path: Path) -> "JournalProgress | None":
    """Return how far a recovery or a drill came; ``None`` if the journal has not begun."""
    from ..recovery._journal import FORMAT, Progress

    with reading(path):
        if not (path.exists() and path.stat().st_size):
            return None
        with path.open("rb") as file:
            header, lines = FORMAT.parse(path, file)
            found = Progress(header)
            found.add(lines)
        return found


def check_readiness(
    book: "RecoveryBook",
    policy: "Policy | None",
    access: "Access",
    **options: Any,
) -> "ReadinessReport":
    """Return the report of ``recovery.check``, to which the options go, and show its progress."""
    from ..recovery import check

    with scan_progress("Checking the destinations") as on_progress:
        return check(book, policy, access=access, on_progress=on_progress, **options)


def print_readiness(
    report: "ReadinessReport", *, at: "datetime | None" = None, on_stderr: bool = False
) -> None:
    """Print whether each instance could be restored, and what has to be done.

    Args:
        report: The report.
        at: The moment to restore; the latest of each instance if omitted.
        on_stderr: Whether to print to standard error.
    """
    records = sorted(report.records, key=lambda record: record.tier)
    print_instances(
        ("STATE", "TIER", "RESTORABLE TO" if at is None else "MOMENT", "TO", "NAME"),
        records,
        lambda record: (
            *(record.state, str(record.tier), format_time(at or record.latest_time) or "-"),
            *(record.destination_region, record.target_db_instance_identifier),
        ),
        on_stderr=on_stderr,
    )
    print_causes(((record, record.reasons) for record in report.records), on_stderr=on_stderr)
    print_findings(report.findings, on_stderr=on_stderr)


class Run:
    """The progress of a recovery or a drill, which takes hours."""

    def __init__(self, shown: Progress, total: int) -> None:
        self.is_over = False
        """Whether only the report remains to be printed."""
        self._shown = shown
        self._total = total
        self._begun = time.monotonic()
        self._stages: dict[object, str] = {}

    def show(self, instance: "RestoredInstance") -> None:
        """Print a line if the instance of a recovery has come to another stage."""
        self._show(instance, _stage(instance), instance.message)

    def show_drilled(self, drilled: "DrilledInstance") -> None:
        """Print a line if the instance of a drill has come to another stage."""
        instance, message = drilled.restore, drilled.restore.message
        if drilled.cleanup != "kept":
            stage, message = _CLEANUP_STAGES[drilled.cleanup], drilled.cleanup_message
        elif drilled.check != "not_run":
            stage, message = f"check {drilled.check}", None
        else:
            stage = "restored" if instance.outcome == "done" else _stage(instance)
        self._show(instance, stage, message)

    def _show(self, instance: "RestoredInstance", stage: str, message: str | None) -> None:
        if self._stages.get(instance.sort_key()) == stage:
            return
        self._stages[instance.sort_key()] = stage
        name = f"{instance.target_db_instance_identifier} in {instance.destination_region}"
        reason = f": {in_shell_words(message)}" if message and stage not in _GOES_ON else ""
        self._shown.log(f"[{self._elapsed()}] {stage}: {name} (tier {instance.tier}){reason}")
        self._shown.update(self.summarize())

    def end(self) -> None:
        """Remove the spinner, so that the report can be printed."""
        self.is_over = True
        self._shown.stop()

    def summarize(self) -> str:
        """Return the number of instances at each stage."""
        stages = tuple(self._stages.values())  # other threads add to them
        counts = Counter(stages)
        # A cleanup may find more instances than its journal leaves to delete.
        if (waiting := self._total - len(stages)) > 0:
            counts["waiting"] = waiting
        return f"After {self._elapsed()}: {format_counts(counts)}."

    def _elapsed(self) -> str:
        return format_lag(timedelta(seconds=int(time.monotonic() - self._begun))) or "0s"

    @contextmanager
    def summarizing(self) -> Generator[None]:
        """Print a summary every few minutes during the block."""
        ended = threading.Event()

        def repeat() -> None:
            while not ended.wait(SUMMARY_INTERVAL):
                self._shown.log(self.summarize())

        thread = threading.Thread(target=repeat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()  # no summary may follow the report


_GOES_ON = ("waiting", "restoring", "available")
_CLEANUP_STAGES = {
    "deleted": "deleted",
    "absent": "nothing to delete",
    "failed": "not deleted",
}


def _stage(instance: "RestoredInstance") -> str:
    """Return how far the restore of an instance has come."""
    if instance.outcome != "not_finished":
        return instance.outcome
    if instance.available_after is not None:
        return "available"
    return "waiting" if instance.begun_at is None else "restoring"


@contextmanager
def running(text: str, total: int, *, ending: str, hint: str) -> Generator[Run]:
    """Show the progress of a recovery or a drill; the second signal ends the process.

    Args:
        text: The first line of the progress.
        total: The number of instances.
        ending: What the first signal announces: a sentence.
        hint: How to go on after a signal has ended the process: a sentence.
    """
    from ..recovery._drill_checks import end_checks

    with progress(text, lines=False) as shown:
        run = Run(shown, total)
        shown.log(text)

        def summarize() -> str:
            # The commands of checks have sessions of their own, which would go on.
            end_checks()
            return "" if run.is_over else f"Ended at once. {run.summarize()} {hint}\n"

        with finish_on_signal(shown, ending, summarize, lambda: run.is_over), run.summarizing():
            try:
                yield run
            except OSError:  # of the journal; what has begun is in it all the same
                if not run.is_over:
                    shown.log(hint)
                raise
