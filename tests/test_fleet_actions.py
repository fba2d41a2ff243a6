"""One action of a plan: what is checked right before the change, and what a failure leaves."""

from concurrent.futures import Future
from datetime import timedelta
from typing import Any

import pytest

from rds_backup_replication import DBInstanceAutomatedBackup, testing
from rds_backup_replication._models import EnsureResult, ReplacementProgress, SourceInstance
from rds_backup_replication.exceptions import (
    AccessDeniedError,
    BackupReplicationError,
    ReplacementError,
    ReplicationBlockedError,
    ReplicationDriftError,
)
from rds_backup_replication.fleet import ActionResult, ObservedState, PlannedAction
from rds_backup_replication.fleet._actions import apply_action

from .apply_cases import action, stop

pytestmark = pytest.mark.once

OLD_ARN = "arn:aws:rds:us-east-1:123456789012:auto-backup:ab-old"
DENIED = AccessDeniedError({"Error": {"Code": "AccessDenied"}}, "DescribeDBInstances")


def backup(**fields: Any) -> DBInstanceAutomatedBackup:
    """Return the backup that the actions of these tests observed, with other fields."""
    defaults: dict[str, Any] = {
        "DBInstanceAutomatedBackupsArn": OLD_ARN,
        "DbiResourceId": "db-A",
        "Status": "replicating",
        "BackupRetentionPeriod": 7,
        "RestoreWindow": {"LatestTime": "2026-11-24T12:00:00Z"},
    }
    return DBInstanceAutomatedBackup.model_validate({**defaults, **fields})


def observed(planned: PlannedAction, **fields: Any) -> PlannedAction:
    """Return an action that observed the backup, with other fields."""
    state = ObservedState(
        dbi_resource_id="db-A",
        db_instance_automated_backups_arn=OLD_ARN,
        backup_retention_period=7,
    )
    return planned.model_copy(update={"observed": state, **fields})


REPLACE = observed(action("replace", "a"))


class Context:
    """Runs workflows that are replaced by their results."""

    destination = None

    def run(self, result: Any) -> Any:
        return result


class Reader:
    """Finds an instance and the given backups."""

    def __init__(self, *backups: DBInstanceAutomatedBackup, error: Exception | None = None) -> None:
        self.context = Context()
        self._backups = list(backups)
        self._error = error

    def describe(self, *_: str) -> tuple[SourceInstance, list[DBInstanceAutomatedBackup]]:
        if self._error is not None:
            raise self._error
        return SourceInstance.model_validate({"DbiResourceId": "db-A"}), self._backups


def run(
    planned: PlannedAction, reader: Reader, *, was_cut_off: bool = False, **elsewhere: Reader
) -> ActionResult:
    regions: Any = {name.replace("_", "-"): there for name, there in elsewhere.items()}
    given: Any = reader
    return apply_action(given, Future(), planned, None, elsewhere=regions, was_cut_off=was_cut_off)


