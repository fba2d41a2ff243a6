"""Collect every message that users read: `python -m tests.messages --write` writes the file."""

import argparse
import difflib
import pickle
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal

from rds_backup_replication import (
    BackupReplicationClient,
    CheckReason,
    DBInstanceAutomatedBackup,
    StartDBInstanceAutomatedBackupsReplicationRequest,
    Tag,
)
from rds_backup_replication.exceptions import (
    BackupReplicationError,
    Difference,
    PolicyError,
    ReplacementError,
    ReplicationBlockedError,
    ReplicationDriftError,
    ReplicationStoppedError,
    ResponseValidationError,
    ServiceError,
    WaitTimeoutError,
)
from rds_backup_replication.testing import make_check_reason

from .calls import KNOWN_ERRORS
from .check_cases import CheckedRDS, backup, key, kms_error, source
from .loopback import NoResponse, error_xml
from .wire import (
    BACKUP_ARN,
    KMS_KEY_ARN,
    SOURCE_ARN,
    ScriptedRDS,
    listing_xml,
    replications_xml,
    source_regions_xml,
)

FILE = Path(__file__).with_name("messages.txt")

_BACKUP = DBInstanceAutomatedBackup(
    db_instance_arn=SOURCE_ARN, db_instance_automated_backups_arn=BACKUP_ARN, status="pending"
)
_OTHER_KEY = KMS_KEY_ARN.replace("1234abcd", "ffffffff")
_RETENTION = Difference("backup_retention_period", 14, 7)
_KEY = Difference("kms_key_id", _OTHER_KEY, KMS_KEY_ARN)


def _pickled(error: Exception) -> str:
    """Return the text of the error after pickling, because process pools pickle errors."""
    return str(pickle.loads(pickle.dumps(error)))  # noqa: S301  # pickled here


def _exceptions() -> Iterator[tuple[str, str]]:
    for operation in ("StartDBInstanceAutomatedBackupsReplication", "DescribeSourceRegions"):
        error = ResponseValidationError(operation, "Status is not a string", {})
        yield "ResponseValidationError", _pickled(error)
    for differences in (
        [_RETENTION],
        [_RETENTION, _KEY],
        [_RETENTION, Difference("kms_key_id", "alias/a", KMS_KEY_ARN, "an alias is unknown")],
    ):
        yield "ReplicationDriftError", _pickled(ReplicationDriftError(_BACKUP, differences))
    blockers = [make_check_reason(), make_check_reason(code="kms_key_disabled")]
    yield "ReplicationBlockedError", _pickled(ReplicationBlockedError(SOURCE_ARN, blockers))
    failures: tuple[tuple[Literal["stop", "wait", "start"], bool | None], ...] = (
        *(("stop", None), ("wait", None), ("start", False), ("start", True)),
    )
    for phase, is_protected in failures:
        yield (
            "ReplacementError",
            _pickled(
                ReplacementError(
                    phase,
                    StartDBInstanceAutomatedBackupsReplicationRequest(
                        source_db_instance_arn=SOURCE_ARN, backup_retention_period=7
                    ),
                    _BACKUP.model_copy(update={"backup_retention_period": 7}),
                    is_protected=is_protected,
                    reason="The quota is used up.",
                )
            ),
        )
    yield "ReplicationStoppedError", _pickled(ReplicationStoppedError(_BACKUP))
    for last_backup, cause in ((_BACKUP, None), (None, None), (None, OSError("no route"))):
        late = WaitTimeoutError("replication of it", timedelta(minutes=90), last_backup)
        late.__cause__ = cause
        yield "WaitTimeoutError", str(late)
        yield "WaitTimeoutError, pickled", _pickled(late)
    yield "PolicyError", _pickled(PolicyError("policy.yaml", ["3: rules: must be given", "4: no"]))


_START = BackupReplicationClient.start_db_instance_automated_backups_replication
_DESCRIBE = BackupReplicationClient.describe_db_instance_automated_backups
_RESTORE = BackupReplicationClient.restore_db_instance_to_point_in_time
_WAIT = BackupReplicationClient.wait_until_replicating


_Call = tuple[Callable[..., Any], dict[str, Any]]


def start(**keywords: Any) -> _Call:
    """Return a start with additional keywords."""
    return _START, {"source_db_instance_arn": SOURCE_ARN, **keywords}


def restore(**keywords: Any) -> _Call:
    """Return a restore with additional keywords."""
    return _RESTORE, {
        "source_db_instance_automated_backups_arn": BACKUP_ARN,
        "target_db_instance_identifier": "a",
        **keywords,
    }


