"""What the commands for a fleet share: their argument, progress, filters and texts."""

import sys
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from ._errors import ExitCode, Failure
from ._output import get_width, print_line, print_table, progress
from ._signals import end_now, on_signal

if TYPE_CHECKING:
    from ..fleet import AuditRecord, Finding, FleetReason, PlannedAction, Policy
    from ._options import ScanOptions

# ruff: noqa: PLC0415 - help and version must not import what only a call needs.

PolicyFile = Annotated[
    Path,
    typer.Argument(
        metavar="POLICY",
        help="Policy file in YAML, JSON or TOML; - reads YAML or JSON from standard input.",
    ),
]
SubjectT = TypeVar("SubjectT", "AuditRecord", "PlannedAction")


@contextmanager
def scan_progress() -> Generator[Callable[[int, int], None]]:
    """Show the progress of a scan, which changes nothing: a signal ends the process at once."""
    text = "Scanning the fleet"
    with (
        progress(text, lines=False) as shown,
        on_signal(lambda _: end_now("Interrupted.\n", shown)),
    ):
        yield lambda done, of: shown.update(f"{text}: {done} of {of}")


def check_names(option: str, given: Iterable[str], known: Collection[str]) -> None:
    """Raise a failure if an option has a name that is not known."""
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(sorted(known))}"
            raise Failure(f"{option} {name} does not exist; {hint}", ExitCode.USAGE)


def check_filters(options: "ScanOptions", policy: "Policy") -> None:
    """Raise a failure if a filter names a rule or an account that the policy does not have."""
    check_names("--rule", options.rule or (), [rule.name for rule in policy.rules])
    if policy.organization is None:  # otherwise, only the scan knows all accounts
        check_names("--account", options.account or (), [a.id for a in policy.accounts])


def select(options: "ScanOptions", subjects: Iterable[SubjectT]) -> list[SubjectT]:
    """Return the records or actions that the filters of a scan leave.

    Raises:
        Failure: No instance matches ``--target``.
    """
    found = list(subjects)
    patterns = [pattern.lower() for pattern in options.target or ()]
    if patterns:
        found = [subject for subject in found if _matches(arn_of(subject), patterns)]
        if not found:
            message = f"No instance matches --target {' '.join(options.target or ())}."
            raise Failure(message, ExitCode.USAGE)
    return [
        subject
        for subject in found
        if (not options.account or subject.account_id in options.account)
        # Nobody knows whether the rule matches an instance in a Region that could not be listed.
        and (not options.rule or subject.rule in options.rule or arn_of(subject) is None)
    ]


def _matches(arn: str | None, patterns: Sequence[str]) -> bool:
    """Return whether a pattern matches, or no ARN is known, as of a Region without an answer."""
    names = () if arn is None else (arn.lower(), arn.lower().rpartition(":")[2])
    return arn is None or any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def arn_of(subject: "AuditRecord | PlannedAction") -> str | None:
    """Return the instance's ARN; ``None`` if its Region could not be listed."""
    arn: str | None = getattr(subject, "db_instance_arn", None)
    return arn or getattr(subject, "source_db_instance_arn", None)


def instance_of(subject: "AuditRecord | PlannedAction") -> str:
    """Return the instance's ARN, or the account and Region whose instances could not be listed."""
    nobody = f"all instances of account {subject.account_id} in {subject.source_region}"
    return arn_of(subject) or nobody


def destination_of(subject: "AuditRecord | PlannedAction") -> str:
    """Return the destination Region, or ``-`` if there is none."""
    return subject.destination_region or "-"


def format_counts(counts: Mapping[Any, int]) -> str:
    """Return the number of each kind, such as ``2 start, 1 stop``."""
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "no instances"


_WIDE = 120  # columns; with fewer, a table has no room for ARNs


def name_of(subject: "AuditRecord | PlannedAction") -> str:
    """Return the instance's ARN, or on a narrow terminal its identifier."""
    arn = arn_of(subject)
    if arn is None or get_width(sys.stdout) >= _WIDE:
        return instance_of(subject)
    return arn.rpartition(":")[2]


def print_instances(
    titles: Sequence[str],
    subjects: "Sequence[AuditRecord | PlannedAction]",
    cells_of: Callable[[Any], tuple[str, ...]],
) -> None:
    """Print a row for each instance.

    On a narrow terminal, each account and source Region has a table of its own, because the rows
    have no room for both.
    """
    for place, group in groupby(subjects, _place_of):
        if place is not None:
            print_line(f"Account {place[0]}, {place[1]}")
        rows = [(*cells_of(subject), name_of(subject)) for subject in group]
        print_table((*titles, "INSTANCE"), rows, unbroken="INSTANCE")
        if place is not None:
            print_line("")


def _place_of(subject: "AuditRecord | PlannedAction") -> tuple[str, str] | None:
    """Return the account and the source Region on a narrow terminal, and else ``None``."""
    is_wide = get_width(sys.stdout) >= _WIDE
    return None if is_wide else (subject.account_id, subject.source_region)


def print_causes(
    subjects: "Iterable[tuple[AuditRecord | PlannedAction, tuple[FleetReason, ...]]]",
) -> None:
    """Print the reasons, each once with its remedy, and the instances that it applies to."""
    from ..fleet._causes import group_by_cause

    causes = group_by_cause(
        [(subject, reasons) for subject, reasons in subjects if reasons],
        lambda pair: [
            line
            for reason in pair[1]
            for line in (("finding", reason.message), ("remedy", reason.remedy))
        ],
        lambda pair: ((arn_of(pair[0]) or "").rpartition(":")[2], pair[0].rule),
    )
    for cause in causes:
        print_line("")
        for kind, text in cause.lines:
            print_line(_in_options(text), "" if kind == "finding" else "  ")
        for (subject, _), figures in cause.items:
            what_differs = f" ({', '.join(figures)})" if figures else ""
            print_line(f"{name_of(subject)}{what_differs}", "    ")


def _in_options(text: str) -> str:
    """Return a remedy with the options of a scan in place of the keywords."""
    text = text.replace("the read_timeout of Access", "--read-timeout")
    return text.replace("deadline=", "--deadline")


def print_findings(findings: "Iterable[Finding]") -> None:
    """Print findings about rules and accounts."""
    for finding in findings:
        print_line("")
        print_line(finding.message)
        print_line(finding.remedy, "  ")
