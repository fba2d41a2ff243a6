"""Tests that no text, log entry or file of the library reveals a secret, whatever fails.

The secrets are the secret access key, the session token, the credentials that STS returns for a
role, a presigned URL, and Oracle's TDE password. Each test plants unique values for them and
searches the whole output for these values.

The tests treat some values in a special way:

- An access key ID is not secret, but it should be in no output either. The tests search for it.
- AWS does not regard an external ID as a secret. No plan contains it: applying takes it from the
  policy.
- ``request.model_dump()`` returns what boto3 sends, which includes the presigned URL.
- ``ResponseValidationError.response`` holds the raw response. RDS never receives the secret key,
  so its responses cannot contain the key. ``test_secrets_by_value.py`` covers servers that repeat
  secrets.
- The tests ignore local variables, which only debuggers show, and botocore's own DEBUG log.
"""

import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from boto3.session import Session
from pydantic import ValidationError
from typer.testing import CliRunner

from rds_backup_replication import (
    BackupReplicationClient,
    RestoreDBInstanceToPointInTimeRequest,
    StartDBInstanceAutomatedBackupsReplicationRequest,
)
from rds_backup_replication.cli import app
from rds_backup_replication.exceptions import (
    InvalidParameter,
    PlanRefusedError,
    PolicyError,
    ReplicationDriftError,
    RequestValidationError,
)
from rds_backup_replication.fleet import (
    Access,
    Account,
    AuditReport,
    Plan,
    Policy,
    apply,
    audit,
    plan,
    render_html,
    resume,
)

from .loopback import Reply, Request, Response
from .planted import (
    ACCOUNT,
    ALL,
    ANSWERS,
    ARN,
    KEY_ID,
    OF_STS,
    PASSWORD,
    POLICY,
    SECRET_KEY,
    SIGNED_URL,
    START_ACTION,
    TOKEN,
    URL,
    all_of,
    chain,
    leaks,
    signature_refused,
    works,
)
from .wire import BACKUP_ARN, RDSServer, backup_xml, listing_xml


