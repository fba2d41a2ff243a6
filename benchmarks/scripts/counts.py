"""How many API calls the methods make that are built on them."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from importlib import import_module
from typing import Any

from botocore.client import BaseClient

from benchmarks.answers import REGION, SOURCE_ARN, answer
from rds_backup_replication import BackupReplicationClient

from .sides import answer_boto3

LOOKS = 5
_SOURCE_REGION = "us-west-2"
_START = "StartDBInstanceAutomatedBackupsReplication"
_DESCRIBE = "DescribeDBInstanceAutomatedBackups"
_BACKUP = (
    f"<DBInstanceAutomatedBackup><DBInstanceArn>{SOURCE_ARN}</DBInstanceArn>"
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
        f"<DBInstances><DBInstance><DBInstanceArn>{SOURCE_ARN}</DBInstanceArn><Engine>postgres"
        "</Engine><DBInstanceStatus>available</DBInstanceStatus></DBInstance></DBInstances>"
    ),
}
_ACTION = re.compile(rb"Action=(\w+)")


class RDS:
    """Shows a backup in one status after the other, ``None`` being no backup, and counts."""

    def __init__(self, *statuses: str | None) -> None:
        self._statuses = list(statuses)
        self.calls = 0

    def __call__(self, request_body: bytes) -> bytes:
        """The answer to a request."""
        self.calls += 1
        found = _ACTION.search(request_body)
        operation = found[1].decode() if found else ""
        if operation != _DESCRIBE:
            return answer(operation, _RESULTS[operation])
        status = self._statuses.pop(0)
        backup = _BACKUP.format(status=status) if status else ""
        return answer(
            operation, f"<DBInstanceAutomatedBackups>{backup}</DBInstanceAutomatedBackups>"
        )


def main() -> None:
    """Prints the calls by what is done."""
    print(json.dumps(counts()))


def counts() -> dict[str, int]:
    """The calls by what is done."""
    waiting = ["pending"] * (LOOKS - 1)
    return {
        "`ensure_replication` that starts": _calls([None], _ensure),
        "`ensure_replication` where it replicates already": _calls(["replicating"], _ensure),
        f"`wait_until_replicating` with {LOOKS} looks": _calls([*waiting, "replicating"], _wait),
        "`check_replication`": _calls([None], _check),
    }


def _calls(
    statuses: Sequence[str | None], do: Callable[[BackupReplicationClient, BaseClient], object]
) -> int:
    rds = RDS(*statuses)
    client = BackupReplicationClient(region_name=REGION)
    boto3: Any = import_module("boto3")
    source_client = boto3.client("rds", region_name=_SOURCE_REGION)
    for asked in (client.client, source_client):
        answer_boto3(asked, rds)
    do(client, source_client)
    return rds.calls


def _ensure(client: BackupReplicationClient, _: BaseClient) -> object:
    return client.ensure_replication(source_db_instance_arn=SOURCE_ARN)


def _wait(client: BackupReplicationClient, _: BaseClient) -> object:
    return client.wait_until_replicating(
        source_db_instance_arn=SOURCE_ARN, poll_interval=timedelta(microseconds=1)
    )


def _check(client: BackupReplicationClient, source_client: BaseClient) -> object:
    return client.check_replication(source_db_instance_arn=SOURCE_ARN, source_client=source_client)
