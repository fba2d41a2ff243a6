"""The API operations, each defined once, and the one way that all calls take.

Keywords become a request model, the request becomes boto3's parameters, and the response becomes
a model or an exception.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any, Generic, TypeVar

from botocore import xform_name
from botocore.client import BaseClient
from pydantic import ValidationError

from ._api_call import CallRecord
from ._arn import Destination
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
from .exceptions import ResponseValidationError

RequestT = TypeVar("RequestT", bound=RequestModel)
ResultT = TypeVar("ResultT", bound=ResponseModel)


class Operation(Generic[RequestT, ResultT]):
    """An API operation: its request, and the member of its response that holds the result."""

    def __init__(self, request: type[RequestT], result_member: str, result: type[ResultT]) -> None:
        self.request: type[RequestT] = request
        self.result_member: str = result_member
        self.result: type[ResultT] = result

    @property
    def name(self) -> str:
        """Return AWS's name of the operation, which the request's class bears, too."""
        return self.request.__name__.removesuffix("Request")

    def call(self, context: Context, /, **keywords: object) -> ResultT:
        """Validate the keywords, send the request to the destination, and return its result."""
        request = self.build_request(context.destination, **keywords)
        return self.send(context, request)

    def list(self, context: Context, /, **keywords: object) -> Iterator[ResultT]:
        """Validate the keywords at once, and return an iterator over the items of all pages."""
        return chain.from_iterable(self.list_pages(context, **keywords))

    def list_pages(self, context: Context, /, **keywords: object) -> Iterator[Iterator[ResultT]]:
        """Validate the keywords at once, and return an iterator over all pages."""
        request = self.build_request(context.destination, **keywords)
        return self._pages(context, request, context.client)

    def build_request(self, destination: Destination, /, **keywords: object) -> RequestT:
        """Return the request, or raise all errors in its parameters at once."""
        return build_request(self.name, self.request, destination, keywords)

    def send(self, context: Context, request: RequestT) -> ResultT:
        """Send one request to the destination and return its result."""
        client = context.client
        call = self._method_of(client)
        parameters = request.model_dump(by_alias=True, exclude_none=True)
        response = self._call(context, client, lambda: call(**parameters))
        return self._read(client, self._result_in(client, response), response)

    def iterate(
        self, context: Context, request: RequestT, client: BaseClient | None = None
    ) -> Iterator[ResultT]:
        """Return an iterator over all pages, each fetched when it is reached.

        Without a ``client`` for another Region, the destination is asked.
        """
        return chain.from_iterable(self._pages(context, request, client or context.client))

    def _pages(
        self, context: Context, request: RequestT, client: BaseClient
    ) -> Iterator[Iterator[ResultT]]:
        # Loading botocore's paginator takes as long as reading a page.
        call = self._method_of(client)
        parameters = request.model_dump(by_alias=True, exclude_none=True)
        markers = {parameters.get("Marker")}
        while True:
            page = self._call(context, client, lambda: call(**parameters))
            yield self._read_items(client, page)
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

    def _call(self, context: Context, client: BaseClient, send: Callable[[], Any]) -> Any:
        with (
            CallRecord(client, self.name, context.on_call) as record,
            ErrorTranslation(client, self.name),
        ):
            record.response = response = send()
        return response

    def _read_items(self, client: BaseClient, page: Mapping[str, Any]) -> Iterator[ResultT]:
        for item in self._result_in(client, page):
            yield self._read(client, item, page)

    def _method_of(self, client: BaseClient) -> Callable[..., Any]:
        method: Callable[..., Any] | None = getattr(client, xform_name(self.name), None)
        if method is None:
            raise missing_from_boto3(self.name)
        return method

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
