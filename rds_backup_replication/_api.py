"""The API operations as methods under boto3's names."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from . import _annotations, _operations
from ._client_base import ClientBase
from ._keywords import explain_arguments
from ._models import DBInstanceAutomatedBackup, Filter, SourceRegion, TagsInput

if TYPE_CHECKING:
    from typing_extensions import Self


@explain_arguments
class ApiOperations(ClientBase):
    """The base class of the client: its six API operations."""

    def close(self) -> None:
        """Close the connections of the boto3 clients that this client made.

        A client that was given as ``client=``, ``source_client=`` or ``kms_client=`` stays open.
        A later call opens new connections.
        """
        self._context.close()

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start_db_instance_automated_backups_replication(
        self,
        *,
        source_db_instance_arn: str,
        backup_retention_period: int | None = None,
        kms_key_id: str | None = None,
        pre_signed_url: str | None = None,
        tags: TagsInput | None = None,
        source_region: str | None = None,
    ) -> DBInstanceAutomatedBackup:
        """Start replicating an instance's automated backups to this Region.

        The status in the response is ``pending``. A restore is possible once the status is
        ``replicating``, after RDS has copied the first snapshot. See
        https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_StartDBInstanceAutomatedBackupsReplication.html

        Args:
            source_db_instance_arn: ARN of the source instance, in another Region.
            backup_retention_period: Days to keep the replicated backups, 1 to 35, whatever the
                source's setting. RDS cannot change the days of a replication later.
            kms_key_id: A KMS key in this Region: its ARN, ID, alias ARN or alias name. Required
                if the source is encrypted.
            pre_signed_url: A signed request to the source Region; a secret. Only GovCloud needs
                one, and there botocore makes it by default.
            tags: Tags for the backup, at most 50: a mapping, ``Tag`` models or boto3's dicts.
            source_region: Region of the source, from which botocore makes a ``pre_signed_url``.
                In GovCloud, the default is the Region in the source's ARN.

        Returns:
            The replicated backup from RDS's response.

        Raises:
            DBInstanceNotFoundFault: The instance does not exist.
            InvalidDBInstanceStateFault: The instance is busy, or its backups are disabled.
            InvalidDBInstanceAutomatedBackupStateFault: Probably, the instance replicates already.
            KMSKeyNotAccessibleFault: The key is elsewhere, disabled or closed to the caller.
            DBInstanceAutomatedBackupQuotaExceededFault: The quota is used up; by default it is 20.
            StorageTypeNotSupportedFault: RDS cannot replicate the storage type.
            InvalidParameterValueError: For example, an encrypted source needs a key.
        """
        return _operations.START.call(
            self._context,
            source_db_instance_arn=source_db_instance_arn,
            backup_retention_period=backup_retention_period,
            kms_key_id=kms_key_id,
            pre_signed_url=pre_signed_url,
            tags=tags,
            source_region=source_region,
        )

    def stop_db_instance_automated_backups_replication(
        self, *, source_db_instance_arn: str
    ) -> DBInstanceAutomatedBackup:
        """Stop replicating an instance's automated backups to this Region.

        RDS retains the copies until they expire. The status in the response may still be
        ``replicating``. See
        https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_StopDBInstanceAutomatedBackupsReplication.html

        Args:
            source_db_instance_arn: ARN of the source instance.

        Returns:
            The replicated backup from RDS's response.

        Raises:
            DBInstanceNotFoundFault: The instance does not exist.
            InvalidDBInstanceStateFault: The instance is busy or does not replicate here.
        """
        return _operations.STOP.call(self._context, source_db_instance_arn=source_db_instance_arn)

    def describe_db_instance_automated_backups(
        self,
        *,
        dbi_resource_id: str | None = None,
        db_instance_identifier: str | None = None,
        db_instance_automated_backups_arn: str | None = None,
        filters: Iterable[Filter | Mapping[str, object]] | None = None,
        page_size: int | None = None,
    ) -> Iterator[DBInstanceAutomatedBackup]:
        """List the automated backups in this Region, replicated from elsewhere or its own.

        In a replicated backup, ``region`` is another Region. The client validates the arguments
        at once. Each page is fetched when the iterator reaches it, and RDS's error for a page is
        raised there. See
        https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstanceAutomatedBackups.html

        Args:
            dbi_resource_id: Resource ID of the source instance; all instances if omitted.
            db_instance_identifier: Identifier of the source; all instances if omitted.
            db_instance_automated_backups_arn: ARN of one backup; all backups if omitted.
            filters: Filters; a backup must match all of them.
            page_size: Backups per request, 20 to 100; RDS's default is 100.

        Returns:
            An iterator over all pages.

        Raises:
            DBInstanceAutomatedBackupNotFoundFault: No backup has the ARN.
        """
        pages = _operations.DESCRIBE.list_pages(
            self._context,
            dbi_resource_id=dbi_resource_id,
            db_instance_identifier=db_instance_identifier,
            db_instance_automated_backups_arn=db_instance_automated_backups_arn,
            filters=filters,
            max_records=page_size,
        )
        return self._context.flatten(pages)

    def delete_db_instance_automated_backup(
        self,
        *,
        dbi_resource_id: str | None = None,
        db_instance_automated_backups_arn: str | None = None,
    ) -> DBInstanceAutomatedBackup:
        """Delete retained automated backups permanently.

        Exactly one of the two arguments selects the backup. See
        https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstanceAutomatedBackup.html

        Args:
            dbi_resource_id: Resource ID of the source instance.
            db_instance_automated_backups_arn: ARN of the backup.

        Returns:
            The backup from RDS's response, with the status ``deleting``.

        Raises:
            DBInstanceAutomatedBackupNotFoundFault: This Region has no such backup.
            InvalidDBInstanceAutomatedBackupStateFault: The backup is not retained but active.
        """
        return _operations.DELETE.call(
            self._context,
            dbi_resource_id=dbi_resource_id,
            db_instance_automated_backups_arn=db_instance_automated_backups_arn,
        )

    def describe_source_regions(self, *, region_name: str | None = None) -> Iterator[SourceRegion]:
        """List the Regions whose replicas, snapshots or backups this Region accepts.

        A pair of Regions may support replication in one direction only. AWS adds pairs. See
        https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeSourceRegions.html

        Args:
            region_name: Name of one source Region; all if omitted.

        Returns:
            An iterator over all pages; each page is fetched when the iterator reaches it.
        """
        pages = _operations.DESCRIBE_SOURCE_REGIONS.list_pages(
            self._context, region_name=region_name
        )
        return self._context.flatten(pages)

    def restore_db_instance_to_point_in_time(
        self,
        *,
        source_db_instance_automated_backups_arn: str,
        target_db_instance_identifier: str,
        restore_time: datetime | None = None,
        use_latest_restorable_time: bool | None = None,
        **options: "_annotations.Unpack[_annotations.RestoreOptions]",
    ) -> "_annotations.DBInstance":
        """Restore a replicated backup to a new instance in this Region.

        Exactly one of ``restore_time`` and ``use_latest_restorable_time`` selects the time. The
        new instance keeps the KMS key of the backup. RDS uses defaults for omitted ``options``:
        the default subnet group, security group and parameter group, and Single-AZ. See
        https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBInstanceToPointInTime.html

        Args:
            source_db_instance_automated_backups_arn: ARN of the replicated backup.
            target_db_instance_identifier: Name of the new instance.
            restore_time: An aware datetime within the backup's restore window.
            use_latest_restorable_time: ``True`` restores to the latest restorable time.
            **options: Any other parameter of the operation under its snake_case name, as
                ``RestoreDBInstanceToPointInTimeRequest`` describes it.

        Returns:
            The new instance; its ``db_instance_status`` is ``creating``.

        Raises:
            DBInstanceAutomatedBackupNotFoundFault: This Region has no such backup.
            DBInstanceAlreadyExistsFault: An instance with that name exists.
            InvalidRestoreFault: RDS cannot restore to that time.
        """
        keywords = dict(
            options,
            source_db_instance_automated_backups_arn=source_db_instance_automated_backups_arn,
            target_db_instance_identifier=target_db_instance_identifier,
            restore_time=restore_time,
            use_latest_restorable_time=use_latest_restorable_time,
        )
        from ._restore import RESTORE  # noqa: PLC0415  # slow to load, and few programs need it

        return RESTORE.call(self._context, **keywords)
