"""Tests of what `check_replication` says about the source, the Regions and the backups."""

from typing import Any

import pytest

from rds_backup_replication.exceptions import RequestValidationError, ServiceError
from rds_backup_replication.sandbox import Sandbox

from . import check_cases
from .check_cases import KEY_ID, CheckedRDS, backup, check, codes, source
from .loopback import error_xml, result_xml
from .wire import (
    BACKUP_ARN,
    KMS_KEY_ARN,
    SOURCE_ARN,
    listing_xml,
    replications_xml,
    source_regions_xml,
)

# The fixture of these tests.
server = check_cases.server

FORMER_ID = "db-FORMER"


def replication_to(region: str) -> str:
    """Return the replication of the source to a Region."""
    return replications_xml(BACKUP_ARN.replace("us-east-1", region))


def test_check_returns_no_reason_for_suitable_source(server: CheckedRDS) -> None:
    assert check(server).is_clear
    assert server.questions == ["source", "regions", "backups", "named"]
    asked = [request.headers["Authorization"].split("/")[2] for request in server.received]
    assert asked == ["us-west-2", "us-east-1", "us-east-1", "us-east-1"]


@pytest.mark.parametrize(
    ("members", "code", "part"),
    [
        ({"Engine": "aurora-mysql"}, "engine_not_supported", "aurora-mysql"),
        ({"Engine": "custom-oracle-ee"}, "engine_not_supported", "custom-oracle-ee"),
        ({"DBClusterIdentifier": "mycluster"}, "cluster_not_supported", "mycluster"),
        ({"BackupRetentionPeriod": "0"}, "backups_off", "are disabled"),
        ({"DBInstanceStatus": "modifying"}, "instance_not_available", "modifying"),
        ({"StorageEncrypted": "true"}, "kms_key_required", "encrypted"),
        (
            {"DBInstanceAutomatedBackupsReplications": replication_to("us-east-1")},
            "already_replicating",
            "us-east-1 already",
        ),
    ],
)
def test_check_returns_each_reason_about_source(
    server: CheckedRDS, members: dict[str, str], code: str, part: str
) -> None:
    server.reply(source=source(**members))
    checked = check(server)
    (reason,) = checked.blockers
    assert reason.code == code
    assert part in reason.message
    assert not checked.is_clear


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        ("backing-up", "Wait until"),
        ("Modifying", "Wait until"),
        ("stopped", "Start the instance"),
        ("Stopped", "Start the instance"),
        ("deleting", "Replicate another instance"),
        ("failed", "Restore another instance"),
        ("inaccessible-encryption-credentials", "own KMS key"),
        ("inaccessible-encryption-credentials-recoverable", "then start the instance"),
        ("incompatible-network", "Correct the subnets"),
        ("incompatible-option-group", "Correct the option group"),
        ("incompatible-parameters", "Correct the parameter group"),
        ("incompatible-restore", "Restore another instance"),
        ("restore-error", "Restore another instance"),
        ("insufficient-capacity", "another DB instance class"),
        ("storage-full", "Allocate more storage"),
    ],
)
def test_remedy_suits_status_of_source(server: CheckedRDS, status: str, remedy: str) -> None:
    """Only a busy instance becomes available by waiting."""
    server.reply(source=source(DBInstanceStatus=status))
    (reason,) = check(server).blockers
    assert reason.code == "instance_not_available"
    assert f"is {status};" in reason.message
    assert remedy in reason.remedy
    assert ("Wait until" in reason.remedy) == (remedy == "Wait until")


@pytest.mark.parametrize(
    "omitted",
    [
        "<BackupRetentionPeriod>7</BackupRetentionPeriod>",
        "<DBInstanceStatus>available</DBInstanceStatus>",
        "<Engine>postgres</Engine>",
        "<StorageEncrypted>false</StorageEncrypted>",
        f"<DbiResourceId>{check_cases.RESOURCE_ID}</DbiResourceId>",
    ],
)
def test_omitted_field_of_source_is_no_reason(server: CheckedRDS, omitted: str) -> None:
    assert omitted in source()
    server.reply(source=source().replace(omitted, ""))
    assert codes(server) == []


def test_other_source_region_is_ignored(server: CheckedRDS) -> None:
    other = "<SourceRegion><RegionName>eu-west-1</RegionName>"
    server.reply(regions=source_regions_xml().replace("<SourceRegion>", other))
    assert codes(server) == ["region_pair_not_supported"]


def test_check_returns_all_reasons_at_once(server: CheckedRDS) -> None:
    server.reply(
        regions=source_regions_xml(supported=False),
        source=source(
            Engine="aurora-mysql",
            DBClusterIdentifier="mycluster",
            BackupRetentionPeriod="0",
            DBInstanceStatus="stopped",
            StorageEncrypted="true",
        ),
    )
    assert codes(server) == [
        "engine_not_supported",
        "backups_off",
        "instance_not_available",
        "kms_key_required",
        "region_pair_not_supported",
    ]


def test_unlisted_source_region_is_not_supported(server: CheckedRDS) -> None:
    server.reply(regions=result_xml("DescribeSourceRegions", "<SourceRegions></SourceRegions>"))
    assert codes(server) == ["region_pair_not_supported"]


def test_encrypted_source_with_key_has_no_reason(server: CheckedRDS) -> None:
    server.reply(source=source(StorageEncrypted="true"))
    assert codes(server, kms_key_id=KMS_KEY_ARN) == []


