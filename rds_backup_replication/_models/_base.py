"""The base classes of all models: immutable, with AWS's names beside the Python names."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, TypeVar, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WrapSerializer

T = TypeVar("T")

_ABBREVIATIONS = {"az": "AZ", "ca": "CA", "db": "DB", "iam": "IAM"}


def aws_name(python_name: str) -> str:
    """Invert botocore's ``xform_name``; fields that do not follow the rule have an alias."""
    return "".join(_ABBREVIATIONS.get(word, word.capitalize()) for word in python_name.split("_"))


# If two threads build one model at once, pydantic fails in both.
_BUILD_LOCK = threading.RLock()


class LateModel(BaseModel, frozen=True):
    """A model that pydantic builds at its first use, because most programs use few models."""

    model_config: ClassVar[ConfigDict] = ConfigDict(defer_build=True)

    @classmethod
    def model_rebuild(cls, *, _parent_namespace_depth: int = 2, **keywords: Any) -> bool | None:
        """Rebuild the model as pydantic does, in one thread at a time."""
        depth = _parent_namespace_depth + 1
        with _BUILD_LOCK:
            return super().model_rebuild(_parent_namespace_depth=depth, **keywords)


class _Model(LateModel, frozen=True):
    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=aws_name, validate_by_name=True, validate_by_alias=True
    )

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Omit fields without a value: most of some forty fields have none."""
        return (item for item in super().__repr_args__() if item[1] is not None)


class ResponseModel(_Model, frozen=True):
    """A shape of RDS's responses, in which every field may be missing.

    A field that this version does not know is an attribute with its AWS name and boto3's value.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow")


class RequestModel(_Model, frozen=True):
    """The parameters of an operation, without conversions and without unknown parameters."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", strict=True, hide_input_in_errors=True
    )


def _as_list(value: Any, serialize: Callable[[Any], Any]) -> list[Any]:
    return list(serialize(value))


def _read_list(value: Any) -> list[object]:
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise ValueError("must be a list")  # noqa: TRY004  # pydantic lets a TypeError through
    return list(cast("Iterable[object]", value))


def _as_tuple(items: Sequence[T]) -> tuple[T, ...]:
    return tuple(items)  # pydantic inspects the signature of its callables, which is slow for tuple


# Tuples keep a model immutable; they are dumped as lists, as boto3 has them.
Items = Annotated[tuple[T, ...], WrapSerializer(_as_list)]
SequenceOf = Annotated[
    Sequence[T], BeforeValidator(_read_list), AfterValidator(_as_tuple), WrapSerializer(_as_list)
]
"""A field of a request; the request's constructor also accepts a list."""
