"""The faults of a request, and how botocore and the client must treat them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from botocore.loaders import create_loader
from botocore.model import ServiceModel

from rds_backup_replication import exceptions
from rds_backup_replication.exceptions import ServiceError

from ..loopback import result_xml
from ._rds import DESCRIBE_KEY, DESCRIBE_REGIONS, Refusal

SERVICE = ServiceModel(create_loader().load_service_model("rds", "service-2"), "rds")
_EXTRA_LENGTH = 250_000

Corrupt = Callable[[str, str], str]
"""Returns a corrupt response, given the name of the operation and its response."""


@dataclass(frozen=True)
class Fault:
    name: str
    error: str
    """The class of the error that a call without retries raises."""
    corrupt: Corrupt | None = None
    """``None``: there is no response."""
    status: int | None = None
    """The HTTP status; ``None`` is the status of the original response."""
    refusal: Refusal | None = None
    """The content that the error of a refusal must have."""
    takes_effect: bool = False
    """Whether the operation takes effect before the fault."""
    is_retried: bool = False
    """Whether botocore retries the request, in each of its retry modes."""
    is_transient: bool = False
    """Whether a wait retries after the fault."""
    stalls: bool = False
    """Whether the connection stays open without a response."""
    is_truncated: bool = False
    """Whether the connection closes before the end of the response."""
    is_gateway: bool = False
    """Whether a gateway responds in place of the service, in another format."""

    @property
    def is_transient_answer(self) -> bool:
        """Return whether the server answers, and may answer otherwise a moment later."""
        return self.is_transient and self.corrupt is not None


def _refusal(code: str, error: str, status: int, name: str | None = None) -> Fault:
    is_transient = status >= 500 or error == "ThrottlingError"
    refusal = Refusal(code, status=status)
    return Fault(
        refusal=refusal,
        name=name or f"`{code}`",
        error=error,
        corrupt=lambda action, _: refusal.body(action),
        status=status,
        is_retried=is_transient,
        is_transient=is_transient,
    )


def list_documented_faults(operation: str) -> list[Fault]:
    """Return the faults of an operation in the installed botocore's model."""
    shapes = SERVICE.operation_model(operation).error_shapes
    errors = {shape.name: shape.metadata["error"] for shape in shapes}
    return [
        _refusal(error["code"], name, error["httpStatusCode"])
        for name, error in sorted(errors.items())
    ]


# Error codes that AWS returns although no operation documents them.
_UNDOCUMENTED = {
    "AccessDenied": ("AccessDeniedError", 403),
    "ExpiredToken": ("ExpiredTokenError", 403),
    "InternalFailure": ("InternalFailureError", 500),
    "InvalidClientTokenId": ("InvalidClientTokenIdError", 403),
    "InvalidParameterCombination": ("InvalidParameterCombinationError", 400),
    "InvalidParameterValue": ("InvalidParameterValueError", 400),
    "OptInRequired": ("OptInRequiredError", 403),
    "ServiceUnavailable": ("ServiceUnavailableError", 503),
    "SignatureDoesNotMatch": ("SignatureDoesNotMatchError", 403),
    "Throttling": ("ThrottlingError", 400),
}
UNKNOWN_CODE = "an unknown code"


def list_classes_without_fault() -> set[str]:
    """Return the error classes of this library that no cell raises."""
    shapes = {shape.name for shape in SERVICE.error_shapes}
    classes = {
        name
        for name, value in vars(exceptions).items()
        if isinstance(value, type) and issubclass(value, ServiceError) and value is not ServiceError
    }
    return classes - shapes - {error for error, _ in _UNDOCUMENTED.values()}


def _unreadable(name: str, corrupt: Corrupt) -> Fault:
    return Fault(name, "ResponseValidationError", corrupt, 200, takes_effect=True)


NO_RESULT = "without its result"


def _no_response(name: str, error: str, *, stalls: bool) -> list[Fault]:
    return [
        Fault(
            name.format(when),
            error,
            takes_effect=takes_effect,
            is_retried=True,
            is_transient=True,
            stalls=stalls,
        )
        for when, takes_effect in (("before", False), ("after", True))
    ]


def _page(_action: str, _response: str) -> str:
    return "<html><body><h1>Service Unavailable</h1></body></html>"


def _page_without_xml(_action: str, _response: str) -> str:
    return "<!doctype html><p>Bad gateway"


def _half(_: str, response: str) -> str:
    return response[: len(response) // 2]


_INTERNAL_FAILURE = Refusal("InternalFailure", status=500)
_COMMON = (
    *(_refusal(code, error, status) for code, (error, status) in _UNDOCUMENTED.items()),
    _refusal("BrandNew", "ServiceError", 400, UNKNOWN_CODE),
    Fault(
        "503 with an HTML page",
        "ServiceUnavailableError",
        _page,
        503,
        Refusal("503", "Service Unavailable", 503, request_id=None),
        is_retried=True,
        is_transient=True,
    ),
    Fault(
        "502 without XML",
        "ResponseValidationError",
        _page_without_xml,
        502,
        is_transient=True,
        is_gateway=True,
    ),
    Fault(
        "`InternalFailure` after the operation took effect",
        "InternalFailureError",
        lambda action, _: _INTERNAL_FAILURE.body(action),
        500,
        _INTERNAL_FAILURE,
        takes_effect=True,
        is_retried=True,
        is_transient=True,
    ),
    *_no_response(
        "connection closed {} the operation took effect", "ConnectionClosedError", stalls=False
    ),
    *_no_response("read timeout {} the operation took effect", "ReadTimeoutError", stalls=True),
    # botocore takes a truncated response for a complete one.
    replace(
        _unreadable("connection closed in the middle", _half), is_truncated=True, is_transient=True
    ),
    _unreadable("truncated in the middle", _half),
    _unreadable("empty", lambda _action, _response: ""),
    _unreadable("wrong root", lambda _, response: f"<Wrong>{response}</Wrong>"),
    _unreadable(NO_RESULT, lambda action, _: result_xml(action, "")),
    _unreadable(
        "huge, with trailing text after the XML", lambda _, response: response + "x" * _EXTRA_LENGTH
    ),
)
_WRONG_TYPE = _unreadable(
    "wrong type in a field", lambda _, response: response.replace(">20<", ">plenty<")
)

KEY_NOT_FOUND = _refusal("NotFoundException", "NotFoundException", 400)
"""KMS's refusal to describe a key that does not exist."""


@cache
def list_faults(operation: str) -> tuple[Fault, ...]:
    """Return all faults of an operation."""
    if operation == DESCRIBE_KEY:
        # botocore's JSON parser takes a gateway's page for a refusal, which botocore retries.
        return (KEY_NOT_FOUND, *(fault for fault in _COMMON if not fault.is_gateway))
    has_numbers = operation != DESCRIBE_REGIONS
    return (*list_documented_faults(operation), *_COMMON, *((_WRONG_TYPE,) if has_numbers else ()))
