"""The commands for many instances: a policy, an audit, a plan, and what comes of it."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._exit import ExitCode, Failure
from ._options import Debug, EndpointUrl, Output, OutputFormat, Profile, Yes, make_client
from ._output import confirm, in_units, note, print_json, print_table, progress
from ._streams import write

if TYPE_CHECKING:
    from .._models import CheckReason
    from ..fleet import Access, ActionResult, AuditRecord, Plan, PlannedAction, Policy

# ruff: noqa: PLC0415 - help and version come without what only a call needs.

PolicyFile = Annotated[
    Path, typer.Argument(metavar="POLICY", help="The policy, a file of YAML or JSON.")
]

_FINDINGS = ("impossible", "over_quota", "unknown")


def audit(
    *,
    policy: PolicyFile,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the report as a page of HTML, too."),
    ] = None,
    profile: Profile = None,
    endpoint_url: EndpointUrl = None,
    output: OutputFormat = Output.TABLE,
    debug: Debug = False,
) -> None:
    """Find out how the instances of a policy are protected.

    It changes nothing.
    """
    from ..fleet import audit

    wanted = _read_policy(policy)
    access = _access(profile, endpoint_url)
    with progress("Looking at the fleet", lines=False) as shown:
        report = audit(
            wanted,
            access=access,
            on_progress=lambda done, of: shown.update(f"Looking at the fleet: {done} of {of}"),
        )
    if html is not None:
        from ..fleet._report import render_html

        _write(html, render_html(report))
    if output is Output.JSON:
        print_json(report)
    else:
        print_table(
            ("STATE", "LAG", "TO", "INSTANCE"),
            [
                (record.state, in_units(record.lag) or "-", _to(record), _what(record))
                for record in report.records
            ],
        )
        _print_reasons((_what(record), record.reasons) for record in report.records)
        note(_summary(report.counts))
    if report.problems:
        raise typer.Exit(ExitCode.FINDINGS)


def plan(
    *,
    policy: PolicyFile,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the plan as JSON to this file, too, for apply."),
    ] = None,
    profile: Profile = None,
    endpoint_url: EndpointUrl = None,
    output: OutputFormat = Output.TABLE,
    debug: Debug = False,
) -> None:
    """Find out what would make a fleet as its policy wants it.

    It changes nothing: apply does.
    """
    from ..fleet import plan

    wanted = _read_policy(policy)
    access = _access(profile, endpoint_url)
    with progress("Looking at the fleet", lines=False) as shown:
        planned = plan(
            wanted,
            access=access,
            on_progress=lambda done, of: shown.update(f"Looking at the fleet: {done} of {of}"),
        )
    if out is not None:
        _write(out, planned.model_dump_json(indent=2, exclude_none=True) + "\n")
    if output is Output.JSON:
        print_json(planned)
    else:
        _print_actions(planned.actions)
        _print_reasons((_what(action), action.reasons) for action in planned.actions)
        note(_summary(planned.counts))
    if any(action.kind in _FINDINGS for action in planned.actions):
        raise typer.Exit(ExitCode.FINDINGS)


def apply(
    *,
    plan_file: Annotated[
        Path,
        typer.Argument(
            metavar="[PLAN_FILE]", help="The plan, a file of JSON; - is standard input."
        ),
    ] = Path("-"),
    max_concurrency: Annotated[
        int, typer.Option(min=1, help="How many instances to act on at a time.")
    ] = 8,
    yes: Yes = False,
    profile: Profile = None,
    endpoint_url: EndpointUrl = None,
    output: OutputFormat = Output.TABLE,
    debug: Debug = False,
) -> None:
    """Do what a plan says.

    An instance that has changed since the plan was made is left alone.
    """
    from ..fleet import apply

    planned = _read_plan(plan_file)
    access = _access(profile, endpoint_url)
    total = len(planned.changes)
    if total and not yes:
        _print_actions(planned.changes, on_stderr=True)
        kinds = {kind: count for kind, count in planned.counts.items() if kind in _kinds(planned)}
        confirm(f"Apply this plan ({_summary(kinds)})?", yes=False)
    with progress("Applying the plan", lines=bool(total)) as shown:
        finished: list[ActionResult] = []

        def tell(result: "ActionResult") -> None:
            finished.append(result)
            what = f"{result.outcome} {result.action.kind} {_what(result.action)}"
            shown.update(f"{len(finished)} of {total}: {what}")

        report = apply(
            planned,
            access=access,
            on_event=tell,
            max_concurrency=max_concurrency,
        )
    if output is Output.JSON:
        print_json(report)
    elif report.results:
        print_table(
            ("OUTCOME", "ACTION", "INSTANCE"),
            [
                (result.outcome, result.action.kind, _what(result.action))
                for result in report.results
            ],
        )
        for result in report.results:
            if result.message:
                write(f"\n{_what(result.action)}\n  {result.message}\n")
        note(_summary(report.counts))
    else:
        note("The plan has nothing to do.")
    if report.interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)
    if not report.is_complete:
        raise typer.Exit(ExitCode.INCOMPLETE)


def policy_schema(*, debug: Debug = False) -> None:
    """Print the JSON Schema of a policy, for editors."""
    from ..fleet import Policy

    print_json(Policy.model_json_schema())


def _access(profile: str | None, endpoint_url: str | None) -> "Access":
    """What leads nowhere is told of at once, and not of every account."""
    from ..fleet import Access

    make_client("us-east-1", profile, endpoint_url)
    return Access(profile_name=profile, endpoint_url=endpoint_url)


def _read_policy(path: Path) -> "Policy":
    from ..fleet import Policy

    try:
        return Policy.from_file(path)
    except OSError as error:
        raise Failure(f"{path} cannot be read: {_why(error)}", ExitCode.USAGE) from error


def _read_plan(path: Path) -> "Plan":
    from pydantic import ValidationError

    from ..fleet import Plan

    is_stdin = str(path) == "-"
    if is_stdin and sys.stdin.isatty():
        raise Failure("Name the file of a plan, or pipe one in.", ExitCode.USAGE)
    try:
        text = sys.stdin.read() if is_stdin else path.read_text(encoding="utf-8")
        return Plan.model_validate_json(text)
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{path} cannot be read: {_why(error)}", ExitCode.USAGE) from error
    except ValidationError as error:
        name = "Standard input" if is_stdin else str(path)
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        message = f"{name} is not a plan: {where}{': ' if where else ''}{first['msg']}"
        raise Failure(message, ExitCode.USAGE) from error


def _why(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}", ExitCode.OTHER) from error


def _what(subject: "AuditRecord | PlannedAction") -> str:
    """The instance; or where they are, if they could not be listed."""
    arn = getattr(subject, "db_instance_arn", None) or getattr(
        subject, "source_db_instance_arn", None
    )
    return arn or f"all of account {subject.account_id} in {subject.source_region}"


def _to(subject: "AuditRecord | PlannedAction") -> str:
    return subject.destination_region or "-"


def _print_actions(actions: "Iterable[PlannedAction]", *, on_stderr: bool = False) -> None:
    print_table(
        ("ACTION", "TO", "RULE", "INSTANCE"),
        [(action.kind, _to(action), action.rule or "-", _what(action)) for action in actions],
        on_stderr=on_stderr,
    )


def _print_reasons(reasons: "Iterable[tuple[str, tuple[CheckReason, ...]]]") -> None:
    for what, those in reasons:
        if those:
            write(f"\n{what}\n")
        for reason in those:
            write(f"  {reason.message} {reason.remedy}\n")


def _kinds(planned: "Plan") -> set[str]:
    return {action.kind for action in planned.changes}


def _summary(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "nothing"
