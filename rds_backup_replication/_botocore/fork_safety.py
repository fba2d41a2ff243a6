"""What a process that was forked must not share with its parent: connections."""

import os
import threading
from weakref import WeakKeyDictionary

from botocore.client import BaseClient

# By which process a client was used last.
_users: WeakKeyDictionary[BaseClient, int] = WeakKeyDictionary()
_lock = threading.Lock()


def keep_to_own_connections(client: BaseClient) -> None:
    """In the child of a fork, drops a client's connections: the parent is using them.

    Two processes that send over one connection get each other's answers.
    """
    process = os.getpid()
    if _users.get(client) == process:
        return
    with _lock:
        if _users.setdefault(client, process) != process:
            client.close()  # here; the parent's stay open
            _users[client] = process
