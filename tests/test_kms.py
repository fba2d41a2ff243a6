"""Comparison of KMS keys: aliases that the client resolves, and aliases that it cannot resolve."""

import json
import re
from collections.abc import Callable

import pytest

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication.exceptions import ReplicationDriftError

from .replication_cases import (
    ACTIVE,
    DESCRIBE,
    KEY_ID,
    actions,
    ensure,
    refuse_start,
    replace,
    show,
)
from .wire import KMS_KEY_ARN, ScriptedRDS, backup_xml

pytestmark = pytest.mark.usefixtures("clock")


@pytest.mark.parametrize(
    ("requested", "actual"),
    [
        ("alias/backups", KMS_KEY_ARN),
        (KMS_KEY_ARN, "alias/backups"),
        (KMS_KEY_ARN.replace(f"key/{KEY_ID}", "alias/backups"), KEY_ID),
        ("alias/team:backups", KMS_KEY_ARN),
        (KMS_KEY_ARN.replace("key/", "alias/team:key/"), KMS_KEY_ARN),
    ],
)
def test_alias_resolved_by_kms(rds: ScriptedRDS, requested: str, actual: str) -> None:
    """KMS in the destination Region decides whether an alias is the same key."""
    for key_id in (KEY_ID, "another"):
        show(rds, backup_xml(KmsKeyId=actual))
        rds.answers(json.dumps({"KeyMetadata": {"KeyId": key_id}}))
    client = rds.lone_client()
    assert ensure(client, kms_key_id=requested) == "unchanged"
    with pytest.raises(ReplicationDriftError) as caught:
        ensure(client, kms_key_id=requested)
    assert caught.value.differences[0].uncertainty is None
    assert rds.received[1].headers["X-Amz-Target"] == "TrentService.DescribeKey"
    assert "/us-east-1/kms/" in rds.received[1].headers["Authorization"]


@pytest.mark.parametrize("method", [ensure, replace])
def test_alias_refused_by_kms(rds: ScriptedRDS, method: Callable[..., str]) -> None:
    """The difference stays uncertain, and the client never replaces."""
    show(rds, ACTIVE)
    rds.answers(json.dumps({"__type": "AccessDeniedException", "message": "no."}), status=400)
    with pytest.raises(ReplicationDriftError, match="possibly the same") as caught:
        method(rds.lone_client(), kms_key_id="alias/backups")
    (difference,) = caught.value.differences
    assert str(difference.uncertainty).startswith("an alias could not be resolved: An error")
    assert "AccessDenied" in str(difference.uncertainty)
    assert (difference.parameter, difference.requested, difference.actual) == (
        *("kms_key_id", "alias/backups"),
        KMS_KEY_ARN,
    )
    assert str(caught.value).endswith(
        "\nThe client cannot compare the keys, so it stops nothing. Omit kms_key_id, or pass the "
        "ARN of the key instead of an alias."
    )
    assert len(rds.received) == 2


@pytest.mark.parametrize(
    "body",
    ["[]", "null", "5", '{"KeyMetadata": "x"}', '{"KeyMetadata": {}}', b"\xfc", "<html>", ""],
)
def test_alias_with_invalid_kms_response(rds: ScriptedRDS, body: str | bytes) -> None:
    """A response that is not from KMS leaves the difference uncertain."""
    show(rds, ACTIVE)
    rds.answers(body)
    with pytest.raises(ReplicationDriftError, match="possibly the same") as caught:
        replace(rds.lone_client(), kms_key_id="alias/backups")
    (difference,) = caught.value.differences
    assert (difference.parameter, difference.requested, difference.actual) == (
        *("kms_key_id", "alias/backups"),
        KMS_KEY_ARN,
    )
    uncertainty = str(difference.uncertainty)
    assert re.fullmatch(r"the response of KMS for an alias is invalid \(\w+\)", uncertainty)
    assert len(rds.received) == 2


def test_alias_without_kms_client(rds: ScriptedRDS) -> None:
    """A client made from a boto3 client cannot resolve an alias, but compares key IDs."""
    show(rds, ACTIVE)
    client = BackupReplicationClient(client=rds.client().client)
    reason = "a client that was created with client= cannot call KMS; pass kms_client=, too"
    text = f"(possibly the same: an alias could not be resolved: {reason})"
    with pytest.raises(ReplicationDriftError, match=re.escape(text)):
        replace(client, kms_key_id="alias/backups")
    assert ensure(client, kms_key_id=KEY_ID) == "unchanged"


def test_alias_same_as_requested(rds: ScriptedRDS) -> None:
    """The client need not resolve an alias that is the same in both places."""
    show(rds, backup_xml(KmsKeyId="alias/backups"))
    assert ensure(rds.lone_client(), kms_key_id="alias/backups") == "unchanged"
    assert actions(rds) == [DESCRIBE]


@pytest.mark.parametrize("key_id", [KEY_ID, "another"])
def test_alias_after_refused_start(rds: ScriptedRDS, key_id: str) -> None:
    """The client resolves the alias if another caller has started the replication."""
    show(rds)
    refuse_start(rds)
    show(rds, ACTIVE)
    rds.answers(json.dumps({"KeyMetadata": {"KeyId": key_id}}))
    client = rds.lone_client()
    if key_id == KEY_ID:
        assert ensure(client, kms_key_id="alias/backups") == "unchanged"
    else:
        with pytest.raises(ReplicationDriftError) as caught:
            ensure(client, kms_key_id="alias/backups")
        assert caught.value.differences[0].uncertainty is None
