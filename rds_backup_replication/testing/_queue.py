"""One queue of prepared answers, for all boto3 clients that a client under test uses."""

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

from .._botocore.client_factory import Boto3Clients
from .._client import BackupReplicationClient
from .._clock import InstantClock
from .._models import RequestModel
from ._calls import UnexpectedCall, call_text, differences


class Prepared(NamedTuple):
    """One answer, and the call that it is for."""

    method: str
    give: Callable[[Stubber], None]
    expected: RequestModel | None = None

    def __str__(self) -> str:
        if self.expected is None:
            return f"{self.method}(...)"
        return call_text(self.method, self.expected.model_dump(by_alias=True, exclude_none=True))


# Without any, making a client would ask the network for some.
_CREDENTIALS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}

# By the identity of the boto3 clients that are answered now.
_answering: "dict[int, AnswerQueue]" = {}


def is_answered(client: BaseClient) -> bool:
    """Whether a stubber answers this boto3 client now."""
    return id(client) in _answering


class AnswerQueue:
    """Answers the clients that it is given, until it is closed."""

    def __init__(self) -> None:
        self.pending: deque[Prepared] = deque()
        self.unexpected: list[UnexpectedCall] = []
        self._active = ExitStack()
        self._is_open = False
        self._lock = threading.Lock()

    def open(self) -> None:
        """Begins to answer."""
        if self._is_open:
            raise RuntimeError("this stubber is active already")
        self._is_open = True
        self.unexpected.clear()

    def answer(self, client: BackupReplicationClient) -> None:
        """Answers all boto3 clients that this client uses, and has its waits take no time."""
        self._attach(client.client)
        self._replace(client, "_clock", InstantClock())
        # The core has no public way to these.
        make = client._boto3_client  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        if isinstance(make, Boto3Clients):
            # Made with stand-in credentials, and forgotten afterwards.
            for private, more in ((make._settings, _CREDENTIALS), (make._made, {})):  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
                self._active.enter_context(mock.patch.dict(private, more))

            def make_attached(service_name: str, region_name: str | None) -> BaseClient:
                return self._attach(make(service_name, region_name))

            self._replace(client, "_boto3_client", make_attached)
        check = client.check_replication

        def check_attached(**keywords: Any) -> object:
            if isinstance(keywords.get("source_client"), BaseClient):
                self._attach(keywords["source_client"])
            return check(**keywords)

        self._replace(client, "check_replication", check_attached)

    def close(self) -> None:
        """Leaves all clients as they were."""
        self._active.close()
        self._is_open = False

    def _replace(self, client: BackupReplicationClient, name: str, value: object) -> None:
        self._active.enter_context(mock.patch.object(client, name, value))

    def refuse(self, text: str) -> NoReturn:
        """Raises what is raised again at the end, should it get lost."""
        self.unexpected.append(UnexpectedCall(text))
        raise self.unexpected[-1]

    def _attach(self, client: BaseClient) -> BaseClient:
        if _answering.get(id(client)) is self:
            return client
        if is_answered(client):
            raise RuntimeError("this client is already answered by another stubber")
        _answering[id(client)] = self
        self._active.callback(_answering.pop, id(client))
        stubber = Stubber(client)

        def answer(
            model: OperationModel, params: Mapping[str, Any], context: Mapping[str, Any], **_: Any
        ) -> None:
            if not context.get("is_presign_request"):  # which sends nothing
                self._take(xform_name(model.name), params).give(stubber)

        # botocore emits this first, so that its Stubber finds the answer when it is asked next.
        event, unique_id = "provide-client-params", f"rds-backup-replication-{id(self)}"
        client.meta.events.register_first(event, answer, unique_id=unique_id)
        stubber.activate()
        self._active.callback(stubber.deactivate)
        self._active.callback(client.meta.events.unregister, event, unique_id=unique_id)
        return client

    def _take(self, method: str, parameters: Mapping[str, Any]) -> Prepared:
        with self._lock:
            prepared = self.pending[0] if self.pending else None
            text = _mismatch(prepared, method, parameters)
            if prepared is None or text:
                self.refuse(text)
            return self.pending.popleft()


def _mismatch(prepared: Prepared | None, method: str, parameters: Mapping[str, Any]) -> str:
    """What is wrong with a call, if anything is."""
    if prepared is None:
        return f"expected no call\n  came {call_text(method, parameters)}"
    if prepared.method != method:
        return f"expected {prepared}\n  came {call_text(method, parameters)}"
    if prepared.expected is None:
        return ""
    lines = differences(method, prepared.expected, parameters)
    return "\n  ".join([f"{method} came with other parameters", *lines]) if lines else ""
