"""What may go wrong with a request, and what must become of it."""

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
_HUGE = 250_000

Spoil = Callable[[str, str], str]
"""Makes another answer of an operation's name and its answer."""


@dataclass(frozen=True)
class Fault:
    name: str
    error: str
    """The class of what a single call that is not repeated raises."""
    spoil: Spoil | None = None
    """``None``: there is no answer."""
    status: int | None = None
    """HTTP status; ``None`` is that of the answer that is spoilt."""
    refusal: Refusal | None = None
    """What a refusal must be told as."""
    takes_effect: bool = False
    """Whether RDS does what was asked before it goes wrong."""
    is_repeated: bool = False
    """Whether botocore repeats the request, in each of its retry modes."""
    is_passing: bool = False
    """Whether a wait rides it out."""
    stalls: bool = False
    """Whether the connection stays open, rather than being closed."""
    is_cut: bool = False
    """Whether it is closed before the answer's end."""
    is_gateway: bool = False
    """Whether a gateway responds in the service's place, and not in its format."""


def _refusal(code: str, error: str, status: int, name: str | None = None) -> Fault:
    is_passing = status >= 500 or error == "ThrottlingError"
    refusal = Refusal(code, status=status)
    return Fault(
        refusal=refusal,
        name=name or f"`{code}`",
        error=error,
        spoil=lambda action, _: refusal.body(action),
        status=status,
        is_repeated=is_passing,
        is_passing=is_passing,
    )


def documented(operation: str) -> list[Fault]:
    """Every fault that the installed botocore's model has of an operation."""
    shapes = SERVICE.operation_model(operation).error_shapes
    errors = {shape.name: shape.metadata["error"] for shape in shapes}
    return [
        _refusal(error["code"], name, error["httpStatusCode"])
        for name, error in sorted(errors.items())
    ]


# Codes that come although no operation documents them.
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
NEVER_SEEN = "a code never seen before"


def classes_without_a_fault() -> set[str]:
    """Refusals that this library has a class for, and that no cell brings about."""
    shapes = {shape.name for shape in SERVICE.error_shapes}
    classes = {
        name
        for name, value in vars(exceptions).items()
        if isinstance(value, type) and issubclass(value, ServiceError) and value is not ServiceError
    }
    return classes - shapes - {error for error, _ in _UNDOCUMENTED.values()}


def _unreadable(name: str, spoil: Spoil) -> Fault:
    return Fault(name, "ResponseValidationError", spoil, 200, takes_effect=True)


NO_RESULT = "without its result"


def _no_answer(name: str, error: str, *, stalls: bool) -> list[Fault]:
    return [
        Fault(
            name.format(when),
            error,
            takes_effect=takes_effect,
            is_repeated=True,
            is_passing=True,
            stalls=stalls,
        )
        for when, takes_effect in (("before", False), ("after", True))
    ]


def _page(_action: str, _answer: str) -> str:
    return "<html><body><h1>Service Unavailable</h1></body></html>"


def _page_that_is_no_xml(_action: str, _answer: str) -> str:
    return "<!doctype html><p>Bad gateway"


def _half(_: str, answer: str) -> str:
    return answer[: len(answer) // 2]


_INTERNAL_FAILURE = Refusal("InternalFailure", status=500)
_COMMON = (
    *(_refusal(code, error, status) for code, (error, status) in _UNDOCUMENTED.items()),
    _refusal("BrandNew", "ServiceError", 400, NEVER_SEEN),
    Fault(
        "503 and an HTML page",
        "ServiceError",
        _page,
        503,
        Refusal("503", "Service Unavailable", 503, request_id=None),
        is_repeated=True,
        is_passing=True,
    ),
    Fault(
        "502 and no XML",
        "ResponseValidationError",
        _page_that_is_no_xml,
        502,
        is_passing=True,
        is_gateway=True,
    ),
    Fault(
        "`InternalFailure` after it was done",
        "InternalFailureError",
        lambda action, _: _INTERNAL_FAILURE.body(action),
        500,
        _INTERNAL_FAILURE,
        takes_effect=True,
        is_repeated=True,
        is_passing=True,
    ),
    *_no_answer("connection closed {} it was done", "ConnectionClosedError", stalls=False),
    *_no_answer("read timeout {} it was done", "ReadTimeoutError", stalls=True),
    # botocore takes what has come for the whole.
    replace(_unreadable("connection closed in the middle", _half), is_cut=True, is_passing=True),
    _unreadable("cut off in the middle", _half),
    _unreadable("empty", lambda _action, _answer: ""),
    _unreadable("wrong root", lambda _, answer: f"<Wrong>{answer}</Wrong>"),
    _unreadable(NO_RESULT, lambda action, _: result_xml(action, "")),
    _unreadable("huge, and no XML at its end", lambda _, answer: answer + "x" * _HUGE),
)
_WRONG_TYPE = _unreadable(
    "wrong type in a field", lambda _, answer: answer.replace(">20<", ">plenty<")
)


@cache
def faults_of(operation: str) -> tuple[Fault, ...]:
    """All that may go wrong with an operation."""
    if operation == DESCRIBE_KEY:
        # A gateway's page is a refusal to the parser of JSON, and repeated.
        return tuple(fault for fault in _COMMON if not fault.is_gateway)
    has_numbers = operation != DESCRIBE_REGIONS
    return (*documented(operation), *_COMMON, *((_WRONG_TYPE,) if has_numbers else ()))
