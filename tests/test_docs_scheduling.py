"""Tests that run the examples of docs/scheduling.md, and check its templates and commands."""

import configparser
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import pytest
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from rds_backup_replication import exceptions
from rds_backup_replication._limits import MAX_GRACE, WAIT_TIMEOUT
from rds_backup_replication.cli import app
from rds_backup_replication.fleet import AuditReport, Plan, lambda_handler
from rds_backup_replication.sandbox import Sandbox

from .test_docs_pages import blocks_of, run

pytestmark = pytest.mark.once

PROGRAM = "rds-backup-replication"
LONGEST_CHANGE = WAIT_TIMEOUT + timedelta(seconds=MAX_GRACE)
POLICY = (
    'accounts: [{id: "123456789012"}]\n'
    "rules: [{name: all, source_regions: [us-west-2], destination_region: us-east-1}]\n"
)


def blocks(language: str) -> list[str]:
    return [text for of_block, text in blocks_of("scheduling") if of_block == language]


class FakeAirflow:
    """Airflow's decorators, which keep the tasks and run nothing."""

    def __init__(self) -> None:
        self.options: dict[str, dict[str, Any]] = {}
        self.tasks: dict[str, Callable[..., Any]] = {}

    def dag(self, **options: Any) -> Callable[[Callable[[], None]], Callable[[], None]]:
        def decorate(function: Callable[[], None]) -> Callable[[], None]:
            self.options[function.__name__] = options
            return function

        return decorate

    def task(self, function: Any = None, **_: Any) -> Any:
        def decorate(function: Callable[..., Any]) -> Callable[..., None]:
            self.tasks[function.__name__] = function
            return lambda *_: None

        return decorate if function is None else decorate(function)


class FakeStack:
    """A stack of the CDK, which is not among the packages of the tests."""

    def __init__(self, *_: object) -> None:
        pass


@pytest.fixture
def fleet_policy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Write the policy into the current directory, and replace the handler's metrics."""
    module: Any = ModuleType("emf")

    def render_emf(report: AuditReport) -> str:
        return json.dumps(report.counts)

    module.render_emf = render_emf
    monkeypatch.setitem(sys.modules, "rds_backup_replication.fleet._formats.emf", module)
    monkeypatch.setenv("RDS_BACKUP_REPLICATION_POLICY", "policy.yaml")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY, encoding="utf-8")
    return path


@pytest.fixture
def page(
    rds_sandbox: Sandbox,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    fleet_policy: Path,
) -> dict[str, Any]:
    """Run the page's Python, and return its names."""
    assert fleet_policy.exists()
    airflow = FakeAirflow()
    sdk: Any = ModuleType("airflow.sdk")
    sdk.dag, sdk.task = airflow.dag, airflow.task
    monkeypatch.setitem(sys.modules, "airflow", ModuleType("airflow"))
    monkeypatch.setitem(sys.modules, "airflow.sdk", sdk)
    monkeypatch.setitem(sys.modules, "aws_cdk", MagicMock(Stack=FakeStack))
    monkeypatch.setitem(sys.modules, "constructs", MagicMock())
    names: dict[str, Any] = {"airflow": airflow}
    run("scheduling", rds_sandbox, capsys, names)
    return names


def test_program_applies_and_resumes(
    page: dict[str, Any], rds_sandbox: Sandbox, fleet_policy: Path, tmp_path: Path
) -> None:
    journals = tmp_path / "journals"
    journals.mkdir()
    instance = rds_sandbox.create_db_instance("us-west-2")
    assert page["apply_fleet"](fleet_policy, journals) == 0
    client = rds_sandbox.client("us-east-1")
    backup = client.find_replicated_backup(source_db_instance_arn=str(instance.db_instance_arn))
    assert backup is not None
    assert backup.is_active
    (done,) = journals.iterdir()
    assert done.suffix == ".done"

    cut_off = done.rename(journals / "20260118T030000Z.jsonl")
    assert page["apply_fleet"](fleet_policy, journals) == 0
    assert not cut_off.exists()
    assert {path.suffix for path in journals.iterdir()} == {".done"}


