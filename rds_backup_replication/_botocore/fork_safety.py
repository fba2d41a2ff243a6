"""Connections after a fork: a child process must not use those of its parent."""

import os
import threading
from weakref import WeakSet

from botocore.client import BaseClient

_protected: WeakSet[BaseClient] = WeakSet()
_inherited: WeakSet[BaseClient] = WeakSet()  # with connections that the parent uses
_lock = threading.Lock()
_process = os.getpid()


def protect_from_forks(client: BaseClient) -> None:
    """Remember a client, so that a child process opens its own connections."""
    _protected.add(client)


def drop_inherited_connections(client: BaseClient) -> None:
    """Close the connections that a client got from the parent process.

    Two processes that send over one connection get each other's responses. The parent's own
    connections stay open.
    """
    if os.getpid() != _process:  # C code forked without Python's hooks, as uWSGI may
        _mark_as_inherited()
    if _inherited:
        with _lock:
            if client in _inherited:
                client.close()
                _inherited.discard(client)


def _mark_as_inherited() -> None:
    # The connections are closed at the next call, not here: closing takes urllib3's locks, and a
    # thread of the parent may have held one at the moment of the fork.
    global _lock, _process
    _lock, _process = threading.Lock(), os.getpid()
    _inherited.update(_protected)


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_mark_as_inherited)
