"""Faults that tests inject, and the WSGI middleware that applies them."""

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
from ._regions import is_region

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

OperationName = Literal[
    "delete_db_instance",
    "delete_db_instance_automated_backup",
    "describe_account_attributes",
    "describe_db_instance_automated_backups",
    "describe_db_instances",
    "describe_db_parameter_groups",
    "describe_db_parameters",
    "describe_db_subnet_groups",
    "describe_option_groups",
    "describe_orderable_db_instance_options",
    "describe_source_regions",
    "modify_db_instance",
    "restore_db_instance_to_point_in_time",
    "start_db_instance_automated_backups_replication",
    "stop_db_instance_automated_backups_replication",
]
"""The boto3 name of an RDS operation that this library calls."""

_NAMESPACE = "http://rds.amazonaws.com/doc/2014-10-31/"
_CREDENTIAL_SCOPE = re.compile(
    r"Credential=(?P<access_key>[^/]+)/\d+/(?P<region>[^/]+)/rds/aws4_request"
)
_FORBIDDEN = 403
_SERVER_ERROR = 500


class ErrorResponse(NamedTuple):
    """An RDS error response."""

    code: str
    http_status_code: int
    message: str

    @classmethod
    def of(
        cls, fault: type[ServiceError], service_model: ServiceModel, message: str
    ) -> "ErrorResponse":
        """Return the response that the client translates to this exception class."""
        if fault is ServiceError:
            raise ValueError("ServiceError has no error code of its own: use one of its subclasses")
        return cls(*wire_form(fault, service_model), message)

    def to_wsgi(self) -> Response:
        """Return the response in the XML format of the query protocol."""
        error_type = "Receiver" if self.http_status_code >= _SERVER_ERROR else "Sender"
        xml = (
            f'<ErrorResponse xmlns="{_NAMESPACE}"><Error><Type>{error_type}</Type>'
            f"<Code>{escape(self.code)}</Code><Message>{escape(self.message)}</Message></Error>"
            f"<RequestId>{uuid4()}</RequestId></ErrorResponse>"
        )
        return Response(xml, self.http_status_code, content_type="text/xml")


@dataclass
class Fault:
    """A fault, the requests it applies to, and how often."""

    operation: str | None
    region_name: str | None
    account_id: str | None
    times: int | None
    error: ErrorResponse | None
    """The response to send; ``None`` closes the connection instead."""
    takes_effect: bool = False

    def __post_init__(self) -> None:
        names = get_args(OperationName)
        if self.operation is not None and self.operation not in names:
            raise ValueError(
                f"operation={self.operation!r} is not an operation that this library calls. "
                f"Use one of {', '.join(names)}, or None for every RDS operation"
            )
        if self.times is not None and self.times < 1:
            raise ValueError(f"times={self.times} must be at least 1, or None for no limit")


class FaultQueue:
    """The faults of one sandbox, in the order in which they were added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def wrap(self, app: "WSGIApplication") -> "WSGIApplication":
        """Return the application with these faults applied to its requests."""

        def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            region = _unknown_region(environ)
            if region is not None:
                message = f"Credential should be scoped to a valid region, not '{region}'."
                error = ErrorResponse("SignatureDoesNotMatch", _FORBIDDEN, message)
                return error.to_wsgi()(environ, start_response)
            fault = self._take_for(environ)
            if fault is None:
                return app(environ, start_response)
            if fault.error is not None:
                return fault.error.to_wsgi()(environ, start_response)
            if fault.takes_effect:
                Response.from_app(app, environ, buffered=True)
            close_connection(environ)

        return serve

    def _take_for(self, environ: "WSGIEnvironment") -> Fault | None:
        """Return the first fault that applies to this request, and count it as used."""
        scope = _CREDENTIAL_SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        if scope is None:
            return None
        operation = _read_operation(environ)
        account_id = get_account_id_from(scope["access_key"])
        with self._lock:
            for fault in self._faults:
                if (
                    fault.operation in (None, operation)
                    and fault.region_name in (None, scope["region"])
                    and fault.account_id in (None, account_id)
                ):
                    if fault.times is not None:
                        fault.times -= 1
                        if not fault.times:
                            self._faults.remove(fault)
                    return fault
        return None


def _unknown_region(environ: "WSGIEnvironment") -> str | None:
    """Return the Region that a request to RDS is signed for, if moto does not know it."""
    scope = _CREDENTIAL_SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    return None if scope is None or is_region(scope["region"]) else str(scope["region"])


def _read_operation(environ: "WSGIEnvironment") -> str:
    """Return the boto3 name of the requested operation."""
    body = get_input_stream(environ).read()
    environ["wsgi.input"] = BytesIO(body)  # so that the application can read the body again
    action = parse_qs(body.decode(errors="replace")).get("Action", [""])[0]
    return xform_name(action)


def close_connection(environ: "WSGIEnvironment") -> NoReturn:
    """Close the client's connection without a response."""
    # Werkzeug would keep the connection open for the next request.
    with suppress(OSError):  # the client may have closed the connection already
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    # Werkzeug treats this exception as a client that disconnected: no response, no log entry.
    raise ConnectionAbortedError
