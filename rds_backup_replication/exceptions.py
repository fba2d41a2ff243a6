"""All exceptions of this library.

The tree::

    BackupReplicationError
    ├── RequestValidationError (a ValueError)      nothing was sent
    ├── OutdatedBoto3Error                         boto3 is too old; nothing was sent
    ├── ResponseValidationError                    the response is invalid
    ├── ServiceError (a botocore ClientError)      the response is an error
    │   ├── one class per documented fault, by AWS's name
    │   └── one class per undocumented code that AWS returns
    ├── ReplicationDriftError                      replicates with other settings
    ├── ReplicationBlockedError                    a replacement would fail; nothing was stopped
    ├── ReplacementError                           a replacement failed after the stop
    ├── ReplicationStoppedError                    ended during a wait
    ├── WaitTimeoutError (a TimeoutError)          timed out
    ├── PolicyError (a ValueError)                 the policy of a fleet is invalid
    ├── PlanRefusedError (a ValueError)            the plan of a fleet was not applied
    └── RecoveryRefusedError (a ValueError)        a recovery or a drill was refused

Where no response came, botocore's own errors (``NoCredentialsError``,
``EndpointConnectionError``, ``ReadTimeoutError`` …) pass through, without any secrets.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from botocore.exceptions import ClientError

# The names below are exports.
from ._error_details import BackupReplicationError as BackupReplicationError  # noqa: PLC0414
from ._error_details import Difference as Difference  # noqa: PLC0414
from ._error_details import InvalidParameter as InvalidParameter  # noqa: PLC0414
from ._workflow_errors import PlanRefusedError as PlanRefusedError  # noqa: PLC0414
from ._workflow_errors import PolicyError as PolicyError  # noqa: PLC0414
from ._workflow_errors import RecoveryRefusedError as RecoveryRefusedError  # noqa: PLC0414
from ._workflow_errors import ReplacementError as ReplacementError  # noqa: PLC0414
from ._workflow_errors import ReplicationBlockedError as ReplicationBlockedError  # noqa: PLC0414
from ._workflow_errors import ReplicationDriftError as ReplicationDriftError  # noqa: PLC0414
from ._workflow_errors import ReplicationStoppedError as ReplicationStoppedError  # noqa: PLC0414
from ._workflow_errors import WaitTimeoutError as WaitTimeoutError  # noqa: PLC0414


class RequestValidationError(BackupReplicationError, ValueError):
    """Parameters are invalid; nothing was sent.

    Attributes:
        operation_name: AWS's name of the operation; the name of the method if it is built of
            several operations; ``BackupReplicationClient`` if no client could be created.
        errors: All invalid parameters of the call.
    """

    def __init__(self, operation_name: str, errors: Sequence[InvalidParameter]) -> None:
        super().__init__(operation_name, tuple(errors))
        self.operation_name: str = operation_name
        self.errors: tuple[InvalidParameter, ...] = tuple(errors)

    def __str__(self) -> str:
        lines = "".join(f"\n  {error}" for error in self.errors)
        return f"{self.operation_name} {self._outcome()}:{lines}"

    def _outcome(self) -> str:
        if self.operation_name.islower():  # a method
            return "sent nothing"
        return "was not created" if self.operation_name.endswith("Client") else "was not sent"


class OutdatedBoto3Error(BackupReplicationError):
    """The boto3 in use is too old for an operation or a parameter; nothing was sent.

    Attributes:
        operation_name: AWS's name of the operation.
        parameter: Python name of the parameter, or ``None`` if boto3 lacks the whole operation.
        installed: The version of botocore in use, and its directory.
        needed: The version of boto3 to install.
    """

    def __init__(
        self, operation_name: str, parameter: str | None, installed: str, needed: str
    ) -> None:
        super().__init__(operation_name, parameter, installed, needed)
        self.operation_name: str = operation_name
        self.parameter: str | None = parameter
        self.installed: str = installed
        self.needed: str = needed

    def __str__(self) -> str:
        lacks = f"its parameter {self.parameter}" if self.parameter else "the operation"
        return (
            f"{self.operation_name} was not sent: {self.installed} does not know {lacks}. "
            f"Install {self.needed}: pip install --upgrade boto3. If that is installed already, "
            "another directory of sys.path comes first."
        )


class ResponseValidationError(BackupReplicationError):
    """A response arrived, and it is invalid.

    Attributes:
        operation_name: AWS's name of the operation.
        reason: What is wrong with the response.
        response: boto3's dict or, where botocore could not parse the response,
            ``{"status_code": …, "headers": …, "body": …}``.
    """

    def __init__(self, operation_name: str, reason: str, response: Mapping[str, Any]) -> None:
        super().__init__(operation_name, reason, response)
        self.operation_name: str = operation_name
        self.reason: str = reason
        self.response: Mapping[str, Any] = response

    @property
    def may_have_taken_effect(self) -> bool:
        """Return whether the operation may have taken effect: it changes something."""
        return not self.operation_name.startswith("Describe")

    def __str__(self) -> str:
        effect = "The operation may have taken effect. " if self.may_have_taken_effect else ""
        return (
            f"The response to {self.operation_name} is invalid: {self.reason}. {effect}"
            "The raw response is in .response."
        )


class ServiceError(BackupReplicationError, ClientError):
    """The response is an error, of RDS or of a server in between, such as a load balancer.

    Each known code has a subclass; every other code raises this class itself.

    The ``__cause__`` is botocore's ``ClientError``, and this class is one, too.

    Attributes:
        response: botocore's dict with ``Error`` and ``ResponseMetadata``.
        operation_name: AWS's name of the operation.
        code: AWS's error code, such as ``InvalidParameterValue``.
        message: AWS's message.
        hint: What to do; ``None`` where the library has no advice.
        request_id: AWS's ID of the request, for AWS Support.
        http_status_code: HTTP status of the response.
    """

    def __init__(
        self, error_response: Mapping[str, Any], operation_name: str, hint: str | None = None
    ) -> None:
        super().__init__(cast("Any", error_response), operation_name)
        error = error_response.get("Error", {})
        metadata = error_response.get("ResponseMetadata", {})
        # botocore returns a dict for an element with nested elements.
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
        # ClientError's own method would restore a bare ClientError.
        return type(self), (self.response, self.operation_name, self.hint)


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
    """An instance with that identifier exists."""


class DBInstanceAutomatedBackupNotFoundFault(ServiceError):
    """No automated backup in this Region has that ARN or resource ID."""


class DBInstanceAutomatedBackupQuotaExceededFault(ServiceError):
    """The quota for automated backups is used up; for replicated backups it is 20 by default."""


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
    """The state of the backup forbids the operation, such as deleting an active backup."""


class InvalidDBInstanceStateFault(ServiceError):
    """The instance is busy, has no automated backups, or does not replicate to this Region."""


class InvalidRestoreFault(ServiceError):
    """RDS cannot restore with these parameters."""


class InvalidSubnet(ServiceError):
    """The subnets are invalid, or belong to different VPCs."""


class InvalidVPCNetworkStateFault(ServiceError):
    """The DB subnet group no longer covers all Availability Zones."""


class KMSKeyNotAccessibleFault(ServiceError):
    """The KMS key is not in the destination Region, is disabled, or does not permit the caller."""


class NetworkTypeNotSupported(ServiceError):
    """The network type does not fit the DB subnet group or the engine version."""


class OptionGroupNotFoundFault(ServiceError):
    """The option group does not exist."""


class PointInTimeRestoreNotEnabledFault(ServiceError):
    """The automated backups of the source are disabled."""


class ProvisionedIopsNotAvailableInAZFault(ServiceError):
    """The Availability Zone does not offer Provisioned IOPS."""


class StorageQuotaExceededFault(ServiceError):
    """The quota for storage is used up."""


class StorageTypeNotSupportedFault(ServiceError):
    """RDS does not support the storage type here."""


class TenantDatabaseQuotaExceededFault(ServiceError):
    """The quota for tenant databases is used up."""


class VpcEncryptionControlViolationException(ServiceError):
    """The encryption controls of the VPC forbid the operation."""


# Codes that AWS returns although the service model does not document them.


class AccessDeniedError(ServiceError):
    """IAM or a service control policy forbids the operation."""


class ExpiredTokenError(ServiceError):
    """The temporary credentials, or the request itself, have expired."""


class InternalFailureError(ServiceError):
    """RDS had an internal error; the operation may have taken effect."""


class InvalidClientTokenIdError(ServiceError):
    """AWS does not know the access key, or the Region is not enabled for the account."""


class InvalidParameterCombinationError(ServiceError):
    """The parameters must not be used together."""


class InvalidParameterValueError(ServiceError):
    """RDS refuses a value, such as the wrong Region or an invalid tag, or the whole request."""


class OptInRequiredError(ServiceError):
    """The account has not enabled the Region or the service."""


class ServiceUnavailableError(ServiceError):
    """RDS is temporarily unavailable."""


class SignatureDoesNotMatchError(ServiceError):
    """The request's signature is wrong, usually because of the secret key or the clock."""


class ThrottlingError(ServiceError):
    """RDS throttled the request, and botocore's retries did not succeed."""
