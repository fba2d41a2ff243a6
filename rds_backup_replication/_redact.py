"""Values as errors and logs may show them: without secrets, and cut if long."""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from traceback import walk_stack, walk_tb
from types import FrameType
from typing import Any

from ._credentials import (
    Credentials,
    credentials_in_traceback,
    find_problem,
    pattern_of_values,
)

HIDDEN = "(hidden)"
_MAX_LENGTH = 200
_MAX_CLEANED = 1_000_000  # searching a longer text would take seconds
_MAX_DEPTH = 12
_SIGNED = "x-amz-"  # the parameters of a presigned URL begin with this
_EQUALS = r"""(?:["']?\s*[:=]\s*["']?|%(?:25)*3D)"""
# Each pattern applies only to texts with the word before it, in any capitalization.
_PATTERNS = (
    # A presigned URL, whole.
    (
        _SIGNED,
        rf"""(?<![^\s'"<>])[^\s'"<>]*x-amz-(?:signature|credential|security-token){_EQUALS}[^\s'"<>]+""",
        HIDDEN,
    ),
    # Where a signature does not match, AWS repeats the signed headers, with the session token.
    ("the canonical string", r"\s{0,9}The canonical string\b(?s:.*)", ""),
    ("x-amz-security-token", r"\s{0,9}x-amz-security-token\b(?s:.*)", ""),
    ("signature", rf"""(?<=\bsignature){_EQUALS}[0-9a-z+/%]{{16,}}=*""", f"={HIDDEN}"),
    # A signature of version 4, however the text connects the name with the value.
    ("signature", r"[0-9a-f]{64,}", HIDDEN),
    ("bearer ", r"(?<=\bbearer )\s*[\w.~+/=-]{16,}", HIDDEN),
    # http.client does not say which header is invalid, so the value may be any secret.
    ("invalid header value ", r"(?<=invalid header value )(?s:.+)", HIDDEN),
    # botocore's validation repeats the value of a parameter, such as an access token.
    (", value: ", r"(?<=(?:token|ecret), value: )(?s:.+?)(?=, type: |$)", HIDDEN),
    # The user and password of a URL.
    ("@", r"""(?<=//)[^/\s'"]+@""", f"{HIDDEN}@"),
)
_REPLACEMENTS = tuple((word, re.compile(text, re.IGNORECASE), new) for word, text, new in _PATTERNS)
# The names of credentials in responses and headers, in lower case.
_SECRET_NAMES = frozenset(
    {"accesskeyid", "secretaccesskey", "sessiontoken"}
    | {"accesstoken", "clientsecret", "refreshtoken"}
    | {"signature", "signatureprovided", "x-amz-security-token", "x-amz-signature"}
)


def short_repr(value: object) -> str:
    """Return a value's ``repr``, without presigned URLs and cut to 200 characters."""
    text = hide_presigned_url(_safe_repr(value))
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}…"


