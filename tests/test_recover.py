"""Recoveries on the sandbox: what comes back, what fails alone, and what is never touched."""

import json
import re
from datetime import datetime, timedelta, timezone

import pytest

from rds_backup_replication.exceptions import (
    AccessDeniedError,
    RecoveryRefusedError,
)
from rds_backup_replication.recovery import (
    RestoredInstance,
)

from . import recover_cases
from .fleets import DESTINATION, ONE, policy
from .recover_cases import (
    OWN,
    World,
    changed,
    check_restored,
    check_tiers,
    messages,
    outcomes,
    target,
)
from .recoveries import book

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("no_backoff")]

running = recover_cases.running
world = recover_cases.world


def test_recovery_restores_tiers_in_order(world: World) -> None:
    entries = [changed(each, tier=n % 3 + 1) for n, each in enumerate(world.entries[:6])]
    events: list[RestoredInstance] = []
    written = book(*entries)
    report = world.recover(written, on_event=events.append)
    check_tiers(world.recoveries, entries)
    check_restored(world.recoveries, entries, report)
    assert report.is_complete
    assert not report.is_interrupted
    for each in report.instances:
        told = [e.outcome for e in events if e.db_instance_arn == each.db_instance_arn]
        assert told == ["not_finished", "not_finished", "done"]
        assert each.available_after == timedelta(seconds=60)
    lines = [json.loads(line) for line in world.journal.read_text(encoding="utf-8").splitlines()]
    steps: dict[str, list[str]] = {}
    for line in lines[1:]:
        name = line.get("identifier") or line["instance"]["target_db_instance_identifier"]
        steps.setdefault(name, []).append(f"{line['event']} {line.get('step', '')}".strip())
    each_step = ["begin restore", "end restore", "begin modify", "end modify", "restored"]
    assert steps == {each.target_db_instance_identifier: each_step for each in entries}
    # A line that a killed process left incomplete does not matter.
    with world.journal.open("a", encoding="utf-8") as file:
        file.write('{"event":"begin","at":"2026')
    before = len(world.recoveries.requests)
    again = world.recover(written)
    assert again.instances == report.instances
    names = [name for _, name in world.recoveries.requests[before:]]
    # The backups are listed, and each instance is asked for once, because it may be gone by now.
    asked = sorted(name for name in names if name)
    assert asked == sorted(each.target_db_instance_identifier for each in entries)


REMEDIES = {
    "InsufficientDBInstanceCapacity": "Run this again later, or set another",
    "InstanceQuotaExceeded": "ask AWS to raise the quota of DB instances",
    "StorageQuotaExceeded": "Ask AWS to raise the quota of storage",
    "DBSubnetGroupDoesNotCoverEnoughAZs": "subnets are in more Availability Zones",
    "InvalidSubnet": "both must belong to one VPC",
    "AccessDenied": "",
}


