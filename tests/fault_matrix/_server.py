"""The small RDS on a loopback socket, with one fault where a cell wants it."""

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

    def answer(self, request: LoopbackRequest) -> Reply:
        """What is answered, if anything is; what has gone wrong is noted."""
        headers, form = request.headers, request.parameters
        action = form.get("Action") or headers["X-Amz-Target"].rpartition(".")[2]
        call_id = headers["amz-sdk-invocation-id"]
        scope = _SCOPE.search(headers["Authorization"])
        fault = self._fault(action, call_id)
        status, answer = 200, ""
        if fault is None or fault.takes_effect:
            try:
                answer = self.rds.answer(action, form)
            except RefusedError as error:
                status, answer = error.status, error.body
        body: str | None = answer
        if fault is not None:
            status = fault.status or status
            body = fault.spoil(action, answer) if fault.spoil else None
        region_name = scope[1] if scope else ""
        self.requests.append(Request(call_id, action, region_name, fault is not None, body))
        if fault is not None and fault.stalls:
            return NoResponse.STALL
        if body is None:
            return NoResponse.CLOSE
        return Response(body, status, missing=int(fault is not None and fault.is_cut))

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
    """Serves one wire after the other."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.wire = Wire()
        self.stalls: queue.SimpleQueue[bool] = queue.SimpleQueue()
        """Of each request whether it stays without an answer."""

    def _answer(self, request: LoopbackRequest) -> Reply:
        reply = self.wire.answer(request)
        self.stalls.put(reply is NoResponse.STALL)
        return reply


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
        yield server
