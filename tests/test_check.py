"""Tests of the reasons that `check_replication` returns."""

import json
from typing import Any, get_args

import pytest
from boto3.session import Session
from botocore.exceptions import NoCredentialsError

from rds_backup_replication import BackupReplicationClient, CheckReason
from rds_backup_replication.exceptions import ServiceError
from rds_backup_replication.sandbox import Sandbox

from .loopback import error_xml, result_xml
from .test_client import boto3_client
from .wire import (
    BACKUP_ARN,
    KMS_KEY_ARN,
    SOURCE_ARN,
    ScriptedRDS,
    backup_xml,
    listing_xml,
    replications_xml,
    source_regions_xml,
    source_xml,
)

DENIED = error_xml("AccessDenied", "User is not authorized.")


def replication_to(region: str) -> str:
    """Return the replication of the source to a Region."""
    return replications_xml(BACKUP_ARN.replace("us-east-1", region))


def check(
    rds: ScriptedRDS, *bodies: str, client: BackupReplicationClient | None = None, **keywords: Any
) -> list[CheckReason]:
    """Return the reasons of a check that receives the responses, and verify their form."""
    for body in bodies:
        rds.answers(body, status=400 if "<Error>" in body else 200)
    checked = (client or rds.client()).check_replication(
        source_db_instance_arn=SOURCE_ARN, **keywords
    )
    for reason in checked:
        assert reason.code in get_args(CheckReason.model_fields["code"].annotation)
        assert reason.message.strip().endswith(".")
        assert reason.remedy.endswith(".")
    actions = [request.parameters.get("Action", "DescribeKey") for request in rds.received]
    assert all(action.startswith("Describe") for action in actions)  # a check changes nothing
    return list(checked)


def codes(*args: Any, **keywords: Any) -> list[str]:
    """Return the codes of the reasons of `check`."""
    return [reason.code for reason in check(*args, **keywords)]


def test_check_returns_no_reason_for_suitable_source(rds: ScriptedRDS) -> None:
    assert check(rds, source_regions_xml(), source_xml(), listing_xml()) == []
    actions = [request.parameters["Action"] for request in rds.received]
    assert actions == [
        "DescribeSourceRegions",
        "DescribeDBInstances",
        "DescribeDBInstanceAutomatedBackups",
    ]
    asked = [request.headers["Authorization"].split("/")[2] for request in rds.received]
    assert asked == ["us-east-1", "us-west-2", "us-east-1"]
    assert rds.received[0].parameters["RegionName"] == "us-west-2"
    assert rds.received[1].parameters["DBInstanceIdentifier"] == "mydatabase"


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
    rds: ScriptedRDS, members: dict[str, str], code: str, part: str
) -> None:
    (reason,) = check(rds, source_regions_xml(), source_xml(**members), listing_xml())
    assert reason.code == code
    assert part in reason.message


@pytest.mark.parametrize(
    "omitted",
    [
        "<BackupRetentionPeriod>7</BackupRetentionPeriod>",
        "<DBInstanceStatus>available</DBInstanceStatus>",
        "<Engine>postgres</Engine>",
        "<StorageEncrypted>false</StorageEncrypted>",
    ],
)
def test_omitted_field_of_source_is_no_reason(rds: ScriptedRDS, omitted: str) -> None:
    body = source_xml()
    assert omitted in body
    assert codes(rds, source_regions_xml(), body.replace(omitted, ""), listing_xml()) == []


def test_other_source_region_is_ignored(rds: ScriptedRDS) -> None:
    other = "<SourceRegion><RegionName>eu-west-1</RegionName>"
    body = source_regions_xml().replace("<SourceRegion>", other)
    assert codes(rds, body, source_xml(), listing_xml()) == ["region_pair_not_supported"]


