"""How boto3 clients are made."""

import gc
import gzip
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import NoRegionError
from botocore.loaders import JSONFileLoader, Loader, create_loader
from botocore.session import Session as BotocoreSession
from pydantic_core import SchemaValidator, core_schema, from_json

from .._redact import hide_secrets
from .._version import __version__
from .errors import watch_answers
from .fork_safety import keep_to_own_connections

if TYPE_CHECKING:
    from boto3.session import Session

    AnySession = Session | BotocoreSession

ClientFactory = Callable[[str, str | None], BaseClient]
"""Takes the service and the Region; ``None`` is the session's own Region."""

ENDPOINTS_KEPT = ("kms", "oidc", "portal.sso", "rds", "signin", "sts")
"""By botocore's prefixes."""

_AGENT = f"rds-backup-replication/{__version__}"
_CONFIG = Config(user_agent_extra=_AGENT)

# botocore's create_client is not safe to call from several threads at once.
CREATE_LOCK = threading.Lock()


class Boto3Clients:
    """Makes clients from one session, endpoint and configuration, each of them once."""

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
        # user_agent_extra is set on Config by its constructor, from a table of options.
        theirs = getattr(config, "user_agent_extra", None)
        if config is None:
            config = _CONFIG
        else:
            agent = f"{theirs} {_AGENT}" if theirs else _AGENT
            config = config.merge(Config(user_agent_extra=agent))
        self._settings = {"endpoint_url": endpoint_url, "config": config}
        self._session = session
        self._made: dict[tuple[str, str | None], BaseClient] = {}

    def __call__(self, service_name: str, region_name: str | None) -> BaseClient:
        with CREATE_LOCK:
            client = self._made.get((service_name, region_name))
            if client is None:
                create = _client_method(self._session)
                try:
                    client = create(service_name, region_name=region_name, **self._settings)
                except ValueError as error:
                    hide_secrets(error)
                    # An empty Region, as an unset variable leaves it, is none, but not to botocore.
                    if f"//{service_name}.." not in str(error):
                        raise
                    raise NoRegionError from error
                if not client.meta.region_name:
                    raise NoRegionError
                self._made[service_name, region_name] = client
            return client


class QuickFiles(JSONFileLoader):
    """Reads botocore's data with pydantic's JSON parser, twice as fast as Python's."""

    def load_file(self, file_path: str) -> Any:
        parse = _endpoints if Path(file_path).name == "endpoints" else from_json
        for suffix, opened in ((".json", open), (".json.gz", gzip.open)):
            if Path(f"{file_path}{suffix}").is_file():
                with opened(f"{file_path}{suffix}", "rb") as file:
                    return parse(file.read())
        return None


@contextmanager
def _no_garbage() -> Generator[None, None, None]:
    """A client's hundred thousand objects stay: to look for garbage among them costs, in vain."""
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_enabled:
            gc.enable()


def _endpoints(data: bytes) -> Any:
    """Where services are, but of four hundred only those that this library and credentials use.

    For others, botocore goes by the pattern of the partition.
    """
    field = core_schema.typed_dict_field
    services = {name: field(core_schema.any_schema(), required=False) for name in ENDPOINTS_KEPT}
    partition = core_schema.typed_dict_schema(
        {"services": field(core_schema.typed_dict_schema(services, extra_behavior="ignore"))},
        extra_behavior="allow",
    )
    partitions = {"partitions": field(core_schema.list_schema(partition))}
    schema = core_schema.typed_dict_schema(partitions, extra_behavior="allow")
    return SchemaValidator(schema).validate_json(data)


class QuickLoader(Loader):
    """Does not look into all of botocore's four hundred services to find the one asked for."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002  # botocore's
        """What may be a service; whether it has the type is seen when that is loaded."""
        folders = [Path(path) for path in self.search_paths]
        return [entry.name for path in folders if path.is_dir() for entry in path.iterdir()]


@lru_cache
def _quick_loader(data_path: str | None) -> QuickLoader:
    """One for all sessions: it keeps what it has read."""
    paths = create_loader(data_path).search_paths
    return QuickLoader(paths, QuickFiles(), include_default_search_paths=False)


def quick_session(profile_name: str | None = None) -> BotocoreSession:
    """A session of botocore's that reads its data faster."""
    session = BotocoreSession(profile=profile_name)
    loader = _quick_loader(session.get_config_variable("data_path"))
    session.register_component("data_loader", loader)
    return session


_default_session: BotocoreSession | None = None


def _client_method(session: "AnySession | None") -> Callable[..., BaseClient]:
    """What makes clients: the session, or boto3's default one.

    Where boto3 has not been imported, nobody can have set up its default session, and
    a session of botocore's own does the same without the time that importing boto3 takes.
    """
    global _default_session  # noqa: PLW0603  # shared by all clients, as boto3's is
    if isinstance(session, BotocoreSession):
        return session.create_client
    # Both are typed by the services installed. Another thread may be importing boto3 right now.
    source: Any = session or sys.modules.get("boto3")
    if session is not None or hasattr(source, "client"):
        create: Callable[..., BaseClient] = source.client
        return create
    if _default_session is None:
        _default_session = quick_session()
    return _no_garbage()(_default_session.create_client)


def prepare_client(client: object, parameter: str) -> BaseClient:
    """The client, ready for use here, if it is one of boto3's for RDS."""
    if not isinstance(client, BaseClient):
        raise TypeError(f"{parameter}= must be a boto3 client, not {type(client).__name__}")
    service = client.meta.service_model.service_name
    if service != "rds":
        raise TypeError(f"{parameter}= must be boto3's client for rds, not for {service}")
    watch_answers(client.meta.events)
    keep_to_own_connections(client)
    return client
