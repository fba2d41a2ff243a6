"""The grouping of the report's problems and findings by cause."""

import time

import pytest

from rds_backup_replication.fleet import render_html
from rds_backup_replication.fleet._causes import Cause, Line, group_by_cause
from rds_backup_replication.fleet._report.html import MAX_LISTED

from .report_cases import Page, make_finding, make_reason, make_record, make_report

pytestmark = pytest.mark.once


def causes_of(*messages: str, names: tuple[str, ...] = ()) -> list[Cause[str]]:
    def lines(message: str) -> list[Line]:
        return [("finding", message)]

    return group_by_cause(messages, lines, lambda _: names)


@pytest.mark.parametrize(
    ("messages", "shared", "figures"),
    [
        (
            ("Lags by 3h 5m; at most 1h.", "Lags by 2h; at most 1h."),
            "Lags by …; at most 1h.",
            [["3h 5m"], ["2h"]],
        ),
        (
            ("Retention is 3 days.", "Retention is 1 day."),
            "Retention is ….",
            [["3 days"], ["1 day"]],
        ),
        (
            ("Key 'arn:aws:kms:x:1:key/a' (disabled)", "Key 'arn:aws:kms:x:1:key/b' (disabled)"),
            "Key '…' (disabled)",
            [["arn:aws:kms:x:1:key/a"], ["arn:aws:kms:x:1:key/b"]],
        ),
    ],
)
def test_messages_that_differ_in_figures(
    messages: tuple[str, ...], shared: str, figures: list[list[str]]
) -> None:
    (cause,) = causes_of(*messages)
    assert cause.lines == [("finding", shared)]
    assert cause.items == list(zip(messages, figures, strict=True))


def test_messages_that_are_equal() -> None:
    (cause,) = causes_of("Retention is 5.", "Retention is 5.")
    assert cause.lines == [("finding", "Retention is 5.")]
    assert [figures for _, figures in cause.items] == [[], []]


def test_messages_that_differ_in_words() -> None:
    assert len(causes_of("The key is disabled.", "The key is gone.")) == 2


def test_single_message_is_unchanged() -> None:
    text = "Lags by 3h 5m; orders-1 (us-east-1), '2 days', 5."
    (cause,) = causes_of(text, names=("orders-1",))
    assert cause.lines == [("finding", text)]


def test_names_without_digits_count_as_figures() -> None:
    reports = [make_finding(rule) for rule in ("old warehouse", "sales")]
    causes = group_by_cause(reports, lambda f: [("finding", f.message)], lambda f: [f.rule])
    assert [cause.lines for cause in causes] == [[("finding", "Rule … matches no instance.")]]


def test_instance_named_like_a_word_joins_others() -> None:
    """A name hides nothing in a message that others share word for word."""
    message = "The backup lags."
    records = [
        make_record(
            n, "lagging", db_instance_identifier=name, reasons=(make_reason(message, "Do."),)
        )
        for n, name in enumerate(("orders", "backup"))
    ]
    page = Page(render_html(make_report(*records)))
    assert page.texts["p"].count(message) == page.texts["p"].count("Do.") == 1


def test_grouping_is_linear_in_long_words() -> None:
    started = time.process_time()
    causes_of("x" * 100_000, "y" * 100_000)
    assert time.process_time() - started < 5


def test_one_remedy_for_twenty() -> None:
    reason = make_reason("It does not replicate.", "Apply a plan.")
    off = make_reason("Backups are off.", "Turn on backups.")
    page = Page(
        render_html(
            make_report(
                *(make_record(n, "unprotected", reasons=(reason,)) for n in range(20)),
                make_record(20, "unprotected", reasons=(reason, off)),
            )
        )
    )
    assert page.texts["p"].count("Apply a plan.") == 2  # one for each cause
    assert page.texts["p"].count("Turn on backups.") == 1
    listed = [name for name in page.texts["strong"] if name.startswith("orders-")]
    assert len(listed) == 21


def test_small_cause_is_listed_beside_a_large_one() -> None:
    many = [
        make_record(n, "stopped", reasons=(make_reason("Ended.", "Restart."),))
        for n in range(MAX_LISTED + 7)
    ]
    few = make_record(9999, "stopped", reasons=(make_reason("No key.", "Name a key."),))
    page = Page(render_html(make_report(*many, few)))
    assert "See the table of all instances for 7 more." in page.text
    assert "orders-9999" in page.texts["strong"]


def test_causes_are_limited() -> None:
    reasons = [make_reason("Why " + "x" * n, "Do.") for n in range(MAX_LISTED + 5)]
    records = [make_record(n, "stopped", reasons=(why,)) for n, why in enumerate(reasons)]
    page = Page(render_html(make_report(*records)))
    assert page.texts["p"].count("Do.") == MAX_LISTED
    assert "See the table of all instances for 5 more." in page.text
