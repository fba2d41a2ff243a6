"""Ensuring, over a socket: what is done, what is said of it, and what decides."""

import json
import re
import sys
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ProxyConnectionError,
)

from rds_backup_replication import BackupReplicationClient, DBInstanceAutomatedBackup
from rds_backup_replication.exceptions import (
    AccessDeniedError,
    DBInstanceAutomatedBackupNotFoundFault,
    DBInstanceAutomatedBackupQuotaExceededFault,
    Difference,
    InternalFailureError,
    InvalidDBInstanceAutomatedBackupStateFault,
    InvalidDBInstanceStateFault,
    ReplicationDriftError,
    RequestValidationError,
    ResponseValidationError,
    ServiceError,
    WaitTimeoutError,
)

from .conftest import RecordingClock
from .loopback import error_xml, result_xml
from .wire import BACKUP_ARN, KMS_KEY_ARN, SOURCE_ARN, ScriptedRDS, backup_xml, listing_xml

pytestmark = pytest.mark.usefixtures("clock")

START = "StartDBInstanceAutomatedBackupsReplication"
STOP = "StopDBInstanceAutomatedBackupsReplication"
DESCRIBE = "DescribeDBInstanceAutomatedBackups"
KEY_ID = KMS_KEY_ARN.rpartition("/")[2]
LIVE = backup_xml(BackupRetentionPeriod="14", KmsKeyId=KMS_KEY_ARN)
RETAINED = backup_xml(Status="retained")
STARTED = result_xml(START, backup_xml(Status="pending"))
STOPPED = result_xml(STOP, backup_xml(Status="replicating"))
REFUSED = error_xml("InvalidDBInstanceAutomatedBackupState", "Nobody knows this sentence.")


def ensure(client: BackupReplicationClient, **keywords: Any) -> str:
    result = client.ensure_replication(source_db_instance_arn=SOURCE_ARN, **keywords)
    assert vars(result.backup)["db_instance_arn"] == SOURCE_ARN  # there is one, whatever was done
    return result.action


def sent(rds: ScriptedRDS) -> list[str]:
    return [request.parameters.get("Action", "") for request in rds.received]


def test_it_starts_what_does_not_replicate(rds: ScriptedRDS) -> None:
    rds.answers(listing_xml(RETAINED))
    rds.answers(STARTED)
    result = rds.client().ensure_replication(
        source_db_instance_arn=SOURCE_ARN,
        backup_retention_period=14,
        kms_key_id="alias/backups",
        tags=iter([{"Key": "env", "Value": "prod"}]),
    )
    assert result.action == "started"
    assert result.backup.status == "pending"
    assert sent(rds) == [DESCRIBE, START]
    assert rds.received[1].parameters.items() >= {
        ("SourceDBInstanceArn", SOURCE_ARN),
        ("BackupRetentionPeriod", "14"),
        ("KmsKeyId", "alias/backups"),
        ("Tags.Tag.1.Key", "env"),
    }


def test_a_refusal_because_there_is_no_backup_means_that_there_is_none(rds: ScriptedRDS) -> None:
    for _ in range(3):
        rds.answers(error_xml("DBInstanceAutomatedBackupNotFound"), status=404)
    rds.answers(STARTED)
    client = rds.client()
    with pytest.raises(DBInstanceAutomatedBackupNotFoundFault):  # the operation, as it is
        list(client.describe_db_instance_automated_backups(db_instance_identifier="mydatabase"))
    assert client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN) is None
    assert ensure(client) == "started"
    assert sent(rds) == [DESCRIBE, DESCRIBE, DESCRIBE, START]


@pytest.mark.parametrize(
    "keywords",
    [
        {},
        {"backup_retention_period": 14},
        {"kms_key_id": KMS_KEY_ARN},
        {"kms_key_id": KEY_ID, "tags": {"env": "prod"}, "replace": True},
    ],
)
def test_what_replicates_as_asked_is_left_alone(rds: ScriptedRDS, keywords: dict[str, Any]) -> None:
    rds.answers(listing_xml(LIVE))
    assert ensure(rds.client(), **keywords) == "unchanged"
    # Not all of the Region's.
    assert rds.received[0].parameters["DBInstanceIdentifier"] == "mydatabase"
    assert sent(rds) == [DESCRIBE]


@pytest.mark.parametrize("status", ["", "<Status>being looked after</Status>"])
def test_what_has_no_status_that_is_known_replicates(rds: ScriptedRDS, status: str) -> None:
    rds.answers(listing_xml(LIVE.replace("<Status>pending</Status>", status)))
    assert ensure(rds.client()) == "unchanged"
    assert sent(rds) == [DESCRIBE]


def test_mistakes_are_told_before_the_first_look(client: BackupReplicationClient) -> None:
    with pytest.raises(RequestValidationError) as caught:
        client.ensure_replication(
            source_db_instance_arn="mydatabase", backup_retention_period=36, tags={"aws:x": "y"}
        )
    assert len(caught.value.errors) == 3
    for method in (client.ensure_stopped, client.find_replicated_backup, client.check_replication):
        with pytest.raises(RequestValidationError, match="mydatabase"):
            method(source_db_instance_arn="mydatabase")


def test_govcloud_presigns_when_it_is_ensured(rds: ScriptedRDS) -> None:
    rds.answers(listing_xml())
    rds.answers(STARTED)
    arn = SOURCE_ARN.replace("arn:aws:", "arn:aws-us-gov:").replace("us-west-2", "us-gov-east-1")
    rds.client("us-gov-west-1").ensure_replication(source_db_instance_arn=arn)
    assert "DestinationRegion=us-gov-west-1" in rds.received[1].parameters["PreSignedUrl"]


