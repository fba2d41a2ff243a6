"""Tests that any response is parsed as botocore parses it, or kept in an error."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, tostring

import pytest
from botocore import xform_name
from botocore.model import OperationModel
from botocore.parsers import create_parser
from hypothesis import given, settings
from hypothesis import strategies as st

from rds_backup_replication.exceptions import ResponseValidationError, ServiceError

from ..loopback import Response, error_xml, result_xml
from ..wire import BACKUP_ARN, SOURCE_ARN
from .figures import FIGURES, scaled
from .responses import bodies, has_shape, mutate
from .transport import service_model, wire_to

CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "StartDBInstanceAutomatedBackupsReplication": (
        "DBInstanceAutomatedBackup",
        {"source_db_instance_arn": SOURCE_ARN},
    ),
    "StopDBInstanceAutomatedBackupsReplication": (
        "DBInstanceAutomatedBackup",
        {"source_db_instance_arn": SOURCE_ARN},
    ),
    "DescribeDBInstanceAutomatedBackups": ("DBInstanceAutomatedBackups", {}),
    "DeleteDBInstanceAutomatedBackup": (
        "DBInstanceAutomatedBackup",
        {"db_instance_automated_backups_arn": BACKUP_ARN},
    ),
    "DescribeSourceRegions": ("SourceRegions", {}),
    "RestoreDBInstanceToPointInTime": (
        "DBInstance",
        {
            "source_db_instance_automated_backups_arn": BACKUP_ARN,
            "target_db_instance_identifier": "restored",
            "use_latest_restorable_time": True,
        },
    ),
}
PARSER = create_parser("query")
_FAILED = 300


class Outcome(NamedTuple):
    """The items that a call returned, and the error that ended it."""

    items: list[Any]
    error: Exception | None


def call_method(operation: OperationModel, body: bytes, status: int = 200) -> Outcome:
    """Call the method. Any marker in the response leads to a second page, which is the last."""
    member, keywords = CALLS[operation.name]
    wire = wire_to("us-east-1")
    wire.script(Response(body, status), Response(result_xml(operation.name, f"<{member}/>")))
    FIGURES["responses generated"] += 1
    items: list[Any] = []
    try:
        result = getattr(wire.client, xform_name(operation.name))(**keywords)
        if isinstance(result, Iterator):
            for item in result:  # pyright: ignore[reportUnknownVariableType]
                items.append(item)  # noqa: PERF402  # keeps the items before an error
        else:
            items = [result]
    except ResponseValidationError as error:
        return Outcome(items, error)
    except ServiceError as error:
        if status >= _FAILED:
            return Outcome(items, error)
        FIGURES["exceptions outside the contract"] += 1
        raise
    except Exception:
        FIGURES["exceptions outside the contract"] += 1
        raise
    return Outcome(items, None)


def make_exact(value: Any) -> Any:
    """Return a value that compares by type, and by case where the original ignores case."""
    untyped: Any = value
    if isinstance(value, dict):
        return {name: make_exact(item) for name, item in untyped.items()}
    if isinstance(value, list):
        return [make_exact(item) for item in untyped]
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Element):  # botocore returns elements for a member that occurs twice
        return tostring(untyped)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None), value.utcoffset()
    return type(value), value


def judge(operation: OperationModel, body: bytes, outcome: Outcome) -> None:
    """Assert that the items equal botocore's, or that the error keeps the response."""
    shape = operation.output_shape
    assert shape is not None
    member, _ = CALLS[operation.name]
    error = outcome.error
    assert error is None or isinstance(error, ResponseValidationError)
    try:
        parsed: Any = PARSER.parse({"status_code": 200, "headers": {}, "body": body}, shape)
    except Exception:  # noqa: BLE001  # botocore's parser may raise anything
        assert error is not None
        assert error.response == {"status_code": 200, "headers": {}, "body": body}
        return
    parsed.pop("ResponseMetadata", None)
    untyped: Any = parsed.get(member)
    expected = make_exact(untyped if isinstance(untyped, list) else [untyped])
    items = [item.model_dump(by_alias=True, exclude_unset=True) for item in outcome.items]
    if error is None:
        FIGURES["responses read"] += 1
        assert make_exact(items) == expected
        return
    assert not (has_shape(shape, parsed) and member in parsed)
    assert make_exact(items) == expected[: len(items)]  # the items before an invalid one
    if set(error.response) == {"status_code", "headers", "body"}:
        assert error.response["body"] == body
    else:
        kept = {name: item for name, item in error.response.items() if name != "ResponseMetadata"}
        assert make_exact(kept) == make_exact(parsed)


@pytest.mark.parametrize("name", CALLS)
def test_response_is_parsed_like_botocore_or_kept(name: str) -> None:
    operation = service_model().operation_model(name)

    @settings(max_examples=scaled(24), deadline=None)
    @given(st.lists(bodies(operation, CALLS[name][0]), min_size=1, max_size=10))
    def run(drawn: list[bytes]) -> None:
        for body in drawn:
            judge(operation, body, call_method(operation, body))

    run()


_errors = st.builds(
    error_xml,
    st.sampled_from(["DBInstanceNotFound", "InvalidParameterValue", "", "New", "<>&"]),
    st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20),
)


@settings(max_examples=scaled(30), deadline=None)
@given(
    st.sampled_from(sorted(CALLS)),
    st.one_of(_errors.map(str.encode), _errors.flatmap(mutate), st.binary(max_size=20)),
    st.sampled_from([300, 301, 302, 400, 403, 404, 413, 429, 499, 500, 502, 503, 504, 599]),
)
def test_refusal_in_any_form_raises_an_error(name: str, body: bytes, status: int) -> None:
    judge_refusal(name, body, status)


def judge_refusal(name: str, body: bytes, status: int) -> None:
    """Assert that a refusal is an error, which keeps a body that is not readable."""
    outcome = call_method(service_model().operation_model(name), body, status)
    assert outcome.items == []
    assert isinstance(outcome.error, (ServiceError, ResponseValidationError))
    if isinstance(outcome.error, ResponseValidationError):
        assert outcome.error.response["body"] == body
    else:
        facts = outcome.error.code, outcome.error.message, outcome.error.request_id or ""
        assert [type(text) for text in facts] == [str] * 3


@pytest.mark.parametrize("inner", ["", "<Code>a</Code><Code>b</Code>", "<Code><a/></Code>"])
@pytest.mark.parametrize("status", [301, 400, 500])
def test_refusal_that_botocore_cannot_parse_is_kept(inner: str, status: int) -> None:
    body = f"<ErrorResponse><Error>{inner}</Error></ErrorResponse>".encode()
    judge_refusal("DescribeSourceRegions", body, status)


REPEATED = "<Marker>1</Marker><Marker>2</Marker><SourceRegions/>"


def test_response_with_repeated_marker() -> None:
    operation = service_model().operation_model("DescribeSourceRegions")
    body = result_xml(operation.name, REPEATED).encode()
    judge(operation, body, call_method(operation, body))
