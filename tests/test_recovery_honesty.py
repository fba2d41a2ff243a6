"""No part of a recovery says that all is well when it is not."""

from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from botocore.httpsession import URLLib3Session

from rds_backup_replication import DBInstance, DBInstanceAutomatedBackup, RestoreWindow
from rds_backup_replication.fleet._accounts import Account
from rds_backup_replication.fleet._credentials import Access, account_session
from rds_backup_replication.recovery import (
    BookEntry,
    InstanceSettings,
    ReadinessReport,
    RecoveryReport,
    read_book,
    render_readiness_html,
    render_readiness_markdown,
)
from rds_backup_replication.recovery._comparison import Comparison, compare_settings
from rds_backup_replication.recovery._locations import S3Object
from rds_backup_replication.recovery._readiness import Judge
from rds_backup_replication.recovery._readiness_answers import InstanceQuota
from rds_backup_replication.recovery._readiness_groups import CapturedGroups
from rds_backup_replication.recovery._restore_target import (
    RestoreError,
    Target,
    choose_backup,
    find_backup,
    recovery_networks,
)

from .readiness_examples import (
    ENTRY,
    Case,
    entry_with,
    judge,
    judge_one,
    make_answers,
    make_backup,
    make_offer,
    make_subnet_group,
    only_reason,
    window,
)
from .recovery_examples import (
    ACCOUNT,
    CAPTURED_AT,
    DESTINATION,
    SOURCE,
    SOURCE_REGION,
    TARGET,
    make_book,
    make_entry,
)

pytestmark = pytest.mark.once

GROUP = make_subnet_group("private")
HIDDEN_BLOCKERS: list[Case] = [
    (
        "name_not_valid",
        "identifier 1-orders",
        make_entry(target_db_instance_identifier="1-orders"),
        {},
    ),
    ("name_not_valid", "xxx", make_entry(target_db_instance_identifier="x" * 64), {}),
    # The source was upgraded after the capture.
    (
        "parameter_group_differs",
        "of the family postgres16, and the backup has postgres 17.1",
        entry_with(option_group_name=None),
        {"backups": [make_backup(engine_version="17.1")]},
    ),
    (
        "option_group_differs",
        "is for postgres 16, and the backup has postgres 17.1",
        entry_with(db_parameter_group_name=None),
        {"backups": [make_backup(engine_version="17.1")]},
    ),
    (
        "option_group_differs",
        "is for postgres 16, and the backup has postgres 17.1",
        entry_with(db_parameter_group_name=None, option_group_name="default:postgres-16"),
        {"backups": [make_backup(engine_version="17.1")]},
    ),
    (
        "network_type_not_supported",
        "supports IPV4, and not the network type DUAL",
        entry_with(network_type="DUAL"),
        {
            "subnet_groups": {
                "private": GROUP.model_copy(update={"supported_network_types": ["IPV4"]})
            }
        },
    ),
    (
        "could_not_be_checked",
        "does not return its KMS key",
        ENTRY,
        {"backups": [make_backup(encrypted=None, kms_key_id=None)]},
    ),
    (
        "storage_quota_exceeded",
        "is 1000 GiB, of which 99 GiB are free; the restores up to this one need 100 GiB",
        ENTRY,
        {"quota": InstanceQuota(40, 40, 99, 1000)},
    ),
    *(
        (
            "class_not_orderable",
            text,
            entry_with(**settings),
            {"offered": [make_offer("abc", **offer)]},
        )
        for text, settings, offer in (
            ("Performance Insights", {}, {"supports_performance_insights": False}),
            ("IAM authentication", {}, {"supports_iam_database_authentication": False}),
            ("enhanced monitoring", {}, {"supports_enhanced_monitoring": False}),
            (
                "log volume",
                {"dedicated_log_volume": True},
                {"supports_dedicated_log_volume": False},
            ),
            ("16000 IOPS", {"iops": 16000}, {"max_iops_per_db_instance": 12000}),
            ("100 GiB", {}, {"max_storage_size": 99}),
        )
    ),
]


@pytest.mark.parametrize(("code", "text", "entry", "changes"), HIDDEN_BLOCKERS)
def test_restore_that_would_fail(
    code: str, text: str, entry: BookEntry, changes: dict[str, Any]
) -> None:
    """What RDS would refuse, or a recovery, is not restorable."""
    reason = only_reason(entry, **changes)
    assert reason.code == code
    assert text in reason.message
    assert judge_one(entry, **changes).state != "restorable"


