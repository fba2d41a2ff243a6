"""What the errors of a restore mean, and what to do about them."""

from .._models._instance import DBInstance
from ..exceptions import (
    CertificateNotFoundFault,
    DBParameterGroupNotFoundFault,
    DBSubnetGroupDoesNotCoverEnoughAZs,
    DBSubnetGroupNotFoundFault,
    InstanceQuotaExceededFault,
    InsufficientDBInstanceCapacityFault,
    InvalidSubnet,
    InvalidVPCNetworkStateFault,
    NetworkTypeNotSupported,
    OptionGroupNotFoundFault,
    ProvisionedIopsNotAvailableInAZFault,
    ServiceError,
    StorageQuotaExceededFault,
    StorageTypeNotSupportedFault,
)
from ._settings import kind_of, run_of

_SUBNETS = (
    "Use a DB subnet group whose subnets are in more Availability Zones: set "
    "recovery.subnet_group in the policy and retarget the book."
)
_NETWORK = "Check the DB subnet group and the security groups: both must belong to one VPC."
_STORAGE = (
    "Use another storage type or another DB subnet group. The book's target settings can be "
    "changed only by a new capture or by retargeting."
)
_REMEDIES: dict[type[ServiceError], str] = {
    CertificateNotFoundFault: (
        "Check which CAs the destination has (aws rds describe-certificates)."
    ),
    DBParameterGroupNotFoundFault: "Create the DB parameter group, and run this again.",
    DBSubnetGroupDoesNotCoverEnoughAZs: _SUBNETS,
    DBSubnetGroupNotFoundFault: "Create the DB subnet group, and run this again.",
    InstanceQuotaExceededFault: (
        "Delete instances that are not needed in the destination, or ask AWS to raise the quota "
        "of DB instances. Then run this again."
    ),
    InsufficientDBInstanceCapacityFault: (
        "The Availability Zones have no room for this class now. Run this again later, or set "
        "another recovery.instance_class or recovery.subnet_group in the policy and retarget the "
        "book."
    ),
    InvalidSubnet: _NETWORK,
    InvalidVPCNetworkStateFault: _NETWORK,
    NetworkTypeNotSupported: _NETWORK,
    OptionGroupNotFoundFault: "Create the option group, and run this again.",
    ProvisionedIopsNotAvailableInAZFault: _STORAGE,
    StorageQuotaExceededFault: (
        "Ask AWS to raise the quota of storage in the destination. Then run this again."
    ),
    StorageTypeNotSupportedFault: _STORAGE,
}


def remedy_for(error: ServiceError) -> str:
    """Return what to do about an error of a restore; an empty text if nothing is known."""
    return _REMEDIES.get(type(error), "")


def explain_taken_name(instance: DBInstance) -> tuple[str, str]:
    """Return who restored the instance that has the name of one to restore, and what to do.

    The first text continues a sentence; it is empty if no recovery or drill restored the instance.
    """
    another = "set another recovery.name in the policy, and retarget the book."
    run_id, kind = run_of(instance), kind_of(instance)
    if run_id is None:
        return "", f"Rename or delete it, or {another}"
    whose = f"; the {kind or 'recovery or drill'} {run_id} restored it"
    if kind == "drill":
        return whose, "Run the cleanup of that drill, with its journal."
    return whose, (
        "The instance may be in use, so leave it alone. To go on with that recovery, use its "
        f"journal. To restore the instance once more, {another}"
    )


def may_have_restored(error: Exception) -> bool:
    """Return whether botocore may have restored the instance, although the last attempt failed.

    Only a refusal of the first attempt says no: botocore may have retried after a lost response,
    and whatever ends a retry, such as credentials that cannot be renewed, says nothing about that.
    """
    if isinstance(error, ServiceError):
        return bool(error.response.get("ResponseMetadata", {}).get("RetryAttempts"))
    return True
