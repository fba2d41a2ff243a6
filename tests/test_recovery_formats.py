"""Endpoints and readiness for other programs and in Markdown, and readiness in an audit."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rds_backup_replication.fleet import (
    AuditReport,
    Readiness,
    RestoreReason,
    render_jsonl,
    render_markdown,
)
from rds_backup_replication.recovery._formats.audit_readiness import with_readiness
from rds_backup_replication.recovery._formats.endpoints import render_endpoints
from rds_backup_replication.recovery._formats.readiness_markdown import render_readiness_markdown
from rds_backup_replication.recovery._records import ReadinessReport

from .recovery_report_cases import (
    ACCOUNT,
    BOOK_HASH,
    NOT_RESTORABLE,
    make_readiness,
    make_readiness_reason,
    make_readiness_report,
    make_recovery_report,
    make_restored,
)
from .report_cases import NOT_LISTED, NOW, make_record, make_report
from .test_formats_jsonl import lines_of
from .test_formats_markdown import (
    CHARACTERS,
    HARMLESS,
    TRICKS,
    code_of,
    inline_of,
    parse,
    rows_of,
    structure_of,
)

pytestmark = pytest.mark.once

ASSIGNMENT = re.compile(r"[A-Z_][A-Z0-9_]*_(HOST=[A-Za-z0-9][A-Za-z0-9._:-]*|PORT=[0-9]+)")
FAILED = make_restored(2, "failed", message="RDS has no capacity.")


def variables_of(text: str) -> dict[str, str]:
    """Return the variables of a .env file, each of which may occur only once."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(ASSIGNMENT.fullmatch(line) for line in lines), lines
    pairs = [line.split("=", 1) for line in lines]
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def dotenv_of(*instances: Any) -> str:
    return render_endpoints(make_recovery_report(*instances), "dotenv")


def test_json_has_instances_that_are_done() -> None:
    second_tier = make_restored(3, tier=2)
    report = make_recovery_report(second_tier, FAILED, make_restored(1))
    text = render_endpoints(report, "json")
    assert text.isascii()
    first, second = json.loads(text)
    assert first == {
        "account_id": ACCOUNT,
        "source_region": "us-west-2",
        "destination_region": "us-east-1",
        "db_instance_arn": f"arn:aws:rds:us-west-2:{ACCOUNT}:db:orders-1",
        "db_instance_identifier": "orders-1",
        "target_db_instance_identifier": "orders-1-dr",
        "restored_db_instance_arn": f"arn:aws:rds:us-east-1:{ACCOUNT}:db:orders-1-dr",
        "old_endpoint": "orders-1.c9example.us-west-2.rds.amazonaws.com",
        "old_port": 5432,
        "new_endpoint": "orders-1-dr.c1example.us-east-1.rds.amazonaws.com",
        "new_port": 5432,
    }
    assert second["db_instance_identifier"] == "orders-3"


def test_dotenv_names_every_instance() -> None:
    text = dotenv_of(make_restored(1), FAILED, make_restored(3, "planned"))
    assert variables_of(text) == {
        "ORDERS_1_HOST": "orders-1-dr.c1example.us-east-1.rds.amazonaws.com",
        "ORDERS_1_PORT": "5432",
    }
    assert "# ORDERS_2_HOST is not set: failed: RDS has no capacity.\n" in text
    assert "# ORDERS_3_HOST is not set: a dry run restores nothing.\n" in text
    assert "old endpoint: orders-1.c9example.us-west-2.rds.amazonaws.com:5432\n" in text


def test_dotenv_without_usable_endpoint() -> None:
    lost = make_restored(1, new_endpoint=None)
    no_port = make_restored(2, new_port=None)
    odd = make_restored(3, new_endpoint="$(reboot)")
    text = dotenv_of(lost, no_port, odd)
    assert variables_of(text) == {}
    assert text.count(" is not set: no usable address is known.") == 3
    assert "RDS shows the address $(reboot):5432." in text


