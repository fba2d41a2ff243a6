"""Everything that can go wrong, as types.

The tree::

    BackupReplicationError
    ├── RequestValidationError (a ValueError)      nothing was sent
    ├── ResponseValidationError                    answered, but unreadable
    ├── ServiceError (a botocore ClientError)      refused by RDS
    │   ├── a class per documented fault, by AWS's name
    │   └── a class per undocumented code that really comes
    ├── ReplicationDriftError                      replicates, but not as asked
    ├── ReplicationStoppedError                    ended while it was waited for
    ├── WaitTimeoutError (a TimeoutError)          not so far within the time given
    └── PolicyError (a ValueError)                 a fleet's policy is wrong

What botocore raises when no answer came (``NoCredentialsError``,
``EndpointConnectionError``, ``ReadTimeoutError`` …) passes through untouched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from ._models import DBInstanceAutomatedBackup


class BackupReplicationError(Exception):
    """Base of all errors of this library."""


@dataclass(frozen=True)
class InvalidParameter:
    """One mistake in a call's parameters."""

    parameter: str
    """Python name of the parameter, such as ``tags[0].key``."""
    given: str
    """What was given, as its ``repr``, cut if long; hidden for secrets."""
    message: str
    """What is wrong with it, or what is right."""

    def __str__(self) -> str:
        return f"{self.parameter}={self.given} {self.message}"


class RequestValidationError(BackupReplicationError, ValueError):
    """Parameters are wrong, and nothing was sent.

    Attributes:
        operation_name: AWS's name of the operation.
        errors: One entry per mistake, all mistakes of the call.
    """

    def __init__(self, operation_name: str, errors: Sequence[InvalidParameter]) -> None:
        super().__init__(operation_name, tuple(errors))
        self.operation_name: str = operation_name
        self.errors: tuple[InvalidParameter, ...] = tuple(errors)

    def __str__(self) -> str:
        lines = "".join(f"\n  {error}" for error in self.errors)
        return f"{self.operation_name} was not sent:{lines}"


class ResponseValidationError(BackupReplicationError):
    """RDS answered, and the answer cannot be read.

    Attributes:
        operation_name: AWS's name of the operation.
        reason: What cannot be read.
        response: The raw answer: boto3's dict, or where botocore could not make
            one, ``{"status_code": …, "headers": …, "body": …}``.
    """

    def __init__(self, operation_name: str, reason: str, response: Mapping[str, Any]) -> None:
        super().__init__(operation_name, reason, response)
        self.operation_name: str = operation_name
        self.reason: str = reason
        self.response: Mapping[str, Any] = response

    @property
    def may_have_taken_effect(self) -> bool:
        """Whether the operation is one that changes something."""
        return not self.operation_name.startswith("Describe")

    def __str__(self) -> str:
        effect = "It may have taken effect; the" if self.may_have_taken_effect else "The"
        return (
            f"{self.operation_name} was answered, but the answer cannot be read: {self.reason}. "
            f"{effect} raw answer is in .response"
        )


class ServiceError(BackupReplicationError, ClientError):
    """RDS refused the request; of this very class if the code has none of its own.

    A ``ClientError`` like botocore's, which it chains.

    Attributes:
        response: botocore's dict with ``Error`` and ``ResponseMetadata``.
        operation_name: AWS's name of the operation.
        code: AWS's error code, such as ``InvalidParameterValue``.
        message: AWS's message.
        hint: What to do about it, where that is known.
        request_id: AWS's id of the request, which its support asks for.
        http_status_code: Status of the HTTP answer.
    """

    def __init__(
        self, error_response: Mapping[str, Any], operation_name: str, hint: str | None = None
    ) -> None:
        super().__init__(cast("Any", error_response), operation_name)
        error = error_response.get("Error", {})
        metadata = error_response.get("ResponseMetadata", {})
        # botocore makes a dict of an element with others in it.
        self.code: str = str(error.get("Code") or "Unknown")
        self.message: str = str(error.get("Message") or "")
        self.hint: str | None = hint
        request_id = metadata.get("RequestId")
        self.request_id: str | None = None if request_id is None else str(request_id)
        self.http_status_code: int | None = metadata.get("HTTPStatusCode")

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text}\n{self.hint}" if self.hint else text

    def __reduce__(self) -> tuple[Any, ...]:
        # ClientError's own comes back as a bare ClientError.
        return type(self), (self.response, self.operation_name, self.hint)


