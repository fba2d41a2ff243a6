"""Shared fixtures: clients that cannot reach AWS, and a scripted RDS on loopback."""

import gc
import json
import marshal
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import boto3
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
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

from . import flavors
from .browser import Browser, find_browser
from .fleets import Fleet
from .wire import ScriptedRDS, shared_session

# `make fuzz` uses this profile.
settings.register_profile("fuzz", max_examples=8_000, deadline=None)
# `make mutate` uses this profile, which is quick and repeats the same examples for every mutant.
settings.register_profile("mutate", max_examples=20, derandomize=True, database=None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--botocore-parser", action="store_true", help="parse all responses with botocore's parser"
    )


def pytest_configure() -> None:
    """Restore the handling of Ctrl-C, which shells disable for background jobs but tests send."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of some modules with the sync client and with the async one."""
    module = metafunc.definition.path.stem
    if module in flavors.MODULES:
        is_both = metafunc.function.__name__ not in flavors.SYNC_ONLY
        # On asyncio, the quick ones run in every `make test`.
        is_slow = module.startswith("test_lifecycle")
        marks = {"asyncio": "long" if is_slow else "once", "trio": "long"}
        backends = [
            pytest.param(name, marks=getattr(pytest.mark, mark))
            for name, mark in marks.items()
            if is_both
        ]
        metafunc.parametrize("flavor", ["sync", *backends], indirect=True)


@pytest.fixture(scope="session")
def portals() -> Iterator[dict[str, BlockingPortal]]:
    """Yield an event loop of each kind, in a thread of its own."""
    with ExitStack() as stack:
        yield {
            backend: stack.enter_context(start_blocking_portal(backend))
            for backend in flavors.BACKENDS
        }


@pytest.fixture(autouse=True)
def flavor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test create clients of a flavor."""
    backend = getattr(request, "param", "sync")
    if backend in flavors.BACKENDS:
        portals = request.getfixturevalue("portals")
        module = sys.modules[request.function.__module__]
        flavors.use_async_clients(monkeypatch, module, portals[backend])


# A mutant meets these tests last, because quicker tests catch most mutants.
_SLOW = ("test_lifecycle", "test_public_api", "test_reader", "test_session")


@pytest.hookimpl(tryfirst=True)  # before pytest applies -m
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the browser's tests as long, and put slow tests last for mutmut, which shuffles them."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("long")
    if "MUTANT_UNDER_TEST" in os.environ:
        items.sort(key=lambda item: (item.path.name.startswith(_SLOW), item.path.name))


def pytest_collection_finish() -> None:
    """Collect garbage rarely, because imported modules stay and tests leave little garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(autouse=True)
def chosen_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable the fast parser if the option says so, because tests must pass without it too."""
    if request.config.getoption("--botocore-parser") and request.path.name != "test_reader.py":

        def use_botocore(*_: object) -> None:
            pass

        monkeypatch.setattr(FastParser, "parse", use_botocore)


@pytest.fixture(scope="session", autouse=True)
def cached_models() -> Iterator[None]:
    """Read botocore's models and its list of services once instead of for each session."""

    def read_once(load: Callable[[str], Any]) -> Callable[[str], Any]:
        @cache
        def cached_content(path: str) -> bytes | None:
            content = load(path)
            # marshal reads several times as fast as pickle, but takes only plain dicts.
            return content and marshal.dumps(json.loads(json.dumps(content)))

        def copy(path: str) -> Any:
            content = cached_content(path)
            return content and marshal.loads(content)  # noqa: S302  # from the marshal call above

        # Each caller needs a copy, because botocore modifies the loaded models.
        return copy

    list_services = Loader.list_available_services

    @cache
    def cached_names(paths: tuple[str, ...], type_name: str) -> list[str]:
        loader = Loader(list(paths), include_default_search_paths=False)
        return list_services(loader, type_name)

    def list_once(loader: Loader, type_name: str) -> list[str]:
        return list(cached_names(tuple(loader.search_paths), type_name))

    with pytest.MonkeyPatch.context() as patch:
        for kind in (JSONFileLoader, FastFileLoader):
            patch.setattr(kind, "load_file", staticmethod(read_once(kind().load_file)))
        patch.setattr(Loader, "list_available_services", list_once)
        yield


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the machine's credentials, profiles, endpoints and proxies out of the tests."""
    # Loading the AMIs takes a third of the time of a sandbox.
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    missing_file = tmp_path_factory.getbasetemp() / "no-such-file"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(missing_file))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(missing_file))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


class RecordingClock(InstantClock):
    """A clock that advances only when code sleeps, and that records the sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self.sleeps: list[float] = []

    def sleep(self, seconds: float, /) -> None:
        self.sleeps.append(seconds)
        super().sleep(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> RecordingClock:
    """Replace the clock of every client, and return the new clock."""
    clock = RecordingClock()
    monkeypatch.setattr(Context, "clock", clock)
    return clock


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let botocore retry without a pause and without a limit on its retry tokens."""

    def no_pause(_: float) -> None:
        pass

    def grant_tokens(*_: object, **__: object) -> bool:
        return True

    monkeypatch.setattr("botocore.endpoint.time.sleep", no_pause)
    monkeypatch.setattr("botocore.retries.bucket.TokenBucket.acquire", grant_tokens)


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
    """Yield a sandbox for instances of several accounts."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Sandbox(Behavior(pending_looks=0, stopping_looks=0, shifting_case=False)) as sandbox:
        yield Fleet(sandbox, monkeypatch)


@pytest.fixture(scope="module")
def running_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    executable = find_browser()
    if executable is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing; .ci/run installs it")
        pytest.skip("Chromium is missing; on Debian, install the package chromium")
    browser = Browser(executable, tmp_path_factory.mktemp("profile"))
    try:
        yield browser
    finally:
        browser.close()