def test_check_returns_all_reasons_at_once(rds: ScriptedRDS) -> None:
    unsuitable = source_xml(
        Engine="aurora-mysql",
        DBClusterIdentifier="mycluster",
        BackupRetentionPeriod="0",
        DBInstanceStatus="stopped",
        StorageEncrypted="true",
    )
    assert codes(rds, source_regions_xml(supported=False), unsuitable, listing_xml()) == [
        "region_pair_not_supported",
        "engine_not_supported",
        "backups_off",
        "instance_not_available",
        "kms_key_required",
    ]


def test_unlisted_source_region_is_not_supported(rds: ScriptedRDS) -> None:
    no_regions = result_xml("DescribeSourceRegions", "<SourceRegions></SourceRegions>")
    assert codes(rds, no_regions, source_xml(), listing_xml()) == ["region_pair_not_supported"]


def test_encrypted_source_with_key_has_no_reason(rds: ScriptedRDS) -> None:
    encrypted = source_xml(StorageEncrypted="true")
    assert codes(rds, source_regions_xml(), encrypted, listing_xml(), kms_key_id=KMS_KEY_ARN) == []


@pytest.mark.parametrize(
    "body", [error_xml("DBInstanceNotFound"), source_xml(DBInstanceArn="other")]
)
def test_missing_source_is_a_reason(rds: ScriptedRDS, body: str) -> None:
    assert codes(rds, source_regions_xml(), body, listing_xml()) == ["instance_not_found"]


def test_active_replication_is_reported_once(rds: ScriptedRDS) -> None:
    """Check one reason for a replication that the source and the destination list."""
    listed = source_xml(DBInstanceAutomatedBackupsReplications=replication_to("us-east-1"))
    assert codes(rds, source_regions_xml(), listed, listing_xml(backup_xml())) == [
        "already_replicating"
    ]


def test_retained_or_other_backups_are_no_reason(rds: ScriptedRDS) -> None:
    listed = source_xml(DBInstanceAutomatedBackupsReplications=replication_to("eu-west-1"))
    retained = backup_xml(Status="Retained", KmsKeyId=KMS_KEY_ARN)
    other = backup_xml(DBInstanceArn=SOURCE_ARN.replace("us-west-2", "eu-west-1"))
    bodies = (source_regions_xml(), listed, listing_xml(retained, other))
    key_id = KMS_KEY_ARN.rpartition("/")[2]
    assert codes(rds, *bodies, kms_key_id=key_id) == []


def test_retained_backup_with_other_key_is_a_reason(rds: ScriptedRDS) -> None:
    retained = listing_xml(backup_xml(Status="retained", KmsKeyId=KMS_KEY_ARN))
    (reason,) = check(
        rds,
        source_regions_xml(),
        source_xml(),
        retained,
        kms_key_id=KMS_KEY_ARN.replace("1234abcd", "ffffffff"),
    )
    assert reason.code == "retained_with_another_key"
    assert KMS_KEY_ARN in reason.message


def test_retained_backup_with_unknown_alias(rds: ScriptedRDS) -> None:
    """Check that an alias counts as the same key if KMS refuses to describe it."""
    retained = listing_xml(backup_xml(Status="retained", KmsKeyId=KMS_KEY_ARN))
    denied = error_xml("AccessDenied")  # so the client cannot resolve the alias
    bodies = (source_regions_xml(), source_xml(), retained, denied)
    assert codes(rds, *bodies, kms_key_id="alias/backups") == []


@pytest.mark.parametrize(
    ("key_id", "found"),
    [(KMS_KEY_ARN.rpartition("/")[2], []), ("another", ["retained_with_another_key"])],
)
def test_retained_backup_with_resolved_alias(
    rds: ScriptedRDS, key_id: str, found: list[str]
) -> None:
    retained = listing_xml(backup_xml(Status="retained", KmsKeyId=KMS_KEY_ARN))
    response = json.dumps({"KeyMetadata": {"KeyId": key_id}})
    assert (
        codes(
            rds, source_regions_xml(), source_xml(), retained, response, kms_key_id="alias/backups"
        )
        == found
    )