def test_dotenv_names_of_same_identifier_differ() -> None:
    other = {"account_id": "210987654321", "source_region": "eu-west-1"}
    names = variables_of(dotenv_of(make_restored(1), make_restored(1, **other), make_restored(2)))
    assert [name for name in names if name.endswith("_HOST")] == [
        f"ORDERS_1_{ACCOUNT}_US_WEST_2_HOST",
        "ORDERS_2_HOST",
        "ORDERS_1_210987654321_EU_WEST_1_HOST",
    ]


def test_dotenv_names_do_not_depend_on_outcome() -> None:
    """When a recovery goes on, the variables of what was done before keep their names."""
    other = make_restored(1, account_id="210987654321")
    unfinished = make_restored(1, "not_finished", account_id="210987654321")
    before, after = (dotenv_of(make_restored(1), one) for one in (unfinished, other))
    assert variables_of(before).items() < variables_of(after).items()


def test_dotenv_name_that_looks_qualified() -> None:
    """A name with account and Region may be another instance's own name."""
    taken = make_restored(1, db_instance_identifier=f"orders-1-{ACCOUNT}-us-west-2")
    again = make_restored(1, account_id="210987654321")
    assert len(variables_of(dotenv_of(make_restored(1), again, taken, make_restored(1)))) == 8


IDENTIFIERS = st.text(st.sampled_from("aA1-_é"), max_size=3)


@given(st.lists(st.tuples(IDENTIFIERS, st.sampled_from(["1", "2"])), max_size=5))
@settings(max_examples=50, deadline=None)
def test_dotenv_names_are_valid_and_unique(names: list[tuple[str, str]]) -> None:
    text = dotenv_of(
        *(make_restored(1, db_instance_identifier=name, account_id=id_) for name, id_ in names)
    )
    assert len(variables_of(text)) == 2 * len(names)


ANY_TEXT = st.sampled_from((*TRICKS, "a\nEVIL=1", "a\u2028EVIL=1", "a\x85EVIL=1", "'\"$(x)`")) | (
    st.text(CHARACTERS, min_size=1)
)


@given(ANY_TEXT)
@settings(max_examples=50, deadline=None)
def test_data_creates_no_variable(text: str) -> None:
    odd = make_restored(
        1,
        account_id=text,
        source_region=text,
        destination_region=text,
        db_instance_identifier=text,
        old_endpoint=text,
        new_endpoint=text,
    )
    failed = make_restored(2, "failed", message=text)
    rendered = render_endpoints(make_recovery_report(odd, failed, run_id=text), "dotenv")
    name = re.sub("[^A-Za-z0-9]", "_", text).upper()
    assert set(variables_of(rendered)) <= {
        f"{prefix}{name}_{end}" for prefix in ("", "DB_") for end in ("HOST", "PORT")
    }
    assert sum(line.startswith("# ") for line in rendered.splitlines()) >= 4


def endpoints_of(text: str) -> str:
    """Return the endpoints in Markdown with the text wherever a recovery has text."""
    fields = {
        "account_id": text,
        "source_region": text,
        "destination_region": text,
        "db_instance_identifier": text,
        "old_endpoint": text,
        "message": text,
    }
    instances = make_restored(1, **fields, new_endpoint=text), make_restored(2, "failed", **fields)
    return render_endpoints(make_recovery_report(*instances, run_id=text), "markdown")


def readiness_of(text: str) -> str:
    """Return a readiness check in Markdown with the text wherever a check has text."""
    blocker = make_readiness_reason(message=f"{text} x", remedy=f"{text} y", commands=(text,))
    fields = {
        "account_id": text,
        "source_region": text,
        "destination_region": text,
        "db_instance_identifier": text,
        "target_db_instance_identifier": text,
    }
    return render_readiness_markdown(
        make_readiness_report(
            make_readiness(1, "not_restorable", **fields, reasons=(blocker,)),
            make_readiness(2, "unknown", **fields),
            make_readiness(3, **fields, reasons=(blocker,)),
            findings=(blocker,),
            book_hash=text,
        )
    )


