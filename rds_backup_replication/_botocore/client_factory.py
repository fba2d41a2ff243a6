"""How boto3 clients are made, and made ready for this library."""

import re
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import InvalidRegionError, NoRegionError, ProfileNotFound
from botocore.session import Session as BotocoreSession

from .._redact import has_line_break, hide_secrets, name_line_break
from .._version import __version__
from .credential_errors import retrieval_error
from .fast_loader import make_fast_session
from .fork_safety import protect_from_forks
from .hooks import register_hooks

if TYPE_CHECKING:
    from boto3.session import Session

    AnySession = Session | BotocoreSession

_USER_AGENT = f"rds-backup-replication/{__version__}"
_CONFIG = Config(user_agent_extra=_USER_AGENT)

# botocore's create_client is not safe to call from several threads at once.
CREATE_LOCK = threading.Lock()

ClientFactory = Callable[[str, str | None], BaseClient]
"""Takes a service and a Region; ``None`` stands for the session's own Region."""


class SessionClients:
    """A factory of clients of one session, endpoint and configuration; each is made once."""

    def __init__(
        self, session: "AnySession | None", config: Config | None, endpoint_url: str | None
    ) -> None:
        # Wrong types would fail deep in botocore. The session's class would cost importing boto3.
        if not (
            session is None or isinstance(session, BotocoreSession) or hasattr(session, "client")
        ):
            raise TypeError(f"session= must be a boto3 session, not {type(session).__name__}")
        if config is not None and not isinstance(config, Config):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"config= must be a botocore Config, not {type(config).__name__}")
        if config is None:
            config = _CONFIG
        else:
            # Config's constructor sets this attribute from a table, which hides it from mypy.
            extra = getattr(config, "user_agent_extra", None)
            agent = f"{extra} {_USER_AGENT}" if extra else _USER_AGENT
            config = config.merge(Config(user_agent_extra=agent))
        self._settings = {"endpoint_url": endpoint_url, "config": config}
        self._session = session
        self._clients: dict[tuple[str, str | None], BaseClient] = {}

    def __call__(self, service_name: str, region_name: str | None) -> BaseClient:
        """Return the client for a service in a Region."""
        with CREATE_LOCK:
            client = self._clients.get((service_name, region_name))
            if client is None:
                client = self._create(service_name, region_name)
                self._clients[service_name, region_name] = client
            return client

    def close(self) -> None:
        """Close the connections of all clients; a later call opens new ones."""
        for client in list(self._clients.values()):
            client.close()

    def _create(self, service_name: str, region_name: str | None) -> BaseClient:
        try:
            create = _client_method(self._session)
            client = create(service_name, region_name=region_name, **self._settings)
        except Exception as error:
            if failure := retrieval_error(error):
                raise failure from None
            hide_secrets(error)
            if explained := _explain(error, service_name):
                raise explained from error
            raise
        if not client.meta.region_name:
            raise NoRegionError
        check_region(client)
        if isinstance(client, BaseClient):  # pyright: ignore[reportUnnecessaryIsInstance]
            protect_from_forks(client)
        return client


def _explain(error: Exception, service_name: str) -> Exception | None:
    """Return an error that names the cause, or ``None`` if botocore's own error does."""
    if isinstance(error, (InvalidRegionError, ProfileNotFound)):
        for parameter, name in error.kwargs.items():
            if has_line_break(str(name)):
                return type(error)(**{parameter: name_line_break(str(name))})
    elif isinstance(error, ValueError):
        # botocore builds the URL of an empty Region, as an unset variable leaves it, and of a
        # Region that ends in a line break.
        match = re.search(rf"//{service_name}\.([^./]*[\r\n])?\.", str(error))
        if match is not None:
            name = match[1]
            return (
                InvalidRegionError(region_name=name_line_break(name)) if name else NoRegionError()
            )
    return None


def check_region(client: BaseClient) -> None:
    """Raise an error if the Region has a line break: no request could be sent."""
    if has_line_break(client.meta.region_name):
        raise InvalidRegionError(region_name=name_line_break(client.meta.region_name))


_default_session: BotocoreSession | None = None


def _client_method(session: "AnySession | None") -> Callable[..., BaseClient]:
    """Return the method that makes clients: the session's, or that of a default session.

    Where boto3 has been imported, the default session is boto3's. Elsewhere nobody can have set
    it up, so a botocore session does the same without the time that importing boto3 takes.
    """
    global _default_session  # noqa: PLW0603  # shared by all clients, as boto3's is
    if isinstance(session, BotocoreSession):
        return session.create_client
    # boto3-stubs types both by the installed services. Another thread may be importing boto3.
    source: Any = session or sys.modules.get("boto3")
    if session is not None or hasattr(source, "client"):
        create: Callable[..., BaseClient] = source.client
        return create
    if _default_session is None:
        _default_session = make_fast_session()
    return _default_session.create_client


def prepare_client(client: object, parameter: str, service_name: str = "rds") -> BaseClient:
    """Return a boto3 client with this library's hooks, or raise a ``TypeError``."""
    if not isinstance(client, BaseClient):
        raise TypeError(f"{parameter}= must be a boto3 client, not {type(client).__name__}")
    service = client.meta.service_model.service_name
    if service != service_name:
        raise TypeError(
            f"{parameter}= must be a boto3 client for {service_name}, not for {service}"
        )
    check_region(client)
    if service == "rds":
        register_hooks(client.meta.events)
    protect_from_forks(client)
    return client
