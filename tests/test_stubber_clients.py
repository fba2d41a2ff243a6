"""Tests of which clients a stubber stubs, and of their state after its block."""

import os
import time
from datetime import timedelta
from typing import Any

import boto3
import pytest
from boto3.session import Session

import rds_backup_replication
from rds_backup_replication import BackupReplicationClient
from rds_backup_replication._client_base import context_of
from rds_backup_replication.testing import (
    ReplicationStubber,
    UnexpectedCall,
    instant_waits,
    make_automated_backup,
    make_db_instance,
    stub_all_clients,
)

from . import stubber_cases
from .stubber_cases import clock_of, start, unsigned
from .wire import SOURCE_ARN

# The fixture of these tests.
client = stubber_cases.client


def test_source_region_needs_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session()
    client = BackupReplicationClient(session=session, region_name="us-east-1")

    def fail_on_network_access(*_: Any, **__: Any) -> None:
        raise AssertionError

    fetch = "botocore.utils.InstanceMetadataFetcher.retrieve_iam_role_credentials"
    monkeypatch.setattr(fetch, fail_on_network_access)
    make = context_of(client).clients
    assert make is not None
    with ReplicationStubber(client) as stubber:
        stubber.add_describe_db_instances(make_db_instance())  # the instance's resource ID
        for _ in range(2):  # an empty response is believed after a minute
            stubber.add_describe()
            stubber.add_describe_db_instances(make_db_instance())
        pause = timedelta(seconds=100)
        result = client.wait_until_stopped(source_db_instance_arn=SOURCE_ARN, poll_interval=pause)
        assert result is None
    # The dummy credentials are gone from the client and the session.
    with pytest.raises(AssertionError):
        make("rds", "us-west-2")


def test_stub_all_clients_covers_new_clients() -> None:
    created_outside = BackupReplicationClient(region_name="us-east-1")
    with stub_all_clients() as stubber:
        stubber.add_start()
        stubber.add_describe([make_automated_backup(status="pending")])
        stubber.add_describe([make_automated_backup()])  # client= alone cannot ask the source
        first = BackupReplicationClient(region_name="us-east-1")
        second = rds_backup_replication.BackupReplicationClient(client=unsigned("rds", "us-east-1"))
        assert first.region_name == second.region_name
        start(first)
        assert second.wait_until_replicating(source_db_instance_arn=SOURCE_ARN).is_replicating
        assert clock_of(first) is not time
        assert clock_of(created_outside) is time


def test_two_clients_of_one_boto3_client() -> None:
    shared = unsigned("rds", "us-east-1")
    with stub_all_clients() as stubber:
        stubber.add_start()
        BackupReplicationClient(client=shared)
        start(BackupReplicationClient(client=shared))


def test_stub_all_clients_refuses_unexpected_call() -> None:
    with pytest.raises(UnexpectedCall), stub_all_clients():
        start(BackupReplicationClient(region_name="us-east-1"))


class _NotStubbedError(Exception):
    """Raised in place of a network request."""


def _refuse_request(**_: object) -> None:
    raise _NotStubbedError


def test_client_restored_after_block(client: BackupReplicationClient) -> None:
    context = context_of(client)
    before = dict(vars(context))
    with ReplicationStubber(client) as stubber:
        assert vars(context) != before
        stubber.add_describe_db_instances()
        stubber.add_describe_source_regions()
        client.check_replication(source_db_instance_arn=SOURCE_ARN)
    assert vars(context) == before
    assert clock_of(client) is time
    for boto3_client in (before["client"], before["clients"]("rds", "us-west-2")):
        boto3_client.meta.events.register_first("before-call", _refuse_request)
        with pytest.raises(_NotStubbedError):
            boto3_client.describe_db_instances()


def test_client_restored_after_exception(client: BackupReplicationClient) -> None:
    context = context_of(client)
    before = dict(vars(context))
    with pytest.raises(KeyError), ReplicationStubber(client):
        raise KeyError
    assert vars(context) == before


def test_later_clients_not_stubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "real")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    construct = BackupReplicationClient.__init__
    with stub_all_clients():
        assert os.environ["AWS_ACCESS_KEY_ID"] != "real"
        assert BackupReplicationClient.__init__ is not construct
    assert BackupReplicationClient.__init__ is construct
    assert os.environ["AWS_ACCESS_KEY_ID"] == "real"
    assert clock_of(BackupReplicationClient(region_name="us-east-1")) is time


def test_boto3_restored_after_block(monkeypatch: pytest.MonkeyPatch) -> None:
    boto3.setup_default_session(aws_access_key_id="real", aws_secret_access_key="real")
    session = boto3.DEFAULT_SESSION
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    with stub_all_clients():
        made: Any = BackupReplicationClient(region_name="us-east-1").client
        credentials = made._request_signer._credentials
        assert (credentials.access_key, credentials.token) == ("testing", None)
        assert boto3.DEFAULT_SESSION is not session
    assert boto3.DEFAULT_SESSION is session
    assert os.environ["AWS_PROFILE"] == "production"


def test_earlier_client_refused_in_block(client: BackupReplicationClient) -> None:
    with (
        pytest.raises(UnexpectedCall, match=r"created before .*ReplicationStubber"),
        stub_all_clients() as stubber,
    ):
        with pytest.raises(UnexpectedCall, match="created before"):
            start(client)
        stubber.add_start()
        start(BackupReplicationClient(region_name="us-east-1"))
    with stub_all_clients(), ReplicationStubber(client) as stubber:  # the way to stub such a client
        stubber.add_start()
        assert start(client).status == "pending"


def test_second_stubber_refused(client: BackupReplicationClient) -> None:
    with (
        ReplicationStubber(client),
        pytest.raises(RuntimeError, match="another stubber already stubs this client"),
        ReplicationStubber(BackupReplicationClient(client=client.client)),
    ):
        pass
    with (
        stub_all_clients(),
        stub_all_clients(),
        pytest.raises(RuntimeError, match="another stubber already stubs this client"),
    ):
        BackupReplicationClient(region_name="us-east-1")
    with ReplicationStubber(client) as stubber:  # the stubber still works after these errors
        stubber.add_start()
        start(client)


def test_instant_waits_covers_all_clients(client: BackupReplicationClient) -> None:
    with instant_waits():
        clock_of(client).sleep(1e9)
        assert clock_of(BackupReplicationClient(region_name="us-east-1")).monotonic() == 1e9
    assert clock_of(client) is time
