"""A WSGI middleware that rejects requests from web pages and to moto's control API.

Without this middleware, any web page could make the browser send requests to loopback.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# The pattern allows no subdomain. For some operations botocore prefixes the host, for example
# with an account ID, but such a name does not resolve to 127.0.0.1.
_LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?", re.IGNORECASE)


def guarded(app: "WSGIApplication") -> "WSGIApplication":
    """Return the application wrapped so that only local programs can use it."""

    def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        reason = _rejection_reason(environ)
        if reason is None:
            return app(environ, start_response)
        return Response(f"Sandbox: request rejected. {reason}\n", 403)(environ, start_response)

    return serve


def _rejection_reason(environ: "WSGIEnvironment") -> str | None:
    """Return why the request must be rejected, or ``None`` if it is allowed."""
    # Browsers send Origin with each request by which a page could change data, and Sec-Fetch-Site
    # with all requests. "Sec-Fetch-Site: none" means that the user opened the address.
    if "HTTP_ORIGIN" in environ or environ.get("HTTP_SEC_FETCH_SITE", "none") != "none":
        return "It came from a web page, which must not use the sandbox."
    # DNS rebinding: a page can resolve its own domain to loopback and then read the responses.
    if not _LOOPBACK.fullmatch(environ.get("HTTP_HOST", "")):
        return "Its Host header must be 127.0.0.1, localhost or [::1]."
    # Moto's control API can record requests, including their secrets, to a file.
    if environ["PATH_INFO"].startswith("/moto-api"):
        return "The control API of moto is disabled. Use the methods of Sandbox instead."
    return None
