"""Tests of request validation: examples of each rule, and properties over many inputs."""

import copy
import pickle
import string
import traceback
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rds_backup_replication import (
    AdditionalStorageVolume,
    BackupReplicationClient,
    Filter,
    ProcessorFeature,
    StartDBInstanceAutomatedBackupsReplicationRequest,
    Tag,
    TagSpecification,
)
from rds_backup_replication.exceptions import InvalidParameter, RequestValidationError

from .wire import BACKUP_ARN, KMS_KEY_ARN, SOURCE_ARN

SECRET = "https://rds.us-west-2.amazonaws.com/?X-Amz-Signature=4f2a"
# One client can serve many examples, because `start` clears the recorded requests.
many = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


class Recorder:
    """A recorder that captures and answers the requests that botocore would send."""

    def __init__(self, client: BackupReplicationClient) -> None:
        self.bodies: list[dict[str, Any]] = []
        events: Any = (
            client.client.meta.events
        )  # the type stubs omit handlers that return a response
        events.register("before-call.rds", self.respond)

    def respond(self, params: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        """Record the body, and return a response instead of sending the request."""
        self.bodies.append(params["body"])
        parsed: dict[str, Any] = {
            "DBInstanceAutomatedBackup": {},
            "DBInstanceAutomatedBackups": [],
            "SourceRegions": [],
            "DBInstance": {},
        }
        return AWSResponse("", 200, HTTPHeaders(), None), parsed


@pytest.fixture
def sent(client: BackupReplicationClient) -> Recorder:
    return Recorder(client)


def errors_of(call: Callable[..., Any], **keywords: Any) -> dict[str, InvalidParameter]:
    """Return the errors of a call that must be refused, by parameter."""
    with pytest.raises(RequestValidationError) as caught:
        call(**keywords)
    found = {error.parameter: error for error in caught.value.errors}
    assert len(found) == len(caught.value.errors)
    assert "errors.pydantic.dev" not in "".join(traceback.format_exception(caught.value))
    return found


Start = Callable[..., Any]


@pytest.fixture
def start(client: BackupReplicationClient, sent: Recorder) -> Start:
    """Return a function that calls start, and fails the test if a refused call was sent."""

    def call(**keywords: Any) -> Any:
        arguments: dict[str, Any] = {"source_db_instance_arn": SOURCE_ARN, **keywords}
        sent.bodies.clear()
        try:
            return client.start_db_instance_automated_backups_replication(**arguments)
        except RequestValidationError:
            assert sent.bodies == []
            raise

    return call


def test_aws_documentation_examples_are_valid(start: Start, sent: Recorder) -> None:
    start(kms_key_id="arn:aws:kms:us-east-1:123456789012:key/AKIAIOSFODNN7EXAMPLE")
    assert sent.bodies[0]["SourceDBInstanceArn"] == SOURCE_ARN


def test_all_errors_of_a_call_are_reported(start: Start) -> None:
    found = errors_of(
        start,
        source_db_instance_arn="mydatabase",
        backup_retention_period=36,
        kms_key_id="alias/",
        tags={"aws:owner": "me", "ok": "#"},
        source_region="evil.example/x?",
    )
    assert set(found) == {
        "source_db_instance_arn",
        "backup_retention_period",
        "kms_key_id",
        "tags[0].key",
        "tags[1].value",
        "source_region",
    }
    assert str(found["backup_retention_period"]) == (
        "backup_retention_period=36 must be a whole number of days from 1 to 35"
    )


def test_exclusive_parameters_with_invalid_one(
    client: BackupReplicationClient,
) -> None:
    calls: list[tuple[Any, dict[str, Any]]] = [
        (client.wait_until_replicating, {"source_db_instance_arn": "mydatabase"}),
        (client.wait_until_stopped, {"source_db_instance_arn": "mydatabase"}),
        (client.delete_db_instance_automated_backup, {"dbi_resource_id": ""}),
    ]
    for method, invalid in calls:
        with pytest.raises(RequestValidationError) as caught:
            method(**invalid, db_instance_automated_backups_arn=BACKUP_ARN)
        together, form = caught.value.errors
        assert (together.parameter, form.parameter) == (*invalid, *invalid)
        assert "must not be given together with" in together.message
        assert form.message.startswith("must be a")


def test_all_errors_of_a_tag_are_reported(start: Start) -> None:
    with pytest.raises(RequestValidationError) as caught:
        start(tags={"AWS:" + "x" * 128: "rds:#"})
    assert [(e.parameter, e.message.split(", ")[0][:20]) for e in caught.value.errors] == [
        ("tags[0].key", "must not begin with "),
        ("tags[0].key", "must be 1 to 128 let"),
        ("tags[0].value", "must not begin with "),
        ("tags[0].value", "must be up to 256 le"),
    ]


def test_validation_error_survives_pickle_and_copy(start: Start) -> None:
    with pytest.raises(RequestValidationError) as caught:
        start(backup_retention_period=0)
    for twin in (pickle.loads(pickle.dumps(caught.value)), copy.deepcopy(caught.value)):  # noqa: S301
        assert twin.errors == caught.value.errors
        assert str(twin) == str(caught.value)
        assert twin.operation_name == "StartDBInstanceAutomatedBackupsReplication"
    assert isinstance(caught.value, ValueError)


def test_long_value_is_truncated(start: Start) -> None:
    found = errors_of(start, kms_key_id="alias/" + "x" * 5000)
    assert len(found["kms_key_id"].given) < 250


# Source ARNs


@pytest.mark.parametrize(
    ("arn", "text"),
    [
        ("arn:aws:rds:us-west-2:123456789012:cluster:aurora", "a DB cluster"),
        ("arn:aws:rds:us-west-2:123456789012:snapshot:rds:mydatabase-2026", "a DB snapshot"),
        ("arn:aws:rds:us-west-2:123456789012:auto-backup:ab-x", "an automated backup"),
        ("arn:aws:rds:us-west-2:123456789012:og:mygroup", "type 'og'"),
        ("arn:aws:s3:us-west-2:123456789012:db:mydatabase", "must be an ARN of the form"),
        ("arn:aws:rds:us-west-2:12345678901:db:mydatabase", "must be an ARN of the form"),
        ("arn:aws:rds:us-west-2:１２３４５６７８９０１２:db:mydatabase", "must be an ARN"),
        ("arn:aws:rds:us-west-2:123456789012:db:mydatabase\n", "must be an ARN"),
        ("arn:aws:rds:us-west-2:123456789012:db:my--database", "'my--database'"),
        ("arn:aws:rds:us-west-2:123456789012:db:1database", "'1database'"),
        ("arn:aws:rds:us-west-2:123456789012:db:database-", "'database-'"),
        ("arn:aws:rds:us-west-2:123456789012:db:" + "a" * 64, "1 to 63"),
        ("arn:aws:rds::123456789012:db:mydatabase", "must be an ARN"),
        ("mydatabase", "must be an ARN"),
        ("", "must be an ARN"),
        (None, "must be a string"),
        (b"arn:aws:rds:us-west-2:123456789012:db:mydatabase", "must be a string"),
    ],
)
def test_source_arn_must_be_a_db_instance(start: Start, arn: Any, text: str) -> None:
    assert text in errors_of(start, source_db_instance_arn=arn)["source_db_instance_arn"].message


def test_source_arn_in_destination_region_refused(start: Start) -> None:
    arn = SOURCE_ARN.replace("us-west-2", "us-east-1")
    message = errors_of(start, source_db_instance_arn=arn)["source_db_instance_arn"].message
    assert "is in us-east-1, the Region of this client" in message
    assert "destination Region" in message


def test_stop_validates_source_arn(client: BackupReplicationClient, sent: Recorder) -> None:
    found = errors_of(
        client.stop_db_instance_automated_backups_replication,
        source_db_instance_arn=SOURCE_ARN.replace("us-west-2", "us-east-1"),
    )
    assert "destination Region" in found["source_db_instance_arn"].message
    assert sent.bodies == []


def test_source_arn_in_other_partition_refused(start: Start) -> None:
    arn = SOURCE_ARN.replace("arn:aws:", "arn:aws-us-gov:")
    message = errors_of(start, source_db_instance_arn=arn)["source_db_instance_arn"].message
    assert "'aws-us-gov'" in message
    assert "'aws'" in message


IDENTIFIERS = st.from_regex(r"\A[A-Za-z](-?[A-Za-z0-9]){0,30}\Z")
ACCOUNTS = st.text(string.digits, min_size=12, max_size=12)
KNOWN_REGIONS = {
    "aws": ("us-west-2", "ap-southeast-7", "mx-central-1", "il-central-1", "xx-newland-9"),
    "aws-cn": ("cn-north-1",),
    "aws-us-gov": ("us-gov-west-1",),
    "aws-iso": ("us-iso-west-1",),
    "aws-iso-b": ("us-isob-west-1",),
    "aws-iso-e": ("eu-isoe-west-1",),
    "aws-iso-f": ("us-isof-south-1",),
    "aws-eusc": ("eusc-de-east-1",),
}
PARTITION_AND_REGION = st.sampled_from(
    [(partition, region) for partition, regions in KNOWN_REGIONS.items() for region in regions]
)


@given(where=PARTITION_AND_REGION, account=ACCOUNTS, identifier=IDENTIFIERS)
def test_source_arn_of_any_partition_is_valid(
    where: tuple[str, str], account: str, identifier: str
) -> None:
    arn = f"arn:{where[0]}:rds:{where[1]}:{account}:db:{identifier}"
    request = StartDBInstanceAutomatedBackupsReplicationRequest(source_db_instance_arn=arn)
    assert request.source_db_instance_arn == arn


@many
@given(account=ACCOUNTS, identifier=IDENTIFIERS, index=st.integers(0, 200), junk=st.characters())
def test_source_arn_with_one_invalid_character(
    start: Start, account: str, identifier: str, index: int, junk: str
) -> None:
    assume(junk not in string.ascii_letters + string.digits + "-")
    arn = f"arn:aws:rds:us-west-2:{account}:db:{identifier}"
    index %= len(arn)
    assume(arn[index] != junk)
    assert "source_db_instance_arn" in errors_of(
        start, source_db_instance_arn=arn[:index] + junk + arn[index + 1 :]
    )


@many
@given(text=st.text())
def test_source_arn_with_arbitrary_text(start: Start, text: str) -> None:
    errors_of(start, source_db_instance_arn=text)


# Retention


@many
@given(days=st.integers(1, 35))
def test_retention_in_range_is_sent(start: Start, sent: Recorder, days: int) -> None:
    start(backup_retention_period=days)
    assert sent.bodies[0]["BackupRetentionPeriod"] == days


@many
@given(
    days=st.one_of(
        st.integers(max_value=0),
        st.integers(min_value=36),
        st.booleans(),
        st.floats(),
        st.decimals(),
        st.integers(1, 35).map(str),
        st.binary(),
        st.lists(st.integers(1, 35), max_size=1),
    )
)
def test_retention_out_of_range_refused(start: Start, days: Any) -> None:
    found = errors_of(start, backup_retention_period=days)
    assert found["backup_retention_period"].message == "must be a whole number of days from 1 to 35"


# KMS keys


@pytest.mark.parametrize(
    "key",
    [
        KMS_KEY_ARN,
        "arn:aws:kms:us-east-1:210987654321:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws:kms:us-east-1:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab",
        "arn:aws:kms:us-east-1:123456789012:alias/backups",
        "arn:aws:kms:us-east-1:123456789012:alias/team/backups_2026",
        "1234abcd-12ab-34cd-56ef-1234567890ab",
        "mrk-1234abcd12ab34cd56ef1234567890ab",
        "AKIAIOSFODNN7EXAMPLE",
        "alias/backups",
        "alias/aws/rds",
    ],
)
def test_kms_key_in_every_format_is_sent(start: Start, sent: Recorder, key: str) -> None:
    start(kms_key_id=key)
    assert sent.bodies[0]["KmsKeyId"] == key


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (KMS_KEY_ARN.replace("us-east-1", "us-west-2"), "must be in the destination Region"),
        (KMS_KEY_ARN.replace("arn:aws:", "arn:aws-cn:"), "partition"),
        (KMS_KEY_ARN.replace(":kms:", ":rds:"), "must be a key ARN"),
        (KMS_KEY_ARN.replace(":key/", ":key:"), "must be a key ARN"),
        (KMS_KEY_ARN.replace(":key/", ":grant/"), "must be a key ARN"),
        (KMS_KEY_ARN + "\n", "must be a key ARN"),
        ("arn:aws:kms:us-east-1:123456789012:key/", "must be a key ARN"),
        ("arn:aws:kms:us-east-1:123456789012:alias/", "must be a key ARN"),
        ("key/1234abcd-12ab-34cd-56ef-1234567890ab", "must be a key ARN"),
        ("alias/with space", "must be a key ARN"),
        ("alias/", "must be a key ARN"),
        ("", "must be a key ARN"),
        ("schlüssel", "must be a key ARN"),
        (7, "must be a string"),
    ],
)
def test_kms_key_in_invalid_format_refused(start: Start, key: Any, text: str) -> None:
    assert text in errors_of(start, kms_key_id=key)["kms_key_id"].message