@dataclass(frozen=True)
class Difference:
    """A setting of a live replication that is not the one asked for."""

    parameter: str
    """Python name of the parameter, such as ``kms_key_id``."""
    wanted: object
    """What was asked for."""
    actual: object
    """What the replication has."""
    uncertainty: str | None = None
    """Why the two may be the same all the same; ``None`` if they surely are not."""

    def __str__(self) -> str:
        text = f"{self.parameter} is {self.actual!r}, and {self.wanted!r} was asked for"
        return f"{text} (perhaps the same: {self.uncertainty})" if self.uncertainty else text


class ReplicationDriftError(BackupReplicationError):
    """It replicates, with another retention or key than asked for.

    Nothing was changed, unless somebody else started it so while this call replaced it:
    the log then says that the former replication was stopped, as does a note on the
    exception from Python 3.11 on.

    Attributes:
        backup: The live replicated backup.
        differences: What differs, each with both values.
    """

    def __init__(
        self, backup: "DBInstanceAutomatedBackup", differences: Sequence[Difference]
    ) -> None:
        super().__init__(backup, tuple(differences))
        self.backup: DBInstanceAutomatedBackup = backup
        self.differences: tuple[Difference, ...] = tuple(differences)

    def __str__(self) -> str:
        lines = "".join(f"\n  {difference}" for difference in self.differences)
        uncertain = [difference for difference in self.differences if difference.uncertainty]
        if uncertain:
            remedy = "While that is uncertain, nothing is replaced. Leave it out"
            is_named = all(difference.actual is not None for difference in uncertain)
            remedy += ", or name a key by its ARN in place of an alias." if is_named else "."
        elif any(difference.parameter == "kms_key_id" for difference in self.differences):
            remedy = (
                "Once something has been copied, RDS takes no other key: ensure_stopped(), "
                "wait_until_stopped() and delete the retained backups before you ensure it again. "
                "While it is pending, replace=True may do; or leave kms_key_id out."
            )
        else:
            remedy = (
                "RDS cannot modify a replication: replace=True stops it and starts it anew, or "
                "leave out what need not be so."
            )
        return f"{self.backup.db_instance_arn} replicates, but not as asked:{lines}\n{remedy}"


class ReplicationStoppedError(BackupReplicationError):
    """The replication that was waited for has ended.

    Attributes:
        last_backup: The last that was seen of it.
    """

    def __init__(self, last_backup: "DBInstanceAutomatedBackup") -> None:
        super().__init__(last_backup)
        self.last_backup: DBInstanceAutomatedBackup = last_backup

    def __str__(self) -> str:
        backup = self.last_backup
        return (
            f"{backup.db_instance_arn} no longer replicates: "
            f"{backup.db_instance_automated_backups_arn} was last seen as {backup.status}"
        )


class WaitTimeoutError(BackupReplicationError, TimeoutError):
    """What was waited for did not come about in time. It may still.

    If the last look failed, what it failed with is the ``__cause__``.

    Attributes:
        goal: What was waited for.
        timeout: How long.
        last_backup: The last backup that was seen, or ``None``.
    """

    def __init__(
        self, goal: str, timeout: timedelta, last_backup: "DBInstanceAutomatedBackup | None"
    ) -> None:
        super().__init__(goal)
        self.goal: str = goal
        self.timeout: timedelta = timeout
        self.last_backup: DBInstanceAutomatedBackup | None = last_backup
        self._failure: str | None = None

    def __str__(self) -> str:
        backup = self.last_backup
        seen = f"it was last seen as {backup.status}" if backup else "it was never seen"
        text = f"{self.goal} did not come about within {self.timeout}; {seen}"
        failure = self._last_failure()
        return text if failure is None else f"{text}. The last look failed: {failure}"

    def _last_failure(self) -> str | None:
        return self._failure if self.__cause__ is None else str(self.__cause__)

    def __reduce__(self) -> tuple[Any, ...]:
        # OSError's own would drop what does not fit an errno. No exception's cause is pickled.
        state = {"_failure": self._last_failure()}
        return type(self), (self.goal, self.timeout, self.last_backup), state


class PolicyError(BackupReplicationError, ValueError):
    """A policy is wrong.

    Attributes:
        source: Name of its file, or what its text was called.
        mistakes: One per mistake: the line, the field, and what is right.
    """

    def __init__(self, source: str, mistakes: Sequence[str]) -> None:
        super().__init__(source, tuple(mistakes))
        self.source: str = source
        self.mistakes: tuple[str, ...] = tuple(mistakes)

    def __str__(self) -> str:
        return "\n".join(f"{self.source}:{mistake}" for mistake in self.mistakes)


