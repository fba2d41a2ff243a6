"""The policy: which instances of a fleet replicate, where to and how."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from .. import _annotations
from .._models import SourceInstance
from .._models._fields import KmsKeyId, RegionName, RetentionDays
from ._accounts import Account, Organization
from ._defaults import Defaults, with_defaults
from ._policy_checks import find_repeated, find_unknown_accounts, is_key_in
from ._policy_document import Document, decode, read_json, read_toml
from ._policy_errors import drop_context, explain, policy_error, raise_field_errors
from ._policy_fields import (
    Day,
    Duration,
    ItemsOf,
    MinimumInstances,
    Names,
    PolicyModel,
    RuleTags,
    SomeOf,
    SourceRegions,
    Text,
)
from ._policy_yaml import read_yaml
from ._recovery_settings import DrillSettings, RecoverySettings
from ._selector import Selector

DEFAULT_QUOTA = 20
_DEFAULTED = ("source_regions", "destination_region")
"""Fields that every rule must have, unless the defaults have them."""


class Rule(PolicyModel, frozen=True):
    """How to replicate the instances that match."""

    name: Text
    """Name of the rule in reports; unique in a policy."""
    source_regions: SourceRegions
    """Regions of the instances; ``enabled`` stands for all Regions that the account has enabled,
    except the destination."""
    destination_region: RegionName
    """Region that keeps the replicated backups."""
    select: Selector = Field(default_factory=Selector)
    """Conditions that the instances must meet; all instances match if omitted."""
    accounts: Names = ()
    """IDs or names of the instances' accounts; all accounts of the policy if omitted."""
    replicate: Literal["always", "never", "ignore"] = "always"
    """``always`` replicates the instances. ``never`` stops their replication to the
    destination. ``ignore`` leaves them alone, because somebody else is responsible."""
    minimum_instances: MinimumInstances = 1
    """The smallest number of instances that the rule must match; fewer are a finding. 0 allows
    a rule that matches nothing."""
    backup_retention_period: RetentionDays | None = None
    """Days to keep the replicated backups, 1 to 35; any retention is fine if omitted."""
    kms_key_id: KmsKeyId | None = None
    """KMS key in the destination for encrypted instances; ``Policy.kms_key_ids`` has the
    default."""
    tags: RuleTags = Field(default_factory=dict)
    """Tags for the replicated backups. Only a start sets them."""
    maximum_lag: Duration = timedelta(hours=1)
    """The longest lag allowed. In YAML, a number and a unit: ``90s``, ``30m``, ``12h`` or
    ``2d``."""
    recovery: RecoverySettings = Field(default_factory=RecoverySettings)
    """What restored instances get in the destination; merged with the block of the defaults."""

    @field_validator("destination_region")
    @classmethod
    def _is_not_a_source(cls, value: str, info: ValidationInfo) -> str:
        if value in info.data.get("source_regions", ()):  # never in "enabled"
            raise ValueError("must not be one of source_regions")
        return value

    @field_validator("kms_key_id", "recovery")
    @classmethod
    def _is_in_destination(cls, value: Any, info: ValidationInfo) -> Any:
        destination = info.data.get("destination_region")
        key = value.kms_key_id if isinstance(value, RecoverySettings) else value
        if destination is not None and not is_key_in(destination, key):
            name = "" if key is value else "kms_key_id "
            raise ValueError(f"{name}must be a key in {destination}")
        return value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the JSON Schema, without the requirements that the defaults may meet."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        if handler.mode == "validation":
            schema["required"] = [name for name in schema["required"] if name not in _DEFAULTED]
        return schema

    def covers_region(self, region_name: str) -> bool:
        """Return whether the rule is about the instances of a Region."""
        if self.source_regions == "enabled":
            return region_name != self.destination_region
        return region_name in self.source_regions


