"""A fleet with planted problems of every kind: an audit finds each of them, and nothing else."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from moto.backends import get_backend

from rds_backup_replication.fleet import AuditReport, Plan, Policy, apply, audit, plan
from rds_backup_replication.fleet._durations import format_duration
from rds_backup_replication.sandbox import Behavior
from rds_backup_replication.testing import instant_waits

from .fleets import DESTINATION, REGIONS, Fleet

pytestmark = pytest.mark.once

ACCOUNTS = ("111111111111", "222222222222", "333333333333", "444444444444")
ONE, TWO, THREE, FOUR = ACCOUNTS
QUOTA = 92
RULES = """
rules:
  - name: vault
    source_regions: [us-west-2]
    destination_region: us-east-1
    select: {identifiers: ["vault-*"]}
    kms_key_id: alias/vault
    backup_retention_period: 14
    minimum_instances: 3
  - name: theirs
    source_regions: [us-west-2]
    destination_region: us-east-1
    select: {tags: {owner: [legacy, mainframe]}}
    replicate: ignore
  - name: scratch
    source_regions: [us-west-2]
    destination_region: us-east-1
    select: {identifiers: ["tmp-*"]}
    replicate: never
  - name: moved
    source_regions: [us-west-2]
    destination_region: ca-central-1
    select: {identifiers: ["moved-*"]}
  - name: production
    source_regions: [ca-central-1, eu-west-1, us-west-1, us-west-2]
    destination_region: us-east-1
    select: {tags: {env: prod}}
    backup_retention_period: 14
    tags: {team: data}
    maximum_lag: 30m
  - name: late
    source_regions: [us-west-2]
    destination_region: us-east-1
    select: {tags: {env: prod}, identifiers: ["db-*"]}
  - name: typo
    source_regions: [us-west-2]
    destination_region: us-east-1
    select: {tags: {env: prodd}}
  - name: optional
    source_regions: [us-west-2]
    destination_region: us-east-1
    select: {tags: {env: qa}}
    minimum_instances: 0
accepted:
  - {reason: AWS Backup, until: "2999-12-31", select: {engines: ["aurora*"]}}
  - {reason: until the audit, until: "2020-12-31", select: {identifiers: [nobackup]}}
  - {reason: only the key, until: "2999-12-31", codes: [kms_key_required]}
"""


def make_policy() -> Policy:
    accounts = "".join(
        f'  - {{id: "{account}", role_arn: "arn:aws:iam::{account}:role/audit"}}\n'
        for account in ACCOUNTS
    )
    return Policy.from_yaml(f"accounts:\n{accounts}replication_quota: {QUOTA}\n{RULES}")


def problems_of(report: AuditReport) -> dict[str, str]:
    """Return the state and the codes of each problem, by account and name."""
    return {
        f"{r.account_id[0]} {r.db_instance_identifier}": ": ".join(
            [r.state, ",".join(reason.code for reason in r.reasons)]
        )
        for r in report.problems
    }


class Planter:
    """Plants problems in a fleet, and remembers what an audit must find."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.planted: dict[str, str] = {}
        self.clients = {account: fleet.client(account) for account in ACCOUNTS}
        self.healthy = Behavior(pending_looks=0, stopping_looks=0, quota=QUOTA)
        fleet.sandbox.behavior = self.healthy

    def add(self, account: str, name: str, expected: str = "", **settings: Any) -> str:
        """Add an instance, and remember the state and the codes that an audit must report."""
        if expected:
            self.planted[f"{account[0]} {name}"] = expected
        return self.fleet.add(account, settings.pop("region", "us-west-2"), name, **settings)

    def replicate(self, account: str, arn: str, **settings: Any) -> None:
        settings = {"backup_retention_period": 14, "tags": {"team": "data"}, **settings}
        self.clients[account].start_db_instance_automated_backups_replication(
            source_db_instance_arn=arn, **settings
        )

    def stop(self, account: str, arn: str) -> None:
        self.clients[account].ensure_stopped(source_db_instance_arn=arn)

    def settle(self) -> None:
        """List the backups, because their statuses advance with each listing."""
        for client in self.clients.values():
            list(client.describe_db_instance_automated_backups())

    def key(self, account: str, region: str = DESTINATION, alias: str | None = None) -> str:
        kms = self.fleet.boto3_client(account, "kms", region)
        arn: str = kms.create_key()["KeyMetadata"]["Arn"]
        if alias:
            kms.create_alias(AliasName=alias, TargetKeyId=arn)
        return arn

    def disable(self, account: str, key: str) -> None:
        kms = self.fleet.boto3_client(account, "kms", key.split(":")[3])
        kms.disable_key(KeyId=key.rpartition("/")[2])

    def source(self, arn: str) -> Any:
        """Return moto's record of an instance."""
        _, _, _, region, account, _, name = arn.split(":")
        return get_backend("rds")[account][region].databases[name]


