"""The comparison of two audits: what changed between them, and since when a state lasts."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from ._records import AuditRecord, AuditReport, Comparison, Finding, MatchChange, State, StateChange

_LONGEST_START = timedelta(days=1)


def compare(report: AuditReport, earlier: AuditReport) -> AuditReport:
    """Return a report with what changed since an earlier one.

    An instance is known by its resource ID, or by its ARN if one of the reports has no ID.
    Instances in Regions that one of the two audits could not list are neither new nor gone.

    Args:
        report: The report of an audit.
        earlier: The complete report of an earlier audit with a similar policy.

    Returns:
        The report with a ``comparison``, and with ``first_seen`` in each record.
    """
    before = _Index(earlier)
    earlier_coverage, coverage = _Coverage(earlier), _Coverage(report)
    changes: list[StateChange] = []
    records: list[AuditRecord] = []
    found: set[int] = set()
    for record in report.records:
        known = before.find(record)
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


class _Index:
    """The records of a report by all that their instances are known by."""

    def __init__(self, report: AuditReport) -> None:
        self._records: dict[tuple[str | None, ...], AuditRecord] = {}
        for record in report.records:
            for key in _keys(record):
                self._records.setdefault(key, record)

    def find(self, record: AuditRecord) -> AuditRecord | None:
        """Return the record of the same instance, if possible with the same destination."""
        found = (self._records.get(key) for key in _keys(record))
        return next((one for one in found if one and not _are_different(one, record)), None)


def _keys(record: AuditRecord) -> Iterator[tuple[str | None, ...]]:
    """Yield what identifies an instance, or a Region that could not be listed."""
    for identity in (record.dbi_resource_id, record.db_instance_arn or record.source_region):
        if identity is not None:
            yield record.account_id, identity, record.destination_region
            yield record.account_id, identity


def _are_different(one: AuditRecord, other: AuditRecord) -> bool:
    """Return whether two instances of the same name have different resource IDs."""
    ids = {one.dbi_resource_id, other.dbi_resource_id}
    return None not in ids and len(ids) > 1


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