@pytest.fixture(autouse=True)
def planted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.delenv("COLUMNS", raising=False)
    config = tmp_path / "config"
    role = "role_arn = arn:aws:iam::111111111111:role/a\ncredential_source = Environment\n"
    config.write_text(f"[profile role]\n{role}", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setattr("time.sleep", id)  # so that botocore's retries do not pause
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """Return a function that returns what this library has logged, at any level."""
    formatter = logging.Formatter("%(message)s %(args)s")

    def logged() -> str:
        ours = (r for r in caplog.records if r.name.startswith("rds_backup_replication"))
        return "\n".join(map(formatter.format, ours))

    with caplog.at_level(logging.DEBUG, "rds_backup_replication"):
        yield logged


# The client


@cache
def own_session() -> Session:
    return Session(KEY_ID, SECRET_KEY, TOKEN)  # a session is slow to create


def client_at(server: RDSServer, *, with_role: bool) -> BackupReplicationClient:
    session = Session(profile_name="role") if with_role else own_session()
    return BackupReplicationClient(
        session=session, region_name="us-east-1", endpoint_url=server.endpoint_url
    )


def calls(client: BackupReplicationClient) -> Iterator[Callable[[], Any]]:
    for keywords in ({"pre_signed_url": SIGNED_URL}, {"source_region": "us-west-2"}):
        arguments: Any = {"source_db_instance_arn": ARN, **keywords}
        yield lambda: client.start_db_instance_automated_backups_replication(**arguments)  # noqa: B023
    yield lambda: client.ensure_replication(source_db_instance_arn=ARN)
    yield lambda: client.check_replication(source_db_instance_arn=ARN)
    yield lambda: client.restore_db_instance_to_point_in_time(
        source_db_instance_automated_backups_arn=BACKUP_ARN,
        target_db_instance_identifier="restored",
        use_latest_restorable_time=True,
        tde_credential_password=PASSWORD,
    )


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.usefixtures("clock", "no_backoff")
def test_client_reveals_no_secret(
    kind: str, log: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with RDSServer(ANSWERS[kind]) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint_url)  # STS too
        client = client_at(server, with_role=kind.startswith("STS"))
        output = [repr(client), str(client)]
        for call in calls(client):
            try:
                output.append(repr(call()))
            except Exception as error:  # noqa: BLE001, PERF203  # any exception
                output.append(all_of(error))
    assert leaks("\n".join(output)) == []
    assert leaks(log()) == []
    asked_sts = any(request.parameters["Action"] == "AssumeRole" for request in server.received)
    assert server.received
    assert asked_sts is kind.startswith("STS")


# Requests and their errors


def test_request_repr_reveals_no_secret() -> None:
    start = StartDBInstanceAutomatedBackupsReplicationRequest(
        source_db_instance_arn=ARN, pre_signed_url=SIGNED_URL
    )
    restore = RestoreDBInstanceToPointInTimeRequest(
        source_db_instance_automated_backups_arn=BACKUP_ARN,
        target_db_instance_identifier="restored",
        use_latest_restorable_time=True,
        tde_credential_password=PASSWORD,
    )
    for request in (start, restore):
        assert leaks(f"{request} {request!r} {[request]} {request.model_copy()}") == []
    assert leaks(str(start.model_dump())) == [URL, "X-Amz-Signature"]


@pytest.mark.parametrize(
    "keywords",
    [
        {"pre_signed_url": [SIGNED_URL]},
        {"presigned_url": SIGNED_URL},
        {"pre_signed_url": SIGNED_URL, "source_region": SIGNED_URL},
        {"pre_signed_url": SIGNED_URL, "PreSignedUrl": SIGNED_URL},
        {"source_db_instance_arn": SIGNED_URL, "kms_key_id": SIGNED_URL},
        {"tags": {"key": SIGNED_URL}},
        {"tags": [{"Key": SIGNED_URL}] * 2},
        {"source_db_instance_arn": f"{ARN}{SIGNED_URL}"},
        {"source_db_instance_arn": ARN.replace(":db:", f":{SIGNED_URL}:")},
        {"tags": [{"Key": "key", "Secret": SIGNED_URL}]},
    ],
)
def test_validation_error_reveals_no_secret(keywords: dict[str, Any]) -> None:
    given: dict[str, Any] = {
        "source_db_instance_arn": ARN,
        "backup_retention_period": 99,
        **keywords,
    }
    client: Any = BackupReplicationClient(session=own_session(), region_name="us-east-1")
    with pytest.raises((RequestValidationError, TypeError)) as caught:
        client.start_db_instance_automated_backups_replication(**given)
    assert leaks(all_of(caught.value)) == []
    # A request model that the user constructs raises pydantic's own error.
    with pytest.raises(ValidationError) as raised:
        StartDBInstanceAutomatedBackupsReplicationRequest(**given)
    assert leaks("".join(traceback.format_exception(raised.value))) == []


def test_invalid_flag_reveals_no_secret() -> None:
    client: Any = BackupReplicationClient(session=own_session(), region_name="us-east-1")
    with pytest.raises(RequestValidationError) as caught:
        client.ensure_replication(source_db_instance_arn=ARN, replace=SIGNED_URL)
    assert leaks(all_of(caught.value)) == []


@pytest.mark.usefixtures("no_backoff")
def test_kms_signature_error_reveals_no_secret() -> None:
    """KMS reports errors in JSON, unlike RDS."""

    def answer(request: Request) -> Reply:
        if request.parameters.get("Action") == "DescribeDBInstanceAutomatedBackups":
            return Response(listing_xml(backup_xml(DBInstanceArn=ARN, KmsKeyId="1234")))
        message = signature_refused("InvalidSignatureException", TOKEN)
        return Response(
            json.dumps({"__type": "InvalidSignatureException", "message": message}), 400
        )

    with RDSServer(answer) as server, pytest.raises(ReplicationDriftError) as caught:
        client_at(server, with_role=False).ensure_replication(
            source_db_instance_arn=ARN, kms_key_id="alias/backups"
        )
    assert "The signatures differ." in str(caught.value)
    assert leaks(all_of(caught.value)) == []


@pytest.mark.usefixtures("clock", "no_backoff")
def test_passwords_in_urls_are_hidden(
    log: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some proxies need a password in their URL, and users may put one into an endpoint URL."""
    output: list[str] = []

    def output_for(endpoint: str) -> str:
        try:
            client = BackupReplicationClient(
                session=own_session(), region_name="us-east-1", endpoint_url=endpoint
            )
            output.append(repr(client))
            client.wait_until_stopped(source_db_instance_arn=ARN, timeout=timedelta(minutes=1))
        except Exception as error:  # noqa: BLE001  # any exception
            output.append(all_of(error) + pickle.dumps(error, 0).decode("ascii"))
            output[-1] += "".join(repr(vars(each)) for each in chain(error))  # Dask pickles these
        return output[-1]

    assert "127.0.0.1:9/" in output_for(f"http://user:{PASSWORD}@127.0.0.1:9")
    assert "not a host" in output_for(f"http://user:{PASSWORD}@not a host")
    monkeypatch.setenv("HTTP_PROXY", f"http://user:{PASSWORD}@127.0.0.1:99999")
    assert "127.0.0.1:99999" in output_for("http://rds.invalid")
    output += [repr(Access(endpoint_url=f"http://user:{PASSWORD}@127.0.0.1:9")), log()]
    assert "127.0.0.1:9/" in log()
    assert [text for text in output if leaks(text)] == []


# Fleets


@pytest.mark.parametrize(
    "field", [{"aws_secret_access_key": SECRET_KEY}, {"role_arn": SECRET_KEY}, {"id": [SECRET_KEY]}]
)
def test_errors_in_files_reveal_no_secret(field: dict[str, Any]) -> None:
    account: dict[str, Any] = {"id": ACCOUNT, **field}
    policy = {"accounts": [account]}
    plan = {"actions": [], "accounts": [account, *field.values()], **field}
    Path("policy.yaml").write_text(POLICY.model_dump_json(), encoding="utf-8")
    Path("plan.json").write_text(json.dumps(plan), encoding="utf-8")
    output: list[str] = []
    for make in (
        lambda: Account(**account),
        lambda: Policy.model_validate(policy),
        lambda: Policy.from_yaml(json.dumps(policy)),
        lambda: Policy.from_dict(policy),
        lambda: Plan.model_validate(plan),
        lambda: Plan.model_validate_json(json.dumps(plan)),
        lambda: Plan.model_validate_json(SECRET_KEY),
        lambda: AuditReport.model_validate_json(json.dumps(plan)),
        lambda: resume("plan.json", POLICY),
    ):
        with pytest.raises((ValueError, PlanRefusedError), match=r".") as caught:
            make()
        output.append("".join(traceback.format_exception(caught.value)))
    with RDSServer(works) as server:
        output.append(run_command(server, *APPLY, *DEBUG_JSON))
        output.append(run_command(server, *RESUME, *DEBUG_JSON))
    assert "plan.json is not a plan" in output[-2]
    assert "plan.json is not a journal" in output[-1]
    assert leaks("".join(output)) == []


@pytest.mark.parametrize(
    "text",
    [
        f'accounts: []\nkms_key_ids: {{"{SIGNED_URL}": alias/a}}',
        f'"{SIGNED_URL}": 1\n"{SIGNED_URL}": 2',
        f"accounts: []\n? {SIGNED_URL}\n: 1",
    ],
    ids=["of a field", "twice", "in place of a field"],
)
def test_presigned_url_as_policy_key_is_hidden(text: str) -> None:
    with pytest.raises(PolicyError, match="hidden") as caught:
        Policy.from_yaml(text)
    assert leaks(all_of(caught.value)) == []
    assert caught.value.__context__ is None  # Dask pickles it


@pytest.mark.parametrize("end", [b"", b"\xff"], ids=["not closed", "not UTF-8"])
@pytest.mark.parametrize("name", ["policy.yaml", "policy.json", "policy.toml"])
def test_unreadable_policy_reveals_no_text(name: str, end: bytes) -> None:
    Path(name).write_bytes(f'{{"a": "{SIGNED_URL}"'.encode() + end)
    with pytest.raises(PolicyError, match="is not") as caught:
        Policy.from_file(name)
    assert leaks(all_of(caught.value)) == []
    assert caught.value.__context__ is None


def test_presigned_url_in_policy_tags_is_hidden() -> None:
    rules = [{"name": "a", "source_regions": ["us-west-2"], "tags": {"a": SIGNED_URL}}]
    with pytest.raises(PolicyError) as caught:
        Policy.from_yaml(json.dumps({"accounts": [{"id": ACCOUNT}], "rules": rules}))
    assert "tags" in str(caught.value)
    assert leaks(all_of(caught.value)) == []


def with_profile(access: Access) -> tuple[Policy, Access]:
    """Return a policy and an access that take the role's credentials from a profile."""
    account = Account(id=ACCOUNT)
    policy = POLICY.model_copy(update={"accounts": (account,)})
    return policy, Access(endpoint_url=access.endpoint_url, profile_name="role")


def fleet_output(policy: Policy, access: Access) -> str:
    """Return the texts of an audit, a plan and an apply."""
    output: list[object] = [access, policy, policy.accounts[0]]
    audited, planned = audit(policy, access=access), plan(policy, access=access)
    startable = planned.model_copy(update={"actions": (START_ACTION,)})
    assert "shibboleth" not in f"{planned!r}{planned.model_dump_json()}"
    applied = apply(startable, policy, access=access)
    assert applied.counts in ({"done": 1}, {"failed": 1})
    for report in (audited, planned, startable, applied):
        output += [report, report.model_dump_json(), report.model_dump()]
    output.append(render_html(audited))
    return "\n".join(f"{item} {item!r}" for item in output)


@pytest.mark.parametrize("by_profile", [False, True])
@pytest.mark.parametrize("kind", OF_STS)
@pytest.mark.usefixtures("clock", "no_backoff")
def test_fleet_reveals_no_secret(
    kind: str, log: Callable[[], str], monkeypatch: pytest.MonkeyPatch, *, by_profile: bool
) -> None:
    with RDSServer(ANSWERS[kind]) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint_url)
        policy, access = POLICY, Access(endpoint_url=server.endpoint_url)
        if by_profile:
            policy, access = with_profile(access)
        output = fleet_output(policy, access)
    assert leaks(output) == []
    assert leaks(log()) == []
    assert any(request.parameters["Action"] == "AssumeRole" for request in server.received)


DEBUG_JSON = ("--output", "json", "--debug")
START = ("start", ARN, "--source-region", "us-west-2")
AUDIT = ("audit", "policy.yaml", "--html", "audit.html")
PLAN = ("plan", "policy.yaml", "--out", "plan.json")
APPLY = ("apply", "plan.json", "--policy", "policy.yaml", "--yes")
RESUME = ("apply", "--resume", "plan.json", "--policy", "policy.yaml", "--yes")


def run_command(server: RDSServer, *arguments: str) -> str:
    """Run the command and return its output, including standard error."""
    result = CliRunner().invoke(
        app,
        arguments,
        env={"AWS_ENDPOINT_URL": server.endpoint_url, "AWS_DEFAULT_REGION": "us-east-1"},
    )
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.stdout + result.stderr


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.usefixtures("clock", "no_backoff")
def test_command_prints_no_secret(kind: str) -> None:
    role = ("--profile", "role") if kind.startswith("STS") else ()
    with RDSServer(ANSWERS[kind]) as server:
        output = run_command(server, *START, *DEBUG_JSON, *role) + run_command(
            server, *START, *role
        )
    assert output
    assert leaks(output) == []


@pytest.mark.parametrize("kind", [pytest.param("all is well", marks=pytest.mark.long), *OF_STS])
@pytest.mark.usefixtures("clock", "no_backoff")
def test_fleet_commands_reveal_no_secret(kind: str) -> None:
    Path("policy.yaml").write_text(POLICY.model_dump_json(), encoding="utf-8")
    with RDSServer(ANSWERS[kind]) as server:
        output = [run_command(server, *AUDIT, *DEBUG_JSON), run_command(server, *PLAN, "--debug")]
        output.append(run_command(server, *APPLY, "--journal", "journal", *DEBUG_JSON))
    assert leaks("".join(output)) == []
    assert '"results": ' in output[-1]
    for name in ("audit.html", "plan.json", "journal"):
        assert leaks(Path(name).read_text(encoding="utf-8")) == []


def test_leak_search_finds_planted_secrets(log: Callable[[], str]) -> None:
    logging.getLogger("rds_backup_replication").debug("Signed: %s", SIGNED_URL)
    assert leaks(log()) == [URL, "X-Amz-Signature"]
    hidden = RequestValidationError("Start", [InvalidParameter("a", repr(SECRET_KEY), "is wrong")])
    assert leaks(all_of(hidden)) == [SECRET_KEY]
    error = ValueError("plain")
    error.__cause__ = ValueError(TOKEN)
    assert leaks(all_of(error)) == [TOKEN]
