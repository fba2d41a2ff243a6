"""The client: the API operations, and the methods that are built of several calls."""

from collections.abc import Callable
from datetime import timedelta

from ._api import ApiOperations
from ._keywords import explain_arguments
from ._limits import POLL_INTERVAL, WAIT_TIMEOUT
from ._models import (
    CheckResult,
    DBInstanceAutomatedBackup,
    EnsureResult,
    FindRequest,
    ReplacementProgress,
    ReplaceRequest,
    StartRequest,
    StopRequest,
    TagsInput,
)
from ._steps import reporter
from ._validation import build_request

# ruff: noqa: PLC0415 - each method imports its own module, so a program loads what it uses.


@explain_arguments
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
        client: A boto3 RDS client to use; it excludes the next four arguments.
        region_name: The destination Region; boto3's default Region if omitted.
        session: A boto3 or botocore session; boto3's default session if omitted.
        config: botocore's settings: retries, timeouts, proxies.
        endpoint_url: URL of RDS and KMS, if they are not at AWS. To redirect only RDS, set
            ``AWS_ENDPOINT_URL_RDS`` or the same setting in the profile.
        source_client: A boto3 RDS client for the source's Region, which describes the source. By
            default, the session makes one for each Region. With ``client=`` alone, the client
            cannot ask the source.
        kms_client: A boto3 KMS client for the destination Region, which describes keys; by
            default, made from the session. With ``client=`` alone, the client cannot ask KMS.
        on_call: Called after each API call, also those of waits and those to the source Region and
            KMS, with an ``ApiCall``: for request IDs, metrics and traces. Errors that it raises
            are logged and change nothing.

    Raises:
        TypeError: ``client``, ``source_client`` or ``kms_client`` is not a boto3 client for its
            service; ``client`` was given together with the next four arguments; ``session`` or
            ``config`` has a wrong type.
    """

    def find_replicated_backup(
        self, *, source_db_instance_arn: str, dbi_resource_id: str | None = None
    ) -> DBInstanceAutomatedBackup | None:
        """Find the backup that this Region keeps for a source instance.

        The method asks this Region alone, so that it also works when the source Region is down.
        Without ``dbi_resource_id``, the ARN in the backup decides. After a rename or a blue/green
        switchover, this may be the backup of an instance that had the ARN before.

        Args:
            source_db_instance_arn: ARN of the source instance.
            dbi_resource_id: Resource ID of the source instance, in any capitalization. Only
                backups of this very instance are found, even if they show a former ARN.

        Returns:
            The active backup, pending or replicating. If there is none, the retained backup with
            the latest restorable time, or ``None``.
        """
        from ._workflows.lookup import Source, find_replicated_backup

        request = build_request(
            "find_replicated_backup",
            FindRequest,
            self._context.destination,
            {"source_db_instance_arn": source_db_instance_arn, "dbi_resource_id": dbi_resource_id},
        )
        is_known = request.dbi_resource_id is not None
        source = Source(request.source_db_instance_arn, is_known, request.dbi_resource_id)
        return find_replicated_backup(self._context, source)

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

        Exactly one of the two ARNs selects the replication. For a source ARN, only a backup of the
        instance that has this ARN now counts, by its resource ID, if the source Region answers.

        The wait retries throttling, server errors and lost connections until the timeout; any
        other error ends the wait at once. The duration depends on the size of the first snapshot;
        AWS gives no figure.

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
            ReplicationStoppedError: The replication has ended: the backup that was given or seen
                active is retained, or no poll has shown an active backup for 60 seconds after one
                showed a backup. A shorter gap may be a stale response.
        """
        from ._workflows.wait import wait_until_replicating

        return self._context.run(
            wait_until_replicating(
                self._context,
                reporter("on_poll", on_poll),
                source_db_instance_arn=source_db_instance_arn,
                db_instance_automated_backups_arn=db_instance_automated_backups_arn,
                timeout=timeout,
                poll_interval=poll_interval,
            )
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

        In this Region, the replication has ended when the backup is retained, or when no poll has
        shown an active backup for 60 seconds. In the source's Region, it has ended when the source
        no longer lists it. Until then, RDS refuses to delete the source with a final snapshot. If
        the source is not ``available`` at the end, the client logs a warning with its status,
        because RDS may still refuse changes to it.

        If the client cannot ask the source, only this Region counts. That is the case with
        ``client=`` alone, and where the source Region refuses the call, which the client logs.
        Errors are handled as in ``wait_until_replicating``.

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

        return self._context.run(
            wait_until_stopped(
                self._context,
                reporter("on_poll", on_poll),
                source_db_instance_arn=source_db_instance_arn,
                db_instance_automated_backups_arn=db_instance_automated_backups_arn,
                timeout=timeout,
                poll_interval=poll_interval,
            )
        )

    def ensure_replication(
        self,
        *,
        source_db_instance_arn: str,
        backup_retention_period: int | None = None,
        kms_key_id: str | None = None,
        tags: TagsInput | None = None,
    ) -> EnsureResult:
        """Ensure that an instance replicates to this Region with the requested settings.

        The method never stops a replication. If RDS refuses the start, or if its response is
        lost, the client polls to find out whether the instance replicates. The method does not
        wait until the backup is replicating.

        A backup counts only if it is of the instance that has this ARN now, by its resource ID.
        If the source Region cannot be asked, the ARN decides, and ``source_checked`` is ``False``.

        Args:
            source_db_instance_arn: ARN of the source instance.
            backup_retention_period: Days to keep the replicated backups, 1 to 35; any if omitted.
            kms_key_id: A KMS key in this Region; any if omitted. The client recognizes different
                identifiers of one key and resolves aliases with KMS.
            tags: Tags for a replication that this call starts; those of an active one are ignored.

        Returns:
            The action, ``started`` or ``unchanged``, the backup, and ``source_checked``.

        Raises:
            ReplicationDriftError: An active replication has another retention or key, or the keys
                cannot be compared.
            ServiceError: RDS refused the start.
        """
        from ._workflows.ensure import ensure_replication

        request = build_request(
            "ensure_replication",
            StartRequest,
            self._context.destination,
            {
                "source_db_instance_arn": source_db_instance_arn,
                "backup_retention_period": backup_retention_period,
                "kms_key_id": kms_key_id,
                "tags": tags,
            },
        )
        return self._context.run(ensure_replication(self._context, request))

    def replace_replication(
        self,
        *,
        source_db_instance_arn: str,
        backup_retention_period: int | None = None,
        kms_key_id: str | None = None,
        tags: TagsInput | None = None,
        timeout: timedelta = WAIT_TIMEOUT,
        poll_interval: timedelta = POLL_INTERVAL,
        on_progress: Callable[[ReplacementProgress], object] | None = None,
    ) -> EnsureResult:
        """Ensure the requested settings, and stop and restart a replication that has others.

        RDS cannot modify a replication. Between the stop and the start, the instance has only
        retained backups in this Region, often for some minutes. Four phases make that safe:

        - ``preflight``: the client runs the checks of ``check_replication``, and repeats them while
          the source is busy or AWS does not answer. If it finds a blocker, it stops nothing.
        - ``stop``: it stops the replication.
        - ``wait``: it waits for the end, for at most half of the remaining time.
        - ``start``: it starts the new replication. It retries throttling, server errors, lost
          responses, and the errors for a used-up quota or a busy source until ``timeout``. If the
          new settings fail, it starts the former ones.

        Call the method again after an interruption: it continues with the settings of the newest
        retained backup. Settings that were not asked for stay the same, except tags that AWS
        reserves. A key is never replaced: RDS refuses another key while copies exist.

        Args:
            source_db_instance_arn: ARN of the source instance.
            backup_retention_period: Days to keep the replicated backups, 1 to 35; the same as now
                if omitted.
            kms_key_id: A KMS key in this Region; the same as now if omitted.
            tags: Tags for a replication that this call starts; the same as now if omitted.
            timeout: Longest time for all phases, up to 365 days. Nothing is stopped with less than
                a quarter of it left. After it, the former settings have as much time again, but
                at most 15 minutes.
            poll_interval: Time between attempts and between polls, varied by up to 20 percent;
                after the stop, 30 seconds at most.
            on_progress: Called with a ``ReplacementProgress`` in each phase and after each poll.
                Its errors are logged and change nothing.

        Returns:
            The action, the backup, and ``source_checked``. ``replaced``: the client stopped a
            replication with other settings. ``started``: none was active. ``unchanged``: it had
            the requested settings.

        Raises:
            ReplicationBlockedError: RDS would refuse the start, or AWS has not answered whether it
                would; nothing was stopped.
            WaitTimeoutError: Too little time was left for a stop; nothing was stopped.
            ReplicationDriftError: The key differs, or the keys cannot be compared; nothing was
                stopped.
            ReplacementError: The start failed after a replication ended, whether this call stopped
                it or found it ended. ``is_protected`` says whether the instance replicates, and
                ``former`` has the former settings.
            ServiceError: RDS refused a call before anything was stopped.
        """
        from ._workflows.replace import replace_replication

        request = build_request(
            "replace_replication",
            ReplaceRequest,
            self._context.destination,
            {
                "source_db_instance_arn": source_db_instance_arn,
                "backup_retention_period": backup_retention_period,
                "kms_key_id": kms_key_id,
                "tags": tags,
                "timeout": timeout,
                "poll_interval": poll_interval,
            },
        )
        return self._context.run(replace_replication(self._context, request, on_progress))

    def ensure_stopped(self, *, source_db_instance_arn: str) -> DBInstanceAutomatedBackup | None:
        """Ensure that an instance does not replicate to this Region.

        RDS retains the copies until they expire. The method does not wait for the end of the
        replication. If the source Region returns the instance's resource ID, the method does not
        stop the replication of an instance that had this ARN before.

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

        request = build_request(
            "ensure_stopped",
            StopRequest,
            self._context.destination,
            {"source_db_instance_arn": source_db_instance_arn},
        )
        return self._context.run(ensure_stopped(self._context, request.source_db_instance_arn))

    def check_replication(
        self,
        *,
        source_db_instance_arn: str,
        kms_key_id: str | None = None,
        backup_retention_period: int | None = None,
        tags: TagsInput | None = None,
    ) -> CheckResult:
        """Find every reason why RDS would refuse a start, without changing anything.

        The client asks about the pair of Regions, the source, the key (KMS's ``DescribeKey``) and
        the backups in this Region. Nobody can ask about the quota, or whether a policy allows the
        start.

        Args:
            source_db_instance_arn: ARN of the source instance.
            kms_key_id: The KMS key for the start.
            backup_retention_period: The retention for the start; only validated.
            tags: The tags for the start; only validated.

        Returns:
            The blockers, and the questions that AWS refused or did not answer (``unchecked``).
        """
        from ._workflows.check import check_replication

        request = build_request(
            "check_replication",
            StartRequest,
            self._context.destination,
            {
                "source_db_instance_arn": source_db_instance_arn,
                "kms_key_id": kms_key_id,
                "backup_retention_period": backup_retention_period,
                "tags": tags,
            },
        )
        return check_replication(self._context, request)
