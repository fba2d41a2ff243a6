"""Tests of the sandbox: what a Region offers, and Regions that are switched off."""

from contextlib import closing
from http.client import HTTPConnection, RemoteDisconnected
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from rds_backup_replication.exceptions import InsufficientDBInstanceCapacityFault
from rds_backup_replication.sandbox import OperationName, Sandbox

from . import restore_cases
from .restore_cases import (
    DESTINATION,
    ONE_ATTEMPT,
    SOURCE,
    Network,
    create_groups,
    describe,
    refused,
    restore,
)

pytestmark = pytest.mark.once

# The fixtures of these tests.
running = restore_cases.running
sandbox = restore_cases.sandbox
rds = restore_cases.rds
backup_arn = restore_cases.backup_arn


# Groups and classes


def test_default_groups_found_by_name(rds: Any) -> None:
    (group,) = rds.describe_db_parameter_groups(DBParameterGroupName="default.mysql8.0")[
        "DBParameterGroups"
    ]
    assert group["DBParameterGroupFamily"] == "mysql8.0"
    (options,) = rds.describe_option_groups(OptionGroupName="default:mysql-8-0")["OptionGroupsList"]
    assert (options["EngineName"], options["MajorEngineVersion"]) == ("mysql", "8.0")
    assert options["Options"] == []
    assert rds.describe_db_parameters(DBParameterGroupName="default.mysql8.0")["Parameters"] == []


def test_unknown_groups_refused(rds: Any) -> None:
    with refused("DBSubnetGroupNotFoundFault"):
        rds.describe_db_subnet_groups(DBSubnetGroupName="absent")
    with refused("DBParameterGroupNotFound"):
        rds.describe_db_parameter_groups(DBParameterGroupName="absent")
    with refused("DBParameterGroupNotFound"):
        rds.describe_db_parameters(DBParameterGroupName="absent")
    with refused("OptionGroupNotFoundFault"):
        rds.describe_option_groups(OptionGroupName="absent")
    assert rds.describe_option_groups()["OptionGroupsList"] == []


def test_changed_parameters_described(rds: Any) -> None:
    create_groups(rds)
    parameter = {
        "ParameterName": "work_mem",
        "ParameterValue": "65536",
        "ApplyMethod": "immediate",
    }
    rds.modify_db_parameter_group(DBParameterGroupName="orders-16", Parameters=[parameter])
    by_source = [
        rds.describe_db_parameters(DBParameterGroupName="orders-16", Source=source)["Parameters"]
        for source in ("user", "engine-default")
    ]
    assert by_source == [[{**parameter, "Source": "user"}], []]


def test_options_described(sandbox: Sandbox, rds: Any) -> None:
    network = Network(sandbox)
    rds.create_option_group(
        OptionGroupName="audit",
        EngineName="mysql",
        MajorEngineVersion="8.4",
        OptionGroupDescription="audit",
    )
    settings = [{"Name": "SERVER_AUDIT_EVENTS", "Value": "CONNECT"}]
    memcached = {
        "OptionName": "MEMCACHED",
        "Port": 11211,
        "VpcSecurityGroupMemberships": [network.security_group_id],
    }
    plugin = {"OptionName": "MARIADB_AUDIT_PLUGIN", "OptionSettings": settings}
    rds.modify_option_group(OptionGroupName="audit", OptionsToInclude=[memcached, plugin])
    (group,) = rds.describe_option_groups(OptionGroupName="audit")["OptionGroupsList"]
    first, second = group["Options"]
    assert first["Port"] == 11211
    assert first["VpcSecurityGroupMemberships"] == [
        {"VpcSecurityGroupId": network.security_group_id, "Status": "active"}
    ]
    assert second["OptionSettings"] == settings
    rds.modify_option_group(OptionGroupName="audit", OptionsToRemove=["MEMCACHED"])
    (group,) = rds.describe_option_groups(EngineName="mysql")["OptionGroupsList"]
    assert [each["OptionName"] for each in group["Options"]] == ["MARIADB_AUDIT_PLUGIN"]