# Drift


def test_another_retention_or_key_is_drift_and_nothing_is_changed(rds: ScriptedRDS) -> None:
    rds.answers(listing_xml(LIVE))
    other_key = KMS_KEY_ARN.replace("1234abcd", "ffffffff")
    with pytest.raises(ReplicationDriftError) as caught:
        ensure(rds.client(), backup_retention_period=7, kms_key_id=other_key)
    retention, key = caught.value.differences
    assert (retention.parameter, retention.requested, retention.actual) == (
        *("backup_retention_period", 7),
        14,
    )
    assert (key.parameter, key.requested, key.actual) == ("kms_key_id", other_key, KMS_KEY_ARN)
    assert key.uncertainty is None
    assert caught.value.backup.db_instance_arn == SOURCE_ARN
    texts = ("is 14, and 7 was asked for", KMS_KEY_ARN, other_key, "delete the retained backups")
    for text in texts:
        assert text in str(caught.value)
    assert sent(rds) == [DESCRIBE]


@pytest.mark.parametrize("wanted", ["ffffffff-12ab-34cd-56ef-1234567890ab", f"mrk-{KEY_ID}"])
def test_another_keys_id_is_drift(rds: ScriptedRDS, wanted: str) -> None:
    rds.answers(listing_xml(LIVE))
    with pytest.raises(ReplicationDriftError, match="is 'arn:aws:kms"):
        ensure(rds.client(), kms_key_id=wanted)


@pytest.mark.parametrize(
    ("wanted", "actual"),
    [
        ("alias/backups", KMS_KEY_ARN),
        (KMS_KEY_ARN, "alias/backups"),
        (KMS_KEY_ARN.replace(f"key/{KEY_ID}", "alias/backups"), KEY_ID),
        ("alias/team:backups", KMS_KEY_ARN),
        (KMS_KEY_ARN.replace("key/", "alias/team:key/"), KMS_KEY_ARN),
    ],
)
def test_an_alias_is_looked_up_in_kms(rds: ScriptedRDS, wanted: str, actual: str) -> None:
    for key_id in (KEY_ID, "another"):
        rds.answers(listing_xml(backup_xml(KmsKeyId=actual)))
        rds.answers(json.dumps({"KeyMetadata": {"KeyId": key_id}}))
    client = rds.client()
    assert ensure(client, kms_key_id=wanted) == "unchanged"
    with pytest.raises(ReplicationDriftError) as caught:
        ensure(client, kms_key_id=wanted)
    assert caught.value.differences[0].uncertainty is None
    assert rds.received[1].headers["X-Amz-Target"] == "TrentService.DescribeKey"
    assert "/us-east-1/kms/" in rds.received[1].headers["Authorization"]


@pytest.mark.parametrize("replace", [False, True])
def test_an_alias_that_cannot_be_looked_up_is_uncertain_and_never_replaced(
    rds: ScriptedRDS, *, replace: bool
) -> None:
    rds.answers(listing_xml(LIVE))
    rds.answers(json.dumps({"__type": "AccessDeniedException", "message": "no."}), status=400)
    with pytest.raises(ReplicationDriftError, match="perhaps the same") as caught:
        ensure(rds.client(), kms_key_id="alias/backups", replace=replace)
    (difference,) = caught.value.differences
    assert str(difference.uncertainty).startswith("an alias could not be looked up: An error")
    assert "AccessDenied" in str(difference.uncertainty)
    assert (difference.parameter, difference.requested, difference.actual) == (
        *("kms_key_id", "alias/backups"),
        KMS_KEY_ARN,
    )
    assert "name a key by its ARN" in str(caught.value)
    assert len(rds.received) == 2


@pytest.mark.parametrize(
    "body",
    ["[]", "null", "5", '{"KeyMetadata": "x"}', '{"KeyMetadata": {}}', b"\xfc", "<html>", ""],
)
def test_what_is_no_answer_of_kms_leaves_it_uncertain(rds: ScriptedRDS, body: str | bytes) -> None:
    rds.answers(listing_xml(LIVE))
    rds.answers(body)
    with pytest.raises(ReplicationDriftError, match="perhaps the same") as caught:
        ensure(rds.client(), kms_key_id="alias/backups", replace=True)
    (difference,) = caught.value.differences
    assert (difference.parameter, difference.requested, difference.actual) == (
        *("kms_key_id", "alias/backups"),
        KMS_KEY_ARN,
    )
    assert "cannot be read (" in str(difference.uncertainty)
    assert len(rds.received) == 2


def test_a_client_of_a_boto3_client_cannot_look_an_alias_up(rds: ScriptedRDS) -> None:
    rds.answers(listing_xml(LIVE))
    client = BackupReplicationClient(client=rds.client().client)
    why = "(perhaps the same: an alias could not be looked up: a client made from a boto3 client "
    with pytest.raises(ReplicationDriftError, match=re.escape(f"{why}cannot ask KMS)")):
        ensure(client, kms_key_id="alias/backups", replace=True)
    assert ensure(client, kms_key_id=KEY_ID) == "unchanged"


def test_the_same_alias_need_not_be_looked_up(rds: ScriptedRDS) -> None:
    rds.answers(listing_xml(backup_xml(KmsKeyId="alias/backups")))
    assert ensure(rds.client(), kms_key_id="alias/backups") == "unchanged"
    assert sent(rds) == [DESCRIBE]


def test_a_backup_without_a_key_may_have_any(rds: ScriptedRDS) -> None:
    rds.answers(listing_xml(backup_xml()))
    with pytest.raises(ReplicationDriftError) as caught:
        ensure(rds.client(), kms_key_id=KEY_ID, replace=True)
    uncertain = Difference("kms_key_id", KEY_ID, None, "RDS names no key of the backup")
    assert caught.value.differences == (uncertain,)
    assert str(caught.value).endswith("nothing is replaced. Leave it out.")


