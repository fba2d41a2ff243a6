"""The commands for a policy alone: which rule gets each instance, and the schema."""

from pathlib import Path

import pytest

from rds_backup_replication.cli._errors import ExitCode
from rds_backup_replication.exceptions import InternalFailureError

from .cli_cases import JSON, no_width, run
from .fleets import ACCOUNTS, Fleet

pytestmark = pytest.mark.once

__all__ = ["no_width"]

POLICY = """\
accounts:
  - {{id: "{0}", name: first, role_arn: "arn:aws:iam::{0}:role/audit"}}
  - {{id: "{1}", name: second, role_arn: "arn:aws:iam::{1}:role/audit"}}
defaults: {{destination_region: us-east-1}}
rules:
  - {{name: production, source_regions: [us-west-2], select: {{tags: {{env: "prod*"}}}}}}
  - {{name: rest, source_regions: [us-west-2], accounts: [first]}}
  - {{name: elsewhere, source_regions: [eu-west-1], select: {{encrypted: true}}}}
"""


@pytest.fixture
def policy(tmp_path: Path, fleet: Fleet) -> str:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY.format(*ACCOUNTS), encoding="utf-8")
    fleet.add(ACCOUNTS[0], "us-west-2", "orders", tags={"env": "prod"})
    fleet.add(ACCOUNTS[0], "us-west-2", "billing", tags={"env": "dev"})
    fleet.add(ACCOUNTS[1], "us-west-2", "orders", tags={})
    return str(path)


def test_policy_test_shows_rule_and_mismatches(policy: str, fleet: Fleet) -> None:
    endpoint = ("--endpoint-url", fleet.sandbox.endpoint_url)
    report = run("policy", "test", policy, *endpoint, *JSON).json
    assert report["problems"] == []
    assert [
        (found["account_id"], found["db_instance_identifier"], found.get("rule"))
        for found in report["instances"]
    ] == [
        (ACCOUNTS[0], "billing", "rest"),
        (ACCOUNTS[0], "orders", "production"),
        (ACCOUNTS[1], "orders", None),
    ]
    assert [found["mismatches"] for found in report["instances"]] == [
        {"production": "tag env is dev, not prod*"},
        {},
        {
            "production": "has no tag env",
            "rest": f"account {ACCOUNTS[1]} is not one of its accounts",
            "elsewhere": "us-west-2 is not one of its source Regions",
        },
    ]
    # The filters; an account is found by its name.
    table = run("policy", "test", policy, *endpoint, "--account", "f*", "--identifier", "B*").stdout
    arn = f"arn:aws:rds:us-west-2:{ACCOUNTS[0]}:db:billing"
    assert table.splitlines() == [
        "RULE  ACCOUNT       REGION     INSTANCE",
        f"rest  {ACCOUNTS[0]}  us-west-2  billing",
        "",
        arn,
        "  production: tag env is dev, not prod*",
    ]

    # A Region that fails hides no other one.
    fleet.sandbox.add_fault(
        "describe_db_instances", InternalFailureError, region_name="eu-west-1", times=None
    )
    ran = run("policy", "test", policy, *endpoint, "--account", "first", code=ExitCode.FINDINGS)
    assert "billing" in ran.stdout
    assert f"Account {ACCOUNTS[0]}: The client could not find out whether eu-west-1" in ran.stderr


def test_policy_schema_is_that_of_policy_schema_command() -> None:
    schema = run("policy", "schema").stdout
    assert '"Defaults"' in schema
    assert run("policy-schema").stdout == schema
