"""The policy: which instances of a fleet replicate, where to and how."""

from collections.abc import Iterator
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, model_validator

from .. import _annotations
from .._arn import parse_arn
from .._models import SourceInstance
from .._models._fields import (
    KmsKeyId,
    NonEmpty,
    OptionalTags,
    RegionName,
    RetentionDays,
)
from .._redact import short_repr
from ..exceptions import PolicyError
from ._accounts import Account, Organization
from ._policy_fields import Duration, PolicyModel, SomeOf
from ._selector import Selector
from ._yaml import FieldError, raise_field_errors, read_yaml

DEFAULT_QUOTA = 20
_TAGS: TypeAdapter[Any] = TypeAdapter(OptionalTags)


def _tags(value: dict[str, str]) -> dict[str, str]:
    try:
        _TAGS.validate_python(value, strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise ValueError(
            "; ".join(
                f"{short_repr(d['input'])}: {d.get('ctx', {}).get('error', d['msg'])}"
                for d in details
            )
        ) from None
    return value


class Rule(PolicyModel, frozen=True):
    """How to replicate the instances that match."""

    name: NonEmpty
    """Name of the rule in reports; unique in a policy."""
    source_regions: SomeOf[RegionName] | Literal["enabled"]
    """Regions of the instances; ``enabled`` stands for all Regions that the account has enabled,
    except the destination."""
    destination_region: RegionName
    """Region that keeps the replicated backups."""
    select: Selector = Field(default_factory=Selector)
    """Conditions that the instances must meet; all instances match if omitted."""
    accounts: tuple[NonEmpty, ...] = ()
    """IDs or names of the instances' accounts; all accounts of the policy if omitted."""
    replicate: Literal["always", "never", "ignore"] = "always"
    """``always`` replicates the instances. ``never`` stops their replication to the
    destination. ``ignore`` leaves them alone, because somebody else is responsible."""
    minimum_instances: Annotated[int, Field(ge=0)] = 1
    """The smallest number of instances that the rule must match; fewer are a finding. 0 allows
    a rule that matches nothing."""
    backup_retention_period: RetentionDays | None = None
    """Days to keep the replicated backups, 1 to 35; any retention is fine if omitted."""
    kms_key_id: KmsKeyId | None = None
    """KMS key in the destination for encrypted instances; ``Policy.kms_key_ids`` has the
    default."""
    tags: Annotated[dict[str, str], AfterValidator(_tags)] = Field(default_factory=dict)
    """Tags for the replicated backups. Only a start sets them."""
    maximum_lag: Duration = timedelta(hours=1)
    """The longest lag allowed. In YAML, a number and a unit: ``90s``, ``30m``, ``12h`` or
    ``2d``."""

    @model_validator(mode="after")
    def _regions_fit(self) -> "Rule":
        errors: list[FieldError] = []
        if self.destination_region in self.source_regions:  # never in "enabled"
            errors.append((("destination_region",), "must not be one of source_regions"))
        if not _is_key_in(self.destination_region, self.kms_key_id):
            errors.append((("kms_key_id",), f"must be a key in {self.destination_region}"))
        raise_field_errors(errors)
        return self

    def covers_region(self, region_name: str) -> bool:
        """Return whether the rule is about the instances of a Region."""
        if self.source_regions == "enabled":
            return region_name != self.destination_region
        return region_name in self.source_regions


class Limits(PolicyModel, frozen=True):
    """How much one apply may change. Nothing in a plan beyond a limit is applied."""

    stops: Annotated[int, Field(ge=0)] = 0
    """The number of replications that may be stopped, without those that end a move."""
    replacements: Annotated[int, Field(ge=0)] = 10
    """The number of replications that may be replaced."""
    at_once: Annotated[int, Field(ge=1, le=100)] = 4
    """The number of replacements in progress at the same time, once the first one succeeded."""


class Acceptance(PolicyModel, frozen=True):
    """A problem that somebody has accepted until a date."""

    reason: NonEmpty
    """Why the problem is accepted, for the report."""
    until: date
    """The last day of the acceptance, in UTC."""
    select: Selector = Field(default_factory=Selector)
    """Conditions that the instances must meet; all instances match if omitted."""
    accounts: tuple[NonEmpty, ...] = ()
    """IDs or names of the instances' accounts; all accounts of the policy if omitted."""
    codes: tuple[NonEmpty, ...] = ()
    """Codes of the accepted reasons, such as ``engine_not_supported``. A problem must have one of
    them; any problem is accepted if omitted."""


def _is_key_in(region_name: str, kms_key_id: str | None) -> bool:
    """Return whether the key may be in the Region; only an ARN names another Region."""
    arn = parse_arn(kms_key_id or "")
    return arn is None or arn.region == region_name


class Policy(PolicyModel, frozen=True):
    """Rules for the instances of a fleet.

    The first rule that matches an instance applies.
    """

    accounts: tuple[Account, ...] = ()
    """The accounts of the fleet; at least one, unless there is an ``organization``."""
    organization: Organization | None = None
    """The organization whose accounts belong to the fleet, too."""
    rules: SomeOf[Rule]
    """The rules, at least one. Their order decides which rule applies."""
    kms_key_ids: dict[RegionName, KmsKeyId] = Field(default_factory=dict)
    """KMS keys by destination Region, for encrypted instances and rules without a
    ``kms_key_id``."""
    replication_quota: Annotated[int, Field(ge=1)] = DEFAULT_QUOTA
    """The number of backups that RDS replicates to one Region of one account: 20 unless
    AWS has raised the account's quota."""
    limits: Limits = Field(default_factory=Limits)
    """How much one apply may change."""
    accepted: tuple[Acceptance, ...] = ()
    """Problems that somebody has accepted until a date."""

    @model_validator(mode="after")
    def _parts_fit(self) -> "Policy":
        errors: list[FieldError] = []
        if not self.accounts and self.organization is None:
            errors.append((("accounts",), "must name at least one"))
        for field, key, names in (
            ("accounts", "id", [account.id for account in self.accounts]),
            ("rules", "name", [rule.name for rule in self.rules]),
        ):
            for index, name in enumerate(names):
                if name in names[:index]:
                    errors.append(((field, index, key), f"{name} is used more than once"))
        own = [index for index, account in enumerate(self.accounts) if account.role_arn is None]
        for index in own[1:]:
            message = "is required: the current credentials belong to one account only"
            errors.append((("accounts", index, "role_arn"), message))
        known = {name for account in self.accounts for name in (account.id, account.name)}
        if self.organization is None:  # otherwise, Organizations knows more accounts
            errors += [
                (("rules", index, "accounts", position), f"{name} is not in accounts")
                for index, rule in enumerate(self.rules)
                for position, name in enumerate(rule.accounts)
                if name not in known
            ]
        errors += [
            (("kms_key_ids", region_name), f"must be a key in {region_name}")
            for region_name, kms_key_id in self.kms_key_ids.items()
            if not _is_key_in(region_name, kms_key_id)
        ]
        raise_field_errors(errors)
        return self

    @classmethod
    def from_yaml(cls, text: str, *, source: str = "policy") -> "Policy":
        """Read a policy from YAML.

        Args:
            text: The policy in YAML or JSON. JSON is a subset of YAML.
            source: Name of the text in error messages.

        Returns:
            The policy.

        Raises:
            PolicyError: The policy is invalid. The error lists every invalid field with
                its line.
            ModuleNotFoundError: PyYAML is not installed; the extra ``fleet`` installs it.
        """
        return read_yaml(cls, text, source)

    @classmethod
    def from_file(cls, path: str | Path) -> "Policy":
        """Read a policy from a file.

        Args:
            path: Path of a YAML or JSON file in UTF-8.

        Returns:
            The policy.

        Raises:
            PolicyError: The policy is invalid. The error lists every invalid field with
                its line.
            ModuleNotFoundError: PyYAML is not installed; the extra ``fleet`` installs it.
            OSError: The file cannot be read.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise PolicyError(str(path), [f"{line}: is not UTF-8"]) from None
        return cls.from_yaml(text, source=str(path))

    def rule_for(
        self,
        account_id: str,
        source_region: str,
        instance: "_annotations.DBInstance | SourceInstance",
    ) -> Rule | None:
        """Return the first rule that matches an instance, or ``None``."""
        return next(self.matching_rules(account_id, source_region, instance), None)

    def matching_rules(
        self,
        account_id: str,
        source_region: str,
        instance: "_annotations.DBInstance | SourceInstance",
    ) -> Iterator[Rule]:
        """Yield all rules that match an instance; the first one applies."""
        for rule in self.rules:
            if (
                rule.covers_region(source_region)
                and self.names_account(rule.accounts, account_id)
                and rule.select.matches(instance)
            ):
                yield rule

    def position_of(self, rule: Rule | None) -> int:
        """Return the position of a rule, and for ``None`` the position after the last rule."""
        return len(self.rules) if rule is None else self.rules.index(rule)

    def names_account(self, names: tuple[str, ...], account_id: str) -> bool:
        """Return whether a list of IDs and names includes an account; an empty list names all."""
        return (
            not names
            or account_id in names
            or any(a.id == account_id and a.name in names for a in self.accounts)
        )

    @property
    def content_hash(self) -> str:
        """Return a hash of what a plan depends on: not of roles, names, limits or acceptances."""
        content = self.model_dump_json(
            include={"rules", "kms_key_ids", "replication_quota"}, by_alias=True
        )
        return sha256(content.encode()).hexdigest()

    def key_for(self, rule: Rule) -> str | None:
        """Return the KMS key that a rule uses for encrypted instances, or ``None``."""
        return rule.kms_key_id or self.kms_key_ids.get(rule.destination_region)
