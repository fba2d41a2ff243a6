"""A replication and a recovery on the sandbox, without an AWS account or network access."""

import os
import sys
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from rds_backup_replication import DBInstanceAutomatedBackup, recovery
from rds_backup_replication.exceptions import BackupReplicationError
from rds_backup_replication.fleet import Access, Policy
from rds_backup_replication.fleet._durations import format_duration
from rds_backup_replication.sandbox import Sandbox

SOURCE, DESTINATION = "us-west-2", "us-east-1"
ACCOUNT = "123456789012"
FLEET = {"orders": "1", "reports": "2"}
"""The identifiers of the instances to recover, each with its tier."""
INTRODUCTION = f"""\
This is a tour of rds-backup-replication. Nothing leaves this machine: all requests go to a
sandbox, a simulated RDS with two Regions. {SOURCE} is the source, which has the instances, and
{DESTINATION} is the destination, which keeps their replicated backups. The sandbox answers at
once; on AWS, a first copy or a restore takes much longer than here."""
NEXT_STEPS = """\
1. Do the same by hand: "Quick start" in README.md keeps a sandbox running, and has commands and
   Python code to paste.
2. Read docs/start.md for one instance, docs/fleet.md for many, and docs/recovery.md for the day
   on which a Region is lost. docs/demo.py is the code of this tour.
3. Before the first call to AWS, give your role the permissions of docs/permissions.md."""


def heading(text: str) -> None:
    print(f"\n== {text}")


def print_status(backup: DBInstanceAutomatedBackup | None) -> None:
    print(f"status: {backup.status if backup else 'no backup found'}")


def in_words(duration: timedelta | None) -> str:
    return "not known" if duration is None else format_duration(duration)


def show_errors(sandbox: Sandbox, source_arn: str, key_arn: str) -> None:
    heading("Three errors in one call, all reported before anything is sent")
    try:
        sandbox.client(SOURCE).start_db_instance_automated_backups_replication(
            source_db_instance_arn=source_arn, backup_retention_period=36, tags={"aws:team": "dba"}
        )
    except BackupReplicationError as error:
        print(f"{type(error).__name__}: {error}")
    heading(f"An error that only RDS can find: a KMS key that does not exist in {DESTINATION}")
    try:
        sandbox.client(DESTINATION).start_db_instance_automated_backups_replication(
            source_db_instance_arn=source_arn, kms_key_id=f"{key_arn[:-4]}0000"
        )
    except BackupReplicationError as error:
        print(f"{type(error).__name__}: {error}")


def show_replication(sandbox: Sandbox) -> None:
    heading(f"An encrypted source instance in {SOURCE}, and a KMS key in {DESTINATION}")
    source_arn = str(
        sandbox.create_db_instance(SOURCE, "mydatabase", StorageEncrypted=True).db_instance_arn
    )
    key = sandbox.boto3_client("kms", DESTINATION).create_key()["KeyMetadata"]
    key_arn = str(key["Arn"])
    print(f"{source_arn}\n{key_arn}")

    show_errors(sandbox, source_arn, key_arn)

    client = sandbox.client(DESTINATION)
    heading("Check first: what would block a start?")
    for reason in client.check_replication(source_db_instance_arn=source_arn):
        print(f"{reason.code}: {reason.message}\n  {reason.remedy}")

    heading("Ensure replication, twice: the second call changes nothing")
    for _ in range(2):
        result = client.ensure_replication(
            source_db_instance_arn=source_arn,
            backup_retention_period=14,
            kms_key_id=key_arn,
            tags={"env": "prod", "owner": "platform"},
        )
        print(f"{result.action}: {result.backup.db_instance_automated_backups_arn}")

    heading("Wait until the backup can be restored")
    print("RDS varies the capitals of a status, so the sandbox does, too. You need not care:")
    print("backup.status == 'replicating' is true for Replicating as well.")
    backup = client.wait_until_replicating(source_db_instance_arn=source_arn, on_poll=print_status)
    window = backup.restore_window
    if window and window.latest_time:
        print(f"latest restorable time: {window.latest_time:%Y-%m-%d %H:%M:%S %Z}")
    print(f"data loss if the source failed now: {in_words(backup.lag())}")

    heading(f"All automated backups in {DESTINATION}")
    for backup in client.describe_db_instance_automated_backups():
        tags = {tag.key: tag.value for tag in backup.tag_list or ()}
        print(f"{backup.db_instance_identifier} from {backup.region}: {backup.status}, {tags}")

    heading("Stop: the backup is retained until its retention period ends")
    client.ensure_stopped(source_db_instance_arn=source_arn)
    client.wait_until_stopped(source_db_instance_arn=source_arn, on_poll=print_status)


def create_parameter_group(rds: Any) -> None:
    rds.create_db_parameter_group(
        DBParameterGroupName="tuned", DBParameterGroupFamily="postgres16", Description="Tuned"
    )
    parameter = {
        "ParameterName": "log_statement",
        "ParameterValue": "ddl",
        "ApplyMethod": "immediate",
    }
    rds.modify_db_parameter_group(DBParameterGroupName="tuned", Parameters=[parameter])


