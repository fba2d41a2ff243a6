"""The base class of the sync and the async client: how a client is made."""

from collections.abc import Callable
from typing import cast

from botocore.client import BaseClient
from botocore.config import Config

from . import _annotations
from ._boto3_types import RDSClient
from ._context import Context
from ._keywords import explain_arguments
from ._models import ApiCall


@explain_arguments
class ClientBase:
    """The constructor and the properties of a client."""

    _context_type: type[Context] = Context

    def __init__(
        self,
        *,
        client: BaseClient | None = None,
        region_name: str | None = None,
        session: "_annotations.AnySession | None" = None,
        config: Config | None = None,
        endpoint_url: str | None = None,
        source_client: BaseClient | None = None,
        kms_client: BaseClient | None = None,
        on_call: Callable[[ApiCall], object] | None = None,
    ) -> None:
        if client is None:
            self._context = self._context_type.of_session(
                session,
                region_name,
                config,
                endpoint_url,
                source_client=source_client,
                kms_client=kms_client,
                on_call=on_call,
            )
        elif (region_name, session, config, endpoint_url) != (None, None, None, None):
            raise TypeError("client= excludes region_name=, session=, config= and endpoint_url=")
        else:
            self._context = self._context_type(client, None, source_client, kms_client, on_call)

    @property
    def client(self) -> RDSClient:
        """Return the boto3 client, typed where ``types-boto3-rds`` is installed."""
        return cast("RDSClient", self._context.client)

    @property
    def region_name(self) -> str:
        """Return the destination Region."""
        return self._context.region_name

    def __repr__(self) -> str:
        return f"{type(self).__name__}(region_name={self.region_name!r})"


def context_of(client: ClientBase) -> Context:
    """Return a client's context, for the parts of this package that build on the client."""
    return client._context  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
