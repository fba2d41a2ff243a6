"""Processes that signals interrupt, for the tests of the program."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import IO

import pytest

from rds_backup_replication.fleet import ObservedState, Plan, PlannedAction, Policy

from .process_cases import NAME, run_python
from .wire import SOURCE_ARN, ScriptedRDS

DEFAULTS = (
    "import signal\n"
    "signal.signal(signal.SIGTERM, signal.SIG_DFL)\n"
    "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
    "from rds_backup_replication.cli import main\n"
)
"""The start of a program whose signals are not ignored, even if nohup runs the tests."""
POLICY = (
    'accounts: [{id: "123456789012"}]\n'
    "rules: [{name: all, source_regions: [us-west-2], destination_region: us-east-1}]\n"
)


def plan_json(*arns: str) -> str:
    """Return a plan that starts the replication of each instance."""
    actions = [
        PlannedAction(
            kind="start",
            account_id="123456789012",
            source_region="us-west-2",
            destination_region="us-east-1",
            source_db_instance_arn=arn,
            rule="all",
            observed=ObservedState(),
        )
        for arn in arns
    ]
    plan = Plan(
        planned_at=datetime.now(timezone.utc),
        policy_hash=Policy.from_yaml(POLICY).content_hash,
        accounts=("123456789012",),
        actions=tuple(actions),
    )
    return plan.model_dump_json()


def apply_arguments(folder: Path, *arns: str) -> list[str]:
    """Write a policy and a plan; return the arguments that apply the plan."""
    policy, plan = folder / "policy.yaml", folder / "plan.json"
    policy.write_text(POLICY, encoding="utf-8")
    plan.write_text(plan_json(*arns), encoding="utf-8")
    return ["apply", str(plan), "--policy", str(policy), "--yes"]


@pytest.fixture
def stalled_rds(rds: ScriptedRDS, monkeypatch: pytest.MonkeyPatch) -> ScriptedRDS:
    """Return an RDS that accepts requests but never responds."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", rds.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    rds.stalls()
    return rds


@contextmanager
def running(*arguments: str) -> Generator["subprocess.Popen[str]"]:
    """Run the program during the block."""
    with subprocess.Popen(  # noqa: S603  # this project's program
        [sys.executable, "-c", f"{DEFAULTS}main()", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()  # so that a failed test does not wait for the program


def read_lines(stream: IO[str], count: int) -> str:
    return "".join(stream.readline() for _ in range(count))


def run_apply(tmp_path: Path, code: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the apply command on a plan of two, with code that replaces ``fleet.apply``."""
    arguments = apply_arguments(tmp_path, SOURCE_ARN, f"{SOURCE_ARN}2")
    return run_python(
        f"{DEFAULTS}"
        "import io, os, sys, threading\n"
        "from rds_backup_replication import fleet\n"
        "from rds_backup_replication.cli._commands import apply as commands\n"
        "def done(action): return fleet.ActionResult(action=action, outcome='done')\n"
        "def ctrl_c(*_): signal.raise_signal(signal.SIGINT)\n"
        f"{code}"
        "fleet.apply = apply\n"
        f"sys.argv = {[NAME, *arguments, *options]!r}\n"
        "main()\n"
    )
