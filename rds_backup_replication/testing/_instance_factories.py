"""Factories of the models within a ``DBInstance``."""

from datetime import datetime, timezone

from .._models._instance_parts import (
    AdditionalStorageVolumeOutput,
    AvailabilityZone,
    CertificateDetails,
    DBInstanceRole,
    DBInstanceStatusInfo,
    DBParameterGroupStatus,
    DBSecurityGroupMembership,
    DBSubnetGroup,
    DomainMembership,
    MasterUserSecret,
    OptionGroupMembership,
    Outpost,
    PendingCloudwatchLogsExports,
    PendingModifiedValues,
    PrimaryEndpoint,
    Subnet,
    VpcSecurityGroupMembership,
)
from ._factories import SOURCE, Fields, factory, make_endpoint

_EXPIRY = datetime(2027, 1, 1, 9, 30, tzinfo=timezone.utc)


@factory(PrimaryEndpoint)
def make_primary_endpoint(_fields: Fields) -> Fields:
    """Return the endpoint of the default instance, as its replicas show it."""
    endpoint = make_endpoint()
    return {"address": endpoint.address, "hosted_zone_id": endpoint.hosted_zone_id}


@factory(DBSecurityGroupMembership)
def make_db_security_group_membership(_fields: Fields) -> Fields:
    """Return the DB security group ``default``, which is active."""
    return {"db_security_group_name": "default", "status": "active"}


@factory(VpcSecurityGroupMembership)
def make_vpc_security_group_membership(_fields: Fields) -> Fields:
    """Return an active VPC security group."""
    return {"vpc_security_group_id": "sg-0123456789abcdef0", "status": "active"}


@factory(DBParameterGroupStatus)
def make_db_parameter_group_status(_fields: Fields) -> Fields:
    """Return the default parameter group of the default engine, in sync."""
    return {
        "db_parameter_group_name": "default.postgres17",
        "parameter_apply_status": "in-sync",
    }


@factory(AvailabilityZone)
def make_availability_zone(_fields: Fields) -> Fields:
    """Return the Availability Zone of the default instance."""
    return {"name": f"{SOURCE.region}a"}


@factory(Outpost)
def make_outpost(_fields: Fields) -> Fields:
    """Return an Outpost in the Region of the default instance."""
    prefix = f"arn:{SOURCE.partition}:outposts:{SOURCE.region}:{SOURCE.account_id}"
    return {"arn": f"{prefix}:outpost/op-0123456789abcdef0"}


@factory(Subnet)
def make_subnet(_fields: Fields) -> Fields:
    """Return a subnet in the Availability Zone of the default instance."""
    return {
        "subnet_identifier": "subnet-0123456789abcdef0",
        "subnet_availability_zone": make_availability_zone(),
        "subnet_status": "Active",
    }


@factory(DBSubnetGroup)
def make_db_subnet_group(fields: Fields) -> Fields:
    """Return a DB subnet group with one subnet, and with an ARN derived from its name."""
    name = fields.get("db_subnet_group_name") or "default"
    prefix = f"arn:{SOURCE.partition}:rds:{SOURCE.region}:{SOURCE.account_id}"
    return {
        "db_subnet_group_name": name,
        "db_subnet_group_description": f"The subnets of {name}",
        "vpc_id": "vpc-0123456789abcdef0",
        "subnet_group_status": "Complete",
        "subnets": (make_subnet(),),
        "db_subnet_group_arn": f"{prefix}:subgrp:{name}",
        "supported_network_types": ("IPV4",),
    }


@factory(PendingCloudwatchLogsExports)
def make_pending_cloudwatch_logs_exports(_fields: Fields) -> Fields:
    """Return the pending export of the log of the default engine."""
    return {"log_types_to_enable": ("postgresql",), "log_types_to_disable": ()}


@factory(PendingModifiedValues)
def make_pending_modified_values(_fields: Fields) -> Fields:
    """Return a pending change of the DB instance class."""
    return {"db_instance_class": "db.t3.small"}


@factory(OptionGroupMembership)
def make_option_group_membership(_fields: Fields) -> Fields:
    """Return the default option group of the default engine, in sync."""
    return {"option_group_name": "default:postgres-17", "status": "in-sync"}


@factory(DBInstanceStatusInfo)
def make_db_instance_status_info(_fields: Fields) -> Fields:
    """Return the state of a read replica without an error."""
    return {"status_type": "read replication", "normal": True, "status": "replicating"}


@factory(DomainMembership)
def make_domain_membership(_fields: Fields) -> Fields:
    """Return a directory that the instance has joined."""
    return {
        "domain": "d-0123456789",
        "status": "joined",
        "fqdn": "corp.example.com",
        "iam_role_name": "rds-directory-service-access-role",
    }


@factory(DBInstanceRole)
def make_db_instance_role(_fields: Fields) -> Fields:
    """Return an active role for imports from Amazon S3."""
    return {
        "role_arn": f"arn:{SOURCE.partition}:iam::{SOURCE.account_id}:role/rds-s3-import",
        "feature_name": "s3Import",
        "status": "ACTIVE",
    }


@factory(CertificateDetails)
def make_certificate_details(_fields: Fields) -> Fields:
    """Return a certificate that is valid for a year after the instance's creation."""
    return {"ca_identifier": "rds-ca-rsa2048-g1", "valid_till": _EXPIRY}


@factory(MasterUserSecret)
def make_master_user_secret(_fields: Fields) -> Fields:
    """Return an active secret in the Region of the default instance."""
    prefix = f"arn:{SOURCE.partition}:secretsmanager:{SOURCE.region}:{SOURCE.account_id}"
    return {"secret_arn": f"{prefix}:secret:rds!db-example-AbCdEf", "secret_status": "active"}


@factory(AdditionalStorageVolumeOutput)
def make_additional_storage_volume_output(_fields: Fields) -> Fields:
    """Return a storage volume that is in use."""
    return {
        "volume_name": "rdsdbdata2",
        "storage_volume_status": "ACTIVE",
        "allocated_storage": 200,
        "storage_type": "gp3",
    }
