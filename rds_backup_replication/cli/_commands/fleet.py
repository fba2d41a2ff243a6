"""Commands for a fleet: its audit, its plan, and the schema of its policy."""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .._errors import ExitCode
from .._files import check_writable, read_policy, write_file
from .._fleet import destination_of, format_counts, instance_of
from .._options import FleetOptions, Output, with_options
from .._output import format_lag, note, print_json, print_table, progress
from .._signals import end_now, on_signal
from .._stdio import write_stdout

if TYPE_CHECKING:
    from ...fleet import AuditRecord, FleetReason, PlannedAction

# ruff: noqa: PLC0415 - help and version must not import what only a call needs.

PolicyFile = Annotated[
    Path,
    typer.Argument(
        metavar="POLICY",
        help="Policy file in YAML, JSON or TOML; - reads YAML from standard input.",
    ),
]

_FINDINGS = ("impossible", "over_quota", "unknown")


@with_options(FleetOptions)
def audit(
    options: FleetOptions,
    *,
    policy: PolicyFile,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write the report to an HTML file."),
    ] = None,
) -> None:
    """Report how well the instances in a policy are protected.

    The command changes nothing.
    """
    from ...fleet import audit

    wanted = read_policy(policy)
    if html is not None:
        check_writable(html, "report")
    access = options.make_access()
    with scan_progress() as on_progress:
        report = audit(wanted, access=access, on_progress=on_progress)
    if options.output is Output.JSON:
        print_json(report)
    else:
        print_table(
            ("STATE", "LAG", "TO", "INSTANCE"),
            [
                (
                    record.state,
                    format_lag(record.lag) or "-",
                    destination_of(record),
                    instance_of(record),
                )
                for record in report.records
            ],
        )
        _print_reasons((instance_of(record), record.reasons) for record in report.records)
        note(format_counts(report.counts))
    if html is not None:
        from ...fleet._report.page import render_html

        write_file(html, render_html(report))
    if _is_all_unknown(report.records):
        raise typer.Exit(ExitCode.UNREACHABLE)
    if report.problems:
        raise typer.Exit(ExitCode.FINDINGS)


@with_options(FleetOptions)
def plan(
    options: FleetOptions,
    *,
    policy: PolicyFile,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write the plan to a JSON file that the apply command can read.",
        ),
    ] = None,
) -> None:
    """Plan the changes that make a fleet comply with its policy.

    The command changes nothing. To make the changes, run the apply command with the plan.
    """
    from ...fleet import plan

    wanted = read_policy(policy)
    if out is not None:
        check_writable(out, "plan")
    access = options.make_access()
    with scan_progress() as on_progress:
        planned = plan(wanted, access=access, on_progress=on_progress)
    if options.output is Output.JSON:
        print_json(planned)
    else:
        print_table(
            ("ACTION", "TO", "RULE", "INSTANCE"),
            [
                (action.kind, destination_of(action), action.rule or "-", instance_of(action))
                for action in planned.actions
            ],
        )
        _print_reasons((instance_of(action), action.reasons) for action in planned.actions)
        note(format_counts(planned.counts))
    if out is not None:
        write_file(out, planned.model_dump_json(indent=2, exclude_none=True) + "\n")
    if _is_all_unknown(planned.actions):
        raise typer.Exit(ExitCode.UNREACHABLE)
    if any(action.kind in _FINDINGS for action in planned.actions):
        raise typer.Exit(ExitCode.FINDINGS)


def policy_schema() -> None:
    """Print the JSON Schema of a policy, for editors."""
    from ...fleet import Policy

    print_json(Policy.model_json_schema())


@contextmanager
def scan_progress() -> Generator[Callable[[int, int], None]]:
    """Show the progress of a scan, which changes nothing: a signal ends the process at once."""
    text = "Scanning the fleet"
    with (
        progress(text, lines=False) as shown,
        on_signal(lambda _: end_now("Interrupted.\n", shown)),
    ):
        yield lambda done, of: shown.update(f"{text}: {done} of {of}")


def _is_all_unknown(subjects: "Sequence[AuditRecord | PlannedAction]") -> bool:
    """Return whether no instance could be checked."""
    return bool(subjects) and all(
        subject.reasons and all(reason.code == "could_not_be_checked" for reason in subject.reasons)
        for subject in subjects
    )


def _print_reasons(reasons: "Iterable[tuple[str, tuple[FleetReason, ...]]]") -> None:
    for instance, instance_reasons in reasons:
        if instance_reasons:
            write_stdout(f"\n{instance}\n")
        for reason in instance_reasons:
            write_stdout(f"  {reason.message} {reason.remedy}\n")
