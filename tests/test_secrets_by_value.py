"""Tests that credentials appear nowhere, in whatever way they are wrong.

Each test makes the credentials wrong in one way, and searches one place for their values. Where AWS
receives the requests, the server repeats every value in several spellings.
"""

import json
import logging
import pickle
import re
import secrets
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import boto3
import pytest
from botocore.exceptions import CredentialRetrievalError
from typer.testing import CliRunner

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication.cli import app
from rds_backup_replication.exceptions import WaitTimeoutError
from rds_backup_replication.fleet import Access, Account, apply, audit, plan, render_html

from .loopback import Reply, Request, Response, error_xml
from .planted import ACCOUNT, ARN, POLICY, START_ACTION
from .wire import RDSServer, backup_xml, listing_xml


def _value() -> str:
    """Return a value with the characters of base64."""
    return f"{secrets.token_hex(12)}/{secrets.token_hex(6)}+{secrets.token_hex(12)}"


KEY_ID, SECRET_KEY, TOKEN = f"AKIA{secrets.token_hex(10)}", _value(), f"{_value()}=="


class Planted(NamedTuple):
    """Credentials, and the code of the server's refusal."""

    key_id: str = KEY_ID
    secret_key: str = SECRET_KEY
    token: str = TOKEN
    code: str = "SignatureDoesNotMatch"


WAYS = {
    "line break in token": Planted(token=f"{TOKEN}\n"),
    "line break within token": Planted(token=f"{TOKEN[:20]}\r\n{TOKEN[20:]}"),
    "line break in secret key": Planted(secret_key=f"{SECRET_KEY}\n"),
    "line break in key ID": Planted(key_id=f"{KEY_ID}\n"),
    "control character in token": Planted(token=f"{TOKEN[:20]}\x1b{TOKEN[20:]}"),
    "token is not Latin-1": Planted(token=f"{TOKEN[:20]}…{TOKEN[20:]}"),
    "wrong signature": Planted(),
    "expired token": Planted(code="ExpiredToken"),
    "failing server": Planted(code="ServiceUnavailable"),
}


def leaks(text: str) -> list[str]:
    """Return the parts of the values that a text contains."""
    parts = re.findall(r"\w+", f"{KEY_ID} {SECRET_KEY} {TOKEN[:20]} {TOKEN[20:]}")
    return [part for part in [*parts, "X-Amz-Signature="] if part in text]


def spellings(value: str) -> list[str]:
    encoded = value.encode()
    forms = [value, repr(value), repr(encoded), repr(repr(encoded)), json.dumps(value)]
    return [*forms, quote(value), quote(value, safe=""), quote(quote(value, safe=""), safe="")]


def refused(planted: Planted, request: Request) -> str:
    """Return an error that repeats the credentials, the signature and the presigned URL."""
    texts = [form for value in planted[:3] for form in spellings(value)]
    texts += [request.headers.get("Authorization", ""), request.parameters.get("PreSignedUrl", "")]
    message = re.sub(r"[\x00-\x08\x0b-\x1f]", "", "; ".join(texts))  # XML has no such characters
    return error_xml(planted.code, f"It is wrong. {message}")


