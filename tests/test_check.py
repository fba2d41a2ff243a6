"""Checking, over a socket: which reasons are given, and what stays unanswered."""

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
from .wire import BACKUP_ARN, KMS_KEY_ARN, SOURCE_ARN, ScriptedRDS, backup_xml, listing_xml

DENIED = error_xml("AccessDenied", "User is not authorized.")


def regions(*, supported: bool = True) -> str:
    member = "SupportsDBInstanceAutomatedBackupsReplication"
    return result_xml(
        "DescribeSourceRegions",
        f"<SourceRegions><SourceRegion><{member}>{str(supported).lower()}</{member}>"
        "</SourceRegion></SourceRegions>",
    )


def source(**members: str) -> str:
    given = {
        "DBInstanceArn": SOURCE_ARN,
        "DBInstanceStatus": "available",
        "Engine": "postgres",
        "BackupRetentionPeriod": "7",
        "StorageEncrypted": "false",
        **members,
    }
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in given.items())
    return result_xml(
        "DescribeDBInstances", f"<DBInstances><DBInstance>{inner}</DBInstance></DBInstances>"
    )


def replication_to(region: str) -> str:
    arn = BACKUP_ARN.replace("us-east-1", region)
    return (
        "<DBInstanceAutomatedBackupsReplication><DBInstanceAutomatedBackupsArn>"
        f"{arn}</DBInstanceAutomatedBackupsArn></DBInstanceAutomatedBackupsReplication>"
    )


def check(
    rds: ScriptedRDS, *bodies: str, client: BackupReplicationClient | None = None, **keywords: Any
) -> list[CheckReason]:
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
    assert all(action.startswith("Describe") for action in actions)  # and nothing is changed
    return list(checked)


def codes(*args: Any, **keywords: Any) -> list[str]:
    return [reason.code for reason in check(*args, **keywords)]


def test_a_source_that_can_be_replicated_has_no_reason_against_it(rds: ScriptedRDS) -> None:
    assert check(rds, regions(), source(), listing_xml()) == []
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
    ("members", "code", "said"),
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
def test_each_reason_about_the_source_is_given(
    rds: ScriptedRDS, members: dict[str, str], code: str, said: str
) -> None:
    (reason,) = check(rds, regions(), source(**members), listing_xml())
    assert reason.code == code
    assert said in reason.message


@pytest.mark.parametrize(
    "left_out",
    [
        "<BackupRetentionPeriod>7</BackupRetentionPeriod>",
        "<DBInstanceStatus>available</DBInstanceStatus>",
        "<Engine>postgres</Engine>",
        "<StorageEncrypted>false</StorageEncrypted>",
    ],
)
def test_what_rds_leaves_out_is_no_reason(rds: ScriptedRDS, left_out: str) -> None:
    body = source()
    assert left_out in body
    assert codes(rds, regions(), body.replace(left_out, ""), listing_xml()) == []


def test_another_regions_row_does_not_count(rds: ScriptedRDS) -> None:
    other = "<SourceRegion><RegionName>eu-west-1</RegionName>"
    body = regions().replace("<SourceRegion>", other)
    assert codes(rds, body, source(), listing_xml()) == ["region_pair_not_supported"]


def test_all_reasons_come_at_once(rds: ScriptedRDS) -> None:
    bad = source(
        Engine="aurora-mysql",
        DBClusterIdentifier="mycluster",
        BackupRetentionPeriod="0",
        DBInstanceStatus="stopped",
        StorageEncrypted="true",
    )
    assert codes(rds, regions(supported=False), bad, listing_xml()) == [
        "region_pair_not_supported",
        "engine_not_supported",
        "backups_off",
        "instance_not_available",
        "kms_key_required",
    ]


def test_a_region_that_is_not_listed_is_not_supported(rds: ScriptedRDS) -> None:
    nothing = result_xml("DescribeSourceRegions", "<SourceRegions></SourceRegions>")
    assert codes(rds, nothing, source(), listing_xml()) == ["region_pair_not_supported"]


def test_a_key_is_enough_for_an_encrypted_source(rds: ScriptedRDS) -> None:
    encrypted = source(StorageEncrypted="true")
    assert codes(rds, regions(), encrypted, listing_xml(), kms_key_id=KMS_KEY_ARN) == []


@pytest.mark.parametrize("body", [error_xml("DBInstanceNotFound"), source(DBInstanceArn="other")])
def test_a_missing_source_is_a_reason(rds: ScriptedRDS, body: str) -> None:
    assert codes(rds, regions(), body, listing_xml()) == ["instance_not_found"]


def test_a_live_replication_is_one_reason_whoever_knows_of_it(rds: ScriptedRDS) -> None:
    listed = source(DBInstanceAutomatedBackupsReplications=replication_to("us-east-1"))
    assert codes(rds, regions(), listed, listing_xml(backup_xml())) == ["already_replicating"]


def test_a_replication_elsewhere_and_what_is_retained_are_no_reason(rds: ScriptedRDS) -> None:
    listed = source(DBInstanceAutomatedBackupsReplications=replication_to("eu-west-1"))
    retained = backup_xml(Status="Retained", KmsKeyId=KMS_KEY_ARN)
    other = backup_xml(DBInstanceArn=SOURCE_ARN.replace("us-west-2", "eu-west-1"))
    bodies = (regions(), listed, listing_xml(retained, other))
    key_id = KMS_KEY_ARN.rpartition("/")[2]
    assert codes(rds, *bodies, kms_key_id=key_id) == []