# Refusals and lost answers


@pytest.mark.usefixtures("no_backoff")
def test_a_retry_that_is_refused_after_a_lost_answer_is_a_success(rds: ScriptedRDS) -> None:
    rds.answers(listing_xml())
    rds.resets()
    rds.answers(REFUSED, status=400)
    rds.answers(listing_xml(LIVE))
    assert ensure(rds.client(retries=1), backup_retention_period=14) == "started"
    assert sent(rds) == [DESCRIBE, START, START, DESCRIBE]


@pytest.mark.parametrize(("wanted", "live"), [("alias/backups", LIVE), (KMS_KEY_ARN, backup_xml())])
def test_what_cannot_be_compared_does_not_make_a_lost_start_somebody_elses(
    rds: ScriptedRDS, wanted: str, live: str
) -> None:
    rds.answers(listing_xml())
    rds.resets()
    rds.answers(listing_xml(live))
    client = BackupReplicationClient(client=rds.client().client)  # which cannot ask KMS
    assert ensure(client, kms_key_id=wanted) == "started"


@pytest.mark.parametrize("key_id", [KEY_ID, "another"])
def test_the_alias_of_a_start_that_others_made_is_looked_up(rds: ScriptedRDS, key_id: str) -> None:
    rds.answers(listing_xml())
    rds.answers(REFUSED, status=400)
    rds.answers(listing_xml(LIVE))
    rds.answers(json.dumps({"KeyMetadata": {"KeyId": key_id}}))
    client = rds.client()
    if key_id == KEY_ID:
        assert ensure(client, kms_key_id="alias/backups") == "unchanged"
    else:
        with pytest.raises(ReplicationDriftError) as caught:
            ensure(client, kms_key_id="alias/backups")
        assert caught.value.differences[0].uncertainty is None


def test_a_lost_start_that_shows_with_other_settings_is_drift(rds: ScriptedRDS) -> None:
    rds.answers(listing_xml())
    rds.resets()
    rds.answers(listing_xml(LIVE))
    client = BackupReplicationClient(client=rds.client().client)
    with pytest.raises(ReplicationDriftError) as caught:
        ensure(client, kms_key_id="alias/backups", backup_retention_period=7)
    assert len(caught.value.differences) == 2


def test_a_refusal_of_the_first_attempt_means_that_somebody_else_started_it(
    rds: ScriptedRDS, clock: RecordingClock
) -> None:
    rds.answers(listing_xml())
    rds.answers(REFUSED, status=400)
    for _ in range(2):
        rds.answers(listing_xml(RETAINED))  # behind
    rds.answers(error_xml("Throttling"), status=400)
    rds.answers(listing_xml(RETAINED, LIVE))
    assert ensure(rds.client()) == "unchanged"
    assert clock.sleeps == [0, 1, 2, 4]


def test_what_somebody_else_started_otherwise_is_drift(rds: ScriptedRDS) -> None:
    rds.answers(listing_xml())
    rds.answers(REFUSED, status=400)
    rds.answers(listing_xml(LIVE))
    with pytest.raises(ReplicationDriftError) as caught:
        ensure(rds.client(), backup_retention_period=7)
    assert isinstance(caught.value.__cause__, InvalidDBInstanceAutomatedBackupStateFault)


@pytest.mark.parametrize("is_live", [True, False])
@pytest.mark.parametrize(
    ("body", "error"),
    [
        (None, ConnectionClosedError),
        (error_xml("InternalFailure"), InternalFailureError),
        ("<html>Bad Gateway</html>", ServiceError),
        (result_xml(START, "<DBInstanceAutomatedBackup>"), ResponseValidationError),
    ],
)
def test_an_answer_that_says_nothing_is_followed_by_a_look(
    rds: ScriptedRDS, body: str | None, error: type[Exception], *, is_live: bool
) -> None:
    rds.answers(listing_xml())
    if body is None:
        rds.resets()
    else:
        rds.answers(body, status=200 if error is ResponseValidationError else 500)
    rds.answers(listing_xml(LIVE) if is_live else listing_xml())
    if is_live:
        assert ensure(rds.client()) == "started"
    else:
        with pytest.raises(error):
            ensure(rds.client())
    assert sent(rds).count(START) == 1
    assert sent(rds).count(DESCRIBE) == (2 if is_live else 6)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("InvalidDBInstanceAutomatedBackupState", InvalidDBInstanceAutomatedBackupStateFault),
        ("InvalidDBInstanceState", InvalidDBInstanceStateFault),
        (
            "DBInstanceAutomatedBackupQuotaExceeded",
            DBInstanceAutomatedBackupQuotaExceededFault,
        ),
    ],
)
def test_a_refusal_is_raised_if_it_does_not_replicate(
    rds: ScriptedRDS, code: str, error: type[Exception]
) -> None:
    rds.answers(listing_xml())
    rds.answers(error_xml(code, "already replicating"), status=400)  # whatever the words
    rds.answers(listing_xml(RETAINED))
    with pytest.raises(error, match="already replicating"):
        ensure(rds.client())
    assert sent(rds) == [DESCRIBE, START] + [DESCRIBE] * 5


@pytest.mark.parametrize(
    "code", ["AccessDenied", "DBInstanceNotFound", "KMSKeyNotAccessibleFault", "Throttling"]
)
def test_any_other_refusal_is_raised_at_once(rds: ScriptedRDS, code: str) -> None:
    rds.answers(listing_xml())
    rds.answers(error_xml(code), status=400)
    with pytest.raises(ServiceError) as caught:
        ensure(rds.client())
    assert caught.value.code == code
    assert sent(rds) == [DESCRIBE, START]


