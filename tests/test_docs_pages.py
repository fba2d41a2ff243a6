"""Tests that run the examples of the documentation pages and check their tables."""

import json
import re
import signal
from pathlib import Path
from typing import Any, get_args

import pytest

import rds_backup_replication
from rds_backup_replication import (
    CheckReason,
    ReplacementProgress,
    _operations,
    exceptions,
    fleet,
    recovery,
    sandbox,
    testing,
)
from rds_backup_replication._operations import Operation
from rds_backup_replication._restore import RESTORE
from rds_backup_replication.exceptions import BackupReplicationError, InvalidParameterValueError
from rds_backup_replication.fleet._plan_records import Kind, Outcome
from rds_backup_replication.fleet._records import FleetCode, State
from rds_backup_replication.recovery import _operations as recovery_operations
from rds_backup_replication.sandbox import Sandbox

pytestmark = pytest.mark.once

ALL_OPERATIONS = (
    _operations.START,
    _operations.STOP,
    _operations.DESCRIBE,
    _operations.DELETE,
    _operations.DESCRIBE_SOURCE_REGIONS,
)
DOCS = Path(__file__).parent.parent / "docs"
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
KEY_ARN = re.compile(r"arn:aws:kms:us-east-1:\d{12}:key/[\w-]+")


def read(page: str) -> str:
    return (DOCS / f"{page}.md").read_text(encoding="utf-8")


def blocks_of(page: str) -> list[tuple[str, str]]:
    """Return the language and text of each fenced block."""
    return FENCED.findall(read(page))


def run(
    page: str,
    rds_sandbox: Sandbox,
    capsys: pytest.CaptureFixture[str],
    names: dict[str, Any] | None = None,
) -> list[str]:
    """Run a page's examples in one namespace, and return the output of each.

    The output of an example must match the text block that follows the example.
    """
    key = rds_sandbox.boto3_client("kms", "us-east-1").create_key()["KeyMetadata"]["Arn"]
    blocks = blocks_of(page)
    names = {} if names is None else names
    printed: list[str] = []
    for (language, text), (next_language, expected) in zip(
        blocks, [*blocks[1:], ("", "")], strict=True
    ):
        if language != "python":
            continue
        exec(KEY_ARN.sub(key, text), names)  # noqa: S102  # the pages are trusted
        output = re.sub(r"auto-backup:ab-\w+", "auto-backup:ab-example", capsys.readouterr().out)
        if next_language == "text":
            assert output == expected
        printed.append(output)
    return printed