def _plant(planter: Planter) -> None:
    _plant_drift_and_risks(planter)
    add, replicate = planter.add, planter.replicate
    missing = "unprotected: not_replicating"
    for number in range(6):
        add(ONE, f"new-{number}", missing)
    add(ONE, "secret", "", storage_encrypted=True)  # accepted
    off = add(ONE, "nobackup", f"{missing},backups_off", backup_retention_period=0)
    planter.source(off).backup_retention_period = 0
    aurora = {"engine": "aurora-postgresql", "engine_version": "16.4"}
    add(ONE, "aurora", "", **aurora)  # accepted
    for number in range(2):
        arn = add(TWO, f"ended-{number}", "stopped: stopped")
        replicate(TWO, arn)
        planter.stop(TWO, arn)
    again = add(TWO, "again")  # it has a leftover, and a new replication
    replicate(TWO, again)
    planter.stop(TWO, again)
    replicate(TWO, again)
    recreated = add(TWO, "recreated", f"{missing},backup_of_former_instance")
    replicate(TWO, recreated)
    planter.source(recreated).dbi_resource_id = "db-" + "NEW" * 8 + "XX"
    replicate(TWO, add(TWO, "former-name"))
    planter.fleet.boto3_client(TWO, "rds", "us-west-2").modify_db_instance(
        DBInstanceIdentifier="former-name", NewDBInstanceIdentifier="renamed", ApplyImmediately=True
    )
    add(TWO, "tmp-1", "")
    replicate(TWO, add(TWO, "tmp-2", ""))
    replicate(TWO, add(TWO, "theirs", "", tags={"owner": "mainframe"}), backup_retention_period=1)
    replicate(TWO, add(TWO, "dev", "", tags={"env": "dev"}))
    gone = add(TWO, "gone", "")
    replicate(TWO, gone)
    del get_backend("rds")[TWO]["us-west-2"].databases["gone"]
    replicate(TWO, add(TWO, "moved-1", f"{missing},replicates_elsewhere"))
    planter.fleet.sandbox.behavior = Behavior(
        pending_looks=0, replication_lag=timedelta(hours=3), quota=QUOTA
    )
    replicate(TWO, add(TWO, "lagging", "lagging: lagging"))
    planter.fleet.sandbox.behavior = Behavior(pending_looks=1000, quota=QUOTA)
    replicate(TWO, add(TWO, "starting", ""))
    planter.fleet.sandbox.behavior = planter.healthy


def _plant_drift_and_risks(planter: Planter) -> None:
    add, replicate = planter.add, planter.replicate
    replicate(ONE, add(ONE, "kept", "drifted: drifted"), backup_retention_period=3)
    replicate(ONE, add(ONE, "tagged", "drifted: drifted"), tags={"team": "web", "more": "1"})
    former, used = planter.key(ONE), planter.key(ONE, alias="alias/vault")
    west = planter.key(ONE, "us-west-2")
    encrypted: dict[str, Any] = {"storage_encrypted": True, "kms_key_id": west}
    replicate(ONE, add(ONE, "vault-1", "drifted: drifted", **encrypted), kms_key_id=former)
    replicate(ONE, add(ONE, "vault-2", "", **encrypted), kms_key_id=used)
    lost = planter.key(ONE)
    codes = "kms_key_disabled,drifted"
    replicate(ONE, add(ONE, "vault-3", f"at_risk: {codes}", **encrypted), kms_key_id=lost)
    planter.disable(ONE, lost)
    disabled: dict[str, Any] = {**encrypted, "kms_key_id": planter.key(ONE, "us-west-2")}
    replicate(ONE, add(ONE, "vault-4", "at_risk: kms_key_disabled", **disabled), kms_key_id=used)
    planter.disable(ONE, disabled["kms_key_id"])
    unbacked = add(ONE, "unbacked", "at_risk: backups_off")
    replicate(ONE, unbacked)
    planter.source(unbacked).backup_retention_period = 0
    locked = add(ONE, "locked", "at_risk: instance_not_available")
    replicate(ONE, locked)
    planter.source(locked).status = "inaccessible-encryption-credentials"