def test_a_look_that_fails_does_not_hide_the_refusal(rds: ScriptedRDS) -> None:
    rds.answers(listing_xml())
    rds.answers(REFUSED, status=400)
    rds.answers(error_xml("AccessDenied"), status=403)
    with pytest.raises(InvalidDBInstanceAutomatedBackupStateFault):
        ensure(rds.client())


def test_the_first_look_is_not_ridden_out(rds: ScriptedRDS) -> None:
    rds.answers(error_xml("AccessDenied"), status=403)
    with pytest.raises(AccessDeniedError):
        ensure(rds.client())


# Replacing


TAGS = "".join(f"<Tag><Key>{key}</Key></Tag>" for key in ("aws:x", "rds:y", "env"))
FORMER = backup_xml(
    Status="replicating",
    BackupRetentionPeriod="14",
    KmsKeyId=KMS_KEY_ARN,
    DBInstanceAutomatedBackupsArn=BACKUP_ARN,
).replace("</DBInstanceAutomatedBackup>", f"<TagList>{TAGS}</TagList></DBInstanceAutomatedBackup>")
ENDED = FORMER.replace("replicating", "retained")


@pytest.mark.parametrize("is_mended", [True, False])
def test_a_replacement_that_is_refused_brings_the_former_replication_back(
    rds: ScriptedRDS, *, is_mended: bool
) -> None:
    rds.answers(listing_xml(FORMER))
    rds.answers(listing_xml(FORMER))
    rds.answers(STOPPED)
    rds.answers(listing_xml(FORMER))
    rds.answers(listing_xml(ENDED))
    rds.answers(error_xml("KMSKeyNotAccessibleFault", "no such key"), status=400)
    if is_mended:
        rds.answers(STARTED)
    else:
        rds.answers(error_xml("AccessDenied", "busy"), status=403)
    client = BackupReplicationClient(client=rds.client().client)
    with pytest.raises(ServiceError, match="no such key") as caught:
        ensure(client, backup_retention_period=7, replace=True)
    assert caught.value.code == "KMSKeyNotAccessibleFault"
    assert sent(rds) == [DESCRIBE, DESCRIBE, STOP, DESCRIBE, DESCRIBE, START, START]
    assert rds.received[6].parameters.items() >= {
        ("BackupRetentionPeriod", "14"),
        ("KmsKeyId", KMS_KEY_ARN),
        ("Tags.Tag.1.Key", "env"),
    }
    assert "Tags.Tag.2.Key" not in rds.received[6].parameters
    assert caught.value.operation_name == START
    faults_own, what_became_of_it = str(caught.value.hint).split("\n", 1)
    assert "must exist in the destination" in faults_own
    subject = f"The replication of {SOURCE_ARN} was stopped to replace it, and "
    if is_mended:
        assert what_became_of_it == f"{subject}has been started again as it was."
    else:
        assert what_became_of_it.startswith(f"{subject}could not be started again: ")
        assert "busy" in what_became_of_it


def test_a_replacement_whose_answers_are_lost_says_what_is_not_known(
    rds: ScriptedRDS, caplog: pytest.LogCaptureFixture
) -> None:
    rds.answers(listing_xml(LIVE))
    rds.answers(listing_xml(LIVE))
    rds.answers(STOPPED)
    rds.answers(listing_xml())
    rds.answers(result_xml("DescribeDBInstances", "<DBInstances></DBInstances>"))
    rds.resets()
    with pytest.raises(ConnectionClosedError):
        ensure(rds.client(), backup_retention_period=7, replace=True)
    assert [r.levelname for r in caplog.records if SOURCE_ARN in r.getMessage()] == ["WARNING"]
    assert "could not be started again: Connection was closed" in caplog.text


@pytest.mark.parametrize("failure", [KeyboardInterrupt, None])
def test_a_replacement_that_does_not_get_to_its_start_says_so(
    rds: ScriptedRDS, caplog: pytest.LogCaptureFixture, failure: type[BaseException] | None
) -> None:
    for _ in range(2):
        rds.answers(listing_xml(FORMER))
    rds.answers(STOPPED)
    rds.answers(listing_xml(FORMER))
    client = rds.client()
    if failure is not None:

        def interrupt(**_: Any) -> None:
            if STOP in sent(rds):
                raise failure

        client.client.meta.events.register(f"before-sign.rds.{DESCRIBE}", interrupt)
    with pytest.raises(failure or WaitTimeoutError) as caught:
        ensure(client, backup_retention_period=7, replace=True)
    if failure is None and sys.version_info >= (3, 11):
        assert caught.value.__notes__ == [
            f"The replication of {SOURCE_ARN} was stopped to replace it, and not started anew"
        ]
    assert START not in sent(rds)
    (record,) = [record for record in caplog.records if SOURCE_ARN in record.getMessage()]
    said = (
        f"The replication of {SOURCE_ARN} was stopped to replace it, and not started anew: "
        if failure is None
        else f"The replacement of the replication of {SOURCE_ARN} was interrupted by "
        "KeyboardInterrupt(): it may have been stopped, and not started anew"
    )
    assert record.getMessage().startswith(said)
    assert ("end of the replication" in record.getMessage()) == (failure is None)


def test_what_could_not_be_started_again_is_not_stopped(rds: ScriptedRDS) -> None:
    rds.answers(listing_xml(FORMER.replace("env", "en{}v")))
    mistake = r"tags\[0\].key of what replicates now='en\{\}v'"
    with pytest.raises(RequestValidationError, match=mistake):
        ensure(rds.client(), backup_retention_period=7, replace=True)
    assert sent(rds) == [DESCRIBE]


