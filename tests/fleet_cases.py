"""Instances of a fleet, for its tests."""

from .fleets import ACCOUNTS, REGIONS, Fleet


def add_instances(fleet: Fleet, count: int = 3) -> list[str]:
    """Add instances to two Regions of each account; return their ARNs."""
    return [
        fleet.add(account, region, f"db-{number}")
        for account in ACCOUNTS
        for region in REGIONS[:2]
        for number in range(count)
    ]