@pytest.fixture(autouse=True)
def requests(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the requests of replacements, which begin and end in one step."""
    sent: list[Any] = []

    def replace(_context: Any, request: Any, on_progress: Any) -> EnsureResult:
        sent.append(request)
        on_progress(ReplacementProgress("stop", None))
        return EnsureResult("replaced", backup(), source_checked=True)

    def build(_name: object, _kind: object, _destination: object, given: Any) -> Any:
        return given

    def end(*_: object) -> DBInstanceAutomatedBackup:
        return backup()

    module = "rds_backup_replication.fleet._actions"
    monkeypatch.setattr(f"{module}.build_request", build)
    monkeypatch.setattr(f"{module}.replace_replication", replace)
    monkeypatch.setattr(f"{module}.ensure_stopped", end)
    return sent


def fail_replacement(monkeypatch: pytest.MonkeyPatch, error: Exception, phase: Any) -> None:
    def replace(_context: Any, _request: Any, on_progress: Any) -> EnsureResult:
        on_progress(ReplacementProgress(phase, None))
        raise error

    monkeypatch.setattr("rds_backup_replication.fleet._actions.replace_replication", replace)


@pytest.mark.parametrize(
    ("there", "problem"),
    [
        ([], "does not replicate there"),
        ([backup(Status="retained")], "does not replicate there"),
        ([backup(DbiResourceId="db-OTHER")], "does not replicate there"),
        ([backup(DbiResourceId=None)], "does not replicate there"),
        ([backup(Status="pending")], "the status of its backup is pending"),
        ([backup(Status="brand-new")], "the status of its backup is brand-new"),
        ([backup(RestoreWindow=None)], "cannot be restored yet"),
        ([backup(RestoreWindow={"EarliestTime": "2026-11-24T12:00:00Z"})], "cannot be restored"),
        ([backup()], None),
        ([backup(Status="Replicating", DbiResourceId="DB-a")], None),
    ],
)
def test_stop_that_ends_a_move(there: list[Any], problem: str | None) -> None:
    """The stop is refused until the instance's own backup elsewhere can be restored."""
    planned = observed(stop("a", moved_to="eu-west-1"))
    result = run(planned, Reader(backup()), eu_west_1=Reader(*there))
    assert result.outcome == ("refused" if problem else "done")
    if problem:
        assert problem in str(result.message)
        assert str(result.message).startswith("The replication to eu-west-1 cannot take the place")


def test_stop_that_ends_a_move_waits_for_a_small_lag() -> None:
    planned = observed(stop("a", moved_to="eu-west-1"))
    planned = planned.model_copy(update={"maximum_lag": timedelta(hours=1)})
    result = run(planned, Reader(backup()), eu_west_1=Reader(backup()))
    assert result.outcome == "refused"
    assert "its backup lags by" in str(result.message)


def test_stop_that_ends_a_move_without_an_answer() -> None:
    planned = observed(stop("a", moved_to="eu-west-1"))
    result = run(planned, Reader(backup()), eu_west_1=Reader(error=DENIED))
    assert result.outcome == "failed"
    assert run(planned, Reader(), eu_west_1=Reader(error=DENIED)).outcome == "unchanged"


@pytest.mark.parametrize(
    ("tags", "existing", "lost"),
    [
        ({"owner": "a"}, {"owner": "b"}, None),  # the policy's value takes the place of the other
        ({"owner": "a"}, {"owner": "a", "cost": "1", "team": ""}, "cost, team"),
        ({"owner": "a"}, {"owner": "a", "aws:cloudformation:stack": "s"}, None),
        ({}, {"cost": "1"}, "cost"),
        (None, {"cost": "1"}, None),  # the replacement keeps the existing tags
    ],
)
def test_replacement_loses_no_tags(
    requests: list[Any], tags: Any, existing: dict[str, str], lost: str | None
) -> None:
    """A replacement is refused if somebody has added a tag since the plan was made."""
    listed = [{"Key": key, "Value": value} for key, value in existing.items()]
    planned = REPLACE.model_copy(update={"tags": tags})
    result = run(planned, Reader(backup(TagList=listed)))
    assert result.outcome == ("refused" if lost else "done")
    assert len(requests) == (0 if lost else 1)
    if lost:
        assert f"would lose tags that the plan does not have: {lost}." in str(result.message)


def test_replacement_that_is_done_already(requests: list[Any]) -> None:
    """Retention and key decide, even if tags differ."""
    listed = [{"Key": "cost", "Value": "1"}]
    reader = Reader(backup(BackupRetentionPeriod=14, TagList=listed))
    assert run(REPLACE.model_copy(update={"tags": {}}), reader).outcome == "unchanged"
    assert requests == []


@pytest.mark.parametrize("backups", [[], [backup(Status="retained")], [backup(Status="deleting")]])
def test_replacement_whose_stop_was_sent_before(requests: list[Any], backups: list[Any]) -> None:
    """The workflow takes the settings that the plan does not have from the retained backup."""
    assert run(REPLACE, Reader(*backups)).outcome == "done"
    assert requests[0]["backup_retention_period"] == 14
    assert requests[0]["tags"] is None


REQUEST = testing.make_start_db_instance_automated_backups_replication_request()


@pytest.mark.parametrize(
    ("error", "phase", "is_protected"),
    [
        (ReplacementError("start", REQUEST, None, False, "Denied."), "start", False),  # noqa: FBT003
        (ReplacementError("start", REQUEST, None, None, "Lost."), "start", None),
        (ReplacementError("start", REQUEST, None, True, "Denied."), "start", True),  # noqa: FBT003
        (ReplicationBlockedError("arn", [testing.make_check_reason()]), "preflight", True),
        (DENIED, "stop", True),
        (DENIED, "wait", None),
        (RuntimeError("unexpected"), "start", None),
    ],
)
def test_failed_replacement_says_what_it_left(
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    phase: str,
    is_protected: bool | None,  # noqa: FBT001
) -> None:
    fail_replacement(monkeypatch, error, phase)
    result = run(REPLACE, Reader(backup()))
    assert result.outcome == "failed"
    assert result.is_protected is is_protected
    assert result.may_be_unprotected is (is_protected is not True)
    # With nothing active, even an early failure leaves the instance without a replication.
    if not isinstance(error, ReplacementError):
        assert run(REPLACE, Reader()).is_protected is None


@pytest.mark.parametrize("was_cut_off", [False, True])
def test_replacement_that_could_not_look(*, was_cut_off: bool) -> None:
    """Nothing was stopped, unless an earlier run began the same replacement."""
    result = run(REPLACE, Reader(error=DENIED), was_cut_off=was_cut_off)
    assert result.outcome == "failed"
    assert result.is_protected is (None if was_cut_off else True)
    assert run(observed(stop("a")), Reader(error=DENIED)).is_protected is None


def test_replication_of_others_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    drift = ReplicationDriftError(backup(), [])
    assert isinstance(drift, BackupReplicationError)
    fail_replacement(monkeypatch, drift, "preflight")
    assert run(REPLACE, Reader(backup())).outcome == "refused"
