"""The queue of responses for all boto3 clients that a client under test uses."""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, NamedTuple, NoReturn
from unittest import mock

from botocore import xform_name
from botocore.client import BaseClient
from botocore.model import OperationModel
from botocore.stub import Stubber

from .._botocore.client_factory import SessionClients
from .._client_base import ClientBase, context_of
from .._clock import InstantClock
from .._models import RequestModel
from ._calls import UnexpectedCall, call_text, differences


class QueuedResponse(NamedTuple):
    """A response or error, and the call that it is for."""

    method: str
    deliver: Callable[[Stubber], None]
    """Add the response to botocore's stubber, or raise the error."""
    expected: RequestModel | None = None

    def __str__(self) -> str:
        if self.expected is None:
            return f"{self.method}(...)"
        return call_text(self.method, self.expected.model_dump(by_alias=True, exclude_none=True))


# Without credentials, boto3 would look for some on the network when it creates a client.
_CREDENTIALS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}

# The keys are the ids of the stubbed boto3 clients.
_queues: "dict[int, ResponseQueue]" = {}


def is_stubbed(client: BaseClient) -> bool:
    """Return whether a stubber currently stubs this boto3 client."""
    return id(client) in _queues


class ResponseQueue:
    """A queue that serves its responses to the clients attached to it."""

    def __init__(self) -> None:
        self.pending: deque[QueuedResponse] = deque()
        self.unexpected: list[UnexpectedCall] = []
        self._active = ExitStack()
        self._is_open = False
        self._lock = threading.Lock()

    def open(self) -> None:
        """Allow clients to be attached."""
        if self._is_open:
            raise RuntimeError("this stubber is already active")
        self._is_open = True
        self.unexpected.clear()

    def attach(self, client: ClientBase) -> None:
        """Serve all boto3 clients that this client uses, and make its waits take no time."""
        self._attach(client.client)
        context = context_of(client)
        self._replace(context, "clock", InstantClock())
        # The client has no public access to its factory of boto3 clients.
        make = context.clients
        if isinstance(make, SessionClients):
            # Create boto3 clients with dummy credentials, and forget these clients afterwards.
            for private, more in ((make._settings, _CREDENTIALS), (make._clients, {})):  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
                self._active.enter_context(mock.patch.dict(private, more))

            def make_attached(service_name: str, region_name: str | None) -> BaseClient:
                return self._attach(make(service_name, region_name))

            self._replace(context, "clients", make_attached)
        for given in context.given_clients:
            self._attach(given)

    def close(self) -> None:
        """Restore all attached clients to their former state."""
        self._active.close()
        self._is_open = False

    def _replace(self, owner: object, name: str, value: object) -> None:
        """Replace an attribute of the client until the queue is closed."""
        self._active.enter_context(mock.patch.object(owner, name, value))

    def refuse(self, text: str) -> NoReturn:
        """Raise ``UnexpectedCall``, and record it in case the code under test swallows it."""
        self.unexpected.append(UnexpectedCall(text))
        raise self.unexpected[-1]

    def _attach(self, client: BaseClient) -> BaseClient:
        """Serve the boto3 client from this queue, and return the client."""
        if _queues.get(id(client)) is self:
            return client
        if is_stubbed(client):
            raise RuntimeError("another stubber already stubs this client")
        _queues[id(client)] = self
        self._active.callback(_queues.pop, id(client))
        stubber = Stubber(client)

        def deliver_next(
            model: OperationModel, params: Mapping[str, Any], context: Mapping[str, Any], **_: Any
        ) -> None:
            # Botocore also emits the event when it presigns a URL, which sends no request.
            if not context.get("is_presign_request"):
                self._take(xform_name(model.name), params).deliver(stubber)

        # Botocore's Stubber listens for later events, so the response is queued there in time.
        event, unique_id = "provide-client-params", f"rds-backup-replication-{id(self)}"
        client.meta.events.register_first(event, deliver_next, unique_id=unique_id)
        stubber.activate()
        self._active.callback(stubber.deactivate)
        self._active.callback(client.meta.events.unregister, event, unique_id=unique_id)
        return client

    def _take(self, method: str, parameters: Mapping[str, Any]) -> QueuedResponse:
        """Return the next response if it is for this call, or raise ``UnexpectedCall``."""
        with self._lock:
            queued = self.pending[0] if self.pending else None
            text = _mismatch(queued, method, parameters)
            if queued is None or text:
                self.refuse(text)
            return self.pending.popleft()


def _mismatch(queued: QueuedResponse | None, method: str, parameters: Mapping[str, Any]) -> str:
    """Return how the call differs from the expected one, or an empty string."""
    if queued is None:
        return f"expected no call\n  got {call_text(method, parameters)}"
    if queued.method != method:
        return f"expected {queued}\n  got {call_text(method, parameters)}"
    if queued.expected is None:
        return ""
    lines = differences(method, queued.expected, parameters)
    return "\n  ".join([f"{method} got other parameters", *lines]) if lines else ""