def _invalid_calls(client: BackupReplicationClient) -> Iterator[tuple[str, str]]:
    local_source = SOURCE_ARN.replace("us-west-2", "us-east-1")
    remote_backup = BACKUP_ARN.replace("us-east-1", "us-west-2")
    source_methods: tuple[Callable[..., Any], ...] = (
        BackupReplicationClient.check_replication,
        BackupReplicationClient.ensure_replication,
        BackupReplicationClient.ensure_stopped,
        BackupReplicationClient.find_replicated_backup,
        BackupReplicationClient.replace_replication,
        BackupReplicationClient.stop_db_instance_automated_backups_replication,
        *(BackupReplicationClient.wait_until_stopped, _WAIT),
    )
    latest: dict[str, Any] = {"use_latest_restorable_time": True}
    long = SOURCE_ARN + "x" * 141  # the longest value that a message shows in full
    tags: tuple[object, ...] = (
        ["env"],
        {"env": 3},
        {"aws:env": "prod"},
        {"RDS:env": "rds:prod"},
        {"": "prod"},
        {"k" * 129: "v" * 257},
        {"env!": "prod#"},
        {str(number): "" for number in range(51)},
        [{"Key": "env"}, {"Key": "env"}],
        [{"key": "env"}, Tag(key="env")],
        [{"Key": "env", "Valu": "prod"}],
        3,
    )
    calls: list[_Call] = [
        start(source_db_instance_arn=long),
        start(source_db_instance_arn=long + "x"),
        start(source_db_instance_arn=3, source_region=4),
        start(source_db_instance_arn="x", source_region="us-west-2"),
        start(source_db_instance_arn=BACKUP_ARN),
        start(source_db_instance_arn=SOURCE_ARN.replace(":db:", ":cluster:")),
        start(source_db_instance_arn=SOURCE_ARN.replace(":db:", ":og:")),
        start(source_db_instance_arn=local_source),
        start(source_db_instance_arn=SOURCE_ARN.replace("aws", "aws-cn", 1)),
        start(source_region="eu-west-1"),
        start(source_region="nowhere"),
        start(backup_retention_period=36),
        start(kms_key_id="no key"),
        start(kms_key_id=KMS_KEY_ARN.replace("us-east-1", "us-west-2")),
        start(pre_signed_url=3),
        *(start(tags=value) for value in tags),
        (_DESCRIBE, {"page_size": 101}),
        (_DESCRIBE, {"filters": 3}),
        (_DESCRIBE, {"filters": [{"Name": "", "Values": []}]}),
        restore(),
        restore(target_db_instance_identifier="-"),
        restore(restore_time="yesterday"),
        restore(restore_time=datetime(2026, 1, 1)),  # noqa: DTZ001
        restore(restore_time=datetime(2026, 1, 1, tzinfo=timezone.utc), **latest),
        restore(multi_azz=True, **latest),
        restore(qqq=True, **latest),
        restore(MultiAZ=True, multi_az=True, **latest),
        restore(port=1, **latest),
        restore(**{"\ud800": True}, **latest),
        *((method, {"source_db_instance_arn": local_source}) for method in source_methods),
        (_WAIT, {"db_instance_automated_backups_arn": SOURCE_ARN}),
        (_WAIT, {"db_instance_automated_backups_arn": BACKUP_ARN.replace(":ab-", ":x-")}),
        (_WAIT, {"db_instance_automated_backups_arn": remote_backup}),
        restore(source_db_instance_automated_backups_arn=remote_backup, **latest),
        (_WAIT, {}),
        (_WAIT, {"source_db_instance_arn": SOURCE_ARN, "timeout": timedelta(-1)}),
        (_WAIT, {"source_db_instance_arn": SOURCE_ARN, "poll_interval": timedelta(0)}),
    ]
    for method, keywords in calls:
        try:
            list(method(client, **keywords))
        except BackupReplicationError as error:  # noqa: PERF203
            yield type(error).__name__, _pickled(error)
        else:
            raise AssertionError(keywords)


_DENIED = error_xml("AccessDenied", "You may not.")
_RETAINED = listing_xml(backup(Status="retained", KmsKeyId=KMS_KEY_ARN))
_STATUSES = (
    *("modifying", "stopped", "deleting", "failed", "inaccessible-encryption-credentials"),
    *("inaccessible-encryption-credentials-recoverable", "incompatible-create"),
    *("incompatible-credentials", "incompatible-network", "incompatible-option-group"),
    *("incompatible-parameters", "incompatible-restore", "insufficient-capacity"),
    *("restore-error", "storage-full"),
)
_KEY_STATES = (
    *("Disabled", "PendingDeletion", "PendingReplicaDeletion", "PendingImport", "Unavailable"),
    *("Creating", "Updating", "BrandNew"),
)


