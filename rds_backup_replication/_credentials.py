"""The credentials that boto3 clients use: their values in any form, and what is wrong with them."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from traceback import walk_tb
from types import TracebackType
from typing import Any, NamedTuple


class Credentials(NamedTuple):
    """The credentials of a client; a value is ``None`` if botocore has not retrieved it."""

    access_key: str | None
    secret_key: str | None
    token: str | None
    method: str
    """How botocore found the credentials, such as ``env``."""


_VALUES = ("access_key", "secret_key", "token")


def read_credentials(client: object, *, may_ask: bool = True) -> Credentials:
    """Return a client's credentials as they are, without refreshing or retrieving them.

    Credentials of a class of the user's own show their values only when asked, if ``may_ask``.
    """
    source: Any = getattr(getattr(client, "_request_signer", None), "_credentials", None)
    # Refreshable credentials have the values behind properties that refresh.
    held: dict[str, Any] = getattr(source, "__dict__", {})
    values: list[Any] = [held.get(f"_{name}", held.get(name)) for name in _VALUES]
    if may_ask and values == [None, None, None] and not hasattr(source.__class__, "refresh_needed"):
        with suppress(Exception):  # the user's code may raise anything
            frozen = source.get_frozen_credentials()
            values = [getattr(frozen, name) for name in _VALUES]
    access_key, secret_key, token = values
    return Credentials(access_key, secret_key, token, str(held.get("method") or "the session"))


def credentials_in_traceback(traceback: TracebackType | None) -> Iterator[Credentials]:
    """Yield the credentials of each boto3 client whose call failed.

    A call to RDS may call STS first, with a client and credentials that botocore keeps to itself.
    """
    for frame, _ in walk_tb(traceback):
        if frame.f_globals.get("__name__") == "botocore.client":
            yield read_credentials(frame.f_locals.get("self"))


_PROBLEMS = (
    (re.compile(r"[\r\n]"), "a line break"),
    (re.compile(r"[\x00-\x1f\x7f-\x9f]"), "a control character"),
    (re.compile(r"[^\x00-\x7f]"), "a character that is not ASCII"),
    (re.compile(r"\s"), "a space"),
)


def find_problem(credentials: Credentials) -> str | None:
    """Return which value has a character that AWS can never accept, or ``None``."""
    names = ("access key ID", "secret access key", "session token")
    for name, value in zip(names, credentials, strict=False):
        if value is not None and not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            return f"the {name} is not a string"
        for pattern, problem in _PROBLEMS:
            if value is not None and pattern.search(value):
                return f"the {name} has {problem}"
    return None


# Shorter values are placeholders, such as "localstack", and hiding these would garble messages.
_MIN_LENGTH = 16
_ACCESS_KEY_ID = re.compile("A[KS]IA")
# A text may be cut; this many characters identify a value.
_START_LENGTH = 16
# One character other than an ASCII letter or digit: as it is, or in any escaped or encoded form.
_ANY_FORM = (
    r"(?:[^\w\\%&]|%(?:(?:25)*[0-9a-f]{2})?|&(?:(?:amp;)*#?\w+;)?"
    r"|(?<!\\)\\+(?:x[0-9a-f]{2}|u[0-9a-f]{4}|u[0-9a-f]{8}|[0-7]{1,3}|[a-z])?)"
)
_FORMS_PER_CHARACTER = 4  # one for each byte in UTF-8


def pattern_of_values(credentials: Iterable[Credentials]) -> re.Pattern[str] | None:
    """Return a pattern of all values, however a text escapes or encodes them."""
    values: set[str] = set()
    for each in credentials:
        values.update(_strings_in(each[1:3]))
        # An ID is no secret. IDs of another form are placeholders, which may be in a host name.
        values.update(filter(_ACCESS_KEY_ID.match, _strings_in(each.access_key)))
    forms: list[str] = []
    for value in sorted(values, key=len, reverse=True):
        if len("".join(re.findall(r"\w", value, re.ASCII))) < _MIN_LENGTH:
            continue
        forms.append(_any_form(value))
        if len(value) > _START_LENGTH:
            forms.append(rf"{_any_form(value[:_START_LENGTH])}[\w+/=%\\.-]*")
    return re.compile("|".join(forms), re.ASCII | re.IGNORECASE) if forms else None


def _strings_in(value: Any) -> Iterator[str]:
    """Yield the strings in a value; a program may provide any JSON in place of a string."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list, tuple)):
        items: Any = value.values() if isinstance(value, dict) else value  # pyright: ignore[reportUnknownVariableType]
        for item in items:
            yield from _strings_in(item)


def _any_form(value: str) -> str:
    parts = re.split(r"(\W+)", re.sub(r"^\W+|\W+$", "", value, flags=re.ASCII), flags=re.ASCII)
    return "".join(
        f"{_ANY_FORM}{{0,{len(part) * _FORMS_PER_CHARACTER}}}" if index % 2 else part
        for index, part in enumerate(parts)
    )
