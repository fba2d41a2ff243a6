"""Why RDS would refuse a start, each with what to do about it."""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    LoginError,
    NoCredentialsError,
    SSOError,
    TokenRetrievalError,
)

from .._botocore.errors import NO_RESPONSE_ERRORS, NotAskedError, is_server_error
from .._models import CheckReason, DBInstanceAutomatedBackup, SourceInstance
from .._redact import hide_secrets
from ..exceptions import AccessDeniedError, ResponseValidationError, ServiceError
from .kms import CannotCallKMSError

NO_CREDENTIALS = (
    "Run aws configure or aws sso login, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
    "select a profile."
)
_SSO_LOGIN = "Run aws sso login for the profile, and check again."
_LOGIN = "Run aws login for the profile, and check again."
_CORRECT = "Correct this error, and check again."
_SERVER_ERROR = 500
_NO_RESPONSE = "Check the Region, the endpoint URL and the network."

# The statuses of an instance that do not become "available" by waiting, as RDS's user guide
# describes them: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html
_REMEDIES = {
    "stopped": "Start the instance.",
    "deleting": "Replicate another instance: RDS is deleting this one.",
    "failed": "Restore another instance from a backup: RDS cannot recover a failed one.",
    "inaccessible-encryption-credentials": (
        "Enable the instance's own KMS key and its grants for RDS again. If RDS does not recover "
        "the instance, restore it from a backup."
    ),
    "inaccessible-encryption-credentials-recoverable": (
        "Enable the instance's own KMS key and its grants for RDS again, and then start the "
        "instance."
    ),
    "incompatible-create": "Restore the instance from a backup, with settings that RDS accepts.",
    "incompatible-credentials": "Reset the master password of the instance.",
    "incompatible-network": "Correct the subnets and the network of the instance.",
    "incompatible-option-group": "Correct the option group of the instance.",
    "incompatible-parameters": "Correct the parameter group of the instance, and reboot it.",
    "incompatible-restore": "Restore another instance from a backup: RDS cannot restore this one.",
    "insufficient-capacity": "Choose another DB instance class, or start the instance later.",
    "restore-error": "Restore another instance from a backup.",
    "storage-full": "Allocate more storage to the instance.",
}
_BUSY = "Wait until the instance is available, and check again."


# From these statuses, an instance recovers without harm to its backups.
_HARMLESS = ("stopped", "insufficient-capacity")


def risk_reasons(instance: SourceInstance, region_name: str) -> Iterator[CheckReason]:
    """Yield what will end the replication of an instance that replicates today."""
    status = (instance.db_instance_status or "").lower()
    is_harmed = status in _REMEDIES and status not in _HARMLESS
    for reason in instance_reasons(instance, region_name, None):
        if reason.code == "backups_off" or (reason.code == "instance_not_available" and is_harmed):
            yield reason


def is_only_busy(reason: CheckReason) -> bool:
    """Return whether the only problem is that the instance is busy."""
    return reason.code == "instance_not_available" and reason.remedy == _BUSY


def could_not_be_checked(question: str, error: Exception, region_name: str) -> CheckReason:
    """Return the reason for a question, such as "whether …", that AWS did not answer."""
    problem, remedy = str(error), _CORRECT
    if isinstance(error, ServiceError):
        problem, remedy = f"{error.code}: {error.message}", error.hint or remedy
        if isinstance(error, AccessDeniedError):
            remedy = error.hint or f"Allow the caller rds:{error.operation_name} in {region_name}."
        elif is_server_error(error):
            remedy = "RDS had an internal error: check again later."
    elif isinstance(error, ResponseValidationError):
        problem = f"the response is invalid: {error.reason}"
        remedy = "Check the endpoint URL and the proxies: the server may not be RDS."
        if "body" in error.response:  # botocore could not parse it either
            problem = "the response is invalid"
    elif isinstance(error, NoCredentialsError):
        remedy = NO_CREDENTIALS
    elif isinstance(error, BotoCoreError):
        remedy = _remedy_of(error)
    return _unchecked(question, problem, remedy)


def _remedy_of(error: BotoCoreError) -> str:
    if isinstance(error, NotAskedError):
        return error.remedy
    if isinstance(error, SSOError | TokenRetrievalError):
        return _SSO_LOGIN
    if isinstance(error, LoginError):
        return _LOGIN
    return _NO_RESPONSE if isinstance(error, NO_RESPONSE_ERRORS) else _CORRECT


def _unchecked(question: str, problem: str, remedy: str) -> CheckReason:
    return CheckReason(
        code="could_not_be_checked",
        message=f"The client could not find out {question}: {problem.removesuffix('.')}.",
        remedy=remedy,
    )


def no_client(question: str, source_region: str) -> CheckReason:
    """Return the reason for a question to a Region for which there is no boto3 client."""
    return _unchecked(
        question,
        f"the client has no boto3 client for {source_region}",
        f"Pass source_client=, a boto3 RDS client for {source_region}.",
    )