@pytest.mark.parametrize("status", ["pending", "Pending", "replicating", "brand-new"])
def test_a_key_can_be_replaced_only_before_anything_is_copied(
    rds: ScriptedRDS, status: str
) -> None:
    for _ in range(2):
        rds.answers(listing_xml(FORMER.replace("replicating", status)))
    rds.answers(STOPPED)
    rds.answers(listing_xml(ENDED))
    rds.answers(STARTED)
    client = BackupReplicationClient(client=rds.client().client)
    other_key = KMS_KEY_ARN.replace("1234abcd", "ffffffff")
    if status.lower() == "pending":
        assert ensure(client, kms_key_id=other_key, replace=True) == "replaced"
        assert rds.received[-1].parameters["KmsKeyId"] == other_key
    else:
        with pytest.raises(ReplicationDriftError, match="delete the retained backups"):
            ensure(client, kms_key_id=other_key, replace=True)
        assert sent(rds) == [DESCRIBE]


def test_what_others_have_replaced_in_the_meantime_is_unchanged(rds: ScriptedRDS) -> None:
    for _ in range(2):
        rds.answers(listing_xml(FORMER))
    rds.answers(error_xml("InvalidDBInstanceState", "not replicating"), status=400)
    rds.answers(listing_xml(ENDED))
    rds.answers(listing_xml(ENDED))  # the wait
    rds.answers(REFUSED, status=400)
    rds.answers(listing_xml(ENDED, LIVE.replace(">14<", ">7<")))
    client = BackupReplicationClient(client=rds.client().client)
    assert ensure(client, backup_retention_period=7, replace=True) == "unchanged"


@pytest.mark.parametrize("arn", [True, False])
def test_a_source_that_is_busy_with_the_end_is_started_when_it_is_free(
    rds: ScriptedRDS, clock: RecordingClock, *, arn: bool
) -> None:
    other = "arn:aws:rds:us-east-1:123456789012:auto-backup:ab-other"
    stopped = backup_xml(DBInstanceAutomatedBackupsArn=other) if arn else backup_xml()
    for _ in range(2):
        rds.answers(listing_xml(FORMER))
    rds.answers(result_xml(STOP, stopped))  # somebody has replaced it just before
    rds.answers(listing_xml(ENDED, FORMER.replace(BACKUP_ARN, other)))
    rds.answers(listing_xml(ENDED, ENDED.replace(BACKUP_ARN, other)))
    if not arn:
        del rds.script[-2]
    for _ in range(2):
        rds.answers(error_xml("InvalidDBInstanceState", "busy"), status=400)
        for _ in range(5):
            rds.answers(listing_xml(ENDED))
    rds.answers(STARTED)
    client = BackupReplicationClient(client=rds.client().client)
    assert ensure(client, backup_retention_period=7, replace=True) == "replaced"
    assert sent(rds).count(START) == 3
    assert sent(rds).count(STOP) == 1
    assert clock.sleeps.count(30) == 2


def test_a_look_that_is_behind_the_end_does_not_hide_that_nothing_replicates(
    rds: ScriptedRDS,
) -> None:
    for _ in range(2):
        rds.answers(listing_xml(FORMER))
    rds.answers(STOPPED)
    rds.answers(listing_xml(ENDED))
    rds.answers(error_xml("InvalidDBInstanceState", "busy"), status=400)
    for backup in (FORMER, FORMER, ENDED, ENDED, ENDED):
        rds.answers(listing_xml(backup))
    rds.answers(STARTED)
    client = BackupReplicationClient(client=rds.client().client)
    assert ensure(client, backup_retention_period=7, replace=True) == "replaced"
    assert sent(rds).count(START) == 2


def test_a_source_whose_backups_are_off_is_not_tried_again(rds: ScriptedRDS) -> None:
    for _ in range(2):
        rds.answers(listing_xml(FORMER))
    rds.answers(STOPPED)
    rds.answers(listing_xml(ENDED))
    message = "Source DB instance must have backup retention enabled."
    for _ in range(2):
        rds.answers(error_xml("InvalidDBInstanceState", message), status=400)
        for _ in range(5):
            rds.answers(listing_xml(ENDED))
    client = BackupReplicationClient(client=rds.client().client)
    with pytest.raises(InvalidDBInstanceStateFault, match="could not be started again"):
        ensure(client, backup_retention_period=7, replace=True)
    assert sent(rds).count(START) == 2


def test_a_refusal_without_a_hint_tells_what_became_of_it_all_the_same(rds: ScriptedRDS) -> None:
    for _ in range(2):
        rds.answers(listing_xml(FORMER))
    rds.answers(STOPPED)
    rds.answers(listing_xml(ENDED))
    rds.answers(error_xml("AccessDenied", "no"), status=403)
    rds.answers(STARTED)
    client = BackupReplicationClient(client=rds.client().client)
    with pytest.raises(AccessDeniedError) as caught:
        ensure(client, backup_retention_period=7, replace=True)
    assert caught.value.hint == (
        f"The replication of {SOURCE_ARN} was stopped to replace it, and has been started again "
        "as it was."
    )
    assert type(caught.value.__cause__) is ClientError  # botocore's, as always


