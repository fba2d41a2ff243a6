"""The scan of one shard: an account's instances, and their backups in one destination."""

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from .._arn import parse_arn
from .._context import Context
from .._models import (
    CheckReason,
    DBInstanceAutomatedBackup,
    DescribeDBInstanceAutomatedBackupsRequest,
    SourceInstance,
    StartRequest,
)
from .._operations import DESCRIBE, DESCRIBE_SOURCE_REGIONS
from .._workflows.drift import find_drift
from .._workflows.kms import compare_keys, describe_key
from .._workflows.lookup import is_same_id, select_backup
from .._workflows.reasons import (
    backup_of_former_instance,
    could_not_be_checked,
    instance_reasons,
    is_only_busy,
    key_not_described,
    key_reasons,
    region_pair_not_supported,
    retained_with_another_key,
    risk_reasons,
)
from ..exceptions import Difference
from ._destination import ACCOUNT_ERRORS, DestinationReader
from ._organization import list_enabled_regions
from ._policy import Rule
from ._records import Finding, FleetReason
from ._shards import Shard


class InstanceView(NamedTuple):
    """One instance, the rule that matches it, and its backup in the destination.

    A view without an instance stands for a source Region that could not be listed, or for a backup
    of such a Region.
    """

    source_region: str
    instance: SourceInstance | None = None
    rule: Rule | None = None
    backup: DBInstanceAutomatedBackup | None = None
    """The active backup, or else the newest retained backup."""
    unknown: FleetReason | None = None
    """Why the instance or its backup could not be determined."""
    destination_region: str | None = None
    """The rule's destination; ``None`` if no rule matches."""
    former: DBInstanceAutomatedBackup | None = None
    """The active backup of another instance that had the name before."""

    @property
    def arn(self) -> str | None:
        """Return the instance's ARN, which may be known from its backup alone."""
        described = self.instance or self.backup
        return described.db_instance_arn if described else None

    def sort_key(self) -> tuple[str, str]:
        """Return the source Region and the ARN."""
        return self.source_region, self.arn or ""

    @property
    def active_backup(self) -> DBInstanceAutomatedBackup | None:
        """Return the backup if it is active."""
        return self.backup if self.backup is not None and self.backup.is_active else None

    @property
    def replications_elsewhere(self) -> list[str]:
        """Return the ARNs of the backups that the instance replicates to other Regions."""
        replications = self.instance and self.instance.db_instance_automated_backups_replications
        arns = (each.db_instance_automated_backups_arn or "" for each in replications or ())
        return [arn for arn in arns if region_of(arn) not in ("", self.destination_region)]


def region_of(arn: str) -> str:
    """Return an ARN's Region, or an empty string if it is no ARN."""
    parsed = parse_arn(arn)
    return parsed.region if parsed else ""


