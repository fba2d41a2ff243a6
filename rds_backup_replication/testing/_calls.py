"""Calls as a test sees them: parameters under their Python names, and how they differ."""

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
# Without one, the rules look at the form alone: which client will be called is not known yet.
_ANY_DESTINATION = cast("Destination", None)


class UnexpectedCall(AssertionError):
    """A call was made that the test did not prepare, or with other parameters."""

    __module__ = "rds_backup_replication.testing"  # where it is imported from


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
    """What a test expects, as a request; a mistake in it is raised at once."""
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
    """A call as one would write it."""
    shown = _shown(method, parameters)
    return f"{method}({', '.join(f'{name}={value}' for name, value in shown.items())})"


def differences(method: str, expected: RequestModel, parameters: Mapping[str, Any]) -> list[str]:
    """One line for each parameter that is not as expected."""
    wanted = expected.model_dump(by_alias=True, exclude_none=True)
    differing = [
        name
        for name in {**wanted, **parameters}
        if name not in wanted or name not in parameters or wanted[name] != parameters[name]
    ]
    shown_wanted, shown_given = _shown(method, wanted), _shown(method, parameters)
    lines: list[str] = []
    for name in differing:
        python_name = _python_name(method, name)
        wanted_text = shown_wanted.get(python_name, _NOTHING)
        given_text = shown_given.get(python_name, _NOTHING)
        lines.append(f"{python_name}: expected {wanted_text}, came {given_text}")
    return lines


def _shown(method: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    """The values by the Python names of their parameters, as texts without secrets."""
    model = _REQUESTS.get(method)
    if model is None:  # an operation of boto3 that is not wrapped: any value may be a secret
        return dict.fromkeys(map(xform_name, parameters), _HIDDEN)
    try:
        request = model.model_validate(parameters)
    except ValidationError:  # it was sent by other means than the client's methods
        request = None
    by_aws_name = {field.alias: (name, field) for name, field in model.model_fields.items()}
    shown: dict[str, str] = {}
    for aws_name, raw in parameters.items():
        name, field = by_aws_name.get(aws_name, ("", None))
        text = repr(getattr(request, name, raw)) if field and field.repr else _HIDDEN
        shown[_python_name(method, aws_name)] = text
    return shown


def _python_name(method: str, aws_name: str) -> str:
    model = _REQUESTS.get(method)
    for name, field in model.model_fields.items() if model else ():
        if field.alias == aws_name:
            return field.title or name
    return xform_name(aws_name)
