"""The comparison of two audits: what changed between them, and since when a state lasts."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from ._records import AuditRecord, AuditReport, Comparison, Finding, MatchChange, State, StateChange

Key = tuple[str, str, str | None]
_LONGEST_START = timedelta(days=1)


def compare(report: AuditReport, earlier: AuditReport) -> AuditReport:
    """Return a report with what changed since an earlier one.

    An instance keeps its identity by its resource ID. Instances in Regions that one of the two
    audits could not list are neither new nor gone.

    Args:
        report: The report of an audit.
        earlier: The complete report of an earlier audit with a similar policy.

    Returns:
        The report with a ``comparison``, and with ``first_seen`` in each record.
    """
    before = {_key(record): record for record in earlier.records}
    by_instance = {key[:2]: record for key, record in before.items()}
    earlier_coverage, coverage = _Coverage(earlier), _Coverage(report)
    changes: list[StateChange] = []
    records: list[AuditRecord] = []
    found: set[int] = set()
    for record in report.records:
        key = _key(record)
        known = before.get(key) or by_instance.get(key[:2])
        if known is not None:
            found.add(id(known))
        since = report.audited_at
        if known is not None and known.state == record.state:
            since = known.first_seen or earlier.audited_at
        elif known is not None or earlier_coverage.includes(record):
            changes.append(_change(record, known.state if known else None, record.state))
        records.append(record.model_copy(update={"first_seen": since}))
    changes += [
        _change(record, record.state, None)
        for record in earlier.records
        if id(record) not in found and coverage.includes(record)
    ]
    comparison = Comparison(
        audited_at=earlier.audited_at,
        changes=tuple(changes),
        matches=tuple(_find_fewer_matches(report, earlier)),
    )
    findings = (*report.findings, *_find_long_starts(records, report.audited_at))
    return report.model_copy(
        update={"records": tuple(records), "comparison": comparison, "findings": findings}
    )


def _find_long_starts(records: list[AuditRecord], now: datetime) -> Iterator[Finding]:
    """Yield a finding for each instance whose first snapshot takes too long."""
    for record in records:
        if record.state == "starting" and now - (record.first_seen or now) > _LONGEST_START:
            yield Finding(
                code="starting_too_long",
                account_id=record.account_id,
                rule=record.rule,
                message=(
                    f"{record.db_instance_arn} has been starting since "
                    f"{record.first_seen:%Y-%m-%dT%H:%M:%SZ}, and has nothing to restore yet."
                ),
                remedy=(
                    "Check the KMS keys in both Regions and the source's own automated backups. "
                    "The first snapshot of a large instance may take a day."
                ),
            )


def _key(record: AuditRecord) -> Key:
    """Return what identifies an instance, or a Region that could not be listed."""
    identity = record.dbi_resource_id or record.db_instance_arn or record.source_region
    return record.account_id, identity, record.destination_region


class _Coverage:
    """The accounts and Regions that an audit listed."""

    def __init__(self, report: AuditReport) -> None:
        # A complete report covers all accounts: one that is missing has left the fleet.
        self._accounts = set(report.accounts) if report.is_partial else None
        self._not_listed = report.not_listed

    def includes(self, record: AuditRecord) -> bool:
        """Return whether the audit has the record, if its instance existed."""
        is_listed = (record.account_id, record.source_region) not in self._not_listed
        is_covered = self._accounts is None or record.account_id in self._accounts
        return is_covered and (is_listed or record.db_instance_arn is None)


def _change(record: AuditRecord, before: State | None, after: State | None) -> StateChange:
    return StateChange(
        account_id=record.account_id,
        source_region=record.source_region,
        destination_region=record.destination_region,
        db_instance_arn=record.db_instance_arn,
        before=before,
        after=after,
    )


def _find_fewer_matches(report: AuditReport, earlier: AuditReport) -> Iterator[MatchChange]:
    """Yield the rules that match fewer instances, if both audits listed everything."""
    if report.is_partial or earlier.is_partial or report.not_listed or earlier.not_listed:
        return
    for rule, before in earlier.matches.items():
        count = report.matches.get(rule, 0)
        if count < before:
            yield MatchChange(rule=rule, before=before, after=count)
