"""Recoveries of many instances: what fails alone, the order, the requests and the memory."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rds_backup_replication._clock import InstantClock
from rds_backup_replication._context import Context
from rds_backup_replication.recovery import BookEntry, recover
from rds_backup_replication.sandbox import Behavior, Sandbox

from .fleets import ACCOUNTS, DESTINATION, ONE, Fleet, policy
from .recover_cases import (
    DESCRIBE,
    MODIFY,
    RESTORE,
    Recoveries,
    changed,
    check_restored,
    check_tiers,
    existing,
    messages,
    target,
)
from .recoveries import SOURCE, book

pytestmark = [pytest.mark.long, pytest.mark.once, pytest.mark.usefixtures("no_backoff")]

TWO = ACCOUNTS[:2]
FEW, MANY = 50, 200
REQUESTS = {RESTORE: 1, MODIFY: 1, DESCRIBE: 6}
"""The requests for an instance: two to see that the name is free, of which one is the plan's, two
until it is available, and two until it is modified."""
PAUSES = 4
BEHAVIOR = Behavior(
    pending_looks=0,
    shifting_case=False,
    quota=MANY,
    instance_quota=1000,
    restoring_looks=1,
    modifying_looks=1,
)


@pytest.fixture
def recoveries(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recoveries]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(Context, "clock", InstantClock())
    with Sandbox(BEHAVIOR) as sandbox:
        yield Recoveries(Fleet(sandbox, monkeypatch), monkeypatch)


@pytest.mark.filterwarnings("ignore:.* with code AccessDenied does not match:UserWarning")
def test_region_is_lost(recoveries: Recoveries, tmp_path: Path) -> None:
    """Of forty instances, ten cannot be restored; seven of them can, once the cause is gone."""
    entries: list[BookEntry] = []
    for account in TWO:
        found = recoveries.add(account, [f"db-{account[0]}-{n}" for n in range(20)])
        entries += [changed(each, tier=n % 3 + 1) for n, each in enumerate(found)]
    fleet = recoveries.fleet
    for n, code in enumerate(
        (
            "InsufficientDBInstanceCapacity",
            "InstanceQuotaExceeded",
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "InvalidSubnet",
            "AccessDenied",
            "StorageQuotaExceeded",
        )
    ):
        recoveries.refusals[f"db-{n + 1}-x"] = code
        entries[n] = changed(entries[n], target_db_instance_identifier=f"db-{n + 1}-x")
    entries[6] = target(entries[6], db_subnet_group_name="late")
    entries[7] = changed(entries[7], dbi_resource_id="db-OFTHENAMEBEFORE")
    entries[8] = changed(
        entries[8],
        db_instance_arn=fleet.add(TWO[0], SOURCE, "unprotected"),
        db_instance_identifier="unprotected",
        dbi_resource_id="db-NEVERREPLICATED",
    )
    taken = entries[9].target_db_instance_identifier
    rds = fleet.boto3_client(TWO[0], "rds", DESTINATION)
    rds.create_db_instance(
        DBInstanceIdentifier=taken, DBInstanceClass="db.t3.micro", Engine="postgres"
    )
    bystander = recoveries.describe(TWO[0])[taken]
    recoveries.requests.clear()
    fleet.sandbox.region_down(SOURCE)

    written = book(*entries)

    def run() -> Any:
        journal = tmp_path / "journal"
        return recover(written, policy(TWO), journal=journal, access=fleet.access)

    report = run()
    assert len(report.instances) == 40
    check_tiers(recoveries, entries)
    failed = [each for each in report.instances if each.outcome == "failed"]
    assert {each.db_instance_arn for each in failed} == {e.db_instance_arn for e in entries[:10]}
    check_restored(recoveries, entries[10:], report)
    texts = messages(report)
    for entry, code in zip(entries, recoveries.refusals.values(), strict=False):
        (record,) = [each for each in failed if each.db_instance_arn == entry.db_instance_arn]
        assert record.error_code == code

    recoveries.refusals.clear()
    subnets = rds.describe_db_subnet_groups(DBSubnetGroupName="private")["DBSubnetGroups"][0]
    rds.create_db_subnet_group(
        DBSubnetGroupName="late",
        DBSubnetGroupDescription="late",
        SubnetIds=[each["SubnetIdentifier"] for each in subnets["Subnets"]],
    )
    again = run()
    check_restored(recoveries, [*entries[:7], *entries[10:]], again)
    assert [each.outcome for each in again.instances].count("failed") == 3
    assert "has no backup of" in texts["unprotected"]
    assert len(existing(TWO[0])) == 18
    assert len(existing(TWO[1])) == 20
    after = recoveries.describe(TWO[0])[taken]
    del bystander["LatestRestorableTime"]  # which advances
    assert {name: after[name] for name in bystander} == bystander
    assert all(operation in (RESTORE, MODIFY) for operation, _ in recoveries.changes())
    assert (MODIFY, taken) not in recoveries.changes()


MEASURE = """
import json
import sys
import tracemalloc
from pathlib import Path

