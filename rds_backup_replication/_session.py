"""How boto3 clients are made."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
from botocore.client import BaseClient
from botocore.config import Config

from ._faults import watch_answers
from ._version import __version__

if TYPE_CHECKING:
    from boto3.session import Session

ClientFactory = Callable[[str, str | None], BaseClient]
"""Takes the service and the Region; ``None`` is the session's own Region."""

# botocore's create_client is not safe to call from several threads at once.
_lock = threading.Lock()


class Boto3Clients:
    """Makes clients from one session, endpoint and configuration, each of them once."""

    def __init__(
        self, session: "Session | None", config: Config | None, endpoint_url: str | None
    ) -> None:
        config = config or Config()
        # user_agent_extra is set on Config by its constructor, from a table of options.
        agent = f"{getattr(config, 'user_agent_extra', None) or ''} "
        agent += f"rds-backup-replication/{__version__}"
        self._settings = {
            "endpoint_url": endpoint_url,
            "config": config.merge(Config(user_agent_extra=agent.strip())),
        }
        # boto3's default session if None; its stubs are typed by the services installed.
        self._source: Any = session or boto3
        self._made: dict[tuple[str, str | None], BaseClient] = {}

    def __call__(self, service_name: str, region_name: str | None) -> BaseClient:
        with _lock:
            client = self._made.get((service_name, region_name))
            if client is None:
                client = self._source.client(
                    service_name, region_name=region_name, **self._settings
                )
                self._made[service_name, region_name] = client
            return client


def prepared(client: object, parameter: str) -> BaseClient:
    """The client, ready for use here, if it is one of boto3's for RDS."""
    if not isinstance(client, BaseClient):
        raise TypeError(f"{parameter}= must be a boto3 client, not {type(client).__name__}")
    service = client.meta.service_model.service_name
    if service != "rds":
        raise TypeError(f"{parameter}= must be boto3's client for rds, not for {service}")
    watch_answers(client.meta.events)
    return client
