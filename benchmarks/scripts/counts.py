"""The number of API calls of the methods that are built of several API calls."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from importlib import import_module
from typing import Any

from benchmarks.responses import REGION, SOURCE_ARN, result_body
from rds_backup_replication import BackupReplicationClient

from .sides import take_offline

POLLS = 5
_SOURCE_REGION = "us-west-2"
_START = "StartDBInstanceAutomatedBackupsReplication"
_DESCRIBE = "DescribeDBInstanceAutomatedBackups"
_RESOURCE_ID = "<DbiResourceId>db-JKIB2GFQ5RV7REPLZA4EXAMPLE</DbiResourceId>"
_BACKUP = (
    f"<DBInstanceAutomatedBackup><DBInstanceArn>{SOURCE_ARN}</DBInstanceArn>{_RESOURCE_ID}"
    "<Status>{status}</Status></DBInstanceAutomatedBackup>"
)
_RESULTS = {
    _START: _BACKUP.format(status="pending"),
    "DescribeSourceRegions": (
        f"<SourceRegions><SourceRegion><RegionName>{_SOURCE_REGION}</RegionName>"
        "<SupportsDBInstanceAutomatedBackupsReplication>true"
        "</SupportsDBInstanceAutomatedBackupsReplication></SourceRegion></SourceRegions>"
    ),
    "DescribeDBInstances": (
        f"<DBInstances><DBInstance><DBInstanceArn>{SOURCE_ARN}</DBInstanceArn>{_RESOURCE_ID}"
        "<Engine>postgres</Engine><DBInstanceStatus>available</DBInstanceStatus></DBInstance>"
        "</DBInstances>"
    ),
}
_ACTION = re.compile(rb"Action=(\w+)")


class RDS:
    """A function that responds for RDS, and counts the calls.

    Each Describe call returns a backup in the next status, or no backup for ``None``.
    """

    def __init__(self, *statuses: str | None) -> None:
        self._statuses = list(statuses)
        self.calls = 0

    def __call__(self, request_body: bytes) -> bytes:
        """Return the body of the response to a request."""
        self.calls += 1
        match = _ACTION.search(request_body)
        operation = match[1].decode() if match else ""
        if operation != _DESCRIBE:
            return result_body(operation, _RESULTS[operation])
        status = self._statuses.pop(0)
        backup = _BACKUP.format(status=status) if status else ""
        return result_body(
            operation, f"<DBInstanceAutomatedBackups>{backup}</DBInstanceAutomatedBackups>"
        )


def main() -> None:
    """Print the counts as JSON."""
    print(json.dumps(counts()))


def counts() -> dict[str, int]:
    """Return the number of API calls of each method."""
    waiting = ["pending"] * (POLLS - 1)
    return {
        "`ensure_replication` that starts a replication": _count_calls([None], _ensure),
        "`ensure_replication` of an active replication": _count_calls(["replicating"], _ensure),
        f"`wait_until_replicating` with {POLLS} polls": _count_calls(
            [*waiting, "replicating"], _wait
        ),
        "`check_replication`": _count_calls([None, None], _check),
    }


def _count_calls(
    statuses: Sequence[str | None], do: Callable[[BackupReplicationClient], object]
) -> int:
    rds = RDS(*statuses)
    boto3: Any = import_module("boto3")
    source_client = boto3.client("rds", region_name=_SOURCE_REGION)
    client = BackupReplicationClient(region_name=REGION, source_client=source_client)
    for each in (client.client, source_client):
        take_offline(each, rds)
    do(client)
    return rds.calls


def _ensure(client: BackupReplicationClient) -> object:
    return client.ensure_replication(source_db_instance_arn=SOURCE_ARN)


def _wait(client: BackupReplicationClient) -> object:
    return client.wait_until_replicating(
        source_db_instance_arn=SOURCE_ARN, poll_interval=timedelta(microseconds=1)
    )


def _check(client: BackupReplicationClient) -> object:
    return client.check_replication(source_db_instance_arn=SOURCE_ARN)
