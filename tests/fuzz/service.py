"""A scripted AWS that responds in place of botocore's HTTP session."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from ..loopback import Response, error_xml, result_xml
from ..wire import BACKUP_ARN, SOURCE_ARN, backup_xml, listing_xml
from .transport import make_response

_MAX_REQUESTS = 400  # a wait may last years, so end it with a refusal
_WINDOW = (
    "<EarliestTime>2026-01-01T00:00:00Z</EarliestTime><LatestTime>2026-01-31T00:00:00Z</LatestTime>"
)
_CREDENTIALS = (
    "<Credentials><AccessKeyId>a</AccessKeyId><SecretAccessKey>b</SecretAccessKey>"
    "<SessionToken>c</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
)


def _backup(status: str) -> str:
    return backup_xml(
        Region="us-west-2",
        BackupRetentionPeriod="14",
        DBInstanceAutomatedBackupsArn=BACKUP_ARN,
        RestoreWindow=_WINDOW if status != "pending" else "",
        Status=status,
    )


_INSTANCE = (
    f"<DBInstanceArn>{SOURCE_ARN}</DBInstanceArn><DBInstanceIdentifier>mydatabase"
    "</DBInstanceIdentifier><DBInstanceStatus>available</DBInstanceStatus><Engine>postgres"
    "</Engine><BackupRetentionPeriod>7</BackupRetentionPeriod><DbiResourceId>db-A</DbiResourceId>"
)
_ROW = (
    "<SourceRegion><RegionName>us-west-2</RegionName><SupportsDBInstanceAutomatedBackupsReplication>"
    "true</SupportsDBInstanceAutomatedBackupsReplication></SourceRegion>"
)


def _success(action: str, status: str) -> str:
    if not action:  # requests to KMS have no action, because KMS uses JSON
        return '{"KeyMetadata": {"KeyId": "1234abcd"}}'
    if action == "DescribeDBInstanceAutomatedBackups":
        return listing_xml(*([_backup(status)] if status else []))
    inner = {
        "AssumeRole": _CREDENTIALS,
        "DescribeDBInstances": f"<DBInstances><DBInstance>{_INSTANCE}</DBInstance></DBInstances>",
        "DescribeSourceRegions": f"<SourceRegions>{_ROW}</SourceRegions>",
        "RestoreDBInstanceToPointInTime": f"<DBInstance>{_INSTANCE}</DBInstance>",
    }.get(action, _backup(status or "pending"))
    return result_xml(action, inner)


_NO_RESPONSE: dict[str, Callable[[str], Exception]] = {
    "unreachable": lambda url: EndpointConnectionError(endpoint_url=url),
    "slow": lambda url: ReadTimeoutError(endpoint_url=url),
    "no connection": lambda url: ConnectTimeoutError(endpoint_url=url),
}
_REFUSALS = {
    "denied": ("AccessDenied", "Not <you>.", 403),
    "busy": ("InvalidDBInstanceState", "[bold]Busy[/bold]", 400),
    "none": ("DBInstanceAutomatedBackupNotFound", "None.", 404),
    "not replicating": ("InvalidDBInstanceState", "not replicating to the current region", 400),
    "throttled": ("Throttling", "Rate exceeded", 400),
    "broken": ("InternalFailure", "", 500),
    "odd": ("Ünknown\u202e", "\x85 {x} %s", 418),
}
_BODIES = {"garbage": b"\xff<", "empty": b"", "page": b"<html>Sign in</html>", "other": b"<a/>"}
STATUSES = ("replicating", "Pending", "retained", "deleting", "new", "")
KINDS = (*STATUSES, *_NO_RESPONSE, *_REFUSALS, *_BODIES)


class Service:
    """A service that responds to each request by the next kind in its script, in a loop."""

    def __init__(self, script: Sequence[str]) -> None:
        self._script = script
        self._count = 0

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Return the response, or raise the error of a failed connection."""
        kind = (
            self._script[self._count % len(self._script)]
            if self._count < _MAX_REQUESTS
            else "denied"
        )
        self._count += 1
        if kind in _NO_RESPONSE:
            raise _NO_RESPONSE[kind](request.url)
        if kind in _REFUSALS:
            code, message, status = _REFUSALS[kind]
            return make_response(request.url, Response(error_xml(code, message), status))
        body: Any = request.body
        text = body.decode() if isinstance(body, bytes) else body
        action = parse_qs(text).get("Action", [""])[0]
        body = _BODIES[kind] if kind in _BODIES else _success(action, kind)
        return make_response(request.url, Response(body))
