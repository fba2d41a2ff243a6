"""The commands for many instances: a policy, an audit, a plan, and what comes of it."""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._exit import CREDENTIALS, ExitCode, Failure
from ._files import check_target, is_stdin, read_stdin, write_file
from ._interrupts import end_now, on_ctrl_c
from ._options import Debug, EndpointUrl, Output, OutputFormat, Profile, Yes, make_client
from ._output import Progress, confirm, in_units, note, print_json, print_table, progress
from ._streams import report_at_once, write

if TYPE_CHECKING:
    from .._models import CheckReason
    from ..fleet import (
        Access,
        ActionResult,
        ApplyReport,
        AuditRecord,
        Plan,
        PlannedAction,
        Policy,
    )

# ruff: noqa: PLC0415 - help and version come without what only a call needs.

PolicyFile = Annotated[
    Path,
    typer.Argument(
        metavar="POLICY", help="The policy, a file of YAML or JSON; - is standard input."
    ),
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
    if html is not None:
        check_target(html, "report")
    access = _access(profile, endpoint_url)
    with _looking() as on_progress:
        report = audit(wanted, access=access, on_progress=on_progress)
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
    if html is not None:
        from ..fleet._report import render_html

        write_file(html, render_html(report))
    if _is_blind(report.records):
        raise typer.Exit(ExitCode.NO_ANSWER)
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
    if out is not None:
        check_target(out, "plan")
    access = _access(profile, endpoint_url)
    with _looking() as on_progress:
        planned = plan(wanted, access=access, on_progress=on_progress)
    if output is Output.JSON:
        print_json(planned)
    else:
        print_table(
            ("ACTION", "TO", "RULE", "INSTANCE"),
            [
                (action.kind, _to(action), action.rule or "-", _what(action))
                for action in planned.actions
            ],
        )
        _print_reasons((_what(action), action.reasons) for action in planned.actions)
        note(_summary(planned.counts))
    if out is not None:
        write_file(out, planned.model_dump_json(indent=2, exclude_none=True) + "\n")
    if _is_blind(planned.actions):
        raise typer.Exit(ExitCode.NO_ANSWER)
    if any(action.kind in _FINDINGS for action in planned.actions):
        raise typer.Exit(ExitCode.FINDINGS)


def apply(
    *,
    plan_file: Annotated[
        Path,
        typer.Argument(metavar="PLAN_FILE", help="The plan, a file of JSON; - is standard input."),
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
    from botocore.exceptions import NoCredentialsError

    from ..fleet import apply
    from ..fleet._records import CHANGES

    planned = _read_plan(plan_file)
    access = _access(profile, endpoint_url)
    if planned.changes and not yes:
        _print_changes(planned)
        kinds = {kind: count for kind, count in planned.counts.items() if kind in CHANGES}
        confirm(f"Apply this plan ({_summary(kinds)})?", yes=False)
    with _applying(len(planned.changes)) as (shown, on_event):
        report = apply(planned, access=access, on_event=on_event, max_concurrency=max_concurrency)
        shown.stop()
        if output is Output.JSON:
            print_json(report)
        elif report.results:
            _print_results(report)
        else:
            note("The plan has nothing to do.")
        if any(str(NoCredentialsError()) in (result.message or "") for result in report.results):
            note(CREDENTIALS)
    if report.interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)
    if not report.is_complete:
        raise typer.Exit(ExitCode.INCOMPLETE)


@contextmanager
def _applying(total: int) -> "Generator[tuple[Progress, Callable[[ActionResult], None]]]":
    """Show what has been done; the first Ctrl-C is apply's, and the second gives up.

    However Ctrl-C ends the block, standard error reports what is done and how much is unknown.
    """
    finished: list[str] = []
    is_ending = False
    with progress("Applying the plan", lines=bool(total)) as shown:

        def show(result: "ActionResult") -> None:
            finished.append(f"{result.outcome} {result.action.kind} {_what(result.action)}")
            shown.update(f"{len(finished)} of {total}: {finished[-1]}")

        def summarize() -> str:
            done = "".join(f"{what}\n" for what in finished)
            count = total - len(finished)
            unknown = f"Given up. Of {count} it is not known what has become: plan again."
            return f"{done}{unknown if count else 'Interrupted.'}\n"

        def interrupt() -> None:
            nonlocal is_ending
            if is_ending or len(finished) == total:
                end_now(shown, summarize())
            is_ending = True
            shown.announce("Finishing what has begun; Ctrl-C again gives up.")

        with on_ctrl_c(interrupt):
            try:
                yield shown, show
            except KeyboardInterrupt:  # outside apply's own wait, or from another handler
                shown.stop()
                report_at_once(summarize())
                raise


def _print_changes(planned: "Plan") -> None:
    print_table(
        ("ACTION", "TO", "DAYS", "KEY", "RULE", "INSTANCE"),
        [
            (
                *(action.kind, _to(action), str(action.backup_retention_period or "-")),
                *(action.kms_key_id or "-", action.rule or "-", _what(action)),
            )
            for action in planned.changes
        ],
        on_stderr=True,
    )


def _print_results(report: "ApplyReport") -> None:
    print_table(
        ("OUTCOME", "ACTION", "INSTANCE"),
        [(result.outcome, result.action.kind, _what(result.action)) for result in report.results],
    )
    for result in report.results:
        if result.message:
            write(f"\n{_what(result.action)}\n  {result.message}\n")
    note(_summary(report.counts))


def policy_schema(*, debug: Debug = False) -> None:
    """Print the JSON Schema of a policy, for editors."""
    from ..fleet import Policy

    print_json(Policy.model_json_schema())


def _access(profile: str | None, endpoint_url: str | None) -> "Access":
    """What leads nowhere is told of at once, and not of every account."""
    from ..fleet import Access

    make_client("us-east-1", profile, endpoint_url)
    return Access(profile_name=profile, endpoint_url=endpoint_url)


@contextmanager
def _looking() -> Generator[Callable[[int, int], None]]:
    """Shows how far an audit or a plan is; as they change nothing, Ctrl-C ends them at once."""
    text = "Looking at the fleet"
    with (
        progress(text, lines=False) as shown,
        on_ctrl_c(lambda: end_now(shown, "Interrupted.\n")),
    ):
        yield lambda done, of: shown.update(f"{text}: {done} of {of}")


def _is_blind(subjects: "Sequence[AuditRecord | PlannedAction]") -> bool:
    """Whether nothing at all could be found out."""
    return bool(subjects) and all(
        subject.reasons and all(reason.code == "could_not_be_checked" for reason in subject.reasons)
        for subject in subjects
    )


def _read_policy(path: Path) -> "Policy":
    from ..fleet import Policy

    if is_stdin(path):
        return Policy.from_yaml(read_stdin("a policy"), source="standard input")
    try:
        return Policy.from_file(path)
    except OSError as error:
        raise Failure(f"{path} cannot be read: {_why(error)}", ExitCode.USAGE) from error


def _read_plan(path: Path) -> "Plan":
    from pydantic import ValidationError

    from ..fleet import Plan

    try:
        text = read_stdin("a plan") if is_stdin(path) else path.read_text(encoding="utf-8-sig")
        return Plan.model_validate_json(text)
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{path} cannot be read: {_why(error)}", ExitCode.USAGE) from error
    except ValidationError as error:
        name = "Standard input" if is_stdin(path) else str(path)
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        message = f"{name} is not a plan: {where}{': ' if where else ''}{first['msg']}"
        raise Failure(message, ExitCode.USAGE) from error


def _why(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _what(subject: "AuditRecord | PlannedAction") -> str:
    """The instance; or where they are, if they could not be listed."""
    arn = getattr(subject, "db_instance_arn", None) or getattr(
        subject, "source_db_instance_arn", None
    )
    return arn or f"all of account {subject.account_id} in {subject.source_region}"


def _to(subject: "AuditRecord | PlannedAction") -> str:
    return subject.destination_region or "-"


def _print_reasons(reasons: "Iterable[tuple[str, tuple[CheckReason, ...]]]") -> None:
    for what, those in reasons:
        if those:
            write(f"\n{what}\n")
        for reason in those:
            write(f"  {reason.message} {reason.remedy}\n")


def _summary(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "nothing"
