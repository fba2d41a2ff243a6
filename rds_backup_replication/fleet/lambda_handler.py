"""Handlers for AWS Lambda: an audit, and the division of a large fleet for Step Functions.

Environment variables configure the handlers:

``RDS_BACKUP_REPLICATION_POLICY``
    The policy: a file in the function's package or layer, or ``s3://bucket/key``.
``RDS_BACKUP_REPLICATION_REPORT``
    Where to write the report in JSON: ``s3://bucket/key``, or ``s3://bucket/prefix/`` for a new
    object each time. No report is written if omitted.
``RDS_BACKUP_REPLICATION_REPORT_KMS_KEY_ID``
    The KMS key that encrypts the report; the default encryption of the bucket if omitted.
``RDS_BACKUP_REPLICATION_FAIL_ON_PROBLEMS``
    ``false`` if an invocation must succeed although something needs attention.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, cast
from uuid import uuid4

from ._audit import audit as audit_fleet
from ._credentials import Access
from ._organization import resolve_accounts
from ._policy import Policy
from ._records import AuditReport, Finding
from ._rule_findings import find_rule_problems

__all__ = ["ProblemsFoundError", "audit", "combine", "shards"]

_PREFIX = "RDS_BACKUP_REPLICATION_"
_MARGIN = timedelta(seconds=20)
"""The time that a last request and the report may take after the deadline of the audit."""
_ACCOUNTS_PER_SHARD = 25


class ProblemsFoundError(Exception):
    """Instances or rules need attention; the log of the function has a line for each."""


def audit(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Audit the fleet, or a part of it.

    The handler prints each problem and each finding as a line of JSON, and metrics in the
    embedded metric format of CloudWatch. No request is sent in the last seconds of the function,
    so that the handler can report what is not known by then.

    Args:
        event: May have ``accounts``, the IDs of the accounts to audit; ``policy``, a policy in
            place of the configured one; and ``fail_on_problems``. Other keys, such as those of
            EventBridge, have no effect.
        context: Lambda's context, which knows the remaining time; without one, there is no
            deadline.

    Returns:
        ``accounts``, the number of accounts; ``counts``, the number of instances in each state;
        ``matches``, the number of instances by rule; ``problems`` and ``findings``, their numbers;
        ``not_listed``, the source Regions that could not be listed; and ``report``, where the
        report is.

    Raises:
        ProblemsFoundError: Something needs attention.
        PolicyError: The policy is invalid.
        ValueError: A setting, the event or the function's timeout is invalid.
    """
    accounts = _accounts_of(event)
    policy, deadline, now = _read_policy(event), _deadline(context), datetime.now(timezone.utc)
    report_url = _report_url(now, accounts)
    report = audit_fleet(policy, accounts=accounts, deadline=deadline, now=now)
    _print_report(report)
    if report_url is not None:
        _write_report(report, report_url)
    result = {
        "accounts": len(report.accounts),
        "counts": report.counts,
        "matches": report.matches,
        "problems": len(report.problems),
        "findings": len(report.findings),
        "not_listed": sorted(
            {record.source_region for record in report.records if record.db_instance_arn is None}
        ),
        "report": report_url,
    }
    _raise_for_problems(event, result)
    return result


def shards(event: Mapping[str, Any], context: Any) -> list[dict[str, Any]]:  # noqa: ARG001
    """Divide the fleet's accounts into events for ``audit``.

    A Map state of Step Functions invokes ``audit`` with each event, and then ``combine`` with the
    list of the results. The events have ``fail_on_problems`` off, so that a problem in one part
    does not end the others.

    Args:
        event: May have ``accounts_per_shard``, 25 if omitted, and ``policy``.
        context: Not used.

    Returns:
        The events, ordered by account.

    Raises:
        RuntimeError: The accounts of the organization could not all be listed.
        PolicyError: The policy is invalid.
        ValueError: A setting or the event is invalid.
    """
    size = event.get("accounts_per_shard", _ACCOUNTS_PER_SHARD)
    if not isinstance(size, int) or size < 1:
        raise ValueError(f"the event's accounts_per_shard must be at least 1, not {size!r}")
    policy, findings = resolve_accounts(_read_policy(event), Access(), uuid4().hex)
    if findings:
        raise RuntimeError(" ".join(finding.message for finding in findings))
    shared = {"fail_on_problems": False}
    if "policy" in event:
        shared["policy"] = event["policy"]
    ids = sorted(account.id for account in policy.accounts)
    return [{"accounts": ids[start : start + size], **shared} for start in range(0, len(ids), size)]


