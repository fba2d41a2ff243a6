"""What is shown of values that were given, and of errors: no secret, and nothing endless."""

import re
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

HIDDEN = "(hidden)"
_MAX_GIVEN = 200
_SIGNED = "x-amz-"  # a presigned URL's parameters begin so
# So AWS begins to repeat the headers whose signature was wrong, the session token among them.
_REPEATED = re.compile(
    r"\s*(The canonical string|x-amz-security-token)\b.*", re.DOTALL | re.IGNORECASE
)
_USER = re.compile(r"(?<=//)[^/\s'\"]+@")


def shortened_repr(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  # a repr may raise anything, int's of 5,000 digits too
        return f"<{type(value).__name__}>"
    text = not_signed(text)
    return text if len(text) <= _MAX_GIVEN else f"{text[:_MAX_GIVEN]}…"


def not_signed(text: str) -> str:
    """The text, unless it is or has a presigned URL."""
    return HIDDEN if _SIGNED in text.lower() else text


def hide_secrets(error: BaseException | None) -> None:
    """Takes the session token, and passwords in URLs, out of botocore's error and its causes."""
    while error is not None:
        error.args = tuple(map(_without_secrets, error.args))
        holders: list[Any] = [vars(error)]
        if isinstance(error, ClientError):
            holders.append(error.response.get("Error", {}))
        elif isinstance(error, BotoCoreError):  # which it is pickled by
            holders.append(error.kwargs)
        for held in holders:
            held.update({name: _without_secrets(value) for name, value in held.items()})
        error = error.__cause__ or error.__context__


def _without_secrets(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return _USER.sub(f"{HIDDEN}@", _REPEATED.sub("", value))
