"""Tests of the commands for one instance, run against the sandbox over sockets."""

import json
import logging
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError
from pydantic import TypeAdapter
from typer.main import get_command
from typer.testing import CliRunner

from rds_backup_replication import (
    BackupReplicationClient,
    CheckReason,
    DBInstance,
    DBInstanceAutomatedBackup,
    EnsureResult,
    SourceRegion,
)
from rds_backup_replication._botocore import client_factory
from rds_backup_replication._limits import POLL_INTERVAL, WAIT_TIMEOUT
from rds_backup_replication.cli import app
from rds_backup_replication.cli._errors import ExitCode
from rds_backup_replication.cli._output import format_lag
from rds_backup_replication.exceptions import AccessDeniedError, ResponseValidationError
from rds_backup_replication.sandbox import Behavior, Sandbox

from .loopback import error_xml
from .wire import BACKUP_ARN, SOURCE_ARN, ScriptedRDS, backup_xml, listing_xml

OTHER_ARN = "arn:aws:rds:us-west-2:123456789012:db:a-name-that-makes-the-arn-longer-than-a-terminal"
JSON = ("--output", "json")


@pytest.fixture
def sandbox(rds_sandbox: Sandbox) -> Sandbox:
    rds_sandbox.create_db_instance("us-west-2")
    return rds_sandbox


@pytest.fixture(autouse=True)
def no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)  # a worker of pytest-xdist has one


class Ran:
    """Run a command, and keep its output and exit code."""

    def __init__(self, *arguments: str) -> None:
        result = CliRunner().invoke(app, arguments, prog_name="rds-backup-replication")
        self.stdout, self.stderr, self.code = result.stdout, result.stderr, result.exit_code

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


def run(*arguments: str, code: ExitCode = ExitCode.OK) -> Ran:
    ran = Ran(*arguments)
    assert ran.code == code, ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr
    return ran


def ok_lines(*arguments: str) -> list[str]:
    return run(*arguments).stdout.splitlines()


def test_replication_from_check_to_delete(sandbox: Sandbox) -> None:
    assert run("check", SOURCE_ARN, *JSON).json == []
    tags = ("--tags", "env=prod", "--tags", "a=b=c", "--tags", "empty")
    started = run("ensure", SOURCE_ARN, "--backup-retention-period", "14", *tags, *JSON).json
    assert started["action"] == "started"
    assert started["backup"]["backup_retention_period"] == 14
    values = {tag["key"]: tag.get("value") or "" for tag in started["backup"]["tag_list"]}
    assert values == {"env": "prod", "a": "b=c", "empty": ""}
    replicating = run("wait", SOURCE_ARN, *JSON)
    assert replicating.json["status"].lower() == "replicating"
    assert replicating.stderr.splitlines()[0] == f"Waiting until {SOURCE_ARN} is replicating"
    assert replicating.stderr.splitlines()[-1].endswith("(status: replicating)")
    assert run("ensure", SOURCE_ARN, *JSON).json["action"] == "unchanged"
    stopped = run("stop", SOURCE_ARN, "--yes", *JSON).json
    retained = run("wait", SOURCE_ARN, "--until", "stopped", *JSON).json
    assert retained["status"].lower() == "retained"
    arn = stopped["db_instance_automated_backups_arn"]
    (deleted,) = run("delete", arn, "--yes", *JSON).json
    assert deleted["status"].lower() == "deleting"
    sandbox.client("us-east-1").wait_until_stopped(source_db_instance_arn=SOURCE_ARN)