import rds_backup_replication.recovery._restores
from rds_backup_replication.fleet import Access, Policy
from rds_backup_replication.recovery import RecoveryBook, plan_recovery, recover
from rds_backup_replication.testing import instant_waits

folder, endpoint_url = Path(sys.argv[1]), sys.argv[2]
access = Access(endpoint_url=endpoint_url)
policy = Policy.from_file(folder / "policy.json")
book = RecoveryBook.from_json((folder / "book.json").read_text())
tracemalloc.start()
with instant_waits():
    assert plan_recovery(book, policy, access=access).is_complete
    report = recover(book, policy, journal=folder / "journal", access=access)
assert report.is_complete, [each.message for each in report.instances]
peak = tracemalloc.get_traced_memory()[1]
slowest = max(each.finished_after for each in report.instances)
print(json.dumps([peak, slowest.total_seconds()]))
"""


def measure(
    recoveries: Recoveries, folder: Path, entries: list[BookEntry]
) -> tuple[int, timedelta]:
    """Plan and recover in a process of its own.

    Return the peak of its memory, and the time of the slowest instance by its clock, which only
    pauses advance.
    """
    folder.mkdir()
    named = [
        changed(each, target_db_instance_identifier=f"{each.db_instance_identifier}-{folder.name}")
        for each in entries
    ]
    (folder / "book.json").write_text(book(*named).to_json(), encoding="utf-8")
    (folder / "policy.json").write_text(policy(ONE).model_dump_json(), encoding="utf-8")
    done = subprocess.run(  # noqa: S603  # the code is above
        [sys.executable, "-c", MEASURE, str(folder), recoveries.fleet.sandbox.endpoint_url],
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr
    peak, seconds = json.loads(done.stdout)
    return peak, timedelta(seconds=seconds)


def test_many_instances(recoveries: Recoveries, tmp_path: Path) -> None:
    """The requests and the memory are in proportion, and no instance waits for another one."""
    entries = recoveries.add(ONE[0], [f"db-{n}" for n in range(MANY)])
    recoveries.fleet.sandbox.region_down(SOURCE)
    peak_of_few, _ = measure(recoveries, tmp_path / "few", entries[:FEW])
    recoveries.requests.clear()
    peak, slowest = measure(recoveries, tmp_path / "many", entries)
    counts = Counter(recoveries.requests)
    for entry in entries:
        name = f"{entry.db_instance_identifier}-many"
        assert {operation: counts[operation, name] for operation in REQUESTS} == REQUESTS
    pages = 3  # of 100 backups, which the restored instances of the few have, too
    assert sum(counts.values()) == MANY * sum(REQUESTS.values()) + 2 * pages
    assert slowest == timedelta(seconds=30 * PAUSES)
    assert peak - peak_of_few < (MANY - FEW) * 100_000
