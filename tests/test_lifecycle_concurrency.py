"""Tests of concurrent clients against the sandbox: one of them reports a change."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.config import Config

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication.exceptions import ThrottlingError
from rds_backup_replication.sandbox import Behavior, Sandbox

from . import lifecycle_cases
from .lifecycle_cases import NO_RETRIES, START, STOP, active, ensure, start_and_wait
from .wire import SOURCE_ARN

# The fixtures of these tests.
sandbox = lifecycle_cases.sandbox
client = lifecycle_cases.client


@pytest.mark.parametrize("answer_lag", [0, 2])
def test_concurrent_ensures_start_one_replication(
    sandbox: Sandbox, client: BackupReplicationClient, answer_lag: int
) -> None:
    sandbox.behavior = Behavior(answer_lag=answer_lag)
    others = [sandbox.client("us-east-1", config=NO_RETRIES) for _ in range(3)]
    with ThreadPoolExecutor(8) as pool:
        actions = list(pool.map(ensure, [client, *others] * 2))
    assert Counter(actions) == {"started": 1, "unchanged": 7}
    assert len(active(client)) == 1


@pytest.mark.usefixtures("no_backoff")
def test_concurrent_throttled_calls_report_one_change(sandbox: Sandbox) -> None:
    """Only one of eight throttled callers reports the start, and only one the stop."""
    # A single caller may be throttled every time.
    patient = Config(retries={"total_max_attempts": 10})
    clients = [sandbox.client("us-east-1", config=patient) for _ in range(8)]
    sandbox.add_fault(START, ThrottlingError, times=4)
    with ThreadPoolExecutor(8) as pool:
        actions = list(pool.map(ensure, clients))
    assert Counter(actions) == {"started": 1, "unchanged": 7}

    def is_stopped(client: BackupReplicationClient) -> bool:
        return client.ensure_stopped(source_db_instance_arn=SOURCE_ARN) is not None

    sandbox.add_fault(STOP, ThrottlingError, times=4)
    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(is_stopped, clients)) == {True: 1, False: 7}


def test_concurrent_ensure_stopped_with_slow_stop(sandbox: Sandbox) -> None:
    sandbox.behavior = Behavior(stopping_looks=60)
    clients = [sandbox.client("us-east-1") for _ in range(8)]
    start_and_wait(clients[0])

    def is_stopped(client: BackupReplicationClient) -> bool:
        return client.ensure_stopped(source_db_instance_arn=SOURCE_ARN) is not None

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(is_stopped, clients)) == {True: 1, False: 7}
