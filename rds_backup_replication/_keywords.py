"""Errors in how a method is called: positional arguments, boto3's names and unknown names."""

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import CO_VARKEYWORDS, Parameter, isfunction, isgenerator, signature
from typing import Any, NoReturn, TypeVar, cast

from botocore import xform_name

from ._redact import HIDDEN
from ._validation import MISSING, misnamed_parameters, suggest_name
from .exceptions import InvalidParameter, RequestValidationError

T = TypeVar("T")

_PACKAGE = __name__.partition(".")[0]
# Only iterators fetch pages, so their size has a name of its own.
_OTHER_NAMES = {"max_records": "page_size"}


def explain_arguments(kind: type[T]) -> type[T]:
    """Let every public method of a client explain how it is called.

    Python's own errors name a private base class, and only one error of several.
    """
    for name, method in list(vars(kind).items()):
        is_public = name == "__init__" or not name.startswith("_")
        if isfunction(method) and is_public and method.__code__.co_kwonlyargcount:
            setattr(kind, name, _explained(method))
    return kind


def _explained(method: Callable[..., Any]) -> Callable[..., Any]:
    has_options = bool(method.__code__.co_flags & CO_VARKEYWORDS)

    @wraps(method)
    def call(self: object, /, *arguments: object, **keywords: object) -> Any:
        # Options accept any name, also boto3's.
        if not has_options or all(map(str.islower, keywords)):
            try:
                return method(self, *arguments, **keywords)
            except TypeError as error:
                # If the error comes from within the method, the traceback is longer.
                if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                    raise
        _explain(self, method, arguments, keywords)

    return call


def _explain(
    client: object,
    method: Callable[..., Any],
    arguments: tuple[object, ...],
    keywords: Mapping[str, object],
) -> NoReturn:
    """Raise the errors of a call that Python cannot make, with all other errors of the call."""
    parameters = signature(method).parameters
    names = [name for name, each in parameters.items() if each.kind is Parameter.KEYWORD_ONLY]
    required = [name for name in names if parameters[name].default is Parameter.empty]
    public = (k for k in type(client).__mro__ if k.__module__.startswith(_PACKAGE))
    owner = next(public, type(client)).__name__  # the public class, also for a user's subclass
    is_constructor = method.__name__ == "__init__"
    if arguments:
        called = owner if is_constructor else f"{owner}.{method.__name__}"
        raise TypeError(f"{called}() {_explain_positional(arguments, names, required)}")
    if len(parameters) > 1 + len(names):  # self, the names, and options
        from ._models._restore import RestoreOptions  # noqa: PLC0415  # slow to load

        names += RestoreOptions.__annotations__
    known, errors = _rename(keywords, names)
    if is_constructor:
        raise RequestValidationError(owner, errors)
    known = {**dict.fromkeys(required, MISSING), **known}
    token = misnamed_parameters.set(errors)
    try:
        # The method validates the other parameters, and raises all errors.
        result = method(client, **known)
        if isgenerator(result):  # a workflow of an async client, which validates before its steps
            next(result)
    finally:
        misnamed_parameters.reset(token)
    raise RequestValidationError(method.__name__, errors)


def _explain_positional(
    arguments: tuple[object, ...], names: list[str], required: list[str]
) -> str:
    if len(arguments) == 1 and isinstance(arguments[0], Mapping):
        request = cast("Mapping[object, object]", arguments[0])
        given = [_python_name(str(name)) for name in request]
        names = [name for name in given if name in names] or required or names
        return f"takes keyword arguments, not a dict; pass {_as_keywords(names)}"
    names = required if len(arguments) <= len(required) else names
    return f"takes keyword arguments only; pass {_as_keywords(names)}"


def _as_keywords(names: list[str]) -> str:
    return ", ".join(f"{name}=…" for name in names)


def _rename(
    keywords: Mapping[str, object], names: list[str]
) -> tuple[dict[str, object], list[InvalidParameter]]:
    """Return the keywords under their Python names, and the errors in those that have others."""
    known = {name: value for name, value in keywords.items() if name in names}
    errors: list[InvalidParameter] = []
    for given, value in keywords.items():
        if given in names:
            continue
        name = _python_name(given)
        if name in names:
            known.setdefault(name, value)
            message = f"is boto3's name; pass {name}"
        else:
            message = f"is not a parameter{suggest_name(name, names)}"
        shown = given if given.isascii() else ascii(given)
        errors.append(InvalidParameter(shown, HIDDEN, message))
    return known, errors


def _python_name(given: str) -> str:
    name = xform_name(given)
    return _OTHER_NAMES.get(name, name)
