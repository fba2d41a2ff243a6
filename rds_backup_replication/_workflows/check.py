"""Why a start would be refused, asked without changing anything."""

from collections.abc import Iterator

from botocore.client import BaseClient
from botocore.exceptions import NoCredentialsError

from .._botocore.errors import NO_ANSWER, server_failed
from .._models import (
    CheckReason,
    DBInstance,
    DBInstanceAutomatedBackup,
    StartDBInstanceAutomatedBackupsReplicationRequest,
)
from ..exceptions import AccessDeniedError, ResponseValidationError, ServiceError
from .kms import key_difference
from .lookup import (
    READ_ERRORS,
    Context,
    find_replicated_backup,
    is_live,
    replications_to,
    source_instance,
)

NO_CREDENTIALS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile."


def check_replication(
    context: Context,
    source_client: BaseClient,
    request: StartDBInstanceAutomatedBackupsReplicationRequest,
) -> tuple[CheckReason, ...]:
    source_arn, kms_key_id = request.source_db_instance_arn, request.kms_key_id
    region_name = context.api.region_name
    source_region = source_client.meta.region_name
    reasons = [
        *_answers(
            f"{region_name} takes backups from {source_region}",
            _about_regions(context, source_region),
        ),
        *_answers(
            "the source can be replicated",
            _about_source(context, source_client, source_arn, kms_key_id),
        ),
        *_answers(
            f"it replicates to {region_name} already",
            _about_destination(context, source_arn, kms_key_id),
        ),
    ]
    return tuple(dict.fromkeys(reasons))  # source and destination may both know of a replication


def could_not_be_checked(question: str, error: Exception) -> CheckReason:
    """That a question was refused, or not answered."""
    said, remedy = str(error), "Mend this, and check again."
    if isinstance(error, ServiceError):
        said, remedy = f"{error.code}: {error.message}", error.hint or remedy
        if isinstance(error, AccessDeniedError):
            remedy = f"Allow the caller rds:{error.operation_name} there, or ask somebody who may."
        elif server_failed(error):
            remedy = "RDS failed by itself: check again in a while."
    elif isinstance(error, ResponseValidationError):
        said = f"the answer cannot be read: {error.reason}"
        if "body" in error.response:  # botocore could not read it either
            said = "the answer cannot be read"
            remedy = "Check the endpoint URL and the proxies: what answers there is not RDS."
    elif isinstance(error, NoCredentialsError):
        remedy = NO_CREDENTIALS
    elif isinstance(error, NO_ANSWER):
        remedy = "Check the Region, the endpoint URL and the network."
    return CheckReason(
        code="could_not_be_checked",
        message=f"It could not be checked whether {question}: {said.removesuffix('.')}.",
        remedy=remedy,
    )


def pair_not_supported(region_name: str, source_region: str) -> CheckReason:
    return CheckReason(
        code="region_pair_not_supported",
        message=f"{region_name} does not take automated backups from {source_region}.",
        remedy=(
            f"Choose another destination, one that lists {source_region} among its source "
            "Regions. Pairs work in one direction only."
        ),
    )


def instance_reasons(
    instance: DBInstance, region_name: str, kms_key_id: str | None
) -> Iterator[CheckReason]:
    """Why an instance, as it is, cannot be replicated to a Region."""
    engine = instance.engine or ""
    if engine.startswith(("aurora", "custom-")):
        yield CheckReason(
            code="engine_not_supported",
            message=f"RDS does not replicate automated backups of {engine}.",
            remedy="Protect it by other means: copies of its snapshots, or AWS Backup.",
        )
    elif instance.db_cluster_identifier:
        yield CheckReason(
            code="cluster_not_supported",
            message=f"It belongs to the DB cluster {instance.db_cluster_identifier}.",
            remedy="Protect the cluster by other means: copies of its snapshots, or AWS Backup.",
        )
    if instance.backup_retention_period == 0:
        yield CheckReason(
            code="backups_off",
            message="Its own automated backups are turned off.",
            remedy="Modify the instance to a BackupRetentionPeriod of at least 1 day.",
        )
    if instance.db_instance_status not in (None, "available"):
        yield CheckReason(
            code="instance_not_available",
            message=f"It is {instance.db_instance_status}, and must be available.",
            remedy="Wait until it is available, or start it if it is stopped.",
        )
    if instance.storage_encrypted and kms_key_id is None:
        yield CheckReason(
            code="kms_key_required",
            message="It is encrypted, and no KMS key was given.",
            remedy=f"Name a KMS key that lives in {region_name}.",
        )


def retained_with_another_key(backup: DBInstanceAutomatedBackup) -> CheckReason:
    return CheckReason(
        code="retained_with_another_key",
        message=f"Retained backups of it are encrypted with {backup.kms_key_id}.",
        remedy="Use that key, or delete the retained backups first.",
    )


def _answers(question: str, reasons: Iterator[CheckReason]) -> Iterator[CheckReason]:
    """The reasons, or that the question was not answered."""
    try:
        yield from reasons
    except READ_ERRORS as error:
        yield could_not_be_checked(question, error)


def _about_regions(context: Context, source_region: str) -> Iterator[CheckReason]:
    rows = context.api.describe_source_regions(region_name=source_region)
    if not any(
        row.supports_db_instance_automated_backups_replication
        for row in rows
        if row.region_name in (None, source_region)
    ):
        yield pair_not_supported(context.api.region_name, source_region)


def _about_source(
    context: Context, source_client: BaseClient, source_arn: str, kms_key_id: str | None
) -> Iterator[CheckReason]:
    instance = source_instance(source_client, source_arn)
    if instance is None:
        yield CheckReason(
            code="instance_not_found",
            message=f"There is no instance {source_arn}.",
            remedy="Check its name, Region and account, and whose credentials these are.",
        )
        return
    yield from instance_reasons(instance, context.api.region_name, kms_key_id)
    if replications_to(context.api.region_name, instance):
        yield _already_replicating(context, source_arn)


def _about_destination(
    context: Context, source_arn: str, kms_key_id: str | None
) -> Iterator[CheckReason]:
    backup = find_replicated_backup(context.api, source_arn)
    if backup is None:
        return
    if is_live(backup):
        yield _already_replicating(context, source_arn)
    elif kms_key_id is not None:
        difference = key_difference(context, kms_key_id, backup.kms_key_id)
        if difference and not difference.uncertainty:
            yield retained_with_another_key(backup)


def _already_replicating(context: Context, source_arn: str) -> CheckReason:
    return CheckReason(
        code="already_replicating",
        message=f"{source_arn} replicates to {context.api.region_name} already.",
        remedy=(
            "There is nothing to start, and to ensure it succeeds. If it is being stopped, wait "
            "first until it has."
        ),
    )
