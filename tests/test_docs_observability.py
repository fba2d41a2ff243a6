"""Tests that run the recipes of docs/observability.md, and check its table of log messages."""

import ast
import logging
import re
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from boto3.session import Session
from botocore.client import BaseClient
from botocore.config import Config
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import rds_backup_replication
from rds_backup_replication import ApiCall, BackupReplicationClient
from rds_backup_replication.exceptions import InvalidParameterValueError, ThrottlingError
from rds_backup_replication.sandbox import Sandbox

from .calls import STARTED, start
from .loopback import error_xml
from .test_docs_pages import blocks_of, read, run
from .wire import SOURCE_ARN, ScriptedRDS

pytestmark = pytest.mark.once

OPERATIONS = (
    "DescribeDBInstances",
    "DescribeDBInstanceAutomatedBackups",
    "StartDBInstanceAutomatedBackupsReplication",
)
STOP = "StopDBInstanceAutomatedBackupsReplication"
TWO_ATTEMPTS = Config(retries={"total_max_attempts": 2})


class FakeXRay:
    """The X-Ray SDK's way to patch botocore: it wraps the method that makes each call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._in_segment = False
        self.subsegments: list[tuple[str, int]] = []

    def patch(self, modules: list[str]) -> None:
        assert modules == ["botocore"]
        untyped: Any = BaseClient
        make_api_call = untyped._make_api_call

        @wraps(make_api_call)
        def record(client: Any, name: str, parameters: Any) -> Any:
            response = make_api_call(client, name, parameters)
            assert self._in_segment
            self.subsegments.append((name, response["ResponseMetadata"]["HTTPStatusCode"]))
            return response

        self._monkeypatch.setattr(BaseClient, "_make_api_call", record)

    @contextmanager
    def in_segment(self, _: str) -> Generator[None]:
        self._in_segment = True
        yield
        self._in_segment = False


@pytest.fixture
def x_ray(monkeypatch: pytest.MonkeyPatch) -> FakeXRay:
    """Take the place of the X-Ray SDK, which is not among the packages of the tests."""
    fake = FakeXRay(monkeypatch)
    module: Any = ModuleType("aws_xray_sdk.core")
    module.patch, module.xray_recorder = fake.patch, fake
    monkeypatch.setitem(sys.modules, "aws_xray_sdk", ModuleType("aws_xray_sdk"))
    monkeypatch.setitem(sys.modules, "aws_xray_sdk.core", module)
    return fake


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Collect the spans of tracers that the test makes."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    # A process can set its provider only once.
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


def without_values(line: str) -> str:
    line = re.sub(r"request ID \S+,", "request ID …,", line)
    return re.sub(r"\d+ ms", "… ms", line)


@pytest.mark.usefixtures("no_backoff")
def test_observability_page_recipes_run(
    rds_sandbox: Sandbox,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    exporter: InMemorySpanExporter,
    x_ray: FakeXRay,
) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    names: dict[str, Any] = {}
    library = logging.getLogger("rds_backup_replication")
    with caplog.at_level(logging.INFO, logger="backups"):
        try:
            run("observability", rds_sandbox, capsys, names)
        finally:
            library.setLevel(logging.NOTSET)

    records = [record for record in caplog.records if record.name == "backups"]
    (shown,) = [text for language, text in blocks_of("observability") if language == "none"]
    lines = [f"{record.levelname} {record.getMessage()}" for record in records]
    assert [without_values(line) for line in lines] == [
        without_values(line) for line in shown.splitlines()
    ]
    assert all(re.search(r"request ID [\w-]{20,},", line) for line in lines)
    assert [status for _, status in x_ray.subsegments] == [200, 200]
    assert [name for name, _ in x_ray.subsegments] == list(OPERATIONS[:2])

    spans = exporter.get_finished_spans()
    parents = {span.context.span_id: span for span in spans if span.parent is None and span.context}
    assert [span.name for span in parents.values()] == [
        *("ensure_replication", "replace_replication", "wait_until_replicating")
    ]
    children = [span for span in spans if span.parent is not None]
    assert {span.name for span in children} >= set(OPERATIONS)
    for child in children:
        assert child.parent is not None
        parent = parents[child.parent.span_id]
        assert parent.start_time is not None
        assert child.start_time is not None
        assert child.end_time is not None
        assert parent.end_time is not None
        assert parent.start_time <= child.start_time < child.end_time <= parent.end_time
        assert child.attributes is not None
        assert child.attributes["aws.request_id"]

    rds_sandbox.add_fault(None, ThrottlingError, times=None)
    for record in ("trace_call", "count_call"):
        client = BackupReplicationClient(on_call=names[record], config=TWO_ATTEMPTS)
        with pytest.raises(ThrottlingError):
            client.stop_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)
    *_, failed = exporter.get_finished_spans()
    assert failed.status.description == "ThrottlingError"
    assert failed.attributes is not None
    assert failed.attributes["aws.attempts"] == 2
    assert [event.name for event in failed.events] == ["exception"]
    where = {"operation": STOP, "region": "us-east-1"}
    registry = names["registry"]
    assert registry.get_sample_value("rds_api_retries_total", where) == 1
    outcome = {**where, "outcome": "Throttling"}
    assert registry.get_sample_value("rds_api_calls_total", outcome) == 1


def logged() -> Iterator[tuple[str, str]]:
    """Yield the level and message of each call of a logger in the package."""
    package = Path(rds_backup_replication.__file__).parent
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="_logger"), attr=level),
                    args=[ast.Constant(value=str(message)), *_],
                ):
                    yield level, message
                case _:
                    pass


def test_observability_page_lists_log_messages() -> None:
    rows = re.findall(r"^\| `([A-Z]+)` \| (.+?) \| .*\|$", read("observability"), re.MULTILINE)
    found = list(logged())
    assert len(found) > 15
    for level, message in found:
        name = {"exception": "ERROR"}.get(level, level.upper())
        text = re.sub(r"%[\w.]+", "…", message)
        starts = [text.startswith(row.strip("`")) for kind, row in rows if kind == name]
        assert any(starts) or message == "%s", message


def test_no_secret_in_an_api_call(rds: ScriptedRDS) -> None:
    """AWS repeats parts of a request in some errors."""
    secret = "FwoGZXIvYXdzEBYaDNotARealSessionTokenButAsLong"
    session = Session(
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        aws_session_token=secret,
    )
    rds.answers(error_xml("InvalidParameterValue", f"The token {secret} is invalid."), 400)
    calls: list[ApiCall] = []
    client = BackupReplicationClient(
        session=session,
        region_name="us-east-1",
        endpoint_url=rds.endpoint_url,
        on_call=calls.append,
    )
    with pytest.raises(InvalidParameterValueError):
        start(client)
    (call,) = calls
    error: Any = call.error
    attributes: dict[str, object] = error.__dict__
    for value in (call, error, attributes, error.__cause__):
        assert secret not in repr(value)


@pytest.mark.parametrize("is_lambda", [True, False])
def test_trace_header_of_lambda_is_sent(
    rds: ScriptedRDS, monkeypatch: pytest.MonkeyPatch, *, is_lambda: bool
) -> None:
    rds.answers(STARTED)
    trace_id = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    if is_lambda:
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "backups")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", trace_id)
    start(rds.client())
    (request,) = rds.received
    assert request.headers.get("X-Amzn-Trace-Id") == (trace_id if is_lambda else None)
