"""Typed client for replicating Amazon RDS automated backups to another Region."""

from typing import TYPE_CHECKING

from ._lazy_imports import lazy_names
from ._version import __version__

if TYPE_CHECKING:
    from . import exceptions
    from ._client import BackupReplicationClient
    from ._models import (
        AdditionalStorageVolume,
        ApiCall,
        BackupStatus,
        CheckReason,
        CheckResult,
        DBInstanceAutomatedBackup,
        DBInstanceAutomatedBackupsReplication,
        DeleteDBInstanceAutomatedBackupRequest,
        DescribeDBInstanceAutomatedBackupsRequest,
        DescribeSourceRegionsRequest,
        EnsureResult,
        Filter,
        ReplacementProgress,
        RestoreWindow,
        SourceRegion,
        StartDBInstanceAutomatedBackupsReplicationRequest,
        StopDBInstanceAutomatedBackupsReplicationRequest,
        Tag,
    )
    from ._models._instance import DBInstance
    from ._models._instance_parts import (
        AdditionalStorageVolumeOutput,
        AvailabilityZone,
        CertificateDetails,
        DBInstanceRole,
        DBInstanceStatusInfo,
        DBParameterGroupStatus,
        DBSecurityGroupMembership,
        DBSubnetGroup,
        DomainMembership,
        Endpoint,
        MasterUserSecret,
        OptionGroupMembership,
        Outpost,
        PendingCloudwatchLogsExports,
        PendingModifiedValues,
        PrimaryEndpoint,
        ProcessorFeature,
        Subnet,
        VpcSecurityGroupMembership,
    )
    from ._models._restore import (
        RestoreDBInstanceToPointInTimeRequest,
        RestoreOptions,
        TagSpecification,
    )

__all__ = [
    "AdditionalStorageVolume",
    "AdditionalStorageVolumeOutput",
    "ApiCall",
    "AvailabilityZone",
    "BackupReplicationClient",
    "BackupStatus",
    "CertificateDetails",
    "CheckReason",
    "CheckResult",
    "DBInstance",
    "DBInstanceAutomatedBackup",
    "DBInstanceAutomatedBackupsReplication",
    "DBInstanceRole",
    "DBInstanceStatusInfo",
    "DBParameterGroupStatus",
    "DBSecurityGroupMembership",
    "DBSubnetGroup",
    "DeleteDBInstanceAutomatedBackupRequest",
    "DescribeDBInstanceAutomatedBackupsRequest",
    "DescribeSourceRegionsRequest",
    "DomainMembership",
    "Endpoint",
    "EnsureResult",
    "Filter",
    "MasterUserSecret",
    "OptionGroupMembership",
    "Outpost",
    "PendingCloudwatchLogsExports",
    "PendingModifiedValues",
    "PrimaryEndpoint",
    "ProcessorFeature",
    "ReplacementProgress",
    "RestoreDBInstanceToPointInTimeRequest",
    "RestoreOptions",
    "RestoreWindow",
    "SourceRegion",
    "StartDBInstanceAutomatedBackupsReplicationRequest",
    "StopDBInstanceAutomatedBackupsReplicationRequest",
    "Subnet",
    "Tag",
    "TagSpecification",
    "VpcSecurityGroupMembership",
    "__version__",
    "exceptions",
]

# All other names are in _models.
_HOMES = {
    "AdditionalStorageVolumeOutput": "_models._instance_parts",
    "AvailabilityZone": "_models._instance_parts",
    "BackupReplicationClient": "_client",
    "CertificateDetails": "_models._instance_parts",
    "DBInstance": "_models._instance",
    "DBInstanceRole": "_models._instance_parts",
    "DBInstanceStatusInfo": "_models._instance_parts",
    "DBParameterGroupStatus": "_models._instance_parts",
    "DBSecurityGroupMembership": "_models._instance_parts",
    "DBSubnetGroup": "_models._instance_parts",
    "DomainMembership": "_models._instance_parts",
    "Endpoint": "_models._instance_parts",
    "MasterUserSecret": "_models._instance_parts",
    "OptionGroupMembership": "_models._instance_parts",
    "Outpost": "_models._instance_parts",
    "PendingCloudwatchLogsExports": "_models._instance_parts",
    "PendingModifiedValues": "_models._instance_parts",
    "PrimaryEndpoint": "_models._instance_parts",
    "ProcessorFeature": "_models._instance_parts",
    "RestoreDBInstanceToPointInTimeRequest": "_models._restore",
    "RestoreOptions": "_models._restore",
    "Subnet": "_models._instance_parts",
    "TagSpecification": "_models._restore",
    "VpcSecurityGroupMembership": "_models._instance_parts",
    "exceptions": "exceptions",
}

if not TYPE_CHECKING:  # with it, type checkers would take any name for one of ours
    __getattr__, __dir__ = lazy_names(__name__, __all__, _HOMES, "_models")
