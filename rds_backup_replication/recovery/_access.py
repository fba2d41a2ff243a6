"""The accounts and destination Regions of a book, each with the means to call it."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from ..exceptions import RecoveryRefusedError
from ..fleet._accounts import Account
from ..fleet._credentials import Access
from ..fleet._destination import AccountDestination
from ..fleet._organization import account_for
from ..fleet._policy import Policy
from ..fleet._scan_guard import ScanGuard
from ._book import BookEntry, RecoveryBook

Place = tuple[str, str]
"""An account and a destination Region."""


def place_of(entry: BookEntry) -> Place:
    """Return the account and the destination Region of an entry."""
    return entry.account_id, entry.destination_region


def select_entries(book: RecoveryBook, only: Iterable[str]) -> tuple[BookEntry, ...]:
    """Return the entries of a book that some patterns name; without patterns, all that are there.

    Args:
        book: The book.
        only: Identifiers or ARNs of instances, in which ``*`` and ``?`` are wildcards. An
            instance that is gone must be named in full, and no other may have its ARN.

    Raises:
        RecoveryRefusedError: A pattern names no instance of the book.
    """
    patterns = tuple(only)
    if not patterns:
        return tuple(entry for entry in book.instances if not entry.is_gone)
    chosen = {pattern: _find_named(book, pattern) for pattern in patterns}
    if unknown := [pattern for pattern, entries in chosen.items() if not entries]:
        raise RecoveryRefusedError([f"The book has no instance {each!r}." for each in unknown])
    named = {entry.sort_key() for entries in chosen.values() for entry in entries}
    return tuple(entry for entry in book.instances if entry.sort_key() in named)


def _find_named(book: RecoveryBook, pattern: str) -> list[BookEntry]:
    named = [entry for entry in book.instances if _is_named(entry, pattern)]
    present = [entry for entry in named if not entry.is_gone]
    arns = {entry.db_instance_arn for entry in present}
    gone = [entry for entry in named if entry.is_gone and entry.db_instance_arn not in arns]
    # A wildcard must not bring back what somebody has deleted.
    return present if "*" in pattern or "?" in pattern else present + gone


def _is_named(entry: BookEntry, pattern: str) -> bool:
    names = entry.db_instance_identifier, entry.db_instance_arn
    return any(fnmatchcase(name.lower(), pattern.lower()) for name in names)


def find_destinations(
    places: Iterable[Place],
    policy: Policy | None,
    access: Access,
    run_id: str,
    guard: ScanGuard | None = None,
) -> dict[Place, AccountDestination]:
    """Return some accounts and destination Regions, with the means to call them.

    Args:
        places: The accounts and Regions.
        policy: The policy, which has the accounts' roles; ``None`` if there is one account, in
            which the current credentials act.
        access: The credentials and the endpoint to use.
        run_id: Identifies the check, recovery or drill.
        guard: Watches the calls of a check; ``None`` for what changes something.

    Raises:
        RecoveryRefusedError: The role of an account is not known.
    """
    ordered = sorted(set(places))
    account_ids = sorted({account_id for account_id, _ in ordered})
    accounts: dict[str, Account | None] = {}
    if policy is None:
        if len(account_ids) > 1:
            raise RecoveryRefusedError(
                [
                    (
                        f"The book has {len(account_ids)} accounts. Pass its policy, policy=, "
                        "which has their roles."
                    )
                ]
            )
        accounts = {account_id: Account(id=account_id) for account_id in account_ids}
    else:
        accounts = {account_id: account_for(policy, account_id) for account_id in account_ids}
    found = {account_id: account for account_id, account in accounts.items() if account}
    if missing := [account_id for account_id in account_ids if account_id not in found]:
        raise RecoveryRefusedError(
            [f"Account {account_id} of the book is not in the policy." for account_id in missing]
        )
    return {
        (account_id, region): AccountDestination(
            found[account_id], region, access, run_id, guard=guard
        )
        for account_id, region in ordered
    }
