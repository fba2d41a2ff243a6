"""Values as errors and logs may show them: without secrets, and cut if long."""

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from traceback import walk_tb
from typing import Any

from ._credentials import (
    Credentials,
    credentials_in_traceback,
    find_problem,
    pattern_of_values,
)

HIDDEN = "(hidden)"
_MAX_LENGTH = 200
_SIGNED = "x-amz-"  # the parameters of a presigned URL begin with this
_EQUALS = r"""(?:["']?\s*[:=]\s*["']?|%(?:25)*3D)"""
_PATTERNS = (
    # A presigned URL, whole.
    (
        rf"""(?<![^\s'"<>])[^\s'"<>]*x-amz-(?:signature|credential|security-token){_EQUALS}[^\s'"<>]+""",
        HIDDEN,
    ),
    # Where a signature does not match, AWS repeats the signed headers, with the session token.
    (r"\s{0,9}(The canonical string|x-amz-security-token)\b(?s:.*)", ""),
    (rf"""(?<=\bsignature){_EQUALS}[0-9a-z+/%]{{16,}}=*""", f"={HIDDEN}"),
    (r"(?<=\bbearer )\s*[\w.~+/=-]{16,}", HIDDEN),
    # http.client does not say which header is invalid, so the value may be any secret.
    (r"(?<=invalid header value )(?s:.+)", HIDDEN),
    # The user and password of a URL.
    (r"""(?<=//)[^/\s'"]+@""", f"{HIDDEN}@"),
)
_REPLACEMENTS = tuple((re.compile(text, re.IGNORECASE), new) for text, new in _PATTERNS)


def short_repr(value: object) -> str:
    """Return a value's ``repr``, without presigned URLs and cut to 200 characters."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  # a caller's repr may raise anything; int's has a limit, too
        return f"<{type(value).__name__}>"
    text = hide_presigned_url(text)
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}…"


def hide_presigned_url(text: str) -> str:
    """Return the text, or a placeholder if the text contains a presigned URL."""
    return HIDDEN if _SIGNED in text.lower() else text


_LINE_BREAK = re.compile(r"[\r\n]")


def has_line_break(text: str) -> bool:
    """Return whether the text has a line break, as one read from a file or a variable may."""
    return bool(_LINE_BREAK.search(text))


def name_line_break(name: str) -> str:
    """Return a name with its line breaks escaped, and with words for them."""
    return f"{ascii(name)[1:-1]} (with a line break)"


def hide_secrets(error: BaseException, used: Iterable[Credentials] = ()) -> "SecretFilter":
    """Remove all secrets from botocore's and urllib3's errors, and return the filter for them.

    Errors of others stay as they are, wherever they are among the causes.

    Args:
        error: The error, whose causes and attributes are searched for more errors.
        used: Credentials to hide, besides those of the boto3 clients in the tracebacks.
    """
    reachable = list(_reachable_errors(error))
    found = (c for each, _ in reachable for c in credentials_in_traceback(each.__traceback__))
    secrets = SecretFilter([*used, *found])
    for each, is_editable in reachable:
        if is_editable:
            _replace_values(each, secrets.clean)
    return secrets


def hide_everything(error: BaseException) -> None:
    """Remove all values from an error and its causes, as far as they are botocore's."""
    for each, is_editable in _reachable_errors(error):
        if is_editable:
            _replace_values(each, _hide_texts)