@many
@given(
    region=st.sampled_from(["us-west-2", "eu-central-1", "us-east-2", "us-east-11"]),
    account=ACCOUNTS,
    resource=st.sampled_from(["key/mrk-1234", "key/1234abcd-12ab", "alias/backups"]),
)
def test_kms_key_of_other_region_refused(
    start: Start, region: str, account: str, resource: str
) -> None:
    message = errors_of(start, kms_key_id=f"arn:aws:kms:{region}:{account}:{resource}")[
        "kms_key_id"
    ].message
    assert region in message
    assert "us-east-1" in message


# Tags

TAG_CHARACTERS = st.one_of(
    st.characters(categories=["L", "Z", "N"]), st.sampled_from(list("_.:/=+-@"))
)


def has_reserved_prefix(text: str) -> bool:
    return text.lower().startswith(("aws:", "rds:"))


@many
@given(
    tags=st.dictionaries(
        st.text(TAG_CHARACTERS, min_size=1, max_size=128),
        st.none() | st.text(TAG_CHARACTERS, max_size=256),
        max_size=50,
    )
)
def test_valid_tags_are_sent_unchanged(
    start: Start, sent: Recorder, tags: dict[str, str | None]
) -> None:
    for key, value in tags.items():
        assume(not has_reserved_prefix(key) and not has_reserved_prefix(value or ""))
    start(tags=tags)
    expected: dict[str, str] = {}
    for number, (key, value) in enumerate(tags.items(), 1):
        expected[f"Tags.Tag.{number}.Key"] = key
        if value is not None:
            expected[f"Tags.Tag.{number}.Value"] = value
    body = sent.bodies[0]
    assert {name: value for name, value in body.items() if name.startswith("Tags")} == expected


