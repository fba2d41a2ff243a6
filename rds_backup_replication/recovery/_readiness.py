"""The readiness check: whether the instances of a book could be restored now."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from uuid import uuid4

from .._models import DBInstanceAutomatedBackup, RestoreWindow
from ..fleet._credentials import Access
from ..fleet._destination import AccountDestination
from ..fleet._durations import format_duration
from ..fleet._parallel import OnProgress, map_in_order
from ..fleet._policy import Policy
from ..fleet._records import RestoreState
from ..fleet._scan_guard import ScanGuard
from ..fleet._wording import utc
from ._access import Place, find_destinations, place_of, select_entries
from ._book import BookEntry, RecoveryBook
from ._readiness_answers import Answers, ReadinessReader, Restore
from ._readiness_checks import (
    find_backup_reasons,
    find_class_reasons,
    find_drill_reasons,
    find_entry_reasons,
    find_key_reasons,
    find_name_reasons,
    find_shared_reasons,
    format_age,
)
from ._readiness_groups import CapturedGroups, find_group_reasons
from ._records import ReadinessReason, ReadinessRecord, ReadinessReport
from ._restore_target import recovery_networks, require_timezone


def check(
    book: RecoveryBook,
    policy: Policy | None = None,
    *,
    access: Access | None = None,
    only: Iterable[str] = (),
    at: datetime | None = None,
    maximum_age: timedelta = timedelta(days=2),
    for_drill: bool = False,
    on_progress: OnProgress | None = None,
) -> ReadinessReport:
    """Check whether the instances of a book could be restored in their destinations now.

    Only the destinations are asked, because the source Regions may be lost, and nothing is
    created. A question that AWS does not answer makes an instance ``unknown``.

    Args:
        book: The book.
        policy: The policy, which has the accounts' roles; may be omitted if the book is of one
            account, in which the current credentials act.
        access: The credentials and the endpoint to use.
        only: Identifiers or ARNs of the instances to check, with ``*`` and ``?`` as wildcards;
            all that the source still had if omitted.
        at: The moment to restore, for all instances; the latest of each instance if omitted.
        maximum_age: The age from which the book counts as too old.
        for_drill: Whether to check the settings of drills instead of those of a recovery.
        on_progress: Called with the number of finished accounts and Regions and their total.

    Returns:
        One record per instance, ordered by account, source Region and ARN.

    Raises:
        RecoveryRefusedError: A pattern names no instance, or the role of an account is not known.
        ValueError: ``maximum_age`` is not positive, or ``at`` has no timezone.
    """
    if maximum_age <= timedelta():
        raise ValueError(f"maximum_age= must be a positive duration, not {maximum_age}")
    require_timezone(at)
    now = datetime.now(timezone.utc)
    entries: defaultdict[Place, list[BookEntry]] = defaultdict(list)
    for entry in select_entries(book, only):
        entries[place_of(entry)].append(entry)
    destinations = find_destinations(entries, policy, access or Access(), uuid4().hex, ScanGuard())
    stale_before = book.captured_at - maximum_age
    networks = recovery_networks(book.instances)
    judge = Judge(CapturedGroups.of(book), networks, now, stale_before, for_drill=for_drill, at=at)
    tasks = [(destination, entries[place]) for place, destination in destinations.items()]
    parts = map_in_order(judge.check, tasks, None, on_progress=on_progress, max_pending=None)
    records = [record for part in parts for record in part]
    return ReadinessReport(
        checked_at=now,
        book_hash=book.content_hash,
        book_captured_at=book.captured_at,
        records=tuple(sorted(records, key=_place_of_record)),
        findings=tuple(find_book_reasons(book, now, maximum_age)),
    )


def find_book_reasons(
    book: RecoveryBook, now: datetime, maximum_age: timedelta
) -> Iterator[ReadinessReason]:
    """Yield what is wrong with the book as a whole."""
    age = utc(now) - utc(book.captured_at)
    if age > maximum_age:
        yield ReadinessReason(
            code="book_too_old",
            message=(
                f"The book was captured {format_age(age)} ago; it may "
                f"be {format_duration(maximum_age)} old."
            ),
            remedy="Capture the book again, and find out why the schedule has not done so.",
            is_warning=True,
        )
    for problem in book.problems:
        yield ReadinessReason(
            code="book_not_complete",
            message=problem.message,
            remedy=problem.remedy,
            is_warning=True,
        )


@dataclass(frozen=True)
class Judge:
    """The judgment of restores by the answers of their destinations."""

    captured: CapturedGroups
    networks: Mapping[Place, set[str]]
    """The DB subnet groups and security groups of the recoveries in each place."""
    now: datetime
    stale_before: datetime
    """An entry from before this time is one that later captures could not read."""
    for_drill: bool
    at: datetime | None = None
    """The moment to restore; the latest if ``None``."""

    def check(self, task: tuple[AccountDestination, list[BookEntry]]) -> list[ReadinessRecord]:
        """Ask one destination, and return the records of its entries."""
        destination, entries = task
        answers = ReadinessReader(destination).read(entries, for_drill=self.for_drill, at=self.at)
        if isinstance(answers, ReadinessReason):
            return [record_of(entry, None, [answers]) for entry in entries]
        return self.judge(answers)

    def judge(self, answers: Answers) -> list[ReadinessRecord]:
        """Return the records of the restores in one destination."""
        shared = find_shared_reasons(answers, for_drill=self.for_drill)
        return [
            record_of(
                restore.entry,
                restore.backup,
                [*self._reasons(restore, answers), *shared.get(restore.entry.sort_key(), ())],
            )
            for restore in answers.restores
        ]

    def _reasons(self, restore: Restore, answers: Answers) -> Iterator[ReadinessReason]:
        entry = restore.entry
        yield from find_backup_reasons(restore, answers, self.now, self.at)
        yield from find_key_reasons(restore, answers)
        if self.for_drill:
            yield from find_drill_reasons(restore, self.networks)
        yield from find_group_reasons(restore, answers, self.captured)
        yield from find_class_reasons(restore, answers)
        if not self.for_drill:
            yield from find_name_reasons(restore, answers)
        is_stale = utc(entry.captured_at) < utc(self.stale_before) and not entry.is_gone
        yield from find_entry_reasons(restore, is_stale=is_stale)


def record_of(
    entry: BookEntry, backup: DBInstanceAutomatedBackup | None, reasons: Iterable[ReadinessReason]
) -> ReadinessRecord:
    """Return the record of an entry with its reasons, the blockers first."""
    found = sorted(dict.fromkeys(reasons), key=_order)
    backup = backup or DBInstanceAutomatedBackup()
    window = backup.restore_window or RestoreWindow()
    return ReadinessRecord(
        account_id=entry.account_id,
        source_region=entry.source_region,
        destination_region=entry.destination_region,
        tier=entry.tier,
        db_instance_arn=entry.db_instance_arn,
        db_instance_identifier=entry.db_instance_identifier,
        dbi_resource_id=entry.dbi_resource_id,
        target_db_instance_identifier=entry.target_db_instance_identifier,
        state=_state_of(found),
        db_instance_automated_backups_arn=backup.db_instance_automated_backups_arn,
        backup_status=backup.status and backup.status.lower(),
        earliest_time=window.earliest_time,
        latest_time=window.latest_time,
        reasons=tuple(found),
    )


def _place_of_record(record: ReadinessRecord) -> tuple[str, str, str, str]:
    # A new instance with the name of one that is gone has the same ARN.
    instance = record.db_instance_arn, record.dbi_resource_id
    return record.account_id, record.source_region, *instance


def _order(reason: ReadinessReason) -> tuple[bool, bool, str, str]:
    is_unanswered = reason.code == "could_not_be_checked"
    return reason.is_warning, is_unanswered, reason.code, reason.message


def _state_of(reasons: Iterable[ReadinessReason]) -> RestoreState:
    codes = {reason.code for reason in reasons if not reason.is_warning}
    if codes - {"could_not_be_checked"}:
        return "not_restorable"
    return "unknown" if codes else "restorable"
