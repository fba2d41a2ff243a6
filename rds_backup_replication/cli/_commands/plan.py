"""The command that plans the changes to a fleet."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .._errors import ExitCode, in_shell_words
from .._files import check_writable, read_policy, write_file
from .._filters import check_filters, filter_plan
from .._fleet import (
    PolicyFile,
    destination_of,
    format_counts,
    print_causes,
    print_findings,
    print_instances,
    scan_progress,
)
from .._options import PlanOutput, ScanOptions, with_options
from .._output import note, print_json
from .._stdio import write_stdout

if TYPE_CHECKING:
    from ...fleet import Plan

# ruff: noqa: PLC0415 - help and version must not import what only a call needs.

_PROBLEMS = ("impossible", "over_quota", "unknown")


@with_options(ScanOptions)
def plan(
    options: ScanOptions,
    *,
    policy: PolicyFile,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write the plan to a JSON file that the apply command can read.",
        ),
    ] = None,
    detailed_exitcode: Annotated[
        bool,
        typer.Option(
            "--detailed-exitcode",
            help="End with exit code 10 if the plan has changes, and no findings.",
        ),
    ] = False,
    output: Annotated[
        PlanOutput,
        typer.Option(help="Print a table, JSON, JSON lines, or Markdown for a pull request."),
    ] = PlanOutput.TABLE,
) -> None:
    """Plan the changes that make a fleet comply with its policy.

    The command changes nothing. To make the changes, run the apply command with the plan.
    """
    from ...fleet import plan
    from ...fleet._plan_checks import find_refusals

    wanted = read_policy(policy)
    check_filters(options, wanted)
    if out is not None:
        check_writable(out, "plan")
    deadline = options.read_deadline()
    access = options.make_access()
    with scan_progress() as on_progress:
        planned = plan(wanted, access=access, on_progress=on_progress, deadline=deadline)
    planned = filter_plan(planned, options, wanted)
    if output is PlanOutput.JSON:
        print_json(planned)
    elif output is PlanOutput.TABLE:
        _print_tables(planned)
    elif output is PlanOutput.JSONL:
        from ...fleet._formats.jsonl import render_plan_jsonl

        write_stdout(render_plan_jsonl(planned), is_escaped=True)
    else:
        from ...fleet._formats.markdown_plan import render_plan_markdown

        write_stdout(render_plan_markdown(planned), is_escaped=True)
    if out is not None:
        write_file(out, planned.model_dump_json(indent=2, exclude_none=True) + "\n")
    for reason in find_refusals(planned, wanted, max_age=timedelta.max):
        note(in_shell_words(f"Apply would refuse this plan. {reason}"))
    _end(planned, detailed=detailed_exitcode)


def _print_tables(planned: "Plan") -> None:
    print_instances(
        ("ACTION", "TO", "RULE"),
        planned.actions,
        lambda action: (action.kind, destination_of(action), action.rule or "-"),
    )
    print_causes((action, action.reasons) for action in planned.actions)
    print_findings(planned.findings)
    note(format_counts(planned.counts))


def _end(planned: "Plan", *, detailed: bool) -> None:
    """End the command with the exit code of a plan."""
    if planned.actions and all(action.kind == "unknown" for action in planned.actions):
        reasons = [reason for action in planned.actions for reason in action.reasons]
        if all(reason.code == "could_not_be_checked" for reason in reasons):
            raise typer.Exit(ExitCode.UNREACHABLE)
    if planned.findings or any(action.kind in _PROBLEMS for action in planned.actions):
        raise typer.Exit(ExitCode.FINDINGS)
    if detailed and planned.changes:
        raise typer.Exit(ExitCode.CHANGES)
