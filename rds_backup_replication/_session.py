"""How a boto3 RDS client is made."""

import threading
from typing import TYPE_CHECKING, Any

import boto3
from botocore.client import BaseClient
from botocore.config import Config

from ._version import __version__

if TYPE_CHECKING:
    from boto3.session import Session

# botocore's create_client is not safe to call from several threads at once.
_lock = threading.Lock()


def create_rds_client(
    session: "Session | None",
    region_name: str | None,
    config: Config | None,
    endpoint_url: str | None,
) -> BaseClient:
    """Makes a client from the session, or from boto3's default one."""
    config = config or Config()
    # user_agent_extra is set on Config by its constructor, from a table of options.
    agent = (
        f"{getattr(config, 'user_agent_extra', None) or ''} rds-backup-replication/{__version__}"
    )
    source: Any = session or boto3  # its stubs are typed by service, for the services installed
    with _lock:
        client: BaseClient = source.client(
            "rds",
            region_name=region_name,
            endpoint_url=endpoint_url,
            config=config.merge(Config(user_agent_extra=agent.strip())),
        )
    return client
