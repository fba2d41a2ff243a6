"""Tests of the validation of a start: retention period, KMS key and source Region."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import validation_cases
from .validation_cases import ACCOUNTS, Recorder, Start, errors_of, many
from .wire import KMS_KEY_ARN, SOURCE_ARN

# The fixtures of these tests.
sent = validation_cases.sent
start = validation_cases.start


def test_aws_documentation_examples_are_valid(start: Start, sent: Recorder) -> None:
    start(kms_key_id="arn:aws:kms:us-east-1:123456789012:key/AKIAIOSFODNN7EXAMPLE")
    assert sent.bodies[0]["SourceDBInstanceArn"] == SOURCE_ARN


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
        ("backups", "; did you mean alias/backups?"),
        ("team/backups-2026", "; did you mean alias/team/backups-2026?"),
        ("decade", "; did you mean alias/decade?"),
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


def test_source_region_must_match_arn(start: Start, sent: Recorder) -> None:
    found = errors_of(start, source_region="us-west-1")
    assert "us-west-2" in found["source_region"].message
    start(source_region="us-west-2")
    assert "SourceRegion" not in sent.bodies[0] or sent.bodies[0]["SourceRegion"] == "us-west-2"


@many
@given(region=st.text() | st.sampled_from(["evil.example/x?", "us-west-2.evil", "us-west-2\n", ""]))
def test_source_region_must_be_a_region_name(start: Start, region: str) -> None:
    assert "source_region" in errors_of(start, source_region=region)
