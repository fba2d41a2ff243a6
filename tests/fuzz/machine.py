"""A client on the sandbox beside a plain model of what must be so, step by step."""

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
from .model import ACCOUNT, HERE, Model, Refusal, arn_of

START: Final = "start_db_instance_automated_backups_replication"
STOP: Final = "stop_db_instance_automated_backups_replication"
DESCRIBE: Final = "describe_db_instance_automated_backups"
DELETE: Final = "delete_db_instance_automated_backup"
troubles = st.lists(st.sampled_from(["lose", "reset", "refuse"]), max_size=2)
TIMEOUT = timedelta(minutes=5)  # ten looks
names = st.sampled_from(["a", "b"])
retentions = st.sampled_from([None, 1, 3, 7])


class Replications(RuleBasedStateMachine):
    """Each rule does one thing, and compares what came of it with what had to."""

    sandbox: Sandbox  # the one of the process, and what is made from it but once
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
            pending_looks=pending_looks, stopping_looks=0, deleting_looks=0
        )
        for name in ("a", "b"):
            self.create(name, 7)

    # What others do.

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

    def disturb(self, operation: Any, kinds: list[str]) -> None:
        """The next requests fail in some way, and botocore sends them again."""
        for kind in kinds[len(self.model.faults[operation]) :]:  # it tries three times
            self.model.faults[operation].append(kind)
            if kind == "lose":
                self.sandbox.lose_answer(operation)
            elif kind == "reset":
                self.sandbox.reset_connection(operation)
            else:
                self.sandbox.add_fault(operation, errors.ThrottlingError)

    # What the API's operations do.

    @rule(name=names, retention=retentions, trouble=troubles)
    def start(self, name: str, retention: int | None, trouble: list[str]) -> None:
        self.disturb(START, trouble)
        expected = [self.model.started(name, retention) for _ in self.model.attempts(START)][-1]
        started = self.outcome(
            expected,
            lambda: self.client.start_db_instance_automated_backups_replication(
                source_db_instance_arn=arn_of(name), backup_retention_period=retention
            ),
        )
        self.adopt(name)
        if expected is None:
            self.is_live(started, name)
            assert started.status == "pending"

    @rule(name=names, trouble=troubles)
    def stop(self, name: str, trouble: list[str]) -> None:
        self.disturb(STOP, trouble)
        live = self.model.live(name)
        expected = [self.model.stopped(name) for _ in self.model.attempts(STOP)][-1]
        call = self.client.stop_db_instance_automated_backups_replication
        stopped = self.outcome(expected, lambda: call(source_db_instance_arn=arn_of(name)))
        if expected is None:
            assert live is not None
            assert stopped.db_instance_automated_backups_arn == live.arn

    @precondition(lambda self: self.model.backups)
    @rule(number=st.integers(0, 20), trouble=troubles)
    def delete(self, number: int, trouble: list[str]) -> None:
        self.disturb(DELETE, trouble)
        backup = self.model.backups[number % len(self.model.backups)]
        attempts = self.model.attempts(DELETE)
        expected: Refusal | None = None
        if backup not in self.model.kept():
            expected = errors.DBInstanceAutomatedBackupNotFoundFault
        elif backup.stopped_on is None or len(attempts) > 1:
            # In use, or deleted by the attempt before.
            expected = errors.InvalidDBInstanceAutomatedBackupStateFault
        if backup.stopped_on is not None:
            self.model.backups.remove(backup)
        call = self.client.delete_db_instance_automated_backup
        deleted = self.outcome(expected, lambda: call(db_instance_automated_backups_arn=backup.arn))
        assert deleted is None or deleted.status == "deleting"

    @rule(name=names)
    def restore(self, name: str) -> None:
        self.model.attempts(DESCRIBE)
        backup = self.client.find_replicated_backup(source_db_instance_arn=arn_of(name))
        if backup is None:
            return
        self.restored += 1
        target = f"restored-{self.restored}"
        window = backup.restore_window
        may_restore = window is not None and window.latest_time is not None
        instance = self.outcome(
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

    # What is built on them.

    @rule(name=names, retention=retentions, replace=st.booleans(), trouble=troubles)
    def ensure(self, name: str, retention: int | None, replace: bool, trouble: list[str]) -> None:  # noqa: FBT001
        for operation in (START, STOP):
            self.disturb(operation, trouble)
        live = self.model.live(name)
        self.model.attempts(DESCRIBE)
        if live is None:
            expected, *_ = [self.model.started(name, retention) for _ in self.model.attempts(START)]
            action = "started"
        elif retention in (None, live.retention):
            expected, action = None, "unchanged"
        elif replace:
            self.model.attempts(STOP)
            self.model.attempts(START)
            self.model.end(name)
            expected, action = self.model.started(name, retention), "replaced"
        else:
            with pytest.raises(errors.ReplicationDriftError) as caught:
                self.ensured(name, retention, replace=False)
            (difference,) = caught.value.differences
            assert (difference.requested, difference.actual) == (retention, live.retention)
            return
        result = self.outcome(expected, lambda: self.ensured(name, retention, replace=replace))
        self.adopt(name)
        if expected is None:
            assert result.action == action
            self.is_live(result.backup, name)

    @rule(name=names, trouble=troubles)
    def ensure_stopped(self, name: str, trouble: list[str]) -> None:
        self.disturb(STOP, trouble)
        live = self.model.live(name)
        self.model.attempts(DESCRIBE)
        self.model.attempts(STOP)
        self.model.end(name)
        stopped = self.client.ensure_stopped(source_db_instance_arn=arn_of(name))
        assert (stopped and stopped.db_instance_automated_backups_arn) == (live and live.arn)

    @rule(name=names, trouble=troubles)
    def wait_until_replicating(self, name: str, trouble: list[str]) -> None:
        self.disturb(DESCRIBE, trouble)
        live = self.model.live(name)
        self.model.attempts(DESCRIBE)
        wait = partial(
            self.client.wait_until_replicating, source_db_instance_arn=arn_of(name), timeout=TIMEOUT
        )
        if live is not None:
            backup = wait()
            self.is_live(backup, name)
            assert backup.is_replicating
            assert backup.lag() is not None
        elif any(backup.name == name for backup in self.model.kept()):
            with pytest.raises(errors.ReplicationStoppedError):
                wait()
        else:
            with pytest.raises(errors.WaitTimeoutError):
                wait()

    @rule(name=names)
    def wait_until_stopped(self, name: str) -> None:
        self.model.attempts(DESCRIBE)
        wait = partial(
            self.client.wait_until_stopped, source_db_instance_arn=arn_of(name), timeout=TIMEOUT
        )
        if self.model.live(name) is not None:
            with pytest.raises(errors.WaitTimeoutError):
                wait()
        else:
            self.is_newest(wait(), name)

    @rule(name=names, trouble=troubles)
    def find(self, name: str, trouble: list[str]) -> None:
        self.disturb(DESCRIBE, trouble)
        self.model.attempts(DESCRIBE)
        self.is_newest(
            self.client.find_replicated_backup(source_db_instance_arn=arn_of(name)), name
        )

    @rule()
    def list_all(self) -> None:
        self.model.attempts(DESCRIBE)
        listed = [
            b for b in self.client.describe_db_instance_automated_backups() if b.region != HERE
        ]
        assert {(b.db_instance_automated_backups_arn, b.is_retained) for b in listed} == {
            (backup.arn, backup.stopped_on is not None) for backup in self.model.kept()
        }

    @invariant()
    def nothing_else_is_so(self) -> None:
        FIGURES["steps taken"] += 1
        kept = {(b.arn, b.name, b.retention, b.stopped_on is None) for b in self.model.kept()}
        assert kept == {
            (b.arn, b.facts["DBInstanceIdentifier"], b.facts["BackupRetentionPeriod"], b.live)
            for b in self.truth()
        }

    # What is compared.

    def truth(self) -> list[Any]:
        state = self.sandbox._state  # pyright: ignore[reportPrivateUsage]
        return [backup for backup in state.kept_in(ACCOUNT, HERE) if not backup.deleted]

    def adopt(self, name: str) -> None:
        """Takes over the ARN of a backup that has just come to be."""
        live = self.model.live(name)
        if live is not None and not live.arn:
            known = {backup.arn for backup in self.model.backups}
            (live.arn,) = (b.arn for b in self.truth() if b.live and b.arn not in known)

    def ensured(self, name: str, retention: int | None, *, replace: bool) -> Any:
        return self.client.ensure_replication(
            source_db_instance_arn=arn_of(name), backup_retention_period=retention, replace=replace
        )

    def outcome(self, expected: Refusal | None, call: Callable[[], Any]) -> Any:
        result = refusal = None
        try:
            result = call()
        except errors.ServiceError as error:
            refusal = type(error)
        assert refusal is expected
        return result

    def is_live(self, backup: DBInstanceAutomatedBackup, name: str) -> None:
        live = self.model.live(name)
        assert live is not None
        assert backup.db_instance_automated_backups_arn == live.arn
        assert backup.backup_retention_period == live.retention
        assert backup.db_instance_arn == arn_of(name)
        assert not backup.is_retained

    def is_newest(self, backup: DBInstanceAutomatedBackup | None, name: str) -> None:
        """The live one, or else one of those that are left."""
        if self.model.live(name) is not None:
            assert backup is not None
            self.is_live(backup, name)
            return
        left: list[str | None] = [b.arn for b in self.model.kept() if b.name == name]
        assert (backup and backup.db_instance_automated_backups_arn) in (left or [None])
