"""How boto3 clients are made, and made ready for this library."""

import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import NoRegionError, ProfileNotFound
from botocore.session import Session as BotocoreSession

from .._redact import has_line_break, hide_secrets, name_line_break
from .._validation import check_region_name
from .._version import __version__
from .credential_errors import retrieval_error
from .fast_loader import make_fast_session
from .fork_safety import protect_from_forks
from .hooks import register_hooks

if TYPE_CHECKING:
    from .._annotations import AnySession

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
        _refuse_async(session, "session", "session")
        # Wrong types would fail deep in botocore. The session's class would cost importing boto3.
        if not (
            session is None or isinstance(session, BotocoreSession) or hasattr(session, "client")
        ):
            raise TypeError(f"session= must be a boto3 session, not {type(session).__name__}")
        if config is not None and not isinstance(config, Config):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"config= must be a botocore Config, not {type(config).__name__}")
        self._config = config
        self._settings: dict[str, Any] = {"endpoint_url": endpoint_url}
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
        if region_name is not None:
            check_region_name(region_name, "region_name")
        try:
            source: Any = self._session or _shared_session()
            session = _botocore_session(source)
            config = _merge_config(session, self._config)
            if region_name is None:
                _check_default_region(session, config)
            # boto3-stubs types a session's client method by the installed services.
            is_botocore = isinstance(source, BotocoreSession)
            create: Callable[..., BaseClient] = (
                source.create_client if is_botocore else source.client
            )
            client = create(service_name, region_name=region_name, config=config, **self._settings)
        except Exception as error:
            if failure := retrieval_error(error):
                raise failure from None
            hide_secrets(error)
            if isinstance(error, ProfileNotFound) and has_line_break(str(error.kwargs["profile"])):
                name = name_line_break(str(error.kwargs["profile"]))
                raise ProfileNotFound(profile=name) from error
            raise
        if not client.meta.region_name:
            raise NoRegionError
        if isinstance(client, BaseClient):  # pyright: ignore[reportUnnecessaryIsInstance]
            protect_from_forks(client)
        return client


def _botocore_session(source: object) -> BotocoreSession | None:
    """Return the botocore session of a boto3 session, or ``None`` of an object with neither."""
    session = source if isinstance(source, BotocoreSession) else getattr(source, "_session", None)
    return session if isinstance(session, BotocoreSession) else None


def _merge_config(session: BotocoreSession | None, config: Config | None) -> Config:
    """Return the session's and the caller's configuration, with this library's User-Agent.

    botocore merges the configurations, too, but keeps only one ``user_agent_extra``.
    """
    default = session.get_default_client_config() if session else None
    merged = default.merge(config) if default and config else default or config
    if merged is None:
        return _CONFIG
    # Config's constructor sets its attributes from a table, which hides them from mypy.
    extra = getattr(merged, "user_agent_extra", None)
    agent = f"{extra} {_USER_AGENT}" if extra else _USER_AGENT
    return merged.merge(Config(user_agent_extra=agent))


def _check_default_region(session: BotocoreSession | None, config: Config) -> None:
    """Raise an error if the Region that applies without an argument is invalid."""
    name: object = getattr(config, "region_name", None)
    if name is None and session is not None:
        name = session.get_config_variable("region")
    if name == "":  # as an unset variable leaves it
        raise NoRegionError
    if name is not None:
        origin = "(of the session, the environment or the profile) "
        check_region_name(name, "region_name", origin)


_default_session: BotocoreSession | None = None


def _shared_session() -> "AnySession":
    """Return the session that all clients without one share.

    Where boto3 has been imported, the default session is boto3's. Elsewhere nobody can have set
    it up, so a botocore session does the same without the time that importing boto3 takes.
    """
    global _default_session  # noqa: PLW0603  # shared by all clients, as boto3's is
    boto3: Any = sys.modules.get("boto3")
    if hasattr(boto3, "client"):  # another thread may be importing boto3
        if boto3.DEFAULT_SESSION is None:
            boto3.setup_default_session()
        return cast("AnySession", boto3.DEFAULT_SESSION)
    if _default_session is None:
        _default_session = make_fast_session()
    return _default_session


_ASYNC_PACKAGES = {"aioboto3", "aiobotocore"}


def _refuse_async(value: object, parameter: str, kind: str) -> None:
    """Raise a ``TypeError`` for an async client or session: its calls would return coroutines.

    The async libraries derive their classes from those of botocore and boto3.
    """
    packages = {base.__module__.partition(".")[0] for base in type(value).__mro__}
    is_async = packages & _ASYNC_PACKAGES or hasattr(type(value), "__aenter__")
    if is_async:
        raise TypeError(
            f"{parameter}= must be a boto3 {kind}, not an async one. In async code, pass a boto3 "
            f"{kind} to rds_backup_replication.aio.AsyncBackupReplicationClient"
        )


def prepare_client(client: object, parameter: str, service_name: str = "rds") -> BaseClient:
    """Return a boto3 client with this library's hooks, or raise a ``TypeError``."""
    _refuse_async(client, parameter, "client")
    if not isinstance(client, BaseClient):
        raise TypeError(f"{parameter}= must be a boto3 client, not {type(client).__name__}")
    service = client.meta.service_model.service_name
    if service != service_name:
        raise TypeError(
            f"{parameter}= must be a boto3 client for {service_name}, not for {service}"
        )
    check_region_name(client.meta.region_name, f"{parameter}.meta.region_name")
    if service == "rds":
        register_hooks(client.meta.events)
    protect_from_forks(client)
    return client
