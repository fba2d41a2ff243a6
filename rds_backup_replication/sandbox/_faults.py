"""What the sandbox does wrong on purpose: a layer around its WSGI application."""

import re
import socket
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn, get_args
from urllib.parse import parse_qs
from uuid import uuid4
from xml.sax.saxutils import escape

from botocore import xform_name
from botocore.model import ServiceModel
from moto.iam.models import get_account_id_from
from werkzeug.wrappers import Response
from werkzeug.wsgi import get_input_stream

from .._botocore.errors import wire_form
from ..exceptions import ServiceError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

OperationName = Literal[
    "delete_db_instance_automated_backup",
    "describe_db_instance_automated_backups",
    "describe_db_instances",
    "describe_source_regions",
    "restore_db_instance_to_point_in_time",
    "start_db_instance_automated_backups_replication",
    "stop_db_instance_automated_backups_replication",
]
"""The RDS operations that this library calls, under boto3's names."""

_NAMESPACE = "http://rds.amazonaws.com/doc/2014-10-31/"
_CREDENTIAL_SCOPE = re.compile(
    r"Credential=(?P<access_key>[^/]+)/\d+/(?P<region>[^/]+)/rds/aws4_request"
)
_SERVER_ERROR = 500


class ErrorAnswer(NamedTuple):
    """What RDS refuses a request with."""

    code: str
    http_status_code: int
    message: str

    @classmethod
    def of(
        cls, fault: type[ServiceError], service_model: ServiceModel, message: str
    ) -> "ErrorAnswer":
        if fault is ServiceError:
            raise ValueError("ServiceError has no code of its own: name one of its subclasses")
        return cls(*wire_form(fault, service_model), message)

    def response(self) -> Response:
        blamed = "Receiver" if self.http_status_code >= _SERVER_ERROR else "Sender"
        xml = (
            f'<ErrorResponse xmlns="{_NAMESPACE}"><Error><Type>{blamed}</Type>'
            f"<Code>{escape(self.code)}</Code><Message>{escape(self.message)}</Message></Error>"
            f"<RequestId>{uuid4()}</RequestId></ErrorResponse>"
        )
        return Response(xml, self.http_status_code, content_type="text/xml")


@dataclass
class Fault:
    """What goes wrong with which requests, and how often it still will."""

    operation: str | None
    region_name: str | None
    account_id: str | None
    times: int | None
    answer: ErrorAnswer | None
    """``None`` closes the connection instead."""
    takes_effect: bool = False

    def __post_init__(self) -> None:
        names = get_args(OperationName)
        if self.operation is not None and self.operation not in names:
            raise ValueError(
                f"{self.operation!r} is none of the operations that this library calls: "
                f"{', '.join(names)}; None is every RDS operation"
            )
        if self.times is not None and self.times < 1:
            raise ValueError(f"times is {self.times}, and must be at least 1, or None for always")


class Faults:
    """The faults of one sandbox, in the order they were added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._queue.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._queue.clear()

    def around(self, app: "WSGIApplication") -> "WSGIApplication":
        """The application with these faults."""

        def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            fault = self._take_for(environ)
            if fault is None:
                return app(environ, start_response)
            if fault.answer is not None:
                return fault.answer.response()(environ, start_response)
            if fault.takes_effect:
                Response.from_app(app, environ, buffered=True)
            _close_connection(environ)

        return serve

    def _take_for(self, environ: "WSGIEnvironment") -> Fault | None:
        """Uses up the first fault that is meant for this request."""
        scope = _CREDENTIAL_SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        if scope is None:
            return None
        operation = _operation(environ)
        account_id = get_account_id_from(scope["access_key"])
        with self._lock:
            for fault in self._queue:
                if (
                    fault.operation in (None, operation)
                    and fault.region_name in (None, scope["region"])
                    and fault.account_id in (None, account_id)
                ):
                    if fault.times is not None:
                        fault.times -= 1
                        if not fault.times:
                            self._queue.remove(fault)
                    return fault
        return None


def _operation(environ: "WSGIEnvironment") -> str:
    """boto3's name of the operation that a request asks for."""
    body = get_input_stream(environ).read()
    environ["wsgi.input"] = BytesIO(body)  # the application reads it again
    action = parse_qs(body.decode(errors="replace")).get("Action", [""])[0]
    return xform_name(action)


def _close_connection(environ: "WSGIEnvironment") -> NoReturn:
    # The server would keep it open for another request.
    with suppress(OSError):  # the client has closed it already
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    # To werkzeug this is a client that has gone away: it neither answers nor logs.
    raise ConnectionAbortedError
