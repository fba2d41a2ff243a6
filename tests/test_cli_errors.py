"""Errors that an exception, a file or the credentials cause, in the words of a shell."""

from pathlib import Path

import pytest
from botocore import exceptions as botocore

from rds_backup_replication import DBInstanceAutomatedBackup
from rds_backup_replication.cli._errors import ExitCode, explain
from rds_backup_replication.cli._output import backup_fields
from rds_backup_replication.exceptions import ExpiredTokenError
from rds_backup_replication.testing import make_automated_backup

from . import cli_cases
from .cli_cases import run

pytestmark = pytest.mark.once

no_width = cli_cases.no_width

NO_CREDENTIALS = "Run aws configure or aws sso login, set AWS_ACCESS_KEY_ID"


def client_error(code: str) -> botocore.ClientError:
    return botocore.ClientError({"Error": {"Code": code, "Message": "No."}}, "GetObject")


@pytest.mark.parametrize(
    ("error", "profile", "code", "text"),
    [
        (
            botocore.NoCredentialsError(),
            "prod",
            ExitCode.UNREACHABLE,
            (
                f"Unable to locate credentials.\n{NO_CREDENTIALS} and AWS_SECRET_ACCESS_KEY, or "
                "pass --profile."
            ),
        ),
        (
            botocore.SSOTokenLoadError(error_msg="Token for my does not exist"),
            "my profile",
            ExitCode.UNREACHABLE,
            (
                "Error loading SSO Token: Token for my does not exist.\n"
                "Run: aws sso login --profile 'my profile'"
            ),
        ),
        (
            botocore.TokenRetrievalError(provider="sso", error_msg="Token has expired"),
            None,
            ExitCode.UNREACHABLE,
            "Error when retrieving token from sso: Token has expired.\nRun: aws sso login",
        ),
        (
            botocore.LoginRefreshRequired(),
            "prod",
            ExitCode.UNREACHABLE,
            (
                "Your session has expired or credentials have changed. Please reauthenticate using "
                "'aws login'.\nRun: aws login --profile prod"
            ),
        ),
        (
            botocore.ProfileNotFound(profile="prd"),
            "prd",
            ExitCode.USAGE,
            (
                "The config profile (prd) could not be found.\nCheck --profile and AWS_PROFILE. To "
                "list the profiles, run: aws configure list-profiles"
            ),
        ),
        (client_error("NoSuchKey"), None, ExitCode.REFUSED, "GetObject: No. (NoSuchKey)"),
        (
            client_error("ExpiredToken"),
            None,
            ExitCode.REFUSED,
            (
                "GetObject: No. (ExpiredToken)\nIf the credentials are those of a login, run aws "
                "sso login again."
            ),
        ),
        (
            ExpiredTokenError(
                {"Error": {"Code": "ExpiredToken", "Message": "Expired."}},
                "DescribeDBInstances",
                "Renew the temporary credentials.",
            ),
            None,
            ExitCode.REFUSED,
            (
                "Expired. (ExpiredToken)\nIf the credentials are those of a login, run aws sso "
                "login again. Renew the temporary credentials."
            ),
        ),
    ],
)
def test_explanation_says_which_command_helps(
    error: Exception, profile: str | None, code: ExitCode, text: str
) -> None:
    explanation = explain(error, profile=profile)
    assert (explanation.code, str(explanation)) == (code, text)


SSO = """
[profile dev]
sso_session = my
sso_account_id = 123456789012
sso_role_name = reader
region = us-east-1

[sso-session my]
sso_region = us-east-1
sso_start_url = https://example.awsapps.com/start
"""


@pytest.mark.parametrize("options", [("--profile", "dev"), ()])
def test_hint_names_the_profile_of_a_login(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: tuple[str, ...]
) -> None:
    (tmp_path / "config").write_text(SSO, encoding="utf-8")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setattr("rds_backup_replication._botocore.client_factory._default_session", None)
    if not options:
        monkeypatch.setenv("AWS_PROFILE", "dev")
    ran = run("list", *options, code=ExitCode.UNREACHABLE)
    assert ran.stderr.endswith("Run: aws sso login --profile dev\n")


POLICY = """\
accounts: [{id: "123456789012"}]
rules:
  - name: all
    source_regions: [us-west-2]
    destination_region: us-east-1
"""


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize(
    "command",
    [
        ("plan", "FILE"),
        ("policy", "test", "FILE"),
        ("apply", "FILE"),
        ("audit", "policy.yaml", "--compare", "FILE"),
        ("recovery", "capture", "FILE", "--out", "book.json"),
    ],
)
def test_file_in_another_encoding_is_named_as_such(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: tuple[str, ...], encoding: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("policy.yaml").write_text(POLICY, encoding="utf-8")
    Path("other").write_text(POLICY, encoding=encoding)
    words = ["other" if word == "FILE" else word for word in command]
    ran = run(*words, code=ExitCode.USAGE)
    assert ran.stderr == "Error: other:1: is UTF-16 or UTF-32: save the file as UTF-8\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", ""),
        ("accounts: []", ""),
        ("{", ""),
        ("{}", ": planned_at is missing or invalid"),
        ("\ufeff{}", ": planned_at is missing or invalid"),  # a byte order mark does no harm
    ],
)
def test_file_that_is_no_plan_says_how_to_write_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plan.json").write_text(text, encoding="utf-8")
    ran = run("apply", "plan.json", code=ExitCode.USAGE)
    assert ran.stderr == (
        f"Error: plan.json is not a plan{problem}. Write one with plan POLICY --out FILE.\n"
    )


@pytest.mark.parametrize("status", ["replicating", "Replicating", "REPLICATING"])
def test_json_status_has_one_capitalization(status: str) -> None:
    backup = make_automated_backup(status=status)
    fields = backup_fields(backup)
    assert fields["status"] == "replicating"
    assert fields["is_replicating"] is True
    lag = backup.lag()
    assert lag is not None
    assert fields["lag_seconds"] == pytest.approx(int(lag.total_seconds()), abs=2)
    names = [*fields]
    start = names.index("status")
    assert names[start : start + 3] == ["status", "is_replicating", "lag_seconds"]
    assert DBInstanceAutomatedBackup.model_validate(fields).is_replicating


@pytest.mark.parametrize("status", ["Retained", "Pending", None])
def test_json_of_an_ended_backup_has_no_lag(status: str | None) -> None:
    fields = backup_fields(make_automated_backup(status=status))
    assert fields["is_replicating"] is False
    assert "lag_seconds" not in fields
    assert fields.get("status") == (status and status.lower())
