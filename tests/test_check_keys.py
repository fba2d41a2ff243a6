"""Tests of what `check_replication` says about the KMS key of a start."""

import time
from typing import Any

import pytest
from boto3.session import Session

from rds_backup_replication import BackupReplicationClient, CheckReason
from rds_backup_replication.sandbox import Sandbox

from . import check_cases
from .check_cases import KEY_ID, CheckedRDS, backup, check, codes, key, kms_error, source
from .loopback import NoResponse
from .wire import KMS_KEY_ARN, SOURCE_ARN, listing_xml

# The fixture of these tests.
server = check_cases.server

ALIAS = "alias/backups"
DELETION_DATE = 1796083200  # 2026-12-01


def reason_for(server: CheckedRDS, response: str, kms_key_id: str = KMS_KEY_ARN) -> CheckReason:
    """Return the one reason for KMS's response about a key."""
    server.reply(source=source(StorageEncrypted="true"), key=response)
    (reason,) = check(server, kms_key_id=kms_key_id)
    return reason


@pytest.mark.parametrize("identifier", [KMS_KEY_ARN, KEY_ID, ALIAS])
def test_enabled_key_is_no_reason(server: CheckedRDS, identifier: str) -> None:
    assert codes(server, kms_key_id=identifier) == []
    assert server.questions.count("key") == 1
    (asked,) = (r for r in server.received if "X-Amz-Target" in r.headers)
    assert identifier in asked.body.decode()
    assert asked.headers["Authorization"].split("/")[2] == "us-east-1"  # the destination


def test_key_is_not_described_without_a_key(server: CheckedRDS) -> None:
    assert codes(server) == []
    assert "key" not in server.questions


@pytest.mark.parametrize(
    ("state", "words", "remedy"),
    [
        ("Disabled", "is disabled", "Enable the key"),
        ("PendingDeletion", "is pending deletion", "Cancel the deletion"),
        ("PendingReplicaDeletion", "is pending replica deletion", "Cancel the deletion"),
        ("PendingImport", "is pending import", "Import the key material"),
        ("Unavailable", "is unavailable", "Reconnect the key store"),
        ("Creating", "is creating", "Wait until"),
        ("Updating", "is updating", "Wait until"),
        ("BrandNew", "is brand new", "pass another one"),
    ],
)
def test_key_must_be_enabled(server: CheckedRDS, state: str, words: str, remedy: str) -> None:
    reason = reason_for(server, key(KeyState=state, Enabled=False))
    assert reason.code == "kms_key_disabled"
    assert f"{KMS_KEY_ARN} {words};" in reason.message
    assert remedy in reason.remedy


def test_key_pending_deletion_shows_its_date(server: CheckedRDS) -> None:
    response = key(KeyState="PendingDeletion", Enabled=False, DeletionDate=DELETION_DATE)
    date = time.strftime("%Y-%m-%d", time.localtime(DELETION_DATE))
    assert f"(KMS deletes it on {date})" in reason_for(server, response).message


@pytest.mark.parametrize(("is_enabled", "found"), [(True, []), (False, ["kms_key_disabled"])])
def test_key_without_a_state(server: CheckedRDS, is_enabled: bool, found: list[str]) -> None:  # noqa: FBT001
    server.reply(key=key(KeyState=None, Enabled=is_enabled).replace('"KeyState": null, ', ""))
    assert codes(server, kms_key_id=KMS_KEY_ARN) == found


@pytest.mark.parametrize("spec", ["RSA_4096", "HMAC_256", "ECC_NIST_P256"])
def test_key_must_be_symmetric(server: CheckedRDS, spec: str) -> None:
    reason = reason_for(server, key(KeySpec=spec))
    assert reason.code == "kms_key_not_symmetric"
    assert spec in reason.message
    assert "symmetric" in reason.remedy


def test_all_reasons_of_a_key_are_reported(server: CheckedRDS) -> None:
    server.reply(key=key(KeySpec="RSA_2048", KeyState="Disabled", Enabled=False))
    found = codes(server, kms_key_id=KMS_KEY_ARN)
    assert found == ["kms_key_disabled", "kms_key_not_symmetric"]


@pytest.mark.parametrize(
    ("identifier", "part"),
    [
        (KMS_KEY_ARN, f"no KMS key {KMS_KEY_ARN}."),
        (ALIAS, f"no KMS key behind the alias {ALIAS}."),
        (f"arn:aws:kms:us-east-1:123456789012:{ALIAS}", "behind the alias arn:aws:kms"),
    ],
)
def test_missing_key_is_a_reason(server: CheckedRDS, identifier: str, part: str) -> None:
    """KMS reports a key and an alias that leads nowhere by the same error."""
    reason = reason_for(server, kms_error("NotFoundException"), identifier)
    assert reason.code == "kms_key_not_found"
    assert reason.message.startswith("us-east-1 has ")
    assert reason.message.endswith(part) or part in reason.message
    assert "in us-east-1" in reason.remedy


