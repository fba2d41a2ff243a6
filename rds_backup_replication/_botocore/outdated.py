"""Errors about a boto3 that is too old for this library, or is found before a newer one."""

import re
from pathlib import Path

import botocore
from botocore import xform_name
from botocore.exceptions import ParamValidationError

from ..exceptions import OutdatedBoto3Error

MIN_BOTO3 = "1.42.5"
"""The same version as in pyproject.toml."""

_UNKNOWN_PARAMETER = re.compile(r'Unknown parameter in ([^:]+): "(\w+)"')


def outdated_boto3_error(operation_name: str, error: Exception) -> OutdatedBoto3Error | None:
    """Return an error that names the cause if botocore's model lacks what a request needs."""
    if not isinstance(error, ParamValidationError):
        return None
    # Requests are valid for the newest model, so another finding is not about its age.
    match = _UNKNOWN_PARAMETER.search(str(error))
    if match is None:
        return None
    path, name = match.groups()
    steps = [*path.split(".")[path == "input" :], name]
    return missing_from_boto3(operation_name, ".".join(map(xform_name, steps)))


def missing_from_boto3(operation_name: str, parameter: str | None = None) -> OutdatedBoto3Error:
    """Return the error for an operation or parameter that botocore's model lacks."""
    version, directory = botocore.__version__, Path(botocore.__file__).parent
    is_older = _numbers(version) < _numbers(MIN_BOTO3)
    needed = f"boto3 {MIN_BOTO3} or newer" if is_older else "a newer boto3"
    return OutdatedBoto3Error(
        operation_name, parameter, f"botocore {version} in {directory}", needed
    )


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
