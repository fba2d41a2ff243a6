"""The command that audits a fleet."""

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from .._errors import ExitCode, Failure
from .._files import check_writable, read_policy, read_text, write_file
from .._filters import check_filters, check_names, filter_report, filter_states
from .._fleet import (
    PolicyFile,
    destination_of,
    format_counts,
    name_of,
    print_causes,
    print_findings,
    print_instances,
    print_names,
    scan_progress,
)
from .._options import AuditOutput, ScanOptions, with_options
from .._output import format_lag, format_time, note, print_json, print_line
from .._recovery import check_readiness, read_book
from .._stdio import write_stdout

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...fleet import AuditRecord, AuditReport, Comparison, OtherBackup

# ruff: noqa: PLC0415 - help and version must not import what only a call needs.

_FEW_PLACES = 3


@with_options(ScanOptions)
def audit(
    options: ScanOptions,
    *,
    policy: PolicyFile,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write the report to an HTML file."),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Show what changed since an earlier audit, a file from --output json.",
        ),
    ] = None,
    recovery_book: Annotated[
        str | None,
        typer.Option(
            "--recovery-book",
            metavar="BOOK",
            help="Also show whether a recovery could restore each instance: the book that recovery "
            "capture has written, a file or s3://BUCKET/KEY.",
        ),
    ] = None,
    only_problems: Annotated[
        bool, typer.Option("--only-problems", help="Show only instances that need attention.")
    ] = False,
    state: Annotated[
        list[str] | None,
        typer.Option(
            "--state",
            metavar="STATE",
            help="Show only instances in this state. Repeat the option for more states.",
        ),
    ] = None,
    output: Annotated[
        AuditOutput,
        typer.Option(help="Print a table, JSON, or the format of another program."),
    ] = AuditOutput.TABLE,
) -> None:
    """Report how well the instances in a policy are protected.

    The command changes nothing.
    """
    from ...fleet import audit
    from ...fleet import compare as compare_reports
    from ...fleet._audit import UnknownAccountError
    from ...fleet._records import State

    wanted = read_policy(policy)
    check_filters(options, wanted)
    check_names("--state", state or (), get_args(State))
    if html is not None:
        check_writable(html, "report")
    earlier = None if compare is None else _read_report(compare)
    deadline = options.read_deadline()
    access = options.make_access()
    book = None if recovery_book is None else read_book(recovery_book, access)
    with scan_progress() as on_progress:
        try:
            report = audit(
                wanted,
                access=access,
                on_progress=on_progress,
                accounts=options.account,
                deadline=deadline,
            )
        except UnknownAccountError as error:
            raise Failure(f"--account: {error}", ExitCode.USAGE) from error
    if book is not None:
        from ...recovery import with_readiness

        readiness = check_readiness(book, wanted, access)
        report = with_readiness(report, readiness)
    if earlier is not None:
        report = compare_reports(report, earlier)
    report = filter_report(report, earlier, options, wanted)
    is_unreachable = _is_all_unknown(report)
    report = filter_states(report, state or (), only_problems=only_problems)
    _print(report, output)
    if html is not None:
        from ...fleet._report.page import render_html

        write_file(html, render_html(report))
    if is_unreachable:
        raise typer.Exit(ExitCode.UNREACHABLE)
    if not report.is_healthy:
        raise typer.Exit(ExitCode.FINDINGS)


def _read_report(path: Path) -> "AuditReport":
    from pydantic import ValidationError

    from ...fleet import AuditReport

    try:
        report = AuditReport.model_validate_json(read_text(path, "report"))
    except ValidationError as error:
        message = f"{path} is not the report of an audit. Write one with audit --output json."
        raise Failure(message, ExitCode.USAGE) from error
    if report.is_partial:
        message = f"{path} is the report of a part of a fleet. Write one without filters."
        raise Failure(message, ExitCode.USAGE)
    return report


def _is_all_unknown(report: "AuditReport") -> bool:
    """Return whether no instance could be checked."""
    return bool(report.records) and all(
        record.state == "unknown"
        and all(reason.code == "could_not_be_checked" for reason in record.reasons)
        for record in report.records
    )


