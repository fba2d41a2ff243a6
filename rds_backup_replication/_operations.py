"""The API operations, each written down once, and the way that a call of any of them takes.

Keywords become the request model, its dump becomes boto3's parameters, and the
answer becomes the result model or an exception.
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
from ._botocore.errors import translate_errors
from ._botocore.fork_safety import keep_to_own_connections
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
from ._validation import build_request
from .exceptions import ResponseValidationError, ServiceError

RequestT = TypeVar("RequestT", bound=RequestModel)
ResultT = TypeVar("ResultT", bound=ResponseModel)

_logger = logging.getLogger("rds_backup_replication")


@dataclass(frozen=True)
class Operation(Generic[RequestT, ResultT]):
    """An API operation: what it takes, and which member of its answer holds the result."""

    name: str
    request: type[RequestT]
    result_member: str
    result: type[ResultT]

    def __call__(self, client: BaseClient, request: RequestT) -> ResultT:
        """Sends one request and reads its answer."""
        call = getattr(client, xform_name(self.name))
        answer = self._exchange(client, lambda: call(**_parameters(request)))
        return self._read(self._result_of(answer), answer)

    def iterate(self, client: BaseClient, request: RequestT) -> Iterator[ResultT]:
        """Reads all pages of a listing, each when it is reached."""
        # Not with botocore's paginator: loading it takes as long as reading a page.
        call = getattr(client, xform_name(self.name))
        parameters = _parameters(request)
        markers = {parameters.get("Marker")}
        while True:
            page = self._exchange(client, lambda: call(**parameters))
            for item in self._result_of(page):
                yield self._read(item, page)
            marker = page.get("Marker")
            if not marker:
                return
            # There would be no end; or it comes twice, which botocore makes a list of.
            if not isinstance(marker, str) or marker in markers:
                raise ResponseValidationError(self.name, f"the marker {marker!r} repeats", page)
            markers.add(marker)
            parameters["Marker"] = marker
            del page  # two at once take twice the memory, and time to look for garbage in

    def validate(self, destination: Destination, keywords: Mapping[str, object]) -> RequestT:
        """Makes the request, or names all mistakes in it."""
        return build_request(self.name, self.request, destination, keywords)

    def _exchange(self, client: BaseClient, send: Callable[[], Any]) -> Any:
        keep_to_own_connections(client)
        started = time.perf_counter()
        outcome = "no answer"
        try:
            with translate_errors(self.name):
                answer = send()
        except ServiceError as error:
            outcome = f"{error.code}, {error.request_id}"
            raise
        except ResponseValidationError:
            outcome = "unreadable answer"
            raise
        else:
            outcome = answer.get("ResponseMetadata", {}).get("RequestId", "answered")
            return answer
        finally:
            _logger.debug(
                "%s in %s: %s, %.0f ms",
                self.name,
                client.meta.region_name,
                outcome,
                (time.perf_counter() - started) * 1000,
            )

    def _result_of(self, answer: Mapping[str, Any]) -> Any:
        if self.result_member not in answer:
            raise ResponseValidationError(self.name, f"it has no {self.result_member}", answer)
        return answer[self.result_member]

    def _read(self, item: object, answer: Mapping[str, Any]) -> ResultT:
        try:
            return self.result.model_validate(item)
        except ValidationError as error:
            reason = "; ".join(
                f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}"
                for detail in error.errors(include_url=False)
            )
            raise ResponseValidationError(self.name, reason, answer) from error


def _parameters(request: RequestModel) -> dict[str, Any]:
    return request.model_dump(by_alias=True, exclude_none=True)


START = Operation(
    "StartDBInstanceAutomatedBackupsReplication",
    StartDBInstanceAutomatedBackupsReplicationRequest,
    "DBInstanceAutomatedBackup",
    DBInstanceAutomatedBackup,
)
STOP = Operation(
    "StopDBInstanceAutomatedBackupsReplication",
    StopDBInstanceAutomatedBackupsReplicationRequest,
    "DBInstanceAutomatedBackup",
    DBInstanceAutomatedBackup,
)
DESCRIBE = Operation(
    "DescribeDBInstanceAutomatedBackups",
    DescribeDBInstanceAutomatedBackupsRequest,
    "DBInstanceAutomatedBackups",
    DBInstanceAutomatedBackup,
)
DELETE = Operation(
    "DeleteDBInstanceAutomatedBackup",
    DeleteDBInstanceAutomatedBackupRequest,
    "DBInstanceAutomatedBackup",
    DBInstanceAutomatedBackup,
)
DESCRIBE_SOURCE_REGIONS = Operation(
    "DescribeSourceRegions", DescribeSourceRegionsRequest, "SourceRegions", SourceRegion
)
