"""The recovery of a book's instances in their destinations."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import uuid4

from .._arn import is_db_instance_identifier
from ..exceptions import RecoveryRefusedError
from ..fleet._credentials import Access
from ..fleet._policy import Policy
from ._access import find_destinations, select_entries
from ._book import BookEntry, RecoveryBook
from ._journal import FORMAT, Header, Key, Kind, Progress, now, read_progress
from ._records import RecoveryReport, RestoredInstance
from ._restore_target import Target, require_timezone
from ._restores import InstanceRestore
from ._run import Crew, Run

OnEvent = Callable[[RestoredInstance], object]


def recover(
    book: RecoveryBook,
    policy: Policy | None = None,
    *,
    journal: str | Path,
    access: Access | None = None,
    only: Iterable[str] = (),
    at: datetime | None = None,
    poll_interval: float = 30.0,
    timeout: timedelta = timedelta(hours=12),
    on_event: OnEvent | None = None,
) -> RecoveryReport:
    """Restore the instances of a book in their destinations, and give them the book's settings.

    Nothing of the source Regions is asked. The instances of a tier are restored at the same time;
    the next tier begins when all of them have ended. An instance that fails does not stop the
    others.

    Called again with the same journal, a recovery goes on where it was: instances that are done
    are left alone, those that RDS restores are waited for, and those that failed are tried again.
    An instance of another origin is never adopted, changed or deleted: if one has the name of an
    instance to restore, that restore fails.

    After the first Ctrl-C, no more changes begin, and the report says what RDS goes on with.

    Args:
        book: The book.
        policy: The policy, which has the accounts' roles; ``None`` if the book is of one account,
            in which the current credentials act.
        journal: A file that receives a line before and after each change: a new one, or that of
            the same recovery.
        access: The credentials and the endpoint to use.
        only: Identifiers or ARNs of the instances to restore, with ``*`` and ``?`` as wildcards;
            all instances if omitted, except those that were gone at the latest capture.
        at: The moment to restore for all instances; the latest of each instance if omitted.
        poll_interval: Seconds between two questions about an instance.
        timeout: How long to wait for an instance, in this run.
        on_event: Called with the record of an instance whenever its state changes.

    Returns:
        One record for each instance, ordered by tier.

    Raises:
        RecoveryRefusedError: ``only`` names no instance, an account's role is not known, the
            journal is of another recovery, or another process uses it. Nothing was sent.
        ValueError: ``at`` has no timezone or is in the future, or a number is out of range.
        OSError: The journal cannot be read or written.
    """
    check_arguments(at, poll_interval, timeout)
    targets, refused = create_targets(select_entries(book, only), at)
    places = find_destinations(
        (target.place for target in targets), policy, access or Access(), uuid4().hex
    )
    path = Path(journal)
    with FORMAT.open_or_create(path) as file:
        if file.is_new:
            progress = Progress(create_header("recovery", book, at))
            file.write(progress.header)
        else:
            progress = read_progress(file)
            _check_header(path, progress.header, book, at)
        run = Run(places, progress, file, poll_interval, timeout)
        crew: Crew[RestoredInstance] = Crew(run, on_event)
        results: dict[Key, RestoredInstance] = {}

        def restore(target: Target) -> None:
            earlier, own = progress.of(target.key).restored, target.entry.db_instance_arn
            one = InstanceRestore(run, target, crew.report)
            if earlier and earlier.outcome == "done" and earlier.db_instance_arn == own:
                results[target.key] = one.confirm(earlier)
            else:
                results[target.key] = one.restore()

        crew.run(run.connect)
        for _, tier in groupby(targets, key=lambda target: target.entry.tier):
            crew.work(list(tier), restore)
    return _report(run, (*results.values(), *refused))


def plan_recovery(
    book: RecoveryBook,
    policy: Policy | None = None,
    *,
    access: Access | None = None,
    only: Iterable[str] = (),
    at: datetime | None = None,
) -> RecoveryReport:
    """Return what ``recover`` would restore now, and change nothing.

    Args:
        book: The book.
        policy: As for ``recover``.
        access: As for ``recover``.
        only: As for ``recover``.
        at: As for ``recover``.

    Returns:
        One record for each instance, ``planned`` with the backup and the moment, or ``failed``.

    Raises:
        RecoveryRefusedError: As for ``recover``.
        ValueError: As for ``recover``.
    """
    check_arguments(at, 0.0, timedelta(hours=1))
    targets, refused = create_targets(select_entries(book, only), at)
    places = find_destinations(
        (target.place for target in targets), policy, access or Access(), uuid4().hex
    )
    progress = Progress(create_header("recovery", book, at))
    run = Run(places, progress, None, 0.0, timedelta(hours=1))
    crew: Crew[RestoredInstance] = Crew(run, None)
    results: dict[Key, RestoredInstance] = {}

    def plan(target: Target) -> None:
        results[target.key] = InstanceRestore(run, target, crew.report).plan()

    crew.run(run.connect)
    crew.work(targets, plan, at_once=16)
    return _report(run, (*results.values(), *refused))


def check_arguments(at: datetime | None, poll_interval: float, timeout: timedelta) -> None:
    """Raise a ``ValueError`` if an argument of a recovery or a drill is out of range."""
    require_timezone(at)
    if at is not None and at > datetime.now(timezone.utc):
        raise ValueError(f"at= must not be in the future, but is {at.isoformat()}")
    if not 0 <= poll_interval <= 3600:  # noqa: PLR2004  # an hour
        raise ValueError(f"poll_interval= must be 0 to 3600 seconds, not {poll_interval}")
    if timeout <= timedelta(0):
        raise ValueError(f"timeout= must be longer than 0 seconds, but is {timeout}")


def create_header(kind: Kind, book: RecoveryBook, at: datetime | None, **facts: Any) -> Header:
    """Return the first line of a new journal, with a new ID that nobody can guess."""
    return Header(
        kind=kind,
        at=now(),
        run_id=uuid4().hex,
        book_hash=book.content_hash,
        book_captured_at=book.captured_at,
        restore_time=at,
        **facts,
    )


def create_targets(
    entries: Iterable[BookEntry], at: datetime | None
) -> tuple[list[Target], list[RestoredInstance]]:
    """Return what to restore, ordered by tier, and the records of what must not be restored."""
    targets = [
        Target(entry, entry.target_db_instance_identifier, entry.target, at)
        for entry in sorted(entries, key=lambda entry: (entry.tier, entry.sort_key()))
    ]
    names = Counter(target.key for target in targets)
    good: list[Target] = []
    refused: list[RestoredInstance] = []
    for target in targets:
        problem = None
        if not is_db_instance_identifier(target.identifier):
            problem = f"{target.identifier} is not a valid identifier of a DB instance."
        elif names[target.key] > 1:
            problem = f"Several instances of the book would be named {target.identifier}."
        if problem is None:
            good.append(target)
        else:
            remedy = "Set another recovery.name in the policy, and retarget the book."
            refused.append(target.record("failed", message=f"{problem} {remedy}"))
    return good, refused


def _report(run: Run, instances: Iterable[RestoredInstance]) -> RecoveryReport:
    header = run.progress.header
    return RecoveryReport(
        run_id=header.run_id,
        book_hash=header.book_hash,
        restore_time=header.restore_time,
        begun_at=header.at,
        instances=tuple(sorted(instances, key=RestoredInstance.sort_key)),
        is_interrupted=run.stopped.is_set(),
    )


def _check_header(path: Path, header: Header, book: RecoveryBook, at: datetime | None) -> None:
    problem = None
    if header.kind != "recovery":
        problem = "is of a drill"
    elif header.book_hash != book.content_hash:
        problem = "is of a recovery from another book"
    elif header.restore_time != at:
        moment = header.restore_time.isoformat() if header.restore_time else "the latest moment"
        problem = f"is of a recovery to {moment}"
    if problem:
        raise RecoveryRefusedError(
            [f"The journal {path} {problem}. Name the journal of this recovery, or a new file."]
        )
