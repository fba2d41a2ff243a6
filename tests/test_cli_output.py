"""What the commands print: tables, JSON, logs and escaped characters."""

import json
import logging
import os
import re
from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter
from typer.main import get_command

from rds_backup_replication import (
    CheckResult,
    DBInstance,
    DBInstanceAutomatedBackup,
    EnsureResult,
    SourceRegion,
)
from rds_backup_replication._limits import POLL_INTERVAL, WAIT_TIMEOUT
from rds_backup_replication.cli import app
from rds_backup_replication.cli._errors import ExitCode
from rds_backup_replication.cli._output import format_lag
from rds_backup_replication.exceptions import AccessDeniedError
from rds_backup_replication.sandbox import Behavior, Sandbox

from . import cli_cases
from .cli_cases import JSON, Ran, ok_lines, run
from .loopback import error_xml
from .wire import BACKUP_ARN, SOURCE_ARN, ScriptedRDS, backup_xml, listing_xml

# Fixtures that several files share.
sandbox = cli_cases.sandbox
no_width = cli_cases.no_width

OTHER_ARN = "arn:aws:rds:us-west-2:123456789012:db:a-name-that-makes-the-arn-longer-than-a-terminal"


@pytest.mark.parametrize(
    ("arguments", "model", "code"),
    [
        (("show", SOURCE_ARN), DBInstanceAutomatedBackup, 0),
        (("ensure", SOURCE_ARN), EnsureResult, 0),
        (("list",), list[DBInstanceAutomatedBackup], 0),
        (("check", SOURCE_ARN), CheckResult, 8),
        (("regions",), list[SourceRegion], 0),
        (
            (
                *("restore", SOURCE_ARN, "--use-latest-restorable-time"),
                *("--target-db-instance-identifier", "restored"),
            ),
            DBInstance,
            0,
        ),
    ],
)
def test_json_output_is_the_json_of_the_model(
    sandbox: Sandbox, arguments: tuple[str, ...], model: Any, code: ExitCode
) -> None:
    client = sandbox.client("us-east-1")
    client.ensure_replication(source_db_instance_arn=SOURCE_ARN)
    client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)
    printed = run(*arguments, *JSON, code=code).stdout
    adapter: TypeAdapter[Any] = TypeAdapter(model)
    value = adapter.validate_json(printed)
    assert value
    assert json.loads(printed) == adapter.dump_python(
        value, mode="json", exclude_none=True, by_alias=False
    )


def test_json_of_no_result_is_null_or_an_empty_array(sandbox: Sandbox) -> None:
    shown = run("show", SOURCE_ARN, *JSON, code=ExitCode.FINDINGS)
    assert shown.json is None
    assert shown.stderr == f"us-east-1 keeps no replicated backup of {SOURCE_ARN}.\n"
    assert run("stop", SOURCE_ARN, "--missing-ok", "--yes", *JSON).json is None
    assert run("list", *JSON).json == []
    listed = run("list")
    assert (listed.stdout, listed.stderr) == ("", "No replicated backups in us-east-1.\n")
    assert run("wait", SOURCE_ARN, "--until", "stopped", *JSON).json is None
    restore = ("restore", SOURCE_ARN, "--target-db-instance-identifier", "restored")
    run(*restore, "--use-latest-restorable-time", code=ExitCode.FINDINGS)
    assert not sandbox.boto3_client("rds", "us-east-1").describe_db_instances()["DBInstances"]


def test_list_shows_no_lag_of_a_retained_backup(sandbox: Sandbox) -> None:
    sandbox.behavior = Behavior(pending_looks=0, stopping_looks=0)
    run("start", SOURCE_ARN)
    run("list")
    run("stop", SOURCE_ARN, "--yes")
    assert ok_lines("list")[1].split()[:2] == ["retained", "-"]


