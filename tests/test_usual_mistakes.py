"""The usual mistakes, each with the one sentence that answers it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from boto3.session import Session
from botocore.exceptions import NoCredentialsError

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication.exceptions import RequestValidationError

from .wire import BACKUP_ARN, SOURCE_ARN

CLUSTER_ARN = SOURCE_ARN.replace(":db:", ":cluster:")
STOP = "BackupReplicationClient.stop_db_instance_automated_backups_replication"
ARN_FORM = "arn:{partition}:rds:{region}:{12-digit account}:db:{instance identifier}"
DAYS = "must be a whole number of days from 1 to 35"
REGION = "must be the name of a Region; did you mean us-east-1?"
KEY_FORMS = (
    "a key ARN (arn:{partition}:kms:{region}:{12-digit account}:key/{id}), an alias ARN, a key ID "
    "or an alias name (alias/{name})"
)


def start(**keywords: Any) -> Callable[[Any], object]:
    """Return a call that starts a replication with these keywords."""
    arguments: dict[str, Any] = {"source_db_instance_arn": SOURCE_ARN, **keywords}
    return lambda client: client.start_db_instance_automated_backups_replication(**arguments)


def stop(*arguments: Any, **keywords: Any) -> Callable[[Any], object]:
    """Return a call that stops a replication with exactly these arguments."""
    return lambda client: client.stop_db_instance_automated_backups_replication(
        *arguments, **keywords
    )


def create(**keywords: Any) -> Callable[[Any], object]:
    """Return a call that creates a client."""
    return lambda _: BackupReplicationClient(**keywords)


def restore(client: Any) -> object:
    return client.restore_db_instance_to_point_in_time(
        source_db_instance_automated_backups_arn=BACKUP_ARN,
        target_db_instance_identifier="restored",
        restore_time=datetime(2026, 1, 1),  # noqa: DTZ001  # the mistake
    )


# The names of the mistakes, the calls, and the sentences.
MISTAKES: dict[str, tuple[Callable[[Any], object], str]] = {
    "wrong keyword": (
        start(retention_period=7),
        "retention_period=(hidden) is not a parameter; did you mean backup_retention_period?",
    ),
    "boto3's keyword": (
        stop(SourceDBInstanceArn=SOURCE_ARN),
        "SourceDBInstanceArn=(hidden) is boto3's name; pass source_db_instance_arn",
    ),
    "positional argument": (
        stop(SOURCE_ARN),
        (f"{STOP}() takes keyword arguments only; pass source_db_instance_arn=…"),
    ),
    "dict as the only argument": (
        stop({"SourceDBInstanceArn": SOURCE_ARN}),
        (f"{STOP}() takes keyword arguments, not a dict; pass source_db_instance_arn=…"),
    ),
    "upper-case Region": (create(region_name="US-EAST-1"), f"region_name='US-EAST-1' {REGION}"),
    "zone for Region": (create(region_name="us-east-1a"), f"region_name='us-east-1a' {REGION}"),
    "line break after Region": (
        create(region_name="us-east-1\n"),
        f"region_name='us-east-1\\n' ends in a line break; it {REGION}",
    ),
    "cluster ARN": (
        stop(source_db_instance_arn=CLUSTER_ARN),
        (
            f"source_db_instance_arn={CLUSTER_ARN!r} is the ARN of a DB cluster, and this "
            f"operation accepts only DB instances; it must have the form {ARN_FORM}"
        ),
    ),
    "blank at the end": (
        stop(source_db_instance_arn=f"{SOURCE_ARN} "),
        (
            f"source_db_instance_arn='{SOURCE_ARN} ' ends in a blank; it must be an ARN of the "
            f"form {ARN_FORM}"
        ),
    ),
    "line break after an ID": (
        lambda client: client.find_replicated_backup(
            source_db_instance_arn=SOURCE_ARN, dbi_resource_id="db-A\n"
        ),
        "dbi_resource_id='db-A\\n' ends in a line break; it must be without blanks around it",
    ),
    "bytes": (
        stop(source_db_instance_arn=SOURCE_ARN.encode()),
        f"source_db_instance_arn={SOURCE_ARN.encode()!r} must be a string",
    ),
    "naive datetime": (
        restore,
        (
            "restore_time=datetime.datetime(2026, 1, 1, 0, 0) must be a datetime with a timezone, "
            "such as timezone.utc"
        ),
    ),
    "tuples as tags": (
        start(tags=[("env", "prod")]),
        "tags[0]=('env', 'prod') must be a Tag, or a dict with Key and Value",
    ),
    "text as days": (start(backup_retention_period="7"), f"backup_retention_period='7' {DAYS}"),
    "zero days": (start(backup_retention_period=0), f"backup_retention_period=0 {DAYS}"),
    "true as days": (start(backup_retention_period=True), f"backup_retention_period=True {DAYS}"),
    "alias without prefix": (
        start(kms_key_id="backups"),
        f"kms_key_id='backups' must be {KEY_FORMS}; did you mean alias/backups?",
    ),
    "presigned URL without TLS": (
        start(pre_signed_url="http://rds.us-west-2.amazonaws.com/?X-Amz-Signature=4f2a"),
        "pre_signed_url=(hidden) must be an https URL",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_answered_in_one_sentence(client: BackupReplicationClient, name: str) -> None:
    call, sentence = MISTAKES[name]
    with pytest.raises((RequestValidationError, TypeError)) as caught:
        call(client)
    if isinstance(caught.value, RequestValidationError):
        assert [str(error) for error in caught.value.errors] == [sentence]
    else:
        assert str(caught.value) == sentence
    assert "4f2a" not in f"{caught.value!r} {caught.value}"


@pytest.mark.parametrize(
    ("tag", "sentence"),
    [
        ({"Name": "env"}, "tags[0].name=(hidden) is not a parameter; did you mean Key?"),
        ({"TagKey": "env"}, "tags[0].tag_key=(hidden) is not a parameter; did you mean Key?"),
        (
            {"Key": "env", "TagValue": "prod"},
            "tags[0].tag_value=(hidden) is not a parameter; did you mean Value?",
        ),
    ],
)
def test_other_words_for_a_tag(client: BackupReplicationClient, tag: Any, sentence: str) -> None:
    with pytest.raises(RequestValidationError) as caught:
        start(tags=[tag])(client)
    assert sentence in [str(error) for error in caught.value.errors]


def test_missing_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    client = BackupReplicationClient(session=Session(), region_name="us-east-1")
    with pytest.raises(NoCredentialsError) as caught:
        stop(source_db_instance_arn=SOURCE_ARN)(client)
    assert str(caught.value) == "Unable to locate credentials"
