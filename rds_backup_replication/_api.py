"""One method per API operation, under boto3's name for it, and how a client is made."""

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.client import BaseClient
from botocore.config import Config

from . import _operations
from ._arn import Destination, parse_arn
from ._botocore.client_factory import Boto3Clients, ClientFactory, prepare_client
from ._clock import Clock
from ._models import (
    DBInstance,
    DBInstanceAutomatedBackup,
    Filter,
    SourceRegion,
    TagsInput,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._botocore.client_factory import AnySession
    from ._models._restore import RestoreOptions

# Elsewhere RDS ignores a presigned URL, and making one costs time.
_PRESIGNING_PARTITIONS = {"aws-us-gov"}


class ApiOperations:
    """What a client is made of, and its six operations."""

    # What waits are measured and slept by; tests put their own here.
    _clock: Clock = time

    def __init__(
        self,
        *,
        client: BaseClient | None = None,
        region_name: str | None = None,
        session: "AnySession | None" = None,
        config: Config | None = None,
        endpoint_url: str | None = None,
    ) -> None:
        # Makes clients of other Regions and services; a boto3 client alone cannot.
        self._boto3_client: ClientFactory | None = None
        if client is None:
            self._boto3_client = Boto3Clients(session, config, endpoint_url)
            client = self._boto3_client("rds", region_name)
        elif (region_name, session, config, endpoint_url) != (None, None, None, None):
            raise TypeError("client= has its Region, session, config and endpoint already")
        self.client: BaseClient = prepare_client(client, "client")
        self.region_name: str = client.meta.region_name
        self._destination = Destination(self.region_name.lower(), client.meta.partition)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(region_name={self.region_name!r})"

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
        """Starts to replicate an instance's automated backups to this Region.

        The answer's status is ``pending``: nothing can be restored before it is
        ``replicating``, when the first snapshot has been copied. See
        StartDBInstanceAutomatedBackupsReplication_.

        .. _StartDBInstanceAutomatedBackupsReplication: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_StartDBInstanceAutomatedBackupsReplication.html

        Args:
            source_db_instance_arn: ARN of the source instance, of another Region
                of the same partition.
            backup_retention_period: Days to keep the replicated backups, 1 to 35,
                independently of the source's own. It cannot be changed later, but
                by stopping and starting.
            kms_key_id: A KMS key in this Region: its ARN, ID, alias ARN or alias
                name. Needed if the source is encrypted.
            pre_signed_url: A signed request to the source Region; read in GovCloud
                alone, where it is made for you. It is a secret.
            tags: Tags for the replicated backup, at most 50: a mapping, ``Tag``
                models or boto3's dicts.
            source_region: Region of the source, to have botocore make a
                ``pre_signed_url``; in GovCloud it is filled in for you.

        Returns:
            The replicated backup, as RDS answered.

        Raises:
            DBInstanceNotFoundFault: The instance does not exist.
            InvalidDBInstanceStateFault: Its backups are off, or it is busy.
            InvalidDBInstanceAutomatedBackupStateFault: It replicates already,
                as far as is known.
            KMSKeyNotAccessibleFault: The key is not here, disabled or not yours.
            DBInstanceAutomatedBackupQuotaExceededFault: More than 20, by default.
            StorageTypeNotSupportedFault: The storage type cannot be replicated.
            InvalidParameterValueError: Among others: it is encrypted, and no key
                was given.
        """
        request = _operations.START.validate(
            self._destination,
            {
                "source_db_instance_arn": source_db_instance_arn,
                "backup_retention_period": backup_retention_period,
                "kms_key_id": kms_key_id,
                "pre_signed_url": pre_signed_url,
                "tags": tags,
                "source_region": source_region,
            },
        )
        if self._destination.partition in _PRESIGNING_PARTITIONS and pre_signed_url is None:
            source = parse_arn(request.source_db_instance_arn)
            request = request.model_copy(update={"source_region": source and source.region})
        return _operations.START(self.client, request)

    def stop_db_instance_automated_backups_replication(
        self, *, source_db_instance_arn: str
    ) -> DBInstanceAutomatedBackup:
        """Ends the replication of an instance's automated backups to this Region.

        What has been replicated stays, ``retained``, until it expires. The answer
        may still say ``replicating``. See StopDBInstanceAutomatedBackupsReplication_.

        .. _StopDBInstanceAutomatedBackupsReplication: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_StopDBInstanceAutomatedBackupsReplication.html

        Args:
            source_db_instance_arn: ARN of the source instance.

        Returns:
            The replicated backup, as RDS answered.

        Raises:
            DBInstanceNotFoundFault: The instance does not exist.
            InvalidDBInstanceStateFault: It does not replicate to this Region, or
                is busy.
        """
        request = _operations.STOP.validate(
            self._destination, {"source_db_instance_arn": source_db_instance_arn}
        )
        return _operations.STOP(self.client, request)

    def describe_db_instance_automated_backups(
        self,
        *,
        dbi_resource_id: str | None = None,
        db_instance_identifier: str | None = None,
        db_instance_automated_backups_arn: str | None = None,
        filters: Iterable[Filter | Mapping[str, object]] | None = None,
        page_size: int | None = None,
    ) -> Iterator[DBInstanceAutomatedBackup]:
        """Lists the automated backups that this Region keeps, replicated or its own.

        Of a replicated one, ``region`` is another Region. The arguments are
        checked at once; a page is fetched when the iterator reaches it, and raises
        what RDS refuses it with there. See DescribeDBInstanceAutomatedBackups_.

        .. _DescribeDBInstanceAutomatedBackups: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstanceAutomatedBackups.html

        Args:
            dbi_resource_id: Only those of the instance with this resource ID.
            db_instance_identifier: Only those of instances of this name, of any
                Region.
            db_instance_automated_backups_arn: Only the one with this ARN.
            filters: Conditions that a backup must all meet.
            page_size: Backups per request, 20 to 100.

        Returns:
            An iterator over all pages.

        Raises:
            DBInstanceAutomatedBackupNotFoundFault: There is none, where RDS says so by refusing,
                as it does of an ARN.
        """
        request = _operations.DESCRIBE.validate(
            self._destination,
            {
                "dbi_resource_id": dbi_resource_id,
                "db_instance_identifier": db_instance_identifier,
                "db_instance_automated_backups_arn": db_instance_automated_backups_arn,
                "filters": filters,
                "max_records": page_size,
            },
        )
        return _operations.DESCRIBE.iterate(self.client, request)

    def delete_db_instance_automated_backup(
        self,
        *,
        dbi_resource_id: str | None = None,
        db_instance_automated_backups_arn: str | None = None,
    ) -> DBInstanceAutomatedBackup:
        """Deletes retained automated backups for good.

        Exactly one of the two arguments says which. See
        DeleteDBInstanceAutomatedBackup_.

        .. _DeleteDBInstanceAutomatedBackup: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstanceAutomatedBackup.html

        Args:
            dbi_resource_id: Resource ID of the source instance.
            db_instance_automated_backups_arn: ARN of the backup.

        Returns:
            The backup as RDS answered, its status ``deleting``.

        Raises:
            DBInstanceAutomatedBackupNotFoundFault: There is no such backup here.
            InvalidDBInstanceAutomatedBackupStateFault: It is not retained but in use.
        """
        request = _operations.DELETE.validate(
            self._destination,
            {
                "dbi_resource_id": dbi_resource_id,
                "db_instance_automated_backups_arn": db_instance_automated_backups_arn,
            },
        )
        return _operations.DELETE(self.client, request)

    def describe_source_regions(self, *, region_name: str | None = None) -> Iterator[SourceRegion]:
        """Lists the Regions that this one can take replicas, snapshots or backups from.

        Ask rather than know: pairs work in one direction, and AWS adds to them.
        See DescribeSourceRegions_.

        .. _DescribeSourceRegions: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeSourceRegions.html

        Args:
            region_name: Only this source Region.

        Returns:
            An iterator over all pages, each fetched when it is reached.
        """
        request = _operations.DESCRIBE_SOURCE_REGIONS.validate(
            self._destination, {"region_name": region_name}
        )
        return _operations.DESCRIBE_SOURCE_REGIONS.iterate(self.client, request)

    def restore_db_instance_to_point_in_time(
        self,
        *,
        source_db_instance_automated_backups_arn: str,
        target_db_instance_identifier: str,
        restore_time: datetime | None = None,
        use_latest_restorable_time: bool | None = None,
        **options: "Unpack[RestoreOptions]",
    ) -> DBInstance:
        """Makes a new instance in this Region from a replicated backup.

        Exactly one of the two times says which moment to restore. The new
        instance keeps the backup's key, and takes defaults for what ``options``
        leaves out: default subnet group, security group and parameter group,
        Single-AZ. See RestoreDBInstanceToPointInTime_.

        .. _RestoreDBInstanceToPointInTime: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBInstanceToPointInTime.html

        Args:
            source_db_instance_automated_backups_arn: ARN of the replicated backup.
            target_db_instance_identifier: Name of the new instance.
            restore_time: An aware datetime within the backup's restore window.
            use_latest_restorable_time: ``True`` for the latest there is.
            **options: Any other parameter of the operation, under its snake_case
                name; ``RestoreDBInstanceToPointInTimeRequest`` describes them.

        Returns:
            The new instance; its ``db_instance_status`` is ``creating``.

        Raises:
            DBInstanceAutomatedBackupNotFoundFault: There is no such backup here.
            DBInstanceAlreadyExistsFault: The name is taken.
            InvalidRestoreFault: That moment cannot be restored.
        """
        keywords = dict(
            options,
            source_db_instance_automated_backups_arn=source_db_instance_automated_backups_arn,
            target_db_instance_identifier=target_db_instance_identifier,
            restore_time=restore_time,
            use_latest_restorable_time=use_latest_restorable_time,
        )
        from ._restore import RESTORE  # noqa: PLC0415  # it costs time, and few programs need it

        request = RESTORE.validate(self._destination, keywords)
        return RESTORE(self.client, request)