@pytest.mark.parametrize(
    ("error", "part", "remedy"),
    [
        (kms_error("AccessDeniedException", "Not you."), "AccessDeniedException: Not you", "Allow"),
        (kms_error("KMSInternalException"), "KMSInternalException", "check again"),
        (kms_error("InvalidArnException", "Which?"), "InvalidArnException: Which?", "Correct this"),
        ("<html>Welcome!</html>", "the response of KMS is invalid", "Check the endpoint"),
        ("{}", "the response of KMS is invalid", "Check the endpoint"),
    ],
)
def test_key_could_not_be_checked(server: CheckedRDS, error: str, part: str, remedy: str) -> None:
    reason = reason_for(server, error)
    assert reason.code == "could_not_be_checked"
    assert f"whether the KMS key {KMS_KEY_ARN} is enabled" in reason.message
    assert part in reason.message
    assert "Welcome" not in reason.message
    assert remedy in reason.remedy


def test_denied_key_names_the_permission(server: CheckedRDS) -> None:
    reason = reason_for(server, kms_error("AccessDeniedException"))
    assert reason.remedy == "Allow the caller kms:DescribeKey for the key in us-east-1."


@pytest.mark.usefixtures("no_backoff")
def test_unreachable_kms_could_not_be_checked(server: CheckedRDS) -> None:
    server.reply(key=NoResponse.CLOSE)
    (reason,) = check(server, kms_key_id=KMS_KEY_ARN).unchecked
    assert "Check the Region, the endpoint URL and the network." in reason.remedy


def test_lone_client_cannot_check_the_key(server: CheckedRDS) -> None:
    given: Any = server.client("us-west-2").client
    lone = BackupReplicationClient(client=server.client().client, source_client=given)
    checked = check(server, lone, kms_key_id=KMS_KEY_ARN)
    assert checked.blockers == ()
    (reason,) = checked.unchecked
    assert "cannot call KMS" in reason.message
    assert reason.remedy == "Pass kms_client=, a boto3 KMS client."
    assert "key" not in server.questions


def test_kms_client_describes_the_key(server: CheckedRDS, session: Session) -> None:
    """A given KMS client takes precedence over one of the session."""
    server.reply(key=key(KeyState="Disabled", Enabled=False))
    untyped: Any = session
    kms = untyped.client("kms", region_name="us-east-1", endpoint_url=server.endpoint_url)
    lone = BackupReplicationClient(client=server.client().client, kms_client=kms)
    checked = check(server, lone, kms_key_id=KMS_KEY_ARN)
    assert [reason.code for reason in checked.blockers] == ["kms_key_disabled"]
    assert ["source_client=" in reason.remedy for reason in checked.unchecked] == [True]
    both = BackupReplicationClient(
        session=session,
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:9",
        source_client=server.client("us-west-2").client,
        kms_client=kms,
    )
    assert "kms_key_disabled" in codes(server, client=both, kms_key_id=KMS_KEY_ARN)


# The key of retained backups


def test_retained_backup_with_other_key_is_a_reason(server: CheckedRDS) -> None:
    server.reply(backups=listing_xml(backup(Status="retained", KmsKeyId=KMS_KEY_ARN)))
    (reason,) = check(server, kms_key_id=KMS_KEY_ARN.replace("1234abcd", "ffffffff")).blockers
    assert reason.code == "retained_with_another_key"
    assert KMS_KEY_ARN in reason.message


def test_retained_backup_with_unknown_alias(server: CheckedRDS) -> None:
    """Check that an alias counts as the same key if KMS refuses to describe it."""
    server.reply(
        backups=listing_xml(backup(Status="retained", KmsKeyId=KMS_KEY_ARN)),
        key=kms_error("AccessDeniedException"),
    )
    checked = check(server, kms_key_id=ALIAS)
    assert checked.blockers == ()
    assert len(checked.unchecked) == 1


@pytest.mark.parametrize(
    ("key_id", "found"), [(KEY_ID, []), ("another", ["retained_with_another_key"])]
)
def test_retained_backup_with_resolved_alias(
    server: CheckedRDS, key_id: str, found: list[str]
) -> None:
    server.reply(
        backups=listing_xml(backup(Status="retained", KmsKeyId=KMS_KEY_ARN)), key=key(KeyId=key_id)
    )
    assert codes(server, kms_key_id=ALIAS) == found


def test_sandbox_key_is_checked() -> None:
    """Check the states of a real key of moto, which the sandbox serves."""
    with Sandbox() as sandbox:
        sandbox.create_db_instance("us-west-2", "mydatabase", StorageEncrypted=True)
        kms = sandbox.boto3_client("kms", "us-east-1")
        created = kms.create_key()["KeyMetadata"]
        arn, key_id = created["Arn"], created["KeyId"]
        client = sandbox.client("us-east-1")

        def found(kms_key_id: str) -> list[str]:
            checked = client.check_replication(
                source_db_instance_arn=SOURCE_ARN, kms_key_id=kms_key_id
            )
            return [reason.code for reason in checked]

        assert found(arn) == []
        assert found(ALIAS) == ["kms_key_not_found"]
        kms.disable_key(KeyId=key_id)
        assert found(arn) == ["kms_key_disabled"]
        kms.enable_key(KeyId=key_id)
        kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
        assert found(arn) == ["kms_key_disabled"]
