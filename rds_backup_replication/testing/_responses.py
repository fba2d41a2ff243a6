"""Response bodies built from models, and checks of the stubber's arguments."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, get_args

from .._models import DBInstanceAutomatedBackup, ResponseModel
from .._redact import short_repr
from ._calls import OperationName
from ._factories import make_automated_backup

ResultT = TypeVar("ResultT", bound=ResponseModel)


def backup_or_default(
    result: DBInstanceAutomatedBackup | None, fields: Mapping[str, Any], status: str
) -> DBInstanceAutomatedBackup:
    """Return the given backup, or one with the given fields and a default status."""
    if result is None:
        every_field: Any = {"status": status, **fields}
        return make_automated_backup(**every_field)
    refuse_fields(fields)
    return result


def refuse_fields(fields: Mapping[str, Any]) -> None:
    """Raise if fields are given in addition to a result."""
    if fields:
        raise TypeError(f"pass either result or its fields, not both: {', '.join(fields)}")


def check_operation(operation: str) -> None:
    """Raise if no client calls this operation."""
    if operation not in get_args(OperationName):
        names = ", ".join(get_args(OperationName))
        raise ValueError(
            f"operation={operation!r} is not an operation that a client calls. Use one of {names}"
        )


def require_type(value: object, expected_type: type, requirement: str) -> None:
    """Raise if the value has the wrong type, which could make a test pass by accident."""
    if not isinstance(value, expected_type):
        raise TypeError(f"{requirement}, not {short_repr(value)}")


def dump_page(model: type[ResultT], page: ResultT | Iterable[ResultT]) -> list[dict[str, Any]]:
    """Return the page as boto3 returns it."""
    items: list[Any] = [page] if isinstance(page, model) else list(page)
    for item in items:
        require_type(item, model, f"a page must contain {model.__name__} models")
    return [dump_model(item) for item in items]


def dump_model(model: ResponseModel) -> dict[str, Any]:
    """Return the model as boto3 returns it."""
    return model.model_dump(by_alias=True, exclude_none=True)
