"""A state machine of everything that may end a replication, under faults and interruptions.

After each step it holds: a replication that was there is still there, or the result, the error or
the log says that it is not.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, Literal

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from rds_backup_replication import BackupReplicationClient, ReplacementProgress
from rds_backup_replication import exceptions as errors
from rds_backup_replication.sandbox import Behavior, Sandbox

from .figures import FIGURES
from .model import ACCOUNT, DESTINATION, SOURCE, arn_of

TIMEOUT: Final = timedelta(minutes=4)
Operation = Literal[
    "start_db_instance_automated_backups_replication",
    "stop_db_instance_automated_backups_replication",
    "describe_db_instance_automated_backups",
    "describe_db_instances",
    "describe_source_regions",
]
START: Final[Operation] = "start_db_instance_automated_backups_replication"
OPERATIONS: tuple[Operation, ...] = (
    START,
    START,  # twice, because what happens after the stop matters most
    "stop_db_instance_automated_backups_replication",
    "stop_db_instance_automated_backups_replication",
    "describe_db_instance_automated_backups",
    "describe_db_instances",
    "describe_source_regions",
)
REFUSALS: tuple[type[errors.ServiceError], ...] = (
    errors.AccessDeniedError,
    errors.ThrottlingError,
    errors.InternalFailureError,
    errors.InvalidDBInstanceStateFault,
    errors.InvalidDBInstanceAutomatedBackupStateFault,
    errors.DBInstanceAutomatedBackupQuotaExceededFault,
    errors.StorageTypeNotSupportedFault,
    errors.ExpiredTokenError,
)
faults = st.lists(
    st.tuples(
        st.sampled_from(OPERATIONS),
        st.sampled_from(["lose", "reset", *REFUSALS]),
        st.sampled_from([1, 1, 2, 3, 200]),
    ),
    max_size=3,
)
names = st.sampled_from(["a", "b"])
retentions = st.sampled_from([1, 3, 7])


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


class Protection(RuleBasedStateMachine):
    """Two instances, whose replications are started, replaced, stopped, renamed and attacked."""

    # The test sets these three once for all examples.
    sandbox: Sandbox
    client: BackupReplicationClient
    source: Any

    @initialize(
        pending_looks=st.integers(0, 2),
        stopping_looks=st.integers(0, 3),
        answer_lag=st.integers(0, 2),
        keeps_arn=st.booleans(),
        status=st.sampled_from(["modifying", "storage-optimization"]),
    )
    def begin(
        self,
        pending_looks: int,
        stopping_looks: int,
        answer_lag: int,
        keeps_arn: bool,  # noqa: FBT001  # Hypothesis passes keywords
        status: str,
    ) -> None:
        self.sandbox.reset()
        self.renamed = 0
        self.sandbox.behavior = Behavior(
            pending_looks=pending_looks,
            stopping_looks=stopping_looks,
            answer_lag=answer_lag,
            keeps_arn=keeps_arn,
            stopping_source_status=status,
        )
        for name in ("a", "b"):
            self.sandbox.create_db_instance(SOURCE, name)

    @invariant()
    def count(self) -> None:
        FIGURES["steps of the protection machine"] += 1

    # The state of the sandbox

    def live(self) -> dict[str, int]:
        """Return the retention of each active replication by its resource ID."""
        state = self.sandbox._state  # pyright: ignore[reportPrivateUsage]
        kept = state.kept_in(ACCOUNT, DESTINATION)
        found = [
            (b.facts["DbiResourceId"], b.facts["BackupRetentionPeriod"]) for b in kept if b.live
        ]
        assert len(dict(found)) == len(found), "an instance replicates twice"
        return dict(found)

    def id_of(self, name: str) -> str:
        (instance,) = self.source.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
        return str(instance["DbiResourceId"])

    def is_available(self, name: str) -> bool:
        (instance,) = self.source.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
        return str(instance["DBInstanceStatus"]) == "available"

    def add_faults(self, chosen: list[tuple[Operation, Any, int]]) -> None:
        self.sandbox._faults.clear()  # pyright: ignore[reportPrivateUsage]
        for operation, kind, times in chosen:
            if kind == "lose":
                self.sandbox.lose_answer(operation, times=times)
            elif kind == "reset":
                self.sandbox.reset_connection(operation, times=times)
            else:
                self.sandbox.add_fault(operation, kind, times=times)

    # The steps

    @rule(name=names, retention=retentions, chosen=faults)
    def ensure(self, name: str, retention: int, chosen: list[Any]) -> None:
        own, before = self.id_of(name), self.live()
        self.add_faults(chosen)
        result, _, _ = self.run(
            lambda: self.client.ensure_replication(
                source_db_instance_arn=arn_of(name), backup_retention_period=retention
            )
        )
        after = self.live()
        assert before.items() <= after.items()  # it never stops anything
        if result is not None and result.source_checked:
            assert result.backup.dbi_resource_id == own
        if result is not None and result.action == "started" and result.source_checked:
            assert after[own] == retention

    @rule(
        name=names,
        retention=retentions,
        chosen=faults,
        interrupt_at=st.none() | st.integers(1, 8),
    )
    def replace(
        self, name: str, retention: int, chosen: list[Any], interrupt_at: int | None
    ) -> None:
        own, before = self.id_of(name), self.live()
        self.add_faults(chosen)
        reports = 0

        def show(_: ReplacementProgress) -> None:
            nonlocal reports
            reports += 1
            if reports == interrupt_at:
                raise KeyboardInterrupt

        result, error, texts = self.run(
            lambda: self.client.replace_replication(
                source_db_instance_arn=arn_of(name),
                backup_retention_period=retention,
                timeout=TIMEOUT if chosen else 10 * TIMEOUT,
                on_progress=show,
            )
        )
        after = self.live()
        others = {id_: days for id_, days in before.items() if id_ != own}
        assert others.items() <= after.items()
        if result is not None and not result.source_checked:
            assert result.backup.db_instance_arn == arn_of(name)
        elif result is not None and (result.action != "unchanged" or self.is_available(name)):
            assert after.get(own) == retention
        elif isinstance(error, errors.ReplacementError):
            assert error.is_protected in (None, own in after), (error, after)
            assert error.former.backup_retention_period is not None
            assert any(str(error) == text for text in texts)
        elif isinstance(error, KeyboardInterrupt):
            is_gone = own in before and own not in after
            assert not is_gone or any("may have been stopped" in text for text in texts)
        elif own in before:
            assert after.get(own) == before[own], error

    @rule(name=names, retention=retentions)
    def replace_again(self, name: str, retention: int) -> None:
        """Without faults, a replacement succeeds, as soon as the source is no longer busy."""
        for _ in range(10):
            self.replace(name, retention, [], None)
            if self.is_available(name):
                break
        self.replace(name, retention, [], None)
        assert self.live()[self.id_of(name)] == retention

    @rule(name=names, chosen=faults)
    def ensure_stopped(self, name: str, chosen: list[Any]) -> None:
        own, before = self.id_of(name), self.live()
        self.add_faults(chosen)
        result, error, _ = self.run(
            lambda: self.client.ensure_stopped(source_db_instance_arn=arn_of(name))
        )
        after = self.live()
        others = {id_: days for id_, days in before.items() if id_ != own}
        assert others.items() <= after.items()
        if error is None and not chosen:
            assert own not in after
            assert result is None or own in before

    @rule(name=names)
    def rename_and_recreate(self, name: str) -> None:
        self.add_faults([])
        self.renamed += 1
        new_name = f"{name}-old{self.renamed}"
        self.source.modify_db_instance(
            DBInstanceIdentifier=name, NewDBInstanceIdentifier=new_name, ApplyImmediately=True
        )
        self.sandbox.create_db_instance(SOURCE, name)

    @rule(name=names)
    def wait(self, name: str) -> None:
        self.add_faults([])
        own, before = self.id_of(name), self.live()
        result, _, _ = self.run(
            lambda: self.client.wait_until_replicating(
                source_db_instance_arn=arn_of(name), timeout=TIMEOUT
            )
        )
        # Right after a stop, a stale response may still show the replication.
        assert result is not None or own not in before

    def run(self, call: Callable[[], Any]) -> tuple[Any, BaseException | None, list[str]]:
        """Run a call, and return its result, its error and what was logged."""
        records, logger = _Records(), logging.getLogger("rds_backup_replication")
        logger.addHandler(records)
        try:
            return call(), None, records.texts
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # the step judges it
            return None, error, records.texts
        finally:
            logger.removeHandler(records)
            self.add_faults([])
