"""The commands replace, ensure and check: their phases, JSON and exit codes."""

import re

import pytest

from rds_backup_replication.cli._errors import ExitCode
from rds_backup_replication.exceptions import AccessDeniedError
from rds_backup_replication.sandbox import Sandbox

from . import cli_cases
from .cli_cases import JSON, run
from .stubber_cases import START
from .wire import SOURCE_ARN

pytestmark = pytest.mark.once

# Fixtures that several files share.
sandbox = cli_cases.sandbox
no_width = cli_cases.no_width

REPLACE = ("replace", SOURCE_ARN, "--backup-retention-period", "7", "--yes")


def test_replace_reports_each_phase(sandbox: Sandbox) -> None:
    run("start", SOURCE_ARN, "--backup-retention-period", "14", "--tags", "env=prod")
    replaced = run(*REPLACE, *JSON)
    assert replaced.json["action"] == "replaced"
    assert replaced.json["source_checked"] is True
    assert replaced.json["backup"]["backup_retention_period"] == 7
    assert replaced.json["backup"]["tag_list"] == [{"key": "env", "value": "prod"}]
    words = [line.split()[0] for line in replaced.stderr.splitlines()]
    assert list(dict.fromkeys(words)) == ["Checking", "Stopping", "Waiting", "Starting"]
    assert run(*REPLACE, *JSON).json["action"] == "unchanged"
    sandbox.reset()


def test_replace_stops_nothing_if_blocked(sandbox: Sandbox) -> None:
    run("start", SOURCE_ARN, "--backup-retention-period", "14")
    rds = sandbox.boto3_client("rds", "us-west-2")
    rds.modify_db_instance(DBInstanceIdentifier="mydatabase", BackupRetentionPeriod=0)
    ran = run(*REPLACE, code=ExitCode.FINDINGS)
    assert (
        "nothing was stopped:\n  The automated backups of the instance are disabled." in ran.stderr
    )
    assert ran.stdout == ""
    backup = sandbox.client("us-east-1").find_replicated_backup(source_db_instance_arn=SOURCE_ARN)
    assert backup is not None
    assert backup.is_active


@pytest.mark.parametrize(
    ("refusals", "message", "hint"),
    [
        (1, "The instance replicates, and RDS keeps its backups for 14 days.\n", None),
        (
            2,
            "The instance does not replicate.\n",
            f"run: start {SOURCE_ARN} --backup-retention-period 14 --tags 'my team=a b'\n",
        ),
    ],
)
def test_replace_that_fails_after_its_stop(
    sandbox: Sandbox, refusals: int, message: str, hint: str | None
) -> None:
    """The shell gets a command line that returns to the former settings, and no Python."""
    run("start", SOURCE_ARN, "--backup-retention-period", "14", "--tags", "my team=a b")
    sandbox.add_fault(START, AccessDeniedError, times=refusals, message="A policy denies it.")
    ran = run(*REPLACE, code=ExitCode.INCOMPLETE)
    text = ran.stderr[ran.stderr.index("Error: ") :]
    assert "A policy denies it." in text
    assert message in text
    assert not re.search(r"[a-z]_[a-z]|\w\(\)", text)
    assert text.endswith(hint or message)
    assert ("again to resume" in text) == (hint is not None)
    assert run(*REPLACE, *JSON).json["action"] == ("started" if hint else "replaced")


def test_ensure_says_if_the_source_was_not_asked(sandbox: Sandbox) -> None:
    run("ensure", SOURCE_ARN)
    assert run("ensure", SOURCE_ARN, *JSON).json["source_checked"] is True
    sandbox.add_fault("describe_db_instances", AccessDeniedError)
    again = run("ensure", SOURCE_ARN, *JSON)
    assert (again.json["action"], again.json["source_checked"]) == ("unchanged", False)
    assert "The source Region did not confirm" in again.stderr


def test_check_json_separates_blockers(sandbox: Sandbox) -> None:
    """The key and the question that RDS refuses are in lists of their own."""
    asked = ("check", SOURCE_ARN, "--kms-key-id", "alias/nobody")
    sandbox.add_fault("describe_source_regions", AccessDeniedError)
    found = run(*asked, *JSON, code=ExitCode.FINDINGS).json
    assert [reason["code"] for reason in found["blockers"]] == ["kms_key_not_found"]
    assert [reason["code"] for reason in found["unchecked"]] == ["could_not_be_checked"]
    table = run(*asked, code=ExitCode.FINDINGS).stdout
    assert table.splitlines()[1].startswith("kms_key_not_found")
