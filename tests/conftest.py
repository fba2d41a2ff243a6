"""What the tests share: clients that cannot reach AWS, and a scripted RDS on loopback."""

import gc
import json
import marshal
import os
import signal
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from boto3.session import Session
from botocore.loaders import JSONFileLoader, Loader
from botocore.stub import Stubber
from hypothesis import settings

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication._botocore.fast_loader import FastFileLoader
from rds_backup_replication._botocore.fast_parser import FastParser
from rds_backup_replication._clock import InstantClock
from rds_backup_replication._context import Context
from rds_backup_replication.sandbox import Behavior, Sandbox

from .fleets import Fleet
from .wire import ScriptedRDS, shared_session

# For `make fuzz`.
settings.register_profile("fuzz", max_examples=8_000, deadline=None)
# For `make mutate`: quick, and the same for each mutant.
settings.register_profile("mutate", max_examples=20, derandomize=True, database=None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--botocore-parser", action="store_true", help="have botocore read all answers by itself"
    )


def pytest_configure() -> None:
    """A shell has what it runs in the background ignore Ctrl-C, which tests send."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


# What a mutant is tried on last: most are caught by others, and sooner.
_SLOW = (
    *("test_lifecycle.py", "test_lifecycle_concurrency.py", "test_lifecycle_faults.py"),
    *("test_lifecycle_replace.py", "test_lifecycle_waits.py"),
    *("test_public_api.py", "test_reader.py", "test_session.py"),
)


@pytest.hookimpl(tryfirst=True)  # before -m chooses among them
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """mutmut has a mutant's tests in no order; what a browser shows, no Python changes."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("long")
    if "MUTANT_UNDER_TEST" in os.environ:
        items.sort(key=lambda item: (item.path.name in _SLOW, item.path.name))


def pytest_collection_finish() -> None:
    """What is imported stays, and tests are short: looking for garbage is time lost."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(autouse=True)
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything must hold without reading answers ahead too."""
    if request.config.getoption("--botocore-parser") and request.path.name != "test_reader.py":

        def leave_it_to_botocore(*_: object) -> None:
            pass

        monkeypatch.setattr(FastParser, "parse", leave_it_to_botocore)


@pytest.fixture(scope="session", autouse=True)
def models_read_once() -> Iterator[None]:
    """Read botocore's models and its list of services once, and not for each test's session."""

    def read_once(load: Callable[[str], Any]) -> Callable[[str], Any]:
        @cache
        def kept(path: str) -> bytes | None:
            content = load(path)
            # Only plain dicts can be marshalled, which is read several times as fast as a pickle.
            return content and marshal.dumps(json.loads(json.dumps(content)))

        def copy(path: str) -> Any:
            content = kept(path)
            return content and marshal.loads(content)  # noqa: S302  # our own

        # A copy for each, as botocore changes in place what it loads.
        return copy

    list_services = Loader.list_available_services

    @cache
    def listed(paths: tuple[str, ...], type_name: str) -> list[str]:
        loader = Loader(list(paths), include_default_search_paths=False)
        return list_services(loader, type_name)

    def list_once(loader: Loader, type_name: str) -> list[str]:
        return list(listed(tuple(loader.search_paths), type_name))

    with pytest.MonkeyPatch.context() as patch:
        for kind in (JSONFileLoader, FastFileLoader):
            patch.setattr(kind, "load_file", staticmethod(read_once(kind().load_file)))
        patch.setattr(Loader, "list_available_services", list_once)
        yield


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No credentials, profile, endpoint or proxy of the machine gets into a test."""
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # a third of a sandbox's life
    nothing = tmp_path_factory.getbasetemp() / "no-such-file"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(nothing))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nothing))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


class RecordingClock(InstantClock):
    """Time that passes by being slept through, and how it was slept through."""

    def __init__(self) -> None:
        super().__init__()
        self.sleeps: list[float] = []

    def sleep(self, seconds: float, /) -> None:
        self.sleeps.append(seconds)
        super().sleep(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> RecordingClock:
    """The clock of every client."""
    clock = RecordingClock()
    monkeypatch.setattr(Context, "clock", clock)
    return clock


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore's own retries come without a pause."""

    def no_pause(_: float) -> None:
        pass

    def enough(*_: object, **__: object) -> bool:
        return True

    monkeypatch.setattr("botocore.endpoint.time.sleep", no_pause)
    monkeypatch.setattr("botocore.retries.bucket.TokenBucket.acquire", enough)


@pytest.fixture
def session() -> Session:
    return shared_session()


@pytest.fixture
def client(session: Session) -> BackupReplicationClient:
    return BackupReplicationClient(session=session, region_name="us-east-1")


@pytest.fixture
def stubber(client: BackupReplicationClient) -> Iterator[Stubber]:
    with Stubber(client.client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def rds() -> Iterator[ScriptedRDS]:
    with ScriptedRDS() as server:
        yield server


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    """A sandbox for instances of several accounts."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Sandbox(Behavior(pending_looks=0, stopping_looks=0, shifting_case=False)) as sandbox:
        yield Fleet(sandbox, monkeypatch)
