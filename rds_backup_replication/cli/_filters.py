"""Filters: which instances of a fleet an audit or a plan shows."""

from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ._errors import ExitCode, Failure
from ._fleet import arn_of

if TYPE_CHECKING:
    from ..fleet import (
        AuditRecord,
        AuditReport,
        Finding,
        Plan,
        PlannedAction,
        Policy,
        StateChange,
    )
    from ._options import ScanOptions

# ruff: noqa: PLC0415 - help and version must not import what only a call needs.


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


def filter_report(
    report: "AuditReport",
    earlier: "AuditReport | None",
    options: "ScanOptions",
    policy: "Policy",
) -> "AuditReport":
    """Return what ``--rule``, ``--account`` and ``--target`` leave of a report.

    Args:
        report: The report, compared with the earlier one if there is one.
        earlier: The earlier report.
        options: The filters.
        policy: The policy.

    Raises:
        Failure: No instance matches ``--target``.
    """
    if not (options.rule or options.account or options.target):
        return report
    is_selected = _selection(options, policy)
    targets = options.target or ()
    unmanaged, retained = (
        () if options.rule else tuple(b for b in others if _is_target(b.db_instance_arn, targets))
        for others in (report.unmanaged, report.retained)
    )
    selected = tuple(filter(is_selected, report.records))
    _check_target(options, (*selected, *unmanaged, *retained))
    update: dict[str, object] = {
        "records": selected,
        "is_partial": report.is_partial or len(selected) < len(report.records),
        "findings": _select_findings(report.findings, options),
        "unmanaged": unmanaged,
        "retained": retained,
    }
    if options.rule or options.target:
        update["headroom"] = ()
    if options.rule:
        update["matches"] = {n: count for n, count in report.matches.items() if n in options.rule}
    if report.comparison is not None:
        known = {
            record.sort_key()
            for record in (*report.records, *(earlier.records if earlier else ()))
            if is_selected(record)
        }
        update["comparison"] = report.comparison.model_copy(
            update={
                "changes": tuple(c for c in report.comparison.changes if _key(c) in known),
                "matches": tuple(
                    match
                    for match in report.comparison.matches
                    if not options.rule or match.rule in options.rule
                ),
            }
        )
    return report.model_copy(update=update)


def filter_states(
    report: "AuditReport", states: Collection[str], *, only_problems: bool
) -> "AuditReport":
    """Return what ``--state`` and ``--only-problems`` leave of a report."""
    if not (states or only_problems):
        return report
    from ..fleet._records import HEALTHY

    records = tuple(
        record
        for record in report.records
        if record.db_instance_arn is None  # no filter hides that a Region could not be listed
        or (
            (not states or record.state in states) and (record.needs_attention or not only_problems)
        )
    )
    is_partial = report.is_partial or len(records) < len(report.records)
    update: dict[str, object] = {"records": records, "is_partial": is_partial}
    if states:  # other backups and quotas have no state
        update |= {"unmanaged": (), "retained": (), "headroom": ()}
    if report.comparison is not None:
        # What is no longer in one of the states is part of the answer, too.
        changes = tuple(
            change
            for change in report.comparison.changes
            if any(
                (not states or state in states) and (state not in HEALTHY or not only_problems)
                for state in (change.before, change.after)
                if state is not None
            )
        )
        update["comparison"] = report.comparison.model_copy(update={"changes": changes})
    return report.model_copy(update=update)


def filter_plan(planned: "Plan", options: "ScanOptions", policy: "Policy") -> "Plan":
    """Return what ``--rule``, ``--account`` and ``--target`` leave of a plan.

    Raises:
        Failure: No instance matches ``--target``, or the organization has no such account.
    """
    if not (options.rule or options.account or options.target):
        return planned
    check_names("--account", options.account or (), planned.accounts)
    actions = tuple(filter(_selection(options, policy), planned.actions))
    _check_target(options, actions)
    update = {"actions": actions, "findings": _select_findings(planned.findings, options)}
    return planned.model_copy(update=update)


def _selection(
    options: "ScanOptions", policy: "Policy"
) -> "Callable[[AuditRecord | PlannedAction], bool]":
    """Return a function that returns whether the options select a record or an action.

    What stands for a Region that could not be listed is selected if the Region may have instances
    that are. Otherwise, an outage would look like a fleet without problems.
    """
    rules = [rule for rule in policy.rules if rule.name in (options.rule or ())]

    def may_apply(account_id: str, source_region: str) -> bool:
        return any(
            rule.covers_region(source_region)
            # Only Organizations knows the names of its accounts.
            and (policy.organization or policy.names_account(rule.accounts, account_id))
            for rule in rules
        )

    def is_selected(subject: "AuditRecord | PlannedAction") -> bool:
        arn, place = arn_of(subject), (subject.account_id, subject.source_region)
        if options.account and subject.account_id not in options.account:
            return False
        if arn is None:
            return (not options.rule or may_apply(*place)) and (
                not options.target or any(_may_be_in(*place, p) for p in options.target)
            )
        is_ruled = not options.rule or subject.rule in options.rule
        return is_ruled and _is_target(arn, options.target or ())

    return is_selected


def _is_target(arn: str | None, patterns: Collection[str]) -> bool:
    """Return whether an ARN or its identifier matches a pattern, if there are any."""
    lowered = (arn or "").lower()
    names = lowered, lowered.rpartition(":")[2]
    return not patterns or any(fnmatchcase(name, p.lower()) for name in names for p in patterns)


_REGION, _ACCOUNT, _ARN_PARTS = 3, 4, 7


def _may_be_in(account_id: str, source_region: str, pattern: str) -> bool:
    """Return whether an instance in the account and Region may match the pattern."""
    parts = pattern.lower().split(":")
    return len(parts) != _ARN_PARTS or (
        fnmatchcase(source_region, parts[_REGION]) and fnmatchcase(account_id, parts[_ACCOUNT])
    )


def _check_target(options: "ScanOptions", selected: Collection[object]) -> None:
    if options.target and not selected:
        message = f"No instance matches --target {' '.join(options.target)}."
        raise Failure(message, ExitCode.USAGE)


def _select_findings(
    findings: "Iterable[Finding]", options: "ScanOptions"
) -> "tuple[Finding, ...]":
    """Return the findings but those about other rules or other accounts."""
    return tuple(
        finding
        for finding in findings
        if (not options.rule or finding.rule is None or finding.rule in options.rule)
        and (
            not options.account
            or finding.account_id is None
            or finding.account_id in options.account
        )
    )


def _key(change: "StateChange") -> tuple[str, str, str, str]:
    """Return the ``sort_key`` of the record that the change is about."""
    arn, destination = change.db_instance_arn or "", change.destination_region or ""
    return change.account_id, change.source_region, arn, destination
