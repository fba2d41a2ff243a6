"""The process that test_fork.py runs: it uses one client before and after a fork.

The arguments are the endpoint URL, and "library" or "boto3" for the calls before the fork. Both
processes report errors through their standard error and exit code.
"""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.config import Config

from rds_backup_replication import BackupReplicationClient

THREADS = 4
Describe = Callable[[BackupReplicationClient, str], bool]


def describe(client: BackupReplicationClient, name: str) -> bool:
    backups = client.describe_db_instance_automated_backups(db_instance_identifier=name)
    return [backup.db_instance_identifier for backup in backups] == [name]


def describe_with_boto3(client: BackupReplicationClient, name: str) -> bool:
    boto3_client: Any = client.client
    response = boto3_client.describe_db_instance_automated_backups(DBInstanceIdentifier=name)
    backups: list[dict[str, object]] = response["DBInstanceAutomatedBackups"]
    return [backup["DBInstanceIdentifier"] for backup in backups] == [name]


def call_in_threads(
    client: BackupReplicationClient, caller: str, describe: Describe = describe
) -> bool:
    """Make many calls in threads, and return whether each one got its own response."""

    def is_correct(number: int) -> bool:
        return describe(client, f"{caller}-{number}")

    with ThreadPoolExecutor(THREADS) as pool:
        return all(pool.map(is_correct, range(100)))


def main(endpoint_url: str, by: str) -> int:
    client = BackupReplicationClient(
        region_name="us-east-1",
        endpoint_url=endpoint_url,
        config=Config(
            read_timeout=5,
            retries={"total_max_attempts": 1},
            proxies={},
            max_pool_connections=THREADS,
        ),
    )
    # These calls leave connections open.
    before = {"library": describe, "boto3": describe_with_boto3}[by]
    if not call_in_threads(client, "before", before):
        return 2
    if threading.active_count() > 1:
        return 3
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(write)
        os.read(read, 1)  # until the parent is about to make its calls
        os._exit(0 if call_in_threads(client, "child") else 1)
    os.close(write)
    is_correct = call_in_threads(client, "parent")
    _, status = os.waitpid(child, 0)
    return 0 if is_correct and status == 0 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