def test_airflow_tasks_run(
    page: dict[str, Any],
    rds_sandbox: Sandbox,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    airflow: FakeAirflow = page["airflow"]
    assert {options["max_active_runs"] for options in airflow.options.values()} == {1}
    rds_sandbox.create_db_instance("us-west-2")
    with pytest.raises(RuntimeError, match="'unprotected': 1"):
        airflow.tasks["audit"]()
    assert '"state":"unprotected"' in capsys.readouterr().out
    text = airflow.tasks["plan"]()
    assert Plan.model_validate_json(text).counts == {"start": 1}
    journal = str(tmp_path / "run.jsonl")
    assert airflow.tasks["apply"](text, journal) == {"done": 1}
    assert airflow.tasks["apply"](text, journal) == {"done": 1}  # a retry resumes
    assert airflow.tasks["audit"]() == {"starting": 1}


def test_cdk_stack_uses_handler(page: dict[str, Any]) -> None:
    page["FleetAudit"](MagicMock(), "FleetAudit")
    (_, options), *_ = page["lambda_"].Function.call_args_list
    assert is_handler(options["handler"])
    assert set(options["environment"]) <= variables()


def test_lambda_result_is_as_shown(rds_sandbox: Sandbox, fleet_policy: Path) -> None:
    assert fleet_policy.exists()
    rds_sandbox.create_db_instance("us-west-2")
    shown, _ = map(json.loads, blocks("json"))
    assert lambda_handler.audit({"fail_on_problems": False}, None) == shown


def test_state_machine_runs_handlers(rds_sandbox: Sandbox, fleet_policy: Path) -> None:
    assert fleet_policy.exists()
    _, machine = map(json.loads, blocks("json"))
    with pytest.raises(lambda_handler.ProblemsFoundError, match='"findings": 1'):
        run_machine(machine, {})  # the rule matches no instance
    rds_sandbox.create_db_instance("us-west-2")
    with pytest.raises(lambda_handler.ProblemsFoundError, match='"unprotected": 1'):
        run_machine(machine, {})
    rds_sandbox.add_fault("describe_db_instances", exceptions.AccessDeniedError)
    with pytest.raises(lambda_handler.ProblemsFoundError, match="us-west-2"):
        run_machine(machine, {})


def run_machine(machine: dict[str, Any], data: Any) -> Any:
    """Run the page's state machine with the handlers; return its output."""
    name = machine["StartAt"]
    while True:
        state = machine["States"][name]
        if state["Type"] == "Map":
            data = [run_machine(state["ItemProcessor"], item) for item in data]
        else:
            handler = re.sub(r"\W|FunctionArn", "", state["Resource"]).lower()
            data = json.loads(json.dumps(getattr(lambda_handler, handler)(data, None)))
        if state.get("End"):
            return data
        name = state["Next"]


def test_sam_template_uses_handler() -> None:
    template = next(filter(lambda each: "Resources" in each, documents()))
    function = template["Resources"]["Audit"]["Properties"]
    assert is_handler(function["Handler"])
    assert set(function["Environment"]["Variables"]) <= variables()
    assert function["Timeout"] <= 900
    assert template["Resources"]["Alarm"]["Properties"]["TreatMissingData"] == "breaching"


def test_table_lists_variables_of_handler() -> None:
    table = re.findall(r"^\| `(RDS_\w+)` \|", "\n".join(lines()), re.MULTILINE)
    assert set(table) == variables()


def is_handler(handler: str) -> bool:
    module, _, name = handler.rpartition(".")
    return name in import_module(module).__all__


def variables() -> set[str]:
    """Return the environment variables that the handler documents."""
    return set(re.findall(r"^``(RDS_\w+)``$", str(lambda_handler.__doc__), re.MULTILINE))


def lines() -> list[str]:
    page = Path(__file__).parent.parent / "docs/scheduling.md"
    return page.read_text(encoding="utf-8").splitlines()


def documents() -> Iterator[dict[str, Any]]:
    """Yield the page's YAML documents."""
    for text in blocks("yaml"):
        yield from yaml.safe_load_all(text)


def test_cron_jobs_give_changes_time() -> None:
    jobs = [each["spec"] for each in documents() if each.get("kind") == "CronJob"]
    audit, apply = (job["jobTemplate"]["spec"] for job in jobs)
    assert {job["concurrencyPolicy"] for job in jobs} == {"Forbid"}
    assert audit["backoffLimit"] == apply["backoffLimit"] == 0
    assert "activeDeadlineSeconds" not in apply
    pod = apply["template"]["spec"]
    assert timedelta(seconds=pod["terminationGracePeriodSeconds"]) > LONGEST_CHANGE
    (container,) = pod["containers"]
    assert container["command"][0] == "python"  # not a shell, which passes no signals on
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert container["args"][1] in mounted


def test_systemd_units_give_changes_time() -> None:
    units: list[configparser.ConfigParser] = []
    for text in blocks("ini"):
        unit = configparser.ConfigParser(interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read_string(text)
        units.append(unit)
    audit, timer, apply = units
    assert audit["Service"]["Type"] == apply["Service"]["Type"] == "oneshot"
    assert timer["Timer"]["Persistent"] == "true"
    minutes = int(apply["Service"]["TimeoutStopSec"].removesuffix("min"))
    assert timedelta(minutes=minutes) > LONGEST_CHANGE
    assert apply["Service"]["ExecStart"].endswith(f"/{apply['Service']['StateDirectory']}")


@pytest.mark.parametrize("code", [0, 8])
def test_shell_scripts_replace_their_files(tmp_path: Path, code: int) -> None:
    """The program prints its arguments here, and exits with a code."""
    program = tmp_path / PROGRAM
    program.write_text(f'#!/bin/sh\necho "$@"\nexit {code}\n', encoding="utf-8")
    program.chmod(0o700)
    for script in blocks("sh"):
        text = re.sub(r"^cd \S+", f"cd {shlex.quote(str(tmp_path))}", script, flags=re.MULTILINE)
        for _ in range(2):
            ran = subprocess.run(  # noqa: S603  # the page is trusted
                ["/bin/sh", "-c", text],
                env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
                check=False,
            )
            assert ran.returncode == code
    files = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert set(files) == {PROGRAM, "audit.json", "fleet.prom"}
    assert "--compare audit.json" in files["audit.json"]
    assert "--output prometheus" in files["fleet.prom"]


def commands() -> Iterator[list[str]]:
    """Yield the words of each command line of the program on the page."""
    for language in ("console", "ini", "sh", "text"):
        for text in blocks(language):
            for line in text.replace("\\\n", "").splitlines():
                if match := re.search(rf"{PROGRAM} (.*)", line):
                    yield shlex.split(match[1])
    for document in documents():
        for container in find_containers(document):
            if container["command"] == [PROGRAM]:
                yield container["args"]


def find_containers(document: dict[str, Any]) -> list[dict[str, Any]]:
    if document.get("kind") != "CronJob":
        return []
    containers: list[dict[str, Any]] = document["spec"]["jobTemplate"]["spec"]["template"]["spec"][
        "containers"
    ]
    return containers


def test_commands_have_their_options() -> None:
    program: Any = get_command(app)
    found = list(commands())
    assert len(found) == 7
    for name, *arguments in found:
        command = program.commands[name]
        options = {option for parameter in command.params for option in parameter.opts}
        used = {argument for argument in arguments if argument.startswith("--")}
        assert used <= options, name
        outputs = {value for option, value in pairwise(arguments) if option == "--output"}
        shown = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200"}).output
        assert all(output in shown for output in outputs), name
