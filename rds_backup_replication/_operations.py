"""The API operations, each defined once, and the one way that all calls take.

Keywords become a request model, the request becomes boto3's parameters, and the response becomes
a model or an exception.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from botocore import xform_name
from botocore.client import BaseClient
from pydantic import ValidationError

from ._arn import Destination
from ._botocore.fork_safety import drop_inherited_connections
from ._botocore.hooks import ErrorTranslation
from ._botocore.outdated import missing_from_boto3
from ._context import Context
from ._credentials import read_credentials
from ._models import (
    DBInstanceAutomatedBackup,
    DeleteDBInstanceAutomatedBackupRequest,
    DescribeDBInstanceAutomatedBackupsRequest,
    DescribeSourceRegionsRequest,
    RequestModel,
    ResponseModel,
    SourceRegion,
    StartDBInstanceAutomatedBackupsReplicationRequest,
    StopDBInstanceAutomatedBackupsReplicationRequest,
)
from ._redact import SecretFilter
from ._validation import build_request
from .exceptions import ResponseValidationError, ServiceError

RequestT = TypeVar("RequestT", bound=RequestModel)
ResultT = TypeVar("ResultT", bound=ResponseModel)

_logger = logging.getLogger("rds_backup_replication")


@dataclass(frozen=True)
class Operation(Generic[RequestT, ResultT]):
    """An API operation: its request, and the member of its response that holds the result."""

    request: type[RequestT]
    result_member: str
    result: type[ResultT]

    @property
    def name(self) -> str:
        """Return AWS's name of the operation, which the request's class bears, too."""
        return self.request.__name__.removesuffix("Request")

    def call(self, context: Context, /, **keywords: object) -> ResultT:
        """Validate the keywords, send the request to the destination, and return its result."""
        request = self.build_request(context.destination, **keywords)
        return self.send(context.client, request)

    def list(self, context: Context, /, **keywords: object) -> Iterator[ResultT]:
        """Validate the keywords at once, and return an iterator over all pages."""
        request = self.build_request(context.destination, **keywords)
        return self.iterate(context.client, request)

    def build_request(self, destination: Destination, /, **keywords: object) -> RequestT:
        """Return the request, or raise all errors in its parameters at once."""
        return build_request(self.name, self.request, destination, keywords)

    def send(self, client: BaseClient, request: RequestT) -> ResultT:
        """Send one request and return its result."""
        call = self._method_of(client)
        parameters = request.model_dump(by_alias=True, exclude_none=True)
        response = self._call(client, lambda: call(**parameters))
        return self._read(client, self._result_in(client, response), response)

    def iterate(self, client: BaseClient, request: RequestT) -> Iterator[ResultT]:
        """Yield the items of all pages; each page is fetched when it is reached."""
        # Loading botocore's paginator takes as long as reading a page.
        call = self._method_of(client)
        parameters = request.model_dump(by_alias=True, exclude_none=True)
        markers = {parameters.get("Marker")}
        while True:
            page = self._call(client, lambda: call(**parameters))
            for item in self._result_in(client, page):
                yield self._read(client, item, page)
            marker = page.get("Marker")
            if not marker:
                return
            # A repeated marker would loop forever. If the element occurs twice, botocore returns
            # a list.
            if not isinstance(marker, str) or marker in markers:
                raise self._invalid_response(client, f"the marker {marker!r} repeats", page)
            markers.add(marker)
            parameters["Marker"] = marker
            del page  # two pages at once would take twice the memory

    def _method_of(self, client: BaseClient) -> Callable[..., Any]:
        method: Callable[..., Any] | None = getattr(client, xform_name(self.name), None)
        if method is None:
            raise missing_from_boto3(self.name)
        return method

    def _call(self, client: BaseClient, send: Callable[[], Any]) -> Any:
        drop_inherited_connections(client)
        started = time.perf_counter()
        outcome = "no response"
        try:
            with ErrorTranslation(client, self.name):
                response = send()
        except ServiceError as error:
            outcome = f"{error.code}, {error.request_id}"
            raise
        except ResponseValidationError:
            outcome = "invalid response"
            raise
        else:
            outcome = response.get("ResponseMetadata", {}).get("RequestId", "no request ID")
            return response
        finally:
            _logger.debug(
                "%s in %s: %s, %.0f ms",
                self.name,
                client.meta.region_name,
                outcome,
                (time.perf_counter() - started) * 1000,
            )

    def _result_in(self, client: BaseClient, response: Mapping[str, Any]) -> Any:
        if self.result_member not in response:
            reason = f"{self.result_member} is missing"
            raise self._invalid_response(client, reason, response)
        return response[self.result_member]

    def _read(self, client: BaseClient, item: object, response: Mapping[str, Any]) -> ResultT:
        try:
            return self.result.model_validate(item)
        except ValidationError as error:
            reason = "; ".join(
                f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}"
                for detail in error.errors(include_url=False)
            )
            raise self._invalid_response(client, reason, response) from error

    def _invalid_response(
        self, client: BaseClient, reason: str, response: Mapping[str, Any]
    ) -> ResponseValidationError:
        secrets = SecretFilter([read_credentials(client)])  # the server may repeat the headers
        return ResponseValidationError(
            self.name, secrets.clean_text(reason), secrets.clean(response)
        )


START = Operation(
    StartDBInstanceAutomatedBackupsReplicationRequest,
    "DBInstanceAutomatedBackup",
    DBInstanceAutomatedBackup,
)
STOP = Operation(
    StopDBInstanceAutomatedBackupsReplicationRequest,
    "DBInstanceAutomatedBackup",
    DBInstanceAutomatedBackup,
)
DESCRIBE = Operation(
    DescribeDBInstanceAutomatedBackupsRequest,
    "DBInstanceAutomatedBackups",
    DBInstanceAutomatedBackup,
)
DELETE = Operation(
    DeleteDBInstanceAutomatedBackupRequest, "DBInstanceAutomatedBackup", DBInstanceAutomatedBackup
)
DESCRIBE_SOURCE_REGIONS = Operation(DescribeSourceRegionsRequest, "SourceRegions", SourceRegion)
