"""The parameters of each operation, under botocore's names.

Each operation of the API reference has one class. The client builds its instances from the
keywords of its methods.
See https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_Operations.html
"""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from .._limits import MAX_WAIT, POLL_INTERVAL, WAIT_TIMEOUT
from ._base import RequestModel, SequenceOf
from ._fields import (
    AutomatedBackupsArn,
    Identifier,
    KmsKeyId,
    ListOf,
    NonEmpty,
    OptionalSourceRegion,
    OptionalTags,
    PageSize,
    PreSignedUrl,
    RegionName,
    RetentionDays,
    SourceDBInstanceArn,
    one_is_given,
    with_message,
)


class Filter(RequestModel, frozen=True):
    """A filter of a listing: it selects the records whose property has one of the values."""

    name: NonEmpty
    """``status``, ``db-instance-id`` or ``dbi-resource-id``; case-sensitive."""
    values: Annotated[SequenceOf[NonEmpty], Field(min_length=1)]
    """The values to look for, such as ``active``, ``retained`` and ``creating``."""


class StartDBInstanceAutomatedBackupsReplicationRequest(RequestModel, frozen=True):
    """Parameters of ``StartDBInstanceAutomatedBackupsReplication``."""

    source_db_instance_arn: SourceDBInstanceArn
    """ARN of the DB instance whose automated backups RDS will replicate."""
    backup_retention_period: RetentionDays | None = None
    """Days to keep the replicated backups, 1 to 35, independent of the source's setting."""
    kms_key_id: KmsKeyId | None = None
    """KMS key in the destination Region; required if the source is encrypted."""
    pre_signed_url: Annotated[PreSignedUrl | None, Field(repr=False)] = None
    """A signed request to the source Region; a secret. Only GovCloud needs one."""
    tags: OptionalTags = None
    """Tags for the replicated backup, at most 50."""
    source_region: Annotated[OptionalSourceRegion, Field(validate_default=True)] = None
    """Region of the source, for a ``pre_signed_url``; the default in GovCloud is the ARN's."""


StartRequest = StartDBInstanceAutomatedBackupsReplicationRequest


class StopDBInstanceAutomatedBackupsReplicationRequest(RequestModel, frozen=True):
    """Parameters of ``StopDBInstanceAutomatedBackupsReplication``."""

    source_db_instance_arn: SourceDBInstanceArn
    """ARN of the DB instance whose automated backups are replicated."""


StopRequest = StopDBInstanceAutomatedBackupsReplicationRequest


class DescribeDBInstanceAutomatedBackupsRequest(RequestModel, frozen=True):
    """Parameters of ``DescribeDBInstanceAutomatedBackups``."""

    dbi_resource_id: Identifier | None = None
    """Resource ID of the source instance, in any capitalization."""
    db_instance_identifier: Identifier | None = None
    """Identifier of the source instance, in any capitalization."""
    filters: ListOf[Filter] = None
    """Filters; a record must match all of them."""
    max_records: Annotated[PageSize | None, Field(title="page_size")] = None
    """Records per page, 20 to 100."""
    marker: NonEmpty | None = None
    """Start of the page: the marker from the response with the previous page."""
    db_instance_automated_backups_arn: AutomatedBackupsArn | None = None
    """ARN of the automated backups."""


class DeleteDBInstanceAutomatedBackupRequest(RequestModel, frozen=True):
    """Parameters of ``DeleteDBInstanceAutomatedBackup``: exactly one of them."""

    db_instance_automated_backups_arn: AutomatedBackupsArn | None = None
    """ARN of the automated backups."""
    dbi_resource_id: Annotated[
        Identifier | None,
        one_is_given("db_instance_automated_backups_arn"),
        Field(validate_default=True),
    ] = None
    """Resource ID of the source instance."""


class DescribeSourceRegionsRequest(RequestModel, frozen=True):
    """Parameters of ``DescribeSourceRegions``."""

    region_name: RegionName | None = None
    """Name of a source Region; all if omitted."""
    max_records: PageSize | None = None
    """Records per page, 20 to 100."""
    marker: NonEmpty | None = None
    """Start of the page: the marker from the response with the previous page."""
    filters: ListOf[Filter] = None
    """Filters, which RDS does not support yet."""


class FindRequest(RequestModel, frozen=True):
    """Parameters of a lookup, which is not an operation of RDS."""

    source_db_instance_arn: SourceDBInstanceArn
    dbi_resource_id: Identifier | None = None


_Timeout = Annotated[
    timedelta,
    Field(ge=timedelta(0), le=MAX_WAIT),
    with_message("must be a timedelta from 0 to 365 days, such as timedelta(hours=2)"),
]
_PollInterval = Annotated[
    timedelta,
    Field(gt=timedelta(0), le=MAX_WAIT),
    with_message("must be a timedelta over 0 and up to 365 days, such as timedelta(seconds=30)"),
]


class WaitRequest(RequestModel, frozen=True):
    """Parameters of a wait, which is not an operation of RDS."""

    db_instance_automated_backups_arn: AutomatedBackupsArn | None = None
    source_db_instance_arn: Annotated[
        SourceDBInstanceArn | None,
        one_is_given("db_instance_automated_backups_arn"),
        Field(validate_default=True),
    ] = None
    timeout: _Timeout = WAIT_TIMEOUT
    poll_interval: _PollInterval = POLL_INTERVAL


class ReplaceRequest(StartRequest, frozen=True):
    """Parameters of a replacement, which is not an operation of RDS."""

    timeout: _Timeout = WAIT_TIMEOUT
    poll_interval: _PollInterval = POLL_INTERVAL
