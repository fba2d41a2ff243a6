"""Context managers that patch every client."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from botocore import xform_name
from botocore.client import BaseClient

from .._client_base import ClientBase
from .._clock import InstantClock
from .._context import Context
from .._operations import Operation
from ._queue import is_stubbed
from ._stubber import ReplicationStubber

# Without credentials, boto3 would look for some on the network when it creates a client.
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}
_UNWANTED = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION")


@contextmanager
def stub_all_clients() -> Generator[ReplicationStubber, None, None]:
    """Stub every client, sync or async, that is created within the block.

    The clients may be created anywhere, also with ``client=``. They share one queue
    of responses. A call by a client that was created before the block raises
    ``UnexpectedCall``. In the block, boto3 has a new default session, and environment
    variables set dummy credentials and us-east-1 as the default Region.

    Yields:
        The stubber that queues the responses.
    """
    import boto3  # noqa: PLC0415  # the import is slow, and ReplicationStubber does not need it

    construct = ClientBase.__init__
    call = vars(Operation)["_call"]

    with ReplicationStubber() as stubber:

        def construct_and_attach(client: ClientBase, /, **keywords: Any) -> None:
            construct(client, **keywords)
            stubber._queue.attach(client)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

        def call_if_stubbed(
            operation: Operation[Any, Any],
            context: Context,
            client: BaseClient,
            send: Callable[[], Any],
        ) -> Any:
            if not is_stubbed(client):
                stubber._queue.refuse(  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
                    f"{xform_name(operation.name)} was called by a client created before the "
                    "stub_all_clients() block; use ReplicationStubber(client) to stub that client"
                )
            return call(operation, context, client, send)

        with (
            mock.patch.object(ClientBase, "__init__", construct_and_attach),
            mock.patch.object(Operation, "_call", call_if_stubbed),
            mock.patch.object(boto3, "DEFAULT_SESSION", None),
            mock.patch.dict(os.environ, _ENVIRONMENT),
        ):
            for name in _UNWANTED:
                os.environ.pop(name, None)
            yield stubber


@contextmanager
def instant_waits() -> Generator[None, None, None]:
    """Make the waits of every client take no time within the block."""
    with mock.patch.object(Context, "clock", InstantClock()):
        yield
