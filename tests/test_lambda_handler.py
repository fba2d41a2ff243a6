"""Tests of the handlers for AWS Lambda."""

import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rds_backup_replication.exceptions import PolicyError
from rds_backup_replication.fleet import AuditRecord, AuditReport, Finding, Policy, lambda_handler
from rds_backup_replication.fleet._records import State
from rds_backup_replication.sandbox import Sandbox

pytestmark = pytest.mark.once

ACCOUNT = "123456789012"
POLICY: dict[str, Any] = {
    "accounts": [
        {"id": ACCOUNT},
        *(
            {"id": f"{number:012}", "role_arn": f"arn:aws:iam::{number:012}:role/audit"}
            for number in (3, 2, 1)
        ),
    ],
    "rules": [
        {"name": "all", "source_regions": ["us-west-2"], "destination_region": "us-east-1"},
        {
            "name": "more",
            "source_regions": ["eu-west-1"],
            "destination_region": "us-east-1",
            "minimum_instances": 3,
        },
    ],
}
NOON = datetime(2026, 1, 18, 12, tzinfo=timezone.utc)
FINDING = Finding(code="rule_matches_nothing", message="It matches nothing.", remedy="Check it.")


class LambdaContext:
    """The part of Lambda's context that the handler uses."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds * 1000)


class Audits:
    """An audit that returns a given report, and keeps its arguments."""

    def __init__(self) -> None:
        self.report = report("protected")
        self.arguments: dict[str, Any] = {}

    def __call__(self, policy: Policy, **arguments: Any) -> AuditReport:
        self.arguments = {"policy": policy, **arguments}
        return self.report


class S3:
    """A client of S3 that keeps objects."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    def put_object(self, **request: Any) -> None:
        self.requests.append(request)


