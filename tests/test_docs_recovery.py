"""Tests that run docs/recovery.md and docs/drills.md on the sandbox, and check their tables."""

import contextlib
import io
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.main import get_command

from rds_backup_replication.cli import app
from rds_backup_replication.fleet._records import RestoreState
from rds_backup_replication.fleet._recovery_settings import DrillSettings, RecoverySettings
from rds_backup_replication.recovery import RestoredInstance
from rds_backup_replication.recovery._drill_checks import run_check
from rds_backup_replication.recovery._records import CleanupOutcome, ReadinessCode
from rds_backup_replication.recovery._run import Run
from rds_backup_replication.sandbox import Sandbox

from .recoveries import create_groups
from .recovery_examples import make_entry
from .test_docs import BLOCKS
from .test_docs_cli import PROGRAM, Shell, stabilize
from .test_docs_pages import blocks_of, read

pytestmark = pytest.mark.once

SOURCE, DESTINATION = "us-west-2", "us-east-1"
WINDOW = "sun:04:00-sun:04:30"
GROUP = re.compile(r"sg-0([0-9a-f])[0-9a-f]{15}")
VOLATILE = (
    (r"\[\d+s\]", "[0s]"),
    (r"drill-[0-9a-f]{8}", "drill-01234567"),
    (r"# Recovery [0-9a-f]{32}", "# Recovery 0123456789abcdef0123456789abcdef"),
    (r" +", " "),  # the width of columns depends on what is measured
)
FAKE_PSQL = '#!/bin/sh\necho "$@" >> psql.log\necho 7\n'


class Page:
    """A page whose examples run in order, in a directory with its policy."""

    def __init__(self, sandbox: Sandbox, name: str) -> None:
        self.names: dict[str, Any] = {}
        self._security_groups = create_network(sandbox)
        self._shell = Shell({})
        self._blocks = blocks_of(name)
        for language, text in self._blocks:
            if language == "yaml":
                self._write_policy(text)
            elif language == "sh":
                check = Path("check.sh")
                check.write_text(text, encoding="utf-8")
                check.chmod(0o700)

    def run(self, before: Callable[[str], object]) -> None:
        """Run all blocks; ``before`` is called with each command line or piece of code."""
        for (language, text), (next_language, expected) in pairwise([*self._blocks, ("", "")]):
            if language == "console":
                self._run_console(text, before)
            elif language == "python":
                before(text)
                output = io.StringIO()
                with contextlib.redirect_stdout(output):
                    exec(text, self.names)  # noqa: S102  # the pages are trusted
                assert output.getvalue() == (expected if next_language == "text" else "")

    def _run_console(self, block: str, before: Callable[[str], object]) -> None:
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, output = step.partition("\n")
            before(line)
            assert settle(self._shell.run(line)) == settle(output), line

    def _write_policy(self, text: str) -> None:
        """Write the page's policy with the sandbox's security groups."""
        names = {"1": "private", "d": "drills"}

        def replace(match: re.Match[str]) -> str:
            return self._security_groups[names[match[1]]]

        Path("policy.yaml").write_text(GROUP.sub(replace, text), encoding="utf-8")


def settle(text: str) -> str:
    """Return a text without what differs between two runs."""
    text = stabilize(text)
    for pattern, replacement in VOLATILE:
        text = re.sub(pattern, replacement, text)
    return text


def create_network(sandbox: Sandbox) -> dict[str, str]:
    """Create the groups that the pages name; return the IDs of the security groups."""
    ec2 = sandbox.boto3_client("ec2", DESTINATION)
    rds = sandbox.boto3_client("rds", DESTINATION)
    subnets = ec2.describe_subnets()["Subnets"][:3]
    subnet_ids = [subnet["SubnetId"] for subnet in subnets]
    return create_groups(ec2, rds, subnets[0]["VpcId"], subnet_ids)


def create_parameter_group(sandbox: Sandbox, region: str) -> None:
    rds = sandbox.boto3_client("rds", region)
    rds.create_db_parameter_group(
        DBParameterGroupName="tuned", DBParameterGroupFamily="postgres16", Description="Tuned"
    )
    parameter = {
        "ParameterName": "log_statement",
        "ParameterValue": "ddl",
        "ApplyMethod": "immediate",
    }
    rds.modify_db_parameter_group(DBParameterGroupName="tuned", Parameters=[parameter])


def replicate(sandbox: Sandbox, name: str, **settings: Any) -> None:
    instance = sandbox.create_db_instance(SOURCE, name, EngineVersion="16.4", **settings)
    client = sandbox.client(DESTINATION)
    client.ensure_replication(source_db_instance_arn=str(instance.db_instance_arn))
    client.wait_until_replicating(source_db_instance_arn=str(instance.db_instance_arn))


@pytest.fixture
def page_sandbox(
    rds_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Sandbox]:
    """Yield a sandbox on which runs do not pause, with an empty current directory."""

    def pause(run: Run, *_: object) -> None:
        run.check_stopped()

    def wait(*_: object) -> None:
        pass

    monkeypatch.setattr(Run, "pause", pause)
    monkeypatch.setattr(Run, "wait", wait)
    monkeypatch.setenv("AWS_REGION", DESTINATION)
    monkeypatch.delenv("COLUMNS", raising=False)  # a worker of pytest-xdist has one
    monkeypatch.chdir(tmp_path)
    yield rds_sandbox
    rds_sandbox.region_up(SOURCE)