def test_what_others_start_otherwise_during_a_replacement_is_told_with_the_stop(
    rds: ScriptedRDS, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        rds.answers(listing_xml(FORMER))
    rds.answers(STOPPED)
    rds.answers(listing_xml(ENDED))
    for _ in range(2):
        rds.answers(REFUSED, status=400)
        rds.answers(listing_xml(ENDED, LIVE.replace(">14<", ">3<")))
    client = BackupReplicationClient(client=rds.client().client)
    with pytest.raises(ReplicationDriftError) as caught:
        ensure(client, backup_retention_period=7, replace=True)
    subject = f"The replication of {SOURCE_ARN} was stopped to replace it, and could not be started"
    assert subject in caplog.text
    if sys.version_info >= (3, 11):
        (note,) = caught.value.__notes__
        assert note.startswith(subject)


@pytest.mark.parametrize(
    "given",
    [
        {"kms_key_id": KMS_KEY_ARN.replace("1234abcd", "ffffffff")},
        {"backup_retention_period": 7},
        {"backup_retention_period": 7, "tags": {"team": "dba"}},
        {"backup_retention_period": 7, "tags": {}},
    ],
)
def test_a_replacement_keeps_what_is_left_out(rds: ScriptedRDS, given: dict[str, Any]) -> None:
    for _ in range(2):
        rds.answers(listing_xml(FORMER.replace("replicating", "pending")))
    rds.answers(STOPPED)
    rds.answers(listing_xml(ENDED))
    rds.answers(STARTED)
    client = BackupReplicationClient(client=rds.client().client)
    assert ensure(client, **given, replace=True) == "replaced"
    parameters = rds.received[-1].parameters
    assert parameters["BackupRetentionPeriod"] == str(given.get("backup_retention_period", 14))
    assert parameters["KmsKeyId"] == given.get("kms_key_id", KMS_KEY_ARN)
    assert parameters["Tags.Tag.1.Key"] == next(iter(given.get("tags") or ["env"]))
    assert "Tags.Tag.2.Key" not in parameters


@pytest.mark.long
def test_a_busy_source_is_not_tried_for_ever(rds: ScriptedRDS, clock: RecordingClock) -> None:
    for _ in range(2):
        rds.answers(listing_xml(FORMER))
    rds.answers(STOPPED)
    rds.answers(listing_xml(ENDED))
    for _ in range(400):
        rds.answers(error_xml("InvalidDBInstanceState", "busy"), status=400)
        for _ in range(5):
            rds.answers(listing_xml(ENDED))
    client = BackupReplicationClient(client=rds.client().client)
    with pytest.raises(InvalidDBInstanceStateFault, match="busy"):
        ensure(client, backup_retention_period=7, replace=True)
    # Twice 75 minutes: the new one, and then the old one again.
    assert 9_000 <= sum(clock.sleeps) < 9_300


def test_a_stop_made_twice_is_waited_for_by_the_arn_of_the_second(rds: ScriptedRDS) -> None:
    """Somebody else's, started in between, is what the second has stopped."""
    other = "arn:aws:rds:us-east-1:123456789012:auto-backup:ab-other"
    for _ in range(2):
        rds.answers(listing_xml(FORMER))
    rds.resets()
    for _ in range(6):
        rds.answers(listing_xml(FORMER))
    rds.answers(result_xml(STOP, backup_xml(DBInstanceAutomatedBackupsArn=other)))
    rds.answers(listing_xml(ENDED, FORMER.replace(BACKUP_ARN, other)))
    rds.answers(listing_xml(ENDED, ENDED.replace(BACKUP_ARN, other)))
    rds.answers(STARTED)
    client = BackupReplicationClient(client=rds.client().client)
    assert ensure(client, backup_retention_period=7, replace=True) == "replaced"
    assert sent(rds)[-3:] == [DESCRIBE, DESCRIBE, START]
    asked = [request.parameters.get("DBInstanceAutomatedBackupsArn") for request in rds.received]
    assert asked[-3:-1] == [other, other]


@pytest.mark.parametrize("lost", ["reset", "unreadable"])
def test_a_stop_that_is_unclear_is_made_sure_of_before_the_start(
    rds: ScriptedRDS, lost: str
) -> None:
    for _ in range(2):
        rds.answers(listing_xml(FORMER))
    if lost == "reset":
        rds.resets()
    else:
        rds.answers("<garbage")
    for _ in range(6):
        rds.answers(listing_xml(FORMER))
    message = "It is not replicating to the current region."
    rds.answers(error_xml("InvalidDBInstanceState", message), status=400)
    for _ in range(6):
        rds.answers(listing_xml(FORMER))
    rds.answers(listing_xml(ENDED))
    rds.answers(STARTED)
    client = BackupReplicationClient(client=rds.client().client)
    assert ensure(client, backup_retention_period=7, replace=True) == "replaced"
    assert sent(rds).count(STOP) == 2


def test_a_stop_that_stays_unclear_is_told(
    rds: ScriptedRDS, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        rds.answers(listing_xml(FORMER))
    rds.resets()
    for _ in range(6):
        rds.answers(listing_xml(FORMER))
    rds.resets()
    rds.answers(listing_xml(FORMER))
    with pytest.raises(ConnectionClosedError):
        ensure(rds.client(), backup_retention_period=7, replace=True)
    assert sent(rds).count(STOP) == 2
    assert "may have been stopped to replace it, and could not be started again" in caplog.text


def test_a_stop_that_is_unclear_and_then_refused_is_mended(
    rds: ScriptedRDS, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        rds.answers(listing_xml(FORMER))
    rds.resets()
    for _ in range(6):
        rds.answers(listing_xml(FORMER))
    rds.answers(error_xml("AccessDenied"), status=403)
    rds.answers(error_xml("InvalidDBInstanceState", "modifying"), status=400)
    for _ in range(5):
        rds.answers(listing_xml(FORMER))  # which is ending, and no success
    rds.answers(STARTED)
    with pytest.raises(AccessDeniedError, match="has been started again as it was"):
        ensure(rds.client(), backup_retention_period=7, replace=True)
    assert sent(rds).count(START) == 2
    assert "has been started again as it was" in caplog.text


def test_a_start_that_shows_late_is_a_replacement_all_the_same(rds: ScriptedRDS) -> None:
    for _ in range(2):
        rds.answers(listing_xml(FORMER))
    rds.answers(STOPPED)
    for _ in range(1):
        rds.answers(listing_xml(ENDED))
    rds.resets()
    for _ in range(5):
        rds.answers(listing_xml(ENDED))
    rds.answers(REFUSED, status=400)
    rds.answers(listing_xml(ENDED, LIVE.replace(">14<", ">7<")))
    client = BackupReplicationClient(client=rds.client().client)
    result = client.ensure_replication(
        source_db_instance_arn=SOURCE_ARN, backup_retention_period=7, replace=True
    )
    assert (result.action, result.backup.backup_retention_period) == ("replaced", 7)


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_replacement_is_this_callers_if_it_stopped_or_started(
    rds: ScriptedRDS, *, is_ours: bool
) -> None:
    for _ in range(2):
        rds.answers(listing_xml(FORMER))
    if is_ours:  # and another has started it
        rds.answers(STOPPED)
        rds.answers(listing_xml(ENDED))
        rds.answers(REFUSED, status=400)
        rds.answers(listing_xml(ENDED, LIVE.replace(">14<", ">7<")))
    else:  # another has stopped it
        rds.answers(error_xml("InvalidDBInstanceState", "not replicating"), status=400)
        rds.answers(listing_xml(ENDED))
        rds.answers(listing_xml(ENDED))
        rds.answers(STARTED)
    client = BackupReplicationClient(client=rds.client().client)
    assert ensure(client, backup_retention_period=7, replace=True) == "replaced"


def test_what_rds_does_not_tell_of_is_no_drift(rds: ScriptedRDS) -> None:
    rds.answers(listing_xml(backup_xml(Status="replicating")))
    assert ensure(rds.client(), backup_retention_period=7) == "unchanged"


def test_retained_copies_beside_a_pending_one_keep_their_key(rds: ScriptedRDS) -> None:
    rds.answers(listing_xml(FORMER.replace("replicating", "pending"), RETAINED))
    with pytest.raises(ReplicationDriftError, match="delete the retained backups"):
        ensure(rds.client(), kms_key_id=KMS_KEY_ARN.replace("1234abcd", "ffffffff"), replace=True)
    assert sent(rds) == [DESCRIBE]


# Stopping


def stop(rds: ScriptedRDS, retries: int = 0) -> DBInstanceAutomatedBackup | None:
    return rds.client(retries=retries).ensure_stopped(source_db_instance_arn=SOURCE_ARN)


def test_it_stops_what_replicates(rds: ScriptedRDS) -> None:
    rds.answers(listing_xml(LIVE))
    rds.answers(STOPPED)
    assert stop(rds) is not None
    assert sent(rds) == [DESCRIBE, STOP]


@pytest.mark.parametrize("left", [(), (RETAINED,)])
@pytest.mark.parametrize("before", [(), (RETAINED,), (LIVE,)])
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("InvalidDBInstanceState", "It is not replicating to the current region."),
        ("DBInstanceNotFound", "Not found."),
    ],
)
def test_what_does_not_replicate_need_not_be_stopped(
    rds: ScriptedRDS, code: str, message: str, before: tuple[str, ...], left: tuple[str, ...]
) -> None:
    rds.answers(listing_xml(*before))
    rds.answers(error_xml(code, message), status=400)
    rds.answers(listing_xml(LIVE))  # behind
    rds.answers(listing_xml(*left))
    assert stop(rds) is None
    assert sent(rds) == [DESCRIBE, STOP, DESCRIBE, DESCRIBE]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("InvalidDBInstanceState", "It is not replicating to the current region."),
        ("DBInstanceNotFound", "Not found."),
    ],
)
def test_what_rds_says_does_not_replicate_needs_one_look(
    rds: ScriptedRDS, code: str, message: str
) -> None:
    rds.answers(listing_xml())
    rds.answers(error_xml(code, message), status=400)
    rds.answers(listing_xml(RETAINED))
    assert stop(rds) is None
    assert sent(rds) == [DESCRIBE, STOP, DESCRIBE]


