"""The command that applies the plan of a fleet, and resumes an apply."""

import shlex
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .._errors import CREDENTIALS_HINT, ExitCode, Failure, in_shell_words
from .._files import check_writable, is_stdin, read_policy, read_text, reading
from .._fleet import destination_of, format_counts, instance_of
from .._options import FleetOptions, Output, OutputFormat, Yes, read_duration, with_options
from .._output import Progress, confirm, note, print_json, print_table, progress
from .._signals import finish_on_signal
from .._stdio import write_stdout

if TYPE_CHECKING:
    from ...fleet import ActionResult, ApplyReport, Plan, PlannedAction

# ruff: noqa: PLC0415 - help and version must not import what only a call needs.


@with_options(FleetOptions)
def apply(
    options: FleetOptions,
    *,
    plan_file: Annotated[
        Path | None,
        typer.Argument(
            metavar="PLAN",
            help="Plan file in JSON; - reads standard input, which is the default.",
            show_default=False,
        ),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Policy file that the plan was made for. It may be omitted if the plan is for one "
            "account, which the current credentials belong to.",
        ),
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a line before and after each change to a new file, for --resume.",
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="JOURNAL",
            help="Go on with the plan in a journal. Changes that were cut off come first.",
        ),
    ] = None,
    max_stops: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N", help="Number of stops allowed. The default is limits.stops."
        ),
    ] = None,
    max_replacements: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Number of replacements allowed. The default is limits.replacements.",
        ),
    ] = None,
    max_age: Annotated[
        str, typer.Option(metavar="DURATION", help="How old the plan may be, such as 12h or 2d.")
    ] = "1d",
    max_concurrency: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="Number of instances to start or stop at the same time."
        ),
    ] = 8,
    yes: Yes = False,
    output: OutputFormat = Output.TABLE,
) -> None:
    """Make the changes in a plan.

    The command skips an instance that has changed since the plan was made. It refuses a plan
    with more stops or replacements than the policy's limits allow.
    """
    if policy is not None and is_stdin(policy):
        raise typer.BadParameter("must be a file, not standard input.", param_hint="--policy")
    age = read_duration(max_age, "--max-age")
    if resume is None:
        task = _read_new(
            plan_file or Path("-"),
            policy,
            journal,
            max_stops=max_stops,
            max_replacements=max_replacements,
            max_age=age,
        )
    else:
        if policy is None:
            raise typer.BadParameter("is required, too.", param_hint="--policy")
        _check_journal_options(resume, journal, (max_stops, max_replacements))
        task = _read_journal(plan_file, policy, resume, age)
    access = options.make_access()
    if task.changes and not yes:
        _print_changes(task.changes, task.cut_off)
        confirm(task.question, yes=False)
    with _applying(task.total, task.hint) as (shown, on_start, on_event):
        report = task.run(
            access=access,
            on_start=on_start,
            on_event=on_event,
            max_concurrency=max_concurrency,
            max_age=age,
        )
        shown.stop()
        if output is Output.JSON:
            print_json(report)
        else:
            _print_results(report)
        _print_hints(report, task.hint if journal or resume else None)
    if report.interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)
    if not report.is_complete:
        raise typer.Exit(ExitCode.INCOMPLETE)


def _check_journal_options(
    resume: Path, journal: Path | None, limits: tuple[int | None, int | None]
) -> None:
    """Raise a usage error for an option that does not go with ``--resume``."""
    problem = None
    if any(limit is not None for limit in limits):
        problem = "goes on with the limits in the journal: omit --max-stops and --max-replacements."
    if journal is not None and journal.resolve() != resume.resolve():
        problem = "goes on with the same journal: omit --journal."
    if problem is not None:
        raise typer.BadParameter(problem, param_hint="--resume")


@dataclass(frozen=True)
class _Task:
    """A plan to apply, or to go on with."""

    run: "Callable[..., ApplyReport]"
    changes: "tuple[PlannedAction, ...]"
    """The changes to make."""
    cut_off: int
    """How many of them an earlier run began and did not finish; these come first."""
    total: int
    """The number of results to come, with those of changes that will not be attempted."""
    hint: str
    """How to see or to do the rest."""

    @property
    def question(self) -> str:
        """Return the question to confirm."""
        counts = format_counts(Counter(action.kind for action in self.changes))
        if self.cut_off:
            return f"Go on with this plan ({counts}; {self.cut_off} of them cut off)?"
        return f"Apply this plan ({counts})?"


def _read_new(
    plan_file: Path,
    policy_file: Path | None,
    journal: Path | None,
    *,
    max_stops: int | None,
    max_replacements: int | None,
    max_age: timedelta,
) -> _Task:
    """Return the task of applying a plan.

    Raises:
        PlanRefusedError: The plan must not be applied as a whole. Nobody should be asked to
            confirm such a plan.
    """
    from ...exceptions import PlanRefusedError
    from ...fleet import apply
    from ...fleet._plan_checks import find_refusals

    planned = _read_plan(plan_file)
    policy = None if policy_file is None else read_policy(policy_file)
    refusals = find_refusals(
        planned,
        policy,
        max_age=max_age,
        max_stops=max_stops,
        max_replacements=max_replacements,
    )
    if refusals:
        raise PlanRefusedError(refusals)
    hint = "Run plan to see the rest."
    if journal is not None:
        check_writable(journal, "journal")
        hint = _resume_hint(journal, policy_file or Path("POLICY"))
    changes = planned.changes
    run = partial(
        apply,
        planned,
        policy=policy,
        journal=journal,
        max_stops=max_stops,
        max_replacements=max_replacements,
    )
    return _Task(run, changes, 0, len(changes), hint)