def audit_of(text: str) -> str:
    """Return an audit with readiness in Markdown with the text wherever readiness has text."""
    reason = make_readiness_reason(message=f"{text} x", remedy=f"{text} y")
    checked = make_readiness(1, "not_restorable", reasons=(reason,))
    audit = make_report(make_record(dbi_resource_id=checked.dbi_resource_id))
    return render_markdown(
        with_readiness(audit, make_readiness_report(checked, findings=(reason,)))
    )


@pytest.mark.parametrize("render", [endpoints_of, readiness_of, audit_of])
@given(text=ANY_TEXT)
@settings(max_examples=50, deadline=None)
def test_data_creates_no_markup(render: Callable[[str], str], text: str) -> None:
    document = render(text)
    assert structure_of(document) == structure_of(render("x"))
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00]", document)
    kinds = {token.type for token in inline_of(document)}
    assert kinds <= {"text", "code_inline", "strong_open", "strong_close"}
    for token in inline_of(document):
        if token.type == "text":
            assert HARMLESS.fullmatch(token.content), token.content


def test_endpoints_in_markdown() -> None:
    rows = rows_of(render_endpoints(make_recovery_report(make_restored(1), FAILED), "markdown"))
    where = [ACCOUNT, "us-west-2 → us-east-1"]
    old = "orders-{}.c9example.us-west-2.rds.amazonaws.com:5432"
    new = "orders-1-dr.c1example.us-east-1.rds.amazonaws.com:5432"
    assert rows[1] == ["orders-1", *where, old.format(1), new]
    assert rows[3] == ["orders-2", *where, old.format(2), "failed: RDS has no capacity."]


def test_readiness_in_markdown() -> None:
    document = render_readiness_markdown(NOT_RESTORABLE)
    first = "# Recovery readiness: 2 not restorable, 1 restore unknown and 1 finding\n"
    assert document.startswith(first)
    assert "1 of 4 instances is restorable. Checked at `2026-11-24T18:20:31Z`" in document
    assert re.findall(r"^## (.+)$", document, re.MULTILINE) == [
        *("Findings about the book: 1", "Not restorable: 2", "Restore unknown: 1"),
        *("Warnings: 1", "All instances"),
    ]
    assert document.count("**Remedy:** Create the subnet group") == 1
    blocks = [token.content for token in parse(document) if token.type == "fence"]
    assert len(blocks) == 1  # the same command for two instances
    assert blocks[0].startswith("aws rds create-db-subnet-group ")
    assert BOOK_HASH in code_of(document)
    assert rows_of(document)[-1] == [
        *("orders-4", ACCOUNT, "us-west-2 → us-east-1", "2", "orders-4-dr", "restore unknown", "")
    ]


def test_command_ends_no_block() -> None:
    command = "echo '```'\n```\n# Heading\n````"
    reason = make_readiness_reason(commands=(command,))
    document = render_readiness_markdown(
        make_readiness_report(make_readiness(1, "not_restorable", reasons=(reason,)))
    )
    assert [t.content for t in parse(document) if t.type == "fence"] == [f"{command}\n"]


def test_ready_book() -> None:
    document = render_readiness_markdown(make_readiness_report(make_readiness()))
    assert document.startswith("# Recovery readiness: ready\n")
    assert "1 of 1 instance is restorable." in document
    empty = render_readiness_markdown(make_readiness_report())
    assert empty.startswith("# Recovery readiness: no instances\n")


def test_instance_without_reason_is_listed() -> None:
    report = make_readiness_report(make_readiness(1, "not_restorable"), make_readiness(2))
    assert "**Cause:** The check gave no reason." in render_readiness_markdown(report)


def joined(readiness: ReadinessReport, **fields: Any) -> AuditReport:
    """Return an audit of the first instance, joined with a readiness check."""
    own: dict[str, Any] = {"dbi_resource_id": make_readiness(1).dbi_resource_id, **fields}
    return with_readiness(make_report(make_record(**own)), readiness)