@pytest.mark.parametrize(
    ("position", "action"),
    [
        (0, "rds:DescribeSourceRegions"),
        (1, "rds:DescribeDBInstances"),
        (2, "rds:DescribeDBInstanceAutomatedBackups"),
    ],
)
def test_denied_call_could_not_be_checked(rds: ScriptedRDS, position: int, action: str) -> None:
    bodies = [
        source_regions_xml(supported=False),
        source_xml(BackupRetentionPeriod="0"),
        listing_xml(backup_xml()),
    ]
    expected = ["region_pair_not_supported", "backups_off", "already_replicating"]
    bodies[position], expected[position] = DENIED, "could_not_be_checked"
    reasons = check(rds, *bodies)
    assert [reason.code for reason in reasons] == expected
    assert "AccessDenied: User is not authorized." in reasons[position].message
    assert action in reasons[position].remedy


def test_unreachable_source_could_not_be_checked(rds: ScriptedRDS) -> None:
    rds.answers(source_regions_xml())
    rds.resets()
    reasons = check(rds, listing_xml())
    assert [reason.code for reason in reasons] == ["could_not_be_checked"]
    assert "Connection was closed" in reasons[0].message
    assert reasons[0].message.endswith(".")
    assert "endpoint" in reasons[0].remedy


def test_missing_credentials_could_not_be_checked(rds: ScriptedRDS) -> None:
    client = rds.client()

    def fail(**_: Any) -> None:
        raise NoCredentialsError

    client.client.meta.events.register("before-sign.rds", fail)
    rds.answers(source_xml())
    reasons = check(rds, client=client)
    assert [reason.code for reason in reasons] == ["could_not_be_checked"] * 2
    assert reasons[0].message.endswith(": Unable to locate credentials.")
    assert "AWS_ACCESS_KEY_ID" in reasons[0].remedy


def test_invalid_response_could_not_be_checked(rds: ScriptedRDS) -> None:
    reasons = check(rds, *["<html><body>Welcome!<br></html>"] * 3)
    assert [reason.code for reason in reasons] == ["could_not_be_checked"] * 3
    for reason in reasons:
        assert "taken effect" not in reason.message
        assert ".response" not in reason.message
        assert reason.message.endswith(": the response is invalid.")
        assert "may not be RDS" in reason.remedy


def test_invalid_token_could_not_be_checked(rds: ScriptedRDS) -> None:
    reasons = check(rds, error_xml("InvalidClientTokenId", "Unknown token."))
    assert [reason.code for reason in reasons] == ["could_not_be_checked"] * 3
    assert "enabled this Region" in reasons[1].remedy


# The source client


def test_source_client_describes_source(rds: ScriptedRDS, session: Session) -> None:
    given: Any = rds.client("us-west-2").client
    destination = BackupReplicationClient(client=rds.client().client)
    bodies = (source_regions_xml(), source_xml(), listing_xml())
    assert codes(rds, *bodies, client=destination, source_client=given) == []
    with pytest.raises(
        TypeError, match=r"^source_client= is required for a client created with client=$"
    ):
        check(rds, client=destination)
    with pytest.raises(ValueError, match="must be a client for us-west-2"):
        check(rds, source_client=destination.client)
    with pytest.raises(TypeError, match="not for sts"):
        check(rds, source_client=boto3_client(session, "sts"))


def test_source_client_is_created_once(rds: ScriptedRDS, monkeypatch: pytest.MonkeyPatch) -> None:
    created: list[str] = []
    untyped: Any = Session
    create = untyped.client

    def counting(self: Session, service_name: str, **keywords: Any) -> Any:
        created.append(keywords["region_name"])
        return create(self, service_name, **keywords)

    monkeypatch.setattr(Session, "client", counting)
    client = rds.client()
    for _ in range(2):
        rds.script.clear()
        assert check(rds, source_regions_xml(), source_xml(), listing_xml(), client=client) == []
    assert created == ["us-east-1", "us-west-2"]


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
