"""Values as errors and logs may show them: without secrets, and cut if long."""

import re
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

HIDDEN = "(hidden)"
_MAX_LENGTH = 200
_SIGNED = "x-amz-"  # the parameters of a presigned URL begin with this
# Where a signature does not match, AWS repeats the signed headers, with the session token.
_REPEATED_HEADERS = re.compile(
    r"\s*(The canonical string|x-amz-security-token)\b.*", re.DOTALL | re.IGNORECASE
)
_USER_INFO = re.compile(r"(?<=//)[^/\s'\"]+@")


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


def hide_secrets(error: BaseException | None) -> None:
    """Remove session tokens, and passwords in URLs, from botocore's error and its causes."""
    while error is not None:
        error.args = tuple(map(_without_secrets, error.args))
        holders: list[Any] = [vars(error)]
        if isinstance(error, ClientError):
            holders.append(error.response.get("Error", {}))
        elif isinstance(error, BotoCoreError):
            holders.append(error.kwargs)  # botocore pickles them
        for held in holders:
            held.update({name: _without_secrets(value) for name, value in held.items()})
        error = error.__cause__ or error.__context__


def _without_secrets(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return _USER_INFO.sub(f"{HIDDEN}@", _REPEATED_HEADERS.sub("", value))
