"""Tests that run the examples of docs/deployment.md, and check what it says about connections."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import HTTPClientError

from rds_backup_replication import ApiCall, BackupReplicationClient
from rds_backup_replication.exceptions import ThrottlingError
from rds_backup_replication.sandbox import Sandbox

from .calls import STARTED, start
from .prefork import WORKERS
from .test_aio import HeldRDS
from .test_docs_pages import blocks_of, run
from .wire import SOURCE_ARN, ScriptedRDS, backup_xml, listing_xml

pytestmark = pytest.mark.once


class FakeCelery:
    """Celery's application, which is not among the packages of the tests."""

    def __init__(self, _: str) -> None:
        self.options: dict[str, dict[str, Any]] = {}

    def task(self, **options: Any) -> Callable[[Callable[..., object]], Callable[..., object]]:
        def register(function: Callable[..., object]) -> Callable[..., object]:
            self.options[function.__name__] = options
            return function

        return register


@pytest.fixture
def page(
    rds_sandbox: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """Run the page's examples, and return their names."""
    module: Any = ModuleType("celery")
    module.Celery = FakeCelery
    monkeypatch.setitem(sys.modules, "celery", module)
    rds_sandbox.create_db_instance("us-west-2")
    names: dict[str, Any] = {}
    run("deployment", rds_sandbox, capsys, names)
    return names


@pytest.mark.usefixtures("no_backoff")
def test_deployment_page_examples_run(page: dict[str, Any], rds_sandbox: Sandbox) -> None:
    event = {"source_db_instance_arn": SOURCE_ARN}
    (text,) = [text for language, text in blocks_of("deployment") if language == "json"]
    machine = json.loads(text)
    assert run_machine(machine, {"Start": page["start"], "Check": page["check"]}, event) == [
        *("Start", "Check", "IsReplicating", "Replicating")
    ]
    rds_sandbox.reset()
    rds_sandbox.create_db_instance("us-west-2")
    assert run_machine(machine, {"Start": page["start"], "Check": page["check"]}, event) == [
        *("Start", "Check", "IsReplicating", "Pause"),
        *("Check", "IsReplicating", "Pause"),
        *("Check", "IsReplicating", "Replicating"),
    ]

    statuses: list[str] = []

    def start_response(status: str, _: object) -> None:
        statuses.append(status)

    body = page["application"]({}, start_response)
    assert (statuses, b"".join(body)) == (["200 OK"], b"1 backups\n")

    # A task that runs again, as with acks_late, changes nothing.
    assert page["replicate"](SOURCE_ARN) == page["replicate"](SOURCE_ARN) == "unchanged"
    assert page["change_retention"](SOURCE_ARN, 7) == "replaced"
    assert page["change_retention"](SOURCE_ARN, 7) == "unchanged"
    rds_sandbox.add_fault(None, ThrottlingError, times=None)
    options = page["app"].options
    with pytest.raises(options["replicate"]["autoretry_for"]):
        page["replicate"](SOURCE_ARN)
    # The former settings have up to 15 minutes beyond the timeout of 30 minutes.
    assert options["change_retention"]["time_limit"] > timedelta(minutes=30 + 15).total_seconds()


def run_machine(
    machine: dict[str, Any], tasks: dict[str, Callable[..., Any]], data: dict[str, Any]
) -> list[str]:
    """Run a state machine as Step Functions does, without its pauses."""
    name, visited = machine["StartAt"], list[str]()
    while True:
        visited.append(name)
        state = machine["States"][name]
        if state["Type"] == "Succeed":
            return visited
        if state["Type"] == "Task":
            data = json.loads(json.dumps(tasks[name](data, None)))
        chosen = [
            choice["Next"]
            for choice in state.get("Choices", [])
            if data[choice["Variable"].removeprefix("$.")] is choice["BooleanEquals"]
        ]
        name = chosen[0] if chosen else state.get("Next") or state["Default"]


def test_connection_closed_in_a_pause_is_replaced(rds: ScriptedRDS) -> None:
    """The client notices before it sends, so this takes no attempt."""
    rds.answers(STARTED)
    calls: list[ApiCall] = []
    client = rds.client(on_call=calls.append)
    start(client)
    rds.close_connections()
    assert rds.closed.acquire(timeout=20)
    start(client)
    assert [call.attempts for call in calls] == [1, 1]
    assert rds.connections == 2


@pytest.mark.usefixtures("no_backoff")
def test_connection_that_breaks_takes_an_attempt(rds: ScriptedRDS) -> None:
    rds.answers(STARTED)
    rds.resets()
    rds.answers(STARTED)
    calls: list[ApiCall] = []
    client = rds.client(retries=1, on_call=calls.append)
    start(client)
    start(client)
    assert [call.attempts for call in calls] == [1, 2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_each_worker_opens_its_own_connection(
    rds: ScriptedRDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    rds.answers(listing_xml(backup_xml()))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    code = [text for language, text in blocks_of("deployment") if language == "python"]
    (application,) = [text for text in code if "def application" in text]
    settings = code[0].partition("def start")[0]
    # From 3.12 on Python counts the system's threads, of which one may just be ending.
    ignore = "ignore:This process:DeprecationWarning"
    completed = subprocess.run(  # noqa: S603
        [sys.executable, "-W", ignore, "-m", "tests.prefork", rds.endpoint_url],
        input=settings + application,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (completed.returncode, completed.stderr) == (0, "")
    assert rds.connections == 1 + WORKERS
    assert len(rds.received) == 2 + 2 * WORKERS


class SoftTimeLimitExceeded(Exception):
    """As Celery's, which a handler of SIGUSR1 raises."""


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs SIGUSR1")
def test_soft_time_limit_amid_a_request_is_wrapped() -> None:
    def end(*_: object) -> None:
        raise SoftTimeLimitExceeded

    def interrupt() -> None:
        rds.asked.wait(20)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, end)
    try:
        with HeldRDS(listing_xml()) as rds:
            threading.Thread(target=interrupt).start()
            with pytest.raises(HTTPClientError):
                list(rds.client().describe_db_instance_automated_backups())
            rds.released.set()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_rotated_credentials_of_a_process_are_used(
    rds: ScriptedRDS, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (profile,) = [text for language, text in blocks_of("deployment") if language == "ini"]
    program, current, config = (tmp_path / name for name in ("fetch", "current", "config"))
    program.write_text(f"#!/bin/sh\ncat '{current}'\n", encoding="utf-8")
    program.chmod(0o700)
    config.write_text(profile.replace("/usr/local/bin/fetch-credentials", str(program)), "utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    soon = datetime.now(timezone.utc) + timedelta(minutes=1)  # so that each call refreshes

    def rotate(key: str) -> None:
        credentials = {"AccessKeyId": key, "SecretAccessKey": "secret", "SessionToken": "token"}
        document = {"Version": 1, "Expiration": soon.isoformat(), **credentials}
        current.write_text(json.dumps(document), encoding="utf-8")

    rotate("AKIAFIRST")
    rds.answers(STARTED)
    client = BackupReplicationClient(
        session=Session(profile_name="backups"),
        region_name="us-east-1",
        endpoint_url=rds.endpoint_url,
        config=Config(proxies={}),
    )
    start(client)
    rotate("AKIASECOND")
    start(client)
    keys = [request.headers["Authorization"].split("/")[0] for request in rds.received]
    assert [key.rpartition("=")[2] for key in keys] == ["AKIAFIRST", "AKIASECOND"]
