"""The client: the API's operations, and what is built on them."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from botocore.client import BaseClient

from . import _operations
from ._api import ApiOperations
from ._arn import parse_arn
from ._botocore.client_factory import prepare_client
from ._models import (
    POLL_INTERVAL,
    WAIT_TIMEOUT,
    CheckReason,
    DBInstanceAutomatedBackup,
    EnsureResult,
    StopDBInstanceAutomatedBackupsReplicationRequest,
    TagsInput,
    WaitRequest,
)
from ._redact import shortened_repr
from ._validation import build_request

if TYPE_CHECKING:
    from ._workflows.lookup import Context

# ruff: noqa: PLC0415 - a method's module is imported by the method, so that a program pays for
# what it uses.

_DESCRIBE = _operations.DESCRIBE.name


class BackupReplicationClient(ApiOperations):
    """Replicates automated backups of RDS DB instances to the client's Region.

    All calls go to the *destination*, the Region that keeps the replicated
    backups, and name the source instance by its ARN::

        client = BackupReplicationClient(region_name="us-east-1")
        backup = client.start_db_instance_automated_backups_replication(
            source_db_instance_arn="arn:aws:rds:us-west-2:123456789012:db:mydatabase",
            backup_retention_period=14,
        )

    A method under a boto3 name is that one API operation. The others are built
    on those, and may be called again and again.

    Every method raises, beside what its own documentation lists:

    - ``RequestValidationError`` before anything is sent, with all mistakes at once;
    - a ``ServiceError``, which is a botocore ``ClientError``, for any refusal;
    - ``ResponseValidationError`` for an answer that cannot be read;
    - botocore's own errors when no answer came.

    It is safe to use from several threads, and from both processes after a fork,
    as long as no other thread was within a call at the moment of the fork.

    Args:
        client: A boto3 RDS client to use, instead of all that follows.
        region_name: The destination Region; boto3's default one if omitted.
        session: The session to make the client from, boto3's or botocore's; boto3's
            default one if omitted.
        config: botocore's settings: retries, timeouts, proxies.
        endpoint_url: Where RDS and KMS are, if not at AWS. For RDS alone, set
            ``AWS_ENDPOINT_URL_RDS`` or the profile's instead.

    Attributes:
        client: The boto3 client that is used.
        region_name: The destination Region.

    Raises:
        TypeError: ``client`` is not an RDS client, or goes with other arguments;
            ``session`` or ``config`` is not such.
    """

    def find_replicated_backup(
        self, *, source_db_instance_arn: str
    ) -> DBInstanceAutomatedBackup | None:
        """Finds what this Region keeps of a source instance's backups.

        Instances of other Regions that have the same name are told apart.

        Args:
            source_db_instance_arn: ARN of the source instance.

        Returns:
            The live backup, pending or replicating; if there is none, the retained
            one with the latest restorable time; ``None`` if there is nothing.
        """
        from ._workflows.lookup import find_replicated_backup

        arn = self._source_arn(source_db_instance_arn)
        return find_replicated_backup(self, arn)

    def wait_until_replicating(
        self,
        *,
        source_db_instance_arn: str | None = None,
        db_instance_automated_backups_arn: str | None = None,
        timeout: timedelta = WAIT_TIMEOUT,
        poll_interval: timedelta = POLL_INTERVAL,
        on_poll: Callable[[DBInstanceAutomatedBackup | None], object] | None = None,
    ) -> DBInstanceAutomatedBackup:
        """Waits until the first snapshot has been copied, so that one can restore.

        Exactly one of the two ARNs says of what. Throttling, server errors and
        lost connections are ridden out until the timeout; any other refusal ends
        the wait at once. How long it takes depends on the first snapshot; AWS names
        no figure.

        Args:
            source_db_instance_arn: ARN of the source instance.
            db_instance_automated_backups_arn: ARN of the replicated backup.
            timeout: How long to wait at most; at zero, it looks once.
            poll_interval: Time between two looks, give or take a fifth.
            on_poll: Called with what each look shows: a backup, or ``None``. What it
                raises ends the wait.

        Returns:
            The backup, whose ``restore_window`` says what can be restored.

        Raises:
            WaitTimeoutError: It does not replicate after ``timeout``.
            ReplicationStoppedError: It turned retained, or vanished after it had been
                seen, or six looks have shown no more than a retained one.
        """
        from ._workflows.wait import wait_until_replicating

        request = self._wait_request(
            source_db_instance_arn, db_instance_automated_backups_arn, timeout, poll_interval
        )
        return wait_until_replicating(self._context(), request, on_poll)

    def wait_until_stopped(
        self,
        *,
        source_db_instance_arn: str | None = None,
        db_instance_automated_backups_arn: str | None = None,
        timeout: timedelta = WAIT_TIMEOUT,
        poll_interval: timedelta = POLL_INTERVAL,
        on_poll: Callable[[DBInstanceAutomatedBackup | None], object] | None = None,
    ) -> DBInstanceAutomatedBackup | None:
        """Waits until a replication has ended, here and in the source Region.

        It has when this Region shows the backup as retained or not at all, and the
        source no longer lists the replication and is ``available`` again: before
        that, RDS refuses to delete it with a final snapshot. The source is not asked
        by a client made with ``client=``; nor, with a warning in the log, if it
        refuses to be, as for want of rds:DescribeDBInstances. Then this Region's
        answer counts at the sixth look, if it has not shown the backup's own end.
        Failures are treated as by ``wait_until_replicating``.

        Args:
            source_db_instance_arn: ARN of the source instance.
            db_instance_automated_backups_arn: ARN of the replicated backup.
            timeout: How long to wait at most; at zero, it looks once.
            poll_interval: Time between two looks, give or take a fifth.
            on_poll: Called with what each look shows: a backup, or ``None``. What it
                raises ends the wait.

        Returns:
            The retained backup, or ``None`` if nothing is left.

        Raises:
            WaitTimeoutError: It has not ended after ``timeout``.
        """
        from ._workflows.wait import wait_until_stopped

        request = self._wait_request(
            source_db_instance_arn, db_instance_automated_backups_arn, timeout, poll_interval
        )
        return wait_until_stopped(self._context(), request, on_poll)

    def ensure_replication(
        self,
        *,
        source_db_instance_arn: str,
        backup_retention_period: int | None = None,
        kms_key_id: str | None = None,
        tags: TagsInput | None = None,
        replace: bool = False,
    ) -> EnsureResult:
        """Makes it replicate as asked, however often and from wherever it is called.

        Where RDS's refusal of a start, or the loss of its answer, leaves open
        whether it replicates, that is decided by looking again. It does not wait
        until the backup is replicating.

        Args:
            source_db_instance_arn: ARN of the source instance.
            backup_retention_period: Days to keep the replicated backups, 1 to 35. If
                omitted, any will do.
            kms_key_id: A KMS key in this Region. If omitted, any will do. Different
                names of one key are the same; an alias is looked up in KMS.
            tags: Tags for the replicated backup if it is started. A live one's tags
                are not compared.
            replace: Whether to stop a replication that has another retention or key,
                and start it anew once it has stopped, which may take many minutes. What
                is omitted stays as it was. If the new one does not start, the old one is
                started again. The key can be replaced only while it is ``pending``: RDS
                takes no other key while backups under the old one exist.

        Returns:
            What was done, and the backup.

        Raises:
            ReplicationDriftError: It replicates with another retention or key, and
                ``replace`` is not set; or it cannot be told whether the key is another,
                or the key cannot be replaced.
            WaitTimeoutError: What is to be replaced does not stop in time.
            TypeError: ``replace`` is neither ``True`` nor ``False``.
            ServiceError: RDS refused the start, for the reasons that
                ``start_db_instance_automated_backups_replication`` lists.
        """
        from ._workflows.replace import ensure_replication

        keywords = {
            "source_db_instance_arn": source_db_instance_arn,
            "backup_retention_period": backup_retention_period,
            "kms_key_id": kms_key_id,
            "tags": tags,
        }
        request = _operations.START.validate(self._destination, keywords)
        if not isinstance(replace, bool):  # pyright: ignore[reportUnnecessaryIsInstance]  # "no"
            raise TypeError(f"replace= must be True or False, not {shortened_repr(replace)}")
        return ensure_replication(self._context(), request, replace=replace)

    def ensure_stopped(self, *, source_db_instance_arn: str) -> DBInstanceAutomatedBackup | None:
        """Stops the replication of an instance to this Region, if there is one.

        It does not wait; what was replicated stays, retained.

        Args:
            source_db_instance_arn: ARN of the source instance.

        Returns:
            The backup whose replication this call stopped, or ``None`` if nothing
            replicated, or another caller stopped it.

        Raises:
            InvalidDBInstanceStateFault: It replicates, and the instance is busy.
            DBInstanceNotFoundFault: The source is gone, and the backup still shows as
                replicating.
        """
        from ._workflows._ensure_old import ensure_stopped

        arn = self._source_arn(source_db_instance_arn)
        return ensure_stopped(self._context(), arn)

    def check_replication(
        self,
        *,
        source_db_instance_arn: str,
        kms_key_id: str | None = None,
        source_client: BaseClient | None = None,
    ) -> tuple[CheckReason, ...]:
        """Finds every reason why a start would be refused, and changes nothing.

        It asks this Region and the source's. A question that is refused, or not
        answered, is a reason of its own, ``could_not_be_checked``. Quotas, and
        whether the key can be used, cannot be asked beforehand.

        Args:
            source_db_instance_arn: ARN of the source instance.
            kms_key_id: The KMS key that the start would be given.
            source_client: A boto3 RDS client for the source's Region. If omitted, one
                is made of the same session, endpoint and configuration; with
                ``client=`` there is none, and it must be given.

        Returns:
            The reasons; empty if there is none.

        Raises:
            TypeError: ``source_client`` is missing, or not an RDS client.
            ValueError: ``source_client`` is of another Region than the source.
        """
        from ._workflows.check import check_replication

        keywords = {"source_db_instance_arn": source_db_instance_arn, "kms_key_id": kms_key_id}
        request = _operations.START.validate(self._destination, keywords)
        context = self._context()
        source_client = (
            context.source_client(source_db_instance_arn)
            if source_client is None
            else prepare_client(source_client, "source_client")
        )
        if source_client is None:
            raise TypeError(
                "source_client= is needed: this client was made with client=, and cannot make one"
            )
        source = parse_arn(source_db_instance_arn)
        if source and source_client.meta.region_name != source.region:
            raise ValueError(
                f"source_client= must be a client for {source.region}, where the source is, not "
                f"for {source_client.meta.region_name}"
            )
        return check_replication(context, source_client, request)

    def _context(self) -> "Context":
        from ._workflows.lookup import Context

        return Context(self, self._destination, self._clock, self._boto3_client)

    def _source_arn(self, source_db_instance_arn: str) -> str:
        keywords = {"source_db_instance_arn": source_db_instance_arn}
        model = StopDBInstanceAutomatedBackupsReplicationRequest
        return build_request(_DESCRIBE, model, self._destination, keywords).source_db_instance_arn

    def _wait_request(
        self,
        source_db_instance_arn: str | None,
        db_instance_automated_backups_arn: str | None,
        timeout: timedelta,
        poll_interval: timedelta,
    ) -> WaitRequest:
        keywords = {
            "source_db_instance_arn": source_db_instance_arn,
            "db_instance_automated_backups_arn": db_instance_automated_backups_arn,
            "timeout": timeout,
            "poll_interval": poll_interval,
        }
        return build_request(_DESCRIBE, WaitRequest, self._destination, keywords)
