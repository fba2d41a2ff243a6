"""Tests that async clients and sessions are refused, with stand-ins for their classes."""

from typing import Any

import pytest
from boto3.session import Session
from botocore.client import BaseClient
from botocore.session import Session as BotocoreSession

from rds_backup_replication import BackupReplicationClient


class AioBaseClient(BaseClient):
    """As aiobotocore's: a subclass of botocore's client."""

    __module__ = "aiobotocore.client"


class AioSession(BotocoreSession):
    """As aiobotocore's session."""

    __module__ = "aiobotocore.session"


class AioBoto3Session:
    """As aioboto3's session, which has boto3's methods."""

    __module__ = "aioboto3.session"

    def client(self) -> None:
        """Return a context manager in aioboto3."""


class ClientContext:
    """A client that nobody has entered yet, of whatever library."""

    async def __aenter__(self) -> None: ...


def async_client(session: Session, service: str) -> Any:
    """Return a client whose class derives from aiobotocore's, as generated classes do."""
    untyped: Any = session
    real = untyped.client(service, region_name="us-east-1")
    kind: Any = type(type(real).__name__, (AioBaseClient,), {})
    client: Any = kind.__new__(kind)
    client.__dict__.update(vars(real))
    return client


def refuse(parameter: str, kind: str, value: object, session: Session | None = None) -> None:
    keywords: dict[str, Any] = {parameter: value}
    if session is not None:
        keywords |= {"session": session, "region_name": "us-east-1"}
    with pytest.raises(TypeError) as caught:
        BackupReplicationClient(**keywords)
    assert str(caught.value) == (
        f"{parameter}= must be a boto3 {kind}, not an async one. In async code, pass a boto3 "
        f"{kind} to rds_backup_replication.aio.AsyncBackupReplicationClient"
    )


def test_async_clients_are_refused(session: Session) -> None:
    refuse("client", "client", async_client(session, "rds"))
    refuse("client", "client", ClientContext())
    refuse("source_client", "client", async_client(session, "rds"), session)
    refuse("kms_client", "client", async_client(session, "kms"), session)


@pytest.mark.parametrize("value", [AioSession(), AioBoto3Session()])
def test_async_sessions_are_refused(value: object) -> None:
    refuse("session", "session", value)
