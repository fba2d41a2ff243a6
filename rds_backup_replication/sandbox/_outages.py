"""Regions that are switched off, and the WSGI middleware that ignores their requests."""

import re
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote

from werkzeug.wsgi import get_input_stream

from ._faults import close_connection

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_CREDENTIAL_SCOPE = re.compile(
    r"Credential=[^/]+/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request"
)


class Outages:
    """The Regions that are switched off, wholly or only for some services."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # No services means all of them.
        self._services: dict[str, frozenset[str]] = {}

    def begin(self, region: str, services: Iterable[str]) -> None:
        with self._lock:
            self._services[region] = frozenset(services)

    def end(self, region: str) -> None:
        with self._lock:
            self._services.pop(region, None)

    def clear(self) -> None:
        with self._lock:
            self._services.clear()

    @property
    def regions(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(sorted(self._services))

    def wrap(self, app: "WSGIApplication") -> "WSGIApplication":
        """Return the application without the requests to what is switched off."""

        def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            if self._affect(environ):
                # The server would take an unread body for the next request.
                get_input_stream(environ).read()
                close_connection(environ)
            return app(environ, start_response)

        return serve

    def _affect(self, environ: "WSGIEnvironment") -> bool:
        """Return whether the Region and service that a request is signed for are switched off."""
        # A presigned URL has its signature in the query.
        signature = environ.get("HTTP_AUTHORIZATION") or unquote(environ.get("QUERY_STRING", ""))
        scope = _CREDENTIAL_SCOPE.search(signature)
        if scope is None:
            return False
        with self._lock:
            services = self._services.get(scope["region"])
        return services is not None and (not services or scope["service"] in services)
