"""The field types that the models of a policy share."""

import re
from contextlib import suppress
from datetime import date, timedelta
from typing import Annotated, Any, ClassVar, Literal, TypeVar, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

from .._models._fields import OptionalTags, RegionName
from .._redact import short_repr
from .._regions import explain_region_name
from ._durations import DURATION_RULE, parse_duration

T = TypeVar("T")

DATE_RULE = "must be a date: 2026-01-31"


class PolicyModel(BaseModel, frozen=True):
    """The base of a policy's models: immutable, strict, and without unknown fields."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", strict=True, hide_input_in_errors=True
    )


def has_form(pattern: str, rule: str) -> AfterValidator:
    """Return a validator for texts that match a pattern; other texts break the rule."""
    form = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if form.fullmatch(value) is None:
            raise ValueError(rule)
        return value

    return AfterValidator(check)


def _as_tuple(value: object) -> object:
    """Return a list as a tuple, because strict validation of Python values accepts no list."""
    return tuple(cast("list[object]", value)) if isinstance(value, list) else value


def _not_empty(items: tuple[T, ...]) -> tuple[T, ...]:
    if not items:
        raise ValueError("must name at least one")
    return items


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


def _date(value: object) -> date:
    if type(value) is date:  # a time is a date, too
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value, re.ASCII):
        with suppress(ValueError):
            return date.fromisoformat(value)
    raise ValueError(DATE_RULE)


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


def _list_or_enabled(value: object) -> object:
    if isinstance(value, str) and value != "enabled" and explain_region_name(value) is not None:
        raise ValueError("must be a list of Regions, such as [us-west-2], or enabled")
    return value


Text = Annotated[str, Field(min_length=1)]
ItemsOf = Annotated[tuple[T, ...], BeforeValidator(_as_tuple)]
SomeOf = Annotated[
    tuple[T, ...],
    BeforeValidator(_as_tuple),
    AfterValidator(_not_empty),
    Field(json_schema_extra={"minItems": 1}),
]
Day = Annotated[date, BeforeValidator(_date)]
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    AfterValidator(_positive),
    WithJsonSchema(
        {"type": "string", "pattern": r"^([1-9][0-9]{0,5}[smhd]|P.+)$"}, mode="validation"
    ),
]
_ACCOUNT_ID = r"[0-9]{12}"
AccountId = Annotated[
    str,
    has_form(_ACCOUNT_ID, "must be a 12-digit account ID"),
    Field(json_schema_extra={"pattern": f"^{_ACCOUNT_ID}$"}),
]
Names = ItemsOf[Text]
TextOrSome = Annotated[
    Annotated[str, Tag("[text]")] | Annotated[SomeOf[str], Tag("[list]")],
    Discriminator(lambda value: "[list]" if isinstance(value, (list, tuple)) else "[text]"),
]
"""A text, or a list of texts."""
SourceRegions = Annotated[
    Annotated[Literal["enabled"], Tag("[text]")] | Annotated[SomeOf[RegionName], Tag("[list]")],
    Discriminator(lambda value: "[text]" if value == "enabled" else "[list]"),
    BeforeValidator(_list_or_enabled),
]
MinimumInstances = Annotated[int, Field(ge=0)]
RuleTags = Annotated[dict[str, str], AfterValidator(_tags)]