class Limits(PolicyModel, frozen=True):
    """How much one apply may change. Nothing in a plan beyond a limit is applied."""

    stops: Annotated[int, Field(ge=0)] = 0
    """The number of replications that may be stopped, without those that end a move."""
    replacements: MinimumInstances = 10
    """The number of replications that may be replaced."""
    at_once: Annotated[int, Field(ge=1, le=100)] = 4
    """The number of replacements in progress at the same time, once the first one succeeded."""


class Acceptance(PolicyModel, frozen=True):
    """A problem that somebody has accepted until a date."""

    reason: Text
    """Why the problem is accepted, for the report."""
    until: Day
    """The last day of the acceptance, in UTC."""
    select: Selector = Field(default_factory=Selector)
    """Conditions that the instances must meet; all instances match if omitted."""
    accounts: Names = ()
    """IDs or names of the instances' accounts; all accounts of the policy if omitted."""
    codes: Names = ()
    """Codes of the accepted reasons, such as ``engine_not_supported``. A problem with any other
    reason is not accepted; all problems are if omitted."""


class Policy(PolicyModel, frozen=True):
    """Rules for the instances of a fleet.

    The first rule that matches an instance applies.
    """

    organization: Organization | None = None
    """The organization whose accounts belong to the fleet, too."""
    accounts: ItemsOf[Account] = Field(default=(), validate_default=True)
    """The accounts of the fleet; at least one, unless there is an ``organization``."""
    defaults: Defaults = Field(default_factory=Defaults)
    """Settings for the rules that omit them."""
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
    accepted: ItemsOf[Acceptance] = ()
    """Problems that somebody has accepted until a date."""

    @model_validator(mode="wrap")
    @classmethod
    def _read(
        cls, data: Any, handler: ModelWrapValidatorHandler["Policy"], info: ValidationInfo
    ) -> "Policy":
        data, inherited = with_defaults(data)
        try:
            return handler(data)
        except ValidationError as error:
            document = info.context if isinstance(info.context, Document) else None
            raise explain(error, document, _FIELDS, inherited) from None

    @field_validator("accounts")
    @classmethod
    def _accounts_fit(
        cls, accounts: tuple[Account, ...], info: ValidationInfo
    ) -> tuple[Account, ...]:
        organization: Organization | None = info.data.get("organization")
        if not accounts and "organization" in info.data and organization is None:
            raise ValueError("must name at least one, unless there is an organization")
        errors = find_repeated("id", [account.id for account in accounts])
        own = [index for index, account in enumerate(accounts) if account.role_arn is None]
        message = "is required: the current credentials belong to one account only"
        errors += [((index, "role_arn"), message) for index in own[1:]]
        if organization is not None:
            errors += [
                ((index, "id"), "is in organization.exclude, too")
                for index, account in enumerate(accounts)
                if account.id in organization.exclude
            ]
        raise_field_errors(errors)
        return accounts

    @field_validator("rules")
    @classmethod
    def _rules_fit(cls, rules: tuple[Rule, ...], info: ValidationInfo) -> tuple[Rule, ...]:
        errors = find_repeated("name", [rule.name for rule in rules])
        errors += find_unknown_accounts([rule.accounts for rule in rules], info)
        raise_field_errors(errors)
        return rules

    @field_validator("accepted")
    @classmethod
    def _accounts_of_accepted_fit(
        cls, accepted: tuple[Acceptance, ...], info: ValidationInfo
    ) -> tuple[Acceptance, ...]:
        raise_field_errors(find_unknown_accounts([a.accounts for a in accepted], info))
        return accepted

    @field_validator("kms_key_ids")
    @classmethod
    def _keys_fit(cls, kms_key_ids: dict[str, str]) -> dict[str, str]:
        raise_field_errors(
            [
                ((region_name,), f"must be a key in {region_name}")
                for region_name, kms_key_id in kms_key_ids.items()
                if not is_key_in(region_name, kms_key_id)
            ]
        )
        return kms_key_ids

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the JSON Schema, in which each rule or the defaults must have some fields."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        if handler.mode == "validation":
            schema["allOf"] = [
                {
                    "anyOf": [
                        {
                            "required": ["defaults"],
                            "properties": {"defaults": {"required": [name]}},
                        },
                        {"properties": {"rules": {"items": {"required": [name]}}}},
                    ]
                }
                for name in _DEFAULTED
            ]
        return schema

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
        with drop_context():
            return cls._from_document(read_yaml(text, source))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, source: str = "policy") -> "Policy":
        """Read a policy from a mapping with the same fields as a file.

        Args:
            data: The policy.
            source: Name of the policy in error messages.

        Returns:
            The policy.

        Raises:
            PolicyError: The policy is invalid. The error lists every invalid field.
        """
        with drop_context():
            return cls._from_document(Document(source, data))

    @classmethod
    def from_file(cls, path: str | Path) -> "Policy":
        """Read a policy from a file.

        Args:
            path: Path of a file in UTF-8: JSON if the name ends in ``.json``, TOML if the name
                ends in ``.toml``, and YAML otherwise.

        Returns:
            The policy.

        Raises:
            PolicyError: The policy is invalid. The error lists every invalid field with
                its line.
            ModuleNotFoundError: PyYAML is not installed, or tomli for TOML before Python 3.11;
                the extra ``fleet`` installs both.
            OSError: The file cannot be read.
        """
        body = Path(path).read_bytes()
        read = {".json": read_json, ".toml": read_toml}.get(Path(path).suffix.lower(), read_yaml)
        with drop_context():
            return cls._from_document(read(decode(body, str(path)), str(path)))

    @classmethod
    def _from_document(cls, document: Document) -> "Policy":
        try:
            policy = cls.model_validate(document.data, context=document)
        except ValidationError as error:
            raise policy_error(error, document) from None
        if document.errors:
            raise policy_error(None, document)
        return policy

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
            if self.mismatch(rule, account_id, source_region, instance) is None:
                yield rule

    def position_of(self, rule: Rule | None) -> int:
        """Return the position of a rule, and for ``None`` the position after the last rule."""
        return len(self.rules) if rule is None else self.rules.index(rule)

    def mismatch(
        self,
        rule: Rule,
        account_id: str,
        source_region: str,
        instance: "_annotations.DBInstance | SourceInstance",
    ) -> str | None:
        """Return the first condition of a rule that an instance does not meet, in words."""
        if not rule.covers_region(source_region):
            return f"{source_region} is not one of its source Regions"
        if not self.names_account(rule.accounts, account_id):
            return f"account {account_id} is not one of its accounts"
        return rule.select.mismatch(instance)

    def names_account(self, names: tuple[str, ...], account_id: str) -> bool:
        """Return whether a list of IDs and names includes an account; an empty list names all."""
        own = (a.name for a in self.accounts if a.id == account_id)
        return not names or account_id in names or any(name in names for name in own)

    @property
    def content_hash(self) -> str:
        """Return a hash of what a plan depends on: not of roles, limits or recovery settings."""
        used = {name for rule in self.rules for name in rule.accounts}
        content = {
            **self.model_dump(
                mode="json",
                include={"rules", "kms_key_ids", "replication_quota"},
                exclude={"rules": {"__all__": {"recovery"}}},
                by_alias=True,
            ),
            "names": {a.id: a.name for a in self.accounts if a.name in used},
        }
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def key_for(self, rule: Rule) -> str | None:
        """Return the KMS key that a rule uses for encrypted instances, or ``None``."""
        return rule.kms_key_id or self.kms_key_ids.get(rule.destination_region)


_FIELDS = {
    kind: [field.alias or name for name, field in model.model_fields.items()]
    for kind, model in (
        ("", Policy),
        ("accepted", Acceptance),
        ("accounts", Account),
        ("defaults", Defaults),
        ("drill", DrillSettings),
        ("limits", Limits),
        ("not", Selector),
        ("organization", Organization),
        ("recovery", RecoverySettings),
        ("rules", Rule),
        ("select", Selector),
    )
}
"""The fields of each kind of mapping, by the name of the field that has such mappings."""
