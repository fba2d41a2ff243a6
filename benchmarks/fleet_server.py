"""An AWS of many accounts on loopback that takes its time: run in a process of its own.

Each account has the same instances in each source Region, all replicated or none. It
answers every request after a fixed time, prints its address, and ends when its standard
input does.
"""

import argparse
import asyncio
import re
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache, partial
from typing import cast

from .answers import answer

SOURCES = ("ca-central-1", "eu-west-1", "us-west-1", "us-west-2")
DESTINATION = "us-east-1"
_PAGE = 100
_SCOPE = re.compile(rb"Credential=(?:A(\d{12})|\w+)/\d+/([a-z0-9-]+)/")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ACTION = re.compile(rb"Action=(\w+)")
_MARKER = re.compile(rb"Marker=(\d+)")
_ROLE = re.compile(rb"%3A%3A(\d{12})%3Arole")
_SOURCE_ARN = re.compile(rb"SourceDBInstanceArn=([^&]+)")
_ACCOUNT = b"000000000000"
_CALLER = b"000000000001"


def _instance(region: str, number: int) -> str:
    """About what RDS says of an instance: it is long."""
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
    """A page of one account's; the others' differ in the number alone."""
    if operation == "DescribeDBInstances":
        rows = [_instance(region, number) for number in range(count)]
        member = "DBInstances"
    else:
        rows = [_backup(source, number) for source in SOURCES for number in range(count)]
        member = "DBInstanceAutomatedBackups"
    end = begin + _PAGE
    marker = f"<Marker>{end}</Marker>" if end < len(rows) else ""
    return answer(operation, f"<{member}>{''.join(rows[begin:end])}</{member}>{marker}")


class _Aws(asyncio.Protocol):
    """One connection. No streams, whose time would be taken from the clients' cores."""

    def __init__(self, latency: float, instances: int, *, replicated: bool) -> None:
        self._latency = latency
        self._instances = instances
        self._replicated = replicated
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """A request, or a part of it: a client sends the next when this one is answered."""
        self._received += data
        head, has_ended, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if has_ended and len(body) == (int(length[1]) if length else 0):
            self._received = b""
            loop = asyncio.get_running_loop()
            loop.call_later(self._latency, self._send, head, body)

    def _send(self, head: bytes, body: bytes) -> None:
        text = self._answer(head, body)
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%b"
            % (len(text), text)
        )

    def _answer(self, head: bytes, body: bytes) -> bytes:
        action = _ACTION.search(body)
        operation = action[1].decode() if action else ""
        if operation == "AssumeRole":
            role = _ROLE.search(body)
            account = role[1].decode() if role else ""
            result = (
                f"<Credentials><AccessKeyId>A{account}</AccessKeyId><SecretAccessKey>secret"
                "</SecretAccessKey><SessionToken>token</SessionToken>"
                "<Expiration>2100-01-01T00:00:00Z</Expiration></Credentials>"
            )
            return answer(operation, result)
        scope = _SCOPE.search(head)
        account_id = (scope and scope[1]) or _CALLER
        region = scope[2].decode() if scope else DESTINATION
        marker = _MARKER.search(body)
        begin = int(marker[1]) if marker else 0
        if operation == "DescribeSourceRegions":
            rows = "".join(
                f"<SourceRegion><RegionName>{source}</RegionName>"
                "<SupportsDBInstanceAutomatedBackupsReplication>true"
                "</SupportsDBInstanceAutomatedBackupsReplication></SourceRegion>"
                for source in SOURCES
            )
            return answer(operation, f"<SourceRegions>{rows}</SourceRegions>")
        if operation.startswith("Start"):
            arn = _SOURCE_ARN.search(body)
            source_arn = arn[1].decode().replace("%3A", ":") if arn else ""
            return answer(
                operation,
                f"<DBInstanceAutomatedBackup><DBInstanceArn>{source_arn}</DBInstanceArn>"
                "<Status>pending</Status></DBInstanceAutomatedBackup>",
            )
        count = self._instances
        if operation == "DescribeDBInstanceAutomatedBackups" and not self._replicated:
            count = 0
        return _page(operation, region, begin, count).replace(_ACCOUNT, account_id)


async def _main(connection: Callable[[], _Aws]) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(connection, "127.0.0.1", 0)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


@contextmanager
def running(latency: float, instances: int, *, replicated: bool) -> Generator[str, None, None]:
    """The address of one that runs."""
    arguments = [str(latency), str(instances), *(["--replicated"] if replicated else [])]
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        if process.stdout is None:
            raise AssertionError("it is a pipe")
        yield process.stdout.readline().strip()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("latency", type=float)
    parser.add_argument("instances", type=int)
    parser.add_argument("--replicated", action="store_true")
    given = parser.parse_args()
    connection = partial(_Aws, given.latency, given.instances, replicated=given.replicated)
    asyncio.run(_main(connection))
