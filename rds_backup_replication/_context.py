"""The boto3 client, destination and clock that one client's operations and workflows share."""

import time
from typing import TYPE_CHECKING

from botocore.client import BaseClient
from botocore.config import Config

from ._arn import Destination, parse_arn
from ._botocore.client_factory import ClientFactory, SessionClients, prepare_client
from ._clock import Clock

if TYPE_CHECKING:
    from ._botocore.client_factory import AnySession


class Context:
    """The boto3 client for the destination, and a factory of clients for elsewhere.

    ``clients`` makes boto3 clients of the same session for other Regions and services. It is
    ``None`` where only a boto3 client was given.
    """

    clock: Clock = time  # the testing kit replaces it

    def __init__(self, client: BaseClient, clients: ClientFactory | None) -> None:
        self.client: BaseClient = prepare_client(client, "client")
        self.region_name: str = self.client.meta.region_name
        self.destination = Destination(self.region_name.lower(), client.meta.partition)
        self.clients: ClientFactory | None = clients

    @classmethod
    def of_session(
        cls,
        session: "AnySession | None",
        region_name: str | None,
        config: Config | None,
        endpoint_url: str | None,
    ) -> "Context":
        """Return a context whose clients are made of one session."""
        clients = SessionClients(session, config, endpoint_url)
        return cls(clients("rds", region_name), clients)

    def client_in(self, region_name: str) -> BaseClient:
        """Return a boto3 RDS client for a Region, or raise a ``TypeError``."""
        if self.clients is None:
            raise TypeError("a client made with client= cannot call other Regions")
        return prepare_client(self.clients("rds", region_name), "source_client")

    def source_client(self, source_arn: str) -> BaseClient | None:
        """Return a boto3 RDS client for a source's Region, or ``None`` if none can be made."""
        arn = parse_arn(source_arn)
        return None if arn is None or self.clients is None else self.client_in(arn.region)
