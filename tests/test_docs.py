"""Tests that run the README's examples and the demo."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import metadata
from pathlib import Path

import pytest

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication.exceptions import RequestValidationError
from rds_backup_replication.sandbox import Sandbox
from rds_backup_replication.sandbox import __main__ as sandbox_command

from .check_cases import backup, source
from .loopback import result_xml
from .wire import ScriptedRDS, listing_xml

pytestmark = pytest.mark.once

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
ENDPOINT = "http://127.0.0.1:5000"
SHELL_BLOCKS = re.findall(r"```shell\n(.*?)```", README, re.DOTALL)
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
START = "StartDBInstanceAutomatedBackupsReplication"
DESCRIBE = "DescribeDBInstanceAutomatedBackups"
SOURCE_ARN = "arn:aws:rds:us-west-2:123456789012:db:mydatabase"


@pytest.mark.long
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
    assert "\n== Next steps\n" in run.stdout
    assert not re.search(r"\d\.\d+ s|\d:\d\d:\d\d\.", run.stdout)  # durations are rounded
    shown = re.findall(r"^(\w+):", run.stdout, re.MULTILINE)
    assert [word for word in shown if word not in ("arn", "status")] == [
        "RequestValidationError",
        "KMSKeyNotAccessibleFault",
        "kms_key_required",
        "started",
        "unchanged",
        *("orders", "reports"),
        *("orders", "reports"),
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
    client = BackupReplicationClient(region_name="us-west-2")
    with pytest.raises(RequestValidationError) as caught:
        client.ensure_replication(source_db_instance_arn=SOURCE_ARN, backup_retention_period=36)
    assert shown == f"{RequestValidationError.__module__}.RequestValidationError: {caught.value}\n"


@pytest.fixture
def pasted(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Set the README's environment, which leads to a sandbox; yield the README's commands."""
    commands = "".join(block for block in SHELL_BLOCKS if "$SOURCE" in block or "audit" in block)
    with Sandbox() as sandbox:
        sandbox.create_db_instance("us-west-2", "mydatabase")
        commands = commands.replace(ENDPOINT, sandbox.endpoint_url)
        for name, value in re.findall(r"(AWS_\w+)=(\S+)", commands):
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        yield re.sub(r"^\. \.venv-try.*$", "", commands, flags=re.MULTILINE)


@pytest.mark.long  # a process for each command
def test_readme_commands_run_in_a_shell(pasted: str, tmp_path: Path) -> None:
    shell = subprocess.run(
        ["bash", "-e"],  # noqa: S607  # any bash
        input=pasted,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shell.returncode == 0, shell.stderr
    assert shell.stderr.startswith("No blockers found.\n")
    assert re.search(r"^Action +started$", shell.stdout, re.MULTILINE)
    assert re.search(r"^Status +replicating$", shell.stdout, re.MULTILINE)
    assert re.search(r"^protected +\d+s +us-east-1 ", shell.stdout, re.MULTILINE)
    assert "mydatabase" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("clock", "pasted")
def test_readme_examples_run(capsys: pytest.CaptureFixture[str]) -> None:
    start, errors, _, testing = BLOCKS
    names: dict[str, object] = {}
    for block in (start, errors, errors, testing):  # the second stop is refused
        exec(block, names)  # noqa: S102  # the README is trusted
    action, lag, refused, queued = capsys.readouterr().out.splitlines()
    assert action == "started"
    assert re.fullmatch(r"mydatabase: a disaster now would lose the last 0:\d\d:\S+", lag)
    assert refused.startswith("InvalidDBInstanceState Sandbox:")
    assert queued == "as queued"


def test_readme_sandbox_has_the_instance_and_port(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[tuple[int, list[tuple[str, str]]]] = []

    def serve(port: int, instances: list[tuple[str, str]]) -> None:
        served.append((port, instances))

    monkeypatch.setattr(sandbox_command, "serve", serve)
    (line,) = re.findall(r"^python -m rds_backup_replication\.sandbox .*$", README, re.MULTILINE)
    monkeypatch.setattr(sys, "argv", line.split()[2:])
    sandbox_command.main()
    assert served == [(5000, [("us-west-2", "mydatabase")])]
    assert ENDPOINT.endswith(":5000")


def test_readme_names_make_targets_and_extras_that_exist() -> None:
    targets = (ROOT / "Makefile").read_text(encoding="utf-8")
    extras = set(metadata("rds-backup-replication").get_all("Provides-Extra") or ())
    for target in re.findall(r"\bmake (\w+)", README):
        assert re.search(rf"^{target}:", targets, re.MULTILINE), target
    named = ",".join(re.findall(r"'\.\[([\w,]+)\]'", README)).split(",")
    assert {"all"} < {*named} <= extras


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
def test_speed_page_counts_calls_of_ensure(
    rds: ScriptedRDS, backups: list[str], calls: list[str]
) -> None:
    """Check the table in docs/speed.md: two calls for an active replication, three for a start."""
    for body in (source(), listing_xml(*backups), result_xml(START, backup())):
        rds.answers(body)
    result = rds.client().ensure_replication(source_db_instance_arn=SOURCE_ARN)
    assert result.source_checked
    received = [
        f"{request.headers['Authorization'].split('/')[2]} {request.parameters['Action']}"
        for request in rds.received
    ]
    assert received == calls
    kind = "of an active replication" if backups else "that starts a replication"
    speed = (ROOT / "docs/speed.md").read_text(encoding="utf-8")
    assert f"| `ensure_replication` {kind} | {len(calls)} |" in speed