def report(*states: State, findings: tuple[Finding, ...] = ()) -> AuditReport:
    records = [
        AuditRecord(
            account_id=ACCOUNT,
            source_region="us-west-2",
            db_instance_arn=None if state == "unknown" else f"arn:{number}",
            state=state,
        )
        for number, state in enumerate(states)
    ]
    return AuditReport(
        audited_at=NOON,
        accounts=(ACCOUNT,),
        records=tuple(records),
        findings=findings,
        matches={"all": len(states)},
    )


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set the policy, and replace the metrics, which have tests of their own."""
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(POLICY), encoding="utf-8")
    for name in ("REPORT", "REPORT_KMS_KEY_ID", "FAIL_ON_PROBLEMS"):
        monkeypatch.delenv(f"RDS_BACKUP_REPLICATION_{name}", raising=False)
    monkeypatch.setenv("RDS_BACKUP_REPLICATION_POLICY", str(path))
    module: Any = ModuleType("emf")

    def render_emf(found: AuditReport) -> str:
        return json.dumps({"metrics": found.counts}) + "\n"

    module.render_emf = render_emf
    monkeypatch.setitem(sys.modules, "rds_backup_replication.fleet._formats.emf", module)


@pytest.fixture
def audits(monkeypatch: pytest.MonkeyPatch) -> Audits:
    audits = Audits()
    monkeypatch.setattr(lambda_handler, "audit_fleet", audits)
    return audits


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> S3:
    s3 = S3()
    monkeypatch.setattr(lambda_handler, "_s3_client", lambda: s3)
    return s3


def lines(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_audit_of_healthy_fleet(audits: Audits, capsys: pytest.CaptureFixture[str]) -> None:
    result = lambda_handler.audit({"detail-type": "Scheduled Event", "account": "1"}, None)
    assert result == {
        "accounts": 1,
        "counts": {"protected": 1},
        "matches": {"all": 1},
        "problems": 0,
        "findings": 0,
        "not_listed": [],
        "report": None,
    }
    assert json.loads(json.dumps(result)) == result
    assert lines(capsys) == [{"metrics": {"protected": 1}}]
    assert audits.arguments["accounts"] is None
    assert audits.arguments["deadline"] is None
    assert audits.arguments["policy"] == Policy.from_yaml(json.dumps(POLICY))


def test_audit_prints_problems_and_fails(
    audits: Audits, capsys: pytest.CaptureFixture[str]
) -> None:
    audits.report = report("protected", "lagging", "unknown", findings=(FINDING,))
    with pytest.raises(lambda_handler.ProblemsFoundError, match='"problems": 2, "findings": 1'):
        lambda_handler.audit({}, None)
    lagging, unknown, finding, metrics = lines(capsys)
    assert lagging["db_instance_arn"] == "arn:1"
    assert unknown["state"] == "unknown"
    assert finding["message"] == "It matches nothing."
    assert metrics == {"metrics": {"protected": 1, "lagging": 1, "unknown": 1}}


def test_audit_fails_for_findings_alone(audits: Audits) -> None:
    audits.report = report("protected", findings=(FINDING,))
    with pytest.raises(lambda_handler.ProblemsFoundError):
        lambda_handler.audit({}, None)


def test_failing_can_be_switched_off(audits: Audits, monkeypatch: pytest.MonkeyPatch) -> None:
    audits.report = report("unknown")
    name = "RDS_BACKUP_REPLICATION_FAIL_ON_PROBLEMS"
    assert lambda_handler.audit({"fail_on_problems": False}, None)["not_listed"] == ["us-west-2"]
    monkeypatch.setenv(name, "False")
    assert lambda_handler.audit({}, None)["problems"] == 1
    with pytest.raises(lambda_handler.ProblemsFoundError):
        lambda_handler.audit({"fail_on_problems": True}, None)
    monkeypatch.setenv(name, "no")
    with pytest.raises(ValueError, match="must be true or false, not no"):
        lambda_handler.audit({}, None)


def test_deadline_leaves_time_for_report(audits: Audits) -> None:
    lambda_handler.audit({}, LambdaContext(900))
    assert audits.arguments["deadline"] == timedelta(seconds=880)
    with pytest.raises(ValueError, match="the function's timeout must exceed 20 seconds"):
        lambda_handler.audit({}, LambdaContext(20))


def test_event_names_accounts_and_policy(audits: Audits) -> None:
    event = {"accounts": ["000000000001"], "policy": {**POLICY, "replication_quota": 7}}
    lambda_handler.audit(event, None)
    assert audits.arguments["accounts"] == ["000000000001"]
    assert audits.arguments["policy"].replication_quota == 7


@pytest.mark.parametrize("accounts", [[], "000000000001", {}])
def test_audit_of_no_accounts_is_refused(audits: Audits, accounts: object) -> None:
    """An audit of nothing would be healthy."""
    with pytest.raises(ValueError, match="a list of at least one account ID"):
        lambda_handler.audit({"accounts": accounts}, None)
    assert not audits.arguments


def test_policy_is_required_and_valid(audits: Audits, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PolicyError, match="the event's policy"):
        lambda_handler.audit({"policy": {"rules": []}}, None)
    monkeypatch.delenv("RDS_BACKUP_REPLICATION_POLICY")
    with pytest.raises(ValueError, match="RDS_BACKUP_REPLICATION_POLICY must be a policy file"):
        lambda_handler.audit({}, None)
    monkeypatch.setenv("RDS_BACKUP_REPLICATION_POLICY", "s3://bucket")
    with pytest.raises(ValueError, match="must be s3://bucket/key, not s3://bucket"):
        lambda_handler.audit({}, None)
    assert not audits.arguments


def test_report_is_written_in_spite_of_problems(
    audits: Audits, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    audits.report = report("lagging")
    monkeypatch.setenv("RDS_BACKUP_REPLICATION_REPORT", "s3://reports/fleet/latest.json")
    with pytest.raises(lambda_handler.ProblemsFoundError, match=r"s3://reports/fleet/latest\.json"):
        lambda_handler.audit({}, None)
    (request,) = s3.requests
    assert AuditReport.model_validate_json(request.pop("Body")) == audits.report
    assert request == {
        "Bucket": "reports",
        "Key": "fleet/latest.json",
        "ContentType": "application/json",
    }


@pytest.mark.usefixtures("audits")
def test_reports_of_parts_have_their_own_keys(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RDS_BACKUP_REPLICATION_REPORT", "s3://reports/fleet/")
    monkeypatch.setenv("RDS_BACKUP_REPLICATION_REPORT_KMS_KEY_ID", "alias/reports")
    urls = [
        lambda_handler.audit(event, None)["report"]
        for event in ({}, {"accounts": ["000000000001"]}, {"accounts": ["000000000002"]})
    ]
    assert [request["Key"] for request in s3.requests] == [
        url.removeprefix("s3://reports/") for url in urls
    ]
    assert urls[0].startswith("s3://reports/fleet/audit-20")
    assert [url[-18:] for url in urls[1:]] == ["-000000000001.json", "-000000000002.json"]
    assert s3.requests[0]["ServerSideEncryption"] == "aws:kms"
    assert s3.requests[0]["SSEKMSKeyId"] == "alias/reports"


@pytest.mark.parametrize("url", ["reports/fleet/", "s3://reports", "s3:///key"])
def test_invalid_report_url_fails_first(
    audits: Audits, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("RDS_BACKUP_REPLICATION_REPORT", url)
    with pytest.raises(ValueError, match="REPORT must be s3://bucket/key"):
        lambda_handler.audit({}, None)
    monkeypatch.setenv("RDS_BACKUP_REPLICATION_REPORT", "s3://reports/latest.json")
    with pytest.raises(ValueError, match="REPORT must end in / because each part"):
        lambda_handler.audit({"accounts": [ACCOUNT]}, None)
    assert not audits.arguments


def test_shards_of_accounts() -> None:
    ids = ["000000000001", "000000000002", "000000000003", ACCOUNT]
    assert lambda_handler.shards({}, None) == [{"accounts": ids, "fail_on_problems": False}]
    events = lambda_handler.shards({"accounts_per_shard": 3, "policy": POLICY}, None)
    assert events == [
        {"accounts": part, "fail_on_problems": False, "policy": POLICY}
        for part in (ids[:3], ids[3:])
    ]
    with pytest.raises(ValueError, match="accounts_per_shard must be at least 1, not 0"):
        lambda_handler.shards({"accounts_per_shard": 0}, None)


def test_shards_without_all_accounts_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that was not listed would not be audited by any shard."""

    def resolve(policy: Policy, *_: object) -> tuple[Policy, list[Finding]]:
        return policy, [FINDING]

    monkeypatch.setattr(lambda_handler, "resolve_accounts", resolve)
    with pytest.raises(RuntimeError, match="It matches nothing"):
        lambda_handler.shards({}, None)


