"""The sandbox's server, in a thread of the process that uses it."""

import socket
import threading
from datetime import timedelta
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any

import flask_cors  # noqa: F401  # pyright: ignore[reportUnusedImport]  # moto only warns
from boto3.session import Session
from botocore.config import Config
from flask import Flask
from moto.core.base_backend import BackendDict
from moto.core.utils import convert_to_flask_response
from moto.moto_server.werkzeug_app import (  # pyright: ignore[reportMissingTypeStubs]
    DomainDispatcherApplication,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from .._client import BackupReplicationClient
from .._clock import InstantClock
from .._models import DBInstance
from ..exceptions import ServiceError
from ._faults import ErrorAnswer, Fault, Faults, OperationName
from ._guard import guarded
from ._lifecycle import Behavior
from ._rds import SandboxRDSResponse
from ._state import State

if TYPE_CHECKING:
    from typing_extensions import Self

_HOST = "127.0.0.1"
_STOP_CHECK_SECONDS = 0.01
# Moto's backends belong to the process, so only one sandbox at a time can use them.
_process_has_a_sandbox = threading.Lock()


@cache
def _session() -> Session:
    """One for all sandboxes: each would read botocore's data anew."""
    return Session(
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106  # no secret: any is taken
        region_name="us-east-1",
    )


class _QuietRequestHandler(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Says nothing: a request line may carry a presigned URL."""


class Sandbox:
    """An RDS on loopback, running while its ``with`` block does.

    For example::

        with Sandbox() as sandbox:
            instance = sandbox.create_db_instance("us-west-2")
            client = sandbox.client("us-east-1")
            client.start_db_instance_automated_backups_replication(
                source_db_instance_arn=instance.db_instance_arn
            )

    A replication moves on when it is looked at, not by the clock: ``Behavior``
    says after how many looks. RDS's refusals come with their real codes, and with
    their real messages where those are known; a message that begins with
    "Sandbox:" is a stand-in. Everything else of RDS, KMS, STS and so on is moto's.

    One process runs one sandbox at a time. Its data is in memory, and is gone
    when it stops. Any credentials are taken; those of a role assumed through its
    STS act for the role's account, others for account 123456789012.

    Args:
        behavior: When and how a replication moves on.
        port: The TCP port; a free one if 0.

    Attributes:
        endpoint_url: What to pass as ``endpoint_url`` or ``--endpoint-url``.
        session: A boto3 session with made-up credentials.

    Raises:
        RuntimeError: From ``start``, if this process runs a sandbox already.
        OSError: From ``start``, if the port is taken.
    """

    def __init__(self, behavior: Behavior | None = None, *, port: int = 0) -> None:
        self._port = port
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        self._state = State(behavior or Behavior())
        self._faults = Faults()
        self._config = Config(proxies={})  # loopback is not behind a proxy
        self.endpoint_url: str = ""
        self.session: Session = _session()

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
        """Starts to serve; ``with`` does this."""
        if not _process_has_a_sandbox.acquire(blocking=False):
            raise RuntimeError(
                "this process runs a sandbox already, and moto's data belongs to the process"
            )
        try:
            # Bound here: werkzeug would end the process where the port is taken.
            with socket.create_server((_HOST, self._port)) as listener:
                port = listener.getsockname()[1]
                self._server = make_server(
                    _HOST,
                    port,
                    guarded(self._faults.around(DomainDispatcherApplication(self._create_app))),
                    threaded=True,
                    request_handler=_QuietRequestHandler,
                    fd=listener.fileno(),
                )
        except BaseException:
            _process_has_a_sandbox.release()
            raise
        self.reset()
        self.endpoint_url = f"http://{_HOST}:{port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_STOP_CHECK_SECONDS,), daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stops to serve, and forgets everything; leaving ``with`` does this."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = self._thread = None
        self.reset()
        _process_has_a_sandbox.release()

    def reset(self) -> None:
        """Forgets all instances, keys, backups, faults and the advanced clock."""
        BackendDict.reset()
        self._state.reset()
        self._faults.clear()

    def advance(self, by: timedelta) -> None:
        """Moves the clock on: restore windows grow, retained backups expire."""
        with self._state.lock:
            self._state.clock_offset += by

    @property
    def behavior(self) -> Behavior:
        """When and how a replication moves on.

        A new one is for replications that start after it was set; those before
        keep theirs, and ``reset`` does not undo it. Its quota holds at once.
        """
        with self._state.lock:
            return self._state.behavior

    @behavior.setter
    def behavior(self, behavior: Behavior) -> None:
        with self._state.lock:
            self._state.behavior = behavior

    def client(self, region_name: str, *, config: Config | None = None) -> BackupReplicationClient:
        """A client of this library whose destination is a Region of the sandbox.

        Its waits take no time: each pause between two looks is over at once, and
        only counts towards the timeout.

        Args:
            region_name: The destination Region.
            config: botocore's settings, over those of the sandbox.
        """
        client = BackupReplicationClient(
            session=self.session,
            region_name=region_name,
            endpoint_url=self.endpoint_url,
            config=self._merged(config),
        )
        # Looks move a replication on, so there is nothing to sleep for. That is no option of
        # the public constructor, because it never holds for AWS.
        client._clock = InstantClock()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        return client

    def boto3_client(
        self, service_name: str, region_name: str, *, config: Config | None = None
    ) -> Any:
        """A boto3 client: ``rds`` to change sources, ``kms`` to create keys, and so on.

        Args:
            service_name: boto3's name of the service.
            region_name: The Region.
            config: botocore's settings, over those of the sandbox.
        """
        session: Any = self.session  # its stubs are typed by service, for the services installed
        return session.client(
            service_name,
            region_name=region_name,
            endpoint_url=self.endpoint_url,
            config=self._merged(config),
        )

    def create_db_instance(
        self, region_name: str, db_instance_identifier: str = "mydatabase", **settings: Any
    ) -> DBInstance:
        """Creates an instance whose backups can be replicated.

        It is a ``db.t3.micro`` with ``postgres``, 20 GiB and 7 days of backups, as
        far as the settings do not say otherwise.

        Args:
            region_name: The source Region.
            db_instance_identifier: The instance's name.
            **settings: Parameters of boto3's ``create_db_instance``, under its names.

        Returns:
            The instance; its ``db_instance_arn`` is what to start a replication with.

        Raises:
            botocore.exceptions.ClientError: RDS refused it; such a name exists, say.
        """
        parameters: dict[str, Any] = {
            "DBInstanceIdentifier": db_instance_identifier,
            "DBInstanceClass": "db.t3.micro",
            "Engine": "postgres",
            "AllocatedStorage": 20,
            "BackupRetentionPeriod": 7,
            **settings,
        }
        answer = self.boto3_client("rds", region_name).create_db_instance(**parameters)
        return DBInstance.model_validate(answer["DBInstance"])

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
        """Has the next requests of an operation refused, before they take effect.

        Faults queue up: a request uses up the first one that is meant for it. Each
        attempt of botocore's own retries, and each page of a listing, is a request.

        Args:
            operation: boto3's name of the operation; ``None`` is every one of RDS.
            fault: What to refuse with: a class of ``rds_backup_replication.exceptions``,
                sent with the code and HTTP status that RDS has for it.
            message: The refusal's message.
            times: How many requests; ``None`` is all until ``reset``.
            region_name: The Region whose requests are meant; every one if omitted.
            account_id: The account whose requests are meant; every one if omitted.

        Raises:
            ValueError: There is no such operation, ``times`` is below 1, or the fault is
                ``ServiceError`` itself, which has no code.
        """
        service_model = self.boto3_client("rds", "us-east-1").meta.service_model
        answer = ErrorAnswer.of(fault, service_model, message)
        self._faults.add(Fault(operation, region_name, account_id, times, answer))

    def reset_connection(
        self,
        operation: OperationName | None,
        *,
        times: int | None = 1,
        region_name: str | None = None,
        account_id: str | None = None,
    ) -> None:
        """Has the connection closed on the next requests, before they take effect.

        Args:
            operation: As for ``add_fault``, with which these queue up.
            times: How many requests; ``None`` is all until ``reset``.
            region_name: The Region whose requests are meant; every one if omitted.
            account_id: The account whose requests are meant; every one if omitted.

        Raises:
            ValueError: There is no such operation, or ``times`` is below 1.
        """
        self._faults.add(Fault(operation, region_name, account_id, times, answer=None))

    def lose_answer(
        self,
        operation: OperationName | None,
        *,
        times: int | None = 1,
        region_name: str | None = None,
        account_id: str | None = None,
    ) -> None:
        """Has the next requests take effect, and the connection closed instead of the answer.

        Args:
            operation: As for ``add_fault``, with which these queue up.
            times: How many requests; ``None`` is all until ``reset``.
            region_name: The Region whose requests are meant; every one if omitted.
            account_id: The account whose requests are meant; every one if omitted.

        Raises:
            ValueError: There is no such operation, or ``times`` is below 1.
        """
        self._faults.add(
            Fault(operation, region_name, account_id, times, answer=None, takes_effect=True)
        )

    def _merged(self, config: Config | None) -> Config:
        return self._config.merge(config) if config else self._config

    def _create_app(self, service: Any) -> Flask:
        app = create_backend_app(service)
        if service == "rds":

            class Response(SandboxRDSResponse):
                state = self._state

            for endpoint in app.view_functions:
                app.view_functions[endpoint] = convert_to_flask_response(Response.dispatch)
        return app
