"""Tests of what is removed from an error's values, and of what stays."""

import hashlib
import json
import time
from collections import deque
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.credentials import Credentials as BotocoreCredentials
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.session import Session
from urllib3 import HTTPHeaderDict

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication._credentials import Credentials, find_problem
from rds_backup_replication._redact import SecretFilter, hide_secrets
from rds_backup_replication.exceptions import InvalidParameterValueError

from .loopback import Reply, Request, Response, error_xml
from .planted import ROLE, chain, leaks
from .wire import SOURCE_ARN, RDSServer

SECRET_KEY = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLETOKEN0123456789abcdefghij"
USED = Credentials("AKIAIOSFODNN7EXAMPLE", SECRET_KEY, TOKEN, "env")
SIGNATURE = "0123456789abcdef" * 4
LONG = "p" * 300


def cleaned(value: Any) -> Any:
    """Return what remains of a value in botocore's error."""
    error: Any = HTTPClientError(error=ValueError("x"), more=value)
    hide_secrets(error, [USED])
    return error.kwargs["more"]


# The types of values


class Verbose:
    """An object with a long repr."""

    def __repr__(self) -> str:
        return f"{LONG} {TOKEN}"


class Pair(NamedTuple):
    """A tuple of another type."""

    first: str
    second: Any