def test_a_key_other_than_the_retained_backups_is_a_reason(rds: ScriptedRDS) -> None:
    retained = listing_xml(backup_xml(Status="retained", KmsKeyId=KMS_KEY_ARN))
    (reason,) = check(
        rds, regions(), source(), retained, kms_key_id=KMS_KEY_ARN.replace("1234abcd", "ffffffff")
    )
    assert reason.code == "retained_with_another_key"
    assert KMS_KEY_ARN in reason.message


def test_a_key_that_may_be_the_retained_backups_is_no_reason(rds: ScriptedRDS) -> None:
    retained = listing_xml(backup_xml(Status="retained", KmsKeyId=KMS_KEY_ARN))
    refused = error_xml("AccessDenied")  # KMS does not tell what the alias stands for
    bodies = (regions(), source(), retained, refused)
    assert codes(rds, *bodies, kms_key_id="alias/backups") == []


@pytest.mark.parametrize(
    ("key_id", "found"),
    [(KMS_KEY_ARN.rpartition("/")[2], []), ("another", ["retained_with_another_key"])],
)
def test_an_alias_of_the_retained_backups_key_is_that_key(
    rds: ScriptedRDS, key_id: str, found: list[str]
) -> None:
    retained = listing_xml(backup_xml(Status="retained", KmsKeyId=KMS_KEY_ARN))
    answer = json.dumps({"KeyMetadata": {"KeyId": key_id}})
    assert codes(rds, regions(), source(), retained, answer, kms_key_id="alias/backups") == found


@pytest.mark.parametrize(
    ("position", "action"),
    [
        (0, "rds:DescribeSourceRegions"),
        (1, "rds:DescribeDBInstances"),
        (2, "rds:DescribeDBInstanceAutomatedBackups"),
    ],
)
def test_what_it_may_not_ask_could_not_be_checked(
    rds: ScriptedRDS, position: int, action: str
) -> None:
    bodies = [
        regions(supported=False),
        source(BackupRetentionPeriod="0"),
        listing_xml(backup_xml()),
    ]
    expected = ["region_pair_not_supported", "backups_off", "already_replicating"]
    bodies[position], expected[position] = DENIED, "could_not_be_checked"
    reasons = check(rds, *bodies)
    assert [reason.code for reason in reasons] == expected
    assert "AccessDenied: User is not authorized." in reasons[position].message
    assert action in reasons[position].remedy


def test_a_source_region_that_does_not_answer_could_not_be_checked(rds: ScriptedRDS) -> None:
    rds.answers(regions())
    rds.resets()
    reasons = check(rds, listing_xml())
    assert [reason.code for reason in reasons] == ["could_not_be_checked"]
    assert "Connection was closed" in reasons[0].message
    assert reasons[0].message.endswith(".")
    assert "endpoint" in reasons[0].remedy


def test_a_client_without_credentials_could_not_check(rds: ScriptedRDS) -> None:
    client = rds.client()

    def fail(**_: Any) -> None:
        raise NoCredentialsError

    client.client.meta.events.register("before-sign.rds", fail)
    rds.answers(source())
    reasons = check(rds, client=client)
    assert [reason.code for reason in reasons] == ["could_not_be_checked"] * 2
    assert reasons[0].message.endswith(": Unable to locate credentials.")
    assert "AWS_ACCESS_KEY_ID" in reasons[0].remedy


def test_what_answers_and_is_not_rds_is_told_with_its_remedy(rds: ScriptedRDS) -> None:
    reasons = check(rds, *["<html><body>Welcome!<br></html>"] * 3)
    assert [reason.code for reason in reasons] == ["could_not_be_checked"] * 3
    for reason in reasons:
        assert "taken effect" not in reason.message
        assert ".response" not in reason.message
        assert reason.message.endswith(": the response is invalid.")
        assert "not RDS" in reason.remedy


def test_an_expired_token_is_told_with_its_remedy(rds: ScriptedRDS) -> None:
    reasons = check(rds, error_xml("InvalidClientTokenId", "Unknown token."))
    assert [reason.code for reason in reasons] == ["could_not_be_checked"] * 3
    assert "enabled this Region" in reasons[1].remedy


# The source client


def test_the_source_is_asked_with_the_client_given(rds: ScriptedRDS, session: Session) -> None:
    given: Any = rds.client("us-west-2").client
    destination = BackupReplicationClient(client=rds.client().client)
    bodies = (regions(), source(), listing_xml())
    assert codes(rds, *bodies, client=destination, source_client=given) == []
    with pytest.raises(TypeError, match="source_client= is required"):
        check(rds, client=destination)
    with pytest.raises(ValueError, match="must be a client for us-west-2"):
        check(rds, source_client=destination.client)
    with pytest.raises(TypeError, match="not for sts"):
        check(rds, source_client=boto3_client(session, "sts"))


def test_one_source_client_serves_all_checks(
    rds: ScriptedRDS, monkeypatch: pytest.MonkeyPatch
) -> None:
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
        assert check(rds, regions(), source(), listing_xml(), client=client) == []
    assert created == ["us-east-1", "us-west-2"]


# Against the sandbox, which is asked and then told to start


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
def test_the_sandbox_refuses_what_the_check_says(
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