def _print(report: "AuditReport", output: AuditOutput) -> None:
    if output is AuditOutput.JSON:
        print_json(report)
    elif output is AuditOutput.TABLE:
        _print_tables(report)
    elif output is AuditOutput.JSONL:
        from ...fleet._formats.jsonl import render_jsonl

        write_stdout(render_jsonl(report), is_escaped=True)
    elif output is AuditOutput.MARKDOWN:
        from ...fleet._formats.markdown import render_markdown

        write_stdout(render_markdown(report), is_escaped=True)
    elif output is AuditOutput.PROMETHEUS:
        from ...fleet._formats.prometheus import render_prometheus

        # A terminal would obey control characters, which labels must keep.
        write_stdout(render_prometheus(report), is_escaped=not sys.stdout.isatty())
    else:
        from ...fleet._formats.emf import render_emf

        write_stdout(render_emf(report), is_escaped=True)


def _print_tables(report: "AuditReport") -> None:
    print_instances(
        ("STATE", "LAG", "TO") if report.readiness is None else ("STATE", "RESTORE", "LAG", "TO"),
        report.records,
        lambda record: (
            _shown_state(record),
            *(() if report.readiness is None else (record.restorable or "-",)),
            format_lag(record.lag) or "-",
            destination_of(record),
        ),
    )
    print_causes((r, r.reasons) for r in report.records if r.accepted_until is None)
    if report.readiness is not None:
        print_causes((r, r.restore_reasons or ()) for r in report.records)
    _print_accepted(report.records)
    print_findings(report.findings)
    if report.comparison is not None:
        _print_changes(report, report.comparison)
    _print_others("Replications that no rule asks for:", report.unmanaged)
    _print_others("Retained backups that no instance above shows:", report.retained)
    _print_headroom(report)
    note(format_counts(Counter(map(_shown_state, report.records))))


def _shown_state(record: "AuditRecord") -> str:
    return record.state if record.accepted_until is None else f"{record.state} (accepted)"


def _print_accepted(records: "Iterable[AuditRecord]") -> None:
    accepted: dict[str, list[str]] = {}
    for record in records:
        if record.accepted_until is not None:
            acceptance = f"accepted until {record.accepted_until}: {record.accepted_reason}"
            accepted.setdefault(f"{record.state} ({acceptance})", []).append(name_of(record))
    if accepted:
        print_line("\nAccepted problems:")
    for problem, names in accepted.items():
        print_line(problem, "  ")
        print_names(names)


def _print_changes(report: "AuditReport", comparison: "Comparison") -> None:
    from ...fleet._changes import end_words, group_changes, starting_records

    since = format_time(comparison.audited_at)
    groups = group_changes(report, comparison)
    if not (groups or comparison.matches):
        print_line(f"\nNothing has changed since {since}.")
    else:
        print_line(f"\nChanges since {since}:")
    for match in comparison.matches:
        counts = f"matched {match.before} instances, matches {match.after}"
        print_line(f"Rule {match.rule} {counts}", "  ")
    for title, changes in groups.items():
        print_line(f"{title}:", "  ")
        for change in changes:
            before, after = end_words(change)
            print_line(f"{name_of(change)}: was {before}, is {after}", "    ")
    for record in starting_records(report):
        print_line(f"{name_of(record)}: starting since {format_time(record.first_seen)}", "  ")


def _print_others(heading: str, backups: "tuple[OtherBackup, ...]") -> None:
    if backups:
        print_line(f"\n{heading}")
    for backup in backups:
        latest = format_time(backup.latest_time)
        until = f", restorable to {latest}" if latest else ""
        name = backup.db_instance_arn or backup.db_instance_automated_backups_arn
        print_line(f"{name} in {backup.destination_region}{until}: {backup.message}", "    ")


def _print_headroom(report: "AuditReport") -> None:
    scarce = [room for room in report.headroom if room.free < _FEW_PLACES]
    if scarce:
        print_line("\nQuotas with little room:")
    for room in scarce:
        where = f"account {room.account_id} in {room.destination_region}"
        print_line(f"{where}: {room.used} of {room.quota} replications", "    ")