@pytest.mark.parametrize(
    ("arguments", "model", "code"),
    [
        (("show", SOURCE_ARN), DBInstanceAutomatedBackup, 0),
        (("ensure", SOURCE_ARN), EnsureResult, 0),
        (("list",), list[DBInstanceAutomatedBackup], 0),
        (("check", SOURCE_ARN), list[CheckReason], 8),
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


def test_list_omits_backups_of_local_instances(sandbox: Sandbox) -> None:
    sandbox.create_db_instance("us-east-1", "local")
    run("start", SOURCE_ARN)
    own = [b for b in run("list", "--all", *JSON).json if b["region"] == "us-east-1"]
    replicated = run("list", *JSON).json
    assert [backup["db_instance_arn"] for backup in replicated] == [SOURCE_ARN]
    assert len(run("list", "--all", *JSON).json) == len(own) + 1
    assert run("list", "--db-instance-identifier", "nobody", *JSON).json == []


def test_restore_passes_its_options_to_rds(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore = BackupReplicationClient.restore_db_instance_to_point_in_time
    passed: dict[str, Any] = {}

    def record(client: BackupReplicationClient, **keywords: Any) -> DBInstance:
        passed.update(keywords)
        return restore(client, **keywords)

    monkeypatch.setattr(BackupReplicationClient, "restore_db_instance_to_point_in_time", record)
    client = sandbox.client("us-east-1")
    client.ensure_replication(source_db_instance_arn=SOURCE_ARN)
    backup = client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN)
    assert backup.restore_window is not None
    latest = backup.restore_window.latest_time
    assert latest is not None
    restored = run(
        *("restore", str(backup.db_instance_automated_backups_arn)),
        *("--target-db-instance-identifier", "restored", "--multi-az", "--deletion-protection"),
        *("--restore-time", latest.isoformat().replace("+00:00", "Z")),
        *("--db-instance-class", "db.t3.small", "--no-publicly-accessible", *JSON),
        *("--vpc-security-group-ids", "sg-1", "--vpc-security-group-ids", "sg-2"),
    ).json
    assert restored["db_instance_class"] == "db.t3.small"
    assert passed == {
        "source_db_instance_automated_backups_arn": backup.db_instance_automated_backups_arn,
        "target_db_instance_identifier": "restored",
        "restore_time": latest,
        "multi_az": True,
        "deletion_protection": True,
        "publicly_accessible": False,
        "db_instance_class": "db.t3.small",
        "vpc_security_group_ids": ["sg-1", "sg-2"],
    }


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("nope",), 2, "No such command"),
        (("start",), 2, "Missing argument"),
        (("start", "nope"), 2, "must be an ARN"),
        (("start", SOURCE_ARN, "--region", "us-west-2"), 2, "destination Region"),
        (("start", SOURCE_ARN, "--backup-retention-period", "36"), 2, "from 1 to 35"),
        (("start", SOURCE_ARN, "--region", "a b"), 2, "a b"),
        (("start", SOURCE_ARN, "--profile", "nobody"), 2, "nobody"),
        (("start", SOURCE_ARN, "--endpoint-url", "nowhere"), 2, "must be a URL"),
        (("start", SOURCE_ARN, "--endpoint-url", "http://x:99999"), 2, "must be a URL"),
        (("wait", SOURCE_ARN, "--timeout", "5"), 2, "--timeout"),
        (
            ("wait", SOURCE_ARN, "--poll-interval", "0s"),
            2,
            "--poll-interval must be a duration over 0s",
        ),
        (
            ("restore", BACKUP_ARN, "--target-db-instance-identifier", "r"),
            2,
            "unless --restore-time is given",
        ),
        (
            (
                *("restore", BACKUP_ARN, "--target-db-instance-identifier", "r"),
                *("--restore-time", "yesterday"),
            ),
            2,
            "--restore-time",
        ),
        (("start", SOURCE_ARN.replace("mydatabase", "nobody")), 3, "DBInstanceNotFound"),
        (("delete", BACKUP_ARN, "--yes"), 3, "DBInstanceAutomatedBackupNotFound"),
        (("stop", SOURCE_ARN, "--yes"), 3, "InvalidDBInstanceState"),
        (("wait", SOURCE_ARN, "--timeout", "1s"), 6, "Timed out after"),
    ],
)
@pytest.mark.usefixtures("sandbox")
def test_error_has_a_message_and_an_exit_code(
    arguments: tuple[str, ...], code: ExitCode, message: str
) -> None:
    ran = run(*arguments, code=code)
    assert message in ran.stderr
    assert ran.stdout == ""


def test_exit_codes_of_drift_and_a_stopped_replication(sandbox: Sandbox) -> None:
    run("start", SOURCE_ARN, "--backup-retention-period", "14")
    asked = ("ensure", SOURCE_ARN, "--backup-retention-period", "7")
    assert "--replace" in run(*asked, code=ExitCode.DRIFT).stderr
    assert run(*asked, "--replace", "--yes", *JSON).json["action"] == "replaced"
    run("stop", SOURCE_ARN, "--yes")
    run("wait", SOURCE_ARN, "--until", "stopped")
    assert "no longer replicates" in run("wait", SOURCE_ARN, code=ExitCode.STOPPED).stderr
    assert run("list").stdout.splitlines()[-1].split()[0] == "retained"
    sandbox.reset()