@pytest.mark.parametrize(
    ("engine", "family", "version", "fits"),
    [
        ("mysql", "mysql8.0", "8.0.40", True),
        ("mysql", "mysql8.0", "8.4.3", False),
        ("sqlserver-se", "sqlserver-se-15.0", "15.00.4236.7.v1", True),
        ("sqlserver-se", "sqlserver-se-15.0", "16.00.4236.7.v1", False),
        ("mariadb", "mariadb10.6", "10.11.9", False),
        ("oracle-ee", "oracle-ee-cdb-19", "19.0.0.0.ru-2026-10.rur-2026-10.r1", True),
        ("postgres", "postgres9.6", "9.6.24", True),
        ("db2-se", "db2-se-11.5", "11.5.9.0.sb00000000.r1", True),
    ],
)
def test_family_of_a_version(engine: str, family: str, version: str, *, fits: bool) -> None:
    entry = make_entry(
        engine=engine,
        target=InstanceSettings(
            db_instance_class="db.r6g.large",
            db_subnet_group_name="private",
            vpc_security_group_ids=TARGET.vpc_security_group_ids,
            db_parameter_group_name=f"default.{family}",
        ),
        source=SOURCE.model_copy(update={"db_parameter_group_name": f"default.{family}"}),
    )
    reasons = judge_one(entry, backups=[make_backup(entry, engine_version=version)]).reasons
    assert [reason.code for reason in reasons] == ["parameter_group_differs"] * (not fits)


def test_storage_of_all_restores() -> None:
    """Each restore alone may have room, and all together may not."""
    entries = [
        make_entry(db_instance_identifier=name, tier=tier) for name, tier in (("a", 2), ("b", 1))
    ]
    quota = InstanceQuota(40, 40, 150, 1000)
    states = [record.state for record in judge(*entries, quota=quota)]
    assert states == ["not_restorable", "restorable"]
    drilled = judge(*entries, quota=quota, for_drill=True)
    assert {record.state for record in drilled} == {"restorable"}


def test_what_a_restore_loses() -> None:
    """A book lists what no recovery brings back, so a check must not hide it."""
    reason = only_reason(make_entry(not_restored=("the IAM role s3 (s3Import)",)))
    assert (reason.code, reason.is_warning) == ("not_restored", True)
    assert "does not restore the IAM role s3 (s3Import)" in reason.message


@pytest.mark.parametrize(
    "backup",
    [
        make_backup(status="retained"),
        make_backup(restore_window=window(days=20)),
    ],
)
def test_backup_without_replication(backup: DBInstanceAutomatedBackup) -> None:
    """A backup that nothing is added to is not fine only because the policy states no limit."""
    entry = make_entry(rpo=None, maximum_lag=None)
    reason = only_reason(entry, backups=[backup])
    assert (reason.code, reason.is_warning) == ("backup_not_recent", True)


def test_moment_outside_the_backup() -> None:
    """A question that asks for a restore to a moment must not call it restorable anyway."""
    at = CAPTURED_AT - timedelta(days=9)
    long_ago = make_backup(status="retained", restore_window=window(days=5))
    for backups, state in (
        ([make_backup()], "not_restorable"),
        ([make_backup(), long_ago], "restorable"),
    ):
        answers = make_answers(ENTRY, backups=backups)
        chosen = choose_backup(ENTRY, backups, at)
        restores = [answers.restores[0]._replace(backup=chosen)]
        judge_at = Judge(
            *(CapturedGroups.of(make_book()), recovery_networks(()), CAPTURED_AT, CAPTURED_AT),
            for_drill=False,
            at=at,
        )
        (record,) = judge_at.judge(replace(answers, restores=restores))
        assert record.state == state
        assert (record.latest_time == CAPTURED_AT - timedelta(days=5)) is (state == "restorable")


def test_moment_after_a_backup_without_an_earliest_time() -> None:
    window = RestoreWindow(latest_time=CAPTURED_AT)
    target = Target(ENTRY, "orders", TARGET, CAPTURED_AT + timedelta(seconds=1))
    with pytest.raises(RestoreError, match="has all times until 2026-11-24T12:00:00"):
        find_backup([make_backup(restore_window=window)], target)


def test_nothing_is_not_ready() -> None:
    """A book without instances, perhaps because a capture found none, proves nothing."""
    times: Any = {"checked_at": CAPTURED_AT, "book_hash": "", "book_captured_at": CAPTURED_AT}
    assert not ReadinessReport(**times, records=()).is_ready
    assert ReadinessReport(**times, records=(judge_one(),)).is_ready
    assert not RecoveryReport(
        run_id="", book_hash="", begun_at=CAPTURED_AT, instances=()
    ).is_complete


def test_outdated_backup_is_not_ready() -> None:
    """A daily check must not end well as long as the objective for data loss is missed."""
    record = judge_one(backups=[make_backup(restore_window=window(days=20))])
    report = ReadinessReport(
        checked_at=CAPTURED_AT, book_hash="", book_captured_at=CAPTURED_AT, records=(record,)
    )
    assert record.state == "restorable"
    assert not report.is_ready
    assert "Recovery readiness: 1 backup not recent" in render_readiness_markdown(report)
    assert "Not ready: 1 backup not recent." in render_readiness_html(report)