def test_recovery_page_examples_run(page_sandbox: Sandbox) -> None:
    """Run the page as it tells: the Region is lost when the day begins."""
    create_parameter_group(page_sandbox, SOURCE)
    for name in ("orders", "reports"):
        replicate(
            page_sandbox, name, DBParameterGroupName="tuned", PreferredMaintenanceWindow=WINDOW
        )
    page_sandbox.boto3_client("s3", DESTINATION).create_bucket(Bucket="acme-recovery")
    checks = 0

    def before(line: str) -> None:
        nonlocal checks
        checks += " recovery check " in line
        if " recovery check " in line and checks == 3:  # the page says: once the group exists
            create_parameter_group(page_sandbox, DESTINATION)
        elif " recovery check " in line and checks == 4:  # the first command of the day
            page_sandbox.region_down(SOURCE)

    Page(page_sandbox, "recovery").run(before)
    assert page_sandbox.regions_down == (SOURCE,)
    (endpoints,) = (text for _, text in blocks_of("recovery") if text.startswith("# Recovery "))
    assert settle(Path("endpoints.env").read_text(encoding="utf-8")) == settle(endpoints)
    restored = page_sandbox.boto3_client("rds", DESTINATION).describe_db_instances()["DBInstances"]
    assert {each["DBInstanceIdentifier"] for each in restored} == {"orders-dr", "reports-dr"}
    assert {each["PreferredMaintenanceWindow"] for each in restored} == {WINDOW}


def test_drills_page_examples_run(
    page_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    replicate(page_sandbox, "orders", DBName="shop")
    (tmp_path / "bin").mkdir()
    psql = tmp_path / "bin/psql"
    psql.write_text(FAKE_PSQL, encoding="utf-8")
    psql.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")
    connected: list[Any] = []
    connect = socket.create_connection

    def create_connection(address: tuple[str, int], *args: Any, **keywords: Any) -> socket.socket:
        if address[0].endswith(".amazonaws.com"):
            connected.append(address)
            return socket.socket()
        return connect(address, *args, **keywords)

    monkeypatch.setattr(socket, "create_connection", create_connection)

    def before(line: str) -> None:
        if "--for-drill" in line:
            result = Shell({}).run(f"{PROGRAM} recovery capture policy.yaml --out book.json")
            assert result.startswith("Wrote book.json.\n")

    Page(page_sandbox, "drills").run(before)
    ((host, port),) = connected
    assert host.startswith("drill-")
    assert port == 5432
    assert "7 orders in the hour before 20" in Path("drill.json").read_text(encoding="utf-8")
    assert "port=5432 dbname=shop user=drill" in Path("psql.log").read_text(encoding="utf-8")
    assert "Proven" in Path("drill-2.html").read_text(encoding="utf-8")
    rds = page_sandbox.boto3_client("rds", DESTINATION)
    for instance in rds.describe_db_instances()["DBInstances"]:  # the sandbox is still deleting
        assert instance["DBInstanceStatus"] == "deleting"


def test_readme_example_recovers(page_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    replicate(page_sandbox, "orders")
    Page(page_sandbox, "recovery")  # which writes the policy
    (example,) = (block for block in BLOCKS if "recovery.recover" in block)
    exec(example, {})  # noqa: S102  # the README is trusted
    record, _, _, *endpoints = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"orders restorable 20\S+ \S+", record)
    assert endpoints[0] == "ORDERS_HOST=orders-dr.aaaaaaaaaa.us-east-1.rds.amazonaws.com"


def rows(page: str, heading: str) -> list[str]:
    """Return the first cells of the tables' rows under a heading."""
    section = read(page).partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([^`]+)`", section, re.MULTILINE)


def test_recovery_page_lists_states_and_codes() -> None:
    states, codes = get_args(RestoreState), get_args(ReadinessCode)
    listed = rows("recovery", "### Check daily")
    assert listed[:4] == ["state", *states]
    assert listed[4] == "code"
    assert sorted(listed[5:]) == sorted(codes)


def test_policy_page_lists_all_fields_of_recovery() -> None:
    fields = [*RecoverySettings.model_fields, *DrillSettings.model_fields]
    assert rows("policy", "## Recovery") == fields


def test_drills_page_lists_outcomes_of_cleanup() -> None:
    assert rows("drills", "## Cleanup") == ["cleanup", *get_args(CleanupOutcome)]


def test_drills_page_lists_variables_of_checks() -> None:
    """A command gets the variables of the table, and no others."""
    entry = make_entry()
    instance = RestoredInstance(
        **entry.model_dump(include={"account_id", "source_region", "destination_region", "tier"}),
        db_instance_arn=entry.db_instance_arn,
        db_instance_identifier="orders",
        target_db_instance_identifier="drill-01234567-orders",
        outcome="done",
        new_endpoint="drill.example",
        new_port=5432,
        restore_time=entry.captured_at,
    )
    code = "import os; print(*(name for name in os.environ if name.startswith('DB_')))"
    outcome, output = run_check(
        [sys.executable, "-c", code],
        instance,
        entry,
        timedelta(minutes=1),
        stopped=threading.Event(),
    )
    assert outcome == "passed"
    assert output is not None
    section = read("drills").partition("\n## The check\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(DB_\w+)`", section)) == set(output.split())


def test_pages_name_existing_options() -> None:
    commands: dict[str, Any] = vars(get_command(app))["commands"]
    known: set[str] = set()
    of_recovery: dict[str, Any] = commands["recovery"].commands
    for command in (*of_recovery.values(), commands["audit"]):
        known.update(*(each.opts for each in command.params))
    for page in ("recovery", "drills"):
        prose = re.sub(r"^```.*?^```$", "", read(page), flags=re.DOTALL | re.MULTILINE)
        named = set(re.findall(r"(--[a-z][a-z-]+)", prose))
        assert named
        assert named <= known
