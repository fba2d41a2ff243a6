"""The commands for recoveries, run one after the other on the sandbox."""

from pathlib import Path
from typing import Any

import pytest

from rds_backup_replication.sandbox import Behavior, Sandbox

from . import cli_fleet_cases
from .cli_cases import JSON
from .cli_fleet_cases import run
from .fleets import Fleet
from .recoveries import network
from .wire import SOURCE_ARN

pytestmark = pytest.mark.once

sandbox = cli_fleet_cases.sandbox
AT_ONCE = ("--poll-interval", "0s")
POLICY = """
accounts: [{{id: "123456789012"}}]
rules:
  - name: all
    source_regions: [us-west-2]
    destination_region: us-east-1
    recovery:
      name: "{{name}}-dr"
      subnet_group: private
      security_group_ids: [{private}]
      drill: {{subnet_group: drills, security_group_ids: [{drills}]}}
"""


def instances(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return the instances in the destination, without those that RDS deletes."""
    found: list[dict[str, Any]] = sandbox.boto3_client("rds", "us-east-1").describe_db_instances()[
        "DBInstances"
    ]
    return [instance for instance in found if instance["DBInstanceStatus"] != "deleting"]


def test_commands_work_one_after_the_other(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = network(Fleet(sandbox, monkeypatch), "123456789012")
    Path("policy.yaml").write_text(POLICY.format(**groups), encoding="utf-8")
    sandbox.behavior = Behavior(pending_looks=0)
    client = sandbox.client("us-east-1")
    client.start_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)
    list(client.describe_db_instance_automated_backups())
    run("recovery", "capture", "policy.yaml", "--out", "book.json")
    assert run("recovery", "check", "book.json").stdout.splitlines()[1].startswith("restorable")
    audited = run("audit", "policy.yaml", "--recovery-book", "book.json").stdout.splitlines()
    assert [line.split()[:2] for line in audited[:2]] == [
        ["STATE", "RESTORE"],
        ["protected", "restorable"],
    ]
    planned = run("recovery", "recover", "book.json", "--dry-run").stdout
    assert planned.splitlines()[1].split()[:2] == ["planned", "1"]
    drill = ("drill", "book.json", "--journal", "drill.jsonl", "--yes", *AT_ONCE)
    run("recovery", *drill, "--check", "true", "--evidence", "drill.html", *JSON)
    assert "mydatabase" in Path("drill.html").read_text(encoding="utf-8")
    run("recovery", "drill-cleanup", "drill.jsonl")
    assert instances(sandbox) == []
    recover = ("recover", "book.json", "--journal", "run.jsonl", *AT_ONCE)
    run("recovery", *recover, "--yes")
    again = run("recovery", *recover, "--endpoints", "dotenv").stdout
    (restored,) = instances(sandbox)
    assert restored["DBInstanceIdentifier"] == "mydatabase-dr"
    assert f"MYDATABASE_HOST={restored['Endpoint']['Address']}\n" in again
