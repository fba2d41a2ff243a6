"""Tests of the pytest fixtures, each in a pytest run of its own, as users get them."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

EXAMPLE = Path(__file__).parent.parent / "docs/example_test.py"
PREAMBLE = """
import os
import boto3
import pytest
from rds_backup_replication import BackupReplicationClient
from rds_backup_replication.testing import make_automated_backup

ARN = "arn:aws:rds:us-west-2:123456789012:db:mydatabase"
"""


def run(pytester: pytest.Pytester, tests: str) -> pytest.RunResult:
    """Run tests in a new pytest process that treats warnings as errors."""
    pytester.makepyfile(PREAMBLE + tests)
    return pytester.runpytest_subprocess("-W", "error")


def test_documented_example_passes(pytester: pytest.Pytester) -> None:
    example = EXAMPLE.read_text(encoding="utf-8")
    assert len(example.splitlines()) < 30
    assert "{" not in example
    assert "dict(" not in example
    pytester.makepyfile(example)
    result = pytester.runpytest_subprocess("-W", "error")
    result.assert_outcomes(passed=4)


def test_fixtures_are_listed(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--fixtures")
    result.stdout.fnmatch_lines_random(
        [
            "replication_stubber -- *",
            "    Yield a stubber that queues responses for every client *",
            "rds_sandbox -- *",
            "sandbox_client -- *",
        ]
    )


def test_plugin_import_is_cheap(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_it(request):
            assert request.config.pluginmanager.has_plugin("rds_backup_replication")
            assert "rds_backup_replication.testing.plugin" in sys.modules
            expensive = {"boto3", "botocore", "pydantic", "moto", "flask"}
            assert not expensive & set(sys.modules)
        """
    )
    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=1)


def test_stubber_errors_fail_the_test(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_pending(replication_stubber):
    replication_stubber.add_stop()

def test_swallowed(replication_stubber):
    try:
        list(BackupReplicationClient().describe_source_regions())
    except BaseException:
        pass
""",
    )
    result.assert_outcomes(passed=2, errors=2)
    result.stdout.fnmatch_lines(
        [
            "*responses were queued for these calls, but not used:*",
            "*stop_db_instance_automated_backups_replication(...)",
            "*UnexpectedCall: expected no call",
            "*got describe_source_regions()",
        ]
    )


@pytest.mark.long
def test_rds_sandbox_serves_all_clients(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "not-of-the-sandbox")
    # Nothing listens at this address.
    for name in ("HTTP_PROXY", "https_proxy", "all_proxy", "AWS_ENDPOINT_URL_RDS"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    result = run(
        pytester,
        """
@pytest.mark.parametrize("run", [1, 2])  # the second run must not see the data of the first
def test_it(rds_sandbox, sandbox_client, run):
    assert boto3.DEFAULT_SESSION is None
    boto3.client("rds", region_name="us-west-2").create_db_instance(
        DBInstanceIdentifier="mydatabase", DBInstanceClass="db.t3.micro", Engine="postgres",
        AllocatedStorage=20, BackupRetentionPeriod=7,
    )
    client = BackupReplicationClient()
    assert client.region_name == sandbox_client.region_name == "us-east-1"
    assert client.ensure_replication(source_db_instance_arn=ARN).action == "started"
    backup = client.wait_until_replicating(source_db_instance_arn=ARN)
    assert list(sandbox_client.describe_db_instance_automated_backups()) == [backup]
    client.ensure_stopped(source_db_instance_arn=ARN)
    assert client.wait_until_stopped(source_db_instance_arn=ARN).is_retained

def test_afterwards():
    assert boto3.DEFAULT_SESSION is None
    assert os.environ["AWS_ENDPOINT_URL_RDS"] == "http://127.0.0.1:9"
    assert "AWS_ENDPOINT_URL" not in os.environ
""",
    )
    result.assert_outcomes(passed=3)
