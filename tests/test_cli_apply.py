"""Tests of the command apply, most of them run against the sandbox."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import pytest

from rds_backup_replication import fleet
from rds_backup_replication.cli._errors import ExitCode
from rds_backup_replication.exceptions import AccessDeniedError
from rds_backup_replication.fleet import ApplyReport, Plan, Policy
from rds_backup_replication.fleet._journal import Journal
from rds_backup_replication.sandbox import Sandbox

from . import cli_fleet_cases
from .apply_cases import make_plan, replacement, stop
from .cli_cases import JSON
from .cli_fleet_cases import HOSTILE, POLICY, SHOWN, is_visible, run
from .wire import SOURCE_ARN

pytestmark = pytest.mark.once

APPLY = ("apply", "--policy", "policy.yaml")
START: Final = "start_db_instance_automated_backups_replication"
# The fixture of these tests.
sandbox = cli_fleet_cases.sandbox


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working directory with a policy, for tests that send nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)  # a worker of pytest-xdist has one
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    Path("policy.yaml").write_text(POLICY, encoding="utf-8")
    return tmp_path


def write_plan(planned: Plan) -> str:
    Path("plan.json").write_text(planned.model_dump_json(), encoding="utf-8")
    return "plan.json"


def policy() -> Policy:
    return Policy.from_yaml(POLICY)


@pytest.mark.usefixtures("sandbox")
def test_apply_without_credentials_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    run("plan", "policy.yaml", "--out", "plan.json")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    ran = run(*APPLY, "plan.json", "--yes", code=ExitCode.INCOMPLETE)
    assert "set AWS_ACCESS_KEY_ID" in ran.stderr


@pytest.mark.usefixtures("folder")
def test_confirmation_shows_unmodifiable_settings() -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/mrk-example"
    planned = make_plan(policy(), replacement("mydatabase", days=14, kms_key_id=key))
    question = run(*APPLY, write_plan(planned), code=ExitCode.USAGE).stderr
    assert question.splitlines()[0].split() == ["ACTION", "TO", "DAYS", "KEY", "RULE", "INSTANCE"]
    assert question.splitlines()[1].split() == [
        *("replace", "us-east-1", "14", key, "production", SOURCE_ARN)
    ]


@pytest.mark.usefixtures("folder")
def test_row_of_a_plan_cannot_hide_another_row() -> None:
    hostile = replacement("mydatabase").model_copy(update={"rule": HOSTILE, "kms_key_id": HOSTILE})
    planned = make_plan(policy(), replacement("mydatabase2"), hostile)
    question = run("apply", write_plan(planned), code=ExitCode.USAGE).stderr
    assert is_visible(question)
    header, *rows, last_line = question.splitlines()
    assert header.startswith("ACTION")
    assert [row.count(SHOWN) for row in rows] == [0, 2]
    assert "Apply this plan (2 replace)?" in last_line


def test_usage_names_each_argument_once() -> None:
    assert "[[" not in run("apply", "--help").stdout


def test_failed_change_has_an_exit_code(sandbox: Sandbox) -> None:
    run("plan", "policy.yaml", "--out", "plan.json")
    sandbox.add_fault(START, AccessDeniedError, message="Not you.")
    ran = run(*APPLY, "plan.json", "--yes", code=ExitCode.INCOMPLETE)
    assert ran.stdout.splitlines()[1].split() == ["failed", "start", SOURCE_ARN]
    assert "Not you." in ran.stdout
    assert "--resume" not in ran.stderr


@pytest.mark.usefixtures("folder")
def test_interrupted_apply_prints_its_report(monkeypatch: pytest.MonkeyPatch) -> None:
    def apply(*_: object, **__: object) -> ApplyReport:
        return ApplyReport(results=(), interrupted=True)

    monkeypatch.setitem(vars(fleet), "apply", apply)
    file = write_plan(make_plan(policy(), replacement("mydatabase")))
    ran = run(*APPLY, file, "--yes", *JSON, code=ExitCode.INTERRUPTED)
    assert json.loads(ran.stdout) == {"results": [], "interrupted": True}


def test_apply_asks_for_confirmation(sandbox: Sandbox) -> None:
    run("plan", "policy.yaml", "--out", "plan.json")
    ran = run(*APPLY, "plan.json", *JSON, code=ExitCode.USAGE)
    assert ran.stdout == ""
    assert "production" in ran.stderr  # the rule of the planned change
    assert "Apply this plan (1 start)?" in ran.stderr
    assert "--yes" in ran.stderr
    assert not list(sandbox.client("us-east-1").describe_db_instance_automated_backups())


@pytest.mark.usefixtures("folder")
def test_apply_needs_the_policy_for_several_accounts() -> None:
    """Without the policy, the current credentials act in the plan's only account."""
    planned = make_plan(policy(), replacement("mydatabase"))
    two = planned.model_copy(update={"accounts": (*planned.accounts, "222222222222")})
    ran = run("apply", write_plan(two), "--yes", code=ExitCode.USAGE)
    assert "for 2 accounts. Pass its policy, --policy" in ran.stderr
    file = write_plan(planned)
    many = make_plan(policy(), *(stop(name) for name in "abcd"))
    limited = run("apply", write_plan(many), "--yes", code=ExitCode.USAGE).stderr
    assert "--max-stops 4" in limited
    resumed = run("apply", "--resume", "journal", "--yes", code=ExitCode.USAGE)
    assert "--policy" in resumed.stderr
    ran = run("apply", file, "--policy", "-", "--yes", code=ExitCode.USAGE, given=POLICY)
    assert "must be a file" in ran.stderr


