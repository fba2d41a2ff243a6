"""An HTTP server on loopback for tests and benchmarks; a function returns each response.

This module imports only the standard library, because the packages of the tests are
missing from the environment of the benchmarks.
"""

import socket
import socketserver
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from typing_extensions import Self

NAMESPACE = "http://rds.amazonaws.com/doc/2014-10-31/"
REQUEST_ID = "523e3218-afc7-11c3-90f5-f90431260ab4"


def result_xml(operation: str, inner: str) -> str:
    """Return a successful response of the query protocol."""
    return (
        f'<{operation}Response xmlns="{NAMESPACE}"><{operation}Result>{inner}</{operation}Result>'
        f"<ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata>"
        f"</{operation}Response>"
    )


def error_xml(code: str, message: str = "Something is wrong.") -> str:
    """Return an error response of the query protocol."""
    return (
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>{escape(code)}</Code>'
        f"<Message>{escape(message)}</Message></Error><RequestId>{REQUEST_ID}</RequestId>"
        "</ErrorResponse>"
    )


@dataclass(frozen=True)
class Request:
    """One request as the server received it."""

    head: bytes
    body: bytes

    @cached_property
    def headers(self) -> dict[str, str]:
        """Return the headers by name, in the client's spelling."""
        lines = self.head.decode("latin-1").splitlines()
        pairs = (line.partition(":") for line in lines)
        return {name: value.strip() for name, _, value in pairs}

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Return the parameters of the query protocol, each with its first value."""
        form = parse_qs(self.body.decode(), keep_blank_values=True)
        return {name: values[0] for name, values in form.items()}


@dataclass(frozen=True)
class Response:
    """One response. If bytes are missing, the server then closes the connection."""

    body: str | bytes
    status: int = 200
    missing: int = 0
    """The number of bytes that Content-Length announces beyond the body."""


class NoResponse(Enum):
    """The ways to send no response."""

    CLOSE = "close the connection"
    STALL = "keep the connection open until the client or the server ends"


Reply = Response | NoResponse
Respond = Callable[[Request], Reply]


class LoopbackServer(socketserver.ThreadingTCPServer):
    """A server on a free port while its block runs, with a thread for each connection."""

    request_queue_size = 128

    def __init__(self, respond: Respond) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.respond = respond
        self.connections = 0
        self.closed = threading.Semaphore(0)
        """Released once for each connection that has ended."""
        self._open: set[Any] = set()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    @property
    def endpoint_url(self) -> str:
        """Return the server's address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a new connection."""
        self.connections += 1
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        self._open.discard(request)
        self.closed.release()
        super().shutdown_request(request)

    def __enter__(self) -> "Self":
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.shutdown()
        self._thread.join()
        self.close_connections()  # each thread ends with its connection
        self.server_close()

    def close_connections(self) -> None:
        """Close the open connections, as AWS closes idle ones."""
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server: LoopbackServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def handle(self) -> None:
        """Respond to every request until a reply or the client closes the connection."""
        with suppress(ConnectionError):
            while self.rfile.readline():
                if not self._respond():
                    return

    def _respond(self) -> bool:
        """Return whether the connection stays open."""
        head, length = b"", 0
        while (line := self.rfile.readline()).strip():
            head += line
            if line[:15].lower() == b"content-length:":
                length = int(line[15:])
        response = self.server.respond(Request(head, self.rfile.read(length)))
        if isinstance(response, NoResponse):
            return response is NoResponse.STALL
        body = response.body.encode() if isinstance(response.body, str) else response.body
        start = f"HTTP/1.1 {response.status} -\r\nContent-Type: text/xml\r\n"
        ending = (
            f"x-amzn-RequestId: {REQUEST_ID}\r\n"
            f"Content-Length: {len(body) + response.missing}\r\n\r\n"
        )
        self.wfile.write((start + ending).encode() + body)
        return not response.missing
