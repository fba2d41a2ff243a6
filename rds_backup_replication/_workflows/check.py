"""``check_replication``: every reason why RDS would refuse a start, without changing anything."""

from collections.abc import Iterator
from typing import Any

from .._arn import parse_arn
from .._botocore.errors import is_transient
from .._context import Context
from .._models import CheckReason, CheckResult, SourceInstance, StartRequest
from .._operations import DESCRIBE_SOURCE_REGIONS
from . import reasons as why
from .kms import compare_keys, describe_key
from .lookup import (
    READ_ERRORS,
    Source,
    find_source_instance,
    list_backups,
    list_backups_by_arn,
    list_replications,
    select_backup,
)


def check_replication(
    context: Context, request: StartRequest, unanswered: list[CheckReason] | None = None
) -> CheckResult:
    """Check the source, the pair of Regions, the destination and the key.

    Unanswered questions that AWS may answer later are added to ``unanswered``, too.
    """
    unanswered = [] if unanswered is None else unanswered
    source_arn, kms_key_id = request.source_db_instance_arn, request.kms_key_id
    arn, region_name = parse_arn(source_arn), context.region_name
    source_region = arn.region if arn else ""
    reasons: list[CheckReason] = []
    instance = _describe_source(context, source_arn, source_region, unanswered)
    if isinstance(instance, CheckReason):
        reasons.append(instance)
    else:
        reasons += _source_reasons(context, source_arn, instance, kms_key_id)
    reasons += _checked(
        f"whether {region_name} accepts backups from {source_region}",
        region_name,
        _region_reasons(context, source_region),
        unanswered,
    )
    source = (
        Source.unchecked(source_arn)
        if isinstance(instance, CheckReason)
        else Source.of(source_arn, instance, region_name)
    )
    reasons += _checked(
        f"whether the source replicates to {region_name} already",
        region_name,
        _destination_reasons(context, source, kms_key_id),
        unanswered,
    )
    if kms_key_id is not None:
        reasons += _key_reasons(context, kms_key_id, unanswered)
    found = tuple(dict.fromkeys(reasons))  # both Regions may report the same replication
    return CheckResult(
        tuple(reason for reason in found if reason.code != "could_not_be_checked"),
        tuple(reason for reason in found if reason.code == "could_not_be_checked"),
    )


def _checked(
    question: str, region_name: str, reasons: Iterator[CheckReason], unanswered: list[CheckReason]
) -> Iterator[CheckReason]:
    try:
        yield from reasons
    except READ_ERRORS as error:
        reason = why.could_not_be_checked(question, error, region_name)
        unanswered += [reason] * is_transient(error)
        yield reason


def _describe_source(
    context: Context, source_arn: str, source_region: str, unanswered: list[CheckReason]
) -> SourceInstance | CheckReason | None:
    """Return the instance, ``None`` if it does not exist, or why that is not known."""
    question = "whether the source can be replicated"
    source_client = context.source_client(source_arn)
    if source_client is None:
        return why.no_client(question, source_region)
    try:
        return find_source_instance(context, source_client, source_arn)
    except READ_ERRORS as error:
        reason = why.could_not_be_checked(question, error, source_region)
        unanswered += [reason] * is_transient(error)
        return reason


def _source_reasons(
    context: Context, source_arn: str, instance: SourceInstance | None, kms_key_id: str | None
) -> Iterator[CheckReason]:
    if instance is None:
        yield why.instance_not_found(source_arn)
        return
    yield from why.instance_reasons(instance, context.region_name, kms_key_id)
    if list_replications(instance, context.region_name):
        yield why.already_replicating(source_arn, context.region_name)


def _region_reasons(context: Context, source_region: str) -> Iterator[CheckReason]:
    if not any(
        row.supports_db_instance_automated_backups_replication
        for row in DESCRIBE_SOURCE_REGIONS.list(context, region_name=source_region)
        if row.region_name in (None, source_region)
    ):
        yield why.region_pair_not_supported(context.region_name, source_region)


def _destination_reasons(
    context: Context, source: Source, kms_key_id: str | None
) -> Iterator[CheckReason]:
    backup = select_backup(list_backups(context, source))
    if backup is not None and backup.is_active:
        yield why.already_replicating(source.arn, context.region_name)
    elif backup is not None and kms_key_id is not None:
        difference = compare_keys(context, kms_key_id, backup.kms_key_id)
        if difference and not difference.uncertainty:
            yield why.retained_with_another_key(backup)
    if source.is_checked and source.dbi_resource_id:
        for other in list_backups_by_arn(context, source.arn):
            if other.is_active and other.dbi_resource_id and not source.owns(other):
                yield why.backup_of_former_instance(other, source.dbi_resource_id)


def _key_reasons(
    context: Context, kms_key_id: str, unanswered: list[CheckReason]
) -> Iterator[CheckReason]:
    question = f"whether the KMS key {kms_key_id} is enabled"
    try:
        key: dict[str, Any] = describe_key(context, kms_key_id)
        yield from why.key_reasons(kms_key_id, key)
    except Exception as error:  # noqa: BLE001  # a response that is not from KMS raises any
        reason = why.key_not_described(question, kms_key_id, error, context.region_name)
        unanswered += [reason] * is_transient(error)
        yield reason
