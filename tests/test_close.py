"""Tests of ``close()`` and ``with``: what the client closes, and what it leaves open."""

from typing import Any

import pytest

from rds_backup_replication import BackupReplicationClient

from .calls import STARTED, start
from .wire import SOURCE_ARN, ScriptedRDS, listing_xml, source_regions_xml, source_xml


def test_block_closes_the_connections_to_both_regions(rds: ScriptedRDS) -> None:
    # The traceback of an error would refer to the connections, which then stay open with it.
    for body in (source_xml(), source_regions_xml(), listing_xml()):
        rds.answers(body)
    with rds.client() as client:
        assert client.check_replication(source_db_instance_arn=SOURCE_ARN).is_clear
        assert rds.connections == 2
        assert not rds.closed.acquire(blocking=False)
    for _ in range(2):
        assert rds.closed.acquire(timeout=20)


def test_close_twice_and_call_again(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    client = rds.client()
    client.close()
    start(client)
    client.close()
    client.close()
    start(client)
    assert rds.connections == 2


def test_close_leaves_a_given_client_open(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    given = rds.client().client
    with BackupReplicationClient(client=given) as client:
        start(client)
    start(client)
    assert rds.connections == 1


def test_close_leaves_a_given_source_client_open(rds: ScriptedRDS) -> None:
    rds.answers(listing_xml())
    source = rds.client("us-west-2").client
    with rds.client() as client:
        given = BackupReplicationClient(client=client.client, source_client=source)
        given.check_replication(source_db_instance_arn=SOURCE_ARN)
        given.close()
        given.check_replication(source_db_instance_arn=SOURCE_ARN)
        assert rds.connections == 2


def test_close_takes_no_arguments(rds: ScriptedRDS) -> None:
    close: Any = BackupReplicationClient(client=rds.client().client).close
    with pytest.raises(TypeError, match="close"):
        close(force=True)
