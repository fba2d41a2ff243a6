"""Pytest fixtures, which pytest discovers through the package's entry point."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .._client import BackupReplicationClient
    from ..aio import AsyncBackupReplicationClient
    from ..sandbox import Sandbox
    from ._stubber import ReplicationStubber

# Every pytest run loads this file, so a fixture imports what it needs when it is used.


@pytest.fixture
def replication_stubber() -> "Iterator[ReplicationStubber]":
    """Yield a stubber that queues responses for every client of the test, sync or async."""
    from ._patches import stub_all_clients

    with stub_all_clients() as stubber:
        yield stubber


@pytest.fixture
def rds_sandbox(monkeypatch: pytest.MonkeyPatch) -> "Iterator[Sandbox]":
    """Yield a sandbox that serves every boto3 client of the test; waits take no time."""
    # Remove the token of a real session, and also AWS_ENDPOINT_URL_RDS and the like, because an
    # endpoint for one service takes precedence over AWS_ENDPOINT_URL.
    unwanted = {"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"}
    unwanted |= {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"}
    unwanted |= {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
    for name in list(os.environ):
        if name.upper() in unwanted or name.startswith("AWS_ENDPOINT_URL_"):
            monkeypatch.delenv(name)
    import boto3  # only now, because moto creates clients when it is imported

    from ..sandbox import Sandbox
    from ._patches import instant_waits

    with Sandbox() as sandbox, instant_waits():
        monkeypatch.setenv("AWS_ENDPOINT_URL", sandbox.endpoint_url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        yield sandbox


@pytest.fixture
def async_sandbox_client(rds_sandbox: "Sandbox") -> "AsyncBackupReplicationClient":
    """Return an async client of the sandbox with us-east-1 as its destination Region."""
    return rds_sandbox.async_client("us-east-1")


@pytest.fixture
def sandbox_client(rds_sandbox: "Sandbox") -> "BackupReplicationClient":
    """Return a client of the sandbox with us-east-1 as its destination Region."""
    return rds_sandbox.client("us-east-1")
