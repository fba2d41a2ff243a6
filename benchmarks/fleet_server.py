"""A server on loopback that plays AWS with many accounts, and responds after a fixed time.

Each account has the same instances in each source Region; either all of them are replicated or
none. The server runs in its own process, prints its address, and ends when its standard input ends.
"""

import argparse
import re
import time
from contextlib import AbstractContextManager
from functools import cache

from tests.loopback import NoResponse, Reply, Request, Response

from . import server
from .responses import result_body

SOURCES = ("ca-central-1", "eu-west-1", "us-west-1", "us-west-2")
DESTINATION = "us-east-1"
_PAGE = 100
_SCOPE = re.compile(rb"Credential=(?:A(\d{12})|\w+)/\d+/([a-z0-9-]+)/")
_ACCOUNT = b"000000000000"
_CALLER = b"000000000001"


def _instance(region: str, number: int) -> str:
    """Return an instance that is about as long as those of RDS."""
    name = f"orders-{number:04}"
    return (
        f"<DBInstance><DBInstanceIdentifier>{name}</DBInstanceIdentifier>"
        f"<DBInstanceClass>db.r6g.large</DBInstanceClass><Engine>postgres</Engine>"
        "<DBInstanceStatus>available</DBInstanceStatus><MasterUsername>postgres</MasterUsername>"
        f"<Endpoint><Address>{name}.abcdefgh.{region}.rds.amazonaws.com</Address><Port>5432</Port>"
        "<HostedZoneId>Z1PVIF0B656C1W</HostedZoneId></Endpoint>"
        "<AllocatedStorage>100</AllocatedStorage>"
        "<InstanceCreateTime>2025-12-04T15:28:31.417Z</InstanceCreateTime>"
        "<PreferredBackupWindow>03:00-03:30</PreferredBackupWindow>"
        "<BackupRetentionPeriod>7</BackupRetentionPeriod><DBSecurityGroups/><VpcSecurityGroups>"
        "<VpcSecurityGroupMembership><VpcSecurityGroupId>sg-0123456789</VpcSecurityGroupId>"
        "<Status>active</Status></VpcSecurityGroupMembership></VpcSecurityGroups>"
        f"<AvailabilityZone>{region}a</AvailabilityZone><MultiAZ>true</MultiAZ>"
        "<EngineVersion>16.4</EngineVersion><LatestRestorableTime>2026-01-18T19:59:57Z"
        "</LatestRestorableTime><StorageType>gp3</StorageType>"
        "<StorageEncrypted>false</StorageEncrypted>"
        f"<DbiResourceId>db-JKIB2GFQ5RV7REPLZA4EXAM{number:04}</DbiResourceId>"
        f"<DBInstanceArn>arn:aws:rds:{region}:{_ACCOUNT.decode()}:db:{name}</DBInstanceArn>"
        "<TagList><Tag><Key>env</Key><Value>prod</Value></Tag></TagList></DBInstance>"
    )


def _backup(region: str, number: int) -> str:
    name = f"orders-{number:04}"
    return (
        "<DBInstanceAutomatedBackup>"
        f"<DBInstanceArn>arn:aws:rds:{region}:{_ACCOUNT.decode()}:db:{name}</DBInstanceArn>"
        f"<DbiResourceId>db-JKIB2GFQ5RV7REPLZA4EXAM{number:04}</DbiResourceId>"
        f"<Region>{region}</Region><DBInstanceIdentifier>{name}</DBInstanceIdentifier>"
        "<RestoreWindow><EarliestTime>2026-01-04T23:13:21.030Z</EarliestTime>"
        "<LatestTime>2100-01-18T19:59:57Z</LatestTime></RestoreWindow>"
        "<AllocatedStorage>100</AllocatedStorage><Status>replicating</Status><Port>5432</Port>"
        "<InstanceCreateTime>2025-12-04T15:28:31.417Z</InstanceCreateTime>"
        "<MasterUsername>postgres</MasterUsername><Engine>postgres</Engine>"
        "<EngineVersion>16.4</EngineVersion><Encrypted>false</Encrypted>"
        "<StorageType>gp3</StorageType><BackupRetentionPeriod>14</BackupRetentionPeriod>"
        "<DBInstanceAutomatedBackupsArn>"
        f"arn:aws:rds:{DESTINATION}:{_ACCOUNT.decode()}:auto-backup:ab-{region}{number:04}"
        "</DBInstanceAutomatedBackupsArn></DBInstanceAutomatedBackup>"
    ).replace(f"ab-{region}", f"ab-{region.replace('-', '')}")


