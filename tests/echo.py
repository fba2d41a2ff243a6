"""A responder for RDS that returns the requested name, so that mixed-up responses show."""

from collections.abc import Callable

from .loopback import Reply, Request, Response, error_xml, result_xml
from .wire import backup_xml


def _started(name: str) -> str:
    return backup_xml(DBInstanceArn=name)


_RESULTS: dict[str, Callable[[str], str]] = {
    "DescribeDBInstanceAutomatedBackups": lambda name: (
        "<DBInstanceAutomatedBackups>"
        f"{backup_xml(DBInstanceIdentifier=name)}</DBInstanceAutomatedBackups>"
    ),
    "DescribeSourceRegions": lambda name: (
        f"<SourceRegions><SourceRegion><RegionName>{name}</RegionName></SourceRegion>"
        "</SourceRegions>"
    ),
    "RestoreDBInstanceToPointInTime": lambda name: (
        f"<DBInstance><DBInstanceIdentifier>{name}</DBInstanceIdentifier></DBInstance>"
    ),
    "DeleteDBInstanceAutomatedBackup": lambda name: backup_xml(DbiResourceId=name),
}
_NAMES = ("DBInstanceIdentifier", "DbiResourceId", "TargetDBInstanceIdentifier", "RegionName")
REFUSED, GARBLED = "refused", "garbled"


def echo(request: Request) -> Reply:
    """Return a response with the requested name, or the error or garbage that the name requests."""
    parameters = request.parameters
    action, arn = parameters["Action"], parameters.get("SourceDBInstanceArn", "")
    name = arn or next(parameters[member] for member in _NAMES if member in parameters)
    if REFUSED in name:
        return Response(error_xml("DBInstanceNotFound", name), 404)
    if GARBLED in name:
        return Response(f"<garbled>{name}")
    return Response(result_xml(action, _RESULTS.get(action, _started)(name)))