@pytest.mark.parametrize("body", [error_xml("DBInstanceNotFound"), source(DBInstanceArn="other")])
def test_missing_source_is_a_reason(server: CheckedRDS, body: str) -> None:
    server.reply(source=body)
    assert codes(server) == ["instance_not_found"]


# The backups in the destination


def test_active_replication_is_reported_once(server: CheckedRDS) -> None:
    """Check one reason for a replication that the source and the destination list."""
    server.reply(
        source=source(DBInstanceAutomatedBackupsReplications=replication_to("us-east-1")),
        backups=listing_xml(backup()),
    )
    assert codes(server) == ["already_replicating"]


def test_renamed_source_is_already_replicating(server: CheckedRDS) -> None:
    """The resource ID decides, although the backup shows the instance's former ARN."""
    former_name = backup(DBInstanceArn=SOURCE_ARN.replace("mydatabase", "former"))
    server.reply(backups=listing_xml(former_name), named=listing_xml())
    assert codes(server) == ["already_replicating"]


def test_retained_or_other_backups_are_no_reason(server: CheckedRDS) -> None:
    other = backup(
        DBInstanceArn=SOURCE_ARN.replace("us-west-2", "eu-west-1"), DbiResourceId="db-OTHER"
    )
    retained = backup(Status="Retained", KmsKeyId=KMS_KEY_ARN)
    server.reply(
        source=source(DBInstanceAutomatedBackupsReplications=replication_to("eu-west-1")),
        backups=listing_xml(retained, other),
    )
    assert codes(server, kms_key_id=KEY_ID) == []


def test_backup_of_former_instance_is_a_reason(server: CheckedRDS) -> None:
    """An active backup of an instance that had the name before protects nothing of this one."""
    former = backup(DbiResourceId=FORMER_ID, DBInstanceAutomatedBackupsArn=BACKUP_ARN)
    server.reply(backups=listing_xml(), named=listing_xml(former))
    checked = check(server)
    (reason,) = checked.blockers
    assert reason.code == "backup_of_former_instance"
    for part in (BACKUP_ARN, FORMER_ID, check_cases.RESOURCE_ID):
        assert part in reason.message
    assert "Start a replication" in reason.remedy


@pytest.mark.parametrize(
    "harmless",
    [
        backup(DbiResourceId=FORMER_ID, Status="retained"),
        backup().replace(f"<DbiResourceId>{check_cases.RESOURCE_ID}</DbiResourceId>", ""),
        backup(DbiResourceId=FORMER_ID, DBInstanceArn=SOURCE_ARN.replace("us-west-2", "eu-west-1")),
    ],
)
def test_other_backups_are_of_no_former_instance(server: CheckedRDS, harmless: str) -> None:
    """A retained backup, one without an ID and one of another source are no reason."""
    server.reply(backups=listing_xml(), named=listing_xml(harmless))
    assert codes(server) == []


def test_both_replications_are_reported(server: CheckedRDS) -> None:
    """An active backup of the instance does not hide the one of a former instance."""
    server.reply(
        backups=listing_xml(backup()),
        named=listing_xml(backup(), backup(DbiResourceId=FORMER_ID)),
    )
    assert codes(server) == ["already_replicating", "backup_of_former_instance"]


# The other parameters of the start


def test_parameters_of_start_are_validated(server: CheckedRDS) -> None:
    with pytest.raises(RequestValidationError) as caught:
        check(server, backup_retention_period=36, tags={"aws:team": "dba"}, kms_key_id="")
    invalid = {error.parameter.partition("[")[0] for error in caught.value.errors}
    assert invalid == {"backup_retention_period", "tags", "kms_key_id"}
    assert server.questions == []
    assert check(server, backup_retention_period=35, tags={"team": "dba"}).is_clear


# A check and a start in the sandbox


@pytest.mark.parametrize(
    ("region", "settings", "expected"),
    [
        ("us-west-2", {}, []),
        ("us-west-2", {"BackupRetentionPeriod": 0}, ["backups_off"]),
        ("us-west-2", {"StorageEncrypted": True}, ["kms_key_required"]),
        ("eu-south-1", {}, ["region_pair_not_supported"]),
        ("us-west-2", {"DBInstanceIdentifier": "other"}, ["instance_not_found"]),
    ],
)
def test_sandbox_refuses_start_for_each_reason(
    region: str, settings: dict[str, Any], expected: list[str]
) -> None:
    arn = SOURCE_ARN.replace("us-west-2", region)
    with Sandbox() as sandbox:
        sandbox.boto3_client("rds", region).create_db_instance(
            **{
                "DBInstanceIdentifier": "mydatabase",
                "DBInstanceClass": "db.t3.micro",
                "Engine": "postgres",
                "AllocatedStorage": 20,
                "BackupRetentionPeriod": 7,
                **settings,
            }
        )
        client = sandbox.client("us-east-1")
        reasons = client.check_replication(source_db_instance_arn=arn)
        assert [reason.code for reason in reasons] == expected
        if not expected:
            assert client.ensure_replication(source_db_instance_arn=arn).action == "started"
            (again,) = client.check_replication(source_db_instance_arn=arn)
            assert again.code == "already_replicating"
        else:
            with pytest.raises(ServiceError):
                client.ensure_replication(source_db_instance_arn=arn)
