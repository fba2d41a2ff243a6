"""The policy: which instances of a fleet replicate, where to and how."""

import re
from contextlib import suppress
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from .. import _annotations
from .._arn import parse_arn
from .._models import SourceInstance
from .._models._fields import (
    KmsKeyId,
    NonEmpty,
    OptionalTags,
    RegionName,
    RetentionDays,
    with_message,
)
from .._redact import short_repr
from ..exceptions import PolicyError
from ._durations import DURATION_RULE, parse_duration
from ._yaml import FieldError, raise_field_errors, read_yaml

T = TypeVar("T")

DEFAULT_QUOTA = 20
_ROLE_ARN = re.compile(r"arn:aws(?:-[a-z]+)*:iam::([0-9]{12}):role/[\w+=,.@/-]{1,512}", re.ASCII)
_TAGS: TypeAdapter[Any] = TypeAdapter(OptionalTags)


class _PolicyModel(BaseModel, frozen=True):
    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", strict=True, hide_input_in_errors=True
    )


def _duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError(DURATION_RULE)  # noqa: TRY004  # pydantic does not catch TypeError
    if value.startswith("P"):  # ISO 8601, as in a JSON dump
        with suppress(ValidationError):
            return TypeAdapter(timedelta).validate_python(value)
    return parse_duration(value)


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be longer than 0s")
    return value


def _role_arn(value: str, info: ValidationInfo) -> str:
    match = _ROLE_ARN.fullmatch(value)
    if match is None:
        raise ValueError("must be the ARN of a role: arn:aws:iam::{12-digit account}:role/{name}")
    if match[1] != info.data.get("id", match[1]):
        raise ValueError(f"is a role in account {match[1]}, not in the account given as id")
    return value


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


def _not_empty(items: tuple[T, ...]) -> tuple[T, ...]:
    if not items:
        raise ValueError("must name at least one")
    return items


SomeOf = Annotated[
    tuple[T, ...], AfterValidator(_not_empty), Field(json_schema_extra={"minItems": 1})
]
AccountId = Annotated[
    str,
    Field(pattern=r"^[0-9]{12}$"),
    with_message("must be a 12-digit account ID, in quotes"),
]
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    AfterValidator(_positive),
    WithJsonSchema(
        {"type": "string", "pattern": r"^([1-9][0-9]{0,5}[smhd]|P.+)$"}, mode="validation"
    ),
]


class Account(_PolicyModel, frozen=True):
    """An AWS account and the role that acts in it."""

    id: AccountId
    """The 12-digit account ID."""
    role_arn: Annotated[str, AfterValidator(_role_arn)] | None = None
    """ARN of the role to assume; the current credentials are used if omitted."""
    external_id: NonEmpty | None = None
    """The external ID that the role's trust policy requires, if any."""


class Selector(_PolicyModel, frozen=True):
    """The conditions of a rule. An instance must meet all of them.

    In patterns, ``*`` stands for any characters and ``?`` for one character.
    """

    tags: dict[str, str] = Field(default_factory=dict)
    """Tags that the instance must have, all of them. A value is a pattern."""
    identifiers: tuple[NonEmpty, ...] = ()
    """Patterns such as ``orders-*``. The instance identifier must match one of them; case
    does not matter."""
    engines: tuple[NonEmpty, ...] = ()
    """Patterns such as ``postgres`` or ``oracle-*``. The engine must match one of them; case
    does not matter."""

    def matches(self, instance: "_annotations.DBInstance | SourceInstance") -> bool:
        """Return whether the instance meets all conditions."""
        tags = {tag.key: tag.value or "" for tag in instance.tag_list or ()}
        return (
            all(key in tags and _matches(tags[key], value) for key, value in self.tags.items())
            and _matches_any(instance.db_instance_identifier, self.identifiers)
            and _matches_any(instance.engine, self.engines)
        )


def _matches_any(value: str | None, patterns: tuple[str, ...]) -> bool:
    """Return whether the value matches one of the patterns, if any, ignoring case."""
    lowered = (value or "").lower()
    return not patterns or any(_matches(lowered, pattern.lower()) for pattern in patterns)


def _matches(value: str, pattern: str) -> bool:
    return fnmatchcase(value, pattern.replace("[", "[[]"))  # a bracket is an ordinary character


class Rule(_PolicyModel, frozen=True):
    """How to replicate the instances that match."""

    name: NonEmpty
    """Name of the rule in reports; unique in a policy."""
    source_regions: SomeOf[RegionName]
    """Regions of the instances."""
    destination_region: RegionName
    """Region that keeps the replicated backups."""
    select: Selector = Field(default_factory=Selector)
    """Conditions that the instances must meet; all instances match if omitted."""
    accounts: tuple[AccountId, ...] = ()
    """Accounts of the instances; all accounts of the policy if omitted."""
    replicate: Literal["always", "never"] = "always"
    """``always`` replicates the instances. ``never`` stops their replication to the
    destination."""
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
        if self.destination_region in self.source_regions:
            errors.append((("destination_region",), "must not be one of source_regions"))
        if not _is_key_in(self.destination_region, self.kms_key_id):
            errors.append((("kms_key_id",), f"must be a key in {self.destination_region}"))
        raise_field_errors(errors)
        return self


def _is_key_in(region_name: str, kms_key_id: str | None) -> bool:
    """Return whether the key may be in the Region; only an ARN names another Region."""
    arn = parse_arn(kms_key_id or "")
    return arn is None or arn.region == region_name


class Policy(_PolicyModel, frozen=True):
    """Rules for the instances of a fleet.

    The first rule that matches an instance applies.
    """

    accounts: SomeOf[Account]
    """The accounts of the fleet, at least one."""
    rules: SomeOf[Rule]
    """The rules, at least one. Their order decides which rule applies."""
    kms_key_ids: dict[RegionName, KmsKeyId] = Field(default_factory=dict)
    """KMS keys by destination Region, for encrypted instances and rules without a
    ``kms_key_id``."""
    replication_quota: Annotated[int, Field(ge=1)] = DEFAULT_QUOTA
    """The number of backups that RDS replicates to one Region of one account: 20 unless
    AWS has raised the account's quota."""

    @model_validator(mode="after")
    def _parts_fit(self) -> "Policy":
        errors: list[FieldError] = []
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
        known = {account.id for account in self.accounts}
        errors += [
            (("rules", index, "accounts", position), f"{account_id} is not in accounts")
            for index, rule in enumerate(self.rules)
            for position, account_id in enumerate(rule.accounts)
            if account_id not in known
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
        for rule in self.rules:
            if (
                source_region in rule.source_regions
                and (not rule.accounts or account_id in rule.accounts)
                and rule.select.matches(instance)
            ):
                return rule
        return None

    def key_for(self, rule: Rule) -> str | None:
        """Return the KMS key that a rule uses for encrypted instances, or ``None``."""
        return rule.kms_key_id or self.kms_key_ids.get(rule.destination_region)