def _reasons() -> Iterator[tuple[str, str]]:
    source_members: tuple[dict[str, str], ...] = (
        {"Engine": "aurora-mysql"},
        {"DBClusterIdentifier": "mycluster"},
        {"BackupRetentionPeriod": "0"},
        *({"DBInstanceStatus": status} for status in _STATUSES),
        {"DBInstanceAutomatedBackupsReplications": replications_xml(BACKUP_ARN)},
    )
    endless = source_regions_xml(supported=False).replace(
        "Regions></", "Regions><Marker>1</Marker></"
    )
    former = backup(DBInstanceAutomatedBackupsArn=BACKUP_ARN, DbiResourceId="db-FORMER")
    html = "<html><body>Welcome!<br></html>"
    replies: tuple[Mapping[str, str | NoResponse], ...] = (
        {"regions": source_regions_xml(supported=False)},
        {"source": error_xml("DBInstanceNotFound")},
        {"backups": _RETAINED, "key": key(KeyId="other")},
        {"backups": listing_xml(backup())},
        {"named": listing_xml(former)},
        *({question: _DENIED} for question in ("regions", "source", "backups")),
        {"regions": error_xml("InternalFailure", "It is our fault.")},
        {"regions": error_xml("InvalidClientTokenId", "The token is invalid")},
        {"regions": endless},
        {"regions": html},
        {"regions": NoResponse.CLOSE},
        *({"source": source(**members)} for members in source_members),
        *({"key": key(KeyState=state, Enabled=False)} for state in _KEY_STATES),
        {"key": key(KeySpec="RSA_4096")},
        *({"key": kms_error(code)} for code in ("NotFoundException", "AccessDeniedException")),
        {"key": kms_error("KMSInternalException")},
        {"key": html},
        {"key": NoResponse.CLOSE},
    )
    for reply in replies:
        key_ids: list[str | None] = [_OTHER_KEY if "key" in reply else None]
        if reply.get("key") == kms_error("NotFoundException"):
            key_ids.append("alias/backups")
        for key_id in key_ids:
            with CheckedRDS() as rds:
                rds.reply(**reply)
                yield from _checked(rds.client(), rds, key_id)
    with CheckedRDS() as rds:
        rds.reply(source=source(StorageEncrypted="true"))
        yield from _checked(rds.client(), rds, None)
        yield from _checked(BackupReplicationClient(client=rds.client().client), rds, _OTHER_KEY)


def _checked(
    client: BackupReplicationClient, rds: CheckedRDS, key_id: str | None
) -> Iterator[tuple[str, str]]:
    checked = client.check_replication(source_db_instance_arn=SOURCE_ARN, kms_key_id=key_id)
    yield from (_entry(reason, rds.endpoint_url) for reason in checked)


def _entry(reason: CheckReason, endpoint_url: str) -> tuple[str, str]:
    text = f"{reason.message}\n{reason.remedy}"
    return f"CheckReason {reason.code}", text.replace(endpoint_url, "http://127.0.0.1")


def _known_errors() -> Iterator[tuple[str, str]]:
    with ScriptedRDS() as rds:
        client = rds.client()
        for code, message, _ in KNOWN_ERRORS:
            rds.script[:] = []
            rds.answers(error_xml(code, message), 400)
            try:
                _START(client, source_db_instance_arn=SOURCE_ARN)
            except ServiceError as error:
                yield type(error).__name__, _pickled(error)
            else:
                raise AssertionError(code)


def _all() -> Iterator[tuple[str, str]]:
    yield from _exceptions()
    yield from _known_errors()
    with ScriptedRDS() as rds:
        yield from _invalid_calls(rds.client())
    yield from _reasons()


def messages() -> str:
    """Return the whole text of the file."""
    return "\n".join(f"[{title}]\n{text}\n" for title, text in _all())


def difference() -> str:
    """Return the difference from the file to the current messages."""
    kept = FILE.read_text(encoding="utf-8")
    lines = difflib.unified_diff(kept.splitlines(), messages().splitlines(), lineterm="", n=1)
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", required=True)
    parser.parse_args()
    FILE.write_text(messages(), encoding="utf-8")