@pytest.mark.parametrize(
    "value",
    [
        Pair(LONG, TOKEN),
        {LONG, TOKEN},
        bytearray(f"{LONG} {TOKEN}".encode()),
        deque([LONG, TOKEN]),
        HTTPHeaderDict({"a": LONG, "b": TOKEN}),
        Verbose(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_long_value_of_any_type_is_cleaned(value: Any) -> None:
    assert TOKEN not in repr(cleaned(value))


def test_value_without_secrets_stays() -> None:
    for value in (Pair(LONG, 1), HTTPHeaderDict({"a": LONG}), [deque([1])], {"a": (1, None)}):
        assert cleaned(value) is value


def test_deep_value_is_cleaned() -> None:
    value: list[Any] = [LONG, TOKEN]
    for _ in range(50):
        value = [value]
    assert TOKEN not in repr(cleaned(value))


BUILTIN_ERRORS: dict[str, Any] = {
    "obj": AttributeError("x", name="split", obj=[TOKEN]),
    "name": NameError("x", name=TOKEN),
    "path": ImportError("x", path=TOKEN),
    "value": StopIteration(TOKEN),
    "text": SyntaxError("x", ("file", 1, 1, TOKEN)),
    "msg": SyntaxError(TOKEN),
    "object": UnicodeEncodeError("ascii", TOKEN, 0, 1, "x"),
    "filename2": OSError(1, "x", "a", None, TOKEN),
}


@pytest.mark.parametrize("attribute", BUILTIN_ERRORS)
def test_attribute_of_builtin_error_is_cleaned(attribute: str) -> None:
    error = BUILTIN_ERRORS[attribute]
    assert TOKEN in repr(getattr(error, attribute))
    hide_secrets(HTTPClientError(error=error), [USED])
    assert TOKEN not in repr(getattr(error, attribute))


# Texts


@pytest.mark.parametrize(
    "text",
    [
        f'{{"args": {{"X-Amz-Signature": ["{SIGNATURE}"]}}}}',
        f"<td>X-Amz-Signature</td><td>{SIGNATURE}</td>",
        f"<SignatureProvided>{SIGNATURE}</SignatureProvided>",
        f"x-amz-signature is {SIGNATURE}",
        f"[('X-Amz-Signature', '{SIGNATURE}')]",
        f"X-Amz-Signature%3D{SIGNATURE}",
    ],
)
def test_signature_is_hidden_in_any_form(text: str) -> None:
    filter_ = SecretFilter()
    assert SIGNATURE[:28] not in filter_.clean_text(text)
    assert SIGNATURE[:28].encode() not in filter_.clean_body(text.encode())


def test_digest_without_signature_stays() -> None:
    text = f"The digest is {SIGNATURE}."
    assert SecretFilter().clean_text(text) == text


def test_values_under_secret_names_are_hidden() -> None:
    value = {"SecretAccessKey": "a", "SessionToken": ["b"], "Expiration": "c", "Signature": None}
    hidden = {"SecretAccessKey": "(hidden)", "SessionToken": "(hidden)"}
    assert SecretFilter().clean(value) == {**value, **hidden}


def test_validation_of_access_token_hides_value() -> None:
    text = "Invalid type for parameter accessToken, value: ['a'], type: <class 'list'>, valid"
    assert "'a'" not in SecretFilter().clean_text(text)
    assert "type: <class 'list'>, valid" in SecretFilter().clean_text(text)


def test_long_text_is_cleaned_fast() -> None:
    text = f"{TOKEN} {'some words ' * 5_000_000}{TOKEN}"
    started = time.process_time()
    filter_ = SecretFilter([USED])
    body = filter_.clean_body(text.encode())
    cleaned_text = filter_.clean_text(text)
    assert time.process_time() - started < 5
    assert len(body) == len(text)
    assert len(cleaned_text) < len(text)
    assert TOKEN not in cleaned_text
    assert TOKEN.encode() not in body


# Credentials


class OwnCredentials(BotocoreCredentials):
    """Credentials of a user's own class, which keeps the values elsewhere."""

    def __init__(self) -> None:
        self.method = "vault"

    def __getattr__(self, name: str) -> Any:
        return {"access_key": "AKIDEXAMPLE", "secret_key": SECRET_KEY, "token": TOKEN}[name]

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return ReadOnlyCredentials("AKIDEXAMPLE", SECRET_KEY, TOKEN)


def test_credentials_of_own_class_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def echo(request: Request) -> Reply:
        message = f"You sent {request.headers['X-Amz-Security-Token']}."
        return Response(error_xml("InvalidParameterValue", message), 400)

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    session: Any = Session()
    session._credentials = OwnCredentials()
    with RDSServer(echo) as server:
        client = BackupReplicationClient(
            session=boto3.Session(botocore_session=session, region_name="us-east-1"),
            endpoint_url=server.endpoint_url,
        )
        with pytest.raises(InvalidParameterValueError) as caught:
            client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN)
    assert caught.value.message == "You sent (hidden)."


def test_placeholder_credentials_stay() -> None:
    """A test's credentials are often the name of the server, which its URL contains, too."""
    text = "http://localhost.localstack.cloud/a-long-placeholder-id"
    used = Credentials("a-long-placeholder-id", "localstack", "localstack", "env")
    assert SecretFilter([used]).clean_text(text) == text
    assert SecretFilter([USED]).clean_text(f"It is {USED.access_key}.") == "It is (hidden)."


def test_credentials_in_list_are_hidden() -> None:
    values: Any = {"secret_key": {"a": SECRET_KEY}, "token": [TOKEN]}
    used = USED._replace(**values)
    assert find_problem(used) == "the secret access key is not a string"
    assert SecretFilter([used]).clean_text(f"{TOKEN} {SECRET_KEY}") == "(hidden) (hidden)"


# Other services


def test_refusal_of_sts_with_credentials_is_cleaned(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The response has the status of an error, and the content of a success."""
    config = tmp_path / "config"
    role = "role_arn = arn:aws:iam::111111111111:role/a\ncredential_source = Environment\n"
    config.write_text(f"[profile role]\n{role}", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    with RDSServer(lambda _: Response(ROLE, 400)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint_url)
        session = boto3.Session(profile_name="role", region_name="us-east-1")
        with pytest.raises(ClientError) as caught:
            BackupReplicationClient(session=session).find_replicated_backup(
                source_db_instance_arn=SOURCE_ARN
            )
    assert caught.value.operation_name == "AssumeRole"
    assert "(hidden)" in repr(caught.value.response)
    assert leaks(repr(caught.value.response)) == []


@pytest.mark.parametrize(
    ("token", "words"),
    [(f"{TOKEN}\n", "authorization token .* has a line break"), ([TOKEN], "parameter accessToken")],
    ids=["line break", "list"],
)
def test_invalid_token_of_identity_center_is_hidden(
    token: object, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = "https://example.awsapps.com/start"
    cache = tmp_path / "cache"
    cache.mkdir()
    login = {"accessToken": token, "expiresAt": "2099-01-01T00:00:00Z"}
    name = hashlib.sha1(url.encode()).hexdigest()  # noqa: S324  # botocore's name of the file
    (cache / f"{name}.json").write_text(json.dumps(login), encoding="utf-8")
    config = tmp_path / "config"
    config.write_text(
        f"[profile sso]\nsso_start_url = {url}\nsso_region = us-east-1\n"
        "sso_account_id = 111111111111\nsso_role_name = a\n",
        encoding="utf-8",
    )
    monkeypatch.setattr("botocore.credentials.SSOProvider._SSO_TOKEN_CACHE_DIR", str(cache))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    session = boto3.Session(profile_name="sso", region_name="us-east-1")
    client = BackupReplicationClient(session=session)
    with pytest.raises(BotoCoreError, match=words) as caught:
        client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN)
    assert TOKEN not in "".join(f"{each!r} {vars(each)}" for each in chain(caught.value))


def test_check_reports_expired_credentials_of_kms(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answer = {"Version": 1, "AccessKeyId": "A", "SecretAccessKey": SECRET_KEY}
    answer |= {"SessionToken": TOKEN, "Expiration": "2020-01-01T00:00:00Z"}
    (tmp_path / "answer").write_text(json.dumps(answer), encoding="utf-8")
    config = tmp_path / "config"
    config.write_text(f"[profile p]\ncredential_process = cat {tmp_path}/answer\n", "utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    session = boto3.Session(profile_name="p", region_name="us-east-1")
    client = BackupReplicationClient(session=session, endpoint_url="http://127.0.0.1:9")
    check = client.check_replication(source_db_instance_arn=SOURCE_ARN, kms_key_id="alias/a")
    message = next(reason.message for reason in check.unchecked if "KMS key" in reason.message)
    assert "the credentials have already expired" in message