@pytest.mark.parametrize(("looks", "is_live"), [(5, False), (3, True), (0, True)])
def test_a_refusal_in_other_words_counts_if_nothing_live_is_ever_seen(
    rds: ScriptedRDS, looks: int, *, is_live: bool
) -> None:
    rds.answers(listing_xml())
    rds.answers(error_xml("InvalidDBInstanceState", "Nobody knows this sentence."), status=400)
    for _ in range(looks):
        rds.answers(listing_xml(RETAINED))
    rds.answers(listing_xml(LIVE))
    if is_live:
        with pytest.raises(InvalidDBInstanceStateFault):
            stop(rds)
    else:
        assert stop(rds) is None
    assert sent(rds) == [DESCRIBE, STOP] + [DESCRIBE] * 5


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("was_live", [True, False])
@pytest.mark.parametrize("retries", [0, 1])
def test_a_stop_whose_answer_is_lost_is_looked_after(
    rds: ScriptedRDS, retries: int, *, was_live: bool
) -> None:
    rds.answers(listing_xml(LIVE if was_live else RETAINED))
    rds.resets()
    if retries:
        message = "It is not replicating to the current region."
        rds.answers(error_xml("InvalidDBInstanceState", message), status=400)
    rds.answers(listing_xml(RETAINED))
    stopped = stop(rds, retries)
    assert (stopped is not None) == was_live
    assert stopped is None or stopped.is_retained


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://example.com"),
        ConnectTimeoutError(endpoint_url="https://example.com"),
        ProxyConnectionError(proxy_url="https://example.com"),
    ],
)
def test_a_stop_that_could_not_be_sent_is_never_claimed(rds: ScriptedRDS, error: Exception) -> None:
    rds.answers(listing_xml(LIVE))
    rds.answers(listing_xml(RETAINED))
    client = rds.client()

    def unreachable(**_: Any) -> None:
        raise error

    client.client.meta.events.register(f"before-send.rds.{STOP}", unreachable)
    with pytest.raises(type(error)):
        client.ensure_stopped(source_db_instance_arn=SOURCE_ARN)
    assert sent(rds) == [DESCRIBE]