def _fill(planter: Planter) -> Iterator[str]:
    """Add healthy instances up to 300, and three beyond the quota of the third account."""
    for account in (ONE, TWO, FOUR):
        for region in REGIONS:
            for number in range(13 if account != FOUR else 18):
                yield planter.add(account, f"db-{region}-{number:02}", region=region)
    for region in REGIONS:
        for number in range(24 if region != "us-west-2" else 23):
            yield planter.add(THREE, f"db-{region}-{number:02}", region=region)


def test_audit_finds_each_planted_problem(fleet: Fleet) -> None:
    """An audit finds each problem, and nothing else; a plan says what it can do about each."""
    planter, wanted = Planter(fleet), make_policy()
    arns = list(_fill(planter))
    for arn in arns[: len(arns) - 3]:
        planter.replicate(arn.split(":")[4], arn)
    for arn in arns[-3:]:
        name = arn.rpartition(":")[2]
        planter.planted[f"3 {name}"] = "unprotected: not_replicating,over_quota"
    _plant(planter)
    planter.settle()
    fleet.sandbox.advance(timedelta(hours=2))
    later = datetime.now(timezone.utc) + timedelta(hours=2)

    found = audit(wanted, access=fleet.access, now=later)
    assert len(found.records) == 300
    assert problems_of(found) == planter.planted
    assert {r.db_instance_identifier: r.accepted_reason for r in found.records} | {} == {
        **dict.fromkeys(r.db_instance_identifier for r in found.records),
        "aurora": "AWS Backup",
        "secret": "only the key",
    }
    (lagging,) = (record for record in found.records if record.state == "lagging")
    assert lagging.reasons[0].message == (
        f"The backup lags by {format_duration(lagging.lag or timedelta())}; "
        "the rule allows a lag of 30m."
    )
    assert [(finding.code, finding.rule) for finding in found.findings] == [
        ("acceptance_expired", None),
        ("rule_shadowed", "late"),
        ("rule_matches_nothing", "typo"),
    ]
    assert "production" in found.findings[1].message
    others = [(b.kind, str(b.db_instance_arn).rpartition(":")[2]) for b in found.unmanaged]
    assert others == [("unmanaged", n) for n in ("dev", "gone", "moved-1", "recreated")]
    assert all(backup.latest_time is not None for backup in found.unmanaged)
    assert [str(b.db_instance_arn).rpartition(":")[2] for b in found.retained] == ["again"]
    rooms = {(r.account_id, r.destination_region): r.free for r in found.headroom}
    assert rooms[THREE, DESTINATION] == 0
    assert rooms[ONE, "ca-central-1"] == QUOTA
    assert found.matches == {
        "vault": 4,
        "theirs": 1,
        "scratch": 2,
        "moved": 1,
        "production": 291,
        "late": 0,
        "typo": 0,
        "optional": 0,
    }
    assert not found.is_healthy
    assert AuditReport.model_validate_json(found.model_dump_json()) == found

    planned = plan(wanted, access=fleet.access)
    assert Plan.model_validate_json(planned.model_dump_json()) == planned
    arns_of_plan = [str(action.source_db_instance_arn) for action in planned.actions]
    assert arns_of_plan == sorted(arns_of_plan, key=lambda arn: (arn.split(":")[4], arn))
    kinds = {
        str(a.source_db_instance_arn).rpartition(":")[2]: a.kind
        for a in planned.actions
        if a.kind not in ("unchanged", "over_quota")
    }
    assert kinds == {
        **dict.fromkeys(("aurora", "nobackup", "secret", "tagged", "vault-1"), "impossible"),
        **dict.fromkeys((f"new-{number}" for number in range(6)), "start"),
        **dict.fromkeys(("ended-0", "ended-1", "recreated"), "start"),
        "vault-3": "impossible",
        "kept": "replace",
        "moved-1": "move",
        "tmp-2": "stop",
        "dev": "unmatched",
    }
    assert planned.counts["over_quota"] == 3
    fleet.writes.clear()
    with instant_waits():
        report = apply(planned, wanted, access=fleet.access, max_stops=1)
    assert report.counts == {"done": 11, "failed": 1}  # a former instance has the name
    assert fleet.writes.total() == 12  # the replacement is a stop and a start
    planter.settle()
    fixed = ("new-", "ended-", "kept", "moved-")
    remaining = {
        name: text for name, text in planter.planted.items() if not name[2:].startswith(fixed)
    }
    assert problems_of(audit(wanted, access=fleet.access, now=later)) == remaining
