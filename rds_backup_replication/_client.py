"""The client: the API operations, and the methods that are built of several calls."""

from collections.abc import Callable
from datetime import timedelta

from botocore.client import BaseClient

from . import _operations
from ._api import ApiOperations
from ._arn import parse_arn
from ._botocore.client_factory import prepare_client
from ._limits import POLL_INTERVAL, WAIT_TIMEOUT
from ._models import (
    CheckReason,
    DBInstanceAutomatedBackup,
    EnsureResult,
    StopDBInstanceAutomatedBackupsReplicationRequest,
    TagsInput,
)
from ._redact import short_repr
from ._validation import build_request

# ruff: noqa: PLC0415 - each method imports its own module, so a program loads what it uses.

_DESCRIBE = _operations.DESCRIBE.name


class BackupReplicationClient(ApiOperations):
    """A client that replicates automated backups of RDS DB instances to its Region.

    All calls go to the *destination*, the Region that keeps the replicated backups, and name the
    source instance by its ARN::

        client = BackupReplicationClient(region_name="us-east-1")
        backup = client.start_db_instance_automated_backups_replication(
            source_db_instance_arn="arn:aws:rds:us-west-2:123456789012:db:mydatabase",
            backup_retention_period=14,
        )

    A method with a boto3 name is one API operation. The other methods are built on those and are
    idempotent.

    Every method raises, besides the errors in its own documentation:

    - ``RequestValidationError`` before anything is sent, with all invalid parameters;
    - ``ServiceError``, which is a botocore ``ClientError``, if RDS refuses the request;
    - ``ResponseValidationError`` if the response is invalid;
    - botocore's own errors if no response came.

    A client is safe to use in several threads, and in both processes after a fork, provided that
    no other thread was in a call at the moment of the fork.

    Args:
        client: A boto3 RDS client to use; it excludes the other arguments.
        region_name: The destination Region; boto3's default Region if omitted.
        session: A boto3 or botocore session; boto3's default session if omitted.
        config: botocore's settings: retries, timeouts, proxies.
        endpoint_url: URL of RDS and KMS, if they are not at AWS. To redirect only RDS, set
            ``AWS_ENDPOINT_URL_RDS`` or the same setting in the profile.

    Raises:
        TypeError: ``client`` is not a boto3 RDS client, or was given together with other
            arguments; ``session`` or ``config`` has a wrong type.
    """

    def find_replicated_backup(
        self, *, source_db_instance_arn: str
    ) -> DBInstanceAutomatedBackup | None:
        """Find the backup that this Region keeps for a source instance.

        An instance with the same name in another Region does not match.

        Args:
            source_db_instance_arn: ARN of the source instance.

        Returns:
            The active backup, pending or replicating. If there is none, the retained backup with
            the latest restorable time, or ``None``.
        """
        from ._workflows.lookup import find_replicated_backup

        return find_replicated_backup(self._context, self._source_arn(source_db_instance_arn))

    def wait_until_replicating(
        self,
        *,
        source_db_instance_arn: str | None = None,
        db_instance_automated_backups_arn: str | None = None,
        timeout: timedelta = WAIT_TIMEOUT,
        poll_interval: timedelta = POLL_INTERVAL,
        on_poll: Callable[[DBInstanceAutomatedBackup | None], object] | None = None,
    ) -> DBInstanceAutomatedBackup:
        """Wait until RDS has copied the first snapshot, so that a restore is possible.

        Exactly one of the two ARNs selects the replication. The wait retries throttling, server
        errors and lost connections until the timeout; any other error ends the wait at once. The
        duration depends on the size of the first snapshot; AWS gives no figure.

        Args:
            source_db_instance_arn: ARN of the source instance.
            db_instance_automated_backups_arn: ARN of the replicated backup.
            timeout: Longest time to wait, up to 365 days; with zero, the wait polls once.
            poll_interval: Time between polls, up to 365 days, varied at random by up to 20 percent.
            on_poll: Called with the backup or ``None`` after each poll; its errors end the wait.

        Returns:
            The backup, whose ``restore_window`` has the restorable times.

        Raises:
            WaitTimeoutError: The backup is not replicating after ``timeout``.
            ReplicationStoppedError: The active backup was retained or disappeared, or six polls
                showed nothing but a retained backup.
        """
        from ._workflows.wait import wait_until_replicating

        return wait_until_replicating(
            self._context,
            on_poll,
            source_db_instance_arn=source_db_instance_arn,
            db_instance_automated_backups_arn=db_instance_automated_backups_arn,
            timeout=timeout,
            poll_interval=poll_interval,
        )

    def wait_until_stopped(
        self,
        *,
        source_db_instance_arn: str | None = None,
        db_instance_automated_backups_arn: str | None = None,
        timeout: timedelta = WAIT_TIMEOUT,
        poll_interval: timedelta = POLL_INTERVAL,
        on_poll: Callable[[DBInstanceAutomatedBackup | None], object] | None = None,
    ) -> DBInstanceAutomatedBackup | None:
        """Wait until a replication has ended, in this Region and in the source's.

        The replication has ended when this Region no longer shows an active backup, and when the
        source no longer lists the replication and is ``available`` again. Before that, RDS
        refuses to delete the source with a final snapshot.

        A client that was created with ``client=`` cannot call the source Region. If the source
        Region refuses the call, for example because rds:DescribeDBInstances is not allowed, the
        client logs a warning. In both cases, only this Region counts: the wait ends as soon as an
        active backup has been retained or has disappeared, or else at the sixth poll. Errors are
        handled as in ``wait_until_replicating``.

        Args:
            source_db_instance_arn: ARN of the source instance.
            db_instance_automated_backups_arn: ARN of the replicated backup.
            timeout: Longest time to wait, up to 365 days; with zero, the wait polls once.
            poll_interval: Time between polls, up to 365 days, varied at random by up to 20 percent.
            on_poll: Called with the backup or ``None`` after each poll; its errors end the wait.

        Returns:
            The retained backup, or ``None`` if this Region keeps none.

        Raises:
            WaitTimeoutError: The replication has not ended after ``timeout``.
        """
        from ._workflows.wait import wait_until_stopped

        return wait_until_stopped(
            self._context,
            on_poll,
            source_db_instance_arn=source_db_instance_arn,
            db_instance_automated_backups_arn=db_instance_automated_backups_arn,
            timeout=timeout,
            poll_interval=poll_interval,
        )

    def ensure_replication(
        self,
        *,
        source_db_instance_arn: str,
        backup_retention_period: int | None = None,
        kms_key_id: str | None = None,
        tags: TagsInput | None = None,
        replace: bool = False,
    ) -> EnsureResult:
        """Ensure that an instance replicates to this Region with the requested settings.

        If RDS refuses the start, or if its response is lost, the client polls to find out whether
        the instance replicates. The method does not wait until the backup is replicating.

        Args:
            source_db_instance_arn: ARN of the source instance.
            backup_retention_period: Days to keep the replicated backups, 1 to 35; any if omitted.
            kms_key_id: A KMS key in this Region; any if omitted. The client recognizes different
                identifiers of one key and resolves aliases with KMS.
            tags: Tags for a replication that this call starts; those of an active one are ignored.
            replace: Whether to stop an active replication with another retention or key and to
                restart it with the requested settings, which may take many minutes. Omitted
                settings stay the same. If the new replication does not start, the client
                restarts the old one. Only a ``pending`` replication can get another key: RDS
                accepts no other key until all backups encrypted with the old one are deleted.

        Returns:
            The action, and the backup.

        Raises:
            ReplicationDriftError: An active replication has another retention or key, and
                ``replace`` is not set, the keys cannot be compared, or RDS would refuse the key.
            WaitTimeoutError: The replication to replace did not stop in time.
            TypeError: ``replace`` is neither ``True`` nor ``False``.
            ServiceError: RDS refused the start.
        """
        from ._workflows.ensure import ensure_replication

        request = _operations.START.build_request(
            self._context.destination,
            source_db_instance_arn=source_db_instance_arn,
            backup_retention_period=backup_retention_period,
            kms_key_id=kms_key_id,
            tags=tags,
        )
        if not isinstance(replace, bool):  # pyright: ignore[reportUnnecessaryIsInstance]  # "no"
            raise TypeError(f"replace= must be True or False, not {short_repr(replace)}")
        return ensure_replication(self._context, request, replace=replace)

    def ensure_stopped(self, *, source_db_instance_arn: str) -> DBInstanceAutomatedBackup | None:
        """Ensure that an instance does not replicate to this Region.

        RDS retains the copies until they expire. The method does not wait for the end of the
        replication.

        Args:
            source_db_instance_arn: ARN of the source instance.

        Returns:
            The backup whose replication this call stopped; ``None`` if the instance did not
            replicate, or if another caller stopped the replication.

        Raises:
            InvalidDBInstanceStateFault: The instance replicates and is busy.
            DBInstanceNotFoundFault: The instance is gone, but its backup shows as active.
        """
        from ._workflows.stop import ensure_stopped

        return ensure_stopped(self._context, self._source_arn(source_db_instance_arn))

    def check_replication(
        self,
        *,
        source_db_instance_arn: str,
        kms_key_id: str | None = None,
        source_client: BaseClient | None = None,
    ) -> tuple[CheckReason, ...]:
        """Find every reason why RDS would refuse a start, without changing anything.

        A question that AWS refuses or does not answer is a reason of its own,
        ``could_not_be_checked``. The quota and the state of the key cannot be checked beforehand.

        Args:
            source_db_instance_arn: ARN of the source instance.
            kms_key_id: The KMS key for the start.
            source_client: A boto3 RDS client for the source's Region; by default, one of the same
                session and configuration. Required if this client was created with ``client=``.

        Returns:
            The reasons; empty if there are none.

        Raises:
            TypeError: ``source_client`` is missing, or is not a boto3 RDS client.
            ValueError: ``source_client`` is for another Region than the source's.
        """
        from ._workflows.check import check_replication

        request = _operations.START.build_request(
            self._context.destination,
            source_db_instance_arn=source_db_instance_arn,
            kms_key_id=kms_key_id,
        )
        source_client = (
            self._context.source_client(source_db_instance_arn)
            if source_client is None
            else prepare_client(source_client, "source_client")
        )
        if source_client is None:
            raise TypeError("source_client= is required for a client created with client=")
        source = parse_arn(source_db_instance_arn)
        if source and source_client.meta.region_name != source.region:
            raise ValueError(
                f"source_client= must be a client for {source.region}, the Region of the source, "
                f"not for {source_client.meta.region_name}"
            )
        return check_replication(self._context, source_client, request)

    def _source_arn(self, source_db_instance_arn: str) -> str:
        request = build_request(
            _DESCRIBE,
            StopDBInstanceAutomatedBackupsReplicationRequest,
            self._context.destination,
            {"source_db_instance_arn": source_db_instance_arn},
        )
        return request.source_db_instance_arn