def instance_not_found(source_arn: str) -> CheckReason:
    """Return the reason for a source that does not exist."""
    return CheckReason(
        code="instance_not_found",
        message=f"The instance {source_arn} does not exist.",
        remedy="Check the ARN's name, Region and account, and the account of the credentials.",
    )


def instance_reasons(
    instance: SourceInstance, region_name: str, kms_key_id: str | None
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
            message=(
                f"The instance belongs to the Multi-AZ DB cluster {instance.db_cluster_identifier}."
            ),
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
            remedy=_REMEDIES.get(instance.db_instance_status.lower(), _BUSY),
        )
    if instance.storage_encrypted and kms_key_id is None:
        yield key_required(region_name)


def key_required(region_name: str) -> CheckReason:
    """Return the reason for an encrypted instance without a key."""
    return CheckReason(
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
        remedy=(
            "Use that key. To use another one, delete the retained backups first; until the new "
            "replication has copied a snapshot, nothing can be restored then."
        ),
    )


def already_replicating(source_arn: str, region_name: str) -> CheckReason:
    """Return the reason for an instance that has a replication."""
    return CheckReason(
        code="already_replicating",
        message=f"{source_arn} replicates to {region_name} already.",
        remedy=(
            "You do not need to start a replication. If this one is being stopped, wait until it "
            "has ended, and then start a new one."
        ),
    )


def backup_of_former_instance(
    backup: DBInstanceAutomatedBackup, dbi_resource_id: str | None
) -> CheckReason:
    """Return the reason for a backup of an instance that had the name before."""
    return CheckReason(
        code="backup_of_former_instance",
        message=(
            f"The active backup {backup.db_instance_automated_backups_arn} shows the ARN of the "
            f"instance, but it belongs to {backup.dbi_resource_id}, which had this name before. "
            f"The instance is {dbi_resource_id} now, and this backup does not protect it."
        ),
        remedy="Start a replication of the instance; RDS keeps the backups of both.",
    )


_KEY_STATES = {
    "Disabled": "Enable the key.",
    "PendingDeletion": "Cancel the deletion of the key, and enable the key.",
    "PendingReplicaDeletion": "Cancel the deletion of the key, and enable the key.",
    "PendingImport": "Import the key material.",
    "Unavailable": "Reconnect the key store of the key.",
    "Creating": "Wait until KMS has created the key.",
    "Updating": "Wait until KMS has updated the key.",
}


def key_reasons(kms_key_id: str, metadata: Mapping[str, Any]) -> Iterator[CheckReason]:
    """Yield the reasons in KMS's metadata why RDS could not encrypt backups with a key."""
    state = metadata.get("KeyState") or ("Enabled" if metadata["Enabled"] else "Disabled")
    if state != "Enabled":
        in_words = "".join(f" {c.lower()}" if c.isupper() else c for c in str(state)).strip()
        date = metadata.get("DeletionDate")
        when = f" (KMS deletes it on {date:%Y-%m-%d})" if date else ""
        yield CheckReason(
            code="kms_key_disabled",
            message=f"The KMS key {kms_key_id} is {in_words}{when}; it must be enabled.",
            remedy=_KEY_STATES.get(str(state), "Enable the key, or pass another one."),
        )
    if metadata.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
        yield CheckReason(
            code="kms_key_not_symmetric",
            message=f"The KMS key {kms_key_id} has the spec {metadata['KeySpec']}.",
            remedy="Pass a symmetric encryption key: RDS uses no other.",
        )


def key_not_described(
    question: str, kms_key_id: str, error: Exception, region_name: str
) -> CheckReason:
    """Return the reason for an error of KMS's ``DescribeKey``."""
    hide_secrets(error)
    if isinstance(error, ClientError):
        fault: Mapping[str, Any] = error.response.get("Error", {})
        code = str(fault.get("Code") or "")
        if code.startswith("NotFound"):
            is_alias = "alias/" in kms_key_id
            return CheckReason(
                code="kms_key_not_found",
                message=(
                    f"{region_name} has no KMS key behind the alias {kms_key_id}."
                    if is_alias
                    else f"{region_name} has no KMS key {kms_key_id}."
                ),
                remedy=f"Pass a KMS key of this account in {region_name}.",
            )
        status: int = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        remedy = _CORRECT
        if code.startswith("AccessDenied"):
            remedy = f"Allow the caller kms:DescribeKey for the key in {region_name}."
        elif status >= _SERVER_ERROR or "Throttl" in code:
            remedy = "KMS did not answer the question: check again later."
        return _unchecked(question, f"{code}: {fault.get('Message') or ''}", remedy)
    if isinstance(error, CannotCallKMSError):
        return _unchecked(question, str(error), "Pass kms_client=, a boto3 KMS client.")
    if isinstance(error, BotoCoreError):
        return _unchecked(question, str(error), _remedy_of(error))
    # The text may be the whole response of another service, so it is omitted.
    problem = f"the response of KMS is invalid ({type(error).__name__})"
    return _unchecked(question, problem, "Check the endpoint URL and the proxies.")