# Documented faults, by AWS's names.


class AuthorizationNotFoundFault(ServiceError):
    """The CIDR range or security group is not authorized for the DB security group."""


class BackupPolicyNotFoundFault(ServiceError):
    """The backup policy was not found."""


class CertificateNotFoundFault(ServiceError):
    """The CA certificate does not exist."""


class DBCapacityReservationNotFoundFault(ServiceError):
    """The capacity reservation does not exist."""


class DBInstanceAlreadyExistsFault(ServiceError):
    """An instance of that identifier exists already."""


class DBInstanceAutomatedBackupNotFoundFault(ServiceError):
    """No automated backup has that ARN or resource ID in this Region."""


class DBInstanceAutomatedBackupQuotaExceededFault(ServiceError):
    """The quota for automated backups is used up: of replicated ones, 20 by default."""


class DBInstanceNotFoundFault(ServiceError):
    """No DB instance has that ARN or identifier."""


class DBParameterGroupNotFoundFault(ServiceError):
    """The DB parameter group does not exist."""


class DBSecurityGroupNotFoundFault(ServiceError):
    """The DB security group does not exist."""


class DBSubnetGroupDoesNotCoverEnoughAZs(ServiceError):
    """The DB subnet group must have subnets in at least two Availability Zones."""


class DBSubnetGroupNotFoundFault(ServiceError):
    """The DB subnet group does not exist."""


class DomainNotFoundFault(ServiceError):
    """The Active Directory domain does not exist."""


class InstanceQuotaExceededFault(ServiceError):
    """The quota for DB instances is used up."""


class InsufficientDBInstanceCapacityFault(ServiceError):
    """The Availability Zone has no capacity left for the DB instance class."""


class InvalidDBCapacityReservationStateFault(ServiceError):
    """The state of the capacity reservation does not allow the operation."""


class InvalidDBInstanceAutomatedBackupStateFault(ServiceError):
    """The backup's state forbids it: deleting one of a live replication, for example."""


class InvalidDBInstanceStateFault(ServiceError):
    """The instance's state forbids it; only the message tells which.

    It has backups turned off, is busy with something else, or does not
    replicate to this Region.
    """


class InvalidRestoreFault(ServiceError):
    """Nothing can be restored that way."""


class InvalidSubnet(ServiceError):
    """The subnets are invalid, or of different VPCs."""


class InvalidVPCNetworkStateFault(ServiceError):
    """The DB subnet group does not cover all Availability Zones any more."""


class KMSKeyNotAccessibleFault(ServiceError):
    """The KMS key does not exist in the destination Region, is disabled, or is not yours to use."""


class NetworkTypeNotSupported(ServiceError):
    """The network type does not fit the DB subnet group or the engine version."""


class OptionGroupNotFoundFault(ServiceError):
    """The option group does not exist."""


class PointInTimeRestoreNotEnabledFault(ServiceError):
    """The source has automated backups turned off."""


class ProvisionedIopsNotAvailableInAZFault(ServiceError):
    """The Availability Zone does not offer Provisioned IOPS."""


class StorageQuotaExceededFault(ServiceError):
    """The quota for storage is used up."""


class StorageTypeNotSupportedFault(ServiceError):
    """The storage type cannot be used here."""


class TenantDatabaseQuotaExceededFault(ServiceError):
    """The quota for tenant databases is used up."""


class VpcEncryptionControlViolationException(ServiceError):
    """The VPC's encryption controls forbid it."""


# Codes that the service model does not document, and that come all the same.


class AccessDeniedError(ServiceError):
    """IAM or a service control policy forbids it."""


class ExpiredTokenError(ServiceError):
    """The temporary credentials have expired."""


class InternalFailureError(ServiceError):
    """RDS failed inside; the operation may have taken effect."""


class InvalidClientTokenIdError(ServiceError):
    """AWS does not know the access key, or the Region is not enabled for the account."""


class InvalidParameterCombinationError(ServiceError):
    """Parameters that must not be used together."""


class InvalidParameterValueError(ServiceError):
    """A value that RDS does not take: the wrong Region, a missing key, a bad tag."""


class OptInRequiredError(ServiceError):
    """The account has not enabled the Region or the service."""


class ServiceUnavailableError(ServiceError):
    """RDS is unavailable for now."""


class SignatureDoesNotMatchError(ServiceError):
    """The request's signature is wrong: a wrong secret key, as a rule, or clock."""


class ThrottlingError(ServiceError):
    """Too many requests; botocore has retried already."""