def create_fleet(sandbox: Sandbox) -> None:
    """Create instances with settings of their own, and wait until they replicate."""
    create_parameter_group(sandbox.boto3_client("rds", SOURCE))
    client = sandbox.client(DESTINATION)
    for name, tier in FLEET.items():
        instance = sandbox.create_db_instance(
            SOURCE,
            name,
            EngineVersion="16.4",
            DBInstanceClass="db.r6g.large",
            DBParameterGroupName="tuned",
            DeletionProtection=True,
            PreferredMaintenanceWindow="sun:04:00-sun:04:30",
            Tags=[{"Key": "tier", "Value": tier}],
        )
        client.ensure_replication(source_db_instance_arn=str(instance.db_instance_arn))
        client.wait_until_replicating(source_db_instance_arn=str(instance.db_instance_arn))
        print(f"{name}: {instance.db_instance_class}, tier {tier}")


def create_network(sandbox: Sandbox) -> dict[str, str]:
    """Create a DB subnet group for recoveries and one for drills; return their security groups."""
    ec2 = sandbox.boto3_client("ec2", DESTINATION)
    subnets = ec2.describe_subnets()["Subnets"][:3]
    rds = sandbox.boto3_client("rds", DESTINATION)
    security_groups: dict[str, str] = {}
    for name in ("private", "drills"):
        rds.create_db_subnet_group(
            DBSubnetGroupName=name,
            DBSubnetGroupDescription=name,
            SubnetIds=[subnet["SubnetId"] for subnet in subnets],
        )
        security_group = ec2.create_security_group(
            GroupName=name, Description=name, VpcId=subnets[0]["VpcId"]
        )
        security_groups[name] = security_group["GroupId"]
    return security_groups


def make_policy(security_groups: dict[str, str]) -> Policy:
    drill = {"subnet_group": "drills", "security_group_ids": [security_groups["drills"]]}
    rules = [
        {
            "name": f"tier {tier}",
            "select": {"tags": {"tier": tier}},
            "source_regions": [SOURCE],
            "destination_region": DESTINATION,
            "recovery": {
                "tier": int(tier),
                "name": "{name}-dr",
                "subnet_group": "private",
                "security_group_ids": [security_groups["private"]],
                "rto": "4h",
                "rpo": "30m",
                "drill": drill,
            },
        }
        for tier in sorted(FLEET.values())
    ]
    return Policy.from_dict({"accounts": [{"id": ACCOUNT}], "rules": rules})


def check_readiness(book: recovery.RecoveryBook, access: Access) -> recovery.ReadinessReport:
    report = recovery.check(book, access=access)
    for state, number in report.counts.items():
        print(f"{number} {state.replace('_', ' ')}")
    return report


def show_recovery(sandbox: Sandbox, folder: Path) -> None:
    # The accounts of a fleet take their credentials from the environment, as AWS's own tools do.
    os.environ |= {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox"}
    access = Access(endpoint_url=sandbox.endpoint_url)

    heading(f"Two more instances in {SOURCE}, both replicated to {DESTINATION}")
    create_fleet(sandbox)
    policy = make_policy(create_network(sandbox))

    heading(f"Capture what a restore needs beside the backups, while {SOURCE} is there")
    recovery.write_book(recovery.capture(policy, access=access), folder / "book.json")
    book = recovery.read_book(folder / "book.json")
    print(f"{len(book.instances)} instances in {folder / 'book.json'}")

    heading(f"{SOURCE} is lost: from now on, it answers nothing")
    sandbox.region_down(SOURCE)

    heading(f"Could both be restored? Only {DESTINATION} is asked, and nothing is created")
    reasons = {reason for each in check_readiness(book, access).records for reason in each.reasons}
    for reason in reasons:
        print(reason.message, reason.remedy, *reason.commands, sep="\n  ")

    heading("Create the parameter group, and check again")
    create_parameter_group(sandbox.boto3_client("rds", DESTINATION))
    check_readiness(book, access)

    heading("Recover: tier 1 before tier 2, with the settings of the lost instances")
    report = recovery.recover(
        book, journal=folder / "recovery.jsonl", access=access, poll_interval=0
    )
    for each in report.instances:
        print(
            f"{each.db_instance_identifier} is {each.target_db_instance_identifier} now: "
            f"{each.outcome} after {in_words(each.finished_after)}, "
            f"{len(each.verified)} settings verified"
        )

    heading("The old and new endpoints, for DNS and configurations")
    print(recovery.render_endpoints(report, "dotenv"), end="")

    heading("Drill: restore under other names, check, measure, delete, and keep the evidence")
    evidence = recovery.drill(
        book,
        journal=folder / "drill.jsonl",
        check=[sys.executable, "-c", "import os; print('would connect to', os.environ['DB_HOST'])"],
        access=access,
        poll_interval=0,
    )
    for drilled in evidence.instances:
        print(
            f"{drilled.restore.db_instance_identifier}: check {drilled.check}, "
            f"running after {in_words(drilled.checked_after)} (objective {in_words(drilled.rto)}), "
            f"data {in_words(drilled.restored_age)} old (objective {in_words(drilled.rpo)}), "
            f"{drilled.cleanup}"
        )
    page = folder / "drill.html"
    page.write_text(recovery.render_drill_html(evidence), encoding="utf-8")
    print(f"evidence, to open in a browser: {page.as_uri()}")


def main() -> None:
    print(INTRODUCTION)
    with Sandbox() as sandbox:
        show_replication(sandbox)
        show_recovery(sandbox, Path(mkdtemp(prefix="recovery-")))
    heading("Next steps")
    print(NEXT_STEPS)


if __name__ == "__main__":
    main()
