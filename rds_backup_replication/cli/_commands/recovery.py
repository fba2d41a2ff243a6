"""The commands that capture, check and retarget a recovery book."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .._errors import ExitCode, in_shell_words
from .._files import check_writable, is_same_file, read_policy, reading, writing
from .._fleet import PolicyFile, format_counts, print_names, scan_progress
from .._options import FleetOptions, ReadinessOutput, read_longest, with_options
from .._output import note, print_json, print_line
from .._recovery import Book, BookOptions, check_readiness, print_readiness, read_book
from .._stdio import escape_invisible, write_stdout

if TYPE_CHECKING:
    from ...fleet import Access
    from ...recovery import ReadinessReport, RecoveryBook

# ruff: noqa: PLC0415 - help and version must not import what only a call needs.


@with_options(FleetOptions)
def capture(
    options: FleetOptions,
    *,
    policy: PolicyFile,
    output: Annotated[
        str,
        typer.Option(
            "--out",
            metavar="LOCATION",
            help="Where to write the book: a file, or s3://BUCKET/KEY in the destination. An "
            "earlier book there is read first, and replaced.",
            show_default=False,
        ),
    ],
) -> None:
    """Write a book of what restores need beside the backups.

    The command reads the instances and their groups in the source Regions, and changes nothing
    in RDS. If a Region does not respond, the new book keeps the instances that the earlier book
    has of it. The command writes an incomplete book, too.
    """
    from ...recovery import capture
    from ...recovery._locations import find_book

    wanted = read_policy(policy)
    _check_location(output)
    access = options.make_access()
    with reading(output):
        previous = find_book(output, access=access)
    with scan_progress() as on_progress:
        book = capture(wanted, access=access, previous=previous, on_progress=on_progress)
    _write_book(book, output, previous, access)
    _print_summary(book, previous)
    if not book.is_complete:
        raise typer.Exit(ExitCode.FINDINGS)


def _check_location(location: str) -> None:
    """Raise a failure if the location is a file that cannot be written."""
    if not location.lower().startswith("s3:/"):
        check_writable(Path(location), "book")


def _write_book(
    book: "RecoveryBook", location: str, replaces: "RecoveryBook | None", access: "Access"
) -> None:
    from ...recovery import write_book

    with writing(location):
        write_book(book, location, replaces=replaces, access=access)
    note(f"Wrote {location}.")


def _print_summary(book: "RecoveryBook", previous: "RecoveryBook | None") -> None:
    tiers = Counter(entry.tier for entry in book.instances if not entry.is_gone)
    for tier, count in sorted(tiers.items()):
        print_line(f"Instances in tier {tier}: {count}")
    if gone := sum(entry.is_gone for entry in book.instances):
        print_line(f"Instances that are gone, and kept in the book: {gone}")
    kept = {(entry.account_id, entry.dbi_resource_id) for entry in book.instances}
    lost = [
        entry.db_instance_arn
        for entry in (previous.instances if previous else ())
        if (entry.account_id, entry.dbi_resource_id) not in kept
    ]
    if lost:
        print_line(
            "\nInstances that the earlier book had, and that no rule of the policy replicates or "
            "that have been gone for too long:"
        )
        print_names(lost)
    for problem in book.problems:
        print_line(f"\n{in_shell_words(problem.message)}")
        print_line(in_shell_words(problem.remedy), "  ")
    gaps: dict[str, list[str]] = {}
    for entry in book.instances:
        for sentence in entry.gaps:
            gaps.setdefault(sentence, []).append(entry.db_instance_arn)
    for sentence, arns in gaps.items():
        print_line(f"\n{in_shell_words(sentence)}")
        print_names(arns)


@with_options(FleetOptions)
def retarget(
    options: FleetOptions,
    *,
    book: Book,
    policy: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="Policy file with new recovery: blocks.", show_default=False
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--out",
            metavar="LOCATION",
            help="Where to write the new book: BOOK itself, or a new file or object in S3.",
            show_default=False,
        ),
    ],
) -> None:
    """Give the instances in a book new settings of a policy.

    The command asks AWS about no instance, so that another instance class or subnet group can be
    chosen after the source Region is lost. A recovery that has begun needs the book that it began
    with.
    """
    from ...recovery import retarget

    wanted = read_policy(policy)
    _check_location(output)
    access = options.make_access()
    captured = read_book(book, access)
    replaces = captured if is_same_file(Path(output), book) else None
    _write_book(retarget(captured, wanted), output, replaces, access)


@with_options(BookOptions)
def check(
    options: BookOptions,
    *,
    book: Book,
    maximum_age: Annotated[
        str, typer.Option(metavar="DURATION", help="How old the book may be, such as 12h or 2d.")
    ] = "2d",
    for_drill: Annotated[
        bool, typer.Option("--for-drill", help="Check the names and groups of a drill.")
    ] = False,
    commands: Annotated[
        bool,
        typer.Option(
            "--commands",
            help="Print the AWS CLI commands that would make what is missing, and nothing else.",
        ),
    ] = False,
    output: Annotated[
        ReadinessOutput, typer.Option(help="Print a table, JSON, Markdown, or a page in HTML.")
    ] = ReadinessOutput.TABLE,
) -> None:
    """Check whether the instances in a book can be restored.

    The command asks the destination Regions alone, and changes nothing.
    """
    if commands and output is not ReadinessOutput.TABLE:
        raise typer.BadParameter("prints no report: omit --output.", param_hint="--commands")
    age = read_longest(maximum_age, "--maximum-age")
    policy = options.read_policy()
    access = options.make_access()
    captured = read_book(book, access)
    only = tuple(options.only or ())
    report = check_readiness(
        captured, policy, access, only=only, maximum_age=age, for_drill=for_drill
    )
    if commands:
        _print_commands(report)
    else:
        _print(report, output)
    if _is_all_unknown(report):
        raise typer.Exit(ExitCode.UNREACHABLE)
    if not report.is_ready:
        raise typer.Exit(ExitCode.FINDINGS)


def _is_all_unknown(report: "ReadinessReport") -> bool:
    """Return whether no instance could be checked."""
    return bool(report.records) and all(record.state == "unknown" for record in report.records)


def _print(report: "ReadinessReport", output: ReadinessOutput) -> None:
    if output is ReadinessOutput.JSON:
        print_json(report)
    elif output is ReadinessOutput.TABLE:
        print_readiness(report)
        note(format_counts(report.counts))
    elif output is ReadinessOutput.MARKDOWN:
        from ...recovery import render_readiness_markdown

        write_stdout(render_readiness_markdown(report), is_escaped=True)
    else:
        from ...recovery import render_readiness_html

        write_stdout(render_readiness_html(report), is_escaped=True)


def _print_commands(report: "ReadinessReport") -> None:
    """Print a shell script, in which each account and Region has its commands once."""
    places: dict[tuple[str, str], dict[str, str]] = {}
    for record in report.records:
        commands = places.setdefault((record.account_id, record.destination_region), {})
        for reason in record.reasons:
            for command in reason.commands:
                commands.setdefault(command, reason.message)
    lines: list[str] = []
    for (account_id, region), commands in sorted(places.items()):
        if commands:
            lines.append(f"# Account {account_id}, {region}")
        message = None
        for command, why in commands.items():
            if why != message:
                message = why
                lines.append(f"# {escape_invisible(why, keep='')}")
            lines.append(command)
    write_stdout("".join(f"{line}\n" for line in lines))
    if not lines:
        note("No command would make what is missing.")
