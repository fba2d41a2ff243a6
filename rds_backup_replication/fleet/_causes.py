"""Causes: items whose reasons differ only in names and figures."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from math import inf
from typing import Generic, TypeVar

from ._durations import format_duration
from ._records import AuditRecord, Finding, State
from ._wording import display_name

T = TypeVar("T")
Line = tuple[str, str]
"""The kind of line, such as ``finding`` or ``remedy``, and its text."""

# The lookbehind keeps the search linear in words without digits.
_FIGURE = r"(?<!\S)\S*\d\S*(?: (?:days?|hours?|minutes?|seconds?|instances?)\b)?"
_PUNCTUATION = "'\"`(),;.:"
# For records without a reason, such as the ones that users of the library create.
_REMEDIES: dict[State, str] = {
    "unprotected": "Start the replication.",
    "stopped": "Restart the replication.",
    "at_risk": "Check the KMS keys, the instance's status and its own automated backups.",
    "unknown": "Find out why the check failed, fix this, and audit again.",
    "lagging": "Check whether the instance is available, read its events, and audit again.",
    "drifted": "Plan a replacement, which gives the backup the policy's settings.",
}


@dataclass(frozen=True)
class Cause(Generic[T]):
    """Items with the same cause."""

    lines: list[Line]
    """The lines that the items share; an ellipsis stands for what differs."""
    items: list[tuple[T, list[str]]]
    """The items, each with its own names and figures in the place of the ellipses."""


@dataclass(frozen=True)
class _Parsed:
    """Lines, split into fixed texts and the names and figures between these."""

    key: tuple[tuple[str, tuple[str, ...]], ...]
    figures: tuple[str, ...]


def group_by_cause(
    items: Iterable[T],
    lines_of: Callable[[T], list[Line]],
    names_of: Callable[[T], Iterable[str | None]],
) -> list[Cause[T]]:
    """Return the causes in the order of their first items."""
    found = [(item, lines_of(item)) for item in items]
    parsed = [_parse(lines, ()) for _, lines in found]
    counts = Counter(one.key for one in parsed)
    groups: dict[object, list[tuple[T, _Parsed]]] = {}
    for (item, lines), one in zip(found, parsed, strict=True):
        # An instance may be called "backup", so a name counts only where nothing else fits.
        if counts[one.key] == 1:
            one = _parse(lines, [name for name in names_of(item) if name])  # noqa: PLW2901
        groups.setdefault(one.key, []).append((item, one))
    return [_cause(group) for group in groups.values()]


def problem_causes(records: Iterable[AuditRecord]) -> list[Cause[AuditRecord]]:
    """Return the causes; the largest lag comes first, then the cause of most problems."""
    causes = group_by_cause(sorted(records, key=_sort_key), _lines, _names)
    return sorted(causes, key=lambda c: (_sort_key(c.items[0][0])[0], -len(c.items)))


def restore_causes(records: Iterable[AuditRecord]) -> list[Cause[AuditRecord]]:
    """Return the causes for which instances are not restorable, or may not be."""
    causes = group_by_cause(
        records,
        lambda record: [
            line
            for reason in record.restore_reasons or ()
            for line in (("finding", reason.message), ("remedy", reason.remedy))
        ],
        _names,
    )
    return sorted(causes, key=lambda cause: -len(cause.items))


def finding_causes(findings: Iterable[Finding]) -> list[Cause[Finding]]:
    """Return the causes of the findings; the cause of most findings comes first."""
    causes = group_by_cause(
        findings,
        lambda finding: [("finding", finding.message), ("remedy", finding.remedy)],
        lambda finding: (finding.rule, finding.account_id),
    )
    return sorted(causes, key=lambda cause: -len(cause.items))


def merge_not_listed(records: Iterable[AuditRecord]) -> list[AuditRecord]:
    """Return one record for each Region that could not be listed in an account.

    An audit may have several, with different reasons; the record has all these reasons.
    """
    found: dict[tuple[str, str], AuditRecord] = {}
    for record in records:
        if record.db_instance_arn is None:
            key = record.account_id, record.source_region
            first = found.get(key, record)
            reasons = tuple(dict.fromkeys((*first.reasons, *record.reasons)))
            found[key] = first.model_copy(update={"reasons": reasons})
    return list(found.values())


def _sort_key(record: AuditRecord) -> tuple[float, str, str]:
    """Return the lag of lagging instances, the largest first, then the name."""
    lag = 0.0
    if record.state == "lagging":
        lag = inf if record.lag is None else record.lag.total_seconds()
    return -lag, display_name(record), record.db_instance_arn or ""


def _names(record: AuditRecord) -> Iterable[str | None]:
    return record.db_instance_identifier, record.engine, record.rule


def _lines(record: AuditRecord) -> list[Line]:
    """Return the record's findings and remedies."""
    findings = [(reason.message, reason.remedy) for reason in record.reasons]
    explained = any(reason.code == "lagging" for reason in record.reasons)
    if record.state == "lagging" and record.lag is not None and not explained:
        lag = f"The backup lags by {format_duration(record.lag)}"
        if record.maximum_lag is not None:
            lag += f"; the rule allows a lag of {format_duration(record.maximum_lag)}"
        findings.insert(0, (f"{lag}.", ""))
    if not record.reasons:
        findings.append(("", _REMEDIES.get(record.state, "")))
    lines = chain.from_iterable((("finding", text), ("remedy", to_do)) for text, to_do in findings)
    return [line for line in lines if line[1]]


def _cause(group: list[tuple[T, _Parsed]]) -> Cause[T]:
    first = group[0][1]
    columns = zip(*(one.figures for _, one in group), strict=True)
    differs = [len(set(column)) > 1 for column in columns]
    shown = iter("…" if d else f for d, f in zip(differs, first.figures, strict=True))
    lines: list[Line] = []
    for class_, fixed in first.key:
        line = (class_, fixed[0] + "".join(next(shown) + text for text in fixed[1:]))
        if line not in lines:  # several reasons may have the same remedy
            lines.append(line)
    return Cause(
        lines,
        [
            (item, [f for d, f in zip(differs, one.figures, strict=True) if d])
            for item, one in group
        ],
    )


def _parse(lines: list[Line], names: Iterable[str]) -> _Parsed:
    key: list[tuple[str, tuple[str, ...]]] = []
    figures: list[str] = []
    for class_, text in lines:
        fixed, found = _split(text, names)
        key.append((class_, tuple(fixed)))
        figures += found
    return _Parsed(tuple(key), tuple(figures))


def _split(text: str, names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the fixed texts and, between each two of these, a name or figure.

    A figure is one or more words with digits, such as ``3h 5m``, with its unit.
    """
    present = sorted((name for name in names if name in text), key=len, reverse=True)
    words = (rf"(?<!\w){re.escape(name)}(?!\w)" for name in present)
    fixed, figures, end = [""], list[str](), 0
    for match in re.finditer("|".join((*words, _FIGURE)), text):
        core = match[0].strip(_PUNCTUATION) or match[0]
        start = match.start() + match[0].index(core)
        between = text[end:start]
        if figures and between == " ":
            figures[-1] += f" {core}"
        else:
            fixed[-1] += between
            figures.append(core)
            fixed.append("")
        end = start + len(core)
    fixed[-1] += text[end:]
    return fixed, figures
