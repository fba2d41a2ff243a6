"""Tests of the fast response parser against botocore's own parser."""

import logging
import re
from typing import Any
from xml.etree.ElementTree import Element, tostring
from xml.sax.saxutils import escape

import botocore.session
import pytest
from botocore.model import ListShape, OperationModel, Shape, StructureShape
from botocore.parsers import create_parser
from hypothesis import given, settings
from hypothesis import strategies as st

from rds_backup_replication import BackupReplicationClient, _operations
from rds_backup_replication._botocore.fast_parser import FastParser
from rds_backup_replication._operations import Operation
from rds_backup_replication._restore import RESTORE
from rds_backup_replication._workflows.lookup import DESCRIBE_DB_INSTANCES
from rds_backup_replication.exceptions import ResponseValidationError

from .loopback import NAMESPACE
from .wire import ScriptedRDS, listing_xml

SERVICE = botocore.session.get_session().get_service_model("rds")
OPERATIONS = [
    SERVICE.operation_model(operation.name)
    for operation in (*vars(_operations).values(), RESTORE, DESCRIBE_DB_INSTANCES)
    if isinstance(operation, Operation)
]
READER = FastParser()
PARSER = create_parser("query")

blanks = st.sampled_from(["", " ", "\n  "])
timestamps = st.one_of(
    st.datetimes().map(lambda value: f"{value.isoformat()}Z"),
    st.datetimes().map(lambda value: f"{value.isoformat(timespec='milliseconds')}Z"),
    st.datetimes().map(lambda value: f"{value.isoformat(timespec='seconds')}Z"),
    st.datetimes(timezones=st.timezones()).map(lambda value: value.isoformat()),
    st.integers(0, 4_000_000_000).map(str),
    st.floats(0, 4_000_000_000).map(str),
    st.sampled_from(
        [
            "Tue, 24 Nov 2026 13:35:11 GMT",
            "20261124T133511Z",
            "2026-11-24",
            "2026-11-24T13:35:11",
            "2026-11-24T13:35:11.1Z",
            "2026-11-24T13:35:11.123456789Z",
            "2026-11-24T13:35:60Z",
            "2026-13-24T13:35:11Z",
            "2026-11-24t13:35:11z",
            "２０２６-11-24T13:35:11Z",
            " 2026-11-24T13:35:11Z ",
            "soon",
            "",
        ]
    ),
)
texts = {
    "boolean": st.sampled_from(["true", "false", "True", "1", "yes", "", " true"]),
    "integer": st.one_of(
        st.integers().map(str), st.sampled_from(["", " 7 ", "1_000", "1.0", "+5", "0x1", "٣"])
    ),
    "timestamp": timestamps,
    "string": st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20),
}
texts["long"] = texts["integer"]


@st.composite
def elements(draw: st.DrawFn, shape: Shape, depth: int = 0) -> str:
    """Return the content of an XML element for the shape, usually valid, sometimes malformed."""
    if isinstance(shape, StructureShape):
        names = draw(st.lists(st.sampled_from(sorted(shape.members)), max_size=6, unique=True))
        if draw(st.integers(0, 30)) == 0:
            names += names[:1]  # the same element twice
        parts = [
            f"<{_tag(name, shape.members[name])}>"
            f"{draw(elements(shape.members[name], depth + 1))}"
            f"</{_tag(name, shape.members[name])}>"
            for name in names
        ]
        if draw(st.integers(0, 10)) == 0:
            parts.append(draw(st.sampled_from(["<New>1</New>", '<x:Status xmlns:x="urn:x"/>'])))
        return draw(blanks).join(["", *parts, ""])
    if isinstance(shape, ListShape):
        tag = shape.member.serialization.get("name", "member")
        items = draw(st.lists(elements(shape.member, depth + 1), max_size=2))
        return "".join(f"<{tag}>{item}</{tag}>" for item in items)
    return escape(draw(texts[shape.type_name]))


def output_of(operation: OperationModel) -> StructureShape:
    assert operation.output_shape is not None
    return operation.output_shape


def _tag(name: str, shape: Shape) -> str:
    return str(shape.serialization.get("name", name))


@st.composite
def responses(draw: st.DrawFn) -> tuple[OperationModel, bytes]:
    """Return an operation and the body of a response, usually valid, sometimes malformed."""
    operation = draw(st.sampled_from(OPERATIONS))
    wrapper = output_of(operation).serialization["resultWrapper"]
    inner = draw(elements(output_of(operation)))
    metadata = "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>"
    other_metadata = (
        metadata.replace("1", "&lt;&amp;&#13;&#10;"),
        metadata.replace("1", ""),
        metadata.replace("</RequestId>", "</RequestId><New>2</New>"),
        metadata.replace("</RequestId>", "</RequestId><RequestId>2</RequestId>"),
        metadata.replace("<RequestId>", '<RequestId xmlns="urn:x">'),
        metadata.replace("ResponseMetadata", "Other"),
        "",
    )
    rest = draw(st.one_of(st.just(metadata), st.sampled_from(other_metadata)))
    body = f"<{wrapper}>{inner}</{wrapper}>{rest}"
    if draw(st.integers(0, 30)) == 0:
        body = draw(st.sampled_from([body * 2, body[:-5], metadata, ""]))
    namespace = draw(st.sampled_from([NAMESPACE] * 9 + ["urn:other"]))
    return operation, f'<R xmlns="{namespace}">{body}</R>'.encode()


