"""Commands for a fleet: its audit, its plan, and the schema of its policy."""

import signal
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .._errors import CREDENTIALS_HINT, ExitCode, Failure
from .._files import (
    check_writable,
    describe_error,
    is_stdin,
    read_policy,
    read_stdin,
    write_file,
)
from .._options import FleetOptions, Output, Yes, with_options
from .._output import Progress, confirm, format_lag, note, print_json, print_table, progress
from .._signals import PROGRAM_SIGNALS, end_now, on_signal
from .._stdio import write_stderr_unbuffered, write_stdout

if TYPE_CHECKING:
    from ...fleet import (
        ActionResult,
        ApplyReport,
        AuditRecord,
        FleetReason,
        Plan,
        PlannedAction,
    )

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
                    _destination_of(record),
                    _instance_of(record),
                )
                for record in report.records
            ],
        )
        _print_reasons((_instance_of(record), record.reasons) for record in report.records)
        note(_format_counts(report.counts))
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
                (action.kind, _destination_of(action), action.rule or "-", _instance_of(action))
                for action in planned.actions
            ],
        )
        _print_reasons((_instance_of(action), action.reasons) for action in planned.actions)
        note(_format_counts(planned.counts))
    if out is not None:
        write_file(out, planned.model_dump_json(indent=2, exclude_none=True) + "\n")
    if _is_all_unknown(planned.actions):
        raise typer.Exit(ExitCode.UNREACHABLE)
    if any(action.kind in _FINDINGS for action in planned.actions):
        raise typer.Exit(ExitCode.FINDINGS)


@with_options(FleetOptions)
def apply(
    options: FleetOptions,
    *,
    plan_file: Annotated[
        Path,
        typer.Argument(metavar="PLAN_FILE", help="Plan file in JSON; - reads standard input."),
    ] = Path("-"),
    policy: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Policy file that the plan was made for."),
    ],
    max_concurrency: Annotated[
        int, typer.Option(min=1, help="Number of instances to change at the same time.")
    ] = 8,
    yes: Yes = False,
) -> None:
    """Make the changes in a plan.

    The command skips an instance that has changed since the plan was made.
    """
    from botocore.exceptions import NoCredentialsError

    from ...fleet import apply
    from ...fleet._plan_records import CHANGES

    planned = _read_plan(plan_file)
    wanted = read_policy(policy)
    access = options.make_access()
    if planned.changes and not yes:
        _print_changes(planned)
        kinds = {kind: count for kind, count in planned.counts.items() if kind in CHANGES}
        confirm(f"Apply this plan ({_format_counts(kinds)})?", yes=False)
    with _applying(len(planned.changes)) as (shown, on_start, on_event):
        report = apply(
            planned,
            wanted,
            access=access,
            on_start=on_start,
            on_event=on_event,
            max_concurrency=max_concurrency,
        )
        shown.stop()
        if options.output is Output.JSON:
            print_json(report)
        elif report.results:
            _print_results(report)
        else:
            note("The plan contains no changes.")
        if any(str(NoCredentialsError()) in (result.message or "") for result in report.results):
            note(CREDENTIALS_HINT)
    if report.interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)
    if not report.is_complete:
        raise typer.Exit(ExitCode.INCOMPLETE)


@contextmanager
def _applying(
    total: int,
) -> "Generator[tuple[Progress, Callable[[PlannedAction], None], Callable[[ActionResult], None]]]":
    """Show each result; the first signal interrupts the apply, and the second ends the process.

    However a signal ends the block, standard error reports the finished changes, the changes in
    progress, and the number of changes whose outcome is unknown.
    """
    begun: list[PlannedAction] = []
    finished: list[str] = []
    finished_keys: set[object] = set()
    is_ending = False
    with progress("Applying the plan", lines=bool(total)) as shown:

        def show(result: "ActionResult") -> None:
            finished_keys.add(result.action.sort_key())
            finished.append(f"{result.outcome} {result.action.kind} {_instance_of(result.action)}")
            shown.update(f"{len(finished)} of {total}: {finished[-1]}")

        def summarize() -> str:
            done = "".join(f"{change}\n" for change in finished)
            count = total - len(finished)
            if not count:
                return done
            in_progress = "".join(
                f"unknown {action.kind} {_instance_of(action)}\n"
                for action in tuple(begun)  # other threads append to the list
                if action.sort_key() not in finished_keys
            )
            unknown = f"Changes whose outcome is unknown: {count}."
            return f"{done}{in_progress}Ended at once. {unknown} Run plan to see the rest.\n"

        def interrupt(number: int) -> None:
            nonlocal is_ending
            if len(finished) == total:
                end_now(f"{summarize()}Interrupted.\n", shown)
            if is_ending:
                end_now(summarize(), shown)
            is_ending = True
            again = "Press Ctrl-C again" if number == signal.SIGINT else "Send another signal"
            shown.announce(f"Finishing the changes in progress. {again} to end at once.")

        with on_signal(interrupt):
            try:
                yield shown, begun.append, show
            except KeyboardInterrupt:  # outside of apply's own handling
                PROGRAM_SIGNALS.ignore_signals()  # another signal must not cut the message
                shown.stop()
                write_stderr_unbuffered(summarize())
                raise


def _print_changes(planned: "Plan") -> None:
    print_table(
        ("ACTION", "TO", "DAYS", "KEY", "RULE", "INSTANCE"),
        [
            (
                *(action.kind, _destination_of(action), str(action.backup_retention_period or "-")),
                *(action.kms_key_id or "-", action.rule or "-", _instance_of(action)),
            )
            for action in planned.changes
        ],
        on_stderr=True,
    )


def _print_results(report: "ApplyReport") -> None:
    print_table(
        ("OUTCOME", "ACTION", "INSTANCE"),
        [
            (result.outcome, result.action.kind, _instance_of(result.action))
            for result in report.results
        ],
    )
    for result in report.results:
        if result.message:
            write_stdout(f"\n{_instance_of(result.action)}\n  {result.message}\n")
    note(_format_counts(report.counts))


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


def _read_plan(path: Path) -> "Plan":
    from pydantic import ValidationError

    from ...fleet import Plan

    try:
        text = read_stdin("plan") if is_stdin(path) else path.read_text(encoding="utf-8-sig")
        return Plan.model_validate_json(text)
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{path} cannot be read: {describe_error(error)}", ExitCode.USAGE) from error
    except ValidationError as error:
        name = "Standard input" if is_stdin(path) else str(path)
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        message = f"{name} is not a plan: {where}{': ' if where else ''}{first['msg']}"
        raise Failure(message, ExitCode.USAGE) from error


def _instance_of(subject: "AuditRecord | PlannedAction") -> str:
    """Return the instance's ARN, or the account and Region whose instances could not be listed."""
    arn = getattr(subject, "db_instance_arn", None) or getattr(
        subject, "source_db_instance_arn", None
    )
    return arn or f"all instances of account {subject.account_id} in {subject.source_region}"


def _destination_of(subject: "AuditRecord | PlannedAction") -> str:
    return subject.destination_region or "-"


def _print_reasons(reasons: "Iterable[tuple[str, tuple[FleetReason, ...]]]") -> None:
    for instance, instance_reasons in reasons:
        if instance_reasons:
            write_stdout(f"\n{instance}\n")
        for reason in instance_reasons:
            write_stdout(f"  {reason.message} {reason.remedy}\n")


def _format_counts(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "no instances"