def test_hint_says_what_to_do(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.create_db_instance("us-west-2", "secret", StorageEncrypted=True)
    encrypted = run("start", SOURCE_ARN.replace("mydatabase", "secret"), code=ExitCode.REFUSED)
    assert "KMS key in the destination" in encrypted.stderr
    sandbox.add_fault(None, AccessDeniedError, message="Not you.")
    assert run("list", code=ExitCode.REFUSED).stderr == "Error: Not you. (AccessDenied)\n"
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert "--region" in run("list", code=ExitCode.USAGE).stderr
    assert ok_lines("list", "--region", "us-east-1") == []
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert run("list").stderr == "No replicated backups in eu-west-1.\n"


RESTORE = ("restore", SOURCE_ARN, "--target-db-instance-identifier", "restored")
LATEST = "--use-latest-restorable-time"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("restore", SOURCE_ARN, "--target-db-instance-identifier", "-", LATEST), "hyphen"),
        (RESTORE, "unless --restore-time is given"),
        ((*RESTORE, LATEST, "--restore-time", "2026-01-31T12:00:00Z"), "together with"),
        ((*RESTORE, "--restore-time", "2026-01-31T12:00:00"), "'2026-01-31T12:00:00' must be"),
        (("restore", "nope", *RESTORE[2:], LATEST), "must be an ARN"),
        (
            ("start", SOURCE_ARN, "--tags", "a=1", "--tags", "b", "--tags", "a=2"),
            "'a' is given twice",
        ),
        (("list", "--region", ""), "--region"),
        (("start", SOURCE_ARN, "--region", "us-west-2"), "as --region"),
        (("regions", "--region-name", "mars"), "--region-name 'mars' must be"),
        (("wait", SOURCE_ARN, "--poll-interval", "0s"), "--poll-interval must be a duration"),
        (("start", SOURCE_ARN, "--tags", "aws:x=1"), "--tags 'aws:x' must not begin"),
        (("delete", BACKUP_ARN, "nope", "--yes"), "must be an ARN"),
        (("stop", "nope"), "must be an ARN"),
        (("delete", "nope"), "must be an ARN"),
        (("ensure", "nope", "--replace"), "must be an ARN"),
    ],
)
@pytest.mark.usefixtures("sandbox")
def test_invalid_command_line_sends_nothing(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    def send(*_: object) -> None:
        pytest.fail("a request was sent")

    monkeypatch.setattr("botocore.httpsession.URLLib3Session.send", send)
    ran = run(*arguments, code=ExitCode.USAGE)
    assert message in ran.stderr
    # Options and arguments are named, and no parameter, class or value of Python.
    assert not re.search(r"[a-z]_[a-z]|datetime|timedelta|BackupReplicationClient", ran.stderr)
    assert "{'Key'" not in ran.stderr
    assert ran.stdout == ""


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("AWS_RETRY_MODE", "foo", "foo"),
        ("AWS_MAX_ATTEMPTS", "x", "AWS_MAX_ATTEMPTS"),
        ("AWS_DEFAULT_REGION", "", "--region"),
        ("AWS_ENDPOINT_URL", "nowhere", "AWS_ENDPOINT_URL"),
        ("AWS_CONFIG_FILE", "broken", "broken"),
    ],
)
@pytest.mark.usefixtures("sandbox")
def test_invalid_setting_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken").write_text("[", encoding="utf-8")
    monkeypatch.setenv(name, value)
    # The default session of an earlier command would have read its settings already.
    monkeypatch.setattr(client_factory, "_default_session", None)
    ran = run("list", code=ExitCode.USAGE)
    assert message in ran.stderr
    assert name == "AWS_ENDPOINT_URL" or "must be a URL" not in ran.stderr


@pytest.mark.usefixtures("no_backoff")
def test_response_of_another_server_is_shown(
    rds: ScriptedRDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    where = ("--endpoint-url", rds.endpoint_url)
    rds.answers("<html><body>Welcome!</body></html>")
    listed = run("list", *where, code=ExitCode.OTHER).stderr
    assert "--endpoint-url" in listed
    assert "taken effect" not in listed
    assert ".response" not in listed
    assert "headers" not in listed
    assert "Welcome!" in listed
    rds.answers("<html><body>Welcome!</body></html>")
    assert "may have taken effect" in run("start", SOURCE_ARN, *where, code=ExitCode.OTHER).stderr


@pytest.mark.usefixtures("no_backoff", "sandbox")
def test_check_without_any_response_is_unreachable(sandbox: Sandbox) -> None:
    ran = run(
        "check", SOURCE_ARN, "--endpoint-url", "http://127.0.0.1:9", code=ExitCode.UNREACHABLE
    )
    assert ran.stdout.count("could_not_be_checked") == 3
    sandbox.add_fault("describe_db_instances", AccessDeniedError)
    run("check", SOURCE_ARN, code=ExitCode.FINDINGS)


def test_remedies_name_options_not_python_parameters(sandbox: Sandbox) -> None:
    sandbox.create_db_instance("us-west-2", "secret", StorageEncrypted=True)
    secret = SOURCE_ARN.replace("mydatabase", "secret")
    run("start", SOURCE_ARN, "--backup-retention-period", "14")
    texts = [
        run("check", secret, code=ExitCode.FINDINGS).stdout,
        run("check", SOURCE_ARN, code=ExitCode.FINDINGS).stdout,
        run("start", secret, code=ExitCode.REFUSED).stderr,
        run(
            *("ensure", SOURCE_ARN, "--backup-retention-period", "7"), code=ExitCode.DRIFT
        ).stderr.partition("was requested\n")[2],
    ]
    for text in texts:
        assert text
        assert not re.search(
            r"\w\(\)|\w_\w|=True", re.sub(r"^\w+", "", text, flags=re.MULTILINE)
        ), text
    assert "--kms-key-id" in texts[2]
    assert "--replace" in texts[3]


def test_list_shows_no_lag_of_a_retained_backup(sandbox: Sandbox) -> None:
    sandbox.behavior = Behavior(pending_looks=0, stopping_looks=0)
    run("start", SOURCE_ARN)
    run("list")
    run("stop", SOURCE_ARN, "--yes")
    assert ok_lines("list")[1].split()[:2] == ["retained", "-"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--port", "99999"),
        ("--port", "-1"),
        ("--db-instance", "nowhere:db"),
        ("--db-instance", "us-west-2:-"),
        ("--db-instance", "us-mars-1:db"),
    ],
)
def test_sandbox_with_invalid_options_is_a_usage_error(option: str, value: str) -> None:
    ran = run("sandbox", "--port", "0", option, value, code=ExitCode.USAGE)
    assert option in ran.stderr
    assert ran.stdout == ""


@pytest.mark.usefixtures("no_backoff", "sandbox")
def test_unreachable_endpoint_has_its_own_exit_code() -> None:
    ran = run("list", "--endpoint-url", "http://127.0.0.1:9", code=ExitCode.UNREACHABLE)
    assert "Check --region, --endpoint-url and the network." in ran.stderr


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NoCredentialsError(), ExitCode.UNREACHABLE),
        (RuntimeError("broken"), ExitCode.OTHER),
        (ResponseValidationError("Start", "no status", {"Status": "odd"}), ExitCode.OTHER),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED),
        (ModuleNotFoundError("No module named 'moto'", name="moto"), ExitCode.OTHER),
    ],
)
def test_any_exception_has_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, code: ExitCode
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(BackupReplicationClient, "find_replicated_backup", fail)
    stderr = run("show", SOURCE_ARN, code=code).stderr
    if isinstance(error, NoCredentialsError):
        assert "--profile" in stderr
    if isinstance(error, ResponseValidationError):
        assert "Response: {'Status': 'odd'}" in stderr
    if isinstance(error, ModuleNotFoundError):
        assert "pip install 'rds-backup-replication[sandbox]'" in stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("stop", SOURCE_ARN),
        ("stop", SOURCE_ARN, "--missing-ok"),
        ("delete", BACKUP_ARN),
        ("ensure", SOURCE_ARN, "--replace", "--backup-retention-period", "1"),
    ],
)
def test_yes_is_required_without_a_terminal(sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    run("start", SOURCE_ARN, "--backup-retention-period", "14")
    assert "--yes" in run(*arguments, code=ExitCode.USAGE).stderr
    (backup,) = sandbox.client("us-east-1").describe_db_instance_automated_backups()
    assert backup.status == "pending"
    assert backup.backup_retention_period == 14


def test_delete_with_an_invalid_arn_deletes_nothing(sandbox: Sandbox) -> None:
    run("start", SOURCE_ARN)
    run("stop", SOURCE_ARN, "--yes")
    retained = run("wait", SOURCE_ARN, "--until", "stopped", *JSON).json
    arn = retained["db_instance_automated_backups_arn"]
    for invalid in ("nope", SOURCE_ARN, arn.replace("us-east-1", "us-west-1")):
        assert run("delete", arn, invalid, "--yes", code=ExitCode.USAGE).stdout == ""
    (remaining,) = sandbox.client("us-east-1").describe_db_instance_automated_backups()
    assert remaining.is_retained
    sandbox.reset()


def test_delete_prints_the_backups_before_a_refusal(sandbox: Sandbox) -> None:
    run("start", SOURCE_ARN)
    run("stop", SOURCE_ARN, "--yes")
    retained = run("wait", SOURCE_ARN, "--until", "stopped", *JSON).json
    arn = retained["db_instance_automated_backups_arn"]
    arns = (arn, BACKUP_ARN)
    ran = run("delete", *arns, "--yes", *JSON, code=ExitCode.REFUSED)
    assert [backup["db_instance_automated_backups_arn"] for backup in ran.json] == [arn]
    sandbox.reset()


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
        ("apply", HOSTILE),
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
        assert "..." not in re.sub(r"[\]}]\.\.\.", "", help_text), name


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