def test_orderable_classes(sandbox: Sandbox, rds: Any, backup_arn: str) -> None:
    def zones(name: str = "db.r6g.large") -> set[str]:
        options = rds.describe_orderable_db_instance_options(
            Engine="postgres", EngineVersion="16.3", DBInstanceClass=name
        )["OrderableDBInstanceOptions"]
        assert {each["DBInstanceClass"] for each in options} <= {name}
        assert all(each["Vpc"] and each["SupportsStorageEncryption"] for each in options)
        return {zone["Name"] for each in options for zone in each["AvailabilityZones"]}

    everywhere = zones()
    assert everywhere == {f"us-east-1{letter}" for letter in "abcdef"}
    sandbox.make_unorderable(DESTINATION, "db.r6g.large", availability_zone="us-east-1a")
    assert zones() == everywhere - {"us-east-1a"}
    restored = restore(rds, backup_arn, DBInstanceClass="db.r6g.large")
    assert restored["AvailabilityZone"] == "us-east-1b"
    sandbox.make_unorderable(DESTINATION, "db.r6g.large")
    assert zones() == set()
    assert zones("db.r5.large") == everywhere
    with refused("InvalidParameterCombination"):
        restore(rds, backup_arn, "another", DBInstanceClass="db.r6g.large")
    listed = rds.get_paginator("describe_orderable_db_instance_options").paginate(Engine="mysql")
    classes = {
        each["DBInstanceClass"] for page in listed for each in page["OrderableDBInstanceOptions"]
    }
    assert "db.t3.micro" in classes
    assert "db.r6g.large" not in classes
    with refused("InvalidParameterValue"):
        rds.describe_orderable_db_instance_options(Engine="excel")


# Faults and outages


def test_faults_of_recovery_operations(sandbox: Sandbox, rds: Any, backup_arn: str) -> None:
    sandbox.add_fault("restore_db_instance_to_point_in_time", InsufficientDBInstanceCapacityFault)
    with refused("InsufficientDBInstanceCapacity"):
        restore(rds, backup_arn)
    restore(rds, backup_arn)
    sandbox.lose_answer("delete_db_instance")
    with pytest.raises(ConnectionClosedError):
        rds.delete_db_instance(DBInstanceIdentifier="restored", SkipFinalSnapshot=True)
    assert describe(rds)["DBInstanceStatus"] == "deleting"
    operations: list[tuple[OperationName, dict[str, Any]]] = [
        ("describe_account_attributes", {}),
        ("describe_db_parameter_groups", {}),
        ("describe_db_parameters", {"DBParameterGroupName": "default.postgres16"}),
        ("describe_db_subnet_groups", {}),
        ("describe_option_groups", {}),
        ("describe_orderable_db_instance_options", {"Engine": "postgres"}),
        ("modify_db_instance", {"DBInstanceIdentifier": "restored"}),
    ]
    for name, parameters in operations:
        sandbox.reset_connection(name)
        with pytest.raises(ConnectionClosedError):
            getattr(rds, name)(**parameters)


