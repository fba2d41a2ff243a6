"""Tests that run the README's examples and the demo."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rds_backup_replication import BackupReplicationClient, __version__
from rds_backup_replication.exceptions import RequestValidationError
from rds_backup_replication.sandbox import Sandbox

from .check_cases import backup, source
from .loopback import result_xml
from .wire import ScriptedRDS, listing_xml

pytestmark = pytest.mark.once

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
START = "StartDBInstanceAutomatedBackupsReplication"
DESCRIBE = "DescribeDBInstanceAutomatedBackups"
SOURCE_ARN = "arn:aws:rds:us-west-2:123456789012:db:mydatabase"


def test_demo_output(tmp_path: Path) -> None:
    run = subprocess.run(  # noqa: S603  # the project's own demo
        [sys.executable, "-W", "error", ROOT / "docs/demo.py"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    statuses = re.findall(r"status: (\w+)", run.stdout)
    assert [status.lower() for status in statuses] == [
        *("pending", "replicating"),
        *("replicating", "retained"),
    ]
    shown = re.findall(r"^(\w+):", run.stdout, re.MULTILINE)
    assert [word for word in shown if word not in ("arn", "status")] == [
        "RequestValidationError",
        "KMSKeyNotAccessibleFault",
        "kms_key_required",
        "started",
        "unchanged",
        *("orders", "reports"),
        *("orders", "reports", "evidence"),
    ]
    assert run.stderr == ""
    assert re.findall(r"^2 .*restorable$", run.stdout, re.MULTILINE) == [
        *("2 not restorable", "2 restorable")
    ]
    for name in ("orders", "reports"):
        assert re.search(
            rf"^{name} is {name}-dr now: done after .* verified$", run.stdout, re.MULTILINE
        )
        assert f"\n{name.upper()}_HOST={name}-dr." in run.stdout
        assert re.search(rf"^{name}: check passed, .*, deleted$", run.stdout, re.MULTILINE)
    (page,) = tmp_path.glob("recovery-*/drill.html")
    assert "would connect to drill-" in page.read_text(encoding="utf-8")


def test_readme_error_matches_library() -> None:
    (shown,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    with pytest.raises(RequestValidationError) as caught:
        BackupReplicationClient(
            region_name="us-west-2"
        ).start_db_instance_automated_backups_replication(
            source_db_instance_arn=SOURCE_ARN, backup_retention_period=36
        )
    assert shown == f"{RequestValidationError.__module__}.RequestValidationError: {caught.value}\n"


@pytest.mark.usefixtures("clock")
def test_readme_examples_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    start, life, lag, _, errors, sandbox_example, testing = BLOCKS
    exec(sandbox_example, {})  # noqa: S102  # the README is trusted
    assert capsys.readouterr().out == "pending\n"

    with Sandbox() as sandbox:
        # The README's client reads its settings from the environment, like a user's client.
        monkeypatch.setenv("AWS_ENDPOINT_URL", sandbox.endpoint_url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
        sandbox.create_db_instance("us-west-2", "mydatabase")
        key = sandbox.boto3_client("kms", "us-east-1").create_key()["KeyMetadata"]["Arn"]
        names: dict[str, object] = {}
        exec(re.sub(r"arn:aws:kms[^\"]*", key, start), names)  # noqa: S102
        exec(life, names)  # noqa: S102
        exec(lag, names)  # noqa: S102
        exec(errors, names)  # noqa: S102
        exec(errors, names)  # noqa: S102  # now the replication is stopped
    exec(testing, names)  # noqa: S102
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("pending arn:aws:rds:us-east-1:123456789012:auto-backup:ab-")
    assert printed[1].startswith("already_replicating: ")
    assert printed[2] == "unchanged"
    assert printed[3].startswith("20")  # a time
    assert printed[-2].startswith("InvalidDBInstanceState Sandbox:")
    assert printed[-1] == "as prepared"


@pytest.mark.parametrize(
    ("backups", "calls"),
    [
        (
            [backup(Status="replicating")],
            ["us-west-2 DescribeDBInstances", f"us-east-1 {DESCRIBE}"],
        ),
        ([], ["us-west-2 DescribeDBInstances", f"us-east-1 {DESCRIBE}", f"us-east-1 {START}"]),
    ],
)
def test_readme_counts_calls_of_ensure(
    rds: ScriptedRDS, backups: list[str], calls: list[str]
) -> None:
    """The README says: two calls where nothing is to be done, and a start makes it three."""
    for body in (source(), listing_xml(*backups), result_xml(START, backup())):
        rds.answers(body)
    result = rds.client().ensure_replication(source_db_instance_arn=SOURCE_ARN)
    assert result.source_checked
    received = [
        f"{request.headers['Authorization'].split('/')[2]} {request.parameters['Action']}"
        for request in rds.received
    ]
    assert received == calls
    assert "`ensure_replication` two API calls where nothing is to be done: DescribeDBI" in README
    assert "A start makes it three." in README


def test_changelog_has_current_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(
        rf"^## \[{re.escape(__version__)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE
    )
