"""Calls as text: parameters under their Python names, and the differences between two calls."""

from collections.abc import Mapping
from typing import Any, Literal, TypeVar, cast

from botocore import xform_name
from pydantic import ValidationError

from .. import _operations
from .._arn import Destination
from .._models import RequestModel
from .._redact import short_repr
from .._restore import RESTORE
from .._validation import build_request
from .._workflows.lookup import DESCRIBE_DB_INSTANCES

RequestT = TypeVar("RequestT", bound=RequestModel)

OperationName = Literal[
    "start_db_instance_automated_backups_replication",
    "stop_db_instance_automated_backups_replication",
    "describe_db_instance_automated_backups",
    "delete_db_instance_automated_backup",
    "describe_source_regions",
    "restore_db_instance_to_point_in_time",
    "describe_db_instances",
    "describe_key",
]
_HIDDEN = "(hidden)"
_NOTHING = "nothing"
# Without a destination Region, validation checks only the format of the parameters. The Region is
# unknown as long as the test has not made the call.
_ANY_DESTINATION = cast("Destination", None)


class UnexpectedCall(AssertionError):
    """The code under test made a call that was not queued, or with other parameters."""

    __module__ = "rds_backup_replication.testing"  # the public import path, for tracebacks


class _DescribeKeyRequest(RequestModel, frozen=True):
    key_id: str


_REQUESTS: Mapping[str, type[RequestModel]] = {
    "describe_key": _DescribeKeyRequest,
    **{
        xform_name(operation.name): operation.request
        for operation in (
            _operations.START,
            _operations.STOP,
            _operations.DESCRIBE,
            _operations.DELETE,
            _operations.DESCRIBE_SOURCE_REGIONS,
            RESTORE,
            DESCRIBE_DB_INSTANCES,
        )
    },
}


def expected_request(
    operation: "_operations.Operation[RequestT, Any]",
    expected: RequestT | Mapping[str, object] | None,
) -> RequestT | None:
    """Return the expected request, validated.

    Raises:
        TypeError: ``expected`` is neither the operation's request model nor a mapping.
        RequestValidationError: The fields of the mapping are invalid.
    """
    if expected is None or isinstance(expected, operation.request):
        return expected
    if not isinstance(expected, Mapping):
        name = operation.request.__name__
        raise TypeError(
            f"expected must be a {name} or a mapping of its fields, not {short_repr(expected)}"
        )
    names = {
        field.title: name for name, field in operation.request.model_fields.items() if field.title
    }
    keywords = {names.get(name, name): value for name, value in expected.items()}
    return build_request(operation.name, operation.request, _ANY_DESTINATION, keywords)


def call_text(method: str, parameters: Mapping[str, Any]) -> str:
    """Return the call as Python code, without secrets."""
    values = _redacted_values(method, parameters)
    return f"{method}({', '.join(f'{name}={value}' for name, value in values.items())})"


def differences(method: str, expected: RequestModel, parameters: Mapping[str, Any]) -> list[str]:
    """Return one line for each parameter that differs from the expected one."""
    wanted = expected.model_dump(by_alias=True, exclude_none=True)
    differing = [
        name
        for name in {**wanted, **parameters}
        if name not in wanted or name not in parameters or wanted[name] != parameters[name]
    ]
    wanted_values = _redacted_values(method, wanted)
    actual_values = _redacted_values(method, parameters)
    lines: list[str] = []
    for name in differing:
        python_name = _python_name(method, name)
        wanted_text = wanted_values.get(python_name, _NOTHING)
        actual_text = actual_values.get(python_name, _NOTHING)
        lines.append(f"{python_name}: expected {wanted_text}, got {actual_text}")
    return lines


def _redacted_values(method: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the values as text without secrets, under the Python names of the parameters."""
    model = _REQUESTS.get(method)
    if model is None:  # this library does not wrap the operation, so any value may be secret
        return dict.fromkeys(map(xform_name, parameters), _HIDDEN)
    try:
        request = model.model_validate(parameters)
    except ValidationError:  # the call did not come from a method of this library's client
        request = None
    by_aws_name = {field.alias: (name, field) for name, field in model.model_fields.items()}
    values: dict[str, str] = {}
    for aws_name, raw in parameters.items():
        name, field = by_aws_name.get(aws_name, ("", None))
        text = repr(getattr(request, name, raw)) if field and field.repr else _HIDDEN
        values[_python_name(method, aws_name)] = text
    return values


def _python_name(method: str, aws_name: str) -> str:
    """Return the name of a parameter as the client's methods spell it."""
    model = _REQUESTS.get(method)
    for name, field in model.model_fields.items() if model else ():
        if field.alias == aws_name:
            return field.title or name
    return xform_name(aws_name)