@cache
def _page(operation: str, region: str, begin: int, count: int) -> bytes:
    """Return a page for one account; other accounts differ only in the account ID."""
    if operation == "DescribeDBInstances":
        rows = [_instance(region, number) for number in range(count)]
        member = "DBInstances"
    else:
        rows = [_backup(source, number) for source in SOURCES for number in range(count)]
        member = "DBInstanceAutomatedBackups"
    end = begin + _PAGE
    marker = f"<Marker>{end}</Marker>" if end < len(rows) else ""
    return result_body(operation, f"<{member}>{''.join(rows[begin:end])}</{member}>{marker}")


class _AWS:
    """A function that responds to every request after the same time, except in one Region."""

    def __init__(
        self, latency: float, instances: int, *, replicated: bool, hanging: str | None = None
    ) -> None:
        self._latency = latency
        self._instances = instances
        self._replicated = replicated
        self._hanging = hanging

    def __call__(self, request: Request) -> Reply:
        """Wait, and return the response to a request, or none in the Region that hangs."""
        scope = _SCOPE.search(request.head)
        if scope and scope[2].decode() == self._hanging:
            return NoResponse.STALL
        time.sleep(self._latency)
        return Response(self._body(request))

    def _body(self, request: Request) -> bytes:
        parameters = request.parameters
        operation = parameters["Action"]
        if operation == "AssumeRole":
            account = parameters["RoleArn"].split(":")[4]
            result = (
                f"<Credentials><AccessKeyId>A{account}</AccessKeyId><SecretAccessKey>secret"
                "</SecretAccessKey><SessionToken>token</SessionToken>"
                "<Expiration>2100-01-01T00:00:00Z</Expiration></Credentials>"
            )
            return result_body(operation, result)
        if operation == "DescribeSourceRegions":
            rows = "".join(
                f"<SourceRegion><RegionName>{source}</RegionName>"
                "<SupportsDBInstanceAutomatedBackupsReplication>true"
                "</SupportsDBInstanceAutomatedBackupsReplication></SourceRegion>"
                for source in SOURCES
            )
            return result_body(operation, f"<SourceRegions>{rows}</SourceRegions>")
        if operation.startswith("Start"):
            return result_body(
                operation,
                "<DBInstanceAutomatedBackup>"
                f"<DBInstanceArn>{parameters['SourceDBInstanceArn']}</DBInstanceArn>"
                "<Status>pending</Status></DBInstanceAutomatedBackup>",
            )
        scope = _SCOPE.search(request.head)
        account_id = (scope and scope[1]) or _CALLER
        region = scope[2].decode() if scope else DESTINATION
        count = self._instances
        if operation == "DescribeDBInstanceAutomatedBackups" and not self._replicated:
            count = 0
        page = _page(operation, region, int(parameters.get("Marker", 0)), count)
        return page.replace(_ACCOUNT, account_id)


def running(
    latency: float, instances: int, *, replicated: bool, hanging: str | None = None
) -> AbstractContextManager[str]:
    """Run a server in its own process, and yield its address."""
    arguments = [str(latency), str(instances), *(["--replicated"] if replicated else [])]
    if hanging is not None:
        arguments += ["--hanging", hanging]
    return server.running(__name__, *arguments)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("latency", type=float)
    parser.add_argument("instances", type=int)
    parser.add_argument("--replicated", action="store_true")
    parser.add_argument("--hanging", metavar="REGION")
    arguments = parser.parse_args()
    server.serve(_AWS(**vars(arguments)))