@pytest.mark.filterwarnings("ignore:.* with code AccessDenied does not match:UserWarning")
def test_refused_restores_fail_alone(world: World) -> None:
    """Each says what to do. After the causes are gone, running again restores the rest."""
    entries = [changed(each, tier=n // 4 + 1) for n, each in enumerate(world.entries[:7])]
    refused = dict(zip((e.target_db_instance_identifier for e in entries), REMEDIES, strict=False))
    world.recoveries.refusals.update(refused)
    written = book(*entries)
    report = world.recover(written)
    assert list(outcomes(report).values()) == ["failed"] * 6 + ["done"]
    for each in report.instances[:6]:
        code = refused[each.target_db_instance_identifier]
        assert each.error_code == code
        assert f"{each.target_db_instance_identifier} is refused." in str(each.message)
        assert REMEDIES[code] in str(each.message)
    world.recoveries.refusals.clear()
    again = world.recover(written)
    assert again.is_complete
    check_restored(world.recoveries, entries, again)


def test_names_and_backups_of_others(world: World) -> None:
    """The plan predicts what fails, and changes nothing; nothing of a bystander is touched."""
    account, entries = ONE[0], world.entries[:5]
    taken = entries[0].target_db_instance_identifier
    rds = world.recoveries.fleet.boto3_client(account, "rds", DESTINATION)
    rds.create_db_instance(
        DBInstanceIdentifier=taken, DBInstanceClass="db.t3.micro", Engine="postgres"
    )
    bystander = world.recoveries.describe(account)[taken]
    del bystander["LatestRestorableTime"]  # which advances
    entries[1] = changed(entries[1], dbi_resource_id="db-OFAFORMERINSTANCE")
    entries[2] = target(entries[2], db_subnet_group_name="absent")
    entries[3] = changed(entries[3], target_db_instance_identifier="no--identifier")
    planned = world.plan(book(*entries))
    assert not world.recoveries.changes()
    assert list(outcomes(planned).values()) == ["failed", "failed", "planned", "planned", "failed"]
    assert planned.instances[3].db_instance_automated_backups_arn
    assert planned.instances[3].restore_time
    report = world.recover(book(*entries))
    assert outcomes(report) == {
        "db-0": "failed",
        "db-1": "failed",
        "db-2": "failed",
        "db-3": "failed",
        "db-4": "done",
    }
    expected = {
        "db-0": (bystander["DbiResourceId"], "Rename or delete it, or set another recovery.name"),
        "db-1": ("db-OFAFORMERINSTANCE", "Restore this instance from another copy"),
        "db-2": ("absent", "Create the DB subnet group"),
        "db-3": ("no--identifier is not a valid identifier", "Set another recovery.name"),
    }
    for name, texts in expected.items():
        for text in texts:
            assert text in messages(report)[name]
    for name in ("db-0", "db-1", "db-3"):
        assert messages(planned)[name] == messages(report)[name]
    after = world.recoveries.describe(account)[taken]
    assert {name: after[name] for name in bystander} == bystander
    assert {name for _, name in world.recoveries.changes()}.isdisjoint({taken})


def test_recovery_to_a_moment(world: World) -> None:
    """Another moment is refused with the same journal; what no backup has fails on its own."""
    entries = world.entries[:2]
    written, now = book(*entries), datetime.now(timezone.utc)
    at = now - timedelta(hours=1)
    early = now - timedelta(hours=3)
    for each in world.plan(written, at=early).instances:
        assert each.outcome == "failed"
        (window,) = re.findall("the backup has (.+) to (.+). Choose", each.message or "")
        earliest, latest = map(datetime.fromisoformat, window)
        assert early < earliest < at < latest < now
    report = world.recover(written, at=at)
    assert report.is_complete
    assert {report.restore_time, *(each.restore_time for each in report.instances)} == {at}
    # moto parses the time as naive UTC
    sent = [each and each.replace(tzinfo=timezone.utc) for each in world.recoveries.restore_times]
    assert sent == [at] * 2
    with pytest.raises(RecoveryRefusedError, match=f"is of a recovery to {at.isoformat()[:19]}"):
        world.recover(written)


def test_recovery_without_policy(world: World) -> None:
    """The current credentials act, and must belong to the book's account."""
    entries = world.entries[-1:]
    report = world.recover(book(*entries), None)
    assert report.is_complete
    assert world.recoveries.restores() == {entries[0].target_db_instance_identifier: 1}
    planned = world.plan(book(*world.entries[:1]), None)
    assert "belong to account 123456789012, not 111111111111" in messages(planned)["db-0"]
    requests = len(world.recoveries.requests)
    with pytest.raises(RecoveryRefusedError, match=r"has 2 accounts\. Pass its policy, policy="):
        world.plan(book(*world.entries), None)
    assert len(world.recoveries.requests) == requests


def test_denied_account_fails_alone(world: World) -> None:
    entries = [world.entries[0], world.entries[-1]]
    world.sandbox.add_fault(
        "describe_db_instance_automated_backups", AccessDeniedError, account_id=ONE[0]
    )
    wanted = policy((ONE[0], OWN))
    report = world.recover(book(*entries), wanted)
    assert outcomes(report) == {"db-0": "failed", "own": "done"}
    assert report.instances[0].error_code == "AccessDenied"