class ShardScan(DestinationReader):
    """The instances of a shard, compared with the policy."""

    def __init__(self, shard: Shard) -> None:
        super().__init__(shard)
        self.shard = shard
        self.matches: Counter[str] = Counter()
        """The number of instances that each rule applies to."""
        self.taken: Counter[tuple[str, str]] = Counter()
        """The number of instances that a rule matches and an earlier rule applies to."""
        self.problems: list[CheckReason] = []
        """Questions about the whole shard that AWS did not answer."""
        self.is_listed = False
        """Whether the destination's backups are known."""
        self.failed_regions: set[str] = set()
        """Source Regions that could not be listed."""
        self.rules_by_id: dict[str, Rule | None] = {}
        """The rule of each instance that has a backup here, by the resource ID in lower case."""
        self._key_differences: dict[tuple[str, str | None], Difference | None] = {}
        self._key_reasons: dict[tuple[str, str], list[CheckReason]] = {}

    @cached_property
    def source_regions(self) -> list[str]:
        """Return the source Regions of this shard."""
        enabled: list[str] = []
        if self.shard.needs_enabled_regions:
            try:
                enabled = list_enabled_regions(self.context)
            except ACCOUNT_ERRORS as error:
                question = f"which Regions account {self.shard.account.id} has enabled"
                region_name = self.shard.destination_region
                self.problems.append(could_not_be_checked(question, error, region_name))
        return self.shard.source_regions(enabled)

    def iter_views(self) -> Iterator[InstanceView]:
        """Yield a view of each instance that this shard reports."""
        unknown = self._list_backups()
        has_instances = False
        for source_region in self.source_regions:
            shown: set[str | None] = set()
            try:
                for instance in self.iter_instances(source_region):
                    has_instances = True
                    shown.add(instance.dbi_resource_id)
                    view = self._view(source_region, instance, unknown)
                    if view is not None:
                        yield view
            except ACCOUNT_ERRORS as error:
                self.failed_regions.add(source_region)
                question = f"whether {source_region} has instances"
                reason = could_not_be_checked(question, error, source_region)
                failure = InstanceView(source_region, unknown=FleetReason.of(reason))
                yield failure
                yield from self._survivors(failure, shown)
        if not (has_instances or self.listed or self.failed_regions):
            yield from self._check_empty_account()

    def _check_empty_account(self) -> Iterator[InstanceView]:
        """Yield why it is not known that an account is empty: the credentials may be another's.

        Instances show their account by their ARNs, and roles by their own.
        """
        if self.shard.account.role_arn is not None:
            return
        region_name = self.shard.destination_region
        try:
            self.check_caller()
        except ACCOUNT_ERRORS as error:
            self.failed_regions.update(self.source_regions)
            for source_region in self.source_regions:
                question = f"whether {source_region} has instances"
                reason = could_not_be_checked(question, error, region_name)
                yield InstanceView(source_region, unknown=FleetReason.of(reason))

    def _list_backups(self) -> FleetReason | None:
        """List the backups; return the reason if that fails."""
        try:
            self.list_backups()
        except ACCOUNT_ERRORS as error:
            question = f"whether {self.shard.destination_region} has backups of the instance"
            reason = could_not_be_checked(question, error, self.shard.destination_region)
            return FleetReason.of(reason)
        self.is_listed = True
        return None

    def _survivors(self, failure: InstanceView, shown: set[str | None]) -> Iterator[InstanceView]:
        """Yield what the destination keeps of a Region that could not be listed."""
        by_instance: dict[str, list[DBInstanceAutomatedBackup]] = {}
        for backup in self.listed:
            if backup.region == failure.source_region and backup.dbi_resource_id not in shown:
                key = backup.dbi_resource_id or backup.db_instance_arn or ""
                by_instance.setdefault(key, []).append(backup)
        for backups in by_instance.values():
            yield failure._replace(
                backup=select_backup(backups), destination_region=self.shard.destination_region
            )

    def _view(
        self, source_region: str, instance: SourceInstance, unknown: FleetReason | None
    ) -> InstanceView | None:
        """Return a view of the instance, or ``None`` if another shard reports the instance."""
        shard = self.shard
        rules = list(shard.policy.matching_rules(shard.account.id, source_region, instance))
        rule = rules[0] if rules else None
        for later in rules[1:]:
            if later.destination_region == shard.destination_region:
                self.taken[later.name, rules[0].name] += 1
        backups = self.backups_of(instance)
        if backups:
            self.rules_by_id[(instance.dbi_resource_id or "").lower()] = rule
        if rule is None:
            if not shard.reports_unmatched(source_region):
                return None
            return InstanceView(source_region, instance)
        if rule.destination_region != shard.destination_region:
            return None
        self.matches[rule.name] += 1
        former = self.former_backup(instance)
        backup = select_backup(backups)
        destination = rule.destination_region
        return InstanceView(source_region, instance, rule, backup, unknown, destination, former)

    def findings(self) -> list[Finding]:
        """Return the questions about the whole shard that AWS did not answer."""
        return [
            Finding(
                code="could_not_be_checked",
                account_id=self.shard.account.id,
                message=reason.message,
                remedy=reason.remedy,
            )
            for reason in self.problems
        ]

    def find_blockers(
        self, view: InstanceView, *, for_replacement: bool = False
    ) -> tuple[FleetReason, ...]:
        """Return why RDS would refuse a start, apart from the quota.

        A replacement waits while the instance is busy, so that is no blocker for it.
        """
        instance, rule = view.instance, view.rule
        if instance is None or rule is None:
            return ()
        kms_key_id = self.required_key(instance, rule)
        if view.active_backup is not None:  # its key stays, unless the rule has another
            kms_key_id = kms_key_id or view.active_backup.kms_key_id
        reasons: list[CheckReason] = []
        region_name = self.shard.destination_region
        try:
            if view.source_region not in self._supported_sources:
                reasons.append(region_pair_not_supported(region_name, view.source_region))
        except ACCOUNT_ERRORS as error:
            question = f"whether {region_name} accepts backups from {view.source_region}"
            reasons.append(could_not_be_checked(question, error, region_name))
        reasons += instance_reasons(instance, region_name, kms_key_id)
        if kms_key_id is not None:
            reasons += self._find_key_reasons(region_name, kms_key_id)
        # Whether the caller may ask about the source's key says nothing about RDS.
        reasons += [
            reason
            for reason in self._find_source_key_reasons(view.source_region, instance)
            if reason.code != "could_not_be_checked"
        ]
        backup = view.backup
        if backup is not None and not backup.is_active and kms_key_id and backup.kms_key_id:
            difference = self._compare_keys(self.context, kms_key_id, backup.kms_key_id)
            if difference and not difference.uncertainty:
                reasons.append(retained_with_another_key(backup))
        return tuple(
            FleetReason.of(reason)
            for reason in reasons
            if not (for_replacement and is_only_busy(reason))
        )

    def is_key_unchecked(self, view: InstanceView) -> bool:
        """Return whether KMS did not say if the active backup's key is enabled."""
        kms_key_id = view.active_backup.kms_key_id if view.active_backup else None
        return kms_key_id is not None and any(
            reason.code == "could_not_be_checked"
            for reason in self._find_key_reasons(self.shard.destination_region, kms_key_id)
        )

    def find_risks(self, view: InstanceView) -> tuple[FleetReason, ...]:
        """Return what will end the active replication, or prevent a restore."""
        instance, active = view.instance, view.active_backup
        if instance is None or active is None:
            return ()
        region_name = self.shard.destination_region
        reasons = list(risk_reasons(instance, region_name))
        if active.kms_key_id is not None:
            reasons += self._find_key_reasons(region_name, active.kms_key_id)
        reasons += self._find_source_key_reasons(view.source_region, instance)
        return tuple(map(FleetReason.of, reasons))

    def _find_source_key_reasons(
        self, source_region: str, instance: SourceInstance
    ) -> list[CheckReason]:
        """Return why RDS cannot use the key of an instance; none if it is not encrypted."""
        if instance.kms_key_id is None:
            return []
        reasons = self._find_key_reasons(source_region, instance.kms_key_id)
        arn = parse_arn(instance.kms_key_id)
        if arn is not None and arn.account_id == self.shard.account.id:
            return reasons
        # KMS may not find a key of another account for a caller that may not use it.
        return [reason for reason in reasons if reason.code != "kms_key_not_found"]

    def _find_key_reasons(self, region_name: str, kms_key_id: str) -> list[CheckReason]:
        """Return why RDS cannot use a key; ask KMS once for each key."""
        if (region_name, kms_key_id) not in self._key_reasons:
            try:
                metadata = describe_key(self.context, kms_key_id, region_name)
                reasons = list(key_reasons(kms_key_id, metadata))
            except Exception as error:  # noqa: BLE001  # a response that is not from KMS raises any
                question = f"whether the KMS key {kms_key_id} is enabled"
                reasons = [key_not_described(question, kms_key_id, error, region_name)]
            self._key_reasons[region_name, kms_key_id] = reasons
        return self._key_reasons[region_name, kms_key_id]

    def former_reasons(self, view: InstanceView) -> tuple[FleetReason, ...]:
        """Return the reason for an active backup of a former instance, if there is one."""
        if view.former is None or view.instance is None:
            return ()
        reason = backup_of_former_instance(view.former, view.instance.dbi_resource_id)
        return (FleetReason.of(reason),)

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
        differences = find_drift(self.context, request, backup, self._compare_keys)
        days = rule.backup_retention_period
        if days is not None and backup.backup_retention_period is None:
            uncertainty = "RDS returns no retention for the backup"
            differences.append(Difference("backup_retention_period", days, None, uncertainty))
        tags = {tag.key: tag.value or "" for tag in backup.tag_list or ()}
        differences += [
            Difference(f"tag {key}", value, tags.get(key))
            for key, value in rule.tags.items()
            if tags.get(key) != value
        ]
        return differences

    def _compare_keys(
        self, context: Context, requested: str, actual: str | None
    ) -> Difference | None:
        """Compare each pair of keys once: a shard has many backups but few keys."""
        pair = requested, actual
        if pair not in self._key_differences:
            self._key_differences[pair] = compare_keys(context, requested, actual)
        return self._key_differences[pair]

    def describe_elsewhere(self, backup_arn: str) -> DBInstanceAutomatedBackup | None:
        """Return a backup in another Region, or ``None`` if RDS does not know it."""
        request = DescribeDBInstanceAutomatedBackupsRequest(
            db_instance_automated_backups_arn=backup_arn
        )
        client = self.context.client_in(region_of(backup_arn))
        found = DESCRIBE.iterate(self.context, request, client)
        return next(
            (b for b in found if is_same_id(b.db_instance_automated_backups_arn, backup_arn)), None
        )

    @cached_property
    def _supported_sources(self) -> set[str | None]:
        return {
            row.region_name
            for row in DESCRIBE_SOURCE_REGIONS.list(self.context)
            if row.supports_db_instance_automated_backups_replication
        }