@pytest.mark.usefixtures("folder")
def test_refused_plan_names_the_options() -> None:
    """Each reason names its option and, where there is one, the number that the plan requires."""
    old = datetime.now(timezone.utc) - timedelta(days=3)
    planned = make_plan(
        policy(),
        *(stop(name) for name in "abcd"),
        *(replacement(f"r{number}") for number in range(12)),
        planned_at=old,
    ).model_copy(update={"policy_hash": "other"})
    ran = run(*APPLY, write_plan(planned), "--yes", code=ExitCode.USAGE)
    assert ran.stdout == ""
    lines = ran.stderr.splitlines()
    assert len(lines) == 5
    assert "another policy" in lines[1]
    assert "3d old" in lines[2]
    assert "--max-age." in lines[2]
    assert "--max-stops 4 " in lines[3]
    assert "--max-replacements 12 " in lines[4]
    question = run(*APPLY, "plan.json", code=ExitCode.USAGE).stderr
    assert "Apply this plan" not in question  # nobody is asked to confirm it


@pytest.mark.usefixtures("folder")
def test_options_raise_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, Any]] = []

    def apply(*_: object, **keywords: Any) -> ApplyReport:
        given.append(keywords)
        return ApplyReport(results=())

    monkeypatch.setitem(vars(fleet), "apply", apply)
    old = datetime.now(timezone.utc) - timedelta(days=3)
    planned = make_plan(policy(), stop("a"), replacement("b"), planned_at=old)
    limits = ("--max-stops", "1", "--max-replacements", "1", "--max-age", "4d")
    run(*APPLY, write_plan(planned), "--yes", *limits)
    (keywords,) = given
    assert (keywords["max_stops"], keywords["max_replacements"]) == (1, 1)
    assert keywords["max_age"] == timedelta(days=4)
    assert "--max-age" in run(*APPLY, "plan.json", "--max-age", "x", code=ExitCode.USAGE).stderr


def test_resume_finishes_a_failed_apply(sandbox: Sandbox) -> None:
    run("plan", "policy.yaml", "--out", "plan.json")
    sandbox.add_fault(START, AccessDeniedError)
    failed = run(*APPLY, "plan.json", "--yes", "--journal", "j", code=ExitCode.INCOMPLETE)
    hint = "To go on, run: apply --resume j --policy policy.yaml\n"
    assert failed.stderr.endswith(hint)
    assert Path("j").stat().st_mode & 0o777 == 0o600
    again = run(*APPLY, "plan.json", "--yes", "--journal", "j", code=ExitCode.USAGE).stderr
    assert "j is not empty. Pass --resume" in again
    resumed = run(*APPLY, "--resume", "j", "--journal", "./j", "plan.json", "--yes", *JSON)
    assert [result["outcome"] for result in json.loads(resumed.stdout)["results"]] == ["done"]
    lines = Path("j").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["plan", *("begin", "end") * 2]
    done = run(*APPLY, "--resume", "j")  # nothing is left, so nothing is to be confirmed
    assert done.stdout.splitlines()[1].split() == ["done", "start", SOURCE_ARN]
    assert hint not in done.stderr


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--resume", "missing"), "missing cannot be read: No such file"),
        (("--resume", "policy.yaml"), "policy.yaml is not a journal"),
        (("--resume", "j", "other.json"), "other.json is not the plan in j"),
        (("--resume", "j", "--journal", "k"), "omit --journal"),
        (("--resume", "j", "--max-stops", "1"), "omit --max-stops"),
        (("--resume", "j", "--max-replacements", "1"), "omit --max-stops and --max-replacements"),
        (("plan.json", "--journal", "no/where"), "no/where cannot be written"),
    ],
)
def test_wrong_journal_is_a_usage_error(options: tuple[str, ...], message: str) -> None:
    planned = make_plan(policy(), replacement("mydatabase"))
    with Journal.create(Path("j"), planned, 0, 10):
        pass
    other = make_plan(policy(), replacement("another"))
    Path("other.json").write_text(other.model_dump_json(), encoding="utf-8")
    write_plan(planned)
    ran = run(*APPLY, *options, "--yes", code=ExitCode.USAGE)
    assert message in " ".join(ran.stderr.split())
    assert ran.stdout == ""


@pytest.mark.usefixtures("folder")
def test_confirmation_of_a_resume_shows_what_was_cut_off() -> None:
    first, second = replacement("a"), replacement("b")
    planned = make_plan(policy(), first, second)
    with Journal.create(Path("j"), planned, 0, 10) as journal:
        journal.begin(second)
    question = run(*APPLY, "--resume", "j", code=ExitCode.USAGE).stderr
    assert [line.split("  ")[0] for line in question.splitlines()[1:3]] == [
        "replace, cut off",
        "replace",
    ]
    assert "Go on with this plan (2 replace; 1 of them cut off)?" in question
    Path("policy.yaml").write_text(POLICY.replace("14", "15"), encoding="utf-8")
    question = run(*APPLY, "--resume", "j", code=ExitCode.USAGE).stderr
    assert "Only changes that were cut off are made. The plan was made for another" in question
    assert "(1 replace; 1 of them cut off)" in question