def everything_of(error: BaseException) -> Iterator[str]:
    """Yield all texts of an error and of each error that it refers to, even if suppressed."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, (dict, list, tuple)):
            waiting += each.values() if isinstance(each, dict) else each
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield from (str(each), repr(each), repr(each.args), repr(vars(each)))
        yield repr([getattr(each, name, None) for name in ("obj", "object", "name", "value")])
        yield repr(vars(vars(each).get("request") or object) if "request" in vars(each) else "")
        waiting += [each.__cause__, each.__context__, each.args, vars(each)]
    yield from traceback.format_exception(error)
    yield pickle.dumps(error, 0).decode("latin-1")


class Scene:
    """A server that refuses everything, the client, and what the library has logged."""

    def __init__(self, server: RDSServer, caplog: pytest.LogCaptureFixture) -> None:
        self.endpoint_url = server.endpoint_url
        self._caplog = caplog

    def client(self) -> BackupReplicationClient:
        return BackupReplicationClient(region_name="us-east-1", endpoint_url=self.endpoint_url)

    def error(self, method: str, **keywords: Any) -> BaseException:
        with pytest.raises(Exception) as caught:  # noqa: PT011  # it depends on the way
            getattr(self.client(), method)(source_db_instance_arn=ARN, **keywords)
        return caught.value

    def start_error(self) -> BaseException:
        return self.error(
            "start_db_instance_automated_backups_replication", source_region="us-west-2"
        )

    def wait_error(self) -> BaseException:
        return self.error("wait_until_stopped", timeout=timedelta(minutes=1))

    def log(self) -> str:
        formatter = logging.Formatter("%(message)s %(args)s")
        ours = [r for r in self._caplog.records if r.name.startswith("rds_backup_replication")]
        return "\n".join(map(formatter.format, ours))

    def logged(self, act: Callable[[], object]) -> str:
        act()
        assert self.log()
        return self.log()

    def command(self, *arguments: str) -> str:
        env = {"AWS_ENDPOINT_URL": self.endpoint_url, "AWS_DEFAULT_REGION": "us-east-1"}
        result = CliRunner().invoke(app, arguments, env=env)
        assert isinstance(result.exception, SystemExit)
        return result.stdout + result.stderr

    def fleet(self) -> tuple[Any, Access]:
        policy = POLICY.model_copy(update={"accounts": (Account(id=ACCOUNT),)})
        return policy, Access(endpoint_url=self.endpoint_url)

    def audited(self) -> Any:
        policy, access = self.fleet()
        return audit(policy, access=access)

    def applied(self) -> Any:
        policy, access = self.fleet()
        planned = plan(policy, access=access).model_copy(update={"actions": (START_ACTION,)})
        return apply(planned, policy, access=access)

    def audit_command(self) -> str:
        Path("policy.yaml").write_text(self.fleet()[0].model_dump_json(), encoding="utf-8")
        output = self.command("audit", "policy.yaml", "--html", "audit.html", "--debug")
        return output + Path("audit.html").read_text(encoding="utf-8")


PLACES: dict[str, Callable[[Scene], object]] = {
    "text": lambda scene: str(scene.start_error()),
    "repr": lambda scene: repr(scene.start_error()),
    "arguments": lambda scene: scene.start_error().args,
    "attributes": lambda scene: vars(scene.start_error()),
    "pickle": lambda scene: pickle.dumps(scene.start_error(), 0).decode("latin-1"),
    "traceback": lambda scene: "".join(traceback.format_exception(scene.start_error())),
    "causes": lambda scene: "\n".join(everything_of(scene.start_error())),
    "lookup": lambda scene: "\n".join(everything_of(scene.error("find_replicated_backup"))),
    "ensure": lambda scene: "\n".join(everything_of(scene.error("ensure_replication"))),
    "stop": lambda scene: "\n".join(everything_of(scene.error("ensure_stopped"))),
    "wait": lambda scene: "\n".join(everything_of(scene.wait_error())),
    "log of a call": lambda scene: scene.logged(scene.start_error),
    "log of a wait": lambda scene: scene.logged(scene.wait_error),
    "check": lambda scene: repr(scene.client().check_replication(source_db_instance_arn=ARN)),
    "command": lambda scene: scene.command("start", ARN, "--source-region", "us-west-2"),
    "command with --debug": lambda scene: scene.command("list", "--output", "json", "--debug"),
    "audit": lambda scene: scene.audited().model_dump_json(),
    "audit page": lambda scene: render_html(scene.audited()),
    "apply": lambda scene: f"{scene.applied()!r} {scene.applied().model_dump_json()}",
    "command audit": lambda scene: scene.audit_command(),
}


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("time.sleep", id)  # so that botocore's retries do not pause
    monkeypatch.chdir(tmp_path)


def plant(monkeypatch: pytest.MonkeyPatch, planted: Planted) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", planted.key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", planted.secret_key)
    monkeypatch.setenv("AWS_SESSION_TOKEN", planted.token)


# `make check` runs every combination.
_SHORT = ("line break in token", "expired token")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=() if way in _SHORT else pytest.mark.long) for way in WAYS]
)
@pytest.mark.usefixtures("clock", "no_backoff")
def test_no_place_shows_invalid_credentials(
    way: str, place: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    planted = WAYS[way]
    plant(monkeypatch, planted)
    caplog.set_level(logging.DEBUG, "rds_backup_replication")
    status = 503 if planted.code == "ServiceUnavailable" else 403
    with RDSServer(lambda request: Response(refused(planted, request), status)) as server:
        text = str(PLACES[place](Scene(server, caplog)))
    assert text
    assert leaks(text) == []


def test_unreadable_response_shows_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, Planted())
    body = f"<broken {TOKEN} {quote(SECRET_KEY, safe='')} {KEY_ID}"
    with RDSServer(lambda _: Response(body)) as server:
        client = BackupReplicationClient(region_name="us-east-1", endpoint_url=server.endpoint_url)
        with pytest.raises(Exception, match="is invalid") as caught:
            client.find_replicated_backup(source_db_instance_arn=ARN)
    assert leaks("\n".join(everything_of(caught.value))) == []
    response: Any = vars(caught.value)["response"]
    assert len(response["body"]) == len(body)  # a shorter body would count as cut off


def test_repeated_marker_shows_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, Planted())
    page = listing_xml(backup_xml()).replace(
        "<DBInstanceAutomatedBackups>", f"<Marker>{TOKEN}</Marker><DBInstanceAutomatedBackups>"
    )
    with RDSServer(lambda _: Response(page)) as server:
        client = BackupReplicationClient(region_name="us-east-1", endpoint_url=server.endpoint_url)
        with pytest.raises(Exception, match="repeats") as caught:
            list(client.describe_db_instance_automated_backups())
    assert leaks("\n".join(everything_of(caught.value))) == []


SOURCES = {"line break in the source's token": f"{TOKEN}\n", "refused by STS": TOKEN}


@pytest.mark.parametrize("kind", SOURCES)
def test_credentials_of_sts_call_are_hidden(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Only botocore knows the client that assumes the role."""
    planted = Planted(token=SOURCES[kind])
    plant(monkeypatch, planted)
    config = tmp_path / "config"
    role = "role_arn = arn:aws:iam::111111111111:role/a\ncredential_source = Environment\n"
    config.write_text(f"[profile role]\n{role}", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))

    def answer(request: Request) -> Reply:
        return Response(refused(planted, request), 403)

    with RDSServer(answer) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint_url)
        session = boto3.Session(profile_name="role", region_name="us-east-1")
        client = BackupReplicationClient(session=session)
        with pytest.raises(Exception) as caught:  # noqa: PT011  # it depends on the kind
            client.find_replicated_backup(source_db_instance_arn=ARN)
    assert leaks("\n".join(everything_of(caught.value))) == []