class SecretFilter:
    """Removes the values of credentials, signatures and presigned URLs."""

    def __init__(self, credentials: Iterable[Credentials] = ()) -> None:
        self.credentials: tuple[Credentials, ...] = tuple(credentials)
        values = pattern_of_values(self.credentials)
        self._replacements = [*_REPLACEMENTS, *([(values, HIDDEN)] if values else [])]

    def invalid_credentials(self) -> tuple[Credentials, str] | None:
        """Return credentials that AWS cannot accept, and why; or ``None``."""
        problems = ((each, find_problem(each)) for each in self.credentials)
        return next(((each, problem) for each, problem in problems if problem), None)

    def clean_text(self, text: str) -> str:
        """Return the text without secrets."""
        for pattern, replacement in self._replacements:
            text = pattern.sub(replacement, text)
        return text

    def clean_body(self, body: bytes) -> bytes:
        """Return bytes without secrets, as long as they were: the length shows a cut response."""
        text = body.decode("latin-1")
        for pattern, _ in self._replacements:
            text = pattern.sub(lambda match: "*" * len(match[0]), text)
        return text.encode("latin-1")

    def clean(self, value: Any, depth: int = 20) -> Any:
        """Return the value without secrets. Nothing is changed in place."""
        cleaned = value
        if isinstance(value, str):
            cleaned = self.clean_text(value)
        elif isinstance(value, bytes):
            cleaned = self.clean_body(value)
        elif depth and isinstance(value, dict):
            pairs: Any = value.items()  # pyright: ignore[reportUnknownVariableType]
            cleaned = {self.clean(k, depth - 1): self.clean(v, depth - 1) for k, v in pairs}
        elif depth and type(value) in {list, tuple}:
            cleaned = type(value)(self.clean(item, depth - 1) for item in value)
        elif type(value).__module__ == "botocore.awsrequest":
            cleaned = None  # the headers of a request are signed
        elif not isinstance(value, BaseException):  # each error is cleaned by itself
            text = short_repr(value)
            cleaned = value if self.clean_text(text) == text else HIDDEN
        return cleaned


def _hide_texts(value: Any) -> Any:
    if isinstance(value, tuple):
        return (HIDDEN,)
    if isinstance(value, bytes):
        return b""
    return value if isinstance(value, (int, BaseException)) else HIDDEN


def _replace_values(error: BaseException, replace: Callable[[Any], Any]) -> None:
    """Replace an error's arguments and attributes, except those that cannot be set."""
    for name, value in [("args", error.args), *vars(error).items(), *_slots(error)]:
        with suppress(Exception):  # whatever the attribute's own code raises
            replaced = replace(value)
            if replaced is not value and replaced != value:
                setattr(error, name, replaced)


_SLOTS: tuple[tuple[type[Exception], tuple[str, ...]], ...] = (
    (OSError, ("strerror", "filename", "filename2")),
    (UnicodeError, ("object", "reason")),
)


def _slots(error: BaseException) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of built-in errors that are not in ``vars``."""
    for kind, names in _SLOTS:
        if isinstance(error, kind):
            for name in names:
                value = getattr(error, name, None)
                if isinstance(value, (str, bytes)):
                    yield name, value


_LIBRARIES = frozenset({"awscrt", "boto3", "botocore", "s3transfer", "urllib3"})
_DEPENDENCIES = sys.stdlib_module_names | {"dateutil"}
_MODULES = _DEPENDENCIES | _LIBRARIES | {__name__.partition(".")[0]}


def _reachable_errors(error: BaseException) -> Iterator[tuple[BaseException, bool]]:
    """Yield each error once, and whether it is botocore's or urllib3's: no one else's."""
    seen: set[int] = set()
    waiting = [(error, False)]
    while waiting:
        each, is_held = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        foreign = not is_of_library(each, is_held=is_held)
        yield each, not foreign
        # The context may be an error that the caller was handling.
        waiting += [(e, False) for e in (each.__context__, each.__cause__) if e is not None]
        if not foreign:
            waiting += [(e, True) for e in _errors_in([each.args, vars(each)])]


def is_of_library(error: BaseException, *, is_held: bool = False) -> bool:
    """Return whether botocore or urllib3 raised the error, and no one else's code took part."""
    module = str(type(error).__module__).partition(".")[0]
    if module in _LIBRARIES or module not in _DEPENDENCIES:
        return module in _LIBRARIES
    # Such as a ValueError: botocore holds it as a reason, or no code of others took part.
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    modules = {str(frame.f_globals.get("__name__")).partition(".")[0] for frame in frames}
    return is_held or (bool(modules & _LIBRARIES) and modules <= _MODULES)


def _errors_in(value: Any, depth: int = 5) -> Iterator[BaseException]:
    if isinstance(value, BaseException):
        yield value
    elif depth and isinstance(value, (dict, list, tuple)):
        items: Any = value.values() if isinstance(value, dict) else value  # pyright: ignore[reportUnknownVariableType]
        for item in items:
            yield from _errors_in(item, depth - 1)
