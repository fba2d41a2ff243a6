"""The boto3 client, destination and clock that one client's operations and workflows share."""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from botocore.client import BaseClient
from botocore.config import Config

from ._api_call import OnCall
from ._arn import Destination, parse_arn
from ._botocore.client_factory import ClientFactory, SessionClients, prepare_client
from ._clock import Clock
from ._redact import short_repr
from ._steps import Report, ResultT, Step, Steps

if TYPE_CHECKING:
    from ._annotations import AnySession


class Context:
    """The boto3 client for the destination, and the boto3 clients that answer questions.

    ``clients`` makes boto3 clients of the same session for other Regions and services. It is
    ``None`` where only a boto3 client was given. ``source_client`` and ``kms_client`` are the
    caller's own; they take precedence.
    """

    clock: Clock = time  # the testing kit replaces it

    def __init__(
        self,
        client: BaseClient,
        clients: ClientFactory | None,
        source_client: BaseClient | None = None,
        kms_client: BaseClient | None = None,
        on_call: OnCall | None = None,
    ) -> None:
        if on_call is not None and not callable(on_call):
            raise TypeError(f"on_call= must be callable, not {short_repr(on_call)}")
        self.on_call: OnCall | None = on_call
        self.client: BaseClient = prepare_client(client, "client")
        self.region_name: str = self.client.meta.region_name
        self.destination = Destination(self.region_name, client.meta.partition)
        self.clients: ClientFactory | None = clients
        self._source_client = source_client and prepare_client(source_client, "source_client")
        self._kms_client = kms_client and prepare_client(kms_client, "kms_client", "kms")
        if kms_client is not None and kms_client.meta.region_name != self.region_name:
            raise ValueError(
                f"kms_client= must be a client for {self.region_name}, the destination Region, not "
                f"for {kms_client.meta.region_name}"
            )

    @classmethod
    def of_session(
        cls,
        session: "AnySession | None",
        region_name: str | None,
        config: Config | None,
        endpoint_url: str | None,
        *,
        source_client: BaseClient | None = None,
        kms_client: BaseClient | None = None,
        on_call: OnCall | None = None,
    ) -> "Context":
        """Return a context whose clients are made of one session."""
        clients = SessionClients(session, config, endpoint_url)
        client = clients("rds", region_name)
        return cls(client, clients, source_client, kms_client, on_call)

    def run(self, steps: Steps[ResultT]) -> ResultT:
        """Run a workflow to its end, and return its result."""
        try:
            resume: Callable[[], Step] = partial(next, steps)
            while True:
                step = resume()
                resume = partial(next, steps)
                try:
                    if isinstance(step, Report):
                        step.callback(step.value)
                    else:
                        self.clock.sleep(step)
                # The workflow may log it. The time of a try does not matter beside a pause.
                except BaseException as error:  # noqa: BLE001
                    resume = partial(steps.throw, error)
        except StopIteration as end:
            result: ResultT = end.value
            return result

    def flatten(self, pages: Iterator[Iterable[ResultT]]) -> Iterator[ResultT]:
        """Return an iterator over the items of all pages."""
        return chain.from_iterable(pages)

    def close(self) -> None:
        """Close the connections of the clients that this context made."""
        if isinstance(self.clients, SessionClients):
            self.clients.close()

    @property
    def given_clients(self) -> list[BaseClient]:
        """Return the caller's own clients for the source and for KMS."""
        return [client for client in (self._source_client, self._kms_client) if client]

    def client_in(self, region_name: str) -> BaseClient:
        """Return a boto3 RDS client for a Region, or raise a ``TypeError``."""
        if self.clients is None:
            raise TypeError("a client made with client= cannot call other Regions")
        return prepare_client(self.clients("rds", region_name), "source_client")

    def source_client(self, source_arn: str) -> BaseClient | None:
        """Return a boto3 RDS client for a source's Region, or ``None`` if there is none."""
        arn = parse_arn(source_arn)
        given = self._source_client
        if arn is None or (given is not None and given.meta.region_name == arn.region):
            return given
        return None if self.clients is None else self.client_in(arn.region)

    def kms_client(self, region_name: str | None = None) -> BaseClient | None:
        """Return a boto3 KMS client for a Region, or ``None`` if there is none.

        The default is the destination.
        """
        given = self._kms_client if region_name in (None, self.region_name) else None
        if given is not None or self.clients is None:
            return given
        return self.clients("kms", region_name or self.region_name)
