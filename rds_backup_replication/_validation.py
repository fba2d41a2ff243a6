"""The one step from keywords to a request model, or to all errors in the keywords."""

from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar

from botocore import xform_name
from pydantic import ValidationError

from ._arn import Destination
from ._models import RequestModel
from ._redact import HIDDEN, name_blanks, short_repr
from ._regions import explain_region_name
from .exceptions import InvalidParameter, RequestValidationError

RequestT = TypeVar("RequestT", bound=RequestModel)

MISSING: Any = object()
"""The value of a required parameter that the caller did not give."""
misnamed_parameters: ContextVar[Sequence[InvalidParameter] | None] = ContextVar(
    "misnamed_parameters", default=None
)
"""The errors in the names of a call's parameters, while the call is validated to explain it."""

# Wording of pydantic, and the wording in its place.
_REWORDED = (
    ("Input should be a valid", "must be a"),
    ("Input should be", "must be"),
    ("Value should have", "must have"),
    (" after validation", ""),
)
# Other services and filters have other words for a tag.
_TAG_WORDS = {
    **dict.fromkeys(("name", "tagkey"), "; did you mean Key?"),
    **dict.fromkeys(("valu", "values", "tagvalue"), "; did you mean Value?"),
}


def build_request(
    operation_name: str,
    model: type[RequestT],
    destination: Destination,
    keywords: Mapping[str, object],
) -> RequestT:
    """Return the validated request, or raise all errors in its parameters at once.

    ``operation_name`` is AWS's name, or that of the method if it is built of several operations.
    """
    misnamed = misnamed_parameters.get()
    if misnamed is not None:
        keywords = {name: value for name, value in keywords.items() if value is not MISSING}
    errors = list(misnamed or ())
    try:
        request = model.model_validate(keywords, context=destination)
        if not errors:
            return request
    except ValidationError as error:
        errors += [_invalid_parameter(model, detail) for detail in error.errors(include_url=False)]
    # Outside the except block, because pydantic's error, as the context, would show secrets.
    raise RequestValidationError(operation_name, errors)


def check_region_name(name: object, parameter: str, origin: str = "") -> None:
    """Raise an error if a client could not be created for this Region.

    ``origin`` says where the name comes from, if not from the parameter.
    """
    rule = explain_region_name(name)
    if rule is not None:
        message = f"{origin}{_with_blanks_named(name, rule)}"
        error = InvalidParameter(parameter, short_repr(name), message)
        raise RequestValidationError("BackupReplicationClient", [error])


def suggest_name(name: str, names: Iterable[str]) -> str:
    """Return the end of a sentence that suggests a similar name, or an empty text."""
    from difflib import get_close_matches  # noqa: PLC0415  # only a typo needs it

    near = get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _with_blanks_named(value: object, rule: str) -> str:
    """Return the rule, after words for blanks around the value, which are hard to see."""
    blanks = name_blanks(value) if isinstance(value, str) else ""
    if not blanks:
        return rule
    return f"{blanks}; it {rule}" if rule.startswith("must") else f"{blanks}; {rule}"


def _invalid_parameter(model: type[RequestModel], detail: Mapping[str, Any]) -> InvalidParameter:
    if not detail["loc"]:  # a keyword that UTF-8 cannot encode
        return InvalidParameter(ascii(detail["input"]), HIDDEN, "is not a parameter")
    given_name, rest = str(detail["loc"][0]), detail["loc"][1:]
    fields = model.model_fields
    by_alias = (n for n, f in fields.items() if f.alias == given_name)
    name = given_name if given_name in fields else next(by_alias, given_name)
    field = fields.get(name)
    parameter = field.title if field and field.title else name
    for part in rest:
        parameter += f"[{part}]" if isinstance(part, int) else f".{xform_name(part)}"
    message = str(detail.get("ctx", {}).get("error", detail["msg"]))
    for theirs, ours in _REWORDED:
        message = message.replace(theirs, ours)
    given = short_repr(detail["input"])
    if detail["type"] == "missing":
        message = "is required"
    elif detail["type"] == "extra_forbidden":
        message = "is not a parameter" if field is None or rest else "is given twice"
        if field is None:
            message += suggest_name(name, fields)
        elif name == "tags" and rest:
            message += _TAG_WORDS.get(str(rest[-1]).lower(), "")
        given = HIDDEN  # perhaps a secret with a misspelled name
    if message.startswith("is required"):
        given = "(missing)"
    if field and not field.repr:
        given = HIDDEN
    return InvalidParameter(parameter, given, _with_blanks_named(detail["input"], message))