def is_valid(text: str, shortest: int, longest: int) -> bool:
    """Return whether a key or value is valid, without using the library's pattern."""
    return (
        shortest <= len(text) <= longest
        and not has_reserved_prefix(text)
        and all(
            character in "_.:/=+-@" or unicodedata.category(character)[0] in "LZN"
            for character in text
        )
    )


@many
@given(
    key=st.text(max_size=140) | st.text(TAG_CHARACTERS, min_size=129),
    value=st.text(max_size=270),
)
def test_invalid_tag_refused(start: Start, key: str, value: str) -> None:
    # Python and pydantic may differ about code points that are newer than their Unicode tables.
    assume(all(unicodedata.category(character) != "Cn" for character in key + value))
    expected = {
        *([] if is_valid(key, 1, 128) else ["tags[0].key"]),
        *([] if is_valid(value, 0, 256) else ["tags[0].value"]),
    }
    if expected:
        assert set(errors_of(start, tags={key: value})) == expected
    else:
        start(tags={key: value})


@pytest.mark.parametrize("prefix", ["aws:", "AWS:", "Aws:", "rds:", "RDS:"])
def test_tag_with_reserved_prefix_refused(start: Start, prefix: str) -> None:
    found = errors_of(start, tags={f"{prefix}key": f"{prefix}value"})
    assert set(found) == {"tags[0].key", "tags[0].value"}
    assert "reserved" in found["tags[0].key"].message


