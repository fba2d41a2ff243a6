"""The boto3 client, destination and clock that one client's operations and workflows share."""

import time
from typing import TYPE_CHECKING

from botocore.client import BaseClient
from botocore.config import Config

from ._arn import Destination, parse_arn
from ._botocore.client_factory import ClientFactory, SessionClients, prepare_client
from ._clock import Clock

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
    ) -> None:
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
    ) -> "Context":
        """Return a context whose clients are made of one session."""
        clients = SessionClients(session, config, endpoint_url)
        return cls(clients("rds", region_name), clients, source_client, kms_client)

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

    def kms_client(self) -> BaseClient | None:
        """Return a boto3 KMS client for the destination, or ``None`` if there is none."""
        if self._kms_client is not None or self.clients is None:
            return self._kms_client
        return self.clients("kms", self.region_name)
