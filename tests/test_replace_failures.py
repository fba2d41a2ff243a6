"""Replacements that fail: what becomes of the former replication, and how the client reports it."""

import pickle
from datetime import timedelta
from typing import Any

import pytest

from rds_backup_replication import (
    BackupReplicationClient,
    ReplacementProgress,
    StartDBInstanceAutomatedBackupsReplicationRequest,
    Tag,
)
from rds_backup_replication.exceptions import (
    AccessDeniedError,
    InvalidDBInstanceStateFault,
    KMSKeyNotAccessibleFault,
    ReplacementError,
    ReplicationBlockedError,
    ReplicationDriftError,
    RequestValidationError,
)

from .loopback import error_xml
from .replication_cases import (
    DESCRIBE,
    ENDED,
    FORMER,
    START,
    STARTED,
    STOP,
    STOPPED,
    actions,
    active_for,
    begin_replacement,
    pass_preflight,
    refuse,
    refuse_start,
    replace,
    show,
)
from .wire import KMS_KEY_ARN, SOURCE_ARN, ScriptedRDS, source_regions_xml

pytestmark = [pytest.mark.usefixtures("clock"), pytest.mark.once]

RESTARTED = "The instance replicates"
NOT_RESTARTED = "The instance does not replicate."
UNKNOWN = "Whether the instance replicates is not known."


def fail(client: BackupReplicationClient, **keywords: Any) -> ReplacementError:
    """Replace a replication, and return the error that the client raises."""
    with pytest.raises(ReplacementError) as caught:
        replace(client, backup_retention_period=7, **keywords)
    assert caught.value.__cause__ is not None
    assert caught.value.reason == (str(caught.value.__cause__) or repr(caught.value.__cause__))
    assert pickle.loads(pickle.dumps(caught.value)).former == caught.value.former  # noqa: S301
    return caught.value


@pytest.mark.parametrize("is_restarted", [True, False])
def test_replace_with_refused_start(
    rds: ScriptedRDS, caplog: pytest.LogCaptureFixture, *, is_restarted: bool
) -> None:
    """The client starts the former replication, and the error carries all that is needed."""
    pass_preflight(rds)
    rds.answers(STOPPED)
    show(rds, FORMER)
    show(rds, ENDED)
    refuse(rds, "KMSKeyNotAccessibleFault", "no such key")
    if is_restarted:
        rds.answers(STARTED)
    else:
        refuse(rds, "AccessDenied", "forbidden", status=403)
        show(rds, ENDED)
    error = fail(rds.lone_client())
    last_look = [] if is_restarted else [DESCRIBE]
    assert actions(rds)[5:] == [STOP, DESCRIBE, DESCRIBE, START, START, *last_look]
    assert rds.received[9].parameters.items() >= {
        ("BackupRetentionPeriod", "14"),
        ("KmsKeyId", KMS_KEY_ARN),
        ("Tags.Tag.1.Key", "env"),
    }
    assert "Tags.Tag.2.Key" not in rds.received[9].parameters
    assert error.former == StartDBInstanceAutomatedBackupsReplicationRequest(
        source_db_instance_arn=SOURCE_ARN,
        backup_retention_period=14,
        kms_key_id=KMS_KEY_ARN,
        tags=[Tag(key="env")],
    )
    assert (error.phase, error.is_protected) == ("start", is_restarted)
    assert error.last_backup is not None
    assert isinstance(error.__cause__, KMSKeyNotAccessibleFault)
    assert "no such key" in str(error)
    assert (RESTARTED if is_restarted else NOT_RESTARTED) in str(error)
    assert str(error) in caplog.text


def test_replace_with_lost_starts(rds: ScriptedRDS, caplog: pytest.LogCaptureFixture) -> None:
    """Whether the instance replicates is not known if the responses to all starts are lost."""
    begin_replacement(rds)
    rds.resets()
    error = fail(rds.lone_client(), timeout=timedelta(minutes=5))
    assert error.is_protected is None
    assert UNKNOWN in str(error)
    assert actions(rds).count(START) > 8
    assert [r.levelname for r in caplog.records if SOURCE_ARN in r.getMessage()][-1] == "ERROR"


