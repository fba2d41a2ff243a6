"""The commands that rehearse a recovery, and delete what a rehearsal has left behind."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .._errors import ExitCode, Failure, in_shell_words
from .._files import check_writable, read_policy, write_file
from .._fleet import format_counts
from .._options import (
    FleetOptions,
    Output,
    OutputFormat,
    PollInterval,
    Yes,
    read_longest,
    with_options,
)
from .._output import confirm, format_lag, note, print_json, print_line, print_table
from .._recovery import (
    Book,
    PolicyOption,
    RunOptions,
    check_readiness,
    print_readiness,
    read_book,
    read_journal,
    read_pause,
    running,
)

if TYPE_CHECKING:
    from ...recovery import DrillReport

# ruff: noqa: PLC0415 - help and version must not import what only a call needs.

_PAGE = ".html"
_SHELL_OPERATORS = frozenset({"&&", "||", "|", ";", "&", ">", ">>", "<", "2>&1"})
Evidence = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="Also write the evidence to a file: a page if its name ends with .html, JSON if with "
        ".json. Repeat the option for more files.",
    ),
]


@with_options(RunOptions)
def drill(
    options: RunOptions,
    *,
    book: Book,
    journal: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Write a line before and after each change to a new file, for recovery "
            "drill-cleanup.",
            show_default=False,
        ),
    ],
    sample: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Number of instances to drill, chosen at random. All if omitted.",
        ),
    ] = None,
    at_once: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="Number of the drill's instances that exist at a time."
        ),
    ] = 5,
    check: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND",
            help="Command that checks an instance, run without a shell. The endpoint is in its "
            "environment as DB_HOST and DB_PORT.",
        ),
    ] = None,
    check_timeout: Annotated[
        str, typer.Option(metavar="DURATION", help="How long the check of an instance may take.")
    ] = "10m",
    in_recovery_network: Annotated[
        bool,
        typer.Option(
            "--in-recovery-network",
            help="Allow the recovery's subnet group and security groups for instances without "
            "settings for drills.",
        ),
    ] = False,
    evidence: Evidence = None,
    output: OutputFormat = Output.TABLE,
) -> None:
    """Rehearse restores: restore, check, measure and delete.

    The restored instances have other names. The command deletes only instances that carry the tag
    of this drill and have the resource ID that RDS returned to it, also if a check fails or a
    signal interrupts the drill. What a killed drill leaves behind, recovery drill-cleanup deletes.
    """
    from ...recovery import drill
    from ...recovery._access import select_entries

    command = _read_command(check)
    at, longest = options.read_at(), read_longest(options.timeout, "--timeout")
    pause = read_pause(options.poll_interval)
    longest_check = read_longest(check_timeout, "--check-timeout")
    _check_evidence(evidence or (), (book, journal, options.policy))
    policy, only = options.read_policy(), tuple(options.only or ())
    check_writable(journal, "journal")
    cleanup = _cleanup_command(journal, options.policy)
    if read_journal(journal) is not None:
        message = f"{journal} is not empty. Name another file. To delete what its drill left"
        raise Failure(f"{message} behind, run: {cleanup}", ExitCode.USAGE)
    access = options.make_access()
    captured = read_book(book, access)
    total = len(select_entries(captured, only))
    chosen = min(sample or total, total)
    if not options.yes:
        readiness = check_readiness(captured, policy, access, only=only, for_drill=True, at=at)
        print_readiness(readiness, at=at, on_stderr=True)
        part = f"{chosen} of these instances" if chosen < total else "these instances"
        counts = format_counts(readiness.counts)
        confirm(f"Restore {part} ({counts}) under other names, check and delete them?", yes=False)
    with running(
        f"Instances to drill: {chosen}",
        chosen,
        ending="The drill ends, and its instances are deleted.",
        hint=f"To delete what the drill leaves behind, run: {cleanup}",
    ) as run:
        report = drill(
            captured,
            policy,
            journal=journal,
            check=command,
            access=access,
            only=only,
            sample=sample,
            at=at,
            at_once=at_once,
            check_timeout=longest_check,
            in_recovery_network=in_recovery_network,
            poll_interval=pause,
            timeout=longest,
            on_event=run.show_drilled,
        )
        run.end()
        _print_report(report, output, cleanup)
        _write_evidence(report, evidence or ())
    _end(report)


@with_options(FleetOptions)
def drill_cleanup(
    options: FleetOptions,
    *,
    journal: Annotated[
        Path,
        typer.Argument(metavar="JOURNAL", help="Journal of the drill.", show_default=False),
    ],
    policy: PolicyOption = None,
    poll_interval: PollInterval = "30s",
    evidence: Evidence = None,
    yes: Yes = False,
    output: OutputFormat = Output.TABLE,
) -> None:
    """Delete what an interrupted drill has left behind.

    The command deletes only instances that carry the tag of the drill and have the resource ID
    in its journal. Running the command twice is safe.
    """
    from ...recovery import drill_cleanup

    pause = read_pause(poll_interval)
    _check_evidence(evidence or (), (journal, policy))
    progress = read_journal(journal)
    if progress is None:
        raise Failure(f"{journal} does not exist, or is empty.", ExitCode.USAGE)
    if progress.header.kind != "drill":
        message = f"{journal} is the journal of a recovery, whose instances are never deleted."
        raise Failure(message, ExitCode.USAGE)
    check_writable(journal, "journal")
    wanted = None if policy is None else read_policy(policy)
    access = options.make_access()
    left = [
        key
        for key, each in progress.instances.items()
        if (each.restore or each.dbi_resource_id) and not each.is_deleted
    ]
    if left and not yes:
        print_table(("ACCOUNT", "TO", "NAME"), left, on_stderr=True)
        confirm("Delete what the drill has left of these instances?", yes=False)
    cleanup = _cleanup_command(journal, policy)
    with running(
        f"Instances to delete: {len(left)}",
        len(left),
        ending="No more deletions begin.",
        hint=f"To delete the rest, run: {cleanup}",
    ) as run:
        report = drill_cleanup(
            journal, wanted, access=access, poll_interval=pause, on_event=run.show_drilled
        )
        run.end()
        _print_report(report, output, cleanup)
        _write_evidence(report, evidence or ())
    _end(report, is_cleanup=True)


def _read_command(text: str | None) -> list[str] | None:
    """Return the words of ``--check``."""
    if text is None:
        return None
    try:
        words = shlex.split(text)
    except ValueError as error:
        message = f"{text!r} has a quotation mark or backslash without an end."
        raise typer.BadParameter(message, param_hint="--check") from error
    if not words:
        raise typer.BadParameter("must not be empty.", param_hint="--check")
    if unread := [word for word in words if word in _SHELL_OPERATORS or word.startswith("$")]:
        # A program may ignore arguments that it does not know, and exit with 0.
        message = f"runs without a shell, which {unread[0]} needs. Use: sh -c '...'"
        raise typer.BadParameter(message, param_hint="--check")
    return words


def _cleanup_command(journal: Path, policy: Path | None) -> str:
    words = ["recovery", "drill-cleanup", str(journal)]
    return shlex.join([*words, "--policy", str(policy)] if policy else words)


def _check_evidence(files: Iterable[Path], others: Sequence[Path | str | None]) -> None:
    """Raise if the evidence cannot be written to one of the files."""
    for file in files:
        if file.suffix.lower() not in (_PAGE, ".json"):
            message = f"{file} must end with {_PAGE} or .json."
            raise typer.BadParameter(message, param_hint="--evidence")
        check_writable(file, "evidence", others=others)


def _write_evidence(report: "DrillReport", files: Iterable[Path]) -> None:
    """Write the evidence to each file, in the form that the end of its name stands for."""
    for file in files:
        if file.suffix.lower() == _PAGE:
            from ...recovery import render_drill_html

            text = render_drill_html(report)
        else:
            text = report.model_dump_json(indent=2, exclude_none=True) + "\n"
        write_file(file, text)
        note(f"Wrote the evidence to {file}.")


def _print_report(report: "DrillReport", output: Output, cleanup: str) -> None:
    if output is Output.JSON:
        print_json(report)
    else:
        _print_table(report)
    if report.left_behind:
        note(f"To delete what the drill has left behind, run: {cleanup}")


def _print_table(report: "DrillReport") -> None:
    print_table(
        ("RESTORE", "CHECK", "RTO", "RPO", "CLEANUP", "NAME", "INSTANCE"),
        [
            (
                *(each.restore.outcome, each.check),
                _measured(format_lag(each.checked_after), is_met=each.meets_rto),
                _measured(format_lag(each.restored_age), is_met=each.meets_rpo),
                *(each.cleanup, each.restore.target_db_instance_identifier),
                each.restore.db_instance_arn,
            )
            for each in report.instances
        ],
        unbroken=True,
    )
    for each in report.instances:
        texts = [
            each.restore.message and in_shell_words(each.restore.message),
            each.check_output if each.check in ("failed", "timed_out") else None,
            each.cleanup_message and in_shell_words(each.cleanup_message),
        ]
        if any(texts):
            print_line(f"\n{each.restore.db_instance_arn}")
        for text in filter(None, texts):
            for line in text.splitlines():
                print_line(line, "  ")
    proven = sum(each.is_proven for each in report.instances)
    note(f"{proven} of {report.total} instances proven restorable")
    if proven and report.check is None:
        note("No check has looked at their data.")


def _measured(figure: str | None, *, is_met: bool | None) -> str:
    """Return a measured time, and whether it exceeds the objective."""
    return f"{figure or '-'}{' (missed)' if is_met is False else ''}"


def _end(report: "DrillReport", *, is_cleanup: bool = False) -> None:
    """End the command with the exit code of a drill."""
    if report.is_interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)
    if report.left_behind:
        raise typer.Exit(ExitCode.INCOMPLETE)
    if not (is_cleanup or report.is_proven):
        raise typer.Exit(ExitCode.FINDINGS)