def parsed(operation: OperationModel, body: bytes, *, ahead: bool) -> tuple[Any, bool]:
    """Return botocore's result for a response, and whether the fast parser has parsed it."""
    response: dict[str, Any] = {"status_code": 200, "headers": {}, "body": body}
    customized: dict[str, Any] = {}
    if ahead:
        READER.parse(operation, response, customized)
    try:
        result = PARSER.parse(response, output_of(operation))
    except Exception as error:  # noqa: BLE001  # any exception of botocore counts as the result
        return re.sub("0x[0-9a-f]+", "", repr(error)), response["body"] is not body
    result.update(customized)
    return result, response["body"] is not body


def with_types(value: Any) -> Any:
    """Return the value with the types of all parts, so that a comparison includes the types."""
    untyped: Any = value
    if isinstance(value, dict):
        return {key: with_types(item) for key, item in untyped.items()}
    if isinstance(value, list):
        return [with_types(item) for item in untyped]
    if isinstance(value, Element):  # botocore returns the XML of an element that occurs twice
        return tostring(untyped)
    return type(value), value, repr(getattr(value, "tzinfo", None))


@pytest.mark.long
@settings(max_examples=600, deadline=None)
@given(responses())
def test_fast_parser_matches_botocore(
    response: tuple[OperationModel, bytes],
) -> None:
    slow, _ = parsed(*response, ahead=False)
    fast, _ = parsed(*response, ahead=True)
    assert with_types(fast) == with_types(slow)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_fast_parser_handles_every_operation(operation: OperationModel) -> None:
    wrapper = output_of(operation).serialization["resultWrapper"]
    body = f'<R xmlns="{NAMESPACE}"><{wrapper}><Marker>1</Marker></{wrapper}></R>'.encode()
    assert parsed(operation, body, ahead=True)[1]


@pytest.mark.parametrize(
    ("text", "is_ahead"), [("2026-11-24T13:35:11.030Z", True), ("2026-11-24T13:35:60Z", False)]
)
def test_fast_parser_skips_unusual_timestamps(text: str, *, is_ahead: bool) -> None:
    (operation,) = [o for o in OPERATIONS if o.name == "DescribeDBInstanceAutomatedBackups"]
    body = (
        f'<R xmlns="{NAMESPACE}"><DescribeDBInstanceAutomatedBackupsResult>'
        "<DBInstanceAutomatedBackups><DBInstanceAutomatedBackup>"
        f"<InstanceCreateTime>{text}</InstanceCreateTime></DBInstanceAutomatedBackup>"
        "</DBInstanceAutomatedBackups></DescribeDBInstanceAutomatedBackupsResult></R>"
    ).encode()
    assert parsed(operation, body, ahead=True)[1] is is_ahead


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_fast_parser_skips_duplicates_and_errors(
    operation: OperationModel,
) -> None:
    wrapper = output_of(operation).serialization["resultWrapper"]
    result = f"<{wrapper}><Marker>1</Marker></{wrapper}>"
    body = f'<R xmlns="{NAMESPACE}">{result}{result}</R>'.encode()
    assert not parsed(operation, body, ahead=True)[1]
    response: dict[str, Any] = {
        "status_code": 400,
        "headers": {},
        "body": f'<R xmlns="{NAMESPACE}">{result}</R>'.encode(),
    }
    customized: dict[str, Any] = {}
    READER.parse(operation, response, customized)
    assert customized == {}


def test_unreadable_response_keeps_raw_body(rds: ScriptedRDS) -> None:
    response = listing_xml("<DBInstanceAutomatedBackup><Port>1</Port></DBInstanceAutomatedBackup>")
    rds.answers(response.replace("<RequestId>", "<RequestId>1</RequestId><RequestId>"))
    with pytest.raises(ResponseValidationError) as caught:
        list(rds.client().describe_db_instance_automated_backups())
    assert b"<Port>1</Port>" in caught.value.response["body"]


@pytest.mark.parametrize("event", ["before-parse", "before-parse.rds"])
def test_user_event_handlers_see_original_response(rds: ScriptedRDS, event: str) -> None:
    rds.answers(
        listing_xml("<DBInstanceAutomatedBackup><Port>1</Port></DBInstanceAutomatedBackup>")
    )
    client: BackupReplicationClient = rds.client()
    boto3_client: Any = client.client
    bodies: list[bytes] = []
    results: list[Any] = []

    def before_parse(response_dict: dict[str, Any], **_: Any) -> None:
        bodies.append(response_dict["body"])

    def after_call(parsed: Any, **_: Any) -> None:
        results.append(parsed["DBInstanceAutomatedBackups"])

    boto3_client.meta.events.register(event, before_parse)
    boto3_client.meta.events.register("after-call.rds", after_call)
    list(client.describe_db_instance_automated_backups())
    boto3_client.describe_db_instance_automated_backups()
    assert results == [[{"Port": 1}], [{"Port": 1}]]
    assert [b"Port" in body for body in bodies] == [True, True]


def test_debug_log_contains_whole_response(
    rds: ScriptedRDS, caplog: pytest.LogCaptureFixture
) -> None:
    rds.answers(
        listing_xml("<DBInstanceAutomatedBackup><Port>1</Port></DBInstanceAutomatedBackup>")
    )
    with caplog.at_level(logging.DEBUG, logger="botocore.parsers"):
        (backup,) = rds.client().describe_db_instance_automated_backups()
    assert backup.port == 1
    assert "<Port>1</Port>" in caplog.text