def _safe_repr(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001  # a caller's repr may raise anything; int's has a limit, too
        return f"<{type(value).__name__}>"


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


def name_blanks(text: str) -> str:
    """Return words for the blanks around a text and its line breaks, such as ``is blank``.

    The result is empty if there are none.
    """
    text = str.__str__(text)  # a subclass may compare in its own way
    inner = text.strip()
    if inner == text and not has_line_break(text):
        return ""
    if not inner:
        return "is blank"
    before, after = text.split(inner, 1)
    found = [
        f"{verb} a {'line break' if has_line_break(blanks) else 'blank'}"
        for verb, blanks in (("begins with", before), ("ends in", after))
        if blanks
    ]
    if has_line_break(inner):
        found.append("has a line break within")
    return " and ".join(found)


def hide_secrets(error: BaseException, used: Iterable[Credentials] = ()) -> "SecretFilter":
    """Remove all secrets from botocore's and urllib3's errors, and return the filter for them.

    Errors of others stay as they are, wherever they are among the causes.

    Args:
        error: The error, whose causes and attributes are searched for more errors.
        used: Credentials to hide, besides those of the boto3 clients in the tracebacks.
    """
    reachable, editable = _reachable_errors(error)
    found = (c for each in reachable for c in credentials_in_traceback(each.__traceback__))
    secrets = SecretFilter([*used, *found])
    for each in editable:
        _replace_values(each, secrets.clean)
    return secrets


def hide_everything(error: BaseException) -> None:
    """Replace all texts in an error and its causes with a placeholder.

    Only the errors of botocore and urllib3 are changed.
    """
    for each in _reachable_errors(error)[1]:
        _replace_values(each, _hide_texts)


class SecretFilter:
    """Removes the values of credentials, signatures and presigned URLs."""

    def __init__(self, credentials: Iterable[Credentials] = ()) -> None:
        self.credentials: tuple[Credentials, ...] = tuple(credentials)
        values = pattern_of_values(self.credentials)
        self._replacements = [*_REPLACEMENTS, *([("", values, HIDDEN)] if values else [])]

    def invalid_credentials(self) -> tuple[Credentials, str] | None:
        """Return credentials that AWS cannot accept, and why; or ``None``."""
        problems = ((each, find_problem(each)) for each in self.credentials)
        return next(((each, problem) for each, problem in problems if problem), None)

    def clean_text(self, text: str) -> str:
        """Return the text without secrets, and cut if its length is extreme."""
        if len(text) > _MAX_CLEANED:
            text = f"{text[:_MAX_CLEANED]}…"
        lower = text.lower()
        for word, pattern, replacement in self._replacements:
            if word in lower:
                text = pattern.sub(replacement, text)
        return text

    def clean_body(self, body: bytes) -> bytes:
        """Return bytes without secrets, as long as they were: the length shows a cut response."""
        text = body[:_MAX_CLEANED].decode("latin-1")
        lower = text.lower()
        for word, pattern, _ in self._replacements:
            if word in lower:
                text = pattern.sub(lambda match: "*" * len(match[0]), text)
        return text.encode("latin-1").ljust(len(body), b"*")

    def clean(self, value: Any, depth: int = _MAX_DEPTH) -> Any:
        """Return the value without secrets. Nothing is changed in place."""
        cleaned = value
        if isinstance(value, str):
            cleaned = self.clean_text(value)
        elif isinstance(value, bytes):
            cleaned = self.clean_body(value)
        elif isinstance(value, (Mapping, list, tuple)):
            cleaned = self._clean_items(value, depth - 1) if depth else HIDDEN
        elif type(value).__module__ == "botocore.awsrequest":
            cleaned = None  # the headers of a request are signed
        elif not isinstance(value, BaseException):  # each error is cleaned by itself
            text = _safe_repr(value)
            cleaned = value if self.clean_text(text) == text else HIDDEN
        return cleaned

    def _clean_items(self, value: Any, depth: int) -> Any:
        """Return a dict, list or tuple of the cleaned items, or the value itself if it is clean."""
        items: Any = value  # isinstance would give the value a type with unknown items
        cleaned: Any
        if isinstance(value, Mapping):
            cleaned = {
                self.clean(k, depth): HIDDEN if _is_secret_name(k) and v else self.clean(v, depth)
                for k, v in items.items()
            }
        else:
            cleaned = [self.clean(item, depth) for item in items]
            cleaned = tuple(cleaned) if isinstance(value, tuple) else cleaned
        return items if cleaned == items else cleaned


def _is_secret_name(name: object) -> bool:
    return isinstance(name, str) and name.lower() in _SECRET_NAMES


def _hide_texts(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [HIDDEN] if isinstance(value, list) else (HIDDEN,)
    if isinstance(value, Mapping):
        return {}
    if isinstance(value, bytes):
        return b""
    return value if isinstance(value, (int, BaseException)) else HIDDEN


def _replace_values(error: BaseException, replace: Callable[[Any], Any]) -> None:
    """Replace an error's arguments and attributes, except those that cannot be set."""
    with suppress(Exception):  # the code of the error's class may raise anything
        for name, value in [("args", error.args), *vars(error).items(), *_slots(error)]:
            with suppress(Exception):
                replaced = replace(value)
                if replaced is not value and replaced != value:
                    setattr(error, name, replaced)


# The attributes of built-in errors that are not in vars().
_SLOTS = frozenset(
    {"filename", "filename2", "msg", "name", "obj", "object", "path"}
    | {"reason", "strerror", "text", "value"}
)


def _slots(error: BaseException) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of built-in errors that are not in ``vars``."""
    for name in _SLOTS:
        value = getattr(error, name, None)
        if value is not None and name not in vars(error):
            yield name, value


_LIBRARIES = frozenset({"awscrt", "boto3", "botocore", "s3transfer", "urllib3"})
_DEPENDENCIES = sys.stdlib_module_names | {"dateutil"}
_MODULES = _DEPENDENCIES | _LIBRARIES | {__name__.partition(".")[0]}


# A class may override these attributes with code that raises.
_LINKS: tuple[Any, ...] = (BaseException.__context__, BaseException.__cause__)


def _reachable_errors(error: BaseException) -> tuple[list[BaseException], list[BaseException]]:
    """Return an error with all errors behind it, and those of them that may be edited.

    Only errors that botocore or urllib3 raised may be edited, and only if no exception of others
    holds them. An error that a caller is handling during the call is not behind the error.
    """
    callers = {frame for frame, _ in walk_stack(None)}
    reachable: dict[int, BaseException] = {}
    editable: dict[int, BaseException] = {}
    held_by_others: set[int] = set()
    waiting = [(error, False)]
    while waiting:
        each, is_held = waiting.pop()
        if id(each) in reachable:
            continue
        reachable[id(each)] = each
        with suppress(Exception):  # the code of the error's class may raise anything
            links = [link.__get__(each) for link in _LINKS]
            waiting += [(e, False) for e in links if _is_new(e, callers)]
            held = list(_errors_in([each.args, vars(each)]))
            if is_of_library(each, is_held=is_held):
                editable[id(each)] = each
                waiting += [(e, True) for e in held]
            elif _is_group(each):
                waiting += [(e, False) for e in held]
            else:
                held_by_others.update(map(id, held))
    return list(reachable.values()), [
        each for key, each in editable.items() if key not in held_by_others
    ]


def _is_new(error: BaseException | None, callers: AbstractSet[FrameType]) -> bool:
    """Return whether there is an error that no caller is handling.

    The traceback of an error begins in the function that handles the error.
    """
    if error is None:
        return False
    return error.__traceback__ is None or error.__traceback__.tb_frame not in callers


def _is_group(error: BaseException) -> bool:
    """Return whether the error is an ``ExceptionGroup``, also one of the backport."""
    return any(kind.__name__ == "BaseExceptionGroup" for kind in type(error).__mro__)


def is_of_library(error: BaseException, *, is_held: bool = False) -> bool:
    """Return whether botocore or urllib3 raised the error.

    The module of a built-in class, such as ValueError, does not show who raised the error. There,
    the traceback decides: botocore or urllib3 raised the error if they, or a module that they call,
    have the last frames. An event handler has its frame after those of botocore; a wrapper around
    botocore's functions, such as a tracing library's, has its frame before them.

    Args:
        error: The error.
        is_held: Whether an error of botocore or urllib3 holds the error as its reason.
    """
    # A metaclass may override the attribute __module__. Built-in classes have no entry.
    module = str(vars(type(error)).get("__module__", "builtins")).partition(".")[0]
    if module in _LIBRARIES or module not in _DEPENDENCIES:
        return module in _LIBRARIES
    if is_held:
        return True
    for name in reversed(modules_in_traceback(error)):
        package = name.partition(".")[0]
        if package in _LIBRARIES or package not in _MODULES:
            return package in _LIBRARIES
    return False


def modules_in_traceback(error: BaseException) -> list[str]:
    """Return the names of the modules in an error's traceback; the last one raised the error."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    # Code that runs by exec() may have no module.
    return [str(frame.f_globals.get("__name__", "")) for frame in frames]


def _errors_in(value: Any, depth: int = 5) -> Iterator[BaseException]:
    if isinstance(value, BaseException):
        yield value
    elif depth and isinstance(value, (dict, list, tuple)):
        items: Any = value.values() if isinstance(value, dict) else value  # pyright: ignore[reportUnknownVariableType]
        for item in items:
            yield from _errors_in(item, depth - 1)
