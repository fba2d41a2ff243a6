"""Tests of how the package creates boto3 clients, mostly in processes of their own."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import CredentialRetrievalError
from botocore.loaders import Loader

from rds_backup_replication import BackupReplicationClient, __version__
from rds_backup_replication._botocore.fast_loader import (
    FastFileLoader,
    FastLoader,
)

from .planted import ROLE
from .wire import SOURCE_ARN, ScriptedRDS, listing_xml, shared_session

CONFIG = """\
[profile dr]
region = eu-west-3
aws_access_key_id = of-the-profile
aws_secret_access_key = secret
"""


def run(code: str) -> Any:
    """Run code in a new process, and return the JSON that it prints."""
    preamble = (
        "import gc, json, os, sys\n"
        "from rds_backup_replication import BackupReplicationClient\n"
        "from botocore.config import Config\n"
    )
    process = subprocess.run(  # noqa: S603  # the code of these tests
        [sys.executable, "-W", "error", "-c", preamble + code],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(process.stdout)


def test_client_uses_profile_without_boto3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(CONFIG)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "dr")
    region, key, same, boto3_is_loaded, gc_is_on = run("""
client = BackupReplicationClient()
other = BackupReplicationClient(region_name="us-east-1")
key = client.client._request_signer._credentials.access_key
same = client.client._request_signer._credentials is other.client._request_signer._credentials
print(json.dumps([client.region_name, key, same, "boto3" in sys.modules, gc.isenabled()]))
""")
    assert (region, key) == ("eu-west-3", "of-the-profile")
    assert same  # clients share one session
    assert not boto3_is_loaded
    assert gc_is_on


def test_client_uses_default_session_of_boto3() -> None:
    regions = run("""
before = BackupReplicationClient(region_name="us-east-1")
import boto3
keys = {"aws_access_key_id": "x", "aws_secret_access_key": "y"}
boto3.setup_default_session(region_name="ap-south-1", **keys)
client = BackupReplicationClient()
credentials = client.client._request_signer._credentials
print(json.dumps([before.region_name, client.region_name, credentials.access_key]))
""")
    assert regions == ["us-east-1", "ap-south-1", "x"]


def test_garbage_collection_stays_disabled() -> None:
    assert (
        run("""
gc.disable()
BackupReplicationClient(region_name="us-east-1")
print(json.dumps(gc.isenabled()))
""")
        is False
    )


def test_client_equals_client_of_boto3() -> None:
    created, expected = run("""
os.environ |= {"AWS_MAX_ATTEMPTS": "7", "AWS_RETRY_MODE": "adaptive"}
places = [
    ("us-east-1", {}), ("eu-west-1", {"use_fips_endpoint": True}), ("cn-north-1", {}),
    ("us-gov-west-1", {"use_dualstack_endpoint": True}), ("eusc-de-east-1", {}), ("xx-new-1", {}),
]

def facts(client):
    meta = client.meta
    return [meta.endpoint_url, meta.partition, sorted(meta.method_to_api_mapping),
            meta.service_model.signature_version, meta.service_model.api_version,
            meta.config.retries, meta.config.connect_timeout, meta.config.read_timeout]

clients = [BackupReplicationClient(region_name=r, config=Config(**c)) for r, c in places]
created = [facts(client.client) for client in clients]
assert "boto3" not in sys.modules
import boto3
expected = [facts(boto3.client("rds", region_name=r, config=Config(**c))) for r, c in places]
print(json.dumps([created, expected]))
""")
    assert created == expected
    assert created[0][5] == {"mode": "adaptive", "total_max_attempts": 7}


@pytest.mark.parametrize(
    "path", ["partitions", "rds/2014-10-31/service-2", "kms/2014-11-01/service-2"]
)
def test_fast_loader_loads_same_data_as_botocore(path: str) -> None:
    quick = FastLoader(file_loader=FastFileLoader())
    assert quick.load_data(path) == Loader().load_data(path)


def test_client_uses_data_path_of_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    model: dict[str, Any] = Loader().load_service_model("rds", "service-2")
    (tmp_path / "rds/2030-01-01").mkdir(parents=True)
    versioned = {**model, "metadata": {**model["metadata"], "apiVersion": "2030-01-01"}}
    rules = Loader().load_service_model("rds", "endpoint-rule-set-1")
    for name, data in (("service-2", versioned), ("endpoint-rule-set-1", rules)):
        (tmp_path / f"rds/2030-01-01/{name}.json").write_text(json.dumps(data))
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    assert (
        run("""
