"""Audit reports, and a parser of their HTML pages, for the tests of the report."""

from datetime import date, datetime, timedelta, timezone
from html.parser import HTMLParser
from typing import Any, get_args

from rds_backup_replication.fleet import AuditRecord, AuditReport, FleetReason, Rule
from rds_backup_replication.fleet._records import (
    Comparison,
    Finding,
    Headroom,
    MatchChange,
    OtherBackup,
    State,
    StateChange,
)

NOW = datetime(2026, 11, 24, 18, 20, 31, tzinfo=timezone.utc)


STATES: tuple[State, ...] = get_args(State)


HOSTILE = (
    "<script>window.owned = 1</script>",
    "</script><script>window.owned = 1</script>",
    "</style><img src=x onerror='window.owned = 1'>",
    '"><a href="javascript:window.owned = 1" autofocus onfocus=\'window.owned = 1\'>',
    "<!-- <svg onload=window.owned=1> ]]> &lt;b&gt; \x00 \u202egnp",
)


VOID = {"meta"}


class Page(HTMLParser):
    """The parsed page: its elements in order, and the texts of each kind of element."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open[-1]][-1] += data

    @property
    def text(self) -> str:
        return "\n".join(
            text for tag in self.texts if tag not in ("style", "script") for text in self.texts[tag]
        )


def make_record(number: int = 1, state: State = "protected", **fields: Any) -> AuditRecord:
    identifier = f"orders-{number}"
    given: dict[str, Any] = {
        "account_id": "123456789012",
        "source_region": "us-west-2",
        "destination_region": "us-east-1",
        "db_instance_arn": f"arn:aws:rds:us-west-2:123456789012:db:{identifier}",
        "db_instance_identifier": identifier,
        "engine": "postgres",
        "rule": "production",
        "state": state,
        **fields,
    }
    return AuditRecord(**given)


def lagging_by(lag: timedelta, number: int = 1, state: State = "protected") -> AuditRecord:
    return make_record(
        number,
        state,
        latest_time=NOW - lag,
        earliest_time=NOW - lag - timedelta(days=7),
        lag=lag,
        maximum_lag=timedelta(hours=1),
    )


def make_report(*records: AuditRecord, **fields: Any) -> AuditReport:
    return AuditReport(audited_at=NOW, records=records, **fields)


def make_reason(message: str, remedy: str) -> FleetReason:
    return FleetReason(code="could_not_be_checked", message=message, remedy=remedy)


NOT_LISTED = AuditRecord(
    account_id="210987654321",
    source_region="eu-west-1",
    state="unknown",
    reasons=(make_reason("AccessDenied: not allowed.", "Allow rds:DescribeDBInstances."),),
)


FLEET = make_report(
    *(
        lagging_by(timedelta(minutes=lag), number, "lagging" if lag > 60 else "protected")
        for number, lag in ((1, 5), (2, 185), (10, 59), (9, 2900))
    ),
    *(make_record(20 + number, state) for number, state in enumerate(STATES)),
    *(
        make_record(30 + number, "unprotected", engine=text, rule=text, db_instance_identifier=text)
        for number, text in enumerate(HOSTILE)
    ),
    NOT_LISTED,
)


def make_change(number: int, before: State | None, after: State | None) -> StateChange:
    record = make_record(number)
    return StateChange(
        account_id=record.account_id,
        source_region=record.source_region,
        destination_region=record.destination_region,
        db_instance_arn=record.db_instance_arn,
        before=before,
        after=after,
    )


def make_backup(number: int = 1, **fields: Any) -> OtherBackup:
    given: dict[str, Any] = {
        "kind": "unmanaged",
        "account_id": "123456789012",
        "source_region": "us-west-2",
        "destination_region": "ap-southeast-2",
        "db_instance_arn": f"arn:aws:rds:us-west-2:123456789012:db:gone-{number}",
        "db_instance_automated_backups_arn": (
            f"arn:aws:rds:ap-southeast-2:123456789012:auto-backup:ab-{number:026d}"
        ),
        "backup_status": "replicating",
        "earliest_time": NOW - timedelta(days=7),
        "latest_time": NOW - timedelta(minutes=4),
        "backup_retention_period": 7,
        "message": "No rule replicates the instance to this Region.",
        **fields,
    }
    return OtherBackup(**given)


def make_finding(rule: str, matches: str = "no instance") -> Finding:
    return Finding(
        code="rule_matches_nothing",
        rule=rule,
        message=f"Rule {rule} matches {matches}.",
        remedy="Remove the rule, or correct its conditions.",
    )


SURVIVOR = make_record(
    70,
    "unknown",
    account_id=NOT_LISTED.account_id,
    source_region=NOT_LISTED.source_region,
    db_instance_identifier=None,
    db_instance_arn="arn:aws:rds:eu-west-1:210987654321:db:ledger",
    db_instance_automated_backups_arn=(
        "arn:aws:rds:us-east-1:210987654321:auto-backup:ab-l2ijcexjp7xq7hoj4siexample"
    ),
    earliest_time=NOW - timedelta(days=7),
    latest_time=NOW - timedelta(minutes=9),
    lag=timedelta(minutes=9),
)


FULL = FLEET.model_copy(
    update={
        "accounts": ("123456789012", "210987654321"),
        "rules": (
            Rule(
                name="production",
                source_regions=("us-west-2", "eu-west-1"),
                destination_region="us-east-1",
            ),
        ),
        "records": (
            *FLEET.records,
            SURVIVOR,
            *(
                make_record(
                    80 + number,
                    "unprotected",
                    engine="aurora-postgresql",
                    accepted_until=date(2027, 1, 31),
                    accepted_reason="Aurora has its own copies.",
                )
                for number in range(2)
            ),
            make_record(90, "starting", first_seen=NOW - timedelta(hours=49)),
        ),
        "findings": (make_finding("old-warehouse"), make_finding("analytics")),
        "unmanaged": (make_backup(1), make_backup(2)),
        "retained": (make_backup(3, kind="retained", backup_status="retained"),),
        "headroom": (
            Headroom(
                account_id="123456789012", destination_region="ap-southeast-2", quota=20, used=3
            ),
            Headroom(account_id="123456789012", destination_region="us-east-1", quota=20, used=20),
        ),
        "matches": {"production": 12},
        "comparison": Comparison(
            audited_at=NOW - timedelta(days=1),
            changes=(
                make_change(1, "lagging", "protected"),
                make_change(21, None, "starting"),
                make_change(26, "protected", "unprotected"),
                make_change(99, "protected", None),
            ),
            matches=(MatchChange(rule="production", before=15, after=12),),
        ),
    }
)
"""A report with every section."""
