"""What all models share: immutability, and AWS's names beside the Python ones."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, TypeVar, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WrapSerializer

T = TypeVar("T")

_ABBREVIATIONS = {"az": "AZ", "ca": "CA", "db": "DB", "iam": "IAM"}


def aws_name(python_name: str) -> str:
    """The inverse of botocore's ``xform_name``; fields it does not fit carry an alias."""
    return "".join(_ABBREVIATIONS.get(word, word.capitalize()) for word in python_name.split("_"))


# Two threads that have pydantic build a model at once both fail.
_BUILDING = threading.RLock()


class LateModel(BaseModel, frozen=True):
    """Built when it is first used: most programs use few of the models."""

    model_config: ClassVar[ConfigDict] = ConfigDict(defer_build=True)

    @classmethod
    def model_rebuild(
        cls,
        *,
        force: bool = False,
        raise_errors: bool = True,
        _parent_namespace_depth: int = 2,
        _types_namespace: Mapping[str, Any] | None = None,
    ) -> bool | None:
        """As pydantic's, in one thread at a time."""
        with _BUILDING:
            return super().model_rebuild(
                force=force,
                raise_errors=raise_errors,
                _parent_namespace_depth=_parent_namespace_depth + 1,
                _types_namespace=_types_namespace,
            )


class _Model(LateModel, frozen=True):
    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=aws_name,
        validate_by_name=True,
        validate_by_alias=True,
    )

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Leaves out what is absent: of some forty fields, most are."""
        return (item for item in super().__repr_args__() if item[1] is not None)


class ResponseModel(_Model, frozen=True):
    """A shape of RDS's answers: every field may be missing, and new ones are kept.

    A field that this version does not know is an attribute under its AWS name, with boto3's own
    value: what is a dict or a list there can be changed.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow")


class RequestModel(_Model, frozen=True):
    """The parameters of an operation: no conversions, and no parameter RDS does not have."""

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
    return tuple(items)  # pydantic inspects the signature of what it calls: slow for tuple itself


# Tuples, so that a model cannot be changed; dumped as the lists that boto3 has there.
Items = Annotated[tuple[T, ...], WrapSerializer(_as_list)]
SequenceOf = Annotated[
    Sequence[T], BeforeValidator(_read_list), AfterValidator(_as_tuple), WrapSerializer(_as_list)
]
"""Of a request, whose constructor may be given a list."""