@pytest.mark.parametrize(
    "tags",
    [
        {"env": "prod"},
        [Tag(key="env", value="prod")],
        (Tag(key="env", value="prod"),),
        [{"Key": "env", "Value": "prod"}],
    ],
)
@pytest.mark.parametrize("form", [copy.copy, iter])
def test_tags_accept_every_format(
    start: Start, sent: Recorder, tags: Any, form: Callable[[Any], Any]
) -> None:
    start(tags=tags if isinstance(tags, dict) else form(tags))
    assert sent.bodies[0]["Tags.Tag.1.Key"] == "env"
    assert sent.bodies[0]["Tags.Tag.1.Value"] == "prod"


@pytest.mark.parametrize("tags", [None, [], {}, ()])
def test_empty_tags_are_not_sent(start: Start, sent: Recorder, tags: Any) -> None:
    start(tags=tags)
    assert not [name for name in sent.bodies[0] if name.startswith("Tags")]


def test_tag_without_value_is_sent(start: Start, sent: Recorder) -> None:
    start(tags=[Tag(key="stoppable"), Tag(key="empty", value="")])
    assert sent.bodies[0]["Tags.Tag.1.Key"] == "stoppable"
    assert "Tags.Tag.1.Value" not in sent.bodies[0]
    assert sent.bodies[0]["Tags.Tag.2.Value"] == ""


