"""A state machine: each step changes the sandbox and a plain model, and compares the two."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rds_backup_replication import BackupReplicationClient, DBInstanceAutomatedBackup
from rds_backup_replication import exceptions as errors
from rds_backup_replication.sandbox import Behavior, Sandbox

from .figures import FIGURES
from .model import ACCOUNT, DESTINATION, Model, Refusal, arn_of

START: Final = "start_db_instance_automated_backups_replication"
STOP: Final = "stop_db_instance_automated_backups_replication"
DESCRIBE: Final = "describe_db_instance_automated_backups"
DELETE: Final = "delete_db_instance_automated_backup"
failure_lists = st.lists(st.sampled_from(["lose", "reset", "refuse"]), max_size=2)
TIMEOUT = timedelta(minutes=5)  # ten polls
names = st.sampled_from(["a", "b"])
retentions = st.sampled_from([None, 1, 3, 7])


class Replications(RuleBasedStateMachine):
    """Replications of two instances. Each rule compares a call's result with the model's."""

    # The test sets these three once for all examples.
    sandbox: Sandbox
    client: BackupReplicationClient
    source: Any

    def __init__(self) -> None:
        super().__init__()
        self.sandbox.reset()
        self.model = Model()
        self.restored = 0

    @initialize(pending_looks=st.integers(0, 2))
    def begin(self, pending_looks: int) -> None:
        self.sandbox.behavior = Behavior(
            pending_looks=pending_looks, stopping_looks=0, deleting_looks=0, instance_quota=1000
        )
        for name in ("a", "b"):
            self.create(name, 7)

    # Changes by others

    @rule(name=names, retention=st.sampled_from([7, 7, 7, 0]))
    def create(self, name: str, retention: int) -> None:
        if name not in self.model.instances:
            self.source.create_db_instance(
                DBInstanceIdentifier=name,
                DBInstanceClass="db.t3.micro",
                Engine="postgres",
                AllocatedStorage=20,
                BackupRetentionPeriod=retention,
            )
            self.model.instances[name] = retention

    @rule(name=names)
    def delete_instance(self, name: str) -> None:
        if name in self.model.instances:
            self.source.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
            del self.model.instances[name]
            self.model.end(name)

    @rule(days=st.integers(1, 4))
    def advance(self, days: int) -> None:
        self.sandbox.advance(timedelta(days=days))
        self.model.today += days

    def add_failures(self, operation: Any, kinds: list[str]) -> None:
        """Make the next requests of an operation fail, so that botocore retries them."""
        for kind in kinds[len(self.model.faults[operation]) :]:  # botocore tries three times
            self.model.faults[operation].append(kind)
            if kind == "lose":
                self.sandbox.lose_answer(operation)
            elif kind == "reset":
                self.sandbox.reset_connection(operation)
            else:
                self.sandbox.add_fault(operation, errors.ThrottlingError)

    # API operations

    @rule(name=names, retention=retentions, failures=failure_lists)
    def start(self, name: str, retention: int | None, failures: list[str]) -> None:
        self.add_failures(START, failures)
        expected = [self.model.start(name, retention) for _ in self.model.take_attempts(START)][-1]
        started = self.check_outcome(
            expected,
            lambda: self.client.start_db_instance_automated_backups_replication(
                source_db_instance_arn=arn_of(name), backup_retention_period=retention
            ),
        )
        self.learn_arn(name)
        if expected is None:
            self.assert_active(started, name)
            assert started.status == "pending"

    @rule(name=names, failures=failure_lists)
    def stop(self, name: str, failures: list[str]) -> None:
        self.add_failures(STOP, failures)
        active = self.model.active(name)
        expected = [self.model.stop(name) for _ in self.model.take_attempts(STOP)][-1]
        call = self.client.stop_db_instance_automated_backups_replication
        stopped = self.check_outcome(expected, lambda: call(source_db_instance_arn=arn_of(name)))
        if expected is None:
            assert active is not None
            assert stopped.db_instance_automated_backups_arn == active.arn

    @precondition(lambda self: self.model.backups)
    @rule(number=st.integers(0, 20), failures=failure_lists)
    def delete(self, number: int, failures: list[str]) -> None:
        self.add_failures(DELETE, failures)
        backup = self.model.backups[number % len(self.model.backups)]
        attempts = self.model.take_attempts(DELETE)
        expected: Refusal | None = None
        if backup not in self.model.existing():
            expected = errors.DBInstanceAutomatedBackupNotFoundFault
        elif backup.stopped_on is None or len(attempts) > 1:
            # The backup is active, or an earlier attempt has deleted it.
            expected = errors.InvalidDBInstanceAutomatedBackupStateFault
        if backup.stopped_on is not None:
            self.model.backups.remove(backup)
        call = self.client.delete_db_instance_automated_backup
        deleted = self.check_outcome(
            expected, lambda: call(db_instance_automated_backups_arn=backup.arn)
        )
        assert deleted is None or deleted.status == "deleting"

    @rule(name=names)
    def restore(self, name: str) -> None:
        self.model.take_attempts(DESCRIBE)
        backup = self.client.find_replicated_backup(source_db_instance_arn=arn_of(name))
        if backup is None:
            return
        self.restored += 1
        target = f"restored-{self.restored}"
        window = backup.restore_window
        may_restore = window is not None and window.latest_time is not None
        instance = self.check_outcome(
            None if may_restore else errors.InvalidRestoreFault,
            lambda: self.client.restore_db_instance_to_point_in_time(
                source_db_instance_automated_backups_arn=str(
                    backup.db_instance_automated_backups_arn
                ),
                target_db_instance_identifier=target,
                use_latest_restorable_time=True,
            ),
        )
        if may_restore:
            assert instance.db_instance_identifier == target

    # Workflow methods

    @rule(name=names, retention=retentions, failures=failure_lists)
    def ensure(self, name: str, retention: int | None, failures: list[str]) -> None:
        self.add_failures(START, failures)
        active = self.model.active(name)
        self.model.take_attempts(DESCRIBE)
        expected, action = None, "unchanged"
        if active is None:
            expected, *_ = [
                self.model.start(name, retention) for _ in self.model.take_attempts(START)
            ]
            action = "started"
        elif retention not in (None, active.retention):
            with pytest.raises(errors.ReplicationDriftError) as caught:
                self.call_ensure(name, retention)
            (difference,) = caught.value.differences
            assert (difference.requested, difference.actual) == (retention, active.retention)
            return
        result = self.check_outcome(expected, lambda: self.call_ensure(name, retention))
        self.learn_arn(name)
        if expected is None:
            assert result.action == action
            self.assert_active(result.backup, name)

    @precondition(lambda self: self.model.backups)
    @rule(name=names, retention=st.sampled_from([1, 3, 7]), failures=failure_lists)
    def replace(self, name: str, retention: int, failures: list[str]) -> None:
        active = self.model.active(name)
        if active is None or self.model.instances.get(name) == 0:
            return  # the protection machine covers these
        for operation in (START, STOP):
            self.add_failures(operation, failures)
        self.model.take_attempts(DESCRIBE)
        action = "unchanged"
        if retention != active.retention:
            self.model.take_attempts(STOP)
            self.model.take_attempts(START)
            self.model.end(name)
            assert self.model.start(name, retention) is None
            action = "replaced"
        result = self.client.replace_replication(
            source_db_instance_arn=arn_of(name), backup_retention_period=retention
        )
        self.learn_arn(name)
        assert result.action == action
        self.assert_active(result.backup, name)

    @rule(name=names, failures=failure_lists)
    def ensure_stopped(self, name: str, failures: list[str]) -> None:
        self.add_failures(STOP, failures)
        active = self.model.active(name)
        self.model.take_attempts(DESCRIBE)
        self.model.take_attempts(STOP)
        self.model.end(name)
        stopped = self.client.ensure_stopped(source_db_instance_arn=arn_of(name))
        assert (stopped and stopped.db_instance_automated_backups_arn) == (active and active.arn)

    @rule(name=names, failures=failure_lists)
    def wait_until_replicating(self, name: str, failures: list[str]) -> None:
        self.add_failures(DESCRIBE, failures)
        active = self.model.active(name)
        self.model.take_attempts(DESCRIBE)
        wait = partial(
            self.client.wait_until_replicating, source_db_instance_arn=arn_of(name), timeout=TIMEOUT
        )
        if active is not None:
            backup = wait()
            self.assert_active(backup, name)
            assert backup.is_replicating
            assert backup.lag() is not None
        elif any(backup.name == name for backup in self.model.existing()):
            with pytest.raises(errors.ReplicationStoppedError):
                wait()
        else:
            with pytest.raises(errors.WaitTimeoutError):
                wait()

    @rule(name=names)
    def wait_until_stopped(self, name: str) -> None:
        self.model.take_attempts(DESCRIBE)
        wait = partial(
            self.client.wait_until_stopped, source_db_instance_arn=arn_of(name), timeout=TIMEOUT
        )
        if self.model.active(name) is not None:
            with pytest.raises(errors.WaitTimeoutError):
                wait()
        else:
            self.assert_newest(wait(), name)

    @rule(name=names, failures=failure_lists)
    def find(self, name: str, failures: list[str]) -> None:
        self.add_failures(DESCRIBE, failures)
        self.model.take_attempts(DESCRIBE)
        self.assert_newest(
            self.client.find_replicated_backup(source_db_instance_arn=arn_of(name)), name
        )

    @rule()
    def list_all(self) -> None:
        self.model.take_attempts(DESCRIBE)
        listed = [
            b
            for b in self.client.describe_db_instance_automated_backups()
            if b.region != DESTINATION
        ]
        assert {(b.db_instance_automated_backups_arn, b.is_retained) for b in listed} == {
            (backup.arn, backup.stopped_on is not None) for backup in self.model.existing()
        }

    @invariant()
    def sandbox_equals_model(self) -> None:
        FIGURES["steps taken"] += 1
        expected = {
            (b.arn, b.name, b.retention, b.stopped_on is None) for b in self.model.existing()
        }
        assert expected == {
            (b.arn, b.facts["DBInstanceIdentifier"], b.facts["BackupRetentionPeriod"], b.live)
            for b in self.sandbox_backups()
        }

    # Comparisons

    def sandbox_backups(self) -> list[Any]:
        state = self.sandbox._state  # pyright: ignore[reportPrivateUsage]
        return [backup for backup in state.kept_in(ACCOUNT, DESTINATION) if not backup.deleted]

    def learn_arn(self, name: str) -> None:
        """Copy the ARN of a new backup from the sandbox to the model."""
        active = self.model.active(name)
        if active is not None and not active.arn:
            known = {backup.arn for backup in self.model.backups}
            (active.arn,) = (b.arn for b in self.sandbox_backups() if b.live and b.arn not in known)

    def call_ensure(self, name: str, retention: int | None) -> Any:
        return self.client.ensure_replication(
            source_db_instance_arn=arn_of(name), backup_retention_period=retention
        )

    def check_outcome(self, expected: Refusal | None, call: Callable[[], Any]) -> Any:
        """Run a call, check its refusal, and return its result."""
        result = refusal = None
        try:
            result = call()
        except errors.ServiceError as error:
            refusal = type(error)
        assert refusal is expected
        return result

    def assert_active(self, backup: DBInstanceAutomatedBackup, name: str) -> None:
        active = self.model.active(name)
        assert active is not None
        assert backup.db_instance_automated_backups_arn == active.arn
        assert backup.backup_retention_period == active.retention
        assert backup.db_instance_arn == arn_of(name)
        assert not backup.is_retained

    def assert_newest(self, backup: DBInstanceAutomatedBackup | None, name: str) -> None:
        """Assert that a backup is the active one, or one of the retained ones if none is active."""
        if self.model.active(name) is not None:
            assert backup is not None
            self.assert_active(backup, name)
            return
        retained: list[str | None] = [b.arn for b in self.model.existing() if b.name == name]
        assert (backup and backup.db_instance_automated_backups_arn) in (retained or [None])