def combine(event: Any, context: Any) -> dict[str, Any]:  # noqa: ARG001
    """Add up the results of all parts of a fleet, and check the rules for the whole fleet.

    Args:
        event: The list of the results of ``audit``, or an object with the list in ``results``
            and, if ``shards`` got one, the ``policy``.
        context: Not used.

    Returns:
        As ``audit``, with a list of all reports in ``reports``.

    Raises:
        ProblemsFoundError: Something needs attention.
        PolicyError: The policy is invalid.
        ValueError: A setting or the event is invalid.
    """
    whole: Mapping[str, Any] = {"results": event} if isinstance(event, list) else event
    results: list[dict[str, Any]] = whole.get("results") or []
    if not results:
        raise ValueError("the event must have the results of at least one audit")
    policy, findings = resolve_accounts(_read_policy(whole), Access(), uuid4().hex)
    accounts = sum(result["accounts"] for result in results)
    if accounts < len(policy.accounts):
        findings.append(_missing(len(policy.accounts) - accounts))
    not_listed = sorted({region for result in results for region in result["not_listed"]})
    matches = _add_up(result["matches"] for result in results)
    incomplete = [rule.name for rule in policy.rules if any(map(rule.covers_region, not_listed))]
    findings += find_rule_problems(policy, matches, {}, incomplete)
    for finding in findings:
        _print_line(finding.model_dump_json(exclude_none=True))
    combined = {
        "accounts": accounts,
        "counts": _add_up(result["counts"] for result in results),
        "matches": matches,
        "problems": sum(result["problems"] for result in results),
        "findings": sum(result["findings"] for result in results) + len(findings),
        "not_listed": not_listed,
        "reports": [result["report"] for result in results if result["report"]],
    }
    _raise_for_problems(whole, combined)
    return combined


def _missing(count: int) -> Finding:
    return Finding(
        code="could_not_be_checked",
        message=f"The results lack {count} of the fleet's accounts.",
        remedy="Pass the results of all parts that shards() returned.",
    )


def _accounts_of(event: Mapping[str, Any]) -> list[str] | None:
    accounts: Any = event.get("accounts")
    if accounts is None:
        return None
    if not isinstance(accounts, list) or not accounts:
        raise ValueError("the event's accounts must be a list of at least one account ID")
    return cast("list[str]", accounts)


def _add_up(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return dict(total)


def _setting(name: str) -> str:
    return os.environ.get(f"{_PREFIX}{name}", "").strip()


def _read_policy(event: Mapping[str, Any]) -> Policy:
    if "policy" in event:
        return Policy.from_yaml(json.dumps(event["policy"]), source="the event's policy")
    source = _setting("POLICY")
    if not source:
        raise ValueError(f"{_PREFIX}POLICY must be a policy file or its s3://bucket/key")
    if not source.startswith("s3://"):
        return Policy.from_file(source)
    bucket, key = _parse_s3_url(source, "POLICY")
    body: bytes = _s3_client().get_object(Bucket=bucket, Key=key)["Body"].read()
    return Policy.from_yaml(body.decode("utf-8"), source=source)


def _deadline(context: Any) -> timedelta | None:
    """Return how long the audit may take in the remaining time of the function."""
    if context is None:
        return None
    deadline = timedelta(milliseconds=context.get_remaining_time_in_millis()) - _MARGIN
    if deadline <= timedelta():
        raise ValueError(
            f"the function's timeout must exceed {_MARGIN.seconds} seconds; set it to several "
            "minutes, up to 15"
        )
    return deadline


def _print_report(report: AuditReport) -> None:
    from ._formats.emf import render_emf  # noqa: PLC0415  # only this handler needs it

    for problem in (*report.problems, *report.findings):
        _print_line(problem.model_dump_json(exclude_none=True))
    _print_line(render_emf(report).rstrip("\n"))


def _print_line(line: str) -> None:
    """Print a line, which Lambda sends to CloudWatch Logs."""
    sys.stdout.write(f"{line}\n")


def _report_url(now: datetime, accounts: Sequence[str] | None) -> str | None:
    """Return where to write the report of the audit, or ``None`` if nowhere."""
    url = _setting("REPORT")
    if not url:
        return None
    if url.endswith("/"):
        part = "" if accounts is None else f"-{accounts[0]}"
        url += f"audit-{now:%Y%m%dT%H%M%SZ}{part}.json"
    elif accounts is not None:
        raise ValueError(f"{_PREFIX}REPORT must end in / because each part writes a report")
    _parse_s3_url(url, "REPORT")
    return url


def _write_report(report: AuditReport, url: str) -> None:
    bucket, key = _parse_s3_url(url, "REPORT")
    kms_key_id = _setting("REPORT_KMS_KEY_ID")
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_id}
    _s3_client().put_object(
        Bucket=bucket,
        Key=key,
        Body=report.model_dump_json().encode(),
        ContentType="application/json",
        # S3 encrypts every object; without a key of its own, by the settings of the bucket.
        **(encryption if kms_key_id else {}),
    )


def _parse_s3_url(url: str, name: str) -> tuple[str, str]:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not (url.startswith("s3://") and bucket and key):
        raise ValueError(f"{_PREFIX}{name} must be s3://bucket/key, not {url}")
    return bucket, key


def _s3_client() -> Any:
    import boto3  # noqa: PLC0415  # slow to import, and often not needed
    from botocore.config import Config  # noqa: PLC0415

    session: Any = boto3.Session()  # boto3-stubs types its method by the installed services
    return session.client("s3", config=Config(connect_timeout=5, read_timeout=10))


def _raise_for_problems(event: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    is_failure = event.get("fail_on_problems")
    if is_failure is None:
        setting = _setting("FAIL_ON_PROBLEMS").lower() or "true"
        if setting not in {"true", "false"}:
            raise ValueError(f"{_PREFIX}FAIL_ON_PROBLEMS must be true or false, not {setting}")
        is_failure = setting == "true"
    if is_failure and (result["problems"] or result["findings"]):
        raise ProblemsFoundError(f"the fleet needs attention: {json.dumps(result)}")