def test_duplicate_tag_key_refused(start: Start) -> None:
    found = errors_of(start, tags=[Tag(key="env"), Tag(key="Env"), Tag(key="env", value="prod")])
    assert found["tags"].message == "must use the key 'env' only once, not 2 times"


class Key(str):
    """A string that cannot be hashed."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]


def test_tag_key_may_be_a_str_subclass(start: Start, sent: Recorder) -> None:
    start(tags=[{"Key": Key("env")}, Tag(key="owner")])
    assert sent.bodies[0]["Tags.Tag.1.Key"] == "env"
    found = errors_of(start, tags=[{"Key": Key("env")}, {"Key": "env"}])
    assert found["tags"].message == "must use the key 'env' only once, not 2 times"


def test_more_than_50_tags_refused(start: Start, sent: Recorder) -> None:
    start(tags={f"key{number}": "value" for number in range(50)})
    assert sent.bodies[0]["Tags.Tag.50.Key"] == "key49"
    found = errors_of(start, tags={f"key{number}": "value" for number in range(51)})
    assert found["tags"].message == "must have at most 50 tags, not 51"


@pytest.mark.parametrize(
    ("tags", "parameter"),
    [
        ("env=prod", "tags"),
        (5, "tags"),
        (b"env", "tags"),
        ([5], "tags[0]"),
        (["env"], "tags[0]"),
        ([{"Value": "prod"}], "tags[0].key"),
        ({"env": 5}, "tags[0].value"),
        ([{"Key": "env", "Vaule": "prod"}], "tags[0].vaule"),
    ],
)
def test_malformed_tag_is_named(start: Start, tags: Any, parameter: str) -> None:
    assert set(errors_of(start, tags=tags)) == {parameter}


def test_tag_error_does_not_hide_list_errors(start: Start) -> None:
    found = errors_of(start, tags=[{"Key": "a!"}, *[Tag(key="b")] * 50])
    assert set(found) == {"tags[0].key", "tags"}
    assert found["tags"].message == (
        "must use the key 'b' only once, not 50 times and have at most 50 tags, not 51"
    )


# Source Region and presigned URL


def test_source_region_must_match_arn(start: Start, sent: Recorder) -> None:
    found = errors_of(start, source_region="us-west-1")
    assert "us-west-2" in found["source_region"].message
    start(source_region="us-west-2")
    assert "SourceRegion" not in sent.bodies[0] or sent.bodies[0]["SourceRegion"] == "us-west-2"


@many
@given(region=st.text() | st.sampled_from(["evil.example/x?", "us-west-2.evil", "us-west-2\n", ""]))
def test_source_region_must_be_a_region_name(start: Start, region: str) -> None:
    assert "source_region" in errors_of(start, source_region=region)


@pytest.mark.parametrize("url", ["", 5, SECRET.encode()])
def test_presigned_url_is_hidden(start: Start, url: Any, caplog: pytest.LogCaptureFixture) -> None:
    found = errors_of(start, pre_signed_url=url)
    assert found["pre_signed_url"].given == "(hidden)"
    with caplog.at_level("DEBUG"), pytest.raises(RequestValidationError) as caught:
        start(pre_signed_url=SECRET, backup_retention_period=0)
    output = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(caught.value)
    assert "4f2a" not in output
    request = StartDBInstanceAutomatedBackupsReplicationRequest(
        source_db_instance_arn=SOURCE_ARN, pre_signed_url=SECRET
    )
    assert "4f2a" not in f"{request!r} {request}"


# The other operations


def test_listing_validates_before_first_page(
    client: BackupReplicationClient, sent: Recorder
) -> None:
    found = errors_of(
        client.describe_db_instance_automated_backups,
        dbi_resource_id="",
        db_instance_identifier="",
        db_instance_automated_backups_arn=BACKUP_ARN.replace("us-east-1", "us-west-2"),
        filters=[{"Name": "status"}],
        page_size=19,
    )
    assert set(found) == {
        "dbi_resource_id",
        "db_instance_identifier",
        "db_instance_automated_backups_arn",
        "filters[0].values",
        "page_size",
    }
    assert (
        "keeps the backup: pass that Region as region_name"
        in found["db_instance_automated_backups_arn"].message
    )
    assert sent.bodies == []


@pytest.mark.parametrize("page_size", [20, 57, 100])
def test_page_size_in_range_is_sent(
    client: BackupReplicationClient, sent: Recorder, page_size: int
) -> None:
    list(client.describe_db_instance_automated_backups(page_size=page_size))
    assert sent.bodies[0]["MaxRecords"] == page_size


@pytest.mark.parametrize("page_size", [0, 19, 101, True, 50.0, "50"])
def test_page_size_out_of_range_refused(
    client: BackupReplicationClient, sent: Recorder, page_size: Any
) -> None:
    found = errors_of(client.describe_db_instance_automated_backups, page_size=page_size)
    assert found["page_size"].message == "must be a whole number from 20 to 100"
    assert sent.bodies == []


def test_filters_accept_models_and_dicts(client: BackupReplicationClient, sent: Recorder) -> None:
    for filters in (
        [Filter(name="status", values=["retained"])],
        [{"Name": "status", "Values": ["retained"]}],
    ):
        list(client.describe_db_instance_automated_backups(filters=filters))
    assert sent.bodies[0] == sent.bodies[1]
    assert sent.bodies[0]["Filters.Filter.1.Values.Value.1"] == "retained"


BACKUP_IDS = st.text(string.ascii_letters + string.digits, min_size=1, max_size=70)


@many
@given(backup_id=BACKUP_IDS, account=ACCOUNTS)
def test_backup_id_may_have_any_length(
    client: BackupReplicationClient, sent: Recorder, backup_id: str, account: str
) -> None:
    arn = f"arn:aws:rds:us-east-1:{account}:auto-backup:ab-{backup_id}"
    sent.bodies.clear()
    client.delete_db_instance_automated_backup(db_instance_automated_backups_arn=arn)
    assert sent.bodies[0]["DBInstanceAutomatedBackupsArn"] == arn


@pytest.mark.parametrize(
    "arn",
    [
        SOURCE_ARN,
        BACKUP_ARN + "-",
        BACKUP_ARN.replace("ab-", "xy-"),
        BACKUP_ARN.replace("arn:aws:", "arn:aws-cn:"),
        BACKUP_ARN.replace("us-east-1", "us-west-2"),
        "ab-jkib2gfq5rv7replzadausbrktni2bn4",
    ],
)
def test_invalid_backup_arn_refused(
    client: BackupReplicationClient, sent: Recorder, arn: str
) -> None:
    for method in (
        client.delete_db_instance_automated_backup,
        client.describe_db_instance_automated_backups,
        client.wait_until_replicating,
        client.wait_until_stopped,
    ):
        found = errors_of(method, db_instance_automated_backups_arn=arn)
        assert set(found) == {"db_instance_automated_backups_arn"}
    name = "source_db_instance_automated_backups_arn"
    keywords = {**RESTORE, name: arn, "use_latest_restorable_time": True}
    assert set(errors_of(client.restore_db_instance_to_point_in_time, **keywords)) == {name}
    assert sent.bodies == []


def test_delete_requires_exactly_one_id(client: BackupReplicationClient, sent: Recorder) -> None:
    delete = client.delete_db_instance_automated_backup
    found = errors_of(delete)
    assert found["dbi_resource_id"].message == (
        "is required unless db_instance_automated_backups_arn is given"
    )
    for arn in (BACKUP_ARN, SOURCE_ARN):
        found = errors_of(delete, dbi_resource_id="db-X", db_instance_automated_backups_arn=arn)
        assert "not be given together" in found["dbi_resource_id"].message
        assert ("db_instance_automated_backups_arn" in found) == (arn == SOURCE_ARN)
    assert sent.bodies == []
    delete(dbi_resource_id="db-X")
    assert sent.bodies[0]["DbiResourceId"] == "db-X"


def test_describe_source_regions_validates_name(
    client: BackupReplicationClient, sent: Recorder
) -> None:
    assert "region_name" in errors_of(client.describe_source_regions, region_name="everywhere")
    list(client.describe_source_regions(region_name="xx-newland-1"))
    assert sent.bodies[0]["RegionName"] == "xx-newland-1"


RESTORE: dict[str, Any] = {
    "source_db_instance_automated_backups_arn": BACKUP_ARN,
    "target_db_instance_identifier": "restored",
}
NOON = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)


def test_restore_requires_exactly_one_time(client: BackupReplicationClient, sent: Recorder) -> None:
    restore = client.restore_db_instance_to_point_in_time
    for neither in ({}, {"use_latest_restorable_time": False}):
        message = errors_of(restore, **RESTORE, **neither)["use_latest_restorable_time"].message
        assert message == "is required unless restore_time is given"
    for time in (NOON, "noon"):
        found = errors_of(restore, **RESTORE, restore_time=time, use_latest_restorable_time=True)
        assert "together with restore_time" in found["use_latest_restorable_time"].message
    assert sent.bodies == []
    plus_one = NOON.astimezone(timezone(timedelta(hours=1)))
    client.restore_db_instance_to_point_in_time(
        source_db_instance_automated_backups_arn=BACKUP_ARN,
        target_db_instance_identifier="restored",
        restore_time=plus_one,
        use_latest_restorable_time=False,
    )
    assert sent.bodies[0]["RestoreTime"] == "2026-11-24T12:00:00Z"


def test_restore_time_outside_utc_range_refused(client: BackupReplicationClient) -> None:
    found = errors_of(
        client.restore_db_instance_to_point_in_time,
        **RESTORE,
        restore_time=datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))),
    )
    assert found["restore_time"].message == "must be a time that exists in UTC"


@pytest.mark.parametrize("year", [1, 999, 1969])
def test_restore_time_before_1970_refused(
    client: BackupReplicationClient, sent: Recorder, year: int
) -> None:
    # botocore would format a year before 1000 with too few digits.
    found = errors_of(
        client.restore_db_instance_to_point_in_time,
        **RESTORE,
        restore_time=datetime(year, 1, 1, tzinfo=timezone.utc),
    )
    assert found["restore_time"].message == "must be a time since 1970"
    assert sent.bodies == []


@pytest.mark.parametrize(
    "number",
    [-1, 2**31, 10**5_000, True, 1.0, "1"],
    ids=["negative", "more than 31 bits", "too long to print", "bool", "float", "str"],
)
def test_integer_out_of_range_refused(
    client: BackupReplicationClient, sent: Recorder, number: Any
) -> None:
    names = ("iops", "storage_throughput", "max_allocated_storage", "allocated_storage")
    numbers: dict[str, Any] = dict.fromkeys(names, number)
    found = errors_of(
        client.restore_db_instance_to_point_in_time,
        **RESTORE,
        use_latest_restorable_time=True,
        additional_storage_volumes=[{"volume_name": "rdsdbdata2", **numbers}],
        **numbers,
    )
    assert set(found) == {*names, *(f"additional_storage_volumes[0].{name}" for name in names)}
    assert {error.message for error in found.values()} == {
        "must be a whole number from 0 to 2147483647"
    }
    assert sent.bodies == []


def test_parameter_name_with_surrogate_refused(client: BackupReplicationClient) -> None:
    found = errors_of(
        client.restore_db_instance_to_point_in_time,
        **RESTORE,
        use_latest_restorable_time=True,
        **{"\ud800": "hunter2"},
    )
    assert str(found[r"'\ud800'"]) == r"'\ud800'=(hidden) is not a parameter"


def test_restore_time_requires_timezone(client: BackupReplicationClient, sent: Recorder) -> None:
    found = errors_of(
        client.restore_db_instance_to_point_in_time,
        **RESTORE,
        restore_time=NOON.replace(tzinfo=None),
    )
    assert list(found) == ["restore_time"]
    assert "timezone" in found["restore_time"].message
    assert sent.bodies == []


def test_restore_options_are_sent(client: BackupReplicationClient, sent: Recorder) -> None:
    client.restore_db_instance_to_point_in_time(
        source_db_instance_automated_backups_arn=BACKUP_ARN,
        target_db_instance_identifier="restored",
        use_latest_restorable_time=True,
        db_instance_class="db.t3.micro",
        port=5433,
        multi_az=True,
        enable_iam_database_authentication=True,
        ca_certificate_identifier="rds-ca-rsa2048-g1",
        custom_iam_instance_profile="AWSRDSCustomProfile",
        vpc_security_group_ids=["sg-1", "sg-2"],
        tags={"env": "drill"},
        processor_features=[ProcessorFeature(name="coreCount", value="4")],
        additional_storage_volumes=[AdditionalStorageVolume(volume_name="rdsdbdata2", iops=3000)],
        tag_specifications=[TagSpecification(resource_type="auto-backup", tags=[Tag(key="env")])],
    )
    body = sent.bodies[0]
    assert body["MultiAZ"] == "true"
    assert body["Port"] == 5433
    assert body["CACertificateIdentifier"] == "rds-ca-rsa2048-g1"
    assert body["CustomIamInstanceProfile"] == "AWSRDSCustomProfile"
    assert body["VpcSecurityGroupIds.VpcSecurityGroupId.2"] == "sg-2"
    assert body["AdditionalStorageVolumes.member.1.IOPS"] == 3000
    assert body["ProcessorFeatures.ProcessorFeature.1.Name"] == "coreCount"
    assert body["TagSpecifications.item.1.Tags.Tag.1.Key"] == "env"


def test_invalid_restore_options_are_named(client: BackupReplicationClient, sent: Recorder) -> None:
    found = errors_of(
        client.restore_db_instance_to_point_in_time,
        source_db_instance_automated_backups_arn=BACKUP_ARN,
        target_db_instance_identifier="-",
        use_latest_restorable_time=True,
        port=80,
        multi_azz=True,
        tde_credential_password=b"hunter2",
        tde_credential_pasword="hunter2",
        backup_retention_period=36,
        additional_storage_volumes=[{"IOPS": 3000}, {"VolumeName": "rdsdbdata2", "Iosp": 1}],
        tag_specifications=[{"ResourceType": "auto-backup", "Tags": [{"Key": "aws:x"}]}],
    )
    assert found["multi_azz"].message == "is not a parameter; did you mean multi_az?"
    assert found["target_db_instance_identifier"].message.startswith("must have 1 to 63 letters")
    assert found["port"].message == "must be a whole number from 1150 to 65535"
    assert found["additional_storage_volumes[0].volume_name"].message == "is required"
    assert found["additional_storage_volumes[1].iosp"].message == "is not a parameter"
    assert "reserved" in found["tag_specifications[0].tags[0].key"].message
    assert "backup_retention_period" in found
    assert "hunter2" not in "".join(map(str, found.values()))
    assert sent.bodies == []


class Unprintable:
    """A value whose repr fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_unprintable_value_shown_as_its_type(start: Start) -> None:
    found = errors_of(start, backup_retention_period=10**5000, kms_key_id=Unprintable())
    # Python before 3.10.7 has no limit for the number of digits.
    assert found["backup_retention_period"].given in ("<int>", f"1{'0' * 199}…")
    assert found["kms_key_id"].given == "<Unprintable>"