def _read_journal(
    plan_file: Path | None, policy_file: Path, journal: Path, max_age: timedelta
) -> _Task:
    """Return the task of going on with the plan in a journal."""
    from ...fleet import resume
    from ...fleet._journal import read_journal
    from ...fleet._plan_checks import find_refusals

    with reading(journal):
        progress = read_journal(journal)
    check_writable(journal, "journal")
    if plan_file is not None and _read_plan(plan_file) != progress.plan:
        raise Failure(f"{plan_file} is not the plan in {journal}.", ExitCode.USAGE)
    policy = read_policy(policy_file)
    refusals = find_refusals(
        progress.plan,
        policy,
        max_age=max_age,
        max_stops=progress.max_stops,
        max_replacements=progress.max_replacements,
    )
    if refusals:
        reasons = in_shell_words(" ".join(refusals))
        note(f"Only changes that were cut off are made. {reasons}")
    first, rest = progress.divide(policy, are_refused=bool(refusals))
    return _Task(
        partial(resume, journal, policy=policy),
        first if refusals else (*first, *rest),
        len(first),
        len(first) + len(rest),
        _resume_hint(journal, policy_file),
    )


def _resume_hint(journal: Path, policy: Path) -> str:
    words = ["apply", "--resume", str(journal), "--policy", str(policy)]
    return f"To go on, run: {shlex.join(words)}"


def _read_plan(path: Path) -> "Plan":
    from pydantic import ValidationError

    from ...fleet import Plan

    try:
        return Plan.model_validate_json(read_text(path, "plan"))
    except ValidationError as error:
        name = "Standard input" if is_stdin(path) else str(path)
        where = ".".join(map(str, error.errors(include_url=False, include_input=False)[0]["loc"]))
        problem = f": {where} is missing or invalid" if where else ""
        message = f"{name} is not a plan{problem}. Write one with plan POLICY --out FILE."
        raise Failure(message, ExitCode.USAGE) from error


@contextmanager
def _applying(
    total: int, hint: str
) -> "Generator[tuple[Progress, Callable[[PlannedAction], None], Callable[[ActionResult], None]]]":
    """Show each result; the first signal interrupts the apply, and the second ends the process.

    However a signal ends the block, standard error reports the finished changes, the changes in
    progress, the number of changes whose outcome is unknown, and the hint.
    """
    begun: list[PlannedAction] = []
    finished: list[str] = []
    finished_keys: set[object] = set()
    with progress("Applying the plan", lines=bool(total)) as shown:

        def show(result: "ActionResult") -> None:
            finished_keys.add(result.action.sort_key())
            finished.append(f"{result.outcome} {result.action.kind} {instance_of(result.action)}")
            shown.update(f"{len(finished)} of {total}: {finished[-1]}")

        def summarize() -> str:
            done = "".join(f"{change}\n" for change in finished)
            count = total - len(finished)
            if not count:
                return done
            in_progress = "".join(
                f"unknown {action.kind} {instance_of(action)}\n"
                for action in tuple(begun)  # other threads append to the list
                if action.sort_key() not in finished_keys
            )
            unknown = f"Changes whose outcome is unknown: {count}."
            return f"{done}{in_progress}Ended at once. {unknown} {hint}\n"

        with finish_on_signal(
            shown,
            "Finishing the changes in progress.",
            summarize,
            lambda: len(finished) == total,
        ):
            yield shown, begun.append, show


def _print_changes(changes: "Sequence[PlannedAction]", cut_off: int) -> None:
    print_table(
        ("ACTION", "TO", "DAYS", "KEY", "RULE", "INSTANCE"),
        [
            (
                f"{action.kind}, cut off" if index < cut_off else action.kind,
                destination_of(action),
                str(action.backup_retention_period or "-"),
                *(action.kms_key_id or "-", action.rule or "-", instance_of(action)),
            )
            for index, action in enumerate(changes)
        ],
        on_stderr=True,
    )


def _print_results(report: "ApplyReport") -> None:
    if not report.results:
        note("The plan contains no changes.")
        return
    print_table(
        ("OUTCOME", "ACTION", "INSTANCE"),
        [
            (result.outcome, result.action.kind, instance_of(result.action))
            for result in report.results
        ],
    )
    for result in report.results:
        if result.message:
            message = in_shell_words(result.message)
            write_stdout(f"\n{instance_of(result.action)}\n  {message}\n")
    note(format_counts(report.counts))


def _print_hints(report: "ApplyReport", resume_hint: str | None) -> None:
    from botocore.exceptions import NoCredentialsError

    if any(str(NoCredentialsError()) in (result.message or "") for result in report.results):
        note(CREDENTIALS_HINT)
    if resume_hint is not None and not report.is_complete:
        note(resume_hint)
