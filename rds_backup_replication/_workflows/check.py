"""``check_replication``: every reason why RDS would refuse a start, without changing anything."""

from collections.abc import Iterator

from botocore.client import BaseClient
from botocore.exceptions import NoCredentialsError

from .._botocore.errors import NO_RESPONSE_ERRORS, is_server_error
from .._context import Context
from .._models import CheckReason, DBInstance, DBInstanceAutomatedBackup, StartRequest
from .._operations import DESCRIBE_SOURCE_REGIONS
from ..exceptions import AccessDeniedError, ResponseValidationError, ServiceError
from .kms import compare_keys
from .lookup import READ_ERRORS, find_replicated_backup, find_source_instance, list_replications

NO_CREDENTIALS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or select a profile."


def check_replication(
    context: Context, source_client: BaseClient, request: StartRequest
) -> tuple[CheckReason, ...]:
    """Return the reasons that the Regions, the source and the destination give."""
    source_arn, kms_key_id = request.source_db_instance_arn, request.kms_key_id
    region_name = context.region_name
    source_region = source_client.meta.region_name
    reasons = [
        *_checked(
            f"whether {region_name} accepts backups from {source_region}",
            _region_reasons(context, source_region),
        ),
        *_checked(
            "whether the source can be replicated",
            _source_reasons(context, source_client, source_arn, kms_key_id),
        ),
        *_checked(
            f"whether the source replicates to {region_name} already",
            _destination_reasons(context, source_arn, kms_key_id),
        ),
    ]
    return tuple(dict.fromkeys(reasons))  # both Regions may report the same replication


def _checked(question: str, reasons: Iterator[CheckReason]) -> Iterator[CheckReason]:
    try:
        yield from reasons
    except READ_ERRORS as error:
        yield could_not_be_checked(question, error)


def could_not_be_checked(question: str, error: Exception) -> CheckReason:
    """Return the reason for a question, such as "whether …", that AWS did not answer."""
    problem, remedy = str(error), "Fix this, and check again."
    if isinstance(error, ServiceError):
        problem, remedy = f"{error.code}: {error.message}", error.hint or remedy
        if isinstance(error, AccessDeniedError):
            remedy = f"Allow the caller rds:{error.operation_name} in that Region."
        elif is_server_error(error):
            remedy = "RDS had an internal error: check again later."
    elif isinstance(error, ResponseValidationError):
        problem = f"the response is invalid: {error.reason}"
        if "body" in error.response:  # botocore could not parse it either
            problem = "the response is invalid"
            remedy = "Check the endpoint URL and the proxies: the server may not be RDS."
    elif isinstance(error, NoCredentialsError):
        remedy = NO_CREDENTIALS
    elif isinstance(error, NO_RESPONSE_ERRORS):
        remedy = "Check the Region, the endpoint URL and the network."
    return CheckReason(
        code="could_not_be_checked",
        message=f"The client could not find out {question}: {problem.removesuffix('.')}.",
        remedy=remedy,
    )


def _region_reasons(context: Context, source_region: str) -> Iterator[CheckReason]:
    if not any(
        row.supports_db_instance_automated_backups_replication
        for row in DESCRIBE_SOURCE_REGIONS.list(context, region_name=source_region)
        if row.region_name in (None, source_region)
    ):
        yield region_pair_not_supported(context.region_name, source_region)


def _source_reasons(
    context: Context, source_client: BaseClient, source_arn: str, kms_key_id: str | None
) -> Iterator[CheckReason]:
    instance = find_source_instance(source_client, source_arn)
    if instance is None:
        yield CheckReason(
            code="instance_not_found",
            message=f"The instance {source_arn} does not exist.",
            remedy="Check the ARN's name, Region and account, and the account of the credentials.",
        )
        return
    yield from instance_reasons(instance, context.region_name, kms_key_id)
    if list_replications(instance, context.region_name):
        yield _already_replicating(context, source_arn)


def _destination_reasons(
    context: Context, source_arn: str, kms_key_id: str | None
) -> Iterator[CheckReason]:
    backup = find_replicated_backup(context, source_arn)
    if backup is not None and backup.is_active:
        yield _already_replicating(context, source_arn)
    elif backup is not None and kms_key_id is not None:
        difference = compare_keys(context, kms_key_id, backup.kms_key_id)
        if difference and not difference.uncertainty:
            yield retained_with_another_key(backup)


def instance_reasons(
    instance: DBInstance, region_name: str, kms_key_id: str | None
) -> Iterator[CheckReason]:
    """Yield the reasons why RDS would refuse to replicate an instance in its present state."""
    engine = instance.engine or ""
    if engine.startswith(("aurora", "custom-")):
        yield CheckReason(
            code="engine_not_supported",
            message=f"RDS does not replicate automated backups of {engine}.",
            remedy="Protect the instance with snapshot copies or AWS Backup.",
        )
    elif instance.db_cluster_identifier:
        yield CheckReason(
            code="cluster_not_supported",
            message=f"The instance belongs to the DB cluster {instance.db_cluster_identifier}.",
            remedy="Protect the cluster with snapshot copies or AWS Backup.",
        )
    if instance.backup_retention_period == 0:
        yield CheckReason(
            code="backups_off",
            message="The automated backups of the instance are disabled.",
            remedy="Modify the instance to a BackupRetentionPeriod of at least 1 day.",
        )
    if instance.db_instance_status is not None and not instance.is_available:
        yield CheckReason(
            code="instance_not_available",
            message=f"The instance is {instance.db_instance_status}; it must be available.",
            remedy="Wait until the instance is available; start it if it is stopped.",
        )
    if instance.storage_encrypted and kms_key_id is None:
        yield CheckReason(
            code="kms_key_required",
            message="The instance is encrypted, but no KMS key was given.",
            remedy=f"Pass a KMS key in {region_name}.",
        )


def region_pair_not_supported(region_name: str, source_region: str) -> CheckReason:
    """Return the reason that two Regions do not support replication."""
    return CheckReason(
        code="region_pair_not_supported",
        message=f"{region_name} does not accept automated backups from {source_region}.",
        remedy=f"Choose a destination that lists {source_region} among its source Regions.",
    )


def retained_with_another_key(backup: DBInstanceAutomatedBackup) -> CheckReason:
    """Return the reason for retained backups that are encrypted with another key."""
    return CheckReason(
        code="retained_with_another_key",
        message=f"Retained backups of the instance are encrypted with {backup.kms_key_id}.",
        remedy="Use that key, or delete the retained backups first.",
    )


def _already_replicating(context: Context, source_arn: str) -> CheckReason:
    return CheckReason(
        code="already_replicating",
        message=f"{source_arn} replicates to {context.region_name} already.",
        remedy=(
            "You do not need to start a replication. If this one is being stopped, wait until it "
            "has ended, and then start a new one."
        ),
    )
