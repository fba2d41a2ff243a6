"""The command that restores the instances in a recovery book."""

from collections import Counter
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .._errors import ExitCode, in_shell_words
from .._files import check_writable, write_file
from .._fleet import format_counts, scan_progress
from .._options import Output, OutputFormat, read_longest, with_options
from .._output import (
    confirm,
    format_lag,
    format_time,
    note,
    print_json,
    print_line,
    print_table,
)
from .._recovery import (
    Book,
    RunOptions,
    check_readiness,
    print_readiness,
    read_book,
    read_journal,
    read_pause,
    running,
)
from .._stdio import write_stdout

if TYPE_CHECKING:
    from ...recovery import BookEntry, RecoveryReport
    from ...recovery._journal import Progress

# ruff: noqa: PLC0415 - help and version must not import what only a call needs.

_HINT = "RDS goes on with the restores that have begun. To go on, run the same command again."


class EndpointsForm(str, Enum):
    """How the old and new endpoints are printed."""

    JSON = "json"
    DOTENV = "dotenv"
    MARKDOWN = "markdown"


@with_options(RunOptions)
def recover(
    options: RunOptions,
    *,
    book: Book,
    journal: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a line before and after each change to a new file. With the file of an "
            "earlier run, go on with that recovery. Required, except with --dry-run.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print what would be restored now, and change nothing."),
    ] = False,
    endpoints: Annotated[
        EndpointsForm | None,
        typer.Option(help="Print the old and new endpoints in this form, not the report."),
    ] = None,
    endpoints_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the endpoints to a file, and print the report. The form is JSON, unless "
            "--endpoints names another one.",
        ),
    ] = None,
    output: OutputFormat = Output.TABLE,
) -> None:
    """Restore the instances in a book in their destinations.

    Instances of tier 1 come first, and those of a tier are restored at the same time. When RDS
    has restored an instance, the command gives it the settings that a restore does not take, and
    compares all settings with the book. The command never changes an instance that it has not
    made. If it is interrupted or fails for some instances, run it again with the same journal.
    """
    from ...recovery import plan_recovery, recover
    from ...recovery._access import select_entries

    if dry_run and (endpoints or endpoints_file):
        message = "prints no endpoints: omit --endpoints and --endpoints-file."
        raise typer.BadParameter(message, param_hint="--dry-run")
    if endpoints is not None and endpoints_file is None and output is Output.JSON:
        raise typer.BadParameter("needs --endpoints-file, too.", param_hint="--endpoints")
    if journal is None and not dry_run:
        raise typer.BadParameter("is required, except with --dry-run.", param_hint="--journal")
    at, longest = options.read_at(), read_longest(options.timeout, "--timeout")
    pause = read_pause(options.poll_interval)
    policy, only = options.read_policy(), tuple(options.only or ())
    if endpoints_file is not None:
        others = book, journal, options.policy
        check_writable(endpoints_file, "endpoints", others=others)
    access = options.make_access()
    captured = read_book(book, access)
    entries = select_entries(captured, only)
    if dry_run or journal is None:
        with scan_progress("Checking the destinations"):
            report = plan_recovery(captured, policy, access=access, only=only, at=at)
        _print_report(report, output)
        raise typer.Exit(ExitCode.OK if report.is_complete else ExitCode.FINDINGS)
    check_writable(journal, "journal")
    progress = read_journal(journal)
    left = len(entries) - (_count_done(progress, entries) if progress else 0)
    if left and not options.yes:
        if progress is None:
            readiness = check_readiness(captured, policy, access, only=only, at=at)
            print_readiness(readiness, at=at, on_stderr=True)
            question = f"Restore these instances ({format_counts(readiness.counts)})?"
        else:
            begun = format_time(progress.header.at)
            question = f"Go on with the recovery of {begun} ({left} of {len(entries)} to restore)?"
        confirm(question, yes=False)
    with running(
        f"Instances to restore: {left}",
        left,
        ending="No more restores begin.",
        hint=_HINT,
    ) as run:
        report = recover(
            captured,
            policy,
            journal=journal,
            access=access,
            only=only,
            at=at,
            poll_interval=pause,
            timeout=longest,
            on_event=run.show,
        )
        run.end()
        _print_outcome(report, output, endpoints, endpoints_file)
    if report.is_interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)
    if not report.is_complete:
        raise typer.Exit(ExitCode.INCOMPLETE)


def _count_done(progress: "Progress", entries: "tuple[BookEntry, ...]") -> int:
    """Return how many of some instances an earlier run has restored."""
    restored = [each.restored for each in progress.instances.values() if each.restored]
    done = {each.db_instance_arn for each in restored if each.outcome == "done"}
    return sum(entry.db_instance_arn in done for entry in entries)


def _print_outcome(
    report: "RecoveryReport",
    output: Output,
    endpoints: EndpointsForm | None,
    endpoints_file: Path | None,
) -> None:
    """Print the report, and print or write the endpoints."""
    from ...recovery import render_endpoints

    if endpoints_file is not None:
        form = endpoints or EndpointsForm.JSON
        _print_report(report, output)
        write_file(endpoints_file, render_endpoints(report, form.value))
        note(f"Wrote the endpoints to {endpoints_file}.")
    elif endpoints is not None:
        _print_report(report, output, on_stderr=True)
        write_stdout(render_endpoints(report, endpoints.value))
    else:
        _print_report(report, output)
        if any(each.outcome == "done" for each in report.instances):
            note("To print the old and new endpoints, run this again with --endpoints.")
    if any(each.outcome == "not_finished" for each in report.instances):
        note(_HINT)
    elif not report.is_complete:
        note("Correct the causes above. To go on, run the same command again.")


def _print_report(report: "RecoveryReport", output: Output, *, on_stderr: bool = False) -> None:
    if output is Output.JSON:
        print_json(report)
        return
    print_table(
        ("OUTCOME", "TIER", "AFTER", "MOMENT", "ACCOUNT", "TO", "NAME", "ENDPOINT"),
        [
            (
                *(each.outcome, str(each.tier)),
                format_lag(each.finished_after or each.available_after) or "-",
                format_time(each.restore_time) or "-",
                *(each.account_id, each.destination_region, each.target_db_instance_identifier),
                each.new_endpoint or "-",
            )
            for each in report.instances
        ],
        on_stderr=on_stderr,
        unbroken=True,
    )
    for each in report.instances:
        if each.message and each.outcome != "done":
            print_line(f"\n{each.db_instance_arn}", on_stderr=on_stderr)
            for line in in_shell_words(each.message).splitlines():
                print_line(line, "  ", on_stderr=on_stderr)
            for name, difference in each.differences.items():
                print_line(f"{name}: {difference}", "    ", on_stderr=on_stderr)
        elif each.not_restored and each.outcome == "done":
            print_line(f"\n{each.db_instance_arn}", on_stderr=on_stderr)
            print_line(f"Not restored: {', '.join(each.not_restored)}.", "  ", on_stderr=on_stderr)
    note(format_counts(Counter(each.outcome for each in report.instances)))
