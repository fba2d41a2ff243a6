"""The results of a readiness check as a part of an audit."""

from collections import defaultdict

from ...fleet._records import AuditRecord, AuditReport, Readiness, RestoreReason, RestoreState
from ...fleet._wording import NOT_REPLICATED, RESTORE_WORDS
from .._records import ReadinessReason, ReadinessRecord, ReadinessReport

_NOT_CHECKED = RestoreReason(
    message="The readiness check did not include this instance.",
    remedy=(
        "Capture the recovery book again, and check the readiness of all instances. An instance "
        "that was created after the capture is not in the book."
    ),
)

_WORST_FIRST = tuple(RESTORE_WORDS)


def with_readiness(audit: AuditReport, readiness: ReadinessReport) -> AuditReport:
    """Return an audit's report with the results of a readiness check.

    An instance is the same in both if its account, destination and resource ID are the same; a
    name alone never counts. A replicated instance that the check did not include is ``unknown``.

    Args:
        audit: The report of an audit.
        readiness: The report of a readiness check.

    Returns:
        The audit's report. Its formats show ``restorable`` beside the state of each instance.
    """
    found: defaultdict[tuple[str, str, str], list[ReadinessRecord]] = defaultdict(list)
    for checked in readiness.records:
        key = checked.account_id, checked.destination_region, checked.dbi_resource_id
        found[key].append(checked)

    def join(record: AuditRecord) -> AuditRecord:
        """Return the record with the result for its instance; no result for other records."""
        key = record.account_id, record.destination_region or "", record.dbi_resource_id or ""
        state: RestoreState | None = None
        reasons: tuple[RestoreReason, ...] | None = None
        if matches := found.get(key):
            # A renamed instance has an entry under each name. The result for its name of today
            # counts, or else the worst one.
            checked = min(
                matches,
                key=lambda m: (
                    m.db_instance_arn != record.db_instance_arn,
                    _WORST_FIRST.index(m.state),
                ),
            )
            state, reasons = checked.state, _reasons(checked.reasons)
        elif record.db_instance_arn is not None and record.state not in NOT_REPLICATED:
            state, reasons = "unknown", (_NOT_CHECKED,)
        return record.model_copy(update={"restorable": state, "restore_reasons": reasons})

    return audit.model_copy(
        update={
            "records": tuple(map(join, audit.records)),
            "readiness": Readiness(
                checked_at=readiness.checked_at,
                book_captured_at=readiness.book_captured_at,
                findings=_reasons(readiness.findings),
            ),
        }
    )


def _reasons(reasons: tuple[ReadinessReason, ...]) -> tuple[RestoreReason, ...]:
    return tuple(RestoreReason(message=r.message, remedy=r.remedy) for r in reasons)