def test_aws_name_is_reported_under_python_name(
    client: BackupReplicationClient,
) -> None:
    found = errors_of(
        client.restore_db_instance_to_point_in_time,
        **RESTORE,
        use_latest_restorable_time=True,
        DBInstanceClass=5,
        TdeCredentialPassword=b"hunter2",
        port=5432,
        Port=5433,
    )
    assert found["db_instance_class"].given == "5"
    assert found["tde_credential_password"].given == "(hidden)"
    assert "given twice" in found["port"].message


@pytest.mark.parametrize("filters", [5, "status", {"status": "retained"}])
def test_filters_must_be_a_list(client: BackupReplicationClient, filters: Any) -> None:
    found = errors_of(client.describe_db_instance_automated_backups, filters=filters)
    assert found["filters"].message == "must be a list"


def test_empty_filters_are_not_sent(client: BackupReplicationClient, sent: Recorder) -> None:
    list(client.describe_db_instance_automated_backups(filters=[]))
    assert not [name for name in sent.bodies[0] if name.startswith("Filters")]


def test_text_with_surrogate_refused(client: BackupReplicationClient, sent: Recorder) -> None:
    found = errors_of(
        client.describe_db_instance_automated_backups,
        filters=[{"Name": "status", "Values": ["\ud800"]}],
    )
    assert list(found) == ["filters[0].values[0]"]
    assert sent.bodies == []


@pytest.mark.parametrize("parameter", ["source_region", "kms_key_id", "source_db_instance_arn"])
def test_presigned_url_in_other_parameter_is_hidden(
    client: BackupReplicationClient, parameter: str
) -> None:
    url = "https://rds.us-west-2.amazonaws.com/?X-Amz-Credential=AKID&x-amz-signature=topsecret"
    keywords: Any = {"source_db_instance_arn": SOURCE_ARN, parameter: url}
    with pytest.raises(RequestValidationError) as caught:
        client.start_db_instance_automated_backups_replication(**keywords)
    for text in (str(caught.value), repr(caught.value), repr(caught.value.errors)):
        assert "topsecret" not in text
        assert "AKID" not in text
