"""Run by test_fork.py: a client that was made, and used, before the fork is used after it.

It is told where to ask, and by what the client is used before: by this library or by boto3.

Of either process, what it found wrong goes to its standard error and its exit code.
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
Ask = Callable[[BackupReplicationClient, str], bool]


def ask(client: BackupReplicationClient, name: str) -> bool:
    backups = client.describe_db_instance_automated_backups(db_instance_identifier=name)
    return [backup.db_instance_identifier for backup in backups] == [name]


def ask_by_boto3(client: BackupReplicationClient, name: str) -> bool:
    boto3_client: Any = client.client
    answer = boto3_client.describe_db_instance_automated_backups(DBInstanceIdentifier=name)
    backups: list[dict[str, object]] = answer["DBInstanceAutomatedBackups"]
    return [backup["DBInstanceIdentifier"] for backup in backups] == [name]


def all_right(client: BackupReplicationClient, who: str, ask: Ask = ask) -> bool:
    def one(number: int) -> bool:
        return ask(client, f"{who}-{number}")

    with ThreadPoolExecutor(THREADS) as pool:
        return all(pool.map(one, range(100)))


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
    # Leaves connections open.
    if not all_right(client, "before", {"library": ask, "boto3": ask_by_boto3}[by]):
        return 2
    if threading.active_count() > 1:
        return 3
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(write)
        os.read(read, 1)  # until the parent is at it too
        os._exit(0 if all_right(client, "child") else 1)
    os.close(write)
    is_right = all_right(client, "parent")
    _, status = os.waitpid(child, 0)
    return 0 if is_right and status == 0 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