@pytest.mark.parametrize("phase", ["stop", "wait", "start"])
def test_replace_that_is_interrupted(
    rds: ScriptedRDS, caplog: pytest.LogCaptureFixture, phase: str
) -> None:
    """The client logs what an interruption leaves behind, and how to go on."""
    begin_replacement(rds)

    def interrupt(progress: ReplacementProgress) -> None:
        if progress.phase == phase and (phase != "stop" or STOP in actions(rds)):
            raise KeyboardInterrupt

    client = rds.lone_client()
    if phase == "stop":

        def interrupt_the_stop(**_: Any) -> None:
            raise KeyboardInterrupt

        client.client.meta.events.register(f"before-sign.rds.{STOP}", interrupt_the_stop)
    with pytest.raises(KeyboardInterrupt):
        client.replace_replication(
            source_db_instance_arn=SOURCE_ARN, backup_retention_period=7, on_progress=interrupt
        )
    assert START not in actions(rds)
    (record,) = [record for record in caplog.records if "KeyboardInterrupt" in record.getMessage()]
    assert SOURCE_ARN in record.getMessage()
    assert f"in the phase {phase!r}" in record.getMessage()
    assert "Call replace_replication() again" in record.getMessage()


def test_interruption_before_the_stop_is_not_logged(
    rds: ScriptedRDS, caplog: pytest.LogCaptureFixture
) -> None:
    show(rds, FORMER)

    def interrupt(_: ReplacementProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rds.lone_client().replace_replication(
            source_db_instance_arn=SOURCE_ARN, on_progress=interrupt
        )
    assert caplog.records == []


def test_replace_with_end_that_does_not_come(rds: ScriptedRDS) -> None:
    """The wait takes half of the time; then the new and the former settings are tried."""
    pass_preflight(rds)
    rds.answers(STOPPED)
    show(rds, FORMER, times=200)
    rds.script.insert(len(rds.script) - 1, rds.script[-1])
    client = rds.lone_client()

    def refuse_starts(**_: Any) -> None:
        rds.script[:] = []
        refuse(rds, "InvalidDBInstanceState", "busy")

    client.client.meta.events.register(f"before-sign.rds.{START}", refuse_starts)
    error = fail(client)
    assert error.is_protected is None
    sent = [r.parameters for r in rds.received if r.parameters.get("Action") == START]
    starts = [parameters["BackupRetentionPeriod"] for parameters in sent]
    assert starts == sorted(starts, reverse=True)
    assert min(starts.count("7"), starts.count("14")) > 10


def test_replace_with_tag_that_rds_rejects(rds: ScriptedRDS) -> None:
    """The client does not stop a replication that it could not restart."""
    show(rds, FORMER.replace("env", "en{}v"))
    text = r"tags\[0\].key of the existing backup='en\{\}v'"
    with pytest.raises(RequestValidationError, match=text):
        replace(rds.lone_client(), backup_retention_period=7)
    assert actions(rds) == [DESCRIBE]


@pytest.mark.parametrize("text", ["AWS:x", "Rds:", "aws:cloudformation:stack-name"])
@pytest.mark.parametrize("part", ["Key", "Value"])
def test_replace_with_reserved_tag(
    rds: ScriptedRDS, caplog: pytest.LogCaptureFixture, text: str, part: str
) -> None:
    """Tags that AWS reserves, in any capitalization, are left out of the start."""
    caplog.set_level("INFO")
    key, value = (text, "v") if part == "Key" else ("k", text)
    tag = f"<Tag><Key>{key}</Key><Value>{value}</Value></Tag>"
    found = FORMER.replace("<TagList>", f"<TagList>{tag}")
    pass_preflight(rds, found)
    rds.answers(STOPPED)
    show(rds, ENDED)
    rds.answers(STARTED)
    assert replace(rds.lone_client(), backup_retention_period=7) == "replaced"
    assert rds.received[-1].parameters["Tags.Tag.1.Key"] == "env"
    assert "Tags.Tag.2.Key" not in rds.received[-1].parameters
    assert (text if part == "Key" else "k") in caplog.text


def test_replace_with_source_backups_off(rds: ScriptedRDS) -> None:
    """The client does not retry a start that the source's own settings prevent."""
    begin_replacement(rds)
    for _ in range(2):
        refuse(
            rds,
            "InvalidDBInstanceState",
            "Source DB instance must have backup retention enabled.",
        )
    show(rds, ENDED)
    error = fail(rds.lone_client())
    assert isinstance(error.__cause__, InvalidDBInstanceStateFault)
    assert error.is_protected is False
    assert actions(rds).count(START) == 2


def test_replace_of_encrypted_backup_without_key(rds: ScriptedRDS) -> None:
    """A start without the key would be refused, so the client does not stop the replication."""
    found = FORMER.replace(f"<KmsKeyId>{KMS_KEY_ARN}</KmsKeyId>", "<Encrypted>true</Encrypted>")
    assert found != FORMER
    show(rds, found)
    rds.answers(source_regions_xml())
    show(rds, found)
    with pytest.raises(ReplicationBlockedError) as caught:
        replace(rds.lone_client(), backup_retention_period=7)
    assert [reason.code for reason in caught.value.blockers] == ["kms_key_required"]
    assert STOP not in actions(rds)


def test_continued_replacement_of_busy_source(rds: ScriptedRDS) -> None:
    """A look that shows a retained backup may be stale, so nobody knows what replicates."""
    show(rds, ENDED)
    client = rds.lone_client()

    def answer_starts(**_: Any) -> None:
        rds.script[:] = []
        refuse(rds, "InvalidDBInstanceState", "busy")
        show(rds, ENDED)

    client.client.meta.events.register(f"before-sign.rds.{START}", answer_starts)
    error = fail(client)
    assert error.is_protected is None
    assert STOP not in actions(rds)


def test_replace_with_other_callers_drift(rds: ScriptedRDS) -> None:
    """The client does not stop what another caller has started with other settings."""
    begin_replacement(rds)
    refuse_start(rds)
    show(rds, ENDED, active_for(3))
    error = fail(rds.lone_client())
    assert error.is_protected is None  # only the ARN says that the backup is of this instance
    assert error.last_backup is not None
    assert error.last_backup.backup_retention_period == 3
    assert isinstance(error.__cause__, ReplicationDriftError)
    assert actions(rds).count(STOP) == 1


def test_replace_with_stop_that_stays_uncertain(rds: ScriptedRDS) -> None:
    """The client repeats the stop until the timeout, and then makes sure that it replicates."""
    pass_preflight(rds)
    rds.resets()
    show(rds, FORMER, times=6)
    rds.resets()
    error = fail(rds.lone_client(), timeout=timedelta(minutes=3))
    assert actions(rds).count(STOP) > 1
    assert error.is_protected is None


def test_replace_with_uncertain_stop_then_refusal(rds: ScriptedRDS) -> None:
    """The client starts the replication, which its first stop may have ended."""
    pass_preflight(rds)
    rds.resets()
    show(rds, FORMER, times=6)
    refuse(rds, "AccessDenied", status=403)
    show(rds, ENDED)
    rds.answers(STARTED)
    assert replace(rds.lone_client(), backup_retention_period=7) == "replaced"
    assert actions(rds).count(START) == 1


def test_replace_with_refused_stop(rds: ScriptedRDS) -> None:
    """A stop that RDS refuses for good ends the replacement with nothing touched."""
    pass_preflight(rds)
    refuse(rds, "AccessDenied", "forbidden", status=403)
    with pytest.raises(AccessDeniedError, match="forbidden"):
        replace(rds.lone_client(), backup_retention_period=7)
    assert START not in actions(rds)


def test_replace_with_throttled_stop(rds: ScriptedRDS) -> None:
    """Throttling passes, so the client repeats the stop."""
    pass_preflight(rds)
    for _ in range(3):
        refuse(rds, "Throttling")
        show(rds, FORMER)
    rds.answers(STOPPED)
    show(rds, ENDED)
    rds.answers(STARTED)
    assert replace(rds.lone_client(), backup_retention_period=7) == "replaced"
    assert actions(rds).count(STOP) == 4


def test_error_in_on_progress_changes_nothing(
    rds: ScriptedRDS, caplog: pytest.LogCaptureFixture
) -> None:
    begin_replacement(rds)
    rds.answers(STARTED)
    seen: list[ReplacementProgress] = []

    def fail_always(progress: ReplacementProgress) -> None:
        seen.append(progress)
        raise RuntimeError("no display")

    result = rds.lone_client().replace_replication(
        source_db_instance_arn=SOURCE_ARN, backup_retention_period=7, on_progress=fail_always
    )
    assert result.action == "replaced"
    phases = list(dict.fromkeys(progress.phase for progress in seen))
    assert phases == ["preflight", "stop", "wait", "start"]
    assert "no display" in caplog.text


def test_error_in_on_progress_is_no_cause_of_later_errors(rds: ScriptedRDS) -> None:
    rds.answers(error_xml("AccessDenied"), 403)

    def fail(_: object) -> None:
        raise LookupError("no such row")

    with pytest.raises(AccessDeniedError) as caught:
        rds.lone_client().replace_replication(
            source_db_instance_arn=SOURCE_ARN, backup_retention_period=7, on_progress=fail
        )
    error: BaseException | None = caught.value
    while error is not None:
        assert not isinstance(error, LookupError)
        error = error.__context__