def test_looks_that_fail_show_nothing(rds: ScriptedRDS, clock: RecordingClock) -> None:
    rds.answers(listing_xml())
    rds.answers(error_xml("InvalidDBInstanceState", "Nobody knows this sentence."), status=400)
    rds.answers(error_xml("AccessDenied"), status=403)
    with pytest.raises(InvalidDBInstanceStateFault):
        stop(rds)
    assert clock.sleeps == [0, 1, 2, 4, 8]


def test_a_refusal_whose_sentence_is_known_counts_while_the_end_takes_long(
    rds: ScriptedRDS,
) -> None:
    rds.answers(listing_xml(LIVE))
    message = "It is not replicating to the current region."
    rds.answers(error_xml("InvalidDBInstanceState", message), status=400)
    rds.answers(listing_xml(LIVE))
    assert stop(rds) is None
    assert sent(rds) == [DESCRIBE, STOP] + [DESCRIBE] * 5


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("left", [(), (RETAINED,), (LIVE,)])
def test_what_a_lost_stop_has_stopped_is_given_whatever_is_left(
    rds: ScriptedRDS, left: tuple[str, ...]
) -> None:
    rds.answers(listing_xml(LIVE))
    rds.resets()
    message = "It is not replicating to the current region."
    rds.answers(error_xml("InvalidDBInstanceState", message), status=400)
    rds.answers(listing_xml(*left))
    assert stop(rds, retries=1) is not None


@pytest.mark.usefixtures("no_backoff")
def test_what_a_lost_stop_has_stopped_is_not_what_an_earlier_one_left(rds: ScriptedRDS) -> None:
    window = "<LatestTime>2026-01-31T12:00:00Z</LatestTime>"
    arn = f"{BACKUP_ARN}2"
    earlier = backup_xml(
        Status="retained", RestoreWindow=window, DBInstanceAutomatedBackupsArn=BACKUP_ARN
    )
    rds.answers(listing_xml(earlier, backup_xml(DBInstanceAutomatedBackupsArn=arn)))
    rds.resets()
    message = "It is not replicating to the current region."
    rds.answers(error_xml("InvalidDBInstanceState", message), status=400)
    ended = backup_xml(Status="retained", DBInstanceAutomatedBackupsArn=arn)
    rds.answers(listing_xml(earlier, ended))
    stopped = stop(rds, retries=1)
    assert stopped is not None
    assert stopped.db_instance_automated_backups_arn == arn


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize(
    "error",
    [
        NoCredentialsError(),
        CredentialRetrievalError(provider="sso", error_msg="expired"),
        ClientError({"Error": {"Code": "ExpiredToken", "Message": "x"}}, "AssumeRole"),
    ],
)
def test_a_retry_without_credentials_after_a_lost_start_is_looked_after(
    rds: ScriptedRDS, error: Exception
) -> None:
    rds.answers(listing_xml())
    rds.resets()
    rds.answers(listing_xml(LIVE))
    client = rds.client(retries=2)
    attempts: list[int] = []

    def sign(**_: Any) -> None:
        attempts.append(1)
        if len(attempts) == 2:
            raise error

    client.client.meta.events.register(f"before-sign.rds.{START}", sign)
    assert ensure(client) == "started"
    attempts.clear()
    del rds.received[:], rds.script[:]
    attempts.append(1)
    rds.answers(listing_xml())
    with pytest.raises(type(error)):  # of the first attempt, nothing was sent
        ensure(client)
    assert sent(rds) == [DESCRIBE]


@pytest.mark.parametrize(
    ("code", "status", "action"),
    [("Throttling", 503, "unchanged"), ("InternalFailure", 500, "started")],
)
@pytest.mark.usefixtures("no_backoff")
def test_an_attempt_that_failed_within_rds_is_a_claim_and_a_throttled_one_none(
    rds: ScriptedRDS, code: str, status: int, action: str
) -> None:
    rds.answers(listing_xml())
    rds.answers(error_xml(code), status=status)
    rds.answers(REFUSED, status=400)
    rds.answers(listing_xml(LIVE))
    assert ensure(rds.client(retries=1)) == action
    assert sent(rds) == [DESCRIBE, START, START, DESCRIBE]


@pytest.mark.parametrize(
    ("code", "looks"),
    [
        ("InvalidDBInstanceState", 5),
        ("DBInstanceNotFound", 5),
        ("AccessDenied", 0),
        ("Throttling", 0),
    ],
)
def test_a_stop_that_is_refused_while_it_replicates_is_an_error(
    rds: ScriptedRDS, code: str, looks: int
) -> None:
    rds.answers(listing_xml(LIVE))
    rds.answers(error_xml(code, "It is busy."), status=400)
    rds.answers(listing_xml(LIVE))
    with pytest.raises(ServiceError) as caught:
        stop(rds)
    assert caught.value.code == code
    assert sent(rds) == [DESCRIBE, STOP] + [DESCRIBE] * looks