# The words for the cause


@pytest.mark.parametrize(
    ("planted", "words"),
    [
        (Planted(token=f"{TOKEN}\n"), "the session token has a line break"),
        (Planted(key_id=f"{KEY_ID}\r"), "the access key ID has a line break"),
        (Planted(token=f"{TOKEN}\udcff"), "the session token has a character that is not ASCII"),
        (Planted(secret_key=f"{SECRET_KEY}\udcff"), "the secret access key has a character that"),
        (Planted(key_id=f"{KEY_ID}\udcff"), "the access key ID has a character that is not ASCII"),
    ],
    ids=["token", "key ID", "token of bytes", "secret key of bytes", "key ID of bytes"],
)
def test_unsendable_credentials_are_named(
    planted: Planted, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch, planted)
    client = BackupReplicationClient(region_name="us-east-1", endpoint_url="http://127.0.0.1:9")
    with pytest.raises(CredentialRetrievalError, match=words) as caught:
        client.ensure_stopped(source_db_instance_arn=ARN)
    assert "from env:" in str(caught.value)
    assert leaks("\n".join(everything_of(caught.value))) == []


@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "InvalidClientTokenId", "ExpiredToken"])
def test_refusal_names_invalid_secret_key(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret access key is not sent, so only AWS notices that it is wrong."""
    plant(monkeypatch, Planted(secret_key=f"{SECRET_KEY}\n"))
    with RDSServer(lambda _: Response(error_xml(code), 403)) as server:
        client = BackupReplicationClient(region_name="us-east-1", endpoint_url=server.endpoint_url)
        with pytest.raises(Exception, match="the secret access key has a line break"):
            client.find_replicated_backup(source_db_instance_arn=ARN)


@pytest.mark.usefixtures("clock")
def test_wait_ends_if_nothing_can_be_sent(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plant(monkeypatch, Planted(token=f"{TOKEN}\n"))
    client = BackupReplicationClient(region_name="us-east-1", endpoint_url="http://127.0.0.1:9")
    with pytest.raises(CredentialRetrievalError) as caught:
        client.wait_until_replicating(source_db_instance_arn=ARN)
    assert not isinstance(caught.value, WaitTimeoutError)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


_ANSWER = json.dumps(
    {"Version": 1, "AccessKeyId": KEY_ID, "SecretAccessKey": SECRET_KEY, "SessionToken": TOKEN}
)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (_ANSWER[:-1], "is invalid .JSONDecodeError"),
        (f"[{_ANSWER}]", "is invalid .AttributeError"),
        (_ANSWER.replace("}", ', "Expiration": "someday"}'), "is invalid .ParserError"),
        (_ANSWER.replace(TOKEN, f"{TOKEN}\\n"), "the session token has a line break"),
        (_ANSWER.replace("}", ', "Expiration": "2020-01-01T00:00:00Z"}'), "have already expired"),
        (json.dumps(SECRET_KEY), "is invalid .AttributeError"),
        (json.dumps([TOKEN]), "is invalid .AttributeError"),
        (_ANSWER.replace(f'"{TOKEN}"', f'["{TOKEN}"]'), "the session token is not a string"),
        ("", "No such file"),
    ],
    ids=[
        *("cut off", "list", "expiration", "line break", "expired", "string", "list of a string"),
        *("token in a list", "no program"),
    ],
)
def test_credential_process_shows_nothing(
    output: str, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "program"
    if output:
        (tmp_path / "output").write_text(output, encoding="utf-8")
        program.write_text(f"#!/bin/sh\ncat {tmp_path}/output\n", encoding="utf-8")
        program.chmod(0o755)
    config = tmp_path / "config"
    config.write_text(f"[profile p]\ncredential_process = {program}\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    session = boto3.Session(profile_name="p", region_name="us-east-1")
    with pytest.raises(CredentialRetrievalError, match=words) as caught:
        BackupReplicationClient(
            session=session, endpoint_url="http://127.0.0.1:9"
        ).find_replicated_backup(source_db_instance_arn=ARN)
    assert leaks("\n".join(everything_of(caught.value))) == []
