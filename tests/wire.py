"""RDS on a loopback socket: a server that records requests, and one that follows a script."""

import threading
from functools import cache
from typing import Any

from boto3.session import Session
from botocore.config import Config

from rds_backup_replication import BackupReplicationClient

from .loopback import LoopbackServer, NoResponse, Reply, Request, Respond, Response, result_xml

SOURCE_ARN = "arn:aws:rds:us-west-2:123456789012:db:mydatabase"
KMS_KEY_ARN = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BACKUP_ARN = "arn:aws:rds:us-east-1:123456789012:auto-backup:ab-jkib2gfq5rv7replzadausbrktni2bn4"


def backup_xml(**members: str) -> str:
    """One backup; a member's value is XML."""
    given = {"DBInstanceArn": SOURCE_ARN, "Status": "pending", **members}
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in given.items())
    return f"<DBInstanceAutomatedBackup>{inner}</DBInstanceAutomatedBackup>"


def listing_xml(*backups: str) -> str:
    """A page of backups, the last."""
    inner = f"<DBInstanceAutomatedBackups>{''.join(backups)}</DBInstanceAutomatedBackups>"
    return result_xml("DescribeDBInstanceAutomatedBackups", inner)


@cache
def shared_session() -> Session:
    """One for all clients: making one reads botocore's data anew."""
    return Session(aws_access_key_id="testing", aws_secret_access_key="testing")


class RDSServer(LoopbackServer):
    """A server that keeps what it receives, and the clients for it."""

    def __init__(self, respond: Respond) -> None:
        super().__init__(self._record)
        self.received: list[Request] = []
        self.asked = threading.Event()
        """Set by the first request."""
        self._answer = respond

    def client(
        self,
        region_name: str = "us-east-1",
        *,
        retries: int = 0,
        max_pool_connections: int = 32,
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
        )

    def _record(self, request: Request) -> Reply:
        self.received.append(request)
        self.asked.set()
        return self._answer(request)


class ScriptedRDS(RDSServer):
    """A server that responds by its script in order, with the last response for ever."""

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
        """Add a connection that closes without a response."""
        self.script.append(NoResponse.CLOSE)

    def stalls(self) -> None:
        """Add a response that never comes."""
        self.script.append(NoResponse.STALL)

    def _next(self, _: Request) -> Reply:
        return self.script.pop(0) if self.script[1:] else self.script[0]