def test_region_down(
    sandbox: Sandbox, rds: Any, backup_arn: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of the Region answers, until it is up again; the other Regions do."""
    calls = [
        getattr(sandbox.boto3_client(service, SOURCE, config=ONE_ATTEMPT), operation)
        for service, operation in (
            ("rds", "describe_db_instances"),
            ("kms", "list_keys"),
            ("ec2", "describe_subnets"),
            ("s3", "list_buckets"),
            ("sts", "get_caller_identity"),
        )
    ]
    sandbox.region_down(SOURCE)
    assert sandbox.regions_down == (SOURCE,)
    for call in calls:
        with pytest.raises(ConnectionClosedError):
            call()
    assert restore(rds, backup_arn)["DBInstanceStatus"] == "creating"
    sandbox.region_down(SOURCE, "kms", "ec2")  # only these
    for call, is_down in zip(calls, [False, True, True, False, False], strict=True):
        if is_down:
            with pytest.raises(ConnectionClosedError):
                call()
        else:
            call()
    sandbox.region_up(SOURCE)
    assert not sandbox.regions_down
    assert [each["DBInstanceIdentifier"] for each in calls[0]()["DBInstances"]] == ["orders"]
    assert not [each for each in caplog.records if each.name == "werkzeug"]


def test_region_down_covers_presigned_urls(sandbox: Sandbox) -> None:
    sandbox.region_down(SOURCE)
    s3 = sandbox.boto3_client("s3", SOURCE, config=Config(signature_version="s3v4"))
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "books", "Key": "book"})
    address, _, query = url.removeprefix("http://").partition("/")
    with closing(HTTPConnection(address)) as connection:
        connection.request("GET", f"/{query}")
        with pytest.raises(RemoteDisconnected):
            connection.getresponse()


def test_reset_ends_conditions(sandbox: Sandbox, rds: Any) -> None:
    sandbox.region_down(DESTINATION)
    sandbox.set_endpoint(DESTINATION, "mydatabase", "127.0.0.1", 1)
    sandbox.make_unorderable(DESTINATION, "db.r5.large")
    sandbox.reset()
    assert not sandbox.regions_down
    instance = sandbox.create_db_instance(DESTINATION)
    assert instance.endpoint
    assert instance.endpoint.port == 5432
    assert rds.describe_orderable_db_instance_options(
        Engine="postgres", DBInstanceClass="db.r5.large"
    )["OrderableDBInstanceOptions"]


def test_unknown_region_refused(sandbox: Sandbox) -> None:
    for act in (sandbox.region_down, sandbox.region_up):
        with pytest.raises(ValueError, match="'us-wset-2' is not a Region"):
            act("us-wset-2")
    with pytest.raises(ValueError, match="'us-wset-2' is not a Region"):
        sandbox.set_endpoint("us-wset-2", "a", "127.0.0.1", 1)
    with pytest.raises(ValueError, match="'us-wset-2' is not a Region"):
        sandbox.make_unorderable("us-wset-2", "db.r5.large")


# S3, and what a reset deletes


def test_conditional_writes_to_s3(sandbox: Sandbox) -> None:
    s3 = sandbox.boto3_client("s3", DESTINATION, config=ONE_ATTEMPT)
    s3.create_bucket(Bucket="books")
    book = {"Bucket": "books", "Key": "recovery/book.json"}
    first = s3.put_object(**book, Body=b"1", IfNoneMatch="*", ServerSideEncryption="aws:kms")
    with refused("PreconditionFailed") as caught:
        s3.put_object(**book, Body=b"2", IfNoneMatch="*")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    second = s3.put_object(**book, Body=b"3", IfMatch=first["ETag"])
    with refused("PreconditionFailed"):
        s3.put_object(**book, Body=b"4", IfMatch=first["ETag"])
    found = s3.get_object(**book)
    assert (found["Body"].read(), found["ETag"]) == (b"3", second["ETag"])
    with refused("NoSuchKey"):
        s3.put_object(Bucket="books", Key="absent", Body=b"5", IfMatch=first["ETag"])


def test_later_sandbox_finds_nothing(running: Sandbox) -> None:
    """A sandbox leaves nothing in the process, also not in EC2's and S3's nested data."""
    for _ in range(2):
        running.stop()
        running.start()
        Network(running)
        s3 = running.boto3_client("s3", DESTINATION)
        s3.create_bucket(Bucket="books")
        s3.put_object(Bucket="books", Key="book", Body=b"1")
        ec2 = running.boto3_client("ec2", DESTINATION)
        subnets = ec2.describe_subnets(Filters=[{"Name": "cidrBlock", "Values": ["10.0.0.0/24"]}])
        assert len(subnets["Subnets"]) == 1
    running.reset()
    ec2 = running.boto3_client("ec2", DESTINATION)
    assert len(ec2.describe_vpcs()["Vpcs"]) == 1
    assert {each["DefaultForAz"] for each in ec2.describe_subnets()["Subnets"]} == {True}
