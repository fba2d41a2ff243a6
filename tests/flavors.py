"""The async client in the tests of the sync one: the same scenarios on asyncio and on trio."""

from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

import pytest
from anyio.from_thread import BlockingPortal

from rds_backup_replication.aio import AsyncBackupReplicationClient

from . import lifecycle_cases, wire

if TYPE_CHECKING:
    from typing_extensions import Self

BACKENDS = ("asyncio", "trio")
MODULES = (
    *("test_start", "test_stop", "test_ensure", "test_workflows", "test_check"),
    *("test_wait_replicating", "test_wait_stopped"),
    *("test_replace", "test_replace_failures"),
    *("test_lifecycle", "test_lifecycle_faults", "test_lifecycle_replace", "test_lifecycle_waits"),
    *("test_on_call", "test_close", "test_usual_mistakes"),
)
"""The modules whose tests run with each client."""
_INTERRUPTION = "KeyboardInterrupt ends an event loop; tests of cancellation take its place"
_BLOCKING_CALL = "its on_poll, which an async client calls in the event loop, waits for a call"
SYNC_ONLY = {
    "test_replace_that_is_interrupted": _INTERRUPTION,
    "test_interruption_before_the_stop_is_not_logged": _INTERRUPTION,
    "test_replacement_continues_after_an_interruption": _INTERRUPTION,
    "test_wait_ends_when_replication_stops": _BLOCKING_CALL,
    "test_wait_ends_when_backup_is_deleted": _BLOCKING_CALL,
}
"""Tests that make no sense with an async client, and why."""


class PortalClient:
    """An async client with the interface of the sync one, for the tests of both.

    A thread of the portal runs the event loop.
    """

    def __init__(self, portal: BlockingPortal, **keywords: Any) -> None:
        self.portal = portal
        self.client_under_test = AsyncBackupReplicationClient(**keywords)

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.client_under_test, name)
        if not callable(attribute) or name == "_context":
            return attribute

        def call(*args: Any, **keywords: Any) -> Any:
            if iscoroutinefunction(attribute):
                return self.portal.call(partial(attribute, *args, **keywords))
            return self._iterate(attribute(*args, **keywords))

        return call

    def _iterate(self, items: Any) -> Iterator[Any]:
        with_end = partial(anext, items, None)
        while (item := self.portal.call(with_end)) is not None:
            yield item

    def __repr__(self) -> str:
        return repr(self.client_under_test)

    def __enter__(self) -> "Self":
        self.portal.call(self.client_under_test.__aenter__)
        return self

    def __exit__(self, *_: object) -> None:
        self.portal.call(self.client_under_test.__aexit__)


def use_async_clients(monkeypatch: pytest.MonkeyPatch, module: Any, portal: BlockingPortal) -> None:
    """Let a test module create async clients."""
    sandbox_server = import_module("rds_backup_replication.sandbox._server")
    make: Callable[..., PortalClient] = partial(PortalClient, portal)
    for namespace in (module, wire, lifecycle_cases, sandbox_server):
        if hasattr(namespace, "BackupReplicationClient"):
            monkeypatch.setattr(namespace, "BackupReplicationClient", make)