def test_record_of_what_is_not_restored() -> None:
    """The report of a recovery says what people have to add."""
    entry = make_entry(not_restored=("the IAM role s3",))
    target = Target(entry, "orders", TARGET, None)
    assert target.record("done").not_restored == ("the IAM role s3",)


KEY_ID = "0123456789ab"
KEY = f"arn:aws:kms:{DESTINATION}:{ACCOUNT}:key/{KEY_ID}"


def compare(instance: dict[str, Any], **wanted: Any) -> Comparison:
    return compare_settings(
        InstanceSettings(**wanted),
        DBInstance.model_validate({"DBInstanceIdentifier": "orders"} | instance),
    )


@pytest.mark.parametrize("status", ["pending-reboot", "applying", "failed-to-apply"])
def test_parameters_not_in_use(status: str) -> None:
    """A group that has the right name may not be what the instance runs with."""
    group = {"DBParameterGroupName": "orders", "ParameterApplyStatus": status}
    found = compare({"DBParameterGroups": [group]}, db_parameter_group_name="orders")
    assert found.verified == ()
    assert found.differences == {"db_parameter_group_name": f"orders is not in use: {status}"}
    assert not found.names  # ModifyDBInstance does not help
    assert "reboot orders" in found.explain("orders")


def test_options_not_in_use() -> None:
    group = {"OptionGroupName": "orders", "Status": "pending-apply"}
    found = compare({"OptionGroupMemberships": [group]}, option_group_name="orders")
    assert found.differences == {"option_group_name": "orders is not in use: pending-apply"}


def test_groups_in_use() -> None:
    """RDS stores the names of groups in lower case."""
    shown = {
        "DBParameterGroups": [
            {"DBParameterGroupName": "orders", "ParameterApplyStatus": "in-sync"}
        ],
        "OptionGroupMemberships": [{"OptionGroupName": "orders", "Status": "in-sync"}],
        "DBSubnetGroup": {"DBSubnetGroupName": "private"},
    }
    wanted = {
        "db_parameter_group_name": "Orders",
        "db_subnet_group_name": "Private",
        "option_group_name": "ORDERS",
    }
    found = compare(shown, **wanted)
    assert not found.differences
    assert set(found.verified) == wanted.keys()


@pytest.mark.parametrize(
    ("wanted", "result"),
    [
        (KEY, "verified"),
        (KEY_ID, "verified"),
        ("another-key", "different"),
        ("alias/insights", "unknown"),
        (f"arn:aws:kms:{DESTINATION}:{ACCOUNT}:alias/insights", "unknown"),
    ],
)
def test_key_comparison(wanted: str, result: str) -> None:
    """RDS shows the ARN of a key. An alias proves nothing, so it is never verified."""
    found = compare({"PerformanceInsightsKMSKeyId": KEY}, performance_insights_kms_key_id=wanted)
    assert bool(found.differences) is (result == "different")
    assert bool(found.verified) is (result == "verified")


PROFILE = """
[default]
region = us-west-2
role_arn = arn:aws:iam::111111111111:role/hub
source_profile = base
[profile base]
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key = secret
"""


def test_no_request_to_the_lost_region(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The caller's own role is assumed in the destination, whatever the default Region is."""
    asked: list[str] = []

    def send(_: Any, request: Any) -> None:
        asked.append(request.url)
        raise ConnectTimeoutError(endpoint_url=request.url)

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, SOURCE_REGION)
    (tmp_path / "config").write_text(PROFILE)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(URLLib3Session, "send", send)
    account = Account(id=ACCOUNT, role_arn=f"arn:aws:iam::{ACCOUNT}:role/recovery")
    session = account_session(account, Access(), tmp_path.name, DESTINATION)
    credentials: Any = session.get_credentials()
    with pytest.raises(ConnectTimeoutError):
        credentials.get_frozen_credentials()
    assert asked == [f"https://sts.{DESTINATION}.amazonaws.com/"]


def test_book_in_a_region_that_is_being_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that S3 is not available is no reason to do without the book."""
    book = make_book()
    asked: list[str | None] = []

    class Bucket:
        def __init__(self, region_name: str | None) -> None:
            self.region_name = region_name

        def get_object(self, **_: str) -> dict[str, Any]:
            asked.append(self.region_name)
            if self.region_name is None:
                facts: Any = {"Error": {"Code": "503"}, "ResponseMetadata": {"HTTPStatusCode": 503}}
                raise ClientError(facts, "GetObject")
            return {"Body": BytesIO(book.to_json().encode()), "ETag": ""}

    monkeypatch.setenv("AWS_DEFAULT_REGION", SOURCE_REGION)

    def create(_: S3Object, region_name: str | None) -> Bucket:
        return Bucket(region_name)

    monkeypatch.setattr(S3Object, "create_client", create)
    assert read_book("s3://books/dr") == book
    assert asked == [None, "aws-global"]
