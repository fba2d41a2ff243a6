"""The instances of one account that a capture finds in the source Regions."""

from dataclasses import dataclass, field
from datetime import datetime

from .._models._instance import DBInstance
from ..fleet._accounts import Account
from ..fleet._destination import ACCOUNT_ERRORS, AccountDestination, DestinationReader
from ..fleet._organization import list_enabled_regions
from ..fleet._policy import Policy, Rule
from ._book import (
    BookEntry,
    CapturedOptionGroup,
    CapturedParameterGroup,
    CaptureProblem,
)
from ._captured_groups import GroupReader, capture_problem
from ._operations import DESCRIBE_INSTANCES
from ._settings import InstanceSettings, kind_of, read_settings
from ._targets import find_not_restored, own_groups, plan_target, policy_fields


@dataclass
class AccountScan:
    """What a capture has read of an account."""

    account: Account
    rules: tuple[Rule, ...]
    """The rules that replicate instances of the account."""
    entries: list[BookEntry] = field(default_factory=list[BookEntry])
    parameter_groups: list[CapturedParameterGroup] = field(
        default_factory=list[CapturedParameterGroup]
    )
    option_groups: list[CapturedOptionGroup] = field(default_factory=list[CapturedOptionGroup])
    problems: list[CaptureProblem] = field(default_factory=list[CaptureProblem])
    listed: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Resource IDs, in lower case, of all instances of each Region that could be listed."""
    unclear: set[str | None] = field(default_factory=set[str | None])
    """ARNs and identifiers of instances that RDS did not describe completely."""
    failed_regions: set[str] = field(default_factory=set[str])
    """Regions that could not be listed."""
    has_unknown_regions: bool = False
    """Whether it is not known which Regions the account has enabled."""
    has_failed: bool = False
    """Whether nothing of the account could be read."""

    def covers(self, source_region: str) -> bool:
        """Return whether a rule replicates instances of a Region."""
        return any(rule.covers_region(source_region) for rule in self.rules)


class AccountReader(DestinationReader):
    """A reader of the instances of an account, with all that a book keeps of them."""

    def __init__(
        self, destination: AccountDestination, policy: Policy, captured_at: datetime
    ) -> None:
        super().__init__(destination)
        self._policy = policy
        self._captured_at = captured_at
        self._scan = AccountScan(
            destination.account,
            tuple(
                rule
                for rule in policy.rules
                if rule.replicate == "always"
                and policy.names_account(rule.accounts, destination.account.id)
            ),
        )

    def read(self) -> AccountScan:
        """Read the account; what cannot be read becomes a problem."""
        scan, home = self._scan, self._destination.destination_region
        if not scan.rules:
            return scan
        try:
            self.check_caller()
        except ACCOUNT_ERRORS as error:
            scan.has_failed = True
            question = f"whether the credentials belong to account {scan.account.id}"
            scan.problems.append(capture_problem(question, error, home, scan.account.id))
            return scan
        for region in self._source_regions():
            try:
                instances = list(self._iter_instances(region, DESCRIBE_INSTANCES))
            except ACCOUNT_ERRORS as error:  # noqa: PERF203  # other Regions may still work
                scan.failed_regions.add(region)
                question = f"whether {region} has instances"
                problem = capture_problem(question, error, region, scan.account.id, region)
                scan.problems.append(problem)
            else:
                self._read_region(region, instances)
        return scan

    def _source_regions(self) -> list[str]:
        scan, home = self._scan, self._destination.destination_region
        regions: set[str] = set()
        for rule in scan.rules:
            if rule.source_regions != "enabled":
                regions.update(rule.source_regions)
        if any(rule.source_regions == "enabled" for rule in scan.rules):
            try:
                enabled = list_enabled_regions(self.context)
                regions.update(region for region in enabled if scan.covers(region))
            except ACCOUNT_ERRORS as error:
                scan.has_unknown_regions = True
                question = f"which Regions account {scan.account.id} has enabled"
                scan.problems.append(capture_problem(question, error, home, scan.account.id))
        return sorted(regions)

    def _read_region(self, region: str, instances: list[DBInstance]) -> None:
        scan = self._scan
        scan.listed[region] = {i.dbi_resource_id.lower() for i in instances if i.dbi_resource_id}
        found: list[tuple[DBInstance, Rule, InstanceSettings]] = []
        for instance in instances:
            rule = self._policy.rule_for(scan.account.id, region, instance)
            if rule is None or rule.replicate != "always":
                continue
            if kind_of(instance) == "drill":  # which has the source's tags for a while
                continue
            if missing := _find_missing(instance):
                scan.unclear |= {instance.db_instance_arn, instance.db_instance_identifier}
                scan.problems.append(_incomplete(scan.account.id, region, instance, missing))
                continue
            found.append((instance, rule, read_settings(instance)))
        reader = GroupReader(self.context, scan.account.id, region)
        sources = [source for _, _, source in found]
        parameter_groups = reader.read_parameter_groups(
            own_groups(source.db_parameter_group_name for source in sources)
        )
        option_groups = reader.read_option_groups(
            own_groups(source.option_group_name for source in sources)
        )
        scan.parameter_groups += parameter_groups
        scan.option_groups += option_groups
        scan.problems += reader.problems
        unread = {
            ("db_parameter_group_name", g.name) for g in parameter_groups if g.parameters is None
        } | {("option_group_name", g.name) for g in option_groups if g.options is None}
        scan.entries += [
            self._entry(region, instance, rule, source, unread) for instance, rule, source in found
        ]

    def _entry(
        self,
        region: str,
        instance: DBInstance,
        rule: Rule,
        source: InstanceSettings,
        unread: set[tuple[str, str]],
    ) -> BookEntry:
        identifier = instance.db_instance_identifier or ""
        plan = plan_target(identifier, source, rule.recovery)
        secret = instance.master_user_secret
        return BookEntry(
            account_id=self._scan.account.id,
            source_region=region,
            destination_region=rule.destination_region,
            rule=rule.name,
            db_instance_arn=instance.db_instance_arn or "",
            db_instance_identifier=identifier,
            dbi_resource_id=instance.dbi_resource_id or "",
            captured_at=self._captured_at,
            engine=instance.engine or "",
            engine_version=instance.engine_version,
            allocated_storage=instance.allocated_storage,
            is_encrypted=bool(instance.storage_encrypted),
            endpoint=instance.endpoint.address if instance.endpoint else None,
            db_name=instance.db_name,
            master_username=instance.master_username,
            master_user_secret_arn=secret.secret_arn if secret else None,
            source=source,
            not_restored=(*find_not_restored(instance), *plan.not_restored),
            unread=tuple(
                f"The {content} of the {kind} {name} could not be read."
                for field_name, content, kind in _GROUPS
                if (field_name, name := getattr(source, field_name)) in unread
            ),
            **policy_fields(rule, plan),
        )


_GROUPS = (
    ("db_parameter_group_name", "parameters", "DB parameter group"),
    ("option_group_name", "options", "option group"),
)


def _find_missing(instance: DBInstance) -> list[str]:
    """Return the names of the missing fields without which an instance cannot be restored."""
    required = ("db_instance_arn", "db_instance_identifier", "dbi_resource_id", "engine")
    return [name for name in required if not getattr(instance, name)]


def _incomplete(
    account_id: str, region: str, instance: DBInstance, missing: list[str]
) -> CaptureProblem:
    name = instance.db_instance_identifier or instance.db_instance_arn or "an instance"
    return CaptureProblem(
        account_id=account_id,
        source_region=region,
        message=f"RDS describes {name} without {', '.join(missing)}.",
        remedy="Capture again when RDS has created the instance.",
    )