def test_join_takes_result_of_same_instance() -> None:
    reason = make_readiness_reason()
    report = joined(make_readiness_report(make_readiness(1, "not_restorable", reasons=(reason,))))
    (record,) = report.records
    assert (record.state, record.restorable) == ("protected", "not_restorable")
    found = RestoreReason(message=reason.message, remedy=reason.remedy)
    assert record.restore_reasons == (found,)
    assert report.readiness == Readiness(
        checked_at=NOW, book_captured_at=NOT_RESTORABLE.book_captured_at
    )
    assert report.readiness_problems == 1
    assert not report.is_healthy
    assert joined(make_readiness_report(make_readiness())).is_healthy


@pytest.mark.parametrize(
    "other",
    [
        {"dbi_resource_id": "db-ANOTHER"},
        {"dbi_resource_id": None},
        {"account_id": "210987654321"},
        {"destination_region": "us-east-2"},
    ],
)
def test_join_never_goes_by_name(other: dict[str, Any]) -> None:
    """An instance that the check did not include is unknown, whatever its name."""
    (record,) = joined(make_readiness_report(make_readiness(1)), **other).records
    assert record.restorable == "unknown"
    assert record.restore_reasons
    messages = [reason.message for reason in record.restore_reasons]
    assert messages == ["The readiness check did not include this instance."]


@pytest.mark.parametrize("state", ["excluded", "ignored", "unmatched"])
def test_join_omits_instances_without_replication(state: Any) -> None:
    report = joined(make_readiness_report(), state=state)
    assert report.records[0].restorable is None
    assert report.is_healthy


def test_join_of_renamed_instance() -> None:
    """Of two entries with the same resource ID, the one with the audit's ARN counts."""
    former = {"db_instance_arn": f"arn:aws:rds:us-west-2:{ACCOUNT}:db:former"}
    entries = make_readiness(1, "not_restorable", **former), make_readiness(1)
    for records in (entries, entries[::-1]):
        assert joined(make_readiness_report(*records)).records[0].restorable == "restorable"
        renamed = joined(make_readiness_report(*records), db_instance_arn="arn:another")
        assert renamed.records[0].restorable == "not_restorable"


def test_join_omits_regions_and_former_results() -> None:
    report = with_readiness(make_report(NOT_LISTED), make_readiness_report())
    assert report.records == (NOT_LISTED,)
    again = with_readiness(joined(make_readiness_report(make_readiness())), make_readiness_report())
    assert again.records[0].restorable == "unknown"


def test_finding_about_book_is_no_healthy_audit() -> None:
    old = make_readiness_reason(code="book_too_old", message="The book is old.", remedy="Capture.")
    report = joined(make_readiness_report(make_readiness(), findings=(old,)))
    assert not report.is_healthy
    document = render_markdown(report)
    assert document.startswith("# Backup replication audit: 1 readiness problem\n")
    assert "**Cause:** The book is old.\n\n**Remedy:** Capture.\n" in document


def test_audit_in_markdown_has_readiness() -> None:
    audit = make_report(*(make_record(n, dbi_resource_id=f"db-{n:026d}") for n in range(1, 5)))
    document = render_markdown(with_readiness(audit, NOT_RESTORABLE))
    assert "1 of 4 instances is restorable." in document
    assert re.findall(r"^### (.+)$", document, re.MULTILINE) == [
        *("Not restorable: 2", "Restore unknown: 1")
    ]
    assert ["orders-2", ACCOUNT, "us-west-2 → us-east-1", "protected"] in rows_of(document)
    assert "readiness" not in render_markdown(audit)


def test_audit_in_jsonl_has_readiness() -> None:
    report = joined(NOT_RESTORABLE)
    record, summary = lines_of(render_jsonl(report))
    assert record["restorable"] == "restorable"
    assert summary["readiness_problems"] == 1
    assert summary["readiness"]["findings"][0]["message"] == "The book was captured 9 days ago."
    assert AuditReport.model_validate_json(report.model_dump_json()) == report
    plain = render_jsonl(make_report(make_record()))
    assert "restor" not in plain
    assert "readiness" not in plain
