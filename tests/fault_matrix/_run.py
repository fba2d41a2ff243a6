"""Runs of cells: one call of a method, with one fault, in one retry mode."""

import logging
import os
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

import pytest
from boto3.session import Session
from botocore.config import Config

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication._client_base import context_of
from rds_backup_replication._clock import InstantClock
from rds_backup_replication._limits import WAIT_TIMEOUT

from ._faults import Fault, list_faults
from ._methods import Method, summarize_state
from ._rds import PlainRDS
from ._results import summarize
from ._server import FaultyServer, Injection, Wire, serve

Mode = Literal["legacy", "standard", "adaptive"]
MODES: tuple[Mode, ...] = get_args(Mode)
ATTEMPTS: dict[Mode, int] = {"legacy": 5, "standard": 3, "adaptive": 3}
"""botocore's defaults."""
SECRETS = ("the-secret-access-key", "the-session-token")

_LONG_PAUSE = 20


class FewPollsClock(InstantClock):
    """A clock on which few polls reach the default timeout, because long pauses last longer."""

    def __init__(self, polls: int) -> None:
        super().__init__()
        self._pause = WAIT_TIMEOUT.total_seconds() / (polls - 1)

    def sleep(self, seconds: float, /) -> None:
        super().sleep(seconds if seconds < _LONG_PAUSE else self._pause)


class FewPollsClient(BackupReplicationClient):
    """A client whose clock can change before every call."""

    def set_polls(self, polls: int) -> None:
        """Set how many polls reach the default timeout of a wait."""
        context_of(self).clock = FewPollsClock(polls)


@dataclass(frozen=True)
class Cell:
    """One fault of one call that a method makes."""

    method: Method
    call_number: int
    """The position of the call among the calls that the method makes without a fault."""
    action: str
    action_number: int
    """The position of the call among the calls of the same operation."""
    fault: Fault
    always: bool
    """Whether every further attempt has the fault as well."""

    @property
    def modes(self) -> tuple[Mode, ...]:
        """Return the retry modes to run: ``adaptive`` differs from ``standard`` only in retries."""
        return MODES if self.fault.is_retried else MODES[:2]

    def __str__(self) -> str:
        where = f"{self.method.heading}, {self.call_number} {self.action}"
        return f"{where}, {self.fault.name}, {'always' if self.always else 'once'}"


@dataclass(frozen=True)
class Observation:
    """What a call returned or raised, sent, logged and changed."""

    outcome: str
    error: Exception | None
    result: Any
    state: str
    wire: Wire
    warnings: tuple[str, ...]


class _Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


class Bench:
    """Clients in every retry mode, and their server."""

    def __init__(self, server: FaultyServer) -> None:
        self._server = server
        session = Session("AKIAIOSFODNN7EXAMPLE", *SECRETS)
        self._clients = {
            mode: FewPollsClient(
                session=session,
                region_name="us-east-1",
                endpoint_url=server.endpoint_url,
                # botocore spends a tenth of the time on its default user agent.
                config=Config(retries={"mode": mode}, proxies={}, user_agent="fault-matrix"),
            )
            for mode in MODES
        }

    def run(
        self,
        method: Method,
        mode: Mode,
        injection: Injection | None = None,
        rds: PlainRDS | None = None,
    ) -> Observation:
        """Call a method in its situation or in a state, and return all that can be observed."""
        wire = self._server.wire = Wire(rds or method.make_rds(), injection)
        client = self._clients[mode]
        client.set_polls(method.polls)
        error, result = None, None
        warnings = _Warnings()
        logger = logging.getLogger("rds_backup_replication")
        logger.addHandler(warnings)
        try:
            result = method.call(client)
        except Exception as raised:  # noqa: BLE001  # the contract judges the error
            error = raised
        finally:
            logger.removeHandler(warnings)
        outcome = summarize(result) if error is None else type(error).__name__
        state = summarize_state(wire.rds)
        return Observation(outcome, error, result, state, wire, tuple(warnings.texts))

    @cache  # noqa: B019  # the bench lives as long as the process
    def run_without_fault(self, method: Method) -> Observation:
        """Call a method without a fault."""
        return self.run(method, "legacy")

    def cells(self, method: Method) -> Iterator[Cell]:
        """Yield every fault of every call that the method makes, once and always."""
        numbers: Counter[str] = Counter()
        for number, attempts in enumerate(self.run_without_fault(method).wire.calls(), 1):
            action = attempts[0].action
            numbers[action] += 1
            if method.faulty_calls and number not in method.faulty_calls:
                continue
            for fault in list_faults(action):
                # Stale polls matter only if the fault hides that the operation took effect.
                if method.make_rds().stale_polls and not fault.takes_effect:
                    continue
                # With a single request, once and always are the same.
                is_single_attempt = method.is_operation and not fault.is_retried
                for always in (True,) if is_single_attempt else (False, True):
                    yield Cell(method, number, action, numbers[action], fault, always)

    def run_cell(self, cell: Cell, mode: Mode) -> Observation:
        """Call a cell's method with its fault."""
        injection = Injection(cell.fault, cell.call_number, cell.action, cell.always)
        return self.run(cell.method, mode, injection)

    def run_again(self, cell: Cell, mode: Mode, rds: PlainRDS) -> Observation:
        """Call a cell's method without a fault, in the state after the fault."""
        return self.run(cell.method, mode, rds=rds)


@contextmanager
def open_bench() -> Generator[Bench]:
    """Yield a bench on which botocore retries every call without a pause."""
    with pytest.MonkeyPatch.context() as patch, serve() as server:
        # The machine's own AWS configuration must not change the results.
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            patch.setenv(name, os.devnull)

        def no_pause(_: float) -> None:
            """Return at once."""

        def always_true(*_: object, **__: object) -> bool:
            return True

        patch.setattr("botocore.endpoint.time.sleep", no_pause)
        patch.setattr("botocore.retries.bucket.TokenBucket.acquire", always_true)
        # A new client for every cell, with a full quota, would take ten times as long.
        patch.setattr("botocore.retries.quota.RetryQuota.acquire", always_true)
        yield Bench(server)
