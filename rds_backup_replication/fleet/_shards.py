"""The division of a fleet into shards, one per account and destination Region.

Each shard lists its destination's backups once and counts one quota.
"""

from dataclasses import dataclass

from ._credentials import Access
from ._destination import AccountDestination
from ._policy import Policy
from ._scan_guard import ScanGuard


@dataclass(frozen=True)
class Shard(AccountDestination):
    """One account, one destination Region, and the policy: all that a worker needs."""

    policy: Policy

    def source_regions(self, enabled: list[str]) -> list[str]:
        """Return the Regions that any rule replicates to this destination, sorted.

        Args:
            enabled: The Regions that the account has enabled.
        """
        regions: set[str] = set()
        for rule in self.policy.rules:
            if rule.destination_region == self.destination_region:
                regions.update(enabled if rule.source_regions == "enabled" else rule.source_regions)
        return sorted(regions - {self.destination_region})

    @property
    def needs_enabled_regions(self) -> bool:
        """Return whether a rule of this destination is about all enabled Regions."""
        return any(
            rule.source_regions == "enabled" and rule.destination_region == self.destination_region
            for rule in self.policy.rules
        )

    def reports_unmatched(self, source_region: str) -> bool:
        """Return whether this shard reports the source Region's unmatched instances.

        Several shards may list a source Region; only the first one reports these instances.
        """
        return self.destination_region == min(
            rule.destination_region
            for rule in self.policy.rules
            if rule.covers_region(source_region)
        )


def create_shards(policy: Policy, access: Access, run_id: str, guard: ScanGuard) -> list[Shard]:
    """Return a policy's shards, ordered by account and destination."""
    destinations = sorted({rule.destination_region for rule in policy.rules})
    return [
        Shard(account, destination, access, run_id, policy, guard=guard)
        for account in sorted(policy.accounts, key=lambda account: account.id)
        for destination in destinations
    ]
