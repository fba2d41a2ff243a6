"""The capture of a recovery book, while the source Regions are there."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, timezone
from itertools import chain
from typing import Literal, TypeVar
from uuid import uuid4

from ..fleet._accounts import Account
from ..fleet._credentials import Access
from ..fleet._destination import ACCOUNT_ERRORS, AccountDestination
from ..fleet._organization import resolve_accounts
from ..fleet._parallel import OnProgress, map_in_order
from ..fleet._policy import Policy
from ..fleet._scan_guard import ScanGuard
from ._account_scan import AccountReader, AccountScan
from ._book import (
    BookEntry,
    CapturedOptionGroup,
    CapturedParameterGroup,
    CaptureProblem,
    RecoveryBook,
)
from ._captured_groups import capture_problem
from ._settings import InstanceSettings
from ._targets import own_groups

_LONGEST_RETENTION = timedelta(days=35)

GroupT = TypeVar("GroupT", CapturedParameterGroup, CapturedOptionGroup)
_GroupKey = tuple[str, str, str]


def capture(
    policy: Policy,
    *,
    access: Access | None = None,
    previous: RecoveryBook | None = None,
    on_progress: OnProgress | None = None,
) -> RecoveryBook:
    """Capture what restores of a fleet need and RDS does not keep in a backup.

    The book has the instances to which a rule with ``replicate: always`` applies. An error in one
    account or Region becomes one of the book's ``problems``. The previous book's entries of such an
    account or Region are kept as they are, with the time when they were captured. Entries of
    instances that are gone are kept for 35 days, the longest time that RDS keeps a backup.

    Args:
        policy: The policy, whose ``recovery`` blocks say what a source becomes in its destination.
        access: The credentials and the endpoint to use.
        previous: The latest book, so that nothing is lost that cannot be read now.
        on_progress: Called with the number of finished accounts and their total.

    Returns:
        The book.

    Raises:
        botocore.exceptions.BotoCoreError: The accounts of the organization could not be listed,
            the policy lists none itself, and there is no previous book.
        botocore.exceptions.ClientError: The same, with an error from AWS Organizations.
    """
    captured_at = datetime.now(timezone.utc).replace(microsecond=0)
    guard, access, run_id = ScanGuard(), access or Access(), uuid4().hex
    home = policy.rules[0].destination_region
    problems: list[CaptureProblem] = []
    accounts: list[Account] = []
    try:
        policy, findings = resolve_accounts(policy, access, run_id, guard)
    except ACCOUNT_ERRORS as error:
        if previous is None:
            raise
        question = "which accounts the organization has"
        problems.append(capture_problem(question, error, home))
    else:
        problems += [CaptureProblem(message=f.message, remedy=f.remedy) for f in findings]
        accounts = sorted(policy.accounts, key=lambda account: account.id)

    def read(account: Account) -> AccountScan:
        destination = AccountDestination(account, home, access, run_id, guard=guard)
        return AccountReader(destination, policy, captured_at).read()

    scans = list(map_in_order(read, accounts, None, on_progress=on_progress, max_pending=None))
    return build_book(
        captured_at,
        scans,
        problems,
        previous or RecoveryBook(captured_at=captured_at, instances=()),
    )


def build_book(
    captured_at: datetime,
    scans: list[AccountScan],
    problems: list[CaptureProblem],
    previous: RecoveryBook,
) -> RecoveryBook:
    """Return the book of a capture.

    Args:
        captured_at: Time of the capture.
        scans: The accounts, as far as they are known.
        problems: Why not all accounts are known, if so.
        previous: The latest book.
    """
    by_account = {scan.account.id: scan for scan in scans}
    entries = [entry for scan in scans for entry in scan.entries]
    problems = [*problems, *_find_emptied(scans, previous)]
    for entry in previous.instances:
        scan = by_account.get(entry.account_id)
        fate = _fate_of(entry, scan) if scan else "unknown" if problems else "not_wanted"
        if fate == "unknown":
            entries.append(entry)
        elif fate == "gone" and captured_at - entry.captured_at <= _LONGEST_RETENTION:
            entries.append(entry.model_copy(update={"is_gone": True}))
    return RecoveryBook(
        captured_at=captured_at,
        instances=tuple(sorted(entries, key=BookEntry.sort_key)),
        parameter_groups=_choose_groups(
            _keys_of(entries, lambda source: source.db_parameter_group_name),
            [group for scan in scans for group in scan.parameter_groups],
            previous.parameter_groups,
            lambda group: group.parameters is not None,
        ),
        option_groups=_choose_groups(
            _keys_of(entries, lambda source: source.option_group_name),
            [group for scan in scans for group in scan.option_groups],
            previous.option_groups,
            lambda group: group.options is not None,
        ),
        problems=(*problems, *(problem for scan in scans for problem in scan.problems)),
    )


def _find_emptied(scans: Iterable[AccountScan], previous: RecoveryBook) -> Iterator[CaptureProblem]:
    """Yield the Regions that list no instances although the previous book has some."""
    had = {(e.account_id, e.source_region) for e in previous.instances if not e.is_gone}
    for scan in scans:
        for region in sorted(region for region, found in scan.listed.items() if not found):
            if (scan.account.id, region) in had:
                yield CaptureProblem(
                    account_id=scan.account.id,
                    source_region=region,
                    message=(
                        f"RDS lists no instances of account {scan.account.id} in {region}, and "
                        "the previous book has some. Their entries are kept."
                    ),
                    remedy=(
                        "Check whether somebody has deleted them all. If that was meant, capture "
                        "into a new book."
                    ),
                )


def _fate_of(entry: BookEntry, scan: AccountScan) -> Literal["unknown", "gone", "not_wanted"]:
    """Return what has become of an entry of the previous book, if no new entry replaces it."""
    region = entry.source_region
    if scan.has_failed or region in scan.failed_regions:
        return "unknown"
    if not scan.covers(region):
        return "not_wanted"
    if not scan.listed.get(region, {region}) and not entry.is_gone:
        return "unknown"  # an empty response for a Region that had instances proves nothing
    if region not in scan.listed:  # a Region that the account has disabled since
        return "unknown" if scan.has_unknown_regions else "gone"
    if entry.dbi_resource_id.lower() in scan.listed[region]:  # captured again, or not matched
        return "not_wanted"
    names = {entry.db_instance_arn, entry.db_instance_identifier}
    return "unknown" if names & scan.unclear else "gone"


def _keys_of(
    entries: Iterable[BookEntry], name_of: Callable[[InstanceSettings], str | None]
) -> list[_GroupKey]:
    """Return the groups that entries use, sorted."""
    return sorted(
        {
            (entry.account_id, entry.source_region, name)
            for entry in entries
            for name in own_groups([name_of(entry.source)])
        }
    )


def _choose_groups(
    keys: Iterable[_GroupKey],
    found: list[GroupT],
    earlier: Iterable[GroupT],
    is_read: Callable[[GroupT], bool],
) -> tuple[GroupT, ...]:
    """Return the groups; those that could not be read now are as the previous book has them."""
    groups: dict[_GroupKey, GroupT] = {}
    for group in chain(found, earlier, filter(is_read, found)):  # the last one counts
        groups[group.account_id, group.source_region, group.name] = group
    return tuple(groups[key] for key in keys if key in groups)