def test_start_page_examples_run(rds_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    printed = run("start", rds_sandbox, capsys)
    assert "us-west-2" in printed[1].splitlines()
    described = printed[5].splitlines()
    assert described[0] == "mydatabase from us-west-2"
    assert re.match(r"restorable to 20\d\d-", described[1])
    assert re.match(r"lag: \d:\d\d:\d\d", described[2])
    backups = rds_sandbox.client("us-east-1").describe_db_instance_automated_backups()
    assert [backup.status for backup in backups] == [
        "active",
        "deleting",
    ]  # the restored one's, too


def test_waiting_page_examples_run(
    rds_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    run("waiting", rds_sandbox, capsys)


def test_idempotence_page_examples_run(
    rds_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    rds_sandbox.create_db_instance("us-west-2", StorageEncrypted=True)
    run("idempotence", rds_sandbox, capsys)


class SharedSandbox:
    """The sandbox of a test in place of a second one, which a process cannot run."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def __enter__(self) -> Sandbox:
        self._sandbox.reset()
        return self._sandbox

    def __exit__(self, *_: object) -> None:
        pass


def test_replacement_page_examples_run(
    rds_sandbox: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "Sandbox", lambda: SharedSandbox(rds_sandbox))
    rds_sandbox.create_db_instance("us-west-2")
    before = signal.getsignal(signal.SIGTERM)
    try:
        run("replacement", rds_sandbox, capsys)
        assert signal.getsignal(signal.SIGTERM) is not before
    finally:
        signal.signal(signal.SIGTERM, before)


def test_replacement_page_lists_phases_and_actions() -> None:
    tables = re.findall(r"^\| `(\w+)` \| \w", read("replacement"), re.MULTILINE)
    phases = get_args(ReplacementProgress.__annotations__["phase"])
    assert set(phases) - {"preflight"} <= set(tables)
    assert {"True", "False", "None"} <= set(tables)
    assert {"replaced", "started", "unchanged"} <= set(tables)


def test_checking_page_examples_run(
    rds_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    rds_sandbox.create_db_instance("us-west-2", StorageEncrypted=True, BackupRetentionPeriod=0)
    run("checking", rds_sandbox, capsys)


def test_testing_page_examples_run(
    rds_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    run("testing", rds_sandbox, capsys)


def test_fleet_page_examples_run(
    rds_sandbox: Sandbox,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    policies = [text for language, text in blocks_of("policy") if language == "yaml"]
    policy = policies[0]
    Path("policy.yaml").write_text(policy, encoding="utf-8")
    for name in ("orders", "customers"):
        rds_sandbox.create_db_instance("us-west-2", name, Tags=[{"Key": "env", "Value": "prod"}])
    run("fleet", rds_sandbox, capsys)
    invalid = policy.replace('"123456789012"', "123456789012", 1).replace("30m", "soon")
    with pytest.raises(exceptions.PolicyError) as caught:
        fleet.Policy.from_yaml(invalid, source="policy.yaml")
    assert f"```text\n{caught.value}\n```" in read("policy")
    for part in policies[1:]:  # each shows a part of a policy
        whole = part
        if "accounts:" not in part:
            whole += 'accounts: [{id: "123456789012"}]\n'
        if "rules:" not in part:
            whole += (
                "rules: [{name: a, source_regions: [us-west-2], destination_region: us-east-1}]\n"
            )
        fleet.Policy.from_yaml(whole)


def test_permissions_page_allows_all_calls() -> None:
    page = read("permissions")
    allowed: set[str] = set()
    for language, text in blocks_of("permissions"):
        if language != "json":
            continue
        document = json.loads(text)
        assert document["Version"] == "2012-10-17"
        for statement in document["Statement"]:
            actions = statement["Action"]
            allowed |= {actions} if isinstance(actions, str) else set(actions)
    operations = {operation.name for operation in (*ALL_OPERATIONS, RESTORE)}
    operations |= {
        value.name for value in vars(recovery_operations).values() if isinstance(value, Operation)
    }
    assert {f"rds:{name}" for name in operations} <= allowed
    assert allowed <= set(re.findall(r"(?:ec2|iam|kms|rds|s3|sts):\w+", page))


def test_fleet_page_lists_states_kinds_and_outcomes() -> None:
    page = read("fleet")
    for heading, type_ in [("Audit", State), ("Plan", Kind), ("Apply", Outcome)]:
        section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
        _, *names = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
        assert names == list(get_args(type_))


def test_checking_page_lists_every_code() -> None:
    table = read("checking").partition("## Reasons")[2].partition("\n## ")[0]
    codes = re.findall(r"^\| `(\w+)` \| \w", table, re.MULTILINE)
    of_one, of_fleets = map(get_args, get_args(FleetCode))
    assert sorted(codes) == sorted(of_one + of_fleets)
    assert of_one == get_args(CheckReason.model_fields["code"].annotation)


def test_errors_page_matches_library(
    rds_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    rds_sandbox.create_db_instance("us-west-2", StorageEncrypted=True)
    _, *unsent, (_, refused), (_, refused_text) = blocks_of("errors")
    names: dict[str, object] = {}
    for (_, code), (_, text) in zip(unsent[::2], unsent[1::2], strict=True):
        exec(code, names)  # noqa: S102
        assert capsys.readouterr().out == text

    exec(refused, names)  # noqa: S102
    with pytest.raises(InvalidParameterValueError) as caught:
        rds_sandbox.client("us-east-1").start_db_instance_automated_backups_replication(
            source_db_instance_arn="arn:aws:rds:us-west-2:123456789012:db:mydatabase"
        )
    assert f"{caught.value}\n" == refused_text
    assert capsys.readouterr().out == f"{caught.value.message} {caught.value.hint}\n"


def test_errors_page_tree_has_every_branch() -> None:
    tree = blocks_of("errors")[0][1]
    branches = {error.__name__ for error in BackupReplicationError.__subclasses__()}
    assert set(re.findall(r"^[├└]── (\w+)", tree, re.MULTILINE)) == branches
    for name in re.findall(r"── (\w+)", tree):
        assert issubclass(getattr(exceptions, name), BackupReplicationError)


def test_reference_page_has_every_public_name() -> None:
    listed = re.findall(r"^\.\. auto\w+:: ([\w.]+)", read("reference"), re.MULTILINE)
    for module in (rds_backup_replication, recovery, testing):
        for name in set(module.__all__) - {"__version__"}:
            assert f"{module.__name__}.{name}" in listed