def result(*, problems: int = 0, more: int = 0, not_listed: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "accounts": 2,
        "counts": {"protected": 5, "lagging": problems},
        "matches": {"all": 5 - more, "more": more},
        "problems": problems,
        "findings": 0,
        "not_listed": list(not_listed),
        "report": f"s3://reports/{more}.json",
    }


def test_combined_results_are_healthy() -> None:
    """No part has three instances of the second rule, but all parts together have."""
    assert lambda_handler.combine([result(more=1), result(more=2)], None) == {
        "accounts": 4,
        "counts": {"protected": 10, "lagging": 0},
        "matches": {"all": 7, "more": 3},
        "problems": 0,
        "findings": 0,
        "not_listed": [],
        "reports": ["s3://reports/1.json", "s3://reports/2.json"],
    }


def test_combine_fails_for_problems_of_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    results = [result(more=3), result(problems=2)]
    with pytest.raises(lambda_handler.ProblemsFoundError, match='"problems": 2'):
        lambda_handler.combine(results, None)
    monkeypatch.setenv("RDS_BACKUP_REPLICATION_FAIL_ON_PROBLEMS", "false")
    assert lambda_handler.combine(results, None)["problems"] == 2


def test_combine_checks_rules(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(lambda_handler.ProblemsFoundError, match='"findings": 1'):
        lambda_handler.combine([result(more=1), result(more=1)], None)
    assert lines(capsys)[0]["code"] == "too_few_instances"
    # A Region that could not be listed may have the missing instances.
    unlisted = {"results": [result(more=1), result(not_listed=("eu-west-1",))]}
    assert lambda_handler.combine(unlisted, None)["findings"] == 0


@pytest.mark.parametrize("event", [[], {}, {"results": []}])
def test_combine_of_nothing_is_refused(event: object) -> None:
    with pytest.raises(ValueError, match="the results of at least one audit"):
        lambda_handler.combine(event, None)


def test_handlers_on_sandbox(rds_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy comes from S3, and the parts of the fleet are audited and combined."""
    rds_sandbox.create_db_instance("us-west-2")
    s3: Any = rds_sandbox.boto3_client("s3", "us-east-1")
    s3.create_bucket(Bucket="backups")
    policy = {**POLICY, "rules": POLICY["rules"][:1]}
    s3.put_object(Bucket="backups", Key="policy.yaml", Body=json.dumps(policy).encode())
    monkeypatch.setenv("RDS_BACKUP_REPLICATION_POLICY", "s3://backups/policy.yaml")
    monkeypatch.setenv("RDS_BACKUP_REPLICATION_REPORT", "s3://backups/reports/")
    results = [
        lambda_handler.audit(event, LambdaContext(300))
        for event in lambda_handler.shards({"accounts_per_shard": 2}, None)
    ]
    with pytest.raises(lambda_handler.ProblemsFoundError, match='"unprotected": 1'):
        lambda_handler.combine(results, None)
    stored = s3.list_objects_v2(Bucket="backups", Prefix="reports/")["Contents"]
    assert [f"s3://backups/{each['Key']}" for each in stored] == [
        result["report"] for result in results
    ]
