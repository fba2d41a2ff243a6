"""The field types that the models of a policy share."""

from contextlib import suppress
from datetime import timedelta
from typing import Annotated, ClassVar, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

from .._models._fields import with_message
from ._durations import DURATION_RULE, parse_duration

T = TypeVar("T")


class PolicyModel(BaseModel, frozen=True):
    """The base of a policy's models: immutable, strict, and without unknown fields."""

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
