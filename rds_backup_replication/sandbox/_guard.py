"""Whom the sandbox does not answer: a layer around its WSGI application.

Any web page can have its reader's browser send requests to loopback.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# botocore puts account IDs and the like before a host, but no such name leads to 127.0.0.1.
_LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?", re.IGNORECASE)


def guarded(app: "WSGIApplication") -> "WSGIApplication":
    """The application for programs of this machine alone."""

    def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        reason = _reason_against(environ)
        if reason is None:
            return app(environ, start_response)
        return Response(f"Sandbox: {reason}\n", 403)(environ, start_response)

    return serve


def _reason_against(environ: "WSGIEnvironment") -> str | None:
    # A browser says the first of what a page sends to change something, and the second of all
    # that a page has it send; "none" is what its user asked for.
    if "HTTP_ORIGIN" in environ or environ.get("HTTP_SEC_FETCH_SITE", "none") != "none":
        return "refused, as a web page sent this, and the sandbox is not for web pages."
    # A page can have its own name lead to loopback, and then read what is answered.
    if not _LOOPBACK.fullmatch(environ.get("HTTP_HOST", "")):
        return "refused, as the Host is none of 127.0.0.1, localhost and [::1]."
    # Moto's own controls would record requests, with their secrets, into a file.
    if environ["PATH_INFO"].startswith("/moto-api"):
        return "refused, as moto's own controls are closed; use the methods of Sandbox."
    return None
