"""The commands for one replication: their effects, errors and exit codes."""

import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from rds_backup_replication import (
    BackupReplicationClient,
    DBInstance,
)
from rds_backup_replication._botocore import client_factory
from rds_backup_replication.cli._errors import ExitCode
from rds_backup_replication.exceptions import AccessDeniedError, ResponseValidationError
from rds_backup_replication.sandbox import Sandbox

from . import cli_cases
from .cli_cases import JSON, ok_lines, run
from .wire import BACKUP_ARN, SOURCE_ARN, ScriptedRDS

# Fixtures that several files share.
sandbox = cli_cases.sandbox
no_width = cli_cases.no_width


def test_replication_from_check_to_delete(sandbox: Sandbox) -> None:
    assert run("check", SOURCE_ARN, *JSON).json == {"blockers": [], "unchecked": []}
    tags = ("--tags", "env=prod", "--tags", "a=b=c", "--tags", "empty=")
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
    ec2 = sandbox.boto3_client("ec2", "us-east-1")
    groups = [
        ec2.create_security_group(GroupName=name, Description=name)["GroupId"] for name in "ab"
    ]
    restored = run(
        *("restore", str(backup.db_instance_automated_backups_arn)),
        *("--target-db-instance-identifier", "restored", "--multi-az", "--deletion-protection"),
        *("--restore-time", latest.isoformat().replace("+00:00", "Z")),
        *("--db-instance-class", "db.t3.small", "--no-publicly-accessible", *JSON),
        *("--vpc-security-group-ids", groups[0], "--vpc-security-group-ids", groups[1]),
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
        "vpc_security_group_ids": groups,
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
    assert "Run replace to stop and restart it" in run(*asked, code=ExitCode.DRIFT).stderr
    assert run("replace", *asked[1:], "--yes", *JSON).json["action"] == "replaced"
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
            ("start", SOURCE_ARN, "--tags", "a=1", "--tags", "b=", "--tags", "a=2"),
            "--tags 'a=2' gives the key 'a' twice.",
        ),
        (("list", "--region", ""), "--region"),
        (("start", SOURCE_ARN, "--region", "us-west-2"), "as --region"),
        (("regions", "--region-name", "mars"), "--region-name 'mars' must be"),
        (("wait", SOURCE_ARN, "--poll-interval", "0s"), "--poll-interval must be a duration"),
        (("start", SOURCE_ARN, "--tags", "aws:x=1"), "--tags 'aws:x' must not begin"),
        (("delete", BACKUP_ARN, "nope", "--yes"), "must be an ARN"),
        (("stop", "nope"), "must be an ARN"),
        (("delete", "nope"), "must be an ARN"),
        (("ensure", "nope"), "must be an ARN"),
        (("replace", "nope"), "must be an ARN"),
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
        ("AWS_DEFAULT_REGION", "us-east-1\n", "ends in a line break"),
        ("AWS_REGION", "us-\neast-1", "has a line break within"),
        ("AWS_PROFILE", "prod\n", "with a line break"),
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
    assert "Run replace" in texts[3]


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


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("AWS_SESSION_TOKEN", "IQoJb3JpZ2luX2Vj\n", "the session token has a line break"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7\n", "the access key ID has a line break"),
        ("AWS_SECRET_ACCESS_KEY", "", "missing: AWS_SECRET_ACCESS_KEY"),
    ],
)
@pytest.mark.usefixtures("sandbox")
def test_invalid_credentials_are_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setattr(client_factory, "_default_session", None)
    ran = run("list", code=ExitCode.UNREACHABLE)
    assert words in ran.stderr
    assert "--profile" in ran.stderr
    assert "unexpected" not in ran.stderr


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
        assert 'Response: {"Status": "odd"}' in stderr
    if isinstance(error, ModuleNotFoundError):
        assert "pip install 'rds-backup-replication[sandbox]'" in stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("stop", SOURCE_ARN),
        ("stop", SOURCE_ARN, "--missing-ok"),
        ("delete", BACKUP_ARN),
        ("replace", SOURCE_ARN, "--backup-retention-period", "1"),
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
