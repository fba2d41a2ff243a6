"""The scan of one shard: an account's instances, and their backups in one destination.

A fleet is divided into shards, one per account and destination Region. Each shard lists its
destination's backups once and counts one quota.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from .._context import Context
from .._models import CheckReason, DBInstanceAutomatedBackup, SourceInstance, StartRequest
from .._operations import DESCRIBE_SOURCE_REGIONS
from .._workflows.drift import find_drift
from .._workflows.kms import compare_keys
from .._workflows.lookup import select_backup
from .._workflows.reasons import (
    could_not_be_checked,
    instance_reasons,
    region_pair_not_supported,
    retained_with_another_key,
)
from ..exceptions import Difference
from ._credentials import Access
from ._destination import ACCOUNT_ERRORS, AccountDestination, DestinationReader
from ._policy import Policy, Rule
from ._records import FleetReason


@dataclass(frozen=True)
class Shard(AccountDestination):
    """One account, one destination Region, and the policy: all that a worker needs."""

    policy: Policy

    @property
    def source_regions(self) -> list[str]:
        """Return the Regions that any rule replicates to this destination, sorted."""
        regions = {
            region
            for rule in self.policy.rules
            if rule.destination_region == self.destination_region
            for region in rule.source_regions
        }
        return sorted(regions)

    def reports_unmatched(self, source_region: str) -> bool:
        """Return whether this shard reports the source Region's unmatched instances.

        Several shards may list a source Region; only the first one reports these instances.
        """
        return self.destination_region == min(
            rule.destination_region
            for rule in self.policy.rules
            if source_region in rule.source_regions
        )


def create_shards(policy: Policy, access: Access, run_id: str) -> list[Shard]:
    """Return a policy's shards, ordered by account and destination."""
    destinations = sorted({rule.destination_region for rule in policy.rules})
    return [
        Shard(account, destination, access, run_id, policy)
        for account in sorted(policy.accounts, key=lambda account: account.id)
        for destination in destinations
    ]


class InstanceView(NamedTuple):
    """One instance, the rule that matches it, and its backup in the destination."""

    source_region: str
    instance: SourceInstance | None
    """``None`` if listing the Region's instances failed; ``unknown`` has the reason."""
    rule: Rule | None
    backup: DBInstanceAutomatedBackup | None
    """The active backup, or else the newest retained backup."""
    unknown: FleetReason | None
    """Why the instance or its backup could not be determined."""
    destination_region: str | None
    """The rule's destination; ``None`` if no rule matches."""

    def sort_key(self) -> tuple[str, str]:
        """Return the source Region and the ARN."""
        return self.source_region, (self.instance and self.instance.db_instance_arn) or ""

    @property
    def active_backup(self) -> DBInstanceAutomatedBackup | None:
        """Return the backup if it is active."""
        return self.backup if self.backup is not None and self.backup.is_active else None


class ShardScan(DestinationReader):
    """The instances of a shard, compared with the policy."""

    def __init__(self, shard: Shard) -> None:
        super().__init__(shard)
        self.shard = shard
        self._key_differences: dict[tuple[str, str | None], Difference | None] = {}

    def iter_views(self) -> Iterator[InstanceView]:
        """Yield a view of each instance that this shard reports."""
        unknown = self._list_backups()
        for source_region in self.shard.source_regions:
            try:
                for instance in self.iter_instances(source_region):
                    view = self._view(source_region, instance, unknown)
                    if view is not None:
                        yield view
            except ACCOUNT_ERRORS as error:  # noqa: PERF203  # other Regions may still work
                reason = could_not_be_checked(
                    f"whether {source_region} has instances", error, source_region
                )
                yield InstanceView(source_region, None, None, None, FleetReason.of(reason), None)

    def _list_backups(self) -> FleetReason | None:
        """List the backups; return the reason if that fails."""
        try:
            self.list_backups()
        except ACCOUNT_ERRORS as error:
            question = f"whether {self.shard.destination_region} has backups of the instance"
            reason = could_not_be_checked(question, error, self.shard.destination_region)
            return FleetReason.of(reason)
        return None

    def _view(
        self, source_region: str, instance: SourceInstance, unknown: FleetReason | None
    ) -> InstanceView | None:
        """Return a view of the instance, or ``None`` if another shard reports the instance."""
        shard = self.shard
        rule = shard.policy.rule_for(shard.account.id, source_region, instance)
        if rule is None:
            if not shard.reports_unmatched(source_region):
                return None
            return InstanceView(source_region, instance, None, None, None, None)
        if rule.destination_region != shard.destination_region:
            return None
        backup = select_backup(self.backups_of(instance))
        return InstanceView(source_region, instance, rule, backup, unknown, rule.destination_region)

    def find_blockers(self, view: InstanceView) -> tuple[FleetReason, ...]:
        """Return why RDS would refuse a start, apart from the quota."""
        instance, rule = view.instance, view.rule
        if instance is None or rule is None:
            return ()
        kms_key_id = self.required_key(instance, rule)
        reasons: list[CheckReason] = []
        region_name = self.shard.destination_region
        try:
            if view.source_region not in self._supported_sources:
                reasons.append(region_pair_not_supported(region_name, view.source_region))
        except ACCOUNT_ERRORS as error:
            question = f"whether {region_name} accepts backups from {view.source_region}"
            reasons.append(could_not_be_checked(question, error, region_name))
        reasons += instance_reasons(instance, region_name, kms_key_id)
        backup = view.backup
        if backup is not None and kms_key_id is not None and backup.kms_key_id is not None:
            difference = self._compare_keys(self.context, kms_key_id, backup.kms_key_id)
            if difference and not difference.uncertainty:
                reasons.append(retained_with_another_key(backup))
        return tuple(map(FleetReason.of, reasons))

    def required_key(self, instance: SourceInstance, rule: Rule) -> str | None:
        """Return the KMS key for an instance; ``None`` if the instance is not encrypted."""
        return self.shard.policy.key_for(rule) if instance.storage_encrypted else None

    def find_drift(self, view: InstanceView) -> list[Difference]:
        """Return the rule's settings that the active backup does not have."""
        instance, rule, backup = view.instance, view.rule, view.active_backup
        if instance is None or rule is None or backup is None:
            return []
        request = StartRequest.model_construct(
            source_db_instance_arn=instance.db_instance_arn or "",
            backup_retention_period=rule.backup_retention_period,
            kms_key_id=self.required_key(instance, rule),
        )
        return find_drift(self.context, request, backup, self._compare_keys)

    def _compare_keys(
        self, context: Context, requested: str, actual: str | None
    ) -> Difference | None:
        """Compare each pair of keys once: a shard has many backups but few keys."""
        pair = requested, actual
        if pair not in self._key_differences:
            self._key_differences[pair] = compare_keys(context, requested, actual)
        return self._key_differences[pair]

    @cached_property
    def _supported_sources(self) -> set[str | None]:
        return {
            row.region_name
            for row in DESCRIBE_SOURCE_REGIONS.list(self.context)
            if row.supports_db_instance_automated_backups_replication
        }


def quota_reason(shard: Shard) -> FleetReason:
    """Return the reason for an instance beyond the destination's quota."""
    quota = shard.policy.replication_quota
    return FleetReason(
        code="over_quota",
        message=(
            f"The quota of {quota} replicated backups in {shard.destination_region} has no room "
            "for this instance."
        ),
        remedy=(
            "Have AWS raise the quota and set replication_quota in the policy, choose another "
            "destination, or stop replications that nobody needs and plan again after they end."
        ),
    )
