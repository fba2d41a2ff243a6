"""The sandbox's server, which runs in a thread of the current process."""

import socket
import threading
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import flask_cors  # noqa: F401  # pyright: ignore[reportUnusedImport]  # without it, moto only logs a warning
from boto3.session import Session
from botocore.config import Config
from flask import Flask
from moto.core.base_backend import AccountSpecificBackend
from moto.core.utils import convert_to_flask_response
from moto.moto_server.werkzeug_app import (  # pyright: ignore[reportMissingTypeStubs]
    DomainDispatcherApplication,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from .. import aio
from .._client import BackupReplicationClient
from .._client_base import ClientBase, context_of
from .._clock import InstantClock
from .._models._instance import DBInstance
from ..exceptions import ServiceError
from ._conditions import Conditions
from ._faults import ErrorResponse, Fault, OperationName
from ._guard import guarded
from ._lifecycle import Behavior
from ._moto import Footprint, sandbox_session, serialize_requests, without_profile
from ._rds import SandboxRDSResponse

if TYPE_CHECKING:
    from typing_extensions import Self

ClientT = TypeVar("ClientT", bound=ClientBase)

_HOST = "127.0.0.1"
_STOP_POLL_SECONDS = 0.01
_SERVICES = ("kms", "rds", "secretsmanager", "sts")  # those that the sandbox's own handlers use
# Moto's backends are global to the process, so only one sandbox at a time can use them.
_process_has_a_sandbox = threading.Lock()


class _QuietRequestHandler(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing, because a request line may contain a presigned URL."""


class Sandbox(Conditions):
    """An RDS server on loopback that runs for the duration of its ``with`` block.

    Example::

        with Sandbox() as sandbox:
            instance = sandbox.create_db_instance("us-west-2")
            client = sandbox.client("us-east-1")
            client.start_db_instance_automated_backups_replication(
                source_db_instance_arn=instance.db_instance_arn
            )

    A replication's status advances with each Describe that selects the replication,
    not with time. ``Behavior`` sets how many calls each status lasts. Errors have RDS's codes, and
    RDS's messages where the wording is known. A message that begins with "Sandbox:"
    is a placeholder. Moto serves everything else, including the rest of RDS, KMS and
    STS.

    A process can run one sandbox at a time. All data is in memory and is lost when
    the sandbox stops. The sandbox accepts any credentials. Those of a role assumed
    through its STS belong to the role's account, all others to account 123456789012.

    Args:
        behavior: How replications behave; the default ``Behavior`` if omitted.
        port: The TCP port, 1 to 65535; 0 picks a free one.

    Attributes:
        endpoint_url: The URL to pass as ``endpoint_url`` or ``--endpoint-url``.
        session: A boto3 session with dummy credentials.

    Raises:
        RuntimeError: Raised by ``start`` if this process already runs a sandbox.
        OSError: Raised by ``start`` if the port is in use.
    """

    def __init__(self, behavior: Behavior | None = None, *, port: int = 0) -> None:
        super().__init__(behavior or Behavior())
        self._port = port
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        self._footprint = Footprint()
        self._config = Config(proxies={})  # ignore the proxies of the environment
        self.endpoint_url: str = ""
        self.session: Session = sandbox_session()

    def __enter__(self) -> "Self":
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server; entering the ``with`` block calls this."""
        if not _process_has_a_sandbox.acquire(blocking=False):
            raise RuntimeError(
                "this process already runs a sandbox; it can run one at a time, "
                "because moto's data is global to the process"
            )
        try:
            # Bind the port here, because werkzeug would exit the process if the port is in use.
            with socket.create_server((_HOST, self._port)) as listener:
                port = listener.getsockname()[1]
                app = self._faults.wrap(DomainDispatcherApplication(self._create_app))
                self._server = make_server(
                    _HOST,
                    port,
                    guarded(self._outages.wrap(app)),
                    threaded=True,
                    request_handler=_QuietRequestHandler,
                    fd=listener.fileno(),
                )
        except BaseException:
            _process_has_a_sandbox.release()
            raise
        with without_profile():
            AccountSpecificBackend.get_session()  # which moto keeps
        self._footprint.note(*_SERVICES)
        self._reset_conditions()
        self.endpoint_url = f"http://{_HOST}:{port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_STOP_POLL_SECONDS,), daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop the server and delete all data; leaving the ``with`` block calls this."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = self._thread = None
        self.reset()
        self._footprint = Footprint()
        _process_has_a_sandbox.release()

    def reset(self) -> None:
        """Delete all that the sandbox's clients have made, and undo all that a test has set.

        Faults and outages end, and the clock is reset. Data that moto held before, such as that
        of ``mock_aws``, stays.
        """
        self._footprint.delete_what_came_later()
        self._reset_conditions()

    def advance(self, by: timedelta) -> None:
        """Advance the clock, so that restore windows grow and retained backups expire.

        Args:
            by: How far to advance the clock.
        """
        with self._state.lock:
            self._state.clock_offset += by

    @property
    def behavior(self) -> Behavior:
        """Return the behavior of new replications.

        An assigned behavior applies to replications started from then on. Existing
        replications keep their own, except that the new quota applies at once.
        ``reset`` does not restore the former behavior.
        """
        with self._state.lock:
            return self._state.behavior

    @behavior.setter
    def behavior(self, behavior: Behavior) -> None:
        with self._state.lock:
            self._state.behavior = behavior

    def client(self, region_name: str, *, config: Config | None = None) -> BackupReplicationClient:
        """Return a client of this library for a destination Region of the sandbox.

        The client's waits take no time: a pause between two polls ends at once, and
        only counts toward the timeout.

        Args:
            region_name: The destination Region.
            config: Botocore settings, which override those of the sandbox.
        """
        return self._without_pauses(BackupReplicationClient(**self._settings(region_name, config)))

    def async_client(
        self, region_name: str, *, config: Config | None = None
    ) -> "aio.AsyncBackupReplicationClient":
        """Return an async client, as ``client`` does. It needs the extra ``async``."""
        settings = self._settings(region_name, config)
        return self._without_pauses(aio.AsyncBackupReplicationClient(**settings))

    def _settings(self, region_name: str, config: Config | None) -> dict[str, Any]:
        return {
            "session": self.session,
            "region_name": region_name,
            "endpoint_url": self.endpoint_url,
            "config": self._merged(config),
        }

    @staticmethod
    def _without_pauses(client: ClientT) -> ClientT:
        # Polls advance a replication, so there is no reason to sleep. The public constructor
        # has no parameter for a clock, because against AWS every wait must sleep.
        context_of(client).clock = InstantClock()
        return client

    def boto3_client(
        self, service_name: str, region_name: str, *, config: Config | None = None
    ) -> Any:
        """Return a boto3 client, such as ``rds`` to change sources or ``kms`` to create keys.

        Args:
            service_name: The service's name in boto3.
            region_name: The Region.
            config: Botocore settings, which override those of the sandbox.
        """
        # The type stubs of boto3 cover only the services whose stubs are installed.
        session: Any = self.session
        return session.client(
            service_name,
            region_name=region_name,
            endpoint_url=self.endpoint_url,
            config=self._merged(config),
        )

    def rename_and_recreate_db_instance(
        self, region_name: str, db_instance_identifier: str = "mydatabase", **settings: Any
    ) -> tuple[DBInstance, DBInstance]:
        """Rename an instance, and create another one under its former name.

        A blue/green switchover has this effect. RDS ties a replication to the resource ID: the
        renamed instance keeps it, and the new one has none. The replicated backup keeps showing
        the former name; how long RDS shows it is unknown.

        Args:
            region_name: The source Region.
            db_instance_identifier: The identifier, to which the renaming adds ``-old1``.
            **settings: Settings of the new instance, as for ``create_db_instance``.

        Returns:
            The renamed instance, and the new one.
        """
        response = self.boto3_client("rds", region_name).modify_db_instance(
            DBInstanceIdentifier=db_instance_identifier,
            NewDBInstanceIdentifier=f"{db_instance_identifier}-old1",
            ApplyImmediately=True,
        )
        renamed = DBInstance.model_validate(response["DBInstance"])
        return renamed, self.create_db_instance(region_name, db_instance_identifier, **settings)

    def create_db_instance(
        self, region_name: str, db_instance_identifier: str = "mydatabase", **settings: Any
    ) -> DBInstance:
        """Create a DB instance whose backups can be replicated.

        Unless the settings override these defaults, the instance has the class
        ``db.t3.micro``, the engine ``postgres``, 20 GiB of storage, and 7 days of
        backup retention.

        Args:
            region_name: The source Region.
            db_instance_identifier: The instance's identifier.
            **settings: Parameters of boto3's ``create_db_instance``, under boto3's names.

        Returns:
            The instance. Pass its ``db_instance_arn`` to start a replication.

        Raises:
            botocore.exceptions.ClientError: RDS refused the request, for example
                because the identifier is in use.
        """
        parameters: dict[str, Any] = {
            "DBInstanceIdentifier": db_instance_identifier,
            "DBInstanceClass": "db.t3.micro",
            "Engine": "postgres",
            "AllocatedStorage": 20,
            "BackupRetentionPeriod": 7,
            **settings,
        }
        response = self.boto3_client("rds", region_name).create_db_instance(**parameters)
        return DBInstance.model_validate(response["DBInstance"])

    def add_fault(
        self,
        operation: OperationName | None,
        fault: type[ServiceError],
        *,
        message: str = "Sandbox: refused by add_fault.",
        times: int | None = 1,
        region_name: str | None = None,
        account_id: str | None = None,
    ) -> None:
        """Refuse the next requests of an operation, so that they do not take effect.

        Faults are queued: each request uses the first fault that applies to it.
        Every retry by botocore and every page of a listing counts as a request.

        Args:
            operation: The operation's name in boto3; ``None`` applies to every RDS
                operation.
            fault: The exception class, from ``rds_backup_replication.exceptions``. The
                sandbox sends the error code and HTTP status that RDS uses for it.
            message: The error message.
            times: Number of requests to refuse, at least 1; ``None`` refuses all until
                ``reset``.
            region_name: The only Region to apply the fault to; every Region if omitted.
            account_id: The only account to apply the fault to; every account if omitted.

        Raises:
            ValueError: The operation is unknown, ``times`` is less than 1, or ``fault``
                is ``ServiceError`` itself, which has no error code.
        """
        service_model = self.boto3_client("rds", "us-east-1").meta.service_model
        error = ErrorResponse.of(fault, service_model, message)
        self._faults.add(Fault(operation, region_name, account_id, times, error))

    def reset_connection(
        self,
        operation: OperationName | None,
        *,
        times: int | None = 1,
        region_name: str | None = None,
        account_id: str | None = None,
    ) -> None:
        """Close the connection of the next requests, so that they do not take effect.

        Args:
            operation: The operation's name in boto3; ``None`` applies to every RDS
                operation. All faults share the queue of ``add_fault``.
            times: Number of requests to apply the fault to, at least 1; ``None`` applies
                to all until ``reset``.
            region_name: The only Region to apply the fault to; every Region if omitted.
            account_id: The only account to apply the fault to; every account if omitted.

        Raises:
            ValueError: The operation is unknown, or ``times`` is less than 1.
        """
        self._faults.add(Fault(operation, region_name, account_id, times, error=None))

    def lose_answer(
        self,
        operation: OperationName | None,
        *,
        times: int | None = 1,
        region_name: str | None = None,
        account_id: str | None = None,
    ) -> None:
        """Let the next requests take effect, but close the connection without a response.

        Args:
            operation: The operation's name in boto3; ``None`` applies to every RDS
                operation. All faults share the queue of ``add_fault``.
            times: Number of requests to apply the fault to, at least 1; ``None`` applies
                to all until ``reset``.
            region_name: The only Region to apply the fault to; every Region if omitted.
            account_id: The only account to apply the fault to; every account if omitted.

        Raises:
            ValueError: The operation is unknown, or ``times`` is less than 1.
        """
        self._faults.add(
            Fault(operation, region_name, account_id, times, error=None, takes_effect=True)
        )

    def _merged(self, config: Config | None) -> Config:
        """Return the sandbox's botocore settings, overridden by the caller's."""
        return self._config.merge(config) if config else self._config

    def _create_app(self, service: Any) -> Flask:
        """Return moto's application for a service, with the sandbox's handlers for RDS."""
        with suppress(ImportError, KeyError):  # some have no data
            self._footprint.note(service)
        app = create_backend_app(service)
        if service == "rds":
            own_state = self._state

            class Response(SandboxRDSResponse):
                state = own_state

            for endpoint in app.view_functions:
                app.view_functions[endpoint] = convert_to_flask_response(Response.dispatch)
        elif service == "s3":
            serialize_requests(app)
        return app
