"""The parameters of each operation, under botocore's names for them.

One class per operation of the `API reference`_; the client builds them from
its methods' keywords.

.. _API reference: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_Operations.html
"""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from ._base import RequestModel, SequenceOf
from ._fields import (
    AutomatedBackupsArn,
    KmsKeyId,
    ListOf,
    NonEmpty,
    OptionalTags,
    PageSize,
    RegionName,
    RetentionDays,
    SourceDBInstanceArn,
    SourceRegionName,
    one_is_given,
    with_message,
)


class Filter(RequestModel, frozen=True):
    """A filter of a listing: records whose property has one of the values."""

    name: NonEmpty
    """``status``, ``db-instance-id`` or ``dbi-resource-id``; case-sensitive."""
    values: Annotated[SequenceOf[NonEmpty], Field(min_length=1)]
    """The values to look for, such as ``active``, ``retained`` and ``creating``."""


class StartDBInstanceAutomatedBackupsReplicationRequest(RequestModel, frozen=True):
    """Parameters of ``StartDBInstanceAutomatedBackupsReplication``."""

    source_db_instance_arn: SourceDBInstanceArn
    """ARN of the DB instance whose automated backups are to be replicated."""
    backup_retention_period: RetentionDays | None = None
    """Days to keep the replicated backups, 1 to 35, whatever the source's own."""
    kms_key_id: KmsKeyId | None = None
    """KMS key in the destination Region; needed if the source is encrypted."""
    pre_signed_url: Annotated[NonEmpty | None, Field(repr=False)] = None
    """A signed request to the source Region; a secret. GovCloud alone reads it."""
    tags: OptionalTags = None
    """Tags of the replicated backup, at most 50."""
    source_region: SourceRegionName | None = None
    """Region of the source; botocore makes a ``pre_signed_url`` from it."""


class StopDBInstanceAutomatedBackupsReplicationRequest(RequestModel, frozen=True):
    """Parameters of ``StopDBInstanceAutomatedBackupsReplication``."""

    source_db_instance_arn: SourceDBInstanceArn
    """ARN of the DB instance whose automated backups are replicated."""


class DescribeDBInstanceAutomatedBackupsRequest(RequestModel, frozen=True):
    """Parameters of ``DescribeDBInstanceAutomatedBackups``."""

    dbi_resource_id: NonEmpty | None = None
    """Resource ID of the source instance, in any capitalization."""
    db_instance_identifier: NonEmpty | None = None
    """Identifier of the source instance, in any capitalization."""
    filters: ListOf[Filter] = None
    """Conditions that a record must all meet."""
    max_records: Annotated[PageSize | None, Field(title="page_size")] = None
    """Records per page, 20 to 100."""
    marker: NonEmpty | None = None
    """Where the page begins, as the one before it said."""
    db_instance_automated_backups_arn: AutomatedBackupsArn | None = None
    """ARN of the automated backups."""


class DeleteDBInstanceAutomatedBackupRequest(RequestModel, frozen=True):
    """Parameters of ``DeleteDBInstanceAutomatedBackup``: exactly one of them."""

    db_instance_automated_backups_arn: AutomatedBackupsArn | None = None
    """ARN of the automated backups."""
    dbi_resource_id: Annotated[
        NonEmpty | None,
        one_is_given("db_instance_automated_backups_arn"),
        Field(validate_default=True),
    ] = None
    """Resource ID of the source instance."""


class DescribeSourceRegionsRequest(RequestModel, frozen=True):
    """Parameters of ``DescribeSourceRegions``."""

    region_name: RegionName | None = None
    """The one source Region to ask about."""
    max_records: PageSize | None = None
    """Records per page, 20 to 100."""
    marker: NonEmpty | None = None
    """Where the page begins, as the one before it said."""
    filters: ListOf[Filter] = None
    """Not supported by RDS yet."""


# Terraform's limit; AWS gives no figure.
WAIT_TIMEOUT = timedelta(minutes=75)
POLL_INTERVAL = timedelta(seconds=30)
_A_YEAR = timedelta(days=365)  # clocks cannot count all that a timedelta can hold


class WaitRequest(RequestModel, frozen=True):
    """What a wait takes."""

    db_instance_automated_backups_arn: AutomatedBackupsArn | None = None
    source_db_instance_arn: Annotated[
        SourceDBInstanceArn | None,
        one_is_given("db_instance_automated_backups_arn"),
        Field(validate_default=True),
    ] = None
    timeout: Annotated[
        timedelta,
        Field(ge=timedelta(0), le=_A_YEAR),
        with_message("must be a timedelta from 0 to 365 days, such as timedelta(hours=2)"),
    ] = WAIT_TIMEOUT
    poll_interval: Annotated[
        timedelta,
        Field(gt=timedelta(0), le=_A_YEAR),
        with_message(
            "must be a timedelta over 0 and up to 365 days, such as timedelta(seconds=30)"
        ),
    ] = POLL_INTERVAL
