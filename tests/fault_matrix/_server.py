"""The small RDS on a loopback socket, with the fault of a cell."""

import queue
import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from urllib3.connection import HTTPConnection

from ..loopback import LoopbackServer, NoResponse, Reply, Response
from ..loopback import Request as LoopbackRequest
from ._faults import Fault
from ._rds import START, STOP, PlainRDS, RefusedError

_SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/(?:rds|kms)/")
_AT_ONCE = 0.001
_NEVER = 10.0


@dataclass(frozen=True)
class Injection:
    """A fault, and when it occurs: at the first attempt of one call, or from that call on."""

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
    has_fault: bool
    body: str | None
    """The body of its response, if any."""


@dataclass
class Wire:
    """The state and the fault of a cell, and the requests that it has sent."""

    rds: PlainRDS = field(default_factory=PlainRDS)
    injection: Injection | None = None
    requests: list[Request] = field(default_factory=list[Request])

    def calls(self) -> list[list[Request]]:
        """Return the requests, grouped by the call that they are attempts of."""
        by_id: dict[str, list[Request]] = {}
        for request in self.requests:
            by_id.setdefault(request.call_id, []).append(request)
        return list(by_id.values())

    def changes(self) -> list[str]:
        """Return the starts and stops that were sent, whether or not they took effect."""
        return [r.action for r in self.requests if r.action in (START, STOP)]

    def respond(self, request: LoopbackRequest) -> Reply:
        """Record a request, and return the reply with the fault that it has, if any."""
        headers, form = request.headers, request.parameters
        action = form.get("Action") or headers["X-Amz-Target"].rpartition(".")[2]
        call_id = headers["amz-sdk-invocation-id"]
        scope = _SCOPE.search(headers["Authorization"])
        fault = self._fault(action, call_id)
        status, response = 200, ""
        if fault is None or fault.takes_effect:
            try:
                response = self.rds.respond(action, form)
            except RefusedError as error:
                status, response = error.status, error.body
        body: str | None = response
        if fault is not None:
            status = fault.status or status
            body = fault.corrupt(action, response) if fault.corrupt else None
        region_name = scope[1] if scope else ""
        self.requests.append(Request(call_id, action, region_name, fault is not None, body))
        if fault is not None and fault.stalls:
            return NoResponse.STALL
        if body is None:
            return NoResponse.CLOSE
        return Response(body, status, missing=int(fault is not None and fault.is_truncated))

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


class FaultyServer(LoopbackServer):
    """A server whose wire is replaced for every cell."""

    def __init__(self) -> None:
        super().__init__(self._respond)
        self.wire = Wire()
        self.stalls: queue.SimpleQueue[bool] = queue.SimpleQueue()
        """Whether each request stays without a response."""

    def _respond(self, request: LoopbackRequest) -> Reply:
        reply = self.wire.respond(request)
        self.stalls.put(reply is NoResponse.STALL)
        return reply


@contextmanager
def serve() -> Generator[FaultyServer]:
    """Yield a server, and let read timeouts expire at once."""
    with FaultyServer() as server, pytest.MonkeyPatch.context() as patch:
        get_response = HTTPConnection.getresponse

        def get_response_or_time_out(connection: HTTPConnection) -> Any:
            if connection.port == server.server_address[1] and server.stalls.get(timeout=_NEVER):
                connection.timeout = _AT_ONCE
            return get_response(connection)

        patch.setattr(HTTPConnection, "getresponse", get_response_or_time_out)
        yield server