client = BackupReplicationClient(region_name="us-east-1")
print(json.dumps(client.client.meta.service_model.api_version))
""")
        == "2030-01-01"
    )


def test_clients_are_created_one_at_a_time() -> None:
    """Check the lock around botocore's session, which is not thread-safe."""
    inside = most = 0

    shared: Any = shared_session()

    class CountingSession:
        def client(self, *arguments: Any, **settings: Any) -> Any:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            try:
                return shared.client(*arguments, **settings)
            finally:
                inside -= 1

    session: Any = CountingSession()
    with ThreadPoolExecutor(8) as pool:
        clients = [
            pool.submit(BackupReplicationClient, session=session, region_name="us-east-1")
            for _ in range(16)
        ]
    assert len({id(client.result()) for client in clients}) == 16
    assert most == 1


def test_user_agents_of_session_and_caller_are_kept(rds: ScriptedRDS) -> None:
    """botocore alone would keep only one `user_agent_extra`: that of the call."""
    default = Config(user_agent_extra="payments/1.0", read_timeout=7)
    botocore_session = botocore.session.Session()
    botocore_session.set_credentials("a", "b")
    botocore_session.set_default_client_config(default)
    boto3_session = Session(botocore_session=botocore_session, region_name="us-east-1")
    cases: list[tuple[Any, Config | None, str]] = [
        (botocore_session, None, "payments/1.0"),
        (boto3_session, None, "payments/1.0"),
        (boto3_session, Config(connect_timeout=3), "payments/1.0"),
        (boto3_session, Config(user_agent_extra="batch/2"), "batch/2"),
    ]
    for session, config, theirs in cases:
        rds.answers(listing_xml())
        client = BackupReplicationClient(
            session=session, region_name="us-east-1", config=config, endpoint_url=rds.endpoint_url
        )
        assert list(client.describe_db_instance_automated_backups()) == []
        agent = rds.received[-1].headers["User-Agent"]
        assert agent.endswith(f" {theirs} rds-backup-replication/{__version__}")
        settings: Any = client.client.meta.config
        assert settings.read_timeout == 7
        assert settings.connect_timeout == (3 if config and theirs == "payments/1.0" else 60)
    assert vars(default)["user_agent_extra"] == "payments/1.0"


def test_given_session_is_not_changed(rds: ScriptedRDS) -> None:
    session = Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    botocore_session: Any = vars(session)["_session"]

    def state() -> tuple[list[object], list[str]]:
        emitter: Any = botocore_session.get_component("event_emitter")
        handlers: Any = emitter._emitter._handlers
        events = ("before-parse", "before-sign", "needs-retry", "response-received")
        names = ("data_loader", "event_emitter", "response_parser_factory")
        return (
            [botocore_session.get_component(name) for name in names],
            [repr(handlers.prefix_search(f"{event}.rds.X")) for event in events],
        )

    before = state()
    rds.answers(listing_xml())
    client = BackupReplicationClient(session=session, endpoint_url=rds.endpoint_url)
    assert list(client.describe_db_instance_automated_backups()) == []
    assert state() == before


@pytest.mark.parametrize("body", ["<a/>", "<html>Sign in", "", "expired"])
def test_invalid_response_of_sts_is_credential_error(
    rds: ScriptedRDS, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: str
) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[profile r]\nrole_arn = arn:aws:iam::111111111111:role/a\n"
        "credential_source = Environment\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("AWS_ENDPOINT_URL", rds.endpoint_url)
    rds.answers(ROLE.replace("2099", "2001") if body == "expired" else body)
    session = Session(profile_name="r")
    client = BackupReplicationClient(session=session, region_name="us-east-1")
    expected = (
        "the credentials have already expired"
        if body == "expired"
        else "the response of the service that provides the credentials is invalid"
    )
    with pytest.raises(CredentialRetrievalError, match=expected):
        client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN)
    reasons = client.check_replication(source_db_instance_arn=SOURCE_ARN)
    assert {reason.code for reason in reasons} == {"could_not_be_checked"}
