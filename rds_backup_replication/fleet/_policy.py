"""What a fleet should be like: a policy."""

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

from .._arn import parse_arn
from .._durations import DURATION_RULE, parse_duration
from .._models import DBInstance
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
from ._yaml import Mistake, raise_all, read_yaml

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
        raise ValueError(DURATION_RULE)  # noqa: TRY004  # pydantic lets a TypeError through
    if value.startswith("P"):  # ISO 8601, the form of JSON dumps
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
        raise ValueError(f"is a role of account {match[1]}; it must be of the account in id")
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
    with_message("must be the account's 12 digits, in quotes"),
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
    """An AWS account, and how to act in it."""

    id: AccountId
    """The account's 12 digits."""
    role_arn: Annotated[str, AfterValidator(_role_arn)] | None = None
    """Role to assume there; the current credentials are used if omitted."""
    external_id: NonEmpty | None = None
    """What the role's trust policy may ask for."""


class Selector(_PolicyModel, frozen=True):
    """Which instances a rule is about: those that meet every condition given."""

    tags: dict[str, str] = Field(default_factory=dict)
    """Tags that the instance must all have; ``*`` and ``?`` in a value stand for any
    characters, and for one."""
    identifiers: tuple[NonEmpty, ...] = ()
    """Identifiers, one of which must match, such as ``orders-*``; in lower case."""
    engines: tuple[NonEmpty, ...] = ()
    """Engines, one of which must match, such as ``postgres`` or ``oracle-*``."""

    def matches(self, instance: DBInstance) -> bool:
        """Whether the instance meets every condition."""
        tags = {tag.key: tag.value or "" for tag in instance.tag_list or ()}
        return (
            all(key in tags and _matches(tags[key], value) for key, value in self.tags.items())
            and _is_one_of(instance.db_instance_identifier, self.identifiers)
            and _is_one_of(instance.engine, self.engines)
        )


def _is_one_of(value: str | None, patterns: tuple[str, ...]) -> bool:
    lowered = (value or "").lower()
    return not patterns or any(_matches(lowered, pattern.lower()) for pattern in patterns)


def _matches(value: str, pattern: str) -> bool:
    return fnmatchcase(value, pattern.replace("[", "[[]"))  # which stands for itself


class Rule(_PolicyModel, frozen=True):
    """What is wanted for some instances."""

    name: NonEmpty
    """What reports call it."""
    source_regions: SomeOf[RegionName]
    """Regions of the instances."""
    destination_region: RegionName
    """Region that is to keep their replicated backups."""
    select: Selector = Field(default_factory=Selector)
    """Which instances; all if omitted."""
    accounts: tuple[AccountId, ...] = ()
    """Accounts of the instances; all of the policy's if omitted."""
    replicate: Literal["always", "never"] = "always"
    """``never``: a replication of these to the destination is stopped."""
    backup_retention_period: RetentionDays | None = None
    """Days to keep the replicated backups, 1 to 35; any if omitted."""
    kms_key_id: KmsKeyId | None = None
    """KMS key in the destination, for encrypted instances; the policy's if omitted."""
    tags: Annotated[dict[str, str], AfterValidator(_tags)] = Field(default_factory=dict)
    """Tags for the replicated backups that are started."""
    maximum_lag: Duration = timedelta(hours=1)
    """How far the replicated backups may be behind: a number and a unit, as in 30m."""

    @model_validator(mode="after")
    def _regions_fit(self) -> "Rule":
        mistakes: list[Mistake] = []
        if self.destination_region in self.source_regions:
            mistakes.append((("destination_region",), "must not be one of source_regions"))
        if not _lives_in(self.destination_region, self.kms_key_id):
            mistakes.append((("kms_key_id",), f"must live in {self.destination_region}"))
        raise_all(mistakes)
        return self


def _lives_in(region_name: str, kms_key_id: str | None) -> bool:
    arn = parse_arn(kms_key_id or "")
    return arn is None or arn.region == region_name


class Policy(_PolicyModel, frozen=True):
    """What a fleet should be like.

    Of the rules that match an instance, the first counts.
    """

    accounts: SomeOf[Account]
    """The accounts to look at."""
    rules: SomeOf[Rule]
    """What is wanted, the first match first."""
    kms_key_ids: dict[RegionName, KmsKeyId] = Field(default_factory=dict)
    """A KMS key for each destination Region, for rules that name none."""
    replication_quota: Annotated[int, Field(ge=1)] = DEFAULT_QUOTA
    """How many backups can be replicated to a Region of an account: 20, unless AWS has
    raised it."""

    @model_validator(mode="after")
    def _parts_fit(self) -> "Policy":
        mistakes: list[Mistake] = []
        for field, key, names in (
            ("accounts", "id", [account.id for account in self.accounts]),
            ("rules", "name", [rule.name for rule in self.rules]),
        ):
            for index, name in enumerate(names):
                if name in names[:index]:
                    mistakes.append(((field, index, key), f"{name} must stand there once"))
        own = [index for index, account in enumerate(self.accounts) if account.role_arn is None]
        for index in own[1:]:
            message = "must be given: the current credentials are of one account alone"
            mistakes.append((("accounts", index, "role_arn"), message))
        known = {account.id for account in self.accounts}
        mistakes += [
            (("rules", index, "accounts", position), f"{account_id} is not in accounts")
            for index, rule in enumerate(self.rules)
            for position, account_id in enumerate(rule.accounts)
            if account_id not in known
        ]
        mistakes += [
            (("kms_key_ids", region_name), f"must live in {region_name}")
            for region_name, kms_key_id in self.kms_key_ids.items()
            if not _lives_in(region_name, kms_key_id)
        ]
        raise_all(mistakes)
        return self

    @classmethod
    def from_yaml(cls, text: str, *, source: str = "policy") -> "Policy":
        """Reads a policy.

        Args:
            text: YAML, or JSON, which is YAML.
            source: What to call the text in errors.

        Raises:
            PolicyError: It is wrong; every mistake with its line and field.
            ModuleNotFoundError: PyYAML is missing: the extra ``fleet`` brings it.
        """
        return read_yaml(cls, text, source)

    @classmethod
    def from_file(cls, path: str | Path) -> "Policy":
        """Reads a policy from a file.

        Args:
            path: A YAML or JSON file in UTF-8.

        Raises:
            PolicyError: As ``from_yaml``.
            OSError: It cannot be read.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise PolicyError(str(path), [f"{line}: is not UTF-8"]) from None
        return cls.from_yaml(text, source=str(path))

    def rule_for(self, account_id: str, source_region: str, instance: DBInstance) -> Rule | None:
        """The first rule that matches an instance."""
        for rule in self.rules:
            if (
                source_region in rule.source_regions
                and (not rule.accounts or account_id in rule.accounts)
                and rule.select.matches(instance)
            ):
                return rule
        return None

    def key_for(self, rule: Rule) -> str | None:
        """The KMS key for what a rule is about, if it is encrypted."""
        return rule.kms_key_id or self.kms_key_ids.get(rule.destination_region)
