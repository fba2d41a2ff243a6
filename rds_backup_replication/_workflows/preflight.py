"""What a replacement finds out before its stop: the former settings, and what blocks a start."""

import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._context import Context
from .._models import CheckReason, DBInstanceAutomatedBackup, StartRequest, Tag
from .._models._fields import RESERVED_PREFIXES
from .._operations import START
from ..exceptions import RequestValidationError
from .check import check_replication
from .lookup import Source
from .reasons import key_required

_logger = logging.getLogger("rds_backup_replication")


def former_request(
    context: Context, found: DBInstanceAutomatedBackup, given: Mapping[str, Any], source_arn: str
) -> StartRequest:
    """Return the validated request that starts a replication with the settings of a backup.

    For an active backup, a setting that RDS would refuse is an error, unless the caller gives
    another one. For a retained backup, such a setting is left out.
    """
    tags = list(found.tag_list or ())
    reserved = [tag for tag in tags if is_reserved(tag)]
    if reserved:
        _logger.info(
            "The new replication of %s does not get the tags that AWS reserves: %s",
            *(source_arn, ", ".join(tag.key for tag in reserved)),
        )
    keywords: dict[str, Any] = {
        "source_db_instance_arn": source_arn,
        "backup_retention_period": found.backup_retention_period,
        "kms_key_id": found.kms_key_id,
        "tags": [tag for tag in tags if tag not in reserved],
    }
    try:
        return START.build_request(context.destination, **keywords)
    except RequestValidationError as error:
        errors = [
            replace(invalid, parameter=f"{invalid.parameter} of the existing backup")
            for invalid in error.errors
        ]
    names = {re.split(r"[\[. ]", invalid.parameter)[0] for invalid in errors}
    if found.is_active and not names <= given.keys():
        raise RequestValidationError(START.name, errors)
    _logger.warning(
        "The new replication of %s does not get these settings: %s",
        *(source_arn, "; ".join(map(str, errors))),
    )
    valid = {name: value for name, value in keywords.items() if name not in names}
    return START.build_request(context.destination, **valid)


def is_reserved(tag: Tag) -> bool:
    return any(text.lower().startswith(RESERVED_PREFIXES) for text in (tag.key, tag.value or ""))


def find_blockers(
    context: Context, source: Source, requested: StartRequest, found: DBInstanceAutomatedBackup
) -> tuple[list[CheckReason], list[CheckReason]]:
    """Return why RDS would refuse the start, and the questions that AWS may answer later.

    Both are logged, and the questions that AWS refuses, for example because of an IAM policy.
    """
    unanswered: list[CheckReason] = []
    check = check_replication(context, requested, unanswered)
    blockers = [reason for reason in check.blockers if reason.code != "already_replicating"]
    if source.is_checked:  # the client tells the two instances apart
        blockers = [b for b in blockers if b.code != "backup_of_former_instance"]
    if found.encrypted and requested.kms_key_id is None:
        blockers.append(key_required(context.region_name))
    for reason in (*blockers, *check.unchecked):
        _logger.warning(
            "Before the replacement of the replication of %s: %s %s",
            *(source.arn, reason.message, reason.remedy),
        )
    return blockers, unanswered
