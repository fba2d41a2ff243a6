"""The small RDS on a loopback socket, with one fault where a cell wants it."""

import queue
import re
import socketserver
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest
from urllib3.connection import HTTPConnection

from ._faults import Fault
from ._rds import PlainRDS, RefusedError

_SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/(?:rds|kms)/")
_AT_ONCE = 0.001
_NEVER = 10.0


@dataclass(frozen=True)
class Injection:
    """Which fault, and when: at a call, at its first attempt or for ever from it on."""

    fault: Fault
    call_number: int
    action: str
    always: bool


@dataclass(frozen=True)
class Request:
    """One attempt at a call, as it came over the wire."""

    call_id: str
    action: str
    region_name: str
    is_struck: bool
    answer: str | None
    """The body that it got, if any."""


@dataclass
class Wire:
    """What the server answers from, and what it has got; new for every cell."""

    rds: PlainRDS = field(default_factory=PlainRDS)
    injection: Injection | None = None
    requests: list[Request] = field(default_factory=list[Request])

    def calls(self) -> list[list[Request]]:
        """Requests by the call that they are attempts of."""
        by_id: dict[str, list[Request]] = {}
        for request in self.requests:
            by_id.setdefault(request.call_id, []).append(request)
        return list(by_id.values())

    def answer(
        self, headers: dict[str, str], form: dict[str, str]
    ) -> tuple[int, str | None, Fault | None]:
        """Status, body if there is an answer, and what has gone wrong."""
        action = form.get("Action") or headers["x-amz-target"].rpartition(".")[2]
        call_id = headers["amz-sdk-invocation-id"]
        scope = _SCOPE.search(headers["authorization"])
        fault = self._fault(action, call_id)
        region_name = scope[1] if scope else ""
        status, body = 200, ""
        if fault is None or fault.takes_effect:
            try:
                body = self.rds.answer(action, form)
            except RefusedError as error:
                status, body = error.status, error.body
        answer: str | None = body
        if fault is not None:
            status = fault.status or status
            answer = fault.spoil(action, body) if fault.spoil else None
        self.requests.append(Request(call_id, action, region_name, fault is not None, answer))
        return status, answer, fault

    def _fault(self, action: str, call_id: str) -> Fault | None:
        if self.injection is None:
            return None
        ids = list(dict.fromkeys(request.call_id for request in self.requests))
        is_first = call_id not in ids
        number = len(ids) + 1 if is_first else ids.index(call_id) + 1
        at = self.injection.call_number
        if self.injection.always:
            strikes = number >= at and action == self.injection.action
        else:
            strikes = number == at and is_first
        return self.injection.fault if strikes else None


class FaultyServer(socketserver.ThreadingTCPServer):
    """Serves one wire after the other over connections that stay open."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.wire = Wire()
        self.stalls: queue.SimpleQueue[bool] = queue.SimpleQueue()
        """Of each request whether it stays without an answer."""

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server: FaultyServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def handle(self) -> None:
        while self.rfile.readline():
            headers: dict[str, str] = {}
            while line := self.rfile.readline().decode().strip():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            form = parse_qs(self.rfile.read(int(headers["content-length"])).decode())
            parameters = {name: values[0] for name, values in form.items()}
            status, body, fault = self.server.wire.answer(headers, parameters)
            is_stall = fault is not None and fault.stalls
            self.server.stalls.put(is_stall)
            if is_stall:
                continue  # until the client has had enough
            if body is None:
                return
            is_cut = fault is not None and fault.is_cut
            length = len(body) + is_cut
            head = f"HTTP/1.1 {status} -\r\nContent-Type: text/xml\r\nContent-Length: {length}"
            self.wfile.write(f"{head}\r\n\r\n{body}".encode())
            if is_cut:
                return


@contextmanager
def serving() -> Generator[FaultyServer]:
    """A server, in a process whose read timeouts need no time."""
    with FaultyServer() as server, pytest.MonkeyPatch.context() as patch:
        get_response = HTTPConnection.getresponse

        def get_response_or_time_out(connection: HTTPConnection) -> Any:
            if connection.port == server.server_address[1] and server.stalls.get(timeout=_NEVER):
                connection.timeout = _AT_ONCE
            return get_response(connection)

        patch.setattr(HTTPConnection, "getresponse", get_response_or_time_out)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
