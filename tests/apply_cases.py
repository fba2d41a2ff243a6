"""Instances of a fleet, for the tests of apply."""

from .fleets import ACCOUNTS, Fleet


def add_instances(fleet: Fleet, count: int, accounts: tuple[str, ...] = ACCOUNTS) -> list[str]:
    """Add instances to one Region of each account; return their ARNs."""
    return [fleet.add(a, "us-west-2", f"db-{n:02}") for a in accounts for n in range(count)]
