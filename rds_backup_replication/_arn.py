"""The forms of ARNs, Region names, instance identifiers and KMS keys.

No list of Regions or partitions is kept here, so a Region that AWS opens later is valid, too.
"""

import re
from typing import NamedTuple

_PARTITION = r"aws(?:-[a-z]+)*"
_REGION = r"[a-z]{2,}(?:-[a-z]+)+-[0-9]+"

_ARN = re.compile(
    rf"arn:(?P<partition>{_PARTITION}):(?P<service>[a-z0-9-]+):(?P<region>{_REGION})"
    r":(?P<account_id>[0-9]{12}):(?P<resource>\S+)"
)
_REGION_NAME = re.compile(_REGION)
_DB_INSTANCE_IDENTIFIER = re.compile(r"(?=.{1,63}\Z)[A-Za-z](?:-?[A-Za-z0-9])*")
_AUTOMATED_BACKUP_ID = re.compile(r"ab-[A-Za-z0-9]+")
# Not every key ID is a UUID: multi-Region keys begin with mrk-, and AWS's own examples use IDs
# such as AKIAIOSFODNN7EXAMPLE.
_KMS_KEY_ID = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9])*")
# A name that is neither all hexadecimal nor all capitals is more likely an alias without "alias/".
_BARE_KMS_KEY_ID = re.compile(
    r"(?=.*[0-9])(?:(?:mrk-)?[0-9A-Fa-f]+(?:-[0-9A-Fa-f]+)*|[0-9A-Z]+(?:-[0-9A-Z]+)*)"
)
_KMS_ALIAS = re.compile(r"[A-Za-z0-9:/_-]{1,250}")


class Arn(NamedTuple):
    """The parts of an Amazon Resource Name with a Region and an account."""

    partition: str
    service: str
    region: str
    account_id: str
    resource: str
    """Type and ID, joined by ``:`` (RDS) or ``/`` (KMS)."""


class Destination(NamedTuple):
    """The Region that a client sends its requests to, and that keeps the replicated backups."""

    region_name: str
    partition: str


def parse_arn(text: str) -> Arn | None:
    """Return the parts of an ARN, or ``None`` if it lacks a Region or an account."""
    match = _ARN.fullmatch(text)
    return Arn(**match.groupdict()) if match else None


def is_region_name(text: str) -> bool:
    """Return whether a text has the form of a Region name."""
    return _REGION_NAME.fullmatch(text) is not None


def is_db_instance_identifier(text: str) -> bool:
    """Return whether a text has 1 to 63 letters, digits and single inner hyphens."""
    return _DB_INSTANCE_IDENTIFIER.fullmatch(text) is not None


def is_automated_backup_id(text: str) -> bool:
    """Return whether a text has the form ``ab-`` and an ID."""
    return _AUTOMATED_BACKUP_ID.fullmatch(text) is not None


def is_kms_key_id(text: str) -> bool:
    """Return whether a text may be the ID in the ARN of a KMS key."""
    return _KMS_KEY_ID.fullmatch(text) is not None


def is_bare_kms_key_id(text: str) -> bool:
    """Return whether a text alone has the form of a KMS key ID, as opposed to a name."""
    return _BARE_KMS_KEY_ID.fullmatch(text) is not None


def is_kms_alias(text: str) -> bool:
    """Return whether a text has the form of an alias name without ``alias/``."""
    return _KMS_ALIAS.fullmatch(text) is not None
