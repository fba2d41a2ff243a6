"""Looking at a part of a fleet: an account's instances, and what their destination keeps of them.

A part, called a shard, is one account and one destination Region, so that a Region's quota is
counted in one place, and each backup is listed once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from .._models import (
    BackupStatus,
    CheckReason,
    DBInstance,
    DBInstanceAutomatedBackup,
    StartDBInstanceAutomatedBackupsReplicationRequest,
)
from .._workflows._ensure_old import differences_of
from .._workflows.check import (
    could_not_be_checked,
    instance_reasons,
    pair_not_supported,
    retained_with_another_key,
)
from .._workflows.lookup import best_of, is_live
from ..exceptions import Difference
from ._destination import ACCOUNT_ERRORS, Access, Place, PlaceView
from ._policy import Policy, Rule

StartRequest = StartDBInstanceAutomatedBackupsReplicationRequest


@dataclass(frozen=True)
class Shard(Place):
    """One account and one destination, to be looked at wherever it is sent."""

    policy: Policy

    @property
    def source_regions(self) -> list[str]:
        """Where the instances are that are replicated to this destination."""
        regions = {
            region
            for rule in self.policy.rules
            if rule.destination_region == self.destination_region
            for region in rule.source_regions
        }
        return sorted(regions)

    def is_first_for(self, source_region: str) -> bool:
        """Whether it is this shard that tells of the Region's instances without a rule."""
        return self.destination_region == min(
            rule.destination_region
            for rule in self.policy.rules
            if source_region in rule.source_regions
        )


def shards_of(policy: Policy, access: Access, run_id: str) -> list[Shard]:
    """A policy's shards, in order of account and destination."""
    destinations = sorted({rule.destination_region for rule in policy.rules})
    return [
        Shard(account, destination, access, run_id, policy)
        for account in sorted(policy.accounts, key=lambda account: account.id)
        for destination in destinations
    ]


class InstanceView(NamedTuple):
    """One instance, the rule about it, and what the destination keeps of it."""

    source_region: str
    instance: DBInstance | None
    """``None``: the Region's instances could not be listed, and the reason says why."""
    rule: Rule | None
    backup: DBInstanceAutomatedBackup | None
    """The live backup, or else the newest retained one."""
    unknown: CheckReason | None
    """Why it is not known what there is."""
    destination_region: str | None
    """Where it is to be replicated to, if a rule says so."""

    def order(self) -> tuple[str, str]:
        """What sightings are ordered by."""
        return self.source_region, (self.instance and self.instance.db_instance_arn) or ""

    @property
    def live_backup(self) -> DBInstanceAutomatedBackup | None:
        return self.backup if self.backup is not None and is_live(self.backup) else None


class ShardScan(PlaceView):
    """A shard, as it is found."""

    def __init__(self, shard: Shard) -> None:
        super().__init__(shard)
        self.shard = shard
        self._differences: dict[tuple[str, str | None], list[Difference]] = {}

    def sightings(self) -> Iterator[InstanceView]:
        """All instances that the shard tells of."""
        unknown = self._list_backups()
        for source_region in self.shard.source_regions:
            try:
                for instance in self.instances(source_region):
                    seen = self._sighting(source_region, instance, unknown)
                    if seen is not None:
                        yield seen
            except ACCOUNT_ERRORS as error:  # noqa: PERF203  # the other Regions go on
                reason = could_not_be_checked(f"there are instances in {source_region}", error)
                yield InstanceView(source_region, None, None, None, reason, None)

    def _list_backups(self) -> CheckReason | None:
        try:
            self.list_backups()
        except ACCOUNT_ERRORS as error:
            return could_not_be_checked(
                f"{self.shard.destination_region} keeps backups of it", error
            )
        return None

    def _sighting(
        self, source_region: str, instance: DBInstance, unknown: CheckReason | None
    ) -> InstanceView | None:
        shard = self.shard
        rule = shard.policy.rule_for(shard.account.id, source_region, instance)
        if rule is None:
            if not shard.is_first_for(source_region):
                return None
            return InstanceView(source_region, instance, None, None, None, None)
        if rule.destination_region != shard.destination_region:
            return None
        backup = best_of(self.backups_of(instance))
        return InstanceView(source_region, instance, rule, backup, unknown, rule.destination_region)

    def obstacles(self, sighting: InstanceView) -> tuple[CheckReason, ...]:
        """Why a start would be refused, apart from the quota."""
        instance, rule = sighting.instance, sighting.rule
        if instance is None or rule is None:
            return ()
        kms_key_id = self.wanted_key(instance, rule)
        reasons: list[CheckReason] = []
        region_name = self.shard.destination_region
        try:
            if sighting.source_region not in self._supported_sources:
                reasons.append(pair_not_supported(region_name, sighting.source_region))
        except ACCOUNT_ERRORS as error:
            question = f"{region_name} takes backups from {sighting.source_region}"
            reasons.append(could_not_be_checked(question, error))
        reasons += instance_reasons(instance, region_name, kms_key_id)
        backup = sighting.backup
        if backup is not None and kms_key_id is not None and backup.kms_key_id is not None:
            differences = self._key_differences(kms_key_id, backup)
            if differences and differences[0].uncertainty is None:
                reasons.append(retained_with_another_key(backup))
        return tuple(reasons)

    def wanted_key(self, instance: DBInstance, rule: Rule) -> str | None:
        """The key to replicate an instance with: none, if it is not encrypted."""
        return self.shard.policy.key_for(rule) if instance.storage_encrypted else None

    def drift(self, sighting: InstanceView) -> list[Difference]:
        """How a live replication differs from what the rule wants."""
        instance, rule, backup = sighting.instance, sighting.rule, sighting.live_backup
        if instance is None or rule is None or backup is None:
            return []
        retention = StartRequest.model_construct(
            source_db_instance_arn=instance.db_instance_arn or "",
            backup_retention_period=rule.backup_retention_period,
        )
        kms_key_id = self.wanted_key(instance, rule)
        return [
            *differences_of(self.context, retention, backup),
            *(self._key_differences(kms_key_id, backup) if kms_key_id else ()),
        ]

    def has_copies(self, instance: DBInstance) -> bool:
        """Whether there are backups of it under a key already."""
        return any(b.status != BackupStatus.PENDING for b in self.backups_of(instance))

    def _key_differences(
        self, kms_key_id: str, backup: DBInstanceAutomatedBackup
    ) -> list[Difference]:
        """Looked up once for each pair: a shard has few keys, and many backups."""
        pair = kms_key_id, backup.kms_key_id
        if pair not in self._differences:
            request = StartRequest.model_construct(source_db_instance_arn="", kms_key_id=kms_key_id)
            self._differences[pair] = differences_of(self.context, request, backup)
        return self._differences[pair]

    @cached_property
    def _supported_sources(self) -> set[str | None]:
        return {
            row.region_name
            for row in self.context.api.describe_source_regions()
            if row.supports_db_instance_automated_backups_replication
        }


def quota_reason(shard: Shard) -> CheckReason:
    quota = shard.policy.replication_quota
    return CheckReason(
        code="over_quota",
        message=(
            f"{quota} backups can be replicated to {shard.destination_region}, and are, or will be."
        ),
        remedy=(
            "Have the quota raised and say so as replication_quota, choose another destination, "
            "or stop replications that nobody needs, and plan again when they have ended."
        ),
    )
