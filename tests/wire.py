"""RDS on a loopback socket: a server that records requests, and one that follows a script."""

import threading
from collections.abc import Callable
from functools import cache
from typing import Any

from boto3.session import Session
from botocore.config import Config

from rds_backup_replication import ApiCall, BackupReplicationClient
from rds_backup_replication._client_base import context_of

from .loopback import LoopbackServer, NoResponse, Reply, Request, Respond, Response, result_xml

SOURCE_ARN = "arn:aws:rds:us-west-2:123456789012:db:mydatabase"
KMS_KEY_ARN = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BACKUP_ARN = "arn:aws:rds:us-east-1:123456789012:auto-backup:ab-jkib2gfq5rv7replzadausbrktni2bn4"


def backup_xml(**members: str) -> str:
    """Return a backup. The values of its members are XML."""
    given = {"DBInstanceArn": SOURCE_ARN, "Status": "pending", **members}
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in given.items())
    return f"<DBInstanceAutomatedBackup>{inner}</DBInstanceAutomatedBackup>"


def listing_xml(*backups: str) -> str:
    """Return the last page of a listing of backups."""
    inner = f"<DBInstanceAutomatedBackups>{''.join(backups)}</DBInstanceAutomatedBackups>"
    return result_xml("DescribeDBInstanceAutomatedBackups", inner)


def source_regions_xml(*, supported: bool = True) -> str:
    """Return a response that lists one source Region without its name."""
    member = "SupportsDBInstanceAutomatedBackupsReplication"
    return result_xml(
        "DescribeSourceRegions",
        f"<SourceRegions><SourceRegion><{member}>{str(supported).lower()}</{member}>"
        "</SourceRegion></SourceRegions>",
    )


def source_xml(**members: str) -> str:
    """Return a response that describes the source. The values of its members are XML."""
    given = {
        "DBInstanceArn": SOURCE_ARN,
        "DBInstanceStatus": "available",
        "Engine": "postgres",
        "BackupRetentionPeriod": "7",
        "StorageEncrypted": "false",
        **members,
    }
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in given.items())
    return result_xml(
        "DescribeDBInstances", f"<DBInstances><DBInstance>{inner}</DBInstance></DBInstances>"
    )


def replications_xml(*backup_arns: str) -> str:
    """Return the replications of a source, each with the ARN of its replicated backup."""
    return "".join(
        "<DBInstanceAutomatedBackupsReplication><DBInstanceAutomatedBackupsArn>"
        f"{arn}</DBInstanceAutomatedBackupsArn></DBInstanceAutomatedBackupsReplication>"
        for arn in backup_arns
    )


@cache
def shared_session() -> Session:
    """Return the session of all clients, because every new session reads botocore's data again."""
    return Session(aws_access_key_id="testing", aws_secret_access_key="testing")


class RDSServer(LoopbackServer):
    """A server that keeps the requests, and that creates clients for itself."""

    def __init__(self, respond: Respond) -> None:
        super().__init__(self._record)
        self.received: list[Request] = []
        self.asked = threading.Event()
        """Set by the first request."""
        self._respond = respond

    def client(
        self,
        region_name: str = "us-east-1",
        *,
        retries: int = 0,
        max_pool_connections: int = 32,
        on_call: Callable[[ApiCall], object] | None = None,
        **config: Any,
    ) -> BackupReplicationClient:
        """Return a client that sends its requests here."""
        settings = Config(
            retries={"total_max_attempts": retries + 1},
            max_pool_connections=max_pool_connections,
            proxies={},
            **config,
        )
        return BackupReplicationClient(
            session=shared_session(),
            region_name=region_name,
            endpoint_url=self.endpoint_url,
            config=settings,
            on_call=on_call,
        )

    def lone_client(self, region_name: str = "us-east-1", **config: Any) -> BackupReplicationClient:
        """Return a client made from boto3 clients, which cannot ask the source Region."""
        client = self.client(region_name, **config)
        return BackupReplicationClient(
            client=client.client, kms_client=context_of(client).kms_client()
        )

    def _record(self, request: Request) -> Reply:
        self.received.append(request)
        self.asked.set()
        return self._respond(request)


class ScriptedRDS(RDSServer):
    """A server that sends the responses of its script in order, and repeats the last one."""

    def __init__(self) -> None:
        super().__init__(self._next)
        self.script: list[Reply] = []

    def answers(self, body: str | bytes, status: int = 200) -> None:
        """Add a response."""
        self.script.append(Response(body, status))

    def cuts_off(self, body: str) -> None:
        """Add a response whose connection closes before its last bytes."""
        self.script.append(Response(body[:-9], missing=9))

    def resets(self) -> None:
        """Add a connection that the server closes without a response."""
        self.script.append(NoResponse.CLOSE)

    def stalls(self) -> None:
        """Add a connection that stays open without a response."""
        self.script.append(NoResponse.STALL)

    def _next(self, _: Request) -> Reply:
        return self.script.pop(0) if self.script[1:] else self.script[0]
