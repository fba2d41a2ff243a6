"""An audit as metrics in CloudWatch's embedded metric format.

The format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping

from .._records import AuditRecord, AuditReport, Finding, OtherBackup
from .._wording import STATES
from .jsonl import json_line

_NAMESPACE = "RDSBackupReplication"
_SECONDS = {"MaximumLag"}  # the unit of all other metrics is a count


def render_emf(report: AuditReport) -> str:
    """Render a report in CloudWatch's embedded metric format.

    A Lambda function that prints the lines, or an agent that sends them to CloudWatch Logs,
    creates the metrics in the namespace ``RDSBackupReplication``.

    Args:
        report: The report of an audit.

    Returns:
        JSON objects in ASCII, one per line. The first one has no dimensions and is about the
        fleet. The others are about each ``AccountId``, and about the quota of each ``AccountId``
        and ``DestinationRegion``.
    """
    timestamp = int(report.audited_at.timestamp() * 1000)
    lines = [_line(timestamp, {}, _metrics(report.records, report.findings, report.unmanaged))]
    records: defaultdict[str, list[AuditRecord]] = defaultdict(list)
    findings: defaultdict[str, list[Finding]] = defaultdict(list)
    unmanaged: defaultdict[str, list[OtherBackup]] = defaultdict(list)
    for record in report.records:
        records[record.account_id].append(record)
    for finding in report.findings:
        if finding.account_id is not None:
            findings[finding.account_id].append(finding)
    for backup in report.unmanaged:
        unmanaged[backup.account_id].append(backup)
    for account_id in sorted({*report.accounts, *records, *findings, *unmanaged}):
        metrics = _metrics(records[account_id], findings[account_id], unmanaged[account_id])
        lines.append(_line(timestamp, {"AccountId": account_id}, metrics))
    for room in report.headroom:
        dimensions = {"AccountId": room.account_id, "DestinationRegion": room.destination_region}
        metrics = {"QuotaUsed": room.used, "QuotaFree": room.free}
        lines.append(_line(timestamp, dimensions, metrics))
    return "".join(lines)


def _metrics(
    records: Collection[AuditRecord],
    findings: Collection[Finding],
    unmanaged: Collection[OtherBackup],
) -> dict[str, float]:
    states = Counter(record.state for record in records)
    metrics: dict[str, float] = {
        f"Instances{state.title().replace('_', '')}": states[state] for state in STATES
    }
    metrics["Problems"] = sum(record.needs_attention for record in records)
    metrics["Findings"] = len(findings)
    metrics["Unmanaged"] = len(unmanaged)
    lags = [record.lag.total_seconds() for record in records if record.lag is not None]
    if lags:  # a lag of 0 would look as if all were well
        metrics["MaximumLag"] = max(lags)
    return metrics


def _line(timestamp: int, dimensions: Mapping[str, str], metrics: Mapping[str, float]) -> str:
    directive = {
        "Namespace": _NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [
            {"Name": name, "Unit": "Seconds" if name in _SECONDS else "Count"} for name in metrics
        ],
    }
    metadata = {"Timestamp": timestamp, "CloudWatchMetrics": [directive]}
    return json_line({"_aws": metadata, **dimensions, **metrics})
