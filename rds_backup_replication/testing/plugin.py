"""Fixtures for pytest, which finds them by itself."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .._client import BackupReplicationClient
    from ..sandbox import Sandbox
    from ._stubber import ReplicationStubber

# Every run of pytest loads this file: what a fixture needs is imported in the fixture.


@pytest.fixture
def replication_stubber() -> "Iterator[ReplicationStubber]":
    """Prepared answers for every BackupReplicationClient that the test makes."""
    from ._stubber import stub_all_clients

    with stub_all_clients() as stubber:
        yield stubber


@pytest.fixture
def rds_sandbox(monkeypatch: pytest.MonkeyPatch) -> "Iterator[Sandbox]":
    """An RDS on loopback, where every boto3 client that the test makes goes; waits take no time."""
    # Also a real session's token, and a single service's endpoint, which goes before any other.
    unwanted = {"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"}
    unwanted |= {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"}
    unwanted |= {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
    for name in list(os.environ):
        if name.upper() in unwanted or name.startswith("AWS_ENDPOINT_URL_"):
            monkeypatch.delenv(name)
    import boto3  # after that: moto makes clients when it is imported

    from ..sandbox import Sandbox
    from ._stubber import instant_waits

    with Sandbox() as sandbox, instant_waits():
        monkeypatch.setenv("AWS_ENDPOINT_URL", sandbox.endpoint_url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        yield sandbox


@pytest.fixture
def sandbox_client(rds_sandbox: "Sandbox") -> "BackupReplicationClient":
    """A client of the sandbox, whose destination is us-east-1."""
    return rds_sandbox.client("us-east-1")