def test_debug_prints_the_traceback_without_secrets(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-very-secret-key")
    sandbox.add_fault(None, AccessDeniedError)
    ran = Ran("start", SOURCE_ARN, "--source-region", "us-west-2", "--debug")
    assert ran.code == ExitCode.REFUSED
    assert "Traceback" in ran.stderr
    assert "AccessDenied" in ran.stderr
    assert "a-very-secret-key" not in ran.stdout + ran.stderr
    assert "X-Amz-Signature" not in ran.stdout + ran.stderr


def test_debug_prints_the_log_of_this_library(sandbox: Sandbox) -> None:
    run("start", SOURCE_ARN)
    sandbox.add_fault("describe_db_instances", AccessDeniedError, times=None)
    run("stop", SOURCE_ARN, "--yes")
    stderr = run("wait", SOURCE_ARN, "--until", "stopped", "--debug").stderr
    assert "WARNING rds_backup_replication" in stderr


def test_debug_removes_its_handler_after_an_error() -> None:
    handlers = list(logging.getLogger("rds_backup_replication").handlers)
    run("wait", SOURCE_ARN, "--debug", "--until", "never", code=ExitCode.USAGE)
    assert logging.getLogger("rds_backup_replication").handlers == handlers


@pytest.mark.parametrize("width", [80, 120])
def test_table_fits_the_width(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    sandbox.create_db_instance("us-west-2", OTHER_ARN.rpartition(":")[2])
    for arn in (SOURCE_ARN, OTHER_ARN):
        run("start", arn)
    whole = ok_lines("list")
    assert whole[0].split() == ["STATUS", "LAG", "DAYS", "SOURCE"]
    assert sorted(line.split()[-1] for line in whole[1:]) == sorted([SOURCE_ARN, OTHER_ARN])
    monkeypatch.setenv("COLUMNS", str(width))
    lines = ok_lines("list")
    assert max(map(len, lines)) <= width
    folded = "".join(line[lines[0].index("SOURCE") :] for line in lines[1:])
    assert SOURCE_ARN in folded
    assert OTHER_ARN in folded
    assert all(line == line.rstrip() for line in lines)
    reasons = run("check", SOURCE_ARN, code=ExitCode.FINDINGS).stdout.splitlines()
    assert max(map(len, reasons)) <= width
    assert reasons[1].startswith("already_replicating  ")


# Control characters that move the cursor and erase lines, and one that reverses the text.
HOSTILE = "a\x1b[1A\x1b[2Kb\x07\x7f\x9bc\u202ed"


SHOWN = r"a\x1b[1A\x1b[2Kb\x07\x7f\x9bc\u202ed"


XML_ALLOWS, XML_SHOWN = "\x7f\x9bc\u202ed", r"\x7f\x9bc\u202ed"


def is_visible(text: str) -> bool:
    """Return whether a text has no invisible characters."""
    return all(character.isprintable() or character == "\n" for character in text)


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    "arguments",
    [
        (HOSTILE,),
        (f"--{HOSTILE}",),
        ("list", f"--{HOSTILE}"),
        ("list", HOSTILE),
        ("wait", SOURCE_ARN, "--until", HOSTILE),
        ("start", HOSTILE),
        ("ensure", HOSTILE),
        ("wait", HOSTILE),
        ("stop", HOSTILE, "--yes"),
        ("audit", HOSTILE),
        ("apply", HOSTILE, "--policy", "policy.yaml"),
        ("sandbox", "--db-instance", HOSTILE),
        ("start", HOSTILE, "--debug"),
    ],
)
def test_hidden_characters_in_arguments_are_escaped(arguments: tuple[str, ...]) -> None:
    ran = Ran(*arguments)
    assert ran.code == ExitCode.USAGE
    assert is_visible(ran.stdout + ran.stderr)
    assert SHOWN in ran.stderr


@pytest.fixture
def scripted_rds(rds: ScriptedRDS, monkeypatch: pytest.MonkeyPatch) -> ScriptedRDS:
    """Point every command at a scripted RDS."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", rds.endpoint_url)
    return rds


def test_hidden_characters_in_responses_are_escaped(scripted_rds: ScriptedRDS) -> None:
    backup = backup_xml(
        Engine=XML_ALLOWS,
        KmsKeyId=f"{XML_ALLOWS}\nStatus  replicating",
        DBInstanceAutomatedBackupsArn=BACKUP_ARN,
    )
    scripted_rds.answers(listing_xml(backup))
    for command in (("show", SOURCE_ARN), ("list",)):
        ran = run(*command)
        assert is_visible(ran.stdout + ran.stderr)
    shown = ok_lines("show", SOURCE_ARN)
    assert rf"Key     {XML_SHOWN}\nStatus  replicating" in shown
    assert rf"Engine  {XML_SHOWN}" in shown
    (listed,) = run("list", *JSON).json
    assert listed["engine"] == XML_ALLOWS
    assert is_visible(run("list", *JSON).stdout)


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("status", [200, 400])
def test_hidden_characters_in_errors_are_escaped(scripted_rds: ScriptedRDS, status: int) -> None:
    hidden = XML_ALLOWS if status == 400 else HOSTILE
    scripted_rds.answers(error_xml("AccessDenied", hidden) if status == 400 else hidden, status)
    ran = Ran("list")
    assert is_visible(ran.stderr)
    assert XML_SHOWN in ran.stderr
    debugged = Ran("list", "--debug")
    assert is_visible(debugged.stderr)
    assert debugged.stderr.endswith(ran.stderr)
    assert "Traceback (most recent call last):\n  File" in debugged.stderr


def test_hidden_characters_in_the_log_are_escaped(scripted_rds: ScriptedRDS) -> None:
    scripted_rds.answers(error_xml(XML_ALLOWS), 400)
    stderr = Ran("list", "--debug").stderr
    assert is_visible(stderr)
    assert re.search(rf"^DEBUG rds_backup_replication: .*{re.escape(XML_SHOWN)}", stderr)


def test_lag_is_shown_in_its_two_largest_units(sandbox: Sandbox) -> None:
    for lag, text in (
        (timedelta(seconds=-3), "0s"),
        (timedelta(seconds=45.9), "46s"),
        (timedelta(minutes=5, seconds=10), "5m 10s"),
        (timedelta(hours=1), "1h"),
        (timedelta(days=2, hours=3, minutes=4), "2d 3h"),
    ):
        assert format_lag(lag) == text
    sandbox.behavior = Behavior(pending_looks=0)
    run("start", SOURCE_ARN)
    assert re.search(r"^replicating +\d+s +\d+ +arn", run("list").stdout, re.MULTILINE)


def test_help_is_in_sentences_within_80_columns() -> None:
    commands: dict[str, Any] = vars(get_command(app))["commands"]
    commands[""] = get_command(app)
    for name, command in commands.items():
        assert re.fullmatch(r"[A-Z].*\.", command.help, re.DOTALL), name
        for parameter in command.params:
            assert re.fullmatch(r"[A-Z].*\.", parameter.help, re.DOTALL), (name, parameter.name)
        help_text = run(*([name] if name else []), "--help").stdout
        assert max(map(len, help_text.splitlines())) <= 80
        assert "..." not in re.sub(r"(?:\]|BACKUP_ARN)\.\.\.", "", help_text), name


def test_options_have_the_defaults_of_the_parameters() -> None:
    commands: dict[str, Any] = vars(get_command(app))["commands"]
    wait = {parameter.name: parameter.default for parameter in commands["wait"].params}
    assert wait["timeout"] == f"{WAIT_TIMEOUT // timedelta(minutes=1)}m"
    assert wait["poll_interval"] == f"{POLL_INTERVAL // timedelta(seconds=1)}s"
    for command in commands.values():
        for option in (option for parameter in command.params for option in parameter.opts):
            assert "_" not in option or not option.startswith("--")


def test_version_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(os.environ, "AWS_REGION", raising=False)
    assert re.fullmatch(r"rds-backup-replication \d+\.\d+\.\d+\S*\n", run("--version").stdout)
