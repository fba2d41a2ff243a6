"""An audit as metrics for Prometheus, in the text format of node_exporter's textfile collector."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple, get_args

from .._records import AuditRecord, AuditReport, Finding
from .._wording import STATES, display_name

Labels = tuple[tuple[str, str], ...]
_FINDING_CODES: tuple[str, ...] = get_args(Finding.model_fields["code"].annotation)


class _Metric(NamedTuple):
    """A gauge: its name without the prefix, its help, and the value of each series."""

    name: str
    help: str
    series: dict[Labels, float]


def render_prometheus(report: AuditReport) -> str:
    """Render a report as gauges in Prometheus's text format.

    Args:
        report: The report of an audit.

    Returns:
        The text, to be written in UTF-8 to a ``.prom`` file. Write another file and rename it,
        so that node_exporter never reads half of one.
    """
    return "".join(line for metric in _metrics(report) for line in _lines(metric))


def _metrics(report: AuditReport) -> Iterator[_Metric]:
    states = Counter(record.state for record in report.records)
    yield _Metric(
        "instances",
        "Instances in each state.",
        {(("state", state),): states[state] for state in STATES},
    )
    by_account = Counter((record.account_id, record.state) for record in report.records)
    yield _Metric(
        "account_instances",
        "Instances of an account in each state that occurs.",
        {(("account_id", id_), ("state", state)): n for (id_, state), n in by_account.items()},
    )
    lags, latest, retentions = _backups(report.records)
    yield _Metric(
        "lag_seconds", "Time of the audit minus the latest time that can be restored.", lags
    )
    yield _Metric(
        "latest_restorable_timestamp_seconds",
        "Latest time that can be restored in the destination.",
        latest,
    )
    yield _Metric("retention_days", "Days that RDS keeps the backup's copies.", retentions)
    yield _count("problems", "Instances that need attention.", report.problems)
    accepted = tuple(record for record in report.records if record.accepted_until is not None)
    yield _count("accepted", "Instances with a problem that the policy accepts.", accepted)
    codes = Counter[str](finding.code for finding in report.findings)
    yield _Metric(
        "findings",
        "Findings about rules and about the audit itself.",
        {(("code", code),): codes[code] for code in _FINDING_CODES},
    )
    quotas = {
        (("account_id", room.account_id), ("destination_region", room.destination_region)): room
        for room in report.headroom
    }
    yield _Metric(
        "quota_used",
        "Active replications to the destination Region.",
        {labels: room.used for labels, room in quotas.items()},
    )
    yield _Metric(
        "quota_limit",
        "Backups that RDS replicates to the destination Region, by the policy.",
        {labels: room.quota for labels, room in quotas.items()},
    )
    yield _count("unmanaged", "Active replications that no rule asks for.", report.unmanaged)
    yield _count("retained", "Retained backups that no record shows.", report.retained)
    yield _Metric(
        "rule_instances",
        "Instances that the rule applies to.",
        {(("rule", rule),): matches for rule, matches in report.matches.items()},
    )
    yield _Metric(
        "audit_timestamp_seconds", "Time when the audit began.", {(): report.audited_at.timestamp()}
    )


def _count(name: str, help_: str, found: tuple[object, ...]) -> _Metric:
    return _Metric(name, help_, {(): len(found)})


def _backups(
    records: Iterable[AuditRecord],
) -> tuple[dict[Labels, float], dict[Labels, float], dict[Labels, float]]:
    """Return the lags, the latest restorable times and the retentions.

    Only the worst of several records with the same labels counts, because Prometheus rejects a
    file with a repeated series.
    """
    lags: dict[Labels, float] = {}
    latest: dict[Labels, float] = {}
    retentions: dict[Labels, float] = {}
    for record in records:
        labels = (
            ("account_id", record.account_id),
            ("source_region", record.source_region),
            ("destination_region", record.destination_region or ""),
            ("db_instance_identifier", display_name(record)),
        )
        if record.lag is not None:
            lag = record.lag.total_seconds()
            lags[labels] = max(lags.get(labels, lag), lag)
        if record.latest_time is not None:
            time = record.latest_time.timestamp()
            latest[labels] = min(latest.get(labels, time), time)
        if (days := record.backup_retention_period) is not None:
            retentions[labels] = min(retentions.get(labels, days), days)
    return lags, latest, retentions


def _lines(metric: _Metric) -> Iterator[str]:
    name = f"rds_backup_replication_{metric.name}"
    yield f"# HELP {name} {metric.help}\n# TYPE {name} gauge\n"
    for labels, value in metric.series.items():
        inner = ",".join(f'{label}="{_escape(text)}"' for label, text in labels)
        yield f"{name}{f'{{{inner}}}' if inner else ''} {value}\n"


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
